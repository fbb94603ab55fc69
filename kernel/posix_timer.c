/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers. A periodic timer that expired starts its next period when its signal is taken; periods
 * that passed meanwhile are the overrun count. One timer has one queue entry, allocated with it, so that an expiry never fails.
 * State is under the process lock; expiry comes from an interrupt.
 */
#include <linux/time.h>
#include "kernel/posix_timer.h"
#include "kernel/cpu_timer.h"
#include "kernel/signal_queue.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

enum timer_clock { ON_MONOTONIC, ON_REALTIME, ON_PROCESS_CPU, ON_PROCESS_USER, ON_THREAD_CPU, ON_THREAD_USER };

struct posix_timer {
    struct list link; /* process.posix_timers */
    struct process *process;
    struct thread *measured; /* reference; of the thread clocks */
    struct thread *target;   /* reference; SIGEV_THREAD_ID */
    enum timer_clock clock;
    int id, notify, signo;
    bool target_gone;
    bool relative;    /* set for a time from then on: changes of the realtime clock pass it by */
    bool expired;     /* its signal is queued; the next period starts when it is taken */
    nsec_t deadline;  /* on its clock; NSEC_NEVER: disarmed */
    nsec_t interval;  /* 0: once */
    s64 overrun, overrun_last;
    struct timer timer;
    struct signal_entry entry;
};

/* Now on the timer's clock. Process lock held where the clock is a process's. */
static u64 timer_now(const struct posix_timer *pt)
{
    u64 user, system;
    switch (pt->clock) {
    case ON_MONOTONIC:
        return clock_monotonic();
    case ON_REALTIME:
        return pt->relative ? clock_monotonic() : clock_realtime();
    case ON_PROCESS_CPU:
        return process_cpu_time_locked(pt->process, &user, &system);
    case ON_PROCESS_USER:
        process_cpu_time_locked(pt->process, &user, &system);
        return user;
    case ON_THREAD_CPU:
        return thread_cpu_time(pt->measured, &user, &system);
    case ON_THREAD_USER:
        thread_cpu_time(pt->measured, &user, &system);
        return user;
    }
    return 0;
}

static bool on_cpu_clock(const struct posix_timer *pt)
{
    return pt->clock >= ON_PROCESS_CPU;
}

/* CPU clocks are looked at by cpu_timers_check(), the others by a timer. */
static void timer_start(struct posix_timer *pt, u64 now)
{
    if (pt->notify == SIGEV_NONE || on_cpu_clock(pt))
        return;
    nsec_t delay = pt->deadline > now ? pt->deadline - now : 0;
    nsec_t at = platform_clock();
    timer_arm(&pt->timer, delay < NSEC_NEVER - at ? at + delay : NSEC_NEVER - 1);
}

/* Moves the deadline of a periodic timer past now; returns the number of periods. */
static s64 timer_forward(struct posix_timer *pt, u64 now)
{
    if (pt->deadline > now)
        return 0;
    u64 periods = (now - pt->deadline) / pt->interval + 1;
    pt->deadline += periods * pt->interval;
    return (s64)periods;
}

/* The deadline has passed: sends the signal. Lock held. */
static void timer_expire(struct posix_timer *pt, u64 now, int *fatal)
{
    bool kills = false;
    if (!pt->target_gone) {
        signal_send_locked(pt->process, pt->target, pt->signo, &pt->entry.info, &pt->entry, &kills);
        pt->expired = !list_empty(&pt->entry.link);
    }
    if (kills)
        *fatal = pt->signo;
    if (!pt->interval || pt->target_gone || kills) {
        pt->deadline = NSEC_NEVER;
    } else if (!pt->expired) {
        /* Nobody takes it (ignored): periods go on unseen. */
        timer_forward(pt, now);
        timer_start(pt, now);
    }
}

