/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP control blocks by address, and by what timers have to do for them. See net/lwip/tcp.h. */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/random.h"
#include "lwip/etharp.h"
#include "lwip/priv/tcp_priv.h"
#include "net/counters.h"
#include "net/lwip/core.h"
#include "net/lwip/hooks.h"
#include "net/lwip/tcp.h"
#include "net/sysctl.h"

#define NEIGHBOUR_TICKS (3000 / TCP_SLOW_INTERVAL) /* ARP without an answer is no route to the host */
#define BLOCK_MEMORY    512 /* bytes of a block in TIME_WAIT, with all around it */
#define HALF_OPEN_MAX   4096

/* Blocks that timers look at; those that need nothing but perhaps keep-alive; those in TIME_WAIT, oldest first. */
static struct list busy = LIST_INIT(busy), idle = LIST_INIT(idle), waiting = LIST_INIT(waiting);
static unsigned waiting_count, waiting_max, half_open, half_open_max;

static struct tcp_entry **buckets;
static u32 bucket_mask, seed;
static struct tcp_entry *in_hand; /* the one lwIP deals with */

void tcp_table_init(u64 memory)
{
    u32 n = 256;
    while (n < 8192 && n * (u64)65536 < memory)
        n *= 2;
    buckets = kzalloc(n * sizeof(*buckets));
    ASSERT(buckets);
    bucket_mask = n - 1;
    seed = (u32)random_u64();
    waiting_max = (unsigned)MIN((u64)16384, memory / 64 / BLOCK_MEMORY);
    half_open_max = (unsigned)MIN((u64)HALF_OPEN_MAX, memory / 16384);
}

void tcp_set_clock(void)
{
    tcp_ticks = (u32)(platform_clock() / (TCP_SLOW_INTERVAL * NSEC_PER_MSEC)) + 1;
}

/* ------------------------------------------------------------ by address */

static u32 mix(u32 h, u32 word)
{
    h = (h ^ word) * 0x9e3779b1u;
    return h ^ h >> 15;
}

static u32 hash_of(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port)
{
    u32 h = mix(seed, (u32)local_port << 16 | remote_port);
    unsigned words = IP_IS_V6(remote) ? 4 : 1;
    for (unsigned i = 0; i < words; i++) {
        h = mix(h, ip_2_ip6(remote)->addr[i]);
        h = mix(h, ip_2_ip6(local)->addr[i]);
    }
    return h;
}

struct tcp_entry *tcp_entry_find(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port)
{
    u32 hash = hash_of(local, local_port, remote, remote_port);
    for (struct tcp_entry *e = buckets[hash & bucket_mask]; e; e = e->next) {
        const struct tcp_pcb *pcb = e->pcb;
        if (e->hash == hash && pcb->local_port == local_port && pcb->remote_port == remote_port &&
            ip_addr_cmp(&pcb->remote_ip, remote) && ip_addr_cmp(&pcb->local_ip, local))
            return e;
    }
    return NULL;
}

static void unhash(struct tcp_entry *e)
{
    struct tcp_entry **at = &buckets[e->hash & bucket_mask];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
}

/* ------------------------------------------------------------ life */

static void leave_connection(struct tcp_entry *e)
{
    if (e->connection) {
        tcp_link_ended(e->connection);
        e->connection = NULL;
    }
}

/* lwIP frees the block. */
static void destroyed(u8_t id, void *data)
{
    struct tcp_entry *e = data;
    if (in_hand == e)
        in_hand = NULL;
    if (e->since) {
        waiting_count--;
        net_count(TCP_TIME_WAITS, 1);
    }
    unhash(e);
    list_remove(&e->link);
    if (e->listener)
        socket_put(&tcp_handshake_end(e)->base);
    leave_connection(e);
    kfree(e);
}

static const struct tcp_ext_arg_callbacks callbacks = {.destroy = destroyed};

struct tcp_entry *tcp_entry_create(struct tcp_pcb *pcb)
{
    struct tcp_entry *e = kzalloc(sizeof(*e));
    if (!e)
        return NULL;
    e->pcb = pcb;
    tcp_set_clock();
    e->began = tcp_ticks;
    e->hash = hash_of(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port);
    e->next = buckets[e->hash & bucket_mask];
    buckets[e->hash & bucket_mask] = e;
    list_add_tail(&busy, &e->link);
    tcp_ext_arg_set_callbacks(pcb, 0, &callbacks);
    tcp_ext_arg_set(pcb, 0, e);
    return e;
}

/* ------------------------------------------------------------ lwIP's lists */

void tcp_entry_take(struct tcp_entry *e)
{
    tcp_set_clock();
    in_hand = e;
    if (!e)
        return;
    e->pcb->next = NULL;
    if (e->pcb->state == TIME_WAIT)
        tcp_tw_pcbs = e->pcb;
    else
        tcp_active_pcbs = e->pcb;
}

static void end_oldest_wait(void)
{
    tcp_abort(list_first(&waiting, struct tcp_entry, link)->pcb); /* in TIME_WAIT that says nothing */
}

bool tcp_entry_settle(void)
{
    struct tcp_entry *e = in_hand;
    tcp_active_pcbs = tcp_tw_pcbs = NULL;
    in_hand = NULL;
    if (!e || e->since)
        return false;
    e->pcb->next = NULL;
    if (e->pcb->state != TIME_WAIT) {
        tcp_entry_busy(e);
        return true;
    }
    /* All is said: what the program still has to read is in the stream. */
    leave_connection(e);
    e->since = tcp_ticks;
    list_remove(&e->link);
    list_add_tail(&waiting, &e->link);
    if (++waiting_count > waiting_max)
        end_oldest_wait();
    return false;
}

