/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap: grow, shrink, move, every flag and error. */
#include "mem.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *show_remap(const char *what, void *old, size_t n, size_t m, long flags, void *to)
{
    long r = syscall(SYS_mremap, old, n, m, flags, to);
    if (r == -1)
        printf("%s: -1 %s\n", what, strerrorname_np(errno));
    else
        printf("%s: ok%s%s\n", what, (void *)r == old ? " same" : " moved", to ? (void *)r == to ? " there" : " elsewhere" : "");
    fflush(stdout);
    return r == -1 ? NULL : (char *)r;
}

/* n mapped pages with free space of n pages on both sides. */
static char *island(size_t n)
{
    char *p = get(3 * n, PROT_NONE, ANON);
    munmap(p, 3 * n);
    return mmap(p + n, n, RW, ANON | MAP_FIXED, -1, 0);
}

static void errors(void)
{
    char *p = island(8 * PAGE), *q = island(64 * PAGE);
    show_remap("unaligned", p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
    show_remap("unknown flag", p, PAGE, 2 * PAGE, 8, NULL);
    show_remap("fixed without maymove", p, PAGE, 2 * PAGE, MREMAP_FIXED, q);
    show_remap("dontunmap without maymove", p, PAGE, PAGE, MREMAP_DONTUNMAP, NULL);
    show_remap("dontunmap resized", p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    show_remap("to nothing", p, PAGE, 0, MREMAP_MAYMOVE, NULL);
    show_remap("of unmapped", (void *)0x20000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
    show_remap("across the end", p, 9 * PAGE, 10 * PAGE, MREMAP_MAYMOVE, NULL);
    show_remap("to the moon", p, PAGE, 1ul << 47, MREMAP_MAYMOVE, NULL);
    show_remap("fixed unaligned", p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 1);
    show_remap("fixed overlapping", p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE);
    show_remap("fixed onto itself", p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    show_remap("fixed beyond", p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x7ffffffff000);
    show_remap("old length 0, private", p, 0, PAGE, MREMAP_MAYMOVE, NULL);
    show_remap("same size", p, 8 * PAGE, 8 * PAGE, 0, NULL);
}

static void sizes(void)
{
    char *p = island(8 * PAGE);
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = i + 1;
    show_remap("grow in place", p, 8 * PAGE, 12 * PAGE, 0, NULL);
    printf("holds %d %d\n", p[7 * PAGE], p[11 * PAGE]);
    show_remap("shrink", p, 12 * PAGE, 4 * PAGE, 0, NULL);
    TOUCH(p + 4 * PAGE, 'r');
    TOUCH(p + 3 * PAGE, 'w');
    mmap(p + 4 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
    show_remap("grow into a neighbour", p, 4 * PAGE, 6 * PAGE, 0, NULL);
    char *q = show_remap("grow and move", p, 4 * PAGE, 600 * PAGE, MREMAP_MAYMOVE, NULL);
    printf("holds %d %d %d\n", q[0], q[2 * PAGE], q[599 * PAGE]);
    TOUCH(p, 'r');
    TOUCH(p + 4 * PAGE, 'r');
    /* A piece in the middle. */
    show_remap("shrink in the middle", q + 100 * PAGE, 10 * PAGE, 5 * PAGE, 0, NULL);
    TOUCH(q + 104 * PAGE, 'r');
    TOUCH(q + 105 * PAGE, 'r');
    TOUCH(q + 110 * PAGE, 'r');
    show_remap("size rounded up", q, 100, 200, 0, NULL);
}

static void moves(void)
{
    char *p = island(8 * PAGE), *to = island(32 * PAGE);
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = i + 1;
    to[0] = 99;
    show_remap("fixed", p + 2 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    printf("holds %d %d, behind %d\n", to[0], to[3 * PAGE], to[4 * PAGE]);
    TOUCH(p + PAGE, 'r');
    TOUCH(p + 2 * PAGE, 'r');
    TOUCH(p + 6 * PAGE, 'r');
    show_remap("fixed and smaller", to, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PAGE);
    TOUCH(to, 'r');
    TOUCH(to + 3 * PAGE, 'r');
    printf("holds %d %d\n", p[3 * PAGE], p[4 * PAGE]);
    show_remap("fixed and larger", p + 3 * PAGE, 2 * PAGE, 16 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 8 * PAGE);
    printf("holds %d %d %d\n", to[8 * PAGE], to[9 * PAGE], to[10 * PAGE]);

    char *q = get(4 * PAGE, RW, ANON);
    q[0] = 42;
    char *r = show_remap("dontunmap", q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    printf("old %d new %d\n", q[0], r[0]);
    show_remap("dontunmap fixed", r, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, to);
    printf("old %d new %d\n", r[0], to[0]);

    /* Large: 2 MiB pages move as they are, or by a distance that is no multiple of them. */
    size_t n = 8 * MB;
    p = island(n);
    for (size_t i = 0; i < n; i += PAGE)
        p[i] = i / PAGE * 5;
    to = get(3 * n, PROT_NONE, ANON);
    p = show_remap("large", p, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to + MB + PAGE);
    int bad = 0;
    for (size_t i = 0; i < n; i += PAGE)
        bad += p[i] != (char)(i / PAGE * 5);
    printf("wrong %d\n", bad);
    p = show_remap("large grows", p, n, 2 * n, MREMAP_MAYMOVE, NULL);
    for (size_t i = 0; i < 2 * n; i += PAGE)
        bad += p[i] != (char)(i < n ? i / PAGE * 5 : 0);
    printf("wrong %d\n", bad);
}

static void shared(void)
{
    int fd = memfd_create("shared", 0);
    SHOW(ftruncate(fd, 8 * PAGE));
    char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
    p[0] = 10;
    char *q = show_remap("a second view", p, 0, 4 * PAGE, MREMAP_MAYMOVE, NULL);
    q[PAGE] = 11;
    printf("views %d %d %d\n", q[0], p[PAGE], p == q);
    char c;
    SHOW(pread(fd, &c, 1, 3 * PAGE));
    printf("file %d\n", c);
    p = show_remap("grows over the file", p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, NULL);
    TOUCH(p + 5 * PAGE, 'w');
    p = show_remap("grows past the file", p, 6 * PAGE, 7 * PAGE, MREMAP_MAYMOVE, NULL);
    TOUCH(p + 6 * PAGE, 'w');
    printf("still %d\n", p[0]);
    p = get(4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);
    p[0] = 3;
    p = show_remap("shared anonymous grows", p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, NULL);
    TOUCH(p + 3 * PAGE, 'w');
    TOUCH(p + 4 * PAGE, 'w');
}

int main(void)
{
    catch_faults();
    errors();
    sizes();
    moves();
    shared();
    return 0;
}
