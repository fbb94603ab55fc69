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
/*
 * Set at boot by who has something to do when a CPU runs out of work, before it halts; called by the idle thread, no lock held. False: it
 * is to be called again instead.
 */
extern bool (*sched_before_idle)(void);
/*
 * The same, again and again while a CPU watches for work, by one CPU at a time: looks at what interrupts nobody. False: nothing is silent.
 * NULL: halting is cheaper.
 */
extern bool (*sched_while_idle)(void);
/* Will a CPU that runs out of work do so now? Not while the host has fewer CPUs than it has work for. */
bool sched_watches(void);
/* Gives the CPU up if another thread should run; the running thread stays runnable. */
void sched_yield_to_others(bool explicit_yield);
/* Called with preemption enabled when need_resched is set. */
void sched_reschedule(void);
/* Ends the running thread for good; its thread_put happens after the switch. */
void sched_exit(void) __attribute__((noreturn));
/* CPUs to run on: bits of CPUs that are not up are dropped; -EINVAL if none is left. */
int sched_set_affinity(struct thread *t, u64 cpus);
/* SCHED_OTHER, BATCH, IDLE (priority 0), FIFO, RR (1..99); -EINVAL for all else. */
int sched_set_policy(struct thread *t, int policy, int priority);
/* nice is clamped to -20..19. */
void sched_set_nice(struct thread *t, int nice);
/* Real-time priority lent to t by those who wait for its PI futexes; 0 takes it back. Atomic. */
void sched_lend_priority(struct thread *t, int priority);
/* CPUs that are up, as a mask. */
u64 sched_online_cpus(void);
/* Frees what ended threads left behind and the caches do not want. May sleep. */
void sched_reap(void);
/* This CPU now has as loaded, by the running thread: activates it. Masked. */
void sched_load_space(struct address_space *as);
/* Before the page tables of a space that no thread uses any more are freed: takes it off all CPUs. */
void sched_unload_space(struct address_space *as);
/* Called about every 4 ms while a thread of a process with cpu_timers set runs; run queue locked, masked. */
extern void (*sched_cpu_timer_tick)(struct thread *t);
u64 sched_idle_time(unsigned cpu); /* ns */
/* Load averages as sysinfo(2), fixed point with 16 fraction bits. */
void sched_load_average(u64 load[3]);

#endif
