/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setpriority(2), getpriority(2), ioprio_set(2), ioprio_get(2): the same change for a thread, a process group or all
 * threads of a user. Nice values belong to threads on Linux, and so they do here.
 */
#include <linux/capability.h>
#include <linux/ioprio.h>
#include "syscalls/syscall.h"
#include "kernel/sched.h"

long sys_setpriority(const struct syscall_args *a);
long sys_getpriority(const struct syscall_args *a);
long sys_ioprio_set(const struct syscall_args *a);
long sys_ioprio_get(const struct syscall_args *a);

enum target { TARGET_THREAD, TARGET_GROUP, TARGET_USER };

/* What is done to each thread: returns an error to remember, or 0. */
typedef long (*visit_t)(struct thread *t, void *arg);

/* Calls visit for each thread meant by (target, who); -ESRCH if there is none, else the last error or 0. */
static long for_each_target(enum target target, int who, visit_t visit, void *arg)
{
    long result = -ESRCH, error;
    struct process *me = current_process();
    if (target == TARGET_THREAD) {
        struct thread *t = who ? thread_find(who) : current_thread();
        if (!t)
            return -ESRCH;
        result = visit(t, arg);
        if (who)
            thread_put(t);
        return result;
    }
    if (!who)
        who = target == TARGET_GROUP ? me->group_id : (int)current_thread()->cred.uid;
    struct process *p;
    for (int pid = 0; (p = process_next(pid)); process_put(p)) {
        struct thread *t;
        pid = p->pid;
        if (target == TARGET_GROUP && p->group_id != who)
            continue;
        spin_lock_irq(&p->lock);
        list_for_each(t, &p->threads, process_link) {
            if (target == TARGET_USER && t->cred.uid != (u32)who)
                continue;
            error = visit(t, arg);
            if (result == -ESRCH || error)
                result = error;
        }
        spin_unlock_irq(&p->lock);
    }
    return result;
}

static long set_nice(struct thread *t, void *arg)
{
    int nice = *(int *)arg;
    const struct credentials *mine = &current_thread()->cred, *its = &t->cred;
    if (mine->euid != its->uid && mine->euid != its->euid && !capable(CAP_SYS_NICE))
        return -EPERM;
    if (nice < t->nice && (u64)(20 - nice) > t->process->limits[RLIMIT_NICE].rlim_cur && !capable(CAP_SYS_NICE))
        return -EACCES;
    sched_set_nice(t, nice);
    return 0;
}

long sys_setpriority(const struct syscall_args *a)
{
    int nice = MAX(-20, MIN(ARG_INT(a, 2), 19));
    if (ARG_U32(a, 0) > PRIO_USER)
        return -EINVAL;
    return for_each_target((enum target)ARG_INT(a, 0), ARG_INT(a, 1), set_nice, &nice);
}

static long best_nice(struct thread *t, void *arg)
{
    long *best = arg;
    *best = MAX(*best, 20l - t->nice);
    return 0;
}

/* The raw call returns 20 - nice, so that an error is never mistaken for a value. */
long sys_getpriority(const struct syscall_args *a)
{
    long best = 0;
    if (ARG_U32(a, 0) > PRIO_USER)
        return -EINVAL;
    long error = for_each_target((enum target)ARG_INT(a, 0), ARG_INT(a, 1), best_nice, &best);
    return error ? error : best;
}

/* ---------------------------------------------------------------- I/O priority: kept and reported; the devices here have no queue to order */

static long io_target(int which, enum target *target)
{
    switch (which) {
    case IOPRIO_WHO_PROCESS:
        *target = TARGET_THREAD;
        return 0;
    case IOPRIO_WHO_PGRP:
        *target = TARGET_GROUP;
        return 0;
    case IOPRIO_WHO_USER:
        *target = TARGET_USER;
        return 0;
    default:
        return -EINVAL;
    }
}

static long set_io(struct thread *t, void *arg)
{
    const struct credentials *mine = &current_thread()->cred, *its = &t->cred;
    if (its->uid != mine->euid && its->uid != mine->uid && !capable(CAP_SYS_NICE))
        return -EPERM;
    t->io_priority = *(int *)arg;
    return 0;
}

long sys_ioprio_set(const struct syscall_args *a)
{
    int value = ARG_INT(a, 2), level = value & (IOPRIO_NR_LEVELS - 1);
    enum target target;
    switch (IOPRIO_PRIO_CLASS(value)) {
    case IOPRIO_CLASS_RT:
        if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
            return -EPERM;
        break;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
        break;
    case IOPRIO_CLASS_NONE:
        if (level)
            return -EINVAL;
        break;
    default:
        return -EINVAL;
    }
    long error = io_target(ARG_INT(a, 0), &target);
    return error ? error : for_each_target(target, ARG_INT(a, 1), set_io, &value);
}

static int io_rank(int value)
{
    int class = IOPRIO_PRIO_CLASS(value);
    return (class == IOPRIO_CLASS_NONE ? IOPRIO_CLASS_BE : class) << 16 | IOPRIO_PRIO_DATA(value);
}

static long best_io(struct thread *t, void *arg)
{
    int *best = arg;
    if (*best < 0 || io_rank(t->io_priority) < io_rank(*best))
        *best = t->io_priority;
    return 0;
}

long sys_ioprio_get(const struct syscall_args *a)
{
    enum target target;
    int best = -1;
    long error = io_target(ARG_INT(a, 0), &target);
    if (!error)
        error = for_each_target(target, ARG_INT(a, 1), best_io, &best);
    return error ? error : best;
}
