/* SPDX-License-Identifier: BSD-2-Clause */
/* Reservations without cost, overcommit, RLIMIT_AS, the number of regions. */
#include "mem.h"
#include <sys/resource.h>

static void reservations(void)
{
    char *p[8];
    for (int i = 0; i < 8; i++)
        p[i] = show_map("8 TiB", NULL, 8ul << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < 8; i++) {
        show_map("piece", p[i] + (i + 1ul) * (1ul << 39) / 8, MB, RW, ANON | MAP_FIXED, -1, 0);
        p[i][(i + 1ul) * (1ul << 39) / 8 + 77] = i;
        SHOW(mprotect(p[i] + (3ul << 40), 16 * PAGE, RW));
        p[i][(3ul << 40) + 8 * PAGE] = 1;
    }
    for (int i = 0; i < 8; i++)
        SHOW(munmap(p[i], 8ul << 40));
    char *s = show_map("10 GiB noreserve", NULL, 10 * GB, RW, ANON | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < 10; i++)
        s[i * GB + i] = i;
    int sum = 0;
    for (int i = 0; i < 10; i++)
        sum += s[i * GB + i];
    printf("sum %d\n", sum);
    SHOW(madvise(s, 10 * GB, MADV_DONTNEED));
    printf("reads %d\n", s[9 * GB + 9]);
    SHOW(munmap(s, 10 * GB));
    show_map("100 TiB that are meant", NULL, 100ul << 40, RW, ANON, -1, 0);
    show_map("100 TiB read-only", NULL, 100ul << 40, PROT_READ, ANON, -1, 0);
    show_map("16 TiB shared", NULL, 16ul << 40, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    show_map("16 TiB shared noreserve", NULL, 16ul << 40, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *q = show_map("16 TiB none", NULL, 16ul << 40, PROT_NONE, ANON, -1, 0);
    SHOW(mprotect(q, 16ul << 40, RW));
    SHOW(mprotect(q, 1ul << 30, RW));
    q = show_map("16 TiB none noreserve", NULL, 4ul << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    SHOW(mprotect(q, 4ul << 40, RW));
}

static void address_space_limit(void)
{
    struct rlimit r = {4 * GB, RLIM_INFINITY}, old;
    getrlimit(RLIMIT_AS, &old);
    char *p = get(64 * MB, RW, ANON);
    SHOW(setrlimit(RLIMIT_AS, &r));
    show_map("over the limit", NULL, 4 * GB, PROT_NONE, ANON, -1, 0);
    SHOW(mremap(p, 64 * MB, 5 * GB, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);
    show_map("fixed over what is there", p, 64 * MB, PROT_READ, ANON | MAP_FIXED, -1, 0);
    char *q = show_map("under the limit", NULL, GB, PROT_NONE, ANON, -1, 0);
    SHOW(munmap(q, GB));
    SHOW(setrlimit(RLIMIT_AS, &old));
}

static void regions(void)
{
    long n = 70000;
    char *p = get(2 * n * PAGE, PROT_NONE, ANON);
    long made = 0;
    int error = 0;
    for (; made < n; made++)
        if (mprotect(p + (2 * made + 1) * PAGE, PAGE, PROT_READ)) {
            error = errno;
            break;
        }
    printf("splits end: %s, near half of 65530: %d\n", strerrorname_np(error), made > 32700 && made < 32766);
    SHOW(mprotect(p, 2 * n * PAGE, PROT_NONE));
    /* Joined again, there is room again. */
    SHOW(mprotect(p + PAGE, PAGE, PROT_READ));
    for (made = 0; made < n; made++)
        if (mmap(p + 2 * made * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED) {
            error = errno;
            break;
        }
    printf("maps end: %s, near half of 65530: %d\n", strerrorname_np(error), made > 32700 && made < 32766);
    SHOW(munmap(p + 41 * PAGE, PAGE));
    SHOW(munmap(p, 2 * n * PAGE));
    show_map("room again", NULL, PAGE, RW, ANON, -1, 0);
}

int main(void)
{
    address_space_limit();
    reservations();
    regions();
    return 0;
}
