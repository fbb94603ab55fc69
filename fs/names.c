/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that change names: mknod, mkdir, symlink, link, unlink, rmdir. Each finds the directory,
 * locks it, checks in Linux's order, and lets the file system store the change.
 */
#include <linux/capability.h>
#include "fs/notify.h"

static bool is_name(const struct path_last *l)
{
    return !l->dot && !l->dot_dot && !l->root;
}

/*
 * Begins making a name: directory found and locked, name free; whether it is allowed is the caller's to ask. On success *d is a new
 * dentry; both are given back by finish_create().
 */
static int begin_create(int dirfd, const char *path, bool directory, struct path_last *l,
                        struct dentry **d)
{
    struct inode *dir;
    struct dentry *existing;
    int error = path_parent(dirfd, path, 0, l);

    if (error)
        return error;
    if (!is_name(l)) {
        path_last_put(l);
        return -EEXIST;
    }
    dir = l->parent.dentry->inode;
    mutex_lock(&dir->lock);
    existing = path_lookup_child(l->parent.dentry, l->name, l->length, true);
    if (!IS_ERR(existing)) {
        dentry_put(existing);
        error = -EEXIST;
    } else if (existing != ERR_PTR(-ENOENT)) {
        error = (int)PTR_ERR(existing);
    } else if ((l->trailing_slash && !directory) || l->parent.dentry->unlinked ||
               dir->super->volatile_names) {
        error = -ENOENT;
    } else {
        error = mount_want_write(&l->parent);
    }
    if (!error) {
        *d = dentry_create(l->parent.dentry, l->name, l->length);
        error = IS_ERR(*d) ? (int)PTR_ERR(*d) : 0;
    }
    if (error) {
        mutex_unlock(&dir->lock);
        path_last_put(l);
    }
    return error;
}

static int finish_create(struct path_last *l, struct dentry *d, int error)
{
    if (!error) {
        dentry_hash(d);
        notify_created(l->parent.dentry->inode, d);
    }
    dentry_put(d);
    mutex_unlock(&l->parent.dentry->inode->lock);
    path_last_put(l);
    return error;
}

