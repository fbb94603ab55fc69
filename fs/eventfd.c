/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd(2): a 64-bit counter that is read, written and waited for. The counter never reaches 2^64-1. */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "fs/event.h"
#include "fs/generated.h"
#include "kernel/heap.h"

#define COUNT_MAX UINT64_MAX

struct eventfd {
    struct spinlock lock;
    u64 count;
    bool semaphore;
    u32 id;
    struct wait_queue wait;
};

static bool nonblocking(struct file *f, int rwf)
{
    return (f->flags & O_NONBLOCK) || (rwf & RWF_NOWAIT);
}

/* Takes the counter's value, or 1 of it; 0 when there is none. */
static u64 take(struct eventfd *e)
{
    spin_lock(&e->lock);
    u64 value = e->semaphore && e->count ? 1 : e->count;
    e->count -= value;
    spin_unlock(&e->lock);
    return value;
}

static bool add(struct eventfd *e, u64 value)
{
    spin_lock(&e->lock);
    bool fits = COUNT_MAX - e->count > value;
    if (fits)
        e->count += value;
    spin_unlock(&e->lock);
    return fits;
}

static ssize eventfd_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct eventfd *e = f->private;
    if (io->left < sizeof(u64))
        return -EINVAL;
    u64 value = take(e);
    if (!value) {
        if (nonblocking(f, rwf))
            return -EAGAIN;
        int error = wait_event(&e->wait, (value = take(e)) != 0, NSEC_NEVER, WAIT_INTERRUPTIBLE);
        if (error)
            return error;
    }
    wait_wake_events(&e->wait, ~0u, EPOLLOUT);
    ssize n = io_copy_to(io, &value, sizeof(value));
    return n == sizeof(value) ? n : -EFAULT;
}

static ssize eventfd_write(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct eventfd *e = f->private;
    u64 value;
    if (io->left < sizeof(value))
        return -EINVAL;
    if (io_copy_from(io, &value, sizeof(value)) != sizeof(value))
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    if (!add(e, value)) {
        if (nonblocking(f, rwf))
            return -EAGAIN;
        int error = wait_event(&e->wait, add(e, value), NSEC_NEVER, WAIT_INTERRUPTIBLE);
        if (error)
            return error;
    }
    wait_wake_events(&e->wait, ~0u, EPOLLIN);
    return sizeof(value);
}

static u32 eventfd_poll(struct file *f)
{
    struct eventfd *e = f->private;
    u64 count = READ_ONCE(e->count);
    return (count > 0 ? EPOLLIN : 0) | (count < COUNT_MAX - 1 ? EPOLLOUT : 0);
}

static struct wait_queue *eventfd_poll_queue(struct file *f)
{
    return &((struct eventfd *)f->private)->wait;
}

static void eventfd_release(struct file *f)
{
    kfree(f->private);
}

static void eventfd_fdinfo(struct file *f, struct text *t)
{
    const struct eventfd *e = f->private;
    text_printf(t, "eventfd-count: %16llx\neventfd-id: %u\neventfd-semaphore: %d\n",
                (unsigned long long)READ_ONCE(e->count), e->id, e->semaphore);
}

static const struct file_ops eventfd_ops = {
    .kind = "anon_inode:[eventfd]",
    .read = eventfd_read,
    .write = eventfd_write,
    .seek = event_seek,
    .poll = eventfd_poll,
    .poll_queue = eventfd_poll_queue,
    .fdinfo = eventfd_fdinfo,
    .release = eventfd_release,
};

struct file *eventfd_file_create(u64 count, bool semaphore, u32 open_flags)
{
    static u32 last_id;
    struct eventfd *e = kzalloc(sizeof(*e));
    if (!e)
        return ERR_PTR(-ENOMEM);
    e->id = __atomic_fetch_add(&last_id, 1, __ATOMIC_RELAXED);
    spin_init(&e->lock, LOCK_PIPE);
    wait_queue_init(&e->wait);
    e->count = count;
    e->semaphore = semaphore;
    struct file *f = file_create(&eventfd_ops, O_RDWR | open_flags, e);
    if (!f) {
        kfree(e);
        return ERR_PTR(-ENOMEM);
    }
    return f;
}

bool file_is_eventfd(const struct file *f)
{
    return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f)
{
    struct eventfd *e = f->private;

    if (add(e, 1))
        wait_wake_events(&e->wait, ~0u, EPOLLIN);
}
