/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region tree against a flat model: a bitmap of pages.
 * sources: kernel/region.c kernel/patch.c kernel/address_space.c kernel/address_space_map.c kernel/address_space_protect.c
 * sources: kernel/address_space_remap.c kernel/address_space_advise.c kernel/address_space_lock.c kernel/fault.c
 * sources: kernel/fault_anonymous.c kernel/fault_object.c kernel/zap.c kernel/memory_object.c kernel/ram_object.c
 * sources: kernel/ram_object_io.c kernel/ram_object_size.c kernel/lib/radix.c kernel/lib/rbtree.c kernel/page.c
 * sources: platform/x86/paging.c tests/unit/memory_host.c tests/unit/host.c
 */
#include <linux/mman.h>
#include <asm/resource.h>
#include "kernel/region.h"
#include "tests/unit/memory_host.h"
#include "tests/unit/test.h"

#define BASE  0x10000000ul
#define PAGES 512u

static struct address_space *as;
static u8 prot_of_page[PAGES]; /* 0: free, else 1 + prot */

static struct region *region_of_node(struct rb_node *n)
{
    return n ? container_of(n, struct region, node) : NULL;
}

static u64 check_subtree(struct rb_node *n)
{
    if (!n)
        return 0;
    struct region *r = region_of_node(n);
    u64 left = check_subtree(n->left), right = check_subtree(n->right);
    u64 largest = MAX(r->gap, MAX(left, right));
    CHECK(r->largest_gap == largest);
    return largest;
}

/* Order, gaps and totals of the tree. */
static void check_tree(void)
{
    struct region *prev = NULL;
    u64 pages = 0, count = 0, data = 0, locked = 0;
    for (struct rb_node *n = rb_first(&as->regions); n; n = rb_next(n)) {
        struct region *r = region_of_node(n);
        CHECK(r->start < r->end && !(r->start & ~PAGE_MASK) && !(r->end & ~PAGE_MASK));
        CHECK(!prev || prev->end <= r->start);
        vaddr_t lo = prev ? prev->end : USER_SPACE_START, hi = region_guarded_start(r);
        u64 gap = hi > lo ? hi - lo : 0;
        if (lo < KERNEL_SPACE_START && hi > KERNEL_SPACE_END)
            gap = MAX(KERNEL_SPACE_START - lo, hi - KERNEL_SPACE_END);
        CHECK(r->gap == gap);
        pages += region_pages(r);
        if ((r->prot & PROT_WRITE) && !(r->flags & (REGION_SHARED | REGION_GROWSDOWN)))
            data += region_pages(r);
        if (r->flags & REGION_LOCKED)
            locked += region_pages(r);
        count++;
        prev = r;
    }
    check_subtree(as->regions.root);
    CHECK(as->total_pages == pages && as->region_count == count);
    CHECK(as->data_pages == data && as->locked_pages == locked);
}

static void check_model(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        vaddr_t va = BASE + i * PAGE_SIZE;
        struct region *r = region_find(as, va);
        bool mapped = r && r->start <= va;
        CHECK(mapped == (prot_of_page[i] != 0));
        if (mapped)
            CHECK(r->prot == prot_of_page[i] - 1u);
        /* Neighbours that are alike are one region. */
        if (mapped && i && r->start == va)
            CHECK(prot_of_page[i - 1] != prot_of_page[i]);
    }
}

static void begin(void)
{
    host_machine();
    as = address_space_create();
    CHECK(as);
    for (unsigned i = 0; i < PAGES; i++)
        prot_of_page[i] = 0;
}

static void end(u64 free_before)
{
    address_space_put(as);
    CHECK(host_free_pages() == free_before);
    CHECK(host_kmalloc_count == 0);
}

static s64 map(vaddr_t at, u64 length, u32 prot, bool fixed, bool replace)
{
    struct mapping m = {.address = at, .length = length, .prot = prot, .max_prot = 7, .fixed = fixed, .replace = replace};
    return address_space_map(as, &m);
}

