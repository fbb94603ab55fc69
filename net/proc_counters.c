/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters in /proc/net (proc(5), RFC 4293 and its fellows): what lwIP counted with the outside, and what sockets of this VM said to
 * each other, as if in packets. Of Linux's own additions (TcpExt) those are here that this network has.
 */
#include "fs/proc/proc.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "net/counters.h"
#include "net/proc.h"

/* Values: lwIP's come first, then the VM's own, then constants and sums. */
enum {
    OWN = NETWORK_COUNTERS,
    ZERO = OWN + NET_COUNTERS,
    ONE,
    TWO,
    TTL,
    RTO_MIN,
    RTO_MAX,
    MAX_CONNECTIONS,
    ESTABLISHED,
    TCP_SEGMENTS_IN,
    TCP_SEGMENTS_OUT,
    VALUES
};
_Static_assert(VALUES <= 256, "numbers of values fit a byte");
#define O(counter) (OWN + (counter))
#define IP(counter, v6) ((v6) * IP_COUNTERS + (counter))

static unsigned count_established(void)
{
    unsigned n = 0;
    for (int v6 = 0; v6 < 2; v6++) {
        struct sockets *all = sockets_of(v6 ? SOCKETS_TCP6 : SOCKETS_TCP);
        for (unsigned i = 0; !IS_ERR(all) && i < all->n; i++) {
            int state = tcp_state_of(inet_of(all->list[i]));
            n += state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT;
        }
        if (!IS_ERR(all))
            sockets_free(all);
    }
    return n;
}

/* Memory that kfree() frees, NULL: none. */
static u64 *values_get(void)
{
    u64 *v = kzalloc(VALUES * sizeof(*v));
    if (!v)
        return NULL;
    network_counters(v);
    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++) {
        for (unsigned i = 0; i < NET_COUNTERS; i++)
            v[OWN + i] += READ_ONCE(platform_percpu(cpu)->counters[COUNT_NETWORK + i]);
    }
    for (int v6 = 0; v6 < 2; v6++) {
        u64 packets = v[O(LOOP_PACKETS + v6)], bytes = v[O(LOOP_BYTES + v6)] - packets * 14;
        v[IP(IP_RECEIVED, v6)] += packets;
        v[IP(IP_DELIVERED, v6)] += packets;
        v[IP(IP_SENT, v6)] += packets;
        v[IP(IP_OCTETS_IN, v6)] += bytes;
        v[IP(IP_OCTETS_OUT, v6)] += bytes;
        u64 segments = packets - v[O(LOOP_DATAGRAMS + v6)];
        v[TCP_SEGMENTS_IN] += segments;
        v[TCP_SEGMENTS_OUT] += segments;
    }
    v[TCP_SEGMENTS_IN] += v[TCP_IN];
    v[TCP_SEGMENTS_OUT] += v[TCP_OUT];
    v[TCP_ACTIVE_OUT] += v[O(TCP_ACTIVE)];
    v[TCP_FAILED_OUT] += v[O(TCP_FAILED)];
    v[TCP_RESETS_OUT] += v[O(TCP_LOOP_RESETS)] + v[O(TCP_FAILED)];
    v[TCP_RESET] += v[O(TCP_LOOP_RESETS)];
    v[O(UDP_TAKEN)] += v[UDP_TAKEN_LWIP];
    v[O(UDP_NOBODY)] += v[UDP_NOBODY_OUT];
    v[UDP_ERRORS] += v[O(UDP_NO_ROOM)];
    v[UDP_SENT] += v[O(LOOP_DATAGRAMS)];
    v[ONE] = 1;
    v[TWO] = 2;
    v[TTL] = 64;
    v[RTO_MIN] = 200;
    v[RTO_MAX] = 120000;
    v[MAX_CONNECTIONS] = UINT64_MAX;
    v[ESTABLISHED] = count_established();
    return v;
}

/* A group's names, and the number of each one's value. */
struct group {
    const char *prefix, *names;
    const u8 *which;
};
#define GROUP(prefix, names, ...) {prefix, names, (const u8[]){__VA_ARGS__}}

