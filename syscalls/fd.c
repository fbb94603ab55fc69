/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fcntl(2), ioctl(2) as far as it is about every file, flock(2), fsync(2) and relatives,
 * fadvise(2).
 */
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fadvise.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include "fs/async.h"
#include "fs/file_lock.h"
#include "fs/memfd.h"
#include "fs/notify.h"
#include "fs/page_cache.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kernel/signal.h"
#include "syscalls/syscall.h"

long sys_fcntl(const struct syscall_args *a);
long sys_ioctl(const struct syscall_args *a);
long sys_flock(const struct syscall_args *a);
long sys_fsync(const struct syscall_args *a);
long sys_fdatasync(const struct syscall_args *a);
long sys_sync(const struct syscall_args *a);
long sys_syncfs(const struct syscall_args *a);
long sys_sync_file_range(const struct syscall_args *a);
long sys_fallocate(const struct syscall_args *a);
long sys_fadvise64(const struct syscall_args *a);
long sys_readahead(const struct syscall_args *a);

/* ------------------------------------------------------------ fcntl */

static bool file_owned(struct file *f)
{
    struct stat st;

    if (f->inode)
        return inode_owned(f->inode);
    return !file_stat(f, &st) && (st.st_uid == current_thread()->cred.fsuid || fs_capable(CAP_FOWNER));
}

static long set_flags(struct file *f, int fd, u32 flags)
{
    const u32 mask = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
    u32 old = f->flags;
    long error;

    if (flags & O_NOATIME && !(old & O_NOATIME) && !file_owned(f))
        return -EPERM;
    if ((flags ^ old) & O_APPEND && f->inode && f->inode->flags & FS_APPEND_FL)
        return -EPERM;
    if (flags & O_DIRECT && !pipe_of(f) && !file_can_direct(f))
        return -EINVAL;
    if ((old ^ flags) & FASYNC && f->ops->async) {
        error = async_enable(f, fd, flags & FASYNC);
        if (error)
            return error;
        old = f->flags;
    }
    WRITE_ONCE(f->flags, (old & ~mask) | (flags & mask));
    return f->ops->flags_changed ? f->ops->flags_changed(f, old) : 0;
}

static long lock_request(struct file *f, int cmd, struct flock *user)
{
    struct flock l;
    long error;

    if (copy_from_user(&l, user, sizeof(l)))
        return -EFAULT;
    error = file_lock_fcntl(f, cmd, &l);
    if (!error && (cmd == F_GETLK || cmd == F_OFD_GETLK) && copy_to_user(user, &l, sizeof(l)))
        return -EFAULT;
    return error;
}

static long owner_call(struct file *f, int cmd, u64 arg)
{
    struct f_owner_ex ex;
    u32 uids[2];

    switch (cmd) {
    case F_GETOWNER_UIDS:
        async_owner_uids(f, uids);
        return copy_to_user((void *)arg, uids, sizeof(uids));
    case F_SETOWN:
        return async_set_owner_number(f, (int)arg);
    case F_GETOWN:
        return async_owner_number(f);
    case F_SETOWN_EX:
        if (copy_from_user(&ex, (void *)arg, sizeof(ex)))
            return -EFAULT;
        if (ex.type != F_OWNER_TID && ex.type != F_OWNER_PID && ex.type != F_OWNER_PGRP)
            return -EINVAL;
        return async_set_owner(f, ex.type, ex.pid);
    default:
        ex.pid = async_owner(f, &ex.type);
        return copy_to_user((void *)arg, &ex, sizeof(ex));
    }
}

static long hint_call(struct file *f, int cmd, u64 *user)
{
    u64 hint = f->inode ? f->inode->write_hint : RWH_WRITE_LIFE_NOT_SET;

    if (cmd == F_GET_RW_HINT)
        return copy_to_user(user, &hint, sizeof(hint));
    if (f->inode && !inode_owned(f->inode))
        return -EPERM;
    if (copy_from_user(&hint, user, sizeof(hint)))
        return -EFAULT;
    if (hint > RWH_WRITE_LIFE_EXTREME)
        return -EINVAL;
    if (f->inode)
        f->inode->write_hint = (u8)hint;
    return 0;
}

