/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work that an interrupt handler puts off to where spinlocks may be taken that handlers do not take. It is done on the same
 * CPU, by its idle thread or by whoever leaves the kernel for the program there, so at the bottom of a stack and without
 * a switch of threads.
 */
#ifndef KERNEL_DEFERRED_H
#define KERNEL_DEFERRED_H

#include "kernel/types.h"

struct deferred {
    /*
     * Preemption disabled, interrupts enabled, no lock held. May queue d again, and is then called again before the program
     * goes on: work without end should wait for a timer instead. Queued meanwhile on another CPU, it may run there
     * at the same time.
     */
    void (*fn)(struct deferred *d);
    struct deferred *next; /* in the CPU's list */
    bool queued;           /* atomic: in a list of some CPU */
};

/* Has d->fn called soon, once however often it is queued until then. Atomic. */
void deferred_queue(struct deferred *d);
/* Calls what this CPU has to do. Interrupts enabled, no spinlock held. */
void deferred_run(void);

#endif
