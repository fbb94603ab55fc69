// SPDX-License-Identifier: BSD-2-Clause
/* Files of a tmpfs (/dev/shm), all of them in memory: names, attributes, reads, writes, listings and mappings. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define DIRECTORY "/dev/shm/aril-bench"
#define BELOW     DIRECTORY "/one/two/three"
#define FILE_NAME BELOW "/file"
#define FILE_SIZE (1l << 20)
#define NAMES     1000
#define PIECE     65536

static char buffer[PIECE];

/* The file of FILE_SIZE bytes, made the first time; open for reading and writing. */
static int open_file(void)
{
    int fd = open(FILE_NAME, O_RDWR);

    if (fd >= 0)
        return fd;
    mkdir(DIRECTORY, 0755);
    mkdir(DIRECTORY "/one", 0755);
    mkdir(DIRECTORY "/one/two", 0755);
    mkdir(BELOW, 0755);
    fd = open(FILE_NAME, O_RDWR | O_CREAT, 0644);
    MUST(fd >= 0);
    memset(buffer, 1, sizeof(buffer));
    for (long done = 0; done < FILE_SIZE; done += PIECE)
        MUST(write(fd, buffer, PIECE) == PIECE);
    return fd;
}

void remove_files(void)
{
    unlink(FILE_NAME);
    rmdir(BELOW);
    rmdir(DIRECTORY "/one/two");
    rmdir(DIRECTORY "/one");
    for (int i = 0; i < NAMES; i++) {
        char name[64];

        snprintf(name, sizeof(name), DIRECTORY "/names/%d", i);
        unlink(name);
    }
    rmdir(DIRECTORY "/names");
    rmdir(DIRECTORY);
}

static double run_stat(long n)
{
    struct stat st;

    close(open_file());
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(!stat(FILE_NAME, &st));
    return since(start, n);
}

static double run_stat_missing(long n)
{
    struct stat st;

    close(open_file());
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(stat(BELOW "/missing", &st));
    return since(start, n);
}

static double run_fstat(long n)
{
    struct stat st;
    int fd = open_file();

    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(!fstat(fd, &st));
    double each = since(start, n);
    close(fd);
    return each;
}

static double run_open(long n)
{
    close(open_file());
    uint64_t start = now();
    for (long i = n; i; i--) {
        int fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);

        MUST(fd >= 0);
        close(fd);
    }
    return since(start, n);
}

static double run_create(long n)
{
    close(open_file());
    uint64_t start = now();
    for (long i = n; i; i--) {
        int fd = open(BELOW "/new", O_WRONLY | O_CREAT | O_EXCL, 0644);

        MUST(fd >= 0);
        close(fd);
        MUST(!unlink(BELOW "/new"));
    }
    return since(start, n);
}

/* n transfers of size bytes, at positions in sequence. */
static double transfers(long n, size_t size, ssize_t (*one)(int fd, size_t size, off_t at))
{
    int fd = open_file();

    uint64_t start = now();
    for (long i = 0; i < n; i++)
        MUST(one(fd, size, (off_t)(i * size % FILE_SIZE)) == (ssize_t)size);
    double each = since(start, n);
    close(fd);
    return each;
}

static ssize_t read_one(int fd, size_t size, off_t at)
{
    return pread(fd, buffer, size, at);
}

static ssize_t write_one(int fd, size_t size, off_t at)
{
    return pwrite(fd, buffer, size, at);
}

static double run_read_1(long n)
{
    return transfers(n, 1, read_one);
}

static double run_read_64k(long n)
{
    return transfers(n, PIECE, read_one);
}

static double run_write_1(long n)
{
    return transfers(n, 1, write_one);
}

static double run_write_64k(long n)
{
    return transfers(n, PIECE, write_one);
}

/* n times a whole directory of NAMES. */
static double run_getdents(long n)
{
    static int made;
    char name[64];

    close(open_file());
    if (!made) {
        mkdir(DIRECTORY "/names", 0755);
        for (int i = 0; i < NAMES; i++) {
            snprintf(name, sizeof(name), DIRECTORY "/names/%d", i);
            int fd = open(name, O_WRONLY | O_CREAT, 0644);

            MUST(fd >= 0);
            close(fd);
        }
        made = 1;
    }
    int fd = open(DIRECTORY "/names", O_RDONLY | O_DIRECTORY);

    MUST(fd >= 0);
    uint64_t start = now();
    for (long i = n; i; i--) {
        MUST(!lseek(fd, 0, SEEK_SET));
        while (syscall(SYS_getdents64, fd, buffer, 32768) > 0)
            ;
    }
    double each = since(start, n);
    close(fd);
    return each;
}

/* n times all of the file: one read of each of its pages. */
static double run_map(long n)
{
    int fd = open_file();

    uint64_t start = now();
    for (long i = n; i; i--) {
        volatile char *p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);

        MUST(p != MAP_FAILED);
        for (long at = 0; at < FILE_SIZE; at += 4096)
            p[at];
        munmap((void *)p, FILE_SIZE);
    }
    double each = since(start, n);
    close(fd);
    return each;
}

const struct row file_rows[] = {
    {"stat", run_stat, 500, 0},
    {"stat, name missing", run_stat_missing, 500, 0},
    {"fstat", run_fstat, 500, 0},
    {"open and close", run_open, 500, 0},
    {"create and unlink", run_create, 200, 0},
    {"read 1 B of a file", run_read_1, 1000, 0},
    {"read 64 KiB of a file", run_read_64k, 50, 0},
    {"write 1 B to a file", run_write_1, 1000, 0},
    {"write 64 KiB to a file", run_write_64k, 50, 0},
    {"getdents, 1,000 names", run_getdents, 5, 0},
    {"mmap, touch, munmap 1 MiB of a file", run_map, 5, 0},
    {0},
};
