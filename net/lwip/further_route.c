/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes that programs made, and the way of a packet by them and by further addresses (net/lwip/further.h). */
#include <linux/rtnetlink.h>
#include "kernel/lib/string.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/nd6.h"
#include "lwip/prot/ip4.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"
#include "net/lwip/hooks.h"

#define ROUTES_GIVEN 32
#define METRIC_CONNECTED6 256
#define METRIC_DEFAULT6   1024

static struct route table[ROUTES_GIVEN];
unsigned further_routes;

static unsigned bits_of(const struct route *r)
{
    return r->length + (r->v4 ? 96u : 0);
}

/* ------------------------------------------------------------ looking */

/* How specific lwIP's own way to ip is, in bits of its version, -1: there is none; and its metric. */
static int own_length(const u8 ip[16], u32 *metric)
{
    const struct netif *n = &device_netif;
    ip_addr_t to;
    address_to_lwip(ip, &to);
    *metric = 0;
    if (IP_IS_V4(&to)) {
        u32 mask = netif_ip4_netmask(n)->addr;
        if (!ip4_addr_isany_val(*netif_ip4_addr(n)) && ip4_addr_netcmp(ip_2_ip4(&to), netif_ip4_addr(n), netif_ip4_netmask(n)))
            return __builtin_popcount(mask);
        return ip4_addr_isany_val(*netif_ip4_gw(n)) ? -1 : 0;
    }
    *metric = METRIC_CONNECTED6;
    if (ip6_addr_islinklocal(ip_2_ip6(&to)))
        return 64;
    for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES; k++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)) && ip6_addr_netcmp(ip_2_ip6(&to), netif_ip6_addr(n, k)) &&
            further_prefix6(netif_ip6_addr(n, k)) == 64)
            return 64;
    }
    *metric = METRIC_DEFAULT6;
    return address_has_router() ? 0 : -1;
}

static const struct route *best_route(const u8 ip[16])
{
    const struct route *best = NULL;
    for (unsigned k = 0; k < further_routes; k++) {
        const struct route *r = &table[k];
        if (r->v4 == ip_is_v4(ip) && r->type != RTN_LOCAL && bits_equal(r->to, ip, bits_of(r)) &&
            (!best || r->length > best->length || (r->length == best->length && r->metric < best->metric)))
            best = r;
    }
    return best;
}

int further_find(const u8 to[16], struct further_hop *h)
{
    u32 metric;
    if (!further_any || ip_is_multicast(to))
        return 0;
    bool v4 = ip_is_v4(to);
    int length = own_length(to, &metric);
    const struct interface_address *a = further_network(to, true);
    const struct route *r = best_route(to);
    if (a && (a->prefix > length || (a->prefix == length && !v4 && metric > METRIC_CONNECTED6))) {
        length = a->prefix;
        metric = v4 ? 0 : METRIC_CONNECTED6;
    } else {
        a = NULL;
    }
    *h = (struct further_hop){.source = a && v4 ? a->ip : NULL};
    if (!r || r->length < length || (r->length == length && (r->metric > metric || (v4 && r->metric == metric))))
        return a != NULL;
    switch (r->type) {
    case RTN_UNREACHABLE:
        return -EHOSTUNREACH;
    case RTN_PROHIBIT:
        return -EACCES;
    case RTN_BLACKHOLE:
        return -EINVAL;
    case RTN_THROW:
        return -ENETUNREACH;
    default:
        break;
    }
    const struct interface_address *near = r->via && v4 ? further_network(r->gateway, false) : NULL;
    h->gateway = r->via ? r->gateway : NULL;
    h->source = r->from ? r->source : near ? near->ip : NULL;
    return 1;
}

