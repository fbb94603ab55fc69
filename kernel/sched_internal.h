/* SPDX-License-Identifier: BSD-2-Clause */
/* What the scheduler's files share among themselves. */
#ifndef KERNEL_SCHED_INTERNAL_H
#define KERNEL_SCHED_INTERNAL_H

#include "kernel/run_queue.h"

#define SYNC_TICK (1 * NSEC_PER_MSEC) /* after keeping a woken thread here, look for an idle CPU so much later */

extern struct run_queue sched_queues[MAX_CPUS];
extern u64 sched_online, sched_idle; /* bit masks of CPUs; sched_idle changes atomically */

static inline struct run_queue *sched_queue(unsigned cpu)
{
    return &sched_queues[cpu];
}

static inline struct run_queue *my_queue(void)
{
    return this_cpu()->rq;
}

static inline u64 bit(unsigned cpu)
{
    return 1ull << cpu;
}

/*
 * Has another CPU look at its queue and its thread again (kernel_ipi_reschedule). One interrupt on its way does for all who
 * ask meanwhile: where each costs tens of microseconds, a thousand wake-ups in a row would keep the CPU from any work. Masked.
 */
void sched_tell(unsigned cpu);
/* The host has fewer CPUs than it has work for: idle CPUs halt at once for a while. */
void sched_host_is_crowded(nsec_t now);
/* The rest with the queue locked. This CPU looks again at when, or sooner if it already meant to. */
void sched_want_tick(struct run_queue *rq, nsec_t when);
/* Arms the tick that the running thread needs. */
void sched_arm_slice(struct run_queue *rq, nsec_t now);
/* True while real-time threads have used up their share of the period. */
bool sched_throttled(struct run_queue *rq);
/* Takes a waiting thread from another CPU's queue for rq, which has none. */
struct thread *sched_steal(struct run_queue *rq, nsec_t now);
/* The CPU for t, just woken. sync: this one, because the waker is about to sleep. */
unsigned sched_pick_cpu(struct thread *t, bool *sync);

#endif
