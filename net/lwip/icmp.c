/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ICMP says of packets that sockets sent: which socket it was is read from the piece of the packet that comes with it. lwIP
 * answers pings, and sees all of it afterwards. What each message means: ip(7), and RFC 1122, 4.2.3.9.
 */
#include "kernel/heap.h"
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip.h"
#include "net/inet_packet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

#define HEADER 8 /* of ICMP, before the piece */
#define PORTS  8 /* bytes of the transport's header that are sure to come: ports, sequence number */

void __real_icmp_input(struct pbuf *p, struct netif *n);
void __wrap_icmp_input(struct pbuf *p, struct netif *n);
void __real_icmp6_input(struct pbuf *p, struct netif *n);
void __wrap_icmp6_input(struct pbuf *p, struct netif *n);

/* h: the segment's header. */
static void tell_tcp(const struct ip_packet *sent, int error)
{
    const u8 *h = sent->data + sent->header;
    u16 local_port = (u16)(h[0] << 8 | h[1]), remote_port = (u16)(h[2] << 8 | h[3]);
    u32 sequence = (u32)h[4] << 24 | (u32)h[5] << 16 | (u32)h[6] << 8 | h[7];
    ip_addr_t source, destination;
    address_to_lwip(sent->from.ip, &source);
    address_to_lwip(sent->to.ip, &destination);
    struct tcp_entry *e = tcp_entry_find(&source, local_port, &destination, remote_port);
    /* Others cannot know where it is. */
    if (e && e->connection && TCP_SEQ_BETWEEN(sequence, e->pcb->lastack, e->pcb->snd_nxt))
        tcp_link_error(e->connection, error);
}

/* An error, if that is what p is and its checksum is right. */
static void look(struct pbuf *p, bool v4)
{
    u8 *copy;
    const u8 *data = whole_of(p, &copy);
    const struct inet_meaning *m = data && p->tot_len > HEADER ? inet_icmp_meaning(v4, data[0], data[1]) : NULL;
    struct ip_packet sent;
    if (m && ip_packet_parse(data + HEADER, p->tot_len - HEADER, OUTSIDE_INDEX, &sent) && sent.v4 == v4 &&
        (v4 ? inet_chksum_pbuf(p) == 0
            : ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, ip6_current_src_addr(), ip6_current_dest_addr()) == 0)) {
        struct inet_icmp icmp = {.v4 = v4, .type = data[0], .code = data[1]};
        icmp.info = (u32)data[6] << 8 | data[7] | (v4 ? 0 : (u32)data[4] << 24 | (u32)data[5] << 16);
        address_from_lwip(ip_current_src_addr(), icmp.offender);
        address_from_lwip(ip_current_dest_addr(), icmp.to);
        icmp.hops = v4 ? IPH_TTL(ip4_current_header()) : IP6H_HOPLIM(ip6_current_header());
        icmp.traffic_class = v4 ? IPH_TOS(ip4_current_header()) : IP6H_TC(ip6_current_header());
        icmp.interface = OUTSIDE_INDEX;
        if (sent.protocol == IP_PROTO_TCP && sent.length - sent.header >= PORTS)
            tell_tcp(&sent, m->error);
        inet_icmp_error(&icmp, &sent);
    }
    kfree(copy);
}

void __wrap_icmp_input(struct pbuf *p, struct netif *n)
{
    look(p, true);
    __real_icmp_input(p, n);
}

void __wrap_icmp6_input(struct pbuf *p, struct netif *n)
{
    look(p, false);
    __real_icmp6_input(p, n);
}