static void timer_fired(struct timer *t)
{
    struct posix_timer *pt = container_of(t, struct posix_timer, timer);
    struct process *p = pt->process;
    int fatal = 0;
    u64 now = timer_now(pt);
    spin_lock_irq(&p->lock);
    if (pt->deadline != NSEC_NEVER && !pt->timer.armed && !pt->expired) {
        if (now < pt->deadline)
            timer_start(pt, now); /* the realtime clock was set back */
        else
            timer_expire(pt, now, &fatal);
    }
    spin_unlock_irq(&p->lock);
    if (fatal)
        signal_kill_process(p, fatal);
}

bool posix_timers_use_cpu(struct process *p)
{
    struct posix_timer *pt;
    list_for_each(pt, &p->posix_timers, link)
        if (on_cpu_clock(pt) && pt->deadline != NSEC_NEVER)
            return true;
    return false;
}

void posix_timers_check_cpu(struct thread *t, u64 user, u64 total, int *fatal)
{
    struct posix_timer *pt;
    u64 thread_user, thread_system, thread_total = thread_cpu_time(t, &thread_user, &thread_system);
    list_for_each(pt, &t->process->posix_timers, link)
    {
        u64 now;
        if (pt->deadline == NSEC_NEVER || pt->expired || pt->notify == SIGEV_NONE)
            continue;
        if (pt->clock == ON_PROCESS_CPU)
            now = total;
        else if (pt->clock == ON_PROCESS_USER)
            now = user;
        else if (on_cpu_clock(pt) && pt->measured == t)
            now = pt->clock == ON_THREAD_CPU ? thread_total : thread_user;
        else
            continue;
        if (now >= pt->deadline)
            timer_expire(pt, now, fatal);
    }
}

void posix_timer_taken(void *timer, siginfo_t *info)
{
    struct posix_timer *pt = timer;
    if (pt->expired && pt->interval && pt->deadline != NSEC_NEVER && !pt->target_gone) {
        u64 now = timer_now(pt);
        pt->overrun += timer_forward(pt, now) - 1;
        timer_start(pt, now);
    }
    pt->expired = false;
    pt->overrun_last = pt->overrun;
    pt->overrun = 0;
    info->si_overrun = (int)MIN(pt->overrun_last, (s64)INT32_MAX);
}

/* The timer with id of the current process, or NULL; lock held. */
static struct posix_timer *timer_find(struct process *p, int id)
{
    struct posix_timer *pt;
    list_for_each(pt, &p->posix_timers, link)
        if (pt->id == id)
            return pt;
    return NULL;
}

void posix_timers_init(struct process *p)
{
    list_init(&p->posix_timers);
}

/* Disarms it; a signal that nobody has taken yet is withdrawn, as since Linux 6.13. Lock held. */
static void timer_disarm(struct posix_timer *pt)
{
    pt->deadline = NSEC_NEVER;
    pt->interval = 0;
    pt->expired = false;
    if (list_empty(&pt->entry.link))
        return;
    struct signal_pending *q = pt->target ? &pt->target->pending : &pt->process->pending;
    struct signal_entry *entry;
    bool more = false;
    list_remove(&pt->entry.link);
    list_for_each(entry, &q->queue, link) more |= entry->info.si_signo == pt->signo;
    if (!more)
        q->set &= ~SIGNAL_BIT(pt->signo);
}

/* Takes pt out of the list and of any queue; lock held. */
static void timer_unlink(struct posix_timer *pt)
{
    list_remove(&pt->link);
    timer_disarm(pt);
    pt->process->queued_signals--;
}

static void timer_free(struct posix_timer *pt)
{
    timer_cancel(&pt->timer, true);
    if (pt->measured)
        thread_put(pt->measured);
    if (pt->target)
        thread_put(pt->target);
    kfree(pt);
}

void posix_timers_exit(struct process *p)
{
    for (;;) {
        spin_lock_irq(&p->lock);
        struct posix_timer *pt = list_first(&p->posix_timers, struct posix_timer, link);
        if (pt)
            timer_unlink(pt);
        spin_unlock_irq(&p->lock);
        if (!pt)
            return;
        timer_free(pt);
    }
}

