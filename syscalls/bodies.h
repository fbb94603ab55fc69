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

struct epoll_event;
/* event NULL: EPOLL_CTL_DEL. */
long epoll_ctl_event(int epfd, int op, int fd, struct epoll_event *event);
/* name: XATTR_NAME_MAX + 1 bytes. 0, -ERANGE, -EFAULT. */
long xattr_import_name(char *name, const char *user_name);
/* setxattr(2)'s arguments, with the value in memory that the caller frees after success. 0 or negative errno. */
long xattr_import(char *name, const char *user_name, void **value, const void *user_value, size_t n, int flags);
/* setxattr(2), getxattr(2) with what was imported: of the descriptor target if open, or the path there. */
long xattr_set_at(u64 target, bool open, const char *name, const void *value, size_t n, int flags);
long xattr_get_at(u64 target, bool open, const char *name, void *user_value, size_t n);

#endif
