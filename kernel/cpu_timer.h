/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers and limits on CPU time: ITIMER_VIRTUAL and ITIMER_PROF, POSIX timers on CPU clocks, RLIMIT_CPU and
 * RLIMIT_RTTIME, sleeps on CPU clocks. While a process has
 * any, the scheduler's tick sends its running threads by here on their way back to the program.
 */
#ifndef KERNEL_CPU_TIMER_H
#define KERNEL_CPU_TIMER_H

#include "kernel/process.h"

/* A timer or limit of p was set or removed: starts or stops the ticks. Without the process lock. */
void cpu_timers_changed(struct process *p);
/* Sleeps until passed(clock, deadline), a look at a CPU clock of the running process; looks at each tick. 0 or -ERESTARTSYS. */
int cpu_clock_sleep(bool (*passed)(int clock, nsec_t deadline), int clock, nsec_t deadline);
/* Expires what is due, in the running thread; for kernel_return_to_user(). */
void cpu_timers_check(void);

/* What cpu_timers_check() asks of the two kinds of timers; process lock held. *fatal: a signal number that ends the process. */
void itimers_check_cpu(struct process *p, u64 user, u64 total, int *fatal);
void posix_timers_check_cpu(struct thread *t, u64 user, u64 total, int *fatal);
/* True if one is armed. */
bool itimers_use_cpu(struct process *p);
bool posix_timers_use_cpu(struct process *p);

#endif
