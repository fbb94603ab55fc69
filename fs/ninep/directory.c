/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories, symlinks and special files of 9p, as the VFS sees them. */
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

/* An open directory's private is its listing, once it is read. */
static int read_directory(struct file *f, u64 *pos,
                          bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino, u8 type),
                          void *arg)
{
    struct inode *i = f->inode;
    struct ninep_listing *l = f->private;
    struct ninep_entry e;

    if (!l || *pos == 0) {
        mutex_lock(&i->lock);
        l = ninep_listing_get(i);
        mutex_unlock(&i->lock);
        if (IS_ERR(l))
            return (int)PTR_ERR(l);
        ninep_listing_put(f->private);
        f->private = l;
    }
    while (ninep_listing_entry(l, *pos, &e)) {
        if (!emit(arg, e.name, e.length, *pos + 1, e.qid.path, e.type))
            break;
        ++*pos;
    }
    return 0;
}

static int sync_directory(struct file *f, bool data_only)
{
    struct ninep_node *n = f->inode->private;
    struct ninep_client *c = &n->fs->client;
    struct ninep_fid *name = ninep_fid_of(f->inode), *d = ninep_walk(c, name, NULL, 0, NULL);
    int error;

    ninep_fid_put(c, name);
    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    error = ninep_open(c, d, O_RDONLY | O_DIRECTORY);
    if (!error)
        error = ninep_fsync(c, d, data_only);
    ninep_fid_put(c, d);
    return error;
}

static void release_directory(struct file *f)
{
    ninep_listing_put(f->private);
}

static const struct file_ops directory_operations = {
    .kind = "9p",
    .seek = directory_seek,
    .readdir = read_directory,
    .fsync = sync_directory,
    .release = release_directory,
};

static int open_directory(struct inode *i, struct file *f)
{
    f->ops = &directory_operations;
    return 0;
}

void ninep_keep_target(struct ninep_node *n, char *target)
{
    char *none = NULL;

    if (!__atomic_compare_exchange_n(&n->target, &none, target, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        kfree(target);
}

static ssize read_link(struct inode *i, char *buf, size_t n)
{
    struct ninep_node *node = i->private;
    struct ninep_client *c = &node->fs->client;
    const char *target = __atomic_load_n(&node->target, __ATOMIC_ACQUIRE);
    struct ninep_fid *f;
    ssize got;

    if (target) {
        n = MIN(n, strlen(target));
        memcpy(buf, target, n);
        return (ssize)n;
    }
    f = ninep_fid_of(i);
    got = ninep_readlink(c, f, buf, n);
    ninep_fid_put(c, f);
    return got;
}

#define ATTRIBUTE_OPS \
    .refresh = ninep_refresh_op, .getattr = ninep_getattr_op, .setattr = ninep_setattr_op

const struct inode_ops ninep_directory_inode_ops = {
    .lookup = ninep_lookup,
    .revalidate = ninep_revalidate,
    .look_ahead = ninep_look_ahead,
    .create = ninep_create_op,
    .mkdir = ninep_mkdir_op,
    .symlink = ninep_symlink_op,
    .link = ninep_link_op,
    .unlink = ninep_unlink_op,
    .rmdir = ninep_rmdir_op,
    .rename = ninep_rename_op,
    .open = open_directory,
    ATTRIBUTE_OPS,
    NINEP_XATTR_OPS,
};

const struct inode_ops ninep_symlink_inode_ops = {
    .readlink = read_link,
    ATTRIBUTE_OPS,
    NINEP_XATTR_OPS,
};

/* FIFOs and devices are the VM's own; a socket has nobody behind it here. */
const struct inode_ops ninep_special_inode_ops = {
    ATTRIBUTE_OPS,
    NINEP_XATTR_OPS,
};
