/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX datagram and seqpacket sockets: a queue of messages in each socket, and a peer pointer. A queue of a
 * datagram socket holds a bounded number of messages of senders that it does not talk back to; beyond that
 * senders wait. Invariant: u->peer holds a reference, and is changed under u's lock only.
 */
#include <linux/sockios.h>
#include "kernel/heap.h"
#include "net/control.h"
#include "net/filter.h"
#include "net/sysctl.h"
#include "net/unix.h"

#define READABLE  (EPOLLIN | EPOLLRDNORM)
#define WRITABLE  (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

static bool is_seqpacket(const struct socket *s)
{
    return s->type == SOCK_SEQPACKET;
}

/* The peer with a reference, or NULL. */
static struct unix_socket *get_peer(struct unix_socket *u)
{
    spin_lock(&u->base.lock);
    struct unix_socket *peer = u->peer;
    if (peer)
        socket_get(&peer->base);
    spin_unlock(&u->base.lock);
    return peer;
}

/* Replaces the peer; the new reference is taken over. Returns the old one with its reference, or NULL. */
static struct unix_socket *exchange_peer(struct unix_socket *u, struct unix_socket *peer)
{
    spin_lock(&u->base.lock);
    struct unix_socket *old = u->peer;
    u->peer = peer;
    spin_unlock(&u->base.lock);
    return old;
}

static void set_peer(struct unix_socket *u, struct unix_socket *peer)
{
    struct unix_socket *old = exchange_peer(u, peer);
    if (old)
        socket_put(&old->base);
}

/* connect(2) to another peer: what the old one sent is dropped, and if it was connected to us it is told. */
static void change_peer(struct unix_socket *u, struct unix_socket *peer)
{
    struct unix_socket *old = exchange_peer(u, peer);
    if (!old)
        return;
    if (old != peer && READ_ONCE(u->queue.count)) {
        datagram_flush(&u->base, &u->queue);
        wait_wake_all(&u->base.room);
        if (READ_ONCE(old->peer) == u && !old->dead) {
            socket_set_error(&old->base, ECONNRESET);
            wait_wake_events(&old->base.wait, ~0u, EPOLLERR);
        }
    }
    socket_put(&old->base);
}

/* ------------------------------------------------------------ connecting */

static bool may_send(struct unix_socket *from, struct unix_socket *to)
{
    struct unix_socket *theirs = READ_ONCE(to->peer);
    return !theirs || theirs == from;
}

static int unix_datagram_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    struct unix_socket *u = unix_of(s);
    if (a->length < 2)
        return -EINVAL;
    if (a->family == AF_UNSPEC) {
        change_peer(u, NULL);
        return 0;
    }
    if (a->length == (int)sizeof(a->family) || a->family != AF_UNIX)
        return -EINVAL;
    int error = unix_autobind_sender(u);
    if (error)
        return error;
    struct unix_socket *peer = unix_find(a, SOCK_DGRAM);
    if (IS_ERR(peer))
        return (int)PTR_ERR(peer);
    if (!may_send(u, peer)) {
        socket_put(&peer->base);
        return -EPERM;
    }
    change_peer(u, peer);
    return 0;
}

static int unix_seqpacket_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    struct unix_socket *u = unix_of(s);
    if (!unix_is_address(a))
        return -EINVAL;
    int error = unix_autobind_sender(u);
    return error ? error : unix_connect_listener(u, a, nonblock);
}

static int unix_datagram_pair(struct socket *a, struct socket *b)
{
    struct unix_socket *ua = unix_of(a), *ub = unix_of(b);
    socket_get(a);
    socket_get(b);
    ua->peer = ub;
    ub->peer = ua;
    ua->was_connected = ub->was_connected = true;
    socket_peer_current(a);
    socket_peer_current(b);
    return 0;
}

/* ------------------------------------------------------------ sending */

