/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads. A process owns what all its threads share; each thread has its own CPU state, signal
 * mask and ids. Nothing here is global: "the program" is simply the process with id 1's child, and fork will add more.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <linux/resource.h>
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/wait.h"
#include "kernel/timer.h"
#include "kernel/signal_types.h"
#include "platform/platform.h"

struct address_space;
struct fd_table;
struct futex_waiter;
struct seccomp_filter;
struct fs_context;
struct lent;
struct tty;
struct uring_thread;

/* Supplementary groups, ascending; never changes, shared by all threads that have them. */
struct group_list {
    u32 refs, count;
    u32 gid[];
};

/*
 * A thread's own, as on Linux: what libraries make of it for a whole process, they do by changing each thread. Written only by
 * its thread, under the process lock; read by it without a lock. Others read a single id as it stands, or
 * take a consistent copy by thread_credentials().
 */
struct credentials {
    u32 uid, euid, suid, fsuid;
    u32 gid, egid, sgid, fsgid;
    struct group_list *groups;     /* reference; NULL: none */
    u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient; /* bit CAP_* */
    u32 securebits;                /* SECBIT_*, prctl(2) */
    u64 serial;                    /* new with each change: a thread has another's where it was made by it and neither changed any */
};

/* A first process's: user 0 with the capabilities for which the kernel serves anything. */
void credentials_init(struct credentials *c);
/* Makes *new the running thread's; takes over the reference on its groups, if they are others than before. */
void credentials_replace(const struct credentials *new);
/* A copy of t's, with a reference on its groups: group_list_put(). */
void thread_credentials(struct thread *t, struct credentials *out);
/* NULL: out of memory. */
struct group_list *group_list_create(u32 count);
void group_list_put(struct group_list *groups);
/* Brings new groups into order. */
void group_list_sort(struct group_list *groups);
/* A reference on groups, which may be NULL. */
struct group_list *group_list_get(struct group_list *groups);
/* True if gid is one of the supplementary groups. */
bool credentials_list(const struct credentials *c, u32 gid);
/* True if the running thread has capability CAP_*. */
bool capable(int capability);

struct process {
    u32 refs;
    int pid;                       /* PROGRAM_PID: not 1, which has signals of its own (kill(2), "NOTES") */
    int parent_pid;                /* 0: outside, as in a PID namespace that was entered (pid_namespaces(7)) */
    int group_id, session_id;
    struct tty *terminal;          /* that controls it, reference; NULL: none. fs/tty_job.c */
    struct spinlock lock;          /* LOCK_PROCESS, always by spin_lock_irq (timers send signals): threads, signals, exit state, timers */
    struct list threads;           /* thread.process_link */
    u32 thread_count;              /* alive */
    u32 helpers;                   /* of them, that never enter the program: the process ends without them */
    struct address_space *space;   /* reference */
    struct rlimit limits[RLIM_NLIMITS];
    struct signal_handlers handlers;   /* dispositions */
    struct signal_pending pending;     /* process-directed */
    struct list *signal_turn;          /* in threads, or its head: who is asked first when leader does not want one */
    struct wait_queue signal_wait;     /* signalfd looks here; woken by every signal sent */
    u32 queued_signals;                /* entries in all queues and POSIX timers, for RLIMIT_SIGPENDING */
    bool stopped;                      /* a stop signal took effect; threads wait on stop_wait till SIGCONT */
    struct wait_queue stop_wait;
    bool exiting;                  /* exit_group ran or a fatal signal arrived */
    struct thread *exec_thread;    /* waits in execve until it is the only one; no thread is made */
    int exit_status;               /* as wait(2): code << 8, or signal | 0x80 core flag */
    struct wait_queue exited;      /* woken by each thread that ends */
    struct wait_queue vfork_wait;  /* threads that clone(CLONE_VFORK) made release their makers here */
    char name[16];                 /* comm of the leader */
    struct list posix_timers;      /* timer_create; kernel/posix_timer.c */
    u32 next_timer_id;
    struct interval_timer {        /* setitimer; kernel/itimer.c */
        struct timer timer;
        struct process *process;
        int which;
        nsec_t interval;           /* 0: once */
        nsec_t deadline;           /* on platform_clock(), or on the process's CPU time; NSEC_NEVER: off */
    } itimers[3];
    nsec_t start_time;
    struct process_usage {         /* of threads that ended */
        struct io_usage {          /* /proc/PID/io: indexed by 0 read, 1 write */
            u64 bytes[2], calls[2]; /* that read(2), write(2) and the like have moved, and how many there were */
            u64 storage[2];        /* bytes read from disks and hosts, or made dirty */
            u64 cancelled;         /* dirty bytes that were forgotten before they were written */
        } io;
        nsec_t user_time, system_time;
        u64 minor_faults, major_faults;
        u64 voluntary_switches, involuntary_switches;
    } dead;
    bool cpu_timers;               /* a CPU-time limit or timer is set, or a sleep waits for one: sched_cpu_timer_tick wanted */
    u32 cpu_sleepers;              /* threads on cpu_wait */
    struct wait_queue cpu_wait;    /* sleepers till a CPU clock shows a time: woken at those ticks */
    u64 personality;
    int oom_score_adj;             /* /proc/PID/oom_score_adj */
    int oom_score_adj_min;         /* the last that somebody with CAP_SYS_RESOURCE set: others may not go below */
    u32 coredump_filter;           /* /proc/PID/coredump_filter, bits as core(5) */
    u32 dumpable, child_subreaper;
    u64 membarrier_registered;     /* MEMBARRIER_CMD_* registrations */
    struct thread *leader;         /* first thread; its struct and id stay till the process ends or executes a program */
    struct list process_link;      /* list of all processes */
};

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_DEAD };

