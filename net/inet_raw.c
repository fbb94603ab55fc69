/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw sockets (raw(7), RFC 3542): packets of one protocol of IP, made and seen by the program. They are in the port table by that
 * protocol, and each gets a copy of what comes, besides whatever the kernel does with it.
 */
#include <linux/capability.h>
#include <linux/icmpv6.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/inet_packet.h"

#define RECEIVERS_MAX   32 /* of one packet */
#define SOL_RAW         255
#define SOL_ICMPV6      58
#define IPV6_HDRINCL    36 /* of Linux alone; not in every system's headers */
#define ICMP6_CHECKSUM  2  /* where in its header */
#define NO_CHECKSUM     (-1)

struct raw_socket {
    struct inet_socket inet;
    u32 filter[8];               /* ICMP_FILTER, ICMPV6_FILTER: a bit for each type that is not wanted */
    int checksum;                /* IPV6_CHECKSUM: where in what is sent, or NO_CHECKSUM */
    bool header_included;        /* IP_HDRINCL, IPV6_HDRINCL */
};

static struct raw_socket *raw_of(struct socket *s)
{
    return container_of(inet_of(s), struct raw_socket, inet);
}

static u8 protocol_of(const struct raw_socket *r)
{
    return (u8)r->inet.base.protocol;
}

/* ------------------------------------------------------------ receiving */

