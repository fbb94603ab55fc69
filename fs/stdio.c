/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard input, output and error. A descriptor that is a pipe, socket or file on the host is a pipe
 * here: bytes in order, end of input, EPIPE once the reader on the host is gone. A terminal is the
 * console terminal, /dev/null is /dev/null.
 */
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "fs/stdio.h"
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/signal.h"
#include "kernel/stream.h"
#include "kernel/user.h"
#include "kernel/vm_exit.h"

/* One per descriptor number; never freed. */
static struct host_pipe {
    enum stream stream;
    struct mutex lock; /* LOCK_FS: buffer; one reader or writer at a time, so that writes are whole */
    u8 *buffer;        /* one page, allocated at first use */
    u32 start, end;    /* bytes read from the host and not yet from the program */
    u64 taken;         /* input: bytes read from the host so far */
    u64 total;         /* input: bytes that come before the end; known once ended is set */
    bool ended;        /* input: the host said end of file; output: the reader is gone */
} pipes[3] = {
    {.stream = STREAM_STDIO},
    {.stream = STREAM_STDIO},
    {.stream = STREAM_STDERR},
};
static u32 owner, group; /* of the pipes: who the program starts as */

static bool need_buffer(struct host_pipe *p)
{
    if (!p->buffer) {
        paddr_t pa = page_alloc_pa(PAGE_LAST);
        p->buffer = pa ? phys_to_virt(pa) : NULL;
    }
    return p->buffer != NULL;
}

/*
 * No more bytes come. The end is said on another channel than the bytes and may overtake them, so
 * it comes with their number.
 */
static bool at_end(struct host_pipe *p)
{
    return READ_ONCE(p->ended) && READ_ONCE(p->taken) >= READ_ONCE(p->total);
}

/* Bytes are there, or the end is. */
static bool readable(struct host_pipe *p)
{
    return p->start != p->end || platform_stream_readable(p->stream) || at_end(p);
}

/* Refills the empty buffer with what the host has sent. Under p->lock. */
static void refill(struct host_pipe *p)
{
    p->start = 0;
    p->end = platform_stream_read(p->stream, p->buffer, PAGE_SIZE);
    WRITE_ONCE(p->taken, p->taken + p->end);
}

static ssize host_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct host_pipe *p = f->private;
    ssize done = 0;
    int error;

    if (io->left == 0)
        return 0;
    control_want_input();
    mutex_lock(&p->lock);
    if (!need_buffer(p)) {
        mutex_unlock(&p->lock);
        return -ENOMEM;
    }
    while (p->start == p->end) {
        refill(p);
        if (p->end || at_end(p))
            break;
        mutex_unlock(&p->lock);
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        error = wait_event(&stream_events[p->stream], readable(p), NSEC_NEVER, WAIT_INTERRUPTIBLE);
        if (error)
            return error;
        mutex_lock(&p->lock);
    }
    if (p->start != p->end) {
        done = io_copy_to(io, p->buffer + p->start, p->end - p->start);
        if (done > 0)
            p->start += done;
    }
    mutex_unlock(&p->lock);
    return done;
}

/* Waits for room; 0 or why the write must stop. */
static int wait_for_room(struct file *f, struct host_pipe *p)
{
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    return wait_event(&stream_events[p->stream],
                      platform_stream_writable(p->stream) || READ_ONCE(p->ended), NSEC_NEVER,
                      WAIT_INTERRUPTIBLE);
}

static ssize host_write(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct host_pipe *p = f->private;
    ssize done = 0, error = 0;

    mutex_lock(&p->lock);
    if (!need_buffer(p))
        error = -ENOMEM;
    while (io->left && !error) {
        size_t sent = 0;
        ssize n = io_copy_from(io, p->buffer, MIN(io->left, PAGE_SIZE));

        if (n <= 0) {
            error = n;
            break;
        }
        while (sent < (size_t)n && !error) {
            if (READ_ONCE(p->ended)) {
                error = -EPIPE;
                break;
            }
            size_t part = platform_stream_write(p->stream, p->buffer + sent, n - sent);
            sent += part;
            if (!part)
                error = wait_for_room(f, p);
        }
        done += sent;
    }
    mutex_unlock(&p->lock);
    return done ? done : error;
}

static u32 host_poll(struct file *f)
{
    struct host_pipe *p = f->private;
    u32 events = 0;

    if (f->mode & FILE_READ) {
        control_want_input();
        if (p->start != p->end || platform_stream_readable(p->stream))
            events |= EPOLLIN | EPOLLRDNORM;
        if (at_end(p))
            events |= EPOLLHUP;
    }
    if (f->mode & FILE_WRITE) {
        if (platform_stream_writable(p->stream) || READ_ONCE(p->ended))
            events |= EPOLLOUT | EPOLLWRNORM;
        if (READ_ONCE(p->ended))
            events |= EPOLLERR;
    }
    return events;
}

