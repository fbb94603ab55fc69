/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOL_IP and SOL_IPV6 options (ip(7), ipv6(7)) with the values Linux reports. Those that say how packets leave the machine
 * count for those that do. Of SOL_UDP there is none: a program that asks for UDP_SEGMENT sends single datagrams then.
 */
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/inet.h"
#include "net/sysctl.h"

#define BIT(option) (1ull << ((option) % 64))
/* Boolean options of SOL_IP. */
#define IP_BOOLEANS                                                                                    \
    (BIT(IP_RECVOPTS) | BIT(IP_RETOPTS) | BIT(IP_PKTINFO) | BIT(IP_RECVERR) | BIT(IP_RECVTTL) |         \
     BIT(IP_RECVTOS) | BIT(IP_FREEBIND) | BIT(IP_PASSSEC) | BIT(IP_TRANSPARENT) |                       \
     BIT(IP_RECVORIGDSTADDR) | BIT(IP_NODEFRAG) | BIT(IP_CHECKSUM) | BIT(IP_BIND_ADDRESS_NO_PORT) |     \
     BIT(IP_RECVFRAGSIZE) | BIT(IP_RECVERR_RFC4884) | BIT(IP_MULTICAST_LOOP) | BIT(IP_MULTICAST_ALL) |  \
     BIT(IP_ROUTER_ALERT))
/* Those of SOL_IPV6, numbers below and from 64. */
#define IP6_BOOLEANS_LOW                                                                              \
    (BIT(IPV6_2292PKTINFO) | BIT(IPV6_2292HOPOPTS) | BIT(IPV6_2292DSTOPTS) | BIT(IPV6_2292RTHDR) |     \
     BIT(IPV6_2292HOPLIMIT) | BIT(IPV6_FLOWINFO) | BIT(IPV6_MULTICAST_LOOP) | BIT(IPV6_RECVERR) |      \
     BIT(IPV6_FLOWINFO_SEND) | BIT(IPV6_MULTICAST_ALL) |                                             \
     BIT(IPV6_ROUTER_ALERT_ISOLATE) | BIT(IPV6_RECVERR_RFC4884) | BIT(IPV6_RECVPKTINFO) |              \
     BIT(IPV6_RECVHOPLIMIT) | BIT(IPV6_RECVHOPOPTS) | BIT(IPV6_RECVRTHDR) | BIT(IPV6_RECVDSTOPTS) |    \
     BIT(IPV6_RECVPATHMTU) | BIT(IPV6_DONTFRAG))
#define IP6_BOOLEANS_HIGH                                                                             \
    (BIT(IPV6_RECVTCLASS) | BIT(IPV6_AUTOFLOWLABEL) |                                                 \
     BIT(IPV6_RECVORIGDSTADDR) | BIT(IPV6_TRANSPARENT) | BIT(IPV6_RECVFRAGSIZE) | BIT(IPV6_FREEBIND))

void inet_options_init(struct inet_socket *u)
{
    u->options = (struct inet_options){
        .ip_bits = BIT(IP_MULTICAST_LOOP) | BIT(IP_MULTICAST_ALL),
        .ip6_bits = {BIT(IPV6_MULTICAST_LOOP) | BIT(IPV6_MULTICAST_ALL), BIT(IPV6_AUTOFLOWLABEL)},
        .ttl = -1,
        .hops = -1,
        .traffic_class = -1,
        .multicast_hops = 1,
        .multicast_ttl = 1,
        .mtu_discover = IP_PMTUDISC_WANT,
        .mtu_discover6 = IPV6_PMTUDISC_WANT,
        .keep_idle = READ_ONCE(net_settings.keep_idle),
        .keep_interval = READ_ONCE(net_settings.keep_interval),
        .keep_count = READ_ONCE(net_settings.keep_count),
        .syn_count = READ_ONCE(net_settings.syn_count),
        .linger2 = READ_ONCE(net_settings.fin_timeout),
        .congestion = "cubic",
    };
}

static void set_bit(u64 *bits, int option, bool on)
{
    *bits = on ? *bits | BIT(option) : *bits & ~BIT(option);
}

/* An option of one int, which may also be given as one byte. */
static int read_small(const void *value, u32 length, int *n)
{
    if (length >= sizeof(int))
        return copy_from_user(n, value, sizeof(int));
    u8 byte;
    *n = 0;
    if (!length)
        return 0;
    if (copy_from_user(&byte, value, 1))
        return -EFAULT;
    *n = byte;
    return 0;
}

