/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: objects, and how their pages come in. Readers and faults find a page in the tree, or put new ones
 * there, marked CACHE_FILLING, and have the file system read them; who finds such a page waits for the object's next event
 * and looks again. How far a read goes beyond what was asked for depends on how many pages before it are cached: no state is
 * kept for a stream, so several readers of one file do not disturb each other.
 */
#include "fs/page_cache_internal.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/lib/string.h"

#define FIRST_WINDOW 16u /* pages: at a file's start, and around a fault */
#define READ_BATCH   16u /* pages looked up at once */

struct page_cache page_cache = {
    .lock = SPINLOCK_INIT(LOCK_PAGE_CACHE),
    .objects = LIST_INIT(page_cache.objects),
    .dirty = LIST_INIT(page_cache.dirty),
    .work = {SPINLOCK_INIT(LOCK_WAIT_QUEUE), LIST_INIT(page_cache.work.waiters)},
    .progress = {SPINLOCK_INIT(LOCK_WAIT_QUEUE), LIST_INIT(page_cache.progress.waiters)},
};

u64 page_cache_pages(u64 *dirty)
{
    *dirty = __atomic_load_n(&page_cache.dirty_pages, __ATOMIC_RELAXED);
    return __atomic_load_n(&page_cache.pages, __ATOMIC_RELAXED);
}

/* ---------------------------------------------------------------- entries */

int cache_insert(struct cached_object *c, u64 index, u64 entry)
{
    int error = radix_set(&c->pages, index, entry);
    if (error)
        return error;
    __atomic_add_fetch(&page_cache.pages, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&page_reclaimable, 1, __ATOMIC_RELAXED);
    if (c->n_pages++ == 0) {
        spin_lock(&page_cache.lock);
        list_add_tail(&page_cache.objects, &c->cached_link);
        spin_unlock(&page_cache.lock);
    }
    return 0;
}

void cache_remove(struct cached_object *c, u64 index, u64 entry)
{
    if (entry & CACHE_DIRTY) {
        cache_make_clean(c, &entry);
        current_thread()->io.cancelled += PAGE_SIZE;
    }
    radix_set(&c->pages, index, 0);
    __atomic_sub_fetch(&page_cache.pages, 1, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&page_reclaimable, 1, __ATOMIC_RELAXED);
    if (--c->n_pages == 0) {
        spin_lock(&page_cache.lock);
        list_remove(&c->cached_link);
        spin_unlock(&page_cache.lock);
    }
}

void cache_zero_tail(struct cached_object *c, u64 index, u64 entry)
{
    u64 used = c->base.size - (index << PAGE_SHIFT);
    if (used < PAGE_SIZE)
        memset(cache_data(entry) + used, 0, PAGE_SIZE - used);
}

void cache_event(struct cached_object *c)
{
    __atomic_add_fetch(&c->events, 1, __ATOMIC_SEQ_CST);
    wait_wake_all(&c->waiters);
}

int cache_wait(struct cached_object *c, u32 seen, enum wait_mode mode)
{
    return wait_event(&c->waiters, READ_ONCE(c->events) != seen, NSEC_NEVER, mode) ? -EINTR : 0;
}

/* ---------------------------------------------------------------- leaving */

void cache_evict_begin(struct cached_object *c, struct eviction *e, u64 index, u64 *slot)
{
    if (__atomic_load_n(&cache_page(*slot)->refs, __ATOMIC_ACQUIRE) != 1) {
        if (!e->mapped)
            e->first = index;
        e->last = index + 1;
        e->mapped = true;
    }
    *slot |= CACHE_FILLING | CACHE_LEAVING;
    e->index[e->n] = index;
    e->entry[e->n++] = *slot;
}

unsigned cache_evict(struct cached_object *c, const struct eviction *e)
{
    unsigned freed = 0;

    if (!e->n)
        return 0;
    if (e->mapped)
        memory_object_unmap(&c->base, e->first, e->last, false);
    zap_barrier();
    mutex_lock(&c->base.lock);
    for (unsigned i = 0; i < e->n; i++) {
        if ((radix_get(&c->pages, e->index[i]) & PAGE_MASK) == (e->entry[i] & PAGE_MASK))
            cache_remove(c, e->index[i], e->entry[i]);
    }
    mutex_unlock(&c->base.lock);
    for (unsigned i = 0; i < e->n; i++) {
        struct page *p = cache_page(e->entry[i]);
        freed += __atomic_load_n(&p->refs, __ATOMIC_RELAXED) == 1;
        page_put(p);
    }
    cache_event(c);
    return freed;
}

/* ---------------------------------------------------------------- filling */

static void free_pages(void *const pages[], unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        page_put(page_of(virt_to_phys(pages[i])));
}