void posix_timers_thread_exit(struct thread *t)
{
    struct process *p = t->process;
    struct posix_timer *pt;
    spin_lock_irq(&p->lock);
    list_for_each(pt, &p->posix_timers, link)
    {
        if (pt->target == t)
            pt->target_gone = true;
        if (pt->measured == t)
            pt->deadline = NSEC_NEVER;
    }
    spin_unlock_irq(&p->lock);
}

/* Negative clock ids name the CPU clock of a process or thread; layout: clock_getcpuclockid(3) of the C libraries. */
#define CPUCLOCK_WHICH(clock)      ((clock) & 3)
#define CPUCLOCK_PER_THREAD(clock) (((clock) & 4) != 0)
#define CPUCLOCK_PID(clock)        (~((clock) >> 3))
enum { CPUCLOCK_PROF, CPUCLOCK_VIRT, CPUCLOCK_SCHED, CPUCLOCK_FD };

static int resolve_cpu_clock(struct posix_timer *pt, int clock)
{
    struct thread *self = current_thread();
    int pid = CPUCLOCK_PID(clock);
    if (CPUCLOCK_WHICH(clock) == CPUCLOCK_FD)
        return -EINVAL;
    bool user = CPUCLOCK_WHICH(clock) == CPUCLOCK_VIRT;
    if (!CPUCLOCK_PER_THREAD(clock)) {
        if (pid && pid != self->process->pid)
            return -EINVAL;
        pt->clock = user ? ON_PROCESS_USER : ON_PROCESS_CPU;
        return 0;
    }
    if (pid) {
        pt->measured = thread_find(pid);
        if (!pt->measured)
            return -EINVAL;
        if (pt->measured->process != self->process) {
            thread_put(pt->measured);
            pt->measured = NULL;
            return -EINVAL;
        }
    } else {
        thread_get(self);
        pt->measured = self;
    }
    pt->clock = user ? ON_THREAD_USER : ON_THREAD_CPU;
    return 0;
}

static int resolve_clock(struct posix_timer *pt, int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_TAI:
        pt->clock = ON_REALTIME;
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        pt->clock = ON_MONOTONIC;
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        pt->clock = ON_PROCESS_CPU;
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        pt->clock = ON_THREAD_CPU;
        pt->measured = current_thread();
        thread_get(pt->measured);
        return 0;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_ALARM: /* need a clock that wakes the machine */
    case CLOCK_BOOTTIME_ALARM:
        return -EOPNOTSUPP;
    }
    return clock < 0 ? resolve_cpu_clock(pt, clock) : -EINVAL;
}

static int resolve_event(struct posix_timer *pt, const struct sigevent *event)
{
    switch (event->sigev_notify) {
    case SIGEV_NONE:
        break;
    case SIGEV_SIGNAL | SIGEV_THREAD_ID:
        pt->target = thread_find(event->_sigev_un._tid);
        if (!pt->target || pt->target->process != pt->process)
            return -EINVAL;
        /* fall through */
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
        if (event->sigev_signo < 1 || event->sigev_signo > SIGNAL_COUNT)
            return -EINVAL;
        break;
    default:
        return -EINVAL;
    }
    pt->notify = event->sigev_notify;
    pt->signo = event->sigev_signo;
    pt->entry.info.si_value = event->sigev_value;
    return 0;
}

int posix_timer_create(int clock, const struct sigevent *event)
{
    struct process *p = current_process();
    struct posix_timer *pt = kzalloc(sizeof(*pt));
    if (!pt)
        return -EAGAIN;
    list_init(&pt->link);
    list_init(&pt->entry.link);
    timer_init(&pt->timer, timer_fired);
    pt->process = p;
    pt->deadline = NSEC_NEVER;
    pt->notify = SIGEV_SIGNAL;
    pt->signo = SIGALRM;
    int error = resolve_clock(pt, clock);
    if (!error && event)
        error = resolve_event(pt, event);
    if (error) {
        timer_free(pt);
        return error;
    }

    spin_lock_irq(&p->lock);
    if (p->queued_signals >= p->limits[RLIMIT_SIGPENDING].rlim_cur) {
        spin_unlock_irq(&p->lock);
        timer_free(pt);
        return -EAGAIN;
    }
    p->queued_signals++;
    do
        pt->id = (int)(p->next_timer_id++ & INT32_MAX);
    while (timer_find(p, pt->id));
    pt->entry.owner = pt;
    pt->entry.info.si_signo = pt->signo;
    pt->entry.info.si_code = SI_TIMER;
    pt->entry.info.si_tid = pt->id;
    if (!event)
        pt->entry.info.si_value.sival_int = pt->id;
    list_add_tail(&p->posix_timers, &pt->link);
    int id = pt->id;
    spin_unlock_irq(&p->lock);
    return id;
}

