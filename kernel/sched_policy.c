/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of how a thread is scheduled: policy, priority, nice, affinity, lent priority; and the load
 * average. Each change takes the thread out of its queue, so that the queue's order always matches.
 */
#include <linux/sched.h>
#include "kernel/futex.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"
#include "kernel/timer.h"

int sched_set_affinity(struct thread *t, u64 cpus)
{
    cpus &= sched_online_cpus();
    if (!cpus)
        return -EINVAL;
    struct run_queue *rq = sched_change_begin(t);
    t->affinity = cpus;
    sched_change_end(rq, t);
    return 0;
}

int sched_set_policy(struct thread *t, int policy, int priority)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        if (priority < 1 || priority > 99)
            return -EINVAL;
        break;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
        if (priority)
            return -EINVAL;
        break;
    default:
        return -EINVAL;
    }
    struct run_queue *rq = sched_change_begin(t);
    t->policy = policy;
    t->priority = priority;
    t->runtime_woken = t->runtime;
    sched_change_end(rq, t);
    futex_priority_changed(t);
    return 0;
}

void sched_set_nice(struct thread *t, int nice)
{
    nice = MAX(-20, MIN(nice, 19));
    struct run_queue *rq = sched_change_begin(t);
    t->nice = nice;
    sched_change_end(rq, t);
}

void sched_lend_priority(struct thread *t, int priority)
{
    if (READ_ONCE(t->lent_priority) == priority)
        return;
    struct run_queue *rq = sched_change_begin(t);
    t->lent_priority = (u8)priority;
    sched_change_end(rq, t);
}

/*
 * Load averages: the number of runnable threads, sampled every 5 s and averaged with a weight that falls to
 * 1/e in 1, 5 and 15 minutes. The sampling starts with the first reader: an unobserved VM stays tickless.
 */
#define LOAD_PERIOD (5 * NSEC_PER_SEC)
#define LOAD_ONE    (1u << 16)

static const u32 load_decay[3] = {60296, 64453, 65173}; /* 65536 * e^(-5 s / period) */
static u64 load_average[3];
static struct timer load_timer;
static bool load_started;

static u64 count_runnable(void)
{
    u64 n = 0, cpus = sched_online_cpus();
    for (unsigned i = 0; cpus >> i; i++) {
        struct run_queue *rq = sched_queue(i);
        n += READ_ONCE(rq->queued) + (READ_ONCE(rq->current) != rq->idle);
    }
    return n;
}

static void sample_load(struct timer *t)
{
    u64 active = count_runnable() * LOAD_ONE;
    for (int i = 0; i < 3; i++)
        load_average[i] = (load_average[i] * load_decay[i] + active * (LOAD_ONE - load_decay[i])) / LOAD_ONE;
    timer_arm(t, t->deadline + LOAD_PERIOD);
}

void sched_load_average(u64 load[3])
{
    if (!__atomic_exchange_n(&load_started, true, __ATOMIC_RELAXED)) {
        timer_init(&load_timer, sample_load);
        timer_arm(&load_timer, platform_clock() + LOAD_PERIOD);
    }
    for (int i = 0; i < 3; i++)
        load[i] = READ_ONCE(load_average[i]);
}
