/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that stay known while nobody uses them, for file systems with super.keep_names: what exists
 * and what was looked for in vain.
 *
 * The cache has a reference on each dentry in its list, oldest first. Who takes a dentry off the
 * list, under the list's lock, has that reference. A dentry that somebody else uses, that has known
 * children or whose inode is in use elsewhere (a bound socket, a second name) stays.
 */
#include "fs/vfs.h"
#include "kernel/page.h"

#define PAGES_PER_NAME 4  /* of the machine's memory, for each name kept */
#define SHRINK_BATCH   16

static struct {
    struct spinlock lock;
    struct list names;
    u32 count, limit;
} cache = {.lock = SPINLOCK_INIT(LOCK_DENTRY_CACHE), .names = LIST_INIT(cache.names)};

/* Locked, as is take_off(). */
static void put_on(struct dentry *d)
{
    d->cached = true;
    list_add_tail(&cache.names, &d->cache_link);
    cache.count++;
}

static void take_off(struct dentry *d)
{
    d->cached = false;
    list_remove(&d->cache_link);
    cache.count--;
}

void dentry_cache_add(struct dentry *d)
{
    spin_lock(&cache.lock);
    put_on(d);
    spin_unlock(&cache.lock);
}

bool dentry_cache_remove(struct dentry *d)
{
    bool was;

    if (!d->super || !d->super->keep_names)
        return false;
    spin_lock(&cache.lock);
    was = d->cached;
    if (was)
        take_off(d);
    spin_unlock(&cache.lock);
    return was;
}

u32 dentry_cache_shrink(u32 n)
{
    u32 gone = 0;

    /* Names in use go to the end of the list: three rounds for each that is wanted, then enough is tried. */
    for (u32 tries = 0; gone < n && tries < 3 * n; tries++) {
        bool evict;
        struct super *s;
        struct dentry *d;

        spin_lock(&cache.lock);
        d = list_first(&cache.names, struct dentry, cache_link);
        if (!d) {
            spin_unlock(&cache.lock);
            break;
        }
        s = d->super;
        take_off(d);
        evict = super_try_get(s);
        if (!evict) /* its file system is being taken down and drops it itself */
            put_on(d);
        spin_unlock(&cache.lock);
        if (evict) {
            gone += dentry_evict(d);
            super_put(s);
        }
    }
    return gone;
}

void dentry_cache_limit(void)
{
    if (unlikely(!cache.limit)) {
        struct page_stats stats;

        page_stats(&stats);
        cache.limit = (u32)(stats.total / PAGES_PER_NAME);
    }
    if (unlikely(READ_ONCE(cache.count) > cache.limit))
        dentry_cache_shrink(SHRINK_BATCH);
}