static const struct group snmp_groups[] = {
    GROUP("Ip",
          "Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests "
          "OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits",
          TWO, TTL, IP_RECEIVED, IP_BAD_HEADER, IP_BAD_ADDRESS, ZERO, IP_UNKNOWN_PROTOCOL, IP_DISCARDED, IP_DELIVERED, IP_SENT,
          IP_SEND_DISCARDED, IP_NO_ROUTE, ZERO, IP_FRAGMENTS_IN, IP_REASSEMBLED, IP_REASSEMBLY_FAILED, IP_FRAGMENTED, IP_FRAGMENT_FAILED,
          IP_FRAGMENTS_OUT, IP_SENT),
    GROUP("Icmp",
          "InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps "
          "InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds "
          "OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps",
          ICMP_IN, ICMP_IN_ERRORS, ZERO, ICMP_IN_UNREACHABLE, ICMP_IN_EXCEEDED, ICMP_IN_PARAMETER, ICMP_IN_QUENCH, ICMP_IN_REDIRECT,
          ICMP_IN_ECHO, ICMP_IN_ECHO_REPLY, ICMP_IN_TIMESTAMP, ICMP_IN_TIMESTAMP_REPLY, ICMP_IN_MASK, ICMP_IN_MASK_REPLY, ICMP_OUT,
          ICMP_OUT_ERRORS, ZERO, ZERO, ICMP_OUT_UNREACHABLE, ICMP_OUT_EXCEEDED, ZERO, ZERO, ZERO, ICMP_OUT_ECHO, ICMP_OUT_ECHO_REPLY, ZERO,
          ZERO, ZERO, ZERO),
    GROUP("Tcp",
          "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs "
          "InErrs OutRsts InCsumErrors",
          ONE, RTO_MIN, RTO_MAX, MAX_CONNECTIONS, TCP_ACTIVE_OUT, O(TCP_PASSIVE), TCP_FAILED_OUT, TCP_RESET, ESTABLISHED, TCP_SEGMENTS_IN,
          TCP_SEGMENTS_OUT, TCP_RETRANSMITTED, TCP_IN_ERRORS, TCP_RESETS_OUT, ZERO),
    GROUP("Udp", "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors", O(UDP_TAKEN),
          O(UDP_NOBODY), UDP_ERRORS, UDP_SENT, O(UDP_NO_ROOM), ZERO, ZERO, ZERO, ZERO),
    {0},
};

static const struct group netstat_groups[] = {
    GROUP("TcpExt",
          "SyncookiesSent SyncookiesRecv SyncookiesFailed TW ListenOverflows ListenDrops TCPAbortOnData TCPAbortOnClose TCPMD5NotFound "
          "TCPFastOpenActive TCPFastOpenPassive BusyPollRxPackets",
          ZERO, ZERO, ZERO, O(TCP_TIME_WAITS), O(TCP_OVERFLOWS), O(TCP_OVERFLOWS), O(TCP_ABORT_LINGER), O(TCP_ABORT_UNREAD), ZERO, ZERO,
          ZERO, ZERO),
    GROUP("IpExt", "InNoRoutes InOctets OutOctets", ZERO, IP_OCTETS_IN, IP_OCTETS_OUT),
    {0},
};

#define IP6(counter) (IP6_FIRST + (counter))
static const struct group snmp6_groups[] = {
    GROUP("Ip6",
          "InReceives InHdrErrors InUnknownProtos InDiscards InDelivers OutForwDatagrams OutRequests OutNoRoutes ReasmReqds ReasmFails "
          "FragCreates InOctets OutOctets OutTransmits",
          IP6(IP_RECEIVED), IP6(IP_BAD_HEADER), IP6(IP_UNKNOWN_PROTOCOL), IP6(IP_DISCARDED), IP6(IP_DELIVERED), ZERO, IP6(IP_SENT),
          IP6(IP_NO_ROUTE), IP6(IP_FRAGMENTS_IN), IP6(IP_REASSEMBLY_FAILED), IP6(IP_FRAGMENTS_OUT), IP6(IP_OCTETS_IN), IP6(IP_OCTETS_OUT),
          IP6(IP_SENT)),
    GROUP("Icmp6", "InMsgs InErrors OutMsgs", ICMP6_IN, ICMP6_IN_ERRORS, ICMP6_OUT),
    GROUP("Udp6", "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors", O(UDP_TAKEN_V6), O(UDP_NOBODY_V6), O(UDP_NO_ROOM_V6),
          O(LOOP_DATAGRAMS_V6), O(UDP_NO_ROOM_V6), ZERO),
    {0},
};

