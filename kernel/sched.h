/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: per-CPU run queues, virtual-runtime fairness for SCHED_OTHER/BATCH/IDLE, priority queues for
 * SCHED_FIFO/RR above them, wake-up preemption, affinity, idle stealing, tickless idle. EDF is refused (-EINVAL).
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/process.h"

/* Boot CPU: makes the running code a thread (the idle thread of CPU 0). */
void sched_init(void);
/* Other CPUs: the same for each. Never returns: runs the idle loop. */
void sched_init_secondary(void) __attribute__((noreturn));
/* CPU 0 at the end of boot. */
void sched_idle_loop(void) __attribute__((noreturn));
/* Gives the CPU up if another thread should run; the running thread stays runnable. */
void sched_yield_to_others(bool explicit_yield);
/* Called with preemption enabled when need_resched is set. */
void sched_reschedule(void);
/* Ends the running thread for good; its thread_put happens after the switch. */
void sched_exit(void) __attribute__((noreturn));
/* Accounting at user/kernel boundaries. */
void sched_account_user(void);
void sched_account_kernel(void);
int sched_set_affinity(struct thread *t, u64 cpus);
int sched_set_policy(struct thread *t, int policy, int priority);
int sched_set_nice(struct thread *t, int nice);
u64 sched_idle_time(unsigned cpu); /* ns */
/* Load averages as sysinfo(2), fixed point with 16 fraction bits. */
void sched_load_average(u64 load[3]);

#endif
