/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's core: switching, waking, placing and idling. One run queue per CPU; a thread belongs to
 * the queue of thread.run_cpu, whose lock guards its scheduling state even while it sleeps.
 *
 * A switch holds the queue's lock from the decision until the next thread runs on its own stack
 * (sched_finish_switch), so whoever gets the lock finds every thread either wholly on or wholly off the CPU.
 * Interrupts are masked exactly once during a switch.
 *
 * Inter-processor interrupts and timer writes cost tens of microseconds on some hosts. So a waker that is
 * about to sleep itself (its history says so) keeps the woken thread on its own CPU; an idle CPU
 * watches its queue for a moment before it halts; and the slice timer runs only while somebody waits.
 */
#include <linux/sched.h>
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"

#define SYNC_GAP       (50 * NSEC_PER_USEC)  /* a waker that mostly sleeps sooner than this is "about to sleep" */
#define STEAL_AFTER    (100 * NSEC_PER_USEC) /* an idle CPU leaves a thread woken so alone for this long */
#define SYNC_TICK      (1 * NSEC_PER_MSEC)   /* and this CPU looks for an idle one after this long */
#define ROTATE_AFTER   (100 * NSEC_PER_MSEC) /* how often an uneven number of threads is moved around */

#define SAMPLE_MIN     (10 * NSEC_PER_MSEC)
#define SAMPLE_MAX     (320 * NSEC_PER_MSEC)

static struct run_queue queues[MAX_CPUS];
static u64 online, idle_cpus; /* bit masks; idle_cpus changes atomically */
void (*sched_cpu_timer_tick)(struct thread *t);

struct run_queue *sched_queue(unsigned cpu)
{
    return &queues[cpu];
}

static struct run_queue *my_queue(void)
{
    return this_cpu()->rq;
}

struct run_queue *sched_lock_queue_of(struct thread *t)
{
    for (;;) {
        struct run_queue *rq = &queues[READ_ONCE(t->run_cpu)];
        spin_acquire(&rq->lock);
        if (&queues[t->run_cpu] == rq)
            return rq;
        spin_release(&rq->lock);
    }
}

static u64 bit(unsigned cpu)
{
    return 1ull << cpu;
}

/* ---------------------------------------------------------------- the slice timer */

/* This CPU looks again at when, or sooner if it already meant to. */
static void want_tick(struct run_queue *rq, nsec_t when)
{
    if (when < rq->tick) {
        rq->tick = when;
        timer_set_tick(when);
    }
}

static bool throttled(struct run_queue *rq)
{
    return rq->realtime_used >= REALTIME_LIMIT &&
           platform_clock() - rq->realtime_start < REALTIME_PERIOD;
}

/*
 * The tick finds the running thread in the program or in the kernel and books the time since the last sample there:
 * exact clocks at each system call would cost more than short calls take. Samples are rare while there are no calls.
 */
static void take_sample(struct run_queue *rq, struct thread *t)
{
    struct percpu *cpu = this_cpu();
    u64 calls = cpu->counters[COUNT_SYSCALLS] + cpu->counters[COUNT_FAULTS];
    if (!cpu->interrupted_user)
        t->system_time += t->runtime - t->sampled;
    t->sampled = t->runtime;
    rq->sample_gap = calls == rq->sample_calls ? MIN(rq->sample_gap * 2, SAMPLE_MAX) : SAMPLE_MIN;
    rq->sample_calls = calls;
}

/* Arms the tick that the running thread needs: somebody waits, its CPU-time timers do, or a sample is due. */
static void arm_slice(struct run_queue *rq, nsec_t now)
{
    struct thread *t = rq->current;
    if (t->process)
        want_tick(rq, now + rq->sample_gap);
    if (rq->queued && t != rq->idle) {
        nsec_t slice = rq_slice(rq, t);
        if (slice == NSEC_NEVER)
            slice = REALTIME_LIMIT / 10;
        want_tick(rq, now + (slice > t->slice_used ? slice - t->slice_used : SLICE_FAIR / 4));
    }
    if (t->process && READ_ONCE(t->process->cpu_timers))
        want_tick(rq, now + SLICE_FAIR);
}

/* Sends one idle CPU, which may be halted, to steal from rq. */
static void kick_idle(struct run_queue *rq, struct thread *t)
{
    u64 candidates = READ_ONCE(idle_cpus) & t->affinity & ~bit(rq->cpu);
    if (candidates)
        platform_send_reschedule(__builtin_ctzll(candidates));
}

