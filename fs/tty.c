/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal files: reading and writing through the line discipline, the ioctls of ioctl_tty(2), and the
 * thread that feeds typed bytes in (so that Ctrl-C works while the program never reads).
 */
#include <asm/ioctls.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/stream.h"
#include "kernel/user.h"

#define TTY_DEVICE     0x8800ul /* 136:0, the first pseudo-terminal: what a terminal program sees most */
#define TENTH_SECOND   (100 * NSEC_PER_MSEC)
#define WRITE_CHUNK    256

struct tty console_tty;

static const struct termios2 default_termios = {
    .c_iflag = ICRNL | IXON | IUTF8,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD | HUPCL,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
             [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
             [VWERASE] = 23, [VLNEXT] = 22},
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

void tty_init(void)
{
    struct tty *t = &console_tty;

    mutex_init(&t->lock, LOCK_FS);
    wait_queue_init(&t->events);
    t->termios = default_termios;
    t->size = (struct winsize){.ws_row = params.winsize_rows, .ws_col = params.winsize_columns};
}

/* Kernel thread: moves bytes from the host into the line discipline. */
static void feed(void *arg)
{
    struct tty *t = arg;
    u8 bytes[64];

    for (;;) {
        size_t n = platform_stream_read(t->in, bytes, sizeof(bytes));

        if (n == 0) {
            wait_event(&stream_events[t->in], platform_stream_readable(t->in), NSEC_NEVER,
                       WAIT_UNINTERRUPTIBLE);
            continue;
        }
        mutex_lock(&t->lock);
        for (size_t i = 0; i < n; i++)
            ldisc_receive(t, bytes[i]);
        mutex_unlock(&t->lock);
        wait_wake_all(&t->events);
    }
}

static void attach(struct tty *t, enum stream in, enum stream out)
{
    t->in = in;
    t->out = out;
    t->attached = true;
    t->foreground_group = current_process()->group_id;
    t->session = current_process()->session_id;
}

void tty_console_attach_output(enum stream out)
{
    struct tty *t = &console_tty;

    if (t->attached)
        return;
    attach(t, out, out);
    t->output_only = true;
    t->termios.c_oflag &= ~OPOST;
}

void tty_console_attach(enum stream in, enum stream out)
{
    struct tty *t = &console_tty;

    if (t->attached)
        return;
    attach(t, in, out);
    if (!kernel_thread_create("tty", feed, t))
        log_err("console: no memory for its input thread; nothing typed arrives");
}

void tty_set_size(struct tty *t, unsigned columns, unsigned rows)
{
    struct process *p;
    siginfo_t info = {.si_signo = SIGWINCH, .si_code = SI_KERNEL};
    bool changed;

    if (!t->attached)
        return;
    mutex_lock(&t->lock);
    changed = t->size.ws_col != columns || t->size.ws_row != rows;
    t->size.ws_col = columns;
    t->size.ws_row = rows;
    mutex_unlock(&t->lock);
    p = changed ? process_find(t->foreground_group) : NULL;
    if (p) {
        signal_send_process(p, SIGWINCH, &info);
        process_put(p);
    }
}

void tty_hang_up(struct tty *t)
{
    if (!t->attached)
        return;
    WRITE_ONCE(t->hung_up, true);
    wait_wake_all(&t->events);
}

/* ------------------------------------------------------------------ reading and writing */

/* How long a read waits for its first or next byte: VTIME outside canonical mode (termios(3)). */
static nsec_t read_deadline(struct tty *t)
{
    if ((t->termios.c_lflag & ICANON) || t->termios.c_cc[VTIME] == 0)
        return NSEC_NEVER;
    if (t->termios.c_cc[VMIN] && t->head == t->tail)
        return NSEC_NEVER;
    return platform_clock() + t->termios.c_cc[VTIME] * TENTH_SECOND;
}

static ssize tty_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct tty *t = &console_tty;
    char bytes[256];
    ssize done = 0;

    if (io->left == 0)
        return 0;
    mutex_lock(&t->lock);
    while (!ldisc_readable(t)) {
        bool canonical = t->termios.c_lflag & ICANON;
        nsec_t deadline = read_deadline(t);
        int error;

        if (t->output_only || READ_ONCE(t->hung_up) ||
            (!canonical && !t->termios.c_cc[VMIN] && !t->termios.c_cc[VTIME]))
            break;
        mutex_unlock(&t->lock);
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        error = wait_event(&t->events, ldisc_readable(t) || READ_ONCE(t->hung_up), deadline,
                           WAIT_INTERRUPTIBLE);
        if (error == -ERESTARTSYS)
            return error;
        mutex_lock(&t->lock);
        if (error == -ETIMEDOUT)
            break;
    }
    do {
        size_t n = ldisc_take(t, bytes, MIN(sizeof(bytes), io->left));
        ssize moved = io_copy_to(io, bytes, n);

        if (moved < 0 && !done)
            done = moved;
        if (moved <= 0)
            break;
        done += moved;
    } while (io->left && t->head != t->tail && !(t->termios.c_lflag & ICANON));
    mutex_unlock(&t->lock);
    return done;
}

