/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets. Between two of this VM no segments are made: a connection is a byte stream (net/stream.c) tied at
 * connect(2), and what the protocol would show (FIN, RST, a full backlog, states) is set directly on the other end. A connection
 * with the outside is a stream as well, whose other end is lwIP's (net/network.h).
 *
 * A client that finds the listener's accept queue full waits in the listener's pending list, as its SYN would be repeated;
 * accept(2) moves the first of them on. Who takes a client off that list, under the listener's lock, decides its fate.
 */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/control.h"
#include "net/inet.h"
#include "net/stream.h"

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)
#define CROWD    2 /* connections that wait to be accepted */

int tcp_state_of(const struct inet_socket *u)
{
    if (!u->base.stream)
        return u->base.listening ? TCP_LISTEN : u->state;
    if (u->base.stream->outside)
        return network_tcp_state(u->base.stream);
    const struct stream_side *me = stream_mine(&u->base), *other = stream_other(&u->base);
    bool sent = other->ended, received = me->ended;
    if (unlikely(u->listener))
        return TCP_SYN_RECV; /* TCP_DEFER_ACCEPT */
    if (me->reset || (sent && received))
        return TCP_CLOSE;
    return sent ? TCP_FIN_WAIT2 : received ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
}

/* ------------------------------------------------------------ listening */

static int listen_now(struct inet_socket *u, int backlog)
{
    struct socket *s = &u->base;
    if (s->stream || u->state != TCP_CLOSE || u->connecting)
        return -EINVAL;
    if (!u->local.port) {
        int error = inet_port_bind(u, 0);
        if (error)
            return error;
    }
    s->accept_limit = (unsigned)backlog;
    if (s->listening)
        return 0;
    return inet_port_listen(u);
}

static int tcp_listen(struct socket *s, int backlog)
{
    struct inet_socket *u = inet_of(s);
    mutex_lock(&u->change);
    int error = listen_now(u, backlog);
    mutex_unlock(&u->change);
    return error;
}

/* The client's connection stands. Takes over the reference to the client. */
void tcp_established(struct inet_socket *client, struct byte_stream *st)
{
    spin_lock(&client->base.lock);
    bool dead = client->dead;
    if (!dead) {
        client->state = TCP_ESTABLISHED;
        st->side[0].shutdown |= client->shutdown;
        __atomic_store_n(&client->base.stream, st, __ATOMIC_RELEASE);
    }
    spin_unlock(&client->base.lock);
    if (dead) {
        /* The client was closed meanwhile: the server's end sees a reset. */
        spin_lock(&st->lock);
        st->side[0].socket = NULL;
        st->side[1].reset = true;
        st->side[1].shutdown = SHUT_BOTH;
        if (st->side[1].socket)
            socket_set_error(st->side[1].socket, ECONNRESET);
        stream_wake(&st->side[1], ~0u);
        spin_unlock(&st->lock);
        stream_abandon(st);
    } else {
        wait_wake_events(&client->base.wait, ~0u, WRITABLE);
    }
    socket_put(&client->base);
}

/* The client's connection failed with a (positive) errno. Takes over the reference. */
void tcp_refused(struct inet_socket *client, int error)
{
    spin_lock(&client->base.lock);
    client->state = TCP_CLOSE;
    client->shutdown = SHUT_BOTH;
    spin_unlock(&client->base.lock);
    socket_set_error(&client->base, error);
    wait_wake_all(&client->base.wait);
    socket_put(&client->base);
}

/*
 * A client's pointer to the listener it waits for changes under both locks, the listener's first; so the client may look at
 * it under its own. A listener is never a client, which makes that order safe.
 */
void tcp_set_listener(struct inet_socket *client, struct inet_socket *listener)
{
    spin_lock_nested(&client->base.lock);
    client->listener = listener;
    spin_unlock(&client->base.lock);
}

