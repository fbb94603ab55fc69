/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ordered tree of regions, augmented with the largest free gap of each subtree, so that lookup, split, merge
 * and the search for a free address are all logarithmic.
 *
 * Invariants: regions do not overlap; r->gap is the largest piece a mapping could use between r and its predecessor
 * (the kernel's window and a stack's guard gap are not free); a region with an object is on its list, and its
 * start, end and offset change only under the object's mappings_lock.
 */
#include <linux/mman.h>
#include "kernel/heap.h"
#include "kernel/region.h"

int vm_max_map_count = 65530;

void (*region_file_get)(struct file *f);
void (*region_file_put)(struct file *f);
void (*region_file_written)(struct file *f);

static struct region *region_of(struct rb_node *n)
{
    return container_of(n, struct region, node);
}

static u64 subtree_gap(const struct rb_node *n)
{
    return n ? container_of(n, struct region, node)->largest_gap : 0;
}

bool region_augment(struct rb_node *n)
{
    struct region *r = region_of(n);
    u64 old = r->largest_gap;
    r->largest_gap = MAX(r->gap, MAX(subtree_gap(n->left), subtree_gap(n->right)));
    return r->largest_gap != old;
}

struct region *region_next(struct region *r)
{
    struct rb_node *n = rb_next(&r->node);
    return n ? region_of(n) : NULL;
}

struct region *region_prev(struct region *r)
{
    struct rb_node *n = rb_prev(&r->node);
    return n ? region_of(n) : NULL;
}

