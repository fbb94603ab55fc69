/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory object of what kernel and program share: pages that are there from the beginning, and stay (kernel/memory_object.h). */
#include <linux/io_uring.h>
#include "kernel/heap.h"
#include "kernel/memory_object.h"

static int get_page(struct memory_object *o, u64 index, bool write, paddr_t *pa, bool *writable)
{
    struct pages_object *p = container_of(o, struct pages_object, base);
    index &= (IORING_OFF_CQ_RING >> PAGE_SHIFT) - 1;
    if (index >= p->count)
        return -EFAULT;
    *pa = virt_to_phys(p->pages[index]);
    page_get(page_of(*pa));
    *writable = true;
    return 0;
}

static void destroy(struct memory_object *o)
{
    struct pages_object *p = container_of(o, struct pages_object, base);
    for (u32 i = 0; i < p->count; i++)
        page_put(page_of(virt_to_phys(p->pages[i])));
    kfree(p);
}

static const struct memory_object_ops pages_ops = {.get_page = get_page, .destroy = destroy};

struct pages_object *pages_object_create(u64 count, unsigned order)
{
    struct pages_object *p = order <= PAGE_MAX_ORDER ? kzalloc(sizeof(*p) + count * sizeof(p->pages[0])) : NULL;
    if (!p)
        return NULL;
    memory_object_init(&p->base, &pages_ops, count << PAGE_SHIFT);
    while (p->count < count) {
        struct page *block = page_alloc(order, PAGE_ZERO);
        if (!block) {
            destroy(&p->base);
            return NULL;
        }
        page_split(block);
        for (u32 i = 0; i < 1u << order; i++)
            p->pages[p->count++] = (u8 *)page_virt(block) + ((u64)i << PAGE_SHIFT);
    }
    return p;
}