/* The stream that a file of the terminal writes to. */
static enum stream out_stream(struct file *f)
{
    return (enum stream)(unsigned long)f->private;
}

static bool may_write(struct tty *t)
{
    return (!READ_ONCE(t->stopped) && !READ_ONCE(t->held)) || READ_ONCE(t->hung_up);
}

/* Waits while output is stopped (termios(3), IXON). 0, -EAGAIN, -ERESTARTSYS. */
static int wait_for_start(struct tty *t, struct file *f)
{
    if (likely(may_write(t)))
        return 0;
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    return wait_event(&t->events, may_write(t), NSEC_NEVER, WAIT_INTERRUPTIBLE);
}

static ssize tty_write(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct tty *t = &console_tty;
    char in[WRITE_CHUNK], out[WRITE_CHUNK * 8];
    ssize done = 0;

    while (io->left) {
        ssize n = wait_for_start(t, f);
        size_t length = 0;

        if (n == 0)
            n = io_copy_from(io, in, MIN(io->left, sizeof(in)));
        if (n <= 0)
            return done ? done : n;
        mutex_lock(&t->lock);
        for (ssize i = 0; i < n; i++)
            length += ldisc_output(t, (u8)in[i], out + length);
        mutex_unlock(&t->lock);
        stream_write_all(out_stream(f), out, length);
        done += n;
    }
    return done;
}

static u32 tty_poll(struct file *f)
{
    struct tty *t = &console_tty;
    u32 events = may_write(t) ? EPOLLOUT | EPOLLWRNORM : 0;

    mutex_lock(&t->lock);
    if (ldisc_readable(t))
        events |= EPOLLIN | EPOLLRDNORM;
    if (t->hung_up)
        events |= EPOLLHUP | EPOLLIN;
    mutex_unlock(&t->lock);
    return events;
}

static struct wait_queue *tty_poll_queue(struct file *f)
{
    return &console_tty.events;
}

/* ------------------------------------------------------------------ ioctl_tty(2) */

enum when { NOW, AFTER_OUTPUT, AFTER_OUTPUT_FLUSH }; /* as TCSETS, TCSETSW, TCSETSF follow each other */

static long set_termios(struct file *f, unsigned long arg, size_t size, enum when when)
{
    struct tty *t = &console_tty;
    struct termios2 new = t->termios;
    int error;

    if (copy_from_user(&new, (void *)arg, size))
        return -EFAULT;
    error = when == NOW ? 0 : stream_drain(out_stream(f));
    if (error)
        return error;
    mutex_lock(&t->lock);
    if (when == AFTER_OUTPUT_FLUSH)
        ldisc_flush_input(t);
    t->termios = new;
    if (!(new.c_iflag & IXON))
        t->stopped = false;
    ldisc_mode_changed(t);
    mutex_unlock(&t->lock);
    wait_wake_all(&t->events);
    return 0;
}

/* tcflow(3) */
static long control_flow(struct tty *t, struct file *f, unsigned long action)
{
    u8 c = t->termios.c_cc[action == TCIOFF ? VSTOP : VSTART];

    switch (action) {
    case TCOOFF:
        WRITE_ONCE(t->held, true);
        return 0;
    case TCOON:
        mutex_lock(&t->lock);
        if (t->held)
            t->held = t->stopped = false;
        mutex_unlock(&t->lock);
        wait_wake_all(&t->events);
        return 0;
    case TCIOFF:
    case TCION:
        if (c) /* 0: there is no such character */
            stream_write_all(out_stream(f), &c, 1);
        return 0;
    }
    return -EINVAL;
}

static long flush_queues(struct tty *t, unsigned long which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH) {
        mutex_lock(&t->lock);
        ldisc_flush_input(t);
        mutex_unlock(&t->lock);
    }
    return 0;
}

