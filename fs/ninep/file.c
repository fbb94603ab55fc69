/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files of 9p: data in the page cache, read and written by fids that all open files on an inode share. On a
 * read-only tree that is kept, opening a file asks the server for nothing; it is opened there when data is first
 * wanted, and stays so while the inode is known.
 */
#include <linux/fs.h>
#include <linux/fcntl.h>
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"

/* Flags of open(2) that matter to the server. O_APPEND does not: positions are ours. */
#define SERVER_FLAGS (O_DSYNC | __O_SYNC | O_NOATIME)

/* ------------------------------------------------------------ fids */

/* The open fid in *slot with a reference, or NULL. */
static struct ninep_fid *open_fid(struct ninep_node *n, struct ninep_fid **slot)
{
    struct ninep_fid *f;

    spin_lock_irq(&n->fs->client.lock);
    f = *slot;
    if (f)
        ninep_fid_get(f);
    spin_unlock_irq(&n->fs->client.lock);
    return f;
}

/* Puts f (reference taken over) where it serves and there is none yet. */
static void offer_fid(struct ninep_node *n, struct ninep_fid *f, bool read, bool write)
{
    spin_lock_irq(&n->fs->client.lock);
    if (read && !n->read_fid) {
        ninep_fid_get(f);
        n->read_fid = f;
    }
    if (write && !n->write_fid) {
        ninep_fid_get(f);
        n->write_fid = f;
    }
    spin_unlock_irq(&n->fs->client.lock);
    ninep_fid_put(&n->fs->client, f);
}

void ninep_keep_open(struct ninep_node *n, struct ninep_fid *f)
{
    offer_fid(n, f, true, true);
}

/* A new fid for the file by its name, open; ERR_PTR. */
static struct ninep_fid *open_at_server(struct ninep_node *n, u32 flags)
{
    struct ninep_client *c = &n->fs->client;
    struct ninep_fid *name, *f;
    int error;

    spin_lock_irq(&c->lock);
    name = n->fid;
    ninep_fid_get(name);
    spin_unlock_irq(&c->lock);
    if (n->fs->keep && n->fs->read_only)
        f = name; /* nobody walks from it, so it can be opened itself */
    else
        f = ninep_walk(c, name, NULL, 0, NULL);
    if (f != name)
        ninep_fid_put(c, name);
    if (IS_ERR(f))
        return f;
    error = ninep_open(c, f, flags);
    if (!error)
        return f;
    ninep_fid_put(c, f);
    return ERR_PTR(error);
}

/* A fid to read by, with a reference; ERR_PTR. */
static struct ninep_fid *reading_fid(struct ninep_node *n)
{
    struct ninep_fid *f = open_fid(n, &n->read_fid);

    if (f)
        return f;
    mutex_lock(&n->opening);
    f = open_fid(n, &n->read_fid);
    if (!f) {
        f = open_at_server(n, O_RDONLY);
        if (!IS_ERR(f)) {
            ninep_fid_get(f);
            offer_fid(n, f, true, false);
        }
    }
    mutex_unlock(&n->opening);
    return f;
}

/* The file is opened with flags: sees to the fids it needs. Inode locked. */
static int need_fids(struct ninep_node *n, u32 flags)
{
    u32 access = flags & O_ACCMODE;
    bool write = access == O_WRONLY || access == O_RDWR || access == O_ACCMODE;
    struct ninep_fid *f;

    if (write ? n->write_fid != NULL : n->read_fid != NULL)
        return 0;
    if (!write) {
        f = open_at_server(n, O_RDONLY | (flags & SERVER_FLAGS));
    } else {
        /* Parts of pages can only be written once the rest is read. */
        f = open_at_server(n, O_RDWR | (flags & SERVER_FLAGS));
        if (IS_ERR(f) && access == O_WRONLY)
            f = open_at_server(n, O_WRONLY | (flags & SERVER_FLAGS));
        else if (!IS_ERR(f))
            access = O_RDWR;
    }
    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    offer_fid(n, f, access != O_WRONLY, write);
    return 0;
}

/* ------------------------------------------------------------ the page cache's side */

static int read_pages(struct memory_object *o, u64 index, unsigned n_pages, void *const pages[])
{
    struct ninep_node *n = page_cache_private(o);
    struct ninep_fid *f = reading_fid(n);
    u64 offset = index << PAGE_SHIFT, room = (u64)n_pages << PAGE_SHIFT, size = READ_ONCE(o->size), done;
    ssize got = 0;

    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    if (offset < size)
        got = ninep_transfer_pages(&n->fs->client, NINEP_TREAD, f, offset, MIN(room, size - offset), pages);
    ninep_fid_put(&n->fs->client, f);
    if (got < 0)
        return (int)got;
    /* Past the end at the server may be before the end here. */
    for (done = (u64)got; done < room; done = ALIGN_UP(done + 1, PAGE_SIZE)) {
        u64 in_page = done & (PAGE_SIZE - 1);

        memset((char *)pages[done >> PAGE_SHIFT] + in_page, 0, PAGE_SIZE - in_page);
    }
    return 0;
}

