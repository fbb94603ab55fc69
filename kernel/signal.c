/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signal state of processes and threads: dispositions, masks, alternate stacks. A thread's mask is changed only by
 * itself, under the process lock, so that senders see it whole.
 */
#include "kernel/signal_queue.h"
#include "kernel/posix_timer.h"
#include "kernel/itimer.h"
#include "kernel/lib/string.h"
#include <linux/sched.h>

/* All SA_* flags that sigaction(2) keeps; unknown bits read back as 0, so that programs can probe for them. */
#define SA_KNOWN                                                                                   \
    ((u64)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |       \
           SA_EXPOSE_TAGBITS | SA_RESTORER) | (u64)SA_RESETHAND)

void signal_process_init(struct process *p)
{
    signal_pending_init(&p->pending);
    wait_queue_init(&p->signal_wait);
    wait_queue_init(&p->stop_wait);
    posix_timers_init(p);
    itimers_init(p);
}

void signal_thread_init(struct thread *t, const struct thread *parent, u64 clone_flags)
{
    signal_pending_init(&t->pending);
    if (!parent)
        return;
    t->altstack.flags = SS_DISABLE;
    t->blocked = parent->blocked;
    if ((clone_flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
        t->altstack = parent->altstack;
}

void signal_thread_exit(struct thread *t)
{
    struct process *p = t->process;
    posix_timers_thread_exit(t);
    spin_lock_irq(&p->lock);
    signal_queue_flush(p, &t->pending, ~0ull);
    signal_retarget(t, ~t->blocked);
    spin_unlock_irq(&p->lock);
}

void signal_exec_reset(void)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    spin_lock_irq(&p->lock);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct signal_action *a = &p->handlers.action[i];
        *a = (struct signal_action){.handler = a->handler == (u64)SIG_IGN ? (u64)SIG_IGN : (u64)SIG_DFL};
    }
    t->altstack.sp = t->altstack.size = 0; /* Linux keeps the flags, which the next signal frame shows */
    signal_recalc(t);
    spin_unlock_irq(&p->lock);
}

void signal_process_exit(struct process *p)
{
    itimers_exit(p);
    posix_timers_exit(p);
    spin_lock_irq(&p->lock);
    signal_queue_flush(p, &p->pending, ~0ull);
    spin_unlock_irq(&p->lock);
}

int signal_dequeue(struct thread *t, u64 set, siginfo_t *info)
{
    spin_lock_irq(&t->process->lock);
    int signo = signal_take(t, set & ~SIGNALS_UNBLOCKABLE, info);
    if (signo && t == current_thread())
        signal_recalc(t);
    spin_unlock_irq(&t->process->lock);
    return signo;
}

u64 signal_pending_set(struct thread *t)
{
    return READ_ONCE(t->pending.set) | READ_ONCE(t->process->pending.set);
}

void signal_set_blocked(u64 mask)
{
    struct thread *t = current_thread();
    mask &= ~SIGNALS_UNBLOCKABLE;
    if (mask == t->blocked)
        return; /* nobody else changes it */
    spin_lock_irq(&t->process->lock);
    signal_mask_replace(t, mask);
    spin_unlock_irq(&t->process->lock);
}

void signal_temporary_mask(u64 mask)
{
    struct thread *t = current_thread();
    t->saved_blocked = t->blocked;
    t->restore_blocked = true;
    signal_set_blocked(mask);
}

void signal_temporary_mask_end(bool interrupted)
{
    struct thread *t = current_thread();
    if (interrupted || !t->restore_blocked)
        return; /* the delivery restores it, after a handler has run under the temporary mask */
    t->restore_blocked = false;
    signal_set_blocked(t->saved_blocked);
}

int signal_action_set(int signo, const struct signal_action *new, struct signal_action *old)
{
    struct process *p = current_process();
    if (signo < 1 || signo > SIGNAL_COUNT || (new && (SIGNAL_BIT(signo) & SIGNALS_UNBLOCKABLE)))
        return -EINVAL;
    struct signal_action *action = signal_action_of(p, signo);
    spin_lock_irq(&p->lock);
    if (old)
        *old = *action;
    if (new) {
        *action = *new;
        action->flags &= SA_KNOWN;
        action->mask &= ~SIGNALS_UNBLOCKABLE;
        if (signal_is_ignored(p, signo)) {
            /* POSIX: ignoring a signal discards it where it is pending, blocked or not. */
            struct thread *t;
            signal_queue_flush(p, &p->pending, SIGNAL_BIT(signo));
            list_for_each(t, &p->threads, process_link)
                signal_queue_flush(p, &t->pending, SIGNAL_BIT(signo));
        }
    }
    spin_unlock_irq(&p->lock);
    return 0;
}

bool signal_on_altstack(const struct thread *t, u64 sp)
{
    return sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

u32 signal_altstack_flags(const struct thread *t, u64 sp)
{
    if (!t->altstack.size)
        return SS_DISABLE;
    /* With SS_AUTODISARM the stack is disarmed while a handler runs on it, so sp there means nothing. */
    return !(t->altstack.flags & SS_AUTODISARM) && signal_on_altstack(t, sp) ? SS_ONSTACK : 0;
}

int signal_altstack(const stack_t *new, stack_t *old, u64 sp)
{
    struct thread *t = current_thread();
    if (old) {
        memset(old, 0, sizeof(*old));
        old->ss_sp = (void *)t->altstack.sp;
        old->ss_size = t->altstack.size;
        old->ss_flags = (int)(signal_altstack_flags(t, sp) | (t->altstack.flags & SS_FLAG_BITS));
    }
    if (!new)
        return 0;
    if (signal_altstack_flags(t, sp) == SS_ONSTACK)
        return -EPERM;
    u32 mode = (u32)new->ss_flags & ~SS_FLAG_BITS;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        t->altstack.sp = t->altstack.size = 0;
    } else {
        if (new->ss_size < MINSIGSTKSZ)
            return -ENOMEM;
        t->altstack.sp = (u64)new->ss_sp;
        t->altstack.size = new->ss_size;
    }
    t->altstack.flags = (u32)new->ss_flags;
    return 0;
}
