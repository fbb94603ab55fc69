/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The physical page allocator: power-of-two blocks of 4 KiB pages, per-CPU caches of single pages.
 * Every RAM page has a struct page with a reference count; a page whose count falls to 0 is free.
 * Order 9 blocks are 2 MiB, aligned to their size.
 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "kernel/types.h"
#include "platform/platform.h"

#define PAGE_MAX_ORDER 10

enum page_flags {
    PAGE_ZERO = 1,     /* the caller wants zeroed memory */
    PAGE_NO_RECLAIM = 2, /* fail rather than reclaim (atomic callers) */
    PAGE_RESERVE = 4,  /* may use the reserve kept for the kernel itself (page tables, heap) */
    PAGE_LAST = 8,     /* may use all there is: the queues that carry the message that memory has ended */
};

/*
 * Valid for the head of every block, free or allocated. What belongs to pages inside a larger block is undefined until
 * page_split(): the allocator writes no struct page before its block is first used, so that a large machine boots as
 * fast as a small one.
 */
struct page {
    union {
        u32 refs;                /* atomic; 0: free */
        struct {                 /* pages of the kernel heap, under its lock */
            u16 slab_free;       /* offset of the first free object, in 16 bytes + 1; 0: none */
            u16 slab_used;       /* objects handed out */
        };
    };
    u8 order;                    /* of the block this page heads */
    u8 free : 1, zone : 7;       /* the allocator's own */
    u16 kind;                    /* owner's mark while allocated; 0 after page_alloc, copied by page_split */
    struct page *next, *prev;    /* free list, or owner's use while allocated */
};

/* struct page.kind of a page that belongs to one private mapping (anonymous memory, private copies). */
#define PAGE_KIND_PRIVATE 1
/* ... of a RAM object's page that fallocate(2) has made and nobody has written or mapped: no data, for SEEK_DATA. */
#define PAGE_KIND_UNWRITTEN 2

void page_init(void); /* from the platform's memory map; boot CPU, before anything else */
/*
 * A block of 2^order pages (aligned to its size) with one reference on its head, or NULL. flags: enum page_flags. Atomic; a
 * caller that may sleep has memory reclaimed for it, and waits for that.
 */
struct page *page_alloc(unsigned order, unsigned flags);
/* Shorthands in physical addresses for single pages; 0 = none. */
paddr_t page_alloc_pa(unsigned flags);
void page_get(struct page *p);
/* Drops a reference; the last one frees the block. Atomic. */
void page_put(struct page *p);
/* Splits an allocated block (refs 1) into 2^order single pages with one reference each. */
void page_split(struct page *p);
struct page *page_of(paddr_t pa); /* NULL: not managed RAM (boot module, device) */
paddr_t page_address(const struct page *p);
static inline void *page_virt(const struct page *p)
{
    return phys_to_virt(page_address(p));
}
/* Gives a formerly reserved range (a boot module that is used up) to the allocator. */
void page_add_range(paddr_t start, paddr_t end);

/*
 * Who keeps pages that can be done without (the page cache) sets page_reclaim: it gives up to want pages back, and says how many.
 * Called in any thread that may sleep, whatever mutexes it holds. page_reclaimable (atomic) is how many there are.
 */
extern u64 (*page_reclaim)(u64 want);
extern u64 page_reclaimable;
/*
 * Has some pages reclaimed soon by a thread, so that callers that cannot wait find free ones: they call it when memory is nearly used up.
 * The first call, which makes the thread, is to come from a thread that may sleep; later ones are atomic.
 */
extern void (*page_reclaim_soon)(void);

struct page_stats {
    u64 total, free; /* pages; total without what the kernel image and boot modules take */
    u64 available;   /* free, or reclaimable */
};
void page_stats(struct page_stats *s);
/* Free blocks of each order; beside these there are single pages in the CPUs' caches. */
void page_free_blocks(u64 blocks[PAGE_MAX_ORDER + 1]);
u64 kernel_table_pages(void); /* page tables, in pages */

#endif
