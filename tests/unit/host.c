/* SPDX-License-Identifier: BSD-2-Clause */
/* What kernel code under test calls and the host must give: the ends of the kernel, strings that libc lacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/lock.h"
#include "kernel/params.h"
#include "kernel/vm_exit.h"
#include "tests/unit/host.h"

jmp_buf host_failure;
bool host_expect_failure;
char host_message[512];

static void __attribute__((noreturn)) failed(const char *kind, const char *format, va_list ap)
{
    vsnprintf(host_message, sizeof(host_message), format, ap);
    if (host_expect_failure) {
        host_expect_failure = false;
        longjmp(host_failure, 1);
    }
    printf("not ok %s - %s\n", kind, host_message);
    exit(1);
}

void panic(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    failed("panic", format, ap);
}

void vm_fail(int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    failed("vm_fail", format, ap);
}

__attribute__((weak)) struct kernel_params params;

__attribute__((weak)) void log_line(enum log_level level, const char *format, ...)
{
}

__attribute__((weak)) void log_set_level(int level)
{
}

void spin_wait(struct spinlock *l)
{
    panic("a spinlock is taken twice");
}

__attribute__((weak)) bool wait_allowed(void)
{
    return false;
}

void preempt_check(void)
{
}

nsec_t platform_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nsec_t)t.tv_sec * NSEC_PER_SEC + (nsec_t)t.tv_nsec;
}

void clear_pages(void *p, size_t n)
{
    memset(p, 0, n * PAGE_SIZE);
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t n = strlen(from);
    if (size)
        snprintf(to, size, "%s", from);
    return n;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t n = strnlen(to, size);
    return n + strlcpy(to + n, from, size - n);
}
