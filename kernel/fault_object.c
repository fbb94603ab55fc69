/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on memory objects: the object's own pages where the mapping is shared or only read, private copies for
 * a write to a private mapping. Pages of the object that are in memory anyway are mapped around the faulting one; of a file in
 * memory that is being filled more are made ahead; the pages around a private copy, most often a program's data, are copied
 * with it.
 */
#include <linux/mman.h>
#include "kernel/fault.h"
#include "kernel/lib/string.h"

/* Pages; copying is not free. */
#define COPY_WINDOW 16u
#define FILL_AFTER  8u /* faults of a region */

/* A program's data: each page of it will be written sooner or later, so it is copied at the first touch of any kind. */
static bool copies_early(const struct region *r)
{
    return (r->flags & REGION_IMAGE) && (r->prot & PROT_WRITE) && r->object->ops->get_resident &&
           memory_is_ample(COPY_WINDOW);
}

static u64 object_index(const struct region *r, vaddr_t va)
{
    return (r->offset + (va - r->start)) >> PAGE_SHIFT;
}

/* Protection of an object's page in r: a private mapping never writes to it. */
static unsigned object_prot(const struct region *r, bool writable)
{
    unsigned prot = region_pte_prot(r);
    if (!(r->flags & REGION_SHARED) || !writable)
        prot &= ~PTE_WRITE;
    return prot;
}

/* Maps what the object has in memory in the aligned window around f->va. Failures do not matter. */
static void map_around(struct fault *f, u64 generation)
{
    struct region *r = f->r;
    struct memory_object *o = r->object;
    bool write = (r->flags & REGION_SHARED) && (r->prot & PROT_WRITE);
    vaddr_t window = ALIGN_DOWN(f->va, FAULT_WINDOW_MAX * PAGE_SIZE);
    vaddr_t low = MAX(window, r->start), high = MIN(window + FAULT_WINDOW_MAX * PAGE_SIZE, r->end);
    unsigned n = (high - low) >> PAGE_SHIFT;
    paddr_t pa[FAULT_WINDOW_MAX];

    if (!o->ops->get_resident || n <= 1)
        return;
    /* Protection is one for all in a go: first, where the mapping is writable, the pages that may be written. */
    if (write) {
        o->ops->get_resident(o, object_index(r, low), n, true, pa);
        fault_install(f, low, pa, n, object_prot(r, true), generation);
    }
    if (f->access != FAULT_WRITE || !write) {
        o->ops->get_resident(o, object_index(r, low), n, false, pa);
        fault_install(f, low, pa, n, object_prot(r, false), generation);
    }
}

/*
 * A file in memory that stores fill from one page to the next: once some have come, more at a time. Few come one by one, as on
 * Linux, where a program can see them as blocks of the file.
 */
static void fill_ahead(struct fault *f)
{
    struct region *r = f->r;
    struct memory_object *o = r->object;

    if (!o->ops->fill || r->faulted_pages++ < FILL_AFTER) /* racy, a hint */
        return;
    unsigned n = MIN(fault_window(f), (r->end - f->va) >> PAGE_SHIFT);
    o->ops->fill(o, object_index(r, f->va), n);
    r->faulted_pages += n - 1;
}

/* Copies what the object has in memory in [low, high), at most a window, and is not copied already. Failures do not matter. */
static void copy_range(struct fault *f, vaddr_t low, vaddr_t high, u64 generation)
{
    struct region *r = f->r;
    struct memory_object *o = r->object;
    unsigned n = (high - low) >> PAGE_SHIFT;
    paddr_t pa[FAULT_WINDOW_MAX];

    spin_lock(&f->as->pt_lock);
    u64 present = present_mask(f->as, low, n);
    spin_unlock(&f->as->pt_lock);
    o->ops->get_resident(o, object_index(r, low), n, false, pa);
    for (unsigned i = 0; i < n; i++) {
        paddr_t from = pa[i];
        pa[i] = from && !(present >> i & 1) ? private_page(0) : 0;
        if (pa[i])
            memcpy(phys_to_virt(pa[i]), phys_to_virt(from), PAGE_SIZE);
        page_put_pa(from);
    }
    fault_install(f, low, pa, n, region_pte_prot(r), generation);
}

/* The page before is a copy of the mapping's own. */
static bool follows_a_copy(const struct fault *f)
{
    struct pt_leaf leaf;
    spin_lock(&f->as->pt_lock);
    bool follows = f->va > f->r->start && platform_pt_lookup(f->as->root, f->va - PAGE_SIZE, &leaf) == 0 &&
                   page_is_private(page_of(leaf.pa));
    spin_unlock(&f->as->pt_lock);
    return follows;
}

