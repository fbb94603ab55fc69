/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies of calls that io_uring's requests have too, on what the requests have copied. */
#ifndef SYSCALLS_BODIES_H
#define SYSCALLS_BODIES_H

#include <linux/openat2.h>
#include "fs/file.h"

/* What a file answers to flags of preadv2 and pwritev2: 0, -EOPNOTSUPP or -EINVAL. */
int transfer_check_flags(const struct file *f, int rwf);
/* Copies openat2(2)'s structure in: 0, -EINVAL, -E2BIG, -EFAULT. */
int open_how_import(struct open_how *how, const char *user, u64 size);
long open_how_at(int dirfd, const char *user_path, const struct open_how *how);
/* splice(2) and tee(2) on files and positions (NULL: the file's own). They raise SIGPIPE. */
long splice_at(struct file *in, s64 *in_pos, struct file *out, s64 *out_pos, size_t n, u32 flags);
long tee_between(struct file *in, struct file *out, size_t n, u32 flags);

#endif
