/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Further addresses (net/lwip/further.h): the table of all addresses that programs gave lo and eth0. Of IPv4, the first of eth0 is lwIP's, unless
 * that one comes from elsewhere (DHCP, net.ip=); of IPv6, lwIP has those of eth0 as well.
 */
#include <linux/rtnetlink.h>
#include "kernel/lib/string.h"
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/nd6.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"

#define FURTHER_MAX 16

bool further_any;
static struct further {
    int interface;
    struct interface_address a;
} table[FURTHER_MAX]; /* in the order in which they are told */
static unsigned n_table;
static unsigned lent; /* how often lwIP's address is another than its own */
static ip4_addr_t own_address;

static unsigned bits_of(const struct interface_address *a)
{
    return a->prefix + (ip_is_v4(a->ip) ? 96u : 0);
}

/* lwIP's own. */
static u32 own_v4(void)
{
    return lent ? own_address.addr : netif_ip4_addr(&device_netif)->addr;
}

static bool is_lwips(const struct interface_address *a)
{
    u32 own = own_v4();
    return own && ip_is_v4(a->ip) && !memcmp(a->ip + 12, &own, 4);
}

/* ------------------------------------------------------------ what they are */

bool further_is_own_address(const u8 ip[16])
{
    for (unsigned k = 0; k < n_table; k++) {
        if (ip_equal(table[k].a.ip, ip))
            return true;
    }
    return false;
}

static bool is_broadcast_of(const struct interface_address *a, const u8 ip[16])
{
    u32 own, to;
    if (!ip_is_v4(a->ip) || !ip_is_v4(ip) || a->prefix > 30 || !bits_equal(a->ip, ip, bits_of(a)))
        return false;
    memcpy(&own, a->ip + 12, 4);
    memcpy(&to, ip + 12, 4);
    return !(~to & lwip_htonl(UINT32_MAX >> a->prefix));
}

bool further_is_broadcast(const u8 ip[16])
{
    for (unsigned k = 0; k < n_table; k++) {
        if (table[k].interface == OUTSIDE_INDEX && is_broadcast_of(&table[k].a, ip))
            return true;
    }
    return false;
}

const struct interface_address *further_network(const u8 ip[16], bool on_link)
{
    const struct interface_address *best = NULL;
    for (unsigned k = 0; k < n_table; k++) {
        const struct interface_address *a = &table[k].a;
        if (table[k].interface != OUTSIDE_INDEX || a->secondary || ip_is_v4(a->ip) != ip_is_v4(ip) || (on_link && a->no_prefix_route) ||
            a->prefix == (ip_is_v4(ip) ? 32 : 128))
            continue;
        if (bits_equal(a->ip, ip, bits_of(a)) && (!best || a->prefix > best->prefix))
            best = a;
    }
    return best;
}

unsigned further_prefix6(const ip6_addr_t *ip)
{
    for (unsigned k = 0; k < n_table; k++) {
        if (table[k].interface == OUTSIDE_INDEX && !memcmp(table[k].a.ip, ip->addr, 16))
            return table[k].a.prefix;
    }
    return 64;
}

/* ------------------------------------------------------------ lending */

bool further_lend(const void *packet_ip, struct further_lent *l)
{
    struct netif *n = &device_netif;
    u8 ip[16];
    ip_from_v4(ip, packet_ip);
    if (!further_any || ip[12] == 127 || !memcmp(packet_ip, &netif_ip4_addr(n)->addr, 4))
        return false;
    unsigned prefix = 32;
    const void *as = packet_ip;
    if (!further_is_own(ip)) {
        const struct interface_address *a = further_is_broadcast(ip) ? further_network(ip, false) : NULL;
        if (!a)
            return false;
        as = a->ip + 12;
        prefix = a->prefix;
    }
    l->ip = *netif_ip4_addr(n);
    l->mask = *netif_ip4_netmask(n);
    memcpy(&l->as.addr, as, 4);
    if (!lent++)
        own_address = l->ip;
    ip_2_ip4(&n->ip_addr)->addr = l->as.addr;
    ip_2_ip4(&n->netmask)->addr = prefix ? lwip_htonl(UINT32_MAX << (32 - prefix)) : 0;
    return true;
}

void further_give_back(const struct further_lent *l)
{
    struct netif *n = &device_netif;
    lent--;
    if (netif_ip4_addr(n)->addr != l->as.addr)
        return; /* the packet was DHCP's, and brought another address */
    ip4_addr_copy(*ip_2_ip4(&n->ip_addr), l->ip);
    ip4_addr_copy(*ip_2_ip4(&n->netmask), l->mask);
}

/* ------------------------------------------------------------ changes */

void further_update(void)
{
    WRITE_ONCE(further_any, n_table || further_routes);
}

static void list(int index, bool v4, struct interface *i)
{
    for (unsigned k = 0; k < n_table; k++) {
        if (table[k].interface == index && ip_is_v4(table[k].a.ip) == v4 && i->n_addresses < INTERFACE_ADDRESSES)
            i->addresses[i->n_addresses++] = table[k].a;
    }
}

