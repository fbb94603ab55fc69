/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network outside of the VM, as sockets see it: net/lwip/ behind functions that know nothing of lwIP. Addresses are 16
 * bytes, IPv4 mapped, as in net/inet.h. Functions that may sleep say so; none may be called with a socket's lock held.
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "kernel/types.h"

struct byte_stream;
struct inet_socket;
struct message;

/* Bytes that a connection may hold each way, less as memory gets short. */
#define NETWORK_ROOM_LITTLE (128u << 10)
#define NETWORK_ROOM_LEAST  (16u << 10)
extern u32 network_room;

/* Waits until boot has looked for a network device. Sleeps. */
void network_await_start(void);
/* Has it? Atomic. */
bool network_is_started(void);
/*
 * Is there an interface with an address of to's IP version? While the network is still being configured (DHCP, router
 * advertisements), waits for it, within bounds. Sleeps.
 */
bool network_up(const u8 to[16]);
/* Is ip an address of the interface? */
bool network_is_own(const u8 ip[16]);
/* Is it the limited broadcast address, or that of the interface's network? */
bool network_is_broadcast(const u8 ip[16]);
/* The address that packets to `to` come from. 0, -ENETUNREACH, or what a route says (-EHOSTUNREACH, -EACCES, -EINVAL). Sleeps as network_up(). */
int network_source(const u8 to[16], u8 from[16]);
/* The gateway to `to`, which is outside; false: it is on the link, or there is no way. */
bool network_gateway(const u8 to[16], u8 gateway[16]);

/* Who is going to wait for events looks at the network first, which interrupts nobody who is busy. Fast when there is nothing. Sleeps not. */
extern bool network_attention;
void network_catch_up(void);
static inline void network_look(void)
{
    if (READ_ONCE(network_attention))
        network_catch_up();
}

/* ------------------------------------------------------------ the interface */

/* Fills i (net/interface.h), but for its name, index, type and flags; false: there is none besides lo. Sleeps while the network starts. */
struct interface;
bool network_interface(struct interface *i);

/* What lwIP counted, by the names of RFC 4293, 4022, 4113 and 2011 (MIB-II). */
enum network_counter {
    IP_RECEIVED, IP_BAD_HEADER, IP_BAD_ADDRESS, IP_UNKNOWN_PROTOCOL, IP_DISCARDED, IP_DELIVERED, IP_SENT, IP_SEND_DISCARDED, IP_NO_ROUTE,
    IP_FRAGMENTS_IN, IP_REASSEMBLED, IP_REASSEMBLY_FAILED, IP_FRAGMENTED, IP_FRAGMENT_FAILED, IP_FRAGMENTS_OUT, IP_OCTETS_IN, IP_OCTETS_OUT,
    IP_COUNTERS,
    IP6_FIRST = IP_COUNTERS, /* the same of IPv6 */
    ICMP_IN = 2 * IP_COUNTERS, ICMP_IN_ERRORS, ICMP_IN_UNREACHABLE, ICMP_IN_EXCEEDED, ICMP_IN_PARAMETER, ICMP_IN_QUENCH, ICMP_IN_REDIRECT,
    ICMP_IN_ECHO, ICMP_IN_ECHO_REPLY, ICMP_IN_TIMESTAMP, ICMP_IN_TIMESTAMP_REPLY, ICMP_IN_MASK, ICMP_IN_MASK_REPLY,
    ICMP_OUT, ICMP_OUT_ERRORS, ICMP_OUT_UNREACHABLE, ICMP_OUT_EXCEEDED, ICMP_OUT_ECHO, ICMP_OUT_ECHO_REPLY,
    ICMP6_IN, ICMP6_IN_ERRORS, ICMP6_OUT,
    TCP_ACTIVE_OUT, TCP_FAILED_OUT, TCP_RESET, TCP_IN, TCP_OUT, TCP_RETRANSMITTED, TCP_IN_ERRORS, TCP_RESETS_OUT, TCP_TIME_WAIT_NOW, TCP_ORPHANS,
    UDP_TAKEN_LWIP, UDP_NOBODY_OUT, UDP_ERRORS, UDP_SENT,
    NETWORK_COUNTERS
};
void network_counters(u64 *values);

/* Who is known on the link. */
struct network_neighbour {
    u8 ip[16], mac[6];
    u16 state;      /* NUD_* of <linux/neighbour.h> */
    bool router;
};
/* At most max of them into list; how many there are. */
unsigned network_neighbours(struct network_neighbour *list, unsigned max);

