/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of names in 9p: made at the server, then asked for like any other object. The VFS holds the directories' locks
 * and has checked names and permissions.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "fs/ninep/ninep.h"
#include "kernel/process.h"

/* The group that a new object is to have. */
static u32 group_for(const struct inode *dir)
{
    return dir->mode & S_ISGID ? dir->gid : current_thread()->cred.fsgid;
}

/* What was made belongs to the program's user, as far as the server may give files away. */
static void give_to_user(struct inode *i)
{
    struct ninep_attr a = {.uid = current_thread()->cred.fsuid, .gid = i->gid};
    struct ninep_fid *f;

    if (a.uid == 0 || a.uid == i->uid)
        return;
    f = ninep_fid_of(i);
    if (!ninep_setattr(&ninep_super_of(i->super)->client, f, NINEP_SETATTR_UID, &a))
        i->uid = a.uid;
    ninep_fid_put(&ninep_super_of(i->super)->client, f);
}

/* The name was made, or not: d gets its inode. */
static int made(struct inode *dir, struct dentry *d, int error)
{
    struct inode *i;

    if (error)
        return error;
    ninep_listing_forget(dir);
    i = ninep_find(dir, d);
    if (IS_ERR(i))
        return (int)PTR_ERR(i);
    give_to_user(i);
    if (S_ISDIR(i->mode))
        dir->nlink++;
    d->inode = i;
    return 0;
}

/* A regular file comes with an open fid: its mode may forbid a second open. */
static int create_file(struct inode *dir, struct dentry *d, u32 mode)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *parent = ninep_fid_of(dir), *f = ninep_walk(c, parent, NULL, 0, NULL);
    int error;

    ninep_fid_put(c, parent);
    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    error = ninep_create(c, f, ninep_name_of(d), O_CREAT | O_EXCL | O_RDWR, mode & 07777, group_for(dir));
    if (!error)
        error = made(dir, d, 0);
    if (!error)
        ninep_keep_open(ninep_node_of(d->inode), f);
    else
        ninep_fid_put(c, f);
    return error;
}

int ninep_create_op(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *f;
    int error;

    if (S_ISREG(mode))
        return create_file(dir, d, mode);
    f = ninep_fid_of(dir);
    error = ninep_mknod(c, f, ninep_name_of(d), mode, rdev, group_for(dir));
    ninep_fid_put(c, f);
    return made(dir, d, error);
}

int ninep_mkdir_op(struct inode *dir, struct dentry *d, u32 mode)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *f = ninep_fid_of(dir);
    int error;

    /* The server sets the mode once more after it has made the directory. */
    mode |= dir->mode & S_ISGID;
    error = ninep_mkdir(c, f, ninep_name_of(d), mode & 07777, group_for(dir));

    ninep_fid_put(c, f);
    return made(dir, d, error);
}

int ninep_symlink_op(struct inode *dir, struct dentry *d, const char *target)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *f = ninep_fid_of(dir);
    int error = ninep_symlink(c, f, ninep_name_of(d), target, group_for(dir));

    ninep_fid_put(c, f);
    return made(dir, d, error);
}

int ninep_link_op(struct inode *dir, struct dentry *d, struct inode *target)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *f = ninep_fid_of(dir), *to = ninep_fid_of(target);
    int error = ninep_link(c, f, ninep_name_of(d), to);

    ninep_fid_put(c, to);
    ninep_fid_put(c, f);
    return made(dir, d, error);
}

/* The object lost a name; links: how many its removal takes away. */
static void lost_name(struct inode *i, u32 links)
{
    struct ninep_node *n = i->private;

    i->nlink -= MIN(i->nlink, links);
    ninep_changed(n);
    if (i->nlink == 0)
        n->orphan = true;
}

static int remove_name(struct inode *dir, struct dentry *d, u32 flags)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *f = ninep_fid_of(dir);
    int error = ninep_unlink(c, f, ninep_name_of(d), flags);

    ninep_fid_put(c, f);
    if (!error) {
        ninep_listing_forget(dir);
        lost_name(d->inode, flags ? UINT32_MAX : 1);
    }
    return error;
}

int ninep_unlink_op(struct inode *dir, struct dentry *d)
{
    return remove_name(dir, d, 0);
}

int ninep_rmdir_op(struct inode *dir, struct dentry *d)
{
    int error = remove_name(dir, d, AT_REMOVEDIR);

    if (!error && dir->nlink > 2)
        dir->nlink--;
    return error;
}

int ninep_rename_op(struct inode *from, struct dentry *old, struct inode *to, struct dentry *new, u32 flags)
{
    struct ninep_client *c = &ninep_super_of(from->super)->client;
    struct ninep_fid *f, *t;
    int error;

    if (flags) /* 9P renames in one direction */
        return -EINVAL;
    f = ninep_fid_of(from);
    t = ninep_fid_of(to);
    error = ninep_rename(c, f, ninep_name_of(old), t, ninep_name_of(new));
    ninep_fid_put(c, f);
    ninep_fid_put(c, t);
    if (error)
        return error;
    ninep_listing_forget(from);
    ninep_listing_forget(to);
    ninep_changed(ninep_node_of(old->inode));
    if (new->inode)
        lost_name(new->inode, S_ISDIR(new->inode->mode) ? UINT32_MAX : 1);
    return 0;
}
