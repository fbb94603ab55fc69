/* SPDX-License-Identifier: BSD-2-Clause */
/* mmap(2), munmap(2) and brk(2). */
#include <linux/mman.h>
#include <linux/personality.h>
#include "kernel/patch.h"
#include "kernel/process.h"
#include "kernel/region.h"

/* MAP_32BIT: the second gigabyte, as Linux has it. */
#define LOW_START 0x40000000ul
#define LOW_END   0x80000000ul

vaddr_t choose_address(struct address_space *as, vaddr_t hint, u64 length, bool below_2g, bool huge)
{
    hint &= PAGE_MASK;
    if (hint && hint < USER_SPACE_START)
        hint = USER_SPACE_START;
    if (hint && length <= USER_SPACE_END - MIN(hint, USER_SPACE_END) &&
        user_span_ok(hint, hint + length) && (!below_2g || hint + length <= LOW_END)) {
        struct region *r = region_find(as, hint);
        if (!r || hint + length <= region_guarded_start(r))
            return hint;
    }
    if (below_2g)
        return region_find_gap(as, length, LOW_START, LOW_END);
    if (huge && length >= HUGE_SIZE) {
        u64 slack = HUGE_SIZE - PAGE_SIZE;
        vaddr_t at = region_find_gap(as, length + slack, USER_SPACE_START, as->mmap_top);
        if (at)
            return ALIGN_DOWN(at + slack, HUGE_SIZE);
    }
    vaddr_t at = region_find_gap(as, length, USER_SPACE_START, as->mmap_top);
    return at ? at : region_find_gap(as, length, USER_SPACE_START, USER_SPACE_END);
}

/* Pages mapped in [start, end). */
static u64 pages_in(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct region *r;
    u64 n = 0;
    region_for_each_in (r, as, start, end)
        n += (MIN(r->end, end) - MAX(r->start, start)) >> PAGE_SHIFT;
    return n;
}

static int check_limits(struct address_space *as, const struct mapping *m, vaddr_t at, u64 length, u32 flags)
{
    u64 pages = length >> PAGE_SHIFT;
    u64 replaced = m->fixed && m->replace ? pages_in(as, at, at + length) : 0;

    if (as->region_count > REGION_MAX_COUNT)
        return -ENOMEM;
    if (!may_expand(as, pages - replaced, m->prot, flags))
        return -ENOMEM;
    if (!may_commit(pages, m->prot, flags, !m->file))
        return -ENOMEM;
    if ((flags & REGION_LOCKED) && !may_lock(as, pages))
        return -EAGAIN;
    return 0;
}

static struct region *new_region(const struct mapping *m, vaddr_t at, u64 length, u32 flags)
{
    struct region *r = region_alloc();
    if (!r)
        return NULL;
    r->start = at;
    r->end = at + length;
    r->prot = m->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
    r->max_prot = m->max_prot;
    r->flags = flags;
    r->object = m->object;
    r->offset = m->object ? m->offset : 0;
    r->file = m->file;
    r->name = m->name;
    if (r->object)
        memory_object_get(r->object);
    if (r->file)
        region_file_get(r->file);
    return r;
}

/* The write lock is held; everything about the address has been checked but what is mapped there. */
static s64 map_locked(struct address_space *as, const struct mapping *m, u64 length, u32 flags)
{
    bool huge = !m->object && !(flags & (REGION_STACK | REGION_NOHUGE)) && (length & (HUGE_SIZE - 1)) == 0;
    vaddr_t at = m->fixed ? m->address : choose_address(as, m->address, length, m->below_2g, huge);
    if (!at)
        return -ENOMEM;
    if (m->fixed && !m->replace && !region_range_free(as, at, at + length))
        return -EEXIST;
    int error = check_limits(as, m, at, length, flags);
    if (error)
        return error;
    struct region *r = new_region(m, at, length, flags);
    if (!r)
        return -ENOMEM;
    if (m->fixed && m->replace) {
        error = unmap_locked(as, at, at + length);
        if (error) {
            region_free(r);
            return error;
        }
    }
    region_insert(as, r);
    region_merge(as, r);
    return at;
}

int address_space_check(const struct mapping *m)
{
    u64 length = ALIGN_UP(m->length, PAGE_SIZE);
    if (length == 0 || length > USER_SPACE_END)
        return m->length ? -ENOMEM : -EINVAL;
    if (m->fixed) {
        if (m->address & ~PAGE_MASK)
            return -EINVAL;
        if (m->address < USER_SPACE_START)
            return -EPERM;
        if (m->address > USER_SPACE_END - length || !user_span_ok(m->address, m->address + length))
            return -ENOMEM;
    }
    return (m->flags & REGION_LOCKED) && !can_lock() ? -EPERM : 0;
}

s64 address_space_map(struct address_space *as, const struct mapping *m)
{
    u64 length = ALIGN_UP(m->length, PAGE_SIZE);
    int error = address_space_check(m);
    if (error)
        return error;

    rwlock_write_lock(&as->lock);
    u32 flags = m->flags;
    if (as->lock_future)
        flags |= REGION_LOCKED | (as->lock_future & MCL_ONFAULT ? REGION_LOCK_ON_FAULT : 0);
    s64 at = map_locked(as, m, length, flags);
    rwlock_write_unlock(&as->lock);

    if (at > 0 && (m->populate || (flags & (REGION_LOCKED | REGION_LOCK_ON_FAULT)) == REGION_LOCKED))
        populate_regions(as, at, at + length, 0, true); /* mmap(2): it does not fail if this does */
    else if (at > 0 && !m->object && (m->prot & PROT_WRITE))
        fault_ahead(as, at, at + length);
    return at;
}

