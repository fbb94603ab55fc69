/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flags of regular files and directories: ioctl_iflags(2), and the same as chattr(1)'s newer form, struct fsxattr. What they
 * forbid is checked where it happens; here they are only read and set.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include "fs/vfs.h"
#include "kernel/timer.h"
#include "kernel/user.h"

static long set_flags(struct file *f, u32 flags)
{
    struct inode *i = f->inode;
    struct path_ref at = {f->mount, f->dentry};
    long error = mount_want_write(&at);

    if (error)
        return error;
    if (!inode_owned(i))
        return -EPERM;
    mutex_lock(&i->lock);
    if ((flags ^ i->flags) & (FS_APPEND_FL | FS_IMMUTABLE_FL) && !fs_capable(CAP_LINUX_IMMUTABLE)) {
        error = -EPERM;
    } else if (flags & ~i->super->inode_flags) {
        error = -EOPNOTSUPP;
    } else {
        i->flags = flags;
        i->ctime = (s64)clock_realtime();
    }
    mutex_unlock(&i->lock);
    return error;
}

static const struct {
    u32 flag, extended;
} forms[] = {
    {FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
    {FS_APPEND_FL, FS_XFLAG_APPEND},
    {FS_NOATIME_FL, FS_XFLAG_NOATIME},
    {FS_NODUMP_FL, FS_XFLAG_NODUMP},
};

static long get_extended(struct file *f, struct fsxattr *user)
{
    struct fsxattr x = {0};

    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++)
        x.fsx_xflags |= f->inode->flags & forms[k].flag ? forms[k].extended : 0;
    return copy_to_user(user, &x, sizeof(x));
}

/* What these file systems do not have (projects, sizes of extents) must be zero. */
static long set_extended(struct file *f, const struct fsxattr *user)
{
    struct fsxattr x;
    u32 flags = 0;

    if (copy_from_user(&x, user, sizeof(x)))
        return -EFAULT;
    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++)
        if (x.fsx_xflags & forms[k].extended) {
            flags |= forms[k].flag;
            x.fsx_xflags &= ~forms[k].extended;
        }
    return x.fsx_xflags || x.fsx_extsize || x.fsx_projid || x.fsx_cowextsize ? -EOPNOTSUPP : set_flags(f, flags);
}

long inode_flags_ioctl(struct file *f, unsigned cmd, void *user)
{
    struct inode *i = f->inode;
    u32 flags;

    if (!i || !(S_ISREG(i->mode) || S_ISDIR(i->mode)) || !i->super || !i->super->inode_flags)
        return -ENOTTY;
    switch (cmd) {
    case FS_IOC_GETFLAGS:
        return put_user(i->flags, (u32 *)user);
    case FS_IOC_SETFLAGS:
        return get_user(flags, (u32 *)user) ? -EFAULT : set_flags(f, flags);
    case FS_IOC_FSGETXATTR:
        return get_extended(f, user);
    default:
        return set_extended(f, user);
    }
}