/* Changes of the interface, which is there. Errors of rtnetlink's requests: -EEXIST, -EADDRNOTAVAIL, -ESRCH, -EOPNOTSUPP (not with lwIP)… */
int network_set_up(bool up);
int network_set_mtu(u32 mtu);
/* An address of interface `index` that it has not, or has: as net/interface.h checks. Besides: -ENOSPC. */
struct interface_address;
int network_set_address(int index, const struct interface_address *a, bool add);
/* Appends those of one IP version that programs gave lo. */
void network_addresses_lo(bool v4, struct interface *i);
/* Routes that programs made, besides the default one of IPv4: at most max into list; how many. */
struct route;
unsigned network_routes(struct route *list, unsigned max);
/* r: checked; flags: NLM_F_* of the request. 0, -EEXIST, -ENOENT, -ESRCH, -ENOSPC. */
int network_add_route(const struct route *r, u32 flags);
/* The first that is like r: metric 0, type 0 (RTN_UNSPEC), interface 0 and no gateway or source stand for any. */
int network_delete_route(const struct route *r);
/* The default route of IPv4; ip NULL: whatever there is. */
int network_set_gateway(const u8 *ip, bool add, bool replace);

/* ------------------------------------------------------------ TCP */

/* A connection with the outside, as /proc/net/tcp tells of it. */
struct network_tcp_row {
    u8 local[16], remote[16];
    u16 local_port, remote_port;
    u8 state;                   /* enum inet_tcp_state */
    u8 timer;                   /* 0 none, 1 retransmission, 2 keep-alive, 3 TIME_WAIT, 4 window probe */
    u8 retransmits, probes;
    u32 timer_ms, rto_ms;       /* till it fires */
    u32 window, threshold;      /* congestion window, segments; slow start's, or UINT32_MAX */
    u32 uid;                    /* of the socket; TIME_WAIT: 0 */
};
/* That of an open socket. False: it has ended. */
bool network_tcp_row(struct byte_stream *st, struct network_tcp_row *row);
/* Those without a socket: handshakes, closed ones that are not done, TIME_WAIT. At most max into list; how many there are. */
unsigned network_tcp_rows(struct network_tcp_row *list, unsigned max);


/* Starts connecting u, whose addresses and ports are set. 0, -ENETUNREACH, -ENOBUFS, -EADDRNOTAVAIL (the pair of ends is in use). */
int network_tcp_connect(struct inet_socket *u);
/* Ends an attempt without a word to u. True if it was still under way: a reference to u was held, which is the caller's now. */
bool network_tcp_abandon(struct inet_socket *u);
/* Options that lwIP must know changed (TCP_NODELAY, SO_KEEPALIVE…). */
void network_tcp_options(struct inet_socket *u);
/* The connection's state as TCP_INFO has it. */
int network_tcp_state(struct byte_stream *st);
/* Its figures; false: it has ended. */
struct tcp_info;
bool network_tcp_info(struct byte_stream *st, struct tcp_info *info);

/* What a stream calls whose other end is outside (net/stream.h). */
void network_stream_sent(struct byte_stream *st, bool more);
/* The last byte that was queued is urgent. Before network_stream_sent(). */
void network_stream_urgent(struct byte_stream *st);
void network_stream_received(struct byte_stream *st, u64 n);
void network_stream_shutdown(struct byte_stream *st);
void network_stream_close(struct byte_stream *st, bool reset);
void network_frame_free(void *frame);

/* ------------------------------------------------------------ packets */

/* Sends a packet of IP of n bytes, header included. 0, -ENOBUFS, -ENETUNREACH. */
int network_packet_send(const void *packet, u32 n);
/* The same for a frame of n bytes. */
int network_frame_send(const void *frame, u32 n);
/* Is it the interface's hardware address? Under the core lock. */
bool network_is_own_mac(const u8 mac[6]);
/* The longest one that need not be fragmented. */
u32 network_mtu(void);
/* The Internet's checksum (RFC 1071) of n bytes, not inverted, to be stored as it is. */
unsigned short lwip_checksum(const void *data, int n);

/* ------------------------------------------------------------ UDP */

/* The interface joins group ip, or leaves it, once more. */
void network_group(const u8 ip[16], bool join);

struct inet_address;
/* Sends m's bytes; hops 0: the default. Bytes, or negative errno. Sleeps while it copies. */
ssize network_udp_send(struct inet_socket *u, const struct inet_address *from, const struct inet_address *to,
                       struct message *m);

#endif