bool further_is_own(const u8 ip[16])
{
    if (further_is_own_address(ip))
        return true;
    for (unsigned k = 0; k < further_routes; k++) {
        if (table[k].type == RTN_LOCAL && table[k].v4 == ip_is_v4(ip) && bits_equal(table[k].to, ip, bits_of(&table[k])))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------ sending */

static const void *decided; /* the next hop of the packet in hand, address in lwIP's form; NULL: lwIP's to find */

const ip4_addr_t *lwip_next_hop(const ip4_addr_t *to)
{
    return decided;
}

const ip6_addr_t *lwip_next_hop6(const ip6_addr_t *to)
{
    return decided ? decided : lwip_fixed_router();
}

err_t further_output(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
    static const ip4_addr_t everybody = {.addr = IPADDR_BROADCAST};
    struct further_lent l;
    struct further_hop h;
    ip4_addr_t hop;
    u8 ip[16];
    if (likely(!further_any))
        return etharp_output(n, p, to);
    ip_from_v4(ip, &to->addr);
    int found = further_find(ip, &h);
    if (found < 0)
        return ERR_RTE;
    /* Who is asked for his hardware address is to know who asks. */
    bool lends = p->len >= IP_HLEN && further_lend(&((const struct ip_hdr *)p->payload)->src, &l);
    const ip4_addr_t *next = to;
    if (further_is_broadcast(ip)) {
        next = &everybody;
    } else if (found) {
        if (h.gateway)
            memcpy(&hop.addr, h.gateway + 12, 4);
        else
            hop = *to;
        next = &hop;
        decided = next;
    } else if (lends && !ip4_addr_isany_val(l.ip) && ip4_addr_netcmp(to, &l.ip, &l.mask)) {
        decided = to; /* on lwIP's link */
    }
    err_t e = etharp_output(n, p, next);
    decided = NULL;
    if (lends)
        further_give_back(&l);
    return e;
}

err_t further_output6(struct netif *n, struct pbuf *p, const ip6_addr_t *to)
{
    struct further_hop h;
    ip6_addr_t hop = *to;
    u8 ip[16];
    if (likely(!further_any))
        return ethip6_output(n, p, to);
    memcpy(ip, to->addr, 16);
    int found = further_find(ip, &h);
    if (found < 0)
        return ERR_RTE;
    if (found && h.gateway)
        memcpy(hop.addr, h.gateway, 16);
    decided = found ? &hop : NULL;
    err_t e = ethip6_output(n, p, &hop);
    decided = NULL;
    return e;
}

/* ------------------------------------------------------------ changes */

static void cut(unsigned at)
{
    memmove(&table[at], &table[at + 1], (--further_routes - at) * sizeof(*table));
    further_update();
}

void further_forget_source(const u8 ip[16])
{
    for (unsigned k = further_routes; k-- > 0;) {
        if (table[k].from && ip_equal(table[k].source, ip))
            cut(k);
    }
}

void further_down(void)
{
    for (unsigned k = further_routes; k-- > 0;) {
        if (table[k].v4 && table[k].interface == OUTSIDE_INDEX)
            cut(k);
    }
}

unsigned network_routes(struct route *list, unsigned max)
{
    core_lock();
    unsigned n = further_routes;
    memcpy(list, table, MIN(n, max) * sizeof(*list));
    core_unlock();
    return n;
}

static bool is_same_place(const struct route *a, const struct route *b)
{
    return a->v4 == b->v4 && a->length == b->length && a->table == b->table && ip_equal(a->to, b->to);
}

int network_add_route(const struct route *r, u32 flags)
{
    int error = 0;
    core_lock();
    unsigned at = 0;
    while (at < further_routes && !(is_same_place(&table[at], r) && table[at].metric == r->metric))
        at++;
    bool exists = at < further_routes;
    if (exists && (flags & NLM_F_EXCL || !(flags & NLM_F_REPLACE)))
        error = -EEXIST;
    else if (!exists && !(flags & NLM_F_CREATE))
        error = -ENOENT;
    else if (at == ROUTES_GIVEN)
        error = -ENOSPC;
    if (!error) {
        table[at] = *r;
        further_routes += !exists;
        further_update();
    }
    core_unlock();
    return error;
}

int network_delete_route(const struct route *r)
{
    int error = -ESRCH;
    core_lock();
    for (unsigned k = 0; error && k < further_routes; k++) {
        const struct route *t = &table[k];
        if (!is_same_place(t, r) || (r->type && r->type != t->type) || (r->metric && r->metric != t->metric) ||
            (r->protocol && r->protocol != t->protocol) || (r->scope != RT_SCOPE_NOWHERE && r->v4 && r->scope != t->scope) ||
            (r->interface && r->interface != t->interface) || (r->via && !(t->via && ip_equal(r->gateway, t->gateway))) ||
            (r->from && !(t->from && ip_equal(r->source, t->source))))
            continue;
        cut(k);
        error = 0;
    }
    core_unlock();
    return error;
}
