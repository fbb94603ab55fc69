/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes of 9p: one for each qid.path in use, attributes as the server gives them. A second name of an object leads to
 * the inode that is there, whose fid becomes the one of the name looked up last: it is known to exist.
 */
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define FIRST_TABLE 64u
/* How long after it a thread's question on its way along a path counts for what the path was for. */
#define FRESH_TIME  NSEC_PER_MSEC

/* ------------------------------------------------------------ the table */

static struct ninep_node **chain(struct ninep_super *fs, u64 path)
{
    return &fs->table[(path * 0x9e3779b97f4a7c15ull >> 32) & fs->table_mask];
}

/* Doubles the table; without memory the old one goes on serving. */
static void grow(struct ninep_super *fs)
{
    u32 size = fs->table ? (fs->table_mask + 1) * 4 : FIRST_TABLE, old_size = fs->table ? fs->table_mask + 1 : 0;
    struct ninep_node **table = kzalloc(size * sizeof(*table)), **old = NULL;

    if (!table)
        return;
    spin_lock_irq(&fs->client.lock);
    if (old_size == (fs->table ? fs->table_mask + 1 : 0)) {
        old = fs->table;
        fs->table = table;
        fs->table_mask = size - 1;
        for (u32 k = 0; k < old_size; k++)
            for (struct ninep_node *n = old[k], *next; n; n = next) {
                struct ninep_node **to = chain(fs, n->path);

                next = n->hash_next;
                n->hash_next = *to;
                *to = n;
            }
        table = NULL;
    }
    spin_unlock_irq(&fs->client.lock);
    kfree(table);
    kfree(old);
}

