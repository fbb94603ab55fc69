/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames to the VM, built piece by piece, and what the VM's own must look like. For tests/unit/network_script.c. */
#ifndef TESTS_UNIT_NETWORK_FRAMES_H
#define TESTS_UNIT_NETWORK_FRAMES_H

#include "kernel/types.h"

#define PROTOCOL_ICMP     1
#define PROTOCOL_IGMP     2
#define PROTOCOL_TCP      6
#define PROTOCOL_UDP      17
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_ICMP6    58

#define FLAG_FIN 1
#define FLAG_SYN 2
#define FLAG_RST 4
#define FLAG_PSH 8
#define FLAG_ACK 16
#define FLAG_URG 32

#define FRAME_MAX 70000

/* A frame in the making: bytes[0..n), its IP header at ip and its transport's at transport (0: none yet). */
struct frame {
    u8 bytes[FRAME_MAX];
    size_t n, ip, transport;
    bool v6;
    u8 protocol;
};

void frame_put(struct frame *f, const void *data, size_t n);
void frame_put8(struct frame *f, u8 v);
void frame_put16(struct frame *f, u16 v);
void frame_put32(struct frame *f, u32 v);
/* Ethernet from the router's address to the VM's. */
void frame_begin(struct frame *f, u16 type);
/* An IP header on top of that, from peer (its last byte) to the VM, or to `to` (4 or 16 bytes). */
void frame_begin_ip(struct frame *f, bool v6, u8 protocol, u8 hops, u8 peer, const u8 *to);
/* An extension header of IPv6 before the transport's. */
void frame_add_extension(struct frame *f, u8 kind, const u8 *data, size_t n);
/* Lengths and checksums. */
void frame_seal(struct frame *f);
/* Piece [from, from + n) of what follows f's IP header, as a fragment. f's length is unchanged. */
void frame_fragment(const struct frame *f, struct frame *piece, size_t from, size_t n, u32 id);

/* A packet of the VM's, taken apart. */
struct seen {
    bool v6;
    u8 protocol;          /* 0: neither TCP, UDP nor ICMP, or a fragment */
    const u8 *ip, *transport, *data;
    size_t data_length;
    u16 source, destination; /* ports */
    u32 sequence, acknowledged;
    u8 flags;
};

/* Takes apart what the VM has sent, and ends the test if it is not well-formed. */
void frame_look(const u8 *bytes, size_t n, struct seen *s);

/* Ends the test. */
void frame_wrong(const char *what) __attribute__((noreturn));

static inline u16 get16(const u8 *p)
{
    return (u16)(p[0] << 8 | p[1]);
}

static inline u32 get32(const u8 *p)
{
    return (u32)get16(p) << 16 | get16(p + 2);
}

#endif
