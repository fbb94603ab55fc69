/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: a ring of pages between writers and readers, pipe(7).
 *
 * The ring is under the pipe's mutex, which may be held while the program's memory is copied.
 * Sleepers look at the counters without it. A small write goes into the last page if it fits there
 * whole, else into a new one, so that a write of PIPE_BUF bytes or less is never split, and
 * capacity behaves as Linux's does.
 */
#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include "fs/pipe_internal.h"
#include "kernel/heap.h"
#include "kernel/user.h"

#define UNPRIVILEGED_MAX   (1u << 20) /* fs.pipe-max-size */
#define UNPRIVILEGED_SLOTS 16384u     /* fs.pipe-user-pages-soft */
#define FEW_SLOTS          2u         /* of a pipe made by who has that many */

static struct spinlock users_lock = SPINLOCK_INIT(LOCK_PIPE);
static struct list users = LIST_INIT(users);

/* Counts one more pipe for the running thread's user. NULL: out of memory. */
static struct pipe_user *join_user(void)
{
    struct pipe_user *fresh = kzalloc(sizeof(*fresh)), *u, *mine = NULL;
    u32 uid = current_thread()->cred.uid;

    spin_lock(&users_lock);
    list_for_each(u, &users, link)
        if (u->uid == uid)
            mine = u;
    if (!mine && fresh) {
        mine = fresh;
        mine->uid = uid;
        list_add_tail(&users, &mine->link);
        fresh = NULL;
    }
    if (mine)
        mine->pipes++;
    spin_unlock(&users_lock);
    kfree(fresh);
    return mine;
}

static void leave_user(struct pipe_user *u, u32 slots)
{
    spin_lock(&users_lock);
    u->slots -= slots;
    if (--u->pipes)
        u = NULL;
    else
        list_remove(&u->link);
    spin_unlock(&users_lock);
    kfree(u);
}

/* Makes old slots new ones in the user's account, if forced or the running thread may have that many. */
static bool account(struct pipe_user *u, u32 old, u32 new, bool forced)
{
    bool may = forced || new <= old || fs_capable(CAP_SYS_RESOURCE) || fs_capable(CAP_SYS_ADMIN);

    spin_lock(&users_lock);
    may = may || u->slots + new - old <= UNPRIVILEGED_SLOTS;
    if (may)
        u->slots = u->slots + new - old;
    spin_unlock(&users_lock);
    return may;
}

struct pipe *pipe_allocate(void)
{
    struct pipe *p = kzalloc(sizeof(*p));

    if (!p)
        return NULL;
    p->user = join_user();
    if (!p->user) {
        kfree(p);
        return NULL;
    }
    p->slots = PIPE_DEFAULT_SLOTS;
    if (!account(p->user, 0, p->slots, false)) {
        p->slots = FEW_SLOTS;
        account(p->user, 0, p->slots, true);
    }
    p->ring = kzalloc(p->slots * sizeof(*p->ring));
    if (!p->ring) {
        pipe_free(p);
        return NULL;
    }
    mutex_init(&p->lock, LOCK_FS);
    wait_queue_init(&p->readable);
    wait_queue_init(&p->writable);
    return p;
}

void pipe_free(struct pipe *p)
{
    for (; p->tail != p->head; p->tail++)
        page_put(pipe_front(p)->page);
    if (p->spare)
        page_put(p->spare);
    leave_user(p->user, p->slots);
    kfree(p->ring);
    kfree(p);
}

struct page *pipe_page(struct pipe *p)
{
    struct page *page = p->spare;

    p->spare = NULL;
    return page ? page : page_alloc(0, 0);
}

/* True if nobody but the pipe has the page, so that its bytes may be changed. */
static bool exclusive(const struct page *page)
{
    return __atomic_load_n(&page->refs, __ATOMIC_ACQUIRE) == 1;
}

void pipe_consume(struct pipe *p, size_t n)
{
    struct pipe_slot *s = pipe_front(p);

    s->offset += (u32)n;
    s->length -= (u32)n;
    p->bytes -= n;
    if (s->length)
        return;
    if (!p->spare && exclusive(s->page))
        p->spare = s->page;
    else
        page_put(s->page);
    WRITE_ONCE(p->tail, p->tail + 1);
}

void pipe_push(struct pipe *p, struct pipe_slot slot)
{
    p->ring[p->head & (p->slots - 1)] = slot;
    p->bytes += slot.length;
    WRITE_ONCE(p->head, p->head + 1);
}

void pipe_wake_readers(struct pipe *p)
{
    wait_wake_events(&p->readable, 1, EPOLLIN | EPOLLRDNORM);
}

