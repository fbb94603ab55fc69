/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast groups that sockets are in (ip(7), IP_ADD_MEMBERSHIP; ipv6(7), IPV6_ADD_MEMBERSHIP). Lists are under the lock of the port
 * table, which is where receivers are looked for.
 */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/inet.h"
#include "net/sysctl.h"

#define SOURCES_MAX 10 /* of a group: net.ipv4.igmp_max_msf */

struct inet_group {
    struct list link, all_link;
    u8 ip[16];
    int interface;
    bool include;                  /* only the sources listed, else all but those */
    unsigned n_sources;
    u8 sources[SOURCES_MAX][16];
};

static struct list all = LIST_INIT(all); /* those of all sockets, the oldest first */

/* Table lock held. interface 0: any. */
static struct inet_group *find(const struct inet_socket *u, const u8 ip[16], int interface)
{
    struct inet_group *g;
    list_for_each(g, &u->groups, link) {
        if (ip_equal(g->ip, ip) && (!interface || g->interface == interface))
            return g;
    }
    return NULL;
}

static bool lists(const struct inet_group *g, const u8 source[16], unsigned *at)
{
    for (*at = 0; *at < g->n_sources; ++*at) {
        if (ip_equal(g->sources[*at], source))
            return true;
    }
    return false;
}

int inet_group_member(const struct inet_socket *u, const u8 ip[16], const u8 source[16])
{
    const struct inet_group *g = find(u, ip, 0);
    unsigned at;
    return g ? lists(g, source, &at) == g->include : -1;
}

static int join(struct inet_socket *u, const u8 ip[16], int interface, bool include)
{
    struct inet_group *g = kzalloc(sizeof(*g));
    if (!g)
        return -ENOBUFS;
    memcpy(g->ip, ip, 16);
    g->interface = interface;
    g->include = include;
    inet_datagram_lock();
    int error = find(u, ip, interface) ? -EADDRINUSE : (int)u->n_groups >= READ_ONCE(net_settings.groups_max) ? -ENOBUFS : 0;
    if (!error) {
        list_add_tail(&u->groups, &g->link);
        list_add_tail(&all, &g->all_link);
        u->n_groups++;
    }
    inet_datagram_unlock();
    if (error)
        kfree(g);
    else if (interface == OUTSIDE_INDEX)
        network_group(ip, true);
    return error;
}

static int leave(struct inet_socket *u, const u8 ip[16], int interface)
{
    inet_datagram_lock();
    struct inet_group *g = find(u, ip, interface);
    if (g) {
        list_remove(&g->link);
        list_remove(&g->all_link);
        u->n_groups--;
    }
    inet_datagram_unlock();
    if (!g)
        return -EADDRNOTAVAIL;
    if (g->interface == OUTSIDE_INDEX)
        network_group(ip, false);
    kfree(g);
    return 0;
}

void inet_group_leave_all(struct inet_socket *u)
{
    struct inet_group *g;
    while ((g = list_first(&u->groups, struct inet_group, link)))
        leave(u, g->ip, g->interface);
}

unsigned inet_groups_get(struct inet_membership *list, unsigned max)
{
    const struct inet_group *g;
    unsigned n = 0;
    inet_datagram_lock();
    list_for_each(g, &all, all_link) {
        if (n < max) {
            memcpy(list[n].ip, g->ip, 16);
            list[n].interface = g->interface;
        }
        n++;
    }
    inet_datagram_unlock();
    return n;
}

/* The interface with index, or else address (IPv4, network order); 0 and 0: the one outside. 0: none. */
static int interface_of(int index, u32 address)
{
    struct interface i;
    if (index)
        return interface_get(index, &i) ? index : 0;
    for (index = OUTSIDE_INDEX; index; index--) {
        if (!interface_get(index, &i))
            continue;
        if (!address && index == OUTSIDE_INDEX)
            return index;
        for (unsigned k = 0; address && k < i.n_addresses; k++) {
            if (ip_is_v4(i.addresses[k].ip) && !memcmp(i.addresses[k].ip + 12, &address, 4))
                return index;
        }
    }
    return 0;
}

static int change(struct inet_socket *u, const u8 ip[16], int interface, bool joining)
{
    if (!ip_is_multicast(ip))
        return -EINVAL;
    if (!interface && joining)
        return -ENODEV;
    return joining ? join(u, ip, interface, false) : leave(u, ip, interface);
}

