/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp(2), and what prctl(2) has of it. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include "syscalls/seccomp.h"
#include "kernel/seccomp.h"

/* Without SECCOMP_FILTER_FLAG_NEW_LISTENER: EINVAL, as Linux before 5.0. */
#define FILTER_FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

static long set_filter(u64 flags, const void *from)
{
    struct sock_fprog program;
    if (flags & ~FILTER_FLAGS)
        return -EINVAL;
    if (get_user(program, from))
        return -EFAULT;
    return seccomp_add_filter(program.filter, program.len, (u32)flags);
}

static long action_available(const void *from)
{
    u32 action;
    if (get_user(action, from))
        return -EFAULT;
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_USER_NOTIF:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
        return 0;
    }
    return -EOPNOTSUPP;
}

long sys_seccomp(const struct syscall_args *a)
{
    static const struct seccomp_notif_sizes sizes = {sizeof(struct seccomp_notif), sizeof(struct seccomp_notif_resp),
                                                     sizeof(struct seccomp_data)};
    u32 flags = ARG_U32(a, 1);
    switch (ARG_U32(a, 0)) {
    case SECCOMP_SET_MODE_STRICT:
        return flags || ARG_PTR(a, 2) ? -EINVAL : seccomp_set_strict();
    case SECCOMP_SET_MODE_FILTER:
        return set_filter(flags, ARG_PTR(a, 2));
    case SECCOMP_GET_ACTION_AVAIL:
        return flags ? -EINVAL : action_available(ARG_PTR(a, 2));
    case SECCOMP_GET_NOTIF_SIZES:
        return flags ? -EINVAL : copy_to_user(ARG_PTR(a, 2), &sizes, sizeof(sizes));
    }
    return -EINVAL;
}

long seccomp_set_mode(u64 mode, const void *filter)
{
    switch (mode) {
    case SECCOMP_MODE_STRICT:
        return seccomp_set_strict();
    case SECCOMP_MODE_FILTER:
        return set_filter(0, filter);
    }
    return -EINVAL;
}
