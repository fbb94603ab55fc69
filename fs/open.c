/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open(2): from a path and flags to an open file. Flags that reach this file have been checked for
 * nonsense by the system call; what depends on the object is checked here, in Linux's order.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include "fs/notify.h"
#include "fs/walk.h"
#include "kernel/heap.h"

static const struct file_ops path_only_ops = {.kind = "path"};

/* Attaches a found object to f: takes over p's references. */
static void attach(struct file *f, struct path_ref *p)
{
    f->mount = p->mount;
    f->dentry = p->dentry;
    f->inode = p->dentry->inode;
    *p = (struct path_ref){0};
}

static int access_wanted(u32 flags)
{
    static const int wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};

    return wanted[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* Whether an object may be opened so: 0 or the errno. */
static int may_open(const struct path_ref *p, u32 flags, int access)
{
    struct inode *i = p->dentry->inode;

    switch (i->mode & S_IFMT) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        if (access & MAY_WRITE)
            return -EISDIR;
        break;
    case S_IFCHR:
    case S_IFBLK:
        if (p->mount->flags & MS_NODEV)
            return -EACCES;
        break;
    case S_IFREG:
        if (access & MAY_WRITE && p->mount->flags & MS_RDONLY)
            return -EROFS;
        break;
    }
    int error = access ? inode_permission(i, access) : 0;
    if (error)
        return error;
    if (i->flags & FS_APPEND_FL && (flags & O_TRUNC || (flags & O_ACCMODE && !(flags & O_APPEND))))
        return -EPERM;
    return flags & O_NOATIME && !inode_owned(i) ? -EPERM : 0;
}

static int open_by_type(struct inode *i, struct file *f)
{
    switch (i->mode & S_IFMT) {
    case S_IFCHR:
    case S_IFBLK:
        return i->ops->open ? i->ops->open(i, f) : device_open(i, f);
    case S_IFIFO:
        return i->ops->open ? i->ops->open(i, f) : fifo_open(i, f);
    case S_IFSOCK:
        return -ENXIO;
    case S_IFDIR:
    case S_IFREG:
        f->mode |= FILE_SEEKABLE;
    }
    return i->ops->open ? i->ops->open(i, f) : -ENXIO;
}

bool file_can_direct(const struct file *f)
{
    return f->inode && f->mount != mount_anonymous() && (S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) && f->ops->mmap;
}

static int truncate_opened(struct inode *i)
{
    struct inode_attr a = {.valid = ATTR_SIZE, .size = 0};

    return inode_change(i, &a);
}

/* Makes the open file; consumes p. Permissions have been checked. */
static struct file *open_object(struct path_ref *p, u32 flags)
{
    struct inode *i = p->dentry->inode;
    struct file *f = file_create(NULL, flags, NULL);
    int error;

    if (!f) {
        path_put(p);
        return ERR_PTR(-ENFILE);
    }
    attach(f, p);
    if (f->mode & FILE_WRITE && S_ISREG(i->mode)) {
        __atomic_add_fetch(&i->writers, 1, __ATOMIC_ACQ_REL);
        __atomic_add_fetch(&f->mount->writers, 1, __ATOMIC_RELAXED);
        f->mode |= FILE_WRITER;
    }
    if ((f->mode & FILE_WRITER || flags & O_TRUNC) && __atomic_load_n(&i->deny_writes, __ATOMIC_ACQUIRE)) {
        error = -ETXTBSY;
        goto out;
    }
    f->flags |= flags & (O_TRUNC | O_EXCL | O_NOCTTY);
    error = open_by_type(i, f);
    f->flags &= ~(u32)(O_TRUNC | O_EXCL | O_NOCTTY);
    if (error)
        goto out;
    if (flags & O_DIRECT && !file_can_direct(f)) {
        file_put(f);
        return ERR_PTR(-EINVAL);
    }
    notify_file(f, IN_OPEN);
    if (flags & O_TRUNC && S_ISREG(i->mode)) {
        error = truncate_opened(i);
        if (error) {
            file_put(f);
            return ERR_PTR(error);
        }
        notify_file(f, IN_MODIFY);
    }
    return f;
out:
    if (f->mode & FILE_WRITER) {
        __atomic_sub_fetch(&i->writers, 1, __ATOMIC_ACQ_REL);
        __atomic_sub_fetch(&f->mount->writers, 1, __ATOMIC_RELAXED);
    }
    file_discard(f);
    return ERR_PTR(error);
}

