/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the fault path share. Everything here runs with as->lock held for reading, so regions stand still;
 * page tables change under pt_lock, which is never held while memory is allocated, zeroed or copied (but for a part of one page
 * copied past its protection).
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "kernel/region.h"

/* Pages of RAM below which nothing is brought in that was not asked for: 15 MiB, what is left of -m 16M. */
#define SMALL_MACHINE    (15ul << (20 - PAGE_SHIFT))
#define FAULT_WINDOW_MAX 64u /* pages; a bitmap of them is one word */

struct fault {
    struct address_space *as;
    struct region *r;
    vaddr_t va;              /* page-aligned, inside r */
    enum fault_access access;
    bool populate;           /* everything in r is wanted, not just this page */
    vaddr_t ahead;           /* not 0: nobody asked for va yet, and nothing from here on is wanted */
    vaddr_t done_to;         /* set: [va, done_to) is in memory now */
    struct memory_object *waits_for; /* set with -EINPROGRESS: reference on the object that must bring in ... */
    u64 wait_index;          /* ... its page of this index */
};

/*
 * All return 0 (resolved, or worth another try of the access), -EAGAIN (call again at once), -EINPROGRESS (see waits_for),
 * -EFAULT (SIGBUS), -ENOMEM.
 */
int fault_anonymous(struct fault *f);
int fault_object(struct fault *f);
/* Write to a present private page that the tables hold read-only: makes it writable or copies it. */
int fault_copy(struct fault *f, const struct pt_leaf *leaf);

/* How many pages a fault in f's region should bring in: a power of two up to FAULT_WINDOW_MAX, 1 when memory is short. */
unsigned fault_window(struct fault *f);
/* A page for a private mapping, or 0. flags: PAGE_ZERO or 0. */
paddr_t private_page(unsigned flags);
/* Drops the reference on a page that has one. */
void page_put_pa(paddr_t pa);
/* Bit i set: page i of the n <= 64 from va on is mapped. Under pt_lock; the range lies in one 2 MiB block. */
u64 present_mask(struct address_space *as, vaddr_t va, unsigned n);
/*
 * Maps those of pa[0..n) that are not 0 and whose place is still empty; drops the others. With an object, -EAGAIN
 * if pages left it since generation was read.
 */
int fault_install(struct fault *f, vaddr_t va, paddr_t *pa, unsigned n, unsigned prot, u64 generation);
/* True if n pages more leave memory that nobody will miss. */
bool memory_is_ample(u64 n);
/* Pages more are mapped; private: they belong to one mapping alone. Under pt_lock. */
void count_resident(struct address_space *as, u64 pages, bool private);
/* Memory has ended: says so with the figures, once, and kills the running process, which is as's. */
void out_of_memory(struct address_space *as);

#endif
