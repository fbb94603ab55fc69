/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers, the bodies of timer_create(2) and its relatives. Times are nanoseconds on the timer's own clock.
 */
#ifndef KERNEL_POSIX_TIMER_H
#define KERNEL_POSIX_TIMER_H

#include "kernel/process.h"

struct timer_value {
    nsec_t value;    /* until (or absolute time of) the next expiry; 0: disarmed */
    nsec_t interval; /* 0: once */
};

void posix_timers_init(struct process *p);
/* Deletes all timers; the process has no thread left. */
void posix_timers_exit(struct process *p);
/* Timers that signal or measure t stop doing so. */
void posix_timers_thread_exit(struct thread *t);

struct sigevent;
/* New timer of the current process: its id, or -EINVAL, -EOPNOTSUPP, -EAGAIN, -ENOMEM. event NULL: SIGALRM with the id. */
int posix_timer_create(int clock, const struct sigevent *event);
/* 0 or -EINVAL. old may be NULL. */
int posix_timer_set(int id, bool absolute, const struct timer_value *new, struct timer_value *old);
int posix_timer_get(int id, struct timer_value *now);
/* Overruns of the last delivered expiry, or -EINVAL. */
int posix_timer_overrun(int id);
int posix_timer_delete(int id);
/* The realtime clock was set: absolute timers on it expire at their time. */
void posix_timers_clock_was_set(void);

#endif
