/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests of ioctl_tty(2) that a terminal and its master answer alike: modes, sizes, queues, breaks. */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/tty.h>
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"

/* ------------------------------------------------------------ modes, termios(3) */

/* Speeds of B0, B50, … B38400, then of B57600 and what follows, bits per second. */
static const u32 speeds[] = {
    0,      50,     75,     110,    134,    150,     200,     300,     600,     1200,    1800,
    2400,   4800,   9600,   19200,  38400,  57600,   115200,  230400,  460800,  500000,  576000,
    921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

/* Of a speed's code; BOTHER: what has been given as a number. */
static u32 speed_of(u32 code, u32 other)
{
    if (code == BOTHER)
        return other;
    if (code & CBAUDEX)
        code = (code & ~(u32)CBAUDEX) + 15;
    return code < ARRAY_SIZE(speeds) ? speeds[code] : 0;
}

static void set_speeds(struct termios2 *new)
{
    u32 out = new->c_cflag & CBAUD, in = new->c_cflag >> IBSHIFT & CBAUD;

    new->c_ospeed = speed_of(out, new->c_ospeed);
    new->c_ispeed = in ? speed_of(in, new->c_ispeed) : new->c_ospeed;
}

/* The first structure of System V: narrower. */
static long get_termio(struct tty *t, struct termio *user)
{
    const struct termios2 *m = &t->termios;
    struct termio old = {.c_iflag = (u16)m->c_iflag,
                         .c_oflag = (u16)m->c_oflag,
                         .c_cflag = (u16)m->c_cflag,
                         .c_lflag = (u16)m->c_lflag,
                         .c_line = m->c_line};

    memcpy(old.c_cc, m->c_cc, NCC);
    return copy_to_user(user, &old, sizeof(old));
}

static int read_termio(struct termios2 *new, const void *user)
{
    struct termio old;

    if (get_user(old, (const struct termio *)user))
        return -EFAULT;
    new->c_iflag = (new->c_iflag & ~0xffffu) | old.c_iflag;
    new->c_oflag = (new->c_oflag & ~0xffffu) | old.c_oflag;
    new->c_cflag = (new->c_cflag & ~0xffffu) | old.c_cflag;
    new->c_lflag = (new->c_lflag & ~0xffffu) | old.c_lflag;
    new->c_line = old.c_line;
    memcpy(new->c_cc, old.c_cc, NCC);
    return 0;
}

enum when { NOW, AFTER_OUTPUT, AFTER_OUTPUT_FLUSH }; /* as TCSETS, TCSETSW, TCSETSF follow each other */

static int drain(struct tty *t, struct file *f)
{
    return t->driver->drain ? t->driver->drain(t, f) : 0;
}

/* What packet mode tells of a new mode: flow control by keys, and everything in EXTPROC. */
static u8 mode_status(const struct termios2 *old, const struct termios2 *new)
{
#define BY_KEYS(m) ((m)->c_iflag & IXON && (m)->c_cc[VSTOP] == 19 && (m)->c_cc[VSTART] == 17)
    u8 status = (old->c_lflag | new->c_lflag) & EXTPROC ? TIOCPKT_IOCTL : 0;

    if (BY_KEYS(old) != BY_KEYS(new))
        status |= BY_KEYS(new) ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
    return status;
}

/* size: of the program's structure. */
static long set_termios(struct tty *t, struct file *f, unsigned long arg, size_t size, enum when when)
{
    struct termios2 new = t->termios, old;
    int error = tty_check_job(t, SIGTTOU);

    if (!error && size == sizeof(struct termio))
        error = read_termio(&new, (const void *)arg);
    else if (!error)
        error = copy_from_user(&new, (const void *)arg, size);
    if (!error && when != NOW)
        error = drain(t, f);
    if (error)
        return error;
    set_speeds(&new);
    mutex_lock(&t->lock);
    if (when == AFTER_OUTPUT_FLUSH)
        ldisc_flush_input(t);
    old = t->termios;
    t->termios = new;
    if (t->driver->status) {
        u8 status = mode_status(&old, &new);

        if (status)
            t->driver->status(t, status);
        /* A line of a pseudo-terminal is what it is. */
        t->termios.c_cflag = (new.c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
    }
    ldisc_mode_changed(t, &old);
    if (t->driver->input_taken)
        t->driver->input_taken(t);
    mutex_unlock(&t->lock);
    wait_wake_all(&t->events);
    return 0;
}

/* ------------------------------------------------------------ sizes */

void tty_set_size(struct tty *t, const struct winsize *size)
{
    mutex_lock(&t->lock);
    if (memcmp(&t->size, size, sizeof(*size))) {
        t->size = *size;
        tty_signal(t, SIGWINCH);
    }
    mutex_unlock(&t->lock);
}

static long set_size(struct tty *t, unsigned long arg)
{
    struct winsize size;

    if (get_user(size, (struct winsize *)arg))
        return -EFAULT;
    tty_set_size(t, &size);
    return 0;
}

/* ------------------------------------------------------------ queues */

/* tcflow(3) */
static long control_flow(struct tty *t, unsigned long action)
{
    long error = tty_check_job(t, SIGTTOU);
    u8 c;

    if (error)
        return error;
    mutex_lock(&t->lock);
    switch (action) {
    case TCOOFF:
    case TCOON:
        if (action == TCOON && t->held)
            WRITE_ONCE(t->stopped, false);
        tty_set_stopped(t, &t->held, action == TCOOFF);
        break;
    case TCIOFF:
    case TCION:
        c = t->termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
        if (c) /* 0: there is no such character */
            t->driver->write(t, &c, 1);
        break;
    default:
        error = -EINVAL;
    }
    mutex_unlock(&t->lock);
    return error;
}

/* tcflush(3) */
static long flush_queues(struct tty *t, unsigned long which)
{
    long error = tty_check_job(t, SIGTTOU);

    if (error)
        return error;
    if (which > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&t->lock);
    if (which != TCOFLUSH) {
        if (t->driver->flush_input)
            t->driver->flush_input(t);
        ldisc_flush_input(t);
        if (t->driver->input_taken)
            t->driver->input_taken(t);
    }
    if (which != TCIFLUSH && t->driver->flush_output)
        t->driver->flush_output(t);
    mutex_unlock(&t->lock);
    return 0;
}

/* TIOCSTI: as if c had been typed. */
static long fake_input(struct tty *t, unsigned long arg)
{
    struct tty *own = tty_of_process();
    u8 c;

    if (own)
        tty_put(own);
    if (own != t && !fs_capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (get_user(c, (u8 *)arg))
        return -EFAULT;
    mutex_lock(&t->lock);
    tty_receive(t, &c, 1);
    mutex_unlock(&t->lock);
    wait_wake_all(&t->events);
    return 0;
}

static long set_local(struct tty *t, unsigned long arg)
{
    int on;

    if (get_user(on, (int *)arg))
        return -EFAULT;
    mutex_lock(&t->lock);
    t->termios.c_cflag = on ? t->termios.c_cflag | CLOCAL : t->termios.c_cflag & ~(u32)CLOCAL;
    mutex_unlock(&t->lock);
    return 0;
}

long tty_common_ioctl(struct tty *t, struct file *f, bool master, unsigned cmd, unsigned long arg)
{
    void *user = (void *)arg;
    long error;
    int n;

    switch (cmd) {
    case TCGETS:
        return copy_to_user(user, &t->termios, sizeof(struct termios));
    case TCGETS2:
        return copy_to_user(user, &t->termios, sizeof(struct termios2));
    case TCGETA:
        return get_termio(t, user);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(t, f, arg, sizeof(struct termios), (enum when)(cmd - TCSETS));
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(t, f, arg, sizeof(struct termios2), (enum when)(cmd - TCSETS2));
    case TCSETA:
        return set_termios(t, f, arg, sizeof(struct termio), NOW);
    case TCSETAW:
        return set_termios(t, f, arg, sizeof(struct termio), AFTER_OUTPUT);
    case TCSETAF:
        return set_termios(t, f, arg, sizeof(struct termio), AFTER_OUTPUT_FLUSH);
    case TIOCGSOFTCAR:
        return put_user(!!(t->termios.c_cflag & CLOCAL), (int *)user);
    case TIOCSSOFTCAR:
        return set_local(t, arg);
    case TIOCGWINSZ:
        return copy_to_user(user, &t->size, sizeof(t->size));
    case TIOCSWINSZ:
        return set_size(t, arg);
    case FIONREAD:
        mutex_lock(&t->lock);
        n = (int)ldisc_count(t);
        mutex_unlock(&t->lock);
        return put_user(n, (int *)user);
    case TIOCOUTQ:
        return put_user(0, (int *)user);
    case TCFLSH:
        return flush_queues(t, arg);
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        error = tty_check_job(t, SIGTTOU);
        if (!error && cmd != TIOCCBRK)
            error = drain(t, f) ? -EINTR : 0;
        return error;
    case TCXONC:
        return control_flow(t, arg);
    case TIOCSTI:
        return fake_input(t, arg);
    case TIOCEXCL:
    case TIOCNXCL:
        WRITE_ONCE(t->exclusive, cmd == TIOCEXCL);
        return 0;
    case TIOCGEXCL:
        return put_user((int)t->exclusive, (int *)user);
    case TIOCGETD:
        return put_user(N_TTY, (int *)user);
    case TIOCSETD:
        if (get_user(n, (int *)user))
            return -EFAULT;
        return n == N_TTY ? 0 : -EINVAL;
    case TIOCGDEV:
        return put_user(t->device, (u32 *)user);
    case TIOCGPTPEER: /* the master answers it itself */
        return -EIO;
    }
    return tty_job_ioctl(t, f, master, cmd, arg);
}
