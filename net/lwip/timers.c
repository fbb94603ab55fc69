/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's periodic functions, in the place of its own timeouts: each runs only while there is something for it to do, so
 * that an idle VM is woken once a second by its network and not a hundred times. All under the core lock.
 */
#include "kernel/timer.h"
#include "lwip/dhcp.h"
#include "lwip/dhcp6.h"
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

static bool always(void)
{
    return true;
}

static bool dhcp_needed(void)
{
    const struct dhcp *d = netif_dhcp_data(&device_netif);
    return d && d->request_timeout > 0;
}

static bool dhcp6_needed(void)
{
    const struct dhcp6 *d = netif_dhcp6_data(&device_netif);
    return d && d->request_timeout > 0;
}

static bool igmp_needed(void)
{
    for (const struct igmp_group *g = netif_igmp_data(&device_netif); g; g = g->next) {
        if (g->timer)
            return true;
    }
    return false;
}

static bool mld_needed(void)
{
    for (const struct mld_group *g = netif_mld6_data(&device_netif); g; g = g->next) {
        if (g->timer)
            return true;
    }
    return false;
}

static void each_second(void)
{
    tcp_each_second();
    etharp_tmr();
    ip_reass_tmr();
    nd6_tmr();
    ip6_reass_tmr();
}

static struct periodic {
    u32 interval; /* ms */
    void (*fn)(void);
    bool (*needed)(void);
    nsec_t due;   /* 0: not running */
} list[] = {
    {TCP_TMR_INTERVAL, tcp_tick, tcp_is_busy, 0}, /* first: timers_tcp_begins() */
    {1000, each_second, always, 0},
    {DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr, dhcp_needed, 0},
    {DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr, always, 0},
    {IGMP_TMR_INTERVAL, igmp_tmr, igmp_needed, 0},
    {MLD6_TMR_INTERVAL, mld6_tmr, mld_needed, 0},
    {DHCP6_TIMER_MSECS, dhcp6_tmr, dhcp6_needed, 0},
};

static struct timer timer;

static void expired(struct timer *t)
{
    core_wake();
}

void timers_run(void)
{
    nsec_t now = platform_clock();
    for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
        struct periodic *p = &list[i];
        if (!p->due || p->due > now)
            continue;
        p->fn();
        nsec_t step = p->interval * NSEC_PER_MSEC;
        /* The next on the grid; what a VM that was stopped has missed is not made up for. */
        p->due = p->due + step > now ? p->due + step : now + step;
    }
}

bool timers_tcp_begins(void)
{
    return !list[0].due && tcp_is_busy();
}

void timers_update(void)
{
    nsec_t first = NSEC_NEVER;
    for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
        struct periodic *p = &list[i];
        if (!p->needed())
            p->due = 0;
        else if (!p->due)
            p->due = platform_clock() + p->interval * NSEC_PER_MSEC;
        if (p->due && p->due < first)
            first = p->due;
    }
    if (!timer.fn)
        timer_init(&timer, expired);
    /* One that has just fired comes back here by expired(). */
    if (first != NSEC_NEVER && !(timer.armed && timer.deadline <= first))
        timer_arm(&timer, first);
}

/* lwIP tells that there are connections; timers_update() sees it by itself. */
void tcp_timer_needed(void)
{
}
