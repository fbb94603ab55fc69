/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that read, set and wait for clocks: clock_gettime(2), clock_nanosleep(2), gettimeofday(2) and relatives. */
#include <linux/capability.h>
#include <linux/timex.h>
#include "fs/event.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"
#include "kernel/cpu_timer.h"
#include "kernel/lib/string.h"
#include "kernel/sched.h"
#include "kernel/posix_timer.h"
#include "kernel/signal.h"
#include "kernel/timer.h"

long sys_clock_gettime(const struct syscall_args *a);
long sys_clock_getres(const struct syscall_args *a);
long sys_clock_settime(const struct syscall_args *a);
long sys_clock_nanosleep(const struct syscall_args *a);
long sys_nanosleep(const struct syscall_args *a);
long sys_gettimeofday(const struct syscall_args *a);
long sys_settimeofday(const struct syscall_args *a);
long sys_time(const struct syscall_args *a);
long sys_adjtimex(const struct syscall_args *a);
long sys_clock_adjtime(const struct syscall_args *a);

#define COARSE (4 * NSEC_PER_MSEC) /* resolution of the coarse clocks, as Linux at 250 Hz */

/* Negative clock ids name the CPU clock of a process or thread; the layout is the kernel ABI's, see clock_getcpuclockid(3). */
enum { CPU_CLOCK_PROF, CPU_CLOCK_VIRT, CPU_CLOCK_SCHED };

static int cpu_clock_read(int clock, nsec_t *ns)
{
    int id = ~(clock >> 3), which = clock & 3;
    bool per_thread = clock & 4;
    struct process *me = current_process();
    u64 user, total;
    if (which > CPU_CLOCK_SCHED)
        return -EINVAL; /* or a dynamic clock's descriptor, of which there are none */
    if (per_thread) {
        struct thread *t = id ? thread_find(id) : current_thread();
        bool mine = t && t->process == me;
        if (mine)
            total = thread_cpu_time(t, &user, NULL);
        if (t && id)
            thread_put(t);
        if (!mine)
            return -EINVAL;
    } else {
        struct process *p = id ? process_find(id) : me;
        if (!p)
            return -EINVAL;
        total = process_cpu_time(p, &user, NULL);
        if (id)
            process_put(p);
    }
    *ns = which == CPU_CLOCK_VIRT ? user : total;
    return 0;
}

static int clock_read(int clock, nsec_t *ns)
{
    nsec_t now;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_TAI: /* no leap-second table: the offset is 0, as on Linux before ntpd sets it */
        *ns = clock_realtime();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME: /* never suspended */
        *ns = clock_monotonic();
        return 0;
    case CLOCK_MONOTONIC_COARSE:
        now = clock_monotonic();
        *ns = now - now % COARSE;
        return 0;
    case CLOCK_REALTIME_COARSE:
        now = clock_monotonic();
        *ns = now - now % COARSE + (u64)clock_realtime_offset();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *ns = process_cpu_time(current_process(), NULL, NULL);
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *ns = thread_cpu_time(current_thread(), NULL, NULL);
        return 0;
    default: /* the alarm clocks need a wake-up timer of the machine */
        return clock < 0 ? cpu_clock_read(clock, ns) : -EINVAL;
    }
}

static int put_time(void *to, nsec_t ns)
{
    struct __kernel_timespec ts = ns_to_timespec(ns);
    return copy_to_user(to, &ts, sizeof(ts));
}

long sys_clock_gettime(const struct syscall_args *a)
{
    nsec_t ns;
    int error = clock_read(ARG_INT(a, 0), &ns);
    return error ? error : put_time(ARG_PTR(a, 1), ns);
}

long sys_clock_getres(const struct syscall_args *a)
{
    int clock = ARG_INT(a, 0);
    nsec_t ignored;
    int error = clock_read(clock, &ignored);
    if (error || !ARG_PTR(a, 1))
        return error;
    bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    return put_time(ARG_PTR(a, 1), coarse ? COARSE : 1);
}

/* Sets the realtime clock: not before the monotonic one, so that the moment of boot stays after 1970. */
static int set_realtime(const struct __kernel_timespec *ts)
{
    nsec_t ns;
    if (timespec_to_ns(ts, &ns) || ns >= NSEC_NEVER / 4)
        return -EINVAL;
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (ns < clock_monotonic())
        return -EINVAL;
    clock_set_realtime(ns);
    timerfd_clock_was_set();
    posix_timers_clock_was_set();
    return 0;
}

