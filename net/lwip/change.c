/* SPDX-License-Identifier: BSD-2-Clause */
/* What a privileged program changes of eth0: its addresses, its gateway, whether it is up. */
#include "kernel/lib/string.h"
#include "lwip/dhcp.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "net/lwip/core.h"

#define MTU_MIN 68 /* RFC 791 */

int network_set_up(bool up)
{
    core_lock();
    if (up)
        netif_set_up(&device_netif);
    else
        netif_set_down(&device_netif);
    core_unlock();
    return 0;
}

int network_set_mtu(u32 mtu)
{
    if (mtu < MTU_MIN || mtu > platform_net_info(0)->mtu)
        return -EINVAL;
    core_lock();
    device_netif.mtu = (u16)mtu;
    core_unlock();
    return 0;
}

static int set_v4(const ip4_addr_t *ip, u8 prefix, bool add)
{
    struct netif *n = &device_netif;
    ip4_addr_t mask = {.addr = prefix ? lwip_htonl(UINT32_MAX << (32 - prefix)) : 0}, gateway = *netif_ip4_gw(n);
    bool same = ip4_addr_cmp(ip, netif_ip4_addr(n)), any = ip4_addr_isany_val(*netif_ip4_addr(n));
    if (!add && !same)
        return -EADDRNOTAVAIL;
    if (add && !any)
        return same ? -EEXIST : -EOPNOTSUPP; /* lwIP's interfaces have one */
    config_forget_dhcp();
    if (add)
        netif_set_addr(n, ip, &mask, &gateway);
    else
        netif_set_addr(n, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
    return 0;
}

static int set_v6(const ip6_addr_t *ip, u8 prefix, bool add)
{
    struct netif *n = &device_netif;
    s8_t slot = netif_get_ip6_addr_match(n, ip);
    if (slot >= 0 && add)
        return -EEXIST;
    if (slot < 0 && !add)
        return -EADDRNOTAVAIL;
    if (!add) {
        netif_ip6_addr_set_state(n, slot, IP6_ADDR_INVALID);
        return 0;
    }
    if (prefix != 64)
        return -EOPNOTSUPP; /* lwIP takes all for networks of 64 bits */
    if (netif_add_ip6_address(n, ip, &slot) != ERR_OK || slot < 0)
        return -ENOSPC;
    return 0;
}

int network_set_address(const u8 ip[16], u8 prefix, bool add)
{
    ip_addr_t a;
    address_to_lwip(ip, &a);
    core_lock();
    int error = IP_IS_V4(&a) ? set_v4(ip_2_ip4(&a), prefix, add) : set_v6(ip_2_ip6(&a), prefix, add);
    core_unlock();
    return error;
}

int network_set_gateway(const u8 *ip, bool add, bool replace)
{
    struct netif *n = &device_netif;
    ip_addr_t a = *IP_ADDR_ANY;
    int error = 0;
    if (ip)
        address_to_lwip(ip, &a);
    core_lock();
    bool none = ip4_addr_isany_val(*netif_ip4_gw(n));
    if (!add && (none || (ip && !ip4_addr_cmp(ip_2_ip4(&a), netif_ip4_gw(n)))))
        error = -ESRCH;
    else if (add && !none && !replace)
        error = -EEXIST;
    else if (add && !ip4_addr_netcmp(ip_2_ip4(&a), netif_ip4_addr(n), netif_ip4_netmask(n)))
        error = -ENETUNREACH;
    else
        netif_set_gw(n, add ? ip_2_ip4(&a) : IP4_ADDR_ANY4);
    core_unlock();
    return error;
}
