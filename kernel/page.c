/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The physical page allocator. A zone is one contiguous range of RAM with its array of struct page at its end. Within a
 * zone, memory below `frontier` is in the buddy system (free lists by order, halves merged with their buddies); memory
 * above was never used, and its struct pages were never written. The frontier moves up by one largest block when the
 * free lists run dry: boot touches a handful of pages whatever the machine's size, and on a host that fills guest
 * memory on first touch that is what boot costs.
 *
 * Single pages go through per-CPU caches, used with interrupts masked; everything else is under the allocator's lock.
 *
 * Invariant: a struct page is valid if its page heads a block below the frontier. The buddy of a block is always the
 * head of some block, or beyond the frontier or the zone: blocks enter whole, largest first, and come apart by halves.
 */
#include "kernel/page.h"
#include "kernel/lib/string.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/wait.h"

#define MAX_ZONES 32
#define MIN_ZONE_PAGES 4
#define RECLAIM_TRIES 64u /* other threads may be faster to what was freed */

struct zone {
    u64 first, frontier, end; /* page frame numbers: [first, frontier) buddy, [frontier, end) never used */
    struct page *pages;       /* of page frame `first` */
};

/* One CPU's stock of single free pages; used by its CPU with interrupts masked. */
struct page_cache {
    struct page *first;
    u32 count;
} __attribute__((aligned(64)));

static struct zone zones[MAX_ZONES]; /* written at boot and under lock */
static unsigned zone_count;
static struct spinlock lock = SPINLOCK_INIT(LOCK_PAGE);
static struct page *free_lists[PAGE_MAX_ORDER + 1]; /* linked by next and prev, NULL-ended; under lock */
static u64 free_blocks[PAGE_MAX_ORDER + 1]; /* in those lists; under lock */
static u64 free_pages;     /* in free lists and beyond frontiers; under lock */
static u64 total_pages;
static u64 reserve_pages;  /* what only PAGE_RESERVE may take */
static u64 last_pages;     /* the part of it that only PAGE_LAST may take */
static u64 table_pages;    /* atomic: page tables */
static u32 cache_batch;    /* pages moved between a cache and the lists at once */
static struct page_cache caches[MAX_CPUS];
static u32 cache_count;    /* atomic: caches that are in use, from the first on */

u64 (*page_reclaim)(u64 want);
u64 page_reclaimable;
void (*page_reclaim_soon)(void);

static u64 page_frame(const struct page *p)
{
    const struct zone *z = &zones[p->zone];
    return z->first + (u64)(p - z->pages);
}

paddr_t page_address(const struct page *p)
{
    return page_frame(p) << PAGE_SHIFT;
}

struct page *page_of(paddr_t pa)
{
    u64 frame = pa >> PAGE_SHIFT;
    for (unsigned i = 0; i < zone_count; i++)
        if (frame >= zones[i].first && frame < zones[i].end)
            return &zones[i].pages[frame - zones[i].first];
    return NULL;
}

static void list_push(struct page *p, unsigned order)
{
    p->refs = 0;
    p->order = (u8)order;
    p->free = true;
    p->prev = NULL;
    p->next = free_lists[order];
    if (p->next)
        p->next->prev = p;
    free_lists[order] = p;
    free_blocks[order]++;
}

static void list_take(struct page *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        free_lists[p->order] = p->next;
    if (p->next)
        p->next->prev = p->prev;
    p->free = false;
    free_blocks[p->order]--;
}

/* Frees a block into the lists, merged as far as it goes. Under lock. */
static void buddy_free(struct page *p, unsigned order)
{
    struct zone *z = &zones[p->zone];
    u64 frame = page_frame(p);
    free_pages += 1ull << order;
    for (; order < PAGE_MAX_ORDER; order++) {
        u64 buddy = frame ^ (1ull << order);
        if (buddy < z->first || buddy + (1ull << order) > z->frontier)
            break;
        struct page *b = &z->pages[buddy - z->first];
        if (!b->free || b->order != order)
            break;
        list_take(b);
        frame &= ~(1ull << order);
    }
    list_push(&z->pages[frame - z->first], order);
}

/* Largest order of a block that starts at frame and ends by end. */
static unsigned fitting_order(u64 frame, u64 end)
{
    unsigned order = frame ? (unsigned)__builtin_ctzll(frame) : PAGE_MAX_ORDER;
    if (order > PAGE_MAX_ORDER)
        order = PAGE_MAX_ORDER;
    while ((1ull << order) > end - frame)
        order--;
    return order;
}

