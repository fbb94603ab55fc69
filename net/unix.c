/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX: creation, the way a connection reaches a listener, and stream sockets. */
#include <linux/sockios.h>
#include "kernel/heap.h"
#include "kernel/user.h"
#include "net/control.h"
#include "net/stream.h"
#include "net/unix.h"

#define STREAM_PIECE_MAX (32768 + 3776) /* what one buffer of Linux carries */

struct unix_socket *unix_allocate(int type)
{
    struct unix_socket *u = kzalloc(sizeof(*u));
    if (!u)
        return NULL;
    const struct socket_ops *ops = type == SOCK_STREAM    ? &unix_stream_ops
                                   : type == SOCK_DGRAM ? &unix_datagram_ops
                                                        : &unix_seqpacket_ops;
    socket_init(&u->base, ops, AF_UNIX, type, 0);
    list_init(&u->name_link);
    list_init(&u->held);
    list_init(&u->work_link);
    datagram_queue_init(&u->queue);
    return u;
}

struct socket *unix_create(int type, int protocol)
{
    if (protocol && protocol != AF_UNIX)
        return ERR_PTR(-EPROTONOSUPPORT);
    if (type == SOCK_RAW)
        type = SOCK_DGRAM; /* as Linux has it */
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return ERR_PTR(-ESOCKTNOSUPPORT);
    struct unix_socket *u = unix_allocate(type);
    return u ? &u->base : ERR_PTR(-ENOMEM);
}

void unix_destroy(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    stream_release(s);
    unix_name_put(u->name);
    unix_name_put(u->gone_peer_name);
    kfree(u);
}

/* ------------------------------------------------------------ listening and connecting */

int unix_listen(struct socket *s, int backlog)
{
    struct unix_socket *u = unix_of(s);
    if (!u->name || s->stream || u->was_connected)
        return -EINVAL;
    spin_lock(&s->lock);
    s->accept_limit = (unsigned)backlog;
    s->listening = !u->dead;
    spin_unlock(&s->lock);
    socket_peer_current(s);
    wait_wake_all(&s->room);
    return 0;
}

static bool has_accept_room(struct socket *s)
{
    return READ_ONCE(s->accept_count) <= READ_ONCE(s->accept_limit) || !READ_ONCE(s->listening) || READ_ONCE(s->refusing);
}

/* Puts server in the listener's queue. 0, -ECONNREFUSED, -EAGAIN when it is full. */
static int enqueue(struct socket *listener, struct socket *server)
{
    int error = 0;
    spin_lock(&listener->lock);
    if (!listener->listening || listener->refusing) {
        error = -ECONNREFUSED;
    } else if (listener->accept_count > listener->accept_limit) {
        error = -EAGAIN;
    } else {
        list_add_tail(&listener->accept_queue, &server->accept_link);
        listener->accept_count++;
    }
    spin_unlock(&listener->lock);
    if (!error)
        wait_wake_events(&listener->wait, 1, EPOLLIN | EPOLLRDNORM);
    return error;
}

static int wait_for_accept_room(struct socket *listener, nsec_t deadline)
{
    if (!deadline)
        return -EAGAIN;
    int error = wait_event(&listener->room, has_accept_room(listener), deadline, WAIT_INTERRUPTIBLE);
    return socket_wait_error(error, deadline);
}

/* A connection end for client at listener, not yet in its queue. *st is the stream of stream sockets. */
static struct unix_socket *create_server(struct unix_socket *client, struct unix_socket *listener,
                                         struct byte_stream **st)
{
    struct unix_socket *server = unix_allocate(client->base.type);
    if (!server)
        return NULL;
    if (client->base.type == SOCK_STREAM) {
        *st = stream_create(&client->base, &server->base);
        if (!*st) {
            socket_put(&server->base);
            return NULL;
        }
        /* shutdown(2) before connect(2) holds; what the client will not read, the server cannot send. */
        (*st)->side[0].shutdown = client->shutdown;
        (*st)->side[1].shutdown = client->shutdown & SHUT_READ ? SHUT_WRITE : 0;
    } else {
        socket_get(&client->base);
        server->peer = client;
        server->was_connected = true;
    }
    server->base.unaccepted = true;
    server->base.options.bits = listener->base.options.bits & (1ull << SO_PASSCRED | 1ull << OPTION_PASSPIDFD);
    server->listener = listener;
    socket_peer_current(&server->base);
    server->name = listener->name;
    if (server->name)
        __atomic_add_fetch(&server->name->refs, 1, __ATOMIC_RELAXED);
    return server;
}

/* The connection stands: from here on the client sends and receives through it. Takes over the reference to server. */
static void establish(struct unix_socket *client, struct unix_socket *server, struct byte_stream *st)
{
    if (st) {
        __atomic_store_n(&client->base.stream, st, __ATOMIC_RELEASE);
        socket_put(&server->base);
        return;
    }
    spin_lock(&client->base.lock);
    client->was_connected = true;
    client->peer = server;
    spin_unlock(&client->base.lock);
}

