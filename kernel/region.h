/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region tree of an address space and what its operations share. Internal to the memory code of kernel/.
 * All functions want as->lock held for writing, except where they say otherwise.
 */
#ifndef KERNEL_REGION_H
#define KERNEL_REGION_H

#include "kernel/address_space.h"

#define REGION_MAX_COUNT ((u32)READ_ONCE(vm_max_map_count))
#define STACK_GUARD_GAP  (256ul * PAGE_SIZE) /* kept free below a growing stack, as Linux' stack_guard_gap */

/* The tree's augment callback. */
bool region_augment(struct rb_node *n);
/* A zeroed region with empty links, or NULL. No lock. */
struct region *region_alloc(void);
/* Drops the references a region holds and frees it. Not in the tree. No lock. */
void region_free(struct region *r);
/* Links r (bounds, object and flags set, range free) into tree, object and accounts. */
void region_insert(struct address_space *as, struct region *r);
void region_remove(struct address_space *as, struct region *r);
/* Moves the edges of a linked region within free space; offset follows start. */
void region_resize(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end);
/* Changes prot and flags of a linked region, keeping accounts and gaps right. */
void region_change(struct address_space *as, struct region *r, u32 prot, u32 flags);
/* Cuts r in two at a page boundary inside it; r keeps the lower part. 0, or -ENOMEM (memory or region count). */
int region_split(struct address_space *as, struct region *r, vaddr_t at);
/* Cuts so that no region straddles start or end. 0 or -ENOMEM. */
int region_split_range(struct address_space *as, vaddr_t start, vaddr_t end);
/* Joins r with its neighbours where they are the same mapping; returns the region that is left. */
struct region *region_merge(struct address_space *as, struct region *r);
/* Does it for all neighbours in [start, end], edges included. */
void region_merge_range(struct address_space *as, vaddr_t start, vaddr_t end);
/* Highest address of length free bytes in [low, high), or 0. Read lock suffices. O(log regions). */
vaddr_t region_find_gap(struct address_space *as, u64 length, vaddr_t low, vaddr_t high);
/* True if nothing is mapped in [start, end) and it lies in the program's range. Read lock suffices. */
bool region_range_free(struct address_space *as, vaddr_t start, vaddr_t end);
struct region *region_prev(struct region *r);
/* Start of r, with the guard gap taken off that a stack keeps below itself. */
vaddr_t region_guarded_start(const struct region *r);

static inline u64 region_pages(const struct region *r)
{
    return (r->end - r->start) >> PAGE_SHIFT;
}

/* True if [start, end) is page-aligned, not empty and within what a program may map. */
static inline bool user_span_ok(vaddr_t start, vaddr_t end)
{
    return start < end && start >= USER_SPACE_START && end <= USER_SPACE_END &&
           (end <= KERNEL_SPACE_START || start >= KERNEL_SPACE_END);
}

/* Iterates over the regions that touch [start, end). pos may be changed, not removed, in the body. */
#define region_for_each_in(pos, as, start, stop) \
    for (pos = region_find(as, start); pos && pos->start < (stop); pos = region_next(pos))

/* ---- kernel/address_space.c: limits of the running process ---- */

/* True if pages more of this kind fit RLIMIT_AS and RLIMIT_DATA. */
bool may_expand(struct address_space *as, u64 pages, u32 prot, u32 flags);
/* Heuristic overcommit: false for a single request that memory could never hold. */
bool may_commit(u64 pages, u32 prot, u32 flags, bool anonymous);
/* True if pages more may be locked (RLIMIT_MEMLOCK). */
bool may_lock(struct address_space *as, u64 pages);
/* CAP_IPC_LOCK, or a limit that is not 0: false is EPERM. */
bool can_lock(void);
u64 resource_limit(unsigned which);

/* ---- kernel/zap.c: taking pages out of page tables ---- */

/* Removes all pages in [start, end) from the page tables and drops them. No lock on regions needed beyond stability of the range. */
void zap_range(struct address_space *as, vaddr_t start, vaddr_t end);
/* The same for the object's own pages only; private copies stay. */
void zap_object_pages(struct address_space *as, vaddr_t start, vaddr_t end);
/* The same where regions go: [gap_start, gap_end), which holds the range, has none but those. Page tables that are of no use then go, sooner or later. */
void zap_gap(struct address_space *as, vaddr_t start, vaddr_t end, vaddr_t gap_start, vaddr_t gap_end);
/* Makes separate pages of a 2 MiB block that a leaf boundary at va would cut. Under pt_lock. */
void split_block_at(struct address_space *as, vaddr_t va);
/* The same for every block in [start, end). Under pt_lock. */
void split_blocks(struct address_space *as, vaddr_t start, vaddr_t end);

/* ---- kernel/fault.c ---- */

/* Brings all pages of [start, end) in for access; regions must allow it. 0, -EFAULT (SIGBUS, or SIGSEGV with *signo), -ENOMEM. Takes the read lock. */
int populate(struct address_space *as, vaddr_t start, vaddr_t end, enum fault_access access);
/*
 * populate() as mlock and MAP_POPULATE want it, of regions that have these flags: writes where the mapping is private and writable. Goes
 * on behind failures if they are to be ignored.
 */
int populate_regions(struct address_space *as, vaddr_t start, vaddr_t end, u32 flags, bool ignore_errors);
/*
 * [at, end), private memory, can be written to as of now. Its first pages are brought in if the program has used what it got so last
 * at once: that spares it the fault. Without as->lock, which it takes for reading; may be called for anything.
 */
void fault_ahead(struct address_space *as, vaddr_t at, vaddr_t end);
/* Page-table protection of a mapping in r. */
unsigned region_pte_prot(const struct region *r);

/* ---- kernel/address_space_map.c ---- */

/* munmap with the write lock held. */
int unmap_locked(struct address_space *as, vaddr_t start, vaddr_t end);
/* Place for a mapping of length: near hint if free there, else top-down. 0: none. */
vaddr_t choose_address(struct address_space *as, vaddr_t hint, u64 length, bool below_2g, bool huge);

#endif
