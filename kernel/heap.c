/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel heap. Small blocks come from slabs: one page cut into objects of one size class, its free objects
 * linked by their offsets; struct page holds class, first free object and count. Each CPU keeps a short list of free
 * objects per class, used with interrupts masked; batches move between it and the slabs under one lock. A slab that is
 * wholly free goes back to the page allocator. Blocks above 2 KiB are whole pages, the tail beyond the size given back.
 */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/page.h"

/* Multiples of 64 from 64 on, except 96, which no size that is a multiple of 64 uses: their objects are 64-aligned. */
static const u16 class_size[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048};
#define CLASSES ARRAY_SIZE(class_size)
#define LARGEST 2048u
#define HEAP_LARGE 0xff /* page.kind of a block of whole pages, whose count is in page.next */

struct object {
    struct object *next;
};

struct heap_cache {
    struct object *free[CLASSES];
    u16 count[CLASSES];
    s64 used; /* bytes handed out minus bytes freed on this CPU */
};

static struct heap_cache boot_cache;
static struct heap_cache *caches[MAX_CPUS]; /* for heap_used() */
static struct spinlock lock = SPINLOCK_INIT(LOCK_HEAP);
static struct page *partial[CLASSES]; /* slabs with free objects, linked by next and prev; under lock */
static u8 class_by_size[LARGEST / 16 + 1];

#ifdef ARIL_DEBUG
#define POISON 0xa5
#define LINK_BYTES sizeof(struct object) /* a free object's first bytes link it */

static void poison(void *p, unsigned class)
{
    memset((char *)p + LINK_BYTES, POISON, class_size[class] - LINK_BYTES);
}

static void check_poison(const void *p, unsigned class)
{
    for (unsigned i = LINK_BYTES; i < class_size[class]; i++)
        if (((const u8 *)p)[i] != POISON)
            panic("heap: byte %u of %u at %p was written after it was freed", i, class_size[class], p);
}
#else
static inline void poison(void *p, unsigned class)
{
}

static inline void check_poison(const void *p, unsigned class)
{
}
#endif

/* Objects moved between a CPU's list and the slabs at once: about half a page, at least 2. */
static unsigned batch(unsigned class)
{
    return MIN(MAX(2048u / class_size[class], 2u), 32u);
}

void heap_init(void)
{
    unsigned class = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(class_by_size); i++) {
        if (i * 16 > class_size[class])
            class++;
        class_by_size[i] = (u8)class;
    }
    this_cpu()->heap_cache = caches[this_cpu()->cpu] = &boot_cache;
}

static void partial_add(unsigned class, struct page *p)
{
    p->prev = NULL;
    p->next = partial[class];
    if (p->next)
        p->next->prev = p;
    partial[class] = p;
}

static void partial_remove(unsigned class, struct page *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        partial[class] = p->next;
    if (p->next)
        p->next->prev = p->prev;
}

/* slab_free and the link inside a free object hold offset / 16 + 1. */
static struct object *object_at(struct page *p, u16 code)
{
    return (struct object *)((char *)page_virt(p) + (code - 1) * 16);
}

static bool slab_create(unsigned class)
{
    struct page *p = page_alloc(0, PAGE_RESERVE);
    if (!p)
        return false;
    unsigned step = class_size[class] / 16, n = PAGE_SIZE / class_size[class];
    for (unsigned i = 0; i < n; i++) {
        struct object *o = object_at(p, (u16)(i * step + 1));
        *(u16 *)o = (u16)(i + 1 < n ? (i + 1) * step + 1 : 0);
        poison(o, class);
    }
    p->kind = (u16)class;
    p->slab_free = 1;
    p->slab_used = 0;
    partial_add(class, p);
    return true;
}

/* One object from the slabs. Under lock. */
static struct object *slab_alloc(unsigned class)
{
    if (!partial[class] && !slab_create(class))
        return NULL;
    struct page *p = partial[class];
    struct object *o = object_at(p, p->slab_free);
    p->slab_free = *(u16 *)o;
    p->slab_used++;
    if (!p->slab_free)
        partial_remove(class, p);
    return o;
}

/* Under lock. */
static void slab_free_object(unsigned class, struct object *o)
{
    struct page *p = page_of(virt_to_phys(o));
    u64 offset = (u64)o & (PAGE_SIZE - 1);
    if (!p->slab_free)
        partial_add(class, p);
    *(u16 *)o = p->slab_free;
    p->slab_free = (u16)(offset / 16 + 1);
    if (--p->slab_used == 0) {
        partial_remove(class, p);
        p->refs = 1;
        page_put(p);
    }
}

