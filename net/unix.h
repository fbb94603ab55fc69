/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX sockets (unix(7)): what their files share. */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include <linux/un.h>
#include "fs/vfs.h"
#include "net/datagram.h"
#include "net/socket.h"

/* A bound name; never changes, shared by a listener and what it accepted. */
struct unix_name {
    u32 refs;    /* atomic */
    int length;  /* of address, as getsockname(2) reports */
    struct sockaddr_un address;
};

struct unix_socket {
    struct socket base;
    struct unix_name *name;      /* set once, with release */
    struct inode *inode;         /* of a pathname socket, reference */
    struct path_ref path;        /* where it was bound, reference; set with inode */
    struct list name_link;       /* in the table of names, under its lock */
    struct unix_name *gone_peer_name; /* stream: of the other end once that is closed; under stream.lock */
    struct list held;            /* sets of sockets in our queue, or in those of connections not yet accepted; with the next four under net/unix_collect.c's lock */
    struct unix_socket *listener; /* in whose accept queue it is; NULL: in none */
    struct list work_link;
    u32 flights;                 /* times this socket is in flight itself */
    bool marked;
    u8 shutdown;                 /* SHUT_* bits while there is no stream; under base.lock */
    bool dead;                   /* closed; under base.lock */
    bool connecting;             /* atomic: a connect(2) is under way */

    /* datagram and seqpacket, under base.lock */
    struct unix_socket *peer;    /* reference; where sends without an address go */
    bool was_connected;          /* seqpacket: stays true after the peer has gone */
    struct datagram_queue queue;
};

static inline struct unix_socket *unix_of(struct socket *s)
{
    return container_of(s, struct unix_socket, base);
}

#define UNIX_PATH_OFFSET ((int)offsetof(struct sockaddr_un, sun_path))

/* net/unix_name.c */
int unix_bind(struct socket *s, const struct socket_address *a);
/* Gives an unbound socket an abstract name of the kernel's choice. 0, -EADDRINUSE (none free), -ENOMEM. */
int unix_autobind(struct unix_socket *u);
/* The same for a sender whose receivers shall be told who it is. */
int unix_autobind_sender(struct unix_socket *u);
void unix_unbind(struct unix_socket *u);
void unix_name_put(struct unix_name *n);
/* May a name a socket, as far as its length and family go? */
bool unix_is_address(const struct socket_address *a);
/* The socket bound to a, with a reference. -EINVAL (address), -ECONNREFUSED, -EPROTOTYPE, and what path lookup gives. Sleeps. */
struct unix_socket *unix_find(const struct socket_address *a, int type);
/* ioctl(2) of all kinds: SIOCUNIXFILE. */
long unix_ioctl(struct socket *s, unsigned cmd, unsigned long arg);
/* getsockname or getpeername from a name that may be NULL. */
void unix_fill_name(const struct unix_name *n, struct socket_address *a);

/* net/unix.c */
struct unix_socket *unix_allocate(int type);
void unix_destroy(struct socket *s);
/* connect(2) of stream and seqpacket sockets that are not connected. */
int unix_connect_listener(struct unix_socket *client, const struct socket_address *a, bool nonblock);
int unix_listen(struct socket *s, int backlog);
extern const struct socket_ops unix_stream_ops;

/* net/unix_collect.c: c left listener's accept queue, or is about to enter it. */
void unix_accepted(struct socket *listener, struct socket *c);

/* net/unix_datagram.c */
extern const struct socket_ops unix_datagram_ops, unix_seqpacket_ops;

/* What the other end is woken with when this one is shut down: SIGIO is for the end of what it reads only. */
static inline u32 unix_shutdown_events(int how)
{
    return how == SHUT_BOTH ? WAKE_ANY | WAKE_HANGUP : how == SHUT_WRITE ? ~0u : WAKE_ANY | WAKE_QUIET;
}

#endif
