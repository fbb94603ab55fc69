/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The waiting loop of poll(2) and select(2). The first look at the files takes no queue lock, so a call
 * that finds something ready never registers; only then is every file's queue joined, once, and
 * the files are looked at again after each wake-up.
 */
#include "fs/event.h"
#include "kernel/heap.h"
#include "kernel/signal.h"

static void free_pages(struct poll_set *set)
{
    for (unsigned i = 0; i < set->n_pages; i++)
        kfree(set->pages[i]);
    kfree(set->pages);
}

int poll_set_init(struct poll_set *set, unsigned n)
{
    unsigned pages = n > POLL_FEW ? (n + POLL_PAGE - 1) / POLL_PAGE : 0;

    set->n = set->n_pages = 0;
    set->pages = NULL;
    if (!pages)
        return 0;
    set->pages = kmalloc(pages * sizeof(*set->pages));
    if (!set->pages)
        return -ENOMEM;
    for (; set->n_pages < pages; set->n_pages++) {
        unsigned rest = n - set->n_pages * POLL_PAGE;
        struct poll_entry *page = kmalloc(MIN(rest, (unsigned)POLL_PAGE) * sizeof(*page));
        if (!page) {
            free_pages(set);
            return -ENOMEM;
        }
        set->pages[set->n_pages] = page;
    }
    return 0;
}

void poll_set_end(struct poll_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        struct poll_entry *e = poll_entry_at(set, i);
        if (e->file)
            file_put(e->file);
    }
    if (set->pages)
        free_pages(set);
}

static bool poll_entry_wake(struct waiter *w, u32 events)
{
    struct poll_entry *e = container_of(w, struct poll_entry, waiter);
    if (!(events & e->events))
        return false;
    return thread_wake(w->thread);
}

static int look(struct poll_set *set)
{
    int ready = 0;
    for (unsigned i = 0; i < set->n; i++) {
        struct poll_entry *e = poll_entry_at(set, i);
        if (!e->file)
            continue;
        e->revents = file_poll(e->file) & e->events;
        if (e->revents)
            ready++;
    }
    return ready;
}

static void join_queues(struct poll_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        struct poll_entry *e = poll_entry_at(set, i);
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

static void leave_queues(struct poll_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        struct poll_entry *e = poll_entry_at(set, i);
        if (e->queue)
            wait_remove(e->queue, &e->waiter);
    }
}

int poll_entries(struct poll_set *set, nsec_t deadline)
{
    int ready = look(set);
    if (ready)
        return ready;
    if (current_interrupted())
        return -ERESTARTNOHAND;
    if (deadline == 0)
        return 0;
    join_queues(set);
    int ended = 0;
    for (;;) {
        /* After a deadline or a signal one more look: what became ready meanwhile wins. */
        wait_prepare(WAIT_INTERRUPTIBLE);
        ready = look(set);
        if (ready || ended)
            break;
        ended = wait_sleep(deadline);
    }
    wait_finish();
    leave_queues(set);
    if (!ready && ended == -ERESTARTSYS)
        return -ERESTARTNOHAND;
    return ready;
}
