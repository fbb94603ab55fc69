/* SPDX-License-Identifier: BSD-2-Clause */
/* One-shot timers in per-CPU trees ordered by deadline, on platform_timer_set(). Callbacks run in interrupt context, masked. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "kernel/types.h"
#include "kernel/lib/rbtree.h"

struct wait_queue;

struct timer {
    struct rb_node node;
    nsec_t deadline;             /* on platform_clock() */
    void (*fn)(struct timer *t); /* interrupt context; may re-arm t */
    u32 cpu;                     /* whose tree, while armed; TIMER_MOVING between two trees */
    bool armed;
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
/* Arms (or re-arms) on the calling CPU. A deadline in the past fires at once, by interrupt. Atomic. */
void timer_arm(struct timer *t, nsec_t deadline);
/* Disarms; true if it was armed and its callback will not run. With wait, also waits for a callback running on another CPU (not from the callback itself, nor holding a lock it takes). */
bool timer_cancel(struct timer *t, bool wait);
/* Deadline of this CPU's earliest timer, NSEC_NEVER if none. Masked. */
nsec_t timer_next_deadline(void);
/* Boot: before the first timer, all CPUs. */
void timers_init(void);
/* The scheduler's own deadline on this CPU, apart from the tree: calls sched_tick(). Masked. NSEC_NEVER: none. */
void timer_set_tick(nsec_t deadline);

/* Clocks of clock_gettime(2) that do not depend on a thread. */
nsec_t clock_monotonic(void);
nsec_t clock_realtime(void); /* since 1970 */
/* Boot: takes the wall clock from the machine or the command line. */
void clock_init(void);
/* clock_settime(CLOCK_REALTIME). Wakes clock_set_wait, and the sleeps of wait_sleep_until() on that clock. */
void clock_set_realtime(nsec_t now);
/* clock_realtime() - clock_monotonic(), ns. */
s64 clock_realtime_offset(void);
/* Counts the calls of clock_set_realtime(). */
u32 clock_set_count(void);
extern struct wait_queue clock_set_wait;
/* Set by the owner of the vDSO's data page: called with the new offset whenever it changes. */
extern void (*clock_offset_changed)(s64 offset);

#endif
