/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_INET and AF_INET6: what their files share. Addresses of both families are kept as 16 bytes, IPv4 as
 * ::ffff:a.b.c.d, so that tables and matching are written once.
 */
#ifndef NET_INET_H
#define NET_INET_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include "net/counters.h"
#include "net/datagram.h"
#include "net/interface.h"
#include "net/network.h"
#include "net/socket.h"
#include "net/stream.h"

struct inet_address {
    u8 ip[16];  /* network order, IPv4 mapped */
    u16 port;   /* host order; 0: none */
};

enum inet_tcp_state { /* values of TCP_INFO */
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT,
    TCP_SYN_RECV,
    TCP_FIN_WAIT1,
    TCP_FIN_WAIT2,
    TCP_TIME_WAIT,
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_LISTEN,
    TCP_CLOSING,
};

/* Values of IP, IPv6 and TCP options. Boolean ones are bits by option number. */
struct inet_options {
    u64 ip_bits, tcp_bits;
    u64 ip6_bits[2];
    u8 tos, multicast_ttl, mtu_discover, mtu_discover6, min_ttl, min_hops, multicast_interface6;
    s16 ttl, traffic_class, hops, multicast_hops; /* -1: default */
    int max_segment, keep_idle, keep_interval, keep_count, syn_count, linger2, defer_accept, user_timeout,
        window_clamp, fastopen, notsent_low_water;
    u8 multicast_interface;   /* IP_MULTICAST_IF: index, 0: by route */
    u8 unicast_interface;     /* IP_UNICAST_IF, IPV6_UNICAST_IF */
    u32 multicast_address;    /* as it was set, network order */
    char congestion[16];
};

struct inet_port;

/* The port tables. A raw socket's port is its protocol, a ping socket's the identifier in its messages. */
enum inet_table {
    PORTS_TCP,
    PORTS_UDP,
    PORTS_PING,
    PORTS_RAW,
    PORTS_TABLES,
};

struct inet_socket {
    struct socket base;
    struct mutex change;         /* LOCK_FS: bind, listen, connect and shutdown come one at a time; let go while one waits */
    struct inet_address local, remote; /* remote.port 0: not connected */
    bool address_chosen;         /* bind(2) gave the address: it stays after a failed connect */
    bool port_chosen;            /* bind(2) asked for the port by number */
    bool v6only;

    /* port table, under its lock */
    struct inet_port *port;      /* NULL: no port */
    bool accepted;               /* by a listener, whose port it is */
    bool exclusive;              /* that counts in accepted_exclusive */
    struct list port_link;       /* among the port's owners, or the connections accepted there */

    struct inet_options options;

    /* TCP */
    u8 state;                    /* enum inet_tcp_state while there is no stream */
    u8 shutdown;                 /* SHUT_* bits while there is no stream */
    bool connecting;             /* connect(2) answered EINPROGRESS and nobody has asked since */
    bool dead;                   /* closed; under base.lock */
    struct list pending;         /* listener: clients that wait for room, by pending_link; under base.lock */
    struct list pending_link;
    struct inet_socket *listener;       /* while waiting: reference; the end that waits by TCP_DEFER_ACCEPT has none */
    struct tcp_deferrals *deferrals; /* listener: net/tcp_defer.c; NULL: none so far; set once */
    nsec_t due;                  /* when such an end is to be accepted; under the listener's lock */
    bool defers;                 /* client: the other end waits for what this one sends */
    struct inet_socket *pending_server; /* while waiting: the end that the listener will get */
    struct byte_stream *pending_stream;
    struct tcp_link *attempt;    /* while connecting to the outside; under the network's core lock */

    /* UDP */
    struct datagram_queue queue;
    struct datagram_queue *errors; /* MSG_ERRQUEUE; NULL: there was none yet; set once, under base.lock */
    u32 zerocopy_sends;          /* with MSG_ZEROCOPY; under base.lock */
    u32 stamped_sends;           /* whose time was wanted, since SOF_TIMESTAMPING_OPT_ID was set; atomic */
    struct list groups;          /* struct inet_group; under the port table's lock, as n_groups */
    unsigned n_groups;
};

static inline struct inet_socket *inet_of(struct socket *s)
{
    return container_of(s, struct inet_socket, base);
}

