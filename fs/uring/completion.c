/* SPDX-License-Identifier: BSD-2-Clause */
/* Completions: added under the ring's lock, or kept until there is room. Who waits is woken when the lock is let go. */
#include <linux/eventpoll.h>
#include "fs/event.h"
#include "fs/uring/uring.h"
#include "kernel/heap.h"

/* Lock held. */
static inline __attribute__((always_inline)) void add(struct uring *ring, const struct io_uring_cqe *cqe, const u64 *extra)
{
    struct io_uring_cqe *to = uring_cqe(ring, ring->cq_tail);

    to->user_data = cqe->user_data;
    to->res = cqe->res;
    to->flags = cqe->flags;
    if (ring->flags & IORING_SETUP_CQE32) {
        to->big_cqe[0] = extra ? extra[0] : 0;
        to->big_cqe[1] = extra ? extra[1] : 0;
    }
    WRITE_ONCE(ring->cq_tail, ring->cq_tail + 1);
    __atomic_store_n(&ring->shared->cq_tail, ring->cq_tail, __ATOMIC_RELEASE);
}

/* Lock held. */
static __attribute__((noinline)) void add_overflow(struct uring *ring, const struct io_uring_cqe *cqe, const u64 *extra)
{
    struct uring_overflow *o = kmalloc(sizeof(*o));

    if (!o) {
        ring->shared->cq_overflow++;
        return;
    }
    o->cqe = *cqe;
    o->big[0] = extra ? extra[0] : 0;
    o->big[1] = extra ? extra[1] : 0;
    list_add_tail(&ring->overflow, &o->link);
    __atomic_fetch_or(&ring->shared->sq_flags, IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELAXED);
}

void uring_post(struct uring *ring, u64 user_data, s32 res, u32 flags, const u64 *extra, u32 how)
{
    const struct io_uring_cqe cqe = {.user_data = user_data, .res = res, .flags = flags};
    struct file *told = NULL;

    spin_lock_irq(&ring->lock);
    if (likely(list_empty(&ring->overflow) && uring_completions(ring) < ring->cq_entries))
        add(ring, &cqe, extra);
    else
        add_overflow(ring, &cqe, extra);
    ring->completed += !(how & POST_TIMEOUT);
    if (unlikely(ring->counted) && uring_count_timeouts(ring))
        uring_kick(ring);
    if (unlikely(ring->eventfd != NULL) && (!ring->eventfd_async || how & POST_ASYNC) &&
        !(READ_ONCE(ring->shared->cq_flags) & IORING_CQ_EVENTFD_DISABLED)) {
        told = ring->eventfd;
        file_get(told);
    }
    spin_unlock_irq(&ring->lock);
    wait_wake_events(&ring->wait, ~0u, EPOLLIN | EPOLLRDNORM);
    if (told) {
        eventfd_signal(told);
        file_put(told);
    }
}

/* The entry at a position of the submission queue, if all that it asks for is a completion. */
static const struct io_uring_sqe *instant_entry(const struct uring *ring, u32 position)
{
    const struct io_uring_sqe *s = uring_entry(ring, position);
    u8 opcode = s ? READ_ONCE(s->opcode) : IORING_OP_LAST;

    return opcode < IORING_OP_LAST && uring_ops[opcode].flags & OP_INSTANT && !READ_ONCE(s->flags) && !READ_ONCE(s->personality) ? s : NULL;
}

u32 uring_post_instant(struct uring *ring, u32 n)
{
    const struct io_uring_sqe *s = instant_entry(ring, ring->sq_head);
    u32 done = 0;

    if (!s || ring->restrictions.given)
        return 0;
    spin_lock_irq(&ring->lock);
    if (list_empty(&ring->deferred) && !ring->draining && list_empty(&ring->overflow) && !ring->counted && !ring->eventfd)
        for (; s && uring_completions(ring) < ring->cq_entries; s = done < n ? instant_entry(ring, ring->sq_head) : NULL) {
            const struct io_uring_cqe cqe = {.user_data = s->user_data};

            add(ring, &cqe, NULL);
            ring->sq_head++;
            done++;
        }
    ring->completed += done;
    spin_unlock_irq(&ring->lock);
    if (done)
        wait_wake_events(&ring->wait, ~0u, EPOLLIN | EPOLLRDNORM);
    return done;
}

void uring_flush_overflow(struct uring *ring)
{
    struct uring_overflow *o;

    if (likely(list_empty(&ring->overflow)))
        return;
    spin_lock_irq(&ring->lock);
    while ((o = list_first(&ring->overflow, struct uring_overflow, link)) && uring_completions(ring) < ring->cq_entries) {
        list_remove(&o->link);
        add(ring, &o->cqe, o->big);
        kfree(o);
    }
    if (!o)
        __atomic_fetch_and(&ring->shared->sq_flags, ~IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELAXED);
    spin_unlock_irq(&ring->lock);
}
