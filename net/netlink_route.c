/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink(7): links, addresses, routes, neighbours and rules, asked for, changed, and told of when they change. A filter is a value
 * of a dump's header or attributes, and counts with NETLINK_GET_STRICT_CHK alone, as on Linux.
 */
#include <linux/capability.h>
#include <linux/fib_rules.h>
#include <linux/in_route.h>
#include <linux/icmpv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "kernel/deferred.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "net/route.h"

#define AF_BRIDGE 7 /* socket(2) */

/* Whom a message is for, and why. */
struct envelope {
    struct netlink_reply *r;
    const struct nlmsghdr *request; /* NULL: a notice */
    u32 port;
    u16 flags;
};

/* ------------------------------------------------------------ messages */

static void attribute_ip(struct netlink_reply *r, u16 type, const u8 ip[16])
{
    bool v4 = ip_is_v4(ip);
    netlink_attribute(r, type, v4 ? ip + 12 : ip, v4 ? 4 : 16);
}

static void add_link(const struct envelope *e, const struct interface *i)
{
    static const u8 no_address[6], all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct netlink_reply *r = e->r;
    struct rtnl_link_stats64 stats = {
        .rx_packets = i->rx_frames,
        .tx_packets = i->tx_frames,
        .rx_bytes = i->rx_bytes,
        .tx_bytes = i->tx_bytes,
        .rx_dropped = i->rx_dropped,
        .tx_dropped = i->tx_dropped,
        .multicast = i->rx_multicast,
    };
    struct ifinfomsg *m = netlink_begin(r, e->request, RTM_NEWLINK, e->flags, e->port, sizeof(*m));
    bool ethernet = i->flags & INTERFACE_BROADCAST;
    u8 zero = 0, carrier = i->running, state = interface_operstate(i);
    m->ifi_type = i->type;
    m->ifi_index = i->index;
    m->ifi_flags = i->flags;
    netlink_attribute(r, IFLA_IFNAME, i->name, (u32)strlen(i->name) + 1);
    netlink_attribute_u32(r, IFLA_TXQLEN, 1000);
    netlink_attribute(r, IFLA_OPERSTATE, &state, 1);
    netlink_attribute(r, IFLA_LINKMODE, &zero, 1);
    netlink_attribute_u32(r, IFLA_MTU, i->mtu);
    netlink_attribute_u32(r, IFLA_GROUP, 0);
    netlink_attribute_u32(r, IFLA_PROMISCUITY, 0);
    netlink_attribute_u32(r, IFLA_NUM_TX_QUEUES, 1);
    netlink_attribute_u32(r, IFLA_NUM_RX_QUEUES, 1);
    netlink_attribute(r, IFLA_CARRIER, &carrier, 1);
    netlink_attribute(r, IFLA_QDISC, "noqueue", 8);
    netlink_attribute(r, IFLA_ADDRESS, i->mac, 6);
    netlink_attribute(r, IFLA_BROADCAST, ethernet ? all : no_address, 6);
    netlink_attribute(r, IFLA_STATS64, &stats, sizeof(stats));
}