/* Brings the next never-used block of a zone into the free lists; false when there is none. Under lock. */
static bool advance_frontier(void)
{
    for (unsigned i = 0; i < zone_count; i++) {
        struct zone *z = &zones[i];
        if (z->frontier == z->end)
            continue;
        unsigned order = fitting_order(z->frontier, z->end);
        struct page *p = &z->pages[z->frontier - z->first];
        p->zone = i & 0x7f;
        z->frontier += 1ull << order;
        list_push(p, order);
        return true;
    }
    return false;
}

/* How many pages an allocation leaves. */
static u64 kept_pages(unsigned flags)
{
    return flags & PAGE_LAST ? 0 : flags & PAGE_RESERVE ? last_pages : reserve_pages;
}

/* A block out of the lists, of which `keep` pages must remain, or NULL. Under lock. */
static struct page *buddy_alloc(unsigned order, u64 keep)
{
    u64 n = 1ull << order;
    if (free_pages < n + keep)
        return NULL;
    unsigned k;
    do {
        for (k = order; k <= PAGE_MAX_ORDER && !free_lists[k]; k++)
            ;
    } while (k > PAGE_MAX_ORDER && advance_frontier());
    if (k > PAGE_MAX_ORDER)
        return NULL;
    struct page *p = free_lists[k];
    list_take(p);
    while (k > order) {
        k--;
        p[1ull << k].zone = p->zone;
        list_push(p + (1ull << k), k);
    }
    p->order = (u8)order;
    free_pages -= n;
    return p;
}