static long duplicate(struct file *f, u64 from, u32 flags)
{
    int fd;

    if (from >= current_process()->limits[RLIMIT_NOFILE].rlim_cur || from > INT32_MAX)
        return -EINVAL;
    file_get(f);
    fd = fd_install(f, (int)from, flags);
    if (fd < 0)
        file_put(f);
    return fd;
}

/* What an O_PATH descriptor allows too. -ENOTTY: not one of these. */
static long descriptor_call(struct file *f, int fd, int cmd, u64 arg)
{
    bool cloexec = false;

    switch (cmd) {
    case F_DUPFD:
        return duplicate(f, (u32)arg, 0);
    case F_DUPFD_CLOEXEC:
        return duplicate(f, (u32)arg, O_CLOEXEC);
    case F_GETFD:
        fd_get_cloexec(fd, &cloexec);
        return cloexec ? FD_CLOEXEC : 0;
    case F_SETFD:
        return fd_set_cloexec(fd, arg & FD_CLOEXEC);
    case F_GETFL:
        return f->flags;
    }
    return -ENOTTY;
}

static long file_call(struct file *f, int fd, int cmd, u64 arg)
{
    struct pipe *pipe;

    switch (cmd) {
    case F_SETFL:
        return set_flags(f, fd, (u32)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_request(f, cmd, (struct flock *)arg);
    case F_SETOWN:
    case F_GETOWN:
    case F_SETOWN_EX:
    case F_GETOWN_EX:
    case F_GETOWNER_UIDS:
        return owner_call(f, cmd, arg);
    case F_SETSIG:
        if ((u32)arg > SIGNAL_COUNT)
            return -EINVAL;
        return async_set_signal(f, (int)arg);
    case F_GETSIG:
        return async_signal(f);
    case F_GETLEASE:
        return F_UNLCK;
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        pipe = pipe_of(f);
        if (!pipe)
            return -EBADF;
        return cmd == F_GETPIPE_SZ ? pipe_get_size(pipe) : pipe_set_size(pipe, (u32)arg);
    case F_ADD_SEALS:
        return memfd_add_seals(f, (u32)arg);
    case F_GET_SEALS:
        return memfd_get_seals(f);
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
        return hint_call(f, cmd, (u64 *)arg);
    }
    return -EINVAL;
}

long sys_fcntl(const struct syscall_args *a)
{
    int fd = ARG_INT(a, 0), cmd = ARG_INT(a, 1);
    struct file *f = fd_get_path(fd);
    long result;

    if (!f)
        return -EBADF;
    result = descriptor_call(f, fd, cmd, ARG_U64(a, 2));
    if (result == -ENOTTY)
        result = f->mode & FILE_PATH ? -EBADF : file_call(f, fd, cmd, ARG_U64(a, 2));
    file_put(f);
    return result;
}

/* ------------------------------------------------------------ ioctl */

static long set_flag(struct file *f, int fd, u32 flag, const int *user)
{
    int on;

    if (get_user(on, user))
        return -EFAULT;
    if (flag == FASYNC && !(f->flags & FASYNC) != !on && !f->ops->async)
        return -ENOTTY;
    return set_flags(f, fd, on ? f->flags | flag : f->flags & ~flag);
}

/* FIOQSIZE: the bytes that the file takes, as in st_blocks. */
static long tell_room(struct file *f, s64 *user)
{
    struct inode *i = f->inode;
    struct stat st;
    int error = i && (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)) ? file_stat(f, &st) : -ENOTTY;

    return error ? error : put_user((s64)st.st_blocks * 512, user);
}

static long regular_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    s64 size = (s64)inode_size(f->inode);

    if (cmd == FIBMAP)
        return -EPERM; /* CAP_SYS_RAWIO, which nobody has */
    if (cmd == FIONREAD)
        return put_user((int)(size - (s64)READ_ONCE(f->position)), (int *)arg);
    return -ENOTTY;
}

