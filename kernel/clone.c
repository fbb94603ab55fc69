/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New threads of the running process: the kernel's part of clone(2) and clone3(2). What the flags share is
 * checked in Linux's order; what would be another process is refused in one place.
 */
#include <linux/capability.h>
#include <linux/sched.h>
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/sched.h"
#include "kernel/seccomp.h"
#include "kernel/signal.h"
#include "kernel/thread_internal.h"
#include "kernel/user.h"

static int check_flags(u64 flags)
{
    if ((flags & CLONE_NEWNS) && (flags & CLONE_FS))
        return -EINVAL;
    if ((flags & CLONE_NEWUSER) && (flags & CLONE_FS))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED))
        return -EINVAL;
    if (flags & CLONE_NAMESPACES)
        return -EPERM; /* there are none to make: the answer to a program without CAP_SYS_ADMIN */
    return 0;
}

/* A thread of the running process, or another one. */
static bool makes_process(u64 flags)
{
    return !(flags & CLONE_THREAD);
}

static int inherit(struct thread *t, struct thread *me, u64 flags)
{
    memcpy(t->name, me->name, sizeof(t->name));
    t->affinity = me->affinity;
    t->nice = me->nice;
    t->policy = me->policy;
    t->priority = me->priority;
    if (me->reset_on_fork) {
        if (me->policy == SCHED_FIFO || me->policy == SCHED_RR) {
            t->policy = SCHED_NORMAL;
            t->priority = 0;
        }
        t->nice = MAX(t->nice, 0);
    }
    t->timer_slack = me->timer_slack;
    t->io_priority = me->io_priority;
    t->memory_policy = me->memory_policy;
    t->cpu.fs_base = platform_get_fs_base(&me->cpu);
    t->cpu.gs_base = platform_get_gs_base(&me->cpu);
    platform_xsave_copy(&t->cpu);
    signal_thread_init(t, me, flags);
    seccomp_inherit(t, me);
    thread_credentials(me, &t->cred);
    return thread_share_files(t, flags);
}

long process_clone(const struct clone_args *args, int tid, struct user_frame *frame)
{
    struct thread *me = current_thread();
    const u64 both = CLONE_PIDFD | CLONE_PARENT_SETTID;
    if ((args->flags & both) == both && args->pidfd == args->parent_tid)
        return -EINVAL; /* both results would go to the same place */
    int error = check_flags(args->flags);
    if (error)
        return error;
    if (makes_process(args->flags)) {
        static bool told;
        if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
            log_warn("clone with flags %#llx would make another process: not served (ENOSYS)",
                     (unsigned long long)args->flags);
        return -ENOSYS;
    }
    if ((args->flags & CLONE_SETTLS) && args->tls >= USER_SPACE_END)
        return -EPERM;
    if (tid >= PID_MAX)
        return -EINVAL;
    if (tid && !capable(CAP_CHECKPOINT_RESTORE) && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (args->flags & CLONE_INTO_CGROUP)
        return -EBADF; /* no cgroup file system, so no descriptor of one */

    struct thread *t = thread_create_with_id(me->process, tid, NULL, NULL);
    if (IS_ERR(t))
        return PTR_ERR(t);
    error = inherit(t, me, args->flags);
    if (!error && args->flags & CLONE_PIDFD)
        error = thread_pidfd(t, (int *)args->pidfd);
    if (error) {
        thread_exit_files(t);
        thread_discard(t);
        return error;
    }
    struct user_frame *child = platform_user_frame(&t->cpu);
    *child = *frame;
    child->ax = 0;
    child->orig_ax = ~0ull; /* nothing to restart */
    if (args->stack)
        child->sp = args->stack + args->stack_size;
    if (args->flags & CLONE_SETTLS)
        t->cpu.fs_base = args->tls;
    if (args->flags & CLONE_CHILD_SETTID)
        t->set_child_tid = (u32 *)args->child_tid;
    if (args->flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = (u32 *)args->child_tid;
    tid = t->tid;
    if (args->flags & CLONE_PARENT_SETTID)
        put_user((u32)tid, (u32 *)args->parent_tid); /* Linux ignores a bad pointer too */
    if (args->flags & CLONE_VFORK) {
        t->vforked = true;
        thread_get(t);
    }
    thread_start(t);
    if (args->flags & CLONE_VFORK) {
        wait_event(&me->process->vfork_wait, !READ_ONCE(t->vforked), NSEC_NEVER, WAIT_KILLABLE);
        thread_put(t);
    }
    return tid;
}
