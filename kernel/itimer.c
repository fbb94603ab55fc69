/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interval timers of setitimer(2): ITIMER_REAL counts real time and expires by interrupt, ITIMER_VIRTUAL the process's user time,
 * ITIMER_PROF all its CPU time; those are looked at by cpu_timers_check(). State is under the process lock.
 */
#include <linux/time.h>
#include "kernel/itimer.h"
#include "kernel/cpu_timer.h"
#include "kernel/signal_queue.h"

/* Periods shorter than this expire at this rate: the program shall get to run between two expiries. */
#define SHORTEST_PERIOD (50 * NSEC_PER_USEC)

static const int itimer_signal[3] = {
    [ITIMER_REAL] = SIGALRM, [ITIMER_VIRTUAL] = SIGVTALRM, [ITIMER_PROF] = SIGPROF};

/* Now on the timer's clock; process lock held. */
static u64 itimer_now(struct interval_timer *it)
{
    u64 user, system;
    if (it->which == ITIMER_REAL)
        return platform_clock();
    u64 total = process_cpu_time_locked(it->process, &user, &system);
    return it->which == ITIMER_VIRTUAL ? user : total;
}

/* Sends the signal if the deadline has passed, and moves on to the next period; lock held. */
static void itimer_expire(struct interval_timer *it, u64 now)
{
    bool fatal;
    if (it->deadline == NSEC_NEVER || now < it->deadline)
        return;
    signal_send_locked(it->process, NULL, itimer_signal[it->which], NULL, NULL, &fatal);
    if (!it->interval) {
        it->deadline = NSEC_NEVER;
        return;
    }
    u64 missed = (now - it->deadline) / it->interval;
    it->deadline += (missed + 1) * it->interval;
    it->deadline = MAX(it->deadline, now + SHORTEST_PERIOD);
}

static void itimer_fired(struct timer *t)
{
    struct interval_timer *it = container_of(t, struct interval_timer, timer);
    struct process *p = it->process;
    spin_lock_irq(&p->lock);
    if (!it->timer.armed) {
        itimer_expire(it, platform_clock());
        if (it->deadline != NSEC_NEVER)
            timer_arm(&it->timer, it->deadline);
    }
    spin_unlock_irq(&p->lock);
}

bool itimers_use_cpu(struct process *p)
{
    return p->itimers[ITIMER_VIRTUAL].deadline != NSEC_NEVER || p->itimers[ITIMER_PROF].deadline != NSEC_NEVER;
}

void itimers_check_cpu(struct process *p, u64 user, u64 total, int *fatal)
{
    (void)fatal; /* none of the three signals is SIGKILL */
    itimer_expire(&p->itimers[ITIMER_VIRTUAL], user);
    itimer_expire(&p->itimers[ITIMER_PROF], total);
}

void itimers_init(struct process *p)
{
    for (int which = 0; which < 3; which++) {
        struct interval_timer *it = &p->itimers[which];
        timer_init(&it->timer, itimer_fired);
        it->process = p;
        it->which = which;
        it->deadline = NSEC_NEVER;
    }
}

void itimers_exit(struct process *p)
{
    for (int which = 0; which < 3; which++) {
        spin_lock_irq(&p->lock);
        p->itimers[which].deadline = NSEC_NEVER;
        spin_unlock_irq(&p->lock);
        timer_cancel(&p->itimers[which].timer, true);
    }
}

static void read_locked(struct interval_timer *it, u64 now, nsec_t *left, nsec_t *interval)
{
    *interval = it->interval;
    if (it->deadline == NSEC_NEVER)
        *left = 0;
    else /* armed, it never reads as disarmed */
        *left = it->deadline > now ? MAX(it->deadline - now, NSEC_PER_USEC) : NSEC_PER_USEC;
}

void itimer_get(int which, nsec_t *left, nsec_t *interval)
{
    struct process *p = current_process();
    struct interval_timer *it = &p->itimers[which];
    spin_lock_irq(&p->lock);
    u64 now = itimer_now(it);
    read_locked(it, now, left, interval);
    spin_unlock_irq(&p->lock);
}

void itimer_set(int which, nsec_t left, nsec_t interval, nsec_t *old_left, nsec_t *old_interval)
{
    struct process *p = current_process();
    struct interval_timer *it = &p->itimers[which];
    spin_lock_irq(&p->lock);
    u64 now = itimer_now(it);
    read_locked(it, now, old_left, old_interval);
    if (left) {
        it->interval = interval;
        it->deadline = left < NSEC_NEVER - now ? now + left : NSEC_NEVER - 1;
        if (which == ITIMER_REAL)
            timer_arm(&it->timer, it->deadline);
    } else {
        it->interval = which == ITIMER_REAL ? 0 : interval;
        it->deadline = NSEC_NEVER;
        timer_cancel(&it->timer, false);
    }
    spin_unlock_irq(&p->lock);
    if (which != ITIMER_REAL)
        cpu_timers_changed(p);
}