static long ioctl_file(struct file *f, int fd, unsigned cmd, unsigned long arg)
{
    struct inode *i = f->inode;

    switch (cmd) {
    case FIOCLEX:
        return fd_set_cloexec(fd, true);
    case FIONCLEX:
        return fd_set_cloexec(fd, false);
    case FIONBIO:
        return set_flag(f, fd, O_NONBLOCK, (int *)arg);
    case FIOASYNC:
        return set_flag(f, fd, FASYNC, (int *)arg);
    case FIOQSIZE:
        return tell_room(f, (s64 *)arg);
    case FS_IOC_GETFLAGS:
    case FS_IOC_SETFLAGS:
    case FS_IOC_FSGETXATTR:
    case FS_IOC_FSSETXATTR:
        return inode_flags_ioctl(f, cmd, (void *)arg);
    case FIGETBSZ:
        return put_user(i && i->super && i->super->block_size ? (int)i->super->block_size : (int)PAGE_SIZE, (int *)arg);
    }
    if (f->ops->ioctl)
        return f->ops->ioctl(f, cmd, arg);
    return i && S_ISREG(i->mode) ? regular_ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    long result;

    if (!f)
        return -EBADF;
    result = ioctl_file(f, ARG_INT(a, 0), ARG_U32(a, 1), ARG_U64(a, 2));
    file_put(f);
    return result;
}

/* ------------------------------------------------------------ the rest */

long sys_flock(const struct syscall_args *a)
{
    int operation = ARG_INT(a, 1), kind = operation & ~LOCK_NB;
    struct file *f;
    long result;

    if (operation & LOCK_MAND) /* without effect since Linux 5.18 */
        return 0;
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    if (kind != LOCK_UN && !(f->mode & (FILE_READ | FILE_WRITE)))
        result = -EBADF;
    else
        result = file_lock_flock(f, operation);
    file_put(f);
    return result;
}

static long sync_fd(int fd, bool data_only)
{
    struct file *f = fd_get(fd);
    long result;

    if (!f)
        return -EBADF;
    result = f->ops->fsync ? f->ops->fsync(f, data_only) : -EINVAL;
    file_put(f);
    return result;
}

long sys_fsync(const struct syscall_args *a)
{
    return sync_fd(ARG_INT(a, 0), false);
}

long sys_fdatasync(const struct syscall_args *a)
{
    return sync_fd(ARG_INT(a, 0), true);
}

long sys_sync(const struct syscall_args *a)
{
    page_cache_sync_all();
    return 0;
}

long sys_syncfs(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));

    if (!f)
        return -EBADF;
    page_cache_sync_all();
    file_put(f);
    return 0;
}

static bool leaves_positions(s64 offset, s64 n)
{
    return __builtin_add_overflow(offset, n, &n);
}

/* The object that holds the data of a file with an inode, with a reference. NULL: it is kept in none. */
static struct memory_object *data_of(struct file *f)
{
    struct memory_object *o = NULL;

    if ((S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) && f->ops->mmap)
        o = f->ops->mmap(f, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE);
    return IS_ERR(o) ? NULL : o;
}

/* sync_file_range(2): dirty pages of the range; n 0: up to the end. Writing is waited for, asked or not. */
static int write_back(struct file *f, u64 offset, u64 n, u32 flags)
{
    struct memory_object *o = flags ? data_of(f) : NULL;
    int error = 0;

    if (!o)
        return 0;
    if (o->ops->sync)
        error = o->ops->sync(o, offset >> PAGE_SHIFT, n ? ((offset + n - 1) >> PAGE_SHIFT) + 1 : UINT64_MAX);
    memory_object_put(o);
    return error;
}

