/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues: how threads sleep for an event and how files tell poll/epoll. One mechanism for all.
 *
 * Usage of the sleeping side:
 *     error = wait_event(&wq, condition, deadline, WAIT_INTERRUPTIBLE);
 * which re-checks condition after each wake-up. The waking side changes the state, then calls
 * wait_wake(). The queue's lock orders the two; condition is evaluated without it.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "kernel/list.h"
#include "kernel/lock.h"

struct thread;
struct waiter;

struct wait_queue {
    struct spinlock lock;
    struct list waiters;
};

/* Called under the queue's lock, masked, with the poll events that became true (POLLIN…, or ~0 when the waker does not say). Returns true if it took a wake-up (counts against an exclusive wake's n). */
typedef bool (*wake_fn_t)(struct waiter *w, u32 events);

/* Beside poll events, for O_ASYNC (fs/async.h); all bits: the waker does not say. */
#define WAKE_QUIET  (1u << 24) /* nothing that was not told before */
#define WAKE_HANGUP (1u << 25) /* both directions have ended */
#define WAKE_URGENT (1u << 26) /* urgent data came: SIGURG */
/* Any poll event may have come. */
#define WAKE_ANY    0xffffu

struct waiter {
    struct list link;
    wake_fn_t wake;         /* default: wakes thread */
    struct thread *thread;
    bool exclusive;         /* at tail; wait_wake(n) wakes at most n of these, and all others */
};

void wait_queue_init(struct wait_queue *q);
/* Queue w (wake and thread set by waiter_init). */
void waiter_init(struct waiter *w, bool exclusive);
void wait_add(struct wait_queue *q, struct waiter *w);
/* Removing one that is not queued is harmless. */
void wait_remove(struct wait_queue *q, struct waiter *w);
/* Wakes all plain waiters and up to n exclusive ones. Atomic. */
void wait_wake_events(struct wait_queue *q, unsigned n, u32 events);
/*
 * What wake functions have left to do that may not be done under a queue's lock: while wait_afterwards is not 0, whoever
 * woke a queue calls wait_after, in any context.
 */
extern u32 wait_afterwards; /* atomic */
extern void (*wait_after)(void);
/* The same from inside another queue's wake function, whose lock is held (an epoll tells its own waiters). */
void wait_wake_events_nested(struct wait_queue *q, unsigned n, u32 events);
static inline void wait_wake_all(struct wait_queue *q)
{
    wait_wake_events(q, ~0u, ~0u);
}
static inline void wait_wake_one(struct wait_queue *q)
{
    wait_wake_events(q, 1, ~0u);
}

enum wait_mode {
    WAIT_INTERRUPTIBLE,  /* a signal ends it with -ERESTARTSYS */
    WAIT_KILLABLE,       /* only exit of the thread ends it, with -ERESTARTSYS */
    WAIT_UNINTERRUPTIBLE /* nothing does */
};

/* Marks the running thread as about to sleep; a wake from now on makes the next wait_sleep() return at once. */
void wait_prepare(enum wait_mode mode);
/*
 * Sleeps until woken, deadline (platform_clock() time) or signal. 0 woken, -ETIMEDOUT, -ERESTARTSYS; -EAGAIN instead of an
 * interruptible sleep while thread.no_wait is set.
 */
int wait_sleep(nsec_t deadline);
/* The same with a deadline on CLOCK_REALTIME if realtime; follows clock_settime(2). */
int wait_sleep_until(nsec_t deadline, bool realtime);
/* May the running thread sleep here, as far as locks and interrupts go? False between wait_prepare() and wait_finish(). */
bool wait_allowed(void);
/* Do threads wait for this CPU? Then who waits for a device sleeps at once, instead of looking at it. */
bool wait_has_others(void);
/* Undoes wait_prepare without sleeping. */
void wait_finish(void);

#define wait_event_exclusive_if(q, condition, deadline, mode, excl)   \
    ({                                                                \
        struct waiter _w;                                             \
        int _e = 0;                                                   \
        if (!(condition)) {                                           \
            waiter_init(&_w, excl);                                   \
            wait_add(q, &_w);                                         \
            for (;;) {                                                \
                wait_prepare(mode);                                   \
                if (condition) {                                      \
                    _e = 0;                                           \
                    break;                                            \
                }                                                     \
                if (_e)                                               \
                    break;                                            \
                _e = wait_sleep(deadline);                            \
            }                                                         \
            wait_finish();                                            \
            wait_remove(q, &_w);                                      \
        }                                                             \
        _e;                                                           \
    })
/* 0 when condition became true, else -ETIMEDOUT or -ERESTARTSYS. Sleeps. */
#define wait_event(q, condition, deadline, mode) \
    wait_event_exclusive_if(q, condition, deadline, mode, false)

/* Makes a sleeping thread runnable; true if it was sleeping (or about to). Atomic. */
bool thread_wake(struct thread *t);
/* The same for signals: only wakes sleeps that the mode allows to interrupt. */
bool thread_interrupt(struct thread *t);

#endif
