/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pending signals. A bit in a set says that at least one signal of that number waits; its siginfo, if there was memory
 * for it, waits in the queue. A standard signal waits at most once, a real-time signal as often as it was sent.
 * Everything here is under the process lock.
 */
#include "kernel/signal_queue.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

void signal_pending_init(struct signal_pending *q)
{
    q->set = 0;
    list_init(&q->queue);
}

void signal_queue_add(struct signal_pending *q, struct signal_entry *entry)
{
    list_add_tail(&q->queue, &entry->link);
}

static void entry_free(struct process *p, struct signal_entry *entry)
{
    list_remove(&entry->link);
    if (entry->owner)
        return; /* a POSIX timer's own: it keeps it */
    p->queued_signals--;
    kfree(entry);
}

void signal_queue_flush(struct process *p, struct signal_pending *q, u64 set)
{
    if (!(q->set & set))
        return;
    q->set &= ~set;
    struct signal_entry *entry, *next;
    list_for_each_safe(entry, next, &q->queue, link)
    {
        if (!(SIGNAL_BIT(entry->info.si_signo) & set))
            continue;
        siginfo_t unused;
        void *owner = entry->owner;
        entry_free(p, entry);
        if (owner)
            posix_timer_taken(owner, &unused);
    }
}

/* Takes signo, which is in q->set. */
static void queue_collect(struct process *p, struct signal_pending *q, int signo, siginfo_t *info)
{
    struct signal_entry *entry, *found = NULL;
    bool more = false;
    list_for_each(entry, &q->queue, link)
    {
        if (entry->info.si_signo != signo)
            continue;
        if (found) {
            more = true;
            break;
        }
        found = entry;
    }
    if (!more)
        q->set &= ~SIGNAL_BIT(signo);
    if (!found) {
        /* There was no memory or no room for its information. */
        memset(info, 0, sizeof(*info));
        info->si_signo = signo;
        info->si_code = SI_USER;
        return;
    }
    *info = found->info;
    void *owner = found->owner;
    entry_free(p, found);
    if (owner)
        posix_timer_taken(owner, info);
}

static int queue_take(struct process *p, struct signal_pending *q, u64 set, siginfo_t *info)
{
    u64 ready = q->set & set;
    if (!ready)
        return 0;
    if (ready & SIGNALS_SYNCHRONOUS)
        ready &= SIGNALS_SYNCHRONOUS;
    int signo = __builtin_ctzll(ready) + 1;
    queue_collect(p, q, signo, info);
    return signo;
}

int signal_take(struct thread *t, u64 set, siginfo_t *info)
{
    int signo = queue_take(t->process, &t->pending, set, info);
    return signo ? signo : queue_take(t->process, &t->process->pending, set, info);
}

void signal_recalc(struct thread *t)
{
    struct process *p = t->process;
    bool work = ((t->pending.set | p->pending.set) & ~t->blocked) || p->stopped;
    __atomic_store_n(&t->signal_work, work, __ATOMIC_SEQ_CST);
}

void signal_wake(struct thread *t)
{
    __atomic_store_n(&t->signal_work, true, __ATOMIC_SEQ_CST);
    thread_interrupt(t);
}

/*
 * True if t would take signo at once. As the kernel's choice in Linux: a thread with nothing else to do, or one that runs now;
 * never one that has left the process's list, as a leader that ended first has.
 */
static bool thread_wants(struct thread *t, int signo)
{
    if ((t->blocked & SIGNAL_BIT(signo)) || t->exit_requested || list_empty(&t->process_link))
        return false;
    if (signo == SIGKILL)
        return true;
    return !t->process->stopped && (t->on_cpu || !t->signal_work);
}

/* Who takes signo: first, if it wants it, or else, unless it is the only one meant, the last such taker or the next after that. */
static struct thread *choose_receiver(struct process *p, struct thread *first, bool only, int signo)
{
    struct list *link = p->signal_turn;
    if (thread_wants(first, signo))
        return first;
    if (only)
        return NULL;
    do {
        if (link != &p->threads && thread_wants(list_entry(link, struct thread, process_link), signo)) {
            p->signal_turn = link;
            return list_entry(link, struct thread, process_link);
        }
        link = link->next;
    } while (link != p->signal_turn);
    return NULL;
}

