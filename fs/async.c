/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals for I/O (fs/async.h) rest on what poll rests on: an enabled file has a waiter in its poll queue. A signal cannot
 * be sent under that queue's lock, so the waiter puts what came on a stack, and who woke the queue sends it when the lock
 * is let go (wait_after): the signal is there when write(2) to a pipe returns. An interrupt handler leaves it to a thread.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/async.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"

struct file_async {
    u32 refs;                  /* atomic: the file's, the stack's */
    u32 events;                /* atomic: came and not yet told; not 0: on the stack */
    struct file_async *next;   /* on the stack */
    struct waiter waiter;
    struct wait_queue *queue;  /* where waiter is; NULL: in none. changes */
    bool enabled;              /* O_ASYNC. changes */
    bool urgent;               /* atomic: SIGURG is due */
    int owner_type, owner_id;  /* lock, as the rest */
    u32 owner_uids[2];         /* real and effective, of who set the owner */
    int signo, fd;
};

static struct mutex changes = MUTEX_INIT(LOCK_FS);
static struct spinlock lock = SPINLOCK_INIT(LOCK_ASYNC);
static struct file_async *stack; /* atomic; newest first */
static struct thread *helper;
static u32 sending_cpu = ~0u; /* that holds lock in send_all(): sending wakes queues, too */

static void put(struct file_async *a)
{
    if (!__atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL))
        kfree(a);
}

/* ------------------------------------------------------------ sending; lock held */

static void send_to_group(int group, int signo, const siginfo_t *info)
{
    struct process *p;

    for (int pid = 0; (p = process_next(pid)); process_put(p)) {
        pid = p->pid;
        if (p->group_id == group)
            signal_send_process(p, signo, info);
    }
}

static int send_to_owner(const struct file_async *a, int signo, const siginfo_t *info)
{
    struct process *p;
    struct thread *t;
    int error = 0;

    if (a->owner_type == F_OWNER_PGRP) {
        send_to_group(a->owner_id, signo, info);
    } else if (a->owner_type == F_OWNER_TID) {
        t = thread_find(a->owner_id);
        error = t ? signal_send_thread(t, signo, info) : 0;
        if (t)
            thread_put(t);
    } else {
        p = process_find(a->owner_id);
        error = p ? signal_send_process(p, signo, info) : 0;
        if (p)
            process_put(p);
    }
    return error;
}

/* What happened, as siginfo has it: the code, and the band that goes with it. */
static int reason(u32 events, long *band)
{
    static const struct {
        u32 bit;
        int code;
        u32 band;
    } reasons[] = {
        {WAKE_HANGUP, POLL_HUP, EPOLLHUP | EPOLLERR},
        {EPOLLIN, POLL_IN, EPOLLIN | EPOLLRDNORM},
        {EPOLLOUT, POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND},
        {EPOLLPRI, POLL_PRI, EPOLLPRI | EPOLLRDBAND},
        {~0u, POLL_ERR, EPOLLERR},
    };
    unsigned k = events == ~0u; /* the waker did not say: it is nearly always input */

    while (!(events & reasons[k].bit))
        k++;
    *band = reasons[k].band;
    return reasons[k].code;
}

/* Signals whose codes mean something else. */
static bool has_own_codes(int signo)
{
    return SIGNAL_BIT(signo) & (SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) |
                                SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGSYS));
}

static void send(const struct file_async *a, u32 events)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = a->signo;
    info.si_code = reason(events, &info.si_band);
    if (a->signo && has_own_codes(a->signo))
        info.si_code = SI_SIGIO;
    info.si_fd = a->fd;
    /* When the queue of real-time signals is full, the plain one tells of the loss. */
    if (!a->signo || send_to_owner(a, a->signo, &info))
        send_to_owner(a, SIGIO, NULL);
}

/* ------------------------------------------------------------ from the wake-up to the signal */

