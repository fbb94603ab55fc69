/* SPDX-License-Identifier: BSD-2-Clause */
/* One region of a process as the files of fs/proc/ show it. */
#ifndef FS_PROC_MAPS_H
#define FS_PROC_MAPS_H

#include "fs/proc/proc.h"
#include "kernel/address_space.h"
#include "kernel/lib/string.h"

struct proc_region {
    vaddr_t start, end;
    u32 prot, max_prot, flags; /* as struct region's */
    bool object;               /* not private anonymous memory */
    u64 offset;                /* in file, bytes */
    const char *name;          /* "[stack]" and the like, or NULL */
    struct file *file;         /* reference, or NULL */
    struct memory_usage usage; /* if asked for */
};

enum { PROC_REGION_EXACT = 1, PROC_REGION_USAGE = 2 };
/*
 * Copies what there is of the first region that ends above from; EXACT: of the one that starts there. USAGE: with usage, which
 * goes through its page tables. False: none. The caller gives out->file back. Takes and leaves no lock; as may be NULL.
 */
bool proc_next_region(struct address_space *as, vaddr_t from, unsigned what, struct proc_region *out);

#endif
