/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing what a RAM object holds without data: truncate, punch, allocate; and finding data and holes.
 * Order in every removal: take the pages out of the tree and raise generation under the lock, remove the mappings
 * without it, drop the references.
 */
#include "kernel/lib/string.h"
#include "kernel/ram_object.h"

/* Takes the entries of [first, last) out; pages are chained in front of chain. Lock held. */
static struct page *detach(struct ram_object *ro, u64 first, u64 last, struct page *chain)
{
    u64 index = first;
    for (u64 value; (value = radix_next(&ro->pages, &index)) && index < last; index++) {
        radix_set(&ro->pages, index, 0);
        if (index < ro->in_place_pages)
            ro->in_place_covered--;
        if (value == RAM_HOLE)
            continue;
        ram_count(ro, -1);
        struct page *p = page_of(value);
        p->next = chain;
        chain = p;
    }
    return chain;
}

static void drop(struct page *chain)
{
    while (chain) {
        struct page *next = chain->next;
        page_put(chain);
        chain = next;
    }
}

/* Zeroes [from, to) within one page. Lock held. */
static int zero_in_page(struct ram_object *ro, u64 from, u64 to, bool *replaced)
{
    u64 index = from >> PAGE_SHIFT;
    bool own;
    paddr_t pa = ram_peek(ro, index, &own);

    if (!pa && !(index == ro->in_place_pages && ro->tail_bytes && !radix_get(&ro->pages, index)))
        return 0; /* zeros already */
    if (!own) {
        int error = ram_own(ro, index, &pa, replaced);
        if (error)
            return error;
    }
    memset((char *)phys_to_virt(pa) + (from & (PAGE_SIZE - 1)), 0, to - from);
    return 0;
}

/* The module's part of the object ends at size from now on. Lock held; the tree has no entries above size. */
static void shrink_in_place(struct ram_object *ro, u64 size)
{
    u64 whole = size >> PAGE_SHIFT;
    if (!ro->in_place || whole > ro->in_place_pages)
        return;
    if (whole == ro->in_place_pages) {
        ro->tail_bytes = MIN(ro->tail_bytes, (u32)(size & (PAGE_SIZE - 1)));
        return;
    }
    /* The page that size lies in becomes the partial one, unless it has an entry of its own. */
    if (radix_get(&ro->pages, whole))
        ro->in_place_covered--;
    ro->in_place_pages = whole;
    ro->tail_bytes = size & (PAGE_SIZE - 1);
}

int ram_object_truncate(struct memory_object *o, u64 size)
{
    struct ram_object *ro = ram_object_of(o);
    u64 first = pages_for(size);
    bool partial = false;

    if (size > INT64_MAX)
        return -EFBIG;
    mutex_lock(&o->lock);
    if (size > o->size) {
        WRITE_ONCE(o->size, size);
        mutex_unlock(&o->lock);
        return 0;
    }
    WRITE_ONCE(o->size, size);
    __atomic_add_fetch(&o->generation, 1, __ATOMIC_SEQ_CST);
    struct page *chain = detach(ro, first, UINT64_MAX, NULL);
    if (size & (PAGE_SIZE - 1)) {
        bool own;
        paddr_t pa = ram_peek(ro, size >> PAGE_SHIFT, &own);
        if (own)
            memset((char *)phys_to_virt(pa) + (size & (PAGE_SIZE - 1)), 0,
                   PAGE_SIZE - (size & (PAGE_SIZE - 1)));
        else
            partial = pa != 0; /* mapped in place with bytes that are past the end now */
    }
    shrink_in_place(ro, size);
    mutex_unlock(&o->lock);

    if (partial)
        memory_object_unmap(o, first - 1, first, false);
    memory_object_unmap(o, first, UINT64_MAX, true);
    drop(chain);
    return 0;
}