/* The waiter's wake function: under the queue's lock, masked. */
static bool async_wake(struct waiter *w, u32 events)
{
    struct file_async *a = container_of(w, struct file_async, waiter);

    if (events != ~0u && events & WAKE_QUIET)
        return false;
    if (events != ~0u && events & WAKE_URGENT)
        WRITE_ONCE(a->urgent, true);
    else if (!READ_ONCE(a->enabled))
        return false;
    if (__atomic_fetch_or(&a->events, events, __ATOMIC_ACQ_REL))
        return false;
    __atomic_add_fetch(&a->refs, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&wait_afterwards, 1, __ATOMIC_SEQ_CST);
    a->next = __atomic_load_n(&stack, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&stack, &a->next, a, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    return false;
}

static struct file_async *take_all(void)
{
    struct file_async *a = __atomic_exchange_n(&stack, NULL, __ATOMIC_ACQUIRE), *oldest = NULL, *next;

    for (; a; a = next) {
        next = a->next;
        a->next = oldest;
        oldest = a;
    }
    return oldest;
}

/* In a context that may take any lock from LOCK_ASYNC on. */
static void send_all(void)
{
    struct file_async *a, *next;

    /* Who waits for the lock returns only when the signal it caused has been sent by another. */
    spin_lock(&lock);
    WRITE_ONCE(sending_cpu, this_cpu()->cpu);
    for (a = take_all(); a; a = next) {
        u32 events;

        next = a->next;
        events = __atomic_exchange_n(&a->events, 0, __ATOMIC_ACQ_REL);
        if (__atomic_exchange_n(&a->urgent, false, __ATOMIC_ACQ_REL) && a->owner_id)
            send_to_owner(a, SIGURG, NULL);
        if (READ_ONCE(a->enabled) && a->owner_id)
            send(a, events);
        __atomic_sub_fetch(&wait_afterwards, 1, __ATOMIC_SEQ_CST);
        put(a);
    }
    WRITE_ONCE(sending_cpu, ~0u);
    spin_unlock(&lock);
}

static void after_wake(void)
{
    bool direct, sending;

    /* Locks from LOCK_PROCESS on are held with interrupts masked only. */
    irq_disable();
    direct = this_cpu()->irq_disable_depth == 1 && !this_cpu()->in_interrupt;
    sending = READ_ONCE(sending_cpu) == this_cpu()->cpu;
    irq_enable();
    if (direct && !sending)
        send_all();
    else if (READ_ONCE(stack))
        thread_wake(helper);
}

static void help(void *arg)
{
    for (;;) {
        wait_prepare(WAIT_UNINTERRUPTIBLE);
        if (!READ_ONCE(stack))
            wait_sleep(NSEC_NEVER);
        wait_finish();
        send_all();
    }
}

/* ------------------------------------------------------------ of a file */

/* What f has, or gets. NULL: out of memory. */
static struct file_async *state_of(struct file *f)
{
    struct file_async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE), *new;

    if (a)
        return a;
    new = kzalloc(sizeof(*new));
    if (!new)
        return NULL;
    new->refs = 1;
    new->owner_type = F_OWNER_PID;
    if (__atomic_compare_exchange_n(&f->async, &a, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return new;
    kfree(new);
    return a;
}

static bool exists(int type, int id)
{
    struct process *p;
    struct thread *t;

    if (type == F_OWNER_TID) {
        t = thread_find(id);
        if (t)
            thread_put(t);
        return t;
    }
    if (type == F_OWNER_PGRP)
        return id == current_process()->group_id;
    p = process_find(id);
    if (p)
        process_put(p);
    return p;
}

/* changes held, or the file is nobody else's. */
static void leave(struct file_async *a)
{
    if (a->queue)
        wait_remove(a->queue, &a->waiter);
    WRITE_ONCE(a->queue, NULL);
}

/* changes held. */
static int join(struct file *f, struct file_async *a)
{
    if (a->queue)
        return 0;
    if (!helper) {
        helper = kernel_thread_create("sigio", help, NULL);
        wait_after = after_wake;
    }
    if (!helper)
        return -ENOMEM;
    waiter_init(&a->waiter, false);
    a->waiter.wake = async_wake;
    a->waiter.thread = NULL;
    a->queue = f->ops->poll_queue(f);
    wait_add(a->queue, &a->waiter);
    return 0;
}

int async_set_owner(struct file *f, int type, int id)
{
    struct file_async *a;
    int error = 0;

    if (id && !exists(type, id))
        return -ESRCH;
    a = state_of(f);
    if (!a)
        return -ENOMEM;
    spin_lock(&lock);
    a->owner_type = type;
    a->owner_id = id;
    if (id) {
        a->owner_uids[0] = current_thread()->cred.uid;
        a->owner_uids[1] = current_thread()->cred.euid;
    }
    spin_unlock(&lock);
    if (f->ops->async == ASYNC_SOCKET) {
        mutex_lock(&changes);
        error = join(f, a);
        mutex_unlock(&changes);
    }
    return error;
}

int async_owner(const struct file *f, int *type)
{
    const struct file_async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);
    int id;

    *type = F_OWNER_PID;
    if (!a)
        return 0;
    spin_lock(&lock);
    id = a->owner_id;
    if (id)
        *type = a->owner_type;
    spin_unlock(&lock);
    return id;
}

void async_owner_uids(const struct file *f, u32 uids[2])
{
    const struct file_async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);

    uids[0] = uids[1] = 0;
    if (!a)
        return;
    spin_lock(&lock);
    memcpy(uids, a->owner_uids, sizeof(a->owner_uids));
    spin_unlock(&lock);
}

int async_set_owner_number(struct file *f, int number)
{
    if (number == INT32_MIN)
        return -EINVAL;
    return async_set_owner(f, number < 0 ? F_OWNER_PGRP : F_OWNER_PID, number < 0 ? -number : number);
}

int async_owner_number(const struct file *f)
{
    int type, id = async_owner(f, &type);

    return type == F_OWNER_PGRP ? -id : id;
}

int async_set_signal(struct file *f, int signo)
{
    struct file_async *a = state_of(f);

    if (a)
        WRITE_ONCE(a->signo, signo);
    return a ? 0 : -ENOMEM;
}

int async_signal(const struct file *f)
{
    const struct file_async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);

    return a ? READ_ONCE(a->signo) : 0;
}

int async_enable(struct file *f, int fd, bool on)
{
    struct file_async *a = state_of(f);
    int error = 0;

    if (!a)
        return -ENOMEM;
    mutex_lock(&changes);
    if (!on && f->ops->async != ASYNC_SOCKET) {
        leave(a);
    } else if (on && !a->enabled) {
        a->fd = fd;
        if (f->ops->async == ASYNC_TERMINAL && !a->owner_id)
            async_set_owner(f, F_OWNER_PGRP, current_process()->group_id);
        error = join(f, a);
    }
    if (!error)
        WRITE_ONCE(a->enabled, on);
    if (!error)
        WRITE_ONCE(f->flags, on ? f->flags | FASYNC : f->flags & ~(u32)FASYNC);
    mutex_unlock(&changes);
    return error;
}

void async_forget(struct file *f)
{
    leave(f->async);
    put(f->async);
}
