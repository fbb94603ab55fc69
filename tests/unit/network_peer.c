/* SPDX-License-Identifier: BSD-2-Clause */
/* See network_peer.h. Numbers of messages and options: RFC 826, 792, 4443, 4861, 2131, 8415, 2236, 2710. */
#include <linux/if_ether.h>
#include "kernel/lib/string.h"
#include "tests/unit/network_host.h"
#include "tests/unit/network_peer.h"

struct conversation conversations[CONVERSATIONS];
bool peer_changed;
const u8 *script_at, *script_end;

static struct frame out, piece;
static u8 last_sent[1514], dhcp_id[4], dhcp6_id[3];
static size_t last_length;
static bool asked4, asked6;

/* ------------------------------------------------------------ the script's bytes */

u8 script_byte(void)
{
    return script_at < script_end ? *script_at++ : 0;
}

u16 script_word(void)
{
    u8 high = script_byte();
    return (u16)(high << 8 | script_byte());
}

static void put_bytes(struct frame *f, size_t n)
{
    for (; n; n--)
        frame_put8(f, script_byte());
}

/* ------------------------------------------------------------ what streams carry */

u8 peer_byte(u16 port, u32 place)
{
    return (u8)(place * 7 + (place >> 8) + port);
}

u8 vm_byte(u16 port, u64 place)
{
    return (u8)(place * 11 + (place >> 9) + port + 1);
}

/* ------------------------------------------------------------ what the VM sends */

static void look_stream(struct conversation *c, u16 port, const struct seen *s)
{
    if (s->flags & FLAG_SYN) {
        c->vm_first = s->sequence;
        c->vm_next = s->sequence + 1;
        c->vm_port = s->source;
        c->met = true;
    }
    if (!c->met || s->flags & FLAG_RST)
        return;
    u32 place = s->sequence - c->vm_first - 1;
    for (size_t i = 0; i < s->data_length && place < 1u << 24 && !(s->flags & FLAG_SYN); i++) {
        /* A keep-alive's byte lies before the first. */
        if (!peer_changed && place + i < 1u << 24 && s->data_length > 1 && s->data[i] != vm_byte(port, place + i))
            frame_wrong("the VM sent other bytes than the program");
    }
    u32 next = s->sequence + (u32)s->data_length + (s->flags & FLAG_FIN ? 1 : 0);
    if ((s32)(next - c->vm_next) > 0)
        c->vm_next = next;
}

void peer_look(const u8 *bytes, size_t n)
{
    struct seen s;
    frame_look(bytes, n, &s);
    last_length = MIN(n, sizeof(last_sent));
    memcpy(last_sent, bytes, last_length);
    if (get16(bytes + 12) == ETH_P_ARP)
        asked4 = true;
    if (s.protocol == PROTOCOL_ICMP6 && s.transport[0] == 135)
        asked6 = true;
    if (s.protocol == PROTOCOL_UDP && s.source == 68 && s.data_length >= 8)
        memcpy(dhcp_id, s.data + 4, 4);
    if (s.protocol == PROTOCOL_UDP && s.source == 546 && s.data_length >= 4)
        memcpy(dhcp6_id, s.data + 1, 3);
    if (s.protocol == PROTOCOL_TCP && s.destination >= FIRST_PORT && s.destination < FIRST_PORT + CONVERSATIONS)
        look_stream(&conversations[s.destination - FIRST_PORT], s.destination, &s);
}

/* ------------------------------------------------------------ frames */

static void change(struct frame *f, unsigned times)
{
    while (times--) {
        size_t where = script_word();
        u8 with = script_byte();
        if (where & 0x8000)
            where = f->ip + (where & 63); /* headers are where it hurts */
        f->bytes[where % f->n] ^= with ? with : 255;
        peer_changed = true;
    }
}

static void deliver(const struct frame *f, u8 how)
{
    static const size_t pieces[] = {0, 54, 200, 1000};
    bool good = how & 8;
    if (good && f->ip && f->n > f->ip + 1600)
        good = true; /* merged by the device: nobody checks them again */
    peer_changed |= good && how & 4;
    for (int times = how & 64 ? 2 : 1; times; times--)
        host_network_frame(f->bytes, f->n, pieces[how >> 4 & 3], good);
}

