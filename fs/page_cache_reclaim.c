/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache gives memory back. Reclaim goes round all cached pages like the hand of a clock, object by object: a page used
 * since the hand last passed gets another round. Pages that nobody maps go first, then clean ones that are mapped.
 *
 * kernel/page.c calls this in whatever thread wants memory and may sleep, so nothing here waits for a lock that such a thread
 * could hold: objects whose lock is taken are passed over. (Once it was free, it can be waited for: nobody reclaims while
 * he has it.) Nor is anything written here: the flusher is told, and waited for within bounds.
 *
 * A thread of its own brings in what read-ahead asks for.
 */
#include "fs/page_cache_internal.h"
#include "kernel/init.h"
#include "kernel/process.h"
#include "kernel/vm_exit.h"

/* Entries looked at before an object's lock is let go. */
#define SCAN_STEP 1024u
/* How long a thread without memory waits for write-back, or for other threads' locks; after that it has run out. */
#define WRITE_WAIT  (100 * NSEC_PER_MSEC)
#define WRITE_WAITS 20u
#define LOCK_WAIT   NSEC_PER_MSEC
#define LOCK_WAITS  200u

static u64 freed_pages; /* atomic: by all threads, ever */

enum depth { UNUSED, MAPPED };

/* ---------------------------------------------------------------- reclaim */

