/* SPDX-License-Identifier: BSD-2-Clause */
/* mprotect: errors, holes, pieces, copy-on-write kept through changes; pkeys as without the CPU feature. */
#include "mem.h"
#include <fcntl.h>

static void errors(void)
{
    char *p = get(8 * PAGE, RW, ANON);
    SHOW(mprotect(p + 1, PAGE, PROT_READ));
    SHOW(mprotect(p, 0, PROT_READ));
    SHOW(mprotect((void *)0x20000000, 0, PROT_READ));
    SHOW(mprotect((void *)0x20000000, PAGE, PROT_READ));
    SHOW(mprotect(p, PAGE, 0x40));
    SHOW(mprotect(p, PAGE, -1));
    SHOW(mprotect(p, PAGE, PROT_READ | 8 /* PROT_SEM */));
    SHOW(mprotect(p, -1ul, PROT_READ));
    SHOW(mprotect(p, -4096ul, PROT_READ));
    SHOW(mprotect((void *)-4096ul, PAGE, PROT_READ));
    SHOW(munmap(p + 3 * PAGE, PAGE));
    /* What lies before the hole changes, what lies behind does not. */
    SHOW(mprotect(p, 8 * PAGE, PROT_NONE));
    TOUCH(p + 2 * PAGE, 'r');
    TOUCH(p + 4 * PAGE, 'w');
    SHOW(mprotect(p + 3 * PAGE, 2 * PAGE, PROT_NONE));
    TOUCH(p + 4 * PAGE, 'w');
}

static void pieces(void)
{
    enum { N = 512 };
    char *p = get(N * PAGE, RW, ANON);
    for (int i = 0; i < N; i++)
        p[i * PAGE] = i * 3;
    for (int i = 0; i < N; i += 2)
        if (mprotect(p + i * PAGE, PAGE, i % 4 ? PROT_READ : PROT_NONE))
            puts("failed");
    TOUCH(p, 'r');
    TOUCH(p + PAGE, 'w');
    TOUCH(p + 2 * PAGE, 'w');
    TOUCH(p + 2 * PAGE, 'r');
    SHOW(mprotect(p, N * PAGE, RW));
    int bad = 0;
    for (int i = 0; i < N; i++)
        bad += p[i * PAGE] != (char)(i == 1 ? 1 : i * 3);
    printf("pages that changed: %d\n", bad);
    SHOW(munmap(p, N * PAGE));

    /* A region large enough for large pages, cut in all ways. */
    size_t n = 16 * MB;
    p = get(n, RW, ANON);
    memset(p, 7, n);
    SHOW(mprotect(p + 3 * MB + PAGE, 5 * MB, PROT_READ));
    TOUCH(p + 3 * MB, 'w');
    TOUCH(p + 3 * MB + PAGE, 'w');
    TOUCH(p + 8 * MB, 'w');
    TOUCH(p + 8 * MB + PAGE, 'w');
    SHOW(mprotect(p, n, RW));
    long sum = 0;
    for (size_t i = 0; i < n; i += 64)
        sum += p[i];
    printf("sum %ld\n", sum);
    SHOW(munmap(p + 5 * MB, 3 * PAGE));
    TOUCH(p + 5 * MB, 'r');
    TOUCH(p + 5 * MB + 3 * PAGE, 'r');
}

static void copies(void)
{
    int fd = memfd_create("copies", 0);
    char data[4 * PAGE], back[4 * PAGE];
    memset(data, 'a', sizeof(data));
    SHOW(write(fd, data, sizeof(data)));
    char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    p[0] = 'b';
    SHOW(mprotect(p, 4 * PAGE, PROT_READ));
    TOUCH(p, 'w');
    SHOW(mprotect(p, 4 * PAGE, RW));
    p[1] = 'c';
    p[PAGE] = 'd';
    SHOW(mprotect(p, 4 * PAGE, PROT_NONE));
    SHOW(mprotect(p, 4 * PAGE, RW));
    p[2 * PAGE] = 'e';
    printf("private %c%c%c%c%c\n", p[0], p[1], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    SHOW(pread(fd, back, sizeof(back), 0));
    printf("file untouched: %d\n", memcmp(data, back, sizeof(data)) == 0);
}

int main(void)
{
    catch_faults();
    errors();
    pieces();
    copies();
    SHOW(syscall(SYS_pkey_alloc, 1, 0));
    SHOW(syscall(SYS_pkey_alloc, 0, 8));
    SHOW(syscall(SYS_pkey_free, 1));
    char *p = get(PAGE, RW, ANON);
    SHOW(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
    SHOW(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 7));
    TOUCH(p, 'w');
    return 0;
}
