/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: line discipline (termios(3)) between a byte source and a byte sink. The console is one over
 * the host's streams.
 */
#ifndef FS_TTY_H
#define FS_TTY_H

#include <asm/termbits.h>
#include <asm/termios.h>
#include "fs/file.h"

#define TTY_INPUT_MAX 4096 /* bytes typed and not yet read; more are dropped with a bell */

struct tty {
    struct mutex lock;            /* LOCK_FS: everything but the queue */
    struct wait_queue events;     /* readers, writers, poll */
    struct termios2 termios;
    struct winsize size;
    enum stream in, out;
    char input[TTY_INPUT_MAX];    /* ring: [head, tail) can be read, [tail, line_end) is the line being edited */
    u32 head, tail, line_end;
    u8 marks[TTY_INPUT_MAX / 8];  /* bit set: the byte ends a line (newline, VEOL, or an invisible VEOF) */
    u32 column;                   /* of the cursor, for tabs */
    bool stopped;                 /* VSTOP was typed: writers wait */
    bool held;                    /* the same by tcflow(TCOOFF), which VSTART does not undo */
    bool exclusive;               /* TIOCEXCL: no more opens without CAP_SYS_ADMIN */
    bool hung_up;                 /* the source ended */
    bool output_only;             /* there is no source: a read finds the end of input */
    int foreground_group, session;
    bool attached;                /* it has streams, and its input thread runs */
};

/* The console terminal. */
extern struct tty console_tty;

/* Once, before the first file is opened. */
void tty_init(void);
/* Says which streams the console terminal has. Starts reading input. */
void tty_console_attach(enum stream in, enum stream out);
/*
 * The same for a terminal of which the program has only the output: nothing is read, and bytes go out
 * as they are, for the host's terminal processes them.
 */
void tty_console_attach_output(enum stream out);
/* Makes f a file of the console terminal: for /dev/tty and /dev/console. -ENXIO without a terminal (console: then the UART). */
int tty_open(struct file *f);
int console_open(struct file *f);
/* A file of the console terminal whose output goes to another stream (standard error). */
struct file *tty_file_create(u32 open_flags, enum stream out);
void tty_set_size(struct tty *t, unsigned columns, unsigned rows);
void tty_hang_up(struct tty *t);

/* Line discipline (tty_ldisc.c). Under t->lock. */
/* Takes one byte from the source: edits, echoes, raises signals. */
void ldisc_receive(struct tty *t, u8 c);
/* Output processing of one byte: writes 1..8 bytes to out and returns how many. */
unsigned ldisc_output(struct tty *t, u8 c, char out[8]);
/* True if a read would not block. */
bool ldisc_readable(struct tty *t);
/* Takes up to n bytes for a read: one line at most in canonical mode. 0 at VEOF. */
size_t ldisc_take(struct tty *t, char *buf, size_t n);
void ldisc_flush_input(struct tty *t);
/* After the mode changed: an unfinished line becomes readable when canonical mode ends. */
void ldisc_mode_changed(struct tty *t);

#endif
