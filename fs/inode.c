/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes: life, permissions, attributes and times. Permission checks read mode and owner without a
 * lock, as they may change the moment after in any case; changes are made under the inode's lock.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include "fs/vfs.h"
#include "fs/file_lock.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "kernel/timer.h"

static u64 next_number = 1;

struct inode *inode_create(struct super *s, const struct inode_ops *ops, u32 mode,
                           const struct inode *dir)
{
    struct inode *i = kzalloc(sizeof(*i));
    const struct credentials *c = &current_thread()->cred; /* a kernel thread's: user 0 */

    if (!i)
        return NULL;
    i->refs = 1;
    i->nlink = 1;
    i->ops = ops;
    i->super = s;
    i->ino = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
    i->uid = c->fsuid;
    i->gid = c->fsgid;
    if (dir && dir->mode & S_ISGID) {
        i->gid = dir->gid;
        if (S_ISDIR(mode))
            mode |= S_ISGID;
    }
    i->mode = mode;
    i->seals = F_SEAL_SEAL;
    i->atime = i->mtime = i->ctime = i->btime = (s64)clock_realtime();
    mutex_init(&i->lock, LOCK_INODE);
    return i;
}

u32 inode_creation_mode(const struct inode *dir, u32 mode)
{
    if (dir->mode & S_ISGID && (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !in_group(dir->gid) &&
        !fs_capable(CAP_FSETID))
        mode &= ~(u32)S_ISGID;
    return mode & ~fs_umask();
}

void inode_get(struct inode *i)
{
    __atomic_add_fetch(&i->refs, 1, __ATOMIC_RELAXED);
}

bool inode_try_get(struct inode *i)
{
    u32 refs = __atomic_load_n(&i->refs, __ATOMIC_RELAXED);

    while (refs)
        if (__atomic_compare_exchange_n(&i->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void inode_put(struct inode *i)
{
    if (__atomic_sub_fetch(&i->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (i->super && i->super->ops && i->super->ops->put_inode)
        i->super->ops->put_inode(i);
    if (i->locks)
        file_lock_inode_gone(i);
    if (i->object)
        memory_object_put(i->object);
    kfree(i);
}

u64 inode_size(const struct inode *i)
{
    return i->object ? READ_ONCE(i->object->size) : READ_ONCE(i->size);
}

static void split_time(s64 ns, u64 *seconds, u64 *rest)
{
    s64 s = ns / (s64)NSEC_PER_SEC, r = ns % (s64)NSEC_PER_SEC;

    if (r < 0) {
        s--;
        r += (s64)NSEC_PER_SEC;
    }
    *seconds = (u64)s;
    *rest = (u64)r;
}

int inode_stat(struct inode *i, struct stat *st)
{
    int error;

    if (i->ops->stat)
        return i->ops->stat(i, st);
    error = i->ops->refresh ? i->ops->refresh(i) : 0;
    if (error)
        return error;
    memset(st, 0, sizeof(*st));
    st->st_dev = i->super ? i->super->dev : 0;
    st->st_ino = i->ino;
    st->st_nlink = i->nlink;
    st->st_mode = i->mode;
    st->st_uid = i->uid;
    st->st_gid = i->gid;
    st->st_rdev = i->rdev;
    st->st_size = (s64)inode_size(i);
    st->st_blksize = i->super && i->super->block_size ? i->super->block_size : PAGE_SIZE;
    split_time(i->atime, &st->st_atime, &st->st_atime_nsec);
    split_time(i->mtime, &st->st_mtime, &st->st_mtime_nsec);
    split_time(i->ctime, &st->st_ctime, &st->st_ctime_nsec);
    return i->ops->getattr ? i->ops->getattr(i, st) : 0;
}

/* ------------------------------------------------------------ permissions */

bool fs_capable(int capability)
{
    return !current_process() || capable(capability);
}

bool inode_owned(const struct inode *i)
{
    return !current_process() || current_thread()->cred.fsuid == i->uid || fs_capable(CAP_FOWNER);
}

bool in_group(u32 gid)
{
    const struct credentials *c = &current_thread()->cred;

    return !current_process() || c->fsgid == gid || credentials_list(c, gid);
}

/* The capabilities that count: access(2) asks what the real user would have. */
static u64 capabilities_of(const struct credentials *c, bool real_ids)
{
    if (!real_ids || c->securebits & SECBIT_NO_SETUID_FIXUP)
        return c->cap_effective;
    return c->uid ? 0 : c->cap_permitted;
}

static bool mode_allows(const struct inode *i, const struct credentials *c, int mask, bool real_ids)
{
    u32 mode = READ_ONCE(i->mode);

    if ((real_ids ? c->uid : c->fsuid) == i->uid)
        mode >>= 6;
    else if ((real_ids ? c->gid : c->fsgid) == i->gid || credentials_list(c, i->gid))
        mode >>= 3;
    return !((u32)mask & ~mode & 7);
}

int inode_permission_as(struct inode *i, int mask, bool real_ids)
{
    const struct credentials *c = &current_thread()->cred;
    u32 mode = READ_ONCE(i->mode);
    u64 powers;

    if (unlikely(i->super->flags & (SUPER_READ_ONLY | SUPER_LIMITED))) {
        int error = 0;

        if (i->super->flags & SUPER_READ_ONLY && mask & MAY_WRITE && (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
            error = -EROFS;
        else if (i->super->flags & SUPER_LIMITED && current_process())
            error = i->super->ops->may(i, mask);
        if (error)
            return error;
    }
    if (unlikely(i->flags & FS_IMMUTABLE_FL) && mask & MAY_WRITE)
        return -EPERM;
    if (unlikely(i->ops->permission != NULL))
        return i->ops->permission(i, mask);
    if (!current_process() || mode_allows(i, c, mask, real_ids))
        return 0;
    powers = capabilities_of(c, real_ids);
    if (powers >> CAP_DAC_OVERRIDE & 1 && (!(mask & MAY_EXEC) || S_ISDIR(mode) || mode & 0111))
        return 0;
    if (powers >> CAP_DAC_READ_SEARCH & 1 &&
        (mask == MAY_READ || (S_ISDIR(mode) && !(mask & MAY_WRITE))))
        return 0;
    return -EACCES;
}

int inode_permission(struct inode *i, int mask)
{
    return inode_permission_as(i, mask, false);
}

int inode_may_delete(struct inode *dir, struct dentry *child, bool is_directory)
{
    struct inode *victim = child->inode;
    int error = inode_permission(dir, MAY_WRITE | MAY_EXEC);

    if (error)
        return error;
    if (dir->flags & FS_APPEND_FL || inode_is_frozen(victim))
        return -EPERM;
    if (dir->mode & S_ISVTX && !inode_owned(victim) && !inode_owned(dir))
        return -EPERM;
    if (is_directory && !S_ISDIR(victim->mode))
        return -ENOTDIR;
    if (!is_directory && S_ISDIR(victim->mode))
        return -EISDIR;
    return child->mountpoint ? -EBUSY : 0;
}

/* ------------------------------------------------------------ changing attributes */

/* The owner may give the file to a group of his; all else takes CAP_CHOWN, and CAP_FOWNER does not do. */
static int check_owner_change(const struct inode *i, const struct inode_attr *a)
{
    bool owner = current_process() && current_thread()->cred.fsuid == i->uid;

    if (!(a->valid & (ATTR_UID | ATTR_GID)) || fs_capable(CAP_CHOWN))
        return 0;
    if (!owner || (a->valid & ATTR_UID && a->uid != i->uid))
        return -EPERM;
    return a->valid & ATTR_GID && a->gid != i->gid && !in_group(a->gid) ? -EPERM : 0;
}

int file_check_new_size(const struct inode *i, u64 size)
{
    struct process *p = current_process();

    if (!p || size <= inode_size(i) || size <= p->limits[RLIMIT_FSIZE].rlim_cur)
        return 0;
    file_raise_signal(SIGXFSZ);
    return -EFBIG;
}

static int check_change(struct inode *i, const struct inode_attr *a)
{
    int error = check_owner_change(i, a);

    if (inode_is_frozen(i) && a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES) && !(a->valid & ATTR_SIZE))
        return -EPERM;
    if (i->flags & FS_IMMUTABLE_FL && a->valid & ATTR_TOUCH)
        return -EPERM;
    if (error)
        return error;
    if (a->valid & ATTR_MODE && !(a->valid & ATTR_SIZE) && !inode_owned(i))
        return -EPERM;
    if (a->valid & (ATTR_ATIME | ATTR_MTIME) && !inode_owned(i)) {
        if (!(a->valid & ATTR_TOUCH))
            return -EPERM;
        return inode_permission(i, MAY_WRITE) ? -EACCES : 0;
    }
    return a->valid & ATTR_SIZE ? file_check_new_size(i, a->size) : 0;
}

/* The mode without set-id bits, as a write or a change of owner leaves it. */
static u32 without_set_id(const struct inode *i, u32 mode)
{
    mode &= ~(u32)S_ISUID;
    if (mode & S_IXGRP || (!fs_capable(CAP_FSETID) && !in_group(i->gid)))
        mode &= ~(u32)S_ISGID;
    return mode;
}

static void apply_change(struct inode *i, const struct inode_attr *a)
{
    s64 now = (s64)clock_realtime();

    if (a->valid & ATTR_UID)
        i->uid = a->uid;
    if (a->valid & ATTR_GID)
        i->gid = a->gid;
    if (a->valid & ATTR_MODE) {
        u32 mode = a->mode & 07777;

        if (!(a->valid & ATTR_FORCE) && !in_group(i->gid) && !fs_capable(CAP_FSETID))
            mode &= ~(u32)S_ISGID;
        i->mode = (i->mode & S_IFMT) | mode;
    }
    if (a->valid & ATTR_ATIME)
        i->atime = a->atime;
    if (a->valid & ATTR_MTIME)
        i->mtime = a->mtime;
    else if (a->valid & ATTR_SIZE)
        i->mtime = now;
    i->ctime = now;
}

/* Stores a change that is allowed. Locked. */
static int store_change(struct inode *i, const struct inode_attr *a)
{
    int error = 0;

    if (i->ops->setattr)
        error = i->ops->setattr(i, a);
    else if (a->valid & ATTR_SIZE)
        error = -EINVAL;
    if (!error)
        apply_change(i, a);
    return error;
}

int inode_store(struct inode *i, const struct inode_attr *a)
{
    int error;

    mutex_lock(&i->lock);
    error = store_change(i, a);
    mutex_unlock(&i->lock);
    return error;
}

/* chown(2), and a change of size by the unprivileged, takes set-id bits away. */
static void drop_set_id(const struct inode *i, struct inode_attr *a)
{
    u32 mode = i->mode;

    if (a->valid & ATTR_MODE || S_ISDIR(mode) || !(mode & (S_ISUID | S_ISGID)))
        return;
    if (a->valid & ATTR_CHOWN || (a->valid & ATTR_SIZE && !fs_capable(CAP_FSETID)))
        mode = without_set_id(i, mode);
    if (mode != i->mode) {
        a->valid |= ATTR_MODE;
        a->mode = mode & 07777;
    }
}

int inode_change(struct inode *i, struct inode_attr *a)
{
    int error;

    mutex_lock(&i->lock);
    drop_set_id(i, a);
    error = check_change(i, a);
    if (!error)
        error = store_change(i, a);
    mutex_unlock(&i->lock);
    return error;
}

void inode_accessed(struct inode *i, const struct mount *m)
{
    u32 flags = m ? m->flags : 0;
    s64 now;

    if (flags & (MS_NOATIME | MS_RDONLY) || (S_ISDIR(i->mode) && flags & MS_NODIRATIME) || i->flags & FS_NOATIME_FL ||
        i->super->flags & SUPER_READ_ONLY)
        return;
    now = (s64)clock_realtime();
    if (flags & MS_STRICTATIME || i->atime <= i->mtime || i->atime <= i->ctime ||
        now - i->atime >= 24 * 3600 * (s64)NSEC_PER_SEC)
        WRITE_ONCE(i->atime, now);
}

void inode_touch_atime(struct file *f)
{
    if (!(f->flags & O_NOATIME))
        inode_accessed(f->inode, f->mount);
}

bool inode_is_frozen(const struct inode *i)
{
    return unlikely(i->flags & (FS_IMMUTABLE_FL | FS_APPEND_FL));
}

void inode_modified(struct inode *i)
{
    i->mtime = i->ctime = (s64)clock_realtime();
    if (unlikely(i->mode & (S_ISUID | S_ISGID)) && S_ISREG(i->mode) && !fs_capable(CAP_FSETID))
        i->mode = without_set_id(i, i->mode);
}

int inode_deny_writes(struct inode *i)
{
    mutex_lock(&i->lock);
    int error = __atomic_load_n(&i->writers, __ATOMIC_ACQUIRE) ? -ETXTBSY : 0;
    if (!error)
        i->deny_writes++;
    mutex_unlock(&i->lock);
    return error;
}

void inode_allow_writes(struct inode *i)
{
    __atomic_sub_fetch(&i->deny_writes, 1, __ATOMIC_RELEASE);
}

u64 super_new_dev(void)
{
    static u32 last_minor = 20;

    return device_number(0, __atomic_add_fetch(&last_minor, 1, __ATOMIC_RELAXED));
}
