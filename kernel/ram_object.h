/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the RAM object, shared by ram_object*.c only.
 *
 * Where the content of page i comes from, in this order: an own page (the tree holds its physical address); nothing,
 * zeros (the tree holds RAM_HOLE: punched out of the boot module); the boot module in place (i < in_place_pages, never
 * written); the module's last, partial page (i == in_place_pages, tail_bytes > 0: becomes an own page when somebody
 * wants the page); else zeros.
 */
#ifndef KERNEL_RAM_OBJECT_H
#define KERNEL_RAM_OBJECT_H

#include "kernel/lib/radix.h"
#include "kernel/memory_object.h"

#define RAM_HOLE 1ull

struct ram_object {
    struct memory_object base;
    struct radix_tree pages;   /* index -> physical address or RAM_HOLE; base.lock */
    u64 own_pages;             /* entries of the tree that are pages */
    struct ram_limit *limit;   /* counts own_pages too, or NULL; base.lock */
    const char *in_place;      /* boot module data, or NULL */
    u64 in_place_pages;        /* whole pages of it still part of the object */
    u64 in_place_covered;      /* how many of those have an entry in the tree */
    u32 tail_bytes;            /* bytes of the module after its whole pages */
};

static inline struct ram_object *ram_object_of(struct memory_object *o)
{
    return container_of(o, struct ram_object, base);
}

static inline u64 pages_for(u64 bytes)
{
    return (bytes >> PAGE_SHIFT) + ((bytes & (PAGE_SIZE - 1)) != 0);
}

/* From now on the page counts as data. Lock held. */
static inline void ram_mark_written(struct page *p)
{
    if (p->kind == PAGE_KIND_UNWRITTEN)
        p->kind = 0;
}

/* The page's address if it exists as a page (own or in place; *own says which), else 0. Lock held. */
paddr_t ram_peek(struct ram_object *ro, u64 index, bool *own);
/*
 * The own page at index, made if need be: 0, -ENOMEM or -ENOSPC. *replaced: it took the place of an in-place page that others
 * may have mapped; generation was raised and the caller must memory_object_unmap() it without the lock. Lock held.
 */
int ram_own(struct ram_object *ro, u64 index, paddr_t *pa, bool *replaced);
/* Puts an entry (page or RAM_HOLE) at index, which has none. 0, -ENOMEM or -ENOSPC. Lock held. */
int ram_insert(struct ram_object *ro, u64 index, u64 value);
/* True when file data should no longer take memory: a full tmpfs is better than a killed program. */
bool ram_is_full(void);

/* The object has n pages of its own more. n > 0: if the limit allows, 0 or -ENOSPC. Locked. */
int ram_count(struct ram_object *ro, s64 n);

#endif
