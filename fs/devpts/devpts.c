/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: a directory with a device for each slave, which comes and goes with its pair, and ptmx. Names are
 * in memory only and nobody else can make any. Every mount is the same instance, with the options below whatever
 * mount(2) says.
 */
#include <linux/magic.h>
#include "fs/devpts/devpts.h"
#include "fs/pty.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

#define PTMX_DEVICE device_number(5, 2)
#define GROUP_TTY   5 /* Debian's */

static struct super devpts;
static const u32 slave_mode = 0620, slave_gid = GROUP_TTY;

static int open_device(struct inode *i, struct file *f)
{
    return i->rdev == PTMX_DEVICE ? pty_open_master(f) : pty_open_slave((unsigned)(i->ino - 3), f);
}

static const struct file_ops directory_ops = {
    .kind = "devpts",
    .readdir = dentry_readdir,
    .seek = directory_seek,
};

static int open_directory(struct inode *i, struct file *f)
{
    f->ops = &directory_ops;
    return 0;
}

static const struct inode_ops device_inode_ops = {.open = open_device};
static const struct inode_ops directory_inode_ops = {.open = open_directory};

/* Numbers are those of Linux: the root 1, ptmx 2, then slaves by index. */
static int add(const char *name, u32 mode, u64 ino, u64 device, u32 gid)
{
    struct dentry *d = dentry_create(devpts.root, name, strlen(name));
    struct inode *i = IS_ERR(d) ? NULL : inode_create(&devpts, &device_inode_ops, S_IFCHR | mode, NULL);

    if (!i) {
        if (!IS_ERR(d))
            dentry_put(d);
        return -ENOMEM;
    }
    i->ino = ino;
    i->rdev = device;
    i->gid = gid;
    d->inode = i;
    mutex_lock(&devpts.root->inode->lock);
    dentry_hash(d); /* its reference is that of the name */
    mutex_unlock(&devpts.root->inode->lock);
    return 0;
}

int devpts_add(unsigned index, u32 device)
{
    char name[16];

    snprintf(name, sizeof(name), "%u", index);
    return add(name, slave_mode, index + 3, device, slave_gid);
}

void devpts_remove(unsigned index)
{
    struct inode *root = devpts.root->inode;
    struct dentry *d;
    char name[16];

    snprintf(name, sizeof(name), "%u", index);
    mutex_lock(&root->lock);
    d = dentry_find(devpts.root, name, strlen(name));
    if (d) {
        d->inode->nlink = 0;
        dentry_unhash(d);
        dentry_put(d);
    }
    mutex_unlock(&root->lock);
    if (d)
        dentry_put(d);
}

static void show_options(struct super *s, char *buf, size_t n)
{
    scnprintf(buf, n, ",gid=%u,mode=%o,ptmxmode=666", slave_gid, slave_mode);
}

static const struct super_ops super_ops = {.options = show_options};

static struct super devpts = {
    .refs = 1,
    .type = "devpts",
    .source = "devpts",
    .magic = DEVPTS_SUPER_MAGIC,
    .block_size = 1024,
    .ops = &super_ops,
};

/* uid=, gid=, mode=, ptmxmode=, max=, newinstance: known, without effect on the one instance. */
static bool options_known(const char *s)
{
    static const char *const known[] = {"uid=", "gid=", "mode=", "ptmxmode=", "max=", "newinstance"};

    while (s && *s) {
        const char *comma = strchr(s, ',');
        unsigned k;

        for (k = 0; k < ARRAY_SIZE(known) && strncmp(s, known[k], strlen(known[k])); k++)
            ;
        if (k == ARRAY_SIZE(known))
            return false;
        s = comma ? comma + 1 : NULL;
    }
    return true;
}

static struct super *create(void)
{
    struct inode *root;

    devpts.dev = super_new_dev();
    root = inode_create(&devpts, &directory_inode_ops, S_IFDIR | 0755, NULL);
    if (!root)
        return ERR_PTR(-ENOMEM);
    root->ino = 1;
    root->nlink = 2;
    devpts.root = dentry_create_root(&devpts, root);
    return IS_ERR(devpts.root) || add("ptmx", 0666, 2, PTMX_DEVICE, 0) ? ERR_PTR(-ENOMEM) : &devpts;
}

static struct super *devpts_mount(const char *source, const char *options)
{
    static struct super *only;

    return options_known(options) ? super_single(&only, create) : ERR_PTR(-EINVAL);
}

struct file *devpts_open(unsigned index, u32 flags)
{
    char path[32];
    struct path_ref at;
    struct file *f;
    int error;

    snprintf(path, sizeof(path), "/dev/pts/%u", index);
    error = path_find(AT_FDCWD, path, 0, 0, &at);
    if (error)
        return ERR_PTR(error);
    /* The program may have put something else there. */
    f = at.dentry->inode->super == &devpts && at.dentry->inode->ino == index + 3 ? vfs_open_path(&at, flags) : ERR_PTR(-ENODEV);
    path_put(&at);
    return f;
}

const struct file_system_type devpts_type = {.name = "devpts", .mount = devpts_mount};
