/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of IP: headers, checksums, and what the VM does with those it sends to itself. */
#include <linux/icmpv6.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/inet_packet.h"
#include "net/packet.h"

#define DONT_FRAGMENT 0x40

static u16 read16(const u8 *p)
{
    return (u16)(p[0] << 8 | p[1]);
}

static void write16(u8 *p, u16 n)
{
    p[0] = (u8)(n >> 8);
    p[1] = (u8)n;
}

static void address_of(struct inet_address *a, const u8 *ip, bool v4)
{
    memset(a, 0, sizeof(*a));
    if (v4)
        memset(a->ip + 10, 0xff, 2);
    memcpy(a->ip + (v4 ? 12 : 0), ip, v4 ? 4 : 16);
}

/* Goes over the extension headers of IPv6 (RFC 8200, 4). False: they do not end. */
static bool skip_extensions(struct ip_packet *p)
{
    p->protocol = p->data[6];
    p->header = IP_HEADER6;
    for (;;) {
        const u8 *h = p->data + p->header;
        if (p->protocol != IPPROTO_HOPOPTS && p->protocol != IPPROTO_ROUTING && p->protocol != IPPROTO_DSTOPTS &&
            p->protocol != IPPROTO_FRAGMENT)
            return true;
        if (p->length - p->header < 8)
            return false;
        u32 size = p->protocol == IPPROTO_FRAGMENT ? 8 : (h[1] + 1u) * 8;
        if (p->length - p->header < size)
            return false;
        p->protocol = h[0];
        p->header += size;
    }
}

bool ip_packet_parse(const u8 *data, u32 length, u8 interface, struct ip_packet *p)
{
    *p = (struct ip_packet){.data = data, .length = length, .interface = interface};
    p->v4 = length && data[0] >> 4 == 4;
    if (length < (p->v4 ? IP_HEADER4 : IP_HEADER6))
        return false;
    address_of(&p->from, data + (p->v4 ? 12 : 8), p->v4);
    address_of(&p->to, data + (p->v4 ? 16 : 24), p->v4);
    if (!p->v4) {
        p->hops = data[7];
        p->traffic_class = (u8)(data[0] << 4 | data[1] >> 4);
        return data[0] >> 4 == 6 && skip_extensions(p);
    }
    p->header = (data[0] & 15u) * 4;
    p->protocol = data[9];
    p->hops = data[8];
    p->traffic_class = data[1];
    return p->header >= IP_HEADER4 && p->header <= length;
}

u32 ip_header_write(u8 *out, const u8 from[16], const u8 to[16], u32 n, const struct ip_header *h)
{
    static u16 next_id; /* any order will do */
    if (!ip_is_v4(to)) {
        memset(out, 0, 8);
        out[0] = (u8)(6 << 4 | h->traffic_class >> 4);
        out[1] = (u8)(h->traffic_class << 4);
        write16(out + 4, (u16)n);
        out[6] = h->protocol;
        out[7] = h->hops;
        memcpy(out + 8, from, 16);
        memcpy(out + 24, to, 16);
        return IP_HEADER6;
    }
    memset(out, 0, IP_HEADER4);
    out[0] = 4 << 4 | IP_HEADER4 / 4;
    out[1] = h->traffic_class;
    write16(out + 2, (u16)(IP_HEADER4 + n));
    if (h->whole)
        out[6] = DONT_FRAGMENT;
    else
        write16(out + 4, __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED));
    out[8] = h->hops;
    out[9] = h->protocol;
    memcpy(out + 12, from + 12, 4);
    memcpy(out + 16, to + 12, 4);
    u16 sum = (u16)~lwip_checksum(out, IP_HEADER4);
    memcpy(out + 10, &sum, 2);
    return IP_HEADER4;
}

