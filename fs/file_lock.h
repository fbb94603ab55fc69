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
/* One lock, as /proc/locks tells of it. */
struct file_lock_row {
    const char *kind; /* "POSIX ", "OFDLCK" or "FLOCK " */
    bool write;
    int pid;
    u64 device, inode;
    u64 start, end; /* end included, INT64_MAX: to the end of the file */
};
/* Copies at most max of all locks; with f, of those taken through it by itself or table's process. How many there are. */
size_t file_locks_copy(const struct file *f, const struct fd_table *table, struct file_lock_row *rows, size_t max);
/* The inode is going away; it has no locks any more. */
void file_lock_inode_gone(struct inode *i);

#endif
