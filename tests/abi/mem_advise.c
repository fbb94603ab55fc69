/* SPDX-License-Identifier: BSD-2-Clause */
/* madvise: what each advice does to the content, and its errors. */
#include "mem.h"
#include <fcntl.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
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

static void errors(void)
{
    char *p = get(8 * PAGE, RW, ANON);
    SHOW(madvise(p + 1, PAGE, MADV_NORMAL));
    SHOW(madvise(p, 0, MADV_DONTNEED));
    SHOW(madvise(p, 0, 12345));
    SHOW(madvise(p, PAGE, 12345));
    SHOW(madvise(p, -1ul, MADV_NORMAL));
    SHOW(madvise(p, -4096ul, MADV_NORMAL));
    SHOW(madvise((void *)0x20000000, PAGE, MADV_DONTNEED));
    const int all[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
                       MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP,
                       MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT,
                       MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTNEED_LOCKED};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char what[40];
        snprintf(what, sizeof(what), "anonymous, advice %d", all[i]);
        CALL(what, madvise(p, 8 * PAGE, all[i]));
    }
    int fd = memfd_create("advise", 0);
    SHOW(ftruncate(fd, 8 * PAGE));
    char *s = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0), *q = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE, fd, 0);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char what[40];
        snprintf(what, sizeof(what), "shared file, advice %d", all[i]);
        CALL(what, madvise(s, 8 * PAGE, all[i]));
        snprintf(what, sizeof(what), "private file, advice %d", all[i]);
        CALL(what, madvise(q, 8 * PAGE, all[i]));
    }
    /* Over a hole: done on both sides, and said. */
    p[0] = p[7 * PAGE] = 1;
    SHOW(munmap(p + 3 * PAGE, PAGE));
    SHOW(madvise(p, 8 * PAGE, MADV_DONTNEED));
    printf("reads %d %d\n", p[0], p[7 * PAGE]);
    SHOW(madvise(p, 8 * PAGE, MADV_DONTFORK));
    SHOW(madvise(p, 8 * PAGE, MADV_POPULATE_READ));
    SHOW(mprotect(p, PAGE, PROT_READ));
    SHOW(madvise(p, PAGE, MADV_POPULATE_READ));
    SHOW(madvise(p, PAGE, MADV_POPULATE_WRITE));
    SHOW(mprotect(p, PAGE, PROT_NONE));
    SHOW(madvise(p, PAGE, MADV_POPULATE_READ));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
}

static void contents(void)
{
    char *p = get(32 * PAGE, RW, ANON);
    SHOW(madvise(p, 32 * PAGE, MADV_POPULATE_WRITE));
    printf("resident %d\n", resident(p, 32));
    memset(p, 1, 32 * PAGE);
    SHOW(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
    printf("resident %d, reads %d %d %d %d\n", resident(p, 32), p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    SHOW(madvise(p, 32 * PAGE, MADV_COLD));
    SHOW(madvise(p, 32 * PAGE, MADV_PAGEOUT));
    printf("reads %d %d\n", p[0], p[31 * PAGE]);
    SHOW(madvise(p, 32 * PAGE, MADV_FREE));
    p[0] = 2;
    printf("reads %d\n", p[0]);

    int fd = memfd_create("contents", 0);
    char data[4 * PAGE], byte;
    memset(data, 3, sizeof(data));
    SHOW(write(fd, data, sizeof(data)));
    char *s = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), *q = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    s[0] = 4;
    q[0] = 5;
    SHOW(madvise(s, 4 * PAGE, MADV_DONTNEED));
    SHOW(madvise(q, 4 * PAGE, MADV_DONTNEED));
    printf("shared %d private %d\n", s[0], q[0]);
    q[2 * PAGE] = 6;
    SHOW(madvise(s + PAGE, 2 * PAGE, MADV_REMOVE));
    SHOW(pread(fd, &byte, 1, PAGE));
    printf("removed: file %d shared %d private %d %d, end %d\n", byte, s[PAGE], q[PAGE], q[2 * PAGE], s[3 * PAGE]);
    SHOW(mprotect(s, PAGE, PROT_READ));
    SHOW(madvise(s, PAGE, MADV_REMOVE));
    int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
    SHOW(ftruncate(sealed, PAGE));
    char *before = mmap(NULL, PAGE, RW, MAP_SHARED, sealed, 0);
    before[0] = 8;
    SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    SHOW(madvise(before, PAGE, MADV_REMOVE));
    printf("sealed %d\n", before[0]);
    SHOW(close(open("mem_advise.tmp", O_RDWR | O_CREAT, 0600)) || truncate("mem_advise.tmp", PAGE));
    int ro = open("mem_advise.tmp", O_RDONLY);
    SHOW(unlink("mem_advise.tmp"));
    char *e = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    SHOW(madvise(e, PAGE, MADV_REMOVE));
    SHOW(madvise(e, PAGE, MADV_POPULATE_READ));
    SHOW(madvise(e, PAGE, MADV_POPULATE_WRITE));
    char *past = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(madvise(past, 8 * PAGE, MADV_POPULATE_READ));
    SHOW(madvise(past, 8 * PAGE, MADV_WILLNEED));

    char *a = get(4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);
    a[0] = a[PAGE] = 7;
    SHOW(madvise(a, PAGE, MADV_REMOVE));
    SHOW(madvise(a + PAGE, PAGE, MADV_DONTNEED));
    printf("shared anonymous %d %d\n", a[0], a[PAGE]);

    SHOW(mlock(p, PAGE));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    SHOW(madvise(p, PAGE, MADV_FREE));
    SHOW(madvise(p, PAGE, MADV_COLD));
    SHOW(madvise(p, PAGE, MADV_DONTNEED_LOCKED));
    SHOW(munlock(p, PAGE));
    printf("reads %d\n", p[0]);

    char *h = get(16 * MB, RW, ANON);
    SHOW(madvise(h, 16 * MB, MADV_HUGEPAGE));
    memset(h, 8, 16 * MB);
    SHOW(madvise(h + 2 * MB + PAGE, 5 * MB, MADV_DONTNEED));
    long sum = 0;
    for (size_t i = 0; i < 16 * MB; i += 512)
        sum += h[i];
    printf("sum %ld\n", sum);
}

int main(void)
{
    errors();
    contents();
    return 0;
}
