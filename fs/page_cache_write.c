/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: writing, dirty pages and their way back to the file system.
 *
 * How a store through a mapping is noticed: a clean page is mapped read-only, so the store faults, and get_page(write)
 * makes the page dirty. Write-back takes the mark away first, then removes the page from all mappings (if there are
 * any that may write), then writes: a store before the removal is in what is written, one after it faults and makes the page
 * dirty again. A page is thus never written twice without need, at the price of one fault for each page after a sync.
 */
#include "fs/io.h"
#include "fs/page_cache_internal.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/process.h"

/* How long a dirty page may stay before it is written without being asked for. */
#define FLUSH_DELAY (5 * NSEC_PER_SEC)
/* How often a write that failed for want of memory is tried again, and after what time. */
#define WRITE_TRIES 200u
#define WRITE_PAUSE (10 * NSEC_PER_MSEC)

static struct thread *flusher;
static bool kicked, wanted; /* it is to write; to give clean pages back */

/* ---------------------------------------------------------------- dirty marks */

static void start_flusher(void);

/* Dirty pages beyond which writers wait: an eighth of memory. */
static u64 dirty_limit(void)
{
    struct page_stats s;
    page_stats(&s);
    return MAX(s.total / 8, (u64)CACHE_WINDOW_MAX);
}

void cache_make_dirty(struct cached_object *c, u64 index, u64 *slot)
{
    if (*slot & CACHE_DIRTY)
        return;
    *slot |= CACHE_DIRTY;
    current_thread()->io.storage[1] += PAGE_SIZE;
    __atomic_sub_fetch(&page_reclaimable, 1, __ATOMIC_RELAXED);
    c->dirty_first = MIN(c->dirty_first, index);
    c->dirty_last = MAX(c->dirty_last, index + 1);
    u64 all = __atomic_add_fetch(&page_cache.dirty_pages, 1, __ATOMIC_RELAXED);
    if (c->n_dirty++ == 0 && !c->on_dirty_list) {
        c->on_dirty_list = true;
        memory_object_get(&c->base);
        spin_lock(&page_cache.lock);
        list_add_tail(&page_cache.dirty, &c->dirty_link);
        spin_unlock(&page_cache.lock);
        start_flusher();
        wait_wake_all(&page_cache.work);
    }
    if (all % CACHE_WINDOW_MAX == 0 && all > dirty_limit() / 2)
        cache_kick_flusher();
}

void cache_make_clean(struct cached_object *c, u64 *slot)
{
    *slot &= ~(u64)CACHE_DIRTY;
    __atomic_add_fetch(&page_reclaimable, 1, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&page_cache.dirty_pages, 1, __ATOMIC_RELAXED);
    if (--c->n_dirty == 0) {
        c->dirty_first = UINT64_MAX;
        c->dirty_last = 0;
    }
}

/* Takes an object without dirty pages off the list. No lock held; the caller has a reference of its own. */
static void leave_dirty_list(struct cached_object *c)
{
    mutex_lock(&c->base.lock);
    bool leaves = c->n_dirty == 0 && c->on_dirty_list;
    if (leaves) {
        c->on_dirty_list = false;
        spin_lock(&page_cache.lock);
        list_remove(&c->dirty_link);
        spin_unlock(&page_cache.lock);
    }
    mutex_unlock(&c->base.lock);
    if (leaves)
        memory_object_put(&c->base);
}

/* ---------------------------------------------------------------- write-back */

struct batch {
    u64 index;
    unsigned n;
    u64 bytes;
    void *pages[CACHE_WINDOW_MAX];
};

/*
 * The next run of dirty pages in [first, last): marks it as being written. n 0: there is none. A page that another write-back
 * has in hand while it is dirty again comes later: *seen is then what to wait for.
 */
