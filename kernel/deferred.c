/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each CPU has a list of what is to be done (run_queue.deferred, its own alone, masked). The running thread is marked to pass
 * kernel_return_to_user() for it; if it gives the CPU up before, the next one is (enter_run() in sched.c).
 */
#include "kernel/deferred.h"
#include "kernel/sched_internal.h"

void deferred_queue(struct deferred *d)
{
    if (__atomic_exchange_n(&d->queued, true, __ATOMIC_SEQ_CST))
        return;
    irq_disable();
    struct run_queue *rq = my_queue();
    d->next = rq->deferred;
    WRITE_ONCE(rq->deferred, d);
    current_thread()->deferred_work = true;
    irq_enable();
}

void deferred_run(void)
{
    preempt_disable();
    irq_disable();
    struct run_queue *rq = my_queue();
    struct deferred *d = rq->deferred;
    WRITE_ONCE(rq->deferred, NULL);
    current_thread()->deferred_work = false;
    irq_enable();
    while (d) {
        struct deferred *next = d->next;
        __atomic_store_n(&d->queued, false, __ATOMIC_SEQ_CST); /* what happens from now on queues it again */
        percpu_count(COUNT_DEFERRED);
        d->fn(d);
        d = next;
    }
    preempt_enable();
}
