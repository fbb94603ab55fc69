/* SPDX-License-Identifier: BSD-2-Clause */
/* What a privileged program changes of eth0: its addresses, its gateway, whether it is up. */
#include "kernel/lib/string.h"
#include "lwip/dhcp.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"

#define MTU_MIN 68 /* RFC 791 */

int network_set_up(bool up)
{
    core_lock();
    if (up) {
        netif_set_up(&device_netif);
    } else {
        netif_set_down(&device_netif);
        further_down();
    }
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
    else if (add && !ip4_addr_netcmp(ip_2_ip4(&a), netif_ip4_addr(n), netif_ip4_netmask(n)) && !further_network(ip, true))
        error = -ENETUNREACH;
    else
        netif_set_gw(n, add ? ip_2_ip4(&a) : IP4_ADDR_ANY4);
    core_unlock();
    return error;
}