/* Moves a waiting thread to the CPU with the fewest, when that is fairer. rq is locked; returns with it locked. */
static void push_away(struct run_queue *rq, nsec_t now)
{
    struct run_queue *to = NULL;
    for (unsigned i = 0; i < MAX_CPUS && online >> i; i++)
        if (i != rq->cpu && (online & bit(i)) && (!to || READ_ONCE(queues[i].queued) < to->queued))
            to = &queues[i];
    u32 gap = to && rq->queued > to->queued ? rq->queued - to->queued : 0;
    if (!gap || (gap == 1 && now - rq->rotated < ROTATE_AFTER))
        return;
    struct thread *t = rq_peek(rq, false);
    if (!t || thread_realtime(t) || !(t->affinity & bit(to->cpu)) || !spin_try_acquire(&to->lock))
        return;
    rq->rotated = to->rotated = now;
    rq_dequeue(rq, t);
    rq_leave(rq, t);
    t->run_cpu = to->cpu;
    rq_join(to, t);
    rq_enqueue(to, t, false);
    bool tell = !to->polling && (to->current == to->idle || to->tick > now + SLICE_FAIR);
    spin_release(&to->lock);
    if (tell)
        platform_send_reschedule(to->cpu);
}

void sched_tick(nsec_t now)
{
    struct run_queue *rq = my_queue();
    spin_acquire(&rq->lock);
    rq->tick = NSEC_NEVER;
    rq_account(rq, now);
    struct thread *t = rq->current;
    if (t->process)
        take_sample(rq, t);
    if (t->process && READ_ONCE(t->process->cpu_timers) && sched_cpu_timer_tick)
        sched_cpu_timer_tick(t);
    if (rq->queued && t != rq->idle) {
        struct thread *next = rq_peek(rq, throttled(rq));
        bool due = t->slice_used >= rq_slice(rq, t) || (thread_realtime(t) && !thread_realtime(next));
        if (due || rq_preempts(rq, next))
            this_cpu()->need_resched = true;
        kick_idle(rq, next);
        push_away(rq, now);
    }
    arm_slice(rq, now);
    spin_release(&rq->lock);
}

/* ---------------------------------------------------------------- switching */

/* Takes a waiting thread from another CPU's queue for rq, which is locked and has none. */
static struct thread *steal(struct run_queue *rq, nsec_t now)
{
    /* From the next higher CPU on, around: two idle CPUs do not look at the same one first. */
    u64 others = online & ~bit(rq->cpu), above = others & ~(bit(rq->cpu) - 1);
    while (others) {
        unsigned cpu = __builtin_ctzll(above ? above : others);
        others &= ~bit(cpu);
        above &= ~bit(cpu);
        struct run_queue *from = &queues[cpu];
        if (!READ_ONCE(from->queued) || !spin_try_acquire(&from->lock))
            continue;
        struct thread *t = NULL;
        struct rb_node *n;
        if (from->realtime_queued) {
            struct thread *r;
            list_for_each(r, &from->realtime, run_link)
                if (r->affinity & bit(rq->cpu)) {
                    t = r;
                    break;
                }
        }
        for (n = from->fair_first; n && !t; n = rb_next(n)) {
            struct thread *f = container_of(n, struct thread, run_node);
            bool settled = !f->woken_sync || now - f->queued_at > STEAL_AFTER;
            if ((f->affinity & bit(rq->cpu)) && settled)
                t = f;
        }
        if (t) {
            rq_dequeue(from, t);
            rq_leave(from, t);
            t->run_cpu = rq->cpu;
            rq_join(rq, t);
            spin_release(&from->lock);
            return t;
        }
        spin_release(&from->lock);
    }
    return NULL;
}

static void enter_run(struct run_queue *rq, struct thread *t, nsec_t now)
{
    t->run_start = now;
    t->on_cpu = true;
    t->woken_sync = false;
    if (t->rseq && t->rseq_cpu != rq->cpu)
        t->rseq_work = true;
    if (t == rq->idle) {
        rq->idle_since = now;
        __atomic_or_fetch(&idle_cpus, bit(rq->cpu), __ATOMIC_RELAXED);
    }
}

