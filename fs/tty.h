/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: the line discipline (termios(3)) between the files that programs open and a driver, which is
 * where the bytes really come from and go to: the host's streams (fs/console.c) or the master of a
 * pseudo-terminal (fs/pty.c).
 */
#ifndef FS_TTY_H
#define FS_TTY_H

#include <asm/termbits.h>
#include <asm/termios.h>
#include "fs/byte_queue.h"
#include "fs/file.h"
#include "kernel/stream.h"

#define TTY_INPUT_MAX 4096 /* bytes typed and not yet read; more wait in the driver */
#define TTY_OUT_MAX   8    /* bytes that one written byte can become: a tab */

struct tty;

struct tty_driver {
    /* Takes what fits of n bytes; how many. Under t->lock. */
    size_t (*write)(struct tty *t, const void *data, size_t n);
    /* Bytes that write would take, at least TTY_OUT_MAX or 0. */
    size_t (*room)(struct tty *t);
    /* Has memory for the next n bytes to write, at most BYTE_QUEUE_RESERVE. Under t->lock; NULL: always. */
    bool (*reserve)(struct tty *t, size_t n);
    /*
     * Instead of write, for what programs write to f: sleeps until all is taken. Without t->lock. NULL: there
     * is none, and t->events is woken when room comes.
     */
    void (*send)(struct tty *t, struct file *f, const void *data, size_t n);
    /* Sleeps until what was written has arrived: 0 or -ERESTARTSYS. NULL: it has. */
    int (*drain)(struct tty *t, struct file *f);
    /* Forgets what was written and not yet taken. Under t->lock; may be NULL. */
    void (*flush_output)(struct tty *t);
    /* There is room for input again; what waits for it is to be forgotten. Under t->lock; may be NULL. */
    void (*input_taken)(struct tty *t);
    void (*flush_input)(struct tty *t);
    /* Something happened that packet mode tells of, TIOCPKT_* (ioctl_tty(2)). Under t->lock; may be NULL. */
    void (*status)(struct tty *t, u8 what);
    /* A file is opened: 0 or negative errno. One is closed. May be NULL. */
    int (*open)(struct tty *t);
    void (*close)(struct tty *t);
    /* The last reference is gone. NULL: lives for ever. */
    void (*release)(struct tty *t);
};

struct tty {
    u32 refs;                     /* atomic: open files, processes that it controls, the driver */
    const struct tty_driver *driver;
    u32 device;                   /* number as in stat(2) */
    struct mutex lock;            /* LOCK_FS: everything but the queues and writing */
    struct wait_queue events;     /* readers, writers, poll */
    bool writing;                 /* atomic: a write(2) goes on, whose bytes others do not come between */
    struct wait_queue turns;      /* writers who wait for its end */
    struct termios2 termios;
    struct winsize size;
    char input[TTY_INPUT_MAX];    /* ring: [head, tail) can be read, [tail, line_end) is the line being edited */
    u32 head, tail, line_end;
    u8 marks[TTY_INPUT_MAX / 8];  /* bit set: the byte ends a line (newline, VEOL, or an invisible VEOF) */
    struct byte_queue echoes;     /* echo that the driver could not take */
    u32 column, line_column;      /* of the cursor, and where the typed line began, for tabs */
    bool erasing;                 /* ECHOPRT: between \ and / */
    bool literal;                 /* VLNEXT was typed: the next byte is itself */
    bool stopped;                 /* VSTOP was typed: writers wait */
    bool held;                    /* the same by tcflow(TCOOFF), which VSTART does not undo */
    bool exclusive;               /* TIOCEXCL: no more opens without CAP_SYS_ADMIN */
    bool ended;                   /* the source ended: a read finds the end of input */
    bool output_only;             /* there is no source: likewise */
    bool hung_up;                 /* the other side is gone: open files have no use any more */
    int foreground_group, session; /* 0: it controls none */
};

/* All fields of t (zeroed) that are not the driver's alone. refs 1. */
void tty_init(struct tty *t, const struct tty_driver *driver, u32 device);
static inline void tty_get(struct tty *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
}
void tty_put(struct tty *t);
/* f becomes a file of t, which may become the terminal of the session (not with O_NOCTTY in f->flags). 0, -EBUSY, -EIO. */
int tty_attach_file(struct tty *t, struct file *f);
/* Bytes from the source go through the line discipline: how many, fewer if the input is full. Under t->lock; wake t->events after. */
size_t tty_receive(struct tty *t, const void *data, size_t n);
/* Writes what waits of the echo. Under t->lock. */
void tty_flush_echo(struct tty *t);
/* Same for all that poll or sleep on it; the source is gone. */
void tty_end_input(struct tty *t);