static struct file *open_path_only(struct path_ref *p, u32 flags)
{
    struct file *f = file_create(&path_only_ops, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), NULL);

    if (!f) {
        path_put(p);
        return ERR_PTR(-ENFILE);
    }
    f->mode = FILE_PATH;
    attach(f, p);
    return f;
}

/* Opens what was found; consumes p. */
static struct file *open_found(struct path_ref *p, u32 flags)
{
    int error = 0;

    if (flags & O_DIRECTORY && !S_ISDIR(p->dentry->inode->mode))
        error = -ENOTDIR;
    else if (!(flags & O_PATH))
        error = may_open(p, flags, access_wanted(flags));
    if (error) {
        path_put(p);
        return ERR_PTR(error);
    }
    return flags & O_PATH ? open_path_only(p, flags) : open_object(p, flags);
}

struct file *vfs_open_path(const struct path_ref *p, u32 flags)
{
    struct path_ref held = *p;

    path_get(&held);
    return open_found(&held, flags);
}

struct file *vfs_open_exec(int dirfd, const char *path, u32 flags)
{
    u32 find = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FIND_FOLLOW) | (flags & AT_EMPTY_PATH ? FIND_EMPTY : 0);
    struct path_ref at;
    struct file *f;
    int error = path_find(dirfd, path, find, 0, &at);

    if (error)
        return ERR_PTR(error);
    if (S_ISLNK(at.dentry->inode->mode))
        error = -ELOOP;
    else if (!S_ISREG(at.dentry->inode->mode) || at.mount->flags & MS_NOEXEC)
        error = -EACCES;
    else
        error = inode_permission(at.dentry->inode, MAY_EXEC);
    if (error) {
        path_put(&at);
        return ERR_PTR(error);
    }
    f = open_object(&at, O_RDONLY | O_LARGEFILE);
    if (IS_ERR(f))
        return f;
    error = inode_deny_writes(f->inode);
    if (error) {
        file_put(f);
        return ERR_PTR(error);
    }
    return f;
}

static struct file *open_tmpfile(int dirfd, const char *path, const struct open_how_kernel *how)
{
    u32 flags = (u32)how->flags;
    struct path_ref dir, at = {0};
    struct inode *i = NULL, *d;
    struct file *f;
    int error = path_find(dirfd, path, FIND_DIRECTORY | (flags & O_NOFOLLOW ? 0 : FIND_FOLLOW),
                          how->resolve, &dir);

    if (error)
        return ERR_PTR(error);
    d = dir.dentry->inode;
    error = mount_want_write(&dir);
    if (!error)
        error = inode_permission(d, MAY_WRITE | MAY_EXEC);
    if (!error && !d->ops->tmpfile)
        error = -EOPNOTSUPP;
    if (!error) {
        mutex_lock(&d->lock);
        error = d->ops->tmpfile(d, &i, inode_creation_mode(d, S_IFREG | (u32)how->mode));
        mutex_unlock(&d->lock);
    }
    if (error) {
        path_put(&dir);
        return ERR_PTR(error);
    }
    i->linkable = !(flags & O_EXCL);
    at.mount = dir.mount;
    mount_get(at.mount);
    at.dentry = dentry_create(dir.dentry, "#tmpfile", 8);
    path_put(&dir);
    if (IS_ERR(at.dentry)) {
        mount_put(at.mount);
        inode_put(i);
        return ERR_PTR(-ENOMEM);
    }
    at.dentry->inode = i;
    at.dentry->unlinked = true;
    f = open_object(&at, flags & ~(u32)O_TRUNC);
    return f;
}

/*
 * The last component under O_CREAT: finds it or makes it. *created says which. Reference, or
 * ERR_PTR.
 */
