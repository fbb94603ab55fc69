/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back to the program: everything that was put off until a thread leaves the kernel. The platform comes
 * here only when there is something to do, so a plain system call never sees this file.
 */
#include "kernel/address_space.h"
#include "kernel/cpu_timer.h"
#include "kernel/deferred.h"
#include "kernel/rseq.h"
#include "kernel/sched.h"
#include "kernel/signal.h"

bool kernel_has_work(void)
{
    KERNEL_WORK_OFFSET(offsetof(struct thread, work));
    return READ_ONCE(current_thread()->work) != 0;
}

/* Whoever begins to write after this thread got the CPU knows that it runs, and interrupts it: here, too. */
static void wait_for_code(struct thread *me)
{
    const u32 *writes = &me->space->code_writes;
    u32 seen = __atomic_load_n(writes, __ATOMIC_ACQUIRE);

    me->code_work = false;
    while ((seen & 1) && __atomic_load_n(writes, __ATOMIC_ACQUIRE) == seen)
        cpu_relax();
}

void kernel_return_to_user(struct user_frame *frame)
{
    struct thread *me = current_thread();
    for (;;) {
        if (percpu_need_resched())
            sched_reschedule();
        if (me->deferred_work)
            deferred_run();
        if (me->exit_requested)
            thread_exit(0);
        if (me->code_work)
            wait_for_code(me);
        if (me->rseq_work || (me->signal_work && me->rseq))
            rseq_return(me, frame); /* before a signal frame saves ip */
        if (me->cpu_timer_work)
            cpu_timers_check();
        if (me->signal_work)
            signal_deliver(frame);
        if (!READ_ONCE(me->work) && !percpu_need_resched())
            return;
    }
}
