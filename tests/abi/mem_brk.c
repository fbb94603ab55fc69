/* SPDX-License-Identifier: BSD-2-Clause */
/* brk: growth, shrinking, limits, neighbours. */
#include "mem.h"
#include <sys/resource.h>

static char *raw_brk(void *p)
{
    return (char *)syscall(SYS_brk, p);
}

int main(void)
{
    catch_faults();
    setvbuf(stdout, NULL, _IONBF, 0);
    char *start = raw_brk(0);
    printf("at the start again: %d\n", raw_brk(0) == start);
    char *end = raw_brk(start + 10000);
    printf("grew by %ld\n", (long)(end - start));
    TOUCH(end - 1, 'w');
    char *page = (char *)(((unsigned long)end + PAGE - 1) & ~(PAGE - 1));
    TOUCH(page - 1, 'w');
    TOUCH(page, 'w');
    printf("too low: %ld\n", (long)(raw_brk((void *)1) - start));
    printf("too high: %ld\n", (long)(raw_brk((void *)-1) - start));
    printf("beyond the address space: %ld\n", (long)(raw_brk((void *)(1ul << 47)) - start));
    start[5000] = 9;
    printf("shrink: %ld\n", (long)(raw_brk(start) - start));
    printf("grow: %ld\n", (long)(raw_brk(start + 10000) - start));
    char *aligned = (char *)(((unsigned long)start + PAGE - 1) & ~(PAGE - 1));
    printf("fresh page reads %d\n", aligned[100]);
    printf("32 MB: %ld\n", (long)(raw_brk(start + 32 * MB) - start));
    memset(aligned, 1, 31 * MB);
    printf("back: %ld\n", (long)(raw_brk(start + MB) - start));
    TOUCH(page + 16 * MB, 'r');

    /* A mapping in the way. */
    page = (char *)(((unsigned long)start + 2 * MB + PAGE - 1) & ~(PAGE - 1));
    printf("mapped: %d\n", mmap(page, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0) == page);
    printf("into it: %ld\n", (long)(raw_brk(page + 1) - start));
    printf("up to it: %d\n", raw_brk(page) == page);
    munmap(page, PAGE);

    struct rlimit r = {8 * MB, RLIM_INFINITY};
    SHOW(setrlimit(RLIMIT_DATA, &r));
    printf("over RLIMIT_DATA: %d\n", raw_brk(start + 64 * MB) == page);
    SHOW(mmap(NULL, 64 * MB, RW, ANON, -1, 0) == MAP_FAILED ? errno : 0);
    char *p = get(64 * MB, PROT_READ, ANON);
    SHOW(mprotect(p, 64 * MB, RW));
    r.rlim_cur = RLIM_INFINITY;
    SHOW(setrlimit(RLIMIT_DATA, &r));
    SHOW(mprotect(p, 64 * MB, RW));
    /* A hole cut by munmap, and the heap grown over it. */
    raw_brk(start + 4 * MB);
    SHOW(munmap(page - MB, PAGE));
    printf("shrink over the hole: %ld\n", (long)(raw_brk(start) - start));
    printf("grow: %ld\n", (long)(raw_brk(start + MB) - start));
    return 0;
}
