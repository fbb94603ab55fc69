/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that wait for a file, a timer or a disk, and who goes on with them. A waker makes them READY and wakes a thread under the
 * ring's lock alone, in any context: it never wakes a queue from inside another one's, so rings and epolls may watch
 * each other in circles.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/block_device.h"
#include "fs/uring/uring.h"

/* ------------------------------------------------------------ readiness */

void uring_make_ready(struct uring_request *r)
{
    if (r->state == URING_ARMED) {
        r->state = URING_READY;
        list_add_tail(&r->ring->ready, &r->queue_link);
    } else {
        r->woken = true; /* being armed just now, or out of it already */
    }
}

void uring_kick(struct uring *ring)
{
    if (list_empty(&ring->ready))
        return;
    if (ring->sleeper)
        thread_wake(ring->sleeper);
    else if (!ring->lazy)
        uring_give_runner(ring);
}

void uring_wake(struct uring_request *r)
{
    struct uring *ring = r->ring;

    spin_lock_irq(&ring->lock);
    uring_make_ready(r);
    uring_kick(ring);
    spin_unlock_irq(&ring->lock);
}

/* The first that is ready and that this thread may run, now its own; NULL: none. */
static struct uring_request *take_ready(struct uring *ring)
{
    bool helper = uring_is_worker(current_thread());
    struct uring_request *r, *found = NULL;

    spin_lock_irq(&ring->lock);
    list_for_each(r, &ring->ready, queue_link)
        if (helper || uring_same_task(r->task)) {
            found = r;
            break;
        }
    if (found) {
        list_remove(&found->queue_link);
        found->state = URING_RUNNING;
    } else if (!list_empty(&ring->ready)) {
        if (ring->sleeper == current_thread())
            ring->sleeper = NULL; /* what is there is another's */
        uring_give_runner(ring);
    }
    spin_unlock_irq(&ring->lock);
    return found;
}

void uring_run_ready(struct uring *ring)
{
    struct uring_request *r;

    while (!list_empty(&ring->ready) && (r = take_ready(ring))) {
        if (current_thread()->helper && r->task)
            uring_borrow(r->task);
        r->cancelled |= r->started && r->sqe.opcode != IORING_OP_TIMEOUT && uring_is_orphan(r);
        uring_continue(r, false);
    }
}

/* ------------------------------------------------------------ waiting for a file */

/* Under the queue's lock, masked. */
static bool file_wake(struct waiter *w, u32 events)
{
    struct uring_request *r = container_of(w, struct uring_request, waiter);

    if (!(events & (READ_ONCE(r->events) | EPOLLERR | EPOLLHUP)))
        return false;
    if (!r->come && !(events & (WAKE_QUIET | EPOLLERR | EPOLLHUP))) /* else the file itself is asked */
        r->come = events & WAKE_ANY;
    uring_wake(r);
    return false;
}

s64 uring_arm_finish(struct uring_request *r, bool come)
{
    struct uring *ring = r->ring;

    spin_lock_irq(&ring->lock);
    bool stays = !come && !r->woken && !r->cancelled && !ring->closed;
    s64 result = stays ? URING_PENDING : r->cancelled || ring->closed ? -ECANCELED : 0;
    if (stays) {
        r->worker = NULL;
        r->state = URING_ARMED;
    }
    spin_unlock_irq(&ring->lock);
    if (!stays)
        uring_disarm(r);
    return result;
}

static int prepare(struct uring_request *r)
{
    int error = r->ring->owner ? 0 : uring_keep_task(r); /* a poll is the same whoever asks */

    if (!error && !r->ring->lazy)
        error = uring_start_runner();
    if (error)
        return error;
    uring_enter(r);
    if (r->timeout)
        uring_limit_start(r);
    return 0;
}

int uring_arm_begin(struct uring_request *r)
{
    int error = prepare(r);

    if (error)
        return error;
    r->woken = false;
    waiter_init(&r->waiter, false);
    r->waiter.wake = file_wake;
    r->waiter.thread = NULL;
    r->queue = r->file->ops->poll_queue(r->file);
    wait_add(r->queue, &r->waiter);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return 0;
}

s64 uring_arm(struct uring_request *r)
{
    int error = uring_arm_begin(r);

    return error ? error : uring_arm_finish(r, file_poll(r->file) & (r->events | EPOLLERR | EPOLLHUP));
}

void uring_disarm(struct uring_request *r)
{
    if (r->queue)
        wait_remove(r->queue, &r->waiter);
    r->queue = NULL;
    if (r->armed_timer)
        timer_cancel(&r->timer, true);
    r->armed_timer = false;
    r->woken = false;
}

/* ------------------------------------------------------------ waiting for a time */

/* Interrupt context. */
static void timer_wake(struct timer *t)
{
    uring_wake(container_of(t, struct uring_request, timer));
}

/* Under the lock of clock_set_wait: an absolute time of day is looked at again. */
static bool clock_wake(struct waiter *w, u32 events)
{
    uring_wake(container_of(w, struct uring_request, waiter));
    return false;
}

s64 uring_arm_timer(struct uring_request *r)
{
    bool realtime = r->clock_realtime;
    int error = prepare(r);

    if (error)
        return error;
    r->woken = false;
    if (realtime) {
        waiter_init(&r->waiter, false);
        r->waiter.wake = clock_wake;
        r->waiter.thread = NULL;
        r->queue = &clock_set_wait;
        wait_add(r->queue, &r->waiter);
    }
    if (r->deadline != NSEC_NEVER) {
        s64 at = (s64)r->deadline - (realtime ? clock_realtime_offset() : 0);
        timer_init(&r->timer, timer_wake);
        r->armed_timer = true;
        timer_arm(&r->timer, at < 0 ? 0 : (nsec_t)at);
    }
    return uring_arm_finish(r, false);
}

/* ------------------------------------------------------------ waiting for a disk */

bool uring_is_direct(const struct uring_request *r)
{
    return r->ring->lazy && r->file->flags & O_DIRECT && block_device_of(r->file);
}

/* Under the lock of the disk's queue. Until now r could not be cancelled: the disk knows where its memory is. */
static void disk_done(void *arg)
{
    struct uring_request *r = arg;
    struct uring *ring = r->ring;

    spin_lock_irq(&ring->lock);
    WRITE_ONCE(ring->in_flight, ring->in_flight - 1);
    r->state = URING_ARMED;
    uring_make_ready(r);
    uring_kick(ring);
    spin_unlock_irq(&ring->lock);
}

s64 uring_direct(struct uring_request *r, struct io *io, u64 at, bool write)
{
    struct uring *ring = r->ring;

    if (r->direct) {
        struct block_direct *done = r->direct;

        r->direct = NULL;
        return block_direct_finish(done, READ_ONCE(ring->closed) ? NULL : io);
    }
    spin_lock_irq(&ring->lock);
    WRITE_ONCE(ring->in_flight, ring->in_flight + 1);
    spin_unlock_irq(&ring->lock);
    if (block_direct_start(&r->direct, r->file, io, at, write, disk_done, r))
        return URING_PENDING;
    spin_lock_irq(&ring->lock);
    WRITE_ONCE(ring->in_flight, ring->in_flight - 1);
    spin_unlock_irq(&ring->lock);
    return -EAGAIN;
}

void uring_settle(struct uring *ring)
{
    u32 left;

    while ((left = READ_ONCE(ring->in_flight)))
        platform_block_poll(&ring->in_flight, left);
    uring_run_ready(ring);
}
