/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths to open files that have none: what /proc/PID/fd/N leads to, and what an empty path names.
 * The object is a detached dentry; a file without an inode gets one that passes questions on to the
 * file.
 */
#include "fs/vfs.h"
#include "kernel/lib/printf.h"

static int stat_file(struct inode *i, struct stat *st)
{
    return file_stat(i->private, st);
}

static int reopen_file(struct inode *i, struct file *new)
{
    struct file *f = i->private;

    if (!f->ops->reopen)
        return -ENXIO;
    new->ops = f->ops;
    return f->ops->reopen(f, new);
}

static int change_file(struct inode *i, const struct inode_attr *a)
{
    struct file *f = i->private;

    if (a->valid & ATTR_SIZE)
        return -EINVAL;
    return f->ops->setattr ? f->ops->setattr(f, a) : -EOPNOTSUPP;
}

static const struct inode_ops file_inode_ops = {.getattr = stat_file, .setattr = change_file, .open = reopen_file};

/* An inode that stands for f and holds a reference on it. */
static struct inode *inode_for(struct file *f)
{
    struct mount *m = mount_anonymous();
    struct stat st;
    struct inode *i;

    if (!m || file_stat(f, &st))
        return NULL;
    i = inode_create(m->super, &file_inode_ops, st.st_mode, NULL);
    if (!i)
        return NULL;
    i->ino = st.st_ino;
    i->uid = st.st_uid;
    i->gid = st.st_gid;
    i->rdev = st.st_rdev;
    file_get(f);
    i->private = f;
    return i;
}

int file_path_ref(struct file *f, struct path_ref *out)
{
    struct inode *i = f->inode;
    char name[40];

    if (f->dentry) {
        *out = (struct path_ref){f->mount, f->dentry};
        path_get(out);
        return 0;
    }
    if (i)
        inode_get(i);
    else
        i = inode_for(f);
    if (!i)
        return -ENOMEM;
    snprintf(name, sizeof(name), "%s:[%llu]", f->ops->kind, (unsigned long long)i->ino);
    out->dentry = dentry_create_detached(name, i);
    if (IS_ERR(out->dentry)) {
        out->dentry = NULL;
        inode_put(i);
        return -ENOMEM;
    }
    out->mount = mount_anonymous();
    mount_get(out->mount);
    return 0;
}

/* The last reference to an inode of this kind has gone (super_ops of the anonymous mount). */
void anonymous_put_inode(struct inode *i)
{
    if (i->ops == &file_inode_ops)
        file_put(i->private);
}
