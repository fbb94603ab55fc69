/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP_DEFER_ACCEPT between two sockets of this VM (tcp(7)): the client's connection stands, but its listener gets the other end when the
 * client has sent something, or its FIN, or when the time is over; a client that resets before is not heard of. Such an end is in the
 * listener's list, under the listener's lock, and its pointer to the listener changes under both locks: who takes it off decides its fate.
 * What comes from outside waits in net/lwip/tcp_demux.c.
 *
 * A timer's callback may not touch sockets: it wakes who looks at the listener, and whoever looks (tcp_defer_look()) moves what is due.
 */
#include "kernel/heap.h"
#include "kernel/timer.h"
#include "net/inet.h"
#include "net/stream.h"

struct tcp_deferrals {
    struct timer timer;           /* for the first of the list */
    struct inet_socket *listener; /* whose this is */
    struct list list;             /* of ends, by pending_link, the one that is due first in front; each holds a reference */
};

static void time_is_over(struct timer *t)
{
    wait_wake_events(&container_of(t, struct tcp_deferrals, timer)->listener->base.wait, ~0u, EPOLLIN | EPOLLRDNORM);
}

int tcp_defer_prepare(struct inet_socket *u)
{
    struct tcp_deferrals *d = READ_ONCE(u->deferrals) ? NULL : kzalloc(sizeof(*d));
    if (d) {
        timer_init(&d->timer, time_is_over);
        list_init(&d->list);
        d->listener = u;
        spin_lock(&u->base.lock);
        if (!u->deferrals) {
            u->deferrals = d;
            d = NULL;
        }
        spin_unlock(&u->base.lock);
        kfree(d);
    }
    return u->deferrals ? 0 : -ENOMEM;
}

bool tcp_defer(struct inet_socket *listener, struct inet_socket *client, struct inet_socket *server)
{
    struct tcp_deferrals *d = listener->deferrals;
    if (!listener->options.defer_accept || !d)
        return false;
    server->due = platform_clock() + (nsec_t)listener->options.defer_accept * NSEC_PER_SEC;
    tcp_set_listener(server, listener);
    if (list_empty(&d->list))
        timer_arm(&d->timer, server->due);
    list_add_tail(&d->list, &server->pending_link);
    client->defers = true;
    return true;
}

/* Takes server off the list. Listener's lock held. */
static void leave(struct inet_socket *server)
{
    list_remove(&server->pending_link);
    tcp_set_listener(server, NULL);
}

/* The same, and puts it into the accept queue, if there is room. */
static bool move(struct inet_socket *listener, struct inet_socket *server)
{
    struct socket *l = &listener->base;
    if (l->accept_count > l->accept_limit)
        return false;
    leave(server);
    list_add_tail(&l->accept_queue, &server->base.accept_link);
    l->accept_count++;
    return true;
}

unsigned tcp_defer_look(struct socket *s)
{
    struct inet_socket *listener = inet_of(s);
    struct tcp_deferrals *d = READ_ONCE(listener->deferrals);
    struct inet_socket *first;
    unsigned n = 0;
    if (likely(!d))
        return 0;
    spin_lock(&s->lock);
    nsec_t now = platform_clock();
    while ((first = list_first(&d->list, struct inet_socket, pending_link)) && first->due <= now && move(listener, first))
        n++;
    if (first && first->due > now && (!d->timer.armed || d->timer.deadline != first->due))
        timer_arm(&d->timer, first->due);
    spin_unlock(&listener->base.lock);
    return n;
}

static void tell_nobody(struct socket *s, struct stream_side *other, bool unread)
{
}

/* A connection that nobody will accept: the client is not told before it sends something. */
static void drop(struct inet_socket *server)
{
    stream_close(&server->base, tell_nobody);
    tcp_drop_server(server);
}

void tcp_defer_end(struct inet_socket *client, bool reset)
{
    struct stream_side *other = stream_other(&client->base);
    struct inet_socket *listener = NULL, *server = NULL;
    client->defers = false;
    spin_lock(&client->base.stream->lock);
    if (other->socket) {
        server = inet_of(other->socket);
        socket_get(&server->base);
    }
    spin_unlock(&client->base.stream->lock);
    if (!server)
        return;
    spin_lock(&server->base.lock);
    if (server->listener) { /* it waits for its list to be emptied before it goes */
        listener = server->listener;
        socket_get(&listener->base);
    }
    spin_unlock(&server->base.lock);
    if (listener) {
        bool moved = false, mine = false;
        spin_lock(&listener->base.lock);
        if (server->listener) {
            mine = reset;
            moved = !reset && move(listener, server);
            if (reset) {
                leave(server);
            } else if (!moved) { /* the first that there is room for */
                server->due = 0;
                list_remove(&server->pending_link);
                list_add_head(&listener->deferrals->list, &server->pending_link);
            }
        }
        spin_unlock(&listener->base.lock);
        if (moved)
            wait_wake_events(&listener->base.wait, 1, EPOLLIN | EPOLLRDNORM);
        if (mine)
            drop(server);
        socket_put(&listener->base);
    }
    socket_put(&server->base);
}

void tcp_defer_stop(struct inet_socket *listener)
{
    struct tcp_deferrals *d = READ_ONCE(listener->deferrals);
    struct inet_socket *server;
    do {
        spin_lock(&listener->base.lock);
        server = d ? list_first(&d->list, struct inet_socket, pending_link) : NULL;
        if (server)
            leave(server);
        spin_unlock(&listener->base.lock);
        if (server)
            drop(server);
    } while (server);
    if (d)
        timer_cancel(&d->timer, true);
}