static struct wait_queue *host_poll_queue(struct file *f)
{
    struct host_pipe *p = f->private;

    return &stream_events[p->stream];
}

static long host_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct host_pipe *p = f->private;
    int n;

    if (cmd != FIONREAD)
        return -ENOTTY;
    if (f->mode & FILE_READ)
        control_want_input();
    mutex_lock(&p->lock);
    if (p->start == p->end && (f->mode & FILE_READ) && need_buffer(p))
        refill(p);
    n = p->end - p->start;
    mutex_unlock(&p->lock);
    return put_user(n, (int *)arg);
}

static int host_fstat(struct file *f, struct stat *st)
{
    struct host_pipe *p = f->private;

    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFIFO | 0600;
    st->st_nlink = 1;
    st->st_uid = owner;
    st->st_gid = group;
    st->st_dev = 0xc;
    st->st_ino = 1 + (p - pipes);
    st->st_blksize = PAGE_SIZE;
    return 0;
}

/* /dev/stdout and its like: the same stream, in its own direction only. */
static int host_reopen(struct file *f, struct file *new)
{
    if (new->mode & (FILE_READ | FILE_WRITE) & ~f->mode)
        return -ENXIO;
    new->private = f->private;
    return 0;
}

static const struct file_ops host_pipe_ops = {
    .kind = "pipe",
    .splice = SPLICE_SOURCE | SPLICE_SINK | SPLICE_AS_PIPE,
    .read = host_read,
    .write = host_write,
    .poll = host_poll,
    .poll_queue = host_poll_queue,
    .async = ASYNC_OWNER,
    .ioctl = host_ioctl,
    .fstat = host_fstat,
    .reopen = host_reopen,
};

static void end_of(unsigned fd)
{
    WRITE_ONCE(pipes[fd].ended, true);
    wait_wake_all(&stream_events[pipes[fd].stream]);
}

/* Orders of the control channel that concern the streams. */
static bool order(const char *line)
{
    u64 columns, rows, total;

    if (!strncmp(line, "eof ", 4) && !parse_u64(line + 4, &line, 10, &total) && !*line) {
        pipes[0].total = total;
        barrier();
        end_of(0);
        tty_end_input(&console_tty);
    } else if (!strcmp(line, "close 1")) {
        end_of(1);
    } else if (!strcmp(line, "close 2")) {
        end_of(2);
    } else if (!strncmp(line, "winsize ", 8) && !parse_u64(line + 8, &line, 10, &columns) &&
               *line == ' ' && !parse_u64(line + 1, &line, 10, &rows) && !*line) {
        console_set_size((u16)columns, (u16)rows);
    } else {
        return false;
    }
    return true;
}

/* The file of one descriptor by its letter, see docs/architecture.md. */
static struct file *open_descriptor(unsigned fd, char letter)
{
    static const u32 access[3] = {O_RDONLY, O_WRONLY, O_WRONLY};
    enum stream out = fd == 2 ? STREAM_STDERR : STREAM_STDIO;

    switch (letter) {
    case 'n':
        return vfs_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
    case 't':
        if (params.stdio[0] == 't')
            console_attach(STREAM_STDIO, STREAM_STDIO);
        else
            console_attach_output(out);
        return console_file_create(O_RDWR, out);
    case 'u':
        console_attach(STREAM_UART, STREAM_UART);
        return console_file_create(O_RDWR, STREAM_UART);
    default:
        return file_create(&host_pipe_ops, access[fd], &pipes[fd]);
    }
}

int stdio_install(void)
{
    owner = current_thread()->cred.fsuid;
    group = current_thread()->cred.fsgid;
    console_init();
    control_order = order;
    for (unsigned i = 0; i < ARRAY_SIZE(pipes); i++)
        mutex_init(&pipes[i].lock, LOCK_FILE_POSITION);
    struct file *f = NULL;
    for (unsigned fd = 0; fd < ARRAY_SIZE(pipes); fd++) {
        if (params.stdio[fd] == '=')
            file_get(f);
        else
            f = open_descriptor(fd, params.stdio[fd] ? params.stdio[fd] : 'u');
        if (!f || IS_ERR(f))
            return f ? (int)PTR_ERR(f) : -ENOMEM;
        int installed = fd_install(f, 0, 0);
        if (installed < 0)
            return installed;
    }
    return 0;
}
