/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap(2). */
#include <linux/mman.h>
#include "kernel/patch.h"
#include "kernel/region.h"

struct remap {
    vaddr_t old, new_address;
    u64 old_length, new_length;
    u32 flags;
};

/* What Linux checks of the region at old before it grows or moves. NULL and *error, or the region. */
static struct region *check_region(struct address_space *as, const struct remap *m, int *error)
{
    struct region *r = region_find(as, m->old);
    u64 growth = m->new_length > m->old_length ? (m->new_length - m->old_length) >> PAGE_SHIFT : 0;

    *error = -EFAULT;
    if (!r || r->start > m->old)
        return NULL;
    if (m->old_length == 0 && !(r->flags & REGION_SHARED)) {
        *error = -EINVAL;
        return NULL;
    }
    if (m->old_length > r->end - m->old)
        return NULL;
    if (growth == 0)
        return r;
    if (r->flags & REGION_KERNEL)
        return NULL;
    if (r->object && r->offset + (m->old - r->start) + m->new_length < m->new_length)
        *error = -EINVAL;
    else if ((r->flags & REGION_LOCKED) && !may_lock(as, growth))
        *error = -EAGAIN;
    else if (!may_expand(as, growth, r->prot, r->flags) ||
             !may_commit(growth, r->prot, r->flags, !r->file))
        *error = -ENOMEM;
    else
        return r;
    return NULL;
}

/* A copy of [old, old + length) of r at a new place, linked. NULL: no memory. */
static struct region *copy_region(struct address_space *as, const struct region *r, const struct remap *m, vaddr_t to)
{
    struct region *n = region_alloc();
    if (!n)
        return NULL;
    *n = *r;
    list_init(&n->object_link);
    n->start = to;
    n->end = to + m->new_length;
    if (n->object) {
        n->offset += m->old - r->start;
        memory_object_get(n->object);
    }
    if (n->file)
        region_file_get(n->file);
    region_insert(as, n);
    return n;
}

static int move_pages(struct address_space *as, vaddr_t from, vaddr_t to, u64 length)
{
    if (as->patches)
        patch_ops->undo(as, from, from + length); /* jumps are relative */
    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    spin_lock(&as->pt_lock);
    split_block_at(as, from);
    split_block_at(as, from + length);
    if ((from ^ to) & (HUGE_SIZE - 1))
        split_blocks(as, from, from + length);
    int error = platform_pt_move(&b, from, to, length);
    if (error) /* back again: the tables for that are there still */
        platform_pt_move(&b, to, from, length);
    if (b.flush)
        platform_pt_commit(&b);
    spin_unlock(&as->pt_lock);
    return error;
}

/* Moves old_length bytes at old to the free range at to; it becomes new_length long. */
static s64 move(struct address_space *as, struct region *r, const struct remap *m, vaddr_t to)
{
    vaddr_t old_end = m->old + m->old_length;
    if (as->region_count + 3 > REGION_MAX_COUNT)
        return -ENOMEM;
    bool dont_unmap = m->flags & MREMAP_DONTUNMAP;
    /* The old region's own edges, so that the removal at the end cannot fail. */
    if (m->old_length) {
        int error = region_split_range(as, m->old, old_end);
        if (error)
            return error;
        r = region_find(as, m->old);
    }
    struct region *n = copy_region(as, r, m, to);
    int error = n ? 0 : -ENOMEM;
    if (!error && m->old_length)
        error = move_pages(as, m->old, to, MIN(m->old_length, m->new_length));
    if (error) {
        if (n) {
            region_remove(as, n);
            region_free(n);
        }
        region_merge_range(as, m->old, old_end);
        return error;
    }
    if (m->old_length && !dont_unmap)
        unmap_locked(as, m->old, old_end);
    else if (m->old_length)
        region_change(as, r, r->prot, r->flags & ~(REGION_LOCKED | REGION_LOCK_ON_FAULT));
    region_merge(as, n);
    if (dont_unmap)
        region_merge_range(as, m->old, old_end);
    return to;
}

