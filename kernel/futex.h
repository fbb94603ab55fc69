/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast user-space locks. Each call is one FUTEX_* operation of futex(2); addresses are the program's. */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include "kernel/process.h"

void futex_init(void);
/*
 * deadline: on the monotonic clock, or CLOCK_REALTIME if realtime; NSEC_NEVER none. Waits give -ERESTARTSYS when a
 * signal interrupts them; the PI ones -ERESTARTNOINTR.
 */
long futex_wait(u32 *uaddr, bool shared, u32 value, u32 bitset, nsec_t deadline, bool realtime);
long futex_wake(u32 *uaddr, bool shared, int count, u32 bitset);
/* compare: FUTEX_CMP_REQUEUE; NULL: FUTEX_REQUEUE. */
long futex_requeue(u32 *uaddr, u32 *uaddr2, bool shared, int wake, int requeue, const u32 *compare);
long futex_wake_op(u32 *uaddr, u32 *uaddr2, bool shared, int wake, int wake2, u32 op);
long futex_lock_pi(u32 *uaddr, bool shared, nsec_t deadline, bool realtime, bool try);
long futex_unlock_pi(u32 *uaddr, bool shared);
long futex_wait_requeue_pi(u32 *uaddr, u32 *uaddr2, bool shared, u32 value, nsec_t deadline, bool realtime);
long futex_cmp_requeue_pi(u32 *uaddr, u32 *uaddr2, bool shared, int wake, int requeue, u32 compare);
struct futex_waitv;
/* v: kernel copy, flags checked. Index of the one woken. */
long futex_wait_multiple(const struct futex_waitv *v, unsigned n, nsec_t deadline, bool realtime);
/* Robust-list walk, PI locks, and wake of clear_child_tid at thread exit. */
void futex_thread_exit(struct thread *t);
/* The running thread, the only one of its process, executes another program: the same, but it lives on. */
void futex_thread_exec(struct thread *t);
/* t's own priority changed: those it waits behind may have to run at it. */
void futex_priority_changed(struct thread *t);

#endif