/* May more be queued at to by from? Pairs are bounded by the send buffer alone. */
static bool queue_has_room(struct unix_socket *from, struct unix_socket *to)
{
    return READ_ONCE(to->queue.count) <= (u32)READ_ONCE(net_settings.unix_queue_max) || READ_ONCE(to->peer) == from || is_seqpacket(&to->base);
}

static bool no_wait_for_room(struct unix_socket *from, struct unix_socket *to)
{
    return queue_has_room(from, to) || READ_ONCE(to->dead) || (READ_ONCE(to->shutdown) & SHUT_READ);
}

/* 0 when d was queued (the reference went over), 1 when the receiver's filter does not want it, -EAGAIN when there is no room, or an error. */
static int deliver(struct unix_socket *from, struct unix_socket *to, struct datagram *d)
{
    int error = 0;
    spin_lock(&to->base.lock);
    if (!filter_message(&to->base, d))
        error = 1;
    else if (!may_send(from, to))
        error = -EPERM;
    else if (to->dead)
        error = -ECONNREFUSED;
    else if (to->shutdown & SHUT_READ)
        error = -EPIPE;
    else if (!queue_has_room(from, to))
        error = -EAGAIN;
    else
        datagram_enqueue(&to->queue, d);
    if (!error && !d->stated && !control_wants_sender(&from->base) && !control_wants_sender(&to->base))
        d->credentials = credentials_unknown;
    if (!error && d->passed)
        passed_take_off(d->passed, &to->base);
    spin_unlock(&to->base.lock);
    if (!error)
        wait_wake_events(&to->base.wait, ~0u, READABLE);
    return error;
}

/* Delivers d, waiting for room until deadline. */
static int send_to(struct unix_socket *from, struct unix_socket *to, struct datagram *d, nsec_t deadline)
{
    for (;;) {
        int error = deliver(from, to, d);
        if (error != -EAGAIN || !deadline)
            return error;
        error = wait_event(&to->base.room, no_wait_for_room(from, to), deadline, WAIT_INTERRUPTIBLE);
        if (error)
            return socket_wait_error(error, deadline);
    }
}

/* Whom m is for; a sender who is to be known by a name has one from here on. */
static struct unix_socket *destination(struct unix_socket *u, const struct message *m)
{
    bool named = m->name.length && !is_seqpacket(&u->base);
    if (named && !unix_is_address(&m->name))
        return ERR_PTR(-EINVAL);
    int error = unix_autobind_sender(u);
    if (error)
        return ERR_PTR(error);
    if (named)
        return unix_find(&m->name, SOCK_DGRAM);
    struct unix_socket *to = get_peer(u);
    return to ? to : ERR_PTR(-ENOTCONN);
}

static struct datagram *build(struct unix_socket *u, struct message *m)
{
    struct unix_name *name = __atomic_load_n(&u->name, __ATOMIC_ACQUIRE);
    struct datagram *d = datagram_create(&m->io, name ? &name->address : NULL, name ? (u32)name->length : 0);
    if (IS_ERR(d))
        return d;
    d->credentials = m->has_credentials ? m->credentials : credentials_current();
    d->stated = m->has_credentials;
    d->passed = m->passed;
    m->passed = NULL;
    return d;
}

/* d was not delivered: the message has its files back. */
static void unbuild(struct message *m, struct datagram *d)
{
    m->passed = d->passed;
    d->passed = NULL;
    datagram_put(d);
}

