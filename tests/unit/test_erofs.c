/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EROFS images as mkfs.erofs writes them, read back and compared with the tree they were made of; and what is not an image.
 * sources: fs/erofs/image.c fs/erofs/clusters.c fs/erofs/directory.c fs/erofs/xattr.c kernel/lib/lz4.c tests/unit/erofs_host.c
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "fs/erofs/image.h"
#include "tests/unit/erofs_host.h"
#include "tests/unit/test.h"

#define TREE_FILES 400u

static char root[64], image_path[96];

static void make_file(const char *name, size_t size, int kind)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *f = fopen(path, "w");
    CHECK(f);
    for (size_t done = 0; done < size;) {
        char block[5000];
        size_t n = MIN(sizeof(block), size - done);
        for (size_t i = 0; i < n; i++)
            block[i] = kind == 0 ? (char)test_random(256)                       /* does not compress */
                       : kind == 1 ? (char)('a' + (done + i) / 7 % 26)          /* does well */
                       : kind == 2 ? 0                                           /* zeros */
                       : test_random(20) ? "the quick brown fox "[i % 20] : (char)test_random(256);
        if (kind == 4)
            memset(block, (int)test_random(done / 60000 % 2 ? 256 : 2), n);
        CHECK(fwrite(block, 1, n, f) == n);
        done += n;
    }
    fclose(f);
}

static void make_tree(void)
{
    static const size_t sizes[] = {0, 1, 100, 4095, 4096, 4097, 8192, 12288, 20000, 65536, 65537, 300000, 700000};
    char path[600], name[300];

    strcpy(root, "/tmp/erofs-tree.XXXXXX");
    CHECK(mkdtemp(root));
    snprintf(image_path, sizeof(image_path), "%s.img", root);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (int kind = 0; kind < 5; kind++) {
            snprintf(name, sizeof(name), "f%zu-%d", sizes[i], kind);
            make_file(name, sizes[i], kind);
        }
    }
    snprintf(path, sizeof(path), "%s/many", root);
    mkdir(path, 0755);
    for (unsigned i = 0; i < TREE_FILES; i++) {
        snprintf(name, sizeof(name), "many/%0*u", 3 + (int)(i * 7 % 240), i);
        make_file(name, i, 1);
    }
    snprintf(path, sizeof(path), "cd %s && ln -s target short && ln -s $(printf 'x%%.0s' $(seq 1 3000)) long && ln f100-0 second-name"
             " && mkfifo fifo && mkdir -p d/e/f/g/h && echo deep >d/e/f/g/h/file && truncate -s 7M hole && echo end >>hole", root);
    CHECK(system(path) == 0);
    snprintf(path, sizeof(path), "%s/f4097-1", root);
    CHECK(setxattr(path, "user.one", "1", 1, 0) == 0 && setxattr(path, "user.empty", "", 0, 0) == 0);
    memset(name, 'v', sizeof(name));
    CHECK(setxattr(path, "user.large", name, sizeof(name), 0) == 0);
}

static void compare_file(struct erofs_image *m, const struct erofs_node *n, const char *path)
{
    int fd = open(path, O_RDONLY);
    char *want = malloc(n->size + 1), *got = malloc(n->size + 20000);
    struct erofs_target whole = {.flat = got};

    CHECK(fd >= 0 && want && got && read(fd, want, n->size + 1) == (ssize_t)n->size);
    close(fd);
    memset(got + n->size, 0x55, 20000);
    CHECK(erofs_read(m, n, 0, n->size + 100, &whole) == 0 && !memcmp(got, want, n->size));
    CHECK(got[n->size] == 0 && got[n->size + 99] == 0 && got[n->size + 100] == 0x55);
    /* As the page cache reads: some pages from somewhere. */
    for (unsigned i = 0; i < 3 && n->size; i++) {
        void *pages[64];
        u64 index = test_random((n->size + 4095) / 4096), count = 1 + test_random(64);
        for (unsigned p = 0; p < count; p++)
            pages[p] = aligned_alloc(4096, 4096);
        struct erofs_target t = {.pages = pages};
        CHECK(erofs_read(m, n, index * 4096, count * 4096, &t) == 0);
        for (unsigned p = 0; p < count; p++) {
            u64 at = (index + p) * 4096, part = at < n->size ? MIN(PAGE_SIZE, n->size - at) : 0;
            CHECK(!memcmp(pages[p], want + at, part));
            for (u64 k = part; k < 4096; k++)
                CHECK(!((char *)pages[p])[k]);
            free(pages[p]);
        }
    }
    free(want);
    free(got);
}

static void compare_xattrs(struct erofs_image *m, const struct erofs_node *n, const char *path)
{
    char list[1000], theirs[1000], a[1000], b[1000];
    ssize ours = erofs_xattr_list(m, n, true, list, sizeof(list)), length = llistxattr(path, theirs, sizeof(theirs));

    CHECK(ours == length && erofs_xattr_list(m, n, true, NULL, 0) == ours);
    for (char *name = list; name < list + ours; name += strlen(name) + 1) {
        ssize size = erofs_xattr_get(m, n, name, a, sizeof(a));
        CHECK(size == lgetxattr(path, name, b, sizeof(b)) && !memcmp(a, b, (size_t)size));
        CHECK(erofs_xattr_get(m, n, name, a, 0) == size && (size < 2 || erofs_xattr_get(m, n, name, a, 1) == -ERANGE));
    }
    CHECK(erofs_xattr_get(m, n, "user.none", a, sizeof(a)) == -ENODATA);
}

struct names {
    unsigned n;
    char name[600][256];
};