/* Interrupts masked. A CPU without a cache of its own yet gets one from the slabs. */
static struct heap_cache *this_cache(void)
{
    struct percpu *cpu = this_cpu();
    struct heap_cache *c = cpu->heap_cache;
    if (likely(c))
        return c;
    spin_lock_irq(&lock);
    c = (struct heap_cache *)slab_alloc(class_by_size[(sizeof(*c) + 15) / 16]);
    spin_unlock_irq(&lock);
    if (c) {
        memset(c, 0, sizeof(*c));
        cpu->heap_cache = caches[cpu->cpu] = c;
    }
    return c;
}

static bool refill(struct heap_cache *c, unsigned class)
{
    spin_lock_irq(&lock);
    for (unsigned i = 0; i < batch(class); i++) {
        struct object *o = slab_alloc(class);
        if (!o)
            break;
        o->next = c->free[class];
        c->free[class] = o;
        c->count[class]++;
    }
    spin_unlock_irq(&lock);
    return c->free[class];
}

static void *alloc_small(unsigned class)
{
    void *p = NULL;
    irq_disable();
    struct heap_cache *c = this_cache();
    if (c && (c->free[class] || refill(c, class))) {
        struct object *o = c->free[class];
        c->free[class] = o->next;
        c->count[class]--;
        c->used += class_size[class];
        check_poison(o, class);
        p = o;
    }
    irq_enable();
    return p;
}

static void free_small(struct object *o, unsigned class)
{
    irq_disable();
    struct heap_cache *c = this_cache();
    if (unlikely(!c)) {
        spin_lock_irq(&lock);
        slab_free_object(class, o);
        spin_unlock_irq(&lock);
        irq_enable();
        return;
    }
    o->next = c->free[class];
    c->free[class] = o;
    c->used -= class_size[class];
    if (++c->count[class] > 2 * batch(class)) {
        spin_lock_irq(&lock);
        while (c->count[class] > batch(class)) {
            o = c->free[class];
            c->free[class] = o->next;
            c->count[class]--;
            slab_free_object(class, o);
        }
        spin_unlock_irq(&lock);
    }
    irq_enable();
}

static void account(s64 bytes)
{
    irq_disable();
    struct heap_cache *c = this_cache();
    if (c)
        c->used += bytes;
    irq_enable();
}

static void *alloc_large(size_t n)
{
    u64 pages = (n + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (n > (PAGE_SIZE << PAGE_MAX_ORDER))
        return NULL;
    unsigned order = pages > 1 ? 64 - (unsigned)__builtin_clzll(pages - 1) : 0;
    struct page *p = page_alloc(order, PAGE_RESERVE);
    if (!p)
        return NULL;
    if (order)
        page_split(p);
    for (u64 i = pages; i < 1ull << order; i++)
        page_put(p + i);
    p->kind = HEAP_LARGE;
    p->next = (struct page *)pages;
    account((s64)(pages << PAGE_SHIFT));
    return page_virt(p);
}

static void free_large(struct page *p)
{
    u64 pages = (u64)p->next;
    account(-(s64)(pages << PAGE_SHIFT));
    for (u64 i = 0; i < pages; i++)
        page_put(p + i);
}

void *kmalloc(size_t n)
{
    if (n > LARGEST)
        return alloc_large(n);
    return alloc_small(class_by_size[(n + 15) / 16]);
}

void *kzalloc(size_t n)
{
    void *p = kmalloc(n);
    if (p)
        memset(p, 0, n);
    return p;
}

void kfree(void *p)
{
    if (!p)
        return;
    struct page *page = page_of(virt_to_phys(p));
    ASSERT(page);
    if (page->kind == HEAP_LARGE) {
        free_large(page);
        return;
    }
    poison(p, page->kind);
    free_small(p, page->kind);
}

void *krealloc(void *p, size_t old_size, size_t new_size)
{
    void *q = kmalloc(new_size);
    if (q && p) {
        memcpy(q, p, MIN(old_size, new_size));
        kfree(p);
    }
    return q;
}

char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = kmalloc(n);
    if (p)
        memcpy(p, s, n);
    return p;
}

size_t heap_used(void)
{
    s64 used = 0;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        if (caches[i])
            used += READ_ONCE(caches[i]->used);
    return (size_t)used;
}
