/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening and closing the ends of pipes: pipe(2), FIFOs with a name (fifo(7)), and a pipe opened
 * again through /proc/self/fd. The pipe hangs on its inode from the first open to the last close.
 */
#include <linux/eventpoll.h>
#include "fs/pipe_internal.h"
#include "kernel/heap.h"

/* Guards inode->pipe and pipe->files. */
static struct spinlock fifo_lock = SPINLOCK_INIT(LOCK_PIPE);

static const struct inode_ops pipe_inode_ops;

/* The inode's pipe with one more file counted; made if there is none. NULL: out of memory. */
static struct pipe *join(struct inode *i)
{
    struct pipe *new = NULL, *p;

    if (!READ_ONCE(i->pipe)) {
        new = pipe_allocate();
        if (!new)
            return NULL;
    }
    for (;;) {
        spin_lock(&fifo_lock);
        if (!i->pipe && new) {
            i->pipe = new;
            new = NULL;
        }
        p = i->pipe;
        if (p)
            p->files++;
        spin_unlock(&fifo_lock);
        if (p)
            break;
        new = pipe_allocate();
        if (!new)
            return NULL;
    }
    if (new)
        pipe_free(new);
    return p;
}

/* One file less; the last takes the pipe along. */
static void leave(struct inode *i, struct pipe *p)
{
    bool last;

    spin_lock(&fifo_lock);
    last = --p->files == 0;
    if (last)
        i->pipe = NULL;
    spin_unlock(&fifo_lock);
    if (last)
        pipe_free(p);
}

/* Counts f as reader, writer or both. Locked. */
static void enter(struct pipe *p, struct file *f)
{
    if (f->mode & FILE_READ) {
        p->readers++;
        p->reader_opens++;
    }
    if (f->mode & FILE_WRITE) {
        p->writers++;
        p->writer_opens++;
    }
    if ((f->mode & (FILE_READ | FILE_WRITE)) == (FILE_READ | FILE_WRITE))
        p->both_ways = true;
}

static void exit_counts(struct pipe *p, struct file *f)
{
    mutex_lock(&p->lock);
    if (f->mode & FILE_READ)
        p->readers--;
    if (f->mode & FILE_WRITE)
        p->writers--;
    mutex_unlock(&p->lock);
    wait_wake_events(&p->readable, ~0u, EPOLLIN | EPOLLRDNORM | EPOLLHUP | EPOLLERR);
    wait_wake_events(&p->writable, ~0u, EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP);
}

void pipe_release(struct file *f)
{
    struct pipe *p = f->private;

    exit_counts(p, f);
    leave(f->inode, p);
}

/*
 * Waits for an open of the other kind: *opens moves on from what it was. Locked. 0 or -ERESTARTSYS.
 * /
 */
static int wait_for_other(struct pipe *p, struct wait_queue *q, u32 *opens)
{
    u32 before = *opens;
    int error;

    mutex_unlock(&p->lock);
    error = wait_event(q, READ_ONCE(*opens) != before, NSEC_NEVER, WAIT_INTERRUPTIBLE);
    mutex_lock(&p->lock);
    return READ_ONCE(*opens) != before ? 0 : error;
}

/* Enters and waits as fifo(7) says. Locked. */
static int meet(struct pipe *p, struct file *f)
{
    bool nonblock = f->flags & O_NONBLOCK;
    int error = 0;

    switch (f->mode & (FILE_READ | FILE_WRITE)) {
    case FILE_READ:
        enter(p, f);
        wait_wake_all(&p->writable);
        if (!p->writers) {
            if (nonblock)
                f->position = p->writer_opens;
            else
                error = wait_for_other(p, &p->readable, &p->writer_opens);
        }
        break;
    case FILE_WRITE:
        if (nonblock && !p->readers)
            return -ENXIO;
        enter(p, f);
        wait_wake_all(&p->readable);
        if (!p->readers)
            error = wait_for_other(p, &p->writable, &p->reader_opens);
        break;
    case FILE_READ | FILE_WRITE:
        enter(p, f);
        wait_wake_all(&p->readable);
        wait_wake_all(&p->writable);
        break;
    default:
        return -EINVAL;
    }
    if (error) {
        mutex_unlock(&p->lock);
        exit_counts(p, f);
        mutex_lock(&p->lock);
    }
    return error;
}

int fifo_open(struct inode *i, struct file *f)
{
    struct pipe *p = join(i);
    int error;

    if (!p)
        return -ENOMEM;
    f->private = p;
    f->position = (u64)-1;
    mutex_lock(&p->lock);
    error = meet(p, f);
    mutex_unlock(&p->lock);
    if (error)
        leave(i, p);
    else
        f->ops = &pipe_ops;
    return error;
}

int pipe_reopen(struct file *f, struct file *new)
{
    return fifo_open(f->inode, new);
}

static struct file *make_end(struct inode *i, u32 flags)
{
    struct file *f = file_create(&pipe_ops, flags, i->pipe);

    if (!f)
        return NULL;
    inode_get(i);
    f->inode = i;
    f->position = (u64)-1;
    i->pipe->files++;
    enter(i->pipe, f);
    return f;
}

int pipe_create(struct file *ends[2], u32 flags)
{
    struct mount *m = mount_anonymous();
    struct inode *i = m ? inode_create(m->super, &pipe_inode_ops, S_IFIFO | 0600, NULL) : NULL;

    flags &= O_NONBLOCK | O_DIRECT;
    if (!i)
        return -ENOMEM;
    i->pipe = pipe_allocate();
    if (!i->pipe) {
        inode_put(i);
        return -ENOMEM;
    }
    ends[0] = make_end(i, O_RDONLY | (flags & O_NONBLOCK));
    if (!ends[0]) {
        pipe_free(i->pipe);
        i->pipe = NULL;
    } else {
        ends[1] = make_end(i, O_WRONLY | flags);
        if (!ends[1])
            file_put(ends[0]);
    }
    inode_put(i);
    return ends[0] && ends[1] ? 0 : -ENFILE;
}
