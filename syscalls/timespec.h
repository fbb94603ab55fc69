/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as programs give them (struct timespec, struct timeval) to and from nanoseconds. */
#ifndef SYSCALLS_TIMESPEC_H
#define SYSCALLS_TIMESPEC_H

#include <linux/time.h>
#include <linux/time_types.h>
#include "kernel/types.h"
#include "kernel/user.h"

/* 0, or -EINVAL when a field is out of range. Times past 584 years are cut to just under "never". */
static inline int timespec_to_ns(const struct __kernel_timespec *ts, nsec_t *ns)
{
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (s64)NSEC_PER_SEC)
        return -EINVAL;
    if ((u64)ts->tv_sec >= NSEC_NEVER / NSEC_PER_SEC)
        *ns = NSEC_NEVER - 1;
    else
        *ns = (u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
    return 0;
}

static inline int timeval_to_ns(const struct __kernel_old_timeval *tv, nsec_t *ns)
{
    struct __kernel_timespec ts = {tv->tv_sec, tv->tv_usec * (s64)NSEC_PER_USEC};
    if (tv->tv_usec < 0 || tv->tv_usec >= 1000000)
        return -EINVAL;
    return timespec_to_ns(&ts, ns);
}

static inline struct __kernel_timespec ns_to_timespec(nsec_t ns)
{
    return (struct __kernel_timespec){(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC)};
}

static inline struct __kernel_old_timeval ns_to_timeval(nsec_t ns)
{
    return (struct __kernel_old_timeval){(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
}

#endif
