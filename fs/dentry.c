/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dentries: the names of the tree in memory.
 *
 * Each directory guards its own children with a spinlock, so lookups in different directories never
 * meet. A dentry holds a reference on its parent; its own count reaches 0 only under the parent's
 * lock. A dentry without references is freed, so what must stay known by name has one more: the
 * file system's (tmpfs: every name that exists), or the cache's (super.keep_names). Memory of dentries is only reused for dentries: dentry_put may look at the
 * lock of a parent that a rename on another CPU has just let go.
 */
#include "fs/notify.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define FEW_CHILDREN 8 /* so many are searched without a hash table */
#define FIRST_COOKIE 2 /* after "." and ".." */

struct mutex rename_lock;

static struct {
    struct spinlock lock;
    struct dentry *first; /* linked by hash_next */
} free_dentries = {.lock = SPINLOCK_INIT(LOCK_HEAP)};

static u32 name_hash(const char *name, size_t n)
{
    u64 h = n;

    for (size_t k = 0; k < n; k++)
        h = (h ^ (u8)name[k]) * 0x100000001b3ull;
    return (u32)(h ^ h >> 32);
}

static struct dentry *dentry_alloc(void)
{
    struct dentry *d = NULL;

    if (READ_ONCE(free_dentries.first)) {
        spin_lock_irq(&free_dentries.lock);
        d = free_dentries.first;
        if (d)
            free_dentries.first = d->hash_next;
        spin_unlock_irq(&free_dentries.lock);
    }
    if (d)
        return d;
    d = kzalloc(sizeof(*d));
    if (d)
        spin_init(&d->children_lock, LOCK_DENTRY);
    return d;
}

static void dentry_free(struct dentry *d)
{
    if (d->name != d->inline_name)
        kfree(d->name);
    kfree(d->table);
    d->table = NULL;
    d->inode = NULL;
    spin_lock_irq(&free_dentries.lock);
    d->hash_next = free_dentries.first;
    free_dentries.first = d;
    spin_unlock_irq(&free_dentries.lock);
}

/* Allocates a name; inline when short. NULL: out of memory. */
static char *name_store(char *inline_name, const char *name, size_t length)
{
    char *to = length <= DENTRY_INLINE_NAME ? inline_name : kmalloc(length + 1);

    if (to) {
        memcpy(to, name, length);
        to[length] = 0;
    }
    return to;
}

/* A dentry whose parent is itself. */
static struct dentry *dentry_blank(const char *name, size_t length)
{
    struct dentry *d = dentry_alloc();

    if (!d)
        return NULL;
    d->name = name_store(d->inline_name, name, length);
    if (!d->name) {
        d->name = d->inline_name;
        dentry_free(d);
        return NULL;
    }
    d->hash = name_hash(name, length);
    d->parent = d;
    d->inode = NULL;
    d->hash_next = NULL;
    list_init(&d->child_link);
    list_init(&d->children);
    d->super = NULL;
    d->name_length = (u16)length;
    d->hashed = d->unlinked = d->cached = d->used = false;
    list_init(&d->cache_link);
    d->table = NULL;
    d->table_mask = d->child_count = d->mountpoint = 0;
    d->cookie = 0;
    d->next_cookie = FIRST_COOKIE;
    __atomic_store_n(&d->refs, 1, __ATOMIC_RELEASE);
    return d;
}

struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length)
{
    struct dentry *d = dentry_blank(name, length);

    if (!d)
        return ERR_PTR(-ENOMEM);
    dentry_get(parent);
    d->parent = parent;
    d->super = parent->super;
    return d;
}

struct dentry *dentry_create_root(struct super *s, struct inode *inode)
{
    struct dentry *d = dentry_blank("/", 1);

    if (!d)
        return ERR_PTR(-ENOMEM);
    d->super = s;
    d->inode = inode;
    return d;
}

struct dentry *dentry_create_detached(const char *name, struct inode *inode)
{
    struct dentry *d = dentry_blank(name, strlen(name));

    if (!d)
        return ERR_PTR(-ENOMEM);
    d->super = inode->super;
    d->inode = inode;
    d->unlinked = true;
    return d;
}

