/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot system-call sites become jumps. A `syscall` instruction traps, which on some hosts costs a microsecond; a site
 * that trapped often enough and has the common form is changed into a jump to a trampoline of its own that enters the kernel
 * directly (platform.h describes site and trampoline). Never by scanning: only an instruction that has just been
 * executed as a system call is known to be one.
 *
 * The text page of a private mapping is copied as by a write; shared mappings are left alone. A site is restored
 * when the program makes its page writable or moves it, and forgotten when it is unmapped. Trampolines are never
 * reused while the space lives, for a thread may be inside one; a signal there is reported at the site.
 * A thread with a GS base of its own cannot use trampolines: the space is then restored and left alone, as it
 * is for a program that steps through itself.
 *
 * Locks: the table hangs on the address space and is guarded by as->lock (write); `patching` (LOCK_PATCH, outside it) lets one
 * thread patch at a time.
 */
#include <linux/mman.h>
#include "loader/patch.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/region.h"
#include "kernel/user.h"

#define HEAT_SLOTS 256u
#define HOT        16u                     /* traps before a site is worth its price */
#define COLD       255u                    /* counter value of a slot that is given up */
#define MAX_SITES  2048u
#define PER_PAGE   (PAGE_SIZE / PATCH_TRAMPOLINE_SIZE)
#define REACH      0x70000000ul            /* how far from its site a trampoline page may lie */
#define STEP       0x10000ul

struct patch_site {
    vaddr_t site;
    vaddr_t trampoline;
    u8 original[PATCH_SIZE];
    bool patched;
};

struct trampoline_page {
    struct trampoline_page *next;
    struct page *page;
    vaddr_t address;
    u32 used;
    struct patch_site *sites[PER_PAGE]; /* by slot; for where a thread in a trampoline is */
};

struct patch_table {
    bool off;                         /* never again in this space */
    struct trampoline_page *pages;
    struct patch_site *sites[MAX_SITES];
    u32 site_count;
    u8 heat[HEAT_SLOTS];              /* traps by hash of the site; racy, a hint */
};

static struct mutex patching = MUTEX_INIT(LOCK_PATCH);

static u8 *heat_of(struct patch_table *t, vaddr_t site)
{
    return &t->heat[(site ^ site >> 8 ^ site >> 16) % HEAT_SLOTS];
}

/* ---------------------------------------------------------------- trampolines */

static struct trampoline_page *page_in_reach(struct patch_table *t, vaddr_t site)
{
    for (struct trampoline_page *p = t->pages; p; p = p->next)
        if (p->used < PER_PAGE && (p->address > site ? p->address - site : site - p->address) < REACH)
            return p;
    return NULL;
}

/* Maps a page below the mapping that the site is in, where nothing grows. 0 or negative errno. No lock held. */
static s64 map_below(struct address_space *as, struct memory_object *object, vaddr_t site)
{
    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, site);
    vaddr_t at = r ? ALIGN_DOWN(r->start, PAGE_SIZE) : 0;
    while (r && at > USER_SPACE_START + PAGE_SIZE && site - at < REACH) {
        at -= PAGE_SIZE;
        if (region_range_free(as, at, at + PAGE_SIZE))
            break;
        at = ALIGN_DOWN(at, STEP);
    }
    rwlock_read_unlock(&as->lock);
    struct mapping m = {
        .address = at,
        .length = PAGE_SIZE,
        .prot = PROT_READ | PROT_EXEC,
        .max_prot = PROT_READ | PROT_EXEC,
        .flags = REGION_KERNEL,
        .object = object,
        .name = "[trampolines]",
        .fixed = true,
    };
    return at ? address_space_map(as, &m) : -ENOMEM;
}

static struct trampoline_page *new_page(struct address_space *as, vaddr_t site)
{
    struct trampoline_page *p = kzalloc(sizeof(*p));
    struct memory_object *object = NULL;

    if (!p)
        return NULL;
    p->page = page_alloc(0, PAGE_ZERO);
    if (p->page)
        object = ram_object_create_from(page_virt(p->page), PAGE_SIZE);
    s64 at = object ? map_below(as, object, site) : -ENOMEM;
    if (object)
        memory_object_put(object); /* the mapping holds it */
    if (at < 0) {
        if (p->page)
            page_put(p->page);
        kfree(p);
        return NULL;
    }
    p->address = (vaddr_t)at;
    return p;
}

