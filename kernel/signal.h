/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals, as signal(7) describes them. Sending is atomic; delivery happens in the receiving thread on its
 * way back to the program.
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include "kernel/process.h"

/* Signal state of a new process (zeroed): default dispositions, empty queues. */
void signal_process_init(struct process *p);
/* Of a new thread (zeroed): mask inherited from parent (NULL: empty); the alternate stack too unless the clone flags share memory without CLONE_VFORK. */
void signal_thread_init(struct thread *t, const struct thread *parent, u64 clone_flags);
/* Takes t out of its process's threads, and out of the turn of those that take the process's signals. Lock held. */
void signal_thread_unlink(struct thread *t);
/* t ends: drops what is pending for it and hands process signals that only it would take to others. After it left the thread list. */
void signal_thread_exit(struct thread *t);
/* The running process executes another program: handlers become the default, the alternate stack goes. */
void signal_exec_reset(void);
/* The last thread of p has gone: drops pending signals, interval and POSIX timers. */
void signal_process_exit(struct process *p);

/* Queues to the process (any thread that does not block it may take it). info NULL: SI_KERNEL. 0, -EAGAIN (queue limit, real-time only). Atomic. */
int signal_send_process(struct process *p, int signo, const siginfo_t *info);
int signal_send_thread(struct thread *t, int signo, const siginfo_t *info);
/* A fault of the running thread: if blocked or ignored the program is killed. */
void signal_force(int signo, const siginfo_t *info);
/* Fills a siginfo for kill/tgkill of the running thread. */
void signal_info_user(siginfo_t *info, int signo, int code);
/* True if t has a signal that is neither blocked nor ignored, or must exit. Atomic. */
static inline bool signal_pending(struct thread *t)
{
    return READ_ONCE(t->signal_work) || READ_ONCE(t->exit_requested);
}
static inline bool current_interrupted(void)
{
    return signal_pending(current_thread());
}
/*
 * Delivers what is deliverable before the return to the program; handles restart of the interrupted call.
 * Called by kernel_return_to_user() (kernel/thread.c) while signal_work is set; also waits here while the process is stopped.
 */
void signal_deliver(struct user_frame *frame);
/* Takes one pending signal out of set: signo with *info, or 0. For sigtimedwait and signalfd. */
int signal_dequeue(struct thread *t, u64 set, siginfo_t *info);
u64 signal_pending_set(struct thread *t);
/* Replaces the mask of the running thread (SIGKILL and SIGSTOP never blocked). */
void signal_set_blocked(u64 mask);
/* For sigsuspend, ppoll, epoll_pwait: temporary mask, the old one restored after the handler or by signal_temporary_mask_end. */
void signal_temporary_mask(u64 mask);
void signal_temporary_mask_end(bool interrupted);
/* rt_sigreturn(2): restores the frame from the program's stack; result goes to ax. */
long signal_return(struct user_frame *frame);
int signal_action_set(int signo, const struct signal_action *new, struct signal_action *old);
/* sigaltstack(2) on kernel copies. */
int signal_altstack(const stack_t *new, stack_t *old, u64 sp);
/* --strace: called for each signal delivered. NULL: not traced. */
extern void (*signal_trace)(int signo, const siginfo_t *info);

/* The exact Linux frame (rt_sigframe with XSAVE area), written by platform-neutral code in kernel/signal_frame.c. */
int signal_frame_push(struct user_frame *frame, int signo, const siginfo_t *info,
                      const struct signal_action *action, u64 mask);
int signal_frame_pop(struct user_frame *frame, u64 *mask);

#endif
