/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU-time timers. They expire in the thread that used the time, at a scheduler tick (about 4 ms), so a process
 * that sleeps costs nothing however many it has set.
 */
#include <linux/sched.h>
#include "kernel/cpu_timer.h"
#include "kernel/sched.h"
#include "kernel/signal_queue.h"

/* Run queue locked, masked. */
static void tick(struct thread *t)
{
    t->cpu_timer_work = true;
}

void cpu_timers_changed(struct process *p)
{
    sched_cpu_timer_tick = tick;
    spin_lock_irq(&p->lock);
    bool was = p->cpu_timers;
    p->cpu_timers = p->cpu_sleepers || itimers_use_cpu(p) || posix_timers_use_cpu(p) ||
                    p->limits[RLIMIT_CPU].rlim_cur != RLIM_INFINITY || p->limits[RLIMIT_RTTIME].rlim_cur != RLIM_INFINITY;
    bool start = p->cpu_timers && !was;
    spin_unlock_irq(&p->lock);
    if (!start)
        return;
    /* CPUs that run its threads have no tick yet. */
    irq_disable();
    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++)
        if (cpu != this_cpu()->cpu)
            platform_send_reschedule(cpu);
    kernel_ipi_reschedule();
    irq_enable();
}

/*
 * A limit in units of ns has been used: SIGXCPU at the soft limit and every second (which is so many units) from then on,
 * SIGKILL at the hard one. Lock held.
 */
static void check_limit(struct process *p, int which, u64 used, nsec_t unit, int *fatal)
{
    struct rlimit *limit = &p->limits[which];
    bool kills;
    used /= unit;
    if (limit->rlim_max != RLIM_INFINITY && used >= limit->rlim_max) {
        *fatal = SIGKILL;
    } else if (limit->rlim_cur != RLIM_INFINITY && used >= limit->rlim_cur) {
        signal_send_locked(p, NULL, SIGXCPU, NULL, NULL, &kills);
        limit->rlim_cur = (which == RLIMIT_CPU ? used : limit->rlim_cur) + NSEC_PER_SEC / unit;
    }
}

int cpu_clock_sleep(bool (*passed)(int clock, nsec_t deadline), int clock, nsec_t deadline)
{
    struct process *p = current_process();
    __atomic_add_fetch(&p->cpu_sleepers, 1, __ATOMIC_RELAXED);
    cpu_timers_changed(p);
    int error = wait_event(&p->cpu_wait, passed(clock, deadline), NSEC_NEVER, WAIT_INTERRUPTIBLE);
    __atomic_sub_fetch(&p->cpu_sleepers, 1, __ATOMIC_RELAXED);
    cpu_timers_changed(p);
    return error;
}

void cpu_timers_check(void)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    u64 user, system, total;
    int fatal = 0;
    t->cpu_timer_work = false;
    spin_lock_irq(&p->lock);
    total = process_cpu_time_locked(p, &user, &system);
    itimers_check_cpu(p, user, total, &fatal);
    posix_timers_check_cpu(t, user, total, &fatal);
    check_limit(p, RLIMIT_CPU, total, NSEC_PER_SEC, &fatal);
    if (t->policy == SCHED_FIFO || t->policy == SCHED_RR)
        check_limit(p, RLIMIT_RTTIME, t->runtime - t->runtime_woken, NSEC_PER_USEC, &fatal);
    spin_unlock_irq(&p->lock);
    if (p->cpu_sleepers)
        wait_wake_all(&p->cpu_wait);
    if (fatal)
        signal_kill_process(p, fatal);
}