/* The frame in the making arrives, as the script's next byte has it: peer_changed, in pieces, twice, in fragments. */
static void send(void)
{
    u8 how = script_byte();
    unsigned times = (how & 3) == 3 ? 1 + script_byte() % 4 : 0;
    if (!(how & 4))
        change(&out, times);
    frame_seal(&out);
    if (how & 4)
        change(&out, times);
    if (!(how & 128) || !out.ip) {
        deliver(&out, how);
        return;
    }
    u32 id = script_byte();
    u8 order = script_byte();
    size_t step = 8 + script_byte() * 8u, all = out.n - out.ip;
    for (size_t i = 0; i <= all / step && i < 40; i++) {
        size_t from = (order & 1 ? all / step - i : i) * step;
        if (order & 2 && i == 1)
            continue; /* one is lost */
        frame_fragment(&out, &piece, from, step + (order & 4 ? 8 : 0), id);
        deliver(&piece, how & (u8)~128);
    }
}

static void put_arp(u16 operation)
{
    static const u8 router_mac[6] = {2, 0, 0, 0, 0, 1}, router[4] = HOST_ROUTER4, vm[4] = HOST_ADDRESS4, mac[6] = HOST_MAC;
    frame_begin(&out, ETH_P_ARP);
    frame_put32(&out, 0x00010800);
    frame_put16(&out, 0x0604);
    frame_put16(&out, operation);
    frame_put(&out, router_mac, 6);
    frame_put(&out, router, 4);
    frame_put(&out, mac, 6);
    frame_put(&out, vm, 4);
}

static void put_neighbour(u8 type)
{
    u8 target[16] = HOST_ADDRESS6;
    target[15] = type == 136 ? 1 : 2;
    frame_begin_ip(&out, true, PROTOCOL_ICMP6, 255, 1, NULL);
    out.bytes[out.ip + 8] = 0xfd; /* its address of the network, not the link's */
    out.bytes[out.ip + 9] = 0;
    frame_put32(&out, (u32)type << 24);
    frame_put32(&out, type == 136 ? 0xe0000000 : 0);
    frame_put(&out, target, 16);
    frame_put16(&out, type == 136 ? 0x0201 : 0x0101);
    frame_put(&out, "\2\0\0\0\0\1", 6);
}

void peer_answer(void)
{
    if (asked4) {
        asked4 = false;
        put_arp(2);
        deliver(&out, 0);
    }
    if (asked6) {
        asked6 = false;
        put_neighbour(136);
        frame_seal(&out);
        deliver(&out, 0);
    }
}

/* ------------------------------------------------------------ TCP */

static void put_tcp_options(u8 which, const struct conversation *c)
{
    switch (which % 6) {
    case 1:
        frame_put32(&out, 0x02040000u | (script_word() & 0x3fff));
        break;
    case 2:
        frame_put32(&out, 0x020405b4);
        frame_put32(&out, 0x0402080a);
        frame_put32(&out, script_byte());
        frame_put32(&out, 0);
        frame_put32(&out, 0x01030300u | (script_byte() & 15));
        break;
    case 3:
        frame_put32(&out, 0x0101080a);
        frame_put32(&out, script_byte());
        frame_put32(&out, script_byte());
        break;
    case 4:
        frame_put32(&out, 0x0101050a);
        frame_put32(&out, c->vm_next + script_byte());
        frame_put32(&out, c->vm_next + script_byte() * 4u);
        break;
    case 5:
        put_bytes(&out, (1 + script_byte() % 10) * 4u);
        break;
    }
}

/* A segment of c's with n bytes of its stream from sequence number `from` on. */
static void put_segment(const struct conversation *c, u8 flags, u32 from, u32 acknowledged, u16 window, u8 options, size_t n)
{
    u16 port = (u16)(FIRST_PORT + (c - conversations));
    frame_begin_ip(&out, c->v6, PROTOCOL_TCP, 64, 1, NULL);
    frame_put16(&out, port);
    frame_put16(&out, c->vm_port);
    frame_put32(&out, from);
    frame_put32(&out, acknowledged);
    frame_put16(&out, (u16)(0x5000 | flags));
    frame_put16(&out, window);
    frame_put32(&out, flags & FLAG_URG ? script_byte() : 0);
    put_tcp_options(options, c);
    out.bytes[out.transport + 12] = (u8)((out.n - out.transport) / 4 << 4);
    u32 place = from - c->first - 1 + (flags & FLAG_SYN ? 1 : 0);
    for (size_t i = 0; i < n; i++)
        frame_put8(&out, peer_byte(port, place + (u32)i));
}

struct conversation *script_conversation(void)
{
    return &conversations[script_byte() % CONVERSATIONS];
}

