/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in flight between AF_UNIX sockets, and the collection of sockets that hold only each other: a socket sent
 * over itself, or two over one another, keep their references for ever once the program has closed them.
 *
 * Every set of files that waits in a queue is on its receiver's list, or on that of the listener which has not accepted
 * the receiver yet. A socket whose file has no reference beside those of
 * sets in flight can be reached only by receiving it; so starting from all other sockets, what their queues hold is
 * marked, and so on; sets in the queues of sockets never marked are garbage. flight_lock is held
 * throughout, and receiving takes it too, so nothing moves meanwhile.
 */
#include "kernel/heap.h"
#include "net/control.h"
#include "net/unix.h"

static struct spinlock flight_lock = SPINLOCK_INIT(LOCK_PIPE);
static struct list in_flight = LIST_INIT(in_flight); /* passed_files.all_link of sets that hold AF_UNIX sockets */
static unsigned sets;                                /* on in_flight */
static unsigned closes;                              /* sockets closed since the last collection */
static unsigned many = 64;                           /* sets that call for a collection: twice what the last one left */

static struct unix_socket *unix_of_file(const struct file *f)
{
    struct socket *s = socket_of_file(f);
    return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

/* Whose queue holds p, for who looks for ways to it: a connection not yet accepted is reached by its listener. */
static struct unix_socket *holder(const struct passed_files *p)
{
    struct unix_socket *u = unix_of(p->receiver);
    return u->listener ? u->listener : u;
}

void unix_accepted(struct socket *listener, struct socket *c)
{
    struct passed_files *p, *next;
    spin_lock(&flight_lock);
    unix_of(c)->listener = NULL;
    list_for_each_safe(p, next, &unix_of(listener)->held, held_link) {
        if (p->receiver == c) {
            list_remove(&p->held_link);
            list_add_tail(&unix_of(c)->held, &p->held_link);
        }
    }
    spin_unlock(&flight_lock);
}

void passed_take_off(struct passed_files *p, struct socket *receiver)
{
    bool sockets = false;
    for (unsigned i = 0; i < p->count; i++)
        sockets |= unix_of_file(p->files[i]) != NULL;
    if (!sockets)
        return;
    spin_lock(&flight_lock);
    p->receiver = receiver;
    list_add_tail(&holder(p)->held, &p->held_link);
    list_add_tail(&in_flight, &p->all_link);
    sets++;
    spin_unlock(&flight_lock);
}

void passed_land(struct passed_files *p)
{
    if (!p->receiver)
        return;
    spin_lock(&flight_lock);
    list_remove(&p->held_link);
    list_remove(&p->all_link);
    sets--;
    p->receiver = NULL;
    spin_unlock(&flight_lock);
}

/* ------------------------------------------------------------ marking; flight_lock held */

static void count_flights(void)
{
    struct passed_files *p;
    list_for_each(p, &in_flight, all_link) {
        holder(p)->flights = 0;
        for (unsigned i = 0; i < p->count; i++) {
            struct unix_socket *u = unix_of_file(p->files[i]);
            if (u)
                u->flights = 0;
        }
    }
    list_for_each(p, &in_flight, all_link) {
        for (unsigned i = 0; i < p->count; i++) {
            struct unix_socket *u = unix_of_file(p->files[i]);
            if (u)
                u->flights++;
        }
    }
}

static void mark(struct unix_socket *u, struct list *work)
{
    if (u->marked)
        return;
    u->marked = true;
    list_add_tail(work, &u->work_link);
}

/* Puts every socket that the program can reach without receiving it on the work list. */
static void mark_roots(struct list *work)
{
    struct passed_files *p;
    list_for_each(p, &in_flight, all_link) {
        holder(p)->marked = false;
        for (unsigned i = 0; i < p->count; i++) {
            struct unix_socket *u = unix_of_file(p->files[i]);
            if (u)
                u->marked = false;
        }
    }
    list_for_each(p, &in_flight, all_link) {
        if (!holder(p)->flights)
            mark(holder(p), work);
        for (unsigned i = 0; i < p->count; i++) {
            struct unix_socket *u = unix_of_file(p->files[i]);
            if (u && READ_ONCE(p->files[i]->refs) > u->flights)
                mark(u, work);
        }
    }
}

static void mark_reachable(struct list *work)
{
    struct unix_socket *u;
    while ((u = list_first(work, struct unix_socket, work_link))) {
        struct passed_files *p;
        list_remove(&u->work_link);
        list_for_each(p, &u->held, held_link) {
            for (unsigned i = 0; i < p->count; i++) {
                struct unix_socket *next = unix_of_file(p->files[i]);
                if (next)
                    mark(next, work);
            }
        }
    }
}

/* Takes the unreachable sets out of flight, with a hold on each. */
static struct passed_files *take_garbage(void)
{
    struct passed_files *p, *next, *garbage = NULL;
    list_for_each_safe(p, next, &in_flight, all_link) {
        if (holder(p)->marked)
            continue;
        list_remove(&p->held_link);
        list_remove(&p->all_link);
        sets--;
        p->receiver = NULL;
        __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
        p->next_garbage = garbage;
        garbage = p;
    }
    return garbage;
}

void unix_collect(bool sending)
{
    struct list work = LIST_INIT(work);
    if (!READ_ONCE(sets))
        return;
    spin_lock(&flight_lock);
    /* One collection looks at all sets: with many in flight, not at every close or send. */
    if (sending ? sets < many : ++closes < sets / 64) {
        spin_unlock(&flight_lock);
        return;
    }
    closes = 0;
    count_flights();
    mark_roots(&work);
    mark_reachable(&work);
    struct passed_files *garbage = take_garbage();
    many = MAX(64u, sets * 2);
    spin_unlock(&flight_lock);
    /* Closing the files closes the sockets, whose queues then drop the emptied sets. */
    while (garbage) {
        struct passed_files *p = garbage;
        garbage = p->next_garbage;
        passed_close(p);
        passed_free(p);
    }
}