u16 ip_transport_checksum(const u8 from[16], const u8 to[16], u8 protocol, const void *data, u32 n)
{
    bool v4 = ip_is_v4(to);
    u32 sum = lwip_checksum(data, (int)n);
    if (!v4 || protocol != IPPROTO_ICMP) {
        u8 rest[8] = {(u8)(n >> 24), (u8)(n >> 16), (u8)(n >> 8), (u8)n, 0, 0, 0, protocol};
        int size = v4 ? 4 : 16;
        sum += lwip_checksum(rest, sizeof(rest)) + (u32)lwip_checksum(from + 16 - size, size) +
               lwip_checksum(to + 16 - size, size);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)~sum;
}

void udp_header_write(u8 *out, const struct inet_address *from, const struct inet_address *to, u32 n)
{
    write16(out, from->port);
    write16(out + 2, to->port);
    write16(out + 4, (u16)(UDP_HEADER + n));
    write16(out + 6, 0);
    u16 sum = ip_transport_checksum(from->ip, to->ip, IPPROTO_UDP, out, UDP_HEADER + n);
    if (!sum)
        sum = UINT16_MAX; /* 0 means that there is none */
    memcpy(out + 6, &sum, 2);
}

/* ------------------------------------------------------------ inside of the VM */

bool inet_packet_watched(void)
{
    return inet_raw_wanted() || packet_watched();
}

/* Turns an echo request round. */
static void make_reply(u8 *data, const struct ip_packet *p)
{
    u8 *icmp = data + p->header, from[16], to[16];
    memcpy(from, p->to.ip, 16);
    memcpy(to, p->from.ip, 16);
    struct ip_header h = {.protocol = p->protocol, .hops = 64, .traffic_class = p->traffic_class};
    memmove(data + (p->v4 ? IP_HEADER4 : IP_HEADER6), icmp, p->length - p->header);
    icmp = data + ip_header_write(data, from, to, p->length - p->header, &h);
    icmp[0] = p->v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
    memset(icmp + 2, 0, 2);
    u16 sum = ip_transport_checksum(from, to, p->protocol, icmp, p->length - p->header);
    memcpy(icmp + 2, &sum, 2);
}

static bool is_icmp(const struct ip_packet *p, u8 type4, u8 type6)
{
    const u8 *icmp = p->data + p->header;
    return p->protocol == (p->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) && p->length - p->header >= ICMP_HEADER &&
           icmp[0] == (p->v4 ? type4 : type6) && !icmp[1] &&
           !ip_transport_checksum(p->from.ip, p->to.ip, p->protocol, icmp, p->length - p->header);
}

void inet_packet_unreachable(const struct ip_packet *p, u8 code4, u8 code6)
{
    struct inet_icmp icmp = {.v4 = p->v4, .type = p->v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH, .code = p->v4 ? code4 : code6};
    struct ip_header h = {.protocol = p->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, .hops = 64, .traffic_class = p->v4 ? 0xc0 : 0};
    struct ip_packet answer, sent = *p;
    u8 *data;
    /* As much as comes back at least everywhere: RFC 1812, 4.3.2.3; RFC 4443, 2.4. */
    u32 room = (p->v4 ? 576 - IP_HEADER4 : 1280 - IP_HEADER6) - ICMP_HEADER, n = MIN(p->length, room);
    memcpy(icmp.offender, p->to.ip, 16);
    memcpy(icmp.to, p->from.ip, 16);
    icmp.hops = h.hops;
    icmp.traffic_class = h.traffic_class;
    icmp.interface = LOOPBACK_INDEX;
    sent.length = MAX(n, p->header);
    inet_icmp_error(&icmp, &sent);
    if (!inet_packet_watched() || !(data = kmalloc(IP_HEADER6 + ICMP_HEADER + n)))
        return;
    u8 *out = data + ip_header_write(data, p->to.ip, p->from.ip, ICMP_HEADER + n, &h);
    memset(out, 0, ICMP_HEADER);
    out[0] = icmp.type;
    out[1] = icmp.code;
    memcpy(out + ICMP_HEADER, p->data, n);
    u16 sum = ip_transport_checksum(p->to.ip, p->from.ip, h.protocol, out, ICMP_HEADER + n);
    memcpy(out + 2, &sum, 2);
    packet_show_inside(data, (u32)(out - data) + ICMP_HEADER + n);
    if (ip_packet_parse(data, (u32)(out - data) + ICMP_HEADER + n, LOOPBACK_INDEX, &answer))
        inet_packet_input(&answer);
    kfree(data);
}

