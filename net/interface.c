/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces: what they are, and changes. */
#include <linux/rtnetlink.h>
#include "kernel/lib/string.h"
#include "net/inet.h"

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
    i->addresses[0] = (struct interface_address){.prefix = 8, .permanent = true, .scope = RT_SCOPE_HOST};
    memcpy(i->addresses[0].ip, loopback4, 16);
    i->n_addresses = 1;
    network_addresses_lo(true, i);
    network_addresses_lo(false, i);
    struct interface_address *last = &i->addresses[i->n_addresses++];
    *last = (struct interface_address){.prefix = 128, .permanent = true};
    memcpy(last->ip, loopback6, 16);
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
        if (!a->no_prefix_route && bits_equal(a->ip, ip, a->prefix + (ip_is_v4(a->ip) ? 96u : 0)))
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

int interface_set_address(const struct interface *i, const struct interface_address *a, bool add)
{
    struct interface_address given = *a;
    bool v4 = ip_is_v4(a->ip), found = false;
    given.permanent = true;
    given.tentative &= i->index != LOOPBACK_INDEX;
    if (!strcmp(a->label, i->name))
        given.label[0] = 0;
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const struct interface_address *other = &i->addresses[k];
        if (!ip_equal(other->ip, a->ip) || (v4 && other->prefix != a->prefix)) {
            bool same_network = v4 && ip_is_v4(other->ip) && other->prefix == a->prefix && bits_equal(other->ip, a->ip, 96u + a->prefix);
            if (add && same_network && other->scope != a->scope)
                return -EINVAL;
            given.secondary |= same_network;
            continue;
        }
        if (add)
            return -EEXIST;
        found |= other->prefix == a->prefix;
        if (found) {
            given = *other;
            break;
        }
    }
    if (!add && !found)
        return -EADDRNOTAVAIL;
    if (!add && i->index == LOOPBACK_INDEX && (ip_equal(a->ip, loopback4) || ip_equal(a->ip, loopback6)))
        return -EOPNOTSUPP;
    int error = network_set_address(i->index, &given, add);
    if (!error)
        interface_changed();
    return error;
}

int interface_set_gateway(const struct interface *i, const u8 *gateway, bool add, bool replace)
{
    int error = i->index == OUTSIDE_INDEX ? network_set_gateway(gateway, add, replace) : -EOPNOTSUPP;
    if (!error)
        interface_changed();
    return error;
}
