/* SPDX-License-Identifier: BSD-2-Clause */
/* See network_frames.h. Numbers of fields: RFC 791, 793, 768, 792, 8200, 4443. */
#include <linux/if_ether.h>
#include "kernel/lib/string.h"
#include "tests/unit/libc.h"
#include "tests/unit/network_frames.h"
#include "tests/unit/network_host.h"

static const u8 address4[4] = HOST_ADDRESS4, address6[16] = HOST_ADDRESS6, mac[6] = HOST_MAC, router_mac[6] = {2, 0, 0, 0, 0, 1};

void frame_wrong(const char *what)
{
    printf("network: %s\n", what);
    fflush(NULL);
    abort();
}

void frame_put(struct frame *f, const void *data, size_t n)
{
    if (n > sizeof(f->bytes) - f->n)
        n = sizeof(f->bytes) - f->n;
    memcpy(f->bytes + f->n, data, n);
    f->n += n;
}

void frame_put8(struct frame *f, u8 v)
{
    frame_put(f, &v, 1);
}

void frame_put16(struct frame *f, u16 v)
{
    v = __builtin_bswap16(v);
    frame_put(f, &v, 2);
}

void frame_put32(struct frame *f, u32 v)
{
    v = __builtin_bswap32(v);
    frame_put(f, &v, 4);
}

static void set16(u8 *p, u16 v)
{
    p[0] = (u8)(v >> 8);
    p[1] = (u8)v;
}

/* ------------------------------------------------------------ making */

void frame_begin(struct frame *f, u16 type)
{
    f->n = f->ip = f->transport = 0;
    frame_put(f, mac, 6);
    frame_put(f, router_mac, 6);
    frame_put16(f, type);
}

void frame_begin_ip(struct frame *f, bool v6, u8 protocol, u8 hops, u8 peer, const u8 *to)
{
    u8 from[16] = {0};
    frame_begin(f, v6 ? ETH_P_IPV6 : ETH_P_IP);
    f->ip = f->n;
    f->v6 = v6;
    f->protocol = protocol;
    if (v6) {
        memcpy(from, address6, 16);
        from[15] = peer;
        if (protocol == PROTOCOL_ICMP6 && hops == 255) { /* a router's: from its link */
            from[0] = 0xfe;
            from[1] = 0x80;
        }
        frame_put32(f, 0x60000000);
        frame_put16(f, 0);
        frame_put8(f, protocol);
        frame_put8(f, hops);
        frame_put(f, from, 16);
        frame_put(f, to ? to : address6, 16);
    } else {
        memcpy(from, address4, 4);
        from[3] = peer;
        frame_put32(f, 0x45000000);
        frame_put32(f, 0x00004000);
        frame_put8(f, hops);
        frame_put8(f, protocol);
        frame_put16(f, 0);
        frame_put(f, from, 4);
        frame_put(f, to ? to : address4, 4);
    }
    f->transport = f->n;
}

void frame_add_extension(struct frame *f, u8 kind, const u8 *data, size_t n)
{
    u8 *next = &f->bytes[f->ip + 6];
    size_t whole = (n + 2 + 7) / 8 * 8;
    u8 header[256] = {*next, (u8)(whole / 8 - 1)};
    if (!f->v6 || whole > sizeof(header))
        return;
    memcpy(header + 2, data, n);
    *next = kind;
    frame_put(f, header, whole);
    f->transport = f->n;
}

static u32 sum(const u8 *p, size_t n, u32 s)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        s += get16(p + i);
    if (n & 1)
        s += (u32)p[n - 1] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

/* Of the transport, with its pseudo header where it has one. */
static u32 transport_sum(const u8 *ip, bool v6, u8 protocol, const u8 *p, size_t n)
{
    u32 s = 0;
    if (protocol != PROTOCOL_ICMP && protocol != PROTOCOL_IGMP)
        s = sum(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8, (u32)(n >> 16) + (u32)(n & 0xffff) + protocol);
    return sum(p, n, s);
}

static size_t checksum_at(u8 protocol)
{
    switch (protocol) {
    case PROTOCOL_TCP:
        return 16;
    case PROTOCOL_UDP:
        return 6;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMP6:
    case PROTOCOL_IGMP:
        return 2;
    default:
        return 0;
    }
}