static ssize unix_datagram_send(struct socket *s, struct message *m)
{
    struct unix_socket *u = unix_of(s);
    nsec_t deadline = socket_send_deadline(s, m->flags);
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (is_seqpacket(s)) {
        int error = socket_take_error(s);
        if (error)
            return error;
        if (!u->was_connected)
            return -ENOTCONN;
    }
    struct unix_socket *to = destination(u, m);
    if (IS_ERR(to))
        return PTR_ERR(to);
    int error = 0;
    ssize result = (ssize)m->io.left;
    struct datagram *d = NULL;
    if (m->io.left + 32 > (u64)s->options.send_buffer)
        error = -EMSGSIZE;
    else if (READ_ONCE(u->shutdown) & SHUT_WRITE)
        error = -EPIPE;
    if (!error)
        error = socket_take_error(s);
    if (!error) {
        d = build(u, m);
        error = IS_ERR(d) ? (int)PTR_ERR(d) : 0;
    }
    if (!error) {
        error = datagram_charge_sender(s, d, deadline);
        if (!error)
            error = send_to(u, to, d, deadline);
        if (error < 0)
            unbuild(m, d);
        else if (error)
            datagram_put(d); /* the sender is not told */
    }
    if (error == -ECONNREFUSED && !m->name.length) {
        if (is_seqpacket(s))
            error = -EPIPE;
        else {
            set_peer(u, NULL);
            datagram_flush(s, &u->queue); /* what came from it is lost */
        }
    }
    socket_put(&to->base);
    return error < 0 ? error : result;
}

/* ------------------------------------------------------------ receiving */

static int receive_end(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    return READ_ONCE(u->shutdown) & SHUT_READ ? 1 : 0;
}

static void taken(struct socket *s, struct datagram *d)
{
    wait_wake_events(&s->room, ~0u, WRITABLE);
    if (d->sender && !is_seqpacket(s))
        wait_wake_events(&d->sender->wait, ~0u, WRITABLE | WAKE_QUIET); /* its poll looked at our queue */
}

static void add_control(struct socket *s, struct message *m, struct datagram *d)
{
    struct passed_files *passed = d->passed;
    if (passed && m->flags & MSG_PEEK) {
        passed = passed_copy(passed);
    } else if (passed) {
        passed_land(passed);
        d->passed = NULL;
    }
    datagram_put_time(m, s, d);
    control_put_message(s, m, &d->credentials, passed);
}

static const struct datagram_rules datagram_rules = {.end = receive_end, .taken = taken, .control = add_control};
static const struct datagram_rules seqpacket_rules = {
    .end = receive_end, .end_nonblocking = true, .taken = taken, .control = add_control};

static ssize unix_datagram_receive(struct socket *s, struct message *m)
{
    struct unix_socket *u = unix_of(s);
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (is_seqpacket(s) && !u->was_connected)
        return -ENOTCONN;
    return datagram_receive(s, &u->queue, m, is_seqpacket(s) ? &seqpacket_rules : &datagram_rules);
}

/* ------------------------------------------------------------ state */

static int unix_datagram_name(struct socket *s, struct socket_address *a, enum socket_name whose)
{
    struct unix_socket *u = unix_of(s);
    if (whose == NAME_OWN) {
        unix_fill_name(__atomic_load_n(&u->name, __ATOMIC_ACQUIRE), a);
        return 0;
    }
    struct unix_socket *other = get_peer(u);
    if (!other)
        return -ENOTCONN;
    unix_fill_name(__atomic_load_n(&other->name, __ATOMIC_ACQUIRE), a);
    socket_put(&other->base);
    return 0;
}

/* events: what O_ASYNC is told of it. */
static void add_shutdown(struct unix_socket *u, int how, u32 events)
{
    spin_lock(&u->base.lock);
    u->shutdown |= (u8)how;
    u->base.refusing = u->shutdown & SHUT_READ;
    spin_unlock(&u->base.lock);
    wait_wake_events(&u->base.wait, ~0u, events);
    wait_wake_events(&u->base.room, ~0u, events);
}

static int unix_datagram_shutdown(struct socket *s, int how)
{
    struct unix_socket *u = unix_of(s);
    add_shutdown(u, how, WAKE_ANY | WAKE_QUIET);
    if (is_seqpacket(s)) {
        struct unix_socket *peer = get_peer(u);
        if (peer) {
            add_shutdown(peer, (how & SHUT_READ ? SHUT_WRITE : 0) | (how & SHUT_WRITE ? SHUT_READ : 0), unix_shutdown_events(how));
            socket_put(&peer->base);
        }
    }
    return 0;
}