void dentry_get(struct dentry *d)
{
    __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------ a directory's children, locked */

static void table_add(struct dentry *parent, struct dentry *d)
{
    struct dentry **chain = &parent->table[d->hash & parent->table_mask];

    d->hash_next = *chain;
    *chain = d;
}

/* Makes or doubles the hash table. Without memory the old one, or none, goes on serving. */
static void table_grow(struct dentry *parent)
{
    u32 size = parent->table ? (parent->table_mask + 1) * 4 : 32;
    struct dentry **table = kzalloc(size * sizeof(*table));
    struct dentry *d;

    if (!table)
        return;
    kfree(parent->table);
    parent->table = table;
    parent->table_mask = size - 1;
    list_for_each(d, &parent->children, child_link)
        table_add(parent, d);
}

static void child_add(struct dentry *parent, struct dentry *d)
{
    d->hashed = true;
    d->cookie = parent->next_cookie++;
    list_add_tail(&parent->children, &d->child_link);
    parent->child_count++;
    if (parent->table)
        table_add(parent, d);
    if (parent->child_count > (parent->table ? (parent->table_mask + 1) * 2 : FEW_CHILDREN))
        table_grow(parent);
}

static void child_remove(struct dentry *parent, struct dentry *d)
{
    if (!d->hashed)
        return;
    d->hashed = false;
    list_remove(&d->child_link);
    parent->child_count--;
    if (parent->table) {
        struct dentry **link = &parent->table[d->hash & parent->table_mask];

        while (*link != d)
            link = &(*link)->hash_next;
        *link = d->hash_next;
    }
}

static bool name_is(const struct dentry *d, u32 hash, const char *name, size_t length)
{
    return d->hash == hash && d->name_length == length && memcmp(d->name, name, length) == 0;
}

static struct dentry *child_find(struct dentry *parent, u32 hash, const char *name, size_t length)
{
    struct dentry *d;

    if (parent->table) {
        for (d = parent->table[hash & parent->table_mask]; d; d = d->hash_next)
            if (name_is(d, hash, name, length))
                return d;
        return NULL;
    }
    list_for_each(d, &parent->children, child_link)
        if (name_is(d, hash, name, length))
            return d;
    return NULL;
}

/* Before d gets its name: a dentry that says the name misses goes. The reference to drop, or NULL. */
static struct dentry *remove_missing(struct dentry *parent, const struct dentry *d)
{
    struct dentry *old;

    if (!d->super || !d->super->keep_names)
        return NULL;
    old = child_find(parent, d->hash, d->name, d->name_length);
    if (!old || old->inode)
        return NULL;
    child_remove(parent, old);
    return dentry_cache_remove(old) ? old : NULL;
}

/* Locks the children of d's parent, whichever that is. */
static struct dentry *lock_parent(struct dentry *d)
{
    for (;;) {
        struct dentry *parent = READ_ONCE(d->parent);

        spin_lock(&parent->children_lock);
        if (likely(READ_ONCE(d->parent) == parent))
            return parent;
        spin_unlock(&parent->children_lock);
    }
}

/* ------------------------------------------------------------ public */

/*
 * Drops one reference; true when it was the last, and then the dentry is out of its parent's
 * children.
 */
static bool drop_last(struct dentry *d)
{
    u32 refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

    for (;;) {
        struct dentry *parent;
        bool last;

        if (likely(refs > 1)) {
            if (__atomic_compare_exchange_n(&d->refs, &refs, refs - 1, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
                return false;
            continue;
        }
        parent = READ_ONCE(d->parent);
        spin_lock(&parent->children_lock);
        if (READ_ONCE(d->parent) != parent) {
            spin_unlock(&parent->children_lock);
            refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);
            continue;
        }
        last = __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0;
        if (last)
            child_remove(parent, d);
        spin_unlock(&parent->children_lock);
        return last;
    }
}

void dentry_put(struct dentry *d)
{
    while (drop_last(d)) {
        struct dentry *parent = d->parent;
        bool rooted = parent == d;

        ASSERT(list_empty(&d->children));
        if (notify_wanted() && d->inode)
            notify_released(d);
        if (d->inode)
            inode_put(d->inode);
        dentry_free(d);
        if (rooted)
            return;
        d = parent;
    }
}

struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length)
{
    u32 hash = name_hash(name, length);
    struct dentry *d;

    spin_lock(&parent->children_lock);
    d = child_find(parent, hash, name, length);
    if (d) {
        dentry_get(d);
        if (!d->used)
            d->used = true;
    }
    spin_unlock(&parent->children_lock);
    return d;
}

void dentry_hash(struct dentry *d)
{
    bool keep = d->super && d->super->keep_names;
    struct dentry *missing;

    spin_lock(&d->parent->children_lock);
    missing = remove_missing(d->parent, d);
    d->unlinked = false;
    child_add(d->parent, d);
    if (keep) {
        dentry_get(d);
        dentry_cache_add(d);
    }
    spin_unlock(&d->parent->children_lock);
    if (missing)
        dentry_put(missing);
    if (keep)
        dentry_cache_limit();
}

/* The parent's children are locked. True: the cache's reference is the caller's to drop. */
static bool unlink_locked(struct dentry *d)
{
    child_remove(d->parent, d);
    d->unlinked = true;
    return dentry_cache_remove(d);
}

void dentry_unhash(struct dentry *d)
{
    bool was_cached;

    spin_lock(&d->parent->children_lock);
    was_cached = unlink_locked(d);
    spin_unlock(&d->parent->children_lock);
    if (was_cached)
        dentry_put(d);
}

bool dentry_evict(struct dentry *d)
{
    struct dentry *parent = lock_parent(d);
    bool wanted = d->hashed &&
                  (d->used || __atomic_load_n(&d->refs, __ATOMIC_ACQUIRE) > 1 ||
                   (d->inode && __atomic_load_n(&d->inode->refs, __ATOMIC_ACQUIRE) > 1));

    d->used = false;
    if (wanted)
        dentry_cache_add(d);
    else
        child_remove(parent, d);
    spin_unlock(&parent->children_lock);
    if (!wanted)
        dentry_put(d);
    return !wanted;
}

void dentry_drop_below(struct dentry *root)
{
    struct dentry *d = root, *next;

    dentry_get(d);
    for (;;) {
        spin_lock(&d->children_lock);
        next = list_empty(&d->children) ? NULL : list_first(&d->children, struct dentry, child_link);
        if (next)
            dentry_get(next);
        spin_unlock(&d->children_lock);
        if (!next && d == root)
            break;
        if (!next) {
            next = d->parent;
            dentry_get(next);
            dentry_unhash(d);
        }
        dentry_put(d);
        d = next;
    }
    dentry_put(d);
}

static void lock_both(struct dentry *a, struct dentry *b)
{
    if (a == b) {
        spin_lock(&a->children_lock);
        return;
    }
    spin_lock(a < b ? &a->children_lock : &b->children_lock);
    spin_lock_nested(a < b ? &b->children_lock : &a->children_lock);
}

static void unlock_both(struct dentry *a, struct dentry *b)
{
    if (a != b)
        spin_unlock(a < b ? &b->children_lock : &a->children_lock);
    spin_unlock(a < b ? &a->children_lock : &b->children_lock);
}

/* Swaps the names of two dentries that no lookup can find now. */
static void swap_names(struct dentry *a, struct dentry *b)
{
    char *long_a = a->name != a->inline_name ? a->name : NULL;
    char *long_b = b->name != b->inline_name ? b->name : NULL;
    char short_a[DENTRY_INLINE_NAME + 1];
    u16 length = a->name_length;
    u32 hash = a->hash;

    memcpy(short_a, a->inline_name, sizeof(short_a));
    memcpy(a->inline_name, b->inline_name, sizeof(short_a));
    memcpy(b->inline_name, short_a, sizeof(short_a));
    a->name = long_b ? long_b : a->inline_name;
    b->name = long_a ? long_a : b->inline_name;
    a->name_length = b->name_length;
    a->hash = b->hash;
    b->name_length = length;
    b->hash = hash;
}

void dentry_move(struct dentry *d, struct dentry *place, struct dentry *replaced)
{
    struct dentry *old_parent = d->parent, *new_parent = place->parent, *missing;
    bool was_cached;

    lock_both(old_parent, new_parent);
    child_remove(old_parent, d);
    was_cached = replaced && unlink_locked(replaced);
    missing = remove_missing(new_parent, place);
    swap_names(d, place);
    /* Each holds a reference on its parent: swapping the parents swaps those too. */
    d->parent = new_parent;
    place->parent = old_parent;
    child_add(new_parent, d);
    unlock_both(old_parent, new_parent);
    if (missing)
        dentry_put(missing);
    if (was_cached)
        dentry_put(replaced);
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
    struct dentry *pa = a->parent, *pb = b->parent;

    lock_both(pa, pb);
    child_remove(pa, a);
    child_remove(pb, b);
    swap_names(a, b);
    a->parent = pb;
    b->parent = pa;
    child_add(pb, a);
    child_add(pa, b);
    unlock_both(pa, pb);
}

/* The first child from this cookie on. Locked. */
static struct dentry *child_from(struct dentry *parent, u64 cookie)
{
    struct dentry *d;

    list_for_each(d, &parent->children, child_link)
        if (d->cookie >= cookie && d->inode)
            return d;
    return NULL;
}

struct dentry *dentry_next_child(struct dentry *parent, u64 cookie)
{
    struct dentry *d;

    spin_lock(&parent->children_lock);
    d = child_from(parent, cookie);
    if (d)
        dentry_get(d);
    spin_unlock(&parent->children_lock);
    return d;
}

/* A child as it was at one moment. */
struct entry {
    struct dentry *dentry; /* with a reference; NULL: none */
    size_t length;
    u64 cookie;
    char name[NAME_MAX + 1];
};

/* *e becomes the first child from this cookie on; fast if that is the one after what it was. */
static void read_next(struct dentry *parent, struct entry *e, u64 cookie)
{
    struct dentry *last = e->dentry, *d;

    spin_lock(&parent->children_lock);
    if (last && last->hashed && last->parent == parent && last->cookie + 1 == cookie) {
        d = last->child_link.next == &parent->children ? NULL : list_entry(last->child_link.next, struct dentry, child_link);
        if (d && unlikely(!d->inode))
            d = child_from(parent, cookie);
    } else {
        d = child_from(parent, cookie);
    }
    if (d) {
        dentry_get(d);
        e->length = d->name_length;
        e->cookie = d->cookie;
        memcpy(e->name, d->name, e->length);
    }
    spin_unlock(&parent->children_lock);
    e->dentry = d;
    if (last)
        dentry_put(last);
}

int dentry_readdir(struct file *f, u64 *pos,
                   bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino,
                                u8 type),
                   void *arg)
{
    struct dentry *dir = f->dentry;
    struct entry e;

    if (*pos == 0) {
        if (!emit(arg, ".", 1, 1, dir->inode->ino, S_IFDIR >> 12))
            return 0;
        *pos = 1;
    }
    if (*pos == 1) {
        if (!emit(arg, "..", 2, FIRST_COOKIE, READ_ONCE(dir->parent)->inode->ino, S_IFDIR >> 12))
            return 0;
        *pos = FIRST_COOKIE;
    }
    e.dentry = NULL;
    for (read_next(dir, &e, *pos); e.dentry; read_next(dir, &e, *pos)) {
        const struct inode *i = e.dentry->inode;

        if (!emit(arg, e.name, e.length, e.cookie + 1, i->ino, (u8)((i->mode & S_IFMT) >> 12))) {
            dentry_put(e.dentry);
            break;
        }
        *pos = e.cookie + 1;
    }
    return 0;
}

struct dentry *dentry_watched_parent(struct dentry *d, char *name, size_t *length)
{
    struct dentry *parent = READ_ONCE(d->parent);
    struct inode *dir = READ_ONCE(parent->inode);

    /* A look without a lock: memory of dentries stays that, and a rename at this moment may as well have been before. */
    if (likely(parent == d || !dir || !READ_ONCE(dir->watches)))
        return NULL;
    parent = lock_parent(d);
    dentry_get(parent);
    *length = d->name_length;
    memcpy(name, d->name, *length);
    spin_unlock(&parent->children_lock);
    return parent;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor)
{
    for (;; d = d->parent) {
        if (d == ancestor)
            return true;
        if (d->parent == d)
            return false;
    }
}
