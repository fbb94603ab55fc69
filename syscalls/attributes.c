/* SPDX-License-Identifier: BSD-2-Clause */
/* chmod(2), chown(2), utimensat(2), truncate(2) and their relatives. */
#include <linux/fs.h>
#include <linux/time_types.h>
#include <linux/mount.h>
#include "fs/notify.h"
#include "kernel/timer.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"

long sys_chmod(const struct syscall_args *a);
long sys_fchmod(const struct syscall_args *a);
long sys_fchmodat(const struct syscall_args *a);
long sys_fchmodat2(const struct syscall_args *a);
long sys_chown(const struct syscall_args *a);
long sys_lchown(const struct syscall_args *a);
long sys_fchown(const struct syscall_args *a);
long sys_fchownat(const struct syscall_args *a);
long sys_utime(const struct syscall_args *a);
long sys_utimes(const struct syscall_args *a);
long sys_futimesat(const struct syscall_args *a);
long sys_utimensat(const struct syscall_args *a);
long sys_truncate(const struct syscall_args *a);
long sys_ftruncate(const struct syscall_args *a);

/* In inode_attr.valid, for change_at() alone: times that are no times, which is said once the object is found. */
#define BAD_TIMES (1u << 31)

static u32 find_flags(int flags)
{
    return (flags & AT_SYMLINK_NOFOLLOW ? 0 : FIND_FOLLOW) |
           (flags & AT_EMPTY_PATH ? FIND_EMPTY : 0);
}

/* Changes a found object and gives its references back. */
static long change_at(struct path_ref *at, struct inode_attr *attr)
{
    struct inode *i = at->dentry->inode;
    long error = attr->valid & BAD_TIMES ? -EINVAL : mount_want_write(at);

    if (!error && attr->valid & ATTR_MODE && S_ISLNK(i->mode))
        error = -EOPNOTSUPP;
    if (!error)
        error = inode_change(i, attr);
    if (!error && notify_wanted())
        notify_changed(at->dentry, attr->valid);
    path_put(at);
    return error;
}

static long change_path(int dirfd, const char *path, int flags, struct inode_attr *attr)
{
    struct path_ref at;
    long error = path_arg_find(dirfd, path, find_flags(flags), &at);

    return error ? error : change_at(&at, attr);
}

/* Changes the object of a descriptor; an O_PATH one will not do. */
static long change_fd(int fd, struct inode_attr *attr)
{
    struct file *f = fd_get(fd);
    struct path_ref at;
    long error;

    if (!f)
        return -EBADF;
    error = file_path_ref(f, &at);
    file_put(f);
    return error ? error : change_at(&at, attr);
}

/* ------------------------------------------------------------ mode and owner */

static struct inode_attr mode_change(u32 mode)
{
    return (struct inode_attr){.valid = ATTR_MODE, .mode = mode & 07777};
}

long sys_chmod(const struct syscall_args *a)
{
    struct inode_attr attr = mode_change(ARG_U32(a, 1));

    return change_path(AT_FDCWD, ARG_PTR(a, 0), 0, &attr);
}

long sys_fchmod(const struct syscall_args *a)
{
    struct inode_attr attr = mode_change(ARG_U32(a, 1));

    return change_fd(ARG_INT(a, 0), &attr);
}

long sys_fchmodat(const struct syscall_args *a)
{
    struct inode_attr attr = mode_change(ARG_U32(a, 2));

    return change_path(ARG_INT(a, 0), ARG_PTR(a, 1), 0, &attr);
}

long sys_fchmodat2(const struct syscall_args *a)
{
    struct inode_attr attr = mode_change(ARG_U32(a, 2));
    int flags = ARG_INT(a, 3);

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(ARG_INT(a, 0), ARG_PTR(a, 1), flags, &attr);
}

/* -1 leaves an id as it is. */
static struct inode_attr owner_change(u32 uid, u32 gid)
{
    return (struct inode_attr){.valid = ATTR_CHOWN | (uid != ~0u ? ATTR_UID : 0) | (gid != ~0u ? ATTR_GID : 0),
                               .uid = uid,
                               .gid = gid};
}

long sys_chown(const struct syscall_args *a)
{
    struct inode_attr attr = owner_change(ARG_U32(a, 1), ARG_U32(a, 2));

    return change_path(AT_FDCWD, ARG_PTR(a, 0), 0, &attr);
}

long sys_lchown(const struct syscall_args *a)
{
    struct inode_attr attr = owner_change(ARG_U32(a, 1), ARG_U32(a, 2));

    return change_path(AT_FDCWD, ARG_PTR(a, 0), AT_SYMLINK_NOFOLLOW, &attr);
}

long sys_fchown(const struct syscall_args *a)
{
    struct inode_attr attr = owner_change(ARG_U32(a, 1), ARG_U32(a, 2));

    return change_fd(ARG_INT(a, 0), &attr);
}

long sys_fchownat(const struct syscall_args *a)
{
    struct inode_attr attr = owner_change(ARG_U32(a, 2), ARG_U32(a, 3));
    int flags = ARG_INT(a, 4);

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(ARG_INT(a, 0), ARG_PTR(a, 1), flags, &attr);
}

/* ------------------------------------------------------------ times */

/* utimensat(2); the headers for programs have these only in the C library's. */
#define UTIME_IS_NOW  ((1l << 30) - 1)
#define UTIME_IS_OMIT ((1l << 30) - 2)

