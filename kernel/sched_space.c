/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which address space each CPU has loaded. A CPU keeps the last one while it idles or runs kernel threads, so that
 * going back to the same program costs nothing; whoever destroys a space makes all CPUs let go of it first.
 */
#include "kernel/address_space.h"
#include "kernel/sched_internal.h"
#include "kernel/sched.h"

void sched_load_space(struct address_space *as)
{
    sched_queue(this_cpu()->cpu)->space = as;
    address_space_activate(as);
}

/* Interrupt context or masked: lets go of a space that this CPU still has loaded though no thread uses it. */
static void unload_space(void *as)
{
    struct run_queue *rq = this_cpu()->rq;
    if (rq && rq->space == as) {
        rq->space = NULL;
        address_space_activate(NULL);
    }
}

void sched_unload_space(struct address_space *as)
{
    irq_disable();
    unload_space(as);
    irq_enable();
    platform_call_others(unload_space, as);
}