TEST(random_map_unmap_protect)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    for (unsigned step = 0; step < 20000; step++) {
        unsigned first = test_random(PAGES), n = 1 + test_random(PAGES - first < 40 ? PAGES - first : 40);
        u32 prot = test_random(4); /* NONE, READ, WRITE, READ|WRITE */
        vaddr_t at = BASE + first * PAGE_SIZE;
        bool all = true, none = true;
        unsigned mapped_before = 0;
        for (unsigned i = first; i < first + n; i++) {
            all &= prot_of_page[i] != 0;
            none &= prot_of_page[i] == 0;
            mapped_before += all;
        }
        switch (test_random(4)) {
        case 0:
            CHECK(map(at, n * PAGE_SIZE, prot, true, true) == (s64)at);
            for (unsigned i = first; i < first + n; i++)
                prot_of_page[i] = 1 + prot;
            break;
        case 1:
            CHECK(map(at, n * PAGE_SIZE, prot, true, false) == (none ? (s64)at : -EEXIST));
            for (unsigned i = first; none && i < first + n; i++)
                prot_of_page[i] = 1 + prot;
            break;
        case 2:
            CHECK(address_space_unmap(as, at, n * PAGE_SIZE - test_random(PAGE_SIZE)) == 0);
            for (unsigned i = first; i < first + n; i++)
                prot_of_page[i] = 0;
            break;
        case 3:
            CHECK(address_space_protect(as, at, n * PAGE_SIZE, prot) == (all ? 0 : -ENOMEM));
            for (unsigned i = first; i < first + mapped_before; i++)
                prot_of_page[i] = 1 + prot;
            break;
        }
        if (step % 16 == 0) {
            check_tree();
            check_model();
        }
    }
    end(free_before);
}

/* The highest place for length, found by looking at every page. */
static vaddr_t slow_gap(u64 length, vaddr_t low, vaddr_t high)
{
    for (vaddr_t at = high - length; at >= low; at -= PAGE_SIZE) {
        if (region_range_free(as, at, at + length)) {
            struct region *next = region_find(as, at);
            if (!next || region_guarded_start(next) >= at + length)
                return at;
        }
    }
    return 0;
}

TEST(gap_search_finds_the_highest)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    for (unsigned step = 0; step < 3000; step++) {
        unsigned first = test_random(PAGES), n = 1 + test_random(MIN(PAGES - first, 24u));
        vaddr_t at = BASE + first * PAGE_SIZE;
        if (test_random(2))
            map(at, n * PAGE_SIZE, PROT_READ << test_random(2), true, true);
        else
            address_space_unmap(as, at, n * PAGE_SIZE);
        u64 length = (1 + test_random(20)) * PAGE_SIZE;
        vaddr_t low = BASE + test_random(PAGES / 2) * PAGE_SIZE, high = low + length + test_random(PAGES / 2) * PAGE_SIZE;
        high = MIN(high, BASE + PAGES * PAGE_SIZE);
        if (high - low < length)
            continue;
        CHECK(region_find_gap(as, length, low, high) == slow_gap(length, low, high));
    }
    end(free_before);
}

TEST(kernel_window_is_never_given_out)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    as->mmap_top = KERNEL_SPACE_END + (16ul << 30);
    /* More than what is left above the window: goes below it. */
    s64 at = map(0, 32ul << 30, PROT_NONE, false, false);
    CHECK(at == (s64)(KERNEL_SPACE_START - (32ul << 30)));
    at = map(0, 8ul << 30, PROT_NONE, false, false);
    CHECK(at == (s64)(KERNEL_SPACE_END + (8ul << 30)));
    CHECK(map(KERNEL_SPACE_START - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, true, true) == -ENOMEM);
    CHECK(map(KERNEL_SPACE_START + HUGE_SIZE, PAGE_SIZE, PROT_READ, true, false) == -ENOMEM);
    CHECK(map(0x1000, PAGE_SIZE, PROT_READ, true, true) == -EPERM);
    CHECK(map(USER_SPACE_END - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, true, true) == -ENOMEM);
    /* A hint inside it is not followed, an ordinary one is. */
    at = map(KERNEL_SPACE_START + HUGE_SIZE, PAGE_SIZE, PROT_READ, false, false);
    CHECK(at > 0 && user_span_ok(at, at + PAGE_SIZE));
    CHECK(map(0xc000000000, 64ul << 20, PROT_NONE, false, false) == 0xc000000000);
    CHECK(address_space_unmap(as, KERNEL_SPACE_START - HUGE_SIZE, KERNEL_SPACE_END - KERNEL_SPACE_START + 2 * HUGE_SIZE) == 0);
    check_tree();
    end(free_before);
}