/*
 * f->va is copied: its neighbours too, if they will be written as well. So are those of a program's data; of other files' pages
 * those ahead of stores that go from page to page (a JVM moving the addresses in its archive of classes), once some have come. A
 * file that may be written to is not copied so: a page of the mapping shows what is written to the file until it is itself stored to.
 */
static void copy_more(struct fault *f, u64 generation)
{
    struct region *r = f->r;
    vaddr_t low = ALIGN_DOWN(f->va, COPY_WINDOW * PAGE_SIZE), high = low + COPY_WINDOW * PAGE_SIZE;

    if (!copies_early(r)) {
        if (!r->object->constant || r->faulted_pages++ < FILL_AFTER || !r->object->ops->get_resident || !follows_a_copy(f)) /* racy, a hint */
            return;
        low = f->va + PAGE_SIZE;
        high = MIN(f->va + fault_window(f) * PAGE_SIZE, ALIGN_DOWN(f->va, HUGE_SIZE) + HUGE_SIZE);
    }
    low = MAX(low, r->start);
    high = MIN(high, r->end);
    if (low >= high)
        return;
    r->faulted_pages += (high - low) >> PAGE_SHIFT;
    copy_range(f, low, high, generation);
}

/* get_page for the page at f->va; what it has to wait for goes to f. */
static int get_page(struct fault *f, bool write, paddr_t *pa, bool *writable)
{
    struct memory_object *o = f->r->object;
    u64 index = object_index(f->r, f->va);
    int error = o->ops->get_page(o, index, write, pa, writable);

    if (error == -EINPROGRESS) {
        memory_object_get(o);
        f->waits_for = o;
        f->wait_index = index;
    }
    return error;
}

/* The private copy of an object's page at f->va, where nothing is mapped yet. */
static int private_copy(struct fault *f)
{
    struct region *r = f->r;
    struct memory_object *o = r->object;
    u64 generation = __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST);
    paddr_t from;
    bool writable;

    int error = get_page(f, false, &from, &writable);
    if (error)
        return error;
    paddr_t fresh = private_page(0);
    if (fresh)
        memcpy(phys_to_virt(fresh), phys_to_virt(from), PAGE_SIZE);
    page_put_pa(from);
    if (!fresh)
        return -ENOMEM;
    error = fault_install(f, f->va, &fresh, 1, region_pte_prot(r), generation);
    if (!error)
        copy_more(f, generation);
    return error;
}

/* The object's page pa (referenced) at f->va, whatever is there now. */
static int install_object_page(struct fault *f, paddr_t pa, unsigned prot, u64 generation)
{
    struct address_space *as = f->as;
    struct memory_object *o = f->r->object;
    struct pt_leaf leaf;
    struct pt_batch b;
    paddr_t drop = pa;
    int error = 0;

    pt_batch_init(&b, as->root, as);
    spin_lock(&as->pt_lock);
    if (__atomic_load_n(&o->generation, __ATOMIC_SEQ_CST) != generation) {
        error = -EAGAIN;
    } else if (platform_pt_lookup(as->root, f->va, &leaf) != 0) {
        error = platform_pt_map(&b, f->va, pa, PAGE_SIZE, prot);
        if (!error) {
            count_resident(as, 1, false);
            drop = 0;
        }
    } else if (!(f->r->flags & REGION_SHARED)) {
        /* Another thread was faster, perhaps with a private copy. */
    } else if (leaf.pa == pa) {
        error = platform_pt_protect(&b, f->va, f->va + PAGE_SIZE, prot, true);
    } else {
        error = platform_pt_map(&b, f->va, pa, PAGE_SIZE, prot);
        if (!error)
            drop = leaf.pa;
    }
    if (b.flush)
        platform_pt_commit(&b);
    spin_unlock(&as->pt_lock);
    page_put_pa(drop);
    return error;
}

int fault_object(struct fault *f)
{
    struct region *r = f->r;
    struct memory_object *o = r->object;
    bool shared = r->flags & REGION_SHARED, writable;
    paddr_t pa;

    if (!shared && (f->access == FAULT_WRITE || copies_early(r)))
        return private_copy(f);
    u64 generation = __atomic_load_n(&o->generation, __ATOMIC_SEQ_CST);
    int error = get_page(f, f->access == FAULT_WRITE, &pa, &writable);
    if (error)
        return error;
    error = install_object_page(f, pa, object_prot(r, writable), generation);
    if (error)
        return error;
    if (shared && f->access == FAULT_WRITE)
        fill_ahead(f);
    map_around(f, generation);
    if (shared && f->access == FAULT_WRITE && r->file && region_file_written)
        region_file_written(r->file);
    return 0;
}