#define IP_BIT(u, option)  ((u)->options.ip_bits >> (option) & 1)
#define IP6_BIT(u, option) ((u)->options.ip6_bits[(option) / 64] >> ((option) % 64) & 1)
#define TCP_BIT(u, option) ((u)->options.tcp_bits >> (option) & 1)

/* ------------------------------------------------------------ net/inet_address.c */

bool ip_is_v4(const u8 ip[16]);
bool ip_is_any(const u8 ip[16]);       /* 0.0.0.0 or :: */
bool ip_is_loopback(const u8 ip[16]);  /* 127/8 or ::1 */
bool ip_equal(const u8 a[16], const u8 b[16]);
/* Are the first n bits of both the same? */
bool bits_equal(const void *a, const void *b, unsigned n);
/* ip becomes the mapped form of an address in 4 bytes. */
void ip_from_v4(u8 ip[16], const void *network_order);
/*
 * The program's address for socket u: for bind(2), or for connect and send (destination). The errors of those calls:
 * -EINVAL (length), -EAFNOSUPPORT; -ENETUNREACH for an IPv4 address on an IPv6-only socket.
 */
int inet_parse(const struct inet_socket *u, const struct socket_address *a, bool destination, struct inet_address *out);
/* As the socket's family shows it. */
void inet_format(const struct inet_socket *u, const struct inet_address *in, struct socket_address *a);
/*
 * Where to leads: 0 to this VM itself, 1 to the outside; the unspecified address becomes loopback. -ENETUNREACH, -EACCES (broadcast).
 * source is the address that it is sent from: the socket's, or the one for this destination. Sleeps while the network starts.
 */
int inet_route(const struct inet_socket *u, struct inet_address *to, u8 source[16]);
/* The same for a message, which may say where to send it from (IP_PKTINFO). Besides: -EINVAL, -ENODEV. */
int inet_route_message(const struct inet_socket *u, const struct message *m, struct inet_address *to, u8 source[16]);
/* The longest packet that need not be fragmented on its way from u to ip, as far as is known. */
u32 inet_mtu(const struct inet_socket *u, const u8 ip[16], bool outside);
/* Is ip an address of this VM? */
bool ip_is_own(const u8 ip[16]);
bool ip_is_multicast(const u8 ip[16]);
int inet_name(struct socket *s, struct socket_address *a, enum socket_name whose);
int inet_bind(struct socket *s, const struct socket_address *a);
/* Reads the address that u is to be bound to. -EADDRNOTAVAIL: not that. And the second half, for an address that it may have. */
int inet_bind_address(const struct inet_socket *u, const struct socket_address *a, struct inet_address *wanted);
int inet_bind_to(struct inet_socket *u, const struct inet_address *wanted);

/* ------------------------------------------------------------ net/inet_port.c */

/*
 * Gives u the port wanted (0: an ephemeral one) on u->local.ip. 0, -EADDRINUSE. Another thread may have been faster: u keeps that port,
 * which is -EINVAL for one that wants its own.
 */
int inet_port_bind(struct inet_socket *u, u16 wanted);
/* An ephemeral port for an outgoing connection. 0, -EADDRNOTAVAIL. Likewise. */
int inet_port_connect(struct inet_socket *u);
/* child gets the listener's port as one more connection on it. */
void inet_port_inherit(struct inet_socket *child, struct inet_socket *listener);
/* The port, if u has one, is no longer u's; u->local.port is 0. */
void inet_port_release(struct inet_socket *u);
/* May u start to listen? 0 or -EADDRINUSE. */
int inet_port_listen(struct inet_socket *u);
/* The listener for a connection, or the UDP socket for a datagram, from from to to that came by interface; with a reference, NULL. */
struct inet_socket *inet_find_listener(const struct inet_address *to, const struct inet_address *from, int interface);
struct inet_socket *inet_find_datagram(const struct inet_address *to, const struct inet_address *from, int interface);
/* Those of a table that a packet from from to to is for, at most max into list, with references; how many. Atomic. */
unsigned inet_find_all(enum inet_table table, const struct inet_address *to, const struct inet_address *from, int interface,
                       struct inet_socket **list, unsigned max);

/*
 * UDP sockets that a datagram to a group or a broadcast address is for, at most max into list, with references; how many. members:
 * only those that joined the group, or are bound to it.
 */
