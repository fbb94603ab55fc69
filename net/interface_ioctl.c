/* SPDX-License-Identifier: BSD-2-Clause */
/* The ioctls of netdevice(7), arp(7) and the old ones of routes, on any socket. */
#include <linux/capability.h>
#include <linux/in.h>
#include <linux/sockios.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/inet.h"

/* struct ifreq of netdevice(7). <linux/if.h> and <linux/if_arp.h> would bring the C library's headers in. */
struct interface_request {
    char name[16];
    union {
        struct sockaddr_in address;
        struct {
            u16 family;
            u8 bytes[14];
        } hardware;
        s16 flags;
        int number;
        u8 bytes[24];
    };
};

static void set_address(struct interface_request *r, u32 address)
{
    memset(&r->address, 0, sizeof(r->address));
    r->address.sin_family = AF_INET;
    r->address.sin_addr.s_addr = address;
}

/* The IPv4 address, in network order, and its mask. False: there is none. */
static bool address_v4(const struct interface *i, u32 *address, u32 *mask)
{
    if (!i->n_addresses || !ip_is_v4(i->addresses[0].ip))
        return false;
    unsigned prefix = i->addresses[0].prefix;
    memcpy(address, i->addresses[0].ip + 12, 4);
    *mask = prefix ? __builtin_bswap32(UINT32_MAX << (32 - prefix)) : 0;
    return true;
}

static long list_interfaces(unsigned long arg)
{
    struct {
        int length, pad;
        struct interface_request *requests;
    } conf;
    if (copy_from_user(&conf, (void *)arg, sizeof(conf)))
        return -EFAULT;
    int room = conf.requests ? conf.length : INT32_MAX, used = 0;
    for (int index = 1; index <= INTERFACES; index++) {
        struct interface i;
        struct interface_request r;
        u32 address, mask;
        if (!interface_get(index, &i) || !address_v4(&i, &address, &mask) || room - used < (int)sizeof(r))
            continue;
        memset(&r, 0, sizeof(r));
        memcpy(r.name, i.name, sizeof(r.name));
        set_address(&r, address);
        if (conf.requests && copy_to_user((u8 *)conf.requests + used, &r, sizeof(r)))
            return -EFAULT;
        used += (int)sizeof(r);
    }
    conf.length = used;
    return copy_to_user((void *)arg, &conf, sizeof(conf));
}

static bool serves(unsigned cmd)
{
    switch (cmd) {
    case SIOCGIFFLAGS:
    case SIOCGIFADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFBRDADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFINDEX:
    case SIOCGIFMTU:
    case SIOCGIFMETRIC:
    case SIOCGIFTXQLEN:
    case SIOCGIFHWADDR:
    case SIOCGIFNAME:
    case SIOCETHTOOL:
    case SIOCGIFMAP:
    case SIOCSIFFLAGS:
    case SIOCSIFMTU:
    case SIOCSIFADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFHWADDR:
    case SIOCSIFTXQLEN:
        return true;
    default:
        return false;
    }
}

static long answer(unsigned cmd, const struct interface *i, struct interface_request *r)
{
    u32 address, mask;
    bool v4 = address_v4(i, &address, &mask), broadcast = i->flags & INTERFACE_BROADCAST;
    switch (cmd) {
    case SIOCGIFFLAGS:
        r->flags = (s16)i->flags;
        return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
        set_address(r, address);
        return v4 ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFNETMASK:
        set_address(r, mask);
        return v4 ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFBRDADDR:
        set_address(r, broadcast ? address | ~mask : 0);
        return v4 ? 0 : -EADDRNOTAVAIL;
    case SIOCETHTOOL: /* nothing that a driver would answer */
        return -EOPNOTSUPP;
    case SIOCGIFINDEX:
        r->number = i->index;
        return 0;
    case SIOCGIFMTU:
        r->number = (int)i->mtu;
        return 0;
    case SIOCGIFMETRIC:
        r->number = 0;
        return 0;
    case SIOCGIFTXQLEN:
        r->number = 1000;
        return 0;
    case SIOCGIFMAP:
        memset(r->bytes, 0, sizeof(r->bytes)); /* no memory, port or line of the device's is known */
        return 0;
    default: /* SIOCGIFHWADDR */
        memset(&r->hardware, 0, sizeof(r->hardware));
        r->hardware.family = i->type;
        memcpy(r->hardware.bytes, i->mac, sizeof(i->mac));
        return 0;
    }
}

/* ------------------------------------------------------------ changes */

