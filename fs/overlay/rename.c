/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2) in an overlay: both directories and what moves are in the upper tree, so it is a rename
 * there, with a whiteout where the old name would show something lower. A directory that comes to
 * stand over a lower name is made opaque. Directories with a lower part do not move: EXDEV, as
 * Linux without redirect_dir.
 */
#include <linux/fs.h>
#include "fs/overlay/overlay.h"

/* One end of a rename. */
struct end {
    struct inode *dir;      /* the overlay's */
    struct dentry *name;    /* the overlay's dentry; without inode if the new name is free */
    struct dentry *up;      /* the upper directory */
    struct dentry *real;    /* what has the name there, whiteouts too: reference, or NULL */
    struct dentry *fresh;   /* prepared dentry of the name */
    int covered;            /* the name would show something lower */
};

static bool is_directory(const struct dentry *d)
{
    return d->inode && S_ISDIR(d->inode->mode);
}

static bool may_move(const struct dentry *d)
{
    return !is_directory(d) || !overlay_node(d->inode)->n_lowers;
}

/* All that can fail without a trace. moves: what has the name goes to the other end. */
static int prepare(struct end *e, bool moves)
{
    struct dentry *d = e->name;
    int error = 0;

    e->up = overlay_writable(e->dir);
    if (IS_ERR(e->up))
        return (int)PTR_ERR(e->up);
    if (moves)
        error = overlay_copy_up(d->inode, ~0ull);
    if (error)
        return error;
    e->covered = overlay_is_covered(e->dir, d);
    if (e->covered < 0)
        return e->covered;
    e->fresh = dentry_create(e->up, d->name, d->name_length);
    if (IS_ERR(e->fresh)) {
        e->fresh = NULL;
        return -ENOMEM;
    }
    return 0;
}

static void finish(struct end *e)
{
    if (e->fresh)
        dentry_put(e->fresh);
    if (e->real)
        dentry_put(e->real);
}

static int make_opaque(const struct dentry *d)
{
    struct inode *upper = overlay_upper(d->inode);

    return upper->ops->setxattr(upper, OVERLAY_XATTR_OPAQUE, "y", 1, 0);
}

static int find_real(struct end *e)
{
    struct dentry *d = path_lookup_child(e->up, e->name->name, e->name->name_length, true);

    if (!IS_ERR(d))
        e->real = d;
    return IS_ERR(d) && d != ERR_PTR(-ENOENT) ? (int)PTR_ERR(d) : 0;
}

/* The two upper directories are locked. list: what a directory that is replaced holds. */
static int exchange(struct end *from, struct end *to)
{
    struct inode *a = from->up->inode, *b = to->up->inode;
    int error;

    if (!to->real)
        return -ESTALE;
    error = a->ops->rename(a, from->real, b, to->real, RENAME_EXCHANGE);
    if (!error)
        dentry_exchange(from->real, to->real);
    return error;
}

static int replace(struct end *from, struct end *to, const struct overlay_listing *list)
{
    struct inode *a = from->up->inode, *b = to->up->inode;
    bool directory = to->real && is_directory(to->real);
    int error = 0;

    if (directory) {
        mutex_lock(&to->real->inode->lock);
        error = list ? overlay_clear_whiteouts(list, to->real) : -EISDIR;
    }
    if (!error)
        error = a->ops->rename(a, from->real, b, to->real ? to->real : to->fresh, 0);
    if (!error)
        dentry_move(from->real, to->fresh, to->real);
    if (directory)
        mutex_unlock(&to->real->inode->lock);
    return error;
}

static void lock_two(struct inode *a, struct inode *b)
{
    mutex_lock(a <= b ? &a->lock : &b->lock);
    if (a != b)
        mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct inode *a, struct inode *b)
{
    mutex_unlock(&a->lock);
    if (a != b)
        mutex_unlock(&b->lock);
}

/* Everything is copied up and prepared. */
static int change(struct end *from, struct end *to, const struct overlay_listing *list, u32 flags)
{
    struct inode *replaced = flags & RENAME_EXCHANGE ? NULL : to->name->inode;
    int error;

    if (replaced)
        mutex_lock(&overlay_node(replaced)->lock);
    lock_two(from->up->inode, to->up->inode);
    error = find_real(from);
    if (!error)
        error = find_real(to);
    if (!error && !from->real)
        error = -ESTALE;
    if (!error)
        error = flags & RENAME_EXCHANGE ? exchange(from, to) : replace(from, to, list);
    if (!error && from->covered && !(flags & RENAME_EXCHANGE))
        error = overlay_put_whiteout(overlay_of(from->dir), from->fresh);
    unlock_two(from->up->inode, to->up->inode);
    if (replaced) {
        if (!error)
            overlay_name_gone(replaced);
        mutex_unlock(&overlay_node(replaced)->lock);
    }
    return error;
}

int overlay_rename(struct inode *from_dir, struct dentry *old, struct inode *to_dir,
                   struct dentry *new, u32 flags)
{
    struct end from = {.dir = from_dir, .name = old}, to = {.dir = to_dir, .name = new};
    struct overlay_listing *list = NULL;
    bool both = flags & RENAME_EXCHANGE;
    int error;

    if (!may_move(old) || (both && !may_move(new)))
        return -EXDEV;
    error = prepare(&from, true);
    if (!error)
        error = prepare(&to, both);
    if (!error && !both && is_directory(new)) {
        list = overlay_list(new->inode);
        error = IS_ERR(list) ? (int)PTR_ERR(list) : overlay_list_is_empty(list) ? 0 : -ENOTEMPTY;
    }
    if (!error && is_directory(old) && to.covered)
        error = make_opaque(old);
    if (!error && both && is_directory(new) && from.covered)
        error = make_opaque(new);
    if (!error)
        error = change(&from, &to, list, flags);
    if (list && !IS_ERR(list))
        overlay_list_free(list);
    finish(&from);
    finish(&to);
    if (!error) {
        overlay_directory_changed(from_dir);
        overlay_directory_changed(to_dir);
        overlay_names_changed(old->inode);
    }
    return error;
}
