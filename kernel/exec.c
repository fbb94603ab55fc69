/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process side of execve(2). The other threads end themselves, as always (exit.c); the caller waits until it is the only
 * one, and then takes the id of the first thread, which is the process's. No thread can be made meanwhile.
 */
#include "kernel/exec.h"
#include "kernel/futex.h"
#include "kernel/lib/string.h"
#include "kernel/posix_timer.h"
#include "kernel/signal.h"
#include "kernel/thread_internal.h"

static int end_other_threads(struct thread *me, struct process *p)
{
    struct thread *t;
    int error;
    spin_lock_irq(&p->lock);
    if (p->exiting || p->exec_thread) {
        spin_unlock_irq(&p->lock);
        return -EAGAIN;
    }
    p->exec_thread = me;
    list_for_each(t, &p->threads, process_link)
        if (t != me && !t->exit_requested) {
            WRITE_ONCE(t->exit_requested, true);
            thread_interrupt(t);
        }
    spin_unlock_irq(&p->lock);
    error = wait_event(&p->exited, READ_ONCE(p->thread_count) == 1, NSEC_NEVER, WAIT_KILLABLE);
    spin_lock_irq(&p->lock);
    p->exec_thread = NULL;
    spin_unlock_irq(&p->lock);
    return error ? -EAGAIN : 0;
}

/* The process's first thread has ended: me takes its place and its id. */
static void become_leader(struct thread *me, struct process *p)
{
    struct thread *old = p->leader;
    thread_id_take_over(me, old);
    me->start_time = old->start_time;
    thread_get(me);
    p->leader = me;
    thread_put(old);
}

int process_exec_begin(void)
{
    struct thread *me = current_thread();
    struct process *p = me->process;
    int error = end_other_threads(me, p);
    if (error)
        return error;
    if (p->leader != me)
        become_leader(me, p);
    futex_thread_exec(me);
    me->vforked = false; /* who waits for that ends */
    me->rseq = NULL;
    me->rseq_work = false;
    return 0;
}

void process_exec_reset(const char *name)
{
    struct thread *me = current_thread();
    struct process *p = me->process;
    strlcpy(p->name, name, sizeof(p->name));
    strlcpy(me->name, name, sizeof(me->name));
    posix_timers_exit(p);
    signal_exec_reset();
    me->restart.fn = NULL;
    p->membarrier_registered = 0;
    platform_set_fs_base(&me->cpu, 0);
    platform_set_gs_base(&me->cpu, 0);
    platform_xsave_reset(&me->cpu);
}
