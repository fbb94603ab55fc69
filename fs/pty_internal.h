/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of pseudo-terminals: shared by pty.c and ptmx.c only. */
#ifndef FS_PTY_INTERNAL_H
#define FS_PTY_INTERNAL_H

#include "fs/pty.h"
#include "fs/tty.h"

#define PTY_QUEUE_MAX 16384 /* bytes in each direction; a writer waits beyond */

struct pty {
    struct tty tty;                  /* the slave */
    struct pty *next;                /* by index, pairs_lock */
    unsigned index;
    struct wait_queue master_events; /* who waits for the master */
    struct byte_queue typed;         /* for the slave; bytes only while its input is full */
    struct byte_queue output;        /* for the master */
    u32 slave_files;
    bool locked;                     /* TIOCSPTLCK: the slave cannot be opened */
    bool slave_closed;               /* the last of its files was; not before the first */
    bool master_held;                /* tcflow(TCOOFF) on the master */
    bool packets;                    /* TIOCPKT: each read of the master begins with a byte of control */
    u8 status;                       /* TIOCPKT_* to tell in that byte */
};

extern const struct file_ops pty_master_ops;

#endif
