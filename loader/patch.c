/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot system-call sites become jumps. A `syscall` instruction traps, which on some hosts costs a microsecond; a site
 * that trapped often enough and has one of two forms (platform.h) is changed into a jump to a trampoline of its own that
 * enters the kernel directly. Never by scanning: only an instruction that has just been executed as a system call is known
 * to be one. (The second form looks at what lies behind it for padding, platform/x86/hole.c.)
 *
 * The text page of a private mapping is copied as by a write; shared mappings are left alone, and so is what the program may
 * write to. A thread is never at rest inside a jump or a trampoline (program_ip, patch_undo.c), so what signals, debuggers
 * and unwinders see are the program's own instructions. A thread with a GS base of its own cannot use trampolines: the
 * space is then restored and left alone, as it is for a program that steps through itself.
 *
 * rt_sigreturn is never patched: unwinders know a signal frame by the bytes of the instructions that it returns to.
 *
 * Locks: the table is guarded by as->lock (write); `patching` (LOCK_PATCH, outside it) lets one thread patch at a time.
 */
#include <linux/mman.h>
#include <asm/unistd.h>
#include "loader/patch.h"
#include "loader/patch_internal.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/region.h"
#include "kernel/user.h"

#define HOT       16u   /* traps before a site is worth its price */
#define MAX_SITES 2048u /* known in a space */

static struct mutex patching = MUTEX_INIT(LOCK_PATCH);

static struct patch_site *find_site(struct patch_table *t, vaddr_t call)
{
    struct patch_site *s = __atomic_load_n(site_bucket(t, call), __ATOMIC_ACQUIRE);

    while (s && s->call != call)
        s = s->next;
    return s;
}

/* A record of the site, old or new. NULL: too many. as->lock held for writing. */
static struct patch_site *make_site(struct patch_table *t, vaddr_t call)
{
    struct patch_site **bucket = site_bucket(t, call), *s = find_site(t, call);

    if (s)
        return s;
    s = t->site_count < MAX_SITES ? kzalloc(sizeof(*s)) : NULL;
    if (!s)
        return NULL;
    t->site_count++;
    s->call = call;
    s->next = *bucket;
    __atomic_store_n(bucket, s, __ATOMIC_RELEASE);
    return s;
}

u8 *patch_private_page(struct address_space *as, vaddr_t call)
{
    struct region *r = region_find(as, call);
    struct pt_leaf leaf;

    if (!r || r->start > call || r->flags & (REGION_SHARED | REGION_KERNEL) || !(r->prot & PROT_EXEC))
        return NULL;
    if (platform_pt_lookup(as->root, call, &leaf))
        return NULL;
    struct page *p = page_of(leaf.pa);
    if (!p || p->kind != PAGE_KIND_PRIVATE || READ_ONCE(p->refs) != 1)
        return NULL;
    return (u8 *)phys_to_virt(leaf.pa) + (ALIGN_DOWN(call, PAGE_SIZE) & (leaf.size - 1));
}

/*
 * CPUs that run the program are held; one that comes to it meanwhile waits in address_space_activate(), and has its pipeline
 * emptied by loading the page tables anew, for which the flush count is raised.
 */
void patch_write(struct address_space *as, const struct patch_write *writes, unsigned n)
{
    for (bool done = false; !done;) {
        preempt_disable();
        __atomic_add_fetch(&as->code_writes, 1, __ATOMIC_SEQ_CST);
        done = platform_patch_write(writes, n, kernel_flush_targets(as, false));
        __atomic_add_fetch(&as->code_writes, 1, __ATOMIC_SEQ_CST);
        preempt_enable();
    }
}

/* ---------------------------------------------------------------- what to write */

/* The bytes around a site that its patch depends on, in one page. */
struct window {
    vaddr_t start, end;
    u8 code[PATCH_BEFORE + PATCH_CALL_SIZE + PATCH_AFTER];
    u8 used[(PATCH_AFTER + 7) / 8]; /* bytes behind the call that other sites have */
};

