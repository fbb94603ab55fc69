/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One CPU's run queue: which threads wait for the CPU and which of them is next. Pure bookkeeping
 * without locks, clocks or switches, so that it is tested on the host; for the scheduler's own files only.
 *
 * Real-time threads (SCHED_FIFO, SCHED_RR) sit in a list by priority and go before all others. The
 * others share the CPU in proportion to their weight: each advances its virtual runtime by time ran *
 * 1024 / weight, and the smallest runs next. The running thread is in neither structure.
 */
#ifndef KERNEL_RUN_QUEUE_H
#define KERNEL_RUN_QUEUE_H

#include "kernel/process.h"

struct run_queue {
    struct spinlock lock;      /* LOCK_RUN_QUEUE by spin_acquire; guards the rest */
    u32 cpu;
    struct thread *current;    /* runs here now; not queued */
    struct thread *idle;       /* runs when nothing else can */
    struct thread *previous;   /* just switched away from; settled by the next thread */
    struct address_space *space; /* of the last thread that had one: still loaded on this CPU */
    struct rb_tree fair;       /* by virtual_runtime */
    struct rb_node *fair_first;
    struct list realtime;      /* highest priority first, then order of arrival */
    u32 queued;                /* in both together; others read it without the lock */
    u32 realtime_queued;
    u64 weight;                /* of all in fair */
    u64 min_runtime;           /* never decreases; where newcomers join */
    u64 next_sequence;         /* orders equal virtual runtimes by arrival */
    bool polling;              /* idle and watching queued: needs no interrupt to notice work */
    struct deferred *deferred; /* this CPU's own, masked: see deferred.h */
    bool told;                 /* atomic: a reschedule interrupt is on its way to this CPU */
    nsec_t tick;               /* when the slice timer looks again, NSEC_NEVER: not armed */
    nsec_t realtime_start;     /* period of real-time throttling */
    nsec_t realtime_used;
    nsec_t idle_since, idle_total;
    nsec_t rotated;            /* when a thread was last moved away for fairness between CPUs */
    u64 switches;
    nsec_t sample_gap;         /* till the next look whether the program or the kernel runs */
    u64 sample_calls;          /* system calls and faults of this CPU at the last one */
} __attribute__((aligned(64)));

#define SLICE_FAIR   (4 * NSEC_PER_MSEC)   /* least time on the CPU when others wait */
#define SLICE_RR     (100 * NSEC_PER_MSEC)
#define WAKE_CREDIT  (3 * NSEC_PER_MSEC)   /* how far behind the others a long sleeper may start */
#define WAKE_MARGIN  (1 * NSEC_PER_MSEC)   /* a woken thread must lag by more to preempt */
#define REALTIME_PERIOD (1000 * NSEC_PER_MSEC)
#define REALTIME_LIMIT  (950 * NSEC_PER_MSEC)

void rq_init(struct run_queue *rq, unsigned cpu);
/* Load weight of a SCHED_OTHER/BATCH/IDLE thread: 1024 at nice 0, times 1.25 a step. */
u32 thread_weight(const struct thread *t);
bool thread_realtime(const struct thread *t);
/* Priority in force: the thread's own, or what a PI futex lends it. 0: not real-time. */
int thread_priority(const struct thread *t);
/* Queues t; at_head: before those of the same real-time priority (it was preempted, not done). */
void rq_enqueue(struct run_queue *rq, struct thread *t, bool at_head);
void rq_dequeue(struct run_queue *rq, struct thread *t);
/* The thread that should run next, still queued; NULL: none. throttled: pass over real-time threads if others wait. */
struct thread *rq_peek(struct run_queue *rq, bool throttled);
/* Adds the time the current thread ran since run_start to its accounts. */
void rq_account(struct run_queue *rq, nsec_t now);
/* Time that t may run from run_start before another gets its turn; NSEC_NEVER for SCHED_FIFO. */
nsec_t rq_slice(const struct run_queue *rq, const struct thread *t);
/* t slept and joins rq: sets its virtual runtime. */
void rq_place(struct run_queue *rq, struct thread *t, bool newborn);
/* Should t, just made runnable, take the CPU from the current thread at once? */
bool rq_preempts(const struct run_queue *rq, const struct thread *t);
/* Takes t's virtual runtime relative to where it was (leave) and makes it absolute where it goes (join). */
void rq_leave(struct run_queue *rq, struct thread *t);
void rq_join(struct run_queue *rq, struct thread *t);

/* ---- the scheduler's own entries, for its files and wait.c */

enum wake_reason { WAKE_EVENT, WAKE_TIMEOUT, WAKE_SIGNAL };
bool sched_wake(struct thread *t, enum wake_reason why);
/* Sleeps the running thread, which has called wait_prepare(). */
void sched_sleep(void);
/* First start of a thread. */
void sched_start(struct thread *t);
/* The first thing a new thread does: settles the one it was switched in for. Leaves interrupts masked once. */
void sched_finish_switch(void);
/* Timer callback of thread.sleep_timer. */
void thread_sleep_timeout(struct timer *timer);
/* Locks the queue that t belongs to; interrupts must be masked. */
struct run_queue *sched_lock_queue_of(struct thread *t);
/* t's policy, priority, weight or affinity changes inside: takes it out of its queue and puts it back. */
struct run_queue *sched_change_begin(struct thread *t);
void sched_change_end(struct run_queue *rq, struct thread *t);
/* Slice timer: what kernel_timer_interrupt calls when the CPU's tick is due. */
void sched_tick(nsec_t now);

#endif