static int may_create(struct inode *dir)
{
    return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int vfs_check_node(u32 mode)
{
    switch (mode & S_IFMT) {
    case 0:
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

int vfs_create_node(int dirfd, const char *path, u32 mode, u64 rdev)
{
    struct path_last l;
    struct inode *dir;
    struct dentry *d;
    int error;

    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    error = begin_create(dirfd, path, false, &l, &d);
    if (error)
        return error;
    dir = l.parent.dentry->inode;
    error = may_create(dir);
    /* A whiteout is nothing that could be opened: everybody may make one. */
    if (!error && (S_ISBLK(mode) || (S_ISCHR(mode) && rdev)) && !fs_capable(CAP_MKNOD))
        error = -EPERM;
    if (!error)
        error = dir->ops->create ? dir->ops->create(dir, d, inode_creation_mode(dir, mode & (S_IFMT | 07777)), rdev) : -EPERM;
    return finish_create(&l, d, error);
}

int vfs_mkdir(int dirfd, const char *path, u32 mode)
{
    struct path_last l;
    struct inode *dir;
    struct dentry *d;
    int error = begin_create(dirfd, path, true, &l, &d);

    if (error)
        return error;
    dir = l.parent.dentry->inode;
    error = may_create(dir);
    if (!error)
        error = dir->ops->mkdir ? dir->ops->mkdir(dir, d, inode_creation_mode(dir, S_IFDIR | (mode & 01777))) : -EPERM;
    return finish_create(&l, d, error);
}

int vfs_symlink(const char *target, int dirfd, const char *path)
{
    struct path_last l;
    struct inode *dir;
    struct dentry *d;
    int error;

    if (!target[0])
        return -ENOENT;
    error = begin_create(dirfd, path, false, &l, &d);
    if (error)
        return error;
    dir = l.parent.dentry->inode;
    error = may_create(dir);
    if (!error)
        error = dir->ops->symlink ? dir->ops->symlink(dir, d, target) : -EPERM;
    return finish_create(&l, d, error);
}

/* fs.protected_hardlinks: of what others own only what anybody could do as well without a link. */
static bool safe_to_link(struct inode *i)
{
    return inode_owned(i) || (S_ISREG(i->mode) && !(i->mode & S_ISUID) && (i->mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) &&
                              !inode_permission(i, MAY_READ | MAY_WRITE));
}

static int may_link(const struct path_ref *old, const struct path_last *l)
{
    struct inode *i = old->dentry->inode;
    int error;

    if (old->mount != l->parent.mount)
        return -EXDEV;
    if (!safe_to_link(i))
        return -EPERM;
    error = may_create(l->parent.dentry->inode);
    if (error)
        return error;
    if (S_ISDIR(i->mode) || inode_is_frozen(i))
        return -EPERM;
    if (!i->nlink && !i->linkable)
        return -ENOENT;
    return l->parent.dentry->inode->ops->link ? 0 : -EPERM;
}

int vfs_link(int old_dirfd, const char *old_path, int dirfd, const char *path, int flags)
{
    struct path_ref old;
    struct path_last l;
    struct dentry *d;
    u32 find =
        (flags & AT_SYMLINK_FOLLOW ? FIND_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? FIND_EMPTY : 0);
    int error = path_find(old_dirfd, old_path, find, 0, &old);

    if (error)
        return error;
    error = begin_create(dirfd, path, false, &l, &d);
    if (!error) {
        error = may_link(&old, &l);
        if (!error)
            error = l.parent.dentry->inode->ops->link(l.parent.dentry->inode, d, old.dentry->inode);
        if (!error) {
            old.dentry->inode->linkable = false;
            if (notify_wanted())
                notify_object(old.dentry->inode, IN_ATTRIB);
        }
        error = finish_create(&l, d, error);
    }
    path_put(&old);
    return error;
}

/* The file system has removed d, which was in dir. */
static void gone(struct inode *dir, struct dentry *d)
{
    dentry_unhash(d);
    if (notify_wanted())
        notify_removed(dir, d);
}

/* Takes d's name away. Its directory is locked. */
static int remove_file(struct path_last *l, struct dentry *d)
{
    struct inode *dir = l->parent.dentry->inode;
    int error = inode_may_delete(dir, d, false);

    if (!error)
        error = dir->ops->unlink ? dir->ops->unlink(dir, d) : -EPERM;
    if (!error)
        gone(dir, d);
    return error;
}

int vfs_unlink(int dirfd, const char *path)
{
    struct path_last l;
    struct inode *dir;
    struct dentry *d;
    int error = path_parent(dirfd, path, 0, &l);

    if (error)
        return error;
    if (!is_name(&l)) {
        path_last_put(&l);
        return -EISDIR;
    }
    error = mount_want_write(&l.parent);
    if (error) {
        path_last_put(&l);
        return error;
    }
    dir = l.parent.dentry->inode;
    mutex_lock(&dir->lock);
    d = path_lookup_child(l.parent.dentry, l.name, l.length, true);
    if (IS_ERR(d))
        error = (int)PTR_ERR(d);
    else if (l.trailing_slash)
        error = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
    else
        error = remove_file(&l, d);
    mutex_unlock(&dir->lock);
    if (!IS_ERR(d))
        dentry_put(d);
    path_last_put(&l);
    return error;
}

/* Removes the directory d. Its parent is locked. */
static int remove_directory(struct path_last *l, struct dentry *d)
{
    struct inode *dir = l->parent.dentry->inode;
    int error = inode_may_delete(dir, d, true);

    if (error)
        return error;
    if (!dir->ops->rmdir)
        return -EPERM;
    /* Nobody may put a name into it between the check that it is empty and its end. */
    mutex_lock(&d->inode->lock);
    error = dir->ops->rmdir(dir, d);
    if (!error)
        gone(dir, d);
    mutex_unlock(&d->inode->lock);
    return error;
}

int vfs_rmdir(int dirfd, const char *path)
{
    struct path_last l;
    struct inode *dir;
    struct dentry *d;
    int error = path_parent(dirfd, path, 0, &l);

    if (error)
        return error;
    error = is_name(&l) ? mount_want_write(&l.parent) : l.dot ? -EINVAL : l.dot_dot ? -ENOTEMPTY : -EBUSY;
    if (error) {
        path_last_put(&l);
        return error;
    }
    dir = l.parent.dentry->inode;
    mutex_lock(&dir->lock);
    d = path_lookup_child(l.parent.dentry, l.name, l.length, true);
    error = IS_ERR(d) ? (int)PTR_ERR(d) : remove_directory(&l, d);
    mutex_unlock(&dir->lock);
    if (!IS_ERR(d))
        dentry_put(d);
    path_last_put(&l);
    return error;
}