/* Puts as many of the new pages into the tree as there are empty places in a row. */
static unsigned begin_fill(struct cached_object *c, u64 index, unsigned n, void *const pages[], int *error)
{
    unsigned i = 0;

    mutex_lock(&c->base.lock);
    u64 end = pages_of_bytes(c->base.size);
    *error = index < end ? 0 : -EFAULT;
    for (; !*error && i < n && index + i < end; i++) {
        if (radix_get(&c->pages, index + i) ||
            (i && c->ops->in_place && c->ops->in_place(&c->base, index + i)))
            break;
        if (cache_insert(c, index + i, virt_to_phys(pages[i]) | CACHE_FILLING)) {
            *error = i ? 0 : -ENOMEM;
            break;
        }
    }
    /* Half-way through a window that will be used up in order is the time to start the next one. */
    u64 *half = i >= FIRST_WINDOW ? radix_slot(&c->pages, index + i / 2) : NULL;
    if (half)
        *half |= CACHE_AHEAD;
    mutex_unlock(&c->base.lock);
    return i;
}

/* The pages are read, or not: shows them to others, or takes them out. */
static void end_fill(struct cached_object *c, u64 index, unsigned n, void *const pages[], int error)
{
    mutex_lock(&c->base.lock);
    for (unsigned i = 0; i < n; i++) {
        u64 *slot = radix_slot(&c->pages, index + i), mine = virt_to_phys(pages[i]);
        bool gone = !slot || (*slot & PAGE_MASK) != mine;
        if (!gone && !error) {
            *slot &= ~(u64)CACHE_FILLING;
            cache_zero_tail(c, index + i, mine);
        } else {
            if (!gone)
                cache_remove(c, index + i, mine);
            page_put(page_of(mine));
        }
    }
    mutex_unlock(&c->base.lock);
    cache_event(c);
}

int cache_fill(struct cached_object *c, u64 index, unsigned n)
{
    void *pages[CACHE_WINDOW_MAX];
    unsigned got = 0;
    int error;

    n = MIN(n, CACHE_WINDOW_MAX);
    cache_make_room(n);
    for (; got < n; got++) {
        paddr_t pa = page_alloc_pa(got ? PAGE_NO_RECLAIM : 0);
        if (!pa)
            break;
        pages[got] = phys_to_virt(pa);
    }
    if (!got)
        return -ENOMEM;
    n = begin_fill(c, index, got, pages, &error);
    free_pages(pages, n, got);
    /* The tree does not wait for memory where it takes it. */
    if (error == -ENOMEM && cache_reclaim(CACHE_WINDOW_MAX))
        return 0;
    if (!n)
        return error;
    error = c->ops->read(&c->base, index, n, pages);
    if (!error)
        current_thread()->io.storage[0] += n * PAGE_SIZE;
    end_fill(c, index, n, pages, error);
    return error;
}

/* Cached pages right before index, as far as that matters. Locked. */
static unsigned history(struct cached_object *c, u64 index)
{
    unsigned n = 0;
    while (n < CACHE_WINDOW_MAX / 2 && n < index && radix_get(&c->pages, index - n - 1))
        n++;
    return n;
}

/* No window takes more than a small part of a small machine. */
static unsigned limit_window(u64 n)
{
    struct page_stats s;
    page_stats(&s);
    return (unsigned)MIN(MIN(n, MAX(s.total / 256, 1ull)), (u64)CACHE_WINDOW_MAX);
}

/* Reads the page at index, which is not there, and what will be wanted next; wanted: pages asked for from index on. */
static int fill_for_read(struct cached_object *c, u64 index, u64 wanted)
{
    mutex_lock(&c->base.lock);
    unsigned before = history(c, index);
    mutex_unlock(&c->base.lock);
    u64 n = MAX(wanted, index ? 2ull * before : (u64)FIRST_WINDOW);
    n = limit_window(n);
    int error = cache_fill(c, index, (unsigned)n);
    return error && error != -ENOMEM && n > 1 ? cache_fill(c, index, 1) : error;
}

/* The block around a fault: the larger, the more of the file is here already. A program that goes all over its image soon has it. Locked. */
static u64 fault_block(struct cached_object *c)
{
    u64 block = limit_window(2 * FIRST_WINDOW) < 2 * FIRST_WINDOW ? FIRST_WINDOW : 2 * FIRST_WINDOW;
    while (block < CACHE_WINDOW_MAX && c->n_pages >= 4 * block && c->n_pages >= pages_of_bytes(c->base.size) / 16 &&
           limit_window(2 * block) == 2 * block)
        block *= 2;
    return block;
}