size_t script_length(void)
{
    u8 kind = script_byte();
    switch (kind >> 6) {
    case 0:
        return kind & 63;
    case 1:
        return 1460 - (kind & 15);
    case 2:
        return (kind & 63) * 16u;
    default:
        return kind & 1 ? 30000u + script_word() % 35000 : (kind & 63) * 40u;
    }
}

/* The next of c's bytes, and all of the VM's acknowledged: as it should be. */
static void good_segment(void)
{
    struct conversation *c = script_conversation();
    size_t n = script_length();
    u8 flags = FLAG_ACK | (script_byte() % 16 == 0 ? FLAG_FIN : 0);
    put_segment(c, flags, c->next, c->vm_next, (u16)(script_word() | 0x1000), 0, n);
    c->next += (u32)n + (flags & FLAG_FIN ? 1 : 0);
    send();
}

static void any_segment(void)
{
    struct conversation *c = script_conversation();
    u8 flags = script_byte() & 63, kind = script_byte();
    u32 from = c->next, acknowledged = c->vm_next;
    if (kind & 1)
        from += (u32)(s32)(s16)script_word();
    if (kind & 2)
        acknowledged += (u32)(s32)(s16)script_word();
    if (kind & 4)
        from = c->first + script_byte();
    if ((kind & 0x38) == 0x38)
        from ^= (u32)script_byte() << 24;
    u8 options = script_byte();
    u16 window = script_word();
    size_t n = script_length();
    put_segment(c, flags, from, acknowledged, window, options, n);
    if (!(kind & 5) && flags & FLAG_ACK)
        c->next += (u32)n;
    send();
}

/* A handshake of the peer's, to its end if the script lets it. */
static void shake_hands(void)
{
    struct conversation *c = script_conversation();
    u8 options = script_byte();
    c->v6 = script_byte() & 1;
    c->vm_port = STREAM_PORT;
    c->next = c->first + 1;
    put_segment(c, FLAG_SYN, c->first, 0, script_word(), options, 0);
    send();
    peer_answer();
    host_network_work();
    if (script_byte() % 8 == 0)
        return;
    put_segment(c, FLAG_ACK, c->next, c->vm_next, (u16)(script_word() | 0x100), 0, 0);
    send();
}

/* ------------------------------------------------------------ other protocols */

/* The IP packet that the VM sent last, or a piece of it. */
static void quote(void)
{
    size_t n = 28 + script_byte();
    frame_put(&out, last_sent + 14, last_length > 14 ? MIN(n, last_length - 14) : 0);
}

static void control_message(void)
{
    u8 kind = script_byte();
    bool v6 = kind & 1;
    frame_begin_ip(&out, v6, v6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP, kind & 2 ? 255 : 64, 1, NULL);
    static const u8 types4[] = {0, 3, 3, 4, 5, 8, 11, 13}, types6[] = {1, 2, 3, 4, 128, 129, 1, 3};
    frame_put8(&out, (v6 ? types6 : types4)[kind >> 2 & 7]);
    frame_put8(&out, script_byte() % 16);
    frame_put16(&out, 0);
    frame_put16(&out, kind & 128 ? script_word() : 0);
    frame_put16(&out, kind & 128 ? script_word() : 1280);
    if (kind & 64)
        put_bytes(&out, script_byte());
    else
        quote();
    send();
}

/* Neighbours and routers, with options. */
static void discovery(void)
{
    static const u8 types[] = {133, 134, 134, 134, 135, 136, 136, 137}, lengths[] = {8, 16, 16, 16, 24, 24, 24, 40};
    u8 kind = script_byte(), options = script_byte() % 5;
    u8 target[16] = HOST_ADDRESS6;
    frame_begin_ip(&out, true, PROTOCOL_ICMP6, 255, 1, NULL);
    frame_put8(&out, types[kind & 7]);
    frame_put8(&out, 0);
    frame_put16(&out, 0);
    put_bytes(&out, types[kind & 7] == 134 ? 12 : 4);
    if (lengths[kind & 7] >= 24) {
        target[15] = kind & 8 ? 1 : 2;
        frame_put(&out, target, 16);
    }
    if (types[kind & 7] == 137)
        frame_put(&out, target, 16);
    for (; options; options--) {
        static const u8 option_types[] = {1, 2, 3, 5, 24, 25, 25, 31};
        u8 which = script_byte(), length = which & 64 ? which >> 3 & 7 : (const u8[]){1, 1, 4, 1, 2, 3, 5, 2}[which & 7];
        frame_put8(&out, which & 128 ? script_byte() : option_types[which & 7]);
        frame_put8(&out, length);
        if (option_types[which & 7] == 3 && length == 4) {
            static const u8 prefix[16] = {0xfd, 1};
            frame_put16(&out, 0x40c0); /* 64 bits, on the link, for addresses */
            frame_put32(&out, script_byte() * 1000u);
            frame_put32(&out, script_byte() * 1000u);
            frame_put32(&out, 0);
            frame_put(&out, prefix, 16);
        } else {
            put_bytes(&out, length * 8u >= 2 ? length * 8u - 2 : 6);
        }
    }
    send();
}

