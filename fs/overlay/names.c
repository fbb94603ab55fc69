/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names made and removed in an overlay: the change is made in the upper directory, with whiteouts
 * where a lower tree would show through.
 *
 * Lock order: the overlay directory's lock (the VFS has it), the node of what loses its name, the
 * upper directory. What must not fail once something is changed is prepared before: whiteouts are
 * links to one inode, so that putting one takes nothing but a dentry.
 */
#include "fs/overlay/overlay.h"
#include "kernel/lib/string.h"

struct dentry *overlay_writable(struct inode *dir)
{
    int error = overlay_copy_up(dir, 0);

    if (!error && READ_ONCE(overlay_node(dir)->removed))
        error = -ENOENT;
    return error ? ERR_PTR(error) : overlay_node(dir)->upper_dir;
}

void overlay_directory_changed(struct inode *dir)
{
    const struct inode *upper = overlay_upper(dir);

    overlay_refresh(dir, upper);
    dir->nlink = upper->nlink;
}

int overlay_put_whiteout(struct overlay *o, struct dentry *d)
{
    struct inode *dir = d->parent->inode;
    int error = dir->ops->link(dir, d, o->whiteout);

    if (!error)
        dentry_hash(d);
    return error;
}

void overlay_name_gone(struct inode *i)
{
    struct overlay_node *n = overlay_node(i);

    if (n->lower)
        n->removed = true;
    if (n->upper && !S_ISDIR(i->mode))
        overlay_names_changed(i);
    else
        i->nlink = S_ISDIR(i->mode) ? 0 : i->nlink - 1;
}

/* ------------------------------------------------------------ making */

/* What is to be made: a link to an overlay inode, a symlink, a directory or an object of mode. */
struct making {
    u32 mode;
    u64 rdev;
    const char *target;
    struct inode *link;
};

static int make_real(struct inode *dir, struct dentry *d, const struct making *m)
{
    if (m->link)
        return dir->ops->link(dir, d, overlay_upper(m->link));
    if (m->target)
        return dir->ops->symlink(dir, d, m->target);
    if (S_ISDIR(m->mode))
        return dir->ops->mkdir(dir, d, m->mode);
    return dir->ops->create(dir, d, m->mode, m->rdev);
}

static void unmake_real(struct inode *dir, struct dentry *d)
{
    if (!S_ISDIR(d->inode->mode)) {
        dir->ops->unlink(dir, d);
        return;
    }
    mutex_lock(&d->inode->lock);
    dir->ops->rmdir(dir, d);
    mutex_unlock(&d->inode->lock);
}

/* Makes new in dir, an upper directory (locked), and the overlay inode for it. ERR_PTR. */
static struct inode *make_both(struct overlay *o, struct inode *dir, struct dentry *new,
                               struct dentry *name, const struct making *m, bool opaque)
{
    struct inode *made, *i;
    int error = make_real(dir, new, m);

    if (error)
        return ERR_PTR(error);
    made = new->inode;
    if (opaque && S_ISDIR(made->mode))
        error = made->ops->setxattr(made, OVERLAY_XATTR_OPAQUE, "y", 1, 0);
    if (error) {
        i = ERR_PTR(error);
    } else if (m->link) {
        i = m->link;
        inode_get(i);
        overlay_names_changed(i);
    } else {
        i = overlay_inode(o, made, S_ISDIR(made->mode) ? new : NULL, NULL, 0, name);
    }
    if (IS_ERR(i))
        unmake_real(dir, new);
    return i;
}

static int make(struct inode *dir, struct dentry *d, const struct making *m)
{
    struct overlay *o = overlay_of(dir);
    struct dentry *up = overlay_writable(dir), *new, *whiteout, *back = NULL;
    struct inode *i = NULL;
    int error = 0;

    if (IS_ERR(up))
        return (int)PTR_ERR(up);
    new = dentry_create(up, d->name, d->name_length);
    if (IS_ERR(new))
        return (int)PTR_ERR(new);
    mutex_lock(&up->inode->lock);
    whiteout = path_lookup_child(up, d->name, d->name_length, true);
    if (!IS_ERR(whiteout)) {
        back = dentry_create(up, d->name, d->name_length);
        if (!overlay_is_whiteout(whiteout->inode))
            error = -EEXIST; /* put there behind the overlay's back */
        else if (IS_ERR(back))
            error = (int)PTR_ERR(back);
        else
            error = up->inode->ops->unlink(up->inode, whiteout);
        if (!error)
            dentry_unhash(whiteout);
    } else if (whiteout != ERR_PTR(-ENOENT)) {
        error = (int)PTR_ERR(whiteout);
    }
    if (!error) {
        i = make_both(o, up->inode, new, d, m, !IS_ERR(whiteout));
        error = IS_ERR(i) ? (int)PTR_ERR(i) : 0;
        if (!error)
            dentry_hash(new);
        else if (!IS_ERR(whiteout))
            overlay_put_whiteout(o, back);
    }
    mutex_unlock(&up->inode->lock);
    if (!error) {
        d->inode = i;
        overlay_directory_changed(dir);
    }
    if (back && !IS_ERR(back))
        dentry_put(back);
    if (!IS_ERR(whiteout))
        dentry_put(whiteout);
    dentry_put(new);
    return error;
}

