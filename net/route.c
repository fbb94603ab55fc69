/* SPDX-License-Identifier: BSD-2-Clause */
/* The routing tables: what the interfaces' addresses and gateways make, and what programs add (net/route.h). */
#include <linux/rtnetlink.h>
#include "kernel/heap.h"
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
    if (i->index == OUTSIDE_INDEX)
        add_default(b, i, v4);
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        if (ip_is_v4(a->ip) != v4 || (v4 && (i->index == LOOPBACK_INDEX || a->prefix == 32)) || ip_is_loopback(a->ip) || a->secondary ||
            a->no_prefix_route)
            continue;
        struct route *r = add(b, i, a->ip, a->prefix, v4, RTN_UNICAST, v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
        if (v4)
            set_source(r, a->ip);
        else
            r->metric = METRIC_CONNECTED;
    }
}

/* primary: the first address in a's network. */
static void add_local4(struct builder *b, const struct interface *i, const struct interface_address *a, const struct interface_address *primary)
{
    u8 last[16];
    if (i->index == LOOPBACK_INDEX && !a->secondary && a->prefix < 32)
        set_source(add(b, i, a->ip, a->prefix, true, RTN_LOCAL, RT_SCOPE_HOST), a->ip);
    set_source(add(b, i, a->ip, 32, true, RTN_LOCAL, RT_SCOPE_HOST), primary->ip);
    if (a->prefix > 30 || a->secondary)
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
        const struct interface_address *primary = a;
        for (unsigned j = 0; a->secondary && j < k && primary == a; j++) {
            const struct interface_address *p = &i->addresses[j];
            if (ip_is_v4(p->ip) && p->prefix == a->prefix && bits_equal(p->ip, a->ip, 96u + a->prefix))
                primary = p;
        }
        if (v4)
            add_local4(b, i, a, primary);
        else if (!a->tentative)
            add(b, i, a->ip, 128, false, RTN_LOCAL, RT_SCOPE_UNIVERSE);
    }
    if (!v4 && i->index != LOOPBACK_INDEX)
        add(b, i, groups, 8, false, RTN_MULTICAST, RT_SCOPE_UNIVERSE)->metric = METRIC_CONNECTED;
}

/* Routes of one table are told by destination; of those that lie in each other, IPv4 has the first address first, IPv6 the narrowest. */
static bool goes_before(const struct route *a, const struct route *b)
{
    unsigned bits = MIN(a->length, b->length) + (a->v4 ? 96u : 0);
    if (!a->v4 && a->length != b->length && bits_equal(a->to, b->to, bits))
        return a->length > b->length;
    int order = memcmp(a->to, b->to, 16);
    if (order || a->length != b->length)
        return order ? order < 0 : a->length > b->length;
    return a->metric < b->metric;
}

