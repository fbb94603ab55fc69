/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about resource limits: getrlimit(2). */
#include <linux/capability.h>
#include "syscalls/syscall.h"
#include "kernel/cpu_timer.h"

long sys_getrlimit(const struct syscall_args *a);
long sys_setrlimit(const struct syscall_args *a);
long sys_prlimit64(const struct syscall_args *a);

/* What /proc/sys/fs/nr_open says: no limit on descriptors can be higher. */
#define DESCRIPTORS_MAX 1048576

static long limit_access(struct process *p, u32 resource, const struct rlimit *new, struct rlimit *old)
{
    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (new && new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (new && resource == RLIMIT_NOFILE && new->rlim_max > DESCRIPTORS_MAX)
        return -EPERM;
    struct rlimit *limit = &p->limits[resource];
    long error = 0;
    spin_lock_irq(&p->lock);
    *old = *limit;
    if (new && new->rlim_max > limit->rlim_max && !capable(CAP_SYS_RESOURCE))
        error = -EPERM;
    else if (new)
        *limit = *new;
    if (new && !error && resource == RLIMIT_CPU && limit->rlim_cur == 0)
        limit->rlim_cur = 1; /* setrlimit(2): 0 means 1 second */
    spin_unlock_irq(&p->lock);
    if (new && !error && (resource == RLIMIT_CPU || resource == RLIMIT_RTTIME))
        cpu_timers_changed(p);
    return error;
}

long sys_getrlimit(const struct syscall_args *a)
{
    struct rlimit old;
    long error = limit_access(current_process(), ARG_U32(a, 0), NULL, &old);
    return error ? error : copy_to_user(ARG_PTR(a, 1), &old, sizeof(old));
}

long sys_setrlimit(const struct syscall_args *a)
{
    struct rlimit new, old;
    if (get_user(new, ARG_PTR(a, 1)))
        return -EFAULT;
    return limit_access(current_process(), ARG_U32(a, 0), &new, &old);
}

long sys_prlimit64(const struct syscall_args *a)
{
    struct rlimit new, old;
    _Static_assert(sizeof(new) == sizeof(struct rlimit64), "both are 64 bits wide");
    if (ARG_PTR(a, 2) && get_user(new, ARG_PTR(a, 2)))
        return -EFAULT;
    struct thread *t = thread_find(ARG_INT(a, 0) ? ARG_INT(a, 0) : current_thread()->tid);
    if (!t)
        return -ESRCH;
    long error = t->process ? limit_access(t->process, ARG_U32(a, 1), ARG_PTR(a, 2) ? &new : NULL, &old) : -ESRCH;
    thread_put(t);
    if (!error && ARG_PTR(a, 3))
        error = copy_to_user(ARG_PTR(a, 3), &old, sizeof(old));
    return error;
}
