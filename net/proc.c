/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net: interfaces, routes and neighbours, as proc(5) describes them. Addresses are words of memory in hexadecimal. */
#include <linux/stat.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "fs/proc/proc.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/proc.h"
#include "net/route.h"

#define ROUTE_UP        0x1 /* RTF_* of <linux/route.h> and <linux/ipv6_route.h>, which want the C library's headers */
#define ROUTE_GATEWAY   0x2
#define ROUTE_HOST      0x4
#define ROUTE_REJECT    0x200
#define ROUTE_DEFAULT   0x10000
#define ROUTE_ADDRCONF  0x40000
#define ROUTE_NONEXTHOP 0x200000
#define ROUTE_LOCAL     0x80000000
#define ROUTE_WIDTH     127

static int show_dev(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "Inter-|   Receive                                                |  Transmit\n"
                   " face |bytes    packets errs drop fifo frame compressed multicast|"
                   "bytes    packets errs drop fifo colls carrier compressed\n");
    struct interface i;
    for (int index = 1; index <= INTERFACES; index++) {
        if (interface_get(index, &i))
            text_printf(t, "%6s: %7llu %7llu    0 %4llu    0     0          0 %9llu %8llu %7llu    0 %4llu    0     0       0          0\n",
                        i.name, (unsigned long long)i.rx_bytes, (unsigned long long)i.rx_frames,
                        (unsigned long long)i.rx_dropped, (unsigned long long)i.rx_multicast, (unsigned long long)i.tx_bytes,
                        (unsigned long long)i.tx_frames, (unsigned long long)i.tx_dropped);
    }
    return 0;
}

static u32 word_of(const u8 *bytes)
{
    u32 w;
    memcpy(&w, bytes, 4);
    return w;
}

/* Calls show with each route of one IP version. */
static int each_route(struct text *t, bool v4, void (*show)(struct text *t, const struct route *r, const char *name))
{
    struct route *list = kmalloc(ROUTES_MAX * sizeof(*list));
    if (!list)
        return -ENOMEM;
    unsigned n = MIN(routes_get(list, ROUTES_MAX), (unsigned)ROUTES_MAX);
    for (unsigned k = 0; k < n; k++) {
        struct interface i;
        if (list[k].v4 == v4 && (!list[k].interface || interface_get(list[k].interface, &i)))
            show(t, &list[k], list[k].interface ? i.name : "*");
    }
    kfree(list);
    return 0;
}

static void show_route4(struct text *t, const struct route *r, const char *name)
{
    size_t mark = t->used;
    u32 flags = ROUTE_UP;
    if (r->table != RT_TABLE_MAIN)
        return;
    if (r->via)
        flags |= ROUTE_GATEWAY;
    if (r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT)
        flags |= ROUTE_REJECT;
    if (r->length == 32)
        flags |= ROUTE_HOST;
    text_printf(t, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0", name, word_of(r->to + 12), r->via ? word_of(r->gateway + 12) : 0,
                flags, r->metric, r->length ? __builtin_bswap32(UINT32_MAX << (32 - r->length)) : 0);
    text_pad(t, mark, ROUTE_WIDTH);
    text_printf(t, "\n");
}

