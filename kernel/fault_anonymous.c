/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on private anonymous memory: zeroed pages, more at once the more the region has taken in, and whole 2 MiB pages
 * once it has shown that it is being filled.
 *
 * A fault costs some microseconds, so does a page that is never used (on a host that fills guest memory on first
 * touch). A window of half of what is there already bounds what a program that jumps about can waste, and makes
 * the faults of one that fills a region logarithmic. In a small or filled machine every fault brings one page.
 */
#include "kernel/fault.h"

#define WINDOW_MIN   4u
/* Pages a region has taken in before it gets 2 MiB pages unasked. */
#define HUGE_AFTER   128u
/* A window is at most this part of what is free. */
#define FREE_SHARE   256u
/* Pages that prove it beyond doubt: it gets them when memory is short, too. */
#define HUGE_ALWAYS  4096u
#define HUGE_PAGES   (HUGE_SIZE >> PAGE_SHIFT)

unsigned fault_window(struct fault *f)
{
    u64 taken = f->r->faulted_pages;
    struct page_stats s;
    unsigned window = WINDOW_MIN;

    while (window < FAULT_WINDOW_MAX && (f->populate || window * 4 <= taken))
        window *= 2;
    page_stats(&s);
    if (s.total < SMALL_MACHINE)
        return 1;
    while (window > 1 && window > s.available / FREE_SHARE)
        window /= 2;
    return window;
}

static u64 free_pages(void)
{
    struct page_stats s;
    page_stats(&s);
    return s.free;
}

static bool wants_huge(const struct fault *f, vaddr_t block)
{
    const struct region *r = f->r;
    if (block < r->start || block + HUGE_SIZE > r->end || (r->flags & REGION_NOHUGE) || r->space->no_huge_pages)
        return false;
    if (!(r->flags & REGION_HUGE) && !f->populate && ((r->flags & (REGION_GROWSDOWN | REGION_STACK)) || r->faulted_pages < HUGE_AFTER))
        return false;
    /* A region that is being filled will use them up: they save faults to the end. */
    return memory_is_ample(HUGE_PAGES) || (r->faulted_pages >= HUGE_ALWAYS && free_pages() > HUGE_PAGES * 8);
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
    struct page *p = empty ? page_alloc(HUGE_SHIFT - PAGE_SHIFT, PAGE_ZERO | PAGE_NO_RECLAIM) : NULL;
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
        count_resident(as, HUGE_PAGES, true);
    spin_unlock(&as->pt_lock);
    if (!done) {
        page_put(p);
        return false;
    }
    f->r->faulted_pages += HUGE_PAGES;
    f->done_to = block + HUGE_SIZE;
    return true;
}

int fault_anonymous(struct fault *f)
{
    struct address_space *as = f->as;
    struct region *r = f->r;

    if (fill_huge(f))
        return 0;
    unsigned window = fault_window(f);
    /* Aligned windows: they lie in one page table, and neighbours do not overlap. */
    vaddr_t low = MAX(ALIGN_DOWN(f->va, window * PAGE_SIZE), r->start);
    vaddr_t high = MIN(ALIGN_DOWN(f->va, window * PAGE_SIZE) + window * PAGE_SIZE, r->end);
    if (f->populate) {
        low = f->va;
        f->done_to = high;
    }

    r->faulted_pages += (high - low) >> PAGE_SHIFT; /* racy, a hint */

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
