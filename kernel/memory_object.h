/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory object: pages by index, that regions map and files read and write. Shared anonymous
 * memory, memfd, tmpfs files and (later) the page cache of other file systems are all this.
 * Reference counted.
 */
#ifndef KERNEL_MEMORY_OBJECT_H
#define KERNEL_MEMORY_OBJECT_H

#include "kernel/types.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/page.h"

struct memory_object;

struct memory_object_ops {
    /*
     * Page at index for reading or writing (write: it will be dirtied). On success *pa has a reference taken if page_of(*pa) is not NULL.
     * -EFAULT past the end of the object (becomes SIGBUS), -ENOMEM, -EIO. With write false the result
     * may be a page shared with others (image in place, zero page): *writable tells whether it may be mapped writable.
     * May sleep, but not for I/O: -EINPROGRESS if the page has to be brought in first. Object lock not held; an address space's is.
     */
    int (*get_page)(struct memory_object *o, u64 index, bool write, paddr_t *pa, bool *writable);
    /*
     * After -EINPROGRESS: brings the page in, or waits until another thread has; then get_page is called again. 0, -EFAULT, -EIO,
     * -ENOMEM, -EINTR (the thread must end). No lock held. NULL: get_page never says so.
     */
    int (*bring_in)(struct memory_object *o, u64 index, bool write);
    /*
     * For fault-around, may be NULL: fills pa[0..n) with pages from index on that are in memory now, with references as
     * get_page; 0 where there is none. With write only pages that may be mapped writable. Never allocates.
     */
    void (*get_resident)(struct memory_object *o, u64 index, unsigned n, bool write, paddr_t *pa);
    /*
     * Page `index` has just been made by a store: makes up to n - 1 behind it too, if there is one before it, for memory is
     * being filled then. NULL: pages come one by one.
     */
    void (*fill)(struct memory_object *o, u64 index, unsigned n);
    /* Bytes become a hole (MADV_REMOVE). NULL: EOPNOTSUPP. */
    int (*punch)(struct memory_object *o, u64 offset, u64 length);
    /* Writes dirty pages of [first, last) back (msync). NULL: nothing to do. */
    int (*sync)(struct memory_object *o, u64 first, u64 last);
    /* Pages [first, last) will be wanted, or will not be wanted soon. Neither waits. NULL: nothing to do. */
    void (*read_ahead)(struct memory_object *o, u64 first, u64 last);
    void (*drop)(struct memory_object *o, u64 first, u64 last);
    void (*destroy)(struct memory_object *o); /* last reference gone */
};

struct memory_object {
    const struct memory_object_ops *ops;
    u32 refs;             /* atomic */
    u64 size;             /* bytes; read racily, changed under lock */
    struct mutex lock;
    struct mutex mappings_lock;  /* mappings, and start, end and offset of the regions in it */
    struct list mappings;        /* regions that map it, linked by region.object_link */
    bool constant;               /* its data never changes, whatever the program does: a file of a tree that cannot be written to */
    u32 writable_mappings;       /* atomic: shared regions that are or may become writable, for seals */
    bool sealed;                 /* a seal forbids to write: no holes by MADV_REMOVE; once set, for ever */
    /*
     * Counts removals of pages. The rule that keeps faults and removal apart: who takes pages out raises it first,
     * then calls memory_object_unmap(), then drops the pages' references; a fault reads it before get_page and
     * again under the page-table lock before it maps what it got.
     */
    u64 generation;
};

void memory_object_init(struct memory_object *o, const struct memory_object_ops *ops, u64 size);
void memory_object_get(struct memory_object *o);
void memory_object_put(struct memory_object *o);
/*
 * Removes every mapping of pages [first, last) of o from all page tables (truncate, hole punch).
 * Private copies are removed too if also_private (truncate). The caller holds no object lock and no page-table lock.
 */
void memory_object_unmap(struct memory_object *o, u64 first, u64 last, bool also_private);

/*
 * Memory that kernel and program share: count zeroed pages, which the kernel uses by their addresses, in blocks of 2^order that follow one
 * another (count is a multiple of that). It is seen again at each multiple of 128 MiB: io_uring(7) has an offset for each part of a ring.
 * NULL: out of memory.
 */
struct pages_object {
    struct memory_object base;
    u32 count;
    u8 *pages[];
};
struct pages_object *pages_object_create(u64 count, unsigned order);

/*
 * Waits until every removal from page tables that is under way has reached the CPUs. Who takes a page out because nobody else
 * has a reference on it calls this before it drops its own: the last mapping's reference goes before the CPUs have forgotten it.
 * Spins for microseconds; no spinlock held.
 */
void zap_barrier(void);

/*
 * The ordinary object in RAM: a radix tree of pages, zero-filled on demand; pages may come from a boot
 * module in place (copied at the first write). Used for tmpfs, memfd, shared anonymous memory.
 */
struct memory_object *ram_object_create(u64 size);
u64 ram_objects_pages(void); /* pages that all of them have, without what lies in boot modules */
bool is_ram_object(const struct memory_object *o); /* NULL: no */
/*
 * Limits the pages of several objects together: one more is -ENOSPC, in a fault SIGBUS. What an object has goes from its limit to
 * l with it. NULL: none. The limit outlives its objects, or they are taken from it.
 */
struct ram_limit {
    u64 pages; /* at most, 0: as many as there are */
    u64 used;  /* atomic */
};
void ram_object_limit(struct memory_object *o, struct ram_limit *l);
/* Pages [0, size/4096) come from data (page-aligned, in the direct map, kept for ever); the rest is zero. */
struct memory_object *ram_object_create_from(const void *data, u64 size);
/* Reads or writes bytes; stops at size (reads) or grows (writes; -EFBIG, -ENOSPC, -ENOMEM). Buffers are kernel or already-validated program addresses:
 * user says which. Returns bytes done or negative errno if none. */
ssize ram_object_read(struct memory_object *o, u64 offset, void *buf, size_t n, bool user);
ssize ram_object_write(struct memory_object *o, u64 offset, const void *buf, size_t n, bool user);
/* Shrinks or grows; freed pages leave all mappings; the tail of the last page is zeroed. */
int ram_object_truncate(struct memory_object *o, u64 size);
/* Frees whole pages in the range, zeroes partial ones (FALLOC_FL_PUNCH_HOLE, MADV_REMOVE). */
int ram_object_punch(struct memory_object *o, u64 offset, u64 length);
/* How many pages ram_object_allocate() would add; it stops counting after most. */
u64 ram_object_missing(struct memory_object *o, u64 offset, u64 length, u64 most);
/* Allocates what is missing in the range (fallocate). -ENOSPC leaves what was done. */
int ram_object_allocate(struct memory_object *o, u64 offset, u64 length);
/* First data (hole false) or hole (hole true) offset >= from, < size; -ENXIO. For SEEK_DATA/SEEK_HOLE. */
s64 ram_object_seek(struct memory_object *o, u64 from, bool hole);
/* Pages of RAM it holds, for st_blocks. Atomic for an object not made from data. */
u64 ram_object_pages(struct memory_object *o);

#endif