int overlay_create_node(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    struct making m = {.mode = mode, .rdev = rdev};

    if (S_ISCHR(mode) && !rdev)
        return -EPERM; /* would be taken for a whiteout */
    return make(dir, d, &m);
}

int overlay_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
    struct making m = {.mode = S_IFDIR | mode};

    return make(dir, d, &m);
}

int overlay_symlink(struct inode *dir, struct dentry *d, const char *target)
{
    struct making m = {.target = target};

    return make(dir, d, &m);
}

int overlay_link(struct inode *dir, struct dentry *d, struct inode *target)
{
    struct making m = {.link = target};
    int error = overlay_copy_up(target, ~0ull);

    if (error)
        return error;
    /* A name that a lookup finds from now on leads to this inode. */
    overlay_share(target);
    return make(dir, d, &m);
}

int overlay_tmpfile(struct inode *dir, struct inode **out, u32 mode)
{
    struct dentry *up = overlay_writable(dir);
    struct inode *real, *i;
    int error;

    if (IS_ERR(up))
        return (int)PTR_ERR(up);
    mutex_lock(&up->inode->lock);
    error = up->inode->ops->tmpfile(up->inode, &real, mode);
    mutex_unlock(&up->inode->lock);
    if (error)
        return error;
    i = overlay_inode(overlay_of(dir), real, NULL, NULL, 0, NULL);
    inode_put(real);
    if (IS_ERR(i))
        return (int)PTR_ERR(i);
    *out = i;
    return 0;
}

/* ------------------------------------------------------------ removing */

/* Removes u, in directory up (both locked where that matters); list: what a directory shows. */
static int remove_real(struct inode *dir, struct dentry *u, const struct overlay_listing *list)
{
    int error;

    if (!list) {
        error = dir->ops->unlink(dir, u);
    } else {
        mutex_lock(&u->inode->lock);
        error = overlay_clear_whiteouts(list, u);
        if (!error)
            error = dir->ops->rmdir(dir, u);
        mutex_unlock(&u->inode->lock);
    }
    if (!error)
        dentry_unhash(u);
    return error;
}

static int remove(struct inode *dir, struct dentry *d, const struct overlay_listing *list)
{
    struct overlay *o = overlay_of(dir);
    struct overlay_node *n = overlay_node(d->inode);
    struct dentry *up = overlay_writable(dir), *u, *whiteout = NULL;
    int covered, error = 0;

    if (IS_ERR(up))
        return (int)PTR_ERR(up);
    covered = overlay_is_covered(dir, d);
    if (covered < 0)
        return covered;
    if (covered) {
        whiteout = dentry_create(up, d->name, d->name_length);
        if (IS_ERR(whiteout))
            return (int)PTR_ERR(whiteout);
    }
    mutex_lock(&n->lock);
    mutex_lock(&up->inode->lock);
    u = path_lookup_child(up, d->name, d->name_length, true);
    if (!IS_ERR(u)) {
        error = remove_real(up->inode, u, list);
        dentry_put(u);
    } else if (u != ERR_PTR(-ENOENT)) {
        error = (int)PTR_ERR(u);
    }
    if (!error && whiteout)
        error = overlay_put_whiteout(o, whiteout);
    mutex_unlock(&up->inode->lock);
    if (!error)
        overlay_name_gone(d->inode);
    mutex_unlock(&n->lock);
    if (whiteout)
        dentry_put(whiteout);
    overlay_directory_changed(dir);
    return error;
}

int overlay_unlink(struct inode *dir, struct dentry *d)
{
    return remove(dir, d, NULL);
}

int overlay_rmdir(struct inode *dir, struct dentry *d)
{
    struct overlay_listing *list = overlay_list(d->inode);
    int error;

    if (IS_ERR(list))
        return (int)PTR_ERR(list);
    error = overlay_list_is_empty(list) ? remove(dir, d, list) : -ENOTEMPTY;
    overlay_list_free(list);
    return error;
}