static u32 unix_datagram_poll(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    u32 events = READ_ONCE(s->error) ? EPOLLERR : 0;
    u8 shutdown = READ_ONCE(u->shutdown);
    if (shutdown & SHUT_READ)
        events |= EPOLLRDHUP | READABLE;
    if (shutdown == SHUT_BOTH)
        events |= EPOLLHUP;
    if (s->listening)
        return events | (READ_ONCE(s->accept_count) ? READABLE : 0);
    if (READ_ONCE(u->queue.count))
        events |= READABLE;
    if (is_seqpacket(s) && !u->was_connected)
        events |= EPOLLHUP;
    if (READ_ONCE(s->send_charge) * 4 > (u64)s->options.send_buffer)
        return events;
    struct unix_socket *peer = get_peer(u);
    if (!peer || no_wait_for_room(u, peer))
        events |= WRITABLE;
    if (peer)
        socket_put(&peer->base);
    return events;
}

static u64 unix_datagram_readable(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    if (s->listening)
        return (u64)-EINVAL;
    spin_lock(&s->lock);
    struct datagram *d = list_first(&u->queue.list, struct datagram, link);
    u64 n = d ? d->length : 0;
    if (is_seqpacket(s)) {
        n = 0;
        list_for_each(d, &u->queue.list, link)
            n += d->length;
    }
    spin_unlock(&s->lock);
    return n;
}

static u64 unix_datagram_unsent(struct socket *s)
{
    return READ_ONCE(s->send_charge);
}

static long unix_datagram_ioctl(struct socket *s, unsigned cmd, unsigned long arg)
{
    return cmd == SIOCATMARK ? -EOPNOTSUPP : unix_ioctl(s, cmd, arg);
}

static void unix_datagram_close(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    spin_lock(&s->lock);
    u->dead = true;
    u->shutdown = SHUT_BOTH;
    s->listening = false;
    spin_unlock(&s->lock);
    unix_unbind(u);
    socket_accept_flush(s);
    bool unread = datagram_flush(s, &u->queue);
    struct unix_socket *peer = get_peer(u);
    if (peer) {
        if (is_seqpacket(s)) {
            if (unread || s->unaccepted)
                socket_set_error(&peer->base, ECONNRESET);
            add_shutdown(peer, SHUT_BOTH, unix_shutdown_events(SHUT_BOTH));
        }
        socket_put(&peer->base);
    }
    set_peer(u, NULL);
    wait_wake_all(&s->room);
    unix_collect(false);
}

const struct socket_ops unix_datagram_ops = {
    .filters = true,
    .bind = unix_bind,
    .connect = unix_datagram_connect,
    .name = unix_datagram_name,
    .pair = unix_datagram_pair,
    .send = unix_datagram_send,
    .receive = unix_datagram_receive,
    .shutdown = unix_datagram_shutdown,
    .poll = unix_datagram_poll,
    .ioctl = unix_datagram_ioctl,
    .readable_bytes = unix_datagram_readable,
    .unsent_bytes = unix_datagram_unsent,
    .close = unix_datagram_close,
    .destroy = unix_destroy,
};

const struct socket_ops unix_seqpacket_ops = {
    .filters = true,
    .accepted = unix_accepted,
    .bind = unix_bind,
    .listen = unix_listen,
    .connect = unix_seqpacket_connect,
    .name = unix_datagram_name,
    .pair = unix_datagram_pair,
    .send = unix_datagram_send,
    .receive = unix_datagram_receive,
    .shutdown = unix_datagram_shutdown,
    .poll = unix_datagram_poll,
    .ioctl = unix_datagram_ioctl,
    .readable_bytes = unix_datagram_readable,
    .unsent_bytes = unix_datagram_unsent,
    .close = unix_datagram_close,
    .destroy = unix_destroy,
};
