/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking pages out of page tables. Translations are gone from every TLB before a page can be reused.
 *
 * A private page with one reference is chained through struct page and freed after the commit, for which pt_lock is let go:
 * other CPUs may take long to answer. Any other page is kept by its object (which holds its reference until
 * memory_object_unmap() or zap_barrier() returned) and is dropped at once; then the commit comes before pt_lock is let go, so that
 * who takes the page from the object next finds either the entry or no translation.
 */
#include "kernel/fault.h"
#include "kernel/page.h"

/* Bounds how long pt_lock is held, without making sweeps over empty terabytes slow. */
#define ZAP_STEP (1ul << 30)

/* Odd while a CPU, with pt_lock held, is between the removal of pages and its commit. */
static struct {
    u32 sequence;
} __attribute__((aligned(64))) zapping[MAX_CPUS];

static void zap_begins(void)
{
    __atomic_add_fetch(&zapping[this_cpu()->cpu].sequence, 1, __ATOMIC_SEQ_CST);
}

static void zap_ends(void)
{
    __atomic_add_fetch(&zapping[this_cpu()->cpu].sequence, 1, __ATOMIC_RELEASE);
}

void zap_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < platform_cpu_count(); i++) {
        u32 seen = __atomic_load_n(&zapping[i].sequence, __ATOMIC_ACQUIRE);
        while (seen & 1 && __atomic_load_n(&zapping[i].sequence, __ATOMIC_ACQUIRE) == seen)
            cpu_relax();
    }
}

struct gather {
    struct address_space *as;
    struct page *chain;
    bool others; /* there were pages that are not in the chain */
};

static void gather_leaf(const struct pt_leaf *leaf, void *arg)
{
    struct gather *g = arg;
    __atomic_sub_fetch(&g->as->resident_pages, leaf->size >> PAGE_SHIFT, __ATOMIC_RELAXED);
    struct page *p = page_of(leaf->pa);
    if (!p)
        return;
    if (page_is_private(p))
        g->as->private_pages -= leaf->size >> PAGE_SHIFT;
    if (page_is_private(p) && __atomic_load_n(&p->refs, __ATOMIC_RELAXED) == 1) {
        p->next = g->chain;
        g->chain = p;
    } else {
        g->others = true;
        page_put(p);
    }
}

static void free_chain(struct page *p)
{
    while (p) {
        struct page *next = p->next;
        page_put(p);
        p = next;
    }
}

void split_block_at(struct address_space *as, vaddr_t va)
{
    struct pt_leaf leaf;
    if ((va & (HUGE_SIZE - 1)) == 0 || platform_pt_lookup(as->root, va, &leaf) != 0 ||
        leaf.size != HUGE_SIZE)
        return;
    struct page *p = page_of(leaf.pa);
    if (p)
        page_split(p);
}

static void split_leaf(const struct pt_leaf *leaf, void *arg)
{
    struct page *p = page_of(leaf->pa);
    if (leaf->size == HUGE_SIZE && p)
        page_split(p);
}

void split_blocks(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    platform_pt_walk(&b, start, end, false, split_leaf, NULL);
}

/* A range of addresses; empty if start is not below end. */
struct span {
    vaddr_t start, end;
};

/* Takes out the pages of [start, end), at most ZAP_STEP, and the page tables that lie in tables, all with one invalidation. */
static void clear_range(struct address_space *as, vaddr_t start, vaddr_t end, struct span tables)
{
    struct gather g = {.as = as};
    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    spin_lock(&as->pt_lock);
    split_block_at(as, start);
    split_block_at(as, end);
    zap_begins();
    platform_pt_walk(&b, start, end, true, gather_leaf, &g);
    if (tables.start < tables.end)
        platform_pt_free_tables(&b, tables.start, tables.end);
    if (b.flush && g.others)
        platform_pt_commit(&b);
    zap_ends();
    spin_unlock(&as->pt_lock);
    if (b.flush)
        platform_pt_commit(&b);
    free_chain(g.chain);
}

