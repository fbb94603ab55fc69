/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists a tree: all that stat, readdir, readlink, the data by read and by mmap, and extended attributes show. Run on Linux
 * over a folder and in the VM over the same one by 9p, the output must be the same.
 *     ninep_list DIR              lists DIR
 *     ninep_list 9p TAG OPTIONS [again]   mounts TAG on /mnt and lists that; "again": twice, the second time is printed
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *root;
static int quiet;

#define SAY(...) (quiet ? 0 : printf(__VA_ARGS__))

static unsigned long sum_bytes(unsigned long sum, const unsigned char *p, size_t n)
{
    while (n--)
        sum = sum * 1099511628211ul ^ *p++;
    return sum;
}

static void show_data(const char *path, off_t size)
{
    static unsigned char buffer[70001];
    unsigned long by_read = 0, by_map = 0;
    int fd = open(path, O_RDONLY);
    ssize_t n;

    if (fd < 0) {
        SAY("  open: %s\n", strerrorname_np(errno));
        return;
    }
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        by_read = sum_bytes(by_read, buffer, (size_t)n);
    if (size) {
        unsigned char *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (p != MAP_FAILED) {
            by_map = sum_bytes(0, p, (size_t)size);
            munmap(p, (size_t)size);
        }
    }
    n = pread(fd, buffer, 100, size / 2 + 1);
    SAY("  data %016lx map %016lx middle %zd %016lx\n", by_read, by_map, n, sum_bytes(0, buffer, n > 0 ? (size_t)n : 0));
    close(fd);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_attributes(const char *path)
{
    static char list[65536], value[65536];
    char *names[64];
    ssize_t n = llistxattr(path, list, sizeof(list));
    int count = 0;

    for (ssize_t at = 0; at < n && count < 64; at += (ssize_t)strlen(list + at) + 1)
        if (!strncmp(list + at, "user.", 5))
            names[count++] = list + at;
    qsort(names, (size_t)count, sizeof(*names), compare);
    for (int i = 0; i < count; i++) {
        ssize_t size = lgetxattr(path, names[i], value, sizeof(value));

        SAY("  %s %zd %016lx small %zd\n", names[i], size, sum_bytes(0, (unsigned char *)value, size > 0 ? (size_t)size : 0),
            lgetxattr(path, names[i], value, 1));
    }
    if (lgetxattr(path, "user.none", value, sizeof(value)) < 0)
        SAY("  user.none %s\n", strerrorname_np(errno));
}

static void show(const char *path);

static void show_directory(const char *path)
{
    char *names[4096], child[8192];
    long middle = -1;
    struct dirent *e;
    DIR *d = opendir(path);
    int n = 0, again = 0, rest = 0, types = 0;

    if (!d) {
        SAY("  opendir: %s\n", strerrorname_np(errno));
        return;
    }
    while (n < 4096 && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            types += e->d_type;
        names[n++] = strdup(e->d_name);
        if (n == 7)
            middle = telldir(d);
    }
    rewinddir(d);
    while (readdir(d))
        again++;
    if (middle >= 0) {
        seekdir(d, middle);
        while (readdir(d))
            rest++;
    }
    closedir(d);
    SAY("  %d names, again %d, after the seventh %d, types %d\n", n, again, rest, types);
    qsort(names, (size_t)n, sizeof(*names), compare);
    for (int i = 0; i < n; i++) {
        snprintf(child, sizeof(child), "%s/%s", path, names[i]);
        if (strcmp(names[i], ".") && strcmp(names[i], ".."))
            show(child);
        free(names[i]);
    }
}

static void show(const char *path)
{
    struct stat st;
    char target[4200];
    ssize_t n;

    SAY("%s:", path + strlen(root));
    if (lstat(path, &st)) {
        SAY(" %s\n", strerrorname_np(errno));
        return;
    }
    SAY(" mode %o uid %u gid %u nlink %lu size %ld rdev %u:%u blocks %ld mtime %ld.%09ld ctime %ld.%09ld\n", st.st_mode, st.st_uid,
        st.st_gid, (unsigned long)st.st_nlink, (long)st.st_size, major(st.st_rdev), minor(st.st_rdev), (long)st.st_blocks,
        (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    show_attributes(path);
    if (S_ISLNK(st.st_mode)) {
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        SAY("  -> %s\n", target);
        SAY("  stat %s\n", stat(path, &st) ? strerrorname_np(errno) : "ok");
    } else if (S_ISREG(st.st_mode)) {
        show_data(path, st.st_size);
    } else if (S_ISDIR(st.st_mode)) {
        show_directory(path);
    }
}

/* Names that are not there, deep ones too, and twice. */
static void show_missing(void)
{
    static const char *const paths[] = {"/missing", "/missing/below", "/dir/missing", "/dir/sub/missing/deeper", "/file/below",
                                        "/dir/sub/deep/x/../missing", "/link/missing", "/loop", "/dir/sub/../../file"};
    char path[8192];
    struct stat st;

    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
            snprintf(path, sizeof(path), "%s%s", root, paths[i]);
            SAY("stat %s: %s\n", paths[i], stat(path, &st) ? strerrorname_np(errno) : "ok");
        }
}

int main(int argc, char **argv)
{
    if (argc >= 4 && !strcmp(argv[1], "9p")) {
        mkdir("/mnt", 0755);
        if (mount(argv[2], "/mnt", "9p", 0, argv[3])) {
            printf("mount: %s\n", strerrorname_np(errno));
            return 1;
        }
        root = "/mnt";
        quiet = argc > 4;
        for (int i = 4; i < argc; i++) {
            show_missing();
            show(root);
        }
        quiet = 0;
    } else {
        root = argv[1];
    }
    show_missing();
    show(root);
    return 0;
}