/* Takes a waiting client off the listener's list. Its hold on the listener is given up here. */
static struct inet_socket *take_pending(struct inet_socket *listener, bool only_if_room)
{
    struct socket *l = &listener->base;
    struct inet_socket *client = NULL;
    spin_lock(&l->lock);
    if (!only_if_room || l->accept_count <= l->accept_limit)
        client = list_first(&listener->pending, struct inet_socket, pending_link);
    if (client) {
        list_remove(&client->pending_link);
        tcp_set_listener(client, NULL);
        if (only_if_room) {
            list_add_tail(&l->accept_queue, &client->pending_server->base.accept_link);
            l->accept_count++;
        }
    }
    spin_unlock(&l->lock);
    if (client)
        socket_put(l);
    return client;
}

/* socket_ops.accepted: one place in the queue is free. */
static void tcp_accepted(struct socket *s, struct socket *connection)
{
    struct inet_socket *listener = inet_of(s);
    if (tcp_defer_look(s))
        wait_wake_events(&s->wait, 1, READABLE);
    if (list_empty(&listener->pending))
        return;
    struct inet_socket *client = take_pending(listener, true);
    if (!client)
        return;
    wait_wake_events(&s->wait, 1, READABLE);
    tcp_established(client, client->pending_stream);
}

/* ------------------------------------------------------------ connecting */

struct inet_socket *tcp_create_server(struct inet_socket *listener, const struct inet_address *local,
                                      const struct inet_address *remote)
{
    struct inet_socket *server = inet_allocate(listener->base.family, SOCK_STREAM);
    if (!server)
        return NULL;
    server->local = *local;
    server->remote = *remote;
    server->v6only = listener->v6only;
    server->options = listener->options;
    server->base.options = listener->base.options;
    server->state = TCP_ESTABLISHED;
    server->base.unaccepted = true;
    net_count(TCP_PASSIVE, 1);
    inet_port_inherit(server, listener);
    return server;
}

void tcp_drop_server(struct inet_socket *server)
{
    inet_port_release(server);
    socket_put(&server->base);
}

/* The same, tied to client by *st. */
static struct inet_socket *create_server(struct inet_socket *client, struct inet_socket *listener,
                                         struct byte_stream **st)
{
    struct inet_socket *server = tcp_create_server(listener, &client->remote, &client->local);
    if (!server)
        return NULL;
    *st = stream_create(&client->base, &server->base);
    if (!*st) {
        tcp_drop_server(server);
        return NULL;
    }
    (*st)->side[1].shutdown = listener->shutdown; /* of before listen(2) */
    if (listener->shutdown & SHUT_WRITE) {
        (*st)->side[0].ended = true;
        (*st)->side[0].shutdown = SHUT_READ;
    }
    return server;
}

bool tcp_arrived(struct inet_socket *listener, struct inet_socket *server)
{
    struct socket *l = &listener->base;
    spin_lock(&l->lock);
    bool listening = l->listening;
    if (listening) {
        list_add_tail(&l->accept_queue, &server->base.accept_link);
        l->accept_count++;
    }
    spin_unlock(&l->lock);
    if (listening)
        wait_wake_events(&l->wait, 1, READABLE);
    return listening;
}

/* Puts client's server end in the accept queue: 1 connected, 0 waiting for room, -ECONNREFUSED. */
static int join(struct inet_socket *client, struct inet_socket *listener, struct inet_socket *server,
                struct byte_stream *st)
{
    struct socket *l = &listener->base;
    int result = -ECONNREFUSED;
    spin_lock(&l->lock);
    bool room = l->listening && l->accept_count <= l->accept_limit, deferred = room && tcp_defer(listener, client, server);
    if (deferred) {
        result = 1;
    } else if (room) {
        list_add_tail(&l->accept_queue, &server->base.accept_link);
        l->accept_count++;
        result = 1;
    } else if (l->listening) {
        socket_get(l);
        socket_get(&client->base); /* the list's hold */
        tcp_set_listener(client, listener);
        client->pending_server = server;
        client->pending_stream = st;
        list_add_tail(&listener->pending, &client->pending_link);
        result = 0;
    }
    spin_unlock(&l->lock);
    if (result == 1 && !deferred)
        wait_wake_events(&l->wait, 1, READABLE);
    return result;
}

