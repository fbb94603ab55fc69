/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data between files inside the kernel: sendfile(2), splice(2), tee(2), copy_file_range(2).
 */
#ifndef FS_SPLICE_H
#define FS_SPLICE_H

#include "fs/file.h"

/*
 * Copies up to n bytes from in to out. A NULL position is the file's own. nonblock: neither side
 * may wait beyond the first bytes. Bytes done, 0 at the end of in, or negative errno if none.
 */
ssize splice_files(struct file *in, s64 *in_pos, struct file *out, s64 *out_pos, size_t n);
/* From a file into a pipe, and back; waiting as nonblock says. */
ssize splice_to_pipe(struct file *in, s64 *pos, struct pipe *to, size_t n, bool nonblock);
ssize splice_from_pipe(struct pipe *from, struct file *out, s64 *pos, size_t n, bool nonblock);
/* Between two different pipes, taking the bytes away (splice) or leaving them (tee). */
ssize splice_pipes(struct pipe *from, struct pipe *to, size_t n, bool nonblock, bool consume);
/* The program's buffers into a pipe. */
ssize splice_memory(struct io *io, struct pipe *to, bool nonblock);

#endif