static int write_pages(struct memory_object *o, u64 index, unsigned n_pages, void *const pages[], u64 bytes)
{
    struct ninep_node *n = page_cache_private(o);
    struct ninep_fid *f = open_fid(n, &n->write_fid);
    ssize done;

    if (!f)
        return -EIO;
    WRITE_ONCE(n->wrote, true);
    done = ninep_transfer_pages(&n->fs->client, NINEP_TWRITE, f, index << PAGE_SHIFT, bytes, pages);
    ninep_fid_put(&n->fs->client, f);
    if (done < 0)
        return (int)done;
    return (u64)done < bytes ? -EIO : 0;
}

static void destroy_object(struct memory_object *o)
{
    ninep_node_free(page_cache_private(o));
}

const struct page_cache_ops ninep_page_ops = {
    .read = read_pages,
    .write = write_pages,
    .destroy = destroy_object,
};

/* ------------------------------------------------------------ data and attributes brought together */

static u64 all_pages(const struct inode *i)
{
    return (READ_ONCE(i->object->size) >> PAGE_SHIFT) + 1;
}

int ninep_flush(struct inode *i)
{
    struct ninep_node *n = i->private;
    int error = i->object ? page_cache_sync(i->object, 0, all_pages(i)) : 0;

    if (error || !n->modified)
        return error;
    ninep_changed(n);
    n->modified = false;
    if (ninep_refresh(i)) { /* no name: what we have is all there is */
        n->modified = true;
        return 0;
    }
    n->data_mtime = n->server_mtime;
    n->wrote = false;
    return 0;
}

void ninep_check_data(struct inode *i)
{
    struct ninep_node *n = i->private;

    if (n->orphan || !i->object)
        return;
    mutex_lock(&i->lock);
    if (!n->modified && (n->data_mtime != n->server_mtime || READ_ONCE(i->object->size) != n->server_size)) {
        page_cache_sync(i->object, 0, all_pages(i));
        if (!n->wrote)
            page_cache_invalidate(i->object, 0, UINT64_MAX);
        page_cache_truncate(i->object, n->server_size);
        n->data_mtime = n->server_mtime;
        n->wrote = false;
    }
    mutex_unlock(&i->lock);
}

/* Bytes at the server from `from` on become zero: the file was cut there while no request can say so. */
static int write_zeros(struct ninep_node *n, u64 from, u64 to)
{
    void *zeros = kzalloc(PAGE_SIZE), *pages[16];
    struct ninep_fid *f = open_fid(n, &n->write_fid);
    ssize done = zeros && f ? 0 : -EIO;

    for (unsigned k = 0; k < ARRAY_SIZE(pages); k++)
        pages[k] = zeros;
    while (done >= 0 && from < to) {
        done = ninep_transfer_pages(&n->fs->client, NINEP_TWRITE, f, from,
                                    MIN(to - from, (u64)sizeof(pages) / sizeof(pages[0]) * PAGE_SIZE), pages);
        from += done > 0 ? (u64)done : 0;
    }
    ninep_fid_put(&n->fs->client, f);
    kfree(zeros);
    return done < 0 ? (int)done : 0;
}

int ninep_truncate(struct inode *i, u64 size)
{
    struct ninep_node *n = i->private;
    u64 old = inode_size(i);
    struct ninep_attr a = {.size = size};
    struct ninep_fid *f;
    int error = 0;

    if (!S_ISREG(i->mode))
        return S_ISDIR(i->mode) ? -EISDIR : -EINVAL;
    /* Here first: a write-back that is under way must not make it longer again. */
    if (i->object && size < old)
        error = page_cache_truncate(i->object, size);
    if (error)
        return error;
    f = ninep_fid_of(i);
    error = ninep_setattr(&n->fs->client, f, NINEP_SETATTR_SIZE, &a);
    ninep_fid_put(&n->fs->client, f);
    if (error == -ENOENT && n->opens) { /* open without a name: only we see how long it is */
        error = size < old ? write_zeros(n, size, old) : 0;
        n->modified = true;
    }
    if (error)
        return error;
    n->server_size = size;
    ninep_changed(n);
    if (n->data_mtime == n->server_mtime)
        n->wrote = true;
    if (i->object)
        return page_cache_truncate(i->object, size);
    i->size = size;
    return 0;
}

/* ------------------------------------------------------------ file operations */

static ssize read_file(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct inode *i = f->inode;
    struct ninep_node *n = i->private;
    ssize done = page_cache_file_read(f, io, pos, rwf);

    if (done || !io->left || n->fs->keep || n->modified)
        return done;
    /* The end: somebody on the host may have moved it. */
    if (ninep_refresh_op(i) || n->server_size <= *pos)
        return 0;
    return page_cache_file_read(f, io, pos, rwf);
}

