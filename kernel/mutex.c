/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping locks. The owner word is taken by compare-and-exchange; waiters queue in order. A releaser
 * wakes the first waiter, which competes with newcomers; after two lost races it is handed the
 * mutex, so nobody starves. A waiter spins while the owner runs on another CPU: that is cheaper
 * than a sleep and an inter-processor interrupt. Threads only, never in interrupt context.
 */
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/process.h"
#include "kernel/wait.h"

#define SPIN_LIMIT 2000 /* rounds of cpu_relax(), some tens of microseconds */

struct mutex_waiter {
    struct mutex_waiter *next, *prev;
    struct thread *thread;
    unsigned losses; /* wake-ups that found the mutex taken again */
};

void mutex_init(struct mutex *m, enum lock_class cls)
{
    *m = (struct mutex){0};
    spin_init(&m->lock, 0);
#ifdef ARIL_DEBUG
    m->lock_class = cls;
#endif
}

static bool take(struct mutex *m, struct thread *me)
{
    struct thread *none = NULL;
    return __atomic_compare_exchange_n(&m->owner, &none, me, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

#ifdef ARIL_DEBUG
static void note(struct mutex *m, struct thread *me, int delta)
{
    if (!me)
        return;
    if (delta > 0) {
        for (unsigned c = m->lock_class + 1u; c < LOCK_CLASS_COUNT; c++)
            if (me->held_locks[c])
                panic("lock order: mutex of class %u wanted while class %u is held", m->lock_class, c);
        if (me == READ_ONCE(m->owner))
            panic("mutex of class %u taken twice by one thread", m->lock_class);
    }
    me->held_locks[m->lock_class] += delta;
}
#else
static void note(struct mutex *m, struct thread *me, int delta)
{
}
#endif

/* The owner may end and be freed meanwhile; its memory stays mapped, and a stale answer only ends the spin. */
static bool spin_for(struct mutex *m, struct thread *me)
{
    struct thread *owner = READ_ONCE(m->owner);
    for (int i = 0; i < SPIN_LIMIT; i++) {
        if (!owner)
            return take(m, me);
        if (!READ_ONCE(owner->on_cpu) || percpu_need_resched())
            return false;
        cpu_relax();
        owner = READ_ONCE(m->owner);
    }
    return false;
}

static void wait_for(struct mutex *m, struct thread *me)
{
    struct mutex_waiter w = {.thread = me};
    spin_lock(&m->lock);
    w.prev = m->last;
    *(m->last ? &m->last->next : &m->first) = &w;
    m->last = &w;
    spin_unlock(&m->lock);
    for (;;) {
        wait_prepare(WAIT_UNINTERRUPTIBLE);
        /* Queued before this attempt: a releaser that we miss here sees us (mutex_unlock). */
        if (READ_ONCE(m->owner) == me || take(m, me))
            break;
        wait_sleep(NSEC_NEVER);
        WRITE_ONCE(w.losses, w.losses + 1);
    }
    wait_finish();
    spin_lock(&m->lock);
    *(w.prev ? &w.prev->next : &m->first) = w.next;
    *(w.next ? &w.next->prev : &m->last) = w.prev;
    spin_unlock(&m->lock);
}

void mutex_lock(struct mutex *m)
{
    struct thread *me = current_thread();
    assert_may_sleep();
    note(m, me, 1);
    if (likely(take(m, me)) || spin_for(m, me))
        return;
    wait_for(m, me);
}

bool mutex_trylock(struct mutex *m)
{
    struct thread *me = current_thread();
    if (!take(m, me))
        return false;
#ifdef ARIL_DEBUG
    if (me)
        me->held_locks[m->lock_class]++;
#endif
    return true;
}

void mutex_unlock(struct mutex *m)
{
    struct thread *me = current_thread();
#ifdef ARIL_DEBUG
    if (m->owner != me)
        panic("mutex of class %u released by a thread that does not hold it", m->lock_class);
#endif
    note(m, me, -1);
    if (likely(!READ_ONCE(m->first))) {
        __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
        if (likely(!READ_ONCE(m->first)))
            return;
        spin_lock(&m->lock);
        if (m->first)
            thread_wake(m->first->thread);
        spin_unlock(&m->lock);
        return;
    }
    /* Under the lock the first waiter cannot leave the queue, so its thread stays valid. */
    spin_lock(&m->lock);
    struct mutex_waiter *w = m->first;
    __atomic_store_n(&m->owner, w && w->losses >= 2 ? w->thread : NULL, __ATOMIC_SEQ_CST);
    if (w)
        thread_wake(w->thread);
    spin_unlock(&m->lock);
}

bool mutex_held(const struct mutex *m)
{
    return READ_ONCE(m->owner) == current_thread();
}
