/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Demand paging, the common part: which region, which access, stack growth, and what a present page that
 * refused the access means. Faults of one space run side by side under the read lock.
 */
#include <linux/mman.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include "kernel/fault.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"

#define RECLAIM_TRIES 32u
#define RECLAIM_PAGES 32u

unsigned region_pte_prot(const struct region *r)
{
    /* The CPU cannot make a page writable or executable but not readable. */
    unsigned prot = 0;
    if (r->prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
        prot |= PTE_READ;
    if (r->prot & PROT_WRITE)
        prot |= PTE_WRITE;
    if (r->prot & PROT_EXEC)
        prot |= PTE_EXEC;
    return prot;
}

static unsigned needed_prot(enum fault_access access)
{
    return access == FAULT_WRITE ? PTE_WRITE : access == FAULT_EXEC ? PTE_EXEC : PTE_READ;
}

void page_put_pa(paddr_t pa)
{
    struct page *p = pa ? page_of(pa) : NULL;
    if (p)
        page_put(p);
}

paddr_t private_page(unsigned flags)
{
    struct page *p = page_alloc(0, flags);
    if (!p)
        return 0;
    p->kind = PAGE_KIND_PRIVATE;
    return page_address(p);
}

bool memory_is_ample(u64 n)
{
    struct page_stats s;
    page_stats(&s);
    return s.total >= SMALL_MACHINE && s.available > s.total / 4 + n;
}

void count_resident(struct address_space *as, u64 pages, bool private)
{
    if (private)
        as->private_pages += pages;
    u64 now = __atomic_add_fetch(&as->resident_pages, pages, __ATOMIC_RELAXED);
    if (now > as->peak_resident_pages)
        as->peak_resident_pages = now; /* under pt_lock */
}

struct mask_range {
    vaddr_t va;
    unsigned n;
    u64 mask;
};

static void mask_leaf(const struct pt_leaf *leaf, void *arg)
{
    struct mask_range *m = arg;
    if (leaf->size != PAGE_SIZE)
        m->mask = UINT64_MAX;
    else if (leaf->va >= m->va)
        m->mask |= 1ull << ((leaf->va - m->va) >> PAGE_SHIFT);
}

u64 present_mask(struct address_space *as, vaddr_t va, unsigned n)
{
    struct pt_leaf leaf;
    if (n == 1)
        return platform_pt_lookup(as->root, va, &leaf) == 0;
    struct mask_range m = {va, n, 0};
    struct pt_batch b;
    pt_batch_init(&b, as->root, as);
    platform_pt_walk(&b, va, va + n * PAGE_SIZE, false, mask_leaf, &m);
    return m.mask;
}

int fault_install(struct fault *f, vaddr_t va, paddr_t *pa, unsigned n, unsigned prot, u64 generation)
{
    struct address_space *as = f->as;
    struct memory_object *o = f->r->object;
    paddr_t surplus[FAULT_WINDOW_MAX];
    unsigned n_surplus = 0, n_mapped = 0;
    bool private = false;
    int error = 0;

    spin_lock(&as->pt_lock);
    if (o && __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST) != generation)
        error = -EAGAIN;
    u64 present = error ? UINT64_MAX : present_mask(as, va, n);
    for (unsigned i = 0; i < n; i++) {
        if (!pa[i])
            continue;
        if (present >> i & 1) {
            surplus[n_surplus++] = pa[i];
            pa[i] = 0;
        } else if (!n_mapped++) {
            private = page_is_private(page_of(pa[i])); /* all of them are of one kind */
        }
    }
    if (n_mapped) {
        struct pt_batch b;
        pt_batch_init(&b, as->root, as);
        error = platform_pt_map_array(&b, va, pa, n, prot);
        if (!error)
            count_resident(as, n_mapped, private);
    }
    spin_unlock(&as->pt_lock);

    for (unsigned i = 0; i < n_surplus; i++)
        page_put_pa(surplus[i]);
    if (error == -ENOMEM) {
        for (unsigned i = 0; i < n; i++)
            page_put_pa(pa[i]);
    }
    return error;
}

/* Gives a present page protection prot. Under pt_lock. */
static void upgrade(struct fault *f, const struct pt_leaf *leaf, unsigned prot)
{
    struct pt_batch b;
    pt_batch_init(&b, f->as->root, f->as);
    platform_pt_protect(&b, leaf->va, leaf->va + leaf->size, prot, true);
    if (b.flush)
        platform_pt_commit(&b);
}

static bool is_ours_alone(const struct pt_leaf *leaf)
{
    struct page *p = page_of(leaf->pa);
    return page_is_private(p) && __atomic_load_n(&p->refs, __ATOMIC_ACQUIRE) == 1;
}

