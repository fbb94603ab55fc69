/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev. Every mount of it is the same instance, filled, with the disks there are, when the VM starts; programs may add and
 * remove nodes as in any tmpfs.
 */
#include "fs/block_device.h"
#include "fs/devfs/devfs.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"

static const struct node {
    const char *name;
    u32 mode;
    u16 major, minor;
} nodes[] = {
    {"null", S_IFCHR | 0666, 1, 3},    {"zero", S_IFCHR | 0666, 1, 5},
    {"full", S_IFCHR | 0666, 1, 7},    {"random", S_IFCHR | 0666, 1, 8},
    {"urandom", S_IFCHR | 0666, 1, 9}, {"tty", S_IFCHR | 0666, 5, 0},
    {"console", S_IFCHR | 0600, 5, 1}, {"shm", S_IFDIR | 01777, 0, 0},
    {"ptmx", S_IFCHR | 0666, 5, 2},    {"pts", S_IFDIR | 0755, 0, 0},
};

static const struct link {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

/* Makes one name in the root of s. Without memory it is left out. */
static void add(struct super *s, const char *name, u32 mode, u64 rdev, const char *target)
{
    struct dentry *d = dentry_create(s->root, name, strlen(name));
    struct inode *root = s->root->inode;
    int error;

    if (IS_ERR(d))
        return;
    mutex_lock(&root->lock);
    if (target)
        error = root->ops->symlink(root, d, target);
    else if (S_ISDIR(mode))
        error = root->ops->mkdir(root, d, mode);
    else
        error = root->ops->create(root, d, mode, rdev);
    if (!error)
        dentry_hash(d);
    mutex_unlock(&root->lock);
    dentry_put(d);
}

static struct super *devfs_mount(const char *source, const char *options)
{
    static struct super *only;

    if (!only) {
        struct page_stats stats;
        struct super *s;

        page_stats(&stats);
        s = tmpfs_create("devtmpfs", "devtmpfs", 0755, stats.total / 2, stats.total);

        if (IS_ERR(s))
            return s;
        for (size_t n = 0; n < ARRAY_SIZE(nodes); n++)
            add(s, nodes[n].name, nodes[n].mode, device_number(nodes[n].major, nodes[n].minor),
                NULL);
        for (size_t n = 0; n < ARRAY_SIZE(links); n++)
            add(s, links[n].name, 0, 0, links[n].target);
        block_devices_init();
        for (unsigned n = 0; block_device_at(n); n++)
            add(s, block_device_at(n)->name, S_IFBLK | 0660, device_number(BLOCK_MAJOR, block_device_at(n)->minor), NULL);
        only = s;
    }
    __atomic_add_fetch(&only->refs, 1, __ATOMIC_RELAXED);
    return only;
}

const struct file_system_type devfs_type = {.name = "devtmpfs", .mount = devfs_mount};