static void next_batch(struct cached_object *c, u64 first, u64 last, struct batch *b, bool *busy, u32 *seen)
{
    u64 index = MAX(first, c->dirty_first), end = MIN(last, c->dirty_last);

    /* Behind the end there are pages only while they are being truncated. */
    end = MIN(end, pages_of_bytes(c->base.size));
    b->n = 0;
    *busy = false;
    *seen = READ_ONCE(c->events);
    for (u64 entry; b->n < CACHE_WINDOW_MAX && index < end; index++) {
        u64 from = index;
        entry = radix_next(&c->pages, &index);
        if (!entry || index >= end || (b->n && index != from))
            break;
        if (!(entry & CACHE_DIRTY) || (b->n && entry & CACHE_WRITEBACK)) {
            if (b->n)
                break;
            continue;
        }
        if (entry & CACHE_WRITEBACK) {
            *busy = true;
            break;
        }
        u64 *slot = radix_slot(&c->pages, index);
        *slot |= CACHE_WRITEBACK;
        if (b->n == 0)
            b->index = index;
        b->pages[b->n++] = cache_data(entry);
        cache_make_clean(c, slot);
    }
    __atomic_add_fetch(&page_cache.writing, b->n, __ATOMIC_RELAXED);
    if (b->n) {
        b->bytes = MIN((u64)b->n << PAGE_SHIFT, c->base.size - (b->index << PAGE_SHIFT));
        cache_zero_tail(c, b->index + b->n - 1, virt_to_phys(b->pages[b->n - 1]));
        if (READ_ONCE(c->base.writable_mappings))
            __atomic_add_fetch(&c->base.generation, 1, __ATOMIC_SEQ_CST);
    }
}

/* The file system's write; want of memory is no reason to lose data yet. */
static int write_pages(struct cached_object *c, const struct batch *b)
{
    int error = c->ops->write(&c->base, b->index, b->n, b->pages, b->bytes);
    struct wait_queue nobody;

    wait_queue_init(&nobody);
    for (unsigned tries = 0; error == -ENOMEM && tries < WRITE_TRIES; tries++) {
        wait_event(&nobody, false, platform_clock() + WRITE_PAUSE, WAIT_UNINTERRUPTIBLE);
        error = c->ops->write(&c->base, b->index, b->n, b->pages, b->bytes);
    }
    return error;
}

/* 0, also when the file system failed: that is kept for who asks. -EINTR: nothing happened, the thread must end. */
static int write_batch(struct cached_object *c, struct batch *b)
{
    if (READ_ONCE(c->base.writable_mappings))
        memory_object_unmap(&c->base, b->index, b->index + b->n, false);
    int error = write_pages(c, b);
    bool interrupted = error == -EINTR || error == -ERESTARTSYS;

    mutex_lock(&c->base.lock);
    for (unsigned i = 0; i < b->n; i++) {
        u64 *slot = radix_slot(&c->pages, b->index + i);
        *slot &= ~(u64)CACHE_WRITEBACK;
        if (interrupted)
            cache_make_dirty(c, b->index + i, slot);
    }
    if (error && !interrupted && !c->error)
        c->error = error;
    mutex_unlock(&c->base.lock);
    __atomic_sub_fetch(&page_cache.writing, b->n, __ATOMIC_RELAXED);
    __atomic_add_fetch(&page_cache.written, b->n, __ATOMIC_RELAXED);
    cache_event(c);
    wait_wake_all(&page_cache.progress);
    return interrupted ? -EINTR : 0;
}

/* Writes what is dirty in [first, last) now. No lock held. -EINTR if the thread must end. */
static int write_back(struct cached_object *c, u64 first, u64 last, enum wait_mode mode)
{
    struct batch b;
    bool busy;
    u32 seen;
    int error = 0;

    do {
        mutex_lock(&c->base.lock);
        next_batch(c, first, last, &b, &busy, &seen);
        mutex_unlock(&c->base.lock);
        if (b.n) {
            error = write_batch(c, &b);
            first = b.index + b.n;
        } else if (busy) {
            error = cache_wait(c, seen, mode);
        }
    } while (!error && (b.n || busy));
    leave_dirty_list(c);
    return error;
}

/* Does any page of [first, last) have one of flags? Locked. */
static bool any_page(struct cached_object *c, u64 first, u64 last, u64 flags)
{
    for (u64 entry; first < last && (entry = radix_next(&c->pages, &first)) && first < last; first++) {
        if (entry & flags)
            return true;
    }
    return false;
}

/* Waits until no page of [first, last) is being written. */
static int wait_written(struct cached_object *c, u64 first, u64 last, enum wait_mode mode)
{
    int error = 0;
    for (;;) {
        mutex_lock(&c->base.lock);
        u32 seen = READ_ONCE(c->events);
        bool busy = any_page(c, first, last, CACHE_WRITEBACK);
        mutex_unlock(&c->base.lock);
        if (!busy || error)
            return error;
        error = cache_wait(c, seen, mode);
    }
}

