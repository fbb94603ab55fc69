/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes of an overlay: what stands for which real objects, and attributes.
 *
 * Each name of a lower file has an overlay inode of its own, as copying up breaks its hard links. The
 * names of an upper file share one: while it has or had several, it is found by its upper inode.
 */
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"

static const struct inode_ops file_ops, directory_ops, symlink_ops, special_ops;

u64 overlay_number(const struct overlay *o, const struct super *s, u64 ino)
{
    unsigned n = 0;

    while (n < o->n_supers && o->supers[n] != s)
        n++;
    return ino ^ (u64)n << 56;
}

u64 overlay_upper_number(const struct overlay *o, struct inode *upper)
{
    u64 number;

    if (!S_ISDIR(upper->mode) && upper->ops->getxattr &&
        upper->ops->getxattr(upper, OVERLAY_XATTR_NUMBER, &number, sizeof(number)) == sizeof(number))
        return number;
    return overlay_number(o, upper->super, upper->ino);
}

void overlay_refresh(struct inode *i, const struct inode *real)
{
    i->mode = real->mode;
    i->uid = real->uid;
    i->gid = real->gid;
    i->size = inode_size(real);
    i->atime = real->atime;
    i->mtime = real->mtime;
    i->ctime = real->ctime;
}

/* ------------------------------------------------------------ inodes by upper inode */

static struct list *alias_chain(struct overlay *o, const struct inode *upper)
{
    return &o->aliases[(u64)upper / sizeof(*upper) % OVERLAY_ALIAS_CHAINS];
}

/* Locked. With a reference, or NULL. */
static struct inode *find_alias(struct list *chain, const struct inode *upper)
{
    struct overlay_node *n;

    list_for_each(n, chain, alias_link)
        if (n->upper == upper && inode_try_get(n->inode))
            return n->inode;
    return NULL;
}

void overlay_names_changed(struct inode *i)
{
    struct overlay *o = overlay_of(i);
    const struct inode *upper = overlay_upper(i);

    /* Of two changes side by side the one that comes last here sees the other's. */
    spin_lock(&o->aliases_lock);
    i->nlink = READ_ONCE(upper->nlink);
    i->ctime = READ_ONCE(upper->ctime);
    spin_unlock(&o->aliases_lock);
}

void overlay_share(struct inode *i)
{
    struct overlay *o = overlay_of(i);
    struct overlay_node *n = overlay_node(i);

    spin_lock(&o->aliases_lock);
    if (list_empty(&n->alias_link))
        list_add_head(alias_chain(o, n->upper), &n->alias_link);
    spin_unlock(&o->aliases_lock);
}

/* The inode that stands for new's upper inode: new itself, or another that was there before. */
static struct inode *join_aliases(struct overlay *o, struct inode *new)
{
    struct overlay_node *n = overlay_node(new);
    struct list *chain = alias_chain(o, n->upper);
    struct inode *found;

    spin_lock(&o->aliases_lock);
    found = find_alias(chain, n->upper);
    if (!found && n->upper->nlink > 1)
        list_add_head(chain, &n->alias_link);
    spin_unlock(&o->aliases_lock);
    if (!found)
        return new;
    inode_put(new);
    return found;
}

/* ------------------------------------------------------------ life */

static const struct inode_ops *ops_of(u32 mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return &file_ops;
    case S_IFDIR:
        return &directory_ops;
    case S_IFLNK:
        return &symlink_ops;
    default:
        return &special_ops;
    }
}

struct inode *overlay_inode(struct overlay *o, struct inode *upper, struct dentry *upper_dir,
                            struct dentry *const *lowers, u32 n_lowers, struct dentry *dentry)
{
    struct inode *lower = n_lowers ? lowers[0]->inode : NULL, *real = upper ? upper : lower, *i;
    u32 kept = S_ISDIR(real->mode) ? n_lowers : 0;
    struct overlay_node *n = kzalloc(sizeof(*n) + kept * sizeof(n->lowers[0]));

