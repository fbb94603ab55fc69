/* SPDX-License-Identifier: BSD-2-Clause */
/* IORING_OP_POLL_ADD, once or again and again, and IORING_OP_POLL_REMOVE, which also changes one. */
#include <linux/eventpoll.h>
#include "fs/uring/uring.h"

#define ALWAYS (EPOLLERR | EPOLLHUP)
/* What a program asks for, as against how. */
#define EVENTS 0xffffu

int uring_poll_prepare(struct uring_request *r)
{
    u32 flags = r->sqe.len;

    if (flags & ~IORING_POLL_ADD_MULTI)
        return -EINVAL;
    if (flags & IORING_POLL_ADD_MULTI && r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS)
        return -EINVAL;
    r->events = r->sqe.poll32_events & EVENTS;
    r->multishot = flags & IORING_POLL_ADD_MULTI;
    return 0;
}

s64 uring_poll_run(struct uring_request *r)
{
    for (;;) {
        /* In the queue first: what comes after the look is not lost. */
        bool waits = r->file->ops->poll && r->file->ops->poll_queue;
        s64 result = waits && r->multishot ? uring_arm_begin(r) : 0;
        if (result)
            return result;
        u32 events = file_poll(r->file) & (r->events | ALWAYS);
        if (r->come && r->ring->owner) /* Linux AIO: what was told counts, even if it is over */
            return r->come;
        if (events && !r->multishot)
            return events;
        if (!waits)
            return events ? (s64)events : -EINVAL;
        if (events)
            uring_post(r->ring, r->sqe.user_data, (s32)events, IORING_CQE_F_MORE, NULL, 0);
        result = r->multishot ? uring_arm_finish(r, false) : uring_arm(r);
        if (result)
            return result;
    }
}

int uring_poll_remove_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    u32 flags = s->len;

    if (flags & ~(IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA | IORING_POLL_ADD_MULTI) ||
        flags == IORING_POLL_ADD_MULTI)
        return -EINVAL;
    if (!(flags & IORING_POLL_UPDATE_USER_DATA) && s->off)
        return -EINVAL;
    return !(flags & IORING_POLL_UPDATE_EVENTS) && s->poll32_events ? -EINVAL : 0;
}

s64 uring_poll_remove_run(struct uring_request *r)
{
    u32 flags = r->sqe.len;
    int error;
    struct uring_request *p = uring_find_armed(r->ring, r->sqe.addr, IORING_OP_POLL_ADD, &error);

    if (!p)
        return error;
    uring_disarm(p);
    if (!(flags & (IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA))) {
        uring_complete(p, -ECANCELED);
        return 0;
    }
    if (flags & IORING_POLL_UPDATE_EVENTS) {
        p->events = r->sqe.poll32_events & EVENTS;
        p->multishot = flags & IORING_POLL_ADD_MULTI;
    }
    if (flags & IORING_POLL_UPDATE_USER_DATA)
        p->sqe.user_data = r->sqe.off;
    uring_continue(p, false);
    return 0;
}