int page_cache_sync(struct memory_object *o, u64 first, u64 last)
{
    struct cached_object *c = cached_object_of(o);

    if (!c->ops->write)
        return 0;
    int error = write_back(c, first, last, WAIT_KILLABLE);
    if (!error)
        error = wait_written(c, first, last, WAIT_KILLABLE);
    if (error)
        return error;
    mutex_lock(&o->lock);
    error = c->error;
    c->error = 0;
    mutex_unlock(&o->lock);
    return error;
}

/* The object that has been dirty longest, with a reference; it goes to the end of the list. NULL: none. */
static struct cached_object *next_dirty(void)
{
    spin_lock(&page_cache.lock);
    struct cached_object *c = list_first(&page_cache.dirty, struct cached_object, dirty_link);
    if (c) {
        memory_object_get(&c->base);
        list_remove(&c->dirty_link);
        list_add_tail(&page_cache.dirty, &c->dirty_link);
    }
    spin_unlock(&page_cache.lock);
    return c;
}

static u64 count_dirty_objects(void)
{
    struct cached_object *c;
    u64 n = 0;

    spin_lock(&page_cache.lock);
    list_for_each(c, &page_cache.dirty, dirty_link)
        n++;
    spin_unlock(&page_cache.lock);
    return n;
}

void page_cache_sync_all(void)
{
    for (u64 n = count_dirty_objects(); n; n--) {
        struct cached_object *c = next_dirty();
        if (!c)
            return;
        if (write_back(c, 0, UINT64_MAX, WAIT_UNINTERRUPTIBLE) == 0)
            wait_written(c, 0, UINT64_MAX, WAIT_UNINTERRUPTIBLE);
        memory_object_put(&c->base);
    }
}

/* ---------------------------------------------------------------- the flusher */

static bool has_dirty(void)
{
    return !list_empty(&page_cache.dirty);
}

