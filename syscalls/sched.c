/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on how threads are scheduled: sched(7), nice(2), ioprio_set(2). */
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"
#include "kernel/lib/string.h"
#include "kernel/sched.h"

long sys_sched_yield(const struct syscall_args *a);
long sys_sched_setaffinity(const struct syscall_args *a);
long sys_sched_getaffinity(const struct syscall_args *a);
long sys_sched_setscheduler(const struct syscall_args *a);
long sys_sched_getscheduler(const struct syscall_args *a);
long sys_sched_setparam(const struct syscall_args *a);
long sys_sched_getparam(const struct syscall_args *a);
long sys_sched_get_priority_max(const struct syscall_args *a);
long sys_sched_get_priority_min(const struct syscall_args *a);
long sys_sched_rr_get_interval(const struct syscall_args *a);
long sys_sched_setattr(const struct syscall_args *a);
long sys_sched_getattr(const struct syscall_args *a);

#define KEEP_POLICY (-1)
#define SLICE_OTHER (4 * NSEC_PER_MSEC)
#define SLICE_RR    (100 * NSEC_PER_MSEC)
#define FAIR_POLICY(p) ((p) == SCHED_NORMAL || (p) == SCHED_BATCH)
#define REALTIME(p)    ((p) == SCHED_FIFO || (p) == SCHED_RR)

/* The thread with that id (0: the caller) with a reference, or NULL. */
static struct thread *get_thread(int tid)
{
    if (tid)
        return thread_find(tid);
    thread_get(current_thread());
    return current_thread();
}

/* May the caller change how t is scheduled? */
static bool may_change(const struct thread *t)
{
    u32 uid = current_thread()->cred.euid;
    return capable(CAP_SYS_NICE) || uid == t->cred.euid || uid == t->cred.uid;
}

static u64 limit_of(const struct thread *t, int which)
{
    return t->process->limits[which].rlim_cur;
}

/* May the caller give t that nice value? A rise in favour needs RLIMIT_NICE, which counts 20 - nice. */
static bool may_nice(const struct thread *t, int nice)
{
    return nice >= t->nice || (u64)(20 - nice) <= limit_of(t, RLIMIT_NICE) || capable(CAP_SYS_NICE);
}

long sys_sched_yield(const struct syscall_args *a)
{
    sched_yield_to_others(true);
    return 0;
}

long sys_sched_setaffinity(const struct syscall_args *a)
{
    u64 mask = 0, size = MIN((u64)ARG_U32(a, 1), sizeof(mask));
    if (copy_from_user(&mask, ARG_PTR(a, 2), size))
        return -EFAULT;
    struct thread *t = get_thread(ARG_INT(a, 0));
    if (!t)
        return -ESRCH;
    int error = may_change(t) ? sched_set_affinity(t, mask) : -EPERM;
    thread_put(t);
    return error;
}

long sys_sched_getaffinity(const struct syscall_args *a)
{
    u32 size = ARG_U32(a, 1);
    u64 online = sched_online_cpus();
    if ((u64)size * 8 < 64 - (unsigned)__builtin_clzll(online) || size % sizeof(u64))
        return -EINVAL;
    struct thread *t = get_thread(ARG_INT(a, 0));
    if (!t)
        return -ESRCH;
    u64 mask = t->affinity & online;
    thread_put(t);
    return put_user(mask, (u64 *)ARG_PTR(a, 2)) ? -EFAULT : (long)sizeof(mask);
}

enum what { SET_POLICY, SET_POLICY_AND_NICE, CHECK_ONLY };

/*
 * The common body of the calls that set policy and parameters. policy KEEP_POLICY keeps the thread's and its
 * reset_on_fork. CHECK_ONLY changes nothing else than reset_on_fork: what Linux does for SCHED_FLAG_KEEP_PARAMS.
 */
static long set_scheduler(int tid, int policy, int priority, int nice, enum what what, bool reset_on_fork)
{
    struct thread *t = get_thread(tid);
    if (!t)
        return -ESRCH;
    long error = 0;
    bool privileged = capable(CAP_SYS_NICE);
    if (policy == KEEP_POLICY) {
        policy = t->policy;
        reset_on_fork = t->reset_on_fork;
    }
    if (policy == SCHED_DEADLINE || policy > SCHED_DEADLINE || policy == 4 || priority < 0 || priority > 99 ||
        REALTIME(policy) != (priority != 0)) {
        error = -EINVAL;
    } else if (!privileged) {
        u64 limit = limit_of(t, RLIMIT_RTPRIO);
        if (!may_change(t))
            error = -EPERM;
        else if (REALTIME(policy) &&
                 ((policy != t->policy && !limit) || (priority > t->priority && (u64)priority > limit)))
            error = -EPERM;
        else if (what != SET_POLICY && FAIR_POLICY(policy) && !may_nice(t, nice))
            error = -EPERM;
        else if (t->policy == SCHED_IDLE && policy != SCHED_IDLE && !may_nice(t, t->nice - 1))
            error = -EPERM;
        else if (t->reset_on_fork && !reset_on_fork)
            error = -EPERM;
    }
    if (!error) {
        t->reset_on_fork = reset_on_fork;
        if (what != CHECK_ONLY)
            error = sched_set_policy(t, policy, priority);
        if (!error && what == SET_POLICY_AND_NICE && FAIR_POLICY(policy))
            sched_set_nice(t, nice);
    }
    thread_put(t);
    return error;
}

long sys_sched_setscheduler(const struct syscall_args *a)
{
    int policy = ARG_INT(a, 1);
    struct sched_param_abi { int priority; } param;
    if (policy < 0 || !ARG_PTR(a, 2) || ARG_INT(a, 0) < 0)
        return -EINVAL;
    if (get_user(param, ARG_PTR(a, 2)))
        return -EFAULT;
    bool reset = policy & SCHED_RESET_ON_FORK;
    return set_scheduler(ARG_INT(a, 0), policy & ~SCHED_RESET_ON_FORK, param.priority, 0, SET_POLICY, reset);
}