/* The connection came to nothing: both holds on the stream go. */
static void drop_server(struct inet_socket *server, struct byte_stream *st)
{
    stream_abandon(st);
    tcp_drop_server(server);
}

/* Sends the SYN, so to speak: as join(). */
static int connect_to_listener(struct inet_socket *client)
{
    struct byte_stream *st = NULL;
    struct inet_socket *listener = inet_find_listener(&client->remote, &client->local, LOOPBACK_INDEX);
    net_count(TCP_ACTIVE, 1);
    if (!listener) {
        net_count(TCP_FAILED, 1);
        return -ECONNREFUSED;
    }
    struct inet_socket *server = create_server(client, listener, &st);
    int result = server ? join(client, listener, server, st) : -ENOMEM;
    if (server && result < 0)
        drop_server(server, st);
    socket_put(&listener->base);
    tcp_count_segments(client, result == 1 ? 3 : 1, 0);
    if (result == 1) {
        socket_get(&client->base);
        tcp_established(client, st);
    }
    return result;
}

/* The attempt failed: the socket is as before connect(2). Locked for a change, as all from here to tcp_connect(). */
static void forget_attempt(struct inet_socket *u)
{
    u->connecting = false;
    u->shutdown = 0;
    u->state = TCP_CLOSE;
    memset(&u->remote, 0, sizeof(u->remote));
    if (!u->address_chosen && !u->port_chosen)
        inet_port_release(u);
    if (!u->address_chosen)
        memset(u->local.ip + (u->base.family == AF_INET ? 12 : 0), 0, u->base.family == AF_INET ? 4 : 16);
}

/* Chooses addresses and starts. 1 connected, 0 under way, or an error. */
static int start(struct inet_socket *u, const struct socket_address *a)
{
    struct inet_address to;
    u8 source[16];
    int error = inet_parse(u, a, true, &to);
    int outside = error ? error : inet_route(u, &to, source);
    if (outside < 0)
        return outside;
    u->remote = to;
    if (!u->local.port)
        error = inet_port_connect(u);
    if (error) {
        memset(&u->remote, 0, sizeof(u->remote));
        return error;
    }
    memcpy(u->local.ip, source, 16);
    u->state = TCP_SYN_SENT;
    return outside ? network_tcp_connect(u) : connect_to_listener(u);
}

/* Waits for a connection under way; the second half of every blocking connect. */
static int finish(struct inet_socket *u, bool nonblock)
{
    struct socket *s = &u->base;
    nsec_t deadline = socket_send_deadline(s, nonblock ? MSG_DONTWAIT : 0);
    while (READ_ONCE(u->state) == TCP_SYN_SENT) { /* again, if others began anew meanwhile */
        mutex_unlock(&u->change);
        int error = wait_event(&s->wait, READ_ONCE(u->state) != TCP_SYN_SENT, deadline, WAIT_INTERRUPTIBLE);
        mutex_lock(&u->change);
        if (error == -ETIMEDOUT)
            return -EINPROGRESS;
        if (error)
            return socket_wait_error(error, deadline);
    }
    u->connecting = false;
    if (s->stream)
        return 0;
    int error = socket_take_error(s);
    forget_attempt(u);
    return error ? error : -ECONNABORTED;
}

/* connect(2) to AF_UNSPEC: ends the connection with a reset, or an attempt. */
static int tcp_disconnect(struct socket *s);

static int connect_now(struct inet_socket *u, const struct socket_address *a, bool nonblock)
{
    struct socket *s = &u->base;
    if (a->length < 2)
        return -EINVAL;
    if (a->family == AF_UNSPEC)
        return tcp_disconnect(s);
    if (s->listening)
        return -EISCONN;
    if (s->stream) {
        if (!__atomic_exchange_n(&u->connecting, false, __ATOMIC_ACQ_REL))
            return -EISCONN;
        int ended = tcp_state_of(u) == TCP_CLOSE ? socket_take_error(s) ?: -ECONNABORTED : 0; /* meanwhile */
        return ended;
    }
    if (READ_ONCE(u->state) == TCP_SYN_SENT)
        return nonblock ? -EALREADY : finish(u, false);
    if (u->connecting) /* a non-blocking attempt failed: this call tells */
        return finish(u, nonblock);
    int result = start(u, a);
    if (result == -ECONNREFUSED) {
        socket_get(s);
        tcp_refused(u, ECONNREFUSED);
    } else if (result < 0) {
        if (u->state == TCP_SYN_SENT)
            forget_attempt(u);
        return result;
    }
    if (nonblock) {
        u->connecting = true;
        return -EINPROGRESS;
    }
    return finish(u, false);
}

