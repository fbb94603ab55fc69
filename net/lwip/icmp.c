/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ICMP says of packets that sockets sent: which socket it was is read from the piece of the packet that comes with it. lwIP
 * answers pings, and sees all of it afterwards. What each message means: ip(7), and RFC 1122, 4.2.3.9.
 */
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

#define HEADER     8  /* of ICMP, before the piece */
#define PORTS      8  /* bytes of the transport's header that are sure to come: ports, sequence number */
#define UNREACHABLE 3
#define EXCEEDED   11

void __real_icmp_input(struct pbuf *p, struct netif *n);
void __wrap_icmp_input(struct pbuf *p, struct netif *n);
void __real_icmp6_input(struct pbuf *p, struct netif *n);
void __wrap_icmp6_input(struct pbuf *p, struct netif *n);

struct meaning {
    u8 error;
    bool fatal; /* reported even without IP_RECVERR */
};

static const struct meaning unreachable4[] = {
    {ENETUNREACH, false}, {EHOSTUNREACH, false}, {ENOPROTOOPT, true},  {ECONNREFUSED, true}, {EMSGSIZE, false},
    {EOPNOTSUPP, false},  {ENETUNREACH, true},   {EHOSTDOWN, true},    {ENONET, true},       {ENETUNREACH, true},
    {EHOSTUNREACH, true}, {ENETUNREACH, false},  {EHOSTUNREACH, false}, {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
};
static const struct meaning unreachable6[] = {
    {ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
    {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true},
};
static const struct meaning exceeded = {EHOSTUNREACH, false};

/* source and destination are those of the packet that was sent; h: its transport header. */
static void tell(const struct meaning *m, u8 protocol, const ip_addr_t *source, const ip_addr_t *destination, const u8 *h)
{
    struct inet_address local = {.port = (u16)(h[0] << 8 | h[1])}, remote = {.port = (u16)(h[2] << 8 | h[3])};
    if (protocol == IP_PROTO_TCP) {
        struct tcp_entry *e = tcp_entry_find(source, local.port, destination, remote.port);
        u32 sequence = (u32)h[4] << 24 | (u32)h[5] << 16 | (u32)h[6] << 8 | h[7];
        /* Others cannot know where it is. */
        if (e && e->connection && TCP_SEQ_BETWEEN(sequence, e->pcb->lastack, e->pcb->snd_nxt))
            tcp_link_error(e->connection, m->error);
    } else if (protocol == IP_PROTO_UDP) {
        address_from_lwip(source, local.ip);
        address_from_lwip(destination, remote.ip);
        struct inet_socket *u = inet_find_datagram(&local, &remote);
        if (!u)
            return;
        bool asked = IP_IS_V6(source) ? IP6_BIT(u, IPV6_RECVERR) : IP_BIT(u, IP_RECVERR);
        if (asked || (m->fatal && u->remote.port)) {
            socket_set_error(&u->base, m->error);
            wait_wake_events(&u->base.wait, ~0u, EPOLLERR);
        }
        socket_put(&u->base);
    }
}

void __wrap_icmp_input(struct pbuf *p, struct netif *n)
{
    u8 data[HEADER + 60 + PORTS];
    u16 length = pbuf_copy_partial(p, data, sizeof(data), 0);
    bool known = length >= HEADER + IP_HLEN + PORTS &&
                 ((data[0] == UNREACHABLE && data[1] < ARRAY_SIZE(unreachable4)) || data[0] == EXCEEDED);
    if (known && inet_chksum_pbuf(p) == 0) {
        const struct ip_hdr *h = (const void *)(data + HEADER);
        u16 header = IPH_HL_BYTES(h);
        ip_addr_t source, destination;
        ip_addr_copy_from_ip4(source, h->src);
        ip_addr_copy_from_ip4(destination, h->dest);
        if (header >= IP_HLEN && length >= HEADER + header + PORTS)
            tell(data[0] == EXCEEDED ? &exceeded : &unreachable4[data[1]], IPH_PROTO(h), &source, &destination,
                 data + HEADER + header);
    }
    __real_icmp_input(p, n);
}

void __wrap_icmp6_input(struct pbuf *p, struct netif *n)
{
    u8 data[HEADER + IP6_HLEN + PORTS];
    u16 length = pbuf_copy_partial(p, data, sizeof(data), 0);
    bool known = length == sizeof(data) &&
                 ((data[0] == ICMP6_TYPE_DUR && data[1] < ARRAY_SIZE(unreachable6)) || data[0] == ICMP6_TYPE_TE);
    if (known && ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, ip6_current_src_addr(), ip6_current_dest_addr()) == 0) {
        const struct ip6_hdr *h = (const void *)(data + HEADER);
        ip_addr_t source, destination;
        ip_addr_copy_from_ip6_packed(source, h->src);
        ip_addr_copy_from_ip6_packed(destination, h->dest);
        tell(data[0] == ICMP6_TYPE_TE ? &exceeded : &unreachable6[data[1]], IP6H_NEXTH(h), &source, &destination,
             data + HEADER + IP6_HLEN);
    }
    __real_icmp6_input(p, n);
}
