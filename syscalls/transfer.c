/* SPDX-License-Identifier: BSD-2-Clause */
/* sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2). */
#include <linux/fs.h>
#include "fs/pipe.h"
#include "fs/splice.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "syscalls/bodies.h"
#include "syscalls/syscall.h"

long sys_sendfile(const struct syscall_args *a);
long sys_splice(const struct syscall_args *a);
long sys_tee(const struct syscall_args *a);
long sys_vmsplice(const struct syscall_args *a);
long sys_copy_file_range(const struct syscall_args *a);

/* splice(2); the headers have these only in the C library's <fcntl.h>. */
#define SPLICE_MOVE     1u
#define SPLICE_NONBLOCK 2u
#define SPLICE_MORE     4u
#define SPLICE_GIFT     8u
#define SPLICE_ALL      (SPLICE_MOVE | SPLICE_NONBLOCK | SPLICE_MORE | SPLICE_GIFT)

/* Two open files at once. */
struct pair {
    struct file *in, *out;
};

static bool get_pair(struct pair *p, int in, int out)
{
    p->in = fd_get(in);
    p->out = p->in ? fd_get(out) : NULL;
    if (p->in && !p->out)
        file_put(p->in);
    return p->out != NULL;
}

/* Nobody reads the pipe that was written to. */
static long tell_broken(struct file *out, long result)
{
    if (result == -EPIPE && pipe_of(out))
        file_raise_signal(SIGPIPE);
    return result;
}

/* The end of a call. */
static void put_pair(struct pair *p, long result)
{
    tell_broken(p->out, result);
    file_put(p->in);
    file_put(p->out);
}

static bool overlaps(u64 a, u64 b, size_t n)
{
    return a < b + n && b < a + n;
}

static long send_file(struct pair *p, s64 *pos, size_t n)
{
    struct pipe *to = pipe_of(p->out);
    int error;

    if (!(p->out->mode & FILE_WRITE))
        return -EBADF;
    if (to)
        return splice_to_pipe(p->in, pos, to, n, p->out->flags & O_NONBLOCK);
    error = file_check_range(p->out, NULL, n);
    if (error)
        return error;
    /* Not from where data that cannot be written on would be lost. */
    if (p->out->flags & O_APPEND || !p->in->ops->seek)
        return -EINVAL;
    return splice_files(p->in, pos, p->out, NULL, n);
}

long sys_sendfile(const struct syscall_args *a)
{
    s64 *user = ARG_PTR(a, 2), pos = 0;
    size_t n = ARG_U64(a, 3);
    struct pair p;
    long result = 0;

    if (user && get_user(pos, user))
        return -EFAULT;
    p.in = fd_get(ARG_INT(a, 1));
    if (!p.in)
        return -EBADF;
    if (!(p.in->mode & FILE_READ))
        result = -EBADF;
    else if (user && !(p.in->mode & FILE_SEEKABLE))
        result = -ESPIPE;
    else
        result = file_check_range(p.in, user ? &pos : NULL, n);
    p.out = result ? NULL : fd_get(ARG_INT(a, 0));
    if (!p.out) {
        file_put(p.in);
        return result ? result : -EBADF;
    }
    result = send_file(&p, user ? &pos : NULL, MIN(n, IO_MAX_BYTES));
    io_count(false, result);
    io_count(true, result);
    put_pair(&p, result);
    if (user && result >= 0 && put_user(pos, user))
        return -EFAULT;
    return result;
}

/* splice(2) once the files are there; positions already copied in. */
static long splice_pair(struct pair *p, s64 *in_pos, s64 *out_pos, size_t n, u32 flags)
{
    struct pipe *from = pipe_of(p->in), *to = pipe_of(p->out);
    bool nonblock = flags & SPLICE_NONBLOCK;
    int error;

    if (!(p->in->mode & FILE_READ) || !(p->out->mode & FILE_WRITE))
        return -EBADF;
    if (from && to) {
        if (from == to)
            return -EINVAL;
        return splice_pipes(from, to, n, nonblock || (p->in->flags | p->out->flags) & O_NONBLOCK,
                            true);
    }
    if (!from && !to && !((p->in->ops->splice | p->out->ops->splice) & SPLICE_AS_PIPE))
        return -EINVAL;
    if ((in_pos && !(p->in->mode & FILE_SEEKABLE)) || (out_pos && !(p->out->mode & FILE_SEEKABLE)))
        return -EINVAL;
    if (to) {
        error = file_check_range(p->in, in_pos, n);
        return error ? error : splice_to_pipe(p->in, in_pos, to, n, nonblock || p->out->flags & O_NONBLOCK);
    }
    if (p->out->flags & O_APPEND)
        return -EINVAL;
    error = file_check_range(p->out, out_pos, n);
    if (error)
        return error;
    return from ? splice_from_pipe(from, p->out, out_pos, n, nonblock || p->in->flags & O_NONBLOCK)
                : splice_files(p->in, in_pos, p->out, out_pos, n);
}

long splice_at(struct file *in, s64 *in_pos, struct file *out, s64 *out_pos, size_t n, u32 flags)
{
    struct pair p = {in, out};

    if (!n)
        return 0;
    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if ((pipe_of(in) && in_pos) || (pipe_of(out) && out_pos))
        return -ESPIPE;
    return tell_broken(out, splice_pair(&p, in_pos, out_pos, n, flags));
}