static int prefix_of_class(u8 first)
{
    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/* The IPv4 address, or its mask, becomes another: what hung on the old one goes, as on Linux. */
static long replace_address(const struct interface *i, const struct interface_request *r, bool is_mask)
{
    u8 ip[16] = {[10] = 0xff, [11] = 0xff};
    u32 old, mask, given = r->address.sin_addr.s_addr, rest = ~__builtin_bswap32(given);
    bool has = address_v4(i, &old, &mask);
    if (r->address.sin_family != AF_INET)
        return -EINVAL;
    if (is_mask && !has)
        return -EADDRNOTAVAIL;
    if (is_mask && rest & (rest + 1))
        return -EINVAL;
    if (i->index != OUTSIDE_INDEX)
        return -EOPNOTSUPP;
    memcpy(ip + 12, is_mask ? &old : &given, 4);
    int error = has ? interface_set_address(i, i->addresses[0].ip, i->addresses[0].prefix, false) : 0;
    if (error || (!is_mask && !given))
        return error;
    return interface_set_address(i, ip, (u8)(is_mask ? __builtin_popcount(given) : prefix_of_class(ip[12])), true);
}

/* -ENOTTY: cmd changes nothing. */
static long change(unsigned cmd, const struct interface *i, const struct interface_request *r)
{
    const u32 kept = ~(u32)UINT16_MAX | INTERFACE_RUNNING;
    if (cmd != SIOCSIFFLAGS && cmd != SIOCSIFMTU && cmd != SIOCSIFADDR && cmd != SIOCSIFNETMASK && cmd != SIOCSIFHWADDR &&
        cmd != SIOCSIFTXQLEN)
        return -ENOTTY;
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    if (cmd == SIOCSIFFLAGS)
        return interface_change(i, ((u16)r->flags & ~kept) | (i->flags & kept), i->mtu);
    if (cmd == SIOCSIFMTU)
        return r->number < 0 ? -EINVAL : interface_change(i, i->flags, (u32)r->number);
    if (cmd == SIOCSIFADDR || cmd == SIOCSIFNETMASK)
        return replace_address(i, r, cmd == SIOCSIFNETMASK);
    return cmd == SIOCSIFTXQLEN && r->number == 1000 ? 0 : -EOPNOTSUPP;
}

/* struct rtentry of <linux/route.h>, and struct arpreq of <linux/if_arp.h>. */
struct route_request {
    u64 pad;
    struct sockaddr_in to, gateway, mask;
    u16 flags;
    u8 rest[62];
};
#define ROUTE_GATEWAY 2

struct neighbour_request {
    struct sockaddr_in protocol;
    u16 family;
    u8 address[14];
    int flags;
    u8 mask[16];
    char device[16];
};
#define NEIGHBOUR_KNOWN 2

static long change_route(unsigned cmd, unsigned long arg)
{
    struct route_request r;
    struct interface i;
    u8 gateway[16] = {[10] = 0xff, [11] = 0xff};
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    if (copy_from_user(&r, (void *)arg, sizeof(r)))
        return -EFAULT;
    if (r.to.sin_family != AF_INET)
        return -EAFNOSUPPORT;
    bool adds = cmd == SIOCADDRT, via = r.flags & ROUTE_GATEWAY;
    if (r.to.sin_addr.s_addr || r.mask.sin_addr.s_addr || (adds && !via))
        return -EOPNOTSUPP; /* the default route by a gateway is what can be changed */
    if (!interface_get(OUTSIDE_INDEX, &i))
        return -ENETUNREACH;
    memcpy(gateway + 12, &r.gateway.sin_addr, 4);
    return interface_set_gateway(&i, via ? gateway : NULL, adds, false);
}

static long find_neighbour(unsigned long arg)
{
    struct neighbour_request r;
    u8 ip[16] = {[10] = 0xff, [11] = 0xff};
    if (copy_from_user(&r, (void *)arg, sizeof(r)))
        return -EFAULT;
    if (r.protocol.sin_family != AF_INET)
        return -EPFNOSUPPORT;
    memcpy(ip + 12, &r.protocol.sin_addr, 4);
    unsigned max = network_neighbours(NULL, 0) + 8;
    struct network_neighbour *list = kmalloc(max * sizeof(*list));
    if (!list)
        return -ENOMEM;
    long error = -ENXIO;
    unsigned n = MIN(network_neighbours(list, max), max);
    for (unsigned k = 0; k < n; k++) {
        if (!ip_equal(list[k].ip, ip))
            continue;
        r.flags = NEIGHBOUR_KNOWN;
        r.family = ARPHRD_ETHER;
        memset(r.address, 0, sizeof(r.address));
        memcpy(r.address, list[k].mac, 6);
        strlcpy(r.device, "eth0", sizeof(r.device));
        error = copy_to_user((void *)arg, &r, sizeof(r));
    }
    kfree(list);
    return error;
}

long interface_ioctl(unsigned cmd, unsigned long arg)
{
    struct interface_request r;
    struct interface i;
    if (cmd == SIOCGIFCONF)
        return list_interfaces(arg);
    if (cmd == SIOCADDRT || cmd == SIOCDELRT)
        return change_route(cmd, arg);
    if (cmd == SIOCGARP)
        return find_neighbour(arg);
    if (!serves(cmd))
        return -ENOTTY;
    if (copy_from_user(&r, (void *)arg, sizeof(r)))
        return -EFAULT;
    if (cmd == SIOCGIFNAME) {
        if (!interface_get(r.number, &i))
            return -ENODEV;
        memset(r.name, 0, sizeof(r.name));
        strlcpy(r.name, i.name, sizeof(r.name));
    } else {
        r.name[15] = 0;
        if (!interface_find(r.name, &i))
            return -ENODEV;
        long error = change(cmd, &i, &r);
        if (error != -ENOTTY)
            return error;
        error = answer(cmd, &i, &r);
        if (error)
            return error;
    }
    return copy_to_user((void *)arg, &r, sizeof(r));
}
