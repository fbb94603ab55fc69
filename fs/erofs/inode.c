/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes of EROFS: what the VFS asks is answered from the image. An inode stays while somebody uses it, or its name is kept;
 * data of regular files is a cached object, which holds a reference on the file system, since it may outlive the inode.
 */
#include <linux/capability.h>
#include "fs/erofs/erofs.h"
#include "fs/page_cache.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

/* What a cached object knows. */
struct data {
    struct erofs *fs;
    struct erofs_node node;
};

/* ---------------------------------------------------------------- data */

static int read_pages(struct memory_object *o, u64 index, unsigned n, void *const pages[])
{
    struct data *d = page_cache_private(o);
    struct erofs_target t = {.pages = pages};

    return erofs_read(&d->fs->image, &d->node, index << PAGE_SHIFT, (u64)n << PAGE_SHIFT, &t);
}

/* Only whole blocks of the image, in pages; the file's last one if the rest of its block is zero. */
static paddr_t in_place(struct memory_object *o, u64 index)
{
    struct data *d = page_cache_private(o);
    const struct erofs_source *s = &d->fs->source;
    u64 at = index << PAGE_SHIFT;
    struct erofs_extent x;

    if (at >= d->node.size || erofs_map(&d->fs->image, &d->node, at, &x) || x.hole || x.metadata || x.offset & (PAGE_SIZE - 1) ||
        x.offset + PAGE_SIZE > s->size)
        return 0;
    if (x.length < PAGE_SIZE) {
        if (at + x.length < d->node.size)
            return 0;
        for (u64 i = x.length; i < PAGE_SIZE; i++)
            if (s->memory[x.offset + i])
                return 0;
    }
    return virt_to_phys(s->memory + x.offset);
}

static void destroy_data(struct memory_object *o)
{
    struct data *d = page_cache_private(o);

    super_put(&d->fs->super);
    kfree(d);
}

static const struct page_cache_ops data_ops = {.read = read_pages, .destroy = destroy_data};
static const struct page_cache_ops data_ops_in_place = {.read = read_pages, .in_place = in_place, .destroy = destroy_data};

static struct memory_object *create_data(struct erofs *fs, const struct erofs_node *n)
{
    bool mappable = fs->source.memory && !((u64)fs->source.memory & (PAGE_SIZE - 1)) && !erofs_compressed(n);
    struct data *d = kmalloc(sizeof(*d));
    struct memory_object *o = NULL;

    if (d) {
        *d = (struct data){fs, *n};
        o = page_cache_create(mappable ? &data_ops_in_place : &data_ops, n->size, d);
    }
    if (!o) {
        kfree(d);
        return NULL;
    }
    o->constant = true;
    super_get(&fs->super);
    return o;
}

/* ---------------------------------------------------------------- files and directories */

static int read_directory(struct file *f, u64 *pos,
                          bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino, u8 type), void *arg)
{
    struct inode *i = f->inode;

    inode_touch_atime(f);
    return erofs_list(&erofs_of(i->super)->image, i->private, pos, emit, arg);
}

static const struct file_ops directory_ops = {
    .kind = "erofs",
    .readdir = read_directory,
    .seek = directory_seek,
};

static s64 seek_regular(struct file *f, s64 offset, int whence)
{
    return file_seek_in(f, offset, whence, inode_size(f->inode));
}

static const struct file_ops regular_file_ops = {
    .kind = "erofs",
    .splice = SPLICE_SOURCE,
    .read = page_cache_file_read,
    .seek = seek_regular,
    .mmap = page_cache_file_mmap,
};

static int open_inode(struct inode *i, struct file *f)
{
    if (f->mode & FILE_WRITE)
        return -EROFS;
    f->ops = S_ISDIR(i->mode) ? &directory_ops : &regular_file_ops;
    return 0;
}

static int lookup(struct inode *dir, struct dentry *d)
{
    struct erofs *fs = erofs_of(dir->super);
    u64 nid;

    if (d->name_length > EROFS_NAME_MAX)
        return -ENAMETOOLONG;
    int error = erofs_find(&fs->image, dir->private, d->name, d->name_length, &nid);
    if (error)
        return error == -ENOENT ? 0 : error;
    struct inode *i = erofs_inode(fs, nid);
    if (IS_ERR(i))
        return (int)PTR_ERR(i);
    d->inode = i;
    return 0;
}

static ssize readlink(struct inode *i, char *buf, size_t n)
{
    const struct erofs_node *node = i->private;
    struct erofs_target t = {.flat = buf};

    n = MIN(n, node->size);
    int error = erofs_read(&erofs_of(i->super)->image, node, 0, n, &t);
    return error ? error : (ssize)n;
}

