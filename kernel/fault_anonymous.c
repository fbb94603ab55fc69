/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on private anonymous memory: zeroed pages, more at once the more the region has taken in, and whole 2 MiB pages
 * once it has shown that it is being filled.
 *
 * A fault costs some microseconds, so does a page that is never used (on a host that fills guest memory on first
 * touch). A window of half of what is there already bounds what a program that jumps about can waste, and makes
 * the faults of one that fills a region logarithmic. In a small or filled machine every fault brings one page.
 *
 * Two habits of a program are learned (struct fault_habits), since allocators and collectors make and drop regions of some
 * kind all the time: how much of a new region it fills from its start on, and whether it uses a mapping as soon as it has it. Both
 * are unlearned sooner than learned, so that what is brought in for nothing stays a part of what is used.
 */
#include <linux/mman.h>
#include "kernel/fault.h"

#define WINDOW_MIN   4u
/* Pages a region has taken in before it gets 2 MiB pages unasked. */
#define HUGE_AFTER   128u
/* A window is at most this part of what is free. */
#define FREE_SHARE   256u
/* Pages that prove it beyond doubt: it gets them when memory is short, too. */
#define HUGE_ALWAYS  4096u
#define HUGE_PAGES   (HUGE_SIZE >> PAGE_SHIFT)
/* Points after which the first window of regions changes. */
#define GROWTH_LIMIT 8
/* Points for prompt use: enough to act on it, the most, those that a mapping costs which was not used before the next. */
#define PROMPT_ENOUGH 8
#define PROMPT_MAX    16
#define PROMPT_MISSED 4
#define PROMPT_ASK    8u

/* As learned; it begins with the least. */
static u32 first_window(const struct fault_habits *h)
{
    u32 window = READ_ONCE(h->first_window);
    return window ? window : WINDOW_MIN;
}

unsigned fault_window(struct fault *f)
{
    u64 taken = f->r->faulted_pages;
    struct page_stats s;
    unsigned window = taken ? WINDOW_MIN : first_window(&f->as->habits);

    while (window < FAULT_WINDOW_MAX && (f->populate || window * 4 <= taken))
        window *= 2;
    page_stats(&s);
    if (s.total < SMALL_MACHINE)
        return 1;
    while (window > 1 && window > s.available / FREE_SHARE)
        window /= 2;
    return window;
}

/* A region of which so much will be used from its start on; stacks are used from the other end. */
static bool has_habits(const struct region *r)
{
    return !(r->flags & (REGION_GROWSDOWN | REGION_STACK | REGION_KERNEL));
}

/*
 * [low, high) is about to come in. Was the mapping waited for that was made last? Does the program fill its new regions further
 * than their first windows? Three of four have to be for that window to grow. Under pt_lock, with what is known by region a guess.
 */
static void learn(struct fault *f, vaddr_t low, vaddr_t high)
{
    struct region *r = f->r;
    struct fault_habits *h = &f->as->habits;
    u32 window = first_window(h);
    struct pt_leaf leaf;

    if (f->populate || !has_habits(r))
        return;
    if (h->fresh >= low && h->fresh < high) {
        h->fresh = 0;
        h->prompt = MIN(h->prompt + 1, PROMPT_MAX);
    }
    if (r->faulted_pages == 0)
        h->growth -= 3;
    else if (r->faulted_pages < 2 * window && low > r->start && platform_pt_lookup(f->as->root, low - PAGE_SIZE, &leaf) == 0)
        h->growth += 4;
    if (h->growth >= GROWTH_LIMIT || h->growth <= -GROWTH_LIMIT) {
        h->first_window = h->growth > 0 ? MIN(window * 2, FAULT_WINDOW_MAX) : MAX(window / 2, WINDOW_MIN);
        h->growth = 0;
    }
}

void fault_ahead(struct address_space *as, vaddr_t at, vaddr_t end)
{
    struct fault f = {.as = as, .va = at, .access = FAULT_WRITE, .ahead = end};
    struct fault_habits *h = &as->habits;

    if (h->fresh)
        h->prompt = MAX(h->prompt - PROMPT_MISSED, 0);
    h->fresh = 0;
    /* Now and then it is left to the program, to see whether it still does. */
    if (h->prompt < PROMPT_ENOUGH || ++h->asked % PROMPT_ASK == 0 || !memory_is_ample(FAULT_WINDOW_MAX)) {
        h->fresh = at;
        return;
    }
    rwlock_read_lock(&as->lock);
    f.r = region_find(as, at);
    if (f.r && at >= f.r->start && !f.r->object && (f.r->prot & PROT_WRITE) && has_habits(f.r))
        fault_anonymous(&f); /* if it fails, the program's own fault says so */
    rwlock_read_unlock(&as->lock);
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
    if (empty)
        learn(f, block, block + HUGE_SIZE);
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

/*
 * The window around f->va. It lies in one page table and most often is aligned, so that neighbours do not overlap; that of a region's
 * first page goes on from there.
 */
static void place_window(struct fault *f, vaddr_t *low, vaddr_t *high)
{
    const struct region *r = f->r;
    u64 size = fault_window(f) * PAGE_SIZE;

    *low = ALIGN_DOWN(f->va, size);
    *high = *low + size;
    if (f->va == r->start && has_habits(r)) {
        *low = f->va;
        *high = MIN(f->va + size, ALIGN_DOWN(f->va, HUGE_SIZE) + HUGE_SIZE);
    }
    *low = MAX(*low, r->start);
    *high = MIN(*high, r->end);
    if (f->populate || f->ahead)
        *low = f->va;
    if (f->ahead)
        *high = MIN(*high, f->ahead);
}

int fault_anonymous(struct fault *f)
{
    struct address_space *as = f->as;
    struct region *r = f->r;
    vaddr_t low, high;

    if (fill_huge(f))
        return 0;
    place_window(f, &low, &high);
    if (f->populate)
        f->done_to = high;
    unsigned n = (high - low) >> PAGE_SHIFT, target = (f->va - low) >> PAGE_SHIFT;
    paddr_t pa[FAULT_WINDOW_MAX] = {0};
    u64 present = 0;
    if (n > 1) {
        spin_lock(&as->pt_lock);
        present = present_mask(as, low, n);
        learn(f, low, high);
        spin_unlock(&as->pt_lock);
    }
    r->faulted_pages += n; /* racy, a hint */
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