static void give_up(struct unix_socket *server, struct byte_stream *st)
{
    if (st)
        stream_abandon(st);
    else
        socket_put(&server->peer->base);
    server->peer = NULL;
    socket_put(&server->base);
}

/* One attempt: -EAGAIN when the listener's queue is full. What the client is already is looked at after the name. */
static int connect_to(struct unix_socket *client, struct unix_socket *listener)
{
    struct byte_stream *st = NULL;
    if (client->base.listening || client->base.stream || client->was_connected) {
        if (!READ_ONCE(listener->base.listening) || READ_ONCE(listener->base.refusing))
            return -ECONNREFUSED;
        if (READ_ONCE(listener->base.accept_count) > listener->base.accept_limit)
            return -EAGAIN; /* it is waited for all the same */
        return client->base.listening ? -EINVAL : -EISCONN;
    }
    struct unix_socket *server = create_server(client, listener, &st);
    if (!server)
        return -ENOMEM;
    socket_get(&server->base); /* once in the queue it may be accepted and closed at any time */
    int error = enqueue(&listener->base, &server->base);
    if (!error) {
        socket_peer_copy(&client->base, &listener->base);
        establish(client, server, st);
        return 0;
    }
    socket_put(&server->base);
    give_up(server, st);
    return error;
}

int unix_connect_listener(struct unix_socket *client, const struct socket_address *a, bool nonblock)
{
    nsec_t deadline = socket_send_deadline(&client->base, nonblock ? MSG_DONTWAIT : 0);
    if (__atomic_exchange_n(&client->connecting, true, __ATOMIC_ACQUIRE))
        return -EALREADY;
    int error;
    do {
        struct unix_socket *listener = unix_find(a, client->base.type);
        if (IS_ERR(listener)) {
            error = (int)PTR_ERR(listener);
            break;
        }
        error = connect_to(client, listener);
        bool full = error == -EAGAIN;
        if (full)
            error = wait_for_accept_room(&listener->base, deadline);
        socket_put(&listener->base);
        if (!full)
            break;
    } while (!error);
    __atomic_store_n(&client->connecting, false, __ATOMIC_RELEASE);
    return error;
}

/* ------------------------------------------------------------ stream sockets */

static u64 stream_limit(const struct socket *sender)
{
    return (u64)READ_ONCE(sender->options.send_buffer);
}

static bool stream_is_writable(u64 charge, u64 limit)
{
    return charge * 4 <= limit;
}

static int stream_to_closed(struct socket *s)
{
    return -EPIPE;
}

static const struct stream_rules rules = {
    .chunk_max = STREAM_PIECE_MAX,
    .charge = datagram_charge,
    .limit = stream_limit,
    .writable = stream_is_writable,
    .to_closed = stream_to_closed,
    .shutdown_first = true,
    .passes_files = true,
};

static int unix_stream_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    struct unix_socket *u = unix_of(s);
    if (!unix_is_address(a))
        return -EINVAL;
    int error = unix_autobind_sender(u);
    return error ? error : unix_connect_listener(u, a, nonblock);
}

static int unix_stream_pair(struct socket *a, struct socket *b)
{
    struct byte_stream *st = stream_create(a, b);
    if (!st)
        return -ENOMEM;
    a->stream = st;
    socket_peer_current(a);
    socket_peer_current(b);
    return 0;
}

static ssize unix_stream_send(struct socket *s, struct message *m)
{
    if (m->flags & MSG_OOB && !m->io.left)
        return -EOPNOTSUPP;
    if (!m->has_credentials)
        m->credentials = credentials_current();
    if (m->name.length)
        return s->stream ? -EISCONN : -EOPNOTSUPP;
    if (!s->stream)
        return -ENOTCONN;
    return stream_send(s, m, &rules);
}

static ssize unix_stream_receive(struct socket *s, struct message *m)
{
    if (!s->stream)
        return -EINVAL;
    if (m->flags & MSG_OOB)
        return stream_receive_urgent(s, m);
    ssize n = stream_receive(s, m, &rules);
    if (n > 0 && m->want_name) {
        /* The peer's name comes with the data, as if it were a datagram, but only if it has one. */
        struct stream_side *other = stream_other(s);
        spin_lock(&s->stream->lock);
        struct unix_name *name = other->socket ? READ_ONCE(unix_of(other->socket)->name) : NULL;
        if (name)
            unix_fill_name(name, &m->name);
        spin_unlock(&s->stream->lock);
    }
    return n;
}