TEST(terabytes_cost_nothing)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    u64 free_empty = host_free_pages();
    for (unsigned i = 0; i < 8; i++)
        CHECK(map(0, 8ul << 40, PROT_NONE, false, false) > 0);
    CHECK(host_free_pages() == free_empty);
    CHECK(as->total_pages == 64ul << (40 - PAGE_SHIFT));
    end(free_before);
}

TEST(counts_and_limits)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    host_limit(RLIMIT_AS, 1 << 20);
    CHECK(map(0, 1 << 20, PROT_NONE, false, false) > 0);
    CHECK(map(0, PAGE_SIZE, PROT_NONE, false, false) == -ENOMEM);
    host_limit(RLIMIT_AS, RLIM_INFINITY);
    host_limit(RLIMIT_DATA, 1 << 20);
    s64 at = map(0, 2 << 20, PROT_READ, false, false);
    CHECK(at > 0);
    CHECK(address_space_protect(as, at, 2 << 20, PROT_READ | PROT_WRITE) == -ENOMEM);
    CHECK(address_space_protect(as, at, 1 << 20, PROT_READ | PROT_WRITE) == 0);
    CHECK(map(0, PAGE_SIZE, PROT_WRITE, false, false) == -ENOMEM);
    host_limit(RLIMIT_DATA, RLIM_INFINITY);
    /* More than memory could ever hold, unless it is not meant to be held. */
    CHECK(map(0, 64ul << 30, PROT_WRITE, false, false) == -ENOMEM);
    struct mapping m = {.length = 64ul << 30, .prot = PROT_WRITE, .max_prot = 7, .flags = REGION_NORESERVE};
    CHECK(address_space_map(as, &m) > 0);
    end(free_before);

    begin();
    unsigned n = 0;
    while (map(BASE + 2 * n * PAGE_SIZE, PAGE_SIZE, PROT_READ, true, true) > 0)
        n++;
    CHECK(n >= REGION_MAX_COUNT && n <= REGION_MAX_COUNT + 1);
    end(free_before);
}

TEST(heap_grows_and_shrinks)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    as->brk_start = as->brk_end = 0x20000000;
    CHECK(address_space_brk(as, 0) == 0x20000000);
    CHECK(address_space_brk(as, 0x20001234) == 0x20001234);
    CHECK(address_space_brk(as, 0x20101234) == 0x20101234);
    CHECK(as->region_count == 1);
    CHECK(map(0x20200000, PAGE_SIZE, PROT_READ, true, true) > 0);
    CHECK(address_space_brk(as, 0x20201000) == 0x20101234);
    CHECK(address_space_brk(as, 0x20200000) == 0x20101234); /* a page stays free between them */
    CHECK(address_space_brk(as, 0x201ff000) == 0x201ff000);
    CHECK(address_space_brk(as, 0x1fffffff) == 0x201ff000);
    CHECK(address_space_brk(as, 0x20000000) == 0x20000000);
    CHECK(as->region_count == 1);
    end(free_before);
}

/* Every allocation of a step fails once: nothing may leak or come out of step. */
TEST(failed_allocations_leave_the_tree_whole)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    for (unsigned step = 0; step < 4000; step++) {
        unsigned first = test_random(PAGES), n = 1 + test_random(MIN(PAGES - first, 40u));
        vaddr_t at = BASE + first * PAGE_SIZE, to = BASE + test_random(PAGES) * PAGE_SIZE;
        host_kmalloc_budget = 1 + test_random(4);
        switch (test_random(5)) {
        case 0:
            map(at, n * PAGE_SIZE, test_random(4), true, true);
            break;
        case 1:
            address_space_unmap(as, at, n * PAGE_SIZE);
            break;
        case 2:
            address_space_protect(as, at, n * PAGE_SIZE, test_random(4));
            break;
        case 3:
            address_space_remap(as, at, n * PAGE_SIZE, n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
            break;
        case 4:
            address_space_advise(as, at, n * PAGE_SIZE, test_random(2) ? MADV_DONTFORK : MADV_DOFORK);
            break;
        }
        host_kmalloc_budget = 0;
        check_tree();
    }
    end(free_before);
}
