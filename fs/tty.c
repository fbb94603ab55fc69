/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminal files: reading and writing through the line discipline. What the driver is does not show here. */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/lib/string.h"

#define TENTH_SECOND (100 * NSEC_PER_MSEC)
#define CHUNK        256

static const struct termios2 default_termios = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
             [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
             [VWERASE] = 23, [VLNEXT] = 22},
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

void tty_init(struct tty *t, const struct tty_driver *driver, u32 device)
{
    t->refs = 1;
    t->driver = driver;
    t->device = device;
    mutex_init(&t->lock, LOCK_FS);
    wait_queue_init(&t->events);
    wait_queue_init(&t->turns);
    t->termios = default_termios;
}

void tty_put(struct tty *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    byte_queue_clear(&t->echoes);
    t->driver->release(t);
}

void tty_flush_echo(struct tty *t)
{
    while (t->echoes.bytes && !tty_stopped(t)) {
        size_t n, done;
        const void *piece = byte_queue_front(&t->echoes, &n);

        done = t->driver->write(t, piece, n);
        byte_queue_drop(&t->echoes, done);
        if (done < n)
            break;
    }
}

void tty_set_stopped(struct tty *t, bool *which, bool on)
{
    bool before = tty_stopped(t);

    WRITE_ONCE(*which, on);
    if (tty_stopped(t) == before)
        return;
    if (t->driver->status)
        t->driver->status(t, on ? TIOCPKT_STOP : TIOCPKT_START);
    if (on)
        return;
    tty_flush_echo(t);
    wait_wake_all(&t->events);
}

size_t tty_receive(struct tty *t, const void *data, size_t n)
{
    const u8 *bytes = data;
    size_t done = 0;

    while (done < n && ldisc_room(t))
        ldisc_receive(t, bytes[done++]);
    return done;
}

void tty_end_input(struct tty *t)
{
    WRITE_ONCE(t->ended, true);
    wait_wake_all(&t->events);
}

/* ------------------------------------------------------------ reading */

static bool at_end(const struct tty *t)
{
    return READ_ONCE(t->hung_up) || READ_ONCE(t->ended) || t->output_only;
}

/* Waits for a byte under t->lock, which is dropped meanwhile. 1: there is one; 0: time is over, or the end; -EAGAIN, -ERESTARTSYS, -EIO. */
static int wait_for_input(struct tty *t, struct file *f, nsec_t timeout)
{
    int error;

    if (t->output_only || t->ended)
        return 0;
    if (t->hung_up)
        return -EIO;
    if (!timeout)
        return 0;
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    mutex_unlock(&t->lock);
    error = wait_event(&t->events, ldisc_readable(t, false) || at_end(t),
                       timeout == NSEC_NEVER ? NSEC_NEVER : platform_clock() + timeout, WAIT_INTERRUPTIBLE);
    mutex_lock(&t->lock);
    return error == -ETIMEDOUT ? 0 : error ? error : 1;
}

/* Moves what is there to the reader: bytes or -EFAULT. */
static ssize take(struct tty *t, struct io *io, bool *line_ended)
{
    char bytes[CHUNK];
    ssize done = 0;

    do {
        size_t n = ldisc_take(t, bytes, MIN(sizeof(bytes), io->left), line_ended);
        ssize moved = n ? io_copy_to(io, bytes, n) : 0;

        if (moved <= 0)
            return done ? done : moved;
        done += moved;
    } while (io->left && !*line_ended && ldisc_readable(t, false));
    return done;
}

/* VMIN and VTIME: the four cases of termios(3), "Noncanonical mode". */
static ssize tty_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct tty *t = f->private;
    bool line_ended = false;
    ssize n = 0, done = 0;
    u32 minimum = 0;
    nsec_t timeout = NSEC_NEVER, between = 0;

    if (t->hung_up)
        return 0;
    n = tty_check_job(t, SIGTTIN);
    if (n)
        return n;
    mutex_lock(&t->lock);
    if (!ldisc_canonical(t)) {
        minimum = MAX(t->termios.c_cc[VMIN], 1);
        between = t->termios.c_cc[VTIME] * TENTH_SECOND;
        if (!t->termios.c_cc[VMIN])
            timeout = between;
    }
    while (io->left) {
        if (!ldisc_readable(t, false)) {
            n = wait_for_input(t, f, timeout);
            if (n <= 0)
                break;
            continue;
        }
        n = take(t, io, &line_ended);
        if (n > 0)
            done += n;
        if (t->driver->input_taken)
            t->driver->input_taken(t);
        if (n < 0 || line_ended || (size_t)done >= minimum)
            break;
        if (between)
            timeout = between;
    }
    mutex_unlock(&t->lock);
    return done ? done : n;
}

/* ------------------------------------------------------------ writing */