static void flusher_main(void *arg)
{
    for (;;) {
        wait_event(&page_cache.work, has_dirty() || READ_ONCE(kicked) || READ_ONCE(wanted), NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
        nsec_t end = has_dirty() ? platform_clock() + FLUSH_DELAY : 0;
        do {
            if (__atomic_exchange_n(&wanted, false, __ATOMIC_ACQUIRE))
                cache_make_room(0);
        } while (end && !wait_event(&page_cache.work, READ_ONCE(kicked) || READ_ONCE(wanted), end, WAIT_UNINTERRUPTIBLE) &&
                 !READ_ONCE(kicked));
        WRITE_ONCE(kicked, false);
        page_cache_sync_all();
        wait_wake_all(&page_cache.progress);
    }
}

/* Made with the first page that becomes dirty; tried again with later ones if memory is short. */
static void start_flusher(void)
{
    if (READ_ONCE(flusher))
        return;
    static bool starting;
    if (__atomic_exchange_n(&starting, true, __ATOMIC_ACQUIRE))
        return;
    /* An object's lock may be held: no reclaiming. */
    bool before = current_thread()->reclaiming;
    current_thread()->reclaiming = true;
    flusher = kernel_thread_create("flusher", flusher_main, NULL);
    current_thread()->reclaiming = before;
    __atomic_store_n(&starting, flusher != NULL, __ATOMIC_RELEASE);
}

void cache_kick_flusher(void)
{
    WRITE_ONCE(kicked, true);
    wait_wake_all(&page_cache.work);
}

void cache_reclaim_soon(void)
{
    if (!READ_ONCE(flusher) && wait_allowed())
        start_flusher();
    WRITE_ONCE(wanted, true);
    wait_wake_all(&page_cache.work);
}

bool cache_is_flusher(void)
{
    return current_thread() == READ_ONCE(flusher);
}

void cache_throttle(struct cached_object *c)
{
    start_flusher();
    if (READ_ONCE(page_cache.dirty_pages) <= dirty_limit())
        return;
    cache_kick_flusher();
    write_back(c, 0, UINT64_MAX, WAIT_KILLABLE);
}

/* ---------------------------------------------------------------- writing */

/* The file reaches to `size`. */
static void grow_to(struct cached_object *c, u64 size)
{
    mutex_lock(&c->base.lock);
    if (size > c->base.size)
        WRITE_ONCE(c->base.size, size);
    mutex_unlock(&c->base.lock);
}

/* The end moves up without something being written there: what a mapping left behind it becomes zero. */
static void zero_end(struct cached_object *c)
{
    mutex_lock(&c->base.lock);
    u64 index = c->base.size >> PAGE_SHIFT, entry = radix_get(&c->pages, index);
    if (entry && !(entry & CACHE_FILLING))
        cache_zero_tail(c, index, entry);
    mutex_unlock(&c->base.lock);
}

/*
 * A whole page, or the first bytes of one past the end, where the cache has none: nothing need be read. Bytes written;
 * *used false: it did not go in, the page has to be brought in.
 */
static ssize write_new(struct cached_object *c, struct io *io, u64 offset, size_t n, bool *used)
{
    u64 index = offset >> PAGE_SHIFT;
    size_t in_page = offset & (PAGE_SIZE - 1);
    int error = 0;

    *used = false;
    cache_make_room(1);
    paddr_t pa = page_alloc_pa(n < PAGE_SIZE ? PAGE_ZERO : 0);
    if (!pa)
        return -ENOMEM;
    ssize moved = io_copy_from(io, (char *)phys_to_virt(pa) + in_page, n);
    bool past_end = index >= pages_of_bytes(READ_ONCE(c->base.size)); /* the caller has the inode's lock */
    if (moved > 0 && ((size_t)moved == PAGE_SIZE || past_end)) {
        mutex_lock(&c->base.lock);
        if (!radix_get(&c->pages, index)) {
            error = cache_insert(c, index, pa);
            *used = error == 0;
        }
        if (*used) {
            if ((size_t)moved < n) /* the rest was copied in part, or not at all */
                memset((char *)phys_to_virt(pa) + in_page + moved, 0, n - (size_t)moved);
            u64 *slot = radix_slot(&c->pages, index);
            *slot |= CACHE_REFERENCED;
            cache_make_dirty(c, index, slot);
        }
        mutex_unlock(&c->base.lock);
    }
    if (!*used) {
        page_put(page_of(pa));
        if (moved > 0)
            io_revert(io, (size_t)moved);
        if (moved > 0 && !error)
            moved = 0;
    }
    return error ? error : moved;
}

/* Into a page that is in the cache. Bytes; 0: it is not there, or not ready. */
static ssize write_cached(struct cached_object *c, struct io *io, u64 offset, size_t n, bool *filling, u32 *seen)
{
    u64 index = offset >> PAGE_SHIFT;

    mutex_lock(&c->base.lock);
    u64 *slot = radix_slot(&c->pages, index);
    *seen = READ_ONCE(c->events);
    *filling = slot && *slot & CACHE_FILLING;
    if (!slot || *filling) {
        mutex_unlock(&c->base.lock);
        return 0;
    }
    *slot |= CACHE_REFERENCED | CACHE_WRITING;
    cache_make_dirty(c, index, slot);
    char *data = cache_data(*slot);
    mutex_unlock(&c->base.lock);

    ssize moved = io_copy_from(io, data + (offset & (PAGE_SIZE - 1)), n);

    /* A write-back may have come in between and written half of it. */
    mutex_lock(&c->base.lock);
    slot = radix_slot(&c->pages, index);
    ASSERT(slot && cache_data(*slot) == data); /* truncation holds the inode's lock too */
    *slot &= ~(u64)CACHE_WRITING;
    cache_make_dirty(c, index, slot);
    mutex_unlock(&c->base.lock);
    return moved;
}

/* Up to n bytes, all in one page. Bytes, 0: try again. */
static ssize write_page(struct cached_object *c, struct io *io, u64 offset, size_t n)
{
    u64 index = offset >> PAGE_SHIFT;
    bool filling, used;
    u32 seen;

    ssize moved = write_cached(c, io, offset, n, &filling, &seen);
    if (moved)
        return moved;
    if (filling)
        return cache_wait(c, seen, WAIT_KILLABLE);
    if (n == PAGE_SIZE || index >= pages_of_bytes(READ_ONCE(c->base.size))) {
        moved = write_new(c, io, offset, n, &used);
        if (used || moved < 0)
            return moved;
        if (index >= pages_of_bytes(READ_ONCE(c->base.size)))
            return 0; /* somebody else put a page there */
    }
    return cache_fill(c, index, 1);
}

ssize page_cache_write(struct memory_object *o, struct io *io, u64 offset)
{
    struct cached_object *c = cached_object_of(o);
    size_t done = 0;
    ssize error = 0;

    if (!c->ops->write)
        return -EROFS;
    if (offset > INT64_MAX || io->left > INT64_MAX - offset)
        return -EFBIG;
    while (io->left && error >= 0) {
        u64 at = offset + done;
        size_t n = MIN((size_t)io->left, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        if (at > READ_ONCE(o->size))
            zero_end(c);
        ssize moved = write_page(c, io, at, n);
        if (moved < 0) {
            error = moved;
            break;
        }
        done += (size_t)moved;
        grow_to(c, moved ? at + (u64)moved : 0);
        if (moved && (size_t)moved < n)
            break;
    }
    cache_throttle(c);
    return done ? (ssize)done : error;
}

/* ---------------------------------------------------------------- truncation, removal */

/* Takes up to a batch of pages from first on out, dirty or not, that nothing maps; true: there may be more. */
static bool remove_batch(struct cached_object *c, u64 first)
{
    u64 entries[CACHE_WINDOW_MAX], entry;
    unsigned n = 0;

    mutex_lock(&c->base.lock);
    for (; n < CACHE_WINDOW_MAX && (entry = radix_next(&c->pages, &first)); first++) {
        cache_remove(c, first, entry);
        entries[n++] = entry;
    }
    mutex_unlock(&c->base.lock);
    zap_barrier();
    for (unsigned i = 0; i < n; i++) {
        if (!(entries[i] & CACHE_FILLING)) /* else its owner drops it */
            page_put(cache_page(entries[i]));
    }
    return n == CACHE_WINDOW_MAX;
}

/* Makes pages of [*first, last) leave that are clean and, with unused, not used by anybody; true: there may be more. */
static bool evict_batch(struct cached_object *c, u64 *first, u64 last, bool unused)
{
    struct eviction e = {.n = 0};
    u64 entry;

    mutex_lock(&c->base.lock);
    __atomic_add_fetch(&c->base.generation, 1, __ATOMIC_SEQ_CST);
    for (; e.n < CACHE_WINDOW_MAX && (entry = radix_next(&c->pages, first)) && *first < last; ++*first) {
        if (entry & CACHE_FILLING && !(entry & CACHE_LEAVING) && !unused)
            cache_remove(c, *first, entry); /* what is being read may be old already; its owner drops it */
        else if (!(entry & CACHE_PINNED) && (!unused || __atomic_load_n(&cache_page(entry)->refs, __ATOMIC_ACQUIRE) == 1))
            cache_evict_begin(c, &e, *first, radix_slot(&c->pages, *first));
    }
    mutex_unlock(&c->base.lock);
    cache_evict(c, &e);
    return e.n == CACHE_WINDOW_MAX;
}

int page_cache_truncate(struct memory_object *o, u64 size)
{
    struct cached_object *c = cached_object_of(o);
    u64 first = pages_of_bytes(size), last_page = size >> PAGE_SHIFT;

    if (size > INT64_MAX)
        return -EFBIG;
    if (size >= READ_ONCE(o->size)) {
        zero_end(c);
        grow_to(c, size);
        return 0;
    }
    mutex_lock(&o->lock);
    WRITE_ONCE(o->size, size);
    __atomic_add_fetch(&o->generation, 1, __ATOMIC_SEQ_CST);
    mutex_unlock(&o->lock);
    memory_object_unmap(o, first, UINT64_MAX, true);
    /* A write-back that has the old size in mind ends first. */
    wait_written(c, last_page, UINT64_MAX, WAIT_UNINTERRUPTIBLE);
    mutex_lock(&o->lock);
    u64 entry = first != last_page ? radix_get(&c->pages, last_page) : 0;
    if (entry & CACHE_FILLING)
        cache_remove(c, last_page, entry); /* what is being read may be longer */
    else if (entry)
        cache_zero_tail(c, last_page, entry);
    mutex_unlock(&o->lock);
    while (remove_batch(c, first))
        ;
    leave_dirty_list(c);
    return 0;
}

void page_cache_invalidate(struct memory_object *o, u64 first, u64 last)
{
    while (evict_batch(cached_object_of(o), &first, last, false))
        ;
}

void page_cache_drop(struct memory_object *o, u64 first, u64 last)
{
    while (evict_batch(cached_object_of(o), &first, last, true))
        ;
}
