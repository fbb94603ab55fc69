/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues and the sleeping protocol. A sleeper queues itself, marks itself sleeping
 * (wait_prepare, a full barrier), looks at the condition once more and only then gives the CPU up;
 * a waker changes the condition first and then looks at the sleeper's mark. So one of the two
 * always sees the other, and no wake-up is lost.
 */
#include "kernel/wait.h"
#include "kernel/process.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"
#include "kernel/signal.h"

u32 wait_afterwards;
void (*wait_after)(void);

void wait_queue_init(struct wait_queue *q)
{
    spin_init(&q->lock, LOCK_WAIT_QUEUE);
    list_init(&q->waiters);
}

static bool wake_thread_of(struct waiter *w, u32 events)
{
    return thread_wake(w->thread);
}

void waiter_init(struct waiter *w, bool exclusive)
{
    list_init(&w->link);
    w->wake = wake_thread_of;
    w->thread = current_thread();
    w->exclusive = exclusive;
}

void wait_add(struct wait_queue *q, struct waiter *w)
{
    spin_lock_irq(&q->lock);
    if (w->exclusive)
        list_add_tail(&q->waiters, &w->link);
    else
        list_add_head(&q->waiters, &w->link);
    spin_unlock_irq(&q->lock);
}

void wait_remove(struct wait_queue *q, struct waiter *w)
{
    spin_lock_irq(&q->lock);
    list_remove(&w->link);
    spin_unlock_irq(&q->lock);
}

/* Under q's lock. */
static void wake_waiters(struct wait_queue *q, unsigned n, u32 events)
{
    struct waiter *w, *next;
    list_for_each_safe(w, next, &q->waiters, link) {
        bool exclusive = w->exclusive; /* w may be gone once its owner was woken */
        if (exclusive && !n)
            break;
        if (w->wake(w, events) && exclusive)
            n--;
    }
}

void wait_wake_events(struct wait_queue *q, unsigned n, u32 events)
{
    /* Orders the caller's change of the condition before the look at the list (see wait_prepare). */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (list_empty(&q->waiters))
        return;
    spin_lock_irq(&q->lock);
    wake_waiters(q, n, events);
    spin_unlock_irq(&q->lock);
    if (unlikely(READ_ONCE(wait_afterwards)))
        wait_after();
}

void wait_wake_events_nested(struct wait_queue *q, unsigned n, u32 events)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (list_empty(&q->waiters))
        return;
    spin_lock_nested(&q->lock); /* masked already: the outer queue's lock is held */
    wake_waiters(q, n, events);
    spin_unlock(&q->lock);
}

bool wait_allowed(void)
{
    struct thread *t = current_thread();

    irq_disable();
    struct percpu *cpu = this_cpu();
    bool allowed = cpu->irq_disable_depth == 1 && !cpu->preempt_disable_depth && !cpu->in_interrupt;
    irq_enable();
    return allowed && READ_ONCE(t->state) == THREAD_RUNNABLE;
}

void wait_prepare(enum wait_mode mode)
{
    struct thread *t = current_thread();
    t->wait_mode = mode;
    t->woken = t->timed_out = false;
    __atomic_exchange_n(&t->state, THREAD_SLEEPING, __ATOMIC_SEQ_CST);
}

void wait_finish(void)
{
    WRITE_ONCE(current_thread()->state, THREAD_RUNNABLE);
}

static bool interrupted(struct thread *t)
{
    switch (t->wait_mode) {
    case WAIT_INTERRUPTIBLE:
        return READ_ONCE(t->exit_requested) || signal_pending(t);
    case WAIT_KILLABLE:
        return READ_ONCE(t->exit_requested);
    default:
        return false;
    }
}

void thread_sleep_timeout(struct timer *timer)
{
    struct thread *t = container_of(timer, struct thread, sleep_timer);
    t->timed_out = true;
    sched_wake(t, WAKE_TIMEOUT);
}

int wait_sleep(nsec_t deadline)
{
    struct thread *t = current_thread();
    assert_may_sleep();
    if (unlikely(t->no_wait) && t->wait_mode == WAIT_INTERRUPTIBLE) {
        wait_finish();
        return t->woken ? 0 : -EAGAIN;
    }
    if (t->process && interrupted(t)) {
        wait_finish();
        return t->woken ? 0 : -ERESTARTSYS;
    }
    bool timed = deadline != NSEC_NEVER;
    if (timed) {
        if (deadline <= platform_clock()) {
            wait_finish();
            return t->woken ? 0 : -ETIMEDOUT;
        }
        timer_arm(&t->sleep_timer, deadline);
    }
    sched_sleep();
    if (timed)
        timer_cancel(&t->sleep_timer, true);
    if (t->woken)
        return 0;
    if (t->timed_out)
        return -ETIMEDOUT;
    return t->process && interrupted(t) ? -ERESTARTSYS : 0;
}

int wait_sleep_until(nsec_t deadline, bool realtime)
{
    if (!realtime || deadline == NSEC_NEVER)
        return wait_sleep(deadline);
    struct thread *t = current_thread();
    /* Marked before the offset is read: a change after that wakes us (clock_set_realtime), and the caller comes again. */
    __atomic_store_n(&t->sleeps_realtime, true, __ATOMIC_SEQ_CST);
    s64 at = (s64)deadline - clock_realtime_offset();
    int error = wait_sleep(at < 0 ? 0 : (nsec_t)at);
    WRITE_ONCE(t->sleeps_realtime, false);
    return error == -ETIMEDOUT && clock_realtime() < deadline ? 0 : error;
}

/* ---------------------------------------------------------------- for the platform: the end of calls to other CPUs */

#define CALL_SPIN (50 * NSEC_PER_USEC) /* a CPU that runs answers sooner */

static struct wait_queue call_waiters = {SPINLOCK_INIT(LOCK_WAIT_QUEUE), LIST_INIT(call_waiters.waiters)};
static u32 call_sleepers; /* atomic */

void kernel_call_wait(const u32 *left)
{
    nsec_t start = platform_clock();
    while (__atomic_load_n(left, __ATOMIC_ACQUIRE)) {
        cpu_relax();
        /* Idle threads may not sleep. */
        if (!current_process() || platform_clock() - start < CALL_SPIN)
            continue;
        __atomic_add_fetch(&call_sleepers, 1, __ATOMIC_SEQ_CST);
        wait_event(&call_waiters, !__atomic_load_n(left, __ATOMIC_SEQ_CST), NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
        __atomic_sub_fetch(&call_sleepers, 1, __ATOMIC_RELAXED);
    }
}

void kernel_call_done(void)
{
    if (__atomic_load_n(&call_sleepers, __ATOMIC_SEQ_CST))
        wait_wake_all(&call_waiters);
}
