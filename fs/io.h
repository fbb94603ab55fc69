/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transfer in progress between a file and memory: a list of buffers, the program's or the
 * kernel's, consumed from the front.
 */
#ifndef FS_IO_H
#define FS_IO_H

#include <linux/uio.h>
#include "kernel/types.h"

struct io {
    const struct iovec *iov; /* kernel copy of the vector */
    size_t count;            /* entries left, iov[0] partly used by skip */
    size_t skip;
    size_t left;             /* bytes left in all */
    bool user;               /* buffers are the program's */
    struct iovec single;     /* storage for one-buffer transfers */
};

/* One buffer. Address ranges of the program must have been checked by io_check or the caller. */
void io_init_user(struct io *io, void *buf, size_t n);
void io_init_kernel(struct io *io, void *buf, size_t n);
void io_init_vec(struct io *io, const struct iovec *iov, size_t count, bool user);
/* Limits the transfer to n more bytes. */
void io_truncate(struct io *io, size_t n);
/*
 * The contiguous piece at the front: address and bytes (0: nothing left). io_advance consumes n of
 * it.
 */
void *io_front(const struct io *io, size_t *n);
void io_advance(struct io *io, size_t n);
/*
 * Moves up to n bytes out of data into the buffers (a read) or from the buffers to data (a write).
 * Returns bytes moved, -EFAULT if none could be.
 */
ssize io_copy_to(struct io *io, const void *data, size_t n);
ssize io_copy_from(struct io *io, void *data, size_t n);
ssize io_zero(struct io *io, size_t n);
/* The same for what moves in pieces that stay whole (pipes, sockets): all of n or what is left, or -EFAULT and io as before. */
ssize io_copy_piece_to(struct io *io, const void *data, size_t n);
ssize io_copy_piece_from(struct io *io, void *data, size_t n);
/*
 * Reads count entries of the program's vector, as readv(2) does: EINVAL (count, a negative length),
 * EFAULT. The sum is cut to what one call may transfer. storage: at least IO_FAST_VEC entries; a
 * longer vector is allocated, *allocated is to be kfree'd.
 */
#define IO_FAST_VEC 8
#define IO_MAX_BYTES 0x7ffff000ul
int io_import(struct io *io, const struct iovec *user_vec, u64 count, struct iovec *storage,
              struct iovec **allocated);
/* Undo the last n bytes consumed (for implementations that must retry). */
void io_revert(struct io *io, size_t n);

#endif
