/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the signal code share: sets of signals with common rules, and the pending queues. Every
 * function here wants the process lock held.
 */
#ifndef KERNEL_SIGNAL_QUEUE_H
#define KERNEL_SIGNAL_QUEUE_H

#include "kernel/signal.h"

#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define SIGNALS_STOP                                                                               \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_IGNORED_BY_DEFAULT                                                                 \
    (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGURG))
#define SIGNALS_CORE                                                                               \
    (SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) |        \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGSYS) |          \
     SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ))
/* Faults: taken before all others, so that the handler sees the registers of the fault. */
#define SIGNALS_SYNCHRONOUS                                                                        \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |         \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

#define HANDLER_DEFAULT ((u64)SIG_DFL)
#define HANDLER_IGNORE  ((u64)SIG_IGN)

static inline struct signal_action *signal_action_of(struct process *p, int signo)
{
    return &p->handlers.action[signo - 1];
}

/* True if the disposition of signo drops it. */
static inline bool signal_is_ignored(struct process *p, int signo)
{
    u64 handler = signal_action_of(p, signo)->handler;
    return handler == HANDLER_IGNORE ||
           (handler == HANDLER_DEFAULT && (SIGNAL_BIT(signo) & SIGNALS_IGNORED_BY_DEFAULT));
}

void signal_pending_init(struct signal_pending *q);
/* Adds entry (already filled) to q. */
void signal_queue_add(struct signal_pending *q, struct signal_entry *entry);
/* Forgets every pending signal of set. */
void signal_queue_flush(struct process *p, struct signal_pending *q, u64 set);
/* Takes the next signal of set out of t's own or its process's queue: signo and *info, or 0. */
int signal_take(struct thread *t, u64 set, siginfo_t *info);
/* Sets t->signal_work to what the pending sets and the mask say. */
void signal_recalc(struct thread *t);
/* Makes t look at its signals soon: ends its interruptible sleep, or interrupts the CPU it runs on. */
void signal_wake(struct thread *t);
/* Signals of set pending for the process, which t will not take any more: wakes threads that can. */
void signal_retarget(struct thread *t, u64 set);
/* Replaces t's mask. */
void signal_mask_replace(struct thread *t, u64 mask);
/*
 * The sending itself, t NULL: to the process. entry: preallocated (POSIX timers), else one is allocated. info
 * NULL: by the kernel (interval timers, CPU limits). Timers of the process but ITIMER_REAL, and CPU limits, go to the running
 * thread if it is the process's and wants them, all others to the leader, or to one that does. Returns as
 * signal_send_process(); *fatal is set when the caller must end the process with signo after it has dropped the lock.
 */
int signal_send_locked(struct process *p, struct thread *t, int signo, const siginfo_t *info,
                       struct signal_entry *entry, bool *fatal);
/* Ends p by signo, as wait(2) will report it. Without the lock. */
void signal_kill_process(struct process *p, int signo);
/* The running thread's process ends by signo, in the program at frame. */
void signal_die(struct user_frame *frame, int signo, const siginfo_t *info) __attribute__((noreturn));
/* The wait status of a death by signo. */
int signal_wait_status(struct process *p, int signo);

/* The handler of signo could not be started: SIGSEGV, without handler if it was that one's. Running thread, without the lock. */
void signal_force_fatal(int signo);
/* True if sp lies on t's alternate stack, whatever its flags. */
bool signal_on_altstack(const struct thread *t, u64 sp);
/* ss_flags as sigaltstack(2) reports them for stack pointer sp. */
u32 signal_altstack_flags(const struct thread *t, u64 sp);

/* kernel/posix_timer.c: the signal of the timer that owns a queued entry was taken: fills the overrun count and starts the next period. */
void posix_timer_taken(void *timer, siginfo_t *info);

#endif
