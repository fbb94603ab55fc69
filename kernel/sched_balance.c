/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where and when threads run: the slice timer, stealing and pushing between CPUs, and which CPU a woken thread gets.
 *
 * Inter-processor interrupts and timer writes cost tens of microseconds on some hosts. So a waker that is
 * about to sleep itself (its history says so) keeps the woken thread on its own CPU; an idle CPU
 * watches its queue for a moment before it halts; and the slice timer runs often only while somebody waits.
 */
#include "kernel/sched.h"
#include "kernel/sched_internal.h"

#define SYNC_GAP     (50 * NSEC_PER_USEC)  /* a waker that mostly sleeps sooner than this is "about to sleep" */
#define STEAL_AFTER  (100 * NSEC_PER_USEC) /* an idle CPU leaves a thread woken so alone for this long */
#define ROTATE_AFTER (100 * NSEC_PER_MSEC) /* how often an uneven number of threads is moved around */
#define SAMPLE_MIN   (10 * NSEC_PER_MSEC)
#define SAMPLE_MAX   (320 * NSEC_PER_MSEC)

void (*sched_cpu_timer_tick)(struct thread *t);

/* ---------------------------------------------------------------- the slice timer */

/* This CPU looks again at when, or sooner if it already meant to. */
void sched_want_tick(struct run_queue *rq, nsec_t when)
{
    if (when < rq->tick) {
        rq->tick = when;
        timer_set_tick(when);
    }
}

bool sched_throttled(struct run_queue *rq)
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
void sched_arm_slice(struct run_queue *rq, nsec_t now)
{
    struct thread *t = rq->current;
    if (t->process)
        sched_want_tick(rq, now + rq->sample_gap);
    if (rq->queued && t != rq->idle) {
        nsec_t slice = rq_slice(rq, t);
        if (slice == NSEC_NEVER)
            slice = REALTIME_LIMIT / 10;
        sched_want_tick(rq, now + (slice > t->slice_used ? slice - t->slice_used : SLICE_FAIR / 4));
    }
    if (t->process && READ_ONCE(t->process->cpu_timers))
        sched_want_tick(rq, now + SLICE_FAIR);
}

/* Sends one idle CPU, which may be halted, to steal from rq. */
static void kick_idle(struct run_queue *rq, struct thread *t)
{
    u64 candidates = READ_ONCE(sched_idle) & t->affinity & ~bit(rq->cpu);
    if (candidates)
        sched_tell((unsigned)__builtin_ctzll(candidates));
}

/* Moves a waiting thread to the CPU with the fewest, when that is fairer. rq is locked; returns with it locked. */
static void push_away(struct run_queue *rq, nsec_t now)
{
    struct run_queue *to = NULL;
    for (unsigned i = 0; i < MAX_CPUS && sched_online >> i; i++)
        if (i != rq->cpu && (sched_online & bit(i)) && (!to || READ_ONCE(sched_queues[i].queued) < to->queued))
            to = &sched_queues[i];
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
        sched_tell(to->cpu);
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
        struct thread *next = rq_peek(rq, sched_throttled(rq));
        bool due = t->slice_used >= rq_slice(rq, t) || (thread_realtime(t) && !thread_realtime(next));
        if (due || rq_preempts(rq, next))
            this_cpu()->need_resched = true;
        kick_idle(rq, next);
        push_away(rq, now);
    }
    sched_arm_slice(rq, now);
    spin_release(&rq->lock);
}

/* ---------------------------------------------------------------- between CPUs */

/* Takes a waiting thread from another CPU's queue for rq, which is locked and has none. */
struct thread *sched_steal(struct run_queue *rq, nsec_t now)
{
    /* From the next higher CPU on, around: two idle CPUs do not look at the same one first. */
    u64 others = sched_online & ~bit(rq->cpu), above = others & ~(bit(rq->cpu) - 1);
    while (others) {
        unsigned cpu = __builtin_ctzll(above ? above : others);
        others &= ~bit(cpu);
        above &= ~bit(cpu);
        struct run_queue *from = &sched_queues[cpu];
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

static bool cpu_idle(unsigned cpu)
{
    return (READ_ONCE(sched_idle) & bit(cpu)) && !READ_ONCE(sched_queues[cpu].queued);
}

unsigned sched_pick_cpu(struct thread *t, bool *sync)
{
    struct percpu *cpu = this_cpu();
    unsigned here = cpu->cpu, last = t->run_cpu;
    u64 allowed = t->affinity & sched_online;
    struct thread *me = cpu->current;
    *sync = false;
    if (!allowed)
        allowed = sched_online;
    if ((allowed & bit(here)) && !sched_queues[here].queued) {
        if (me == sched_queues[here].idle)
            return here; /* this CPU was idle till an interrupt came */
        if (!cpu->in_interrupt && me->wake_gap < SYNC_GAP && !thread_realtime(me) && !thread_realtime(t)) {
            *sync = true;
            return here;
        }
    }
    if ((allowed & bit(last)) && cpu_idle(last))
        return last;
    u64 idle = READ_ONCE(sched_idle) & allowed;
    int found = -1;
    for (; idle; idle &= idle - 1) {
        unsigned i = __builtin_ctzll(idle);
        if (!cpu_idle(i))
            continue;
        if (READ_ONCE(sched_queues[i].polling))
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
            struct thread *c = READ_ONCE(sched_queues[i].current), *b = READ_ONCE(sched_queues[best].current);
            if (thread_priority(c) < thread_priority(b))
                best = i;
        } else if (READ_ONCE(sched_queues[i].queued) < READ_ONCE(sched_queues[best].queued)) {
            best = i;
        }
    }
    return best;
}
