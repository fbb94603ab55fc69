/* SPDX-License-Identifier: BSD-2-Clause */
/* What an access to memory leads to: signals and their codes, stack growth, addresses given to the kernel. */
#include "mem.h"
#include <fcntl.h>
#include <sys/resource.h>

static void protections(void)
{
    char *p = get(8 * PAGE, RW, ANON);
    TOUCH(p, 'r');
    TOUCH(p + PAGE, 'w');
    TOUCH(p, 'x');
    SHOW(mprotect(p, PAGE, PROT_READ));
    TOUCH(p, 'w');
    TOUCH(p, 'r');
    SHOW(mprotect(p, PAGE, PROT_NONE));
    TOUCH(p, 'r');
    TOUCH(p, 'w');
    TOUCH(p, 'x');
    SHOW(mprotect(p, PAGE, PROT_WRITE));
    TOUCH(p, 'w');
    TOUCH(p, 'r');
    SHOW(mprotect(p, PAGE, RW));
    *p = (char)0xc3; /* ret */
    TOUCH(p, 'x');
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
    TOUCH(p, 'x');
    TOUCH(p, 'w');
    SHOW(mprotect(p, PAGE, RW | PROT_EXEC));
    TOUCH(p, 'x');
    SHOW(munmap(p, PAGE));
    TOUCH(p, 'r');
    TOUCH(p, 'w');
    TOUCH(p, 'x');
    TOUCH((char *)0, 'r');
    TOUCH((char *)8, 'w');
    TOUCH((char *)0xfff, 'x');
}

static void past_the_end(void)
{
    int fd = memfd_create("past", 0);
    SHOW(ftruncate(fd, PAGE + 100));
    for (int shared = 0; shared < 2; shared++) {
        char *p = mmap(NULL, 4 * PAGE, RW, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
        TOUCH(p + PAGE + 4000, 'r');
        TOUCH(p + 2 * PAGE, 'r');
        TOUCH(p + 3 * PAGE, 'w');
        SHOW(ftruncate(fd, 3 * PAGE));
        TOUCH(p + 2 * PAGE, 'w');
        SHOW(ftruncate(fd, PAGE + 100));
        TOUCH(p + 2 * PAGE, 'r');
        TOUCH(p + PAGE, 'r');
        SHOW(ftruncate(fd, 0));
        TOUCH(p, 'r');
        SHOW(ftruncate(fd, PAGE + 100));
        TOUCH(p, 'r');
        printf("reads %d\n", p[0]);
        munmap(p, 4 * PAGE);
    }
    /* The kernel's access to such a page is an error, not a signal. */
    char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    int pipes[2];
    SHOW(pipe(pipes));
    SHOW(write(pipes[1], p + 2 * PAGE, 10));
    SHOW(write(pipes[1], p, 10));
    SHOW(read(pipes[0], p + 2 * PAGE, 10));
    char *q = get(PAGE, PROT_READ, ANON);
    SHOW(write(pipes[1], p, 10));
    SHOW(read(pipes[0], q, 10));
    SHOW(syscall(SYS_read, pipes[0], NULL, 10));
    SHOW(munmap(q, PAGE));
    SHOW(write(pipes[1], q, 10));
}

static int deep(int n)
{
    volatile char frame[8000];
    frame[0] = n;
    return n == 0 ? 0 : deep(n - 1) + frame[0] - n + 1;
}

static volatile int depth;
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int endless(int n)
{
    volatile char frame[2000];
    frame[0] = n;
    depth = n;
    return endless(n + 1) + frame[0];
}

static void stacks(void)
{
    struct rlimit r = {8 * MB, RLIM_INFINITY};
    SHOW(setrlimit(RLIMIT_STACK, &r));
    printf("depth %d\n", deep(900)); /* 7 MB */
    if (sigsetjmp(mem_jump, 1) == 0)
        endless(0);
    printf("overflow: signal %d code %d after about %d MB\n", mem_signal == SIGSEGV, mem_code == SEGV_MAPERR,
           (int)((depth * 2064l + (1 << 19)) >> 20));

    /* A mapping that grows: down, not up, and not into its neighbour. */
    char *p = get(4 * MB, PROT_NONE, ANON);
    SHOW(munmap(p, 4 * MB));
    char *s = mmap(p + 3 * MB, PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    printf("growsdown mapped %d\n", s == p + 3 * MB);
    TOUCH(s, 'w');
    TOUCH(s - 1, 'w');
    TOUCH(s - MB, 'w');
    TOUCH(s + PAGE, 'r');
    char *below = mmap(p, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
    printf("neighbour mapped %d\n", below == p);
    TOUCH(p + MB + PAGE, 'w');
    TOUCH(p + MB - PAGE, 'w');
    TOUCH(p + PAGE, 'r');
    SHOW(mprotect(s - PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
    TOUCH(s - MB, 'w');
    TOUCH(s - MB, 'r');
    SHOW(mprotect(s, PAGE, PROT_READ | PROT_GROWSUP));
    SHOW(mprotect(s, PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
    SHOW(mprotect(below, PAGE, PROT_READ | PROT_GROWSDOWN));
}

int main(void)
{
    catch_faults();
    protections();
    past_the_end();
    stacks();
    return 0;
}