struct thread {
    struct thread_cpu cpu;         /* platform's; first */
    u32 refs;
    int tid;
    struct process *process;       /* NULL: kernel thread */
    struct list process_link;
    struct address_space *space;   /* NULL: kernel thread */
    struct fd_table *files;        /* reference, as fs; replaced by the thread itself, under the process lock; NULL: none */
    struct fs_context *fs;         /* cwd, root, umask; both are owned by fs/ */
    struct sem_undo_list *sem_undos; /* reference; fs/ipc/sem.c; NULL: none yet */
    struct lent *lent;             /* what stands for arguments of the call it makes for a request of io_uring; fs/file.h; NULL: none */
    struct uring_thread *uring;    /* that it has used io_uring; fs/uring/; NULL: it has not */
    struct credentials cred;
    bool no_new_privs;             /* set by itself, or under the process lock */
    bool slow_calls;               /* its calls are traced or filtered */
    u8 seccomp_mode;               /* SECCOMP_MODE_*; as seccomp, written under the process lock */
    struct seccomp_filter *seccomp; /* the newest, reference; kernel/seccomp.h */
    bool vforked;                  /* its maker sleeps until it ends */
    bool helper;                   /* never enters the program; counted in process.helpers */
    bool no_wait;                  /* where it would wait interruptibly, the answer is EAGAIN */
    int pdeathsig;
    char name[16];

    /* scheduler, under the run queue's lock */
    struct rb_node run_node;
    struct list run_link;          /* real-time queue */
    u32 run_cpu;                   /* CPU whose queue it is on or ran on last */
    u8 state;                      /* enum thread_state; written under run-queue lock or by itself */
    u8 wait_mode;                  /* enum wait_mode while sleeping */
    bool on_queue;                 /* waits in run_cpu's run queue; false while it runs */
    bool on_cpu;                   /* its stack is in use on run_cpu */
    bool woken, timed_out;         /* how the last sleep ended */
    bool queued_realtime;          /* which of the two queues it is in */
    bool woken_sync;               /* queued behind its waker, which is about to sleep */
    u8 lent_priority;              /* real-time priority lent by waiters of PI futexes, 0 none */
    bool displaced;                /* runnable, but its CPU is no longer allowed: on its way to another */
    bool yielded;                  /* gives the CPU up by itself */
    bool change_queued;            /* scratch of sched_change_begin/end */
    u64 queue_sequence;
    nsec_t queued_at;              /* when it became runnable */
    nsec_t slice_used;             /* ns since it was last picked from the queue */
    nsec_t last_wake, wake_gap;    /* when it last woke another; mean ns from such a wake to its own sleep */
    u64 virtual_runtime;           /* weighted ns */
    nsec_t run_start;              /* when it got the CPU */
    nsec_t runtime;                /* ns it ran in all */
    nsec_t run_delay;              /* ns it was runnable and had no CPU */
    u64 turns;                     /* times it got one */
    nsec_t runtime_woken;          /* that when it was last woken: RLIMIT_RTTIME counts from there */
    nsec_t system_time;            /* part of runtime that samples found in the kernel */
    nsec_t sampled;                /* runtime at the last sample */
    nsec_t user_time_told;         /* user time that a caller was given; never decreases */
    int policy, priority, nice;    /* SCHED_*, 1..99, -20..19 */
    bool reclaiming;               /* in page_reclaim, which does not nest */
    bool reset_on_fork;            /* SCHED_FLAG_RESET_ON_FORK: threads it makes start as SCHED_OTHER */
    u64 affinity;                  /* CPUs allowed */
    u64 voluntary_switches, involuntary_switches;
    struct timer sleep_timer;