long sys_sync_file_range(const struct syscall_args *a)
{
    const u32 known =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    s64 offset = ARG_S64(a, 1), n = ARG_S64(a, 2);
    struct file *f = fd_get(ARG_INT(a, 0));
    u32 mode;
    long result = 0;

    if (!f)
        return -EBADF;
    mode = f->inode ? f->inode->mode : 0;
    if (ARG_U32(a, 3) & ~known || offset < 0 || n < 0 || leaves_positions(offset, n))
        result = -EINVAL;
    else if (!S_ISREG(mode) && !S_ISBLK(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
        result = -ESPIPE;
    else
        result = write_back(f, (u64)offset, (u64)n, ARG_U32(a, 3));
    file_put(f);
    return result;
}

static long check_fallocate(struct file *f, int mode, s64 offset, s64 n)
{
    int operation = mode & ~FALLOC_FL_KEEP_SIZE;

    if (offset < 0 || n <= 0)
        return -EINVAL;
    switch (operation) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
        break;
    case FALLOC_FL_PUNCH_HOLE:
        if (!(mode & FALLOC_FL_KEEP_SIZE))
            return -EOPNOTSUPP;
        break;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
        if (!(mode & FALLOC_FL_KEEP_SIZE))
            break;
        /* fall through */
    default:
        return -EOPNOTSUPP;
    }
    if (!(f->mode & FILE_WRITE))
        return -EBADF;
    if (f->inode && (f->inode->flags & FS_IMMUTABLE_FL || (f->inode->flags & FS_APPEND_FL && mode & ~FALLOC_FL_KEEP_SIZE)))
        return -EPERM;
    if (f->inode && S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (f->inode && S_ISDIR(f->inode->mode))
        return -EISDIR;
    if (!f->inode || !(S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)))
        return -ENODEV;
    if (leaves_positions(offset, n))
        return -EFBIG;
    return f->ops->fallocate ? 0 : -EOPNOTSUPP;
}

long sys_fallocate(const struct syscall_args *a)
{
    s64 offset = ARG_S64(a, 2), n = ARG_S64(a, 3);
    struct file *f = fd_get(ARG_INT(a, 0));
    long result;

    if (!f)
        return -EBADF;
    result = check_fallocate(f, ARG_INT(a, 1), offset, n);
    if (!result)
        result = f->ops->fallocate(f, ARG_INT(a, 1), (u64)offset, (u64)n);
    if (!result)
        notify_file(f, IN_MODIFY);
    file_put(f);
    return result;
}

/* What posix_fadvise(2) does at once. n 0: up to the end. Only whole pages are dropped. */
static void advise(struct file *f, u64 offset, u64 n, int advice)
{
    u64 end = n && offset + n > offset ? offset + n : INT64_MAX;
    struct memory_object *o = data_of(f);

    if (!o)
        return;
    if (advice == POSIX_FADV_WILLNEED && o->ops->read_ahead)
        o->ops->read_ahead(o, offset >> PAGE_SHIFT, ALIGN_UP(end, PAGE_SIZE) >> PAGE_SHIFT);
    else if (advice == POSIX_FADV_DONTNEED && o->ops->drop)
        o->ops->drop(o, ALIGN_UP(offset, PAGE_SIZE) >> PAGE_SHIFT,
                     end >= READ_ONCE(o->size) ? UINT64_MAX : end >> PAGE_SHIFT);
    memory_object_put(o);
}

long sys_fadvise64(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    long result = 0;

    if (!f)
        return -EBADF;
    if (f->inode && S_ISFIFO(f->inode->mode))
        result = -ESPIPE;
    else if (ARG_S64(a, 2) < 0 || ARG_U32(a, 3) > POSIX_FADV_NOREUSE)
        result = -EINVAL;
    else if (f->inode)
        advise(f, ARG_U64(a, 1), ARG_U64(a, 2), ARG_INT(a, 3));
    file_put(f);
    return result;
}

long sys_readahead(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    long result = 0;

    if (!f)
        return -EBADF;
    if (!(f->mode & FILE_READ))
        result = -EBADF;
    else if (!f->inode || !(S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) || ARG_S64(a, 2) < 0)
        result = -EINVAL;
    else
        advise(f, ARG_U64(a, 1), ARG_U64(a, 2), POSIX_FADV_WILLNEED);
    file_put(f);
    return result;
}