/* times: NULL for now. */
static void time_change(const struct __kernel_timespec *times, struct inode_attr *attr)
{
    s64 now = (s64)clock_realtime();
    s64 value[2];

    *attr = (struct inode_attr){.valid = ATTR_ATIME | ATTR_MTIME};
    if (!times) {
        attr->valid |= ATTR_TOUCH;
        attr->atime = attr->mtime = now;
        return;
    }
    for (int k = 0; k < 2; k++) {
        s64 ns = times[k].tv_nsec;

        if (ns == UTIME_IS_NOW) {
            value[k] = now;
        } else if (ns == UTIME_IS_OMIT) {
            attr->valid &= ~(k ? ATTR_MTIME : ATTR_ATIME);
            value[k] = 0;
        } else if (ns < 0 || ns >= (s64)NSEC_PER_SEC) {
            attr->valid = BAD_TIMES;
            return;
        } else if (__builtin_mul_overflow(times[k].tv_sec, (s64)NSEC_PER_SEC, &value[k]) ||
                   __builtin_add_overflow(value[k], ns, &value[k])) {
            value[k] = times[k].tv_sec < 0 ? INT64_MIN : INT64_MAX;
        }
    }
    attr->valid |= times[0].tv_nsec == UTIME_IS_NOW && times[1].tv_nsec == UTIME_IS_NOW ? ATTR_TOUCH : ATTR_TIMES;
    attr->atime = value[0];
    attr->mtime = value[1];
}

static long set_times(int dirfd, const char *path, const struct __kernel_timespec *times, int flags)
{
    struct inode_attr attr;

    time_change(times, &attr);
    if (!path && dirfd != AT_FDCWD)
        return flags ? -EINVAL : change_fd(dirfd, &attr);
    return change_path(dirfd, path, flags, &attr);
}

long sys_utimensat(const struct syscall_args *a)
{
    struct __kernel_timespec times[2];
    int flags = ARG_INT(a, 3);

    if (ARG_PTR(a, 2)) {
        if (copy_from_user(times, ARG_PTR(a, 2), sizeof(times)))
            return -EFAULT;
        if (times[0].tv_nsec == UTIME_IS_OMIT && times[1].tv_nsec == UTIME_IS_OMIT)
            return 0;
    }
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return set_times(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2) ? times : NULL, flags);
}

static long set_times_us(int dirfd, const char *path, const s64 *user)
{
    struct __kernel_timespec times[2];
    s64 tv[2][2];

    if (!user)
        return set_times(dirfd, path, NULL, 0);
    if (copy_from_user(tv, user, sizeof(tv)))
        return -EFAULT;
    for (int k = 0; k < 2; k++) {
        if (tv[k][1] < 0 || tv[k][1] >= 1000000)
            return -EINVAL;
        times[k].tv_sec = tv[k][0];
        times[k].tv_nsec = tv[k][1] * 1000;
    }
    return set_times(dirfd, path, times, 0);
}

long sys_utimes(const struct syscall_args *a)
{
    return set_times_us(AT_FDCWD, ARG_PTR(a, 0), ARG_PTR(a, 1));
}

long sys_futimesat(const struct syscall_args *a)
{
    return set_times_us(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2));
}

long sys_utime(const struct syscall_args *a)
{
    struct __kernel_timespec times[2] = {0};
    s64 seconds[2];

    if (!ARG_PTR(a, 1))
        return set_times(AT_FDCWD, ARG_PTR(a, 0), NULL, 0);
    if (copy_from_user(seconds, ARG_PTR(a, 1), sizeof(seconds)))
        return -EFAULT;
    times[0].tv_sec = seconds[0];
    times[1].tv_sec = seconds[1];
    return set_times(AT_FDCWD, ARG_PTR(a, 0), times, 0);
}

/* ------------------------------------------------------------ size */

long sys_truncate(const struct syscall_args *a)
{
    struct inode_attr attr = {.valid = ATTR_SIZE, .size = ARG_U64(a, 1)};
    struct path_ref at;
    struct inode *i;
    long error;

    if (ARG_S64(a, 1) < 0)
        return -EINVAL;
    error = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), FIND_FOLLOW, &at);
    if (error)
        return error;
    i = at.dentry->inode;
    if (S_ISDIR(i->mode))
        error = -EISDIR;
    else if (!S_ISREG(i->mode))
        error = -EINVAL;
    else
        error = mount_want_write(&at);
    if (!error)
        error = inode_permission(i, MAY_WRITE);
    if (!error && inode_is_frozen(i))
        error = -EPERM;
    if (!error && __atomic_load_n(&i->deny_writes, __ATOMIC_ACQUIRE))
        error = -ETXTBSY;
    if (!error)
        error = inode_change(i, &attr);
    if (!error && notify_wanted())
        notify_changed(at.dentry, attr.valid);
    path_put(&at);
    return error;
}

long sys_ftruncate(const struct syscall_args *a)
{
    struct file *f;
    long error;

    if (ARG_S64(a, 1) < 0)
        return -EINVAL;
    f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    if (!(f->mode & FILE_WRITE) || !f->ops->truncate)
        error = -EINVAL;
    else if (f->inode && f->inode->flags & FS_APPEND_FL)
        error = -EPERM;
    else
        error = f->ops->truncate(f, ARG_U64(a, 1));
    if (!error)
        notify_file(f, IN_MODIFY);
    file_put(f);
    return error;
}