struct region *region_find(struct address_space *as, vaddr_t address)
{
    struct region *best = NULL;
    for (struct rb_node *n = as->regions.root; n;) {
        struct region *r = region_of(n);
        if (address < r->end) {
            best = r;
            if (address >= r->start)
                break;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

vaddr_t region_guarded_start(const struct region *r)
{
    if (!(r->flags & REGION_GROWSDOWN))
        return r->start;
    return r->start > USER_SPACE_START + STACK_GUARD_GAP ? r->start - STACK_GUARD_GAP
                                                        : USER_SPACE_START;
}

/* ---------------------------------------------------------------- gaps */

/* Highest place for length bytes in [lo, hi), the kernel's window left out, or 0. */
static vaddr_t fit(vaddr_t lo, vaddr_t hi, u64 length)
{
    vaddr_t upper = MAX(lo, (vaddr_t)KERNEL_SPACE_END);
    if (hi > upper && hi - upper >= length)
        return hi - length;
    hi = MIN(hi, (vaddr_t)KERNEL_SPACE_START);
    if (hi > lo && hi - lo >= length)
        return hi - length;
    return 0;
}

/* Size of the largest piece of [lo, hi) outside the kernel's window. */
static u64 free_size(vaddr_t lo, vaddr_t hi)
{
    u64 below = 0, above = 0;
    if (lo >= hi)
        return 0;
    if (lo < KERNEL_SPACE_START)
        below = MIN(hi, (vaddr_t)KERNEL_SPACE_START) - lo;
    if (hi > KERNEL_SPACE_END)
        above = hi - MAX(lo, (vaddr_t)KERNEL_SPACE_END);
    return MAX(below, above);
}

static vaddr_t gap_start(struct region *r)
{
    struct region *p = region_prev(r);
    return p ? p->end : USER_SPACE_START;
}

/* Recomputes the gap before r (NULL is fine) after it or its predecessor moved. */
static void update_gap(struct address_space *as, struct region *r)
{
    if (!r)
        return;
    r->gap = free_size(gap_start(r), region_guarded_start(r));
    rb_augment_up(&as->regions, &r->node);
}

static vaddr_t search(struct rb_node *n, u64 length, vaddr_t low, vaddr_t high)
{
    if (!n || subtree_gap(n) < length)
        return 0;
    struct region *r = region_of(n);
    vaddr_t at = 0;

    if (r->end < high)
        at = search(n->right, length, low, high);
    if (!at && r->gap >= length) {
        vaddr_t lo = MAX(gap_start(r), low), hi = MIN(region_guarded_start(r), high);
        at = fit(lo, hi, length);
    }
    if (!at && r->start > low)
        at = search(n->left, length, low, high);
    return at;
}

vaddr_t region_find_gap(struct address_space *as, u64 length, vaddr_t low, vaddr_t high)
{
    low = MAX(low, (vaddr_t)USER_SPACE_START);
    high = MIN(high, (vaddr_t)USER_SPACE_END);
    if (length == 0 || low >= high || length > high - low)
        return 0;
    struct rb_node *last = rb_last(&as->regions);
    vaddr_t top = last ? region_of(last)->end : USER_SPACE_START;
    vaddr_t at = fit(MAX(top, low), high, length);
    return at ? at : search(as->regions.root, length, low, high);
}

bool region_range_free(struct address_space *as, vaddr_t start, vaddr_t end)
{
    if (!user_span_ok(start, end))
        return false;
    struct region *r = region_find(as, start);
    return !r || r->start >= end;
}

/* ---------------------------------------------------------------- one region */

struct region *region_alloc(void)
{
    struct region *r = kzalloc(sizeof(*r));
    if (r)
        list_init(&r->object_link);
    return r;
}

void region_free(struct region *r)
{
    if (r->object)
        memory_object_put(r->object);
    if (r->file)
        region_file_put(r->file);
    kfree(r);
}

static bool counts_as_data(u32 prot, u32 flags)
{
    return (prot & PROT_WRITE) && !(flags & (REGION_SHARED | REGION_GROWSDOWN));
}

static void account(struct address_space *as, const struct region *r, bool add)
{
    u64 n = add ? region_pages(r) : -region_pages(r);
    if (r->flags & REGION_UNCOUNTED)
        return;
    as->total_pages += n;
    as->peak_pages = MAX(as->peak_pages, as->total_pages);
    if (counts_as_data(r->prot, r->flags))
        as->data_pages += n;
    if (r->flags & REGION_LOCKED)
        as->locked_pages += n;
}

static bool counts_as_writable(const struct region *r)
{
    return (r->flags & REGION_SHARED) && (r->max_prot & PROT_WRITE);
}

static void object_link(struct region *r)
{
    list_add_tail(&r->object->mappings, &r->object_link);
    if (counts_as_writable(r))
        __atomic_add_fetch(&r->object->writable_mappings, 1, __ATOMIC_RELAXED);
}

static void object_unlink(struct region *r)
{
    list_remove(&r->object_link);
    if (counts_as_writable(r))
        __atomic_sub_fetch(&r->object->writable_mappings, 1, __ATOMIC_RELAXED);
}

static void tree_insert(struct address_space *as, struct region *r)
{
    struct rb_node **link = &as->regions.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = r->start < region_of(parent)->start ? &parent->left : &parent->right;
    }
    r->gap = 0;
    rb_insert(&as->regions, &r->node, parent, link);
    as->region_count += !(r->flags & REGION_UNCOUNTED);
    update_gap(as, r);
    update_gap(as, region_next(r));
}

static void tree_remove(struct address_space *as, struct region *r)
{
    struct region *next = region_next(r);
    rb_remove(&as->regions, &r->node);
    as->region_count -= !(r->flags & REGION_UNCOUNTED);
    update_gap(as, next);
}

void region_insert(struct address_space *as, struct region *r)
{
    r->space = as;
    tree_insert(as, r);
    account(as, r, true);
    if (r->object) {
        mutex_lock(&r->object->mappings_lock);
        object_link(r);
        mutex_unlock(&r->object->mappings_lock);
    }
}

void region_remove(struct address_space *as, struct region *r)
{
    if (r->object) {
        mutex_lock(&r->object->mappings_lock);
        object_unlink(r);
        mutex_unlock(&r->object->mappings_lock);
    }
    account(as, r, false);
    tree_remove(as, r);
}

static void set_bounds(struct region *r, vaddr_t start, vaddr_t end)
{
    if (r->object)
        r->offset += start - r->start;
    r->start = start;
    r->end = end;
}

void region_resize(struct address_space *as, struct region *r, vaddr_t start, vaddr_t end)
{
    account(as, r, false);
    if (r->object)
        mutex_lock(&r->object->mappings_lock);
    set_bounds(r, start, end);
    if (r->object)
        mutex_unlock(&r->object->mappings_lock);
    account(as, r, true);
    update_gap(as, r);
    update_gap(as, region_next(r));
}

void region_change(struct address_space *as, struct region *r, u32 prot, u32 flags)
{
    account(as, r, false);
    r->prot = prot;
    r->flags = flags;
    account(as, r, true);
    update_gap(as, r);
}

/* ---------------------------------------------------------------- split and merge */

int region_split(struct address_space *as, struct region *r, vaddr_t at)
{
    if (as->region_count >= REGION_MAX_COUNT)
        return -ENOMEM;
    struct region *upper = region_alloc();
    if (!upper)
        return -ENOMEM;

    account(as, r, false);
    *upper = *r;
    list_init(&upper->object_link);
    if (upper->file)
        region_file_get(upper->file);
    if (r->object) {
        memory_object_get(r->object);
        mutex_lock(&r->object->mappings_lock);
    }
    set_bounds(upper, at, r->end);
    r->end = at;
    if (r->object) {
        object_link(upper);
        mutex_unlock(&r->object->mappings_lock);
    }
    tree_insert(as, upper);
    account(as, r, true);
    account(as, upper, true);
    return 0;
}

int region_split_range(struct address_space *as, vaddr_t start, vaddr_t end)
{
    const vaddr_t cuts[2] = {start, end};
    for (unsigned i = 0; i < 2; i++) {
        struct region *r = region_find(as, cuts[i]);
        if (r && r->start < cuts[i]) {
            int error = region_split(as, r, cuts[i]);
            if (error)
                return error;
        }
    }
    return 0;
}

static bool mergeable(const struct region *a, const struct region *b)
{
    return a->end == b->start && a->prot == b->prot && a->max_prot == b->max_prot &&
           a->flags == b->flags && a->object == b->object && a->file == b->file &&
           a->name == b->name && !(a->flags & (REGION_KERNEL | REGION_ATTACHED)) &&
           (!a->object || a->offset + (a->end - a->start) == b->offset);
}

/* b, which follows a, becomes part of a. */
static void join(struct address_space *as, struct region *a, struct region *b)
{
    account(as, a, false);
    account(as, b, false);
    if (a->object)
        mutex_lock(&a->object->mappings_lock);
    a->end = b->end;
    if (a->object) {
        object_unlink(b);
        mutex_unlock(&a->object->mappings_lock);
    }
    account(as, a, true);
    tree_remove(as, b);
    region_free(b);
}

struct region *region_merge(struct address_space *as, struct region *r)
{
    struct region *next = region_next(r), *prev = region_prev(r);
    if (next && mergeable(r, next))
        join(as, r, next);
    if (prev && mergeable(prev, r)) {
        join(as, prev, r);
        r = prev;
    }
    return r;
}

void region_merge_range(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct region *r = region_find(as, start ? start - 1 : 0);
    while (r && r->start <= end) {
        struct region *next = region_next(r);
        if (next && next->start <= end && mergeable(r, next))
            join(as, r, next);
        else
            r = next;
    }
}
