/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the interface comes to its addresses: kernel parameters net.ip=ADDRESS/PREFIX[,GATEWAY] (of either version, several times),
 * net.ip=dhcp (the default without one of IPv4), net.ip=none. IPv6 addresses come from router advertisements besides, unless
 * net.ip=none.
 */
#include <linux/rtnetlink.h>
#include "kernel/init.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/params.h"
#include "kernel/wait.h"
#include "lwip/dhcp.h"
#include "lwip/dhcp6.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "net/interface.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"
#include "net/lwip/hooks.h"

#define STATIC_MAX  4
#define WAIT_LIMIT  (10 * NSEC_PER_SEC) /* for DHCP, from the start */
#define WAIT_LIMIT6 (3 * NSEC_PER_SEC)  /* for a router advertisement */

static struct fixed {
    ip_addr_t ip, gateway;
    u8 prefix;
} fixed[STATIC_MAX];
static unsigned n_fixed;
static bool none, dhcp_wanted;

static struct wait_queue configured;
static nsec_t config_began;

/* ------------------------------------------------------------ parameters */

int config_parse_address(const char *from, size_t n, ip_addr_t *out)
{
    char text[48];
    if (n == 0 || n >= sizeof(text))
        return -EINVAL;
    memcpy(text, from, n);
    text[n] = 0;
    return ipaddr_aton(text, out) ? 0 : -EINVAL;
}

static int set_ip(const char *value)
{
    if (!value)
        return -EINVAL;
    if (!strcmp(value, "none")) {
        none = true;
        return 0;
    }
    if (!strcmp(value, "dhcp")) {
        dhcp_wanted = true;
        return 0;
    }
    if (n_fixed == STATIC_MAX)
        return -EINVAL;
    struct fixed *f = &fixed[n_fixed];
    const char *slash = strchr(value, '/'), *end;
    u64 prefix;
    if (!slash || config_parse_address(value, (size_t)(slash - value), &f->ip) || parse_u64(slash + 1, &end, 10, &prefix) ||
        (IP_IS_V6(&f->ip) ? prefix != 64 : prefix > 32)) /* lwIP has networks of 64 bits only */
        return -EINVAL;
    f->prefix = (u8)prefix;
    if (*end == ',') {
        if (config_parse_address(end + 1, strlen(end + 1), &f->gateway) || IP_IS_V6(&f->gateway) != IP_IS_V6(&f->ip))
            return -EINVAL;
    } else if (*end) {
        return -EINVAL;
    }
    n_fixed++;
    return 0;
}
PARAM(net_ip, "net.ip", set_ip);

/* ------------------------------------------------------------ the start */

static void add_fixed(const struct fixed *f)
{
    struct netif *n = &device_netif;
    if (IP_IS_V6(&f->ip)) {
        s8_t slot = -1;
        if (netif_add_ip6_address(n, ip_2_ip6(&f->ip), &slot) == ERR_OK && slot >= 0)
            netif_ip6_addr_set_state(n, slot, IP6_ADDR_PREFERRED);
    } else {
        ip4_addr_t mask = {.addr = f->prefix ? lwip_htonl(UINT32_MAX << (32 - f->prefix)) : 0};
        netif_set_addr(n, ip_2_ip4(&f->ip), &mask, ip_2_ip4(&f->gateway));
    }
}

static void status_changed(struct netif *n, netif_nsc_reason_t reason, const netif_ext_callback_args_t *args)
{
    wait_wake_all(&configured);
    interface_changed();
}

void config_forget_dhcp(void)
{
    if (dhcp_wanted)
        dhcp_release_and_stop(&device_netif);
    dhcp_wanted = false;
}

void config_start(void)
{
    static netif_ext_callback_t callback;
    struct netif *n = &device_netif;
    bool v4 = false;
    netif_add_ext_callback(&callback, status_changed);
    config_began = platform_clock();
    for (unsigned i = 0; i < n_fixed; i++) {
        v4 |= !IP_IS_V6(&fixed[i].ip);
        add_fixed(&fixed[i]);
    }
    if (none)
        return;
    netif_create_ip6_linklocal_address(n, 1);
    netif_set_ip6_autoconfig_enabled(n, 1);
    dhcp6_enable_stateless(n);
    dhcp_wanted |= !v4;
    if (dhcp_wanted)
        dhcp_start(n);
}