int fault_copy(struct fault *f, const struct pt_leaf *leaf)
{
    struct address_space *as = f->as;
    struct page *old = page_of(leaf->pa);
    vaddr_t va = f->va;
    paddr_t from = leaf->pa + (va - leaf->va);

    /* The caller took a reference on old under pt_lock; it cannot go away under the copy. */
    paddr_t fresh = private_page(0);
    if (fresh)
        memcpy(phys_to_virt(fresh), phys_to_virt(from), PAGE_SIZE);
    int error = fresh ? 0 : -ENOMEM;
    if (!error) {
        struct pt_leaf now;
        struct pt_batch b;
        pt_batch_init(&b, as->root, as);
        spin_lock(&as->pt_lock);
        bool same = platform_pt_lookup(as->root, va, &now) == 0 && now.pa == leaf->pa &&
                    now.size == PAGE_SIZE;
        if (same)
            error = platform_pt_map(&b, va, fresh, PAGE_SIZE, region_pte_prot(f->r));
        if (same && !error && !page_is_private(old))
            as->private_pages++;
        if (b.flush)
            platform_pt_commit(&b);
        spin_unlock(&as->pt_lock);
        if (same && !error)
            page_put_pa(leaf->pa); /* the mapping's */
        else
            page_put_pa(fresh);
    }
    if (old)
        page_put(old);
    return error;
}

/* One try to bring in f->va, whose region allows the access. */
static int fault_in(struct fault *f)
{
    struct address_space *as = f->as;
    struct region *r = f->r;
    struct pt_leaf leaf;
    bool private = !(r->flags & REGION_SHARED);

    f->done_to = f->va + PAGE_SIZE;
    spin_lock(&as->pt_lock);
    if (platform_pt_lookup(as->root, f->va, &leaf) == 0) {
        if (leaf.prot & needed_prot(f->access)) {
            spin_unlock(&as->pt_lock);
            f->done_to = leaf.va + leaf.size;
            return 0; /* another CPU was faster, or the TLB was behind */
        }
        if (f->access != FAULT_WRITE) {
            upgrade(f, &leaf, region_pte_prot(r) & ~PTE_WRITE);
            spin_unlock(&as->pt_lock);
            return 0;
        }
        if (private) {
            if (is_ours_alone(&leaf)) {
                upgrade(f, &leaf, region_pte_prot(r));
                spin_unlock(&as->pt_lock);
                return 0;
            }
            struct page *old = page_of(leaf.pa);
            if (old)
                page_get(old);
            spin_unlock(&as->pt_lock);
            return fault_copy(f, &leaf);
        }
    }
    spin_unlock(&as->pt_lock);
    return r->object ? fault_object(f) : fault_anonymous(f);
}

/*
 * fault_in() ended with -EINPROGRESS: the object's page comes in from where the object has it, without the lock on the
 * space. -EAGAIN, or why it could not.
 */
static int bring_in(struct fault *f)
{
    struct memory_object *o = f->waits_for;
    current_thread()->major_faults++;
    __atomic_add_fetch(&f->as->major_faults, 1, __ATOMIC_RELAXED);
    int error = o->ops->bring_in(o, f->wait_index, f->access == FAULT_WRITE);
    memory_object_put(o);
    return error ? error : -EAGAIN;
}

/* ---------------------------------------------------------------- stack growth */

/* More than the page asked for, so that a stack that grows does not take the write lock for every page. */
#define GROW_BYTES (16 * PAGE_SIZE)

static bool may_grow_to(struct address_space *as, struct region *r, vaddr_t start)
{
    u64 limit = resource_limit(RLIMIT_STACK), pages = (r->start - start) >> PAGE_SHIFT;
    struct region *below = region_prev(r);

    if (start < USER_SPACE_START || r->end - start > limit ||
        (start < KERNEL_SPACE_END && r->start >= KERNEL_SPACE_END))
        return false;
    if (below) {
        bool keeps_gap = (below->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) &&
                         !(below->flags & REGION_GROWSDOWN);
        if (start < below->end || (keeps_gap && start - below->end < STACK_GUARD_GAP))
            return false;
    }
    return may_expand(as, pages, r->prot, r->flags) &&
           (!(r->flags & REGION_LOCKED) || may_lock(as, pages));
}

static bool grow_stack(struct address_space *as, vaddr_t va)
{
    bool grown = false;
    rwlock_write_lock(&as->lock);
    struct region *r = region_find(as, va);
    if (r && va >= r->start) {
        grown = true; /* by another thread */
    } else if (r && (r->flags & REGION_GROWSDOWN)) {
        vaddr_t generous = ALIGN_DOWN(va, GROW_BYTES);
        if (may_grow_to(as, r, generous))
            region_resize(as, r, generous, r->end), grown = true;
        else if (may_grow_to(as, r, va))
            region_resize(as, r, va, r->end), grown = true;
    }
    rwlock_write_unlock(&as->lock);
    return grown;
}

/* ---------------------------------------------------------------- entry points */

static bool access_allowed(const struct region *r, enum fault_access access)
{
    switch (access) {
    case FAULT_WRITE:
        return r->prot & PROT_WRITE;
    case FAULT_EXEC:
        return r->prot & PROT_EXEC;
    default:
        return r->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
    }
}

static int refuse(int *signo, int *code, int s, int c)
{
    *signo = s;
    *code = c;
    return -EFAULT;
}