long sys_clock_settime(const struct syscall_args *a)
{
    int clock = ARG_INT(a, 0);
    struct __kernel_timespec ts;
    nsec_t ignored;
    bool cpu_clock = clock < 0;
    if (!cpu_clock && clock != CLOCK_REALTIME)
        return -EINVAL;
    if (get_user(ts, ARG_PTR(a, 1)))
        return -EFAULT;
    if (cpu_clock) {
        int error = clock_read(clock, &ignored);
        return error ? error : -EPERM;
    }
    return set_realtime(&ts);
}

/* ---------------------------------------------------------------- sleeping */

/* Sleeps on the monotonic or realtime clock: 0 or -ERESTARTSYS. */
static int sleep_until(nsec_t deadline, bool realtime)
{
    for (;;) {
        wait_prepare(WAIT_INTERRUPTIBLE);
        int error = wait_sleep_until(deadline, realtime);
        if (error == -ETIMEDOUT)
            return 0;
        if (error)
            return error;
    }
}

/* Also if the clock is gone. */
static bool cpu_clock_passed(int clock, nsec_t deadline)
{
    nsec_t now;
    return clock_read(clock, &now) || now >= deadline;
}

static int put_remaining(void *remaining, nsec_t deadline, nsec_t now)
{
    return remaining ? put_time(remaining, deadline > now ? deadline - now : 0) : 0;
}

static long sleep_relative(int clock, nsec_t deadline, void *remaining);

static long sleep_again(struct thread *me)
{
    return sleep_relative((int)me->restart.args[0], me->restart.args[1], (void *)me->restart.args[2]);
}

/* The rest of a relative sleep, as a deadline on clock (the monotonic one unless it is a CPU clock). */
static long sleep_relative(int clock, nsec_t deadline, void *remaining)
{
    bool cpu = clock != CLOCK_MONOTONIC;
    int error = cpu ? cpu_clock_sleep(cpu_clock_passed, clock, deadline) : sleep_until(deadline, false);
    if (error != -ERESTARTSYS)
        return error;
    nsec_t now = 0;
    clock_read(clock, &now);
    if (now >= deadline)
        return 0;
    if (put_remaining(remaining, deadline, now))
        return -EFAULT;
    struct restart_block *r = &current_thread()->restart;
    r->fn = sleep_again;
    r->args[0] = (u64)clock;
    r->args[1] = deadline;
    r->args[2] = (u64)remaining;
    return -ERESTART_RESTARTBLOCK;
}

static nsec_t later(nsec_t now, nsec_t by)
{
    return by > NSEC_NEVER - 1 - now ? NSEC_NEVER - 1 : now + by;
}

long sys_nanosleep(const struct syscall_args *a)
{
    struct __kernel_timespec ts;
    nsec_t ns;
    if (get_user(ts, ARG_PTR(a, 0)))
        return -EFAULT;
    if (timespec_to_ns(&ts, &ns))
        return -EINVAL;
    current_thread()->restart.fn = NULL; /* an earlier sleep cannot be gone on with any more */
    return sleep_relative(CLOCK_MONOTONIC, later(clock_monotonic(), ns), ARG_PTR(a, 1));
}

/* What clock_nanosleep can do with the clock: 0, -EINVAL (no such clock), -EOPNOTSUPP. */
static int sleepable(int clock)
{
    nsec_t ignored;
    switch (clock) {
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_THREAD_CPUTIME_ID:
        return -EOPNOTSUPP;
    case CLOCK_REALTIME_ALARM: /* are told later */
    case CLOCK_BOOTTIME_ALARM:
        return 0;
    default:
        return clock_read(clock, &ignored);
    }
}