static struct page_cache *this_cache(void)
{
    struct percpu *cpu = this_cpu();
    if (unlikely(!cpu->page_cache)) {
        cpu->page_cache = &caches[cpu->cpu];
        u32 seen = READ_ONCE(cache_count);
        while (seen <= cpu->cpu && !__atomic_compare_exchange_n(&cache_count, &seen, cpu->cpu + 1, false,
                                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            ;
    }
    return cpu->page_cache;
}

/* A single page from this CPU's cache, refilled from the lists. */
static struct page *cache_alloc(u64 keep)
{
    irq_disable();
    struct page_cache *c = this_cache();
    if (!c->first) {
        spin_lock_irq(&lock);
        for (u32 i = 0; i < cache_batch; i++) {
            struct page *p = buddy_alloc(0, c->first ? reserve_pages : keep);
            if (!p)
                break;
            p->next = c->first;
            c->first = p;
            c->count++;
        }
        spin_unlock_irq(&lock);
    }
    struct page *p = c->first;
    if (p) {
        c->first = p->next;
        c->count--;
    }
    irq_enable();
    return p;
}

/* Gives pages back until the cache has `keep`. Under lock. */
static void cache_shrink(struct page_cache *c, u32 keep)
{
    while (c->count > keep) {
        struct page *p = c->first;
        c->first = p->next;
        c->count--;
        buddy_free(p, 0);
    }
}

static void cache_free(struct page *p)
{
    irq_disable();
    struct page_cache *c = this_cache();
    p->next = c->first;
    c->first = p;
    if (++c->count > 2 * cache_batch) {
        spin_lock_irq(&lock);
        cache_shrink(c, cache_batch);
        spin_unlock_irq(&lock);
    }
    irq_enable();
}

/* A block from the lists; when there is none, pages in this CPU's cache may be what keeps halves apart. */
static struct page *block_alloc(unsigned order, u64 keep)
{
    spin_lock_irq(&lock);
    struct page *p = buddy_alloc(order, keep);
    if (unlikely(!p)) {
        cache_shrink(this_cache(), 0);
        p = buddy_alloc(order, keep);
    }
    spin_unlock_irq(&lock);
    return p;
}

static struct page *alloc(unsigned order, unsigned flags)
{
    u64 keep = kept_pages(flags);
    return order ? block_alloc(order, keep) : cache_alloc(keep);
}

/* More is reclaimed than is wanted: for a block, pages side by side must come free. */
static __attribute__((noinline)) struct page *alloc_reclaimed(unsigned order, unsigned flags)
{
    struct page *p = NULL;
    if (!page_reclaim || flags & PAGE_NO_RECLAIM || !wait_allowed())
        return NULL;
    for (unsigned tries = 0; !p && tries < RECLAIM_TRIES && page_reclaim(MAX(4ull << order, cache_batch)); tries++)
        p = alloc(order, flags);
    return p;
}

struct page *page_alloc(unsigned order, unsigned flags)
{
    if (order > PAGE_MAX_ORDER)
        return NULL;
    struct page *p = alloc(order, flags);
    if (unlikely(!p) && !(p = alloc_reclaimed(order, flags)))
        return NULL;
    p->refs = 1;
    p->kind = 0;
    p->next = p->prev = NULL;
    if (flags & PAGE_ZERO)
        clear_pages(page_virt(p), 1ul << order);
    return p;
}

paddr_t page_alloc_pa(unsigned flags)
{
    struct page *p = page_alloc(0, flags);
    return p ? page_address(p) : 0;
}

void page_get(struct page *p)
{
    __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
}

void page_put(struct page *p)
{
    u32 before = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);
    ASSERT(before != 0);
    if (before != 1)
        return;
    if (p->order == 0) {
        cache_free(p);
    } else {
        spin_lock_irq(&lock);
        buddy_free(p, p->order);
        spin_unlock_irq(&lock);
    }
}

void page_split(struct page *p)
{
    ASSERT(p->refs == 1);
    u64 n = 1ull << p->order;
    for (u64 i = 0; i < n; i++)
        p[i] = (struct page){.refs = 1, .zone = p->zone, .kind = p->kind};
}

/* Makes [first, end) of page frames a zone, with its page array in its last pages. At boot or under lock. */
static bool add_zone(u64 first, u64 end)
{
    if (first == 0)
        first = 1; /* physical address 0 means "none" */
    if (end <= first + MIN_ZONE_PAGES || zone_count == MAX_ZONES)
        return false;
    u64 array_pages = ((end - first) * sizeof(struct page) + PAGE_SIZE - 1) >> PAGE_SHIFT;
    end -= array_pages;
    zones[zone_count] = (struct zone){first, first, end, phys_to_virt(end << PAGE_SHIFT)};
    zone_count++;
    total_pages += end - first;
    free_pages += end - first;
    return true;
}

void page_add_range(paddr_t start, paddr_t end)
{
    spin_lock_irq(&lock);
    bool added = add_zone(ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT, end >> PAGE_SHIFT);
    spin_unlock_irq(&lock);
    if (!added)
        log_debug("page: range %#lx-%#lx is not used", start, end);
}

/* Batches and reserve in proportion to memory, so that a machine of 4 MiB is not eaten by caches. */
static void set_limits(void)
{
    cache_batch = (u32)MIN(MAX(total_pages / 512, 1ull), 32ull);
    last_pages = MIN(total_pages / 64, 24ull); /* console queues take 20, buffers of the streams 3 */
    reserve_pages = MIN(MAX(total_pages / 64, 16ull), 1024ull);
}

void page_init(void)
{
    unsigned n;
    const struct memory_range *map = platform_memory_map(&n);
    u64 left = params.mem_limit ? params.mem_limit >> PAGE_SHIFT : UINT64_MAX;
    /* The zone searched first by page_of() and used first should be the one with most memory. */
    unsigned largest = 0;
    for (unsigned i = 1; i < n; i++)
        if (map[i].kind == MEMORY_FREE && (map[largest].kind != MEMORY_FREE ||
                                           map[i].end - map[i].start > map[largest].end - map[largest].start))
            largest = i;
    for (unsigned k = 0; k <= n && left; k++) {
        unsigned i = k == 0 ? largest : k - 1;
        if (i >= n || (k && i == largest) || map[i].kind != MEMORY_FREE)
            continue;
        u64 first = ALIGN_UP(map[i].start, PAGE_SIZE) >> PAGE_SHIFT, end = map[i].end >> PAGE_SHIFT;
        if (first >= end)
            continue;
        end = MIN(end, first + MIN(left, end - first));
        left -= end - first;
        add_zone(first, end);
    }
    set_limits();
}

void page_free_blocks(u64 blocks[PAGE_MAX_ORDER + 1])
{
    spin_lock_irq(&lock);
    memcpy(blocks, free_blocks, sizeof(free_blocks));
    for (unsigned i = 0; i < zone_count; i++)
        for (u64 at = zones[i].frontier, n; at < zones[i].end; at += n) {
            unsigned order = fitting_order(at, zones[i].end);
            u64 whole = order == PAGE_MAX_ORDER ? (zones[i].end - at) >> order : 1;
            blocks[order] += whole;
            n = whole << order;
        }
    spin_unlock_irq(&lock);
}

void page_stats(struct page_stats *s)
{
    spin_lock_irq(&lock);
    s->total = total_pages;
    s->free = free_pages;
    spin_unlock_irq(&lock);
    for (unsigned i = 0; i < READ_ONCE(cache_count); i++)
        s->free += READ_ONCE(caches[i].count);
    s->available = s->free + READ_ONCE(page_reclaimable);
}

paddr_t kernel_table_page_alloc(void)
{
    paddr_t pa = page_alloc_pa(PAGE_ZERO | PAGE_RESERVE);
    if (pa)
        __atomic_add_fetch(&table_pages, 1, __ATOMIC_RELAXED);
    return pa;
}

u64 kernel_table_pages(void)
{
    return READ_ONCE(table_pages);
}

void kernel_table_page_free(paddr_t pa)
{
    __atomic_sub_fetch(&table_pages, 1, __ATOMIC_RELAXED);
    page_put(page_of(pa));
}