/* ---------------------------------------------------------------- one site */

static struct patch_site *find_site(struct patch_table *t, vaddr_t site)
{
    for (u32 i = 0; i < t->site_count; i++)
        if (t->sites[i]->site == site)
            return t->sites[i];
    return NULL;
}

/* The site's bytes in the direct map if its page is a private copy of this space; NULL otherwise. as->lock held. */
static u8 *private_bytes(struct address_space *as, vaddr_t site)
{
    struct region *r = region_find(as, site);
    struct pt_leaf leaf;

    if (!r || r->start > site || r->flags & (REGION_SHARED | REGION_KERNEL) || !(r->prot & PROT_EXEC))
        return NULL;
    if (platform_pt_lookup(as->root, site, &leaf))
        return NULL;
    struct page *p = page_of(leaf.pa);
    if (!p || p->kind != PAGE_KIND_PRIVATE || READ_ONCE(p->refs) != 1)
        return NULL;
    return (u8 *)phys_to_virt(leaf.pa) + (site & (leaf.size - 1));
}

/* A record with a trampoline for site; an older one of the same site serves again. as->lock held for writing. */
static struct patch_site *make_site(struct patch_table *t, struct trampoline_page *p, vaddr_t site, u32 nr)
{
    struct patch_site *s = find_site(t, site);

    if (!s) {
        s = t->site_count < MAX_SITES ? kzalloc(sizeof(*s)) : NULL;
        if (!s)
            return NULL;
        s->site = site;
        s->trampoline = p->address + p->used * PATCH_TRAMPOLINE_SIZE;
        p->sites[p->used++] = s;
        t->sites[t->site_count++] = s;
    }
    struct trampoline_page *home = t->pages;
    while (s->trampoline - home->address >= PAGE_SIZE)
        home = home->next;
    platform_patch_trampoline((u8 *)page_virt(home->page) + (s->trampoline - home->address), s->trampoline, site, nr);
    return s;
}

/* Everything that must still be true is looked at again here, under the lock. */
static bool patch_locked(struct address_space *as, struct patch_table *t, struct trampoline_page *p, vaddr_t site,
                         u32 nr, bool alone)
{
    u8 jump[PATCH_SIZE];
    u8 *code = private_bytes(as, site);

    if (t->off || !code || !platform_patch_matches(code - 1, nr))
        return false;
    struct patch_site *s = make_site(t, p, site, nr);
    if (!s || !platform_patch_jump(jump, site, s->trampoline))
        return false;
    memcpy(s->original, code, PATCH_SIZE);
    s->patched = platform_patch_write(code, jump, PATCH_SIZE, alone);
    return s->patched;
}

/* Makes the site's page this space's own by writing a byte of it back, with the protection lifted meanwhile. */
static int copy_page(struct address_space *as, vaddr_t site, u32 prot)
{
    vaddr_t page = ALIGN_DOWN(site, PAGE_SIZE);
    u8 byte;
    int error = address_space_protect(as, page, PAGE_SIZE, prot | PROT_WRITE);

    if (!error)
        error = copy_from_user(&byte, (void *)site, 1) || copy_to_user((void *)site, &byte, 1) ? -EFAULT : 0;
    address_space_protect(as, page, PAGE_SIZE, prot);
    return error;
}

static bool patch(struct address_space *as, vaddr_t site, u32 nr)
{
    struct patch_table *t = as->patches;
    bool alone = current_process()->thread_count == 1, done = false;
    u8 code[8];
    u32 prot = 0;

    /* The byte before it too must be in the page, to see that it is no prefix. */
    if (((site - 1) & PAGE_MASK) != ((site + PATCH_SITE_SIZE - 1) & PAGE_MASK) ||
        copy_from_user(code, (void *)(site - 1), sizeof(code)) || !platform_patch_matches(code, nr))
        return false;
    if (!alone && site % sizeof(u64) + PATCH_SIZE > sizeof(u64))
        return false;
    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, site);
    if (r && r->start <= site && !(r->flags & (REGION_SHARED | REGION_KERNEL)) && !(r->prot & PROT_WRITE))
        prot = r->prot;
    bool copied = private_bytes(as, site) != NULL;
    rwlock_read_unlock(&as->lock);
    if (!(prot & PROT_EXEC) || (!copied && copy_page(as, site, prot)))
        return false;
    struct trampoline_page *p = page_in_reach(t, site), *fresh = NULL;
    if (!p)
        p = fresh = new_page(as, site);
    if (!p)
        return false;
    rwlock_write_lock(&as->lock);
    if (fresh) {
        fresh->next = t->pages;
        t->pages = fresh;
    }
    done = patch_locked(as, t, p, site, nr, alone);
    rwlock_write_unlock(&as->lock);
    return done;
}