static void leave_run(struct run_queue *rq, struct thread *t, nsec_t now)
{
    if (t == rq->idle) {
        rq->idle_total += now - rq->idle_since;
        __atomic_and_fetch(&idle_cpus, ~bit(rq->cpu), __ATOMIC_RELAXED);
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
    next = rq_peek(rq, throttled(rq));
    if (keep) {
        bool done = prev->slice_used >= rq_slice(rq, prev);
        if (!next) {
            next = prev; /* alone: not worth a trip through the queue */
        } else {
            /* A real-time thread that was preempted keeps its place; one whose turn ended goes behind its equals. */
            rq_enqueue(rq, prev, !done && !prev->yielded);
            prev->queued_at = now;
            next = rq_peek(rq, throttled(rq));
        }
    }
    prev->yielded = false;
    if (!next)
        next = steal(rq, now);
    if (!next)
        next = rq->idle;
    if (next->on_queue)
        rq_dequeue(rq, next);
    next->slice_used = 0;
    if (next == prev) {
        arm_slice(rq, now);
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
    leave_run(rq, prev, now);
    enter_run(rq, next, now);
    rq->current = next;
    rq->previous = prev;
    rq->switches++;
    cpu->counters[COUNT_SWITCHES]++;
    arm_slice(rq, now);
    /* A kernel thread borrows whatever space is loaded: it has no addresses of the program. */
    if (next->space) {
        rq->space = next->space;
        address_space_activate(next->space);
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

static bool cpu_idle(unsigned cpu)
{
    return (READ_ONCE(idle_cpus) & bit(cpu)) && !READ_ONCE(queues[cpu].queued);
}

static unsigned pick_cpu(struct thread *t, bool *sync)
{
    struct percpu *cpu = this_cpu();
    unsigned here = cpu->cpu, last = t->run_cpu;
    u64 allowed = t->affinity & online;
    struct thread *me = cpu->current;
    *sync = false;
    if (!allowed)
        allowed = online;
    if ((allowed & bit(here)) && !queues[here].queued) {
        if (me == queues[here].idle)
            return here; /* this CPU was idle till an interrupt came */
        if (!cpu->in_interrupt && me->wake_gap < SYNC_GAP && !thread_realtime(me) && !thread_realtime(t)) {
            *sync = true;
            return here;
        }
    }
    if ((allowed & bit(last)) && cpu_idle(last))
        return last;
    u64 idle = READ_ONCE(idle_cpus) & allowed;
    int found = -1;
    for (; idle; idle &= idle - 1) {
        unsigned i = __builtin_ctzll(idle);
        if (!cpu_idle(i))
            continue;
        if (READ_ONCE(queues[i].polling))
            return i;
        if (found < 0)
            found = i;
    }
    if (found >= 0)
        return found;
    int priority = thread_priority(t);
    unsigned best = allowed & bit(last) ? last : (unsigned)__builtin_ctzll(allowed);
    for (u64 rest = allowed; rest; rest &= rest - 1) {
        unsigned i = __builtin_ctzll(rest);
        if (priority) { /* where it runs at once; the thread there is the least important */
            struct thread *c = READ_ONCE(queues[i].current), *b = READ_ONCE(queues[best].current);
            if (thread_priority(c) < thread_priority(b))
                best = i;
        } else if (READ_ONCE(queues[i].queued) < READ_ONCE(queues[best].queued)) {
            best = i;
        }
    }
    return best;
}

/* Puts t, which is runnable and in no queue, where pick_cpu says, and tells that CPU if need be. Masked; rq is locked and is released. */
static void make_runnable(struct run_queue *rq, struct thread *t, bool newborn)
{
    bool sync;
    unsigned cpu = pick_cpu(t, &sync);
    rq_leave(rq, t);
    for (;;) {
        t->run_cpu = cpu; /* with t in no queue, whoever locks the new one finds it there */
        struct run_queue *to = &queues[cpu];
        if (to != rq) {
            spin_release(&rq->lock);
            spin_acquire(&to->lock);
            rq = to;
        }
        if ((t->affinity & bit(cpu)) || !(t->affinity & online))
            break;
        cpu = __builtin_ctzll(t->affinity & online); /* the affinity changed meanwhile */
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
            want_tick(rq, now + SYNC_TICK);
        else
            arm_slice(rq, now);
    }
    spin_release(&rq->lock);
    if (!here && tell && !watching)
        platform_send_reschedule(cpu);
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
    if (t != this_cpu()->current && READ_ONCE(queues[cpu].current) == t && cpu != this_cpu()->cpu)
        platform_send_reschedule(cpu);
    irq_enable();
    return false;
}

void kernel_ipi_reschedule(void)
{
    struct run_queue *rq = my_queue();
    if (!rq)
        return;
    spin_acquire(&rq->lock);
    nsec_t now = platform_clock();
    rq_account(rq, now);
    struct thread *next = rq_peek(rq, throttled(rq)), *t = rq->current;
    if ((next && rq_preempts(rq, next)) || t == rq->idle || !(t->affinity & bit(rq->cpu)))
        this_cpu()->need_resched = true;
    arm_slice(rq, now);
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
            platform_send_reschedule(cpu);
    }
    irq_enable();
    if (unlikely(percpu_need_resched()))
        preempt_check();
}

/* ---------------------------------------------------------------- idling and boot */

#define POLL_MAX (50 * NSEC_PER_USEC)

/*
 * Watches the queue for a while before a halt, whose wake-up costs an interrupt. The time adapts: it grows
 * when work came soon after a halt began, and shrinks to nothing when it did not.
 */
static void idle_once(struct run_queue *rq, nsec_t *poll)
{
    if (*poll && (online & (online - 1))) {
        WRITE_ONCE(rq->polling, true);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        nsec_t end = platform_clock() + *poll;
        do {
            for (int i = 0; i < 32 && !READ_ONCE(rq->queued); i++)
                cpu_relax();
        } while (!READ_ONCE(rq->queued) && !percpu_need_resched() && platform_clock() < end);
    }
    irq_disable();
    spin_acquire(&rq->lock);
    bool watched = rq->polling;
    rq->polling = false;
    bool work = rq->queued || this_cpu()->need_resched;
    spin_release(&rq->lock);
    if (work) {
        irq_enable();
        return;
    }
    nsec_t start = platform_clock();
    platform_wait_for_interrupt();
    irq_enable();
    nsec_t halted = platform_clock() - start;
    if (halted < 2 * POLL_MAX)
        *poll = MIN(*poll ? *poll * 2 : POLL_MAX / 8, POLL_MAX);
    else if (watched)
        *poll /= 2;
    if (*poll < POLL_MAX / 32)
        *poll = 0;
}

void sched_idle_loop(void)
{
    struct run_queue *rq = my_queue();
    nsec_t poll = 0;
    for (;;) {
        sched_reschedule(); /* runs what is queued here, or steals */
        sched_reap();
        if (!READ_ONCE(rq->queued))
            idle_once(rq, &poll);
    }
}

static void adopt_cpu(struct thread *t)
{
    struct percpu *cpu = this_cpu();
    struct run_queue *rq = &queues[cpu->cpu];
    rq_init(rq, cpu->cpu);
    t->refs = 1;
    t->run_cpu = cpu->cpu;
    t->affinity = bit(cpu->cpu);
    t->on_cpu = true;
    t->policy = SCHED_IDLE;
    t->cpu.kernel_stack_top = cpu->kernel_stack_top;
    t->run_start = platform_clock();
    timer_init(&t->sleep_timer, thread_sleep_timeout);
    list_init(&t->process_link);
    list_init(&t->run_link);
    list_init(&t->pi_held);
    rq->idle = rq->current = t;
    rq->idle_since = t->run_start;
    cpu->current = t;
    cpu->rq = rq;
    __atomic_or_fetch(&idle_cpus, bit(cpu->cpu), __ATOMIC_RELAXED);
    __atomic_or_fetch(&online, bit(cpu->cpu), __ATOMIC_SEQ_CST);
}

void sched_init(void)
{
    static struct thread boot_thread;
    timers_init();
    clock_init();
    adopt_cpu(&boot_thread);
}

void sched_init_secondary(void)
{
    struct thread *t = kzalloc(sizeof(*t));
    if (!t)
        panic("out of memory for CPU %u", this_cpu()->cpu);
    adopt_cpu(t);
    irq_enable();
    sched_idle_loop();
}

u64 sched_online_cpus(void)
{
    return READ_ONCE(online);
}

u64 sched_idle_time(unsigned cpu)
{
    struct run_queue *rq = &queues[cpu];
    nsec_t total = READ_ONCE(rq->idle_total);
    if (READ_ONCE(idle_cpus) & bit(cpu))
        total += platform_clock() - READ_ONCE(rq->idle_since);
    return total;
}