static bool may_write(struct tty *t)
{
    return (!tty_stopped(t) && t->driver->room(t)) || READ_ONCE(t->hung_up);
}

/* Writes one piece of at most CHUNK bytes; how many, 0 without room, -ENOMEM. */
static ssize write_piece(struct tty *t, struct file *f, struct io *io)
{
    char out[CHUNK * TTY_OUT_MAX];
    u8 in[CHUNK];
    ssize n = io_copy_from(io, in, MIN(io->left, sizeof(in)));
    size_t length, taken = 0, room;
    int error = 0;

    _Static_assert(sizeof(out) <= BYTE_QUEUE_RESERVE, "a reservation");
    if (n <= 0)
        return n;
    mutex_lock(&t->lock);
    tty_flush_echo(t);
    if (!tty_stopped(t)) {
        room = MIN(sizeof(out), t->driver->room(t));
        if (t->driver->reserve && !t->driver->reserve(t, room))
            error = -ENOMEM;
        else
            taken = ldisc_output(t, in, (size_t)n, out, room, &length);
        if (taken && !t->driver->send)
            t->driver->write(t, out, length);
    }
    mutex_unlock(&t->lock);
    if (taken && t->driver->send)
        t->driver->send(t, f, out, length);
    io_revert(io, (size_t)n - taken);
    return error ? error : (ssize)taken;
}

/* True if it is the caller's turn to write, until end_turn(). */
static bool take_turn(struct tty *t)
{
    return !__atomic_exchange_n(&t->writing, true, __ATOMIC_ACQUIRE);
}

static void end_turn(struct tty *t)
{
    __atomic_store_n(&t->writing, false, __ATOMIC_RELEASE);
    wait_wake_events(&t->turns, 1, 0);
}

static ssize tty_write(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct tty *t = f->private;
    ssize n = t->termios.c_lflag & TOSTOP ? tty_check_job(t, SIGTTOU) : 0;
    ssize done = 0;

    if (!take_turn(t)) {
        int error = f->flags & O_NONBLOCK ? -EAGAIN : wait_event(&t->turns, take_turn(t), NSEC_NEVER, WAIT_INTERRUPTIBLE);

        if (error)
            return error;
    }
    for (;;) {
        if (!n && t->hung_up)
            n = -EIO;
        if (n || !io->left)
            break;
        n = may_write(t) ? write_piece(t, f, io) : 0;
        if (n > 0) {
            done += n;
            n = 0;
        } else if (!n) {
            n = f->flags & O_NONBLOCK
                    ? -EAGAIN
                    : wait_event(&t->events, may_write(t), NSEC_NEVER, WAIT_INTERRUPTIBLE);
        }
    }
    end_turn(t);
    return done ? done : n;
}

/* ------------------------------------------------------------ the rest */

static u32 tty_poll(struct file *f)
{
    struct tty *t = f->private;
    u32 events = 0;

    if (t->hung_up)
        return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP;
    if (may_write(t))
        events |= EPOLLOUT | EPOLLWRNORM;
    mutex_lock(&t->lock);
    if (ldisc_readable(t, true))
        events |= EPOLLIN | EPOLLRDNORM;
    if (t->ended)
        events |= EPOLLHUP | EPOLLIN;
    mutex_unlock(&t->lock);
    return events;
}

static struct wait_queue *tty_poll_queue(struct file *f)
{
    struct tty *t = f->private;

    return &t->events;
}

static long tty_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct tty *t = f->private;

    if (t->hung_up)
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    return tty_common_ioctl(t, f, false, cmd, arg);
}

static void tty_release(struct file *f)
{
    struct tty *t = f->private;

    if (t->driver->close)
        t->driver->close(t);
    tty_put(t);
}

#define TTY_FILE_OPS                                                                               \
    {                                                                                              \
        .kind = "tty", .splice = SPLICE_SOURCE | SPLICE_SINK, .read = tty_read,                    \
        .write = tty_write, .poll = tty_poll, .poll_queue = tty_poll_queue,                         \
        .ioctl = tty_ioctl, .release = tty_release,                                                \
        .async = ASYNC_TERMINAL,                                                                  \
    }
const struct file_ops tty_ops = TTY_FILE_OPS, tty_error_ops = TTY_FILE_OPS;

int tty_attach_file(struct tty *t, struct file *f)
{
    int error = 0;

    mutex_lock(&t->lock);
    if (t->exclusive && !fs_capable(CAP_SYS_ADMIN))
        error = -EBUSY;
    else if (t->driver->open)
        error = t->driver->open(t);
    if (!error) {
        tty_get(t);
        f->ops = &tty_ops;
        f->private = t;
        if (!(f->flags & O_NOCTTY) && f->mode & FILE_READ)
            tty_take_session(t, false);
    }
    mutex_unlock(&t->lock);
    return error;
}
