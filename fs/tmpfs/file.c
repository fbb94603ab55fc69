/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files of tmpfs: a RAM object behind each. Writers come with the inode's lock held
 * (file_write); readers take no lock here, the object does.
 */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include "fs/tmpfs/tmpfs.h"

static ssize read_file(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct memory_object *o = f->inode->object;
    ssize done = 0;

    while (io->left) {
        size_t n;
        void *buf = io_front(io, &n);
        ssize got = ram_object_read(o, *pos, buf, n, io->user);

        if (got <= 0) {
            if (!done)
                done = got;
            break;
        }
        io_advance(io, (size_t)got);
        *pos += (u64)got;
        done += got;
        if ((size_t)got < n)
            break;
    }
    inode_touch_atime(f);
    return done;
}

/* What the seals allow of a write of n bytes at pos: bytes, or -EPERM. Whole pages before the one that would grow are written. */
static ssize sealed_length(const struct inode *i, u64 pos, u64 n)
{
    u64 size = inode_size(i);

    if (i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (!(i->seals & F_SEAL_GROW) || pos + n <= size)
        return (ssize)n;
    return (size & PAGE_MASK) > pos ? (ssize)((size & PAGE_MASK) - pos) : -EPERM;
}

static ssize write_file(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct inode *i = f->inode;
    ssize done = 0;
    ssize limit = sealed_length(i, *pos, io->left);

    if (limit < 0)
        return limit;
    while (done < limit) {
        size_t n;
        void *buf = io_front(io, &n);
        n = MIN(n, (size_t)(limit - done));
        ssize put = ram_object_write(i->object, *pos, buf, n, io->user);

        if (put <= 0) {
            if (!done)
                done = put;
            break;
        }
        io_advance(io, (size_t)put);
        *pos += (u64)put;
        done += put;
        if ((size_t)put < n)
            break;
    }
    if (done > 0)
        inode_modified(i);
    return done;
}

static s64 seek_file(struct file *f, s64 offset, int whence)
{
    struct inode *i = f->inode;
    u64 size = inode_size(i);
    s64 found;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_in(f, offset, whence, size);
    if (offset < 0 || (u64)offset >= size)
        return -ENXIO;
    found = ram_object_seek(i->object, (u64)offset, whence == SEEK_HOLE);
    if (found >= 0)
        f->position = (u64)found;
    return found;
}

static struct memory_object *map_file(struct file *f, u64 offset, u64 length, u32 prot,
                                      u32 map_flags)
{
    struct inode *i = f->inode;

    if ((map_flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE &&
        i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return ERR_PTR(-EPERM);
    memory_object_get(i->object);
    return i->object;
}

static int truncate_inode(struct inode *i, u64 size)
{
    u64 old = inode_size(i);

    if ((size < old && i->seals & F_SEAL_SHRINK) || (size > old && i->seals & F_SEAL_GROW))
        return -EPERM;
    return ram_object_truncate(i->object, size);
}

static int set_attributes(struct inode *i, const struct inode_attr *a)
{
    if (a->valid & ATTR_MODE && i->seals & F_SEAL_EXEC && (i->mode ^ a->mode) & 0111)
        return -EPERM;
    return a->valid & ATTR_SIZE ? truncate_inode(i, a->size) : 0;
}

static int truncate_file(struct file *f, u64 size)
{
    struct inode_attr a = {.valid = ATTR_SIZE, .size = size};

    return inode_change(f->inode, &a);
}

/* Does the limit leave room for what the file does not have yet of [offset, offset + length)? Inode locked. */
static bool has_room(struct inode *i, u64 offset, u64 length)
{
    const struct ram_limit *l = &tmpfs_of(i->super)->data;
    u64 used = READ_ONCE(l->used), free = used < l->pages ? l->pages - used : 0;

    return !l->pages || length >> PAGE_SHIFT < free || ram_object_missing(i->object, offset, length, free) <= free;
}

/* fallocate(2) but for the checks of range and mode that the system call makes. */
static int allocate(struct file *f, int mode, u64 offset, u64 length)
{
    struct inode *i = f->inode;
    int error = 0;

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
        return -EOPNOTSUPP;
    mutex_lock(&i->lock);
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        error = i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
                    ? -EPERM
                    : ram_object_punch(i->object, offset, length);
    } else if ((error = file_check_new_size(i, offset + length))) {
        /* Not with FALLOC_FL_KEEP_SIZE either. */
    } else if (i->seals & F_SEAL_GROW && offset + length > inode_size(i)) {
        error = -EPERM;
    } else if (!has_room(i, offset, length)) {
        error = -ENOSPC;
    } else {
        error = ram_object_allocate(i->object, offset, length);
        if (!error && !(mode & FALLOC_FL_KEEP_SIZE) && offset + length > inode_size(i))
            error = ram_object_truncate(i->object, offset + length);
    }
    if (!error)
        inode_modified(i);
    mutex_unlock(&i->lock);
    return error;
}

static int sync_nothing(struct file *f, bool data_only)
{
    return 0;
}

static int open_file(struct inode *i, struct file *f)
{
    f->ops = &tmpfs_file_ops;
    return 0;
}

static int get_attributes(struct inode *i, struct stat *st)
{
    st->st_blocks = (s64)(ram_object_pages(i->object) * (PAGE_SIZE / 512));
    return 0;
}

const struct file_ops tmpfs_file_ops = {
    .kind = "tmpfs",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .mmap = map_file,
    .fsync = sync_nothing,
    .truncate = truncate_file,
    .fallocate = allocate,
};

const struct inode_ops tmpfs_file_inode_ops = {
    .open = open_file,
    .getattr = get_attributes,
    .setattr = set_attributes,
    .getxattr = tmpfs_getxattr,
    .setxattr = tmpfs_setxattr,
    .listxattr = tmpfs_listxattr,
    .removexattr = tmpfs_removexattr,
};

/* Holds files without names; never mounted. */
static struct super *nameless;

void tmpfs_init(void)
{
    nameless = tmpfs_create("tmpfs", "none", 0700, 0, 0);
}

struct file *tmpfs_anonymous_file(const char *name, u32 open_flags, u32 seals)
{
    struct dentry *d;
    struct inode *i;
    struct file *f;

    i = tmpfs_inode(nameless, NULL, S_IFREG | 0777, 0);
    if (IS_ERR(i))
        return (struct file *)i;
    i->nlink = 0;
    i->seals = seals;
    d = dentry_create_detached(name, i);
    if (IS_ERR(d)) {
        inode_put(i);
        return ERR_PTR(-ENOMEM);
    }
    f = file_create(&tmpfs_file_ops, open_flags | O_LARGEFILE, NULL);
    if (!f) {
        dentry_put(d);
        return ERR_PTR(-ENFILE);
    }
    f->mode |= FILE_SEEKABLE;
    f->dentry = d;
    f->mount = mount_anonymous();
    mount_get(f->mount);
    f->inode = i;
    return f;
}
