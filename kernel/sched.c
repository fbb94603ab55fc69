/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's core: switching and waking. One run queue per CPU; a thread belongs to
 * the queue of thread.run_cpu, whose lock guards its scheduling state even while it sleeps.
 *
 * A switch holds the queue's lock from the decision until the next thread runs on its own stack
 * (sched_finish_switch), so whoever gets the lock finds every thread either wholly on or wholly off the CPU.
 * Interrupts are masked exactly once during a switch.
 *
 * Where threads go, and when: sched_balance.c. Idling and boot: sched_idle.c.
 */
#include <linux/sched.h>
#include "kernel/address_space.h"
#include "kernel/log.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"

#define SEND_SLOW (40 * NSEC_PER_USEC) /* an interrupt to another CPU takes less where both can run */

struct run_queue sched_queues[MAX_CPUS];
u64 sched_online, sched_idle;

struct run_queue *sched_lock_queue_of(struct thread *t)
{
    for (;;) {
        struct run_queue *rq = &sched_queues[READ_ONCE(t->run_cpu)];
        spin_acquire(&rq->lock);
        if (&sched_queues[t->run_cpu] == rq)
            return rq;
        spin_release(&rq->lock);
    }
}

/* ---------------------------------------------------------------- switching */

static void enter_run(struct run_queue *rq, struct thread *t, nsec_t now)
{
    t->run_start = now;
    t->on_cpu = true;
    t->woken_sync = false;
    if (unlikely(rq->deferred != NULL))
        t->deferred_work = true;
    if (t->rseq && t->rseq_cpu != rq->cpu)
        t->rseq_work = true;
    if (t == rq->idle) {
        rq->idle_since = now;
        __atomic_or_fetch(&sched_idle, bit(rq->cpu), __ATOMIC_RELAXED);
    }
}

static void leave_run(struct run_queue *rq, struct thread *t, nsec_t now)
{
    if (t == rq->idle) {
        rq->idle_total += now - rq->idle_since;
        __atomic_and_fetch(&sched_idle, ~bit(rq->cpu), __ATOMIC_RELAXED);
    }
}

void sched_finish_switch(void)
{
    struct run_queue *rq = my_queue();
    struct thread *prev = rq->previous;
    rq->previous = NULL;
    WRITE_ONCE(prev->on_cpu, false);
    bool dead = prev->state == THREAD_DEAD;
    /* Still runnable but not queued: this CPU is no longer among those it may use. */
    bool homeless = !dead && prev != rq->idle && prev->displaced;
    spin_release(&rq->lock);
    if (homeless)
        sched_start(prev);
    if (dead)
        thread_put(prev);
}

/* Interrupts masked once, preemption not disabled. keep: the running thread stays runnable whatever its state says. */
static void schedule(bool keep)
{
    struct percpu *cpu = this_cpu();
    struct run_queue *rq = cpu->rq;
    spin_acquire(&rq->lock);
    cpu->need_resched = false;
    struct thread *prev = rq->current, *next;
    nsec_t now = platform_clock();
    rq_account(rq, now);
    keep = keep || prev->state == THREAD_RUNNABLE;
    if (prev == rq->idle) {
        keep = false;
    } else if (keep && !(prev->affinity & bit(rq->cpu))) {
        prev->displaced = true;
        keep = false;
    }
    next = rq_peek(rq, sched_throttled(rq));
    if (keep) {
        bool done = prev->slice_used >= rq_slice(rq, prev);
        if (!next) {
            next = prev; /* alone: not worth a trip through the queue */
        } else {
            /* A real-time thread that was preempted keeps its place; one whose turn ended goes behind its equals. */
            rq_enqueue(rq, prev, !done && !prev->yielded);
            prev->queued_at = now;
            next = rq_peek(rq, sched_throttled(rq));
        }
    }
    prev->yielded = false;
    if (!next)
        next = sched_steal(rq, now);
    if (!next)
        next = rq->idle;
    if (next->on_queue)
        rq_dequeue(rq, next);
    next->slice_used = 0;
    if (next == prev) {
        sched_arm_slice(rq, now);
        spin_release(&rq->lock);
        return;
    }

    if (keep || prev->displaced) {
        prev->involuntary_switches++;
        if (prev->rseq) /* a system call inside a restartable sequence is not allowed, so sleeping needs no abort */
            prev->rseq_work = true;
    } else {
        prev->voluntary_switches++;
        if (prev->last_wake) { /* it woke another: how long ago? */
            nsec_t gap = now - prev->last_wake;
            prev->wake_gap = (prev->wake_gap * 3 + MIN(gap, NSEC_PER_MSEC)) / 4;
            prev->last_wake = 0;
        }
    }
    if (next != rq->idle) {
        s64 waited = (s64)(now - next->queued_at);
        next->run_delay += waited > 0 ? (u64)waited : 0;
        next->turns++;
    }
    leave_run(rq, prev, now);
    enter_run(rq, next, now);
    rq->current = next;
    rq->previous = prev;
    rq->switches++;
    sched_arm_slice(rq, now);
    /* A kernel thread borrows whatever space is loaded: it has no addresses of the program. */
    if (next->space) {
        rq->space = next->space;
        address_space_activate(next->space);
        if (unlikely(__atomic_load_n(&next->space->code_writes, __ATOMIC_SEQ_CST) & 1))
            next->code_work = true;
    } else {
        address_space_relax();
    }
    cpu->current = next;
    platform_switch(&prev->cpu, &next->cpu);
    sched_finish_switch();
}