int address_space_fault(struct address_space *as, vaddr_t address, enum fault_access access,
                        int *signo, int *code)
{
    struct fault f = {.as = as, .va = address & PAGE_MASK, .access = access};
    u64 major = current_thread()->major_faults;
    unsigned tries = 0;
    int error;

    do {
        rwlock_read_lock(&as->lock);
        f.r = region_find(as, f.va);
        if (!f.r || f.va < f.r->start) {
            bool stack = f.r && (f.r->flags & REGION_GROWSDOWN);
            rwlock_read_unlock(&as->lock);
            if (!stack || !grow_stack(as, f.va))
                return refuse(signo, code, SIGSEGV, SEGV_MAPERR);
            error = -EAGAIN;
            continue;
        }
        if (!access_allowed(f.r, access)) {
            rwlock_read_unlock(&as->lock);
            return refuse(signo, code, SIGSEGV, SEGV_ACCERR);
        }
        error = fault_in(&f);
        rwlock_read_unlock(&as->lock);
        if (error == -EINPROGRESS) {
            error = bring_in(&f);
        }
        /* Page tables and the heap do not wait for memory where they take it. */
        if (error == -ENOMEM && page_reclaim && tries++ < RECLAIM_TRIES && page_reclaim(RECLAIM_PAGES))
            error = -EAGAIN;
    } while (error == -EAGAIN);

    if (error && error != -ENOMEM)
        return refuse(signo, code, SIGBUS, BUS_ADRERR);
    if (!error && current_thread()->major_faults == major)
        __atomic_add_fetch(&as->minor_faults, 1, __ATOMIC_RELAXED);
    return error;
}

/* The copy if the page is there, and to be written is the mapping's alone; else a try to bring that about, and -EAGAIN. */
static int force_copy(struct fault *f, vaddr_t at, void *buf, size_t n, bool write)
{
    struct pt_leaf leaf;
    int error = -EAGAIN;

    /* Under pt_lock nobody else takes or replaces the page. */
    spin_lock(&f->as->pt_lock);
    if (platform_pt_lookup(f->as->root, f->va, &leaf) == 0) {
        if (leaf.prot & PTE_DEVICE) {
            error = -EFAULT;
        } else if (!write || leaf.prot & PTE_WRITE || is_ours_alone(&leaf)) {
            void *page = phys_to_virt(leaf.pa + (at - leaf.va));
            memcpy(write ? page : buf, write ? buf : page, n);
            error = 0;
        }
    }
    spin_unlock(&f->as->pt_lock);
    if (error != -EAGAIN)
        return error;
    error = fault_in(f);
    return error ? error : -EAGAIN;
}

int address_space_force(struct address_space *as, vaddr_t at, void *buf, size_t n, bool write)
{
    struct fault f = {.as = as, .va = at & PAGE_MASK, .access = write ? FAULT_WRITE : FAULT_READ};
    unsigned refused = REGION_KERNEL | (write ? REGION_SHARED : 0);
    int error;

    do {
        rwlock_read_lock(&as->lock);
        f.r = region_find(as, f.va);
        if (!f.r || f.va < f.r->start || f.r->flags & refused)
            error = -EFAULT;
        else
            error = force_copy(&f, at, buf, n, write);
        rwlock_read_unlock(&as->lock);
        if (error == -EINPROGRESS)
            error = bring_in(&f);
    } while (error == -EAGAIN);
    return error;
}

int populate(struct address_space *as, vaddr_t start, vaddr_t end, enum fault_access access)
{
    struct fault f = {.as = as, .va = start, .access = access, .populate = true};

    while (f.va < end) {
        int error;
        if (current_thread()->exit_requested)
            return -EINTR;
        rwlock_read_lock(&as->lock);
        f.r = region_find(as, f.va);
        if (!f.r || f.va < f.r->start)
            error = -ENOENT;
        else if (!access_allowed(f.r, access) || (access == FAULT_READ && !(f.r->prot & PROT_READ)))
            error = -EACCES;
        else
            error = fault_in(&f);
        rwlock_read_unlock(&as->lock);
        if (error == -EINPROGRESS)
            error = bring_in(&f);
        if (error && error != -EAGAIN)
            return error;
        if (!error)
            f.va = f.done_to;
    }
    return 0;
}

int populate_regions(struct address_space *as, vaddr_t start, vaddr_t end, u32 flags, bool ignore_errors)
{
    while (start < end) {
        rwlock_read_lock(&as->lock);
        struct region *r = region_find(as, start);
        vaddr_t from = r ? MAX(start, r->start) : end, to = r ? MIN(r->end, end) : end;
        enum fault_access access = FAULT_READ;
        bool wanted = r && from < to && !(r->flags & REGION_LOCK_ON_FAULT) && (r->flags & flags) == flags;
        if (wanted && (r->prot & PROT_WRITE) && (!(r->flags & REGION_SHARED) || !(r->prot & PROT_READ)))
            access = FAULT_WRITE;
        rwlock_read_unlock(&as->lock);
        int error = wanted ? populate(as, from, to, access) : 0;
        if (error == -ENOMEM && ignore_errors) {
            out_of_memory(as); /* nobody would be told otherwise */
            return error;
        }
        if (error == -EINTR || (error && !ignore_errors))
            return error;
        start = to;
    }
    return 0;
}