void signal_thread_unlink(struct thread *t)
{
    struct process *p = t->process;
    if (p->signal_turn == &t->process_link)
        p->signal_turn = t->process_link.next;
    list_remove(&t->process_link);
}

void signal_retarget(struct thread *leaving, u64 set)
{
    struct process *p = leaving->process;
    u64 left = p->pending.set & set;
    struct thread *t;
    if (!left)
        return;
    list_for_each(t, &p->threads, process_link)
    {
        u64 takes = left & ~t->blocked;
        if (t == leaving || !takes || t->exit_requested || t->state == THREAD_DEAD)
            continue;
        left &= ~takes;
        if (!t->signal_work)
            signal_wake(t);
        if (!left)
            break;
    }
}

void signal_mask_replace(struct thread *t, u64 mask)
{
    u64 newly_blocked = mask & ~t->blocked;
    t->blocked = mask;
    if (newly_blocked)
        signal_retarget(t, newly_blocked);
    signal_recalc(t);
}

/* A stop signal cancels a pending SIGCONT and the reverse; SIGCONT acts even when it is blocked or ignored. */
static void stop_and_continue(struct process *p, int signo)
{
    u64 flush;
    struct thread *t;
    if (SIGNAL_BIT(signo) & SIGNALS_STOP)
        flush = SIGNAL_BIT(SIGCONT);
    else if (signo == SIGCONT)
        flush = SIGNALS_STOP;
    else
        return;
    signal_queue_flush(p, &p->pending, flush);
    list_for_each(t, &p->threads, process_link) signal_queue_flush(p, &t->pending, flush);
    if (signo == SIGCONT && p->stopped) {
        p->stopped = false;
        list_for_each(t, &p->threads, process_link) signal_recalc(t);
        wait_wake_all(&p->stop_wait);
    }
}

static bool over_limit(struct process *p, int signo, const siginfo_t *info)
{
    bool by_kernel_or_kill = !info || info->si_code >= 0;
    if (signo < SIGRTMIN && by_kernel_or_kill)
        return false;
    return p->queued_signals >= p->limits[RLIMIT_SIGPENDING].rlim_cur;
}

static void fill_info(siginfo_t *to, int signo, const siginfo_t *info)
{
    if (info) {
        *to = *info;
    } else {
        memset(to, 0, sizeof(*to));
        to->si_code = SI_KERNEL;
    }
    to->si_signo = signo;
}

int signal_send_locked(struct process *p, struct thread *t, int signo, const siginfo_t *info,
                       struct signal_entry *entry, bool *fatal)
{
    struct thread *first = t ? t : p->leader, *me = current_thread();
    *fatal = false;
    /* By timers and for CPU time used up: no other thread need wake, and profilers see who computes. */
    if (!t && me->process == p && (entry || (!info && signo != SIGALRM)))
        first = me;
    if (p->exiting || list_empty(t ? &t->process_link : &p->threads))
        return 0; /* nobody is left to take it */
    stop_and_continue(p, signo);
    /* Blocked, it is kept whatever the disposition: that may change before it is unblocked, or sigwait may take it. */
    bool kept = ((first->blocked | first->wait_set) & SIGNAL_BIT(signo)) != 0;
    kept |= signal_trace != NULL; /* a tracer sees ignored signals, too */
    if (!kept && signal_is_ignored(p, signo))
        return 0;
    if (signo == SIGKILL) {
        *fatal = true;
        return 0;
    }

    struct signal_pending *q = t ? &t->pending : &p->pending;
    if (entry) {
        signal_queue_add(q, entry);
    } else if (signo >= SIGRTMIN || !(q->set & SIGNAL_BIT(signo))) {
        if (!over_limit(p, signo, info))
            entry = kmalloc(sizeof(*entry));
        if (entry) {
            fill_info(&entry->info, signo, info);
            entry->owner = NULL;
            p->queued_signals++;
            signal_queue_add(q, entry);
        } else if (signo >= SIGRTMIN && info && info->si_code != SI_USER) {
            return -EAGAIN;
        }
    } else {
        return 0; /* already pending: standard signals do not count */
    }
    q->set |= SIGNAL_BIT(signo);

    struct thread *receiver = choose_receiver(p, first, t != NULL, signo);
    if (receiver)
        signal_wake(receiver);
    wait_wake_all(&p->signal_wait);
    return 0;
}