static void wake_writers(struct pipe *p, u32 quiet)
{
    wait_wake_events(&p->writable, 1, EPOLLOUT | EPOLLWRNORM | quiet);
    if (READ_ONCE(p->both_ways))
        wait_wake_events(&p->readable, 1, EPOLLOUT | EPOLLWRNORM | quiet);
}

void pipe_wake_writers(struct pipe *p)
{
    wake_writers(p, 0);
}

/* ------------------------------------------------------------ reading */

static bool can_read(const struct pipe *p)
{
    return !READ_ONCE(p->taken) && (!pipe_empty(p) || !READ_ONCE(p->writers));
}

int pipe_wait_bytes(struct pipe *p, u32 flags, bool *waited)
{
    for (;;) {
        int error;

        if (!p->taken) {
            if (!pipe_empty(p))
                return 1;
            if (!p->writers)
                return 0;
            if (flags & O_NONBLOCK)
                return -EAGAIN;
        }
        mutex_unlock(&p->lock);
        error = wait_event_exclusive_if(&p->readable, can_read(p), NSEC_NEVER, WAIT_INTERRUPTIBLE,
                                        true);
        mutex_lock(&p->lock);
        *waited = true;
        if (error)
            return error;
    }
}

/* Copies from the front slot, of a packet all or what goes in. Bytes, or -EFAULT when none could be. */
static ssize read_front(struct pipe *p, struct io *io, bool packet)
{
    struct pipe_slot *s = pipe_front(p);
    size_t n = MIN((size_t)s->length, io->left);
    ssize done = io_copy_piece_to(io, (char *)page_virt(s->page) + s->offset, n);

    if (done < 0)
        return done;
    /* The rest of a packet that did not fit is dropped. */
    pipe_consume(p, packet && (size_t)done == n ? s->length : (size_t)done);
    return done;
}

static ssize read_pipe(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct pipe *p = f->private;
    u32 flags = f->flags | (rwf & RWF_NOWAIT ? O_NONBLOCK : 0);
    bool was_full, more, packet = false, waited = false;
    ssize done = 0, error;

    if (!io->left)
        return 0;
    mutex_lock(&p->lock);
    error = pipe_wait_bytes(p, flags, &waited);
    was_full = pipe_full(p);
    while (error > 0 && io->left && !pipe_empty(p) && !packet && !p->taken) {
        ssize n;

        packet = pipe_front(p)->packet && !(rwf & RWF_NO_PACKETS);
        n = read_front(p, io, packet);
        if (n < 0)
            error = n;
        else
            done += n;
    }
    more = waited && !pipe_empty(p); /* the wake-up that came to us is for another reader too */
    mutex_unlock(&p->lock);
    if (done && was_full)
        pipe_wake_writers(p);
    if (more)
        wait_wake_events(&p->readable, 1, EPOLLIN | EPOLLRDNORM | WAKE_QUIET);
    return done ? done : error < 0 ? error : 0;
}

/* ------------------------------------------------------------ writing */

static bool can_write(const struct pipe *p)
{
    return !pipe_full(p) || !READ_ONCE(p->readers);
}

int pipe_wait_room(struct pipe *p, u32 flags, bool *waited)
{
    for (;;) {
        int error;

        if (!p->readers)
            return -EPIPE;
        if (!pipe_full(p))
            return 0;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        mutex_unlock(&p->lock);
        error = wait_event_exclusive_if(&p->writable, can_write(p), NSEC_NEVER, WAIT_INTERRUPTIBLE,
                                        true);
        mutex_lock(&p->lock);
        *waited = true;
        if (error)
            return error;
    }
}

/*
 * Puts the odd part of a write into the last page if it fits there whole. Bytes, 0 if not, or
 * -EFAULT.
 */
static ssize write_into_last(struct pipe *p, struct io *io)
{
    struct pipe_slot *last = &p->ring[(p->head - 1) & (p->slots - 1)];
    size_t odd = io->left & (PAGE_SIZE - 1);
    ssize n;

    if (!odd || pipe_empty(p) || last->packet || last->spliced ||
        (p->taken && p->head - p->tail == p->taken))
        return 0;
    if (last->offset + last->length + odd > PAGE_SIZE)
        return 0;
    n = io_copy_piece_from(io, (char *)page_virt(last->page) + last->offset + last->length, odd);
    if (n > 0) {
        last->length += (u32)n;
        p->bytes += (u64)n;
    }
    return n;
}

