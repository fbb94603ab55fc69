/* SPDX-License-Identifier: BSD-2-Clause */
/* The page allocator over RAM that the host lends. sources: kernel/page.c tests/unit/host.c */
#include <string.h>
#include <sys/mman.h>
#include "kernel/page.h"
#include "kernel/params.h"
#include "tests/unit/host.h"
#include "tests/unit/test.h"

/* A VM as microvm makes them: low memory, a hole, the kernel, a module, the rest. */
static const struct memory_range ranges[] = {
    {0, 0x9f000, MEMORY_FREE},
    {0x9f000, 0x100000, MEMORY_RESERVED},
    {0x100000, 0x180000, MEMORY_KERNEL},
    {0x180000, 0x345000, MEMORY_FREE},
    {0x345000, 0x400000, MEMORY_MODULE},
    {0x400000, 0x4000000, MEMORY_FREE},
};
#define RAM_SIZE 0x4000000ul
static unsigned char *ram;

const struct memory_range *platform_memory_map(unsigned *n)
{
    *n = ARRAY_SIZE(ranges);
    return ranges;
}

static u64 resident_pages(void)
{
    static unsigned char vec[RAM_SIZE / PAGE_SIZE];
    u64 n = 0;
    CHECK(!mincore(ram, RAM_SIZE, vec));
    for (size_t i = 0; i < sizeof(vec); i++)
        n += vec[i] & 1;
    return n;
}

static bool in_free_range(paddr_t pa, u64 size)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
        if (ranges[i].kind == MEMORY_FREE && pa >= ranges[i].start && pa + size <= ranges[i].end)
            return true;
    return false;
}

TEST(boot_touches_next_to_nothing)
{
    ram = mmap((void *)DIRECT_MAP_BASE, RAM_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
    CHECK(ram == (void *)DIRECT_MAP_BASE);
    page_init();
    CHECK(resident_pages() == 0);
    CHECK(page_alloc(0, 0));
    CHECK(resident_pages() <= 8);
    struct page_stats s;
    page_stats(&s);
    CHECK(s.total > 15000 && s.free == s.total - 1);
}

TEST(blocks_are_aligned_and_apart)
{
    static unsigned char owner[RAM_SIZE / PAGE_SIZE];
    static struct page *blocks[20000];
    unsigned n = 0;
    struct page_stats before, after;
    page_stats(&before);
    for (int round = 0; round < 3; round++) {
        for (;;) {
            unsigned order = (unsigned)test_random(PAGE_MAX_ORDER + 1);
            if (round == 2)
                order = 0;
            struct page *p = page_alloc(order, PAGE_LAST);
            if (!p && order == 0)
                break;
            if (!p)
                continue;
            paddr_t pa = page_address(p);
            CHECK(pa && !(pa & ((PAGE_SIZE << order) - 1)));
            CHECK(in_free_range(pa, PAGE_SIZE << order));
            CHECK(page_of(pa) == p && p->refs == 1);
            for (u64 i = 0; i < 1ull << order; i++) {
                CHECK(!owner[(pa >> PAGE_SHIFT) + i]);
                owner[(pa >> PAGE_SHIFT) + i] = 1;
            }
            blocks[n++] = p;
        }
        page_stats(&after);
        CHECK(after.free == 0);
        CHECK(!page_alloc(0, PAGE_LAST));
        while (n) {
            unsigned i = (unsigned)test_random(n);
            struct page *p = blocks[i];
            blocks[i] = blocks[--n];
            for (u64 k = 0; k < 1ull << p->order; k++)
                owner[(page_address(p) >> PAGE_SHIFT) + k] = 0;
            page_put(p);
        }
        page_stats(&after);
        CHECK(after.free == before.free);
    }
}

TEST(freed_memory_merges)
{
    static struct page *big[64];
    unsigned n = 0;
    while ((big[n] = page_alloc(9, PAGE_RESERVE)))
        n++;
    CHECK(n >= 28); /* of 60 MiB in one range, all but what caches and the page array hold */
    while (n)
        page_put(big[--n]);
}

TEST(zeroed)
{
    struct page *p = page_alloc(2, 0);
    memset(page_virt(p), 0xee, 4 * PAGE_SIZE);
    page_put(p);
    p = page_alloc(2, PAGE_ZERO);
    for (size_t i = 0; i < 4 * PAGE_SIZE; i++)
        CHECK(((char *)page_virt(p))[i] == 0);
    page_put(p);
    paddr_t pa = page_alloc_pa(PAGE_ZERO);
    CHECK(pa && ((char *)phys_to_virt(pa))[77] == 0);
    page_put(page_of(pa));
}

TEST(split)
{
    struct page_stats before, after;
    page_stats(&before);
    struct page *p = page_alloc(9, 0);
    p->kind = 7;
    page_split(p);
    for (int i = 0; i < 512; i++) {
        CHECK(p[i].refs == 1 && p[i].order == 0 && p[i].kind == 7);
        CHECK(page_address(&p[i]) == page_address(p) + (u64)i * PAGE_SIZE);
    }
    page_get(p + 5);
    for (int i = 0; i < 512; i++)
        page_put(p + i);
    CHECK(p[5].refs == 1);
    page_put(p + 5);
    page_stats(&after);
    CHECK(after.free == before.free);
}

TEST(reserve)
{
    static struct page *taken[20000];
    unsigned n = 0;
    while ((taken[n] = page_alloc(0, 0)))
        n++;
    struct page_stats s;
    page_stats(&s);
    CHECK(s.free > 0);
    struct page *p = page_alloc(0, PAGE_RESERVE);
    CHECK(p);
    page_put(p);
    while (n)
        page_put(taken[--n]);
}

TEST(caches_of_several_cpus)
{
    struct page_stats before, after;
    static struct page *p[3000];
    page_stats(&before);
    for (unsigned i = 0; i < 3000; i++) {
        host_cpu = i % 4;
        p[i] = page_alloc(0, 0);
        CHECK(p[i]);
    }
    for (unsigned i = 0; i < 3000; i++) {
        host_cpu = (i / 7) % 4;
        page_put(p[i]);
    }
    host_cpu = 0;
    page_stats(&after);
    CHECK(after.free == before.free);
}

TEST(unmanaged_memory_has_no_page)
{
    CHECK(!page_of(0x100000));
    CHECK(!page_of(0x345000));
    CHECK(!page_of(RAM_SIZE));
    CHECK(!page_of(0xfee00000));
    CHECK(!page_of(0));
}

TEST(double_free_is_caught)
{
    struct page *p = page_alloc(3, 0);
    page_put(p);
    CHECK(EXPECT_FAILURE(page_put(p)));
    p->refs = 0;
}

TEST(returned_module)
{
    struct page_stats before, after;
    page_stats(&before);
    page_add_range(0x345001, 0x400000);
    page_stats(&after);
    CHECK(after.total > before.total + 180 && after.free == before.free + after.total - before.total);
    CHECK(page_of(0x347000) && !page_of(0x345000));
}
