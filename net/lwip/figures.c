/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc/net and netlink tell of lwIP: its counters, its neighbours, its TCP connections. */
#include <linux/neighbour.h>
#include "kernel/lib/string.h"
#include "lwip/etharp.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

/* ------------------------------------------------------------ counters */

#define PLACE(member) ((u16)(offsetof(struct stats_, member) + 1))
#define MIB(member)   PLACE(mib2.member)

/* Where lwIP has each, plus 1; 0: nowhere. Counters are u32_t all. */
static const u16 places[NETWORK_COUNTERS] = {
    [IP_RECEIVED] = MIB(ipinreceives),
    [IP_BAD_HEADER] = MIB(ipinhdrerrors),
    [IP_BAD_ADDRESS] = MIB(ipinaddrerrors),
    [IP_UNKNOWN_PROTOCOL] = MIB(ipinunknownprotos),
    [IP_DISCARDED] = MIB(ipindiscards),
    [IP_DELIVERED] = MIB(ipindelivers),
    [IP_SENT] = MIB(ipoutrequests),
    [IP_SEND_DISCARDED] = MIB(ipoutdiscards),
    [IP_NO_ROUTE] = MIB(ipoutnoroutes),
    [IP_FRAGMENTS_IN] = MIB(ipreasmreqds),
    [IP_REASSEMBLED] = MIB(ipreasmoks),
    [IP_REASSEMBLY_FAILED] = MIB(ipreasmfails),
    [IP_FRAGMENTED] = MIB(ipfragoks),
    [IP_FRAGMENT_FAILED] = MIB(ipfragfails),
    [IP_FRAGMENTS_OUT] = MIB(ipfragcreates),
    [IP6_FIRST + IP_RECEIVED] = PLACE(ip6.recv),
    [IP6_FIRST + IP_UNKNOWN_PROTOCOL] = PLACE(ip6.proterr),
    [IP6_FIRST + IP_BAD_HEADER] = PLACE(ip6.lenerr),
    [IP6_FIRST + IP_DISCARDED] = PLACE(ip6.drop),
    [IP6_FIRST + IP_SENT] = PLACE(ip6.xmit),
    [IP6_FIRST + IP_NO_ROUTE] = PLACE(ip6.rterr),
    [IP6_FIRST + IP_FRAGMENTS_IN] = PLACE(ip6_frag.recv),
    [IP6_FIRST + IP_REASSEMBLY_FAILED] = PLACE(ip6_frag.drop),
    [IP6_FIRST + IP_FRAGMENTS_OUT] = PLACE(ip6_frag.xmit),
    [ICMP_IN] = MIB(icmpinmsgs),
    [ICMP_IN_ERRORS] = MIB(icmpinerrors),
    [ICMP_IN_UNREACHABLE] = MIB(icmpindestunreachs),
    [ICMP_IN_EXCEEDED] = MIB(icmpintimeexcds),
    [ICMP_IN_PARAMETER] = MIB(icmpinparmprobs),
    [ICMP_IN_QUENCH] = MIB(icmpinsrcquenchs),
    [ICMP_IN_REDIRECT] = MIB(icmpinredirects),
    [ICMP_IN_ECHO] = MIB(icmpinechos),
    [ICMP_IN_ECHO_REPLY] = MIB(icmpinechoreps),
    [ICMP_IN_TIMESTAMP] = MIB(icmpintimestamps),
    [ICMP_IN_TIMESTAMP_REPLY] = MIB(icmpintimestampreps),
    [ICMP_IN_MASK] = MIB(icmpinaddrmasks),
    [ICMP_IN_MASK_REPLY] = MIB(icmpinaddrmaskreps),
    [ICMP_OUT] = MIB(icmpoutmsgs),
    [ICMP_OUT_ERRORS] = MIB(icmpouterrors),
    [ICMP_OUT_UNREACHABLE] = MIB(icmpoutdestunreachs),
    [ICMP_OUT_EXCEEDED] = MIB(icmpouttimeexcds),
    [ICMP_OUT_ECHO_REPLY] = MIB(icmpoutechoreps),
    [ICMP6_IN] = PLACE(icmp6.recv),
    [ICMP6_IN_ERRORS] = PLACE(icmp6.drop),
    [ICMP6_OUT] = PLACE(icmp6.xmit),
    [TCP_ACTIVE_OUT] = MIB(tcpactiveopens),
    [TCP_FAILED_OUT] = MIB(tcpattemptfails),
    [TCP_RESET] = MIB(tcpestabresets),
    [TCP_IN] = MIB(tcpinsegs),
    [TCP_OUT] = MIB(tcpoutsegs),
    [TCP_RETRANSMITTED] = MIB(tcpretranssegs),
    [TCP_IN_ERRORS] = MIB(tcpinerrs),
    [TCP_RESETS_OUT] = MIB(tcpoutrsts),
    [UDP_TAKEN_LWIP] = MIB(udpindatagrams),
    [UDP_NOBODY_OUT] = MIB(udpnoports),
    [UDP_ERRORS] = MIB(udpinerrors),
    [UDP_SENT] = MIB(udpoutdatagrams),
};

static void count_entry(struct tcp_entry *e, void *arg)
{
    u64 *values = arg;
    values[TCP_TIME_WAIT_NOW] += e->since != 0;
    values[TCP_ORPHANS] += !e->since && !e->listener && (!e->connection || tcp_link_is_closed(e->connection));
}

