/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes and FIFOs: pipe(7). */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/file.h"
#include "kernel/page.h"

/* A flag to file_read() beside those of preadv2(2): bytes of all packets of a pipe, no rest is dropped. */
#define RWF_NO_PACKETS (1 << 30)

/*
 * Two new files, [0] to read and [1] to write; flags O_NONBLOCK and O_DIRECT. 0, -ENFILE or
 * -ENOMEM.
 */
int pipe_create(struct file *ends[2], u32 flags);
/* The pipe behind f, or NULL if it is no pipe or FIFO. */
struct pipe *pipe_of(struct file *f);
/* fcntl(2) F_SETPIPE_SZ: the capacity in bytes, -EPERM, -EBUSY, -EINVAL, -ENOMEM. */
long pipe_set_size(struct pipe *p, u64 size);
long pipe_get_size(struct pipe *p);

#endif
