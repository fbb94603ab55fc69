/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 and IPv6 addresses: parsing, showing, routing inside the VM; creation and binding of sockets of both families. */
#include <linux/capability.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/inet_packet.h"
#include "net/stream.h"
#include "net/sysctl.h"

#define SIN6_LENGTH_MIN  24 /* RFC 2133: without the scope */

static const u8 v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const u8 any_ip[16];
static const u8 loopback6[16] = {[15] = 1};

bool ip_is_v4(const u8 ip[16])
{
    return !memcmp(ip, v4_prefix, sizeof(v4_prefix));
}

static u32 v4_part(const u8 ip[16]) /* host order */
{
    return (u32)ip[12] << 24 | (u32)ip[13] << 16 | (u32)ip[14] << 8 | ip[15];
}

bool ip_is_any(const u8 ip[16])
{
    return ip_is_v4(ip) ? v4_part(ip) == 0 : !memcmp(ip, any_ip, 16);
}

bool ip_is_loopback(const u8 ip[16])
{
    return ip_is_v4(ip) ? ip[12] == 127 : !memcmp(ip, loopback6, 16);
}

void ip_from_v4(u8 ip[16], const void *network_order)
{
    memcpy(ip, v4_prefix, sizeof(v4_prefix));
    memcpy(ip + 12, network_order, 4);
}

bool ip_equal(const u8 a[16], const u8 b[16])
{
    return !memcmp(a, b, 16);
}

bool bits_equal(const void *a, const void *b, unsigned n)
{
    const u8 *x = a, *y = b;
    return !memcmp(x, y, n / 8) && (n % 8 == 0 || !((x[n / 8] ^ y[n / 8]) >> (8 - n % 8)));
}

static void set_v4(u8 ip[16], u32 network_order)
{
    ip_from_v4(ip, &network_order);
}

static u16 swap16(u16 n)
{
    return (u16)(n << 8 | n >> 8);
}

/* ------------------------------------------------------------ the program's form */

static int parse_v4(const struct inet_socket *u, const struct socket_address *a, struct inet_address *out)
{
    const struct sockaddr_in *in = (const void *)a->bytes;
    if (a->length < (int)sizeof(*in))
        return -EINVAL;
    set_v4(out->ip, in->sin_addr.s_addr);
    out->port = swap16(in->sin_port);
    return 0;
}

static int parse_v6(const struct inet_socket *u, const struct socket_address *a, struct inet_address *out)
{
    const struct sockaddr_in6 *in = (const void *)a->bytes;
    if (a->length < SIN6_LENGTH_MIN)
        return -EINVAL;
    memcpy(out->ip, &in->sin6_addr, 16);
    out->port = swap16(in->sin6_port);
    return 0;
}

int inet_parse(const struct inet_socket *u, const struct socket_address *a, bool destination, struct inet_address *out)
{
    if (a->length < 2)
        return -EINVAL;
    if (u->base.family == AF_INET) {
        int error = parse_v4(u, a, out);
        if (error || a->family == AF_INET)
            return error;
        /* bind(2) of old programs: no family and no address. */
        bool unspecified = a->family == AF_UNSPEC && (destination || ip_is_any(out->ip));
        return unspecified ? 0 : -EAFNOSUPPORT;
    }
    if (destination && a->family == AF_INET && u->base.type == SOCK_DGRAM) {
        int error = parse_v4(u, a, out);
        return u->v6only ? -ENETUNREACH : error;
    }
    if (a->length < SIN6_LENGTH_MIN)
        return -EINVAL;
    if (a->family != AF_INET6)
        return -EAFNOSUPPORT;
    int error = parse_v6(u, a, out);
    if (!error && u->v6only && ip_is_v4(out->ip))
        error = destination ? -ENETUNREACH : -EINVAL;
    return error;
}

void inet_format(const struct inet_socket *u, const struct inet_address *in, struct socket_address *a)
{
    if (u->base.family == AF_INET) {
        struct sockaddr_in *out = (void *)a->bytes;
        memset(out, 0, sizeof(*out));
        out->sin_family = AF_INET;
        out->sin_port = swap16(in->port);
        memcpy(&out->sin_addr, in->ip + 12, 4);
        a->length = sizeof(*out);
    } else {
        struct sockaddr_in6 *out = (void *)a->bytes;
        memset(out, 0, sizeof(*out));
        out->sin6_family = AF_INET6;
        out->sin6_port = swap16(in->port);
        memcpy(&out->sin6_addr, in->ip, 16);
        if (in->ip[0] == 0xfe && (in->ip[1] & 0xc0) == 0x80) /* an address of the link: there is one that has such */
            out->sin6_scope_id = OUTSIDE_INDEX;
        a->length = sizeof(*out);
    }
}

