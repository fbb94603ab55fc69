/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a name shows: the topmost object that has it, with the directories below it that it is merged
 * with. A whiteout hides what is below; so does anything that is not a directory, and a directory
 * that says so (opaque).
 */
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"

#define FEW_LOWERS 8

bool overlay_is_opaque(struct inode *real)
{
    char value = 0;

    return real->ops->getxattr &&
           real->ops->getxattr(real, OVERLAY_XATTR_OPAQUE, &value, 1) == 1 && value == 'y';
}

/* What lookup has found so far. */
struct found {
    struct dentry *upper;
    struct dentry **lowers;
    u32 n_lowers;
    bool done; /* nothing further down shows */
};

/* The object of a layer that has the name: reference, NULL, or ERR_PTR. */
static struct dentry *ask(struct dentry *dir, const struct dentry *name)
{
    struct dentry *d = path_lookup_child(dir, name->name, name->name_length, false);

    return d == ERR_PTR(-ENOENT) ? NULL : d;
}

/*
 * Takes the next object down into account; its reference is taken over. more: there are layers below it, for which it
 * matters whether it is opaque. True if it shows.
 */
static bool add(struct found *f, struct dentry *d, bool more)
{
    bool directory = S_ISDIR(d->inode->mode), first = !f->upper && !f->n_lowers;

    f->done = !directory || (more && overlay_is_opaque(d->inode));
    if (overlay_is_whiteout(d->inode) || (!directory && !first)) {
        dentry_put(d);
        return false;
    }
    return true;
}

static int find(struct overlay_node *n, const struct dentry *name, struct found *f)
{
    struct dentry *d;

    if (n->upper_dir && overlay_upper(n->inode)) {
        d = ask(n->upper_dir, name);
        if (IS_ERR(d))
            return (int)PTR_ERR(d);
        if (d && add(f, d, n->n_lowers > 0))
            f->upper = d;
    }
    for (u32 k = 0; k < n->n_lowers && !f->done; k++) {
        d = ask(n->lowers[k], name);
        if (IS_ERR(d))
            return (int)PTR_ERR(d);
        if (d && add(f, d, k + 1 < n->n_lowers))
            f->lowers[f->n_lowers++] = d;
    }
    return 0;
}

static void put_found(struct found *f, struct dentry **few)
{
    if (f->upper)
        dentry_put(f->upper);
    while (f->n_lowers)
        dentry_put(f->lowers[--f->n_lowers]);
    if (f->lowers != few)
        kfree(f->lowers);
}

int overlay_lookup(struct inode *dir, struct dentry *d)
{
    struct overlay_node *n = overlay_node(dir);
    struct dentry *few[FEW_LOWERS];
    struct found f = {.lowers = few};
    struct inode *i;
    int error;

    if (READ_ONCE(n->removed))
        return 0;
    if (n->n_lowers > FEW_LOWERS)
        f.lowers = kmalloc(n->n_lowers * sizeof(*f.lowers));
    if (!f.lowers)
        return -ENOMEM;
    error = find(n, d, &f);
    if (!error && (f.upper || f.n_lowers)) {
        bool directory = f.upper && S_ISDIR(f.upper->inode->mode);

        i = overlay_inode(overlay_of(dir), f.upper ? f.upper->inode : NULL,
                          directory ? f.upper : NULL, f.lowers, f.n_lowers, d);
        if (IS_ERR(i))
            error = (int)PTR_ERR(i);
        else
            d->inode = i;
        if (overlay_recording && !error && f.n_lowers)
            overlay_tell("saw", d);
    }
    put_found(&f, few);
    return error;
}

int overlay_is_covered(struct inode *dir, const struct dentry *name)
{
    struct overlay_node *n = overlay_node(dir);

    for (u32 k = 0; k < n->n_lowers; k++) {
        struct dentry *d = ask(n->lowers[k], name);
        bool whiteout;

        if (IS_ERR(d))
            return (int)PTR_ERR(d);
        if (!d)
            continue;
        whiteout = overlay_is_whiteout(d->inode);
        dentry_put(d);
        return !whiteout;
    }
    return 0;
}

void overlay_look_ahead(struct dentry *dir, const char *path)
{
    struct overlay_node *n = overlay_node(dir->inode);

    for (u32 k = 0; k < n->n_lowers && !READ_ONCE(n->removed); k++) {
        const struct inode_ops *ops = n->lowers[k]->inode->ops;

        if (ops->look_ahead)
            ops->look_ahead(n->lowers[k], path);
    }
}