extern const struct file_ops tty_ops, tty_error_ops;
/* Output that is stopped by VSTOP or tcflow(3). */
static inline bool tty_stopped(const struct tty *t)
{
    return READ_ONCE(t->stopped) || READ_ONCE(t->held);
}
/* tcflow(TCOOFF or TCOON) and the keys for it. Under t->lock. */
void tty_set_stopped(struct tty *t, bool *which, bool on);

/* ------------------------------------------------------------ ioctl_tty(2): tty_ioctl.c */

/* What files of a terminal and of its master have in common. master: f is one. -ENOTTY. */
long tty_common_ioctl(struct tty *t, struct file *f, bool master, unsigned cmd, unsigned long arg);
/* Sets the size; tells the foreground group if it changed. */
void tty_set_size(struct tty *t, const struct winsize *size);

/* ------------------------------------------------------------ sessions: tty_job.c */

/* The terminal that controls the running process, referenced; NULL: none. */
struct tty *tty_of_process(void);
/* For /proc: the number of p's terminal and its foreground group; 0 and -1: it has none. */
void tty_describe(struct process *p, int *device, int *group);
/* May the running process use it (SIGTTIN), write to it or change it (SIGTTOU)? 0, or -EIO: it is in the background, for ever. */
int tty_check_job(struct tty *t, int signo);
/* t becomes the terminal of the running process, a session leader without one. Under t->lock. True if it did. */
bool tty_take_session(struct tty *t, bool steal);
/* The running process has no terminal any more: setsid(2). */
void tty_leave_session(void);
/* The whole session loses t: SIGHUP and SIGCONT to its leader (hang-up) or the foreground group. */
void tty_end_session(struct tty *t, bool to_leader);
/* To the foreground group. */
void tty_signal(struct tty *t, int signo);
long tty_job_ioctl(struct tty *t, struct file *f, bool master, unsigned cmd, unsigned long arg);

/* ------------------------------------------------------------ line discipline: tty_ldisc.c, under t->lock */

/* Takes one byte from the source: edits, echoes, raises signals. */
void ldisc_receive(struct tty *t, u8 c);
/* True if there is room for one more. */
bool ldisc_room(const struct tty *t);
/*
 * Output processing of n bytes into out, up to size bytes (TTY_OUT_MAX and more): *length is what is in out then. Returns
 * how many of the n were taken.
 */
size_t ldisc_output(struct tty *t, const u8 *in, size_t n, char *out, size_t size, size_t *length);
/* True if a read finds something; for_poll: as much as VMIN wants. Without the lock it is a guess. */
bool ldisc_readable(const struct tty *t, bool for_poll);
/* Takes up to n bytes for a read, of one line at most in canonical mode: *line_ended then. */
size_t ldisc_take(struct tty *t, char *buf, size_t n, bool *line_ended);
/* Input that FIONREAD counts. */
u32 ldisc_count(struct tty *t);
void ldisc_flush_input(struct tty *t);
/* After the mode changed from old. */
void ldisc_mode_changed(struct tty *t, const struct termios2 *old);
static inline bool ldisc_canonical(const struct tty *t)
{
    return (READ_ONCE(t->termios.c_lflag) & (ICANON | EXTPROC)) == ICANON;
}

/* ------------------------------------------------------------ the host's terminal: console.c */

extern struct tty console_tty;
/* Once, before the first file is opened. */
void console_init(void);
/* Says which streams the console terminal has, and makes it the terminal of the running process. Starts reading input. */
void console_attach(enum stream in, enum stream out);
/*
 * The same for a terminal of which the program has only the output: nothing is read, and bytes go out
 * as they are, for the host's terminal processes them.
 */
void console_attach_output(enum stream out);
void console_set_size(u16 columns, u16 rows);
/* open of /dev/console, which is the UART if there is no terminal; of /dev/tty: -ENXIO without a terminal. */
int console_open(struct file *f);
int tty_open_own(struct file *f);
/* A file of the console terminal, whose output may go to standard error's stream. */
struct file *console_file_create(u32 open_flags, enum stream out);

#endif