/* The index is in network order. */
static int set_unicast_interface(struct inet_socket *u, int value, u32 length)
{
    struct interface i;
    u32 index = __builtin_bswap32((u32)value);
    if (length != sizeof(int))
        return -EINVAL;
    if (index && (index > INTERFACES || !interface_get((int)index, &i)))
        return -EADDRNOTAVAIL;
    if (index && u->base.options.bound_interface)
        return -EINVAL;
    u->options.unicast_interface = (u8)index;
    return 0;
}

static int set_source(struct inet_socket *u, int option, const void *value, u32 length)
{
    if (u->base.type == SOCK_STREAM)
        return -EPROTO;
    return inet_source_option(u, value, length, option == MCAST_JOIN_SOURCE_GROUP || option == MCAST_LEAVE_SOURCE_GROUP,
                              option == MCAST_JOIN_SOURCE_GROUP || option == MCAST_BLOCK_SOURCE);
}

static bool connected(const struct inet_socket *u)
{
    return u->base.type == SOCK_STREAM ? u->remote.port != 0 : !ip_is_any(u->remote.ip);
}

static u32 path_mtu(const struct inet_socket *u)
{
    return inet_mtu(u, u->remote.ip, !ip_is_own(u->remote.ip));
}

/* ------------------------------------------------------------ SOL_IP */

static int set_ip(struct inet_socket *u, int option, const void *value, u32 length)
{
    struct inet_options *o = &u->options;
    int n;
    int error = read_small(value, length, &n);
    if (error)
        return error;
    if (option > 0 && option < 64 && IP_BOOLEANS & BIT(option)) {
        if ((option == IP_BIND_ADDRESS_NO_PORT || option == IP_MULTICAST_LOOP) && length == 0)
            return -EINVAL;
        set_bit(&o->ip_bits, option, n != 0);
        if (option == IP_RECVERR && !n)
            inet_errors_drop(u);
        return 0;
    }
    switch (option) {
    case IP_TOS:
        o->tos = (u8)(u->base.type == SOCK_STREAM ? (o->tos & 3) | (n & ~3) : n);
        return 0;
    case IP_TTL:
        if (length < 1 || (n != -1 && (n < 1 || n > 255)))
            return -EINVAL;
        o->ttl = (s16)n;
        return 0;
    case IP_MINTTL:
        if (length < 1 || n < 0 || n > 255)
            return -EINVAL;
        o->min_ttl = (u8)n;
        return 0;
    case IP_MTU_DISCOVER:
        if (n < IP_PMTUDISC_DONT || n > IP_PMTUDISC_OMIT)
            return -EINVAL;
        o->mtu_discover = (u8)n;
        return 0;
    case IP_MULTICAST_TTL:
        if (u->base.type == SOCK_STREAM || length < 1 || n < -1 || n > 255)
            return -EINVAL;
        o->multicast_ttl = n == -1 ? 1 : (u8)n;
        return 0;
    case IP_MULTICAST_IF:
        if (u->base.type == SOCK_STREAM)
            return -EINVAL;
        return inet_multicast_interface(u, value, length);
    case IP_UNICAST_IF:
        return set_unicast_interface(u, n, length);
    case IP_OPTIONS:
        return length ? -EINVAL : 0;
    case IP_ADD_MEMBERSHIP:
    case IP_DROP_MEMBERSHIP:
        if (u->base.type == SOCK_STREAM)
            return -EPROTO;
        return inet_group_option4(u, value, length, option == IP_ADD_MEMBERSHIP);
    case MCAST_JOIN_GROUP:
    case MCAST_LEAVE_GROUP:
        if (u->base.type == SOCK_STREAM)
            return -EPROTO;
        return inet_group_option(u, value, length, option == MCAST_JOIN_GROUP);
    case IP_ADD_SOURCE_MEMBERSHIP:
    case IP_DROP_SOURCE_MEMBERSHIP:
    case IP_BLOCK_SOURCE:
    case IP_UNBLOCK_SOURCE:
        if (u->base.type == SOCK_STREAM)
            return -EPROTO;
        return inet_source_option4(u, value, length, option == IP_ADD_SOURCE_MEMBERSHIP || option == IP_DROP_SOURCE_MEMBERSHIP,
                                   option == IP_ADD_SOURCE_MEMBERSHIP || option == IP_BLOCK_SOURCE);
    case MCAST_JOIN_SOURCE_GROUP:
    case MCAST_LEAVE_SOURCE_GROUP:
    case MCAST_BLOCK_SOURCE:
    case MCAST_UNBLOCK_SOURCE:
        return set_source(u, option, value, length);
    default:
        return -ENOPROTOOPT;
    }
}

