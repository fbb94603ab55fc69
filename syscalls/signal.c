/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about signals. Sources: the man pages of each call; order of checks as Linux makes them, since
 * programs see which error comes first.
 */
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"
#include "kernel/signal_queue.h"
#include "kernel/lib/string.h"

#define SIGSET_SIZE sizeof(u64)

long sys_rt_sigaction(const struct syscall_args *a);
long sys_rt_sigprocmask(const struct syscall_args *a);
long sys_rt_sigpending(const struct syscall_args *a);
long sys_rt_sigsuspend(const struct syscall_args *a);
long sys_rt_sigtimedwait(const struct syscall_args *a);
long sys_rt_sigreturn(const struct syscall_args *a);
long sys_sigaltstack(const struct syscall_args *a);
long sys_pause(const struct syscall_args *a);
long sys_restart_syscall(const struct syscall_args *a);

long sys_rt_sigaction(const struct syscall_args *a)
{
    struct signal_action new, old;
    _Static_assert(sizeof(new) == sizeof(struct sigaction), "the kernel's struct sigaction");
    if (ARG_U64(a, 3) != SIGSET_SIZE)
        return -EINVAL;
    if (ARG_PTR(a, 1) && get_user(new, ARG_PTR(a, 1)))
        return -EFAULT;
    int error = signal_action_set(ARG_INT(a, 0), ARG_PTR(a, 1) ? &new : NULL, &old);
    if (!error && ARG_PTR(a, 2))
        error = copy_to_user(ARG_PTR(a, 2), &old, sizeof(old));
    return error;
}

long sys_rt_sigprocmask(const struct syscall_args *a)
{
    u64 old = current_thread()->blocked, set;
    if (ARG_U64(a, 3) != SIGSET_SIZE)
        return -EINVAL;
    if (ARG_PTR(a, 1)) {
        if (get_user(set, ARG_PTR(a, 1)))
            return -EFAULT;
        set &= ~SIGNALS_UNBLOCKABLE;
        switch (ARG_INT(a, 0)) {
        case SIG_BLOCK:
            signal_set_blocked(old | set);
            break;
        case SIG_UNBLOCK:
            signal_set_blocked(old & ~set);
            break;
        case SIG_SETMASK:
            signal_set_blocked(set);
            break;
        default:
            return -EINVAL;
        }
    }
    return ARG_PTR(a, 2) ? copy_to_user(ARG_PTR(a, 2), &old, sizeof(old)) : 0;
}

long sys_rt_sigpending(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    if (ARG_U64(a, 1) > SIGSET_SIZE)
        return -EINVAL;
    u64 set = signal_pending_set(t) & t->blocked;
    return copy_to_user(ARG_PTR(a, 0), &set, ARG_U64(a, 1));
}

/* Sleeps until a signal is to be delivered. */
static long sleep_for_signal(void)
{
    do
        wait_prepare(WAIT_INTERRUPTIBLE);
    while (wait_sleep(NSEC_NEVER) != -ERESTARTSYS);
    wait_finish();
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(const struct syscall_args *a)
{
    u64 mask;
    if (ARG_U64(a, 1) != SIGSET_SIZE)
        return -EINVAL;
    if (get_user(mask, ARG_PTR(a, 0)))
        return -EFAULT;
    signal_temporary_mask(mask);
    return sleep_for_signal();
}

long sys_pause(const struct syscall_args *a)
{
    return sleep_for_signal();
}

/* Takes one signal of set, waiting up to timeout for it: signo, -EAGAIN or -EINTR. */
static long wait_for_signal(u64 set, siginfo_t *info, nsec_t timeout)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    spin_lock_irq(&p->lock);
    int signo = signal_take(t, set, info);
    if (signo || !timeout) {
        signal_recalc(t);
        spin_unlock_irq(&p->lock);
        return signo ? signo : -EAGAIN;
    }
    /* While it sleeps here the signals it wants count as unblocked, so that senders choose and wake it. */
    u64 blocked = t->blocked;
    t->wait_set = set;
    t->blocked = blocked & ~set;
    signal_recalc(t);
    spin_unlock_irq(&p->lock);

    nsec_t now = platform_clock();
    nsec_t deadline = timeout < NSEC_NEVER - now ? now + timeout : NSEC_NEVER;
    int error;
    do {
        wait_prepare(WAIT_INTERRUPTIBLE);
        error = wait_sleep(deadline);
    } while (!error);
    wait_finish();

    spin_lock_irq(&p->lock);
    t->wait_set = 0;
    signal_mask_replace(t, blocked);
    signo = signal_take(t, set, info);
    signal_recalc(t);
    spin_unlock_irq(&p->lock);
    if (signo)
        return signo;
    return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sys_rt_sigtimedwait(const struct syscall_args *a)
{
    u64 set;
    siginfo_t info;
    struct __kernel_timespec ts;
    nsec_t timeout = NSEC_NEVER;
    if (ARG_U64(a, 3) != SIGSET_SIZE)
        return -EINVAL;
    if (get_user(set, ARG_PTR(a, 0)))
        return -EFAULT;
    if (ARG_PTR(a, 2)) {
        if (get_user(ts, ARG_PTR(a, 2)))
            return -EFAULT;
        if (timespec_to_ns(&ts, &timeout))
            return -EINVAL;
    }
    long signo = wait_for_signal(set & ~SIGNALS_UNBLOCKABLE, &info, timeout);
    if (signo > 0 && ARG_PTR(a, 1) && copy_to_user(ARG_PTR(a, 1), &info, sizeof(info)))
        return -EFAULT;
    return signo;
}

long sys_rt_sigreturn(const struct syscall_args *a)
{
    return signal_return(a->frame);
}

long sys_sigaltstack(const struct syscall_args *a)
{
    stack_t new, old;
    if (ARG_PTR(a, 0) && get_user(new, ARG_PTR(a, 0)))
        return -EFAULT;
    int error = signal_altstack(ARG_PTR(a, 0) ? &new : NULL, &old, a->frame->sp);
    if (!error && ARG_PTR(a, 1))
        error = copy_to_user(ARG_PTR(a, 1), &old, sizeof(old));
    return error;
}

long sys_restart_syscall(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    long (*again)(struct thread *) = t->restart.fn;
    return again ? again(t) : -EINTR;
}
