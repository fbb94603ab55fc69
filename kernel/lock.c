/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks: one test-and-set word, waited for by reading only. A thread never sleeps or is switched
 * away while it holds one. The plain forms are inline in lock.h; here are the slow path and the
 * debug build's checks of order, ownership and sleeping.
 */
#include "kernel/lock.h"
#include "kernel/process.h"
#include "kernel/sched.h"

void spin_init(struct spinlock *l, enum lock_class cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
}

void preempt_check(void)
{
    struct percpu *cpu = this_cpu();
    if (!cpu->irq_disable_depth && !cpu->preempt_disable_depth)
        sched_reschedule();
}

void spin_wait(struct spinlock *l)
{
#ifdef ARIL_DEBUG
    nsec_t start = platform_clock();
#endif
    do {
        while (READ_ONCE(l->locked)) {
            cpu_relax();
#ifdef ARIL_DEBUG
            if (platform_clock() - start > 20 * NSEC_PER_SEC)
                panic("spinlock %p of class %u stuck for 20 s, taken by CPU %u", (void *)l,
                      l->lock_class, l->owner_cpu);
#endif
        }
    } while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}

#ifdef ARIL_DEBUG
static void check_order(struct spinlock *l, bool nested)
{
    struct thread *t = current_thread();
    if (!t || !l->lock_class)
        return; /* before the scheduler runs; a mutex's inner lock */
    for (unsigned c = l->lock_class + !!nested; c < LOCK_CLASS_COUNT; c++)
        if (t->held_locks[c])
            panic("lock order: class %u wanted while class %u is held", l->lock_class, c);
}

static void note_taken(struct spinlock *l)
{
    struct thread *t = current_thread();
    l->owner_cpu = this_cpu()->cpu;
    if (t && l->lock_class) {
        t->held_locks[l->lock_class]++;
        t->spin_depth++;
    }
}

static void note_released(struct spinlock *l)
{
    struct thread *t = current_thread();
    if (!l->locked)
        panic("spinlock %p of class %u released but not held", (void *)l, l->lock_class);
    if (t && l->lock_class && t->spin_depth) {
        t->held_locks[l->lock_class]--;
        t->spin_depth--;
    }
}

void spin_lock(struct spinlock *l)
{
    preempt_disable();
    check_order(l, false);
    spin_acquire(l);
    note_taken(l);
}

void spin_lock_nested(struct spinlock *l)
{
    preempt_disable();
    check_order(l, true);
    spin_acquire(l);
    note_taken(l);
}

bool spin_trylock(struct spinlock *l)
{
    preempt_disable();
    if (spin_try_acquire(l)) {
        note_taken(l);
        return true;
    }
    preempt_enable();
    return false;
}

void spin_unlock(struct spinlock *l)
{
    note_released(l);
    spin_release(l);
    preempt_enable();
}

void spin_lock_irq(struct spinlock *l)
{
    irq_disable();
    check_order(l, false);
    spin_acquire(l);
    note_taken(l);
}

void spin_unlock_irq(struct spinlock *l)
{
    note_released(l);
    spin_release(l);
    irq_enable();
    if (unlikely(percpu_need_resched()))
        preempt_check();
}

void assert_may_sleep(void)
{
    struct percpu *cpu = this_cpu();
    if (cpu->in_interrupt || cpu->irq_disable_depth || cpu->preempt_disable_depth)
        panic("sleeping while atomic: interrupt %d, masked %u, preemption off %u",
              cpu->in_interrupt, cpu->irq_disable_depth, cpu->preempt_disable_depth);
}
#endif