static long set_foreground_group(struct tty *t, unsigned long arg)
{
    int group;

    if (get_user(group, (int *)arg))
        return -EFAULT;
    if (group < 0)
        return -EINVAL;
    struct process *p = process_find(group);
    if (!p)
        return -ESRCH;
    process_put(p);
    t->foreground_group = group;
    return 0;
}

/* TIOCSTI: as if c had been typed. */
static long fake_input(struct tty *t, unsigned long arg)
{
    u8 c;

    if (get_user(c, (u8 *)arg))
        return -EFAULT;
    mutex_lock(&t->lock);
    ldisc_receive(t, c);
    mutex_unlock(&t->lock);
    wait_wake_all(&t->events);
    return 0;
}

static long tty_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct tty *t = &console_tty;
    void *user = (void *)arg;
    struct winsize size;
    int n;

    switch (cmd) {
    case TCGETS:
        return copy_to_user(user, &t->termios, sizeof(struct termios));
    case TCGETS2:
        return copy_to_user(user, &t->termios, sizeof(struct termios2));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(f, arg, sizeof(struct termios), (enum when)(cmd - TCSETS));
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(f, arg, sizeof(struct termios2), (enum when)(cmd - TCSETS2));
    case TIOCGWINSZ:
        return copy_to_user(user, &t->size, sizeof(t->size));
    case TIOCSWINSZ:
        if (get_user(size, user))
            return -EFAULT;
        tty_set_size(t, size.ws_col, size.ws_row);
        return 0;
    case FIONREAD:
        mutex_lock(&t->lock);
        n = (int)(t->tail - t->head);
        mutex_unlock(&t->lock);
        return put_user(n, (int *)user);
    case TIOCOUTQ:
        return put_user(0, (int *)user);
    case TCFLSH:
        return flush_queues(t, arg);
    case TCSBRK:
    case TCSBRKP:
        return stream_drain(out_stream(f)) ? -EINTR : 0;
    case TCXONC:
        return control_flow(t, f, arg);
    case TIOCGPGRP:
        return put_user(t->foreground_group, (int *)user);
    case TIOCSPGRP:
        return set_foreground_group(t, arg);
    case TIOCGSID:
        return put_user(t->session, (int *)user);
    case TIOCSCTTY:
        t->session = current_process()->session_id;
        t->foreground_group = current_process()->group_id;
        return 0;
    case TIOCNOTTY:
        if (t->session != current_process()->session_id)
            return -ENOTTY;
        t->session = t->foreground_group = 0;
        return 0;
    case TIOCSTI:
        return fake_input(t, arg);
    case TIOCEXCL:
    case TIOCNXCL:
        t->exclusive = cmd == TIOCEXCL;
        return 0;
    case TIOCGEXCL:
        return put_user((int)t->exclusive, (int *)user);
    default:
        return -ENOTTY;
    }
}

static int tty_fstat(struct file *f, struct stat *st)
{
    if (f->inode)
        return inode_stat(f->inode, st);
    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFCHR | 0620;
    st->st_nlink = 1;
    st->st_rdev = TTY_DEVICE;
    st->st_gid = 5; /* Debian's group tty */
    st->st_ino = 3;
    st->st_blksize = 1024;
    return 0;
}

static const struct file_ops tty_ops = {
    .kind = "/dev/console",
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .poll_queue = tty_poll_queue,
    .ioctl = tty_ioctl,
    .fstat = tty_fstat,
};

static int attach_file(struct file *f)
{
    if (console_tty.exclusive && !fs_capable(CAP_SYS_ADMIN))
        return -EBUSY;
    f->ops = &tty_ops;
    f->private = (void *)(unsigned long)console_tty.out;
    return 0;
}

int tty_open(struct file *f)
{
    bool ours = console_tty.attached && console_tty.session == current_process()->session_id;

    return ours ? attach_file(f) : -ENXIO;
}

int console_open(struct file *f)
{
    tty_console_attach(STREAM_UART, STREAM_UART);
    return attach_file(f);
}

struct file *tty_file_create(u32 open_flags, enum stream out)
{
    struct file *f = file_create(&tty_ops, open_flags, (void *)(unsigned long)out);
    struct path_ref at;

    /* With its path, ttyname(3) and /dev/stdin find it. */
    if (f && !path_find(AT_FDCWD, "/dev/console", 0, 0, &at)) {
        f->mount = at.mount;
        f->dentry = at.dentry;
        f->inode = at.dentry->inode;
    }
    return f;
}
