/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot archive: what is written is read back by a reader of the cpio format written here.
 * sources: tools/archive.c tools/pack.c tools/hosts.c tools/sources.c tools/options.c tools/usage.c tools/find.c tools/message.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/archive.h"
#include "tools/hosts.h"
#include "tools/pack.h"

struct member {
    char name[4200];
    unsigned mode, inode;
    uint64_t offset, size; /* of the data in the archive */
    const unsigned char *data;
};

static struct member members[64];
static unsigned member_count;
static unsigned char *mapped;

static unsigned field(const unsigned char *header, unsigned index)
{
    char text[9] = {0};

    memcpy(text, header + 6 + 8 * index, 8);
    return (unsigned)strtoul(text, NULL, 16);
}

/* Reads the whole archive into `members`, and checks its form. */
static void read_archive(const struct archive *archive)
{
    uint64_t at = 0;
    struct stat status;

    CHECK(fstat(archive->descriptor, &status) == 0);
    CHECK((uint64_t)status.st_size == archive->size);
    if (mapped)
        munmap(mapped, 1 << 24);
    mapped = mmap(NULL, 1 << 24, PROT_READ, MAP_SHARED, archive->descriptor, 0);
    CHECK(mapped != MAP_FAILED);
    for (member_count = 0;; member_count++) {
        struct member *m = &members[member_count];
        unsigned name_size;

        CHECK(member_count < 64);
        CHECK(at % 4 == 0);
        CHECK(at + 110 <= archive->size);
        CHECK(memcmp(mapped + at, "070701", 6) == 0);
        name_size = field(mapped + at, 11);
        m->inode = field(mapped + at, 0);
        m->mode = field(mapped + at, 1);
        m->size = field(mapped + at, 6);
        m->offset = (at + 110 + name_size + 3) & ~UINT64_C(3);
        CHECK(m->offset + m->size <= archive->size);
        CHECK(mapped[at + 110 + name_size - 1] == 0);
        snprintf(m->name, sizeof(m->name), "%s", (const char *)mapped + at + 110);
        m->data = mapped + m->offset;
        at = (m->offset + m->size + 3) & ~UINT64_C(3);
        if (strcmp(m->name, "TRAILER!!!") == 0)
            break;
    }
    CHECK(at == archive->size);
}

static const struct member *find(const char *name)
{
    const struct member *found = NULL;

    for (unsigned i = 0; i < member_count; i++) {
        if (strcmp(members[i].name, name) == 0) {
            CHECK(!found);
            found = &members[i];
        }
    }
    if (!found)
        printf("# no member %s\n", name);
    CHECK(found);
    return found;
}

/* A temporary file of `size` bytes of a pattern; the descriptor is at its start. */
static int make_file(size_t size)
{
    char path[] = "/tmp/aril-test-XXXXXX";
    int file = mkstemp(path);

    CHECK(file >= 0);
    unlink(path);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)(i * 7 + i / 256);

        CHECK(pwrite(file, &byte, 1, (off_t)i) == 1);
    }
    return file;
}

static void add_file(struct archive *archive, const char *path, size_t size)
{
    struct stat status;
    int file = make_file(size);

    CHECK(fstat(file, &status) == 0);
    CHECK(archive_add_file(archive, path, file, &status, path));
    close(file);
}

TEST(files_of_a_page_or_more_are_aligned)
{
    static const size_t sizes[] = {0, 1, 3, 4095, 4096, 4097, 10000, 8192};
    struct archive archive;

    CHECK(archive_create(&archive, UINT64_MAX));
    for (unsigned i = 0; i < 8; i++) {
        char path[40];

        snprintf(path, sizeof(path), "/d/%.*sfile%u", (int)i, "xxxxxxxx", i);
        add_file(&archive, path, sizes[i]);
    }
    CHECK(archive_finish(&archive));
    read_archive(&archive);
    CHECK(member_count == 9);
    for (unsigned i = 0; i < 8; i++) {
        const struct member *m = &members[i + 1];

        CHECK(m->size == sizes[i]);
        CHECK(S_ISREG(m->mode));
        if (sizes[i] >= 4096)
            CHECK(m->offset % 4096 == 0);
        for (size_t k = 0; k < sizes[i]; k++)
            CHECK(m->data[k] == (unsigned char)(k * 7 + k / 256));
    }
    archive_destroy(&archive);
}