/* As ipv6_addr_scope() does: fe80::/10 is the link's. */
static u8 scope_of(const struct interface *i, const struct interface_address *a)
{
    const u8 *ip = a->ip;
    if (ip_is_v4(a->ip))
        return a->scope;
    if (i->index == LOOPBACK_INDEX && ip_is_loopback(ip))
        return RT_SCOPE_HOST;
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static void add_address(const struct envelope *e, u16 type, const struct interface *i, const struct interface_address *a)
{
    struct ifa_cacheinfo cache = {.ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX};
    struct netlink_reply *r = e->r;
    bool v4 = ip_is_v4(a->ip);
    u32 flags = (a->permanent ? IFA_F_PERMANENT : 0) | (a->tentative ? IFA_F_TENTATIVE : 0) | (a->secondary ? IFA_F_SECONDARY : 0) |
                (a->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0);
    struct ifaddrmsg *m = netlink_begin(r, e->request, type, e->flags, e->port, sizeof(*m));
    m->ifa_family = v4 ? AF_INET : AF_INET6;
    m->ifa_prefixlen = a->prefix;
    m->ifa_flags = (u8)flags;
    m->ifa_scope = scope_of(i, a);
    m->ifa_index = (u32)i->index;
    attribute_ip(r, IFA_ADDRESS, a->ip);
    if (v4) {
        attribute_ip(r, IFA_LOCAL, a->ip);
        if (i->flags & INTERFACE_BROADCAST && a->broadcast) {
            u32 ip;
            memcpy(&ip, a->ip + 12, 4);
            netlink_attribute_u32(r, IFA_BROADCAST, ip | (a->prefix < 32 ? __builtin_bswap32(UINT32_MAX >> a->prefix) : 0));
        }
        const char *label = a->label[0] ? a->label : i->name;
        netlink_attribute(r, IFA_LABEL, label, (u32)strlen(label) + 1);
    }
    netlink_attribute_u32(r, IFA_FLAGS, flags);
    netlink_attribute(r, IFA_CACHEINFO, &cache, sizeof(cache));
}

static void add_route(const struct envelope *e, u16 type, const struct route *route)
{
    struct netlink_reply *r = e->r;
    struct rtmsg *m = netlink_begin(r, e->request, type, e->flags, e->port, sizeof(*m));
    m->rtm_family = route->v4 ? AF_INET : AF_INET6;
    m->rtm_dst_len = route->length;
    m->rtm_table = route->table;
    m->rtm_protocol = route->protocol;
    m->rtm_scope = route->scope;
    m->rtm_type = route->type;
    m->rtm_flags = (route->cloned ? RTM_F_CLONED | (route->type == RTN_LOCAL ? RTCF_LOCAL : 0) : 0) | (route->onlink ? RTNH_F_ONLINK : 0);
    netlink_attribute_u32(r, RTA_TABLE, route->table);
    if (route->length)
        netlink_attribute(r, RTA_DST, route->v4 ? route->to + 12 : route->to, route->v4 ? 4 : 16);
    if (route->metric || !route->v4)
        netlink_attribute_u32(r, RTA_PRIORITY, route->metric);
    if (route->via)
        attribute_ip(r, RTA_GATEWAY, route->gateway);
    if (route->from)
        attribute_ip(r, RTA_PREFSRC, route->source);
    if (route->interface)
        netlink_attribute_u32(r, RTA_OIF, (u32)route->interface);
    if (!route->v4)
        netlink_attribute(r, RTA_PREF, &(const u8){ICMPV6_ROUTER_PREF_MEDIUM}, 1);
    if (route->cloned) {
        struct rta_cacheinfo cache = {0};
        netlink_attribute_u32(r, RTA_UID, current_thread()->cred.fsuid);
        netlink_attribute(r, RTA_CACHEINFO, &cache, sizeof(cache));
    }
}

static void add_neighbour(const struct envelope *e, const struct network_neighbour *n)
{
    struct ndmsg *m = netlink_begin(e->r, e->request, RTM_NEWNEIGH, e->flags, e->port, sizeof(*m));
    m->ndm_family = ip_is_v4(n->ip) ? AF_INET : AF_INET6;
    m->ndm_ifindex = OUTSIDE_INDEX;
    m->ndm_state = n->state;
    m->ndm_flags = n->router ? NTF_ROUTER : 0;
    m->ndm_type = RTN_UNICAST;
    attribute_ip(e->r, NDA_DST, n->ip);
    if (n->state != NUD_INCOMPLETE)
        netlink_attribute(e->r, NDA_LLADDR, n->mac, 6);
}

static void add_rule(const struct envelope *e, u8 family, u32 priority, u8 table)
{
    struct fib_rule_hdr *m = netlink_begin(e->r, e->request, RTM_NEWRULE, e->flags, e->port, sizeof(*m));
    m->family = family;
    m->table = table;
    m->action = FR_ACT_TO_TBL;
    netlink_attribute_u32(e->r, FRA_TABLE, table);
    netlink_attribute_u32(e->r, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
    if (priority)
        netlink_attribute_u32(e->r, FRA_PRIORITY, priority);
}

/* ------------------------------------------------------------ dumps */

/* What a dump is limited to: 0 is all. */
struct filter {
    u8 family;
    int index;
    u8 table, protocol, type;
};

static u32 attribute_of(const struct nlmsghdr *q, u32 body, u16 type, u32 otherwise)
{
    const u32 *value = netlink_find(q, body, type, sizeof(*value));
    return value ? *value : otherwise;
}

static void read_filter(const struct netlink_socket *n, const struct nlmsghdr *q, struct filter *f)
{
    const void *body = NLMSG_DATA(q);
    u32 length = q->nlmsg_len - (u32)sizeof(*q);
    *f = (struct filter){.family = length ? *(const u8 *)body : 0};
    if (!(n->options & 1u << NETLINK_GET_STRICT_CHK))
        return;
    if (q->nlmsg_type == RTM_GETADDR && length >= sizeof(struct ifaddrmsg)) {
        f->index = (int)((const struct ifaddrmsg *)body)->ifa_index;
    } else if (q->nlmsg_type == RTM_GETROUTE && length >= sizeof(struct rtmsg)) {
        const struct rtmsg *m = body;
        f->table = (u8)attribute_of(q, sizeof(*m), RTA_TABLE, m->rtm_table);
        f->index = (int)attribute_of(q, sizeof(*m), RTA_OIF, 0);
        f->protocol = m->rtm_protocol;
        f->type = m->rtm_type;
    } else if (q->nlmsg_type == RTM_GETNEIGH && length >= sizeof(struct ndmsg)) {
        f->index = (int)attribute_of(q, sizeof(struct ndmsg), NDA_IFINDEX, (u32)((const struct ndmsg *)body)->ndm_ifindex);
    }
}

static bool wants_version(const struct filter *f, bool v4)
{
    return !f->family || f->family == (v4 ? AF_INET : AF_INET6);
}

static int dump_interfaces(struct netlink_socket *n, const struct envelope *e, const struct filter *f, bool addresses)
{
    struct interface i;
    int error = 0;
    for (int index = 1; !error && index <= INTERFACES; index++) {
        if ((f->index && index != f->index) || !interface_get(index, &i))
            continue;
        if (!addresses)
            add_link(e, &i);
        for (unsigned k = 0; !error && addresses && k < i.n_addresses; k++) {
            if (wants_version(f, ip_is_v4(i.addresses[k].ip)))
                add_address(e, RTM_NEWADDR, &i, &i.addresses[k]);
            error = netlink_queue_full(n, e->r);
        }
        if (!error)
            error = netlink_queue_full(n, e->r);
    }
    return error;
}

static int dump_routes(struct netlink_socket *n, const struct envelope *e, const struct filter *f)
{
    struct route *list = kmalloc(ROUTES_MAX * sizeof(*list));
    int error = list ? 0 : -ENOMEM;
    unsigned count = list ? MIN(routes_get(list, ROUTES_MAX), (unsigned)ROUTES_MAX) : 0;
    for (unsigned k = 0; !error && k < count; k++) {
        const struct route *r = &list[k];
        if (!wants_version(f, r->v4) || (f->table && f->table != r->table) || (f->index && f->index != r->interface) ||
            (f->protocol && f->protocol != r->protocol) || (f->type && f->type != r->type))
            continue;
        add_route(e, RTM_NEWROUTE, r);
        error = netlink_queue_full(n, e->r);
    }
    kfree(list);
    return error;
}

static int dump_neighbours(struct netlink_socket *n, const struct envelope *e, const struct filter *f)
{
    unsigned max = network_neighbours(NULL, 0) + 8;
    struct network_neighbour *list = kmalloc(max * sizeof(*list));
    int error = list ? 0 : -ENOMEM;
    unsigned count = list ? MIN(network_neighbours(list, max), max) : 0;
    for (unsigned k = 0; !error && k < count; k++) {
        if (!wants_version(f, ip_is_v4(list[k].ip)) || (f->index && f->index != OUTSIDE_INDEX))
            continue;
        add_neighbour(e, &list[k]);
        error = netlink_queue_full(n, e->r);
    }
    kfree(list);
    return error;
}

static int dump_rules(struct netlink_socket *n, const struct envelope *e, const struct filter *f)
{
    for (int v4 = 1; v4 >= 0; v4--) {
        u8 family = v4 ? AF_INET : AF_INET6;
        if (!wants_version(f, v4))
            continue;
        add_rule(e, family, 0, RT_TABLE_LOCAL);
        add_rule(e, family, 32766, RT_TABLE_MAIN);
        if (v4)
            add_rule(e, family, 32767, RT_TABLE_DEFAULT);
    }
    return 0;
}

static int dump(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, int *error)
{
    struct envelope e = {r, q, n->port, NLM_F_MULTI};
    struct filter f;
    int result;
    read_filter(n, q, &f);
    switch (q->nlmsg_type) {
    case RTM_GETLINK:
        /* Links of a master or a kind: there are none. */
        result = netlink_find(q, sizeof(struct ifinfomsg), IFLA_MASTER, 4) || netlink_find(q, sizeof(struct ifinfomsg), IFLA_LINKINFO, 0) ||
                         f.family == AF_BRIDGE
                     ? 0
                     : dump_interfaces(n, &e, &f, false);
        break;
    case RTM_GETADDR:
        result = dump_interfaces(n, &e, &f, true);
        break;
    case RTM_GETROUTE:
        result = dump_routes(n, &e, &f);
        break;
    case RTM_GETNEIGH:
        result = dump_neighbours(n, &e, &f);
        break;
    case RTM_GETRULE:
        result = dump_rules(n, &e, &f);
        break;
    case RTM_GETQDISC:
    case RTM_GETTCLASS:
    case RTM_GETTFILTER:
    case RTM_GETNEIGHTBL:
        result = 0; /* none */
        break;
    default:
        *error = -EOPNOTSUPP;
        return 0;
    }
    return result ? result : netlink_done(n, r, q);
}

/* ------------------------------------------------------------ one thing */

static bool find_link(const struct nlmsghdr *q, struct interface *i)
{
    const struct ifinfomsg *m = NLMSG_DATA(q);
    char name[sizeof(i->name)] = "";
    if (m->ifi_index)
        return m->ifi_index > 0 && interface_get(m->ifi_index, i);
    const char *given = netlink_find(q, sizeof(*m), IFLA_IFNAME, 1);
    if (!given)
        given = netlink_find(q, sizeof(*m), IFLA_ALT_IFNAME, 1);
    if (given)
        memcpy(name, given, MIN((size_t)((const u8 *)q + q->nlmsg_len - (const u8 *)given), sizeof(name) - 1));
    return given && interface_find(name, i);
}

/* An address of the request's family; false: there is none. */
static bool read_ip(const struct nlmsghdr *q, u32 body, u16 type, u8 family, u8 ip[16])
{
    const u8 *given = netlink_find(q, body, type, family == AF_INET6 ? 16 : 4);
    memset(ip, 0, 16);
    if (family == AF_INET)
        ip[10] = ip[11] = 0xff;
    if (given)
        memcpy(family == AF_INET6 ? ip : ip + 12, given, family == AF_INET6 ? 16 : 4);
    return given;
}

static int get_route(const struct envelope *e)
{
    const struct rtmsg *m = NLMSG_DATA(e->request);
    struct route found;
    u8 to[16];
    if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
        return -EOPNOTSUPP;
    read_ip(e->request, sizeof(*m), RTA_DST, m->rtm_family, to);
    int error = route_find(to, &found);
    if (!error)
        add_route(e, RTM_NEWROUTE, &found);
    return error;
}

static int get_neighbour(const struct envelope *e)
{
    const struct ndmsg *m = NLMSG_DATA(e->request);
    struct network_neighbour list[8], *all = list;
    unsigned max = network_neighbours(NULL, 0) + 8;
    u8 ip[16];
    int error = -ENOENT;
    if (!read_ip(e->request, sizeof(*m), NDA_DST, m->ndm_family, ip) || !m->ndm_ifindex)
        return -EINVAL;
    if (max > ARRAY_SIZE(list) && !(all = kmalloc(max * sizeof(*all))))
        return -ENOMEM;
    unsigned n = MIN(network_neighbours(all, max), max);
    for (unsigned k = 0; error && k < n; k++) {
        if (ip_equal(all[k].ip, ip) && m->ndm_ifindex == OUTSIDE_INDEX) {
            add_neighbour(e, &all[k]);
            error = 0;
        }
    }
    if (all != list)
        kfree(all);
    return error;
}

static int get_address(const struct envelope *e)
{
    const struct ifaddrmsg *m = NLMSG_DATA(e->request);
    struct interface i;
    u8 ip[16];
    if (m->ifa_family != AF_INET6)
        return -EOPNOTSUPP; /* Linux gives single addresses of IPv6 alone */
    if (!read_ip(e->request, sizeof(*m), IFA_ADDRESS, AF_INET6, ip) && !read_ip(e->request, sizeof(*m), IFA_LOCAL, AF_INET6, ip))
        return -EINVAL;
    for (int index = 1; index <= INTERFACES; index++) {
        if ((m->ifa_index && (int)m->ifa_index != index) || !interface_get(index, &i))
            continue;
        for (unsigned k = 0; k < i.n_addresses; k++) {
            if (ip_equal(i.addresses[k].ip, ip)) {
                add_address(e, RTM_NEWADDR, &i, &i.addresses[k]);
                return 0;
            }
        }
    }
    return -EADDRNOTAVAIL;
}

static int get_one(const struct envelope *e)
{
    static const u8 bodies[] = {sizeof(struct ifinfomsg), sizeof(struct ifaddrmsg), sizeof(struct rtmsg), sizeof(struct ndmsg)};
    unsigned what = (e->request->nlmsg_type - RTM_BASE) / 4;
    struct interface i;
    if (what < ARRAY_SIZE(bodies) && e->request->nlmsg_len < NLMSG_LENGTH((u32)bodies[what]))
        return -EINVAL;
    switch (e->request->nlmsg_type) {
    case RTM_GETLINK:
        if (!find_link(e->request, &i))
            return -ENODEV;
        add_link(e, &i);
        return 0;
    case RTM_GETADDR:
        return get_address(e);
    case RTM_GETROUTE:
        return get_route(e);
    case RTM_GETNEIGH:
        return get_neighbour(e);
    default:
        return -EOPNOTSUPP;
    }
}

/* ------------------------------------------------------------ changes */

static int change_link(const struct nlmsghdr *q)
{
    const struct ifinfomsg *m = NLMSG_DATA(q);
    struct interface i;
    if (q->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return -EINVAL;
    if (!find_link(q, &i))
        return q->nlmsg_flags & NLM_F_CREATE ? -EOPNOTSUPP : -ENODEV;
    u32 flags = m->ifi_change ? (i.flags & ~m->ifi_change) | (m->ifi_flags & m->ifi_change) : m->ifi_flags ? m->ifi_flags : i.flags;
    u32 mtu = attribute_of(q, sizeof(*m), IFLA_MTU, i.mtu);
    if (attribute_of(q, sizeof(*m), IFLA_TXQLEN, 1000) != 1000 || netlink_find(q, sizeof(*m), IFLA_ADDRESS, 1) ||
        netlink_find(q, sizeof(*m), IFLA_MASTER, 4) || netlink_find(q, sizeof(*m), IFLA_LINKINFO, 1))
        return -EOPNOTSUPP;
    return interface_change(&i, flags, mtu);
}

/* Lifetimes other than for ever are not served: nothing would end them. */
static int check_lifetime(const struct nlmsghdr *q)
{
    const struct ifa_cacheinfo *c = netlink_find(q, sizeof(struct ifaddrmsg), IFA_CACHEINFO, sizeof(*c));
    if (!c)
        return 0;
    if (!c->ifa_valid || c->ifa_prefered > c->ifa_valid)
        return -EINVAL;
    return c->ifa_valid == UINT32_MAX && c->ifa_prefered == UINT32_MAX ? 0 : -EOPNOTSUPP;
}

/* The address of a request to delete one by its local address, or label, alone. */
static const struct interface_address *find_deleted(const struct interface *i, const struct interface_address *like, bool has_ip)
{
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        const char *label = a->label[0] ? a->label : i->name;
        if (ip_is_v4(a->ip) == ip_is_v4(like->ip) && a->prefix == like->prefix && (!has_ip || ip_equal(a->ip, like->ip)) &&
            (!like->label[0] || !strcmp(label, like->label)))
            return a;
    }
    return NULL;
}

static int change_address(const struct nlmsghdr *q)
{
    const struct ifaddrmsg *m = NLMSG_DATA(q);
    struct interface i;
    struct interface_address a = {0};
    u8 peer[16];
    if (q->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return -EINVAL;
    if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
        return -EOPNOTSUPP;
    bool adds = q->nlmsg_type == RTM_NEWADDR, v4 = m->ifa_family == AF_INET;
    bool local = read_ip(q, sizeof(*m), IFA_LOCAL, m->ifa_family, a.ip), given = read_ip(q, sizeof(*m), IFA_ADDRESS, m->ifa_family, peer);
    if (m->ifa_prefixlen > (v4 ? 32 : 128) || (v4 ? adds && !local : !local && !given))
        return -EINVAL;
    if (!local)
        memcpy(a.ip, peer, 16);
    if (!interface_get((int)m->ifa_index, &i))
        return -ENODEV;
    u32 flags = attribute_of(q, sizeof(*m), IFA_FLAGS, m->ifa_flags);
    const char *label = netlink_find(q, sizeof(*m), IFA_LABEL, 1);
    a.prefix = m->ifa_prefixlen;
    a.scope = m->ifa_scope;
    a.broadcast = netlink_find(q, sizeof(*m), IFA_BROADCAST, 4);
    a.no_prefix_route = flags & IFA_F_NOPREFIXROUTE;
    a.tentative = !v4 && !(flags & IFA_F_NODAD);
    if (label)
        strlcpy(a.label, label, MIN(sizeof(a.label), RTA_PAYLOAD((const struct rtattr *)(label - RTA_LENGTH(0))) + 1));
    if (!adds) {
        const struct interface_address *old = find_deleted(&i, &a, local || given);
        return old ? interface_set_address(&i, old, false) : -EADDRNOTAVAIL;
    }
    int error = check_lifetime(q);
    if (error)
        return error;
    if (ip_is_any(a.ip) || ip_is_multicast(a.ip))
        return v4 ? -EINVAL : -EADDRNOTAVAIL;
    if ((local && given && !ip_equal(peer, a.ip)) || flags & (IFA_F_MCAUTOJOIN | IFA_F_MANAGETEMPADDR))
        return -EOPNOTSUPP; /* the other end of a link between two; groups and addresses that follow from it */
    error = interface_set_address(&i, &a, true);
    return error == -EEXIST && q->nlmsg_flags & NLM_F_REPLACE && !(q->nlmsg_flags & NLM_F_EXCL) ? 0 : error;
}

static int change_route(const struct nlmsghdr *q)
{
    static const u16 unserved[] = {RTA_METRICS, RTA_MULTIPATH, RTA_FLOW, RTA_VIA, RTA_ENCAP, RTA_NH_ID, RTA_SRC, RTA_IIF};
    const struct rtmsg *m = NLMSG_DATA(q);
    struct route r = {0};
    if (q->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return -EINVAL;
    bool adds = q->nlmsg_type == RTM_NEWROUTE;
    u32 table = attribute_of(q, sizeof(*m), RTA_TABLE, m->rtm_table);
    if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
        return -EOPNOTSUPP;
    r.v4 = m->rtm_family == AF_INET;
    read_ip(q, sizeof(*m), RTA_DST, m->rtm_family, r.to);
    r.length = m->rtm_dst_len;
    r.type = m->rtm_type;
    r.scope = r.v4 ? m->rtm_scope : RT_SCOPE_UNIVERSE;
    r.protocol = m->rtm_protocol;
    r.table = table ? (u8)table : RT_TABLE_MAIN;
    r.via = read_ip(q, sizeof(*m), RTA_GATEWAY, m->rtm_family, r.gateway);
    r.from = read_ip(q, sizeof(*m), RTA_PREFSRC, m->rtm_family, r.source);
    r.onlink = m->rtm_flags & RTNH_F_ONLINK;
    r.metric = attribute_of(q, sizeof(*m), RTA_PRIORITY, 0);
    r.interface = (int)attribute_of(q, sizeof(*m), RTA_OIF, 0);
    if (adds && !r.v4 && r.type == RTN_UNSPEC)
        r.type = RTN_UNICAST;
    for (unsigned k = 0; adds && k < ARRAY_SIZE(unserved); k++) {
        if (netlink_find(q, sizeof(*m), unserved[k], 0))
            return -EOPNOTSUPP;
    }
    if (table > RT_TABLE_LOCAL || (r.table != RT_TABLE_MAIN && (r.table != RT_TABLE_LOCAL || (adds && r.type != RTN_LOCAL))) || m->rtm_tos ||
        m->rtm_src_len)
        return adds || m->rtm_tos ? -EOPNOTSUPP : -ESRCH; /* there are no other tables */
    return adds ? route_add(&r, q->nlmsg_flags) : route_delete(&r);
}

static int change(const struct nlmsghdr *q)
{
    switch (q->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_SETLINK:
        return change_link(q);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return change_address(q);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return change_route(q);
    default:
        return -EOPNOTSUPP;
    }
}

int netlink_route_request(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, int *error)
{
    struct envelope e = {r, q, n->port, 0};
    bool get = (q->nlmsg_type - RTM_BASE) % 4 == 2;
    if (q->nlmsg_type > RTM_MAX || (get && q->nlmsg_len < NLMSG_LENGTH(1)))
        *error = q->nlmsg_type > RTM_MAX ? -EOPNOTSUPP : 0;
    else if (!get && !capable(CAP_NET_ADMIN))
        *error = -EPERM;
    else if (!get)
        *error = change(q);
    else if ((q->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
        return dump(n, r, q, error);
    else
        *error = get_one(&e);
    return 0;
}

/* ------------------------------------------------------------ notices */

/* What members of groups were last told. Used by one CPU at a time, which `telling` says. */
static struct interface told[INTERFACES];
static struct route told_routes[ROUTES_MAX];
static unsigned told_count;
static bool telling; /* atomic */

static const struct interface_address *find_address(const struct interface *i, const struct interface_address *like)
{
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        if (ip_equal(a->ip, like->ip) && a->prefix == like->prefix)
            return a;
    }
    return NULL;
}

/* Tells of the addresses of a that b does not have, or that are certain by now. */
static void tell_addresses(const struct envelope *e, u16 type, const struct interface *a, const struct interface *b)
{
    for (unsigned k = 0; k < a->n_addresses; k++) {
        const struct interface_address *same = find_address(b, &a->addresses[k]);
        if (a->index == LOOPBACK_INDEX && a->addresses[k].scope == RT_SCOPE_HOST && k == 0)
            continue; /* always there */
        if (same && (type == RTM_DELADDR || same->tentative == a->addresses[k].tentative))
            continue;
        add_address(e, type, a, &a->addresses[k]);
        netlink_announce(ip_is_v4(a->addresses[k].ip) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR, e->r);
    }
}

static void tell_routes(const struct envelope *e, u16 type, const struct route *a, unsigned n, const struct route *b, unsigned m)
{
    for (unsigned k = 0; k < n; k++) {
        unsigned j = 0;
        while (j < m && memcmp(&a[k], &b[j], sizeof(*a)))
            j++;
        if (j < m)
            continue;
        add_route(e, type, &a[k]);
        netlink_announce(a[k].v4 ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE, e->r);
    }
}

static void tell_changes(struct deferred *d)
{
    if (!network_is_started())
        return;
    if (__atomic_exchange_n(&telling, true, __ATOMIC_ACQUIRE)) {
        deferred_queue(d);
        return;
    }
    struct netlink_reply *r = kmalloc(sizeof(*r));
    struct route *routes = kzalloc(ROUTES_MAX * sizeof(*routes));
    struct interface *now = kmalloc(INTERFACES * sizeof(*now));
    if (r && routes && now) {
        struct envelope e = {.r = r};
        unsigned n = MIN(routes_get(routes, ROUTES_MAX), (unsigned)ROUTES_MAX);
        r->length = 0;
        for (int k = 0; k < INTERFACES; k++) {
            if (!interface_get(k + 1, &now[k]))
                continue;
            if (k + 1 != LOOPBACK_INDEX && (now[k].flags != told[k].flags || now[k].mtu != told[k].mtu)) {
                add_link(&e, &now[k]);
                netlink_announce(RTNLGRP_LINK, r);
            }
            tell_addresses(&e, RTM_DELADDR, &told[k], &now[k]);
            tell_addresses(&e, RTM_NEWADDR, &now[k], &told[k]);
        }
        tell_routes(&e, RTM_DELROUTE, told_routes, told_count, routes, n);
        tell_routes(&e, RTM_NEWROUTE, routes, n, told_routes, told_count);
        memcpy(told, now, sizeof(told));
        told_count = n;
        memcpy(told_routes, routes, sizeof(told_routes));
    }
    kfree(now);
    kfree(routes);
    kfree(r);
    __atomic_store_n(&telling, false, __ATOMIC_RELEASE);
}

void interface_changed(void)
{
    static struct deferred work = {.fn = tell_changes};
    deferred_queue(&work);
}