static bool add_name(void *arg, const char *name, size_t length, u64 next, u64 ino, u8 type)
{
    struct names *l = arg;
    CHECK(l->n < 600 && length < 256);
    if (!test_random(5))
        return false; /* no room: comes again */
    memcpy(l->name[l->n], name, length);
    l->name[l->n++][length] = 0;
    return true;
}

static unsigned compare_directory(struct erofs_image *m, const struct erofs_node *dir, const char *path)
{
    struct names *l = calloc(1, sizeof(*l));
    unsigned n_theirs = 0, files = 0;
    u64 pos = 0, nid;
    DIR *d = opendir(path);

    while (pos < dir->size)
        CHECK(erofs_list(m, dir, &pos, add_name, l) == 0);
    while (readdir(d))
        n_theirs++;
    closedir(d);
    CHECK(l->n == n_theirs);
    CHECK(erofs_find(m, dir, "absent", 6, &nid) == -ENOENT && erofs_find(m, dir, "\xff\xff", 2, &nid) == -ENOENT);
    for (unsigned i = 0; i < l->n; i++) {
        char child[2000], target[5000], text[5000];
        struct erofs_node n;
        struct stat st;
        snprintf(child, sizeof(child), "%s/%s", path, l->name[i]);
        CHECK(erofs_find(m, dir, l->name[i], strlen(l->name[i]), &nid) == 0 && erofs_node_read(m, nid, &n) == 0);
        if (!strcmp(l->name[i], ".") || !strcmp(l->name[i], ".."))
            continue;
        CHECK(lstat(child, &st) == 0 && n.mode == st.st_mode && n.nlink == st.st_nlink && n.uid == st.st_uid);
        CHECK(S_ISDIR(n.mode) || n.size == (u64)st.st_size);
        files++;
        compare_xattrs(m, &n, child);
        if (S_ISDIR(n.mode))
            files += compare_directory(m, &n, child);
        else if (S_ISREG(n.mode))
            compare_file(m, &n, child);
        else if (S_ISLNK(n.mode)) {
            struct erofs_target t = {.flat = text};
            CHECK(erofs_read(m, &n, 0, n.size, &t) == 0 && readlink(child, target, sizeof(target)) == (ssize)n.size);
            CHECK(!memcmp(text, target, n.size));
        }
    }
    free(l);
    return files;
}

static void compare_image(struct erofs_source *s)
{
    struct erofs_image m;
    struct erofs_node n;
    char why[200];

    CHECK(erofs_image_open(&m, s, why, sizeof(why)) == 0);
    CHECK(erofs_node_read(&m, m.root_nid, &n) == 0 && S_ISDIR(n.mode));
    CHECK(compare_directory(&m, &n, root) > TREE_FILES + 70);
}

static struct erofs_source make_image(const char *options)
{
    char command[500];
    if (!root[0])
        make_tree();
    snprintf(command, sizeof(command), "rm -f %s; mkfs.erofs -d0 --quiet %s %s %s >/dev/null 2>&1", image_path, options, image_path, root);
    CHECK(system(command) == 0);
    return host_image(image_path);
}

static void check_options(const char *options)
{
    struct erofs_source s = make_image(options);
    compare_image(&s);
    s.memory = NULL;
    compare_image(&s);
    host_image_done();
}

TEST(plain) { check_options("-Enoinline_data"); }
TEST(inline_tails) { check_options(""); }
TEST(extended_inodes) { check_options("-Eforce-inode-extended"); }
TEST(compact_inodes) { check_options("-Eforce-inode-compact -T1600000000"); }
TEST(xattrs_shared) { check_options("-x1"); }
TEST(chunks) { check_options("--chunksize=4096"); }
TEST(large_chunks) { check_options("--chunksize=65536"); }
TEST(lz4) { check_options("-zlz4"); }
TEST(lz4hc) { check_options("-zlz4hc,9"); }
TEST(lz4_full_indexes) { check_options("-zlz4 -Elegacy-compress"); }
TEST(lz4_big_clusters) { check_options("-zlz4 -C65536"); }
TEST(lz4hc_largest_clusters) { check_options("-zlz4hc -C1048576"); }
TEST(lz4_full_indexes_big_clusters) { check_options("-zlz4hc -C16384 -Elegacy-compress"); }
TEST(tails_packed) { check_options("-zlz4 -Eztailpacking"); }
TEST(tails_packed_big_clusters) { check_options("-zlz4hc -C65536 -Eztailpacking"); }
TEST(short_extents) { check_options("-zlz4 --max-extent-bytes=9000"); }

TEST(what_is_no_image_is_refused_with_a_reason)
{
    struct erofs_source s = make_image("-zlz4");
    struct erofs_image m;
    char why[200];
    char *bytes = (char *)s.memory;
    u32 *features = (u32 *)(bytes + 1024 + 80);

    *features |= EROFS_FRAGMENTS;
    CHECK(erofs_image_open(&m, &s, why, sizeof(why)) == -EINVAL && strstr(why, "0x20"));
    *features &= ~EROFS_FRAGMENTS;
    bytes[1024 + 12] = 9;
    CHECK(erofs_image_open(&m, &s, why, sizeof(why)) == -EINVAL && strstr(why, "512"));
    bytes[1024] = 0;
    CHECK(erofs_image_open(&m, &s, why, sizeof(why)) == -EINVAL && strstr(why, "superblock"));
    s.size = 1000;
    CHECK(erofs_image_open(&m, &s, why, sizeof(why)) == -EINVAL);
    host_image_done();
    char command[200];
    snprintf(command, sizeof(command), "rm -rf %s %s", root, image_path);
    CHECK(system(command) == 0);
}