void network_counters(u64 *values)
{
    core_lock();
    for (int i = 0; i < NETWORK_COUNTERS; i++)
        values[i] = places[i] ? *(u32 *)((u8 *)&lwip_stats + places[i] - 1) : 0;
    for (int v6 = 0; v6 < 2; v6++) {
        values[v6 * IP_COUNTERS + IP_OCTETS_IN] = device_counters.rx_octets[v6];
        values[v6 * IP_COUNTERS + IP_OCTETS_OUT] = device_counters.tx_octets[v6];
    }
    values[IP6_FIRST + IP_DELIVERED] = values[IP6_FIRST + IP_RECEIVED] - values[IP6_FIRST + IP_DISCARDED];
    values[ICMP6_OUT] += lwip_stats.nd6.xmit + lwip_stats.mld6.xmit;
    tcp_entry_each(count_entry, values);
    core_unlock();
}

/* ------------------------------------------------------------ neighbours */

unsigned network_neighbours(struct network_neighbour *list, unsigned max)
{
    static const u16 states[] = {[ND6_INCOMPLETE] = NUD_INCOMPLETE, [ND6_REACHABLE] = NUD_REACHABLE,
                                 [ND6_STALE] = NUD_STALE,           [ND6_DELAY] = NUD_DELAY,
                                 [ND6_PROBE] = NUD_PROBE};
    unsigned n = 0;
    core_lock();
    for (unsigned i = 0; i < ARP_TABLE_SIZE + LWIP_ND6_NUM_NEIGHBORS; i++) {
        struct network_neighbour it = {.state = NUD_REACHABLE};
        const struct nd6_neighbor_cache_entry *e = &neighbor_cache[i - ARP_TABLE_SIZE];
        ip4_addr_t *ip;
        struct netif *netif;
        struct eth_addr *ethernet;
        if (i < ARP_TABLE_SIZE) {
            if (!etharp_get_entry(i, &ip, &netif, &ethernet))
                continue;
            ip_addr_t a = IPADDR4_INIT(ip->addr);
            address_from_lwip(&a, it.ip);
            memcpy(it.mac, ethernet, 6);
        } else {
            if (e->state == ND6_NO_ENTRY)
                continue;
            memcpy(it.ip, e->next_hop_address.addr, 16);
            memcpy(it.mac, e->lladdr, 6);
            it.state = states[e->state];
            it.router = e->isrouter;
        }
        if (n < max)
            list[n] = it;
        n++;
    }
    core_unlock();
    return n;
}

/* ------------------------------------------------------------ TCP connections */

static u32 remaining(u32 whole, u32 gone)
{
    return gone < whole ? whole - gone : 0;
}

static void describe(const struct tcp_pcb *pcb, struct network_tcp_row *row)
{
    u32 mss = MAX(1u, (u32)pcb->mss);
    memset(row, 0, sizeof(*row));
    address_from_lwip(&pcb->local_ip, row->local);
    address_from_lwip(&pcb->remote_ip, row->remote);
    row->local_port = pcb->local_port;
    row->remote_port = pcb->remote_port;
    row->state = tcp_state_of_block(pcb);
    row->rto_ms = (u32)pcb->rto * TCP_SLOW_INTERVAL;
    row->window = MAX(1u, (u32)(pcb->cwnd / mss));
    row->threshold = pcb->ssthresh >= 0x7fffffff ? UINT32_MAX : (u32)(pcb->ssthresh / mss);
    row->retransmits = pcb->nrtx;
    row->probes = pcb->persist_probe;
    if (pcb->persist_backoff) {
        row->timer = 4;
    } else if (pcb->unacked && pcb->rtime >= 0) {
        row->timer = 1;
        row->timer_ms = remaining(row->rto_ms, (u32)pcb->rtime * TCP_SLOW_INTERVAL);
    } else if (ip_get_option(pcb, SOF_KEEPALIVE)) {
        row->timer = 2;
        row->timer_ms = remaining(pcb->keep_idle, (tcp_ticks - pcb->tmr) * TCP_SLOW_INTERVAL);
    }
}

bool network_tcp_row(struct byte_stream *st, struct network_tcp_row *row)
{
    core_lock();
    const struct tcp_pcb *pcb = tcp_block_of(st);
    if (pcb)
        describe(pcb, row);
    core_unlock();
    return pcb;
}

struct rows {
    struct network_tcp_row *list;
    unsigned max, n;
};

static void add_row(struct tcp_entry *e, void *arg)
{
    struct rows *r = arg;
    if (e->connection && !tcp_link_is_closed(e->connection))
        return;
    if (r->n < r->max) {
        struct network_tcp_row *row = &r->list[r->n];
        describe(e->pcb, row);
        if (e->since) {
            row->timer = 3;
            row->timer_ms = remaining(TIME_WAIT_TICKS, tcp_ticks - e->since) * TCP_SLOW_INTERVAL;
        }
        row->uid = e->listener ? e->listener->base.uid : 0;
    }
    r->n++;
}

unsigned network_tcp_rows(struct network_tcp_row *list, unsigned max)
{
    struct rows r = {.list = list, .max = max};
    core_lock();
    tcp_set_clock();
    tcp_entry_each(add_row, &r);
    core_unlock();
    return r.n;
}