void inet_packet_deliver(struct inet_socket *u, const struct ip_packet *p, const struct inet_address *from, const void *data, u32 n)
{
    struct socket_address name;
    inet_format(u, from, &name);
    struct datagram *d = datagram_allocate(name.bytes, (u32)name.length, n);
    if (!d)
        return; /* as if the network had lost it */
    memcpy(datagram_payload(d), data, n);
    memcpy(d->destination, p->to.ip, 16);
    d->interface = p->interface;
    d->hops = p->hops;
    d->traffic_class = p->traffic_class;
    udp_deliver(u, d);
}

/* A datagram of UDP that somebody sent by a raw socket. */
static void udp_input(const struct ip_packet *p)
{
    const u8 *udp = p->data + p->header;
    u32 n = p->length - p->header;
    if (n < UDP_HEADER || read16(udp + 4) < UDP_HEADER || read16(udp + 4) > n)
        return;
    n = read16(udp + 4);
    if (read16(udp + 6) && ip_transport_checksum(p->from.ip, p->to.ip, IPPROTO_UDP, udp, n))
        return;
    struct inet_address from = p->from, to = p->to;
    from.port = read16(udp);
    to.port = read16(udp + 2);
    struct inet_socket *u = inet_find_datagram(&to, &from, p->interface);
    if (!u) {
        inet_packet_unreachable(p, UNREACHABLE_PORT, UNREACHABLE_PORT6);
        return;
    }
    inet_packet_deliver(u, p, &from, udp + UDP_HEADER, n - UDP_HEADER);
    socket_put(&u->base);
}

bool inet_packet_input(const struct ip_packet *p)
{
    bool wanted = inet_raw_input(p);
    if (is_icmp(p, ICMP_ECHOREPLY, ICMPV6_ECHO_REPLY))
        inet_ping_input(p);
    return wanted;
}

void inet_packet_inside(u8 *data, u32 length)
{
    packet_show_inside(data, length);
    inet_packet_arrived(data, length);
}

void inet_packet_arrived(u8 *data, u32 length)
{
    struct ip_packet p;
    while (ip_packet_parse(data, length, LOOPBACK_INDEX, &p)) {
        bool wanted = inet_packet_input(&p);
        if (is_icmp(&p, ICMP_ECHO, ICMPV6_ECHO_REQUEST)) {
            make_reply(data, &p);
            length -= p.header - (p.v4 ? IP_HEADER4 : IP_HEADER6);
            packet_show_inside(data, length);
            continue;
        }
        if (p.protocol == IPPROTO_UDP)
            udp_input(&p);
        else if (p.v4 && !wanted && p.protocol != IPPROTO_TCP && p.protocol != IPPROTO_ICMP)
            inet_packet_unreachable(&p, UNREACHABLE_PROTOCOL, 0);
        return;
    }
}

void inet_packet_show(const struct inet_address *from, const struct inet_address *to, const struct ip_header *h, const void *payload, u32 n,
                      bool refused)
{
    u8 *data = kmalloc(IP_HEADER6 + UDP_HEADER + n);
    struct ip_packet p;
    if (!data)
        return;
    u32 header = ip_header_write(data, from->ip, to->ip, UDP_HEADER + n, h);
    u8 *udp = data + header;
    memcpy(udp + UDP_HEADER, payload, n);
    udp_header_write(udp, from, to, n);
    packet_show_inside(data, header + UDP_HEADER + n);
    if (ip_packet_parse(data, header + UDP_HEADER + n, LOOPBACK_INDEX, &p)) {
        inet_raw_input(&p);
        if (refused)
            inet_packet_unreachable(&p, UNREACHABLE_PORT, UNREACHABLE_PORT6);
    }
    kfree(data);
}
