/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IORING_OP_TIMEOUT, its removal and change, and IORING_OP_LINK_TIMEOUT, which limits the request before it in a chain. What
 * limits a request leaves the chain when that begins; the two point at each other, under the ring's lock.
 */
#include "fs/uring/uring.h"
#include "kernel/user.h"

/* Reads a time; 0, -EFAULT or -EINVAL. A relative one counts from start_clock(). */
static int read_time(struct uring_request *r, u64 user, u32 flags)
{
    struct __kernel_timespec ts;

    if (get_user(ts, (const struct __kernel_timespec *)user))
        return -EFAULT;
    if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    r->relative = !(flags & IORING_TIMEOUT_ABS);
    r->clock_realtime = !r->relative && flags & IORING_TIMEOUT_REALTIME;
    r->deadline = (u64)ts.tv_sec >= INT64_MAX / NSEC_PER_SEC ? NSEC_NEVER : (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
    return 0;
}

static void start_clock(struct uring_request *r)
{
    nsec_t now = r->relative ? platform_clock() : 0;

    r->deadline = r->deadline >= NSEC_NEVER - now ? NSEC_NEVER : now + r->deadline;
    r->relative = false;
    r->timed = true;
}

int uring_timeout_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    const u32 known = IORING_TIMEOUT_ABS | IORING_TIMEOUT_CLOCK_MASK | IORING_TIMEOUT_ETIME_SUCCESS;

    if (s->len != 1 || s->timeout_flags & ~known || (s->off && s->opcode == IORING_OP_LINK_TIMEOUT) ||
        (s->timeout_flags & IORING_TIMEOUT_CLOCK_MASK) == IORING_TIMEOUT_CLOCK_MASK)
        return -EINVAL;
    return read_time(r, s->addr, s->timeout_flags);
}

static bool is_over(const struct uring_request *r)
{
    return (r->clock_realtime ? clock_realtime() : platform_clock()) >= r->deadline;
}

static bool has_counted(const struct uring_request *r)
{
    return r->counts && (s32)(READ_ONCE(r->ring->completed) - r->target) >= 0;
}

bool uring_count_timeouts(struct uring *ring)
{
    struct uring_request *r;
    bool any = false;

    list_for_each(r, &ring->requests, link)
        if (has_counted(r)) {
            uring_make_ready(r);
            any = true;
        }
    return any;
}

s64 uring_timeout_run(struct uring_request *r)
{
    struct uring *ring = r->ring;
    s64 result;

    if (!r->timed && r->sqe.off) {
        spin_lock_irq(&ring->lock);
        r->target = ring->completed + (u32)r->sqe.off;
        r->counts = true;
        ring->counted++;
        spin_unlock_irq(&ring->lock);
    }
    if (!r->timed)
        start_clock(r);
    do {
        if (has_counted(r))
            return 0;
        if (is_over(r)) {
            r->no_fail = r->sqe.timeout_flags & IORING_TIMEOUT_ETIME_SUCCESS;
            return -ETIME;
        }
        result = uring_arm_timer(r);
    } while (!result);
    return result;
}

/* ------------------------------------------------------------ removing and changing */

int uring_timeout_remove_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    u32 flags = s->timeout_flags;

    if (s->flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT))
        return -EINVAL;
    if (!(flags & IORING_TIMEOUT_UPDATE_MASK))
        return flags ? -EINVAL : 0;
    if (flags & ~(IORING_TIMEOUT_UPDATE_MASK | IORING_TIMEOUT_ABS | IORING_TIMEOUT_CLOCK_MASK) ||
        (flags & IORING_TIMEOUT_CLOCK_MASK) == IORING_TIMEOUT_CLOCK_MASK)
        return -EINVAL;
    return read_time(r, s->addr2, flags);
}

s64 uring_timeout_remove_run(struct uring_request *r)
{
    u32 flags = r->sqe.timeout_flags;
    struct uring *ring = r->ring;
    int error;
    struct uring_request *t = uring_find_armed(ring, r->sqe.addr,
                                               flags & IORING_LINK_TIMEOUT_UPDATE ? IORING_OP_LINK_TIMEOUT : IORING_OP_TIMEOUT, &error);

    if (!t)
        return error;
    uring_disarm(t);
    if (!(flags & IORING_TIMEOUT_UPDATE_MASK)) {
        uring_complete(t, -ECANCELED);
        return 0;
    }
    start_clock(r);
    t->deadline = r->deadline;
    t->clock_realtime = r->clock_realtime;
    spin_lock_irq(&ring->lock);
    ring->counted -= t->counts; /* a changed one does not count any more */
    t->counts = false;
    spin_unlock_irq(&ring->lock);
    s64 result = uring_arm_timer(t);
    if (!result)
        uring_continue(t, false);
    else if (result != URING_PENDING)
        uring_complete(t, result);
    return 0;
}

/* ------------------------------------------------------------ limits */

void uring_limit_begin(struct uring_request *r)
{
    struct uring *ring = r->ring;
    struct uring_request *limit = r->next;

    r->next = limit->next;
    limit->next = NULL;
    limit->started = true;
    limit->state = URING_ARMED; /* with nothing yet */
    spin_lock_irq(&ring->lock);
    r->timeout = limit;
    limit->limits = r;
    list_add_tail(&ring->requests, &limit->link);
    spin_unlock_irq(&ring->lock);
}

void uring_limit_start(struct uring_request *r)
{
    struct uring *ring = r->ring;

    spin_lock_irq(&ring->lock);
    struct uring_request *limit = r->timeout;
    bool first = limit && !limit->timed && !uring_claim(limit);
    if (first)
        start_clock(limit);
    spin_unlock_irq(&ring->lock);
    if (!first || uring_arm_timer(limit) == URING_PENDING)
        return;
    /* It is over already: told by whoever runs what is ready, since r is not to be taken now. */
    spin_lock_irq(&ring->lock);
    limit->state = URING_ARMED;
    uring_make_ready(limit);
    uring_kick(ring);
    spin_unlock_irq(&ring->lock);
}

void uring_limit_end(struct uring_request *r)
{
    struct uring *ring = r->ring;

    spin_lock_irq(&ring->lock);
    struct uring_request *limit = r->timeout;
    r->timeout = NULL;
    bool mine = false;
    if (limit) {
        limit->limits = NULL;
        mine = !uring_claim(limit);
    }
    spin_unlock_irq(&ring->lock);
    if (mine) {
        uring_disarm(limit);
        uring_complete(limit, -ECANCELED);
    }
}

s64 uring_limit_run(struct uring_request *limit)
{
    struct uring *ring = limit->ring;
    int error = 0;

    if (!READ_ONCE(ring->closed) && !is_over(limit)) { /* a clock was set */
        s64 result = uring_arm_timer(limit);
        if (result)
            return result;
    }
    spin_lock_irq(&ring->lock);
    struct uring_request *r = limit->limits;
    limit->limits = NULL;
    if (r) {
        r->timeout = NULL;
        error = limit->cancelled ? -ECANCELED : uring_claim(r); /* whose thread is gone, it ends alone */
    }
    spin_unlock_irq(&ring->lock);
    if (r && !error) {
        uring_disarm(r);
        uring_complete(r, -ECANCELED);
    }
    return error ? error : -ETIME;
}