static void zap(struct address_space *as, vaddr_t start, vaddr_t end, struct span tables)
{
    while (start < end) {
        vaddr_t stop = MIN(end, ALIGN_DOWN(start, ZAP_STEP) + ZAP_STEP);
        /* The kernel's part of the tables is not ours. */
        if (start >= KERNEL_SPACE_START && start < KERNEL_SPACE_END) {
            start = KERNEL_SPACE_END;
            continue;
        }
        clear_range(as, start, stop, stop == end ? tables : (struct span){0});
        start = stop;
    }
}

void zap_range(struct address_space *as, vaddr_t start, vaddr_t end)
{
    zap(as, start, end, (struct span){0});
}

/* Of the blocks whose tables were left those that are still without a region: they go, at the price of one invalidation. */
static void free_spare_tables(struct address_space *as)
{
    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    spin_lock(&as->pt_lock);
    for (unsigned i = 0; i < as->spare_count; i++) {
        vaddr_t block = as->spare_tables[i];
        struct region *r = region_find(as, block);
        if (!r || r->start >= block + HUGE_SIZE)
            platform_pt_free_tables(&b, block, block + HUGE_SIZE);
    }
    as->spare_count = 0;
    spin_unlock(&as->pt_lock);
    platform_pt_commit(&b);
}

/*
 * Leaves the tables of [low, high) for the next mapping there, or until there are more of them. To free a table, CPUs that idle with
 * the space loaded have to be interrupted too, and waited for; allocators drop and make regions in the same places. False: that many
 * are freed at once, and in a machine short of memory all.
 */
static bool leave_tables(struct address_space *as, vaddr_t low, vaddr_t high)
{
    if (high - low > 2 * HUGE_SIZE || !memory_is_ample(SPARE_TABLES))
        return false;
    if (as->spare_count + 2 > SPARE_TABLES)
        free_spare_tables(as); /* first: the regions that go now are still there */
    for (; low < high; low += HUGE_SIZE) {
        unsigned i = 0;
        while (i < as->spare_count && as->spare_tables[i] != low)
            i++;
        if (i == as->spare_count)
            as->spare_tables[as->spare_count++] = low;
    }
    return true;
}

void zap_gap(struct address_space *as, vaddr_t start, vaddr_t end, vaddr_t gap_start, vaddr_t gap_end)
{
    /* Tables one level up cover a gigabyte; looking for them pays only when that much goes. */
    u64 size = end - start < HUGE_SIZE << 8 ? HUGE_SIZE : HUGE_SIZE << 9;
    vaddr_t low = ALIGN_UP(MAX(gap_start, ALIGN_DOWN(start, size)), HUGE_SIZE);
    vaddr_t high = ALIGN_DOWN(MIN(gap_end, ALIGN_UP(end, size)), HUGE_SIZE);
    bool leave = low >= high || leave_tables(as, low, high);
    zap(as, start, end, leave ? (struct span){0} : (struct span){low, high});
}

/* ---------------------------------------------------------------- an object's pages only */

#define COLLECT 64

struct object_leaves {
    unsigned n;
    vaddr_t va[COLLECT];
};

static void collect_leaf(const struct pt_leaf *leaf, void *arg)
{
    struct object_leaves *l = arg;
    struct page *p = page_of(leaf->pa);
    if (l->n < COLLECT && !(p && p->kind == PAGE_KIND_PRIVATE))
        l->va[l->n++] = leaf->va;
}

void zap_object_pages(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct object_leaves l;
    do {
        struct gather g = {.as = as};
        struct pt_batch b;
        pt_batch_init(&b, as->root, as);
        l.n = 0;
        spin_lock(&as->pt_lock);
        platform_pt_walk(&b, start, end, false, collect_leaf, &l);
        zap_begins();
        for (unsigned i = 0; i < l.n; i++)
            platform_pt_walk(&b, l.va[i], l.va[i] + PAGE_SIZE, true, gather_leaf, &g);
        if (b.flush)
            platform_pt_commit(&b);
        zap_ends();
        spin_unlock(&as->pt_lock);
        free_chain(g.chain);
        if (l.n)
            start = l.va[l.n - 1] + PAGE_SIZE;
    } while (l.n == COLLECT);
}
