/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals for I/O: O_ASYNC, F_SETOWN, F_SETSIG of fcntl(2), for files whose file_ops.async is set. */
#ifndef FS_ASYNC_H
#define FS_ASYNC_H

#include "fs/vfs.h"

/* Who gets the signals: type is one of F_OWNER_*, id 0 nobody. 0, -ESRCH, -ENOMEM. */
int async_set_owner(struct file *f, int type, int id);
/* The id; 0 and F_OWNER_PID where none is set. */
int async_owner(const struct file *f, int *type);
/* F_GETOWNER_UIDS; 0 both where none is set. */
void async_owner_uids(const struct file *f, u32 uids[2]);
/* F_SETOWN and F_GETOWN: a process group is a negative number. -EINVAL besides. */
int async_set_owner_number(struct file *f, int number);
int async_owner_number(const struct file *f);
/* F_SETSIG; 0: SIGIO without details. signo was checked. 0 or -ENOMEM. */
int async_set_signal(struct file *f, int signo);
int async_signal(const struct file *f);
/* Turns FASYNC of f->flags on or off; fd is what signals will name. 0 or -ENOMEM. Sleeps. */
int async_enable(struct file *f, int fd, bool on);
/* The last reference to f is gone. Called by file_put() before release. */
void async_forget(struct file *f);

#endif
