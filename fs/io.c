/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers between files and memory (fs/io.h). A struct io belongs to one call of one thread;
 * nothing here locks. Bytes move through the uaccess helpers when the buffers are the program's, so
 * a bad address ends the transfer where it is met.
 */
#include "fs/io.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"

void io_init_vec(struct io *io, const struct iovec *iov, size_t count, bool user)
{
    io->iov = iov;
    io->count = count;
    io->skip = 0;
    io->user = user;
    io->left = 0;
    for (size_t i = 0; i < count; i++)
        io->left += iov[i].iov_len;
}

static void init_single(struct io *io, void *buf, size_t n, bool user)
{
    io->single.iov_base = buf;
    io->single.iov_len = n;
    io->iov = &io->single;
    io->count = 1;
    io->skip = 0;
    io->left = n;
    io->user = user;
}

void io_init_user(struct io *io, void *buf, size_t n)
{
    init_single(io, buf, n, true);
}

void io_init_kernel(struct io *io, void *buf, size_t n)
{
    init_single(io, buf, n, false);
}

void io_truncate(struct io *io, size_t n)
{
    io->left = MIN(io->left, n);
}

void *io_front(const struct io *io, size_t *n)
{
    const struct iovec *v = io->iov;
    size_t skip = io->skip;

    if (!io->left) {
        *n = 0;
        return NULL;
    }
    for (; v->iov_len == skip; v++)
        skip = 0;
    *n = MIN(v->iov_len - skip, io->left);
    return (char *)v->iov_base + skip;
}

void io_advance(struct io *io, size_t n)
{
    io->left -= n;
    while (n) {
        size_t room = io->iov->iov_len - io->skip;
        size_t step = MIN(room, n);

        io->skip += step;
        n -= step;
        if (n) {
            io->iov++;
            io->count--;
            io->skip = 0;
        }
    }
}

void io_revert(struct io *io, size_t n)
{
    io->left += n;
    while (n > io->skip) {
        n -= io->skip;
        io->iov--;
        io->count++;
        io->skip = io->iov->iov_len;
    }
    io->skip -= n;
}

enum direction { TO_BUFFERS, FROM_BUFFERS, ZERO_BUFFERS };

/* Bytes of the n that did not move between data and the contiguous buffer p. */
static size_t move_piece(bool user, void *p, void *data, size_t n, enum direction d)
{
    switch (d) {
    case TO_BUFFERS:
        if (user)
            return copy_to_user_partial(p, data, n);
        memcpy(p, data, n);
        return 0;
    case FROM_BUFFERS:
        if (user)
            return copy_from_user_partial(data, p, n);
        memcpy(data, p, n);
        return 0;
    case ZERO_BUFFERS:
        if (!user) {
            memset(p, 0, n);
            return 0;
        }
        if (!user_range_ok(p, n))
            return n;
        return platform_clear_user(p, n);
    }
    return n;
}

static ssize io_move(struct io *io, char *data, size_t n, enum direction d)
{
    size_t done = 0;

    n = MIN(n, io->left);
    while (done < n) {
        size_t piece;
        void *p = io_front(io, &piece);

        piece = MIN(piece, n - done);
        size_t missed = move_piece(io->user, p, data ? data + done : NULL, piece, d);
        io_advance(io, piece - missed);
        done += piece - missed;
        if (missed)
            return done ? (ssize)done : -EFAULT;
    }
    return (ssize)done;
}

/* The commonest transfer lies in one buffer of the program's. */
static inline bool is_one_piece(const struct io *io, size_t n)
{
    return io->user && n && n <= io->left && n <= io->iov->iov_len - io->skip;
}

/* n bytes were to move within that buffer, and all but missed did. */
static inline ssize advance_piece(struct io *io, size_t n, size_t missed)
{
    io->skip += n - missed;
    io->left -= n - missed;
    return n > missed ? (ssize)(n - missed) : -EFAULT;
}

ssize io_copy_to(struct io *io, const void *data, size_t n)
{
    if (likely(is_one_piece(io, n)))
        return advance_piece(io, n, copy_to_user_partial((char *)io->iov->iov_base + io->skip, data, n));
    return io_move(io, (char *)data, n, TO_BUFFERS);
}

ssize io_copy_from(struct io *io, void *data, size_t n)
{
    if (likely(is_one_piece(io, n)))
        return advance_piece(io, n, copy_from_user_partial(data, (char *)io->iov->iov_base + io->skip, n));
    return io_move(io, data, n, FROM_BUFFERS);
}

ssize io_zero(struct io *io, size_t n)
{
    return io_move(io, NULL, n, ZERO_BUFFERS);
}

static ssize whole(struct io *io, size_t n, ssize done)
{
    if (done < 0 || (size_t)done == n)
        return done;
    io_revert(io, (size_t)done);
    return -EFAULT;
}

ssize io_copy_piece_to(struct io *io, const void *data, size_t n)
{
    n = MIN(n, io->left);
    return whole(io, n, io_copy_to(io, data, n));
}

ssize io_copy_piece_from(struct io *io, void *data, size_t n)
{
    n = MIN(n, io->left);
    return whole(io, n, io_copy_from(io, data, n));
}

int io_import(struct io *io, const struct iovec *user_vec, u64 count, struct iovec *storage,
              struct iovec **allocated)
{
    struct iovec *v = storage;
    u64 total = 0;
    int error = 0;

    *allocated = NULL;
    count = (u32)count; /* as Linux takes it */
    if (count > UIO_MAXIOV)
        return -EINVAL;
    if (count > IO_FAST_VEC) {
        v = kmalloc(count * sizeof(*v));
        if (!v)
            return -ENOMEM;
        *allocated = v;
    }
    if (count && copy_from_user(v, user_vec, count * sizeof(*v)))
        error = -EFAULT;
    for (u64 i = 0; !error && i < count; i++)
        error = (s64)v[i].iov_len < 0 ? -EINVAL : 0;
    for (u64 i = 0; !error && i < count; i++) {
        if (!user_range_ok(v[i].iov_base, v[i].iov_len))
            error = -EFAULT;
        else {
            v[i].iov_len = MIN((u64)v[i].iov_len, IO_MAX_BYTES - total);
            total += v[i].iov_len;
        }
    }
    if (error) {
        kfree(*allocated);
        *allocated = NULL;
        return error;
    }
    io_init_vec(io, v, count, true);
    return 0;
}
