/* SPDX-License-Identifier: BSD-2-Clause */
/* What all memory objects share: references, and the removal of their pages from the spaces that map them. */
#include "kernel/log.h"
#include "kernel/region.h"

void memory_object_init(struct memory_object *o, const struct memory_object_ops *ops, u64 size)
{
    *o = (struct memory_object){.ops = ops, .refs = 1, .size = size};
    mutex_init(&o->lock, LOCK_OBJECT);
    mutex_init(&o->mappings_lock, LOCK_OBJECT);
    list_init(&o->mappings);
}

void memory_object_get(struct memory_object *o)
{
    __atomic_add_fetch(&o->refs, 1, __ATOMIC_RELAXED);
}

void memory_object_put(struct memory_object *o)
{
    if (__atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(list_empty(&o->mappings));
    o->ops->destroy(o);
}

void memory_object_unmap(struct memory_object *o, u64 first, u64 last, bool also_private)
{
    struct region *r;

    mutex_lock(&o->mappings_lock);
    list_for_each(r, &o->mappings, object_link) {
        u64 low = r->offset >> PAGE_SHIFT, high = low + region_pages(r);
        u64 from = MAX(first, low), to = MIN(last, high);
        if (from >= to)
            continue;
        vaddr_t start = r->start + ((from - low) << PAGE_SHIFT);
        vaddr_t end = r->start + ((to - low) << PAGE_SHIFT);
        if (also_private || (r->flags & REGION_SHARED))
            zap_range(r->space, start, end);
        else
            zap_object_pages(r->space, start, end);
    }
    mutex_unlock(&o->mappings_lock);
}
