/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader/writer lock. One atomic word serves the uncontended case; the rest queue in order of arrival and
 * get the lock handed to them, so that the word never says "free" while somebody waits.
 */
#include "kernel/rwlock.h"
#include "kernel/wait.h"

#define RWLOCK_WRITER  0x80000000u
#define RWLOCK_WAITERS 0x40000000u
#define RWLOCK_HOLDERS (~RWLOCK_WAITERS)

struct rwlock_waiter {
    struct rwlock_waiter *next;
    struct thread *thread;
    bool writer, granted;
};

void rwlock_init(struct rwlock *l)
{
    *l = (struct rwlock){0};
    spin_init(&l->lock, LOCK_WAIT_QUEUE);
}

/* Takes the lock in the fast way, or not at all. Anybody waiting comes first. */
static bool take(struct rwlock *l, bool writer)
{
    u32 old = __atomic_load_n(&l->state, __ATOMIC_RELAXED);
    for (;;) {
        if (writer ? old != 0 : (old & (RWLOCK_WRITER | RWLOCK_WAITERS)) != 0)
            return false;
        u32 new = writer ? RWLOCK_WRITER : old + 1;
        if (__atomic_compare_exchange_n(&l->state, &old, new, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    }
}

static void lock_slow(struct rwlock *l, bool writer)
{
    struct rwlock_waiter w = {.thread = current_thread(), .writer = writer};

    spin_lock_irq(&l->lock);
    /* With the bit set the holder's release comes to hand_over(), which needs our spinlock. */
    u32 old = __atomic_fetch_or(&l->state, RWLOCK_WAITERS, __ATOMIC_ACQUIRE);
    bool compatible = writer ? (old & RWLOCK_HOLDERS) == 0 : !(old & RWLOCK_WRITER);
    if (!l->first && compatible) {
        __atomic_add_fetch(&l->state, writer ? RWLOCK_WRITER : 1, __ATOMIC_ACQUIRE);
        __atomic_and_fetch(&l->state, ~RWLOCK_WAITERS, __ATOMIC_RELAXED);
        spin_unlock_irq(&l->lock);
        return;
    }
    if (l->last)
        l->last->next = &w;
    else
        l->first = &w;
    l->last = &w;
    spin_unlock_irq(&l->lock);

    for (;;) {
        wait_prepare(WAIT_UNINTERRUPTIBLE);
        if (__atomic_load_n(&w.granted, __ATOMIC_ACQUIRE))
            break;
        wait_sleep(NSEC_NEVER);
    }
    wait_finish();
    /* The granting side may still be about to wake us; w must outlive that. */
    spin_lock_irq(&l->lock);
    spin_unlock_irq(&l->lock);
}

/* Gives the free (or read-held) lock to whom it is due: the first writer, or all readers before one. */
static void hand_over(struct rwlock *l)
{
    spin_lock_irq(&l->lock);
    while (l->first) {
        struct rwlock_waiter *w = l->first;
        u32 holders = __atomic_load_n(&l->state, __ATOMIC_RELAXED) & RWLOCK_HOLDERS;
        if (w->writer ? holders != 0 : (holders & RWLOCK_WRITER) != 0)
            break;
        __atomic_add_fetch(&l->state, w->writer ? RWLOCK_WRITER : 1, __ATOMIC_ACQUIRE);
        l->first = w->next;
        if (!l->first) {
            l->last = NULL;
            __atomic_and_fetch(&l->state, ~RWLOCK_WAITERS, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&w->granted, true, __ATOMIC_RELEASE);
        thread_wake(w->thread);
    }
    spin_unlock_irq(&l->lock);
}

void rwlock_read_lock(struct rwlock *l)
{
    assert_may_sleep();
    if (!take(l, false))
        lock_slow(l, false);
}

void rwlock_write_lock(struct rwlock *l)
{
    assert_may_sleep();
    if (!take(l, true))
        lock_slow(l, true);
}

void rwlock_read_unlock(struct rwlock *l)
{
    u32 left = __atomic_sub_fetch(&l->state, 1, __ATOMIC_RELEASE);
    if (unlikely(left == RWLOCK_WAITERS))
        hand_over(l);
}

void rwlock_write_unlock(struct rwlock *l)
{
    u32 left = __atomic_sub_fetch(&l->state, RWLOCK_WRITER, __ATOMIC_RELEASE);
    if (unlikely(left & RWLOCK_WAITERS))
        hand_over(l);
}
