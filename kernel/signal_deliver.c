/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery, in the receiving thread on its way back to the program: takes signals one by one, acts on those without a
 * handler, starts the handler of the first that has one, and settles what becomes of an interrupted system call.
 */
#include <asm/unistd.h>
#include "kernel/signal_queue.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/user.h"

void (*signal_trace)(int signo, const siginfo_t *info);

/* Registers and the chain of frame pointers of a program that dies; names are for tools that have its symbols. */
static void log_death(const struct user_frame *f, int signo, const siginfo_t *info)
{
    struct thread *t = current_thread();
    if (params.loglevel < LOG_INFO)
        return;
    if (info->si_code > 0 && info->si_code != SI_KERNEL)
        log_info("%s[%d]: killed by signal %d, code %d, address %p", t->name, t->tid, signo, info->si_code, info->si_addr);
    else
        log_info("%s[%d]: killed by signal %d, code %d", t->name, t->tid, signo, info->si_code);
    log_info("ip %016lx sp %016lx flags %08lx trap %lu error %lx", f->ip, f->sp, f->flags, t->trap_number, t->trap_error);
    log_info("ax %016lx bx %016lx cx %016lx dx %016lx", f->ax, f->bx, f->cx, f->dx);
    log_info("si %016lx di %016lx bp %016lx r8 %016lx", f->si, f->di, f->bp, f->r8);
    log_info("r9 %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11, f->r12);
    log_info("r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
    u64 bp = f->bp, link[2];
    for (int depth = 0; depth < 32; depth++) {
        if (!user_range_ok((void *)bp, sizeof(link)) || copy_from_user(link, (void *)bp, sizeof(link)) || !link[1])
            break;
        log_info("called from %016lx", link[1]);
        if (link[0] <= bp)
            break;
        bp = link[0];
    }
}

void signal_die(struct user_frame *frame, int signo, const siginfo_t *info)
{
    struct process *p = current_process();
    log_death(frame, signo, info);
    process_exit(signal_wait_status(p, signo));
}

/* The default action "stop": all threads of the process wait until SIGCONT. Lock held. */
static void stop_process(struct process *p)
{
    struct thread *t, *self = current_thread();
    p->stopped = true;
    list_for_each(t, &p->threads, process_link)
        if (t != self)
            signal_wake(t);
}

/* Waits while the process is stopped; lock held before and after, not during. */
static void wait_while_stopped(struct process *p, struct thread *t)
{
    while (p->stopped && !t->exit_requested) {
        spin_unlock_irq(&p->lock);
        wait_event(&p->stop_wait, !READ_ONCE(p->stopped) || READ_ONCE(t->exit_requested), NSEC_NEVER, WAIT_KILLABLE);
        spin_lock_irq(&p->lock);
    }
}

/* The next signal that has a handler, with *action as it was when it was taken; 0: none is left. */
static int next_handled(struct user_frame *frame, siginfo_t *info, struct signal_action *action)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    int signo;
    spin_lock_irq(&p->lock);
    for (;;) {
        wait_while_stopped(p, t);
        signo = t->exit_requested ? 0 : signal_take(t, ~t->blocked, info);
        if (!signo)
            break;
        struct signal_action *current = signal_action_of(p, signo);
        *action = *current;
        if (signal_trace) {
            spin_unlock_irq(&p->lock);
            signal_trace(signo, info);
            spin_lock_irq(&p->lock);
        }
        if (signal_is_ignored(p, signo))
            continue;
        if (action->handler != HANDLER_DEFAULT) {
            if (action->flags & (u64)SA_RESETHAND)
                current->handler = HANDLER_DEFAULT;
            break;
        }
        if (SIGNAL_BIT(signo) & SIGNALS_STOP) {
            stop_process(p);
            continue;
        }
        spin_unlock_irq(&p->lock);
        signal_die(frame, signo, info);
    }
    signal_recalc(t);
    spin_unlock_irq(&p->lock);
    return signo;
}

/* Length of the `syscall` instruction: going back by it runs the call again. */
#define SYSCALL_LENGTH 2

static void call_again(struct user_frame *frame, u64 nr)
{
    frame->ax = nr;
    frame->ip -= SYSCALL_LENGTH;
    current_thread()->cpu.full_return = true;
}

/* What an interrupted call becomes; action NULL: no handler runs. Source: signal(7), "Interruption of system calls". */
static void settle_call(struct user_frame *frame, const struct signal_action *action)
{
    if ((s64)frame->orig_ax == -1)
        return; /* came by interrupt or exception */
    switch ((s64)frame->ax) {
    case -ERESTART_RESTARTBLOCK:
        if (action)
            frame->ax = (u64)-EINTR;
        else
            call_again(frame, __NR_restart_syscall);
        break;
    case -ERESTARTNOHAND:
        if (action)
            frame->ax = (u64)-EINTR;
        else
            call_again(frame, frame->orig_ax);
        break;
    case -ERESTARTSYS:
        if (action && !(action->flags & SA_RESTART)) {
            frame->ax = (u64)-EINTR;
            break;
        }
        /* fall through */
    case -ERESTARTNOINTR:
        call_again(frame, frame->orig_ax);
        break;
    }
}

static void start_handler(struct user_frame *frame, int signo, const siginfo_t *info, const struct signal_action *action)
{
    struct thread *t = current_thread();
    u64 mask = t->restore_blocked ? t->saved_blocked : t->blocked;
    if (signal_frame_push(frame, signo, info, action, mask)) {
        signal_force_fatal(signo);
        return;
    }
    t->restore_blocked = false;
    signal_set_blocked(t->blocked | action->mask | (action->flags & SA_NODEFER ? 0 : SIGNAL_BIT(signo)));
    if (t->altstack.flags & SS_AUTODISARM) {
        t->altstack.sp = t->altstack.size = 0;
        t->altstack.flags = SS_DISABLE;
    }
}

void signal_deliver(struct user_frame *frame)
{
    struct thread *t = current_thread();
    siginfo_t info;
    struct signal_action action;
    int signo = next_handled(frame, &info, &action);
    if (signo) {
        settle_call(frame, &action);
        start_handler(frame, signo, &info, &action);
        return;
    }
    if (t->exit_requested)
        return;
    settle_call(frame, NULL);
    if (t->restore_blocked) {
        t->restore_blocked = false;
        signal_set_blocked(t->saved_blocked);
    }
}

long signal_return(struct user_frame *frame)
{
    struct thread *t = current_thread();
    u64 mask;
    t->restart.fn = NULL;
    int error = signal_frame_pop(frame, &mask);
    frame->orig_ax = (u64)-1;
    t->cpu.full_return = true;
    if (error) {
        signal_force(SIGSEGV, NULL);
        return (long)frame->ax;
    }
    signal_set_blocked(mask);
    return (long)frame->ax;
}
