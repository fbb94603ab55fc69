/* SPDX-License-Identifier: BSD-2-Clause */
/* read(2), write(2) and their relatives, lseek(2). */
#include <linux/fs.h>
#include "fs/file.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "syscalls/bodies.h"
#include "syscalls/syscall.h"

long sys_read(const struct syscall_args *a);
long sys_write(const struct syscall_args *a);
long sys_pread64(const struct syscall_args *a);
long sys_pwrite64(const struct syscall_args *a);
long sys_readv(const struct syscall_args *a);
long sys_writev(const struct syscall_args *a);
long sys_preadv(const struct syscall_args *a);
long sys_pwritev(const struct syscall_args *a);
long sys_preadv2(const struct syscall_args *a);
long sys_pwritev2(const struct syscall_args *a);
long sys_lseek(const struct syscall_args *a);

/* Without a way to read or write a file is EINVAL to each of them; a directory says later what it is. */
static long check_transfer(const struct file *f, bool write)
{
    if (!(f->mode & (write ? FILE_WRITE : FILE_READ)))
        return -EBADF;
    if (write ? f->ops->write != NULL : f->ops->read != NULL)
        return 0;
    return f->inode && S_ISDIR(f->inode->mode) ? 0 : -EINVAL;
}

/* One buffer. The mode is checked before the address, as Linux does. */
static long transfer(int fd, void *buf, size_t n, s64 *offset, bool write)
{
    struct file *f = fd_get(fd);
    struct io io;
    long done;

    if (!f)
        return -EBADF;
    if (offset && !(f->mode & FILE_SEEKABLE)) {
        done = -ESPIPE;
    } else if (!(f->mode & (write ? FILE_WRITE : FILE_READ))) {
        done = -EBADF;
    } else if (!user_range_ok(buf, n)) {
        done = check_transfer(f, write);
        done = done ? done : -EFAULT;
    } else {
        io_init_user(&io, buf, n);
        done = write ? file_write(f, &io, offset, 0) : file_read(f, &io, offset, 0);
        io_count(write, done);
    }
    file_put(f);
    return done;
}

long sys_read(const struct syscall_args *a)
{
    return transfer(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), NULL, false);
}

long sys_write(const struct syscall_args *a)
{
    return transfer(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), NULL, true);
}

long sys_pread64(const struct syscall_args *a)
{
    s64 offset = ARG_S64(a, 3);

    if (offset < 0)
        return -EINVAL;
    return transfer(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), &offset, false);
}

long sys_pwrite64(const struct syscall_args *a)
{
    s64 offset = ARG_S64(a, 3);

    if (offset < 0)
        return -EINVAL;
    return transfer(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), &offset, true);
}

int transfer_check_flags(const struct file *f, int rwf)
{
    const int known = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND;

    if (rwf & ~known)
        return -EOPNOTSUPP;
    if (rwf & RWF_APPEND && rwf & RWF_NOAPPEND)
        return -EINVAL;
    if (f->inode && S_ISDIR(f->inode->mode) && rwf & ~RWF_HIPRI)
        return -EOPNOTSUPP;
    /* No file system here promises to find its data without waiting; pipes do, and not FIFOs, for which Linux just does not say so. */
    return rwf & RWF_NOWAIT && f->inode && (S_ISREG(f->inode->mode) || (S_ISFIFO(f->inode->mode) && f->dentry)) ? -EOPNOTSUPP : 0;
}

static long transfer_vector(int fd, const struct iovec *vec, u64 count, s64 *offset, int rwf,
                            bool write)
{
    struct iovec storage[IO_FAST_VEC], *allocated;
    struct file *f = fd_get(fd);
    struct io io;
    long done;

    if (!f) {
        io_count(write, 0);
        return -EBADF;
    }
    done = offset && !(f->mode & FILE_SEEKABLE) ? -ESPIPE : check_transfer(f, write);
    if (!done)
        done = io_import(&io, vec, count, storage, &allocated);
    if (!done) {
        if (io.left)
            done = file_check_range(f, offset, io.left);
        if (!done && io.left)
            done = transfer_check_flags(f, rwf);
        if (!done && io.left)
            done = write ? file_write(f, &io, offset, rwf) : file_read(f, &io, offset, rwf);
        kfree(allocated);
    }
    io_count(write, done);
    file_put(f);
    return done;
}

long sys_readv(const struct syscall_args *a)
{
    return transfer_vector(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), NULL, 0, false);
}

long sys_writev(const struct syscall_args *a)
{
    return transfer_vector(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), NULL, 0, true);
}

/* The position of preadv and pwritev; on x86-64 the low word holds all of it. */
static long at_offset(const struct syscall_args *a, int rwf, bool may_be_current, bool write)
{
    s64 offset = ARG_S64(a, 3);

    if (offset == -1 && may_be_current)
        return transfer_vector(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), NULL, rwf, write);
    if (offset < 0)
        return -EINVAL;
    return transfer_vector(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), &offset, rwf, write);
}

long sys_preadv(const struct syscall_args *a)
{
    return at_offset(a, 0, false, false);
}

long sys_pwritev(const struct syscall_args *a)
{
    return at_offset(a, 0, false, true);
}

long sys_preadv2(const struct syscall_args *a)
{
    return at_offset(a, ARG_INT(a, 5), true, false);
}

long sys_pwritev2(const struct syscall_args *a)
{
    return at_offset(a, ARG_INT(a, 5), true, true);
}

long sys_lseek(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    u32 whence = ARG_U32(a, 2);
    s64 result;

    if (!f)
        return -EBADF;
    if (whence > SEEK_MAX) {
        result = -EINVAL;
    } else if (!f->ops->seek) {
        result = -ESPIPE;
    } else {
        mutex_lock(&f->position_lock);
        result = f->ops->seek(f, ARG_S64(a, 1), (int)whence);
        mutex_unlock(&f->position_lock);
    }
    file_put(f);
    return result;
}