static int tcp_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    struct inet_socket *u = inet_of(s);
    mutex_lock(&u->change);
    int error = connect_now(u, a, nonblock);
    mutex_unlock(&u->change);
    return error;
}

/* ------------------------------------------------------------ closing */

/* Takes a waiting client back from its listener, or from the network. True if nobody else had decided. */
static bool leave_pending(struct inet_socket *u)
{
    if (u->state == TCP_SYN_SENT && network_tcp_abandon(u))
        return true;
    for (;;) {
        spin_lock(&u->base.lock);
        struct inet_socket *listener = u->listener;
        if (listener)
            socket_get(&listener->base);
        spin_unlock(&u->base.lock);
        if (!listener)
            return false;
        spin_lock(&listener->base.lock);
        bool mine = u->listener == listener;
        if (mine) {
            list_remove(&u->pending_link);
            tcp_set_listener(u, NULL);
        }
        spin_unlock(&listener->base.lock);
        socket_put(&listener->base);
        if (!mine)
            continue;
        socket_put(&listener->base); /* the client's hold */
        drop_server(u->pending_server, u->pending_stream);
        return true;
    }
}

static void tell_reset(struct stream_side *other)
{
    net_count(TCP_LOOP_RESETS, 1);
    tcp_reset_end(other);
}

/* Does a close with this much care end the connection by a reset? */
static bool closes_hard(const struct socket *s, bool unread)
{
    const struct linger *l = &s->options.linger;
    if (s->unaccepted) /* not if both have sent their FIN, the server as its listener was shut down before */
        return !stream_mine(s)->ended || !stream_other(s)->ended;
    return unread || stream_mine(s)->urgent /* taken, it is in the queue still */ || (l->l_onoff && l->l_linger == 0);
}

/* SO_LINGER: close(2) waits until all that was sent is acknowledged. */
static void linger(struct socket *s)
{
    struct stream_side *me = stream_mine(s), *out = stream_other(s);
    network_stream_shutdown(s->stream);
    wait_event(&s->wait, !READ_ONCE(out->bytes) || READ_ONCE(me->reset),
               platform_clock() + (nsec_t)s->options.linger.l_linger * NSEC_PER_SEC, WAIT_INTERRUPTIBLE);
}

static void tell_closed(struct socket *s, struct stream_side *other, bool unread)
{
    if (closes_hard(s, unread)) {
        tell_reset(other);
    } else if (!other->reset) {
        if (!other->ended)
            tcp_count_segments(inet_of(s), 2, 0);
        other->ended = true;
        other->shutdown |= SHUT_READ;
    }
}

static void close_stream(struct socket *s)
{
    const struct linger *l = &s->options.linger;
    bool outside = s->stream->outside;
    if (outside && l->l_onoff && l->l_linger > 0 && !stream_readable(s))
        linger(s);
    bool unread = stream_close(s, tell_closed);
    if (unread || (l->l_onoff && l->l_linger == 0))
        net_count(unread ? TCP_ABORT_UNREAD : TCP_ABORT_LINGER, 1);
    if (outside)
        network_stream_close(s->stream, closes_hard(s, unread));
    else if (unlikely(inet_of(s)->defers))
        tcp_defer_end(inet_of(s), closes_hard(s, unread));
}

static void stop_listening(struct inet_socket *u)
{
    struct socket *s = &u->base;
    spin_lock(&s->lock);
    s->listening = false;
    spin_unlock(&s->lock);
    struct inet_socket *client;
    while ((client = take_pending(u, false))) {
        drop_server(client->pending_server, client->pending_stream);
        tcp_refused(client, ECONNREFUSED);
    }
    tcp_defer_stop(u);
    socket_accept_flush(s);
    wait_wake_all(&s->wait);
}