/* Unmaps what is longer in the old range than in the new one. */
static int cut_tail(struct address_space *as, const struct remap *m)
{
    if (m->old_length > USER_SPACE_END || m->old > USER_SPACE_END - m->old_length)
        return -EINVAL;
    return unmap_locked(as, m->old + m->new_length, m->old + m->old_length);
}

static s64 remap_to(struct address_space *as, struct remap *m)
{
    bool fixed = m->flags & MREMAP_FIXED;
    vaddr_t to = m->new_address, to_end = to + m->new_length;
    struct remap kept = *m;
    int error;

    kept.old_length = MIN(m->old_length, m->new_length);
    if (fixed) {
        if ((to & ~PAGE_MASK) || m->new_length > USER_SPACE_END || to > USER_SPACE_END - m->new_length)
            return -EINVAL;
        if (to < USER_SPACE_START)
            return -EPERM;
        if (!user_span_ok(to, to_end))
            return -ENOMEM;
        if (m->old + m->old_length > to && to_end > m->old)
            return -EINVAL;
        if (as->region_count + 5 > REGION_MAX_COUNT)
            return -ENOMEM;
        /* Nothing goes for a source that cannot be moved. */
        if (!check_region(as, &kept, &error))
            return error;
        error = unmap_locked(as, to, to_end);
        if (error)
            return error;
    }
    if (m->old_length > m->new_length) {
        error = cut_tail(as, m);
        if (error)
            return error;
        m->old_length = m->new_length;
    }
    struct region *r = check_region(as, m, &error);
    if (!r)
        return error;
    if ((m->flags & MREMAP_DONTUNMAP) && !may_expand(as, m->new_length >> PAGE_SHIFT, r->prot, r->flags))
        return -ENOMEM;
    if (!fixed)
        to = choose_address(as, m->new_address, m->new_length, false, false);
    return to ? move(as, r, m, to) : -ENOMEM;
}

static s64 remap_anywhere(struct address_space *as, struct remap *m)
{
    int error;
    struct region *r = region_find(as, m->old);
    if (!r || r->start > m->old)
        return -EFAULT;
    if (m->old_length >= m->new_length) {
        error = m->old_length > m->new_length ? cut_tail(as, m) : 0;
        return error ? error : (s64)m->old;
    }
    r = check_region(as, m, &error);
    if (!r)
        return error;
    vaddr_t old_end = m->old + m->old_length, new_end = m->old + m->new_length;
    struct region *above = region_next(r);
    if (m->old_length && old_end == r->end && user_span_ok(m->old, new_end) &&
        (!above || region_guarded_start(above) >= new_end)) {
        region_resize(as, r, r->start, new_end);
        region_merge(as, r);
        return m->old;
    }
    if (!(m->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    bool huge = !r->object && (m->new_length & (HUGE_SIZE - 1)) == 0;
    vaddr_t to = choose_address(as, 0, m->new_length, false, huge);
    return to ? move(as, r, m, to) : -ENOMEM;
}

s64 address_space_remap(struct address_space *as, vaddr_t old, size_t old_length, size_t new_length,
                        u64 flags, vaddr_t new_address)
{
    struct remap m = {
        .old = old,
        .new_address = new_address,
        .old_length = ALIGN_UP(old_length, PAGE_SIZE),
        .new_length = ALIGN_UP(new_length, PAGE_SIZE),
        .flags = (u32)flags,
    };
    if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && m.old_length != m.new_length)
        return -EINVAL;
    if ((old & ~PAGE_MASK) || m.new_length == 0 || m.new_length > USER_SPACE_END)
        return -EINVAL;

    rwlock_write_lock(&as->lock);
    s64 at = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? remap_to(as, &m) : remap_anywhere(as, &m);
    struct region *r = at > 0 ? region_find(as, at) : NULL;
    bool fill = r && (r->flags & REGION_LOCKED) && !(r->flags & REGION_LOCK_ON_FAULT) && m.new_length > m.old_length;
    rwlock_write_unlock(&as->lock);
    if (fill)
        populate_regions(as, at + m.old_length, at + m.new_length, 0, true);
    return at;
}