unsigned inet_find_receivers(const struct inet_address *to, const struct inet_address *from, int interface, bool members,
                             struct inet_socket **list, unsigned max);
/* The lock of UDP's port table, for net/inet_group.c. */
void inet_datagram_lock(void);
void inet_datagram_unlock(void);
/* Sockets of a table that have a port: at most max into list, with references. Returns how many there are. Atomic. */
unsigned inet_snapshot(enum inet_table table, struct inet_socket **list, unsigned max);

/* ------------------------------------------------------------ net/inet_group.c */

/* Options with struct ip_mreq(n), ipv6_mreq, group_req. Errors of ip(7). */
int inet_group_option4(struct inet_socket *u, const void *value, u32 length, bool joining);
int inet_group_option6(struct inet_socket *u, const void *value, u32 length, bool joining);
int inet_group_option(struct inet_socket *u, const void *value, u32 length, bool joining);
/* IP_MULTICAST_IF. */
int inet_multicast_interface(struct inet_socket *u, const void *value, u32 length);
/* The same for one source of a group: struct ip_mreq_source, group_source_req. include: not what is to be left out, but what is wanted. */
int inet_source_option4(struct inet_socket *u, const void *value, u32 length, bool include, bool add);
int inet_source_option(struct inet_socket *u, const void *value, u32 length, bool include, bool add);
/* Does u want what source sends to group ip? -1: it is not in that group. Table lock held. */
int inet_group_member(const struct inet_socket *u, const u8 ip[16], const u8 source[16]);
void inet_group_leave_all(struct inet_socket *u);
struct inet_membership {
    u8 ip[16];
    int interface;
    unsigned users; /* for whoever counts them */
};
/* The groups that sockets are in, an entry for each socket: at most max into list. Returns how many there are. Atomic. */
unsigned inet_groups_get(struct inet_membership *list, unsigned max);

/* ------------------------------------------------------------ net/inet_error.c */

struct sock_extended_err;
struct ip_packet;
struct inet_meaning {
    u8 error;   /* errno */
    bool fatal; /* reported even without IP_RECVERR */
};
/* A message of ICMP about a packet. */
struct inet_icmp {
    bool v4;
    u8 type, code;
    u32 info;            /* an MTU, with those that say one */
    u8 offender[16];     /* who sent it */
    u8 to[16];           /* and to which address of ours */
    u8 hops, traffic_class, interface; /* as of a datagram */
};
/* What it means; NULL: nothing to sockets. */
const struct inet_meaning *inet_icmp_meaning(bool v4, u8 type, u8 code);
/* Tells the sockets, but for TCP's, that may have sent the packet, of which the beginning came back. Atomic. */
void inet_icmp_error(const struct inet_icmp *icmp, const struct ip_packet *sent);
/* A datagram is longer than it may be on its way to to: -EMSGSIZE, and a record of it for who wants one. */
int inet_too_long(struct inet_socket *u, const struct inet_address *to, u32 mtu);
/* Appends a record for n bytes that were sent to to; icmp: the message that said it, or NULL. Atomic. */
void inet_queue_error(struct inet_socket *u, const struct sock_extended_err *error, const struct inet_icmp *icmp,
                      const struct inet_address *to, const void *payload, u32 n);
/*
 * MSG_ZEROCOPY of a send that copies: *notice is what there will be to say of it, NULL: nothing. -ENOBUFS. The end takes it over,
 * and queues it if something was sent.
 */
int inet_zerocopy_begin(struct inet_socket *u, const struct message *m, struct datagram **notice);
void inet_zerocopy_end(struct inet_socket *u, struct datagram *notice, bool sent);
/* A datagram left just now: what SO_TIMESTAMPING's flags want to know of that. Atomic. */
void inet_stamp_sent(struct inet_socket *u, u32 flags);
/* recvmsg(2) with MSG_ERRQUEUE: the first record, or -EAGAIN. */
ssize inet_receive_error(struct socket *s, struct message *m);
bool inet_errors_waiting(const struct inet_socket *u);
void inet_errors_drop(struct inet_socket *u);

/* ------------------------------------------------------------ net/tcp_defer.c: TCP_DEFER_ACCEPT inside of the VM */

