/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks on files: POSIX record locks (fcntl F_SETLK), open-file-description locks
 * (F_OFD_SETLK) and flock(2). Locks belong to the inode; a POSIX lock's owner is the descriptor
 * table, the others' is the open file.
 */
#ifndef FS_FILE_LOCK_H
#define FS_FILE_LOCK_H

#include <linux/fcntl.h>
#include "fs/vfs.h"

struct fd_table;

/*
 * fcntl(2): cmd F_GETLK … F_OFD_SETLKW, l with absolute or relative range as given; F_GETLK fills
 * it. -EAGAIN, -EDEADLK, -ERESTARTSYS, …
 */
int file_lock_fcntl(struct file *f, int cmd, struct flock *l);
/* flock(2): operation LOCK_*. */
int file_lock_flock(struct file *f, int operation);
/* A descriptor of f in table was closed: its process's POSIX locks on the inode go. */
void file_lock_descriptor_closed(struct file *f, struct fd_table *table);
/* The open file is going away: its OFD and flock locks go. */
void file_lock_released(struct file *f);
/* The inode is going away; it has no locks any more. */
void file_lock_inode_gone(struct inode *i);

#endif
