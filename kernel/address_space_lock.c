/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlock(2) and its relatives, mincore(2) and msync(2). Nothing is ever paged out: locking means accounting, and bringing
 * the pages in.
 */
#include <linux/mman.h>
#include "kernel/fault.h"
#include "kernel/process.h"

#define LOCK_FLAGS (REGION_LOCKED | REGION_LOCK_ON_FAULT)

/* Sets the lock flags of [start, end): 0, or -ENOMEM at a hole (what came before stays changed). Write lock. */
static int set_lock_flags(struct address_space *as, vaddr_t start, vaddr_t end, u32 flags)
{
    int error = 0;
    vaddr_t at = start;
    while (at < end && !error) {
        struct region *r = region_find(as, at);
        if (!r || r->start > at) {
            error = -ENOMEM;
            break;
        }
        vaddr_t next = MIN(r->end, end);
        u32 wanted = (r->flags & ~LOCK_FLAGS) | (r->flags & REGION_KERNEL ? 0 : flags);
        if (wanted != r->flags) {
            error = region_split_range(as, at, next);
            r = region_find(as, at);
            if (!error)
                region_change(as, r, r->prot, wanted);
        }
        at = next;
    }
    region_merge_range(as, start, end);
    return error;
}

static u64 locked_pages_in(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct region *r;
    u64 n = 0;
    region_for_each_in (r, as, start, end) {
        if (r->flags & REGION_LOCKED)
            n += (MIN(r->end, end) - MAX(r->start, start)) >> PAGE_SHIFT;
    }
    return n;
}

int address_space_lock_range(struct address_space *as, vaddr_t start, size_t length, bool lock, bool on_fault)
{
    u64 size = ALIGN_UP(length + (start & ~PAGE_MASK), PAGE_SIZE);
    start &= PAGE_MASK;
    vaddr_t end = start + size;
    u32 flags = lock ? REGION_LOCKED | (on_fault ? REGION_LOCK_ON_FAULT : 0) : 0;

    if (lock && !can_lock())
        return -EPERM;
    if (size == 0)
        return 0;
    rwlock_write_lock(&as->lock);
    int error = 0;
    u64 again = lock && start <= end ? locked_pages_in(as, start, end) : 0;
    if (lock && !may_lock(as, (size >> PAGE_SHIFT) - again))
        error = -ENOMEM;
    if (!error)
        error = start <= end ? set_lock_flags(as, start, end, flags) : -EINVAL;
    rwlock_write_unlock(&as->lock);

    if (!error && lock && !on_fault) {
        error = populate_regions(as, start, end, 0, false);
        if (error == -EFAULT || error == -EACCES)
            error = -ENOMEM;
        else if (error == -ENOMEM)
            error = -EAGAIN;
    }
    return error;
}

int address_space_lock_all(struct address_space *as, int flags)
{
    u32 now = 0;

    if (flags && ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT))
        return -EINVAL;
    if (flags && !can_lock())
        return -EPERM;
    if (flags & MCL_CURRENT)
        now = REGION_LOCKED | (flags & MCL_ONFAULT ? REGION_LOCK_ON_FAULT : 0);

    rwlock_write_lock(&as->lock);
    int error = 0;
    if ((flags & MCL_CURRENT) && !may_lock(as, as->total_pages - as->locked_pages))
        error = -ENOMEM;
    if (!error) {
        as->lock_future = flags & MCL_FUTURE ? flags & (MCL_FUTURE | MCL_ONFAULT) : 0;
        if (flags == 0 || (flags & MCL_CURRENT)) {
            struct rb_node *n = rb_first(&as->regions);
            for (; n; n = rb_next(n)) {
                struct region *r = container_of(n, struct region, node);
                if (!(r->flags & REGION_KERNEL))
                    region_change(as, r, r->prot, (r->flags & ~LOCK_FLAGS) | now);
            }
            region_merge_range(as, 0, USER_SPACE_END);
        }
    }
    rwlock_write_unlock(&as->lock);
    if (!error && (now & LOCK_FLAGS) == REGION_LOCKED)
        populate_regions(as, USER_SPACE_START, USER_SPACE_END, 0, true);
    return error;
}

/* ---------------------------------------------------------------- mincore */

/* Marks which of the n <= 64 pages from va on, in r, are in memory. Read lock. */
static void mark_resident(struct address_space *as, struct region *r, vaddr_t va, unsigned n, u8 *vec)
{
    paddr_t pa[64] = {0};
    if (r->object && r->object->ops->get_resident)
        r->object->ops->get_resident(r->object, (r->offset + (va - r->start)) >> PAGE_SHIFT, n, false, pa);
    spin_lock(&as->pt_lock);
    for (unsigned i = 0; i < n; i++) {
        struct pt_leaf leaf;
        vec[i] = pa[i] || platform_pt_lookup(as->root, va + i * PAGE_SIZE, &leaf) == 0;
    }
    spin_unlock(&as->pt_lock);
    for (unsigned i = 0; i < n; i++)
        page_put_pa(pa[i]);
}

int address_space_mincore(struct address_space *as, vaddr_t start, size_t pages, u8 *vec)
{
    int error = 0;

    rwlock_read_lock(&as->lock);
    while (pages && !error) {
        struct region *r = region_find(as, start);
        if (!r || r->start > start) {
            error = -ENOMEM;
            break;
        }
        unsigned n = MIN(MIN(pages, (r->end - start) >> PAGE_SHIFT), 64ul);
        mark_resident(as, r, start, n, vec);
        start += n * PAGE_SIZE;
        vec += n;
        pages -= n;
    }
    rwlock_read_unlock(&as->lock);
    return error;
}

/* ---------------------------------------------------------------- msync */

int address_space_sync(struct address_space *as, vaddr_t start, size_t length, int flags)
{
    u64 size = ALIGN_UP(length, PAGE_SIZE);
    vaddr_t end = start + size;
    int error = 0, unmapped = 0;

    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (start & ~PAGE_MASK) ||
        ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return -EINVAL;
    if (end < start)
        return -ENOMEM;
    while (start < end && !error) {
        struct memory_object *o = NULL;
        u64 first = 0, last = 0;
        rwlock_read_lock(&as->lock);
        struct region *r = region_find(as, start);
        if (!r || r->start > start)
            unmapped = -ENOMEM;
        if (!r || r->start >= end) {
            rwlock_read_unlock(&as->lock);
            break;
        }
        vaddr_t from = MAX(start, r->start), to = MIN(end, r->end);
        if ((flags & MS_INVALIDATE) && (r->flags & REGION_LOCKED)) {
            error = -EBUSY;
        } else if ((flags & MS_SYNC) && r->object && (r->flags & REGION_SHARED) && r->object->ops->sync) {
            o = r->object;
            memory_object_get(o);
            first = (r->offset + (from - r->start)) >> PAGE_SHIFT;
            last = first + ((to - from) >> PAGE_SHIFT);
        }
        rwlock_read_unlock(&as->lock);
        if (o) {
            error = o->ops->sync(o, first, last);
            memory_object_put(o);
        }
        start = to;
    }
    return error ? error : unmapped;
}