/* Locked for a change. */
static int tcp_disconnect(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    if (s->listening) {
        stop_listening(u);
        forget_attempt(u);
        return 0;
    }
    if (!s->stream && leave_pending(u))
        socket_put(s); /* the list's hold */
    else /* whoever took it from there is about to say what became of it */
        wait_event(&s->wait, s->stream || READ_ONCE(u->state) != TCP_SYN_SENT, NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
    if (s->stream) {
        spin_lock(&s->stream->lock);
        struct stream_side *me = stream_mine(s), *other = stream_other(s);
        me->reset = true;
        me->shutdown = SHUT_BOTH;
        if (other->socket)
            tell_reset(other);
        stream_wake(me, ~0u);
        stream_wake(other, ~0u);
        spin_unlock(&s->stream->lock);
        if (s->stream->outside)
            network_stream_close(s->stream, true);
        if (u->defers)
            tcp_defer_end(u, true);
        return 0;
    }
    socket_take_error(s);
    forget_attempt(u);
    wait_wake_all(&s->wait); /* who waits for the attempt */
    return 0;
}

static void tcp_close(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    if (s->listening)
        stop_listening(u);
    if (leave_pending(u))
        socket_put(s); /* the list's hold */
    spin_lock(&s->lock);
    u->dead = true;
    spin_unlock(&s->lock);
    if (s->stream)
        close_stream(s);
    inet_port_release(u);
}

static int shutdown_now(struct inet_socket *u, int how)
{
    struct socket *s = &u->base;
    if (s->listening)
        return how & SHUT_READ ? tcp_disconnect(s) : 0;
    if (!s->stream) {
        u->shutdown |= (u8)how; /* takes effect on the connection to come, as on Linux */
        return -ENOTCONN;
    }
    if (tcp_state_of(u) == TCP_CLOSE)
        return -ENOTCONN;
    struct stream_side *me = stream_mine(s), *other = stream_other(s);
    u->connecting = false; /* connect(2) has nothing to tell any more */
    spin_lock(&s->stream->lock);
    me->shutdown |= (u8)how;
    if (how & SHUT_WRITE) {
        if (!other->ended && !s->stream->outside)
            tcp_count_segments(u, 2, 0);
        other->ended = true;
        other->shutdown |= SHUT_READ;
    }
    stream_wake(me, WAKE_ANY | WAKE_QUIET);
    stream_wake(other, ~0u);
    spin_unlock(&s->stream->lock);
    if (s->stream->outside && how & SHUT_WRITE)
        network_stream_shutdown(s->stream);
    if (u->defers && how & SHUT_WRITE)
        tcp_defer_end(u, false);
    return 0;
}

static int tcp_shutdown(struct socket *s, int how)
{
    struct inet_socket *u = inet_of(s);
    mutex_lock(&u->change);
    int error = shutdown_now(u, how);
    mutex_unlock(&u->change);
    return error;
}

/* ------------------------------------------------------------ data */

/* A transfer before the connection stands: waits for it. 0, or the error; 1: none, and SHUT_READ says what that is. */
static int await_connection(struct inet_socket *u, nsec_t deadline, int error_if_closed)
{
    struct socket *s = &u->base;
    if (READ_ONCE(u->state) == TCP_SYN_SENT) {
        if (!deadline)
            return -EAGAIN;
        int error = wait_event(&s->wait, READ_ONCE(u->state) != TCP_SYN_SENT, deadline, WAIT_INTERRUPTIBLE);
        if (error)
            return socket_wait_error(error, deadline);
    }
    if (s->stream)
        return 0;
    int error = socket_take_error(s);
    bool end = error_if_closed == -ENOTCONN && u->shutdown & SHUT_READ && !s->listening;
    return error ? error : end ? 1 : error_if_closed;
}

static ssize tcp_send(struct socket *s, struct message *m)
{
    if (m->flags & MSG_FASTOPEN)
        return -EOPNOTSUPP;
    if (unlikely(!s->stream)) {
        int error = await_connection(inet_of(s), socket_send_deadline(s, m->flags), -EPIPE);
        if (error)
            return error;
    }
    struct datagram *notice;
    int error = inet_zerocopy_begin(inet_of(s), m, &notice);
    ssize n = error ? error : tcp_count_sent(inet_of(s), stream_send(s, m, &tcp_rules));
    inet_zerocopy_end(inet_of(s), notice, n > 0);
    if (unlikely(inet_of(s)->defers) && n > 0)
        tcp_defer_end(inet_of(s), false);
    return n;
}

static ssize tcp_receive(struct socket *s, struct message *m)
{
    if (m->flags & MSG_ERRQUEUE)
        return inet_receive_error(s, m);
    if (unlikely(m->flags & MSG_OOB) && !s->listening) {
        ssize n = s->stream ? stream_receive_urgent(s, m) : -EINVAL;
        if (!n)
            m->result_flags |= MSG_TRUNC;
        return n;
    }
    if (unlikely(!s->stream)) {
        int error = await_connection(inet_of(s), socket_receive_deadline(s, m->flags), -ENOTCONN);
        if (error)
            return MIN(error, 0);
    }
    return stream_receive(s, m, &tcp_rules);
}

static u32 tcp_poll(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    u32 events = READ_ONCE(s->error) || inet_errors_waiting(u) ? EPOLLERR : 0;
    if (s->listening)
        tcp_defer_look(s);
    unsigned waiting = READ_ONCE(s->accept_count);
    if (s->listening)
        return waiting ? READABLE | (waiting < CROWD ? 0 : POLL_CROWD) : 0;
    if (!s->stream) {
        if (READ_ONCE(u->state) == TCP_SYN_SENT)
            return events;
        if (u->shutdown & SHUT_READ)
            events |= READABLE | EPOLLRDHUP;
        return events | EPOLLHUP | WRITABLE;
    }
    const struct stream_side *me = stream_mine(s);
    u8 shutdown = READ_ONCE(me->shutdown);
    if (shutdown == SHUT_BOTH)
        events |= EPOLLHUP;
    if (shutdown & SHUT_READ)
        events |= READABLE | EPOLLRDHUP;
    if (stream_has_enough(s))
        events |= READABLE;
    if (READ_ONCE(me->urgent) && stream_urgent(s))
        events |= EPOLLPRI;
    if (shutdown & SHUT_WRITE || stream_writable(s, &tcp_rules))
        events |= WRITABLE;
    return events;
}

static u64 tcp_readable(struct socket *s)
{
    return s->listening ? (u64)-EINVAL : s->stream ? stream_before_urgent(s) : 0;
}

static long tcp_ioctl(struct socket *s, unsigned cmd, unsigned long arg)
{
    if (cmd != SIOCATMARK)
        return -ENOTTY;
    return put_user((int)(s->stream && stream_at_mark(s)), (int *)arg);
}

static u64 tcp_unsent(struct socket *s)
{
    if (s->listening)
        return (u64)-EINVAL;
    /* Inside of the VM, what the receiver has not read is acknowledged all the same. */
    return s->stream && s->stream->outside ? stream_unread_by_peer(s) : 0;
}

static void tcp_option_changed(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    if (s->stream ? s->stream->outside : u->state == TCP_SYN_SENT)
        network_tcp_options(u);
}

const struct socket_ops tcp_ops = {
    .zerocopy = true,
    .bind = inet_bind,
    .listen = tcp_listen,
    .connect = tcp_connect,
    .name = inet_name,
    .send = tcp_send,
    .receive = tcp_receive,
    .shutdown = tcp_shutdown,
    .poll = tcp_poll,
    .accepting = tcp_defer_look,
    .accepted = tcp_accepted,
    .set_option = inet_set_option,
    .get_option = inet_get_option,
    .option_changed = tcp_option_changed,
    .ioctl = tcp_ioctl,
    .readable_bytes = tcp_readable,
    .unsent_bytes = tcp_unsent,
    .close = tcp_close,
    .destroy = inet_destroy,
    .sigpipe = true,
};
