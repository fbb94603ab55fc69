/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the page cache, shared by fs/page_cache*.c only.
 *
 * The tree of a cached object maps an index to a page's physical address with flags in its low bits. Whoever set
 * CACHE_FILLING owns the page until it has cleared the flag; truncation may take the entry away meanwhile, and the owner
 * notices that it is gone. A page that leaves stays in the tree, so marked, until no mapping shows it any more: its successor
 * must not be seen by some while others see the old one. Entries with CACHE_WRITEBACK or CACHE_WRITING stay until the flag is cleared. All other entries
 * hold one reference on their page.
 *
 * An object with dirty pages is on the list of dirty objects, which holds a reference on it.
 */
#ifndef FS_PAGE_CACHE_INTERNAL_H
#define FS_PAGE_CACHE_INTERNAL_H

#include "fs/page_cache.h"
#include "kernel/lib/radix.h"
#include "kernel/list.h"
#include "kernel/wait.h"

#define CACHE_FILLING    1u  /* the file system reads it, or it is about to leave: not to be used */
#define CACHE_DIRTY      2u  /* newer than what the file system has */
#define CACHE_WRITEBACK  4u  /* the file system writes it */
#define CACHE_WRITING    8u  /* write(2) copies into it, without the lock */
#define CACHE_REFERENCED 16u /* used since reclaim last looked */
#define CACHE_AHEAD      32u /* using it starts the next read-ahead */
#define CACHE_LEAVING    64u /* with CACHE_FILLING: about to leave */
/* Pages that may not leave the cache now. */
#define CACHE_PINNED     (CACHE_FILLING | CACHE_DIRTY | CACHE_WRITEBACK | CACHE_WRITING)

#define CACHE_WINDOW_MAX 64u /* pages in one read or write of the file system */

struct cached_object {
    struct memory_object base;   /* its lock guards what follows, if nothing else is said */
    const struct page_cache_ops *ops;
    void *private;
    struct radix_tree pages;
    u64 n_pages, n_dirty;
    u64 dirty_first, dirty_last; /* all dirty pages are in [first, last) */
    u64 hand;                    /* where reclaim goes on */
    bool on_dirty_list;
    int error;                   /* first failed write-back that nobody was told of */
    u32 events;                  /* fills and write-backs that ended */
    struct wait_queue waiters;   /* for events */
    struct list cached_link;     /* page_cache.objects, while n_pages; page_cache.lock */
    struct list dirty_link;      /* page_cache.dirty; page_cache.lock */
};

struct page_cache {
    struct spinlock lock;     /* LOCK_PAGE_CACHE: the lists */
    struct list objects;      /* that have pages; the one reclaim looks at next first */
    struct list dirty;        /* that have, or just had, dirty pages; oldest first */
    u64 pages, dirty_pages;   /* atomic */
    u64 writing;              /* atomic: pages being written back */
    u64 written;              /* atomic: pages whose write-back ended, for those who wait for any */
    struct wait_queue work;   /* the flusher sleeps here */
    struct wait_queue progress; /* who needs memory waits here for write-back */
};
extern struct page_cache page_cache;

static inline struct cached_object *cached_object_of(struct memory_object *o)
{
    return container_of(o, struct cached_object, base);
}

static inline u64 pages_of_bytes(u64 bytes)
{
    return (bytes >> PAGE_SHIFT) + ((bytes & (PAGE_SIZE - 1)) != 0);
}

static inline struct page *cache_page(u64 entry)
{
    return page_of(entry & PAGE_MASK);
}

static inline char *cache_data(u64 entry)
{
    return phys_to_virt(entry & PAGE_MASK);
}

/* Puts an entry where none is. 0 or -ENOMEM. Locked. */
int cache_insert(struct cached_object *c, u64 index, u64 entry);
/* Takes the entry at index out, dirty or not; its page's reference is the caller's now. Locked. */
void cache_remove(struct cached_object *c, u64 index, u64 entry);
/* What is past the object's size in its last page becomes zero: of the page at index, if it is that. Locked. */
void cache_zero_tail(struct cached_object *c, u64 index, u64 entry);
/* Something ended that others may wait for. Takes no lock but the queue's. */
void cache_event(struct cached_object *c);
/* Sleeps until events is not seen any more. 0, or -EINTR when the thread must end (WAIT_KILLABLE). No lock held. */
int cache_wait(struct cached_object *c, u32 seen, enum wait_mode mode);
/*
 * Reads up to n pages from index on, fewer where some are there already. 0: something was done, look again. -EFAULT past
 * the end, -ENOMEM, -EIO… No lock held.
 */
int cache_fill(struct cached_object *c, u64 index, unsigned n);

/* Pages that leave the cache together. */
struct eviction {
    unsigned n;
    bool mapped;     /* somebody uses some of them, those in [first, last) */
    u64 first, last;
    u64 index[CACHE_WINDOW_MAX], entry[CACHE_WINDOW_MAX];
};
/* Marks the page at *slot, which is not pinned, as leaving. Locked. */
void cache_evict_begin(struct cached_object *c, struct eviction *e, u64 index, u64 *slot);
/* Takes the marked pages out of mappings, tree and memory. No lock held. How many were freed. */
unsigned cache_evict(struct cached_object *c, const struct eviction *e);

/* fs/page_cache_write.c. Makes the page at *slot dirty. Locked. */
void cache_make_dirty(struct cached_object *c, u64 index, u64 *slot);
/* Takes the dirty mark away. Locked. */
void cache_make_clean(struct cached_object *c, u64 *slot);
/* Waits, or writes back, if too much of memory is dirty. No lock held. */
void cache_throttle(struct cached_object *c);
/* The flusher is to begin now. Any context. */
void cache_kick_flusher(void);
/* page_reclaim_soon (kernel/page.h): the flusher does that, too. */
void cache_reclaim_soon(void);
/* True in a thread that reclaim must not make wait for write-back. */
bool cache_is_flusher(void);

/* fs/page_cache_reclaim.c. Makes room for n pages if memory is short, before a fill takes them. No lock held. */
void cache_make_room(u64 n);
/* For kernel/page.c: gives up to want pages back; how many. See page_reclaim there. */
u64 cache_reclaim(u64 want);

#endif
