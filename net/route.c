/* SPDX-License-Identifier: BSD-2-Clause */
/* The routing tables that the interfaces' addresses and gateways make (net/route.h). */
#include <linux/rtnetlink.h>
#include "kernel/lib/string.h"
#include "net/inet.h"
#include "net/route.h"

#define METRIC_CONNECTED 256 /* of IPv6 */
#define METRIC_DEFAULT   1024

struct builder {
    struct route *list;
    unsigned max, n;
};

static struct route *add(struct builder *b, const struct interface *i, const u8 to[16], unsigned length, bool v4, u8 type, u8 scope)
{
    static struct route beyond; /* written to, never read */
    struct route *r = b->n < b->max ? &b->list[b->n] : &beyond;
    b->n++;
    *r = (struct route){.length = (u8)length, .v4 = v4, .type = type, .scope = scope, .interface = i->index, .protocol = RTPROT_KERNEL};
    r->table = type == RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
    memcpy(r->to, to, 16);
    for (unsigned bit = (v4 ? 96 : 0) + length; bit < 128; bit++)
        r->to[bit / 8] &= (u8)~(0x80 >> bit % 8);
    return r;
}

static void set_source(struct route *r, const u8 ip[16])
{
    r->from = true;
    memcpy(r->source, ip, 16);
}

static void add_default(struct builder *b, const struct interface *i, bool v4)
{
    const u8 *gateway = v4 ? i->gateway : i->gateway6;
    u8 any[16] = {[10] = v4 ? 0xff : 0, [11] = v4 ? 0xff : 0};
    if (ip_is_any(gateway) || ip_is_v4(gateway) != v4)
        return;
    struct route *r = add(b, i, any, 0, v4, RTN_UNICAST, RT_SCOPE_UNIVERSE);
    r->protocol = !v4 && i->router_advertised ? RTPROT_RA : RTPROT_BOOT;
    r->via = true;
    memcpy(r->gateway, gateway, 16);
    r->metric = v4 ? 0 : METRIC_DEFAULT;
}

static void add_main(struct builder *b, const struct interface *i, bool v4)
{
    if (v4)
        add_default(b, i, true);
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        if (i->index == LOOPBACK_INDEX || ip_is_v4(a->ip) != v4 || a->prefix == (v4 ? 32 : 128))
            continue;
        struct route *r = add(b, i, a->ip, a->prefix, v4, RTN_UNICAST, v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
        if (v4)
            set_source(r, a->ip);
        else
            r->metric = METRIC_CONNECTED;
    }
    if (!v4)
        add_default(b, i, false);
}

static void add_local4(struct builder *b, const struct interface *i, const struct interface_address *a)
{
    u8 last[16];
    if (i->index == LOOPBACK_INDEX)
        set_source(add(b, i, a->ip, a->prefix, true, RTN_LOCAL, RT_SCOPE_HOST), a->ip);
    set_source(add(b, i, a->ip, 32, true, RTN_LOCAL, RT_SCOPE_HOST), a->ip);
    if (a->prefix > 30)
        return;
    memcpy(last, a->ip, 16);
    for (unsigned bit = 96 + a->prefix; bit < 128; bit++)
        last[bit / 8] |= (u8)(0x80 >> bit % 8);
    set_source(add(b, i, last, 32, true, RTN_BROADCAST, RT_SCOPE_LINK), a->ip);
}

static void add_local(struct builder *b, const struct interface *i, bool v4)
{
    static const u8 groups[16] = {0xff};
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        if (ip_is_v4(a->ip) != v4)
            continue;
        if (v4)
            add_local4(b, i, a);
        else if (!a->tentative)
            add(b, i, a->ip, 128, false, RTN_LOCAL, RT_SCOPE_UNIVERSE);
    }
    if (!v4 && i->index != LOOPBACK_INDEX)
        add(b, i, groups, 8, false, RTN_MULTICAST, RT_SCOPE_UNIVERSE)->metric = METRIC_CONNECTED;
}

unsigned routes_get(struct route *list, unsigned max)
{
    struct builder b = {.list = list, .max = max};
    struct interface i;
    for (int pass = 0; pass < 4; pass++) {
        bool v4 = pass < 2;
        /* Linux keeps them sorted by destination; those of lo come last. */
        for (int index = INTERFACES; index > 0; index--) {
            if (!interface_get(index, &i) || !(i.flags & INTERFACE_UP))
                continue;
            if (pass % 2)
                add_local(&b, &i, v4);
            else
                add_main(&b, &i, v4);
        }
    }
    return b.n;
}

int route_find(const u8 to[16], struct route *found)
{
    struct inet_socket *none = inet_allocate(ip_is_v4(to) ? AF_INET : AF_INET6, SOCK_DGRAM);
    struct inet_address destination = {.port = 1};
    if (!none)
        return -ENOBUFS;
    none->base.options.bits |= 1ull << SO_BROADCAST;
    *found = (struct route){.v4 = ip_is_v4(to), .table = RT_TABLE_MAIN, .from = true, .cloned = ip_is_v4(to)};
    memcpy(destination.ip, to, 16);
    memcpy(found->to, to, 16);
    int outside = inet_route(none, &destination, found->source);
    socket_put(&none->base);
    if (outside < 0)
        return outside;
    struct interface i;
    bool multicast = ip_is_multicast(to), broadcast = network_is_broadcast(to);
    found->length = found->v4 ? 32 : 128;
    found->protocol = found->v4 ? RTPROT_UNSPEC : RTPROT_KERNEL;
    found->interface = outside ? OUTSIDE_INDEX : LOOPBACK_INDEX;
    found->type = !outside ? RTN_LOCAL : multicast ? RTN_MULTICAST : broadcast ? RTN_BROADCAST : RTN_UNICAST;
    if (outside && !multicast && !broadcast && interface_get(OUTSIDE_INDEX, &i) && !interface_is_on_link(&i, to)) {
        found->via = true;
        memcpy(found->gateway, found->v4 ? i.gateway : i.gateway6, 16);
    }
    return 0;
}