int unmap_locked(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct region *r = region_find(as, start);
    if (!r || r->start >= end)
        return 0;
    /* A hole inside one region is the only case that needs memory. */
    if (r->start < start && r->end > end) {
        int error = region_split(as, r, end);
        if (error)
            return error;
    }
    struct region *before = r->start < start ? NULL : region_prev(r);
    vaddr_t gap_start = r->start < start ? start : before ? before->end : 0;
    vaddr_t low = MAX(r->start, start), high = low;
    region_for_each_in (r, as, start, end)
        high = r->end;
    vaddr_t gap_end = high > end ? end : r ? r->start : USER_SPACE_END;
    high = MIN(high, end);
    /* Pages go before the regions leave their objects' lists: an object that drops pages must find them until then. */
    zap_gap(as, low, high, gap_start, gap_end);
    if (as->patches)
        patch_ops->forget(as, low, high);
    while ((r = region_find(as, start)) && r->start < end) {
        if (r->start < start) {
            region_resize(as, r, r->start, start);
        } else if (r->end > end) {
            region_resize(as, r, end, r->end);
        } else {
            region_remove(as, r);
            region_free(r);
        }
    }
    return 0;
}

int address_space_unmap(struct address_space *as, vaddr_t start, size_t length)
{
    u64 size = ALIGN_UP(length, PAGE_SIZE);
    if ((start & ~PAGE_MASK) || start > USER_SPACE_END || length > USER_SPACE_END - start || size == 0)
        return -EINVAL;
    rwlock_write_lock(&as->lock);
    int error = unmap_locked(as, start, start + size);
    rwlock_write_unlock(&as->lock);
    return error;
}

static bool attached_at(const struct region *r, vaddr_t start)
{
    return (r->flags & REGION_ATTACHED) && r->start - r->offset == start;
}

int address_space_detach(struct address_space *as, vaddr_t start)
{
    int error = -EINVAL;

    if (start & ~PAGE_MASK)
        return error;
    rwlock_write_lock(&as->lock);
    struct region *r = region_find(as, start);
    while (r && !attached_at(r, start))
        r = region_next(r);
    if (r) {
        const struct file *file = r->file;
        vaddr_t end = start + ALIGN_UP(r->object->size, PAGE_SIZE);
        error = 0;
        while (r && r->end <= end && !error) {
            vaddr_t next = r->end;
            if (attached_at(r, start) && r->file == file)
                error = unmap_locked(as, r->start, next);
            r = region_find(as, next);
        }
    }
    rwlock_write_unlock(&as->lock);
    return error;
}

/* ---------------------------------------------------------------- brk */

static bool heap_may_grow(struct address_space *as, vaddr_t old_end, vaddr_t new_end, vaddr_t want)
{
    u64 limit = resource_limit(RLIMIT_DATA), pages = (new_end - old_end) >> PAGE_SHIFT;
    const u32 prot = PROT_READ | PROT_WRITE;

    if (limit != RLIM_INFINITY && want - as->brk_start > limit)
        return false;
    if (!user_span_ok(old_end, new_end) || as->region_count > REGION_MAX_COUNT)
        return false;
    struct region *above = region_find(as, old_end);
    /* Linux leaves a page free between the heap and what lies above. */
    if (above && region_guarded_start(above) < new_end + PAGE_SIZE)
        return false;
    return may_expand(as, pages, prot, REGION_HEAP) && may_commit(pages, prot, REGION_HEAP, true) &&
           (!as->lock_future || may_lock(as, pages));
}

static bool heap_grow(struct address_space *as, vaddr_t old_end, vaddr_t new_end, vaddr_t want)
{
    u32 flags = REGION_HEAP, prot = PROT_READ | PROT_WRITE;
    if (current_process()->personality & READ_IMPLIES_EXEC)
        prot |= PROT_EXEC;
    if (as->lock_future)
        flags |= REGION_LOCKED | (as->lock_future & MCL_ONFAULT ? REGION_LOCK_ON_FAULT : 0);
    if (!heap_may_grow(as, old_end, new_end, want))
        return false;
    struct region *heap = region_find(as, old_end - 1);
    if (heap && heap->end == old_end && heap->flags == flags && heap->prot == prot) {
        region_resize(as, heap, heap->start, new_end);
        return true;
    }
    struct mapping m = {
        .prot = prot,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .name = "[heap]",
    };
    struct region *r = new_region(&m, old_end, new_end - old_end, flags);
    if (!r)
        return false;
    region_insert(as, r);
    region_merge(as, r);
    return true;
}

vaddr_t address_space_brk(struct address_space *as, vaddr_t want)
{
    bool fill = false;

    rwlock_write_lock(&as->lock);
    vaddr_t old_end = ALIGN_UP(as->brk_end, PAGE_SIZE), new_end = ALIGN_UP(want, PAGE_SIZE);
    if (want >= as->brk_start && want < USER_SPACE_END) {
        if (new_end == old_end) {
            as->brk_end = want;
        } else if (new_end < old_end) {
            if (unmap_locked(as, new_end, old_end) == 0)
                as->brk_end = want;
        } else if (heap_grow(as, old_end, new_end, want)) {
            as->brk_end = want;
            fill = as->lock_future && !(as->lock_future & MCL_ONFAULT);
        }
    }
    vaddr_t result = as->brk_end;
    rwlock_write_unlock(&as->lock);
    if (fill)
        populate_regions(as, old_end, new_end, 0, true);
    else if (result == want && new_end > old_end)
        fault_ahead(as, old_end, new_end);
    return result;
}
