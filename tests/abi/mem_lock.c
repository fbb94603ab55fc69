/* SPDX-License-Identifier: BSD-2-Clause */
/* mlock and its relatives, mincore, msync, remap_file_pages. */
#include "mem.h"
#include <sys/resource.h>

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static int resident(char *p, int pages)
{
    unsigned char vec[64] = {0};
    int n = 0;
    if (mincore(p, pages * PAGE, vec))
        return -1;
    for (int i = 0; i < pages; i++)
        n += vec[i] & 1;
    return n;
}

static void locks(void)
{
    char *p = get(16 * PAGE, RW, ANON);
    SHOW(mlock(p + 10, PAGE));
    printf("resident %d\n", resident(p, 2));
    SHOW(mlock(p, 0));
    SHOW(mlock(p, -1ul));
    SHOW(mlock((void *)0x20000000, PAGE));
    SHOW(munlock((void *)0x20000000, PAGE));
    SHOW(munlock(p, 16 * PAGE));
    SHOW(mlock2(p + 4 * PAGE, 2 * PAGE, MLOCK_ONFAULT));
    SHOW(syscall(SYS_mlock2, p, PAGE, 2));
    SHOW(madvise(p + 4 * PAGE, PAGE, MADV_DONTNEED));
    SHOW(munlock(p + 4 * PAGE, 2 * PAGE));
    SHOW(madvise(p + 4 * PAGE, PAGE, MADV_DONTNEED));
    SHOW(munmap(p + 8 * PAGE, PAGE));
    SHOW(mlock(p, 16 * PAGE));
    SHOW(munlock(p, 16 * PAGE));
    char *none = get(PAGE, PROT_NONE, ANON);
    SHOW(mlock(none, PAGE));
    SHOW(munlock(none, PAGE));
    SHOW(mlockall(0));
    SHOW(mlockall(8));
    SHOW(mlockall(MCL_ONFAULT));
    SHOW(mlockall(MCL_FUTURE));
    char *q = get(16 * PAGE, RW, ANON);
    printf("resident %d\n", resident(q, 16));
    SHOW(munlockall());
    char *r = get(16 * PAGE, RW, ANON);
    printf("resident %d\n", resident(r, 16) < 16);
    SHOW(mlockall(MCL_CURRENT | MCL_ONFAULT));
    SHOW(munlockall());

    /* Without privilege the limit counts. */
    struct rlimit l = {8 * PAGE, 8 * PAGE};
    SHOW(setrlimit(RLIMIT_MEMLOCK, &l));
    SHOW(setresuid(1000, 1000, 1000));
    char *s = get(16 * PAGE, RW, ANON);
    SHOW(mlock(s, 9 * PAGE));
    SHOW(mlock(s, 8 * PAGE));
    SHOW(mlock(s, 8 * PAGE));
    SHOW(mlock(s + 8 * PAGE, PAGE));
    SHOW(mlock(s + 4 * PAGE, 5 * PAGE));
    SHOW(munlock(s, 4 * PAGE));
    SHOW(mlock(s + 8 * PAGE, 4 * PAGE));
    show_map("locked beyond the limit", NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0);
    SHOW(munlock(s, 16 * PAGE));
    l.rlim_cur = 0;
    SHOW(setrlimit(RLIMIT_MEMLOCK, &l));
    SHOW(mlock(s, PAGE));
    SHOW(mlockall(MCL_CURRENT));
    show_map("locked without a limit", NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0);
}

static void in_core(void)
{
    char *p = get(8 * PAGE, RW, ANON);
    unsigned char vec[8];
    SHOW(mincore(p, 8 * PAGE, vec));
    SHOW(mincore(p + 1, PAGE, vec));
    SHOW(mincore(p, 1, vec));
    SHOW(mincore(p, 0, vec));
    SHOW(mincore(p, PAGE, BAD));
    SHOW(syscall(SYS_mincore, p, PAGE, NULL));
    SHOW(mincore(p, -1ul, vec));
    SHOW(mincore((void *)0x20000000, PAGE, vec));
    SHOW(mincore((void *)-4096ul, PAGE, vec));
    SHOW(munmap(p + 4 * PAGE, PAGE));
    SHOW(mincore(p, 8 * PAGE, vec));
    char *ro = get(PAGE, PROT_READ, ANON);
    SHOW(mincore(p, PAGE, (void *)ro));
}

