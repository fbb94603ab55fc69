/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread and process ids: one number space, a hash table from id to thread, and the list of processes.
 * Ids are handed out in rising order and wrap at PID_MAX, as Linux does. A leader's id stays taken until its
 * process is gone. Kernel threads have id 0 and are not in the table.
 */
#include "kernel/process.h"
#include "kernel/thread_internal.h"

#define BUCKETS 256

static struct spinlock lock = SPINLOCK_INIT(LOCK_THREAD_IDS);
static struct thread *buckets[BUCKETS];
static struct list processes = LIST_INIT(processes);
static int last_id = PROGRAM_PID - 1;
static u32 used;

static struct thread *lookup(int id)
{
    struct thread *t = buckets[(u32)id % BUCKETS];
    while (t && t->tid != id)
        t = t->id_next;
    return t;
}

static bool id_taken(int id)
{
    struct process *p;
    if (lookup(id))
        return true;
    list_for_each(p, &processes, process_link)
        if (p->pid == id || p->group_id == id || p->session_id == id)
            return true;
    return false;
}

/* Next free id, or 0. Lock held. */
static int take_id(void)
{
    if (used >= PID_MAX - 1)
        return 0;
    do {
        last_id = last_id + 1 >= PID_MAX ? PROGRAM_PID : last_id + 1;
    } while (id_taken(last_id));
    return last_id;
}

bool process_id_add(struct process *p)
{
    spin_lock_irq(&lock);
    p->pid = take_id();
    if (p->pid)
        list_add_tail(&processes, &p->process_link);
    spin_unlock_irq(&lock);
    return p->pid != 0;
}

void process_id_remove(struct process *p)
{
    spin_lock_irq(&lock);
    list_remove(&p->process_link);
    spin_unlock_irq(&lock);
}

int thread_id_add(struct thread *t, int id)
{
    int error = 0;
    spin_lock_irq(&lock);
    if (id && t->process->leader && id_taken(id)) /* the leader has its process's */
        error = -EEXIST;
    else if (!id && !(id = take_id()))
        error = -EAGAIN;
    if (!error) {
        struct thread **bucket = &buckets[(u32)id % BUCKETS];
        t->tid = id;
        t->id_next = *bucket;
        *bucket = t;
        used++;
    }
    spin_unlock_irq(&lock);
    return error;
}

/* Lock held. */
static void unlist(struct thread *t)
{
    struct thread **link = &buckets[(u32)t->tid % BUCKETS];
    while (*link && *link != t)
        link = &(*link)->id_next;
    if (*link) {
        *link = t->id_next;
        used--;
    }
}

void thread_id_remove(struct thread *t)
{
    spin_lock_irq(&lock);
    unlist(t);
    spin_unlock_irq(&lock);
}

void thread_id_take_over(struct thread *t, struct thread *old)
{
    spin_lock_irq(&lock);
    unlist(t);
    unlist(old);
    struct thread **bucket = &buckets[(u32)old->tid % BUCKETS];
    t->tid = old->tid;
    t->id_next = *bucket;
    *bucket = t;
    used++;
    spin_unlock_irq(&lock);
}

struct thread *thread_find(int tid)
{
    if (tid <= 0)
        return NULL;
    spin_lock_irq(&lock);
    struct thread *t = lookup(tid);
    if (t)
        thread_get(t);
    spin_unlock_irq(&lock);
    return t;
}

struct process *process_find(int pid)
{
    struct process *p, *found = NULL;
    spin_lock_irq(&lock);
    list_for_each(p, &processes, process_link)
        if (p->pid == pid) {
            found = p;
            process_get(p);
            break;
        }
    spin_unlock_irq(&lock);
    return found;
}

struct process *process_next(int pid)
{
    struct process *p, *found = NULL;
    spin_lock_irq(&lock);
    list_for_each(p, &processes, process_link)
        if (p->pid > pid && (!found || p->pid < found->pid))
            found = p;
    if (found)
        process_get(found);
    spin_unlock_irq(&lock);
    return found;
}

int thread_last_id(void)
{
    return READ_ONCE(last_id);
}

u32 thread_count_all(void)
{
    return READ_ONCE(used);
}

void threads_wake_realtime(void)
{
    spin_lock_irq(&lock);
    for (int i = 0; i < BUCKETS; i++)
        for (struct thread *t = buckets[i]; t; t = t->id_next)
            if (READ_ONCE(t->sleeps_realtime))
                thread_wake(t);
    spin_unlock_irq(&lock);
}