static bool wants(const struct raw_socket *r, const struct ip_packet *p)
{
    const u8 *data = p->data + p->header;
    u32 n = p->length - p->header;
    bool v4 = r->inet.base.family == AF_INET;
    if (!v4 && r->checksum >= 0 && ip_transport_checksum(p->from.ip, p->to.ip, p->protocol, data, n))
        return false;
    if (!n || p->protocol != (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
        return true;
    return (v4 && data[0] >= 32) || !(r->filter[data[0] / 32] >> data[0] % 32 & 1);
}

static void deliver(struct raw_socket *r, const struct ip_packet *p)
{
    u32 skip = p->v4 ? 0 : p->header, n = p->length - skip;
    inet_packet_deliver(&r->inet, p, &p->from, p->data + skip, n);
}

bool inet_raw_input(const struct ip_packet *p)
{
    struct inet_socket *list[RECEIVERS_MAX];
    struct inet_address to = p->to;
    to.port = p->protocol;
    unsigned n = inet_find_all(PORTS_RAW, &to, &p->from, p->interface, list, RECEIVERS_MAX);
    for (unsigned i = 0; i < n; i++) {
        struct raw_socket *r = raw_of(&list[i]->base);
        if (wants(r, p))
            deliver(r, p);
        socket_put(&list[i]->base);
    }
    return n != 0;
}

/* ------------------------------------------------------------ sending */

/* Where m goes, and by which protocol. As inet_route(). */
static int destination(struct raw_socket *r, const struct message *m, struct inet_address *to, u8 source[16], u8 *protocol)
{
    struct inet_socket *u = &r->inet;
    *protocol = protocol_of(r);
    if (!m->name.length) {
        if (ip_is_any(u->remote.ip))
            return -EDESTADDRREQ;
        *to = u->remote;
        return inet_route_message(u, m, to, source);
    }
    int error = inet_parse(u, &m->name, true, to);
    if (error)
        return error;
    if (u->base.family == AF_INET6 && to->port) {
        if (to->port > 255 || (to->port != *protocol && *protocol != IPPROTO_RAW))
            return -EINVAL;
        *protocol = (u8)to->port;
    }
    return inet_route_message(u, m, to, source);
}

/* What the kernel fills in of a header that the program made (raw(7)). */
static int complete_header(u8 *data, u32 n, bool v4, const u8 source[16])
{
    static u16 next_id;
    if (n < (v4 ? IP_HEADER4 : IP_HEADER6))
        return -EINVAL;
    u32 header = (data[0] & 15u) * 4;
    if (!v4)
        return 0;
    if (header > n)
        return -EINVAL;
    if (header < IP_HEADER4)
        return 0;
    if (!(data[12] | data[13] | data[14] | data[15]))
        memcpy(data + 12, source + 12, 4);
    if (!(data[4] | data[5])) {
        u16 id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
        memcpy(data + 4, &id, 2);
    }
    data[2] = (u8)(n >> 8);
    data[3] = (u8)n;
    data[10] = data[11] = 0;
    u16 sum = (u16)~lwip_checksum(data, (int)header);
    memcpy(data + 10, &sum, 2);
    return 0;
}

static int put_checksum(const struct raw_socket *r, const u8 from[16], const u8 to[16], u8 protocol, u8 *data, u32 n)
{
    if (r->inet.base.family == AF_INET || r->checksum < 0)
        return 0;
    if ((u32)r->checksum + 2 > n)
        return -EINVAL;
    u8 *at = data + r->checksum;
    at[0] = at[1] = 0;
    u16 sum = ip_transport_checksum(from, to, protocol, data, n);
    if (!sum)
        sum = 0xffff;
    memcpy(at, &sum, 2);
    return 0;
}

ssize inet_packet_send(struct inet_socket *u, const u8 from[16], const struct inet_address *to, bool outside, const struct message *m,
                       u8 protocol, u8 *data, u32 n)
{
    const struct inet_options *o = &u->options;
    bool v4 = ip_is_v4(to->ip), many = ip_is_multicast(to->ip);
    struct ip_header h = {.protocol = protocol, .whole = o->mtu_discover != IP_PMTUDISC_DONT};
    int hops = v4 ? many ? o->multicast_ttl : o->ttl : many ? o->multicast_hops : o->hops;
    int class = v4 ? o->tos : o->traffic_class;
    h.hops = (u8)(m->hops ? m->hops - 1 : hops < 0 ? 64 : hops);
    h.traffic_class = (u8)(m->traffic_class ? m->traffic_class - 1 : class < 0 ? 0 : class);
    u32 header = v4 ? IP_HEADER4 : IP_HEADER6, mtu = inet_mtu(u, to->ip, outside);
    if (header + n > mtu) {
        int discover = v4 ? o->mtu_discover : o->mtu_discover6;
        if (discover == IP_PMTUDISC_DO || discover == IP_PMTUDISC_PROBE)
            return inet_too_long(u, to, mtu);
        h.whole = false;
    }
    u8 *packet = data - header;
    ip_header_write(packet, from, to->ip, n, &h);
    return inet_packet_out(packet, header + n, outside);
}

int inet_packet_out(u8 *packet, u32 n, bool outside)
{
    if (outside)
        return network_packet_send(packet, n);
    inet_packet_inside(packet, n);
    return 0;
}

static ssize raw_send(struct socket *s, struct message *m)
{
    struct raw_socket *r = raw_of(s);
    struct inet_address to;
    u8 source[16], protocol = 0;
    u32 n = (u32)m->io.left;
    bool v4 = s->family == AF_INET;
    if (m->io.left > PACKET_MAX)
        return -EMSGSIZE;
    if (m->flags & (MSG_OOB | MSG_MORE))
        return -EOPNOTSUPP;
    /* Linux looks at these where it allocates, which is not the same place for all. */
    int error = r->header_included ? socket_take_error(s) : 0;
    if (!error && r->header_included && r->inet.shutdown & SHUT_WRITE)
        error = -EPIPE;
    int outside = error ? error : destination(r, m, &to, source, &protocol);
    if (outside < 0)
        return outside;
    u32 header = r->header_included ? 0 : v4 ? IP_HEADER4 : IP_HEADER6;
    if (r->header_included ? n > (outside ? network_mtu() : LOOPBACK_MTU) : header * v4 + n > PACKET_MAX)
        return inet_too_long(&r->inet, &to, inet_mtu(&r->inet, to.ip, outside));
    /* A kernel that answers does so in place, with a header at least as long. */
    u8 *packet = kmalloc(IP_HEADER6 + n);
    if (!packet)
        return -ENOBUFS;
    u8 *data = packet + header;
    if (n && io_copy_from(&m->io, data, n) != (ssize)n)
        error = -EFAULT;
    else if (r->header_included)
        error = complete_header(data, n, v4, source);
    else
        error = put_checksum(r, source, to.ip, protocol, data, n);
    if (!error)
        error = r->header_included ? inet_packet_out(data, n, outside)
                                   : (int)inet_packet_send(&r->inet, source, &to, outside, m, protocol, data, n);
    kfree(packet);
    return error ? error : (ssize)n;
}

/* ------------------------------------------------------------ options */

/* The whole filter, or the first bytes of it, which ICMP_FILTER is (one word). */
static int set_filter(struct raw_socket *r, const void *value, u32 length)
{
    u32 size = r->inet.base.family == AF_INET ? sizeof(u32) : sizeof(r->filter), filter[8];
    memcpy(filter, r->filter, sizeof(filter));
    if (copy_from_user(filter, value, MIN(length, size)))
        return -EFAULT;
    memcpy(r->filter, filter, sizeof(filter));
    return 0;
}

static int get_filter(struct raw_socket *r, void *value, int *length)
{
    return option_write(value, length, r->filter, r->inet.base.family == AF_INET ? sizeof(u32) : sizeof(r->filter));
}

/* Is this an option of r's ICMP filter? -ENOPROTOOPT: the level has none such, -EOPNOTSUPP: another protocol. */
static int filter_option(const struct raw_socket *r, int option)
{
    int protocol = r->inet.base.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    if (r->inet.base.protocol != protocol)
        return -EOPNOTSUPP;
    return option == 1 ? 0 : -ENOPROTOOPT; /* ICMP_FILTER and ICMPV6_FILTER alike */
}

static bool is_filter_level(const struct socket *s, int level)
{
    return s->family == AF_INET ? level == SOL_RAW : level == SOL_ICMPV6;
}

static int *own_flag(struct raw_socket *r, int level, int option, int *flag)
{
    bool v4 = r->inet.base.family == AF_INET;
    *flag = r->header_included;
    return (v4 ? level == SOL_IP && option == IP_HDRINCL : level == SOL_IPV6 && option == IPV6_HDRINCL) ? flag : NULL;
}

static bool is_checksum(const struct socket *s, int level, int option)
{
    return s->family == AF_INET6 && (level == SOL_RAW || level == SOL_IPV6) && option == IPV6_CHECKSUM;
}

static int raw_set_option(struct socket *s, int level, int option, const void *value, u32 length)
{
    struct raw_socket *r = raw_of(s);
    int n, flag;
    if (is_filter_level(s, level)) {
        int error = filter_option(r, option);
        return error ? error : set_filter(r, value, length);
    }
    bool checksum = is_checksum(s, level, option);
    if (!checksum && !own_flag(r, level, option, &flag))
        return inet_set_option(s, level, option, value, length);
    int error = option_read_int(value, length, &n);
    if (error)
        return error;
    if (!checksum) {
        r->header_included = n != 0;
        return 0;
    }
    if ((s->protocol == IPPROTO_ICMPV6 && level == SOL_IPV6) || (n > 0 && n & 1))
        return -EINVAL;
    r->checksum = n < 0 ? NO_CHECKSUM : n;
    return 0;
}

static int raw_get_option(struct socket *s, int level, int option, void *value, int *length)
{
    struct raw_socket *r = raw_of(s);
    int flag;
    if (is_filter_level(s, level)) {
        int error = filter_option(r, option);
        return error ? error : get_filter(r, value, length);
    }
    if (is_checksum(s, level, option))
        return option_write_int(value, length, r->checksum);
    if (own_flag(r, level, option, &flag))
        return option_write_int(value, length, flag);
    return inet_get_option(s, level, option, value, length);
}

/* ------------------------------------------------------------ creation */

static int raw_bind(struct socket *s, const struct socket_address *a)
{
    struct inet_socket *u = inet_of(s);
    struct inet_address wanted;
    int error = inet_bind_address(u, a, &wanted);
    if (!ip_is_any(u->remote.ip) && (!error || error == -EADDRNOTAVAIL))
        return -EINVAL;
    if (error)
        return error;
    memcpy(u->local.ip, wanted.ip, 16);
    u->address_chosen = !ip_is_any(wanted.ip);
    return 0;
}

static const struct socket_ops raw_ops = {
    INET_DATAGRAM_OPS,
    .bind = raw_bind,
    .send = raw_send,
    .set_option = raw_set_option,
    .get_option = raw_get_option,
};

struct socket *inet_raw_create(int family, int protocol)
{
    if (!protocol)
        return ERR_PTR(-EPROTONOSUPPORT);
    if (!capable(CAP_NET_RAW))
        return ERR_PTR(-EPERM);
    struct raw_socket *r = kzalloc(sizeof(*r));
    if (!r)
        return ERR_PTR(-ENOBUFS);
    struct inet_socket *u = &r->inet;
    inet_init(u, &raw_ops, family, SOCK_RAW, protocol);
    u->v6only = true;
    u->port_chosen = true; /* the protocol stands for it, and stays */
    r->checksum = family == AF_INET6 && protocol == IPPROTO_ICMPV6 ? ICMP6_CHECKSUM : NO_CHECKSUM;
    r->header_included = protocol == IPPROTO_RAW;
    int error = inet_port_bind(u, (u16)protocol);
    if (error) {
        kfree(r);
        return ERR_PTR(error);
    }
    return &u->base;
}