void frame_seal(struct frame *f)
{
    u8 *ip = f->bytes + f->ip, *t = f->bytes + f->transport;
    size_t length = f->n - f->transport, at = checksum_at(f->protocol);
    if (!f->ip)
        return;
    set16(f->v6 ? ip + 4 : ip + 2, (u16)(f->n - f->ip - (f->v6 ? 40 : 0)));
    if (!f->v6) {
        set16(ip + 10, 0);
        set16(ip + 10, (u16)~sum(ip, (size_t)(ip[0] & 15) * 4, 0));
    }
    if (!at || length < at + 2)
        return;
    if (f->protocol == PROTOCOL_UDP)
        set16(t + 4, (u16)length);
    set16(t + at, 0);
    set16(t + at, (u16)~transport_sum(ip, f->v6, f->protocol, t, length));
}

void frame_fragment(const struct frame *f, struct frame *piece, size_t from, size_t n, u32 id)
{
    size_t header = f->v6 ? 40 : 20, all = f->n - f->ip - header;
    bool more = from + n < all;
    from -= from % 8;
    if (from > all)
        from = 0;
    if (n > all - from)
        n = all - from;
    if (more)
        n -= n % 8;
    piece->n = 0;
    piece->ip = f->ip;
    piece->v6 = f->v6;
    piece->protocol = 0;
    frame_put(piece, f->bytes, f->ip + header);
    u8 *ip = piece->bytes + piece->ip;
    if (f->v6) {
        u8 next = ip[6];
        ip[6] = PROTOCOL_FRAGMENT;
        frame_put8(piece, next);
        frame_put8(piece, 0);
        frame_put16(piece, (u16)(from | more));
        frame_put32(piece, id);
    } else {
        set16(ip + 4, (u16)id);
        set16(ip + 6, (u16)(from / 8 | (more ? 0x2000 : 0)));
    }
    piece->transport = piece->n;
    frame_put(piece, f->bytes + f->ip + header + from, n);
    frame_seal(piece);
}

/* ------------------------------------------------------------ looking */

static void require(bool good, const char *what)
{
    if (!good)
        frame_wrong(what);
}

/* The header of the transport, if it is all there. */
static void look_transport(struct seen *s, size_t n)
{
    const u8 *t = s->transport;
    size_t header = 8;
    if (s->protocol == PROTOCOL_TCP) {
        require(n >= 20, "the VM sent half a TCP header");
        header = (size_t)(t[12] >> 4) * 4;
        require(header >= 20 && header <= n, "the VM sent a TCP header of a wrong length");
        s->sequence = get32(t + 4);
        s->acknowledged = get32(t + 8);
        s->flags = t[13];
    } else if (s->protocol == PROTOCOL_UDP) {
        require(n >= 8 && get16(t + 4) == n, "the VM sent a UDP header of a wrong length");
        require(!get16(t + 6) || transport_sum(s->ip, s->v6, s->protocol, t, n) == 0xffff, "the VM sent a wrong UDP checksum");
    } else if (s->protocol == PROTOCOL_ICMP || s->protocol == PROTOCOL_ICMP6) {
        require(n >= 4 && transport_sum(s->ip, s->v6, s->protocol, t, n) == 0xffff, "the VM sent a wrong ICMP checksum");
        header = 4;
    } else {
        s->protocol = 0;
        return;
    }
    s->source = get16(t);
    s->destination = get16(t + 2);
    s->data = t + header;
    s->data_length = n - header;
}

void frame_look(const u8 *bytes, size_t n, struct seen *s)
{
    memset(s, 0, sizeof(*s));
    require(n > 14 + 20, "the VM sent a short frame");
    require(!memcmp(bytes + 6, mac, 6), "the VM sent from another address");
    u16 type = get16(bytes + 12);
    if (type == ETH_P_ARP)
        return;
    require(type == ETH_P_IP || type == ETH_P_IPV6, "the VM sent something else than IP");
    s->ip = bytes + 14;
    s->v6 = type == ETH_P_IPV6;
    size_t header = s->v6 ? 40 : (size_t)(s->ip[0] & 15) * 4;
    require(s->ip[0] >> 4 == (s->v6 ? 6 : 4) && header >= 20, "the VM sent a wrong IP header");
    require(n - 14 >= header && (s->v6 ? get16(s->ip + 4) + 40u : get16(s->ip + 2)) == n - 14, "the VM sent a wrong IP length");
    if (!s->v6) {
        require(sum(s->ip, header, 0) == 0xffff, "the VM sent a wrong IP checksum");
        if (get16(s->ip + 6) & 0x3fff)
            return;
    }
    s->protocol = s->v6 ? s->ip[6] : s->ip[9];
    s->transport = s->ip + header;
    if (s->protocol == 0 && s->v6) { /* MLD has an option before it */
        s->protocol = s->transport[0];
        header += 8 + (size_t)s->transport[1] * 8;
        require(header < n - 14, "the VM sent a wrong extension header");
        s->transport = s->ip + header;
    }
    look_transport(s, n - 14 - header);
}