void sched_reschedule(void)
{
    irq_disable();
    schedule(true);
    irq_enable();
}

void kernel_preempt(void)
{
    struct percpu *cpu = this_cpu();
    if (cpu->need_resched && !cpu->preempt_disable_depth && cpu->irq_disable_depth == 1 && cpu->rq)
        schedule(true);
}

void sched_yield_to_others(bool explicit_yield)
{
    irq_disable();
    struct run_queue *rq = my_queue();
    if (READ_ONCE(rq->queued)) {
        spin_acquire(&rq->lock);
        struct thread *me = rq->current;
        me->yielded = true;
        if (explicit_yield && !thread_realtime(me) && rq->fair_first) {
            /* Behind all that wait: what sched_yield(2) promises. */
            rq_account(rq, platform_clock());
            struct rb_node *n = rb_last(&rq->fair);
            struct thread *last = container_of(n, struct thread, run_node);
            if ((s64)(last->virtual_runtime - me->virtual_runtime) > 0)
                me->virtual_runtime = last->virtual_runtime;
        }
        spin_release(&rq->lock);
        schedule(true);
    }
    irq_enable();
}

void sched_sleep(void)
{
    irq_disable();
    schedule(false);
    irq_enable();
}

void sched_exit(void)
{
    ASSERT(current_thread() != my_queue()->idle);
    irq_disable();
    current_thread()->state = THREAD_DEAD;
    schedule(false);
    panic("a thread that ended was scheduled again");
}

/* ---------------------------------------------------------------- waking */

static bool may_wake(struct thread *t, enum wake_reason why)
{
    if (t->state != THREAD_SLEEPING)
        return false;
    if (why != WAKE_SIGNAL)
        return true;
    return t->wait_mode == WAIT_INTERRUPTIBLE ||
           (t->wait_mode == WAIT_KILLABLE && t->exit_requested);
}

/* Puts t, which is runnable and in no queue, where pick_cpu says, and tells that CPU if need be. Masked; rq is locked and is released. */
static void make_runnable(struct run_queue *rq, struct thread *t, bool newborn)
{
    bool sync;
    unsigned cpu = sched_pick_cpu(t, &sync);
    rq_leave(rq, t);
    for (;;) {
        t->run_cpu = cpu; /* with t in no queue, whoever locks the new one finds it there */
        struct run_queue *to = &sched_queues[cpu];
        if (to != rq) {
            spin_release(&rq->lock);
            spin_acquire(&to->lock);
            rq = to;
        }
        if ((t->affinity & bit(cpu)) || !(t->affinity & sched_online))
            break;
        cpu = __builtin_ctzll(t->affinity & sched_online); /* the affinity changed meanwhile */
    }
    nsec_t now = platform_clock();
    rq_account(rq, now);
    rq_join(rq, t);
    rq_place(rq, t, newborn);
    t->queued_at = now;
    t->displaced = false;
    t->woken_sync = sync;
    rq_enqueue(rq, t, false);
    bool preempt = rq_preempts(rq, t);
    struct percpu *me = this_cpu();
    bool here = cpu == me->cpu, watching = rq->polling;
    bool tell = preempt || rq->tick > now + SLICE_FAIR; /* a CPU whose tick is far would not notice a waiter */
    if (here) {
        if (preempt)
            me->need_resched = true;
        else if (sync)
            sched_want_tick(rq, now + SYNC_TICK);
        else
            sched_arm_slice(rq, now);
    }
    spin_release(&rq->lock);
    if (!here && tell && !watching) {
        sched_tell(cpu);
        nsec_t sent = platform_clock();
        if (sent - now > SEND_SLOW)
            sched_host_is_crowded(sent);
    }
    if (!me->in_interrupt)
        me->current->last_wake = now;
}

