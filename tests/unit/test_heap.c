/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel heap on the page allocator. sources: kernel/heap.c kernel/page.c tests/unit/host.c */
#include <string.h>
#include <sys/mman.h>
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "tests/unit/test.h"

#define RAM_SIZE 0x2000000ul
static const struct memory_range ranges[] = {{0x100000, RAM_SIZE, MEMORY_FREE}};

const struct memory_range *platform_memory_map(unsigned *n)
{
    *n = 1;
    return ranges;
}

static struct page_stats start;

TEST(init)
{
    CHECK(mmap((void *)DIRECT_MAP_BASE, RAM_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED);
    page_init();
    heap_init();
    page_stats(&start);
}

TEST(every_size)
{
    for (size_t n = 0; n < 10000; n++) {
        unsigned char *p = kmalloc(n);
        CHECK(p && !((u64)p & 15));
        CHECK(!n || n % 64 || !((u64)p & 63));
        memset(p, 0xff, n);
        unsigned char *z = kzalloc(n);
        for (size_t i = 0; i < n; i++)
            CHECK(!z[i]);
        kfree(z);
        kfree(p);
    }
    CHECK(heap_used() == 0);
    kfree(NULL);
}

struct block {
    unsigned char *p;
    size_t n;
    unsigned char fill;
};

static void check_block(const struct block *b)
{
    for (size_t i = 0; i < b->n; i++)
        CHECK(b->p[i] == b->fill);
}

TEST(random_use_on_four_cpus)
{
    static struct block blocks[2000];
    for (int step = 0; step < 100000; step++) {
        struct block *b = &blocks[test_random(2000)];
        host_cpu = (u32)test_random(4);
        if (b->p) {
            check_block(b);
            if (test_random(5) == 0) {
                size_t n = 1 + test_random(3000);
                b->p = krealloc(b->p, b->n, n);
                CHECK(b->p);
                b->n = MIN(b->n, n);
                check_block(b);
                b->n = n;
                memset(b->p, b->fill, n);
                continue;
            }
            kfree(b->p);
            b->p = NULL;
        } else {
            b->n = test_random(20) ? 1 + test_random(600) : 1 + test_random(20000);
            b->fill = (unsigned char)test_random(256);
            b->p = kmalloc(b->n);
            CHECK(b->p);
            memset(b->p, b->fill, b->n);
        }
    }
    for (int i = 0; i < 2000; i++)
        if (blocks[i].p) {
            check_block(&blocks[i]);
            kfree(blocks[i].p);
        }
    host_cpu = 0;
    CHECK(heap_used() == 0);
}

TEST(slabs_are_returned)
{
    static void *p[50000];
    struct page_stats now;
    unsigned n = 0;
    for (; n < 50000; n++)
        CHECK((p[n] = kmalloc(100)));
    while (n)
        kfree(p[--n]);
    page_stats(&now);
    CHECK(start.free - now.free < 200); /* what four CPUs' caches keep alive, of 7 MB */
}

TEST(large_blocks_waste_no_tail)
{
    struct page_stats before, after;
    page_stats(&before);
    void *p = kmalloc(9 * PAGE_SIZE);
    page_stats(&after);
    CHECK(before.free - after.free == 9);
    memset(p, 1, 9 * PAGE_SIZE);
    kfree(p);
    page_stats(&after);
    CHECK(before.free == after.free);
    CHECK(!kmalloc((PAGE_SIZE << PAGE_MAX_ORDER) + 1));
    CHECK(!kmalloc(SIZE_MAX));
}

TEST(out_of_memory_is_null)
{
    static void *p[5000];
    unsigned n = 0;
    while ((p[n] = kmalloc(16384)))
        CHECK(++n < 5000);
    CHECK(n > 1000);
    void *q = kmalloc(2048);
    while (q) {
        *(void **)q = p[4999];
        p[4999] = q;
        q = kmalloc(2048);
    }
    CHECK(!kzalloc(2048) && !kstrdup("x") == !kmalloc(16));
    while (p[4999]) {
        q = p[4999];
        p[4999] = *(void **)q;
        kfree(q);
    }
    while (n)
        kfree(p[--n]);
}

TEST(kstrdup)
{
    char *s = kstrdup("hello");
    CHECK(s && !strcmp(s, "hello"));
    kfree(s);
}
