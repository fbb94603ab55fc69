/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madvise(2). Advice about pages is carried out at once; advice about the future is kept in region flags.
 * There is no swap: cold and pageout are true as they stand.
 */
#include <linux/mman.h>
#include "kernel/region.h"

/* How an advice is carried out. */
enum advice_kind {
    ADVICE_INVALID, /* no such advice, or one a kernel without that option refuses */
    ADVICE_NOTHING,
    ADVICE_READ_AHEAD, /* the object's pages are brought in */
    ADVICE_FLAGS,   /* sets and clears region flags */
    ADVICE_UNLOCKED_NOTHING, /* nothing, but not on locked memory */
    ADVICE_DROP,    /* pages go */
    ADVICE_FREE,    /* the same, private anonymous only */
    ADVICE_REMOVE,  /* a hole in the object */
    ADVICE_POPULATE
};

static enum advice_kind kind_of(int advice, u32 *set, u32 *clear)
{
    *set = *clear = 0;
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
        return ADVICE_NOTHING;
    case MADV_WILLNEED:
        return ADVICE_READ_AHEAD;
    case MADV_COLD:
    case MADV_PAGEOUT:
        return ADVICE_UNLOCKED_NOTHING;
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
        return ADVICE_DROP;
    case MADV_FREE:
        return ADVICE_FREE;
    case MADV_REMOVE:
        return ADVICE_REMOVE;
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return ADVICE_POPULATE;
    case MADV_HUGEPAGE:
        *set = REGION_HUGE;
        *clear = REGION_NOHUGE;
        return ADVICE_FLAGS;
    case MADV_NOHUGEPAGE:
        *set = REGION_NOHUGE;
        *clear = REGION_HUGE;
        return ADVICE_FLAGS;
    case MADV_DONTFORK:
        *set = REGION_DONTFORK;
        return ADVICE_FLAGS;
    case MADV_DOFORK:
        *clear = REGION_DONTFORK;
        return ADVICE_FLAGS;
    case MADV_DONTDUMP:
        *set = REGION_DONTDUMP;
        return ADVICE_FLAGS;
    case MADV_DODUMP:
        *clear = REGION_DONTDUMP;
        return ADVICE_FLAGS;
    case MADV_WIPEONFORK:
        *set = REGION_WIPEONFORK;
        return ADVICE_FLAGS;
    case MADV_KEEPONFORK:
        *clear = REGION_WIPEONFORK;
        return ADVICE_FLAGS;
    default:
        return ADVICE_INVALID;
    }
}

/* Gives [start, end) of r other flags. Write lock. */
static int change_flags(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end, u32 flags)
{
    if (flags == r->flags)
        return 0;
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
    region_change(as, r, r->prot, flags);
    return 0;
}

static int drop_pages(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end, int advice)
{
    if (r->flags & REGION_KERNEL)
        return -EINVAL;
    if ((r->flags & REGION_LOCKED) && advice != MADV_DONTNEED_LOCKED)
        return -EINVAL;
    zap_range(as, start, end);
    return 0;
}

static int advise_flags(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end, int advice)
{
    u32 set, clear;
    kind_of(advice, &set, &clear);
    if (advice == MADV_WIPEONFORK && r->object)
        return -EINVAL;
    if ((advice == MADV_DODUMP || advice == MADV_HUGEPAGE) && (r->flags & REGION_KERNEL))
        return -EINVAL;
    int error = change_flags(as, r, start, end, (r->flags | set) & ~clear);
    return error == -ENOMEM ? -EAGAIN : error; /* too many regions; ENOMEM is for holes: madvise(2) */
}

/* The object is asked without the lock: what it removes, it removes from this space too. Drops the read lock always. */
static int remove_hole(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end)
{
    struct memory_object *o = r->object;
    int error = 0;
    if ((r->flags & REGION_LOCKED) || !o)
        error = -EINVAL;
    else if (!(r->flags & REGION_SHARED) || !(r->max_prot & PROT_WRITE))
        error = -EACCES;
    else if (!o->ops->punch)
        error = -EOPNOTSUPP;
    else if (READ_ONCE(o->sealed))
        error = -EPERM;
    if (!error)
        memory_object_get(o);
    u64 offset = r->offset + (start - r->start);
    rwlock_read_unlock(&as->lock);
    if (!error) {
        error = o->ops->punch(o, offset, end - start);
        memory_object_put(o);
    }
    return error;
}

static int advise_region(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end, int advice,
                         enum advice_kind kind)
{
    switch (kind) {
    case ADVICE_FLAGS:
        return advise_flags(as, r, start, end, advice);
    case ADVICE_DROP:
        return drop_pages(as, r, start, end, advice);
    case ADVICE_FREE:
        return r->object ? -EINVAL : drop_pages(as, r, start, end, advice);
    case ADVICE_READ_AHEAD:
        if (r->object && r->object->ops->read_ahead) {
            u64 first = (r->offset + (start - r->start)) >> PAGE_SHIFT;
            r->object->ops->read_ahead(r->object, first, first + ((end - start) >> PAGE_SHIFT));
        }
        return 0;
    case ADVICE_UNLOCKED_NOTHING:
        return r->flags & REGION_LOCKED ? -EINVAL : 0;
    default:
        return 0;
    }
}

/* MADV_POPULATE_*: ENOMEM at a hole, EINVAL where the access is not allowed, EFAULT where SIGBUS would be. */
static int advise_populate(struct address_space *as, vaddr_t start, vaddr_t end, int advice)
{
    int error = populate(as, start, end, advice == MADV_POPULATE_WRITE ? FAULT_WRITE : FAULT_READ);
    if (error == -ENOENT)
        return -ENOMEM;
    return error == -EACCES ? -EINVAL : error;
}

int address_space_advise(struct address_space *as, vaddr_t start, size_t length, int advice)
{
    u32 set, clear;
    enum advice_kind kind = kind_of(advice, &set, &clear);
    u64 size = ALIGN_UP(length, PAGE_SIZE);
    vaddr_t end = start + size;

    if (kind == ADVICE_INVALID || (start & ~PAGE_MASK) || (length && size == 0) || end < start)
        return -EINVAL;
    if (size == 0)
        return 0;
    if (kind == ADVICE_POPULATE)
        return advise_populate(as, start, end, advice);

    /* Holes are stepped over and reported at the end. */
    bool write = kind == ADVICE_FLAGS;
    int error = 0, unmapped = 0;
    vaddr_t at = start;
    while (at < end && !error) {
        if (write)
            rwlock_write_lock(&as->lock);
        else
            rwlock_read_lock(&as->lock);
        struct region *r = region_find(as, at);
        if (!r || r->start > at)
            unmapped = -ENOMEM;
        vaddr_t from = r ? MAX(r->start, at) : end, to = r ? MIN(r->end, end) : end;
        if (from >= to) {
            to = end;
        } else if (kind == ADVICE_REMOVE) {
            error = remove_hole(as, r, from, to);
            at = to;
            continue;
        } else {
            error = advise_region(as, r, from, to, advice, kind);
        }
        if (write && (to == end || error))
            region_merge_range(as, start, end);
        if (write)
            rwlock_write_unlock(&as->lock);
        else
            rwlock_read_unlock(&as->lock);
        at = to;
    }
    return error ? error : unmapped;
}