bool ip_is_own(const u8 ip[16])
{
    return ip_is_loopback(ip) || network_is_own(ip);
}

bool ip_is_multicast(const u8 ip[16])
{
    return ip_is_v4(ip) ? (ip[12] & 0xf0) == 0xe0 : ip[0] == 0xff;
}

/* As inet_route(), from address `from` (unspecified: any) and by an interface (0: any). */
static int route(const struct inet_socket *u, struct inet_address *to, const u8 from[16], int interface, u8 source[16])
{
    bool v4_only = ip_is_v4(from);
    if (ip_is_any(to->ip)) {
        if (v4_only && ip_is_v4(to->ip) && !ip_is_any(from))
            memcpy(to->ip, from, 16);
        else if (ip_is_v4(to->ip) || v4_only)
            set_v4(to->ip, LOOPBACK_IPV4);
        else
            memcpy(to->ip, loopback6, 16);
    } else if (v4_only && !ip_is_v4(to->ip)) {
        return -EAFNOSUPPORT;
    }
    if (ip_is_loopback(to->ip)) {
        if (!ip_is_any(from))
            memcpy(source, from, 16);
        else if (ip_is_v4(to->ip))
            set_v4(source, LOOPBACK_IPV4);
        else
            memcpy(source, loopback6, 16);
        return 0;
    }
    if (network_is_own(to->ip)) {
        memcpy(source, ip_is_any(from) ? to->ip : from, 16);
        return 0;
    }
    bool datagram = u->base.type != SOCK_STREAM;
    if (ip_is_v4(to->ip) && datagram && !OPTION_SET(&u->base, SO_BROADCAST) && network_is_broadcast(to->ip))
        return -EACCES;
    if (!datagram && (ip_is_multicast(to->ip) || network_is_broadcast(to->ip)))
        return -ENETUNREACH;
    if (datagram && ip_is_v4(to->ip) && ip_is_multicast(to->ip) && u->options.multicast_interface == LOOPBACK_INDEX) {
        set_v4(source, LOOPBACK_IPV4);
        if (!ip_is_any(from))
            memcpy(source, from, 16);
        return 1;
    }
    if (ip_is_loopback(from))
        return -EINVAL; /* from lo to the outside: Linux says so, too */
    if (interface == LOOPBACK_INDEX)
        return -ENETUNREACH;
    int error = network_source(to->ip, source);
    if (error)
        return error;
    if (!ip_is_any(from))
        memcpy(source, from, 16);
    return 1;
}

int inet_route(const struct inet_socket *u, struct inet_address *to, u8 source[16])
{
    int bound = u->base.options.bound_interface;
    return route(u, to, u->local.ip, bound ? bound : u->options.unicast_interface, source);
}

int inet_route_message(const struct inet_socket *u, const struct message *m, struct inet_address *to, u8 source[16])
{
    struct interface i;
    int bound = u->base.options.bound_interface, interface = m->interface ? m->interface : bound;
    if (!m->interface && !m->has_source)
        return inet_route(u, to, source);
    if (m->interface && !interface_get(m->interface, &i))
        return -ENODEV;
    if (bound && bound != interface)
        return -EINVAL;
    if (m->has_source && ip_is_v4(m->source) != ip_is_v4(to->ip))
        return -EINVAL;
    if (m->has_source && !ip_is_own(m->source) && !IP_BIT(u, IP_TRANSPARENT))
        return -EINVAL;
    return route(u, to, m->has_source ? m->source : u->local.ip, interface, source);
}

/* ------------------------------------------------------------ creation, names, binding */

void inet_init(struct inet_socket *u, const struct socket_ops *ops, int family, int type, int protocol)
{
    socket_init(&u->base, ops, family, type, protocol);
    mutex_init(&u->change, LOCK_FS);
    list_init(&u->port_link);
    list_init(&u->pending);
    list_init(&u->pending_link);
    list_init(&u->groups);
    datagram_queue_init(&u->queue);
    u->state = TCP_CLOSE;
    if (family == AF_INET)
        set_v4(u->local.ip, 0);
    u->v6only = READ_ONCE(net_settings.v6only);
    inet_options_init(u);
}

