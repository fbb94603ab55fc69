/* SPDX-License-Identifier: BSD-2-Clause */
/* The idle threads: how a CPU becomes the scheduler's at boot, and what it does when nothing runs. */
#include <linux/sched.h>
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"

#define POLL_MAX (50 * NSEC_PER_USEC)

/*
 * Watches the queue for a while before a halt, whose wake-up costs an interrupt. The time adapts: it grows
 * when work came soon after a halt began, and shrinks to nothing when it did not.
 */
static void idle_once(struct run_queue *rq, nsec_t *poll)
{
    if (*poll && (sched_online & (sched_online - 1))) {
        WRITE_ONCE(rq->polling, true);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        nsec_t end = platform_clock() + *poll;
        do {
            for (int i = 0; i < 32 && !READ_ONCE(rq->queued); i++)
                cpu_relax();
        } while (!READ_ONCE(rq->queued) && !percpu_need_resched() && platform_clock() < end);
    }
    irq_disable();
    spin_acquire(&rq->lock);
    bool watched = rq->polling;
    rq->polling = false;
    bool work = rq->queued || this_cpu()->need_resched;
    spin_release(&rq->lock);
    if (work) {
        irq_enable();
        return;
    }
    nsec_t start = platform_clock();
    platform_wait_for_interrupt();
    irq_enable();
    nsec_t halted = platform_clock() - start;
    if (halted < 2 * POLL_MAX)
        *poll = MIN(*poll ? *poll * 2 : POLL_MAX / 8, POLL_MAX);
    else if (watched)
        *poll /= 2;
    if (*poll < POLL_MAX / 32)
        *poll = 0;
}

void sched_idle_loop(void)
{
    struct run_queue *rq = my_queue();
    nsec_t poll = 0;
    for (;;) {
        sched_reschedule(); /* runs what is queued here, or steals */
        sched_reap();
        if (!READ_ONCE(rq->queued))
            idle_once(rq, &poll);
    }
}

static void adopt_cpu(struct thread *t)
{
    struct percpu *cpu = this_cpu();
    struct run_queue *rq = &sched_queues[cpu->cpu];
    rq_init(rq, cpu->cpu);
    t->refs = 1;
    t->run_cpu = cpu->cpu;
    t->affinity = bit(cpu->cpu);
    t->on_cpu = true;
    t->policy = SCHED_IDLE;
    t->cpu.kernel_stack_top = cpu->kernel_stack_top;
    t->run_start = platform_clock();
    timer_init(&t->sleep_timer, thread_sleep_timeout);
    list_init(&t->process_link);
    list_init(&t->run_link);
    list_init(&t->pi_held);
    rq->idle = rq->current = t;
    rq->idle_since = t->run_start;
    cpu->current = t;
    cpu->rq = rq;
    __atomic_or_fetch(&sched_idle, bit(cpu->cpu), __ATOMIC_RELAXED);
    __atomic_or_fetch(&sched_online, bit(cpu->cpu), __ATOMIC_SEQ_CST);
}

void sched_init(void)
{
    static struct thread boot_thread;
    timers_init();
    clock_init();
    adopt_cpu(&boot_thread);
}

void sched_init_secondary(void)
{
    struct thread *t = kzalloc(sizeof(*t));
    if (!t)
        panic("out of memory for CPU %u", this_cpu()->cpu);
    adopt_cpu(t);
    irq_enable();
    sched_idle_loop();
}

u64 sched_online_cpus(void)
{
    return READ_ONCE(sched_online);
}

u64 sched_idle_time(unsigned cpu)
{
    struct run_queue *rq = &sched_queues[cpu];
    nsec_t total = READ_ONCE(rq->idle_total);
    if (READ_ONCE(sched_idle) & bit(cpu))
        total += platform_clock() - READ_ONCE(rq->idle_since);
    return total;
}