long sys_splice(const struct syscall_args *a)
{
    s64 *user_in = ARG_PTR(a, 1), *user_out = ARG_PTR(a, 3), in_pos = 0, out_pos = 0;
    size_t n = ARG_U64(a, 4);
    u32 flags = ARG_U32(a, 5);
    struct pair p;
    long result;

    if (!n)
        return 0;
    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if (!get_pair(&p, ARG_INT(a, 0), ARG_INT(a, 2)))
        return -EBADF;
    if ((pipe_of(p.in) && user_in) || (pipe_of(p.out) && user_out))
        result = -ESPIPE;
    else if ((user_out && get_user(out_pos, user_out)) || (user_in && get_user(in_pos, user_in)))
        result = -EFAULT;
    else
        result = splice_pair(&p, user_in ? &in_pos : NULL, user_out ? &out_pos : NULL, n, flags);
    put_pair(&p, result);
    if (result >= 0 &&
        ((user_in && put_user(in_pos, user_in)) || (user_out && put_user(out_pos, user_out))))
        return -EFAULT;
    return result;
}

long tee_between(struct file *in, struct file *out, size_t n, u32 flags)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);

    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if (!n)
        return 0;
    if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE))
        return -EBADF;
    if (!from || !to || from == to)
        return -EINVAL;
    return tell_broken(out, splice_pipes(from, to, n, flags & SPLICE_NONBLOCK || (in->flags | out->flags) & O_NONBLOCK, false));
}

long sys_tee(const struct syscall_args *a)
{
    size_t n = ARG_U64(a, 2);
    u32 flags = ARG_U32(a, 3);
    struct pair p;

    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if (!n)
        return 0;
    if (!get_pair(&p, ARG_INT(a, 0), ARG_INT(a, 1)))
        return -EBADF;
    long result = tee_between(p.in, p.out, n, flags);
    put_pair(&p, 0);
    return result;
}

long sys_vmsplice(const struct syscall_args *a)
{
    struct iovec storage[IO_FAST_VEC], *allocated;
    u32 flags = ARG_U32(a, 3);
    struct file *f;
    struct pipe *pipe;
    struct io io;
    long result;

    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    result = f->mode & (FILE_READ | FILE_WRITE) ? io_import(&io, ARG_PTR(a, 1), ARG_U64(a, 2), storage, &allocated) : -EBADF;
    if (!result) {
        bool nonblock = flags & SPLICE_NONBLOCK;

        pipe = pipe_of(f);
        if (!io.left)
            result = 0;
        else if (!pipe)
            result = -EBADF;
        else if (f->mode & FILE_WRITE)
            result = splice_memory(&io, pipe, nonblock);
        else
            result = file_read(f, &io, NULL, RWF_NO_PACKETS | (nonblock ? RWF_NOWAIT : 0));
        kfree(allocated);
    }
    if (result == -EPIPE)
        file_raise_signal(SIGPIPE);
    file_put(f);
    return result;
}

/* copy_file_range(2): the checks in Linux's order, then a copy. */
static long copy_range(struct pair *p, s64 *in_pos, s64 *out_pos, size_t n)
{
    u64 in_at = in_pos ? (u64)*in_pos : p->in->position,
        out_at = out_pos ? (u64)*out_pos : p->out->position;
    u64 size;
    int error;

    if ((p->in->inode && S_ISDIR(p->in->inode->mode)) || (p->out->inode && S_ISDIR(p->out->inode->mode)))
        return -EISDIR;
    if (!p->in->inode || !p->out->inode || !S_ISREG(p->in->inode->mode) || !S_ISREG(p->out->inode->mode))
        return -EINVAL;
    if (!(p->in->mode & FILE_READ) || !(p->out->mode & FILE_WRITE) || p->out->flags & O_APPEND)
        return -EBADF;
    if (p->in->inode->super != p->out->inode->super)
        return -EXDEV;
    if (in_at + n < in_at || out_at + n < out_at)
        return -EOVERFLOW;
    size = inode_size(p->in->inode);
    n = in_at >= size ? 0 : MIN(n, size - in_at);
    error = file_limit_write(&n, out_at);
    if (error)
        return error;
    if (p->in->inode == p->out->inode && overlaps(in_at, out_at, n))
        return -EINVAL;
    if ((s64)in_at < 0 || (s64)out_at < 0 || (s64)(in_at + n) < 0 || (s64)(out_at + n) < 0)
        return -EINVAL;
    return n ? splice_files(p->in, in_pos, p->out, out_pos, MIN(n, IO_MAX_BYTES)) : 0;
}

long sys_copy_file_range(const struct syscall_args *a)
{
    s64 *user_in = ARG_PTR(a, 1), *user_out = ARG_PTR(a, 3), in_pos = 0, out_pos = 0;
    size_t n = ARG_U64(a, 4);
    struct pair p;
    long result;

    if (!get_pair(&p, ARG_INT(a, 0), ARG_INT(a, 2)))
        return -EBADF;
    if ((user_in && get_user(in_pos, user_in)) || (user_out && get_user(out_pos, user_out)))
        result = -EFAULT;
    else if (ARG_U32(a, 5))
        result = -EINVAL;
    else
        result = copy_range(&p, user_in ? &in_pos : NULL, user_out ? &out_pos : NULL, n);
    io_count(false, result);
    io_count(true, result);
    put_pair(&p, result);
    if (result > 0 &&
        ((user_in && put_user(in_pos, user_in)) || (user_out && put_user(out_pos, user_out))))
        return -EFAULT;
    return result;
}
