/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals. The slave is a terminal (fs/tty.h) with its line discipline; the master is a plain file: what is
 * written to it is typed at the slave, what the slave puts out can be read from it. Requests about modes, sizes
 * and sessions are the slave's on both sides.
 *
 * Two queues connect them, both under the slave's lock: typed bytes for which its input has no room, and its output.
 * The pair lives until all its files are closed; its index is free from then on. Once the master has closed, nothing can be done
 * with the slave (hung_up), and its name is gone.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/devpts/devpts.h"
#include "fs/pty.h"
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"

#define QUEUE_MAX  16384 /* bytes in each direction; a writer waits beyond */
#define UNFLUSHED  4095  /* bytes of output that a flush leaves: as far as they have got on Linux */
#define CHUNK      256

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

static struct mutex pairs_lock = MUTEX_INIT(LOCK_FS);
static struct pty *pairs;
static unsigned pair_count;

static struct pty *pty_of(struct tty *t)
{
    return container_of(t, struct pty, tty);
}

/* ------------------------------------------------------------ the slave's driver */

static size_t slave_room(struct tty *t)
{
    size_t used = READ_ONCE(pty_of(t)->output.bytes);

    return used > QUEUE_MAX - TTY_OUT_MAX ? 0 : QUEUE_MAX - used;
}

static size_t slave_write(struct tty *t, const void *data, size_t n)
{
    struct pty *p = pty_of(t);

    n = byte_queue_put(&p->output, data, MIN(n, slave_room(t)));
    if (n)
        wait_wake_all(&p->master_events);
    return n;
}

/* Types what waits to be typed. */
static void slave_input_taken(struct tty *t)
{
    struct pty *p = pty_of(t);
    bool any = false;

    while (p->typed.bytes && ldisc_room(t)) {
        size_t n;
        const void *piece = byte_queue_front(&p->typed, &n);

        byte_queue_drop(&p->typed, tty_receive(t, piece, n));
        any = true;
    }
    if (any) {
        wait_wake_all(&t->events);
        wait_wake_all(&p->master_events);
    }
}

static void slave_status(struct tty *t, u8 what)
{
    struct pty *p = pty_of(t);

    if (!p->packets)
        return;
    if (what & (TIOCPKT_STOP | TIOCPKT_START))
        p->status &= (u8)~(TIOCPKT_STOP | TIOCPKT_START);
    if (what & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP))
        p->status &= (u8)~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
    p->status |= what;
    wait_wake_all(&p->master_events);
}

static void slave_flush_output(struct tty *t)
{
    struct pty *p = pty_of(t);
    char kept[UNFLUSHED];
    size_t n = 0;

    if (p->output.bytes > UNFLUSHED) {
        while (n < UNFLUSHED) {
            size_t part;
            const void *piece = byte_queue_front(&p->output, &part);

            part = MIN(part, UNFLUSHED - n);
            memcpy(kept + n, piece, part);
            byte_queue_drop(&p->output, part);
            n += part;
        }
        byte_queue_clear(&p->output);
        byte_queue_put(&p->output, kept, n);
        wait_wake_all(&t->events);
    }
    slave_status(t, TIOCPKT_FLUSHWRITE);
}

static void slave_flush_input(struct tty *t)
{
    byte_queue_clear(&pty_of(t)->typed);
}

static int slave_open(struct tty *t)
{
    struct pty *p = pty_of(t);

    if (t->hung_up || p->locked)
        return -EIO;
    p->slave_files++;
    p->slave_closed = false;
    return 0;
}

static void slave_close(struct tty *t)
{
    struct pty *p = pty_of(t);

    mutex_lock(&t->lock);
    p->slave_closed = --p->slave_files == 0;
    mutex_unlock(&t->lock);
    if (p->slave_closed)
        wait_wake_all(&p->master_events);
}