static void get_locked(struct posix_timer *pt, u64 now, struct timer_value *value)
{
    value->interval = pt->interval;
    value->value = 0;
    if (pt->deadline == NSEC_NEVER)
        return;
    bool silent = pt->notify == SIGEV_NONE;
    if (pt->interval && (silent || pt->expired))
        pt->overrun += timer_forward(pt, now);
    if (pt->deadline > now)
        value->value = pt->deadline - now;
    else if (!silent)
        value->value = 1; /* armed, it never reads as disarmed */
}

/* Finds timer id, with the lock held on return; NULL (lock not held) if there is none. */
static struct posix_timer *timer_lock(struct process *p, int id)
{
    spin_lock_irq(&p->lock);
    struct posix_timer *pt = timer_find(p, id);
    if (!pt)
        spin_unlock_irq(&p->lock);
    return pt;
}

int posix_timer_get(int id, struct timer_value *value)
{
    struct process *p = current_process();
    struct posix_timer *pt = timer_lock(p, id);
    if (!pt)
        return -EINVAL;
    get_locked(pt, timer_now(pt), value);
    spin_unlock_irq(&p->lock);
    return 0;
}

int posix_timer_set(int id, bool absolute, const struct timer_value *new, struct timer_value *old)
{
    struct process *p = current_process();
    struct posix_timer *pt = timer_lock(p, id);
    if (!pt)
        return -EINVAL;
    if (old)
        get_locked(pt, timer_now(pt), old);
    timer_cancel(&pt->timer, false);
    timer_disarm(pt);
    pt->overrun = pt->overrun_last = 0;
    if (new->value) {
        pt->relative = !absolute;
        u64 now = timer_now(pt);
        pt->interval = new->interval;
        pt->deadline = absolute ? new->value : new->value < NSEC_NEVER - now ? now + new->value : NSEC_NEVER;
        pt->deadline = MIN(pt->deadline, NSEC_NEVER - 1);
        timer_start(pt, now);
    }
    bool cpu = on_cpu_clock(pt);
    spin_unlock_irq(&p->lock);
    if (cpu)
        cpu_timers_changed(p);
    return 0;
}

void posix_timers_clock_was_set(void)
{
    for (struct process *p = process_next(0), *next; p; p = next) {
        struct posix_timer *pt;
        spin_lock_irq(&p->lock);
        list_for_each(pt, &p->posix_timers, link)
            if (pt->clock == ON_REALTIME && !pt->relative && pt->deadline != NSEC_NEVER && !pt->expired)
                timer_start(pt, clock_realtime());
        spin_unlock_irq(&p->lock);
        next = process_next(p->pid);
        process_put(p);
    }
}

int posix_timer_overrun(int id)
{
    struct process *p = current_process();
    spin_lock_irq(&p->lock);
    struct posix_timer *pt = timer_find(p, id);
    int overrun = pt ? (int)MIN(pt->overrun_last, (s64)INT32_MAX) : -EINVAL;
    spin_unlock_irq(&p->lock);
    return overrun;
}

int posix_timer_delete(int id)
{
    struct process *p = current_process();
    spin_lock_irq(&p->lock);
    struct posix_timer *pt = timer_find(p, id);
    if (pt)
        timer_unlink(pt);
    spin_unlock_irq(&p->lock);
    if (!pt)
        return -EINVAL;
    timer_free(pt);
    return 0;
}
