/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers on CPU time. The scheduler does not count towards them: while one is armed an ordinary timer looks at the
 * clock again at the earliest moment at which it can expire, were all CPUs to run for it.
 */
#ifndef KERNEL_CPU_TIMER_H
#define KERNEL_CPU_TIMER_H

#include "kernel/process.h"

#define CPU_TIMER_MIN_DELAY  (500 * NSEC_PER_USEC) /* bounds both the error and the cost */
#define CPU_TIMER_IDLE_DELAY (10 * NSEC_PER_MSEC)  /* while no CPU time passes */

/*
 * When to look next, in ns from now. used, deadline: CPU time now and at expiry (used < deadline). runners: threads that
 * may add to it at once. *last_seen and *last_delay are the timer's memory.
 */
static inline nsec_t cpu_timer_delay(u64 used, u64 deadline, unsigned runners, u64 *last_seen, nsec_t *last_delay)
{
    nsec_t delay = MAX((deadline - used) / MAX(MIN(runners, platform_cpu_count()), 1u), CPU_TIMER_MIN_DELAY);
    if (used == *last_seen && delay < CPU_TIMER_IDLE_DELAY)
        delay = MIN(MAX(delay, 2 * *last_delay), CPU_TIMER_IDLE_DELAY);
    *last_seen = used;
    *last_delay = delay;
    return delay;
}

#endif