/* The same for a fault: without a history of its own, a block around it. */
static int fill_for_fault(struct cached_object *c, u64 index)
{
    u64 from = index, n;

    mutex_lock(&c->base.lock);
    unsigned before = history(c, index);
    if (before < FIRST_WINDOW) {
        u64 block = fault_block(c), start = ALIGN_DOWN(index, block);
        while (from > start && !radix_get(&c->pages, from - 1))
            from--;
        n = start + block - from;
    } else {
        n = 2ull * before;
    }
    mutex_unlock(&c->base.lock);
    if (limit_window(n) < n)
        from = index, n = 1;
    int error = cache_fill(c, from, (unsigned)n);
    if (error && n > 1)
        error = cache_fill(c, index, 1);
    if (!error) {
        /* Reclaim leaves it till the fault has been tried again. */
        mutex_lock(&c->base.lock);
        u64 *slot = radix_slot(&c->pages, index);
        if (slot)
            *slot |= CACHE_REFERENCED;
        mutex_unlock(&c->base.lock);
    }
    return error;
}

/* ---------------------------------------------------------------- reading */

static paddr_t in_place(struct cached_object *c, u64 index)
{
    return c->ops->in_place ? c->ops->in_place(&c->base, index) : 0;
}

/*
 * The entries of the up to n pages from index on that are there to be used, with a reference on each page. None: *seen is
 * what to wait for if the first is being filled. *ahead: the next read-ahead is due. Locked.
 */
static unsigned gather(struct cached_object *c, u64 index, unsigned n, u64 *entries, bool *ahead)
{
    u64 *slot = NULL;
    unsigned i = 0;

    for (; i < n; i++, slot++) {
        if (!slot || (index + i) % RADIX_RUN == 0)
            slot = radix_slot(&c->pages, index + i);
        if (!slot || !*slot || *slot & CACHE_FILLING)
            break;
        *ahead |= *slot & CACHE_AHEAD;
        *slot = (*slot | CACHE_REFERENCED) & ~(u64)CACHE_AHEAD;
        entries[i] = *slot;
        page_get(cache_page(*slot));
    }
    return i;
}

/* Copies n gathered pages from offset on, at most `left` bytes, and drops them. Bytes, or -EFAULT. */
static ssize copy_entries(struct io *io, u64 offset, u64 left, const u64 *entries, unsigned n)
{
    size_t done = 0;
    ssize moved = 0;

    for (unsigned i = 0; i < n; i++) {
        size_t in_page = (offset + done) & (PAGE_SIZE - 1), part = MIN(left - done, PAGE_SIZE - in_page);
        if (moved >= 0 && part) {
            moved = io_copy_to(io, cache_data(entries[i]) + in_page, part);
            if (moved > 0)
                done += (size_t)moved;
            if (moved >= 0 && (size_t)moved < part)
                moved = -EFAULT;
        }
        page_put(cache_page(entries[i]));
    }
    return done ? (ssize)done : moved;
}

/* Copies from pages in place: as many as lie side by side in one go. 0: there are none here. */
static ssize copy_in_place(struct cached_object *c, struct io *io, u64 offset, u64 left)
{
    u64 index = offset >> PAGE_SHIFT;
    paddr_t first = in_place(c, index);
    if (!first)
        return 0;
    u64 bytes = PAGE_SIZE - (offset & (PAGE_SIZE - 1));
    for (u64 i = 1; bytes < left && in_place(c, index + i) == first + (i << PAGE_SHIFT); i++)
        bytes += PAGE_SIZE;
    return io_copy_to(io, (char *)phys_to_virt(first) + (offset & (PAGE_SIZE - 1)), MIN(bytes, left));
}

ssize page_cache_read(struct memory_object *o, struct io *io, u64 offset)
{
    struct cached_object *c = cached_object_of(o);
    u64 entries[READ_BATCH];
    size_t done = 0;
    ssize error = 0;

    while (io->left && error >= 0) {
        u64 at = offset + done, index = at >> PAGE_SHIFT, size = READ_ONCE(o->size);
        if (at >= size)
            break;
        u64 left = MIN(size - at, (u64)io->left), wanted = pages_of_bytes(at + left) - index;
        ssize moved = copy_in_place(c, io, at, left);
        if (moved) {
            if (moved < 0)
                error = moved;
            else
                done += (size_t)moved;
            continue;
        }
        bool ahead = false;
        mutex_lock(&o->lock);
        u32 seen = READ_ONCE(c->events);
        unsigned n = gather(c, index, (unsigned)MIN(wanted, (u64)READ_BATCH), entries, &ahead);
        bool filling = !n && radix_get(&c->pages, index);
        /* A truncation may have come before: what is past the end now is not read. */
        left = MIN(left, o->size > at ? o->size - at : 0);
        mutex_unlock(&o->lock);
        if (ahead)
            page_cache_read_ahead(o, index, index + CACHE_WINDOW_MAX);
        if (n) {
            moved = copy_entries(io, at, left, entries, n);
            if (moved < 0)
                error = moved;
            else
                done += (size_t)moved;
        } else {
            error = filling ? cache_wait(c, seen, WAIT_KILLABLE) : fill_for_read(c, index, wanted);
            if (error == -EFAULT)
                error = 0; /* the end came nearer: seen at the top */
        }
    }
    return done ? (ssize)done : error;
}

