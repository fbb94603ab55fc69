/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For ABI tests: each is run on Linux and in the VM and must print the same. SHOW prints a call's source text and its
 * result, with the errno's name if it is -1. Raw calls by syscall(2), so that no library stands between.
 */
#ifndef ABI_H
#define ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline void abi_show(const char *what, long result, int error)
{
    if (result == -1)
        printf("%s: -1 %s\n", what, strerrorname_np(error));
    else
        printf("%s: %ld\n", what, result);
    fflush(stdout);
}

#define CALL(what, expr)                  \
    do {                                  \
        errno = 0;                        \
        long abi_r = (long)(expr);        \
        abi_show(what, abi_r, errno);     \
    } while (0)
#define SHOW(expr) CALL(#expr, expr)

/* An address that is never mapped. */
#define BAD ((void *)0x10)

static inline void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}

static inline int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

#endif