void further_list(struct interface *i)
{
    list(OUTSIDE_INDEX, true, i);
}

void network_addresses_lo(bool v4, struct interface *i)
{
    core_lock();
    list(LOOPBACK_INDEX, v4, i);
    core_unlock();
}

bool further_has(const ip_addr_t *own)
{
    u8 ip[16];
    address_from_lwip(own, ip);
    for (unsigned k = 0; k < n_table; k++) {
        if (table[k].interface == OUTSIDE_INDEX && ip_equal(table[k].a.ip, ip))
            return true;
    }
    return false;
}

static void set_lwips(const struct interface_address *a)
{
    struct netif *n = &device_netif;
    ip4_addr_t ip = {0}, mask = {0}, gateway = {0};
    if (a) {
        memcpy(&ip.addr, a->ip + 12, 4);
        mask.addr = a->prefix ? lwip_htonl(UINT32_MAX << (32 - a->prefix)) : 0;
        gateway = *netif_ip4_gw(n);
    }
    netif_set_addr(n, &ip, &mask, &gateway);
}

/* Primary ones of a scope follow those of the same and of narrower scopes, as on Linux; secondary ones come last. */
static int insert(int index, const struct interface_address *a)
{
    unsigned at = a->secondary ? n_table : 0;
    if (n_table == FURTHER_MAX)
        return -ENOSPC;
    for (unsigned k = 0; !a->secondary && k < n_table; k++) {
        if (table[k].interface == index && !table[k].a.secondary && a->scope <= table[k].a.scope)
            at = k + 1;
    }
    memmove(&table[at + 1], &table[at], (n_table++ - at) * sizeof(*table));
    table[at] = (struct further){.interface = index, .a = *a};
    return 0;
}

static void cut(unsigned at)
{
    struct interface_address gone = table[at].a;
    memmove(&table[at], &table[at + 1], (--n_table - at) * sizeof(*table));
    further_forget_source(gone.ip);
}

static int add_v6(const struct interface_address *a)
{
    struct netif *n = &device_netif;
    ip6_addr_t ip = {0};
    s8_t slot = -1;
    memcpy(ip.addr, a->ip, 16);
    if (netif_get_ip6_addr_match(n, &ip) >= 0)
        return -EEXIST;
    if (netif_add_ip6_address(n, &ip, &slot) != ERR_OK || slot < 0)
        return -ENOSPC;
    if (!a->tentative)
        netif_ip6_addr_set_state(n, slot, IP6_ADDR_PREFERRED);
    return 0;
}

static int add(int index, const struct interface_address *a)
{
    bool v4 = ip_is_v4(a->ip);
    int error = insert(index, a);
    if (error || index == LOOPBACK_INDEX)
        return error;
    if (!v4)
        error = add_v6(a);
    else if (!own_v4()) {
        config_forget_dhcp();
        set_lwips(a);
    }
    for (unsigned k = 0; error && k < n_table; k++) {
        if (table[k].interface == index && ip_equal(table[k].a.ip, a->ip)) {
            cut(k);
            break;
        }
    }
    return error;
}

static void remove_v6(const struct interface_address *a)
{
    ip6_addr_t ip = {0};
    memcpy(ip.addr, a->ip, 16);
    s8_t slot = netif_get_ip6_addr_match(&device_netif, &ip);
    if (slot >= 0)
        netif_ip6_addr_set_state(&device_netif, slot, IP6_ADDR_INVALID);
}

/* With the first one in a network those go that were added to it. lwIP gets the first one left. */
static void take_away(int index, const struct interface_address *a)
{
    const struct interface_address *next = NULL;
    bool v4 = ip_is_v4(a->ip), main = v4 && index == OUTSIDE_INDEX && is_lwips(a);
    for (unsigned k = n_table; k-- > 0;) {
        const struct interface_address *t = &table[k].a;
        bool same = ip_equal(t->ip, a->ip), follows = v4 && ip_is_v4(t->ip) && !a->secondary && t->secondary;
        if (table[k].interface == index && t->prefix == a->prefix && (same || (follows && bits_equal(t->ip, a->ip, bits_of(a)))))
            cut(k);
    }
    if (index == OUTSIDE_INDEX && !v4)
        remove_v6(a);
    further_forget_source(a->ip);
    if (!main)
        return;
    config_forget_dhcp();
    for (unsigned k = 0; !next && k < n_table; k++)
        next = table[k].interface == OUTSIDE_INDEX && ip_is_v4(table[k].a.ip) ? &table[k].a : NULL;
    set_lwips(next);
    if (!next)
        further_down();
}

int network_set_address(int index, const struct interface_address *a, bool adds)
{
    int error = 0;
    core_lock();
    if (adds)
        error = add(index, a);
    else
        take_away(index, a);
    further_update();
    core_unlock();
    return error;
}