/* Adds a reference unless the last is gone already. */
static bool try_get(struct memory_object *o)
{
    u32 refs = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);
    while (refs && !__atomic_compare_exchange_n(&o->refs, &refs, refs + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        ;
    return refs;
}

/* The object under the hand, with a reference; NULL: no more of *left. */
static struct cached_object *next_object(u64 *left)
{
    struct cached_object *c, *found = NULL;

    spin_lock(&page_cache.lock);
    while (!found && *left && (c = list_first(&page_cache.objects, struct cached_object, cached_link))) {
        if (try_get(&c->base)) {
            found = c;
        } else {
            --*left;
            list_remove(&c->cached_link);
            list_add_tail(&page_cache.objects, &c->cached_link);
        }
    }
    spin_unlock(&page_cache.lock);
    return found;
}

/* The hand leaves c. */
static void pass_object(struct cached_object *c)
{
    spin_lock(&page_cache.lock);
    if (!list_empty(&c->cached_link)) {
        list_remove(&c->cached_link);
        list_add_tail(&page_cache.objects, &c->cached_link);
    }
    spin_unlock(&page_cache.lock);
}

/* Moves the hand over a piece of c and marks pages to leave. Locked. */
static void scan(struct cached_object *c, u64 want, enum depth depth, struct eviction *e)
{
    u64 index = c->hand, entry = 0;

    e->n = 0;
    e->mapped = false;
    e->first = e->last = 0;
    for (unsigned i = 0; i < SCAN_STEP && e->n < MIN(want, (u64)CACHE_WINDOW_MAX); i++, index++) {
        entry = radix_next(&c->pages, &index);
        if (!entry)
            break;
        if (entry & CACHE_PINNED)
            continue;
        u64 *slot = radix_slot(&c->pages, index);
        if (entry & CACHE_REFERENCED)
            *slot &= ~(u64)CACHE_REFERENCED;
        else if (depth == MAPPED || __atomic_load_n(&cache_page(entry)->refs, __ATOMIC_ACQUIRE) == 1)
            cache_evict_begin(c, e, index, slot);
    }
    if (e->mapped)
        __atomic_add_fetch(&c->base.generation, 1, __ATOMIC_SEQ_CST);
    c->hand = entry ? index : 0;
}

/* Pages freed; *done: the hand has been all over it, or somebody has its lock (*busy). */
static u64 scan_object(struct cached_object *c, u64 want, enum depth depth, bool *done, bool *busy)
{
    struct eviction e;

    *done = true;
    if (!mutex_trylock(&c->base.lock)) {
        *busy = true;
        return 0;
    }
    scan(c, want, depth, &e);
    *done = c->hand == 0;
    mutex_unlock(&c->base.lock);
    return cache_evict(c, &e);
}

static u64 count_objects(void)
{
    struct cached_object *c;
    u64 n = 0;

    spin_lock(&page_cache.lock);
    list_for_each(c, &page_cache.objects, cached_link)
        n++;
    spin_unlock(&page_cache.lock);
    return n;
}

/* One turn of the hand. */
static u64 turn(u64 want, enum depth depth, bool *busy)
{
    u64 left = count_objects(), freed = 0;
    struct cached_object *c;
    bool done;

    while (freed < want && (c = next_object(&left))) {
        freed += scan_object(c, want - freed, depth, &done, busy);
        if (done) {
            pass_object(c);
            left--;
        }
        memory_object_put(&c->base);
    }
    return freed;
}

/* The first turn of a depth may do no more than take marks away. */
static u64 reclaim_clean(u64 want, bool *busy)
{
    struct thread *me = current_thread();
    u64 freed = 0;

    if (me->reclaiming)
        return 0;
    me->reclaiming = true;
    for (unsigned t = 0; t < 4 && !freed && READ_ONCE(page_cache.pages); t++)
        freed = turn(want, t < 2 ? UNUSED : MAPPED, busy);
    me->reclaiming = false;
    __atomic_add_fetch(&freed_pages, freed, __ATOMIC_RELAXED);
    return freed;
}

/* Sleeps until something was written, or for that long. */
static void wait_for_progress(nsec_t time)
{
    u64 written = READ_ONCE(page_cache.written);
    wait_event(&page_cache.progress, READ_ONCE(page_cache.written) != written, platform_clock() + time, WAIT_UNINTERRUPTIBLE);
}

u64 cache_reclaim(u64 want)
{
    u64 before = READ_ONCE(freed_pages);
    unsigned writes = 0, locks = 0;

    while (!current_thread()->reclaiming) {
        bool busy = false;
        u64 freed = reclaim_clean(want, &busy);
        if (!freed)
            freed = READ_ONCE(freed_pages) - before; /* by others: it is worth a try */
        if (freed)
            return freed;
        bool writing = READ_ONCE(page_cache.dirty_pages) + READ_ONCE(page_cache.writing) != 0;
        if (busy && locks++ < LOCK_WAITS) {
            wait_for_progress(LOCK_WAIT);
        } else if (writing && !cache_is_flusher() && writes++ < WRITE_WAITS) {
            cache_kick_flusher();
            wait_for_progress(WRITE_WAIT);
        } else {
            break;
        }
    }
    return 0;
}

void cache_make_room(u64 n)
{
    struct page_stats s;
    bool busy;

    page_stats(&s);
    /* Beyond the reserve something is left for callers that cannot wait. */
    u64 keep = s.total / 24 + n;
    if (s.free < keep)
        reclaim_clean(keep - s.free, &busy);
}

static void reclaim_init(void)
{
    page_reclaim = cache_reclaim;
    page_reclaim_soon = cache_reclaim_soon;
    vm_exit_sync = page_cache_sync_all;
}

INIT_CALL(INIT_FILES, reclaim_init);

/* ---------------------------------------------------------------- read-ahead */

#define AHEAD_MAX   256u /* pages that one request brings in */
#define AHEAD_QUEUE 16u  /* requests; more are forgotten */

static struct {
    struct spinlock lock;
    u32 first, n;
    struct ahead {
        struct cached_object *c; /* reference */
        u64 first, last;
    } queue[AHEAD_QUEUE];
    struct wait_queue work;
    bool started;
} ahead = {
    .lock = SPINLOCK_INIT(LOCK_PAGE_CACHE),
    .work = {SPINLOCK_INIT(LOCK_WAIT_QUEUE), LIST_INIT(ahead.work.waiters)},
};

/* Brings in what is missing in [first, last). */
static void fill_range(struct cached_object *c, u64 first, u64 last)
{
    last = MIN(last, pages_of_bytes(READ_ONCE(c->base.size)));
    while (first < last) {
        mutex_lock(&c->base.lock);
        while (first < last && (radix_get(&c->pages, first) || (c->ops->in_place && c->ops->in_place(&c->base, first))))
            first++;
        mutex_unlock(&c->base.lock);
        u64 n = MIN(last - first, (u64)CACHE_WINDOW_MAX);
        if (!n || cache_fill(c, first, (unsigned)n))
            return;
        first += n;
    }
}

static void ahead_main(void *arg)
{
    for (;;) {
        wait_event(&ahead.work, READ_ONCE(ahead.n), NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
        spin_lock(&ahead.lock);
        struct ahead a = ahead.queue[ahead.first];
        ahead.first = (ahead.first + 1) % AHEAD_QUEUE;
        ahead.n--;
        spin_unlock(&ahead.lock);
        fill_range(a.c, a.first, a.last);
        memory_object_put(&a.c->base);
    }
}

void page_cache_read_ahead(struct memory_object *o, u64 first, u64 last)
{
    last = MIN(last, pages_of_bytes(READ_ONCE(o->size)));
    if (first >= last)
        return;
    if (!__atomic_exchange_n(&ahead.started, true, __ATOMIC_ACQ_REL) &&
        !kernel_thread_create("read-ahead", ahead_main, NULL)) {
        ahead.started = false;
        return;
    }
    last = MIN(last, first + AHEAD_MAX);
    memory_object_get(o);
    spin_lock(&ahead.lock);
    bool room = ahead.n < AHEAD_QUEUE;
    if (room)
        ahead.queue[(ahead.first + ahead.n++) % AHEAD_QUEUE] = (struct ahead){cached_object_of(o), first, last};
    spin_unlock(&ahead.lock);
    if (room)
        wait_wake_all(&ahead.work);
    else
        memory_object_put(o);
}
