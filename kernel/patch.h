/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the memory, signal and trap code asks of patched system-call sites, and what there is to tell about them. The
 * sites are loader/'s (loader/patch.c), which sets patch_ops before any program runs.
 */
#ifndef KERNEL_PATCH_H
#define KERNEL_PATCH_H

#include "platform/platform.h"

struct address_space;

/* Why a hot site stays as it is. */
enum patch_refusal {
    PATCH_REFUSED_MAPPING,  /* not in a private, executable mapping; or the page could not be copied */
    PATCH_REFUSED_WRITABLE, /* the program may write there */
    PATCH_REFUSED_NO_HOLE,  /* neither form fits: no padding in reach */
    PATCH_REFUSED_UNKNOWN,  /* the same: an instruction on the way is not known */
    PATCH_REFUSED_MEMORY,   /* no memory, or no place in reach, for a trampoline; too many sites */
    PATCH_REFUSALS
};

/* Since boot, of all programs; atomic. */
struct patch_counts {
    u32 patched[PATCH_FORMS]; /* by enum patch_form */
    u32 undone;               /* the program's own bytes were put back */
    u32 forgotten;            /* unmapped while patched */
    u32 refused[PATCH_REFUSALS];
};
extern struct patch_counts patch_counts;
/* One line in the log (level info). */
void patch_counts_log(void);

/* Only where as->patches is set, except where it says otherwise. */
struct patch_ops {
    /* Puts the program's own bytes back in [start, end). as->lock held for writing. */
    void (*undo)(struct address_space *as, vaddr_t start, vaddr_t end);
    /* [start, end) was unmapped and its pages are gone from all CPUs. as->lock held for writing. */
    void (*forget)(struct address_space *as, vaddr_t start, vaddr_t end);
    /* Undoes all, for good; also where as->patches is not set. Sleeps. */
    void (*disable)(struct address_space *as);
    /* Where the program thinks it is when it is at ip, which may be in a jump or a trampoline. Atomic, no lock. */
    vaddr_t (*program_ip)(struct address_space *as, vaddr_t ip);
    void (*release)(struct address_space *as); /* all mappings are gone */
};
extern const struct patch_ops *patch_ops;

#endif
