/* SPDX-License-Identifier: BSD-2-Clause */
/* The idle threads: how a CPU becomes the scheduler's at boot, and what it does when nothing runs. */
#include <linux/sched.h>
#include "kernel/deferred.h"
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"

/*
 * A CPU that has nothing to run watches its queue for a while before it halts: waking a halted one takes tens of
 * microseconds, and as many of the waker's. The time adapts: it grows when work came soon, and shrinks to nothing when it
 * did not, so that an idle VM costs nothing. One of them looks at the network meanwhile, while that is silent: the only reason
 * to watch for a CPU that is alone.
 *
 * On a host with fewer CPUs than it has work for, whoever watches takes a CPU from others, maybe from the thread
 * that is waited for. Two signs of it stop all watching for a while (sched_host_is_crowded): having been away while
 * watching, and a wake-up whose interrupt took so long that the woken CPU must have run in the waker's place.
 */
#define POLL_MAX   (100 * NSEC_PER_USEC)
#define POLL_FIRST (POLL_MAX / 16)
#define POLL_AWAY  (40 * NSEC_PER_USEC)
#define CROWDED    (50 * NSEC_PER_MSEC)

static nsec_t crowded_until;
static bool network_watched; /* by some CPU; atomic */

bool (*sched_before_idle)(void);
bool (*sched_while_idle)(void);

void sched_host_is_crowded(nsec_t now)
{
    WRITE_ONCE(crowded_until, now + CROWDED);
}

bool sched_watches(void)
{
    return sched_while_idle && platform_clock() >= READ_ONCE(crowded_until);
}

/* Watches for a time, or till there is work. */
static void watch(struct run_queue *rq, nsec_t time)
{
    bool alone = !(sched_online & (sched_online - 1));
    bool network = sched_while_idle && !__atomic_exchange_n(&network_watched, true, __ATOMIC_ACQUIRE);
    WRITE_ONCE(rq->polling, true);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    nsec_t now = platform_clock(), end = now + time;
    do {
        bool silent = network && sched_while_idle();
        if (alone && !silent)
            break;
        nsec_t last = platform_clock();
        for (int i = 0; i < (silent ? 4 : 32) && !READ_ONCE(rq->queued); i++)
            cpu_relax();
        now = platform_clock();
        if (now - last > POLL_AWAY) {
            sched_host_is_crowded(now);
            break;
        }
    } while (!READ_ONCE(rq->queued) && !READ_ONCE(rq->deferred) && !percpu_need_resched() && now < end);
    if (network)
        __atomic_store_n(&network_watched, false, __ATOMIC_RELEASE);
}

static void idle_once(struct run_queue *rq, nsec_t *poll)
{
    nsec_t start = platform_clock();
    if (*poll && start >= READ_ONCE(crowded_until))
        watch(rq, *poll);
    bool work = READ_ONCE(rq->queued) || (sched_before_idle && !sched_before_idle());
    irq_disable();
    spin_acquire(&rq->lock);
    rq->polling = false;
    work |= rq->queued || rq->deferred || this_cpu()->need_resched;
    spin_release(&rq->lock);
    if (work) {
        irq_enable();
        return;
    }
    platform_wait_for_interrupt();
    irq_enable();
    if (platform_clock() - start < 2 * POLL_MAX)
        *poll = MIN(MAX(*poll * 2, POLL_FIRST), POLL_MAX);
    else
        *poll = *poll > POLL_FIRST ? *poll / 2 : 0;
}

void sched_idle_loop(void)
{
    struct run_queue *rq = my_queue();
    nsec_t poll = 0;
    for (;;) {
        if (READ_ONCE(rq->deferred))
            deferred_run();
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

bool wait_has_others(void)
{
    return READ_ONCE(sched_queues[this_cpu()->cpu].queued) > 0;
}

u64 sched_idle_time(unsigned cpu)
{
    struct run_queue *rq = &sched_queues[cpu];
    nsec_t total = READ_ONCE(rq->idle_total);
    if (READ_ONCE(sched_idle) & bit(cpu))
        total += platform_clock() - READ_ONCE(rq->idle_since);
    return total;
}
