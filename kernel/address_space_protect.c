/* SPDX-License-Identifier: BSD-2-Clause */
/* mprotect(2). */
#include <linux/mman.h>
#include "kernel/patch.h"
#include "kernel/region.h"

#define PROT_RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Brings the page tables of r in line with its protection. */
static void protect_pages(struct address_space *as, const struct region *r)
{
    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    spin_lock(&as->pt_lock);
    split_block_at(as, r->start);
    split_block_at(as, r->end);
    /* Where there is an object some pages are its own, to be copied or asked for at the first write: by fault. */
    platform_pt_protect(&b, r->start, r->end, region_pte_prot(r), !r->object);
    spin_unlock(&as->pt_lock);
    if (b.flush)
        platform_pt_commit(&b); /* no page goes, and no fault comes before: the space is locked for writing */
}

/* What mprotect(2) has opened: pages that are to be brought in, once the space is unlocked. */
struct opened {
    bool fresh;  /* private memory that nobody has used begins the range, and may be written to for the first time */
    bool locked; /* some that is locked may be written to now */
};

static int protect_region(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end, u32 prot, struct opened *opened)
{
    u64 pages = (MIN(r->end, end) - MAX(r->start, start)) >> PAGE_SHIFT;
    bool newly_private = (prot & PROT_WRITE) && !(r->prot & PROT_WRITE) && !(r->flags & REGION_SHARED);

    if (prot == r->prot)
        return 0;
    if (prot & ~r->max_prot)
        return -EACCES;
    if (newly_private) {
        /* RLIMIT_DATA, not RLIMIT_AS: the pages are mapped already. */
        if (!may_expand(as, pages, prot, r->flags) && may_expand(as, pages, r->prot, r->flags))
            return -ENOMEM;
        if (!may_commit(pages, prot, r->flags, !r->object))
            return -ENOMEM;
    }
    if (r->start < start) {
        int error = region_split(as, r, start);
        if (error)
            return error;
        r = region_next(r);
    }
    if (r->end > end) {
        int error = region_split(as, r, end);
        if (error)
            return error;
    }
    /* A program that may write to its code is to find its own bytes there. */
    if (as->patches && (prot & PROT_WRITE) && (r->prot & PROT_EXEC))
        patch_ops->undo(as, r->start, r->end);
    opened->locked |= newly_private && (r->flags & REGION_LOCKED);
    region_change(as, r, prot, r->flags);
    protect_pages(as, r);
    return 0;
}

/* Private memory that nobody has used may be written to for the first time. */
static bool opens(const struct region *r, u32 prot)
{
    return (prot & ~r->prot & PROT_WRITE) && !r->object && !r->faulted_pages;
}

/* All of [start, *to) in order, until a hole or an error, where *to is then: what came before stays changed, as on Linux. */
static int protect_locked(struct address_space *as, vaddr_t start, vaddr_t *to, u32 prot, u32 grows, u32 if_allowed, struct opened *opened)
{
    struct region *r = region_find(as, start);
    vaddr_t end = *to;
    int error = 0;

    *to = start;
    if (!r)
        return -ENOMEM;
    if (grows & PROT_GROWSDOWN) {
        if (r->start >= end)
            return -ENOMEM;
        if (!(r->flags & REGION_GROWSDOWN))
            return -EINVAL;
        start = r->start;
    } else if (r->start > start) {
        return -ENOMEM;
    } else if (grows & PROT_GROWSUP) {
        return -EINVAL;
    }
    opened->fresh = opens(r, prot);
    vaddr_t at = start;
    while (at < end && !error) {
        r = region_find(as, at);
        if (!r || r->start > at) {
            error = -ENOMEM;
            break;
        }
        vaddr_t next = MIN(r->end, end);
        error = protect_region(as, r, at, end, prot | (if_allowed & r->max_prot), opened);
        if (!error)
            at = next;
    }
    *to = at;
    region_merge_range(as, start, end);
    return error;
}

int address_space_protect_more(struct address_space *as, vaddr_t start, size_t length, u64 asked, u32 if_allowed)
{
    u32 prot = (u32)asked, grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    prot &= ~grows;
    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (start & ~PAGE_MASK))
        return -EINVAL;
    if (length == 0)
        return 0;
    vaddr_t end = start + ALIGN_UP(length, PAGE_SIZE);
    if (end <= start)
        return -ENOMEM;
    if (prot & ~(PROT_RWX | PROT_SEM) || asked >> 32)
        return -EINVAL;
    prot &= PROT_RWX;

    rwlock_write_lock(&as->lock);
    struct opened opened = {false, false};
    int error = protect_locked(as, start, &end, prot, grows, if_allowed, &opened);
    rwlock_write_unlock(&as->lock);
    if (opened.locked)
        populate_regions(as, start, end, REGION_LOCKED, true);
    else if (opened.fresh && !error)
        fault_ahead(as, start, end);
    return error;
}

int address_space_protect(struct address_space *as, vaddr_t start, size_t length, u32 prot)
{
    return address_space_protect_more(as, start, length, prot, 0);
}
