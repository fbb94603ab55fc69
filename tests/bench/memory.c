// SPDX-License-Identifier: BSD-2-Clause
/* Memory: page faults, and calls on regions while there are few and while there are 10,000. */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/mman.h>

#include "bench.h"

#define PAGE 4096ul
#define MANY 10000

static char *map(size_t size, int prot)
{
    char *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MUST(p != MAP_FAILED);
    return p;
}

/* n pages in areas of 16 MiB, each touched once. */
static double touch(long n, int advice)
{
    const long area = 4096;
    double total = 0;

    for (long left = n; left > 0; left -= area) {
        long pages = left < area ? left : area;
        char *p = map(area * PAGE, PROT_READ | PROT_WRITE);

        MUST(!madvise(p, area * PAGE, advice));
        uint64_t start = now();
        for (long i = 0; i < pages; i++)
            p[i * PAGE] = 1;
        total += now() - start;
        munmap(p, area * PAGE);
    }
    return total / n;
}

static double run_touch_small(long n)
{
    return touch(n, MADV_NOHUGEPAGE);
}

static double run_touch(long n)
{
    return touch(n, MADV_NORMAL);
}

/* Every page by a fault of its own: from the last to the first, a region for each. */
static double run_single_faults(long n)
{
    double total = 0;

    for (long left = n; left > 0; left -= 1024) {
        long pages = left < 1024 ? left : 1024;
        char *p = map(2048 * PAGE, PROT_NONE);

        for (long i = 0; i < pages; i++)
            MUST(!mprotect(p + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE));
        uint64_t start = now();
        for (long i = 0; i < pages; i++)
            p[2 * i * PAGE] = 1;
        total += now() - start;
        munmap(p, 2048 * PAGE);
    }
    return total / n;
}

static double run_big(long n)
{
    size_t size = (size_t)n << 20;
    uint64_t start = now();
    char *p = map(size, PROT_READ | PROT_WRITE);

    for (size_t i = 0; i < size; i += PAGE)
        p[i] = 1;
    munmap(p, size);
    return since(start, n);
}

/* ------------------------------------------------------------------ calls */

static double map_unmap(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--)
        munmap(map(16 * PAGE, PROT_READ | PROT_WRITE), 16 * PAGE);
    return since(start, n);
}

/* As an allocator does: new memory, a little of it used, given back. */
static double map_touch_unmap(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--) {
        char *p = map(16 * PAGE, PROT_READ | PROT_WRITE);

        p[0] = 1;
        munmap(p, 16 * PAGE);
    }
    return since(start, n);
}

/* The middle of a region of 3 x 16 used pages: made read-only (two splits) and writable again (two merges). */
static double protect(long n)
{
    char *p = map(48 * PAGE, PROT_READ | PROT_WRITE);

    for (long i = 0; i < 48; i++)
        p[i * PAGE] = 1;
    uint64_t start = now();
    for (long i = 0; i < n; i++)
        MUST(!mprotect(p + 16 * PAGE, 16 * PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ));
    double each = since(start, n);
    munmap(p, 48 * PAGE);
    return each;
}

/* The same for memory that was never used: no page-table entry changes. */
static double protect_unused(long n)
{
    char *p = map(48 * PAGE, PROT_READ | PROT_WRITE);

    uint64_t start = now();
    for (long i = 0; i < n; i++)
        MUST(!mprotect(p + 16 * PAGE, 16 * PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ));
    double each = since(start, n);
    munmap(p, 48 * PAGE);
    return each;
}

/* Does run(n) while MANY regions more are there, which cannot merge. */
static double among_many(double (*run)(long n), long n)
{
    char *p = map(2 * MANY * PAGE, PROT_NONE);

    for (long i = 0; i < MANY; i++)
        MUST(!mprotect(p + 2 * i * PAGE, PAGE, PROT_READ));
    double each = run(n);
    munmap(p, 2 * MANY * PAGE);
    return each;
}

static double map_unmap_many(long n)
{
    return among_many(map_unmap, n);
}

static double map_touch_unmap_many(long n)
{
    return among_many(map_touch_unmap, n);
}

static double protect_many(long n)
{
    return among_many(protect, n);
}

static double protect_unused_many(long n)
{
    return among_many(protect_unused, n);
}

/* Making and dropping a region, of 10,000 of them. */
static double run_regions(long n)
{
    double total = 0;

    for (long left = n; left > 0; left -= MANY) {
        long regions = left < MANY ? left : MANY;
        char *p = map(2 * MANY * PAGE, PROT_NONE);
        uint64_t start = now();

        for (long i = 0; i < regions; i++)
            MUST(!mprotect(p + 2 * (i * 7919 % MANY) * PAGE, PAGE, PROT_READ));
        for (long i = 0; i < regions; i++)
            MUST(!munmap(p + 2 * (i * 7919 % MANY) * PAGE, PAGE));
        total += now() - start;
        munmap(p, 2 * MANY * PAGE);
    }
    return total / n;
}

const struct row memory_rows[] = {
    {"touch a new page, no huge pages", run_touch_small, 1024, 0},
    {"touch a new page", run_touch, 4096, 0},
    {"page fault, one page at a time", run_single_faults, 256, 0},
    {"touch 256 MiB, per MiB", run_big, 256, 1},
    {"mmap and munmap 64 KiB", map_unmap, 200, 0},
    {"mmap and munmap 64 KiB, 10,000 regions", map_unmap_many, 200, 0},
    {"mmap, touch, munmap", map_touch_unmap, 100, 0},
    {"mmap, touch, munmap, 10,000 regions", map_touch_unmap_many, 100, 0},
    {"mprotect 64 KiB, used", protect, 100, 0},
    {"mprotect 64 KiB, used, 10,000 regions", protect_many, 100, 0},
    {"mprotect 64 KiB, unused", protect_unused, 200, 0},
    {"mprotect 64 KiB, unused, 10,000 regions", protect_unused_many, 200, 0},
    {"make and drop a region, of 10,000", run_regions, 10000, 0},
    {0},
};