    i = n ? inode_create(&o->super, ops_of(real->mode), real->mode, NULL) : NULL;
    if (!i) {
        kfree(n);
        return ERR_PTR(-ENOMEM);
    }
    i->private = n;
    mutex_init(&i->lock, LOCK_OVERLAY);
    mutex_init(&n->lock, LOCK_COPY_UP);
    list_init(&n->alias_link);
    n->inode = i;
    n->upper = upper;
    n->lower = lower;
    n->upper_dir = upper_dir;
    n->dentry = dentry;
    n->several_names = lower && !S_ISDIR(lower->mode) && lower->nlink > 1;
    if (upper)
        inode_get(upper);
    if (lower)
        inode_get(lower);
    if (upper_dir)
        dentry_get(upper_dir);
    for (; n->n_lowers < kept; n->n_lowers++) {
        n->lowers[n->n_lowers] = lowers[n->n_lowers];
        dentry_get(lowers[n->n_lowers]);
    }
    i->ino = lower ? overlay_number(o, lower->super, lower->ino) : overlay_upper_number(o, upper);
    i->rdev = real->rdev;
    i->nlink = real->nlink;
    i->btime = real->btime;
    overlay_refresh(i, real);
    return upper && !S_ISDIR(real->mode) ? join_aliases(o, i) : i;
}

void overlay_put_inode(struct inode *i)
{
    struct overlay *o = overlay_of(i);
    struct overlay_node *n = overlay_node(i);

    if (!list_empty(&n->alias_link)) {
        spin_lock(&o->aliases_lock);
        list_remove(&n->alias_link);
        spin_unlock(&o->aliases_lock);
    }
    while (n->n_lowers)
        dentry_put(n->lowers[--n->n_lowers]);
    if (n->upper_dir)
        dentry_put(n->upper_dir);
    if (n->lower)
        inode_put(n->lower);
    if (n->upper)
        inode_put(n->upper);
    kfree(n);
}

/* ------------------------------------------------------------ attributes */

static int stat_inode(struct inode *i, struct stat *st)
{
    struct overlay_node *n = overlay_node(i);
    int error = inode_stat(overlay_real(i), st);

    st->st_dev = i->super->dev;
    st->st_ino = i->ino;
    /* Subdirectories of merged directories are not counted, as on Linux. */
    if (n->n_lowers + (overlay_upper(i) != NULL) > 1)
        st->st_nlink = 1;
    return error;
}

static int set_attributes(struct inode *i, const struct inode_attr *a)
{
    int error = overlay_copy_up(i, a->valid & ATTR_SIZE ? a->size : ~0ull);

    if (!error)
        error = inode_store(overlay_upper(i), a);
    if (!error)
        overlay_refresh(i, overlay_upper(i));
    return error;
}

static ssize read_link(struct inode *i, char *buf, size_t n)
{
    struct inode *real = overlay_real(i);

    return real->ops->readlink ? real->ops->readlink(real, buf, n) : -EINVAL;
}

#define ATTRIBUTE_OPS                                                                              \
    .stat = stat_inode, .setattr = set_attributes, .getxattr = overlay_getxattr,            \
    .setxattr = overlay_setxattr, .listxattr = overlay_listxattr,                                  \
    .removexattr = overlay_removexattr

static const struct inode_ops file_ops = {.open = overlay_open_file, ATTRIBUTE_OPS};
static const struct inode_ops symlink_ops = {.readlink = read_link, ATTRIBUTE_OPS};
/* Devices, FIFOs and sockets are the VFS's own, whatever layer their inode is in. */
static const struct inode_ops special_ops = {ATTRIBUTE_OPS};
static const struct inode_ops directory_ops = {
    .lookup = overlay_lookup,
    .look_ahead = overlay_look_ahead,
    .create = overlay_create_node,
    .mkdir = overlay_mkdir,
    .symlink = overlay_symlink,
    .link = overlay_link,
    .unlink = overlay_unlink,
    .rmdir = overlay_rmdir,
    .rename = overlay_rename,
    .tmpfile = overlay_tmpfile,
    .open = overlay_open_directory,
    ATTRIBUTE_OPS,
};