static void pty_release(struct tty *t)
{
    struct pty *p = pty_of(t), **at;

    mutex_lock(&pairs_lock);
    for (at = &pairs; *at != p; at = &(*at)->next)
        ;
    *at = p->next;
    pair_count--;
    mutex_unlock(&pairs_lock);
    byte_queue_clear(&p->typed);
    byte_queue_clear(&p->output);
    kfree(p);
}

static const struct tty_driver slave_driver = {
    .write = slave_write,
    .room = slave_room,
    .flush_output = slave_flush_output,
    .input_taken = slave_input_taken,
    .flush_input = slave_flush_input,
    .status = slave_status,
    .open = slave_open,
    .close = slave_close,
    .release = pty_release,
};

int pty_open_slave(unsigned index, struct file *f)
{
    struct pty *p;
    int error = -EIO;

    mutex_lock(&pairs_lock);
    for (p = pairs; p && p->index < index; p = p->next)
        ;
    /* refs 0: it is waiting for the lock, to be taken off the list. */
    if (p && p->index == index) {
        u32 refs = __atomic_load_n(&p->tty.refs, __ATOMIC_RELAXED);

        while (refs && !__atomic_compare_exchange_n(&p->tty.refs, &refs, refs + 1, false, __ATOMIC_ACQUIRE,
                                                    __ATOMIC_RELAXED))
            ;
        if (!refs)
            p = NULL;
    } else {
        p = NULL;
    }
    mutex_unlock(&pairs_lock);
    if (p) {
        error = tty_attach_file(&p->tty, f);
        tty_put(&p->tty);
    }
    return error;
}

/* ------------------------------------------------------------ the master */

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
    return READ_ONCE(p->typed.bytes) < QUEUE_MAX && !READ_ONCE(p->master_held);
}

/* Types n bytes, of which the queue has room for as many as writable says. How many were taken. */
static size_t type(struct pty *p, const u8 *bytes, size_t n)
{
    size_t done = 0;

    mutex_lock(&p->tty.lock);
    if (!p->typed.bytes)
        done = tty_receive(&p->tty, bytes, n);
    done += byte_queue_put(&p->typed, bytes + done, MIN(n - done, QUEUE_MAX - p->typed.bytes));
    mutex_unlock(&p->tty.lock);
    wait_wake_all(&p->tty.events);
    return done;
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
            size_t taken = type(p, bytes, (size_t)n);

            io_revert(io, (size_t)n - taken);
            done += (ssize)taken;
            n = 0;
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
    char path[32];
    struct file *f;
    int fd;

    snprintf(path, sizeof(path), "/dev/pts/%u", p->index);
    f = vfs_open(AT_FDCWD, path, flags, 0);
    if (IS_ERR(f))
        return PTR_ERR(f);
    fd = fd_install(f, 0, flags);
    if (fd < 0)
        file_put(f);
    return fd;
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
    slave_write(&p->tty, &c, 1);
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

static const struct file_ops master_ops = {
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

/* Gives p the lowest index that is free: 0 or -ENOSPC. */
static int add_pair(struct pty *p)
{
    struct pty **at;
    int error = -ENOSPC;

    mutex_lock(&pairs_lock);
    if (pair_count < PTY_MAX) {
        for (at = &pairs; *at && (*at)->index == p->index; at = &(*at)->next)
            p->index++;
        p->next = *at;
        *at = p;
        pair_count++;
        error = 0;
    }
    mutex_unlock(&pairs_lock);
    return error;
}

int pty_open_master(struct file *f)
{
    struct pty *p = kzalloc(sizeof(*p));
    int error;

    if (!p)
        return -ENOMEM;
    error = add_pair(p);
    if (error) {
        kfree(p);
        return error;
    }
    tty_init(&p->tty, &slave_driver, (u32)device_number(PTY_MAJOR, p->index));
    wait_queue_init(&p->master_events);
    p->locked = true;
    error = devpts_add(p->index, p->tty.device);
    if (error) {
        tty_put(&p->tty);
        return error;
    }
    f->ops = &master_ops;
    f->private = p;
    return 0;
}

unsigned pty_count(void)
{
    return READ_ONCE(pair_count);
}
