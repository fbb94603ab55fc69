/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU-time timers. They expire in the thread that used the time, at a scheduler tick (about 4 ms), so a process
 * that sleeps costs nothing however many it has set.
 */
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
    p->cpu_timers = itimers_use_cpu(p) || posix_timers_use_cpu(p) || p->limits[RLIMIT_CPU].rlim_cur != RLIM_INFINITY;
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

/* RLIMIT_CPU: SIGXCPU at the soft limit and every second from then on, SIGKILL at the hard one. Lock held. */
static void check_limit(struct process *p, u64 total, int *fatal)
{
    struct rlimit *limit = &p->limits[RLIMIT_CPU];
    u64 seconds = total / NSEC_PER_SEC;
    bool kills;
    if (limit->rlim_max != RLIM_INFINITY && seconds >= limit->rlim_max) {
        *fatal = SIGKILL;
    } else if (limit->rlim_cur != RLIM_INFINITY && seconds >= limit->rlim_cur) {
        signal_send_locked(p, NULL, SIGXCPU, NULL, NULL, &kills);
        limit->rlim_cur = seconds + 1;
    }
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
    check_limit(p, total, &fatal);
    spin_unlock_irq(&p->lock);
    if (fatal)
        signal_kill_process(p, fatal);
}