static struct dentry *find_or_create(struct walk *w, const struct open_how_kernel *how,
                                     bool *created)
{
    struct dentry *dir = w->at.dentry, *d;
    struct inode *i = dir->inode;
    int error;

    d = path_lookup_child(dir, w->last, w->last_length, false);
    if (d != ERR_PTR(-ENOENT))
        return d;
    mutex_lock(&i->lock);
    d = path_lookup_child(dir, w->last, w->last_length, true);
    if (d == ERR_PTR(-ENOENT)) {
        error = dir->unlinked || i->super->volatile_names ? -ENOENT : mount_want_write(&w->at);
        if (!error)
            error = inode_permission(i, MAY_WRITE | MAY_EXEC);
        if (!error && !i->ops->create)
            error = -EACCES;
        if (!error)
            d = dentry_create(dir, w->last, w->last_length);
        if (!error && !IS_ERR(d)) {
            error = i->ops->create(i, d, inode_creation_mode(i, S_IFREG | (u32)how->mode), 0);
            if (error) {
                dentry_put(d);
            } else {
                dentry_hash(d);
                notify_created(i, d);
            }
            *created = !error;
        }
        if (error)
            d = ERR_PTR(error);
        /* Somebody made it who needs no lock of ours: the host. */
        if (error == -EEXIST && !(how->flags & O_EXCL))
            d = path_lookup_child(dir, w->last, w->last_length, true);
    }
    mutex_unlock(&i->lock);
    return d;
}

/*
 * In a sticky directory that everybody may write to O_CREAT opens nothing that is neither the caller's nor the directory's owner's.
 * Regular files and FIFOs are a matter of settings, fs.protected_regular and fs.protected_fifos, which are 0.
 */
static bool foreign_in_sticky(const struct inode *dir, const struct inode *i)
{
    return dir->mode & S_ISVTX && dir->mode & S_IWOTH && !S_ISREG(i->mode) && !S_ISFIFO(i->mode) && i->uid != dir->uid &&
           i->uid != current_thread()->cred.fsuid;
}

/* Opening with O_CREAT once the directory is found. 1: a symlink was followed, go on walking. */
static int open_creating(struct walk *w, const struct open_how_kernel *how, struct file **out)
{
    u32 flags = (u32)how->flags;
    struct path_ref at;
    struct dentry *d;
    bool created = false;

    if (w->trailing_slash)
        return -EISDIR;
    d = find_or_create(w, how, &created);
    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    if (created) {
        at = (struct path_ref){w->at.mount, d};
        mount_get(at.mount);
        *out = open_object(&at, flags & ~(u32)O_TRUNC);
        return 0;
    }
    if (S_ISLNK(d->inode->mode) && !(flags & (O_NOFOLLOW | O_EXCL)))
        return walk_follow(w, d);
    if (flags & O_EXCL) {
        dentry_put(d);
        return -EEXIST;
    }
    at = (struct path_ref){w->at.mount, d};
    mount_get(at.mount);
    while (mount_cross_down(&at))
        ;
    if (S_ISDIR(at.dentry->inode->mode)) {
        path_put(&at);
        return -EISDIR;
    }
    if (foreign_in_sticky(w->at.dentry->inode, at.dentry->inode)) {
        path_put(&at);
        return -EACCES;
    }
    *out = open_found(&at, flags);
    return 0;
}

/* The last component is no name: ".", "..", "/", or a link of /proc led to an object. */
static int open_in_place(struct walk *w, u32 flags, struct file **out)
{
    int error = walk_last(w, false);

    if (error)
        return error;
    if (flags & O_CREAT && flags & O_EXCL)
        return -EEXIST;
    if (flags & O_CREAT && S_ISDIR(w->at.dentry->inode->mode))
        return -EISDIR;
    *out = open_found(&w->at, flags);
    return 0;
}

struct file *vfs_open_how(int dirfd, const char *path, const struct open_how_kernel *how)
{
    u32 flags = (u32)how->flags;
    struct file *f = NULL;
    struct walk w;
    int error;

    if (flags & __O_TMPFILE)
        return open_tmpfile(dirfd, path, how);
    if (!path[0])
        return ERR_PTR(-ENOENT);
    error = walk_begin(&w, dirfd, path, how->resolve);
    if (error)
        return ERR_PTR(error);
    do {
        error = walk_parent(&w);
        if (error)
            break;
        if (w.kind != LAST_NORMAL) {
            error = open_in_place(&w, flags, &f);
        } else if (flags & O_CREAT) {
            error = open_creating(&w, how, &f);
        } else {
            if (w.trailing_slash)
                flags |= O_DIRECTORY;
            error = walk_last(&w, !(flags & O_NOFOLLOW));
            if (!error)
                f = open_found(&w.at, flags);
        }
    } while (error > 0);
    walk_end(&w);
    return error ? ERR_PTR(error) : f;
}

struct file *vfs_open(int dirfd, const char *path, u32 flags, u32 mode)
{
    struct open_how_kernel how = {.flags = flags | O_LARGEFILE, .mode = mode};

    return vfs_open_how(dirfd, path, &how);
}