static int show_lines(struct text *t, const struct group *g)
{
    u64 *v = values_get();
    if (!v)
        return -ENOMEM;
    for (; g->prefix; g++) {
        text_printf(t, "%s: %s\n%s:", g->prefix, g->names, g->prefix);
        unsigned i = 0;
        for (const char *p = g->names; p; p = strchr(p + 1, ' '))
            text_printf(t, " %lld", (long long)v[g->which[i++]]);
        text_printf(t, "\n");
    }
    kfree(v);
    return 0;
}

int proc_net_snmp(struct text *t, const struct generated_ref *r)
{
    return show_lines(t, snmp_groups);
}

int proc_net_netstat(struct text *t, const struct generated_ref *r)
{
    return show_lines(t, netstat_groups);
}

int proc_net_snmp6(struct text *t, const struct generated_ref *r)
{
    u64 *v = values_get();
    if (!v)
        return -ENOMEM;
    for (const struct group *g = snmp6_groups; g->prefix; g++) {
        unsigned i = 0;
        for (const char *p = g->names, *end; *p; p = *end ? end + 1 : end) {
            size_t mark = t->used;
            end = strchr(p, ' ');
            if (!end)
                end = p + strlen(p);
            text_printf(t, "%s", g->prefix);
            text_append(t, p, (size_t)(end - p));
            text_pad(t, mark, 32);
            text_printf(t, "\t%llu\n", (unsigned long long)v[g->which[i++]]);
        }
    }
    kfree(v);
    return 0;
}

/* ------------------------------------------------------------ sums */

/* How many are bound or connected, and the pages of what is in their queues. */
static unsigned in_use(enum socket_kind kind, u64 *pages)
{
    struct sockets *all = sockets_of(kind);
    u64 bytes = 0;
    if (IS_ERR(all))
        return 0;
    unsigned n = all->n;
    for (unsigned i = 0; i < n; i++) {
        struct socket *s = all->list[i];
        u64 sent = s->ops->unsent_bytes ? s->ops->unsent_bytes(s) : 0;
        bytes += s->type == SOCK_STREAM ? s->listening ? 0 : stream_readable(s) : inet_of(s)->queue.charge;
        bytes += (s64)sent > 0 ? sent : 0;
    }
    sockets_free(all);
    *pages += (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    return n;
}

int proc_net_sockstat(struct text *t, const struct generated_ref *r)
{
    u64 *v = values_get(), tcp_pages = 0, udp_pages = 0, raw_pages = 0;
    unsigned used = 0, tcp = in_use(SOCKETS_TCP, &tcp_pages), udp = in_use(SOCKETS_UDP, &udp_pages);
    if (!v)
        return -ENOMEM;
    in_use(SOCKETS_TCP6, &tcp_pages);
    in_use(SOCKETS_UDP6, &udp_pages);
    for (unsigned k = 0; k < SOCKET_KINDS; k++)
        used += socket_count(k);
    text_printf(t, "sockets: used %u\nTCP: inuse %u orphan %llu tw %llu alloc %llu mem %llu\nUDP: inuse %u mem %llu\nUDPLITE: inuse 0\n"
                "RAW: inuse %u\nFRAG: inuse 0 memory 0\n", used, tcp, (unsigned long long)v[TCP_ORPHANS], (unsigned long long)v[TCP_TIME_WAIT_NOW],
                socket_count(SOCKETS_TCP) + socket_count(SOCKETS_TCP6) + (unsigned long long)v[TCP_ORPHANS], (unsigned long long)tcp_pages, udp,
                (unsigned long long)udp_pages, in_use(SOCKETS_RAW, &raw_pages));
    kfree(v);
    return 0;
}

int proc_net_sockstat6(struct text *t, const struct generated_ref *r)
{
    u64 pages = 0;
    text_printf(t, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n", in_use(SOCKETS_TCP6, &pages),
                in_use(SOCKETS_UDP6, &pages), in_use(SOCKETS_RAW6, &pages));
    return 0;
}

int proc_net_softnet(struct text *t, const struct generated_ref *r)
{
    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++) {
        const u64 *c = platform_percpu(cpu)->counters + COUNT_NETWORK;
        text_printf(t, "%08x", (u32)(c[FRAMES_TAKEN] + c[LOOP_PACKETS] + c[LOOP_PACKETS_V6]));
        for (unsigned i = 1; i < 15; i++)
            text_printf(t, " %08x", i == 12 ? cpu : 0);
        text_printf(t, "\n");
    }
    return 0;
}
