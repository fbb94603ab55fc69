/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of trampolines for patched system-call sites, mapped into the program close to its code. A slot belongs to its site
 * for as long as the space lives. Callers: loader/patch*.c.
 */
#include <linux/mman.h>
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/region.h"
#include "kernel/lib/string.h"
#include "loader/patch_internal.h"

#define REACH 0x70000000ul /* how far from its site a trampoline page may lie */
#define STEP  0x10000ul

static bool in_reach(vaddr_t a, vaddr_t b)
{
    return (a > b ? a - b : b - a) < REACH;
}

/* Maps a page below the mapping that the site is in, where nothing grows. 0 or negative errno. No lock held. */
static s64 map_below(struct address_space *as, struct memory_object *object, vaddr_t site)
{
    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, site);
    vaddr_t at = r ? ALIGN_DOWN(r->start, PAGE_SIZE) : 0;
    while (r && at > USER_SPACE_START + PAGE_SIZE && site - at < REACH) {
        at -= PAGE_SIZE;
        if (region_range_free(as, at, at + PAGE_SIZE))
            break;
        at = ALIGN_DOWN(at, STEP);
    }
    rwlock_read_unlock(&as->lock);
    struct mapping m = {
        .address = at,
        .length = PAGE_SIZE,
        .prot = PROT_READ | PROT_EXEC,
        .max_prot = PROT_READ | PROT_EXEC,
        .flags = REGION_KERNEL | REGION_UNCOUNTED,
        .object = object,
        .name = "[trampolines]",
        .fixed = true,
    };
    return at ? address_space_map(as, &m) : -ENOMEM;
}

static struct trampoline_page *new_page(struct address_space *as, vaddr_t site)
{
    struct trampoline_page *p = kzalloc(sizeof(*p));
    struct memory_object *object = NULL;

    if (!p)
        return NULL;
    p->page = page_alloc(0, PAGE_ZERO);
    if (p->page)
        object = ram_object_create_from(page_virt(p->page), PAGE_SIZE);
    s64 at = object ? map_below(as, object, site) : -ENOMEM;
    if (object)
        memory_object_put(object); /* the mapping holds it */
    if (at < 0) {
        if (p->page)
            page_put(p->page);
        kfree(p);
        return NULL;
    }
    p->address = (vaddr_t)at;
    return p;
}

struct trampoline_page *trampoline_page_for(struct address_space *as, vaddr_t site, bool *fresh)
{
    *fresh = false;
    for (struct trampoline_page *p = as->patches->pages; p; p = p->next)
        if (p->used < PER_PAGE && in_reach(p->address, site))
            return p;
    *fresh = true;
    return new_page(as, site);
}

static struct trampoline_page *home_of(const struct patch_table *t, vaddr_t address)
{
    struct trampoline_page *p = __atomic_load_n(&t->pages, __ATOMIC_ACQUIRE);

    while (p && address - p->address >= PAGE_SIZE)
        p = p->next;
    return p;
}

u8 *trampoline_bytes(const struct patch_table *t, const struct patch_site *s)
{
    struct trampoline_page *home = home_of(t, s->trampoline);

    return (u8 *)page_virt(home->page) + (s->trampoline - home->address);
}

void trampoline_take(struct trampoline_page *p, struct patch_site *s)
{
    s->trampoline = p->address + p->used * PATCH_TRAMPOLINE_SIZE;
    __atomic_store_n(&p->sites[p->used++], s, __ATOMIC_RELEASE);
}

struct patch_site *trampoline_site(const struct patch_table *t, vaddr_t ip, u64 *offset)
{
    struct trampoline_page *home = home_of(t, ip);

    if (!home)
        return NULL;
    *offset = (ip - home->address) % PATCH_TRAMPOLINE_SIZE;
    return __atomic_load_n(&home->sites[(ip - home->address) / PATCH_TRAMPOLINE_SIZE], __ATOMIC_ACQUIRE);
}

void trampolines_free(struct patch_table *t)
{
    while (t->pages) {
        struct trampoline_page *p = t->pages;
        t->pages = p->next;
        page_put(p->page);
        kfree(p);
    }
}