    /* signals, under process->lock */
    u64 blocked;                   /* mask, bit signo-1 */
    u64 saved_blocked;             /* to restore after sigsuspend and the like */
    bool restore_blocked;
    struct signal_pending pending; /* thread-directed */
    union {
        u64 work;                  /* not 0: must pass kernel_return_to_user() */
        struct {
            bool signal_work;      /* atomic-ish: something may be deliverable */
            bool exit_requested;
            bool rseq_work;        /* was switched or migrated with a registered rseq area */
            bool code_work;        /* got the CPU while code of its space was being written */
            bool cpu_timer_work;   /* CPU-time timers and limits are to be looked at: cpu_timers_check() */
            bool deferred_work;    /* its CPU has work put off by interrupts: deferred_run() */
        };
    };
    struct sigaltstack_state { u64 sp, size; u32 flags; } altstack;
    struct restart_block { long (*fn)(struct thread *t); u64 args[6]; } restart;
    u64 wait_set;                  /* signals that sigtimedwait of this thread wants, though blocked */
    u64 trap_number, trap_error, trap_address; /* of the last exception, for the signal frame */

    /* futex and exit */
    u32 *clear_child_tid;          /* CLONE_CHILD_CLEARTID */
    u32 *set_child_tid;            /* CLONE_CHILD_SETTID, written by the thread itself when it starts */
    struct thread *id_next;        /* in the id table's bucket */
    void (*entry)(void *arg);      /* kernel function to start with, or NULL */
    void *entry_arg;
    nsec_t start_time;
    void *robust_list;
    size_t robust_list_size;
    void *rseq;                    /* registered area */
    u32 rseq_size, rseq_signature;
    u32 rseq_cpu;                  /* CPU number that the area shows */
    struct list pi_held;           /* PI futexes this thread owns */
    struct futex_waiter *pi_waiter; /* while it waits for a PI futex: its place in that one's queue */
    u8 futex_exit;                 /* enum futex_exit_state: how far its locks are cleaned up */
    bool sleeps_realtime;          /* its deadline is on CLOCK_REALTIME: clock_settime wakes it */

    struct trace_state *trace;     /* --strace: the line being written; syscalls/trace.c; NULL until first used */
    u32 syscall_nr;                /* being served, for crash reports */
#ifdef ARIL_DEBUG
    u8 held_locks[LOCK_CLASS_COUNT];
    u32 spin_depth;
#endif
    u64 timer_slack;               /* ns; TIMER_SLACK_DEFAULT at first */
    int io_priority;               /* ioprio_set(2) */
    u32 memory_policy;             /* set_mempolicy(2): MPOL_* with its flags */
    u64 minor_faults, major_faults;
    struct io_usage io;
};

/* A call of the running thread read (0) or wrote (1) so many bytes; n < 0: it failed. */
static inline void io_count(bool write, s64 n)
{
    struct io_usage *u = &current_thread()->io;

    u->bytes[write] += n > 0 ? (u64)n : 0;
    u->calls[write]++;
}
void io_usage_add(struct io_usage *sum, const struct io_usage *more);

