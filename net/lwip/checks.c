/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP takes for granted of packets and a hostile network need not keep to. Each function stands before lwIP's own of the same
 * name (--wrap of the linker), and drops what that one would misread. Found by tests/unit/test_network.c.
 */
#include "lwip/etharp.h"
#include "lwip/ip4.h"
#include "lwip/ip6.h"
#include "lwip/ip6_frag.h"
#include "lwip/memp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/etharp.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/udp.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"
#include "net/lwip/tcp.h"

void __real_etharp_input(struct pbuf *p, struct netif *n);
void __wrap_etharp_input(struct pbuf *p, struct netif *n);
err_t __real_ip4_input(struct pbuf *p, struct netif *n);
err_t __wrap_ip4_input(struct pbuf *p, struct netif *n);
err_t __real_ip6_input(struct pbuf *p, struct netif *n);
/* Of p's options, whose header is at h: where the one of that kind is; where they end; or header + 1 if they are wrong. */
static size_t option_at(const u8 *h, size_t header, int kind)
{
    size_t at = TCP_HLEN;
    while (at < header && h[at] != LWIP_TCP_OPT_EOL && h[at] != kind) {
        size_t length = 1;
        if (h[at] != LWIP_TCP_OPT_NOP)
            length = at + 1 < header ? h[at + 1] : 0;
        if (length == 0 || length > header - at)
            return header + 1;
        at += length;
    }
    return at;
}

bool checks_tcp(const struct pbuf *p)
{
    const u8 *h = p->payload;
    if (p->len < TCP_HLEN)
        return false;
    size_t header = TCPH_HDRLEN_BYTES((const struct tcp_hdr *)p->payload);
    return header <= p->len && option_at(h, header, -1) <= header;
}

const u8 *tcp_option(const struct pbuf *p, u8 kind)
{
    const u8 *h = p->payload;
    size_t header = TCPH_HDRLEN_BYTES((const struct tcp_hdr *)p->payload), at = option_at(h, header, kind);
    return at < header && h[at] == kind ? h + at : NULL;
}

err_t __wrap_ip6_input(struct pbuf *p, struct netif *n);
struct pbuf *__real_ip6_reass(struct pbuf *p);
struct pbuf *__wrap_ip6_reass(struct pbuf *p);

/*
 * Packets for neighbours that do not answer (yet) would take all of memory with IPv6, and much of it with IPv4. lwIP drops one when it
 * gets no entry for its queue: of IPv6 the oldest.
 */
#define WAITING_MAX6 512 /* lwIP walks the queue for each */

void *__real_memp_malloc(memp_t type);
void *__wrap_memp_malloc(memp_t type);
void __real_memp_free(memp_t type, void *p);
void __wrap_memp_free(memp_t type, void *p);

u32 checks_waiting_max = WAITING_MAX6;
static u32 waiting[2];

void *__wrap_memp_malloc(memp_t type)
{
    if (likely(type != MEMP_ND6_QUEUE && type != MEMP_ARP_QUEUE))
        return __real_memp_malloc(type);
    bool v6 = type == MEMP_ND6_QUEUE;
    if (waiting[v6] >= (v6 ? MIN(checks_waiting_max, (u32)WAITING_MAX6) : checks_waiting_max))
        return NULL;
    void *entry = __real_memp_malloc(type);
    waiting[v6] += entry != NULL;
    return entry;
}

void __wrap_memp_free(memp_t type, void *p)
{
    if (unlikely(p && (type == MEMP_ND6_QUEUE || type == MEMP_ARP_QUEUE)))
        waiting[type == MEMP_ND6_QUEUE]--;
    __real_memp_free(type, p);
}

/* A frame that ends within its ARP header: what lies behind it in memory would be read, and sent back. */
void __wrap_etharp_input(struct pbuf *p, struct netif *n)
{
    struct further_lent l;
    if (p->len < SIZEOF_ETHARP_HDR) {
        pbuf_free(p);
        return;
    }
    bool lends = unlikely(further_any) && further_lend(&((const struct etharp_hdr *)p->payload)->dipaddr, &l);
    __real_etharp_input(p, n);
    if (lends)
        further_give_back(&l);
}

/* Of a packet that is not for this VM, lwIP looks whether it is DHCP's: its UDP header must be there. */
static bool ports_fit(const struct pbuf *p)
{
    const struct ip_hdr *h = p->payload;
    return IPH_PROTO(h) != IP_PROTO_UDP || p->len >= IPH_HL_BYTES(h) + UDP_HLEN ||
           h->dest.addr == netif_ip4_addr(&device_netif)->addr;
}

/* The version is read before the length. */
err_t __wrap_ip4_input(struct pbuf *p, struct netif *n)
{
    struct further_lent l;
    if (p->len < IP_HLEN || !ports_fit(p)) {
        pbuf_free(p);
        return ERR_OK;
    }
    bool lends = unlikely(further_any) && further_lend(&((const struct ip_hdr *)p->payload)->dest, &l);
    err_t e = __real_ip4_input(p, n);
    if (lends)
        further_give_back(&l);
    return e;
}

/* Options of an extension header, which end where it does. */
static bool options_fit(const u8 *option, const u8 *end)
{
    while (option < end) {
        if (*option != IP6_PAD1_OPTION) {
            if (end - option < 2 || end - option - 2 < option[1])
                return false;
            option += 1 + option[1];
        }
        option++;
    }
    return true;
}

/*
 * Is each extension header in p's first buffer, which begins with the IPv6 header, and the packet no longer than it says? A fragment's
 * payload is looked at when it is whole; a fragment of fragments is nothing that anybody sends.
 */
static bool headers_fit(const struct pbuf *p, bool whole)
{
    const u8 *h = p->payload;
    if (p->len < IP6_HLEN)
        return false;
    u32 limit = MIN((u32)p->len, (u32)IP6_HLEN + IP6H_PLEN((const struct ip6_hdr *)p->payload));
    u8 next = h[6];
    for (u32 at = IP6_HLEN;;) {
        if (next == IP6_NEXTH_FRAGMENT && whole)
            return false;
        if (next != IP6_NEXTH_HOPBYHOP && next != IP6_NEXTH_DESTOPTS && next != IP6_NEXTH_ROUTING && next != IP6_NEXTH_FRAGMENT)
            return true;
        if (at + 8 > limit)
            return false;
        u32 length = next == IP6_NEXTH_FRAGMENT ? 8 : 8 + 8u * h[at + 1];
        if (at + length > limit)
            return false;
        if ((next == IP6_NEXTH_HOPBYHOP || next == IP6_NEXTH_DESTOPTS) && !options_fit(h + at + 2, h + at + length))
            return false;
        if (next == IP6_NEXTH_FRAGMENT && ((h[at + 2] << 8 | h[at + 3]) & (IP6_FRAG_OFFSET_MASK | IP6_FRAG_MORE_FLAG)))
            return true;
        next = h[at];
        at += length;
    }
}

err_t __wrap_ip6_input(struct pbuf *p, struct netif *n)
{
    if (headers_fit(p, false))
        return __real_ip6_input(p, n);
    pbuf_free(p);
    return ERR_OK;
}

/* The packet that the fragments make, whose headers no one has seen yet; NULL: there is none. */
struct pbuf *__wrap_ip6_reass(struct pbuf *p)
{
    p = __real_ip6_reass(p);
    if (!p || headers_fit(p, true))
        return p;
    pbuf_free(p);
    return NULL;
}
