/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console terminal: the host's terminal through its streams, with a thread that feeds typed bytes in, so that
 * Ctrl-C works while the program never reads.
 */
#include <linux/fcntl.h>
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/stream.h"

struct tty console_tty;
static enum stream console_in, console_out;
static bool attached; /* it has streams, and its input thread runs */

static size_t console_write(struct tty *t, const void *data, size_t n)
{
    return platform_stream_write(console_out, data, n);
}

/* Written data waits in send. */
static size_t console_room(struct tty *t)
{
    return SIZE_MAX;
}

static enum stream out_stream(struct file *f)
{
    return f->ops == &tty_error_ops ? STREAM_STDERR : console_out;
}

static void console_send(struct tty *t, struct file *f, const void *data, size_t n)
{
    stream_write_all(out_stream(f), data, n);
}

static int console_drain(struct tty *t, struct file *f)
{
    return stream_drain(out_stream(f));
}

/* feed() may wait for this. */
static void console_input_taken(struct tty *t)
{
    wait_wake_all(&t->events);
}

static const struct tty_driver console_driver = {
    .write = console_write,
    .room = console_room,
    .send = console_send,
    .drain = console_drain,
    .input_taken = console_input_taken,
};

void console_init(void)
{
    tty_init(&console_tty, &console_driver, (u32)device_number(5, 1));
    console_tty.termios.c_iflag |= IUTF8;
    console_tty.termios.c_cflag |= HUPCL;
    console_tty.size = (struct winsize){.ws_row = params.winsize_rows, .ws_col = params.winsize_columns};
}

/* Kernel thread: moves bytes from the host into the line discipline, as fast as the program reads them. */
static void feed(void *arg)
{
    struct tty *t = arg;
    u8 bytes[64];
    size_t n = 0, done = 0;

    for (;;) {
        if (done == n) {
            done = 0;
            n = platform_stream_read(console_in, bytes, sizeof(bytes));
        }
        if (n == 0) {
            wait_event(&stream_events[console_in], platform_stream_readable(console_in), NSEC_NEVER,
                       WAIT_UNINTERRUPTIBLE);
            continue;
        }
        mutex_lock(&t->lock);
        done += tty_receive(t, bytes + done, n - done);
        mutex_unlock(&t->lock);
        wait_wake_all(&t->events);
        if (done < n)
            wait_event(&t->events, ldisc_room(t), NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
    }
}

static bool attach(enum stream in, enum stream out, bool controlling)
{
    struct tty *t = &console_tty;

    if (attached)
        return false;
    console_in = in;
    console_out = out;
    attached = true;
    if (controlling) {
        mutex_lock(&t->lock);
        tty_take_session(t, false);
        mutex_unlock(&t->lock);
    }
    return true;
}

void console_attach_output(enum stream out)
{
    struct tty *t = &console_tty;

    if (!attach(out, out, true))
        return;
    t->output_only = true;
    t->termios.c_oflag &= ~(u32)OPOST;
}

static void attach_both(enum stream in, enum stream out, bool controlling)
{
    if (attach(in, out, controlling) && !kernel_thread_create("tty", feed, &console_tty))
        log_err("console: no memory for its input thread; nothing typed arrives");
}

void console_set_size(u16 columns, u16 rows)
{
    struct winsize size = {.ws_col = columns, .ws_row = rows};

    tty_set_size(&console_tty, &size);
}

void console_attach(enum stream in, enum stream out)
{
    attach_both(in, out, true);
}

int console_open(struct file *f)
{
    attach_both(STREAM_UART, STREAM_UART, false);
    f->flags |= O_NOCTTY;
    return tty_attach_file(&console_tty, f);
}

int tty_open_own(struct file *f)
{
    struct tty *t = tty_of_process();
    int error = -ENXIO;

    if (t) {
        error = tty_attach_file(t, f);
        tty_put(t);
    }
    return error;
}

struct file *console_file_create(u32 open_flags, enum stream out)
{
    struct file *f = file_create(NULL, open_flags, NULL);
    struct path_ref at;

    if (!f)
        return NULL;
    tty_attach_file(&console_tty, f);
    if (out == STREAM_STDERR)
        f->ops = &tty_error_ops;
    /* With its path, ttyname(3) and /dev/stdin find it. */
    if (!path_find(AT_FDCWD, "/dev/console", 0, 0, &at)) {
        f->mount = at.mount;
        f->dentry = at.dentry;
        f->inode = at.dentry->inode;
    }
    return f;
}