/* ---------------------------------------------------------------- faults */

static int get_page_op(struct memory_object *o, u64 index, bool write, paddr_t *pa, bool *writable)
{
    struct cached_object *c = cached_object_of(o);
    int error = 0;

    if (write && !c->ops->write)
        return -EFAULT;
    *writable = false;
    mutex_lock(&o->lock);
    u64 *slot = radix_slot(&c->pages, index);
    if (index >= pages_of_bytes(o->size)) {
        error = -EFAULT;
    } else if (slot && !(*slot & CACHE_FILLING)) {
        *slot |= CACHE_REFERENCED;
        if (write)
            cache_make_dirty(c, index, slot);
        /* A clean page is mapped read-only, so that the first store is seen. */
        *writable = *slot & CACHE_DIRTY;
        *pa = *slot & PAGE_MASK;
        page_get(cache_page(*slot));
    } else if (slot || !(*pa = in_place(c, index))) {
        error = -EINPROGRESS;
    }
    mutex_unlock(&o->lock);
    return error;
}

static int bring_in_op(struct memory_object *o, u64 index, bool write)
{
    struct cached_object *c = cached_object_of(o);

    mutex_lock(&o->lock);
    u32 seen = READ_ONCE(c->events);
    u64 entry = radix_get(&c->pages, index);
    mutex_unlock(&o->lock);
    if (write)
        cache_throttle(c);
    if (!entry)
        return fill_for_fault(c, index);
    return entry & CACHE_FILLING ? cache_wait(c, seen, WAIT_KILLABLE) : 0;
}

static void get_resident_op(struct memory_object *o, u64 index, unsigned n, bool write, paddr_t *pa)
{
    struct cached_object *c = cached_object_of(o);

    mutex_lock(&o->lock);
    u64 end = pages_of_bytes(o->size);
    for (unsigned i = 0; i < n; i++) {
        u64 entry = index + i < end ? radix_get(&c->pages, index + i) : 0;
        pa[i] = 0;
        if (entry && !(entry & CACHE_FILLING) && (!write || entry & CACHE_DIRTY)) {
            pa[i] = entry & PAGE_MASK;
            page_get(cache_page(entry));
        } else if (!entry && !write && index + i < end) {
            pa[i] = in_place(c, index + i);
        }
    }
    mutex_unlock(&o->lock);
}

/* ---------------------------------------------------------------- objects */

static void destroy_op(struct memory_object *o)
{
    struct cached_object *c = cached_object_of(o);
    u64 index = 0;

    if (c->n_pages) {
        spin_lock(&page_cache.lock);
        list_remove(&c->cached_link);
        spin_unlock(&page_cache.lock);
    }
    for (u64 entry; (entry = radix_next(&c->pages, &index)); index++)
        page_put(cache_page(entry));
    __atomic_sub_fetch(&page_cache.pages, c->n_pages, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&page_reclaimable, c->n_pages, __ATOMIC_RELAXED);
    radix_destroy(&c->pages);
    if (c->ops->destroy)
        c->ops->destroy(o);
    kfree(c);
}

static const struct memory_object_ops cached_ops = {
    .get_page = get_page_op,
    .bring_in = bring_in_op,
    .get_resident = get_resident_op,
    .sync = page_cache_sync,
    .read_ahead = page_cache_read_ahead,
    .drop = page_cache_drop,
    .destroy = destroy_op,
};

struct memory_object *page_cache_create(const struct page_cache_ops *ops, u64 size, void *private)
{
    struct cached_object *c = kzalloc(sizeof(*c));
    if (!c)
        return NULL;
    memory_object_init(&c->base, &cached_ops, size);
    c->ops = ops;
    c->private = private;
    c->dirty_first = UINT64_MAX;
    wait_queue_init(&c->waiters);
    list_init(&c->cached_link);
    list_init(&c->dirty_link);
    return &c->base;
}

void *page_cache_private(const struct memory_object *o)
{
    return container_of(o, const struct cached_object, base)->private;
}

ssize page_cache_file_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    ssize done = page_cache_read(f->inode->object, io, *pos);
    if (done > 0)
        *pos += (u64)done;
    inode_touch_atime(f);
    return done;
}

struct memory_object *page_cache_file_mmap(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    memory_object_get(f->inode->object);
    return f->inode->object;
}
