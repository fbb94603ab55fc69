/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals, pty(7): a terminal whose other side is a file, the master. For /dev/ptmx and fs/devpts/ only. */
#ifndef FS_PTY_H
#define FS_PTY_H

#include "fs/file.h"

#define PTY_MAJOR 136     /* of slaves; the index is the minor number */
#define PTY_MAX   4096    /* at a time, as Linux */

/* open of /dev/ptmx: a new pair, f is its master. 0, -ENOSPC, -ENOMEM. */
int pty_open_master(struct file *f);
/* f becomes a file of the slave with this index. -EIO: it is locked, or the master has closed. */
int pty_open_slave(unsigned index, struct file *f);
/* How many there are. */
unsigned pty_count(void);

#endif
