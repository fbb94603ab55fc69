/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What loader/patch.c, patch_undo.c and trampoline.c share. The table hangs on the address space and is guarded by as->lock
 * (write). Sites and trampoline pages are only ever added while the space lives, and linked last: interrupt handlers
 * look things up without a lock (patch_program_ip).
 */
#ifndef LOADER_PATCH_INTERNAL_H
#define LOADER_PATCH_INTERNAL_H

#include "kernel/address_space.h"
#include "kernel/patch.h"

#define HEAT_SLOTS   256u
#define SITE_BUCKETS 64u
#define PER_PAGE     (PAGE_SIZE / PATCH_TRAMPOLINE_SIZE)

enum site_state {
    SITE_PLAIN,   /* as the program has it */
    SITE_PATCHED,
    SITE_REFUSED  /* as the program has it, and not to be changed */
};

struct patch_site {
    struct patch_site *next;   /* in its bucket */
    vaddr_t call;              /* its `syscall` instruction; all of the patch is in the same page */
    vaddr_t trampoline;        /* 0: none yet */
    struct patch_plan plan;    /* once patched */
    u8 original[PATCH_EDITS][PATCH_EDIT_SIZE];
    u8 state;                  /* enum site_state */
    u8 refusal;                /* enum patch_refusal, of REFUSED */
};

struct trampoline_page {
    struct trampoline_page *next;
    struct page *page;
    vaddr_t address;
    u32 used;
    struct patch_site *sites[PER_PAGE]; /* by slot */
};

struct patch_table {
    bool off;                         /* never again in this space */
    struct trampoline_page *pages;
    struct patch_site *buckets[SITE_BUCKETS]; /* by page of the program */
    u32 site_count;
    u8 heat[HEAT_SLOTS];              /* traps by hash of the site; racy, a hint */
};

/* ---- patch.c ---- */

/* The site's page in the direct map if it is a private copy of this space, in a mapping that is executed; else NULL. as->lock held. */
u8 *patch_private_page(struct address_space *as, vaddr_t call);
/* Writes code of the program while nobody executes it. as->lock held for writing. */
void patch_write(struct address_space *as, const struct patch_write *writes, unsigned n);

static inline struct patch_site **site_bucket(struct patch_table *t, vaddr_t address)
{
    return &t->buckets[(address >> PAGE_SHIFT) % SITE_BUCKETS];
}

/* ---- trampoline.c ---- */

/* A page with a free slot in reach of site, or NULL. Not linked to t yet if *fresh. No lock but that one thread patches at a time. */
struct trampoline_page *trampoline_page_for(struct address_space *as, vaddr_t site, bool *fresh);
/* Where page's slot that holds s->trampoline can be written. */
u8 *trampoline_bytes(const struct patch_table *t, const struct patch_site *s);
/* Gives s a slot of p. */
void trampoline_take(struct trampoline_page *p, struct patch_site *s);
/* The site whose trampoline holds ip; NULL: none. *offset: into it. No lock. */
struct patch_site *trampoline_site(const struct patch_table *t, vaddr_t ip, u64 *offset);
void trampolines_free(struct patch_table *t);

/* ---- patch_undo.c ---- */

struct patch_table *patch_table_of(struct address_space *as); /* NULL: no memory */

#endif
