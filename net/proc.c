/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net: interfaces, routes and sockets, as proc(5) describes them. Addresses are words of memory in hexadecimal. */
#include <linux/stat.h>
#include "fs/generated.h"
#include "fs/proc/proc.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/inet.h"

#define ROUTE_UP      1
#define ROUTE_GATEWAY 2

/* ------------------------------------------------------------ interfaces and routes */

static int show_dev(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "Inter-|   Receive                                                |  Transmit\n"
                   " face |bytes    packets errs drop fifo frame compressed multicast|"
                   "bytes    packets errs drop fifo colls carrier compressed\n");
    struct interface i;
    for (int index = 1; index <= INTERFACES; index++) {
        if (interface_get(index, &i))
            text_printf(t, "%6s: %7llu %7llu    0 %4llu    0     0          0         0 %8llu %7llu    0 %4llu    0     0       0          0\n",
                        i.name, (unsigned long long)i.rx_bytes, (unsigned long long)i.rx_frames,
                        (unsigned long long)i.rx_dropped, (unsigned long long)i.tx_bytes,
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

static void show_route_line(struct text *t, const char *name, u32 to, u32 gateway, u32 mask)
{
    size_t mark = t->used;
    text_printf(t, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0", name, to, gateway,
                gateway ? ROUTE_UP | ROUTE_GATEWAY : ROUTE_UP, mask);
    text_pad(t, mark, 127);
    text_printf(t, "\n");
}

static int show_route(struct text *t, const struct generated_ref *r)
{
    size_t mark = t->used;
    text_printf(t, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    text_pad(t, mark, 127);
    text_printf(t, "\n");
    struct interface i;
    if (!interface_get(OUTSIDE_INDEX, &i) || !i.n_addresses || !ip_is_v4(i.addresses[0].ip))
        return 0;
    u32 address = word_of(i.addresses[0].ip + 12), gateway = word_of(i.gateway + 12);
    u32 mask = i.addresses[0].prefix ? __builtin_bswap32(UINT32_MAX << (32 - i.addresses[0].prefix)) : 0;
    if (gateway)
        show_route_line(t, i.name, 0, gateway, 0);
    show_route_line(t, i.name, address & mask, 0, mask);
    return 0;
}

static void show_ip(struct text *t, const u8 *ip, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        text_printf(t, "%02x", ip[i]);
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

/* ------------------------------------------------------------ sockets */

static void show_end(struct text *t, const struct inet_address *a, bool v6)
{
    for (int i = v6 ? 0 : 12; i < 16; i += 4)
        text_printf(t, "%08X", word_of(a->ip + i));
    text_printf(t, ":%04X ", a->port);
}

static void show_socket(struct text *t, unsigned n, struct inet_socket *u, bool v6)
{
    struct socket *s = &u->base;
    bool datagram = s->type == SOCK_DGRAM;
    int state = !datagram ? tcp_state_of(u) : u->remote.port ? TCP_ESTABLISHED : TCP_CLOSE;
    u64 sent = s->ops->unsent_bytes(s), unread = s->listening ? s->accept_count : s->ops->readable_bytes(s);
    if ((s64)sent < 0)
        sent = 0;
    size_t mark = t->used;
    text_printf(t, datagram ? "%5u: " : "%4u: ", n);
    show_end(t, &u->local, v6);
    show_end(t, &u->remote, v6);
    text_printf(t, "%02X %08X:%08X 00:00000000 00000000     0        0 %llu %s", (unsigned)state, (u32)sent, (u32)unread,
                (unsigned long long)s->ino, datagram ? "2 0000000000000000 0" : "1 0000000000000000 100 0 0 10 0");
    if (!v6)
        text_pad(t, mark, datagram ? 127 : 149);
    text_printf(t, "\n");
}

static int show_sockets(struct text *t, bool datagram, bool v6)
{
    size_t mark = t->used;
    const char *ends = v6 ? "local_address                         remote_address                        "
                          : "local_address rem_address   ";
    text_printf(t, "%s  sl  %sst tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s", datagram && !v6 ? " " : "", ends,
                datagram ? " ref pointer drops" : "");
    if (!v6)
        text_pad(t, mark, datagram ? 127 : 149);
    text_printf(t, "\n");
    unsigned max = inet_snapshot(datagram, NULL, 0), n = 0;
    struct inet_socket **list = kmalloc((max + 1) * sizeof(*list));
    if (!list)
        return -ENOMEM;
    unsigned found = MIN(inet_snapshot(datagram, list, max), max);
    for (unsigned i = 0; i < found; i++) {
        if ((list[i]->base.family == AF_INET6) == v6)
            show_socket(t, n++, list[i], v6);
        socket_put(&list[i]->base);
    }
    kfree(list);
    return 0;
}

static int show_tcp(struct text *t, const struct generated_ref *r)
{
    return show_sockets(t, false, false);
}

static int show_tcp6(struct text *t, const struct generated_ref *r)
{
    return show_sockets(t, false, true);
}

static int show_udp(struct text *t, const struct generated_ref *r)
{
    return show_sockets(t, true, false);
}

static int show_udp6(struct text *t, const struct generated_ref *r)
{
    return show_sockets(t, true, true);
}

#define FILE(file, function) {.name = file, .mode = S_IFREG | 0444, .show = function}

const struct generated_node proc_net_files[] = {
    FILE("dev", show_dev),   FILE("if_inet6", show_if_inet6), FILE("route", show_route), FILE("tcp", show_tcp),
    FILE("tcp6", show_tcp6), FILE("udp", show_udp),           FILE("udp6", show_udp6),   {0},
};