/*
 * The id of the first process, the program. Id 1 is the kernel itself: programs that test for being process 1 (shells,
 * init programs, libraries that reap children) behave as they do when started from a shell.
 */
#define PROGRAM_PID 2
/* New process without threads, with the next free id. Returns NULL when out of memory. */
struct process *process_create(void);
void process_get(struct process *p);
void process_put(struct process *p);
struct process *process_find(int pid);    /* reference taken, or NULL */
struct process *process_next(int pid);    /* the one with the next higher id, likewise */
int thread_last_id(void);                 /* that was given out */
u32 thread_count_all(void);               /* program threads of all processes */
void threads_wake_realtime(void);         /* those that sleep till a time of CLOCK_REALTIME look at it again */
struct thread *thread_find(int tid);      /* reference taken, or NULL */
static inline struct process *current_process(void)
{
    return current_thread()->process;
}

/* Kernel thread, runnable. NULL when out of memory. */
struct thread *kernel_thread_create(const char *name, void (*fn)(void *arg), void *arg);
/*
 * A program thread in p with zeroed user_frame, not yet runnable; signal state empty (signal_thread_init is the caller's), FP state initial.
 * The first gets the process's id. Gives -EAGAIN (RLIMIT_NPROC, pid space, process exiting) or -ENOMEM as ERR_PTR.
 * With entry, it first runs entry(arg) in the kernel and then enters the program with its user_frame.
 */
struct thread *thread_create(struct process *p);
struct thread *thread_create_entry(struct process *p, void (*entry)(void *arg), void *arg);
/* A thread that thread_create() made and nobody started. */
void thread_discard(struct thread *t);
void thread_start(struct thread *t);      /* makes it runnable, once */
void thread_get(struct thread *t);
void thread_put(struct thread *t);
/* Ends the running thread: robust list, clear_child_tid, last one ends the process with status. */
void thread_exit(int status) __attribute__((noreturn));
/* exit_group(2) or a fatal signal: all threads of the running process end; status as wait(2). */
void process_exit(int wait_status) __attribute__((noreturn));
/* The same asked from outside (control channel, OOM). */
void process_kill(struct process *p, int wait_status);

/* Replaces the running process's address space (exec): takes over the caller's reference and drops the old one's. Single-threaded caller. */
void process_set_space(struct address_space *as);

/* What all of p's threads, present and past, have used; without the times, which process_cpu_time() has. */
void process_usage(struct process *p, struct process_usage *out);
/* CPU time consumed, ns; user and system, which may be NULL, add up to it. */
u64 thread_cpu_time(struct thread *t, u64 *user, u64 *system);
u64 process_cpu_time(struct process *p, u64 *user, u64 *system);
u64 process_cpu_time_locked(struct process *p, u64 *user, u64 *system); /* p->lock held */

#define TIMER_SLACK_DEFAULT (50 * NSEC_PER_USEC)
#define PID_MAX 32768 /* default of /proc/sys/kernel/pid_max */

/* Set by fs/: releases the running thread's descriptors and fs context, as it ends. */
extern void (*thread_exit_files)(struct thread *t);
/* Set by fs/: gives t the running thread's descriptors and fs context, or copies. flags: CLONE_FILES, CLONE_FS, CLONE_SYSVSEM. 0 or -ENOMEM. */
extern int (*thread_share_files)(struct thread *t, u64 flags);
/* Set by fs/: gives the running thread a pidfd of t, and its number to the program at `to`. 0, -EMFILE, -ENOMEM, -EFAULT. */
extern int (*thread_pidfd)(struct thread *t, int *to);
/* Set by the tracer: a thread with a trace state ends. */
extern void (*thread_exit_trace)(struct thread *t);

/*
 * clone(2)/clone3(2) of the running thread; args checked only for form (sizes, flags that exist), tid: requested id or 0.
 * frame: the caller's registers. New tid or negative errno; -ENOSYS where it would make another process.
 */
#define CLONE_NAMESPACES                                                                         \
    (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME | \
     CLONE_NEWPID | CLONE_NEWUSER)
struct clone_args;
long process_clone(const struct clone_args *args, int tid, struct user_frame *frame);

#endif
