/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: allocation, start, references, CPU time. A thread's struct, kernel stack and FP area live and die
 * together, and ended ones are kept for reuse: a new thread then costs no page-table change.
 *
 * References: one while it can run, dropped by the thread that is switched to after it ended; one for each pointer
 * that thread_find() gave out.
 */
#include <linux/sched.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"
#include "kernel/seccomp.h"
#include "kernel/signal.h"
#include "kernel/thread_internal.h"
#include "kernel/user.h"

#define CACHE_KEEP 32 /* ended threads kept; the idle loop frees the rest */

static struct spinlock cache_lock = SPINLOCK_INIT(LOCK_THREAD_IDS);
static struct thread *cache; /* linked by id_next */
static u32 cached;
void (*thread_exit_trace)(struct thread *t);
void (*thread_exit_files)(struct thread *t);
int (*thread_share_files)(struct thread *t, u64 flags);
int (*thread_pidfd)(struct thread *t, int *to);

/* A recycled or new thread: everything zero but its stack and FP area. */
static struct thread *thread_alloc(void)
{
    spin_lock_irq(&cache_lock);
    struct thread *t = cache;
    if (t) {
        cache = t->id_next;
        cached--;
    }
    spin_unlock_irq(&cache_lock);
    if (t) {
        vaddr_t stack = t->cpu.kernel_stack_top;
        void *xsave = t->cpu.xsave;
        memset(t, 0, sizeof(*t));
        t->cpu.kernel_stack_top = stack;
        t->cpu.xsave = xsave;
        return t;
    }
    t = kzalloc(sizeof(*t));
    if (!t)
        return NULL;
    t->cpu.kernel_stack_top = platform_stack_alloc();
    if (!t->cpu.kernel_stack_top) {
        kfree(t);
        return NULL;
    }
    return t;
}

static void thread_free(struct thread *t)
{
    platform_stack_free(t->cpu.kernel_stack_top);
    kfree(t->cpu.xsave);
    kfree(t);
}

void sched_reap(void)
{
    while (READ_ONCE(cached) > CACHE_KEEP) {
        spin_lock_irq(&cache_lock);
        struct thread *t = cache;
        if (t) {
            cache = t->id_next;
            cached--;
        }
        spin_unlock_irq(&cache_lock);
        if (!t)
            return;
        thread_free(t);
    }
}

void thread_get(struct thread *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
}

void thread_put(struct thread *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    group_list_put(t->cred.groups);
    seccomp_release(t);
    if (t->process)
        process_put(t->process);
    spin_lock_irq(&cache_lock);
    t->id_next = cache;
    cache = t;
    cached++;
    spin_unlock_irq(&cache_lock);
}

/* The first code of every thread, on its own stack. */
static void thread_main(void *arg)
{
    struct thread *t = arg;
    sched_finish_switch();
    irq_enable();
    if (t->entry)
        t->entry(t->entry_arg);
    if (!t->process)
        sched_exit();
    if (t->set_child_tid)
        put_user((u32)t->tid, t->set_child_tid); /* a bad pointer is the program's loss, as on Linux */
    if (t->work)
        kernel_return_to_user(platform_user_frame(&t->cpu));
    platform_enter_user();
}

static void thread_setup(struct thread *t, const char *name)
{
    t->refs = 1;
    t->state = THREAD_SLEEPING; /* till thread_start() */
    t->wait_mode = WAIT_UNINTERRUPTIBLE;
    t->affinity = sched_online_cpus();
    t->run_cpu = READ_ONCE(this_cpu()->cpu);
    t->wake_gap = NSEC_PER_MSEC;
    t->timer_slack = TIMER_SLACK_DEFAULT;
    t->start_time = platform_clock();
    t->policy = SCHED_NORMAL;
    t->slow_calls = params.strace;
    strlcpy(t->name, name, sizeof(t->name));
    timer_init(&t->sleep_timer, thread_sleep_timeout);
    list_init(&t->process_link);
    list_init(&t->run_link);
    list_init(&t->pi_held);
    signal_thread_init(t, NULL, 0);
    platform_thread_init(&t->cpu, thread_main, t);
}

struct thread *kernel_thread_create(const char *name, void (*fn)(void *arg), void *arg)
{
    struct thread *t = thread_alloc();
    if (!t)
        return NULL;
    kfree(t->cpu.xsave);
    t->cpu.xsave = NULL;
    thread_setup(t, name);
    t->affinity = ~0ull; /* CPUs that come up later too */
    t->entry = fn;
    t->entry_arg = arg;
    thread_start(t);
    return t;
}

struct thread *thread_create_with_id(struct process *p, int id, void (*entry)(void *arg), void *arg)
{
    const struct rlimit *limit = &p->limits[RLIMIT_NPROC];
    if (current_thread()->cred.uid && thread_count_all() >= limit->rlim_cur)
        return ERR_PTR(-EAGAIN);
    struct thread *t = thread_alloc();
    if (!t)
        return ERR_PTR(-ENOMEM);
    if (!t->cpu.xsave)
        t->cpu.xsave = kmalloc(ALIGN_UP(platform_xsave_size(), 64u));
    if (!t->cpu.xsave) {
        thread_free(t);
        return ERR_PTR(-ENOMEM);
    }
    platform_xsave_init(&t->cpu);
    thread_setup(t, p->name);
    t->entry = entry;
    t->entry_arg = arg;
    memset(platform_user_frame(&t->cpu), 0, sizeof(struct user_frame));

    t->process = p;
    process_get(p);
    t->space = p->space;
    bool first = !p->leader;
    int error = thread_id_add(t, first ? p->pid : id);
    if (error) {
        thread_put(t);
        return ERR_PTR(error);
    }
    spin_lock_irq(&p->lock);
    bool exiting = p->exiting || p->exec_thread;
    if (!exiting) {
        list_add_tail(&p->threads, &t->process_link);
        p->thread_count++;
        if (first)
            p->leader = t;
    }
    spin_unlock_irq(&p->lock);
    if (exiting) {
        thread_id_remove(t);
        thread_put(t);
        return ERR_PTR(-EAGAIN);
    }
    if (first)
        thread_get(t); /* the process keeps its leader */
    return t;
}

struct thread *thread_create_entry(struct process *p, void (*entry)(void *arg), void *arg)
{
    return thread_create_with_id(p, 0, entry, arg);
}

struct thread *thread_create(struct process *p)
{
    return thread_create_with_id(p, 0, NULL, NULL);
}

void thread_discard(struct thread *t)
{
    struct process *p = t->process;
    spin_lock_irq(&p->lock);
    signal_thread_unlink(t);
    p->thread_count--;
    spin_unlock_irq(&p->lock);
    thread_id_remove(t);
    if (p->leader == t) {
        p->leader = NULL;
        thread_put(t);
    }
    thread_put(t);
}

void thread_start(struct thread *t)
{
    t->state = THREAD_RUNNABLE;
    sched_start(t);
    if (unlikely(percpu_need_resched()))
        preempt_check();
}

u64 thread_cpu_time(struct thread *t, u64 *user, u64 *system)
{
    irq_disable();
    struct run_queue *rq = sched_lock_queue_of(t);
    if (rq->current == t)
        rq_account(rq, platform_clock());
    nsec_t total = t->runtime;
    /* A late sample must not take back user time that was already told. */
    nsec_t in_program = MAX(total - MIN(t->system_time, total), t->user_time_told);
    if (user || system)
        t->user_time_told = in_program;
    spin_release(&rq->lock);
    irq_enable();
    if (user)
        *user = in_program;
    if (system)
        *system = total - in_program;
    return total;
}
