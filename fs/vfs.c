/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree at boot: the root tmpfs, /dev and what the boot archive holds. Runs before any program
 * does.
 */
#include <linux/mount.h>
#include "fs/devfs/devfs.h"
#include "fs/devpts/devpts.h"
#include "fs/proc/proc.h"
#include "fs/pty.h"
#include "fs/sysfs/sysfs.h"
#include "fs/root.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/tty.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/timer.h"

static int boot_make(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime, const char *target,
                     struct inode **made);

static void mount_at(const char *path, const struct file_system_type *type, u32 flags)
{
    struct path_ref at;
    struct super *s;
    int error = boot_make(path, S_IFDIR | 0755, 0, 0, (s64)clock_realtime(), NULL, NULL);

    if (!error || error == -EEXIST)
        error = path_find(AT_FDCWD, path, FIND_FOLLOW | FIND_DIRECTORY, 0, &at);
    if (error)
        panic("%s: cannot make: error %d", path, -error);
    s = type->mount(type->name, NULL);
    error = IS_ERR(s) ? (int)PTR_ERR(s) : mount_attach(&at, s, s->root, flags, NULL);
    if (error)
        panic("%s: cannot mount: error %d", path, -error);
    path_put(&at);
}

static void region_get_file(struct file *f)
{
    file_get(f);
    if (f->ops->mapped)
        f->ops->mapped(f, 1);
}

static void region_put_file(struct file *f)
{
    if (f->ops->mapped)
        f->ops->mapped(f, -1);
    file_put(f);
}

/* A file's data changed by a store. What stands for another inode (an overlay's) has no times of its own. */
static void file_stored_to(struct file *f)
{
    struct inode *i = f->inode;
    s64 now = (s64)clock_realtime();

    if (!i || !S_ISREG(i->mode) || i->ops->stat)
        return;
    WRITE_ONCE(i->mtime, now);
    WRITE_ONCE(i->ctime, now);
}

void vfs_init(void)
{
    struct page_stats stats;
    struct super *root;

    mutex_init(&rename_lock, LOCK_RENAME);
    region_file_get = region_get_file;
    region_file_put = region_put_file;
    region_file_written = file_stored_to;
    tmpfs_init();
    page_stats(&stats);
    /*
     * A file takes about a quarter of a page before it has data: full is better than out of memory.
     * /
     */
    root = tmpfs_create("tmpfs", "none", 0755, stats.total / 2, stats.total);
    if (IS_ERR(root) || mount_attach(NULL, root, root->root, 0, NULL))
        panic("no memory for the root file system");
    memory_devices_init();
    device_register(5, 0, NULL, tty_open_own);
    device_register(5, 1, NULL, console_open);
    device_register(5, 2, NULL, pty_open_master);
    mount_at("/dev", &devfs_type, MS_NOSUID);
    mount_at("/dev/pts", &devpts_type, MS_NOSUID | MS_NOEXEC);
    mount_at("/dev/shm", &tmpfs_type, MS_NOSUID);
    mount_at("/proc", &proc_type, MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount_at("/sys", &sysfs_type, MS_NOSUID | MS_NODEV | MS_NOEXEC);
    /* What every program may count on, hier(7). A lower layer has its own. */
    if (!root_has_lower())
        boot_make("/tmp", S_IFDIR | S_ISVTX | 0777, 0, 0, (s64)clock_realtime(), NULL, NULL);
}

INIT_CALL(INIT_FILES, vfs_init);

/* ------------------------------------------------------------ the boot archive's objects */

/* Finds the directory part of path, making what is missing. *name: the last component. */
static int boot_parent(const char *path, struct path_ref *dir, const char **name)
{
    char *slash, *directory;
    int error;

    slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!slash || slash == path) {
        *dir = (struct path_ref){root_mount, root_mount->root};
        path_get(dir);
        return 0;
    }
    directory = kstrdup(path);
    if (!directory)
        return -ENOMEM;
    directory[slash - path] = 0;
    error = path_find(AT_FDCWD, directory, FIND_FOLLOW | FIND_DIRECTORY, 0, dir);
    if (error == -ENOENT) {
        error = vfs_boot_mkdir(directory, 0755, 0, 0, 0);
        if (!error)
            error = path_find(AT_FDCWD, directory, FIND_FOLLOW | FIND_DIRECTORY, 0, dir);
    }
    kfree(directory);
    return error;
}

