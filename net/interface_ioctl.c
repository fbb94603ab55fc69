/* SPDX-License-Identifier: BSD-2-Clause */
/* The ioctls of netdevice(7), arp(7) and the old ones of routes, on any socket. */
#include <linux/capability.h>
#include <linux/in.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/inet.h"
#include "net/route.h"

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

static const char *label_of(const struct interface *i, const struct interface_address *a)
{
    return a->label[0] ? a->label : i->name;
}

/* The first IPv4 address with this label (the interface's name, or "eth0:1"); NULL: there is none. */
static const struct interface_address *address_v4(const struct interface *i, const char *label)
{
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        if (ip_is_v4(a->ip) && !strcmp(label_of(i, a), label))
            return a;
    }
    return NULL;
}

static u32 word_of(const struct interface_address *a)
{
    u32 ip;
    memcpy(&ip, a->ip + 12, 4);
    return ip;
}

static u32 mask_of(const struct interface_address *a)
{
    return a->prefix ? __builtin_bswap32(UINT32_MAX << (32 - a->prefix)) : 0;
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
        if (!interface_get(index, &i))
            continue;
        for (unsigned k = 0; k < i.n_addresses; k++) {
            struct interface_request r = {0};
            if (!ip_is_v4(i.addresses[k].ip) || room - used < (int)sizeof(r))
                continue;
            strlcpy(r.name, label_of(&i, &i.addresses[k]), sizeof(r.name));
            set_address(&r, word_of(&i.addresses[k]));
            if (conf.requests && copy_to_user((u8 *)conf.requests + used, &r, sizeof(r)))
                return -EFAULT;
            used += (int)sizeof(r);
        }
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
    const struct interface_address *a = address_v4(i, r->name);
    bool broadcast = a && i->flags & INTERFACE_BROADCAST && a->broadcast;
    switch (cmd) {
    case SIOCGIFFLAGS:
        r->flags = (s16)i->flags;
        return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
        set_address(r, a ? word_of(a) : 0);
        return a ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFNETMASK:
        set_address(r, a ? mask_of(a) : 0);
        return a ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFBRDADDR:
        set_address(r, broadcast ? word_of(a) | ~mask_of(a) : 0);
        return a ? 0 : -EADDRNOTAVAIL;
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

/* The IPv4 address with this label, or its mask, becomes another: what hung on the old one goes, as on Linux. */
static long replace_address(const struct interface *i, const struct interface_request *r, bool is_mask)
{
    struct interface_address a = {0};
    const struct interface_address *old = address_v4(i, r->name);
    u32 given = r->address.sin_addr.s_addr, rest = ~__builtin_bswap32(given);
    struct interface now;
    if (r->address.sin_family != AF_INET)
        return -EINVAL;
    if (is_mask && !old)
        return -EADDRNOTAVAIL;
    if (is_mask && rest & (rest + 1))
        return -EINVAL;
    if (old && (is_mask ? mask_of(old) : word_of(old)) == given)
        return 0;
    if (old)
        a = *old;
    else
        strlcpy(a.label, r->name, sizeof(a.label));
    if (!is_mask) {
        ip_from_v4(a.ip, &given);
        a.prefix = (u8)prefix_of_class(a.ip[12]);
        a.scope = ip_is_loopback(a.ip) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
        a.broadcast = i->flags & INTERFACE_BROADCAST;
    } else {
        a.prefix = (u8)__builtin_popcount(given);
    }
    a.secondary = false;
    int error = old ? interface_set_address(i, old, false) : 0;
    if (error || (!is_mask && !given))
        return error;
    interface_get(i->index, &now);
    return interface_set_address(&now, &a, true);
}

/* An address with a label of its own goes when that is put down. */
static long change_flags(const struct interface *i, const struct interface_request *r)
{
    const u32 kept = ~(u32)UINT16_MAX | INTERFACE_RUNNING;
    if (!strchr(r->name, ':'))
        return interface_change(i, ((u16)r->flags & ~kept) | (i->flags & kept), i->mtu);
    const struct interface_address *a = address_v4(i, r->name);
    return !a ? -EADDRNOTAVAIL : r->flags & INTERFACE_UP ? 0 : interface_set_address(i, a, false);
}

/* -ENOTTY: cmd changes nothing. */
static long change(unsigned cmd, const struct interface *i, const struct interface_request *r)
{
    if (cmd != SIOCSIFFLAGS && cmd != SIOCSIFMTU && cmd != SIOCSIFADDR && cmd != SIOCSIFNETMASK && cmd != SIOCSIFHWADDR &&
        cmd != SIOCSIFTXQLEN)
        return -ENOTTY;
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    if (cmd == SIOCSIFFLAGS)
        return change_flags(i, r);
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
    u64 pads[2];
    s16 metric; /* and 1 */
    u64 device; /* a name in the program's memory */
    u64 mtu, window;
    u16 first_timeout;
};
#define ROUTE_GATEWAY 0x2
#define ROUTE_HOST    0x4
#define ROUTE_METRICS 0x1c0 /* one of mtu, window, first_timeout */
#define ROUTE_REJECT  0x200
_Static_assert(sizeof(struct route_request) == 120, "struct rtentry");

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
    struct route_request q;
    struct interface i;
    char name[16] = "";
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    if (copy_from_user(&q, (void *)arg, sizeof(q)))
        return -EFAULT;
    if (q.to.sin_family != AF_INET)
        return -EAFNOSUPPORT;
    bool adds = cmd == SIOCADDRT;
    u32 mask = q.flags & ROUTE_HOST ? UINT32_MAX : q.mask.sin_addr.s_addr, rest = ~__builtin_bswap32(mask);
    struct route r = {.v4 = true, .length = (u8)__builtin_popcount(mask), .table = RT_TABLE_MAIN, .protocol = adds ? RTPROT_BOOT : 0,
                      .metric = q.metric > 0 ? (u32)q.metric - 1 : 0, .type = adds ? RTN_UNICAST : RTN_UNSPEC, .scope = RT_SCOPE_NOWHERE};
    if ((!(q.flags & ROUTE_HOST) && q.mask.sin_family != AF_INET && (mask || q.mask.sin_family)) || rest & (rest + 1) ||
        q.to.sin_addr.s_addr & ~mask)
        return -EINVAL;
    ip_from_v4(r.to, &q.to.sin_addr);
    if (q.flags & ROUTE_REJECT) {
        r.scope = RT_SCOPE_HOST;
        r.type = RTN_UNREACHABLE;
        return adds ? route_add(&r, NLM_F_CREATE) : route_delete(&r);
    }
    if (q.device) {
        if (copy_from_user(name, (void *)q.device, sizeof(name) - 1))
            return -EFAULT;
        if (!interface_find(name, &i))
            return -ENODEV;
        r.interface = i.index;
    }
    r.via = q.gateway.sin_family == AF_INET && q.gateway.sin_addr.s_addr;
    if (r.via) {
        ip_from_v4(r.gateway, &q.gateway.sin_addr);
        if (q.flags & ROUTE_GATEWAY)
            r.scope = RT_SCOPE_UNIVERSE;
    }
    if (!adds)
        return route_delete(&r);
    if (q.flags & ROUTE_GATEWAY && !r.via)
        return -EINVAL;
    if (q.flags & ROUTE_METRICS)
        return -EOPNOTSUPP;
    if (r.scope == RT_SCOPE_NOWHERE)
        r.scope = RT_SCOPE_LINK;
    return route_add(&r, NLM_F_CREATE);
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
        char device[sizeof(r.name)], *colon;
        memcpy(device, r.name, sizeof(device));
        if ((colon = strchr(device, ':')))
            *colon = 0;
        if (!interface_find(device, &i))
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
