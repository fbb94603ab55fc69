/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: creation with Linux's defaults, references, CPU time. Each thread holds a reference; what the threads
 * share (address space, files) is released by the last thread when it ends (exit.c), the struct itself
 * with the last reference.
 */
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/thread_internal.h"

/* Limits of a first process, as getrlimit(2) shows them in a container. */
static void default_limits(struct rlimit *limits)
{
    struct page_stats memory;
    page_stats(&memory);
    u64 threads = MAX(memory.total / 32, 256ul); /* as Linux sizes its threads-max */
    for (int i = 0; i < RLIM_NLIMITS; i++)
        limits[i] = (struct rlimit){~0ul, ~0ul};
    limits[RLIMIT_STACK].rlim_cur = 8ul << 20;
    limits[RLIMIT_CORE].rlim_cur = 0;
    limits[RLIMIT_NOFILE] = (struct rlimit){1024, 1048576};
    limits[RLIMIT_NPROC] = (struct rlimit){threads, threads};
    limits[RLIMIT_SIGPENDING] = (struct rlimit){threads, threads};
    limits[RLIMIT_MEMLOCK] = (struct rlimit){8ul << 20, 8ul << 20};
    limits[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
    limits[RLIMIT_NICE] = limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

struct process *process_create(void)
{
    struct process *p = kzalloc(sizeof(*p));
    if (!p)
        return NULL;
    p->refs = 1;
    spin_init(&p->lock, LOCK_PROCESS);
    list_init(&p->threads);
    p->signal_turn = &p->threads;
    list_init(&p->posix_timers);
    list_init(&p->process_link);
    wait_queue_init(&p->signal_wait);
    wait_queue_init(&p->stop_wait);
    wait_queue_init(&p->exited);
    wait_queue_init(&p->vfork_wait);
    wait_queue_init(&p->cpu_wait);
    default_limits(p->limits);
    p->start_time = platform_clock();
    p->dumpable = 1;
    p->coredump_filter = 0x33; /* core(5): the default */
    signal_process_init(p);
    if (!process_id_add(p)) {
        kfree(p);
        return NULL;
    }
    p->group_id = p->session_id = p->pid;
    return p;
}

void process_get(struct process *p)
{
    __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
}

void process_put(struct process *p)
{
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
        return;
    process_id_remove(p);
    kfree(p);
}

void process_set_space(struct address_space *as)
{
    struct thread *me = current_thread();
    struct process *p = me->process;
    struct address_space *old = p->space;
    irq_disable();
    p->space = me->space = as;
    sched_load_space(as);
    irq_enable();
    if (old)
        address_space_put(old);
}

void io_usage_add(struct io_usage *sum, const struct io_usage *more)
{
    for (size_t i = 0; i < sizeof(*sum) / sizeof(u64); i++)
        ((u64 *)sum)[i] += ((const u64 *)more)[i];
}

void process_usage(struct process *p, struct process_usage *out)
{
    struct thread *t;
    spin_lock_irq(&p->lock);
    *out = p->dead;
    list_for_each(t, &p->threads, process_link) {
        out->minor_faults += t->minor_faults;
        out->major_faults += t->major_faults;
        io_usage_add(&out->io, &t->io);
        out->voluntary_switches += t->voluntary_switches;
        out->involuntary_switches += t->involuntary_switches;
    }
    spin_unlock_irq(&p->lock);
}

u64 process_cpu_time(struct process *p, u64 *user, u64 *system)
{
    spin_lock_irq(&p->lock);
    u64 total = process_cpu_time_locked(p, user, system);
    spin_unlock_irq(&p->lock);
    return total;
}

u64 process_cpu_time_locked(struct process *p, u64 *user, u64 *system)
{
    struct thread *t;
    u64 u = p->dead.user_time, s = p->dead.system_time;
    list_for_each(t, &p->threads, process_link) {
        u64 tu, ts;
        thread_cpu_time(t, &tu, &ts);
        u += tu;
        s += ts;
    }
    if (user)
        *user = u;
    if (system)
        *system = s;
    return u + s;
}
