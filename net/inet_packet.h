/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of IP in one piece, for sockets that see packets: what they send is made here, and what they are to see is given out.
 * Inside of the VM there are no packets but those that raw and ping sockets send, and those made for somebody who looks
 * (inet_packet_watched()).
 */
#ifndef NET_INET_PACKET_H
#define NET_INET_PACKET_H

#include "net/inet.h"

#define IP_HEADER4 20
#define IP_HEADER6 40
#define UDP_HEADER 8
#define PACKET_MAX 65535

/* RFC 792. <linux/icmp.h> would bring the C library's headers in. */
#define ICMP_ECHOREPLY     0
#define ICMP_DEST_UNREACH  3
#define ICMP_ECHO          8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_HEADER        8 /* type, code, checksum and a word; for an echo identifier and sequence */

struct ip_packet {
    const u8 *data;              /* from the header on */
    u32 length;
    u32 header;                  /* bytes before what is the protocol's; extension headers of IPv6 included */
    bool v4;
    u8 protocol, hops, traffic_class;
    u8 interface;                /* index of the one it came by */
    struct inet_address from, to; /* without ports */
};

/* What IP's header says besides addresses and length. */
struct ip_header {
    u8 protocol, hops, traffic_class;
    bool whole;                  /* IPv4: not to be fragmented */
};

/* Reads the headers of data. False: they are no packet's. */
bool ip_packet_parse(const u8 *data, u32 length, u8 interface, struct ip_packet *p);
/* Writes a header for n bytes from from to to; returns its size: IP_HEADER4 or IP_HEADER6. */
u32 ip_header_write(u8 *out, const u8 from[16], const u8 to[16], u32 n, const struct ip_header *h);
/* Writes the header of a datagram before its n bytes. */
void udp_header_write(u8 *out, const struct inet_address *from, const struct inet_address *to, u32 n);
/* The checksum to be sent of n bytes of protocol (RFC 1071), with the pseudo header where v4 ICMP has none; 0 if it is right already. */
u16 ip_transport_checksum(const u8 from[16], const u8 to[16], u8 protocol, const void *data, u32 n);

/* Does anybody want to see packets inside of the VM that are not sent as such? */
bool inet_packet_watched(void);
/* Gives u the n bytes at data, which came in p from from. Atomic. */
void inet_packet_deliver(struct inet_socket *u, const struct ip_packet *p, const struct inet_address *from, const void *data, u32 n);
/* One that came, from inside or outside: to raw and ping sockets. True: there were raw ones that it was for. Atomic. */
bool inet_packet_input(const struct ip_packet *p);
/*
 * A packet that came from inside of the VM, whose addresses are the VM's own: to all who are to see it, and answered where the kernel
 * answers. data has room for PACKET_MAX bytes if it is an echo request. Sleeps.
 */
void inet_packet_inside(u8 *data, u32 length);
/* The same of one that packet sockets have seen. */
void inet_packet_arrived(u8 *data, u32 length);
/*
 * The VM itself answers p, which it sent to itself, with this code of "destination unreachable" (IPv4's, or IPv6's): to who sent it, and to
 * those who look. Sleeps.
 */
void inet_packet_unreachable(const struct ip_packet *p, u8 code4, u8 code6);
#define UNREACHABLE_PROTOCOL 2
#define UNREACHABLE_PORT     3
#define UNREACHABLE_PORT6    4
/* Shows a datagram between sockets of the VM to those who look; refused: nobody has the port that it is for. Sleeps. */
void inet_packet_show(const struct inet_address *from, const struct inet_address *to, const struct ip_header *h, const void *payload, u32 n,
                      bool refused);

/* ------------------------------------------------------------ net/inet_raw.c */

/* Copies of p for all raw sockets that it is for. True: there were some. Atomic. */
bool inet_raw_input(const struct ip_packet *p);
/* Are there raw or ping sockets? */
bool inet_raw_wanted(void);
struct socket *inet_raw_create(int family, int protocol);
/*
 * Sends a packet: n bytes of protocol, with room for IP's header before, from u as its options and m say. inet_packet_out(): one with
 * its header, n bytes in all. data holds IP_HEADER6 bytes more than its n. 0, -EMSGSIZE, -ENOBUFS. Sleeps.
 */
ssize inet_packet_send(struct inet_socket *u, const u8 from[16], const struct inet_address *to, bool outside, const struct message *m,
                       u8 protocol, u8 *data, u32 n);
int inet_packet_out(u8 *packet, u32 n, bool outside);

/* ------------------------------------------------------------ net/inet_ping.c */

/* An answer to an echo request: for the ping socket that asked. Atomic. */
void inet_ping_input(const struct ip_packet *p);
struct socket *inet_ping_create(int family, int protocol);
/* net.ipv4.ping_group_range: the groups that may make ping sockets, both included. */
extern u32 inet_ping_groups[2];

#endif
