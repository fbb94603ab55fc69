/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces: what they are, and changes. */
#include "kernel/lib/string.h"
#include "net/counters.h"
#include "net/interface.h"
#include "net/network.h"

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
