/* SPDX-License-Identifier: BSD-2-Clause */
/* sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2). */
#include <linux/fs.h>
#include "fs/pipe.h"
#include "fs/splice.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
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

static void put_pair(struct pair *p)
{
    file_put(p->in);
    file_put(p->out);
}

static bool overlaps(s64 a, s64 b, size_t n)
{
    return a < b + (s64)n && b < a + (s64)n;
}

static long send_file(struct pair *p, s64 *pos, size_t n)
{
    struct pipe *to = pipe_of(p->out);

    if (!(p->in->mode & FILE_READ) || !(p->out->mode & FILE_WRITE))
        return -EBADF;
    if (pos && !(p->in->mode & FILE_SEEKABLE))
        return -ESPIPE;
    if (p->out->flags & O_APPEND)
        return -EINVAL;
    if (pos && *pos < 0)
        return -EINVAL;
    /*
     * Linux sends only from what can be mapped or spliced: regular files, block devices, the memory
     * devices.
     */
    if (!p->in->inode || !(p->in->mode & FILE_SEEKABLE) || S_ISDIR(p->in->inode->mode))
        return -EINVAL;
    n = MIN(n, IO_MAX_BYTES);
    if (to)
        return splice_to_pipe(p->in, pos, to, n, p->out->flags & O_NONBLOCK);
    return splice_files(p->in, pos, p->out, NULL, n);
}

long sys_sendfile(const struct syscall_args *a)
{
    s64 *user = ARG_PTR(a, 2), pos = 0;
    struct pair p;
    long result;

    if (user && get_user(pos, user))
        return -EFAULT;
    if (!get_pair(&p, ARG_INT(a, 1), ARG_INT(a, 0)))
        return -EBADF;
    result = send_file(&p, user ? &pos : NULL, ARG_U64(a, 3));
    put_pair(&p);
    if (user && result >= 0 && put_user(pos, user))
        return -EFAULT;
    return result;
}

/* splice(2) once the files are there; positions already copied in. */
static long splice_pair(struct pair *p, s64 *in_pos, s64 *out_pos, size_t n, u32 flags)
{
    struct pipe *from = pipe_of(p->in), *to = pipe_of(p->out);
    bool nonblock = flags & SPLICE_NONBLOCK;

    if (!(p->in->mode & FILE_READ) || !(p->out->mode & FILE_WRITE))
        return -EBADF;
    if ((from && in_pos) || (to && out_pos))
        return -ESPIPE;
    if (from && to) {
        if (from == to)
            return -EINVAL;
        return splice_pipes(from, to, n, nonblock || (p->in->flags | p->out->flags) & O_NONBLOCK,
                            true);
    }
    if (from) {
        if (out_pos && !(p->out->mode & FILE_SEEKABLE))
            return -EINVAL;
        if (p->out->flags & O_APPEND || !p->out->ops->write)
            return -EINVAL;
        return splice_from_pipe(from, p->out, out_pos, n, nonblock || p->in->flags & O_NONBLOCK);
    }
    if (to) {
        if (in_pos && !(p->in->mode & FILE_SEEKABLE))
            return -EINVAL;
        if (!p->in->ops->read)
            return -EINVAL;
        return splice_to_pipe(p->in, in_pos, to, n, nonblock || p->out->flags & O_NONBLOCK);
    }
    return -EINVAL;
}

long sys_splice(const struct syscall_args *a)
{
    s64 *user_in = ARG_PTR(a, 1), *user_out = ARG_PTR(a, 3), in_pos = 0, out_pos = 0;
    size_t n = MIN((size_t)ARG_U64(a, 4), IO_MAX_BYTES);
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
    else if ((user_in && get_user(in_pos, user_in)) || (user_out && get_user(out_pos, user_out)))
        result = -EFAULT;
    else
        result = splice_pair(&p, user_in ? &in_pos : NULL, user_out ? &out_pos : NULL, n, flags);
    put_pair(&p);
    if (result > 0 &&
        ((user_in && put_user(in_pos, user_in)) || (user_out && put_user(out_pos, user_out))))
        return -EFAULT;
    return result;
}

long sys_tee(const struct syscall_args *a)
{
    size_t n = ARG_U64(a, 2);
    u32 flags = ARG_U32(a, 3);
    struct pipe *from, *to;
    struct pair p;
    long result;

    if (flags & ~SPLICE_ALL)
        return -EINVAL;
    if (!n)
        return 0;
    if (!get_pair(&p, ARG_INT(a, 0), ARG_INT(a, 1)))
        return -EBADF;
    from = pipe_of(p.in);
    to = pipe_of(p.out);
    if (!(p.in->mode & FILE_READ) || !(p.out->mode & FILE_WRITE))
        result = -EBADF;
    else if (!from || !to || from == to)
        result = -EINVAL;
    else
        result = splice_pipes(from, to, n,
                              flags & SPLICE_NONBLOCK || (p.in->flags | p.out->flags) & O_NONBLOCK,
                              false);
    put_pair(&p);
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
    pipe = pipe_of(f);
    result = pipe ? io_import(&io, ARG_PTR(a, 1), ARG_U64(a, 2), storage, &allocated) : -EBADF;
    if (!result) {
        bool nonblock = flags & SPLICE_NONBLOCK || f->flags & O_NONBLOCK;

        if (!io.left)
            result = 0;
        else if (f->mode & FILE_WRITE)
            result = splice_memory(&io, pipe, nonblock);
        else
            result = file_read(f, &io, NULL, nonblock ? RWF_NOWAIT : 0);
        kfree(allocated);
    }
    file_put(f);
    return result;
}

/* copy_file_range(2): the checks in Linux's order, then a copy. */
static long copy_range(struct pair *p, s64 *in_pos, s64 *out_pos, size_t n)
{
    u64 in_at = in_pos ? (u64)*in_pos : p->in->position,
        out_at = out_pos ? (u64)*out_pos : p->out->position;
    u64 size;

    if (!p->in->inode || !p->out->inode)
        return -EINVAL;
    if (S_ISDIR(p->in->inode->mode) || S_ISDIR(p->out->inode->mode))
        return -EISDIR;
    if (!S_ISREG(p->in->inode->mode) || !S_ISREG(p->out->inode->mode))
        return -EINVAL;
    if (!(p->in->mode & FILE_READ) || !(p->out->mode & FILE_WRITE) || p->out->flags & O_APPEND)
        return -EBADF;
    if ((s64)in_at < 0 || (s64)out_at < 0)
        return -EINVAL;
    if ((s64)(in_at + n) < 0 || (s64)(out_at + n) < 0)
        return -EOVERFLOW;
    size = inode_size(p->in->inode);
    n = in_at >= size ? 0 : MIN(n, size - in_at);
    if (p->in->inode == p->out->inode && n && overlaps((s64)in_at, (s64)out_at, n))
        return -EINVAL;
    return n ? splice_files(p->in, in_pos, p->out, out_pos, n) : 0;
}

long sys_copy_file_range(const struct syscall_args *a)
{
    s64 *user_in = ARG_PTR(a, 1), *user_out = ARG_PTR(a, 3), in_pos = 0, out_pos = 0;
    size_t n = MIN((size_t)ARG_U64(a, 4), IO_MAX_BYTES);
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
    put_pair(&p);
    if (result > 0 &&
        ((user_in && put_user(in_pos, user_in)) || (user_out && put_user(out_pos, user_out))))
        return -EFAULT;
    return result;
}
