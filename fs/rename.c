/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2) and renameat2(2). All renames hold LOCK_RENAME, so the shape of the tree stands still
 * while ancestors are checked; of the two directories one above the other is then locked first.
 */
#include <linux/fs.h>
#include "fs/notify.h"

/* A directory above the other goes first: rmdir(2) holds the parent when it takes the child. */
static void lock_directories(struct dentry *a, struct dentry *b)
{
    bool a_first = dentry_is_below(b, a);

    mutex_lock(a_first ? &a->inode->lock : &b->inode->lock);
    if (a->inode != b->inode)
        mutex_lock(a_first ? &b->inode->lock : &a->inode->lock);
}

static void unlock_directories(struct inode *a, struct inode *b)
{
    mutex_unlock(&a->lock);
    if (a != b)
        mutex_unlock(&b->lock);
}

static bool names(const struct path_last *l)
{
    return !l->dot && !l->dot_dot && !l->root;
}

/* Checks that do not depend on permissions. target is NULL when the new name is free. */
static int check_shapes(const struct path_last *from, const struct path_last *to,
                        const struct dentry *source, const struct dentry *target, u32 flags)
{
    bool source_dir = S_ISDIR(source->inode->mode);

    if (!target && to->parent.dentry->unlinked)
        return -ENOENT;
    if (flags & RENAME_NOREPLACE && target)
        return -EEXIST;
    if (flags & RENAME_EXCHANGE) {
        if (!target)
            return -ENOENT;
        if (to->trailing_slash && !S_ISDIR(target->inode->mode))
            return -ENOTDIR;
    }
    if (!source_dir && (from->trailing_slash || (to->trailing_slash && !(flags & RENAME_EXCHANGE))))
        return -ENOTDIR;
    if (dentry_is_below(to->parent.dentry, source))
        return -EINVAL;
    if (target && dentry_is_below(from->parent.dentry, target))
        return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    return 0;
}

static int check_permissions(const struct path_last *from, const struct path_last *to,
                             struct dentry *source, struct dentry *target, u32 flags)
{
    struct inode *from_dir = from->parent.dentry->inode, *to_dir = to->parent.dentry->inode;
    bool source_dir = S_ISDIR(source->inode->mode), other_dir;
    int error = inode_may_delete(from_dir, source, source_dir);

    if (error)
        return error;
    if (!target) {
        error = inode_permission(to_dir, MAY_WRITE | MAY_EXEC);
    } else {
        other_dir = flags & RENAME_EXCHANGE ? S_ISDIR(target->inode->mode) : source_dir;
        error = inode_may_delete(to_dir, target, other_dir);
    }
    if (error || from_dir == to_dir)
        return error;
    if (source_dir)
        error = inode_permission(source->inode, MAY_WRITE);
    if (!error && flags & RENAME_EXCHANGE && S_ISDIR(target->inode->mode))
        error = inode_permission(target->inode, MAY_WRITE);
    return error;
}

/*
 * A character device 0:0 for where the name is: what overlay file systems take for "removed". It is made before anything moves, since
 * there may be no room for it; nobody sees it until it is hashed. ERR_PTR.
 */
static struct dentry *make_whiteout(const struct path_last *from)
{
    struct inode *dir = from->parent.dentry->inode;
    struct dentry *d = dentry_create(from->parent.dentry, from->name, from->length);
    int error;

    if (IS_ERR(d))
        return d;
    error = dir->ops->create(dir, d, S_IFCHR, 0);
    if (!error)
        return d;
    dentry_put(d);
    return ERR_PTR(error);
}

/* Everything is as it will be. */
static void tell(const struct path_last *from, const struct path_last *to, struct inode *moved, struct inode *replaced)
{
    notify_moved(from->parent.dentry->inode, from->name, from->length, to->parent.dentry->inode, to->name, to->length,
                 moved, replaced);
}

/* Everything is checked and locked. */
static int move(const struct path_last *from, const struct path_last *to, struct dentry *source,
                struct dentry *target, u32 flags)
{
    struct inode *from_dir = from->parent.dentry->inode, *to_dir = to->parent.dentry->inode;
    bool exchange = flags & RENAME_EXCHANGE;
    bool lock_target = target && !exchange && S_ISDIR(target->inode->mode);
    struct dentry *place, *whiteout = NULL;
    int error;

    if (!from_dir->ops->rename)
        return -EPERM;
    if (flags & RENAME_WHITEOUT && (!from_dir->ops->create || from_dir->super->no_whiteouts))
        return -EINVAL;
    place = dentry_create(to->parent.dentry, to->name, to->length);
    if (IS_ERR(place))
        return (int)PTR_ERR(place);
    if (flags & RENAME_WHITEOUT)
        whiteout = make_whiteout(from);
    if (IS_ERR(whiteout)) {
        dentry_put(place);
        return (int)PTR_ERR(whiteout);
    }
    if (lock_target)
        mutex_lock(&target->inode->lock);
    error = from_dir->ops->rename(from_dir, source, to_dir, target ? target : place,
                                  flags & RENAME_EXCHANGE);
    if (!error && exchange) {
        dentry_exchange(source, target);
    } else if (!error) {
        dentry_move(source, place, target);
        if (whiteout)
            dentry_hash(whiteout);
    }
    if (!error && notify_wanted()) {
        tell(from, to, source->inode, target && !exchange ? target->inode : NULL);
        if (exchange)
            tell(to, from, target->inode, NULL);
    }
    if (lock_target)
        mutex_unlock(&target->inode->lock);
    if (whiteout) {
        if (error)
            from_dir->ops->unlink(from_dir, whiteout);
        dentry_put(whiteout);
    }
    dentry_put(place);
    return error;
}

static int rename_locked(const struct path_last *from, const struct path_last *to, u32 flags)
{
    struct dentry *source = path_lookup_child(from->parent.dentry, from->name, from->length, true);
    struct dentry *target;
    int error;

    if (IS_ERR(source))
        return (int)PTR_ERR(source);
    target = path_lookup_child(to->parent.dentry, to->name, to->length, true);
    if (IS_ERR(target) && target != ERR_PTR(-ENOENT)) {
        dentry_put(source);
        return (int)PTR_ERR(target);
    }
    if (IS_ERR(target))
        target = NULL;
    error = check_shapes(from, to, source, target, flags);
    if (!error && (!target || source->inode != target->inode)) {
        error = check_permissions(from, to, source, target, flags);
        if (!error)
            error = move(from, to, source, target, flags);
    }
    if (target)
        dentry_put(target);
    dentry_put(source);
    return error;
}

int vfs_rename(int old_dirfd, const char *old_path, int dirfd, const char *path, u32 flags)
{
    struct path_last from, to;
    int error = path_parent(old_dirfd, old_path, 0, &from);

    if (error)
        return error;
    error = path_parent(dirfd, path, 0, &to);
    if (error) {
        path_last_put(&from);
        return error;
    }
    if (from.parent.mount != to.parent.mount)
        error = -EXDEV;
    else if (!names(&from))
        error = -EBUSY;
    else if (!names(&to))
        error = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    else
        error = mount_want_write(&to.parent);
    if (!error) {
        struct inode *a = from.parent.dentry->inode, *b = to.parent.dentry->inode;

        mutex_lock(&rename_lock);
        lock_directories(from.parent.dentry, to.parent.dentry);
        error = rename_locked(&from, &to, flags);
        unlock_directories(a, b);
        mutex_unlock(&rename_lock);
    }
    path_last_put(&to);
    path_last_put(&from);
    return error;
}