/* SOL_IP values of less than an int are cut to one byte, as Linux does. */
static int write_ip_int(void *value, int *length, int n)
{
    int room;
    if (get_user(room, length))
        return -EFAULT;
    if (room < (int)sizeof(int) && room > 0 && n >= 0 && n <= 255) {
        u8 byte = (u8)n;
        return put_user(1, length) || put_user(byte, (u8 *)value) ? -EFAULT : 0;
    }
    return option_write_int(value, length, n);
}

static int get_ip(struct inet_socket *u, int option, void *value, int *length)
{
    const struct inet_options *o = &u->options;
    if (option > 0 && option < 64 && IP_BOOLEANS & BIT(option))
        return write_ip_int(value, length, IP_BIT(u, option) != 0);
    switch (option) {
    case IP_TOS:
        return write_ip_int(value, length, o->tos);
    case IP_TTL:
        return write_ip_int(value, length, o->ttl < 0 ? 64 : o->ttl);
    case IP_MINTTL:
        return write_ip_int(value, length, o->min_ttl);
    case IP_MTU_DISCOVER:
        return write_ip_int(value, length, o->mtu_discover);
    case IP_MULTICAST_TTL:
        return write_ip_int(value, length, o->multicast_ttl);
    case IP_MTU:
        return connected(u) ? write_ip_int(value, length, (int)path_mtu(u)) : -ENOTCONN;
    case IP_MULTICAST_IF:
        return write_ip_int(value, length, (int)o->multicast_address);
    case IP_UNICAST_IF:
        return write_ip_int(value, length, (int)__builtin_bswap32(o->unicast_interface));
    case IP_HDRINCL:
        return write_ip_int(value, length, 0);
    case IP_OPTIONS:
        return option_write(value, length, "", 0);
    default:
        return -ENOPROTOOPT;
    }
}

/* ------------------------------------------------------------ SOL_IPV6 */

static bool ip6_boolean(int option)
{
    return (option > 0 && option < 64 && IP6_BOOLEANS_LOW & BIT(option)) ||
           (option >= 64 && option < 128 && IP6_BOOLEANS_HIGH & BIT(option));
}