/* Takes a reference if there is still one. */
static bool try_get(struct inode *i)
{
    u32 refs = __atomic_load_n(&i->refs, __ATOMIC_RELAXED);

    while (refs)
        if (__atomic_compare_exchange_n(&i->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

/* The inode in memory, with a reference. Locked. */
static struct inode *find(struct ninep_super *fs, u64 path, u32 mode)
{
    if (!fs->table)
        return NULL;
    for (struct ninep_node *n = *chain(fs, path); n; n = n->hash_next)
        if (n->path == path && n->inode && (n->inode->mode & S_IFMT) == (mode & S_IFMT) && !n->orphan &&
            try_get(n->inode))
            return n->inode;
    return NULL;
}

static void leave_table(struct ninep_super *fs, struct ninep_node *n)
{
    for (struct ninep_node **link = chain(fs, n->path); *link; link = &(*link)->hash_next)
        if (*link == n) {
            *link = n->hash_next;
            return;
        }
}

/* ------------------------------------------------------------ attributes */

/*
 * What stat(2) shows becomes what the server says; size and times of data that is newer here stay. False: we have changed
 * the object since it was asked for, and the answer may be from before that.
 */
static bool apply(struct inode *i, const struct ninep_attr *a, nsec_t asked)
{
    struct ninep_node *n = i->private;

    if (asked < READ_ONCE(n->changed))
        return false;
    i->mode = a->mode;
    i->uid = a->uid;
    i->gid = a->gid;
    if (!n->orphan)
        i->nlink = (u32)MIN(a->nlink, (u64)UINT32_MAX);
    i->rdev = a->rdev;
    i->atime = a->atime;
    i->btime = a->btime;
    n->blocks = a->blocks;
    n->server_mtime = a->mtime;
    WRITE_ONCE(n->server_size, a->size);
    if (!n->modified) {
        i->ctime = a->ctime;
        i->mtime = a->mtime;
        if (!i->object)
            i->size = a->size;
    }
    n->stale = false;
    n->checker = current_thread();
    WRITE_ONCE(n->checked, platform_clock());
    return true;
}

void ninep_changed(struct ninep_node *n)
{
    n->stale = true;
    WRITE_ONCE(n->changed, platform_clock());
}

bool ninep_is_fresh(struct ninep_node *n)
{
    if (n->stale)
        return false;
    if (n->fs->keep)
        return true;
    bool fresh = n->checker == current_thread() && platform_clock() - READ_ONCE(n->checked) < FRESH_TIME;
    n->checker = NULL;
    return fresh;
}

struct ninep_fid *ninep_fid_of(struct inode *i)
{
    struct ninep_node *n = i->private;
    struct ninep_fid *f;

    spin_lock_irq(&n->fs->client.lock);
    f = n->fid;
    ninep_fid_get(f);
    spin_unlock_irq(&n->fs->client.lock);
    return f;
}

int ninep_refresh(struct inode *i)
{
    struct ninep_node *n = i->private;
    struct ninep_fid *f = ninep_fid_of(i);
    struct ninep_attr a;
    nsec_t asked = platform_clock();
    int error = ninep_getattr(&n->fs->client, f, &a);

    ninep_fid_put(&n->fs->client, f);
    if (!error && (a.qid.path != n->path || (a.mode ^ i->mode) & S_IFMT))
        error = -ESTALE;
    if (!error)
        error = apply(i, &a, asked) ? 0 : -EAGAIN;
    else if (error == -ENOENT || error == -ESTALE)
        i->nlink = 0;
    return error;
}

/* ------------------------------------------------------------ making and freeing */

static const struct inode_ops *ops_for(u32 mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return &ninep_directory_inode_ops;
    case S_IFREG:
        return &ninep_file_inode_ops;
    case S_IFLNK:
        return &ninep_symlink_inode_ops;
    case S_IFIFO:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFSOCK:
        return &ninep_special_inode_ops;
    }
    return NULL;
}

static struct inode *make(struct ninep_super *fs, struct ninep_fid *fid, const struct ninep_attr *a)
{
    struct ninep_node *n = kzalloc(sizeof(*n));
    struct inode *i = n ? inode_create(&fs->super, ops_for(a->mode), a->mode, NULL) : NULL;

    if (!i) {
        kfree(n);
        return NULL;
    }
    n->fs = fs;
    n->inode = i;
    n->path = a->qid.path;
    n->fid = fid;
    mutex_init(&n->opening, LOCK_NINEP_OPEN);
    i->private = n;
    i->ino = a->qid.path;
    apply(i, a, NSEC_NEVER);
    n->data_mtime = a->mtime;
    return i;
}

struct inode *ninep_inode(struct ninep_super *fs, struct ninep_fid *fid, const struct ninep_attr *a, nsec_t asked)
{
    struct ninep_fid *unused = NULL;
    struct inode *i, *new = NULL;

    if (!ops_for(a->mode)) {
        log_err("9p: an object of mode 0%o", a->mode);
        ninep_fid_put(&fs->client, fid);
        return ERR_PTR(-EIO);
    }
    if (fs->node_count >= 2 * (fs->table ? fs->table_mask + 1 : 0))
        grow(fs);
    for (;;) {
        spin_lock_irq(&fs->client.lock);
        i = find(fs, a->qid.path, a->mode);
        if (i) {
            unused = ninep_node_of(i)->fid;
            ninep_node_of(i)->fid = fid;
        } else if (new) {
            struct ninep_node *n = new->private, **to = chain(fs, n->path);

            n->hash_next = *to;
            *to = n;
            fs->node_count++;
        }
        spin_unlock_irq(&fs->client.lock);
        if (i || new)
            break;
        new = fs->table ? make(fs, fid, a) : NULL;
        if (!new) {
            ninep_fid_put(&fs->client, fid);
            return ERR_PTR(-ENOMEM);
        }
    }
    if (!i)
        return new;
    if (new) { /* somebody else was first */
        kfree(new->private);
        kfree(new);
    }
    ninep_fid_put(&fs->client, unused);
    apply(i, a, asked);
    return i;
}

void ninep_node_free(struct ninep_node *n)
{
    struct ninep_super *fs = n->fs;
    bool last;

    spin_lock_irq(&fs->client.lock);
    last = --fs->node_count == 0;
    spin_unlock_irq(&fs->client.lock);
    ninep_fid_put(&fs->client, n->read_fid);
    ninep_fid_put(&fs->client, n->write_fid);
    ninep_fid_put(&fs->client, n->fid);
    ninep_listing_put(n->listing);
    kfree(n->target);
    kfree(n);
    if (last)
        wait_wake_all(&fs->no_nodes);
}

void ninep_put_inode(struct inode *i)
{
    struct ninep_node *n = i->private;

    spin_lock_irq(&n->fs->client.lock);
    leave_table(n->fs, n);
    n->inode = NULL;
    spin_unlock_irq(&n->fs->client.lock);
    if (!i->object) /* else the object's end frees it */
        ninep_node_free(n);
}

/* ------------------------------------------------------------ for the VFS */

int ninep_revalidate(struct inode *dir, struct dentry *d)
{
    int error;

    if (ninep_super_of(dir->super)->keep || d->mountpoint)
        return 1;
    /* With several names the fid may be that of another. */
    if (!d->inode || (d->inode->nlink > 1 && !S_ISDIR(d->inode->mode)))
        return 0;
    error = ninep_refresh(d->inode);
    return !error || error == -EAGAIN;
}

int ninep_refresh_op(struct inode *i)
{
    struct ninep_node *n = i->private;
    int error;

    if (n->orphan)
        return 0;
    if (n->modified) {
        mutex_lock(&i->lock);
        ninep_flush(i); /* errors are fsync's to say */
        mutex_unlock(&i->lock);
        return 0;
    }
    error = ninep_is_fresh(n) ? 0 : ninep_refresh(i);
    if (!error)
        ninep_check_data(i);
    return error == -ENOENT || error == -ESTALE || error == -ENOTDIR || error == -EAGAIN ? 0 : error;
}

int ninep_getattr_op(struct inode *i, struct stat *st)
{
    struct ninep_node *n = i->private;

    if (i->object && !n->modified && !n->orphan)
        st->st_size = (s64)READ_ONCE(n->server_size);
    st->st_blocks = (s64)n->blocks;
    /* st_blksize stays a page: what the server says is the size of a message, too much for a buffer. */
    return 0;
}

/* The new owner, mode and times at the server. The VFS puts them into the fields. */
int ninep_setattr_op(struct inode *i, const struct inode_attr *a)
{
    struct ninep_node *n = i->private;
    struct ninep_attr to = {.uid = a->uid, .gid = a->gid, .atime = a->atime, .mtime = a->mtime};
    struct ninep_fid *f;
    u32 valid = 0;
    int error = 0;

    if (a->valid & ATTR_SIZE)
        error = ninep_truncate(i, a->size);
    if (a->valid & ATTR_MTIME && n->modified && !error)
        error = ninep_flush(i);
    /* A change of owner takes set-id bits away: the VFS has done so. */
    to.mode = (a->valid & ATTR_MODE ? a->mode : i->mode) & 07777;
    valid |= a->valid & ATTR_MODE ? NINEP_SETATTR_MODE : 0;
    valid |= a->valid & ATTR_UID ? NINEP_SETATTR_UID : 0;
    valid |= a->valid & ATTR_GID ? NINEP_SETATTR_GID : 0;
    /* "Now" is what the server lets everybody say who may write. */
    valid |= a->valid & ATTR_ATIME ? NINEP_SETATTR_ATIME | (a->valid & ATTR_TOUCH ? 0 : NINEP_SETATTR_ATIME_SET) : 0;
    valid |= a->valid & ATTR_MTIME ? NINEP_SETATTR_MTIME | (a->valid & ATTR_TOUCH ? 0 : NINEP_SETATTR_MTIME_SET) : 0;
    if (error || !valid)
        return error;
    f = ninep_fid_of(i);
    error = ninep_setattr(&n->fs->client, f, valid, &to);
    ninep_fid_put(&n->fs->client, f);
    if (n->orphan && error == -ENOENT) /* only we see it */
        error = 0;
    if (!error && a->valid & ATTR_MTIME && n->data_mtime == n->server_mtime)
        n->wrote = true;
    ninep_changed(n);
    return error;
}