void routes_sort(struct route *list, unsigned n)
{
    for (unsigned k = 1; k < n; k++) {
        struct route moved = list[k];
        unsigned at = k;
        for (; at > 0 && goes_before(&moved, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = moved;
    }
}

unsigned routes_get(struct route *list, unsigned max)
{
    struct builder b = {.list = list, .max = max};
    struct interface i;
    for (int pass = 0; pass < 4; pass++) {
        bool v4 = pass < 2, local = pass % 2;
        unsigned first = MIN(b.n, max);
        for (int index = 1; index <= INTERFACES; index++) {
            if (!interface_get(index, &i) || !(i.flags & INTERFACE_UP))
                continue;
            if (local)
                add_local(&b, &i, v4);
            else
                add_main(&b, &i, v4);
        }
        unsigned at = MIN(b.n, max), n = MIN(network_routes(list + at, max - at), max - at);
        for (unsigned k = at; k < at + n; k++) {
            if (list[k].v4 == v4 && (list[k].table == RT_TABLE_LOCAL) == local)
                list[b.n++] = list[k];
        }
        routes_sort(list + first, MIN(b.n, max) - first);
    }
    return b.n;
}

/* ------------------------------------------------------------ changes */

static bool refuses(u8 type)
{
    return type == RTN_UNREACHABLE || type == RTN_PROHIBIT || type == RTN_BLACKHOLE || type == RTN_THROW;
}

static int check_unicast(struct route *r, const struct interface *i)
{
    u8 ignored[16];
    if (r->interface == LOOPBACK_INDEX)
        return -EOPNOTSUPP;
    if (!r->via)
        return !r->interface ? -ENODEV : i->up ? 0 : -ENETDOWN;
    if (r->v4 ? r->scope >= RT_SCOPE_LINK : ip_is_own(r->gateway))
        return -EINVAL;
    r->interface = OUTSIDE_INDEX;
    bool link_local = !r->v4 && r->gateway[0] == 0xfe && (r->gateway[1] & 0xc0) == 0x80;
    if (!i->up)
        return -ENETDOWN;
    if (r->onlink || link_local || (!network_gateway(r->gateway, ignored) && !network_source(r->gateway, ignored)))
        return 0;
    return r->v4 ? -ENETUNREACH : -EHOSTUNREACH;
}

/* i: the interface of the outside. */
static int check(struct route *r, const struct interface *i)
{
    u8 network[16];
    if (r->length > (r->v4 ? 32 : 128) || r->type > RTN_MAX)
        return -EINVAL;
    memset(network, 0, 16);
    memcpy(network, r->to, 16);
    for (unsigned bit = (r->v4 ? 96u : 0) + r->length; bit < 128; bit++)
        network[bit / 8] &= (u8)~(0x80 >> bit % 8);
    if (r->v4 && !ip_equal(network, r->to))
        return -EINVAL;
    memcpy(r->to, network, 16);
    if (!r->v4 && !r->metric)
        r->metric = METRIC_DEFAULT;
    if (r->from && !ip_is_own(r->source))
        return -EINVAL;
    if (refuses(r->type)) {
        if (r->v4 && (r->via || r->interface))
            return -EINVAL;
        r->via = false;
        r->interface = r->v4 ? 0 : LOOPBACK_INDEX;
        return 0;
    }
    if (r->type == RTN_LOCAL)
        return r->via || (r->v4 && r->scope < RT_SCOPE_HOST) ? -EINVAL : r->interface ? 0 : -ENODEV;
    return r->type == RTN_UNICAST ? check_unicast(r, i) : -EOPNOTSUPP;
}

static bool is_same(const struct route *a, const struct route *b, bool any_metric)
{
    return a->v4 == b->v4 && a->table == b->table && a->length == b->length && ip_equal(a->to, b->to) && (any_metric || a->metric == b->metric);
}

/* Whose is the route to the same place in the same table? */
enum made_by { NOBODY, ADDRESS, GATEWAY, PROGRAM };

static enum made_by find_same(const struct route *r, bool any_metric)
{
    struct route *list = kmalloc(ROUTES_MAX * sizeof(*list));
    enum made_by found = NOBODY;
    unsigned n = list ? MIN(routes_get(list, ROUTES_MAX), (unsigned)ROUTES_MAX) : 0;
    for (unsigned k = 0; k < n && !found; k++) {
        if (is_same(&list[k], r, any_metric))
            found = r->v4 && !r->length && !list[k].metric ? GATEWAY : ADDRESS;
    }
    n = found ? MIN(network_routes(list, ROUTES_MAX), (unsigned)ROUTES_MAX) : 0;
    for (unsigned k = 0; k < n; k++) {
        if (is_same(&list[k], r, any_metric))
            found = PROGRAM;
    }
    kfree(list);
    return found;
}

int route_add(struct route *r, u32 flags)
{
    struct interface i;
    if (!interface_get(OUTSIDE_INDEX, &i))
        memset(&i, 0, sizeof(i));
    if (r->interface && r->interface != LOOPBACK_INDEX && r->interface != i.index)
        return -ENODEV;
    int error = check(r, &i);
    if (error)
        return error;
    enum made_by same = find_same(r, false);
    if (same != NOBODY && (flags & NLM_F_EXCL || !(flags & NLM_F_REPLACE)))
        return -EEXIST;
    if (same == ADDRESS)
        return -EOPNOTSUPP;
    bool plain = r->v4 && !r->length && !r->metric && r->via && !r->from && !r->onlink && r->table == RT_TABLE_MAIN;
    if (same == NOBODY && !(flags & NLM_F_CREATE))
        return -ENOENT;
    if (plain) {
        struct route old = *r;
        old.via = false;
        old.type = old.protocol = 0;
        old.scope = RT_SCOPE_NOWHERE;
        old.interface = 0;
        if (same == PROGRAM)
            network_delete_route(&old);
        return interface_set_gateway(&i, r->gateway, true, same != NOBODY);
    }
    if (same == GATEWAY)
        interface_set_gateway(&i, NULL, false, false);
    error = network_add_route(r, flags | NLM_F_CREATE);
    if (!error)
        interface_changed();
    return error;
}

int route_delete(const struct route *r)
{
    struct interface i;
    int error = network_delete_route(r);
    if (!error)
        interface_changed();
    if (error != -ESRCH || !interface_get(OUTSIDE_INDEX, &i))
        return error;
    if (r->v4 && !r->length && !r->metric && r->table == RT_TABLE_MAIN && (!r->type || r->type == RTN_UNICAST))
        return interface_set_gateway(&i, r->via ? r->gateway : NULL, false, false);
    return find_same(r, !r->metric) == ADDRESS ? -EOPNOTSUPP : -ESRCH;
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
    bool multicast = ip_is_multicast(to), broadcast = network_is_broadcast(to);
    found->length = found->v4 ? 32 : 128;
    found->protocol = found->v4 ? RTPROT_UNSPEC : RTPROT_KERNEL;
    found->interface = outside ? OUTSIDE_INDEX : LOOPBACK_INDEX;
    found->type = !outside ? RTN_LOCAL : multicast ? RTN_MULTICAST : broadcast ? RTN_BROADCAST : RTN_UNICAST;
    if (outside && !multicast && !broadcast)
        found->via = network_gateway(to, found->gateway);
    return 0;
}