static int set_ip6(struct inet_socket *u, int option, const void *value, u32 length)
{
    struct inet_options *o = &u->options;
    int n = 0;
    switch (option) {
    case IPV6_ADD_MEMBERSHIP:
    case IPV6_DROP_MEMBERSHIP:
        if (u->base.type != SOCK_STREAM)
            return inet_group_option6(u, value, length, option == IPV6_ADD_MEMBERSHIP);
        return length < sizeof(struct ipv6_mreq) ? -EINVAL : -EPROTO;
    case MCAST_JOIN_GROUP:
    case MCAST_LEAVE_GROUP:
        if (u->base.type != SOCK_STREAM)
            return inet_group_option(u, value, length, option == MCAST_JOIN_GROUP);
        return length < sizeof(struct group_req) ? -EINVAL : -EPROTO;
    case MCAST_JOIN_SOURCE_GROUP:
    case MCAST_LEAVE_SOURCE_GROUP:
    case MCAST_BLOCK_SOURCE:
    case MCAST_UNBLOCK_SOURCE:
        return set_source(u, option, value, length);
    case IPV6_JOIN_ANYCAST:
        return length < sizeof(struct ipv6_mreq) ? -EINVAL : -ENODEV;
    case IPV6_LEAVE_ANYCAST:
        return length < sizeof(struct ipv6_mreq) ? -EINVAL : -EADDRNOTAVAIL;
    case IPV6_PKTINFO:
        return length && length < sizeof(struct in6_pktinfo) ? -EINVAL : 0;
    }
    if (length >= sizeof(int) && copy_from_user(&n, value, sizeof(int)))
        return -EFAULT;
    if (length < sizeof(int))
        return option == IPV6_MULTICAST_HOPS && u->base.type == SOCK_STREAM ? -ENOPROTOOPT : -EINVAL;
    if (ip6_boolean(option)) {
        if (option == IPV6_MULTICAST_LOOP && (n < 0 || n > 1))
            return -EINVAL;
        set_bit(&o->ip6_bits[option / 64], option, n != 0);
        if (option == IPV6_RECVERR && !n)
            inet_errors_drop(u);
        return 0;
    }
    switch (option) {
    case IPV6_V6ONLY:
        if (u->local.port)
            return -EINVAL;
        u->v6only = n != 0;
        return 0;
    case IPV6_UNICAST_HOPS:
        if (n < -1 || n > 255)
            return -EINVAL;
        o->hops = (s16)n;
        return 0;
    case IPV6_MULTICAST_HOPS:
        if (u->base.type == SOCK_STREAM)
            return -ENOPROTOOPT;
        if (n < -1 || n > 255)
            return -EINVAL;
        o->multicast_hops = n == -1 ? 1 : (s16)n;
        return 0;
    case IPV6_MINHOPCOUNT:
        if (n < 0 || n > 255)
            return -EINVAL;
        o->min_hops = (u8)n;
        return 0;
    case IPV6_TCLASS:
        if (n < -1 || n > 255)
            return -EINVAL;
        o->traffic_class = n == -1 ? 0 : (s16)n;
        return 0;
    case IPV6_MTU_DISCOVER:
        if (n < IPV6_PMTUDISC_DONT || n > IPV6_PMTUDISC_OMIT)
            return -EINVAL;
        o->mtu_discover6 = (u8)n;
        return 0;
    case IPV6_MULTICAST_IF:
        if (u->base.type == SOCK_STREAM)
            return -ENOPROTOOPT;
        if (n < 0 || n > INTERFACES)
            return -ENODEV;
        o->multicast_interface6 = (u8)n;
        return 0;
    case IPV6_UNICAST_IF:
        return set_unicast_interface(u, n, length);
    case IPV6_ADDR_PREFERENCES:
        return 0;
    case IPV6_MTU:
        return n && n < 1280 ? -EINVAL : 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_ip6(struct inet_socket *u, int option, void *value, int *length)
{
    const struct inet_options *o = &u->options;
    if (ip6_boolean(option))
        return option_write_int(value, length, IP6_BIT(u, option) != 0);
    switch (option) {
    case IPV6_V6ONLY:
        return option_write_int(value, length, u->v6only);
    case IPV6_UNICAST_HOPS:
        return option_write_int(value, length, o->hops < 0 ? 64 : o->hops);
    case IPV6_MULTICAST_HOPS:
        return option_write_int(value, length, o->multicast_hops);
    case IPV6_MINHOPCOUNT:
        return option_write_int(value, length, o->min_hops);
    case IPV6_TCLASS:
        return option_write_int(value, length, o->traffic_class < 0 ? 0 : o->traffic_class);
    case IPV6_MTU_DISCOVER:
        return option_write_int(value, length, o->mtu_discover6);
    case IPV6_MTU:
        return connected(u) ? option_write_int(value, length, (int)path_mtu(u)) : -ENOTCONN;
    case IPV6_MULTICAST_IF:
        return option_write_int(value, length, o->multicast_interface6);
    case IPV6_UNICAST_IF:
        return option_write_int(value, length, (int)__builtin_bswap32(o->unicast_interface));
    case IPV6_ADDR_PREFERENCES:
        return option_write_int(value, length, 0);
    default:
        return -ENOPROTOOPT;
    }
}

/* ------------------------------------------------------------ by level */

static bool is_udp_level(const struct socket *s, int level)
{
    return level == SOL_UDP && s->type == SOCK_DGRAM && s->protocol == IPPROTO_UDP;
}

int inet_set_option(struct socket *s, int level, int option, const void *value, u32 length)
{
    struct inet_socket *u = inet_of(s);
    if (level == SOL_IP)
        return set_ip(u, option, value, length);
    if (level == SOL_IPV6 && s->family == AF_INET6)
        return set_ip6(u, option, value, length);
    if (level == SOL_TCP && s->type == SOCK_STREAM)
        return tcp_set_option(u, option, value, length);
    return is_udp_level(s, level) && length < sizeof(int) ? -EINVAL : -ENOPROTOOPT;
}

int inet_get_option(struct socket *s, int level, int option, void *value, int *length)
{
    struct inet_socket *u = inet_of(s);
    if (level == SOL_IP)
        return get_ip(u, option, value, length);
    if (level == SOL_IPV6 && s->family == AF_INET6)
        return get_ip6(u, option, value, length);
    if (level == SOL_TCP && s->type == SOCK_STREAM)
        return tcp_get_option(u, option, value, length);
    return s->family == AF_INET && !is_udp_level(s, level) ? -EOPNOTSUPP : -ENOPROTOOPT;
}
