/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP with the outside. Our sockets are in the port table (net/inet_port.c) and not in lwIP's list, which holds DHCP's
 * alone: a datagram goes to the table first, and to lwIP if nobody there wants it.
 */
#include "kernel/lib/string.h"
#include "kernel/timer.h"
#include "lwip/igmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/mld6.h"
#include "lwip/prot/udp.h"
#include "lwip/udp.h"
#include "net/inet.h"
#include "net/lwip/core.h"

#define RECEIVERS_MAX 32 /* of a datagram to many */

void __real_udp_input(struct pbuf *p, struct netif *n);
void __wrap_udp_input(struct pbuf *p, struct netif *n);

/* ------------------------------------------------------------ receiving */

static bool checksum_good(struct pbuf *p, const struct udp_hdr *h, u16 length, const struct netif *n)
{
    if (!(n->chksum_flags & NETIF_CHECKSUM_CHECK_UDP))
        return true;
    if (!h->chksum)
        return !ip_current_is_v6();
    return ip_chksum_pseudo(p, IP_PROTO_UDP, length, ip_current_src_addr(), ip_current_dest_addr()) == 0;
}

/* p: the payload. */
static void deliver(struct inet_socket *u, struct pbuf *p, u16 length, const struct inet_address *from,
                    const struct inet_address *to)
{
    struct socket_address name;
    inet_format(u, from, &name);
    struct datagram *d = datagram_allocate(name.bytes, (u32)name.length, length);
    if (!d)
        return; /* as if the network had lost it */
    pbuf_copy_partial(p, datagram_payload(d), length, 0);
    memcpy(d->destination, to->ip, 16);
    if (ip_current_is_v6()) {
        d->hops = IP6H_HOPLIM(ip6_current_header());
        d->traffic_class = IP6H_TC(ip6_current_header());
    } else {
        d->hops = IPH_TTL(ip4_current_header());
        d->traffic_class = IPH_TOS(ip4_current_header());
    }
    d->interface = OUTSIDE_INDEX;
    if (datagram_wants_time(&u->base))
        d->time = (s64)clock_realtime();
    udp_deliver(u, d);
}

/* Those that the datagram is for: one, or all that listen to a group or to broadcasts. Returns how many. */
static unsigned find(const struct inet_address *to, const struct inet_address *from, const struct netif *n,
                     struct inet_socket **list)
{
    if (ip_addr_ismulticast(ip_current_dest_addr()) || ip_addr_isbroadcast(ip_current_dest_addr(), n))
        return inet_find_receivers(to, from, OUTSIDE_INDEX, false, list, RECEIVERS_MAX);
    list[0] = inet_find_datagram(to, from, OUTSIDE_INDEX);
    return list[0] != NULL;
}

void __wrap_udp_input(struct pbuf *p, struct netif *n)
{
    const struct udp_hdr *h = p->payload;
    struct inet_socket *list[RECEIVERS_MAX];
    struct inet_address from, to;
    unsigned count = 0;
    if (p->len >= UDP_HLEN) {
        from.port = lwip_ntohs(h->src);
        to.port = lwip_ntohs(h->dest);
        address_from_lwip(ip_current_src_addr(), from.ip);
        address_from_lwip(ip_current_dest_addr(), to.ip);
        count = find(&to, &from, n, list);
    }
    if (!count) {
        __real_udp_input(p, n);
        return;
    }
    u16 length = lwip_ntohs(h->len);
    bool good = length >= UDP_HLEN && length <= p->tot_len && checksum_good(p, h, length, n);
    if (good)
        pbuf_remove_header(p, UDP_HLEN);
    for (unsigned i = 0; i < count; i++) {
        if (good)
            deliver(list[i], p, (u16)(length - UDP_HLEN), &from, &to);
        socket_put(&list[i]->base);
    }
    pbuf_free(p);
}

void network_group(const u8 ip[16], bool join)
{
    ip_addr_t group;
    if (!device_present)
        return;
    address_to_lwip(ip, &group);
    core_lock();
    if (IP_IS_V4(&group) && join)
        igmp_joingroup_netif(&device_netif, ip_2_ip4(&group));
    else if (IP_IS_V4(&group))
        igmp_leavegroup_netif(&device_netif, ip_2_ip4(&group));
    else if (join)
        mld6_joingroup_netif(&device_netif, ip_2_ip6(&group));
    else
        mld6_leavegroup_netif(&device_netif, ip_2_ip6(&group));
    core_unlock();
}

/* ------------------------------------------------------------ sending */

static struct pbuf *copy_in(struct io *io, u16 n)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, n, PBUF_RAM);
    if (!p)
        return ERR_PTR(-ENOBUFS);
    if (n && io_copy_from(io, p->payload, n) != n) {
        pbuf_free(p);
        return ERR_PTR(-EFAULT);
    }
    return p;
}

static int error_of(err_t e)
{
    switch (e) {
    case ERR_OK:
        return 0;
    case ERR_RTE:
        return -ENETUNREACH;
    case ERR_VAL:
    case ERR_ARG:
        return -EINVAL;
    default:
        return -ENOBUFS;
    }
}

ssize network_udp_send(struct inet_socket *u, const struct inet_address *from, const struct inet_address *to,
                       struct message *m)
{
    static struct udp_pcb *block; /* carries addresses and options for one call; under the core lock */
    const struct inet_options *o = &u->options;
    u16 n = (u16)m->io.left;
    ip_addr_t source, destination;
    address_to_lwip(from->ip, &source);
    address_to_lwip(to->ip, &destination);
    bool v4 = IP_IS_V4(&destination), multicast = ip_addr_ismulticast(&destination);
    struct pbuf *p = copy_in(&m->io, n);
    if (IS_ERR(p))
        return PTR_ERR(p);
    core_lock();
    if (!block)
        block = udp_new_ip_type(IPADDR_TYPE_ANY);
    err_t e = ERR_MEM;
    if (block) {
        block->local_port = from->port;
        if (v4)
            block->ttl = (u8_t)(multicast ? o->multicast_ttl : o->ttl > 0 ? o->ttl : 64);
        else
            block->ttl = (u8_t)(multicast ? o->multicast_hops : o->hops >= 0 ? o->hops : 64);
        block->tos = (u8_t)(v4 ? o->tos : o->traffic_class < 0 ? 0 : o->traffic_class);
        if (m->hops)
            block->ttl = (u8_t)(m->hops - 1);
        if (m->traffic_class)
            block->tos = (u8_t)(m->traffic_class - 1);
        block->mcast_ttl = block->ttl;
        e = udp_sendto_if_src(block, p, &destination, to->port, &device_netif, &source);
    }
    pbuf_free(p);
    core_unlock();
    int error = error_of(e);
    return error ? error : n;
}
