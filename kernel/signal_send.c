/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending signals: from other parts of the kernel (timers, pipes, the terminal), from kill and its relatives, and the
 * faults of the running thread. Callable from interrupt handlers, except signal_force().
 */
#include "kernel/address_space.h"
#include "kernel/patch.h"
#include "kernel/signal_queue.h"
#include "kernel/lib/string.h"

/* Numbers of the CPU, which the signal frame reports. */
#define TRAP_DEBUG      1u
#define TRAP_PAGE_FAULT    14u
#define PAGE_FAULT_PRESENT 1u

int signal_wait_status(struct process *p, int signo)
{
    bool core = (SIGNAL_BIT(signo) & SIGNALS_CORE) && p->dumpable && p->limits[RLIMIT_CORE].rlim_cur > 0;
    return signo | (core ? 0x80 : 0);
}

void signal_kill_process(struct process *p, int signo)
{
    process_kill(p, signal_wait_status(p, signo));
}

static int send(struct process *p, struct thread *t, int signo, const siginfo_t *info)
{
    bool fatal;
    spin_lock_irq(&p->lock);
    int error = signal_send_locked(p, t, signo, info, NULL, &fatal);
    spin_unlock_irq(&p->lock);
    if (fatal)
        signal_kill_process(p, signo);
    return error;
}

int signal_send_process(struct process *p, int signo, const siginfo_t *info)
{
    return send(p, NULL, signo, info);
}

int signal_send_thread(struct thread *t, int signo, const siginfo_t *info)
{
    if (!t->process)
        return -ESRCH; /* kernel threads take no signals */
    return send(t->process, t, signo, info);
}

void signal_info_user(siginfo_t *info, int signo, int code)
{
    struct process *p = current_process();
    memset(info, 0, sizeof(*info));
    info->si_signo = signo;
    info->si_code = code;
    info->si_pid = p->pid;
    info->si_uid = current_thread()->cred.uid;
}

void signal_force(int signo, const siginfo_t *info)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    struct signal_action *action = signal_action_of(p, signo);
    bool fatal;
    spin_lock_irq(&p->lock);
    /* The instruction cannot go on: a program that does not want to hear of it dies of it. */
    bool deaf = (t->blocked & SIGNAL_BIT(signo)) || action->handler == HANDLER_IGNORE;
    if (deaf) {
        action->handler = HANDLER_DEFAULT;
        t->blocked &= ~SIGNAL_BIT(signo);
    }
    signal_send_locked(p, t, signo, info, NULL, &fatal);
    signal_recalc(t);
    spin_unlock_irq(&p->lock);
    if (fatal)
        signal_kill_process(p, signo);
}

void signal_force_fatal(int signo)
{
    struct process *p = current_process();
    if (signo == SIGSEGV) {
        /* The SEGV handler itself cannot be run. */
        spin_lock_irq(&p->lock);
        signal_action_of(p, signo)->handler = HANDLER_DEFAULT;
        spin_unlock_irq(&p->lock);
    }
    signal_force(SIGSEGV, NULL);
}

void kernel_user_exception(int signo, int code, vaddr_t address, unsigned trapno, u64 error)
{
    struct thread *t = current_thread();
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_signo = signo;
    info.si_code = code;
    /* Signals the kernel sends for no particular address carry none (#GP, int3). */
    if (code != SI_KERNEL)
        info.si_addr = (void *)address;
    t->trap_number = trapno;
    t->trap_error = error;
    if (trapno == TRAP_DEBUG)
        patch_ops->disable(t->space); /* a program that steps through itself is to see its own instructions */
    if (trapno == TRAP_PAGE_FAULT) {
        t->trap_address = address;
        if (address >= USER_SPACE_END)
            t->trap_error |= PAGE_FAULT_PRESENT; /* as Linux, which does not tell what lies up there */
    }
    signal_force(signo, &info);
}
