/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeouts that the program gives as a relative struct timespec, turned into deadlines and back. */
#ifndef SYSCALLS_TIMEOUT_H
#define SYSCALLS_TIMEOUT_H

#include <linux/time_types.h>
#include "kernel/timer.h"
#include "kernel/user.h"

/* Deadline ns from now: 0 stays 0 ("do not wait"). */
static inline nsec_t timeout_deadline(nsec_t ns)
{
    if (ns == 0)
        return 0;
    nsec_t now = platform_clock();
    return ns >= NSEC_NEVER - now ? NSEC_NEVER : now + ns;
}

static inline int timeout_from_timespec(const struct __kernel_timespec *ts, nsec_t *deadline)
{
    if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *deadline = (u64)ts->tv_sec >= INT64_MAX / NSEC_PER_SEC
                    ? NSEC_NEVER
                    : timeout_deadline((u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec);
    return 0;
}

/* user NULL: NSEC_NEVER. 0, -EFAULT or -EINVAL. */
static inline int timeout_from_user(const struct __kernel_timespec *user, nsec_t *deadline)
{
    struct __kernel_timespec ts;
    *deadline = NSEC_NEVER;
    if (!user)
        return 0;
    if (get_user(ts, user))
        return -EFAULT;
    return timeout_from_timespec(&ts, deadline);
}

/* What is left until deadline, for calls that report it. */
static inline struct __kernel_timespec timeout_left(nsec_t deadline)
{
    nsec_t now = deadline ? platform_clock() : 0, left = deadline > now ? deadline - now : 0;
    return (struct __kernel_timespec){.tv_sec = (s64)(left / NSEC_PER_SEC),
                                      .tv_nsec = (s64)(left % NSEC_PER_SEC)};
}

#endif