void tcp_entry_busy(struct tcp_entry *e)
{
    list_remove(&e->link);
    list_add_tail(&busy, &e->link);
}

/* ------------------------------------------------------------ handshakes from outside */

void tcp_handshake_begin(struct tcp_entry *e, struct inet_socket *listener)
{
    socket_get(&listener->base);
    e->listener = listener;
    half_open++;
}

struct inet_socket *tcp_handshake_end(struct tcp_entry *e)
{
    struct inet_socket *listener = e->listener;
    e->listener = NULL;
    half_open--;
    return listener;
}

/* A client that has answered meanwhile, and whose answer was not seen yet, is reset: so the limit is memory's, not that of a queue. */
void tcp_handshake_room(void)
{
    struct tcp_entry *e;
    if (half_open < half_open_max)
        return;
    list_for_each(e, &busy, link) {
        if (e->listener) {
            tcp_abandon(e->pcb, 0);
            return;
        }
    }
}

void tcp_entry_each(void (*fn)(struct tcp_entry *e, void *arg), void *arg)
{
    struct list *const lists[] = {&busy, &idle, &waiting};
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
        struct tcp_entry *e;
        list_for_each(e, lists[i], link)
            fn(e, arg);
    }
}

/* ------------------------------------------------------------ time */

bool tcp_is_busy(void)
{
    return !list_empty(&busy);
}

static bool is_idle(const struct tcp_entry *e)
{
    const struct tcp_pcb *pcb = e->pcb;
    bool quiet = pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT ||
                 (pcb->state == FIN_WAIT_2 && !(pcb->flags & TF_RXCLOSED));
    return quiet && !pcb->unacked && !pcb->unsent && !pcb->ooseq && !pcb->refused_data && !pcb->persist_backoff &&
           !(pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND)) && !pcb->keep_cnt_sent &&
           !(e->connection && tcp_link_waits(e->connection));
}

/* The time until the next retransmission doubles, up to two minutes (RFC 6298, 5.5); lwIP would stop at 128 times the first one. */
static void back_off(struct tcp_pcb *pcb)
{
    s32 first = pcb->state == SYN_SENT ? LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL : MAX((pcb->sa >> 3) + pcb->sv, 1);
    if (pcb->state == SYN_SENT || pcb->nrtx)
        pcb->rto = (s16_t)MIN(first << MIN(pcb->nrtx, 12), 120000 / TCP_SLOW_INTERVAL);
}

/* SYN-ACKs that are sent again to a client that was slow to say something, until its listener is told all the same. */
static int deferred_count(int seconds)
{
    int n = 0;
    for (int due = 0; due < seconds; n++)
        due += MIN(1 << MIN(n, 7), 120);
    return n;
}

/* One more than Linux sends: the last goes out, for lwIP's sake, at the moment when Linux gives up. */
unsigned lwip_retries(const struct tcp_pcb *pcb)
{
    const struct tcp_entry *e = tcp_entry_of(pcb);
    int n = READ_ONCE(net_settings.retries);
    if (pcb->state == SYN_SENT && e && e->connection)
        n = tcp_link_syn_count(e->connection);
    else if (e && e->listener)
        n = MAX(READ_ONCE(net_settings.synack_count), deferred_count(e->listener->options.defer_accept));
    return (unsigned)MIN(n + 1, UINT8_MAX);
}

void tcp_tick(void)
{
    static bool slow;
    struct tcp_entry *e, *next;
    tcp_set_clock();
    list_for_each(e, &busy, link) {
        e->pcb->next = tcp_active_pcbs;
        tcp_active_pcbs = e->pcb;
        if (e->listener)
            e->pcb->tmr = tcp_ticks; /* lwIP would give it 20 s */
        back_off(e->pcb);
    }
    tcp_fasttmr();
    slow = !slow;
    if (slow) {
        tcp_ticks--; /* it counts by itself */
        tcp_slowtmr();
    }
    tcp_active_pcbs = NULL;
    list_for_each_safe(e, next, &busy, link) {
        e->pcb->next = NULL;
        if (e->connection)
            tcp_link_probe(e->connection);
        if (is_idle(e)) {
            list_remove(&e->link);
            list_add_tail(&idle, &e->link);
        }
    }
}

/* Is there an answer to ARP for where pcb's segments go? IPv6 tells by ICMP. */
static bool neighbour_answers(const struct tcp_pcb *pcb)
{
    struct netif *n = &device_netif;
    struct eth_addr *ethernet;
    const ip4_addr_t *to = ip_2_ip4(&pcb->remote_ip), *known;
    if (IP_IS_V6(&pcb->remote_ip))
        return true;
    if (!ip4_addr_netcmp(to, netif_ip4_addr(n), netif_ip4_netmask(n)))
        to = netif_ip4_gw(n);
    return etharp_find_addr(n, to, &ethernet, &known) >= 0;
}

void tcp_each_second(void)
{
    struct tcp_entry *e, *next;
    tcp_set_clock();
    while ((e = list_first(&waiting, struct tcp_entry, link)) && tcp_ticks - e->since > TIME_WAIT_TICKS)
        end_oldest_wait();
    list_for_each_safe(e, next, &busy, link) {
        if (e->pcb->state == SYN_SENT && tcp_ticks - e->began > NEIGHBOUR_TICKS && !neighbour_answers(e->pcb))
            tcp_link_error(e->connection, EHOSTUNREACH);
    }
    /* Keep-alive is looked at by the tick. */
    list_for_each_safe(e, next, &idle, link) {
        if (ip_get_option(e->pcb, SOF_KEEPALIVE) &&
            tcp_ticks - e->pcb->tmr > e->pcb->keep_idle / TCP_SLOW_INTERVAL)
            tcp_entry_busy(e);
    }
}