static bool has_v4(void)
{
    return !ip4_addr_isany_val(*netif_ip4_addr(&device_netif));
}

/* An address for more than the link. */
static bool has_v6(void)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(&device_netif, i)))
            return true;
    }
    return false;
}

/* Neighbours are still being asked whether one has it: lwIP sends nothing from it, and does not say so. */
static bool link_address_unsure(void)
{
    return ip6_addr_istentative(netif_ip6_addr_state(&device_netif, 0));
}

bool config_await_v4(nsec_t limit)
{
    network_await_start();
    if (device_present && !has_v4() && dhcp_wanted)
        wait_event(&configured, has_v4(), config_began + limit, WAIT_KILLABLE);
    return device_present && has_v4();
}

bool network_up(const u8 to[16])
{
    ip_addr_t a;
    network_await_start();
    if (!device_present)
        return false;
    address_to_lwip(to, &a);
    if (IP_IS_V4(&a))
        return config_await_v4(WAIT_LIMIT);
    if (ip6_addr_islinklocal(ip_2_ip6(&a)))
        wait_event(&configured, !link_address_unsure(), config_began + WAIT_LIMIT6, WAIT_KILLABLE);
    else if (!has_v6() && !none)
        wait_event(&configured, has_v6(), config_began + WAIT_LIMIT6, WAIT_KILLABLE);
    return true; /* whether there is a route, lwIP knows */
}

static void config_init(void)
{
    wait_queue_init(&configured);
}
INIT_CALL(INIT_FILES, config_init);

/* ------------------------------------------------------------ for those who ask */

static void add_address(struct interface *i, const ip_addr_t *ip, unsigned prefix, bool tentative, bool permanent)
{
    struct interface_address *a = &i->addresses[i->n_addresses++];
    address_from_lwip(ip, a->ip);
    a->prefix = (u8)prefix;
    a->tentative = tentative;
    a->permanent = permanent;
    a->broadcast = true;
}

const ip6_addr_t *lwip_fixed_router(void)
{
    for (unsigned k = 0; k < n_fixed; k++) {
        if (IP_IS_V6(&fixed[k].ip) && !ip_addr_isany_val(fixed[k].gateway))
            return ip_2_ip6(&fixed[k].gateway);
    }
    return NULL;
}

static void find_router(struct interface *i)
{
    const ip6_addr_t *router = lwip_fixed_router();
    if (router) {
        memcpy(i->gateway6, router->addr, 16);
        return;
    }
    for (int k = 0; k < LWIP_ND6_NUM_ROUTERS; k++) {
        const struct nd6_neighbor_cache_entry *n = default_router_list[k].neighbor_entry;
        if (n) {
            i->router_advertised = default_router_list[k].invalidation_timer;
            memcpy(i->gateway6, n->next_hop_address.addr, 16);
            return;
        }
    }
}

bool network_interface(struct interface *i)
{
    struct netif *n = &device_netif;
    network_await_start();
    if (!device_present)
        return false;
    core_lock();
    memcpy(i->mac, n->hwaddr, sizeof(i->mac));
    i->mtu = n->mtu;
    i->running = netif_is_link_up(n);
    i->up = netif_is_up(n);
    address_from_lwip(&n->gw, i->gateway);
    find_router(i);
    if (has_v4() && !further_has(&n->ip_addr))
        add_address(i, &n->ip_addr, (unsigned)__builtin_popcount(netif_ip4_netmask(n)->addr), false, !dhcp_wanted);
    further_list(i);
    for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES; k++) {
        u8 state = netif_ip6_addr_state(n, k);
        if (!ip6_addr_isinvalid(state))
            add_address(i, &n->ip6_addr[k], further_prefix6(netif_ip6_addr(n, k)), ip6_addr_istentative(state), netif_ip6_addr_isstatic(n, k));
    }
    i->rx_frames = device_counters.rx_frames;
    i->rx_bytes = device_counters.rx_bytes;
    i->rx_multicast = device_counters.rx_multicast;
    i->rx_dropped = platform_net_dropped(0);
    i->tx_frames = device_counters.tx_frames;
    i->tx_bytes = device_counters.tx_bytes;
    i->tx_dropped = device_counters.tx_dropped;
    core_unlock();
    return true;
}