static int get_attributes(struct inode *i, struct stat *st)
{
    const struct erofs_node *n = i->private;
    u64 blocks = (n->size + EROFS_BLOCK - 1) >> EROFS_BLOCK_BITS;

    if (erofs_compressed(n))
        blocks = n->u;
    st->st_size = (s64)n->size;
    st->st_blocks = (s64)(blocks << (EROFS_BLOCK_BITS - 9));
    return 0;
}

static ssize get_xattr(struct inode *i, const char *name, void *value, size_t n)
{
    return erofs_xattr_get(&erofs_of(i->super)->image, i->private, name, value, n);
}

static ssize list_xattrs(struct inode *i, char *list, size_t n)
{
    return erofs_xattr_list(&erofs_of(i->super)->image, i->private, fs_capable(CAP_SYS_ADMIN), list, n);
}

static const struct inode_ops file_inode_ops = {
    .open = open_inode,
    .getattr = get_attributes,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
};
static const struct inode_ops directory_inode_ops = {
    .lookup = lookup,
    .open = open_inode,
    .getattr = get_attributes,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
};
static const struct inode_ops symlink_inode_ops = {
    .readlink = readlink,
    .getattr = get_attributes,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
};
static const struct inode_ops special_inode_ops = {
    .getattr = get_attributes,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
};

/* ---------------------------------------------------------------- the table */

/* The inode in memory, with a reference; NULL. */
static struct inode *find(struct erofs *fs, u64 nid)
{
    spin_lock(&fs->lock);
    struct inode *i = (struct inode *)radix_get(&fs->inodes, nid);
    u32 refs = i ? __atomic_load_n(&i->refs, __ATOMIC_RELAXED) : 0;
    while (refs && !__atomic_compare_exchange_n(&i->refs, &refs, refs + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        ;
    spin_unlock(&fs->lock);
    return refs ? i : NULL; /* without references it is on its way out */
}

void erofs_put_inode(struct inode *i)
{
    struct erofs *fs = erofs_of(i->super);

    spin_lock(&fs->lock);
    if (radix_get(&fs->inodes, i->ino) == (u64)i)
        radix_set(&fs->inodes, i->ino, 0);
    spin_unlock(&fs->lock);
    kfree(i->private);
}

static struct inode *create(struct erofs *fs, const struct erofs_node *n)
{
    const struct inode_ops *ops = S_ISREG(n->mode)   ? &file_inode_ops
                                  : S_ISDIR(n->mode) ? &directory_inode_ops
                                  : S_ISLNK(n->mode) ? &symlink_inode_ops
                                                     : &special_inode_ops;
    struct erofs_node *copy = kmalloc(sizeof(*copy));
    struct inode *i = copy ? inode_create(&fs->super, ops, n->mode, NULL) : NULL;

    if (!i) {
        kfree(copy);
        return ERR_PTR(-ENOMEM);
    }
    *copy = *n;
    i->private = copy;
    i->ino = n->nid;
    i->nlink = n->nlink;
    i->mode = n->mode;
    i->uid = n->uid;
    i->gid = n->gid;
    i->size = n->size;
    i->atime = i->mtime = i->ctime = i->btime = n->mtime;
    if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
        i->rdev = device_number(n->u >> 8 & 0xfff, (n->u & 0xff) | (n->u >> 12 & 0xfff00));
    if (S_ISREG(n->mode) && !(i->object = create_data(fs, n))) {
        inode_put(i);
        return ERR_PTR(-ENOMEM);
    }
    return i;
}

struct inode *erofs_inode(struct erofs *fs, u64 nid)
{
    struct inode *i, *other;
    struct erofs_node n;
    int error = 0;

    while (!error && !(i = find(fs, nid))) {
        error = erofs_node_read(&fs->image, nid, &n);
        if (!error && S_ISLNK(n.mode) && n.size >= PATH_MAX)
            error = -EUCLEAN;
        if (error)
            break;
        i = create(fs, &n);
        if (IS_ERR(i))
            return i;
        spin_lock(&fs->lock);
        other = (struct inode *)radix_get(&fs->inodes, nid);
        bool theirs = other && __atomic_load_n(&other->refs, __ATOMIC_RELAXED);
        if (!theirs)
            error = radix_set(&fs->inodes, nid, (u64)i);
        spin_unlock(&fs->lock);
        if (!theirs && !error)
            return i;
        inode_put(i); /* another thread was faster */
    }
    return error ? ERR_PTR(error) : i;
}