TEST(parents_are_added_once_and_before)
{
    struct archive archive;

    CHECK(archive_create(&archive, UINT64_MAX));
    add_file(&archive, "/a/b/c/file", 5);
    add_file(&archive, "/a/b/other", 5);
    CHECK(archive_add_directory(&archive, "/a/b", NULL));
    CHECK(archive_add_directory(&archive, "/", NULL));
    CHECK(archive_add_symlink(&archive, "/a/l/link", "../b/other", NULL));
    CHECK(archive_finish(&archive));
    read_archive(&archive);
    CHECK(member_count == 7);
    CHECK(strcmp(members[0].name, "a") == 0);
    CHECK(strcmp(members[1].name, "a/b") == 0);
    CHECK(strcmp(members[2].name, "a/b/c") == 0);
    CHECK(strcmp(members[3].name, "a/b/c/file") == 0);
    CHECK(members[0].mode == (S_IFDIR | 0755));
    CHECK(S_ISLNK(find("a/l/link")->mode));
    CHECK(memcmp(find("a/l/link")->data, "../b/other", 10) == 0);
    archive_destroy(&archive);
}

TEST(inodes_differ)
{
    struct archive archive;

    CHECK(archive_create(&archive, UINT64_MAX));
    add_file(&archive, "/one", 1);
    add_file(&archive, "/two", 1);
    CHECK(archive_finish(&archive));
    read_archive(&archive);
    CHECK(find("one")->inode != find("two")->inode);
    archive_destroy(&archive);
}

TEST(a_file_that_shrank_is_an_error)
{
    struct archive archive;
    struct stat status;
    int file = make_file(100);

    CHECK(fstat(file, &status) == 0);
    status.st_size = 5000;
    CHECK(archive_create(&archive, UINT64_MAX));
    CHECK(!archive_add_file(&archive, "/f", file, &status, "host-name"));
    CHECK(strstr(archive.error, "host-name became shorter"));
    close(file);
    archive_destroy(&archive);
}

TEST(the_limit_is_an_error_that_says_what_to_do)
{
    struct archive archive;
    struct stat status;
    int file = make_file(10000);

    CHECK(fstat(file, &status) == 0);
    CHECK(archive_create(&archive, 9000));
    CHECK(!archive_add_file(&archive, "/f", file, &status, "host-name"));
    CHECK(strstr(archive.error, "host-name does not fit"));
    CHECK(strstr(archive.error, "-m"));
    archive_destroy(&archive);
    CHECK(archive_create(&archive, UINT64_MAX));
    status.st_size = (off_t)1 << 32;
    CHECK(!archive_add_file(&archive, "/f", file, &status, "host-name"));
    CHECK(strstr(archive.error, "4 GiB"));
    close(file);
    archive_destroy(&archive);
}

TEST(the_first_error_stays)
{
    struct archive archive;

    CHECK(archive_create(&archive, UINT64_MAX));
    CHECK(!archive_fail(&archive, "first %d", 1));
    CHECK(!archive_fail(&archive, "second"));
    CHECK(strcmp(archive.error, "first 1") == 0);
    archive_destroy(&archive);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    CHECK(file);
    fputs(text, file);
    CHECK(fclose(file) == 0);
}

/* Packs the directory that the test made; `expect_error` is part of the message, or NULL. */
static void pack(struct archive *archive, struct run_options *options, const char *program,
                 const char *expect_error, int expect_status)
{
    struct sources sources = {.directory = -1};
    struct pack_request request = {.options = options,
                                   .sources = &sources,
                                   .program = program,
                                   .guest = "/home/prog",
                                   .exec = "/home/prog",
                                   .cwd = "/home/user"};
    int status;
    bool done;

    CHECK(archive_create(archive, UINT64_MAX));
    done = pack_run(archive, &request, &status);
    CHECK(done == (expect_error == NULL));
    if (!expect_error) {
        read_archive(archive);
        return;
    }
    printf("# %s\n", archive->error);
    CHECK(strstr(archive->error, expect_error));
    CHECK(status == expect_status);
}