static void address_resolution(void)
{
    u8 kind = script_byte();
    put_arp(kind & 1 ? 1 : 2);
    if (kind & 2)
        put_bytes(&out, script_byte());
    if (kind & 4)
        out.n -= script_byte() % 28u;
    if (kind & 8)
        out.bytes[out.n - 1] ^= script_byte();
    send();
}

static void put_dhcp_option(u8 code, u8 n, const u8 *data)
{
    frame_put8(&out, code);
    frame_put8(&out, n);
    frame_put(&out, data, n);
}

/* A server's answer to what the VM asked last. */
static void dhcp_answer(void)
{
    static const u8 to_all[4] = {255, 255, 255, 255}, router[4] = HOST_ROUTER4, mask[4] = {255, 255, 255, 0}, mac[6] = HOST_MAC;
    static const u8 kinds[] = {2, 5, 5, 6}, lease[4] = {0, 0, 0, 60}, two[8] = {10, 0, 0, 1, 8, 8, 8, 8};
    u8 kind = script_byte(), own[4] = HOST_ADDRESS4, options = script_byte() % 6;
    frame_begin_ip(&out, false, PROTOCOL_UDP, 64, 1, kind & 64 ? to_all : NULL);
    frame_put16(&out, 67);
    frame_put16(&out, 68);
    frame_put32(&out, 0);
    frame_put32(&out, 0x02010600);
    frame_put(&out, dhcp_id, 4);
    frame_put32(&out, 0);
    frame_put32(&out, 0);
    frame_put(&out, own, 4);
    frame_put(&out, router, 4);
    frame_put32(&out, 0);
    frame_put(&out, mac, 6);
    while (out.n < out.transport + 8 + 236)
        frame_put8(&out, 0);
    frame_put32(&out, 0x63825363);
    put_dhcp_option(53, 1, &kinds[kind & 3]);
    if (kind & 4)
        put_dhcp_option(54, 4, router);
    if (kind & 8)
        put_dhcp_option(51, 4, lease);
    if (kind & 16)
        put_dhcp_option(1, 4, mask);
    if (kind & 32) {
        put_dhcp_option(3, 4, router);
        put_dhcp_option(6, 8, two);
    }
    for (; options; options--) {
        u8 code = script_byte(), n = script_byte();
        frame_put8(&out, code);
        frame_put8(&out, code & 128 ? n : n & 15);
        put_bytes(&out, n & 15);
    }
    if (!(kind & 128))
        frame_put8(&out, 255);
    send();
}

static void dhcp6_answer(void)
{
    u8 to[16] = {0xfe, 0x80, [8] = 0, [11] = 0xff, [12] = 0xfe, [15] = 2}, options = script_byte() % 6, kind = script_byte();
    frame_begin_ip(&out, true, PROTOCOL_UDP, 64, 1, to);
    frame_put16(&out, 547);
    frame_put16(&out, 546);
    frame_put32(&out, 0);
    frame_put8(&out, kind & 1 ? 7 : script_byte());
    frame_put(&out, dhcp6_id, 3);
    for (; options; options--) {
        u8 n = script_byte() % 40;
        frame_put16(&out, (const u16[]){1, 2, 23, 24, 31, 13, 23, 23}[script_byte() & 7]);
        frame_put16(&out, kind & 2 ? n : 16);
        put_bytes(&out, kind & 2 ? n : 16);
    }
    send();
}

