/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that tell what was used: times(2), getrusage(2). */
#include <linux/times.h>
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"
#include "kernel/address_space.h"
#include "kernel/timer.h"

long sys_times(const struct syscall_args *a);
long sys_getrusage(const struct syscall_args *a);

#define CLOCK_TICK (NSEC_PER_SEC / 100) /* sysconf(_SC_CLK_TCK) */
/* What times(2) returns when the machine starts: 2^32/HZ - 300 s, says its man page; HZ is 250. Never near 0. */
#define TICKS_AT_BOOT (((1l << 32) / 250 - 300) * 100)

long sys_times(const struct syscall_args *a)
{
    if (ARG_PTR(a, 0)) {
        u64 user, system;
        process_cpu_time(current_process(), &user, &system);
        struct tms t = {.tms_utime = (long)(user / CLOCK_TICK), .tms_stime = (long)(system / CLOCK_TICK)};
        if (copy_to_user(ARG_PTR(a, 0), &t, sizeof(t)))
            return -EFAULT;
    }
    return TICKS_AT_BOOT + (long)(clock_monotonic() / CLOCK_TICK);
}

long sys_getrusage(const struct syscall_args *a)
{
    struct thread *me = current_thread();
    struct rusage r = {0};
    struct process_usage used = {0};
    u64 user = 0, system = 0;
    switch (ARG_INT(a, 0)) {
    case RUSAGE_SELF:
        process_cpu_time(me->process, &user, &system);
        process_usage(me->process, &used);
        break;
    case RUSAGE_THREAD:
        thread_cpu_time(me, &user, &system);
        used = (struct process_usage){.minor_faults = me->minor_faults, .major_faults = me->major_faults,
                                      .voluntary_switches = me->voluntary_switches,
                                      .involuntary_switches = me->involuntary_switches};
        break;
    case RUSAGE_CHILDREN: /* none */
        break;
    default:
        return -EINVAL;
    }
    if (ARG_INT(a, 0) != RUSAGE_CHILDREN) {
        struct address_space *as = me->space;
        u64 peak = MAX(READ_ONCE(as->peak_resident_pages), READ_ONCE(as->resident_pages));
        r.ru_maxrss = (long)(peak * (PAGE_SIZE / 1024));
    }
    r.ru_minflt = (long)used.minor_faults;
    r.ru_majflt = (long)used.major_faults;
    r.ru_nvcsw = (long)used.voluntary_switches;
    r.ru_nivcsw = (long)used.involuntary_switches;
    struct __kernel_old_timeval u = ns_to_timeval(user), s = ns_to_timeval(system);
    r.ru_utime.tv_sec = u.tv_sec;
    r.ru_utime.tv_usec = u.tv_usec;
    r.ru_stime.tv_sec = s.tv_sec;
    r.ru_stime.tv_usec = s.tv_usec;
    return copy_to_user(ARG_PTR(a, 1), &r, sizeof(r));
}