/* Adds a source to what a group includes or excludes, or takes it off. As on Linux, who has listed some one way cannot list others in the other. */
static int change_source(struct inet_socket *u, const u8 ip[16], const u8 source[16], int interface, bool include, bool add)
{
    unsigned at;
    bool last = false;
    if (!ip_is_multicast(ip))
        return -EINVAL;
    if (!interface && include && add)
        return -ENODEV;
    int error = include && add ? join(u, ip, interface, true) : 0;
    if (error && error != -EADDRINUSE)
        return error;
    inet_datagram_lock();
    struct inet_group *g = find(u, ip, interface);
    error = !g || (g->n_sources && g->include != include) ? -EINVAL : 0;
    if (!error) {
        bool listed = lists(g, source, &at);
        g->include = include;
        if (listed == add)
            error = -EADDRNOTAVAIL;
        else if (add && g->n_sources == SOURCES_MAX)
            error = -ENOBUFS;
        else if (add)
            memcpy(g->sources[g->n_sources++], source, 16);
        else
            memmove(g->sources[at], g->sources[--g->n_sources], 16);
        last = !error && !add && include && !g->n_sources;
    }
    inet_datagram_unlock();
    return last ? leave(u, ip, interface) : error;
}

int inet_source_option4(struct inet_socket *u, const void *value, u32 length, bool include, bool add)
{
    struct ip_mreq_source m;
    u8 ip[16], source[16];
    u32 by;
    if (length != sizeof(m))
        return -EINVAL;
    if (copy_from_user(&m, value, sizeof(m)))
        return -EFAULT;
    ip_from_v4(ip, &m.imr_multiaddr);
    ip_from_v4(source, &m.imr_sourceaddr);
    memcpy(&by, &m.imr_interface, sizeof(by));
    return change_source(u, ip, source, interface_of(0, by), include, add);
}

int inet_source_option(struct inet_socket *u, const void *value, u32 length, bool include, bool add)
{
    struct group_source_req r;
    struct socket_address a = {.length = sizeof(struct sockaddr_in6)};
    struct inet_address group, source;
    if (length != sizeof(r))
        return -EINVAL;
    if (copy_from_user(&r, value, sizeof(r)))
        return -EFAULT;
    memcpy(a.bytes, &r.gsr_group, sizeof(a.bytes));
    int error = a.family == u->base.family ? inet_parse(u, &a, true, &group) : -EADDRNOTAVAIL;
    memcpy(a.bytes, &r.gsr_source, sizeof(a.bytes));
    if (!error)
        error = a.family == u->base.family ? inet_parse(u, &a, true, &source) : -EADDRNOTAVAIL;
    return error ? error : change_source(u, group.ip, source.ip, interface_of((int)r.gsr_interface, 0), include, add);
}

int inet_group_option4(struct inet_socket *u, const void *value, u32 length, bool joining)
{
    struct ip_mreqn m = {0};
    u8 ip[16];
    if (length < sizeof(struct ip_mreq))
        return -EINVAL;
    if (copy_from_user(&m, value, MIN(length, (u32)sizeof(m))))
        return -EFAULT;
    ip_from_v4(ip, &m.imr_multiaddr);
    return change(u, ip, interface_of(length >= sizeof(m) ? m.imr_ifindex : 0, m.imr_address.s_addr), joining);
}

int inet_group_option6(struct inet_socket *u, const void *value, u32 length, bool joining)
{
    struct ipv6_mreq m;
    if (length < sizeof(m))
        return -EINVAL;
    if (copy_from_user(&m, value, sizeof(m)))
        return -EFAULT;
    return change(u, (const u8 *)&m.ipv6mr_multiaddr, interface_of(m.ipv6mr_ifindex, 0), joining);
}

int inet_group_option(struct inet_socket *u, const void *value, u32 length, bool joining)
{
    struct group_req r;
    struct socket_address a = {.length = sizeof(struct sockaddr_in6)};
    struct inet_address group;
    if (length < sizeof(r))
        return -EINVAL;
    if (copy_from_user(&r, value, sizeof(r)))
        return -EFAULT;
    memcpy(a.bytes, &r.gr_group, sizeof(a.bytes));
    int error = a.family == u->base.family ? inet_parse(u, &a, true, &group) : -EADDRNOTAVAIL;
    return error ? error : change(u, group.ip, interface_of((int)r.gr_interface, 0), joining);
}

int inet_multicast_interface(struct inet_socket *u, const void *value, u32 length)
{
    struct ip_mreqn m = {0};
    if (length < sizeof(struct in_addr))
        return -EINVAL;
    void *to = length < sizeof(struct ip_mreq) ? (void *)&m.imr_address : (void *)&m;
    if (copy_from_user(to, value, MIN(length, length < sizeof(struct ip_mreq) ? 4u : (u32)sizeof(m))))
        return -EFAULT;
    int index = m.imr_ifindex || m.imr_address.s_addr ? interface_of(m.imr_ifindex, m.imr_address.s_addr) : 0;
    if (!index && (m.imr_ifindex || m.imr_address.s_addr))
        return -EADDRNOTAVAIL;
    u->options.multicast_interface = (u8)index;
    u->options.multicast_address = m.imr_address.s_addr;
    return 0;
}
