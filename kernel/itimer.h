/* SPDX-License-Identifier: BSD-2-Clause */
/* Interval timers of a process: setitimer(2), alarm(2). Times in nanoseconds. */
#ifndef KERNEL_ITIMER_H
#define KERNEL_ITIMER_H

#include "kernel/process.h"

void itimers_init(struct process *p);
/* Disarms all three; waits for callbacks. */
void itimers_exit(struct process *p);
/* which: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. Time left and interval of the current process's timer. */
void itimer_get(int which, nsec_t *left, nsec_t *interval);
/* Arms it (left 0: disarms); what it was before goes to *old_left and *old_interval. */
void itimer_set(int which, nsec_t left, nsec_t interval, nsec_t *old_left, nsec_t *old_interval);

#endif
