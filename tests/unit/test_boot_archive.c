/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpio reader. sources: loader/archive.c */
#include <string.h>
#include "loader/archive.h"
#include "tests/unit/test.h"

static char buffer[4096];
static size_t size;

static void add_padded(const char *name, unsigned mode, const char *data, size_t n, size_t name_size)
{
    size += (size_t)sprintf(buffer + size, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 7, mode, 1000,
                            100, 1, 0x5f000000, (unsigned)n, 8, 1, 0, 0, (unsigned)name_size, 0);
    memset(buffer + size, 0, name_size);
    strcpy(buffer + size, name);
    size += name_size;
    while (size % 4)
        buffer[size++] = 0;
    memcpy(buffer + size, data, n);
    size += n;
    while (size % 4)
        buffer[size++] = 0;
}

static void add(const char *name, unsigned mode, const char *data)
{
    add_padded(name, mode, data, strlen(data), strlen(name) + 1);
}

static void make(void)
{
    size = 0;
    add("bin", 040755, "");
    add("./bin/hello", 0100755, "contents");
    add("/etc/name", 0100644, "x");
    add_padded("padded", 0100644, "page", 4, 3000);
    add("link", 0120777, "bin/hello");
    add("empty", 0100600, "");
    add("TRAILER!!!", 0, "");
}

TEST(entries)
{
    struct archive a;
    struct archive_entry e;
    make();
    CHECK(archive_is_cpio(buffer, size));
    archive_open(&a, buffer, size);
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, "bin") && e.mode == 040755 && e.size == 0);
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, "bin/hello") && e.size == 8 && !memcmp(e.data, "contents", 8));
    CHECK(e.uid == 1000 && e.gid == 100 && e.mtime == 0x5f000000);
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, "etc/name") && e.size == 1);
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, "padded") && e.size == 4 && !memcmp(e.data, "page", 4));
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, "link") && e.size == 9);
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, "empty") && e.size == 0);
    CHECK(archive_next(&a, &e) == 0);
}

TEST(root_names)
{
    struct archive a;
    struct archive_entry e;
    size = 0;
    add(".", 040755, "");
    add("/", 040755, "");
    add(".hidden", 0100644, "");
    add("TRAILER!!!", 0, "");
    archive_open(&a, buffer, size);
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, ""));
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, ""));
    CHECK(archive_next(&a, &e) == 1 && !strcmp(e.name, ".hidden"));
    CHECK(archive_next(&a, &e) == 0);
}

/* Reads all of a copy of exactly n bytes. */
static int read_all(const char *data, size_t n)
{
    struct archive a;
    struct archive_entry e;
    char *copy = malloc(n ? n : 1);
    memcpy(copy, data, n);
    archive_open(&a, copy, n);
    int result;
    while ((result = archive_next(&a, &e)) == 1) {
        CHECK(e.data >= copy && e.data + e.size <= copy + n);
        CHECK(strlen(e.name) < n);
    }
    CHECK(result == 0 || (result == -EINVAL && a.error));
    free(copy);
    return result;
}

TEST(every_truncation)
{
    make();
    CHECK(read_all(buffer, size) == 0);
    for (size_t n = 0; n + 124 < size; n++)
        CHECK(read_all(buffer, n) == -EINVAL);
}

TEST(random_damage)
{
    for (int i = 0; i < 50000; i++) {
        make();
        for (u64 k = 1 + test_random(4); k; k--)
            buffer[test_random(size)] = (char)(test_random(2) ? '0' + test_random(60) : test_random(256));
        read_all(buffer, size);
    }
}