static ssize write_new_slot(struct pipe *p, struct io *io, bool packet)
{
    struct page *page = pipe_page(p);
    size_t want = MIN(io->left, PAGE_SIZE);
    ssize n;

    if (!page)
        return -ENOMEM;
    n = io_copy_piece_from(io, page_virt(page), want);
    if (n <= 0) {
        if (!p->spare)
            p->spare = page;
        else
            page_put(page);
        return n;
    }
    pipe_push(p, (struct pipe_slot){.page = page, .length = (u32)n, .packet = packet});
    return n;
}

static ssize write_pipe(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct pipe *p = f->private;
    u32 flags = f->flags | (rwf & RWF_NOWAIT ? O_NONBLOCK : 0);
    bool packet = f->flags & O_DIRECT, room, waited = false;
    ssize done = 0, n;

    if (!io->left)
        return 0;
    mutex_lock(&p->lock);
    n = p->readers ? 0 : -EPIPE;
    if (!n)
        n = write_into_last(p, io); /* a packet, too, where the one before is none */
    while (n >= 0) {
        done += n;
        if (!io->left)
            break;
        if (pipe_full(p) && done)
            pipe_wake_readers(p);
        n = pipe_wait_room(p, flags, &waited);
        if (!n)
            n = write_new_slot(p, io, packet);
    }
    room = waited && !pipe_full(p);
    mutex_unlock(&p->lock);
    if (done || n == -EAGAIN) /* a try counts as an edge, as on Linux */
        pipe_wake_readers(p);
    if (room)
        wake_writers(p, WAKE_QUIET);
    return done ? done : n;
}

/* ------------------------------------------------------------ the rest */

static u32 poll_pipe(struct file *f)
{
    struct pipe *p = f->private;
    u32 events = 0;

    if (f->mode & FILE_READ) {
        if (!pipe_empty(p))
            events |= EPOLLIN | EPOLLRDNORM;
        /* A FIFO whose first writer has not come yet is not hung up. */
        if (!READ_ONCE(p->writers) && (u32)f->position != READ_ONCE(p->writer_opens))
            events |= EPOLLHUP;
    }
    if (f->mode & FILE_WRITE) {
        if (!pipe_full(p))
            events |= EPOLLOUT | EPOLLWRNORM;
        if (!READ_ONCE(p->readers))
            events |= EPOLLERR;
    }
    return events;
}

static struct wait_queue *pipe_queue(struct file *f)
{
    struct pipe *p = f->private;

    return f->mode & FILE_READ ? &p->readable : &p->writable;
}

static long pipe_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct pipe *p = f->private;
    u64 bytes;

    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&p->lock);
    bytes = p->bytes;
    mutex_unlock(&p->lock);
    return put_user((int)bytes, (int *)arg);
}

const struct file_ops pipe_ops = {
    .kind = "pipe",
    .read = read_pipe,
    .write = write_pipe,
    .ioctl = pipe_ioctl,
    .poll = poll_pipe,
    .poll_queue = pipe_queue,
    .async = ASYNC_OWNER,
    .reopen = pipe_reopen,
    .release = pipe_release,
};

struct pipe *pipe_of(struct file *f)
{
    return f->ops == &pipe_ops ? f->private : NULL;
}

long pipe_get_size(struct pipe *p)
{
    return (long)READ_ONCE(p->slots) * (long)PAGE_SIZE;
}

long pipe_set_size(struct pipe *p, u64 size)
{
    struct pipe_slot *ring, *old;
    u32 slots = 1, used, before;
    long result;

    if (size > 1u << 31)
        return -EINVAL;
    while ((u64)slots * PAGE_SIZE < size)
        slots *= 2;
    if (slots > p->slots && (u64)slots * PAGE_SIZE > UNPRIVILEGED_MAX &&
        !fs_capable(CAP_SYS_RESOURCE))
        return -EPERM;
    ring = kzalloc(slots * sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    mutex_lock(&p->lock);
    old = p->ring;
    before = p->slots;
    used = p->head - p->tail;
    if (!account(p->user, before, slots, false)) {
        old = ring;
        result = -EPERM;
    } else if (used > slots || p->taken) {
        account(p->user, slots, before, true);
        old = ring;
        result = -EBUSY;
    } else {
        for (u32 k = 0; k < used; k++)
            ring[k] = p->ring[(p->tail + k) & (p->slots - 1)];
        p->ring = ring;
        WRITE_ONCE(p->slots, slots);
        p->tail = 0;
        p->head = used;
        result = (long)slots * (long)PAGE_SIZE;
    }
    mutex_unlock(&p->lock);
    kfree(old);
    pipe_wake_writers(p);
    return result;
}
