/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_PACKET (packet(7)): frames of the interfaces, as they pass. Those of lo exist only while somebody looks (net/inet_packet.c).
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "net/datagram.h"

/* <linux/if_packet.h> has the rest. */
#define AF_PACKET  17
#define SOL_PACKET 263

#define FRAME_HEADER 14 /* Ethernet's, which frames of lo have as well */

/* How many of these sockets there are: atomic. */
extern u32 packet_sockets;

static inline bool packet_watched(void)
{
    return READ_ONCE(packet_sockets) != 0;
}

/* A frame of n bytes passes. Atomic. */
void packet_show(const u8 *frame, u32 n, int interface, bool outgoing);
/* A packet of IP that the VM sends to itself: leaves by lo and comes in there. */
void packet_show_inside(const u8 *packet, u32 n);
struct socket *packet_create(int type, int protocol);

/* ------------------------------------------------------------ net/packet_ring.c */

struct packet_ring;
struct tpacket_req;
struct sockaddr_ll;

/* PACKET_RX_RING of version TPACKET_V2. -EINVAL, -ENOMEM as ERR_PTR. reserve: PACKET_RESERVE. */
struct packet_ring *packet_ring_create(const struct tpacket_req *request, u32 reserve);
void packet_ring_destroy(struct packet_ring *r);
/*
 * Puts a frame into the next slot, if the program has given it back: n bytes of which length were there. header: bytes of it before IP's, 0
 * if it comes without. False: it has not.
 */
bool packet_ring_put(struct packet_ring *r, const struct sockaddr_ll *from, const u8 *data, u32 n, u32 length, u32 header, s64 time, u32 status);
/* Is there a frame that the program has not given back? */
bool packet_ring_readable(struct packet_ring *r);
/* What to map, with a reference; -EINVAL if length is not the ring's. */
struct memory_object *packet_ring_map(struct packet_ring *r, u64 offset, u64 length);

#endif