long sys_sched_setparam(const struct syscall_args *a)
{
    int priority;
    if (!ARG_PTR(a, 1) || ARG_INT(a, 0) < 0)
        return -EINVAL;
    if (get_user(priority, (int *)ARG_PTR(a, 1)))
        return -EFAULT;
    return set_scheduler(ARG_INT(a, 0), KEEP_POLICY, priority, 0, SET_POLICY, false);
}

long sys_sched_getscheduler(const struct syscall_args *a)
{
    if (ARG_INT(a, 0) < 0)
        return -EINVAL;
    struct thread *t = get_thread(ARG_INT(a, 0));
    if (!t)
        return -ESRCH;
    long policy = t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
    thread_put(t);
    return policy;
}

long sys_sched_getparam(const struct syscall_args *a)
{
    if (!ARG_PTR(a, 1) || ARG_INT(a, 0) < 0)
        return -EINVAL;
    struct thread *t = get_thread(ARG_INT(a, 0));
    if (!t)
        return -ESRCH;
    int priority = REALTIME(t->policy) ? t->priority : 0;
    thread_put(t);
    return put_user(priority, (int *)ARG_PTR(a, 1));
}

static long priority_bound(int policy, int realtime)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return realtime;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE:
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_sched_get_priority_max(const struct syscall_args *a)
{
    return priority_bound(ARG_INT(a, 0), 99);
}

long sys_sched_get_priority_min(const struct syscall_args *a)
{
    return priority_bound(ARG_INT(a, 0), 1);
}

long sys_sched_rr_get_interval(const struct syscall_args *a)
{
    if (ARG_INT(a, 0) < 0)
        return -EINVAL;
    struct thread *t = get_thread(ARG_INT(a, 0));
    if (!t)
        return -ESRCH;
    int policy = t->policy;
    thread_put(t);
    nsec_t slice = policy == SCHED_RR ? SLICE_RR : policy == SCHED_FIFO ? 0 : SLICE_OTHER;
    struct __kernel_timespec ts = ns_to_timespec(slice);
    return copy_to_user(ARG_PTR(a, 1), &ts, sizeof(ts));
}

/* Reads a struct sched_attr of the program's size, as copy_struct_from_user does on Linux. */
static int copy_attr(struct sched_attr *attr, struct sched_attr *user)
{
    u32 size;
    if (get_user(size, &user->size))
        return -EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    bool size_bad = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE;
    for (u32 i = sizeof(*attr); !size_bad && i < size; i++) {
        u8 rest;
        if (get_user(rest, (u8 *)user + i))
            return -EFAULT;
        size_bad = rest != 0;
    }
    if (size_bad) {
        put_user((u32)sizeof(*attr), &user->size);
        return -E2BIG;
    }
    memset(attr, 0, sizeof(*attr));
    if (copy_from_user(attr, user, MIN(size, (u32)sizeof(*attr))))
        return -EFAULT;
    if ((attr->sched_flags & SCHED_FLAG_UTIL_CLAMP) && size < SCHED_ATTR_SIZE_VER1)
        return -EINVAL;
    return 0;
}

long sys_sched_setattr(const struct syscall_args *a)
{
    struct sched_attr attr;
    int tid = ARG_INT(a, 0);
    if (!ARG_PTR(a, 1) || tid < 0 || ARG_U32(a, 2))
        return -EINVAL;
    int error = copy_attr(&attr, ARG_PTR(a, 1));
    if (error)
        return error;
    if ((int)attr.sched_policy < 0)
        return -EINVAL;
    int policy = attr.sched_flags & SCHED_FLAG_KEEP_POLICY ? KEEP_POLICY : (int)attr.sched_policy;
    struct thread *t = get_thread(tid);
    if (!t)
        return -ESRCH;
    if (attr.sched_flags & SCHED_FLAG_KEEP_PARAMS) {
        attr.sched_priority = REALTIME(t->policy) ? (u32)t->priority : 0;
        attr.sched_nice = t->nice;
    }
    thread_put(t);
    if (attr.sched_flags & ~(u64)SCHED_FLAG_ALL)
        return -EINVAL;
    if (attr.sched_flags & SCHED_FLAG_UTIL_CLAMP)
        return -EOPNOTSUPP;
    int nice = MAX(-20, MIN(attr.sched_nice, 19));
    return set_scheduler(tid, policy, attr.sched_priority > 99 ? 100 : (int)attr.sched_priority, nice,
                         attr.sched_flags & SCHED_FLAG_KEEP_PARAMS ? CHECK_ONLY : SET_POLICY_AND_NICE,
                         (attr.sched_flags & SCHED_FLAG_RESET_ON_FORK) != 0);
}

long sys_sched_getattr(const struct syscall_args *a)
{
    struct sched_attr *user = ARG_PTR(a, 1);
    u32 size = ARG_U32(a, 2);
    if (!user || ARG_INT(a, 0) < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || ARG_U32(a, 3))
        return -EINVAL;
    struct thread *t = get_thread(ARG_INT(a, 0));
    if (!t)
        return -ESRCH;
    struct sched_attr attr = {
        .size = MIN(size, (u32)sizeof(attr)),
        .sched_policy = (u32)t->policy,
        .sched_flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
    };
    if (REALTIME(t->policy))
        attr.sched_priority = (u32)t->priority;
    else
        attr.sched_nice = t->nice;
    thread_put(t);
    return copy_to_user(user, &attr, attr.size);
}
