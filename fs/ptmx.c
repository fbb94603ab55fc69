/* SPDX-License-Identifier: BSD-2-Clause */
/* The master's side of a pseudo-terminal: its file, and the requests of ioctl_tty(2) that are the master's. */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/devpts/devpts.h"
#include "fs/pty_internal.h"
#include "fs/vfs.h"
#include "kernel/lib/printf.h"
#include "kernel/user.h"

#define CHUNK 256

static struct pty *master(struct file *f)
{
    return f->private;
}

static bool master_readable(struct pty *p)
{
    return READ_ONCE(p->output.bytes) || READ_ONCE(p->status);
}

/* Moves the slave's output to the reader, after the byte of control that packet mode wants. */
static ssize read_output(struct pty *p, struct io *io)
{
    u8 status = p->status;
    ssize done = 0, n;

    if (p->packets) {
        done = io_copy_to(io, &status, 1);
        if (done <= 0)
            return done;
        p->status = 0;
    }
    while (!status && io->left && p->output.bytes) {
        size_t part;
        const void *piece = byte_queue_front(&p->output, &part);

        n = io_copy_to(io, piece, part);
        if (n <= 0)
            return done ? done : n;
        byte_queue_drop(&p->output, (size_t)n);
        done += n;
    }
    return done;
}

static ssize master_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct pty *p = master(f);
    ssize n = 0;

    mutex_lock(&p->tty.lock);
    while (io->left) {
        if (master_readable(p)) {
            n = read_output(p, io);
            tty_flush_echo(&p->tty);
            wait_wake_all(&p->tty.events);
            break;
        }
        n = p->slave_closed ? -EIO : f->flags & O_NONBLOCK ? -EAGAIN : 0;
        if (n)
            break;
        mutex_unlock(&p->tty.lock);
        n = wait_event(&p->master_events, master_readable(p) || READ_ONCE(p->slave_closed), NSEC_NEVER,
                       WAIT_INTERRUPTIBLE);
        mutex_lock(&p->tty.lock);
        if (n)
            break;
    }
    mutex_unlock(&p->tty.lock);
    return n;
}

static bool master_writable(struct pty *p)
{
    return READ_ONCE(p->typed.bytes) < PTY_QUEUE_MAX && !READ_ONCE(p->master_held);
}

/* Types n bytes, of which the queue has room for as many as writable says. How many were taken; -ENOMEM. */
static ssize type(struct pty *p, const u8 *bytes, size_t n)
{
    size_t done = 0, room;

    mutex_lock(&p->tty.lock);
    if (!p->typed.bytes)
        done = tty_receive(&p->tty, bytes, n);
    room = MIN(n - done, PTY_QUEUE_MAX - p->typed.bytes);
    done += byte_queue_put(&p->typed, bytes + done, room);
    mutex_unlock(&p->tty.lock);
    wait_wake_all(&p->tty.events);
    return !done && room ? -ENOMEM : (ssize)done;
}

static ssize master_write(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct pty *p = master(f);
    u8 bytes[CHUNK];
    ssize done = 0, n = 0;

    while (io->left && !n) {
        if (master_writable(p)) {
            n = io_copy_from(io, bytes, MIN(io->left, sizeof(bytes)));
            if (n <= 0)
                break;
            ssize taken = type(p, bytes, (size_t)n);

            io_revert(io, (size_t)(n - MAX(taken, 0)));
            done += MAX(taken, 0);
            n = MIN(taken, 0);
        } else {
            n = f->flags & O_NONBLOCK ? -EAGAIN
                                      : wait_event(&p->master_events, master_writable(p), NSEC_NEVER,
                                                   WAIT_INTERRUPTIBLE);
        }
    }
    return done ? done : n;
}

static u32 master_poll(struct file *f)
{
    struct pty *p = master(f);
    u32 events = 0;

    if (master_readable(p))
        events |= EPOLLIN | EPOLLRDNORM;
    if (READ_ONCE(p->status))
        events |= EPOLLPRI;
    if (READ_ONCE(p->slave_closed))
        events |= EPOLLHUP;
    if (master_writable(p))
        events |= EPOLLOUT | EPOLLWRNORM;
    return events;
}

static struct wait_queue *master_poll_queue(struct file *f)
{
    return &master(f)->master_events;
}

