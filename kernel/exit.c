/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How threads and processes end. A thread always ends itself: others only set exit_requested and wake or
 * interrupt it, and it notices on its way back to the program. The last thread of a process releases what they
 * shared; when the process is the program, the VM ends with its status.
 */
#include "kernel/address_space.h"
#include "kernel/futex.h"
#include "kernel/patch.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/thread_internal.h"
#include "kernel/vm_exit.h"

/* Tells every thread but me to end; the first status counts. Process lock held. */
static void request_exit(struct process *p, int wait_status, struct thread *me)
{
    struct thread *t;
    if (!p->exiting) {
        p->exiting = true;
        p->exit_status = wait_status;
    }
    list_for_each(t, &p->threads, process_link)
        if (t != me && !t->exit_requested) {
            WRITE_ONCE(t->exit_requested, true);
            thread_interrupt(t);
        }
}

static void process_end(struct thread *me, struct process *p)
{
    if (p->pid == PROGRAM_PID) {
        patch_counts_log();
        vm_exit(p->exit_status);
    }
    if (me->files)
        thread_exit_files(me);
    signal_process_exit(p);
    struct address_space *as = p->space;
    me->space = NULL;
    p->space = NULL;
    if (as)
        address_space_put(as);
    thread_id_remove(p->leader);
    wait_wake_all(&p->exited);
    thread_put(p->leader);
}

void thread_exit(int status)
{
    struct thread *me = current_thread();
    struct process *p = me->process;

    /* From here on signals and stops pass this thread by. */
    WRITE_ONCE(me->exit_requested, true);
    me->rseq = NULL;
    futex_thread_exit(me);
    if (me->vforked) {
        WRITE_ONCE(me->vforked, false);
        wait_wake_all(&p->vfork_wait);
    }
    if (me->trace && thread_exit_trace)
        thread_exit_trace(me);

    /* Before anybody can see that this thread is gone. Of the last one the machine's end disposes. */
    if (READ_ONCE(p->thread_count) > 1)
        thread_exit_files(me);
    u64 user, system;
    spin_lock_irq(&p->lock);
    thread_cpu_time(me, &user, &system); /* under the lock: the process's time would go back otherwise */
    p->dead.user_time += user;
    p->dead.system_time += system;
    p->dead.minor_faults += me->minor_faults;
    p->dead.major_faults += me->major_faults;
    io_usage_add(&p->dead.io, &me->io);
    p->dead.voluntary_switches += me->voluntary_switches;
    p->dead.involuntary_switches += me->involuntary_switches;
    signal_thread_unlink(me);
    bool leader = me == p->leader, exec = p->exec_thread != NULL;
    if (exec)
        me->space = NULL; /* it may go as soon as this thread is not counted any more */
    bool last = --p->thread_count == 0;
    p->helpers -= me->helper;
    if (!last && p->helpers == p->thread_count && !p->exiting)
        request_exit(p, status, me);
    if (last && !p->exiting) { /* all ended one by one: the last one's status is the process's */
        p->exiting = true;
        p->exit_status = status;
    }
    spin_unlock_irq(&p->lock);
    signal_thread_exit(me);
    if (!leader)
        thread_id_remove(me);
    wait_wake_all(&p->exited);
    if (last)
        process_end(me, p);
    sched_exit();
}

void process_exit(int wait_status)
{
    struct thread *me = current_thread();
    struct process *p = me->process;
    spin_lock_irq(&p->lock);
    request_exit(p, wait_status, me);
    spin_unlock_irq(&p->lock);
    thread_exit(wait_status);
}

void process_kill(struct process *p, int wait_status)
{
    spin_lock_irq(&p->lock);
    request_exit(p, wait_status, NULL);
    spin_unlock_irq(&p->lock);
}
