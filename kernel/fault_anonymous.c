/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on private anonymous memory: zeroed pages, as many at once as the program's recent faults suggest, and whole
 * 2 MiB pages once a region has shown that it is being filled.
 *
 * A fault costs some microseconds, so does a page that is never used (on a host that fills guest memory on first
 * touch). So the window starts small, doubles while faults follow each other and shrinks when they jump. In a small
 * or filled machine every fault brings one page.
 */
#include "kernel/fault.h"

#define WINDOW_START 4u
/* Pages a region has taken in before it gets 2 MiB pages unasked. */
#define HUGE_AFTER   128u
#define HUGE_PAGES   (HUGE_SIZE >> PAGE_SHIFT)

static bool grows_down(const struct region *r)
{
    return r->flags & (REGION_GROWSDOWN | REGION_STACK);
}

/* Updates the region's history with a fault at f->va; returns how many pages to bring in. Racy, a hint. */
static unsigned choose_window(struct fault *f)
{
    struct region *r = f->r;
    unsigned window = r->fault_window;

    if (f->populate)
        window = FAULT_WINDOW_MAX;
    else if (window == 0)
        window = WINDOW_START;
    else if (f->va == r->fault_next)
        window = MIN(window * 2, FAULT_WINDOW_MAX);
    else
        window = MAX(window / 2, 1u);
    if (window > 1 && !memory_is_ample(window))
        window = 1;
    r->fault_window = window;
    r->faulted_pages += window;
    return window;
}

static bool wants_huge(const struct fault *f, vaddr_t block)
{
    const struct region *r = f->r;
    if (block < r->start || block + HUGE_SIZE > r->end || (r->flags & REGION_NOHUGE))
        return false;
    if (!(r->flags & REGION_HUGE) && !f->populate && (grows_down(r) || r->faulted_pages < HUGE_AFTER))
        return false;
    return memory_is_ample(HUGE_PAGES);
}

static bool block_is_empty(struct address_space *as, vaddr_t block)
{
    for (unsigned i = 0; i < HUGE_PAGES; i += FAULT_WINDOW_MAX) {
        if (present_mask(as, block + i * PAGE_SIZE, FAULT_WINDOW_MAX))
            return false;
    }
    return true;
}

/* True if the block of f->va was filled with a 2 MiB page. */
static bool fill_huge(struct fault *f)
{
    struct address_space *as = f->as;
    vaddr_t block = ALIGN_DOWN(f->va, HUGE_SIZE);
    bool done = false;

    if (!wants_huge(f, block))
        return false;
    spin_lock(&as->pt_lock);
    bool empty = block_is_empty(as, block);
    spin_unlock(&as->pt_lock);
    struct page *p = empty ? page_alloc(HUGE_SHIFT - PAGE_SHIFT, PAGE_ZERO) : NULL;
    if (!p)
        return false;
    p->kind = PAGE_KIND_PRIVATE;

    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    spin_lock(&as->pt_lock);
    if (block_is_empty(as, block))
        done = platform_pt_map(&b, block, page_address(p), HUGE_SIZE, region_pte_prot(f->r)) == 0;
    if (b.flush)
        platform_pt_commit(&b); /* an empty page table made way */
    if (done)
        count_resident(as, HUGE_PAGES);
    spin_unlock(&as->pt_lock);
    if (!done) {
        page_put(p);
        return false;
    }
    f->r->faulted_pages += HUGE_PAGES;
    f->r->fault_next = f->done_to = block + HUGE_SIZE;
    return true;
}

int fault_anonymous(struct fault *f)
{
    struct address_space *as = f->as;
    struct region *r = f->r;

    if (fill_huge(f))
        return 0;
    unsigned window = choose_window(f);
    /* The pages lie in the region and in one page table. */
    vaddr_t block = ALIGN_DOWN(f->va, HUGE_SIZE);
    vaddr_t low = MAX(block, r->start), high = MIN(block + HUGE_SIZE, r->end);
    if (grows_down(r) && !f->populate) {
        high = f->va + PAGE_SIZE;
        low = MAX(low, high - MIN(high, window * PAGE_SIZE));
        r->fault_next = low - PAGE_SIZE;
    } else {
        low = f->va;
        high = MIN(high, low + window * PAGE_SIZE);
        r->fault_next = high;
        f->done_to = high;
    }

    unsigned n = (high - low) >> PAGE_SHIFT, target = (f->va - low) >> PAGE_SHIFT;
    paddr_t pa[FAULT_WINDOW_MAX] = {0};
    u64 present = 0;
    if (n > 1) {
        spin_lock(&as->pt_lock);
        present = present_mask(as, low, n);
        spin_unlock(&as->pt_lock);
    }
    pa[target] = private_page(PAGE_ZERO);
    if (!pa[target])
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        if (!pa[i] && !(present >> i & 1))
            pa[i] = private_page(PAGE_ZERO);
        if (!pa[i] && !(present >> i & 1))
            f->done_to = MIN(f->done_to, low + MAX(i, target + 1) * PAGE_SIZE);
    }
    return fault_install(f, low, pa, n, region_pte_prot(r), 0);
}