bool sched_wake(struct thread *t, enum wake_reason why)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    irq_disable();
    struct run_queue *rq = sched_lock_queue_of(t);
    if (!may_wake(t, why)) {
        spin_release(&rq->lock);
        irq_enable();
        return false;
    }
    if (why == WAKE_EVENT)
        t->woken = true;
    t->runtime_woken = t->runtime;
    WRITE_ONCE(t->state, THREAD_RUNNABLE);
    if (rq->current == t || t->on_queue || t->displaced) {
        spin_release(&rq->lock); /* it has not gone to sleep yet, and now will not */
    } else {
        make_runnable(rq, t, false);
    }
    irq_enable();
    if (unlikely(percpu_need_resched()))
        preempt_check();
    return true;
}

void sched_start(struct thread *t)
{
    irq_disable();
    bool newborn = !t->runtime;
    make_runnable(sched_lock_queue_of(t), t, newborn);
    irq_enable();
}

bool thread_wake(struct thread *t)
{
    return sched_wake(t, WAKE_EVENT);
}

bool thread_interrupt(struct thread *t)
{
    if (sched_wake(t, WAKE_SIGNAL))
        return true;
    /* It runs: make its CPU enter the kernel, so that it looks before it returns to the program. */
    irq_disable();
    unsigned cpu = READ_ONCE(t->run_cpu);
    if (t != this_cpu()->current && READ_ONCE(sched_queues[cpu].current) == t && cpu != this_cpu()->cpu)
        sched_tell(cpu);
    irq_enable();
    return false;
}

void sched_tell(unsigned cpu)
{
    if (!__atomic_exchange_n(&sched_queues[cpu].told, true, __ATOMIC_SEQ_CST))
        platform_send_reschedule(cpu);
}

void kernel_ipi_reschedule(void)
{
    struct run_queue *rq = my_queue();
    if (!rq)
        return;
    __atomic_store_n(&rq->told, false, __ATOMIC_SEQ_CST); /* before looking: what comes later tells again */
    spin_acquire(&rq->lock);
    nsec_t now = platform_clock();
    rq_account(rq, now);
    struct thread *next = rq_peek(rq, sched_throttled(rq)), *t = rq->current;
    if ((next && rq_preempts(rq, next)) || t == rq->idle || !(t->affinity & bit(rq->cpu)))
        this_cpu()->need_resched = true;
    sched_arm_slice(rq, now);
    spin_release(&rq->lock);
}

/* ---------------------------------------------------------------- changes of a thread's parameters */

struct run_queue *sched_change_begin(struct thread *t)
{
    irq_disable();
    struct run_queue *rq = sched_lock_queue_of(t);
    if (rq->current == t)
        rq_account(rq, platform_clock());
    t->change_queued = t->on_queue;
    if (t->on_queue)
        rq_dequeue(rq, t);
    return rq;
}

void sched_change_end(struct run_queue *rq, struct thread *t)
{
    bool queued = t->change_queued, kick = false;
    unsigned cpu = rq->cpu;
    if (queued && !(t->affinity & bit(cpu))) {
        make_runnable(rq, t, false);
    } else {
        if (queued) {
            rq_enqueue(rq, t, false);
            kick = rq_preempts(rq, t);
        } else if (rq->current == t) {
            kick = rq->queued || !(t->affinity & bit(cpu));
        }
        spin_release(&rq->lock);
        if (kick && cpu == this_cpu()->cpu)
            this_cpu()->need_resched = true;
        else if (kick)
            sched_tell(cpu);
    }
    irq_enable();
    if (unlikely(percpu_need_resched()))
        preempt_check();
}
