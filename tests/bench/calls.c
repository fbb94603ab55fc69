// SPDX-License-Identifier: BSD-2-Clause
/* Calls that do next to nothing, so that what is measured is the way into the kernel and back. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static double run_getppid(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--)
        getppid();
    return since(start, n);
}

/* The number comes in a register: such a site is never patched. */
static double run_getppid_by_number(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--)
        syscall(SYS_getppid);
    return since(start, n);
}

static double run_getpid(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--)
        getpid();
    return since(start, n);
}

static double run_gettid(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--)
        gettid();
    return since(start, n);
}

static double run_clock(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--)
        now();
    return since(start, n);
}

static double run_write_null(long n)
{
    int fd = open("/dev/null", O_WRONLY);
    char c = 0;

    MUST(fd >= 0);
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(write(fd, &c, 1) == 1);
    double each = since(start, n);
    close(fd);
    return each;
}

static double run_read_zero(long n)
{
    int fd = open("/dev/zero", O_RDONLY);
    char c;

    MUST(fd >= 0);
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(read(fd, &c, 1) == 1);
    double each = since(start, n);
    close(fd);
    return each;
}

static double run_pipe(long n)
{
    int fds[2];
    char c = 'x';

    MUST(!pipe(fds));
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(write(fds[1], &c, 1) == 1 && read(fds[0], &c, 1) == 1);
    double each = since(start, n);
    close(fds[0]);
    close(fds[1]);
    return each;
}

const struct row call_rows[] = {
    {"getppid", run_getppid, 2000, 0},
    {"getppid by number", run_getppid_by_number, 2000, 0},
    {"getpid", run_getpid, 2000, 0},
    {"gettid", run_gettid, 2000, 0},
    {"clock_gettime", run_clock, 2000, 0},
    {"write 1 B to /dev/null", run_write_null, 2000, 0},
    {"read 1 B of /dev/zero", run_read_zero, 2000, 0},
    {"pipe, write and read 1 B", run_pipe, 500, 0},
    {0},
};
