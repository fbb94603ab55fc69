/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying up: a lower object gets its twin in the upper tree, with attributes and data.
 *
 * A regular file is filled while it has no name, and then linked; everything else is made whole
 * before its name is found. So nobody meets half a copy, and a failure leaves nothing. One thread
 * copies an object, others wait for its node's lock. Directories go first, from the top.
 */
#include <linux/fs.h>
#include "fs/overlay/overlay.h"
#include "kernel/lib/string.h"
#include "kernel/heap.h"
#include "kernel/page.h"

#define BOUNCE_ORDER 4 /* 64 KiB at a time, or a page when memory is short */

/* ------------------------------------------------------------ data */

/* Whether the n bytes at p are zeros. */
static bool is_zeros(const char *p, size_t n)
{
    return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

/*
 * The bytes of buf, which are those of the file from position at on, into out, but for pages of zeros: a lower file system
 * that cannot tell its holes (9p) does not cost the upper one memory for them. 0 or negative errno.
 */
static int write_pages(struct file *out, char *buf, u64 at, size_t n)
{
    while (n) {
        size_t part = MIN(n, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        struct io io;
        ssize put;

        if (is_zeros(buf, part)) {
            put = (ssize)part;
            at += part;
        } else {
            io_init_kernel(&io, buf, part);
            mutex_lock(&out->inode->lock);
            put = out->ops->write(out, &io, &at, 0);
            mutex_unlock(&out->inode->lock);
            if (put <= 0)
                return put ? (int)put : -EIO;
        }
        buf += put;
        n -= (size_t)put;
    }
    return 0;
}

/* Copies the bytes [at, end); both files are the layers'. 0 or negative errno. */
static int copy_range(struct file *in, struct file *out, u64 at, u64 end, void *buf, size_t size)
{
    while (at < end) {
        u64 from = at;
        struct io io;
        ssize got;
        int error;

        io_init_kernel(&io, buf, MIN(end - at, (u64)size));
        got = in->ops->read(in, &io, &from, 0);
        if (got <= 0)
            return (int)got;
        error = write_pages(out, buf, at, (size_t)got);
        if (error)
            return error;
        at += (u64)got;
        if (current_process() && READ_ONCE(current_process()->exiting))
            return -EINTR;
    }
    return 0;
}

/* The same for a whole file but for its holes. */
static int copy_pieces(struct file *in, struct file *out, u64 size)
{
    struct page *page = page_alloc(BOUNCE_ORDER, PAGE_NO_RECLAIM);
    size_t room = page ? PAGE_SIZE << BOUNCE_ORDER : PAGE_SIZE;
    int error = 0;

    if (!page)
        page = page_alloc(0, 0);
    if (!page)
        return -ENOMEM;
    for (u64 at = 0; at < size && !error;) {
        s64 data = in->ops->seek ? in->ops->seek(in, (s64)at, SEEK_DATA) : (s64)at, hole;

        if (data < 0)
            break; /* ENXIO: holes up to the end */
        hole = in->ops->seek ? in->ops->seek(in, data, SEEK_HOLE) : (s64)size;
        at = hole > data ? MIN((u64)hole, size) : size;
        error = copy_range(in, out, (u64)data, at, page_virt(page), room);
    }
    page_put(page);
    return error;
}

static int copy_data(struct inode *from, struct inode *to, u64 size)
{
    struct inode_attr a = {.valid = ATTR_SIZE, .size = size};
    struct file *files = kzalloc(2 * sizeof(*files));
    int error;

    if (!files)
        return -ENOMEM;
    error = inode_store(to, &a);
    if (!error)
        error = overlay_open_real(&files[0], from, NULL, O_RDONLY | O_NOATIME);
    if (!error) {
        error = overlay_open_real(&files[1], to, NULL, O_WRONLY);
        if (!error) {
            error = copy_pieces(&files[0], &files[1], size);
            overlay_close_real(&files[1]);
        }
        overlay_close_real(&files[0]);
    }
    kfree(files);
    return error;
}

/* ------------------------------------------------------------ attributes */

/* Everything but data and name of lower object i; *number: what i will show as st_ino. */
static int copy_attributes(struct inode *i, struct inode *to, u64 *number)
{
    struct overlay_node *n = overlay_node(i);
    const struct inode *from = n->lower;
    struct inode_attr a = {.valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME |
                                    ATTR_FORCE,
                           .mode = from->mode & 07777,
                           .uid = from->uid,
                           .gid = from->gid,
                           .atime = from->atime,
                           .mtime = from->mtime};
    int error = overlay_copy_xattrs(n->lower, to);

    *number = i->ino;
    if (!error && n->several_names)
        *number = overlay_upper_number(overlay_of(i), to);
    else if (!error && !S_ISDIR(i->mode) && to->ops->setxattr)
        error = to->ops->setxattr(to, OVERLAY_XATTR_NUMBER, number, sizeof(*number), 0);
    return error ? error : inode_store(to, &a);
}

/* The parent's times are not to show that something was copied up. */
static void keep_times(struct inode *dir, s64 atime, s64 mtime)
{
    struct inode_attr a = {.valid = ATTR_ATIME | ATTR_MTIME, .atime = atime, .mtime = mtime};

    inode_store(dir, &a);
}

/* ------------------------------------------------------------ objects */

/* A regular file without a name, filled. dir: where tmpfile can be asked. ERR_PTR. */
static struct inode *copy_file(struct inode *i, struct inode *dir, u64 size, u64 *number)
{
    struct inode *lower = overlay_node(i)->lower, *new = NULL;
    int error;

    mutex_lock(&dir->lock);
    error = dir->ops->tmpfile(dir, &new, S_IFREG | 0600);
    mutex_unlock(&dir->lock);
    if (error)
        return ERR_PTR(error);
    error = copy_data(lower, new, MIN(size, inode_size(lower)));
    if (!error)
        error = copy_attributes(i, new, number);
    if (error) {
        inode_put(new);
        return ERR_PTR(error);
    }
    return new;
}

/* Makes d, a dentry that no lookup finds yet, an object like i; not a regular file. dir is locked. */
static int copy_special(struct inode *i, struct inode *dir, struct dentry *d, u64 *number)
{
    struct inode *lower = overlay_node(i)->lower;
    char *target;
    ssize n;
    int error;

    switch (i->mode & S_IFMT) {
    case S_IFDIR:
        return dir->ops->mkdir(dir, d, S_IFDIR | 0700);
    case S_IFLNK:
        target = kzalloc(PATH_MAX);
        if (!target)
            return -ENOMEM;
        n = lower->ops->readlink ? lower->ops->readlink(lower, target, PATH_MAX - 1) : -EINVAL;
        error = n < 0 ? (int)n : dir->ops->symlink(dir, d, target);
        kfree(target);
        return error;
    default:
        return dir->ops->create(dir, d, (i->mode & S_IFMT) | 0600, i->rdev);
    }
}

/* Undoes what copy_special() made. dir is locked. */
static void discard(struct inode *dir, struct dentry *d)
{
    if (!S_ISDIR(d->inode->mode)) {
        dir->ops->unlink(dir, d);
        return;
    }
    mutex_lock(&d->inode->lock);
    dir->ops->rmdir(dir, d);
    mutex_unlock(&d->inode->lock);
}

/*
 * Gives the copy of i its name in upper directory up: *new, a nameless file, or if that is NULL an
 * object that is made now; *new then is its inode, with a reference. 0 or negative errno.
 */
static int place(struct inode *i, struct dentry *up, struct inode **new, u64 *number)
{
    struct dentry *name = overlay_node(i)->dentry, *d;
    struct inode *dir = up->inode;
    s64 atime, mtime;
    int error;

    d = dentry_create(up, name->name, name->name_length);
    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    mutex_lock(&dir->lock);
    atime = dir->atime;
    mtime = dir->mtime;
    if (*new) {
        error = dir->ops->link(dir, d, *new);
    } else {
        error = copy_special(i, dir, d, number);
        if (!error) {
            error = copy_attributes(i, d->inode, number);
            if (error)
                discard(dir, d);
        }
    }
    if (!error) {
        dentry_hash(d);
        if (!*new) {
            *new = d->inode;
            inode_get(*new);
        }
        if (S_ISDIR(i->mode)) {
            overlay_node(i)->upper_dir = d;
            dentry_get(d);
        }
    }
    mutex_unlock(&dir->lock);
    keep_times(dir, atime, mtime);
    dentry_put(d);
    return error;
}

/* Copies i up; its directory is there already. Its node is locked. */
static int copy_object(struct inode *i, u64 size)
{
    struct overlay *o = overlay_of(i);
    struct overlay_node *n = overlay_node(i);
    struct dentry *up = n->removed ? o->upper : overlay_node(n->dentry->parent->inode)->upper_dir;
    struct inode *new = NULL;
    u64 number = i->ino;
    int error = 0;

    if (S_ISREG(i->mode)) {
        new = copy_file(i, up->inode, size, &number);
        if (IS_ERR(new))
            return (int)PTR_ERR(new);
    } else if (n->removed) {
        return -ESTALE; /* nothing but a regular file can be without a name */
    }
    if (!n->removed)
        error = place(i, up, &new, &number);
    if (error) {
        if (new)
            inode_put(new);
        return error;
    }
    i->ino = number;
    overlay_refresh(i, new);
    __atomic_store_n(&n->upper, new, __ATOMIC_RELEASE);
    return 0;
}

int overlay_copy_up(struct inode *i, u64 size)
{
    struct overlay_node *n = overlay_node(i);
    int error = 0;

    if (overlay_upper(i))
        return 0;
    if (!overlay_of(i)->upper)
        return -EROFS;
    for (;;) {
        struct dentry *d = n->dentry;
        struct inode *next;

        /* The topmost that is not there yet: one more step down each time. */
        while (!READ_ONCE(n->removed) && !overlay_upper(d->parent->inode))
            d = d->parent;
        next = d->inode;
        mutex_lock(&overlay_node(next)->lock);
        if (!overlay_upper(next))
            error = copy_object(next, next == i ? size : 0);
        mutex_unlock(&overlay_node(next)->lock);
        if (error || next == i)
            return error;
    }
}