/* Makes an inode with a name. target: of a symlink. Only for paths on tmpfs. */
static int boot_make(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime, const char *target,
                     struct inode **made)
{
    struct path_ref at;
    const char *name;
    struct inode *dir;
    struct dentry *d;
    s64 dir_mtime;
    int error;

    while (*path == '/')
        path++;
    error = boot_parent(path, &at, &name);
    if (error)
        return error;
    dir = at.dentry->inode;
    mutex_lock(&dir->lock);
    dir_mtime = dir->mtime;
    d = path_lookup_child(at.dentry, name, strlen(name), true);
    if (!IS_ERR(d)) {
        dentry_put(d);
        error = -EEXIST;
    } else {
        d = dentry_create(at.dentry, name, strlen(name));
        error = IS_ERR(d) ? -ENOMEM : 0;
    }
    if (!error) {
        if (target)
            error = dir->ops->symlink(dir, d, target);
        else
            error = dir->ops->create(dir, d, mode, 0);
        if (!error) {
            dentry_hash(d);
            d->inode->uid = uid;
            d->inode->gid = gid;
            d->inode->atime = d->inode->mtime = d->inode->ctime = mtime;
            dir->mtime = dir_mtime; /* it is unpacked, not changed */
            if (made)
                *made = d->inode;
        }
        dentry_put(d);
    }
    mutex_unlock(&dir->lock);
    path_put(&at);
    return error;
}

int vfs_boot_mkdir(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime)
{
    bool for_what_is_below = !mtime;

    if (for_what_is_below)
        root_directory_attributes(path, &mode, &uid, &gid, &mtime);
    struct inode_attr a = {.valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME,
                           .mode = mode & 07777,
                           .uid = uid,
                           .gid = gid,
                           .atime = mtime,
                           .mtime = mtime};
    struct path_ref at;
    int error = boot_make(path, S_IFDIR | (mode & 07777), uid, gid, mtime, NULL, NULL);

    if (error != -EEXIST)
        return error;
    if (for_what_is_below)
        return 0;
    /* Made for a file below it, or twice in the archive: the attributes are those of the archive. */
    error = path_find(AT_FDCWD, path, FIND_FOLLOW | FIND_DIRECTORY, 0, &at);
    if (error)
        return error;
    error = inode_change(at.dentry->inode, &a);
    path_put(&at);
    return error;
}

int vfs_boot_file(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime, const void *data,
                  u64 size)
{
    bool in_place = size && ((u64)data & (PAGE_SIZE - 1)) == 0;
    struct memory_object *o = in_place ? ram_object_create_from(data, size) : ram_object_create(0);
    struct inode *i;
    ssize n = 0;
    int error;

    if (!o)
        return -ENOMEM;
    if (!in_place && size)
        n = ram_object_write(o, 0, data, size, false);
    if (n < 0 || (!in_place && (u64)n != size)) {
        memory_object_put(o);
        return n < 0 ? (int)n : -ENOSPC;
    }
    error = boot_make(path, S_IFREG | (mode & 07777), uid, gid, mtime, NULL, &i);
    if (error) {
        memory_object_put(o);
        return error;
    }
    ram_object_limit(o, &tmpfs_of(i->super)->data);
    memory_object_put(i->object);
    i->object = o;
    return 0;
}

int vfs_boot_symlink(const char *path, const char *target, u32 uid, u32 gid, s64 mtime)
{
    return boot_make(path, 0, uid, gid, mtime, target, NULL);
}

int vfs_chdir(const char *path)
{
    struct path_ref at = {0};
    int error = path_find(AT_FDCWD, path, FIND_FOLLOW | FIND_DIRECTORY, 0, &at);

    if (!error)
        error = inode_permission(at.dentry->inode, MAY_EXEC);
    if (!error)
        fs_set_cwd(&at);
    path_put(&at);
    return error;
}