struct inet_socket *inet_allocate(int family, int type)
{
    struct inet_socket *u = kzalloc(sizeof(*u));
    if (!u)
        return NULL;
    bool tcp = type == SOCK_STREAM;
    inet_init(u, tcp ? &tcp_ops : &udp_ops, family, type, tcp ? IPPROTO_TCP : IPPROTO_UDP);
    if (tcp) {
        u->base.options.send_buffer = READ_ONCE(net_settings.tcp_send_default);
        u->base.options.receive_buffer = READ_ONCE(net_settings.tcp_receive_default);
    }
    return u;
}

struct socket *inet_create(int family, int type, int protocol)
{
    if (protocol < 0 || protocol >= 263)
        return ERR_PTR(-EINVAL);
    if (type == SOCK_RAW)
        return inet_raw_create(family, protocol);
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return ERR_PTR(-ESOCKTNOSUPPORT);
    if (type == SOCK_DGRAM && protocol == (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
        return inet_ping_create(family, protocol);
    if (protocol && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return ERR_PTR(-EPROTONOSUPPORT);
    struct inet_socket *u = inet_allocate(family, type);
    return u ? &u->base : ERR_PTR(-ENOMEM);
}

void inet_destroy(struct socket *s)
{
    stream_release(s);
    inet_errors_drop(inet_of(s));
    kfree(inet_of(s)->errors);
    kfree(inet_of(s)->deferrals);
    kfree(inet_of(s));
}

int inet_name(struct socket *s, struct socket_address *a, enum socket_name whose)
{
    struct inet_socket *u = inet_of(s);
    if (whose == NAME_OWN) {
        inet_format(u, &u->local, a);
        return 0;
    }
    if (!u->remote.port)
        return -ENOTCONN;
    if (s->type == SOCK_STREAM && whose == NAME_PEER) {
        int state = tcp_state_of(u);
        if (state == TCP_CLOSE || state == TCP_SYN_SENT)
            return -ENOTCONN;
    }
    inet_format(u, &u->remote, a);
    return 0;
}

/* May u be bound to ip? The VM's own addresses, or any with IP_FREEBIND. */
static bool bindable(const struct inet_socket *u, const u8 ip[16])
{
    if (ip_is_any(ip) || ip_is_own(ip))
        return true;
    if (u->base.type != SOCK_STREAM && (ip_is_multicast(ip) || network_is_broadcast(ip)))
        return true;
    return READ_ONCE(net_settings.nonlocal_bind) || IP_BIT(u, IP_FREEBIND) || IP_BIT(u, IP_TRANSPARENT);
}

int inet_bind_address(const struct inet_socket *u, const struct socket_address *a, struct inet_address *wanted)
{
    int error = inet_parse(u, a, false, wanted);
    return error ? error : bindable(u, wanted->ip) ? 0 : -EADDRNOTAVAIL;
}

int inet_bind_to(struct inet_socket *u, const struct inet_address *wanted)
{
    u8 before[16];
    memcpy(before, u->local.ip, 16);
    memcpy(u->local.ip, wanted->ip, 16);
    int error = inet_port_bind(u, wanted->port);
    if (error) {
        memcpy(u->local.ip, before, 16);
        return error;
    }
    u->address_chosen = !ip_is_any(wanted->ip);
    u->port_chosen = wanted->port != 0;
    return 0;
}

int inet_bind(struct socket *s, const struct socket_address *a)
{
    struct inet_socket *u = inet_of(s);
    struct inet_address wanted;
    int error = inet_bind_address(u, a, &wanted);
    if (error)
        return error;
    if (wanted.port && wanted.port < READ_ONCE(net_settings.port_unprivileged) && !capable(CAP_NET_BIND_SERVICE))
        return -EACCES;
    mutex_lock(&u->change);
    error = u->local.port || u->state != TCP_CLOSE || s->stream ? -EINVAL : inet_bind_to(u, &wanted);
    if (!error && !ip_is_v4(wanted.ip) && !ip_is_any(wanted.ip))
        u->v6only = true; /* which IPV6_V6ONLY tells */
    mutex_unlock(&u->change);
    return error;
}
