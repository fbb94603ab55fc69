/* SPDX-License-Identifier: BSD-2-Clause */
/* open(2), openat2(2), close(2), dup(2), close_range(2), pipe(2). */
#include <linux/fs.h>
#include <linux/openat2.h>
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "syscalls/bodies.h"
#include "syscalls/syscall.h"

long sys_open(const struct syscall_args *a);
long sys_openat(const struct syscall_args *a);
long sys_openat2(const struct syscall_args *a);
long sys_creat(const struct syscall_args *a);
long sys_close(const struct syscall_args *a);
long sys_close_range(const struct syscall_args *a);
long sys_dup(const struct syscall_args *a);
long sys_dup2(const struct syscall_args *a);
long sys_dup3(const struct syscall_args *a);
long sys_pipe(const struct syscall_args *a);
long sys_pipe2(const struct syscall_args *a);

#define VALID_FLAGS                                                                                \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
     O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |          \
     O_TMPFILE)
#define VALID_RESOLVE                                                                              \
    (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |             \
     RESOLVE_IN_ROOT | RESOLVE_CACHED)
#define PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

/* Flags that contradict each other, as openat2(2) lists them. */
static int check_flags(struct open_how_kernel *how)
{
    u64 flags = how->flags;

    if (flags & ~(u64)VALID_FLAGS || how->resolve & ~(u64)VALID_RESOLVE)
        return -EINVAL;
    if (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT)
        return -EINVAL;
    if (flags & (O_CREAT | __O_TMPFILE)) {
        if (how->mode & ~07777ull)
            return -EINVAL;
    } else if (how->mode) {
        return -EINVAL;
    }
    if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
        return -EINVAL;
    if (flags & __O_TMPFILE) {
        if (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY)
            return -EINVAL;
    }
    if (flags & O_PATH && flags & ~(u64)PATH_FLAGS)
        return -EINVAL;
    if (how->resolve & RESOLVE_CACHED && flags & (O_TRUNC | O_CREAT | __O_TMPFILE))
        return -EAGAIN;
    if (flags & __O_SYNC)
        how->flags |= O_DSYNC;
    return 0;
}

static long open_user(int dirfd, const char *user_path, struct open_how_kernel *how)
{
    struct path_name path;
    struct file *f;
    int error = check_flags(how), fd;

    if (error)
        return error;
    error = path_name_get(&path, user_path);
    if (error)
        return error;
    fd = fd_reserve((u32)how->flags);
    f = fd < 0 ? ERR_PTR(fd) : vfs_open_how(dirfd, path.string, how);
    path_name_put(&path);
    return fd_finish(fd, f);
}

/* The older calls forgive what openat2 refuses. */
static long open_forgiving(int dirfd, const char *path, u32 flags, u32 mode)
{
    struct open_how_kernel how = {.flags = (flags | O_LARGEFILE) & VALID_FLAGS};

    if (how.flags & O_PATH)
        how.flags &= PATH_FLAGS;
    if (how.flags & (O_CREAT | __O_TMPFILE))
        how.mode = mode & 07777;
    return open_user(dirfd, path, &how);
}

long sys_open(const struct syscall_args *a)
{
    return open_forgiving(AT_FDCWD, ARG_PTR(a, 0), ARG_U32(a, 1), ARG_U32(a, 2));
}

long sys_creat(const struct syscall_args *a)
{
    return open_forgiving(AT_FDCWD, ARG_PTR(a, 0), O_CREAT | O_WRONLY | O_TRUNC, ARG_U32(a, 1));
}

long sys_openat(const struct syscall_args *a)
{
    return open_forgiving(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U32(a, 2), ARG_U32(a, 3));
}

int open_how_import(struct open_how *how, const char *user, u64 size)
{
    if (size < sizeof(*how))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (copy_from_user(how, user, sizeof(*how)))
        return -EFAULT;
    /* Fields of a newer structure must be zero. */
    for (u64 at = sizeof(*how); at < size; at++) {
        char c;

        if (copy_from_user(&c, user + at, 1))
            return -EFAULT;
        if (c)
            return -E2BIG;
    }
    return 0;
}

long open_how_at(int dirfd, const char *user_path, const struct open_how *how)
{
    struct open_how_kernel checked = {how->flags, how->mode, how->resolve};

    return open_user(dirfd, user_path, &checked);
}

long sys_openat2(const struct syscall_args *a)
{
    struct open_how how;
    long error = open_how_import(&how, ARG_PTR(a, 2), ARG_U64(a, 3));

    return error ? error : open_how_at(ARG_INT(a, 0), ARG_PTR(a, 1), &how);
}

long sys_close(const struct syscall_args *a)
{
    return fd_close(ARG_INT(a, 0));
}

long sys_close_range(const struct syscall_args *a)
{
    return fd_close_range(ARG_U32(a, 0), ARG_U32(a, 1), ARG_U32(a, 2));
}

long sys_dup(const struct syscall_args *a)
{
    struct file *f = fd_get_path(ARG_INT(a, 0));
    int fd;

    if (!f)
        return -EBADF;
    fd = fd_install(f, 0, 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

static long dup_to(int old, int new, u32 flags)
{
    struct file *f = fd_get_path(old);
    int fd;

    if (!f)
        return -EBADF;
    fd = fd_dup_to(f, new, flags);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_dup2(const struct syscall_args *a)
{
    int old = ARG_INT(a, 0), new = ARG_INT(a, 1);
    struct file *f;

    if (old != new)
        return dup_to(old, new, 0);
    f = fd_get_path(old);
    if (!f)
        return -EBADF;
    file_put(f);
    return new;
}

long sys_dup3(const struct syscall_args *a)
{
    if (ARG_INT(a, 2) & ~O_CLOEXEC || ARG_INT(a, 0) == ARG_INT(a, 1))
        return -EINVAL;
    return dup_to(ARG_INT(a, 0), ARG_INT(a, 1), ARG_U32(a, 2));
}

static long make_pipe(int *user, u32 flags)
{
    struct file *ends[2];
    int fds[2], error;

    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL))
        return -EINVAL;
    if (flags & O_EXCL) /* O_NOTIFICATION_PIPE of a Linux without watch queues */
        return -ENOPKG;
    error = pipe_create(ends, flags);
    if (error)
        return error;
    error = fd_install_pair(ends[0], ends[1], flags, fds);
    if (error) {
        file_put(ends[0]);
        file_put(ends[1]);
        return error;
    }
    if (copy_to_user(user, fds, sizeof(fds))) {
        fd_close(fds[0]);
        fd_close(fds[1]);
        return -EFAULT;
    }
    return 0;
}

long sys_pipe(const struct syscall_args *a)
{
    return make_pipe(ARG_PTR(a, 0), 0);
}

long sys_pipe2(const struct syscall_args *a)
{
    return make_pipe(ARG_PTR(a, 0), ARG_U32(a, 1));
}
