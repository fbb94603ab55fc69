/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses between sockets and lwIP, and what the VM's own are. */
#include "kernel/lib/string.h"
#include "lwip/ip.h"
#include "lwip/priv/nd6_priv.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"
#include "net/lwip/hooks.h"

static const u8 v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

void address_to_lwip(const u8 ip[16], ip_addr_t *out)
{
    memset(out, 0, sizeof(*out));
    if (memcmp(ip, v4_prefix, 12)) {
        memcpy(ip_2_ip6(out)->addr, ip, 16);
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
    } else {
        memcpy(&ip_2_ip4(out)->addr, ip + 12, 4);
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V4);
    }
}

void address_from_lwip(const ip_addr_t *in, u8 ip[16])
{
    if (IP_IS_V6(in)) {
        memcpy(ip, ip_2_ip6(in)->addr, 16);
    } else {
        memcpy(ip, v4_prefix, 12);
        memcpy(ip + 12, &ip_2_ip4(in)->addr, 4);
    }
}

bool network_is_own(const u8 ip[16])
{
    if (!device_present && !READ_ONCE(further_any))
        return false;
    ip_addr_t a;
    address_to_lwip(ip, &a);
    core_lock();
    bool own = further_any && further_is_own(ip);
    if (!device_present) {
        ; /* only lo's */
    } else if (IP_IS_V4(&a)) {
        own |= !ip4_addr_isany_val(*ip_2_ip4(&a)) && ip4_addr_cmp(ip_2_ip4(&a), netif_ip4_addr(&device_netif));
    } else {
        for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
            own |= ip6_addr_isvalid(netif_ip6_addr_state(&device_netif, i)) &&
                   ip6_addr_cmp(ip_2_ip6(&a), netif_ip6_addr(&device_netif, i));
        }
    }
    core_unlock();
    return own;
}

bool network_is_broadcast(const u8 ip[16])
{
    ip_addr_t a;
    address_to_lwip(ip, &a);
    if (!IP_IS_V4(&a))
        return false;
    if (ip_2_ip4(&a)->addr == IPADDR_BROADCAST)
        return true;
    core_lock();
    bool broadcast = device_present && ip4_addr_isbroadcast(ip_2_ip4(&a), &device_netif) && !ip4_addr_isany(ip_2_ip4(&a));
    broadcast |= further_any && further_is_broadcast(ip);
    core_unlock();
    return broadcast;
}

bool address_has_router(void)
{
    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        if (default_router_list[i].neighbor_entry)
            return true;
    }
    return lwip_fixed_router();
}

/* With one interface lwIP would send everything there. Core lock held. */
static bool has_route(const ip_addr_t *to)
{
    struct netif *n = &device_netif;
    if (ip_addr_ismulticast(to))
        return true;
    if (IP_IS_V4(to)) {
        const ip4_addr_t *ip = ip_2_ip4(to);
        return ip4_addr_netcmp(ip, netif_ip4_addr(n), netif_ip4_netmask(n)) || ip4_addr_isbroadcast(ip, n) ||
               !ip4_addr_isany_val(*netif_ip4_gw(n));
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(n, i)) && ip6_addr_netcmp(ip_2_ip6(to), netif_ip6_addr(n, i)) &&
            further_prefix6(netif_ip6_addr(n, i)) == 64)
            return true;
    }
    return address_has_router() || ip6_addr_islinklocal(ip_2_ip6(to));
}

int network_source(const u8 to[16], u8 from[16])
{
    ip_addr_t a;
    struct further_hop h;
    int error = -ENETUNREACH;
    bool up = network_up(to);
    if (!up && !READ_ONCE(further_any))
        return error;
    address_to_lwip(to, &a);
    core_lock();
    int found = further_find(to, &h);
    if (found < 0)
        error = found;
    struct netif *n = up && found >= 0 && (found || has_route(&a)) ? ip_route(IP_IS_V4(&a) ? IP4_ADDR_ANY : IP6_ADDR_ANY, &a) : NULL;
    const ip_addr_t *source = n ? ip_netif_get_local_ip(n, &a) : NULL;
    if (source && !ip_addr_isany(source)) {
        address_from_lwip(source, from);
        if (found && h.source)
            memcpy(from, h.source, 16);
        error = 0;
    }
    core_unlock();
    return error;
}

bool network_gateway(const u8 to[16], u8 gateway[16])
{
    struct further_hop h;
    core_lock();
    int found = further_find(to, &h);
    if (found > 0 && h.gateway)
        memcpy(gateway, h.gateway, 16);
    core_unlock();
    struct interface i;
    if (found)
        return found > 0 && h.gateway;
    if (!interface_get(OUTSIDE_INDEX, &i) || interface_is_on_link(&i, to))
        return false;
    memcpy(gateway, ip_is_v4(to) ? i.gateway : i.gateway6, 16);
    return true;
}