static int unix_stream_name(struct socket *s, struct socket_address *a, enum socket_name whose)
{
    if (whose == NAME_OWN) {
        unix_fill_name(__atomic_load_n(&unix_of(s)->name, __ATOMIC_ACQUIRE), a);
        return 0;
    }
    if (!s->stream)
        return -ENOTCONN;
    struct stream_side *other = stream_other(s);
    spin_lock(&s->stream->lock);
    struct unix_socket *u = unix_of(s);
    unix_fill_name(other->socket ? READ_ONCE(unix_of(other->socket)->name) : u->gone_peer_name, a);
    spin_unlock(&s->stream->lock);
    return 0;
}

static u8 mirrored(int how)
{
    return (u8)((how & SHUT_READ ? SHUT_WRITE : 0) | (how & SHUT_WRITE ? SHUT_READ : 0));
}

static int unix_stream_shutdown(struct socket *s, int how)
{
    struct unix_socket *u = unix_of(s);
    if (!s->stream) {
        spin_lock(&s->lock);
        u->shutdown |= (u8)how;
        s->refusing = u->shutdown & SHUT_READ;
        spin_unlock(&s->lock);
        wait_wake_events(&s->wait, ~0u, WAKE_ANY | WAKE_QUIET);
        wait_wake_events(&s->room, ~0u, WAKE_ANY | WAKE_QUIET);
        return 0;
    }
    struct stream_side *me = stream_mine(s), *other = stream_other(s);
    spin_lock(&s->stream->lock);
    me->shutdown |= (u8)how;
    other->shutdown |= mirrored(how);
    stream_wake(me, WAKE_ANY | WAKE_QUIET);
    stream_wake(other, unix_shutdown_events(how));
    spin_unlock(&s->stream->lock);
    return 0;
}

static u32 unix_stream_poll(struct socket *s)
{
    u32 events = READ_ONCE(s->error) ? EPOLLERR : 0;
    if (!s->stream) {
        u8 shutdown = unix_of(s)->shutdown;
        if (shutdown & SHUT_READ)
            events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
        if (s->listening)
            return events | (READ_ONCE(s->accept_count) ? EPOLLIN | EPOLLRDNORM : 0);
        return events | EPOLLHUP | EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    }
    u8 shutdown = READ_ONCE(stream_mine(s)->shutdown);
    if (shutdown == SHUT_BOTH)
        events |= EPOLLHUP;
    if (shutdown & SHUT_READ)
        events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (stream_readable(s))
        events |= EPOLLIN | EPOLLRDNORM;
    if (unlikely(READ_ONCE(stream_mine(s)->urgent)))
        events |= EPOLLIN | EPOLLRDNORM | (stream_urgent(s) ? EPOLLPRI : 0);
    if (stream_writable(s, &rules))
        events |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    return events;
}

static u64 unix_stream_readable(struct socket *s)
{
    return s->listening ? (u64)-EINVAL : s->stream ? stream_readable(s) : 0;
}

static u64 unix_stream_unsent(struct socket *s)
{
    return s->stream ? READ_ONCE(stream_other(s)->charge) : 0;
}

static long unix_stream_ioctl(struct socket *s, unsigned cmd, unsigned long arg)
{
    if (cmd != SIOCATMARK)
        return unix_ioctl(s, cmd, arg);
    return put_user((int)(s->stream && stream_at_mark(s)), (int *)arg);
}

/* The other end learns that this one is closed; stream.lock held. */
static void tell_closed(struct socket *s, struct stream_side *other, bool unread)
{
    struct unix_name *name = unix_of(s)->name;
    if (name)
        __atomic_add_fetch(&name->refs, 1, __ATOMIC_RELAXED);
    unix_of(other->socket)->gone_peer_name = name;
    other->shutdown = SHUT_BOTH;
    if (unread || s->unaccepted)
        socket_set_error(other->socket, ECONNRESET);
}

static void unix_stream_close(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    spin_lock(&s->lock);
    u->dead = true;
    s->listening = false;
    spin_unlock(&s->lock);
    unix_unbind(u);
    socket_accept_flush(s);
    if (s->stream)
        stream_close(s, tell_closed);
    unix_collect(false);
}

const struct socket_ops unix_stream_ops = {
    .filters = true, /* which nothing runs through, on Linux either */
    .bind = unix_bind,
    .listen = unix_listen,
    .connect = unix_stream_connect,
    .name = unix_stream_name,
    .pair = unix_stream_pair,
    .send = unix_stream_send,
    .receive = unix_stream_receive,
    .shutdown = unix_stream_shutdown,
    .poll = unix_stream_poll,
    .ioctl = unix_stream_ioctl,
    .accepted = unix_accepted,
    .readable_bytes = unix_stream_readable,
    .unsent_bytes = unix_stream_unsent,
    .close = unix_stream_close,
    .destroy = unix_destroy,
    .sigpipe = true,
};