static void group_query(void)
{
    static const u8 all4[4] = {224, 0, 0, 1}, all6[16] = {0xff, 2, [15] = 1};
    u8 kind = script_byte();
    bool v6 = kind & 1;
    frame_begin_ip(&out, v6, v6 ? PROTOCOL_ICMP6 : PROTOCOL_IGMP, v6 ? 255 : 1, 1, v6 ? all6 : all4);
    if (v6) {
        frame_put8(&out, (u8)(130 + (kind >> 1 & 3)));
        frame_put8(&out, 0);
        frame_put16(&out, 0);
        frame_put16(&out, script_byte() * 16u);
        frame_put16(&out, 0);
        put_bytes(&out, kind & 8 ? 16 : 0);
        while (out.n < out.transport + 24 && !(kind & 16))
            frame_put8(&out, 0);
    } else {
        frame_put8(&out, (const u8[]){0x11, 0x12, 0x16, 0x17}[kind >> 1 & 3]);
        frame_put8(&out, script_byte());
        frame_put16(&out, 0);
        put_bytes(&out, kind & 8 ? 4 : 0);
        while (out.n < out.transport + 8 && !(kind & 16))
            frame_put8(&out, 0);
    }
    send();
}

static void datagram(void)
{
    static const u8 group4[4] = {224, 1, 2, 3}, all4[4] = {10, 0, 0, 255}, group6[16] = {0xff, 2, [15] = 0x55};
    u8 kind = script_byte();
    bool v6 = kind & 1;
    const u8 *to = kind & 2 ? (v6 ? group6 : kind & 4 ? all4 : group4) : NULL;
    frame_begin_ip(&out, v6, PROTOCOL_UDP, 64, 1, to);
    u8 extensions = v6 && kind & 8 ? 1 + script_byte() % 3 : 0;
    for (; extensions; extensions--) {
        u8 data[64], n = script_byte() % 64;
        for (u8 i = 0; i < n; i++)
            data[i] = script_byte();
        frame_add_extension(&out, (const u8[]){0, 43, 60, 44, 51, 59, 135, 60}[script_byte() & 7], data, n);
    }
    frame_put16(&out, 999);
    frame_put16(&out, kind & 16 ? script_word() : DATAGRAM_PORT);
    frame_put32(&out, 0);
    put_bytes(&out, script_length() % 3000);
    send();
}

static void any_frame(void)
{
    static const u16 types[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_ARP, ETH_P_8021Q};
    u8 kind = script_byte();
    size_t n = kind & 64 ? script_word() % 2000 : script_byte();
    peer_changed = true;
    if (kind & 32)
        frame_begin_ip(&out, kind & 1, script_byte(), 64, 1, NULL);
    else
        frame_begin(&out, kind & 16 ? script_word() : types[kind & 3]);
    put_bytes(&out, n);
    if (kind & 128)
        out.n = 1 + out.n % 60;
    if (out.n < out.transport)
        out.ip = out.transport = 0;
    send();
}

/* ------------------------------------------------------------ all of it */

void peer_meets(struct conversation *c)
{
    c->met = false;
    c->next = c->first + 1;
}

void peer_greets(struct conversation *c)
{
    u8 how = script_byte();
    if (!(how & 7))
        return;
    put_segment(c, (u8)(FLAG_ACK | (how & 8 ? 0 : FLAG_SYN)), c->first, c->vm_next, script_word(), how & 16 ? 2 : 0, how & 32 ? 10 : 0);
    send();
}

void peer_begin(void)
{
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        u32 first = (FIRST_PORT + i) * 0x9e3779b1u;
        conversations[i] = (struct conversation){.vm_port = STREAM_PORT, .first = first, .next = first + 1};
    }
    peer_changed = asked4 = asked6 = false;
    put_arp(1);
    deliver(&out, 0);
    put_neighbour(135);
    frame_seal(&out);
    deliver(&out, 0);
}

void peer_finish(void)
{
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        struct conversation *c = &conversations[i];
        put_segment(c, FLAG_ACK, c->next, c->vm_next, 0xffff, 0, 0);
        frame_seal(&out);
        deliver(&out, 0);
        put_segment(c, FLAG_RST, c->next, 0, 0, 0, 0);
        frame_seal(&out);
        deliver(&out, 0);
    }
}

bool peer_step(unsigned what)
{
    /* What is worth more turns stands there more often. */
    static void (*const steps[])(void) = {
        good_segment,    good_segment,       good_segment, good_segment, good_segment, any_segment, any_segment,
        any_segment,     any_segment,        shake_hands,  shake_hands,  shake_hands,  control_message,
        discovery,       address_resolution, dhcp_answer,  dhcp6_answer, group_query,  datagram,    any_frame,
    };
    if (what >= ARRAY_SIZE(steps))
        return false;
    steps[what]();
    return true;
}