TEST(a_run_is_packed_with_its_tree)
{
    char directory[] = "/tmp/aril-test-XXXXXX";
    char *arguments[] = {"prog", "", "two words", NULL};
    char *environment[] = {"A=1", "B=", NULL};
    char *files[] = {"tree:sub/tree", "prog:/abs/../copy", NULL};
    struct run_options options = {
        .arguments = arguments,
        .environment = {environment, 2},
        .files = {files, 2},
    };
    struct archive archive;

    CHECK(mkdtemp(directory));
    CHECK(chdir(directory) == 0);
    write_text("prog", "program");
    CHECK(mkdir("tree", 0700) == 0);
    CHECK(mkdir("tree/deep", 0755) == 0);
    write_text("tree/deep/file", "text");
    CHECK(chmod("tree/deep/file", 0640) == 0);
    CHECK(symlink("deep/file", "tree/link") == 0);
    CHECK(symlink("/nowhere", "tree/dangling") == 0);

    pack(&archive, &options, "prog", NULL, 0);
    CHECK(find(".aril/argv")->size == 4 + 1 + 1 + 10);
    CHECK(memcmp(find(".aril/argv")->data, "prog\0\0two words", 16) == 0);
    CHECK(memcmp(find(".aril/env")->data, "A=1\0B=", 7) == 0);
    CHECK(find(".aril/cwd")->size == 10);
    CHECK(memcmp(find(".aril/exec")->data, "/home/prog", 10) == 0);
    CHECK(S_ISDIR(find("home/user")->mode));
    CHECK(find("home/prog")->size == 7);
    CHECK(find("home/user/sub/tree")->mode == (S_IFDIR | 0700));
    CHECK(find("home/user/sub/tree/deep/file")->mode == (S_IFREG | 0640));
    CHECK(S_ISLNK(find("home/user/sub/tree/link")->mode));
    CHECK(find("home/user/sub/tree/dangling")->size == 8);
    CHECK(find("copy")->size == 7);
    archive_destroy(&archive);

    pack(&archive, &options, "gone", "cannot read gone", 127);
    archive_destroy(&archive);
    files[0] = "nothing:/x";
    pack(&archive, &options, "prog", "cannot read nothing", 125);
    archive_destroy(&archive);
    files[0] = "no-colon";
    pack(&archive, &options, "prog", "HOST:GUEST", 125);
    archive_destroy(&archive);
    files[0] = "tree/link:/x";
    pack(&archive, &options, "prog", NULL, 0);
    CHECK(S_ISREG(find("x")->mode));
    archive_destroy(&archive);
    files[0] = "/proc/self/stat:/x";
    pack(&archive, &options, "prog", "does not tell its size", 125);
    archive_destroy(&archive);
    files[0] = "/dev/null:/x";
    pack(&archive, &options, "prog", "/dev/null is no file", 125);
    archive_destroy(&archive);
    CHECK(mkfifo("tree/pipe", 0600) == 0);
    files[0] = "tree:/x";
    pack(&archive, &options, "prog", "tree/pipe is no file", 125);
    archive_destroy(&archive);

    CHECK(unlink("tree/pipe") == 0 && unlink("tree/dangling") == 0 && unlink("tree/link") == 0);
    CHECK(unlink("tree/deep/file") == 0 && rmdir("tree/deep") == 0 && rmdir("tree") == 0);
    CHECK(unlink("prog") == 0 && chdir("/") == 0 && rmdir(directory) == 0);
}

TEST(a_name_in_hosts_is_a_whole_word_of_a_line)
{
    CHECK(hosts_name("127.0.0.1 localhost\n::1\tip6 Name # rest\n", "name"));
    CHECK(hosts_name("1.2.3.4 a name", "name"));
    CHECK(!hosts_name("name other\n", "name"));
    CHECK(!hosts_name("1.2.3.4 names aname # name\n#1.2.3.4 name\n\n", "name"));
    CHECK(!hosts_name("", "name"));
}