static void syncs(void)
{
    int fd = memfd_create("sync", 0);
    SHOW(ftruncate(fd, 4 * PAGE));
    char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    p[0] = 1;
    SHOW(msync(p, 4 * PAGE, MS_SYNC));
    SHOW(msync(p, 4 * PAGE, MS_ASYNC));
    SHOW(msync(p, 4 * PAGE, MS_INVALIDATE));
    SHOW(msync(p, 4 * PAGE, 0));
    SHOW(msync(p, 4 * PAGE, MS_SYNC | MS_ASYNC));
    SHOW(msync(p, 4 * PAGE, 8));
    SHOW(msync(p + 1, PAGE, MS_SYNC));
    SHOW(msync(p, 0, MS_SYNC));
    SHOW(msync(p, -1ul, MS_SYNC));
    SHOW(msync(p, -4096ul, MS_SYNC));
    SHOW(msync((void *)0x20000000, PAGE, MS_SYNC));
    SHOW(munmap(p + PAGE, PAGE));
    SHOW(msync(p, 4 * PAGE, MS_SYNC));
    SHOW(msync(p, PAGE, MS_SYNC));
    SHOW(mlock(p, PAGE));
    SHOW(msync(p, PAGE, MS_SYNC | MS_INVALIDATE));
    SHOW(munlock(p, PAGE));

    SHOW(ftruncate(fd, 8 * PAGE));
    p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    for (int i = 0; i < 8; i++) {
        char c = 'a' + i;
        if (pwrite(fd, &c, 1, i * PAGE) != 1)
            puts("pwrite failed");
    }
    SHOW(syscall(SYS_remap_file_pages, p, PAGE, 0, 6, 0));
    SHOW(syscall(SYS_remap_file_pages, p + PAGE, PAGE, 0, 0, 0));
    printf("pages %c%c%c%c\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    SHOW(syscall(SYS_remap_file_pages, p, PAGE, 1, 6, 0));
    SHOW(syscall(SYS_remap_file_pages, p, 0, 0, 6, 0));
    SHOW(syscall(SYS_remap_file_pages, (void *)0x20000000, PAGE, 0, 6, 0));
    char *q = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    SHOW(syscall(SYS_remap_file_pages, q, PAGE, 0, 6, 0));
}

/* Locked private pages are copied when they become writable, before a hole as well: what is cut off the file afterwards stays there. */
static void opened_before_a_hole(void)
{
    int fd = memfd_create("file", 0);
    char *p = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (ftruncate(fd, 2 * PAGE) || pwrite(fd, "x", 1, 200) != 1)
        puts("no file");
    munmap(p, 4 * PAGE);
    p = mmap(p, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_LOCKED | MAP_FIXED, fd, 0);
    SHOW(mprotect(p, 4 * PAGE, RW));
    SHOW(ftruncate(fd, 100));
    printf("%d\n", p[200]);

    /* One that is not locked stays the file's. */
    if (ftruncate(fd, 2 * PAGE) || pwrite(fd, "x", 1, 200) != 1)
        puts("no file");
    mmap(p, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_LOCKED | MAP_FIXED, fd, 0);
    mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
    SHOW(mprotect(p, 3 * PAGE, RW));
    SHOW(ftruncate(fd, 100));
    printf("%d %d\n", p[200], p[2 * PAGE + 200]);
    munmap(p, 3 * PAGE);
    close(fd);
}

int main(void)
{
    opened_before_a_hole();
    in_core();
    syncs();
    locks();
    return 0;
}
