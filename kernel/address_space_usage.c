/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a program's memory is where: page tables are read, nothing changes. Callable for any region that stands still;
 * the page-table lock is let go now and then, so the figures of a large region are of more than one moment.
 */
#include "kernel/region.h"

/* Bounds how long pt_lock is held, without making a walk over empty terabytes slow. */
#define USAGE_STEP (HUGE_SIZE << 6)

struct walk {
    vaddr_t start, end;
    bool in_ram;
    struct memory_usage *usage;
};

static void add_leaf(const struct pt_leaf *leaf, void *arg)
{
    struct walk *w = arg;
    struct memory_usage *u = w->usage;
    u64 n = (MIN(leaf->va + leaf->size, w->end) - MAX(leaf->va, w->start)) >> PAGE_SHIFT;

    u->resident += n;
    if (leaf->dirty)
        u->dirty += n;
    if (page_is_private(page_of(leaf->pa))) {
        u->private += n;
        if (leaf->size == HUGE_SIZE)
            u->huge += n;
    } else if (w->in_ram) {
        u->in_ram += n;
    }
}

void region_usage(const struct region *r, vaddr_t start, vaddr_t end, struct memory_usage *u)
{
    struct address_space *as = r->space;
    u64 before = u->resident;

    while (start < end) {
        struct walk w = {start, MIN(end, ALIGN_DOWN(start, USAGE_STEP) + USAGE_STEP), is_ram_object(r->object), u};
        struct pt_batch b;

        pt_batch_init(&b, as->root, as);
        spin_lock(&as->pt_lock);
        platform_pt_walk(&b, w.start, w.end, false, add_leaf, &w);
        spin_unlock(&as->pt_lock);
        start = w.end;
    }
    if (r->flags & REGION_LOCKED)
        u->locked += u->resident - before;
}
