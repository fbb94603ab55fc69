/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membarrier(2): a full memory barrier on every CPU that may run the caller's threads. An inter-processor interrupt is
 * a barrier and, as its return reloads the instruction stream, a core-serializing one.
 */
#include <linux/membarrier.h>
#include "kernel/membarrier.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"

static void barrier_here(void *arg)
{
    struct thread *t = current_thread();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (arg && t->rseq && t->process == arg)
        t->rseq_work = true; /* MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ: restart its critical section */
}

/* True if another CPU runs a thread of p now. One that is switched to later passes a barrier in the switch. */
static bool runs_elsewhere(struct process *p)
{
    u64 cpus = sched_online_cpus();
    unsigned here = this_cpu()->cpu;
    for (unsigned i = 0; cpus >> i; i++) {
        struct run_queue *rq = sched_queue(i);
        struct thread *t = READ_ONCE(rq->current);
        if (i != here && t != rq->idle && t->process == p)
            return true;
    }
    return false;
}

static void barrier_everywhere(struct process *p, bool restart_rseq)
{
    preempt_disable();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (runs_elsewhere(p))
        platform_call_others(barrier_here, restart_rseq ? p : NULL);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    preempt_enable();
}

#define REGISTRATIONS                                                                          \
    (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |     \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
#define COMMANDS                                                                               \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED | \
     MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | REGISTRATIONS)

#ifndef MEMBARRIER_CMD_GET_REGISTRATIONS /* Linux 6.3 */
#define MEMBARRIER_CMD_GET_REGISTRATIONS (1 << 9)
#endif

long membarrier(int cmd, u32 flags, int cpu)
{
    struct process *p = current_process();
    u64 needed;
    if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? (flags & ~MEMBARRIER_CMD_FLAG_CPU) != 0 : flags != 0)
        return -EINVAL;
    switch (cmd) {
    case MEMBARRIER_CMD_QUERY:
        return COMMANDS | MEMBARRIER_CMD_GET_REGISTRATIONS;
    case MEMBARRIER_CMD_GET_REGISTRATIONS:
        return (long)READ_ONCE(p->membarrier_registered);
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
        __atomic_or_fetch(&p->membarrier_registered, (u64)cmd, __ATOMIC_SEQ_CST);
        return 0;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
        needed = 0;
        break;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        needed = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
        break;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
        needed = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
        break;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
        needed = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
        break;
    default:
        return -EINVAL;
    }
    if ((p->membarrier_registered & needed) != needed)
        return -EPERM;
    if ((flags & MEMBARRIER_CMD_FLAG_CPU) && (cpu < 0 || !(sched_online_cpus() >> cpu & 1)))
        return 0; /* no such CPU: nothing runs there */
    barrier_everywhere(p, cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
    return 0;
}