static void window_init(struct window *w, vaddr_t call)
{
    vaddr_t page = ALIGN_DOWN(call, PAGE_SIZE);

    w->start = MAX(page, call - PATCH_BEFORE);
    w->end = MIN(page + PAGE_SIZE, call + PATCH_CALL_SIZE + PATCH_AFTER);
    memset(w->used, 0, sizeof(w->used));
}

/* Puts the program's own bytes in place of another site's patch. */
static void window_restore(struct window *w, vaddr_t call, const struct patch_site *s)
{
    u8 jumps[PATCH_EDITS][PATCH_EDIT_SIZE];

    platform_patch_jumps(&s->plan, s->call, s->trampoline, jumps);
    for (unsigned i = 0; i < s->plan.count; i++)
        for (unsigned j = 0; j < s->plan.edits[i].size; j++) {
            vaddr_t at = s->call + (vaddr_t)s->plan.edits[i].offset + j, behind = at - call - PATCH_CALL_SIZE;
            if (at >= w->start && at < w->end && w->code[at - w->start] == jumps[i][j])
                w->code[at - w->start] = s->original[i][j];
            if (behind < PATCH_AFTER)
                w->used[behind / 8] |= 1u << behind % 8;
        }
}

/* Plans the patch of a site from the bytes in w. */
static enum patch_fit plan_site(struct patch_table *t, struct window *w, vaddr_t call, u32 nr, struct patch_plan *plan)
{
    vaddr_t page = ALIGN_DOWN(call, PAGE_SIZE);

    for (struct patch_site *s = *site_bucket(t, call); s; s = s->next)
        if (s->state == SITE_PATCHED && s->call != call && ALIGN_DOWN(s->call, PAGE_SIZE) == page)
            window_restore(w, call, s);
    if (w->end < call + PATCH_CALL_SIZE)
        return PATCH_NO_HOLE;
    return platform_patch_plan(plan, w->code, call - w->start, w->end - call - PATCH_CALL_SIZE, call, nr, w->used);
}

static int refusal_of(enum patch_fit fit)
{
    return fit == PATCH_UNKNOWN_CODE ? PATCH_REFUSED_UNKNOWN : PATCH_REFUSED_NO_HOLE;
}

/* ---------------------------------------------------------------- one site */

/* In the order that keeps a thread right that comes by at any moment: the record, the trampoline, the hole, the site. */
static int write_patch(struct address_space *as, struct patch_site *s, u8 *page, const struct patch_plan *plan)
{
    struct patch_write writes[PATCH_EDITS];
    u8 jumps[PATCH_EDITS][PATCH_EDIT_SIZE];

    if (!platform_patch_jumps(plan, s->call, s->trampoline, jumps))
        return PATCH_REFUSED_MEMORY;
    s->plan = *plan;
    platform_patch_trampoline(trampoline_bytes(as->patches, s), s->trampoline, s->call, plan);
    for (unsigned i = 0; i < plan->count; i++) {
        struct patch_write *w = &writes[i];
        w->to = page + (s->call & ~PAGE_MASK) + plan->edits[i].offset;
        w->size = plan->edits[i].size;
        memcpy(w->bytes, jumps[i], w->size);
        memcpy(s->original[i], w->to, w->size);
    }
    __atomic_store_n(&s->state, SITE_PATCHED, __ATOMIC_RELEASE);
    patch_write(as, writes, plan->count);
    __atomic_add_fetch(&patch_counts.patched[plan->form], 1, __ATOMIC_RELAXED);
    return -1;
}

/* Everything that must still be true is looked at again here, under the lock. -1: done, or not to be done now; or why not. */
static int patch_locked(struct address_space *as, struct patch_site *s, struct trampoline_page *p, u32 nr)
{
    struct window w;
    struct patch_plan plan;
    u8 *page = patch_private_page(as, s->call);

    if (as->patches->off || !page)
        return -1;
    window_init(&w, s->call);
    memcpy(w.code, page + (w.start & ~PAGE_MASK), w.end - w.start);
    if (s->state == SITE_PATCHED && page[(s->call & ~PAGE_MASK) + s->plan.edits[0].offset] != s->original[0][0])
        return -1; /* in place: the program jumped to the `syscall` behind a mov, or another thread was faster */
    enum patch_fit fit = plan_site(as->patches, &w, s->call, nr, &plan);
    if (fit != PATCH_FITS)
        return refusal_of(fit);
    if (!s->trampoline)
        trampoline_take(p, s);
    return write_patch(as, s, page, &plan);
}

