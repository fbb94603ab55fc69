/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls of interval timers and POSIX timers. */
#include <linux/signal.h>
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"
#include "kernel/itimer.h"
#include "kernel/posix_timer.h"
#include "kernel/lib/string.h"

long sys_getitimer(const struct syscall_args *a);
long sys_setitimer(const struct syscall_args *a);
long sys_alarm(const struct syscall_args *a);
long sys_timer_create(const struct syscall_args *a);
long sys_timer_settime(const struct syscall_args *a);
long sys_timer_gettime(const struct syscall_args *a);
long sys_timer_getoverrun(const struct syscall_args *a);
long sys_timer_delete(const struct syscall_args *a);

struct itimerval_abi {
    struct __kernel_old_timeval interval, value;
};
struct itimerspec_abi {
    struct __kernel_timespec interval, value;
};

static int put_itimerval(void *to, nsec_t left, nsec_t interval)
{
    struct itimerval_abi v = {ns_to_timeval(interval), ns_to_timeval(left)};
    return copy_to_user(to, &v, sizeof(v));
}

static bool itimer_exists(int which)
{
    return which >= ITIMER_REAL && which <= ITIMER_PROF;
}

long sys_getitimer(const struct syscall_args *a)
{
    nsec_t left, interval;
    if (!itimer_exists(ARG_INT(a, 0)))
        return -EINVAL;
    itimer_get(ARG_INT(a, 0), &left, &interval);
    return put_itimerval(ARG_PTR(a, 1), left, interval);
}

long sys_setitimer(const struct syscall_args *a)
{
    struct itimerval_abi v = {0}; /* a null pointer disarms */
    nsec_t left, interval, old_left, old_interval;
    if (ARG_PTR(a, 1) && get_user(v, ARG_PTR(a, 1)))
        return -EFAULT;
    if (timeval_to_ns(&v.value, &left) || timeval_to_ns(&v.interval, &interval) || !itimer_exists(ARG_INT(a, 0)))
        return -EINVAL;
    itimer_set(ARG_INT(a, 0), left, interval, &old_left, &old_interval);
    return ARG_PTR(a, 2) ? put_itimerval(ARG_PTR(a, 2), old_left, old_interval) : 0;
}

long sys_alarm(const struct syscall_args *a)
{
    nsec_t old_left, old_interval;
    u32 seconds = MIN(ARG_U32(a, 0), (u32)INT32_MAX);
    itimer_set(ITIMER_REAL, seconds * NSEC_PER_SEC, 0, &old_left, &old_interval);
    /* Rounded to the nearest second, but a pending alarm never reads as none. */
    u64 left = old_left / NSEC_PER_SEC, rest = old_left % NSEC_PER_SEC;
    if ((!left && rest) || rest >= NSEC_PER_SEC / 2)
        left++;
    return (long)left;
}

long sys_timer_create(const struct syscall_args *a)
{
    struct sigevent event;
    if (ARG_PTR(a, 1) && get_user(event, ARG_PTR(a, 1)))
        return -EFAULT;
    int id = posix_timer_create(ARG_INT(a, 0), ARG_PTR(a, 1) ? &event : NULL);
    if (id < 0)
        return id;
    if (copy_to_user(ARG_PTR(a, 2), &id, sizeof(id))) {
        posix_timer_delete(id);
        return -EFAULT;
    }
    return 0;
}

static int put_itimerspec(void *to, const struct timer_value *value)
{
    struct itimerspec_abi v = {ns_to_timespec(value->interval), ns_to_timespec(value->value)};
    return copy_to_user(to, &v, sizeof(v));
}

long sys_timer_settime(const struct syscall_args *a)
{
    struct itimerspec_abi v;
    struct timer_value new, old;
    if (!ARG_PTR(a, 2))
        return -EINVAL;
    if (get_user(v, ARG_PTR(a, 2)))
        return -EFAULT;
    if (timespec_to_ns(&v.interval, &new.interval) || timespec_to_ns(&v.value, &new.value))
        return -EINVAL;
    int error = posix_timer_set(ARG_INT(a, 0), ARG_INT(a, 1) & TIMER_ABSTIME, &new, &old);
    if (!error && ARG_PTR(a, 3))
        error = put_itimerspec(ARG_PTR(a, 3), &old);
    return error;
}

long sys_timer_gettime(const struct syscall_args *a)
{
    struct timer_value value;
    int error = posix_timer_get(ARG_INT(a, 0), &value);
    return error ? error : put_itimerspec(ARG_PTR(a, 1), &value);
}

long sys_timer_getoverrun(const struct syscall_args *a)
{
    return posix_timer_overrun(ARG_INT(a, 0));
}

long sys_timer_delete(const struct syscall_args *a)
{
    return posix_timer_delete(ARG_INT(a, 0));
}
