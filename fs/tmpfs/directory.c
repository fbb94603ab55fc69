/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories, symlinks and special files of tmpfs. The VFS holds the directory's lock and keeps
 * the dentries; what is left to do here is to make inodes and to count links, sizes and times.
 */
#include "fs/tmpfs/tmpfs.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/timer.h"

#define ENTRY_SIZE 20 /* what Linux's tmpfs adds to a directory's st_size for a name */

static void changed(struct inode *dir, s64 size_change)
{
    dir->size += (u64)size_change;
    dir->mtime = dir->ctime = (s64)clock_realtime();
}

static void add_links(struct inode *i, int n)
{
    __atomic_add_fetch(&i->nlink, (u32)n, __ATOMIC_RELAXED);
}

void tmpfs_add_name(struct inode *dir, struct dentry *d, struct inode *i)
{
    d->inode = i;
    dentry_get(d);
    changed(dir, ENTRY_SIZE);
    if (S_ISDIR(i->mode))
        add_links(dir, 1);
}

/* The name is going: gives up the reference that kept its dentry. The caller has one of its own. */
static void drop_name(struct inode *dir, struct dentry *d)
{
    changed(dir, -ENTRY_SIZE);
    d->inode->ctime = dir->ctime;
    dentry_put(d);
}

static int create(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    struct inode *i = tmpfs_inode(dir->super, dir, mode, rdev);

    if (IS_ERR(i))
        return (int)PTR_ERR(i);
    tmpfs_add_name(dir, d, i);
    return 0;
}

static int make_directory(struct inode *dir, struct dentry *d, u32 mode)
{
    return create(dir, d, mode, 0);
}

static int make_symlink(struct inode *dir, struct dentry *d, const char *target)
{
    struct inode *i = tmpfs_inode(dir->super, dir, S_IFLNK | 0777, 0);
    struct tmpfs_node *node;

    if (IS_ERR(i))
        return (int)PTR_ERR(i);
    node = i->private;
    node->target = kstrdup(target);
    if (!node->target) {
        inode_put(i);
        return -ENOMEM;
    }
    i->size = strlen(target);
    tmpfs_add_name(dir, d, i);
    return 0;
}

static int make_link(struct inode *dir, struct dentry *d, struct inode *target)
{
    /* What had no name (O_TMPFILE) counts already. */
    if (target->nlink && tmpfs_take_inode(tmpfs_of(dir->super)))
        return -ENOSPC;
    inode_get(target);
    add_links(target, 1);
    tmpfs_add_name(dir, d, target);
    target->ctime = dir->ctime;
    return 0;
}

static int unlink(struct inode *dir, struct dentry *d)
{
    if (d->inode->nlink > 1)
        tmpfs_give_inode(tmpfs_of(dir->super));
    add_links(d->inode, -1);
    drop_name(dir, d);
    return 0;
}

static bool has_children(struct dentry *d)
{
    struct dentry *child = dentry_next_child(d, 0);

    if (child)
        dentry_put(child);
    return child != NULL;
}

static int remove_directory(struct inode *dir, struct dentry *d)
{
    if (has_children(d))
        return -ENOTEMPTY;
    add_links(d->inode, -2);
    add_links(dir, -1);
    drop_name(dir, d);
    return 0;
}

/* A directory goes from one parent to another: its ".." counts there. */
static void move_parent_link(struct inode *moved, struct inode *from, struct inode *to)
{
    if (from != to && S_ISDIR(moved->mode)) {
        add_links(from, -1);
        add_links(to, 1);
    }
}

static int rename_entry(struct inode *from, struct dentry *old, struct inode *to,
                        struct dentry *new, u32 flags)
{
    struct inode *replaced = new->inode;
    int error;

    if (flags) {
        move_parent_link(old->inode, from, to);
        move_parent_link(replaced, to, from);
        changed(from, 0);
        changed(to, 0);
        old->inode->ctime = replaced->ctime = from->ctime;
        return 0;
    }
    if (replaced) {
        error = S_ISDIR(replaced->mode) ? remove_directory(to, new) : unlink(to, new);
        if (error)
            return error;
    }
    move_parent_link(old->inode, from, to);
    changed(from, -ENTRY_SIZE);
    changed(to, ENTRY_SIZE);
    old->inode->ctime = from->ctime;
    return 0;
}

static int make_tmpfile(struct inode *dir, struct inode **out, u32 mode)
{
    *out = tmpfs_inode(dir->super, dir, mode, 0);
    if (IS_ERR(*out))
        return (int)PTR_ERR(*out);
    (*out)->nlink = 0;
    return 0;
}

static int open_directory(struct inode *i, struct file *f)
{
    f->ops = &tmpfs_directory_ops;
    return 0;
}

static ssize read_link(struct inode *i, char *buf, size_t n)
{
    struct tmpfs_node *node = i->private;
    size_t length = MIN((size_t)i->size, n);

    memcpy(buf, node->target, length);
    return (ssize)length;
}

static int sync_nothing(struct file *f, bool data_only)
{
    return 0;
}

const struct file_ops tmpfs_directory_ops = {
    .kind = "tmpfs",
    .seek = directory_seek,
    .readdir = dentry_readdir,
    .fsync = sync_nothing,
};

#define XATTR_OPS                                                                                  \
    .getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr,          \
    .removexattr = tmpfs_removexattr

const struct inode_ops tmpfs_directory_inode_ops = {
    .create = create,
    .mkdir = make_directory,
    .symlink = make_symlink,
    .link = make_link,
    .unlink = unlink,
    .rmdir = remove_directory,
    .rename = rename_entry,
    .tmpfile = make_tmpfile,
    .open = open_directory,
    XATTR_OPS,
};

const struct inode_ops tmpfs_symlink_inode_ops = {
    .readlink = read_link,
    XATTR_OPS,
};

const struct inode_ops tmpfs_special_inode_ops = {
    XATTR_OPS,
};