/* ------------------------------------------------------------ ioctl_tty(2), "Pseudoterminal ioctls" */

static long set_packets(struct pty *p, unsigned long arg)
{
    int on;

    if (get_user(on, (int *)arg))
        return -EFAULT;
    mutex_lock(&p->tty.lock);
    if (!on == p->packets)
        p->status = 0;
    p->packets = on;
    mutex_unlock(&p->tty.lock);
    return 0;
}

static long set_locked(struct pty *p, unsigned long arg)
{
    int on;

    if (get_user(on, (int *)arg))
        return -EFAULT;
    WRITE_ONCE(p->locked, on != 0);
    return 0;
}

/* TIOCGPTPEER: a descriptor of the slave. */
static long open_peer(struct pty *p, u32 flags)
{
    int fd = fd_reserve(flags);

    return fd_finish(fd, fd < 0 ? ERR_PTR(fd) : devpts_open(p->index, flags));
}

/* TIOCSIG: a signal as if its key had been typed, without the key. */
static long send_signal(struct pty *p, unsigned long signo)
{
    if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
        return -EINVAL;
    mutex_lock(&p->tty.lock);
    tty_signal(&p->tty, (int)signo);
    mutex_unlock(&p->tty.lock);
    return 0;
}

/* tcflush(3): the master's input is the slave's output. */
static long flush_queues(struct pty *p, unsigned long which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&p->tty.lock);
    if (which != TCOFLUSH)
        byte_queue_clear(&p->output);
    if (which != TCIFLUSH)
        byte_queue_clear(&p->typed);
    mutex_unlock(&p->tty.lock);
    wait_wake_all(&p->tty.events);
    wait_wake_all(&p->master_events);
    return 0;
}

/* tcflow(3): the characters are the default ones, for the master's own mode cannot be changed. */
static long control_flow(struct pty *p, unsigned long action)
{
    u8 c = action == TCIOFF ? 19 : 17;

    switch (action) {
    case TCOOFF:
    case TCOON:
        WRITE_ONCE(p->master_held, action == TCOOFF);
        wait_wake_all(&p->master_events);
        return 0;
    case TCIOFF:
    case TCION:
        type(p, &c, 1);
        return 0;
    }
    return -EINVAL;
}

/* TIOCSTI on the master: a byte that it then reads. */
static long fake_output(struct pty *p, unsigned long arg)
{
    u8 c;

    if (get_user(c, (u8 *)arg))
        return -EFAULT;
    mutex_lock(&p->tty.lock);
    p->tty.driver->write(&p->tty, &c, 1);
    mutex_unlock(&p->tty.lock);
    return 0;
}

static long master_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct pty *p = master(f);
    int *user = (int *)arg;

    switch (cmd) {
    case TIOCGPTN:
        return put_user((int)p->index, user);
    case TIOCSPTLCK:
        return set_locked(p, arg);
    case TIOCGPTLCK:
        return put_user((int)p->locked, user);
    case TIOCPKT:
        return set_packets(p, arg);
    case TIOCGPKT:
        return put_user((int)p->packets, user);
    case TIOCSIG:
        return send_signal(p, arg);
    case TIOCGPTPEER:
        return open_peer(p, (u32)arg);
    case FIONREAD:
        return put_user((int)p->output.bytes, user);
    case TCFLSH:
        return flush_queues(p, arg);
    case TCXONC:
        return control_flow(p, arg);
    case TIOCSTI:
        return fake_output(p, arg);
    }
    return tty_common_ioctl(&p->tty, f, true, cmd, arg);
}

static void master_release(struct file *f)
{
    struct pty *p = master(f);
    struct tty *t = &p->tty;

    devpts_remove(p->index);
    mutex_lock(&t->lock);
    t->hung_up = true;
    byte_queue_clear(&p->typed);
    byte_queue_clear(&p->output);
    mutex_unlock(&t->lock);
    tty_end_session(t, true);
    wait_wake_all(&t->events);
    tty_put(t);
}

const struct file_ops pty_master_ops = {
    .kind = "ptmx",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .poll_queue = master_poll_queue,
    .async = ASYNC_OWNER,
    .ioctl = master_ioctl,
    .release = master_release,
};