static struct patch_table *table_of(struct address_space *as)
{
    if (likely(as->patches))
        return as->patches;
    struct patch_table *t = kzalloc(sizeof(*t)), *none = NULL;
    if (t && !__atomic_compare_exchange_n(&as->patches, &none, t, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        kfree(t);
    return as->patches;
}

void patch_consider(vaddr_t ip, u32 nr)
{
    struct address_space *as = current_thread()->space;
    struct patch_table *t = table_of(as);
    vaddr_t site = ip - PATCH_SITE_SIZE;

    if (!t || t->off || params.nopatch)
        return;
    u8 *heat = heat_of(t, site);
    if (likely(*heat == COLD || ++*heat < HOT))
        return;
    *heat = COLD; /* tried once; another site of the same slot stays as it is */
    if (!user_range_ok((void *)(site - 1), PATCH_SITE_SIZE + 1))
        return;
    mutex_lock(&patching);
    bool done = patch(as, site, nr);
    mutex_unlock(&patching);
    if (done)
        *heat = 0;
}

/* ---------------------------------------------------------------- what memory and signals ask */

/* Puts the program's own bytes back in [start, end). as->lock held for writing. */
static void undo(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct patch_table *t = as->patches;

    for (u32 i = 0; i < t->site_count; i++) {
        struct patch_site *s = t->sites[i];
        u8 jump[PATCH_SIZE];
        u8 *code = s->patched && s->site < end && s->site + PATCH_SIZE > start ? private_bytes(as, s->site) : NULL;

        if (!code)
            continue;
        platform_patch_jump(jump, s->site, s->trampoline);
        if (memcmp(code, jump, PATCH_SIZE) == 0 && !platform_patch_write(code, s->original, PATCH_SIZE, false))
            platform_patch_write(code, s->original, PATCH_SIZE, true);
        s->patched = false;
    }
}

/* The range goes away: other code may come there. as->lock held for writing. */
static void forget(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct patch_table *t = as->patches;

    for (u32 i = 0; i < t->site_count; i++)
        if (t->sites[i]->site >= start && t->sites[i]->site < end)
            t->sites[i]->patched = false;
    for (unsigned i = 0; i < HEAT_SLOTS; i++)
        t->heat[i] = t->heat[i] == COLD ? 0 : t->heat[i];
}

static void disable(struct address_space *as)
{
    struct patch_table *t = table_of(as);

    if (!t || t->off)
        return;
    rwlock_write_lock(&as->lock);
    undo(as, 0, USER_SPACE_END);
    t->off = true;
    rwlock_write_unlock(&as->lock);
}

static vaddr_t program_ip(struct address_space *as, vaddr_t ip)
{
    struct patch_table *t = as->patches;

    for (struct trampoline_page *p = t ? t->pages : NULL; p; p = p->next) {
        u64 offset = ip - p->address;
        if (offset >= PAGE_SIZE)
            continue;
        struct patch_site *s = p->sites[offset / PATCH_TRAMPOLINE_SIZE];
        return s ? s->site + platform_patch_position(offset % PATCH_TRAMPOLINE_SIZE) : ip;
    }
    return ip;
}

/* The space has no mappings any more. */
static void release(struct address_space *as)
{
    struct patch_table *t = as->patches;

    for (u32 i = 0; i < t->site_count; i++)
        kfree(t->sites[i]);
    while (t->pages) {
        struct trampoline_page *p = t->pages;
        t->pages = p->next;
        page_put(p->page);
        kfree(p);
    }
    kfree(t);
}

static const struct patch_ops ops = {
    .undo = undo,
    .forget = forget,
    .disable = disable,
    .program_ip = program_ip,
    .release = release,
};

static void patch_init(void)
{
    patch_ops = &ops;
}
INIT_CALL(INIT_FILES, patch_init);