long sys_clock_nanosleep(const struct syscall_args *a)
{
    int clock = ARG_INT(a, 0);
    bool absolute = ARG_INT(a, 1) & TIMER_ABSTIME;
    struct __kernel_timespec ts;
    nsec_t ns, now;
    int error = clock >= 0 ? sleepable(clock) : 0;
    if (error)
        return error;
    if (get_user(ts, ARG_PTR(a, 2)))
        return -EFAULT;
    if (timespec_to_ns(&ts, &ns))
        return -EINVAL;
    if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
        return -EOPNOTSUPP; /* without a clock that wakes the machine */
    current_thread()->restart.fn = NULL;
    if (clock < 0 && (clock & 4) && (!~(clock >> 3) || ~(clock >> 3) == current_thread()->tid))
        return -EINVAL; /* one's own CPU time does not pass while one sleeps */
    bool cpu = clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID;
    bool realtime = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
    if (!absolute) {
        int base = cpu ? clock : CLOCK_MONOTONIC; /* a relative sleep does not see the clock being set */
        error = clock_read(base, &now);
        return error ? error : sleep_relative(base, later(now, ns), ARG_PTR(a, 3));
    }
    error = cpu ? clock_read(clock, &now) : 0;
    if (error)
        return error;
    error = cpu ? cpu_clock_sleep(cpu_clock_passed, clock, ns) : sleep_until(ns, realtime);
    return error == -ERESTARTSYS ? -ERESTARTNOHAND : error;
}

/* ---------------------------------------------------------------- the older calls */

static struct { int minuteswest, dsttime; } timezone; /* of settimeofday(2); nothing here uses it */

long sys_gettimeofday(const struct syscall_args *a)
{
    if (ARG_PTR(a, 0)) {
        struct __kernel_old_timeval tv = ns_to_timeval(clock_realtime());
        if (copy_to_user(ARG_PTR(a, 0), &tv, sizeof(tv)))
            return -EFAULT;
    }
    if (ARG_PTR(a, 1) && copy_to_user(ARG_PTR(a, 1), &timezone, sizeof(timezone)))
        return -EFAULT;
    return 0;
}

long sys_settimeofday(const struct syscall_args *a)
{
    struct __kernel_old_timeval tv;
    struct __kernel_timespec ts;
    __typeof__(timezone) tz;
    if (ARG_PTR(a, 0)) {
        if (get_user(tv, ARG_PTR(a, 0)))
            return -EFAULT;
        if (tv.tv_usec < 0 || tv.tv_usec > 1000000)
            return -EINVAL;
        if (tv.tv_sec < 0)
            return -EINVAL;
        ts = (struct __kernel_timespec){tv.tv_sec, tv.tv_usec * (s64)NSEC_PER_USEC};
    }
    if (ARG_PTR(a, 1) && get_user(tz, ARG_PTR(a, 1)))
        return -EFAULT;
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (ARG_PTR(a, 1)) {
        if (tz.minuteswest > 15 * 60 || tz.minuteswest < -15 * 60)
            return -EINVAL;
        timezone = tz;
    }
    return ARG_PTR(a, 0) ? set_realtime(&ts) : 0;
}

long sys_time(const struct syscall_args *a)
{
    s64 seconds = (s64)(clock_realtime() / NSEC_PER_SEC);
    if (ARG_PTR(a, 0) && put_user(seconds, (s64 *)ARG_PTR(a, 0)))
        return -EFAULT;
    return seconds;
}

/* The clock runs as the host's does and is not steered here: reading is served, changing is refused. */
static long adjust(struct __kernel_timex *user)
{
    struct __kernel_timex t;
    if (get_user(t, user))
        return -EFAULT;
    if (t.modes && t.modes != ADJ_OFFSET_SS_READ)
        return -EPERM;
    nsec_t now = clock_realtime();
    memset(&t, 0, sizeof(t));
    t.status = STA_UNSYNC;
    t.maxerror = t.esterror = 16000000; /* microseconds: never synchronized */
    t.constant = 2;
    t.precision = 1;
    t.tolerance = 500ll << 16; /* ppm */
    t.tick = 10000;
    t.time.tv_sec = (s64)(now / NSEC_PER_SEC);
    t.time.tv_usec = (s64)(now % NSEC_PER_SEC / NSEC_PER_USEC);
    if (copy_to_user(user, &t, sizeof(t)))
        return -EFAULT;
    return TIME_ERROR;
}


long sys_adjtimex(const struct syscall_args *a)
{
    return adjust(ARG_PTR(a, 0));
}

long sys_clock_adjtime(const struct syscall_args *a)
{
    int clock = ARG_INT(a, 0);
    nsec_t ignored;
    if (clock == CLOCK_REALTIME)
        return adjust(ARG_PTR(a, 1));
    struct __kernel_timex t;
    int error = clock_read(clock, &ignored);
    if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
        error = 0;
    if (get_user(t, (struct __kernel_timex *)ARG_PTR(a, 1)))
        return -EFAULT;
    return error ? error : -EOPNOTSUPP;
}