/* Makes the site's page this space's own by writing a byte of it back, with the protection lifted meanwhile. */
static int copy_page(struct address_space *as, vaddr_t call, u32 prot)
{
    vaddr_t page = ALIGN_DOWN(call, PAGE_SIZE);
    u8 byte;
    int error = address_space_protect(as, page, PAGE_SIZE, prot | PROT_WRITE);

    if (!error)
        error = copy_from_user(&byte, (void *)call, 1) || copy_to_user((void *)call, &byte, 1) ? -EFAULT : 0;
    address_space_protect(as, page, PAGE_SIZE, prot);
    return error;
}

/* Looks whether it can be done at all, and makes the page private. -1, or why not. */
static int prepare(struct address_space *as, vaddr_t call, u32 nr)
{
    struct window w;
    struct patch_plan plan;
    u32 prot = 0, flags = 0;
    bool copied;

    window_init(&w, call);
    if (copy_from_user(w.code, (void *)w.start, w.end - w.start))
        return PATCH_REFUSED_MAPPING;
    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, call);
    if (r && r->start <= call) {
        prot = r->prot;
        flags = r->flags;
    }
    copied = patch_private_page(as, call) != NULL;
    enum patch_fit fit = plan_site(as->patches, &w, call, nr, &plan);
    rwlock_read_unlock(&as->lock);
    if (!(prot & PROT_EXEC) || flags & (REGION_SHARED | REGION_KERNEL))
        return PATCH_REFUSED_MAPPING;
    if (prot & PROT_WRITE)
        return PATCH_REFUSED_WRITABLE;
    if (fit != PATCH_FITS)
        return refusal_of(fit);
    return copied || !copy_page(as, call, prot) ? -1 : PATCH_REFUSED_MAPPING;
}

static void patch(struct address_space *as, vaddr_t call, u32 nr)
{
    struct patch_table *t = as->patches;
    struct trampoline_page *p = NULL;
    bool fresh = false;
    int refusal = prepare(as, call, nr);

    if (refusal < 0) {
        p = trampoline_page_for(as, call, &fresh);
        if (!p)
            refusal = PATCH_REFUSED_MEMORY;
    }
    rwlock_write_lock(&as->lock);
    if (fresh && p) {
        p->next = t->pages;
        __atomic_store_n(&t->pages, p, __ATOMIC_RELEASE);
    }
    struct patch_site *s = make_site(t, call);
    if (s && refusal < 0)
        refusal = patch_locked(as, s, p, nr);
    if (s && refusal >= 0 && s->state == SITE_PLAIN) {
        s->refusal = (u8)refusal;
        s->state = SITE_REFUSED;
        __atomic_add_fetch(&patch_counts.refused[refusal], 1, __ATOMIC_RELAXED);
    }
    rwlock_write_unlock(&as->lock);
}

/* Memory may become free and mappings change; code that does not fit stays as it is. */
static bool never_fits(const struct patch_site *s)
{
    return READ_ONCE(s->state) == SITE_REFUSED &&
           (s->refusal == PATCH_REFUSED_NO_HOLE || s->refusal == PATCH_REFUSED_UNKNOWN);
}

void patch_consider(vaddr_t ip, u32 nr)
{
    struct address_space *as = current_thread()->space;
    vaddr_t call = ip - PATCH_CALL_SIZE;

    if (unlikely(params.nopatch))
        return;
    struct patch_table *t = patch_table_of(as);
    if (!t || t->off)
        return;
    u8 *heat = &t->heat[(call ^ call >> 8 ^ call >> 16) % HEAT_SLOTS];
    if (likely(++*heat < HOT))
        return;
    *heat = 0;
    struct patch_site *s = find_site(t, call);
    if ((s && never_fits(s)) || nr == __NR_rt_sigreturn || !user_range_ok((void *)call, PATCH_CALL_SIZE))
        return;
    mutex_lock(&patching);
    patch(as, call, nr);
    mutex_unlock(&patching);
}