static ssize write_file(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct inode *i = f->inode;
    struct ninep_node *n = i->private;
    ssize done;

    n->modified = true;
    done = page_cache_write(i->object, io, *pos);
    if (done > 0) {
        *pos += (u64)done;
        inode_modified(i);
    }
    return done;
}

static int sync_file(struct file *f, bool data_only)
{
    struct inode *i = f->inode;
    struct ninep_node *n = i->private;
    struct ninep_fid *fid;
    int error;

    mutex_lock(&i->lock);
    error = ninep_flush(i);
    mutex_unlock(&i->lock);
    fid = error ? NULL : open_fid(n, n->write_fid ? &n->write_fid : &n->read_fid);
    if (fid)
        error = ninep_fsync(&n->fs->client, fid, data_only);
    ninep_fid_put(&n->fs->client, fid);
    return error;
}

static int truncate_file(struct file *f, u64 size)
{
    struct inode_attr a = {.valid = ATTR_SIZE, .size = size};

    return inode_change(f->inode, &a);
}

static s64 seek_file(struct file *f, s64 offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR && !ninep_node_of(f->inode)->fs->keep) {
        ninep_refresh_op(f->inode);
    }
    return file_seek_in(f, offset, whence, inode_size(f->inode));
}

/* 9P has no such request. */
static int allocate(struct file *f, int mode, u64 offset, u64 length)
{
    return -EOPNOTSUPP;
}

/* A descriptor is closed: others may look at the file now. */
static void close_file(struct file *f)
{
    struct inode *i = f->inode;
    struct ninep_node *n = i->private;

    if (!(f->mode & FILE_WRITE) || !n->modified)
        return;
    mutex_lock(&i->lock);
    ninep_flush(i);
    mutex_unlock(&i->lock);
}

static void release_file(struct file *f)
{
    struct inode *i = f->inode;
    struct ninep_node *n = i->private;
    struct ninep_fid *read = NULL, *write = NULL;
    int error = 0;

    if (n->fs->keep && n->fs->read_only)
        return;
    /* Stores through a mapping; the inode's lock may not be taken here. */
    if (f->mode & FILE_WRITE)
        error = page_cache_sync(i->object, 0, all_pages(i));
    spin_lock_irq(&n->fs->client.lock);
    if (--n->opens == 0) {
        read = n->read_fid;
        n->read_fid = NULL;
        if (error != -EINTR) { /* else pages are still dirty */
            write = n->write_fid;
            n->write_fid = NULL;
        }
    }
    spin_unlock_irq(&n->fs->client.lock);
    ninep_fid_put(&n->fs->client, read);
    ninep_fid_put(&n->fs->client, write);
    if (read || write)
        ninep_clunk_now(&n->fs->client);
}

static const struct file_ops file_operations = {
    .kind = "9p",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .mmap = page_cache_file_mmap,
    .fsync = sync_file,
    .truncate = truncate_file,
    .fallocate = allocate,
    .close = close_file,
    .release = release_file,
};

/* Makes the cached object, once. Inode locked. */
static int need_object(struct inode *i)
{
    struct ninep_node *n = i->private;
    struct memory_object *o;

    if (i->object)
        return 0;
    o = page_cache_create(&ninep_page_ops, n->server_size, n);
    if (!o)
        return -ENOMEM;
    o->constant = n->fs->keep && n->fs->read_only;
    n->data_mtime = n->server_mtime;
    __atomic_store_n(&i->object, o, __ATOMIC_RELEASE);
    return 0;
}

int ninep_open_file(struct inode *i, struct file *f)
{
    struct ninep_node *n = i->private;
    bool lazy = n->fs->keep && n->fs->read_only;
    int error;

    mutex_lock(&i->lock);
    error = need_object(i);
    if (!error && !lazy) {
        spin_lock_irq(&n->fs->client.lock);
        n->opens++; /* from now on nobody takes the fids away */
        spin_unlock_irq(&n->fs->client.lock);
        error = need_fids(n, f->flags);
        if (error) {
            spin_lock_irq(&n->fs->client.lock);
            n->opens--;
            spin_unlock_irq(&n->fs->client.lock);
        }
    }
    mutex_unlock(&i->lock);
    if (error)
        return error;
    f->ops = &file_operations;
    if (!lazy && ninep_is_fresh(n))
        ninep_check_data(i);
    else if (!lazy)
        ninep_refresh_op(i);
    return 0;
}

const struct inode_ops ninep_file_inode_ops = {
    .open = ninep_open_file,
    .refresh = ninep_refresh_op,
    .getattr = ninep_getattr_op,
    .setattr = ninep_setattr_op,
    NINEP_XATTR_OPS,
};