int ram_object_punch(struct memory_object *o, u64 offset, u64 length)
{
    struct ram_object *ro = ram_object_of(o);
    u64 end = offset + length;
    u64 first = pages_for(offset), last = end >> PAGE_SHIFT;
    u64 from_page = offset >> PAGE_SHIFT;
    bool replaced = false;
    int error = 0;

    mutex_lock(&o->lock);
    if (first > last) {
        error = zero_in_page(ro, offset, end, &replaced);
        mutex_unlock(&o->lock);
    } else {
        if (offset & (PAGE_SIZE - 1))
            error = zero_in_page(ro, offset, first << PAGE_SHIFT, &replaced);
        if (!error && (end & (PAGE_SIZE - 1)))
            error = zero_in_page(ro, last << PAGE_SHIFT, end, &replaced);
        __atomic_add_fetch(&o->generation, 1, __ATOMIC_SEQ_CST);
        struct page *chain = detach(ro, first, last, NULL);
        for (u64 i = first; i < MIN(last, ro->in_place_pages) && !error; i++)
            error = ram_insert(ro, i, RAM_HOLE);
        if (!error && first <= ro->in_place_pages && ro->in_place_pages < last)
            ro->tail_bytes = 0;
        mutex_unlock(&o->lock);
        memory_object_unmap(o, first, last, false);
        drop(chain);
    }
    if (replaced)
        memory_object_unmap(o, from_page, last + 1, false);
    return error;
}

/* Does page index hold data? Lock held. */
static bool has_data(struct ram_object *ro, u64 index)
{
    bool own;
    paddr_t pa = ram_peek(ro, index, &own);
    if (own)
        return page_of(pa)->kind != PAGE_KIND_UNWRITTEN;
    return pa != 0 ||
           (index == ro->in_place_pages && ro->tail_bytes && !radix_get(&ro->pages, index));
}

u64 ram_object_missing(struct memory_object *o, u64 offset, u64 length, u64 most)
{
    struct ram_object *ro = ram_object_of(o);
    u64 last = pages_for(offset + length), missing = 0;
    bool own;

    mutex_lock(&o->lock);
    for (u64 i = offset >> PAGE_SHIFT; i < last && missing <= most; i++)
        missing += !ram_peek(ro, i, &own);
    mutex_unlock(&o->lock);
    return missing;
}

int ram_object_allocate(struct memory_object *o, u64 offset, u64 length)
{
    struct ram_object *ro = ram_object_of(o);
    u64 last = pages_for(offset + length);

    for (u64 i = offset >> PAGE_SHIFT; i < last; i++) {
        bool own, replaced = false;
        int error = 0;
        mutex_lock(&o->lock);
        paddr_t pa = ram_peek(ro, i, &own);
        if (!pa) {
            bool data = has_data(ro, i);
            error = ram_is_full() ? -ENOSPC : ram_own(ro, i, &pa, &replaced);
            if (!error && !data)
                page_of(pa)->kind = PAGE_KIND_UNWRITTEN;
        } else if (own) {
            ram_mark_written(page_of(pa)); /* as on Linux: what is asked for twice counts as data */
        }
        mutex_unlock(&o->lock);
        if (error)
            return -ENOSPC;
    }
    return 0;
}

/* First page >= index with data, or UINT64_MAX. Lock held. */
static u64 next_data(struct ram_object *ro, u64 index)
{
    for (; index <= ro->in_place_pages && ro->in_place; index++) {
        if (has_data(ro, index))
            return index;
    }
    for (u64 value; (value = radix_next(&ro->pages, &index)); index++) {
        if (value != RAM_HOLE && page_of(value)->kind != PAGE_KIND_UNWRITTEN)
            return index;
    }
    return UINT64_MAX;
}

s64 ram_object_seek(struct memory_object *o, u64 from, bool hole)
{
    struct ram_object *ro = ram_object_of(o);
    s64 result = -ENXIO;

    mutex_lock(&o->lock);
    if (from < o->size) {
        u64 index = from >> PAGE_SHIFT;
        if (hole) {
            while (index < pages_for(o->size) && has_data(ro, index))
                index++;
        } else {
            index = next_data(ro, index);
        }
        if (index < pages_for(o->size))
            result = MAX(from, index << PAGE_SHIFT);
        else if (hole)
            result = o->size;
    }
    mutex_unlock(&o->lock);
    return result;
}