static int show_route(struct text *t, const struct generated_ref *r)
{
    size_t mark = t->used;
    text_printf(t, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    text_pad(t, mark, ROUTE_WIDTH);
    text_printf(t, "\n");
    return each_route(t, true, show_route4);
}

static void show_ip(struct text *t, const u8 *ip, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        text_printf(t, "%02x", ip[i]);
}

static void show_route6(struct text *t, const struct route *r, const char *name)
{
    static const u8 none[16];
    u32 flags = ROUTE_UP;
    if (r->via)
        flags |= r->protocol == RTPROT_RA ? ROUTE_GATEWAY | ROUTE_DEFAULT | ROUTE_ADDRCONF : ROUTE_GATEWAY;
    if (r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT || r->type == RTN_BLACKHOLE || r->type == RTN_THROW)
        flags |= ROUTE_REJECT | ROUTE_NONEXTHOP;
    if (r->type == RTN_LOCAL)
        flags |= ROUTE_LOCAL | ROUTE_NONEXTHOP;
    show_ip(t, r->to, 16);
    text_printf(t, " %02x ", r->length);
    show_ip(t, none, 16);
    text_printf(t, " 00 ");
    show_ip(t, r->via ? r->gateway : none, 16);
    text_printf(t, " %08x %08x %08x %08x %8s\n", r->metric, 1, 0, flags, name);
}

static int show_ipv6_route(struct text *t, const struct generated_ref *r)
{
    return each_route(t, false, show_route6);
}

static int show_rt_cache(struct text *t, const struct generated_ref *r)
{
    size_t mark = t->used;
    text_printf(t, "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst");
    text_pad(t, mark, ROUTE_WIDTH);
    text_printf(t, "\n");
    return 0;
}

static int show_arp(struct text *t, const struct generated_ref *r)
{
    unsigned max = network_neighbours(NULL, 0) + 8;
    struct network_neighbour *list = kmalloc(max * sizeof(*list));
    if (!list)
        return -ENOMEM;
    unsigned n = MIN(network_neighbours(list, max), max);
    text_printf(t, "IP address       HW type     Flags       HW address            Mask     Device\n");
    for (unsigned k = 0; k < n; k++) {
        size_t mark = t->used;
        const u8 *ip = list[k].ip + 12, *m = list[k].mac;
        if (!ip_is_v4(list[k].ip))
            continue;
        text_printf(t, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
        text_pad(t, mark, 16);
        text_printf(t, " 0x1         0x2         %02x:%02x:%02x:%02x:%02x:%02x     *        eth0\n", m[0], m[1], m[2], m[3], m[4], m[5]);
    }
    kfree(list);
    return 0;
}

static int show_if_inet6(struct text *t, const struct generated_ref *r)
{
    struct interface i;
    for (int index = 1; index <= INTERFACES; index++) {
        if (!interface_get(index, &i))
            continue;
        for (unsigned k = 0; k < i.n_addresses; k++) {
            const struct interface_address *a = &i.addresses[k];
            if (ip_is_v4(a->ip))
                continue;
            bool link = a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
            show_ip(t, a->ip, 16);
            /* Scope and flags as the kernel of Linux numbers them: host 10, link 20; permanent 80, tentative 40. */
            text_printf(t, " %02x %02x %02x %02x %8s\n", (unsigned)i.index, a->prefix,
                        index == LOOPBACK_INDEX ? 0x10u : link ? 0x20u : 0u,
                        (a->permanent ? 0x80u : 0u) | (a->tentative ? 0x40u : 0u), i.name);
        }
    }
    return 0;
}

#define FILE(file, function) {.name = file, .mode = S_IFREG | 0444, .show = function}
#define SOCKETS(file, kind)  {.name = file, .mode = S_IFREG | 0444, .show = proc_net_inet, .data = &(const u8){kind}}
#define TEXT(file, string)   {.name = file, .mode = S_IFREG | 0444, .show = generated_show_string, .data = string}

const struct generated_node proc_net_files[] = {
    FILE("arp", show_arp),
    FILE("dev", show_dev),
    FILE("dev_mcast", proc_net_dev_mcast),
    FILE("fib_trie", proc_net_fib_trie),
    SOCKETS("icmp", SOCKETS_PING),
    SOCKETS("icmp6", SOCKETS_PING6),
    FILE("if_inet6", show_if_inet6),
    FILE("igmp", proc_net_igmp),
    FILE("igmp6", proc_net_igmp6),
    FILE("ipv6_route", show_ipv6_route),
    FILE("netlink", proc_net_netlink),
    FILE("netstat", proc_net_netstat),
    FILE("packet", proc_net_packet),
    FILE("protocols", proc_net_protocols),
    TEXT("psched", "000003e8 00000040 000f4240 3b9aca00"),
    TEXT("ptype", "Type Device      Function\n0800          ip_rcv\n0806          arp_rcv\n86dd          ipv6_rcv"),
    SOCKETS("raw", SOCKETS_RAW),
    SOCKETS("raw6", SOCKETS_RAW6),
    FILE("route", show_route),
    FILE("rt_cache", show_rt_cache),
    FILE("snmp", proc_net_snmp),
    FILE("snmp6", proc_net_snmp6),
    FILE("sockstat", proc_net_sockstat),
    FILE("sockstat6", proc_net_sockstat6),
    FILE("softnet_stat", proc_net_softnet),
    SOCKETS("tcp", SOCKETS_TCP),
    SOCKETS("tcp6", SOCKETS_TCP6),
    SOCKETS("udp", SOCKETS_UDP),
    SOCKETS("udp6", SOCKETS_UDP6),
    FILE("unix", proc_net_unix),
    {0},
};
