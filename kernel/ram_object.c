/* SPDX-License-Identifier: BSD-2-Clause */
/* The RAM object: its pages, and how faults get at them. */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/ram_object.h"

static u64 all_pages; /* atomic: own_pages of all objects */

int ram_count(struct ram_object *ro, s64 n)
{
    struct ram_limit *l = ro->limit;

    if (l && __atomic_add_fetch(&l->used, (u64)n, __ATOMIC_RELAXED) > READ_ONCE(l->pages) && n > 0 && l->pages) {
        __atomic_sub_fetch(&l->used, (u64)n, __ATOMIC_RELAXED);
        return -ENOSPC;
    }
    ro->own_pages += (u64)n;
    __atomic_add_fetch(&all_pages, (u64)n, __ATOMIC_RELAXED);
    return 0;
}

void ram_object_limit(struct memory_object *o, struct ram_limit *l)
{
    struct ram_object *ro = ram_object_of(o);

    mutex_lock(&o->lock);
    if (ro->limit)
        __atomic_sub_fetch(&ro->limit->used, ro->own_pages, __ATOMIC_RELAXED);
    if (l)
        __atomic_add_fetch(&l->used, ro->own_pages, __ATOMIC_RELAXED);
    ro->limit = l;
    mutex_unlock(&o->lock);
}

u64 ram_objects_pages(void)
{
    return READ_ONCE(all_pages);
}

static void destroy(struct memory_object *o)
{
    struct ram_object *ro = ram_object_of(o);
    u64 index = 0;
    for (u64 value; (value = radix_next(&ro->pages, &index)); index++) {
        if (value != RAM_HOLE)
            page_put(page_of(value));
    }
    radix_destroy(&ro->pages);
    ram_count(ro, -(s64)ro->own_pages);
    kfree(ro);
}

paddr_t ram_peek(struct ram_object *ro, u64 index, bool *own)
{
    u64 value = radix_get(&ro->pages, index);
    *own = value && value != RAM_HOLE;
    if (value)
        return *own ? value : 0;
    if (index < ro->in_place_pages)
        return virt_to_phys(ro->in_place + (index << PAGE_SHIFT));
    return 0;
}

int ram_insert(struct ram_object *ro, u64 index, u64 value)
{
    int error = value == RAM_HOLE ? 0 : ram_count(ro, 1);
    if (error)
        return error;
    error = radix_set(&ro->pages, index, value);
    if (error) {
        if (value != RAM_HOLE)
            ram_count(ro, -1);
        return error;
    }
    if (index < ro->in_place_pages)
        ro->in_place_covered++;
    return 0;
}

int ram_own(struct ram_object *ro, u64 index, paddr_t *pa, bool *replaced)
{
    u64 value = radix_get(&ro->pages, index);
    if (value && value != RAM_HOLE) {
        *pa = value;
        return 0;
    }
    bool in_place = !value && index < ro->in_place_pages;
    paddr_t fresh = page_alloc_pa(in_place ? 0 : PAGE_ZERO);
    if (!fresh)
        return -ENOMEM;
    if (in_place)
        memcpy(phys_to_virt(fresh), ro->in_place + (index << PAGE_SHIFT), PAGE_SIZE);
    else if (!value && index == ro->in_place_pages && ro->tail_bytes)
        memcpy(phys_to_virt(fresh), ro->in_place + (index << PAGE_SHIFT), ro->tail_bytes);

    int error = value == RAM_HOLE ? ram_count(ro, 1) : ram_insert(ro, index, fresh);
    if (error) {
        page_put(page_of(fresh));
        return error;
    }
    if (value == RAM_HOLE)
        radix_set(&ro->pages, index, fresh);
    if (in_place) {
        __atomic_add_fetch(&ro->base.generation, 1, __ATOMIC_SEQ_CST);
        *replaced = true;
    }
    *pa = fresh;
    return 0;
}

static int get_page(struct memory_object *o, u64 index, bool write, paddr_t *pa, bool *writable)
{
    struct ram_object *ro = ram_object_of(o);
    bool replaced = false, own;
    int error = 0;

    mutex_lock(&o->lock);
    if (index >= pages_for(o->size)) {
        error = -EFAULT;
    } else {
        *pa = ram_peek(ro, index, &own);
        if (!*pa || (write && !own)) {
            error = ram_own(ro, index, pa, &replaced);
            own = true;
        }
    }
    if (!error) {
        struct page *p = page_of(*pa);
        if (p) {
            ram_mark_written(p);
            page_get(p);
        }
        *writable = own;
    }
    mutex_unlock(&o->lock);
    if (replaced)
        memory_object_unmap(o, index, index + 1, false);
    return error;
}

static void get_resident(struct memory_object *o, u64 index, unsigned n, bool write, paddr_t *pa)
{
    struct ram_object *ro = ram_object_of(o);

    mutex_lock(&o->lock);
    u64 end = pages_for(o->size);
    for (unsigned i = 0; i < n; i++) {
        bool own = false;
        pa[i] = index + i < end ? ram_peek(ro, index + i, &own) : 0;
        if (write && !own)
            pa[i] = 0;
        struct page *p = pa[i] ? page_of(pa[i]) : NULL;
        if (p && p->kind == PAGE_KIND_UNWRITTEN) {
            pa[i] = 0;
            p = NULL;
        }
        if (p)
            page_get(p);
    }
    mutex_unlock(&o->lock);
}

static void fill(struct memory_object *o, u64 index, unsigned n)
{
    struct ram_object *ro = ram_object_of(o);
    bool replaced;
    paddr_t pa;

    mutex_lock(&o->lock);
    u64 end = MIN(index + n, pages_for(o->size));
    if (index && radix_get(&ro->pages, index - 1) && index >= ro->in_place_pages && !ram_is_full())
        while (++index < end && !radix_get(&ro->pages, index) && !ram_own(ro, index, &pa, &replaced))
            ;
    mutex_unlock(&o->lock);
}

static const struct memory_object_ops ram_object_ops = {
    .get_page = get_page,
    .get_resident = get_resident,
    .fill = fill,
    .punch = ram_object_punch,
    .destroy = destroy,
};

bool is_ram_object(const struct memory_object *o)
{
    return o && o->ops == &ram_object_ops;
}

struct memory_object *ram_object_create(u64 size)
{
    struct ram_object *ro = kzalloc(sizeof(*ro));
    if (!ro)
        return NULL;
    memory_object_init(&ro->base, &ram_object_ops, size);
    return &ro->base;
}

struct memory_object *ram_object_create_from(const void *data, u64 size)
{
    struct memory_object *o = ram_object_create(size);
    if (!o)
        return NULL;
    struct ram_object *ro = ram_object_of(o);
    ro->in_place = data;
    ro->in_place_pages = size >> PAGE_SHIFT;
    ro->tail_bytes = size & (PAGE_SIZE - 1);
    return o;
}

u64 ram_object_pages(struct memory_object *o)
{
    struct ram_object *ro = ram_object_of(o);
    if (!ro->in_place)
        return READ_ONCE(ro->own_pages);
    mutex_lock(&o->lock);
    u64 n = ro->own_pages + ro->in_place_pages - ro->in_place_covered;
    if (ro->tail_bytes && !radix_get(&ro->pages, ro->in_place_pages))
        n++;
    mutex_unlock(&o->lock);
    return n;
}

bool ram_is_full(void)
{
    struct page_stats s;
    page_stats(&s);
    return s.available < s.total / 32;
}
