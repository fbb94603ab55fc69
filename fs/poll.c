/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The waiting loop of poll(2) and select(2). The first look at the files takes no queue lock, so a call
 * that finds something ready never registers; only then is every file's queue joined, once, and
 * the files are looked at again after each wake-up.
 */
#include "fs/event.h"
#include "kernel/signal.h"

#define ALWAYS (EPOLLERR | EPOLLHUP)

static bool poll_entry_wake(struct waiter *w, u32 events)
{
    struct poll_entry *e = container_of(w, struct poll_entry, waiter);
    if (!(events & (e->events | ALWAYS)))
        return false;
    return thread_wake(w->thread);
}

static int look(struct poll_entry *entries, unsigned n)
{
    int ready = 0;
    for (unsigned i = 0; i < n; i++) {
        struct poll_entry *e = &entries[i];
        if (!e->file)
            continue;
        e->revents = file_poll(e->file) & (e->events | ALWAYS);
        if (e->revents)
            ready++;
    }
    return ready;
}

static void join_queues(struct poll_entry *entries, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct poll_entry *e = &entries[i];
        e->queue = NULL;
        if (!e->file || !e->file->ops->poll_queue)
            continue;
        e->queue = e->file->ops->poll_queue(e->file);
        if (!e->queue)
            continue;
        waiter_init(&e->waiter, false);
        e->waiter.wake = poll_entry_wake;
        wait_add(e->queue, &e->waiter);
    }
}

static void leave_queues(struct poll_entry *entries, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (entries[i].queue)
            wait_remove(entries[i].queue, &entries[i].waiter);
    }
}

int poll_entries(struct poll_entry *entries, unsigned n, nsec_t deadline)
{
    int ready = look(entries, n);
    if (ready || deadline == 0)
        return ready;
    if (current_interrupted())
        return -ERESTARTNOHAND;
    join_queues(entries, n);
    int ended = 0;
    for (;;) {
        /* After a deadline or a signal one more look: what became ready meanwhile wins. */
        wait_prepare(WAIT_INTERRUPTIBLE);
        ready = look(entries, n);
        if (ready || ended)
            break;
        ended = wait_sleep(deadline);
    }
    wait_finish();
    leave_queues(entries, n);
    if (!ready && ended == -ERESTARTSYS)
        return -ERESTARTNOHAND;
    return ready;
}
