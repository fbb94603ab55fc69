/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces, and the ioctls of netdevice(7) about them. */
#include <linux/in.h>
#include <linux/sockios.h>
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/counters.h"
#include "net/interface.h"
#include "net/network.h"
#include "net/socket.h"

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

static const u8 loopback4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, loopback6[16] = {[15] = 1};

static void describe_loopback(struct interface *i)
{
    strlcpy(i->name, "lo", sizeof(i->name));
    i->index = LOOPBACK_INDEX;
    i->type = ARPHRD_LOOPBACK;
    i->flags = INTERFACE_UP | INTERFACE_LOOPBACK | INTERFACE_RUNNING | INTERFACE_LOWER_UP;
    i->mtu = LOOPBACK_MTU;
    i->running = true;
    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++) {
        const u64 *counters = platform_percpu(cpu)->counters + COUNT_NETWORK;
        i->rx_frames += counters[LOOP_PACKETS] + counters[LOOP_PACKETS_V6];
        i->rx_bytes += counters[LOOP_BYTES] + counters[LOOP_BYTES_V6];
    }
    i->tx_frames = i->rx_frames;
    i->tx_bytes = i->rx_bytes;
    i->n_addresses = 2;
    i->addresses[0] = (struct interface_address){.prefix = 8, .permanent = true};
    memcpy(i->addresses[0].ip, loopback4, 16);
    i->addresses[1] = (struct interface_address){.prefix = 128, .permanent = true};
    memcpy(i->addresses[1].ip, loopback6, 16);
}

bool interface_get(int index, struct interface *i)
{
    memset(i, 0, sizeof(*i));
    if (index == LOOPBACK_INDEX) {
        describe_loopback(i);
        return true;
    }
    if (index != OUTSIDE_INDEX || !network_interface(i))
        return false;
    strlcpy(i->name, "eth0", sizeof(i->name));
    i->index = OUTSIDE_INDEX;
    i->type = ARPHRD_ETHER;
    i->flags = INTERFACE_BROADCAST | INTERFACE_MULTICAST | (i->up ? INTERFACE_UP : 0);
    if (i->running && i->up)
        i->flags |= INTERFACE_RUNNING | INTERFACE_LOWER_UP;
    return true;
}

bool interface_find(const char *name, struct interface *i)
{
    for (int index = 1; index <= INTERFACES; index++) {
        if (interface_get(index, i) && !strcmp(i->name, name))
            return true;
    }
    return false;
}

bool interface_is_on_link(const struct interface *i, const u8 ip[16])
{
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        unsigned bits = a->prefix + (memcmp(a->ip, loopback4, 12) ? 0 : 96), whole = bits / 8;
        if (!memcmp(a->ip, ip, whole) && (bits % 8 == 0 || !((a->ip[whole] ^ ip[whole]) >> (8 - bits % 8))))
            return true;
    }
    return false;
}

u8 interface_operstate(const struct interface *i)
{
    return !(i->flags & INTERFACE_BROADCAST) ? 0 : i->running && i->up ? 6 : 2;
}

/* ------------------------------------------------------------ changes */

#define INTERFACE_CHANGEABLE (INTERFACE_UP | INTERFACE_BROADCAST | INTERFACE_LOOPBACK | INTERFACE_RUNNING | INTERFACE_MULTICAST | INTERFACE_LOWER_UP)

int interface_change(const struct interface *i, u32 flags, u32 mtu)
{
    int error = 0;
    if ((flags ^ i->flags) & ~(u32)INTERFACE_CHANGEABLE)
        return -EOPNOTSUPP;
    bool up = flags & INTERFACE_UP, toggles = up != !!(i->flags & INTERFACE_UP);
    if (i->index != OUTSIDE_INDEX)
        return toggles || mtu != i->mtu ? -EOPNOTSUPP : 0;
    if (mtu != i->mtu)
        error = network_set_mtu(mtu);
    if (!error && toggles)
        error = network_set_up(up);
    if (!error && (toggles || mtu != i->mtu))
        interface_changed();
    return error;
}

int interface_set_address(const struct interface *i, const u8 ip[16], u8 prefix, bool add)
{
    if (i->index != OUTSIDE_INDEX) {
        bool has = !memcmp(ip, loopback4, 16) || !memcmp(ip, loopback6, 16);
        return add && has ? -EEXIST : -EOPNOTSUPP;
    }
    return network_set_address(ip, prefix, add);
}

int interface_set_gateway(const struct interface *i, const u8 *gateway, bool add, bool replace)
{
    int error = i->index == OUTSIDE_INDEX ? network_set_gateway(gateway, add, replace) : -EOPNOTSUPP;
    if (!error)
        interface_changed();
    return error;
}

/* ------------------------------------------------------------ ioctl */

static void set_address(struct interface_request *r, u32 address)
{
    memset(&r->address, 0, sizeof(r->address));
    r->address.sin_family = AF_INET;
    r->address.sin_addr.s_addr = address;
}

/* The IPv4 address, in network order, and its mask. False: there is none. */
static bool address_v4(const struct interface *i, u32 *address, u32 *mask)
{
    if (!i->n_addresses || memcmp(i->addresses[0].ip, loopback4, 12))
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
    default: /* SIOCGIFHWADDR */
        memset(&r->hardware, 0, sizeof(r->hardware));
        r->hardware.family = i->type;
        memcpy(r->hardware.bytes, i->mac, sizeof(i->mac));
        return 0;
    }
}

long interface_ioctl(unsigned cmd, unsigned long arg)
{
    struct interface_request r;
    struct interface i;
    if (cmd == SIOCGIFCONF)
        return list_interfaces(arg);
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
        long error = answer(cmd, &i, &r);
        if (error)
            return error;
    }
    return copy_to_user((void *)arg, &r, sizeof(r));
}
