/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open regular files of an overlay. Each has the real file beside it, opened when it was: reads,
 * writes and mappings go straight to that one's data, nothing is kept twice.
 *
 * A file opened for reading only may find itself in a lower tree when the object is copied up by
 * somebody else. From then on it reads the upper one, as on Linux; what it mapped before, and maps
 * later, stays the lower one's.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

struct overlay_file {
    struct file real;   /* never in a descriptor table; dropped with the overlay's file */
    struct file *later; /* of the upper object, if real is not and it was needed; set once */
};

int overlay_open_real(struct file *rf, struct inode *real, struct dentry *dentry, u32 flags)
{
    u32 access = flags & O_ACCMODE;
    int error;

    memset(rf, 0, sizeof(*rf));
    rf->refs = 1;
    rf->flags = flags;
    rf->mode = FILE_SEEKABLE | (access != O_WRONLY ? FILE_READ : 0) |
               (access == O_WRONLY || access == O_RDWR ? FILE_WRITE : 0);
    mutex_init(&rf->position_lock, LOCK_FILE_POSITION);
    list_init(&rf->epoll_items);
    rf->inode = real;
    rf->dentry = dentry;
    error = real->ops->open ? real->ops->open(real, rf) : -ENXIO;
    if (!error)
        inode_get(real);
    return error;
}

void overlay_close_real(struct file *rf)
{
    if (rf->ops->release)
        rf->ops->release(rf);
    inode_put(rf->inode);
}

/* Access times are kept in the upper tree only, and there as the overlay's mount says. */
static u32 real_flags(const struct file *f, u32 flags, bool upper)
{
    if (!upper || (f->mount && f->mount->flags & (MS_NOATIME | MS_RDONLY)))
        flags |= O_NOATIME;
    return flags & ~(u32)O_TRUNC;
}

/* The file of what has the data now. ERR_PTR. */
static struct file *real_of(struct file *f)
{
    struct overlay_file *o = f->private;
    struct file *new, *other = NULL;
    int error;

    if (likely(o->real.inode == overlay_real(f->inode)))
        return &o->real;
    new = __atomic_load_n(&o->later, __ATOMIC_ACQUIRE);
    if (new)
        return new;
    new = kmalloc(sizeof(*new));
    if (!new)
        return ERR_PTR(-ENOMEM);
    error = overlay_open_real(new, overlay_upper(f->inode), NULL, real_flags(f, f->flags, true));
    if (error) {
        kfree(new);
        return ERR_PTR(error);
    }
    if (__atomic_compare_exchange_n(&o->later, &other, new, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return new;
    overlay_close_real(new);
    kfree(new);
    return other;
}

static ssize read_file(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct file *rf = real_of(f);

    if (unlikely(IS_ERR(rf)))
        return PTR_ERR(rf);
    return rf->ops->read ? rf->ops->read(rf, io, pos, rwf) : -EINVAL;
}

/* The overlay's inode is locked. */
static ssize write_file(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct file *rf = real_of(f);
    ssize done;

    if (IS_ERR(rf))
        return PTR_ERR(rf);
    if (!rf->ops->write)
        return -EINVAL;
    mutex_lock(&rf->inode->lock);
    done = rf->ops->write(rf, io, pos, rwf);
    mutex_unlock(&rf->inode->lock);
    overlay_refresh(f->inode, rf->inode);
    return done;
}

static s64 seek_file(struct file *f, s64 offset, int whence)
{
    struct file *rf;
    s64 at;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_in(f, offset, whence, inode_size(overlay_real(f->inode)));
    rf = real_of(f);
    if (IS_ERR(rf))
        return PTR_ERR(rf);
    if (!rf->ops->seek)
        return -EINVAL;
    at = rf->ops->seek(rf, offset, whence);
    if (at >= 0)
        f->position = (u64)at;
    return at;
}

static struct memory_object *map_file(struct file *f, u64 offset, u64 length, u32 prot,
                                      u32 map_flags)
{
    struct file *rf = &((struct overlay_file *)f->private)->real;

    return rf->ops->mmap ? rf->ops->mmap(rf, offset, length, prot, map_flags) : ERR_PTR(-ENODEV);
}

static int sync_file(struct file *f, bool data_only)
{
    struct file *rf = real_of(f);

    if (IS_ERR(rf))
        return (int)PTR_ERR(rf);
    return rf->ops->fsync ? rf->ops->fsync(rf, data_only) : -EINVAL;
}

static int truncate_file(struct file *f, u64 size)
{
    struct inode_attr a = {.valid = ATTR_SIZE, .size = size};

    return inode_change(f->inode, &a);
}

static int allocate(struct file *f, int mode, u64 offset, u64 length)
{
    struct file *rf = real_of(f);
    int error;

    if (IS_ERR(rf))
        return (int)PTR_ERR(rf);
    if (!rf->ops->fallocate)
        return -EOPNOTSUPP;
    mutex_lock(&f->inode->lock);
    error = rf->ops->fallocate(rf, mode, offset, length);
    overlay_refresh(f->inode, rf->inode);
    mutex_unlock(&f->inode->lock);
    return error;
}

static void release_file(struct file *f)
{
    struct overlay_file *o = f->private;

    if (o->later) {
        overlay_close_real(o->later);
        kfree(o->later);
    }
    overlay_close_real(&o->real);
    kfree(o);
}

static const struct file_ops overlay_file_ops = {
    .kind = "overlay",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .mmap = map_file,
    .fsync = sync_file,
    .truncate = truncate_file,
    .fallocate = allocate,
    .release = release_file,
};

int overlay_open_file(struct inode *i, struct file *f)
{
    struct overlay_file *o;
    struct inode *real;
    int error = 0;

    if (f->mode & FILE_WRITE || f->flags & O_TRUNC)
        error = overlay_copy_up(i, f->flags & O_TRUNC ? 0 : ~0ull);
    if (error)
        return error;
    o = kmalloc(sizeof(*o));
    if (!o)
        return -ENOMEM;
    o->later = NULL;
    real = overlay_real(i);
    error = overlay_open_real(&o->real, real, NULL,
                              real_flags(f, f->flags, real != overlay_node(i)->lower));
    if (error) {
        kfree(o);
        return error;
    }
    f->private = o;
    f->ops = &overlay_file_ops;
    return 0;
}