/* u may have the option from now on. 0, -ENOMEM. */
int tcp_defer_prepare(struct inet_socket *u);
/* Does server wait for client to send something? The listener's lock is held, and both stay with the caller; the list has the accept queue's reference. */
bool tcp_defer(struct inet_socket *listener, struct inet_socket *client, struct inet_socket *server);
/* Puts those that are due into the accept queue: how many. Before one looks there. */
unsigned tcp_defer_look(struct socket *listener);
/* client, which defers, has sent data, or its FIN; or resets the connection. */
void tcp_defer_end(struct inet_socket *client, bool reset);
/* It listens no more. Sleeps not. */
void tcp_defer_stop(struct inet_socket *listener);

/* ------------------------------------------------------------ the protocols */

extern const struct socket_ops tcp_ops, udp_ops;
struct inet_socket *inet_allocate(int family, int type);
/* Fills a zeroed socket. */
void inet_init(struct inet_socket *u, const struct socket_ops *ops, int family, int type, int protocol);
void inet_destroy(struct socket *s);
int tcp_state_of(const struct inet_socket *u);
/*
 * For connections with the outside (net/lwip/tcp.c). All atomic. The end of an attempt to connect, both take over the reference
 * to the client; error is positive.
 */
void tcp_established(struct inet_socket *client, struct byte_stream *st);
void tcp_refused(struct inet_socket *client, int error);
/* The listener's end of a connection, without a stream yet. NULL: out of memory. */
struct inet_socket *tcp_create_server(struct inet_socket *listener, const struct inet_address *local,
                                      const struct inet_address *remote);
/* Puts it into the accept queue. False: nobody listens any more. */
bool tcp_arrived(struct inet_socket *listener, struct inet_socket *server);
/* It came to nothing. */
void tcp_drop_server(struct inet_socket *server);
/* client's pointer to the listener it waits for; the listener's lock is held. */
void tcp_set_listener(struct inet_socket *client, struct inet_socket *listener);
extern const struct stream_rules tcp_rules;

/* The socket of this end is told that its connection was reset. stream.lock held. */
void tcp_reset_end(struct stream_side *side);
/* Counts what a connection between two sockets of this VM would have sent. */
static inline void tcp_count_segments(const struct inet_socket *u, u64 segments, u64 bytes)
{
    net_count_loop(!ip_is_v4(u->remote.ip), segments, bytes, 32); /* a header with timestamps */
}
static inline ssize tcp_count_sent(const struct inet_socket *u, ssize n)
{
    if (n > 0 && !u->base.stream->outside)
        tcp_count_segments(u, 1, (u64)n);
    return n;
}
/* Puts d in the receiver's queue, or drops it when that is full. Takes over the reference. Atomic. */
void udp_deliver(struct inet_socket *to, struct datagram *d);
/* Operations that raw and ping sockets share with UDP's. */
int inet_datagram_connect(struct socket *s, const struct socket_address *a, bool nonblock);
int inet_datagram_send_control(struct message *m, int level, int type, const void *data, size_t length);
ssize inet_datagram_receive(struct socket *s, struct message *m);
/* Adds the control messages that s wants to have with d. */
void inet_put_control(struct socket *s, struct message *m, struct datagram *d);
int inet_datagram_shutdown(struct socket *s, int how);
u32 inet_datagram_poll(struct socket *s);
u64 inet_datagram_readable(struct socket *s);
u64 inet_datagram_unsent(struct socket *s);
void inet_datagram_close(struct socket *s);
#define INET_DATAGRAM_OPS \
    .filters = true, .connect = inet_datagram_connect, .name = inet_name, .receive = inet_datagram_receive, \
    .send_control = inet_datagram_send_control, .shutdown = inet_datagram_shutdown, .poll = inet_datagram_poll, \
    .readable_bytes = inet_datagram_readable, .unsent_bytes = inet_datagram_unsent, .close = inet_datagram_close, \
    .destroy = inet_destroy
void inet_options_init(struct inet_socket *u);
int inet_set_option(struct socket *s, int level, int option, const void *value, u32 length);
int inet_get_option(struct socket *s, int level, int option, void *value, int *length);
int tcp_set_option(struct inet_socket *u, int option, const void *value, u32 length);
/* TCP_INFO. */
struct tcp_info;
void tcp_fill_info(struct inet_socket *u, struct tcp_info *info);
int tcp_get_option(struct inet_socket *u, int option, void *value, int *length);

#endif
