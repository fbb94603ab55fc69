/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to a TCP segment before lwIP sees it: its block is found in the table (net/lwip/tcp.h). Listening sockets are known to
 * the port table (net/inet_port.c) alone: lwIP has one listening block, which is given the port of each SYN that a socket of
 * ours wants, and port 0 otherwise.
 */
#include "kernel/log.h"
#include "lwip/priv/tcp_priv.h"
#include "net/counters.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

#define HALF_OPEN_MIN 128 /* handshakes that each listener may have under way, however short its queue is */

static struct tcp_pcb_listen *listening;
static struct inet_socket *wanted; /* the listener of the segment in hand: reference */

void __real_tcp_input(struct pbuf *p, struct netif *n);
void __wrap_tcp_input(struct pbuf *p, struct netif *n);

/* ------------------------------------------------------------ handshakes */

static err_t passive_open(u8_t id, struct tcp_pcb_listen *l, struct tcp_pcb *pcb)
{
    struct tcp_entry *e = tcp_entry_create(pcb);
    if (!e)
        return ERR_MEM;
    e->listener = wanted;
    socket_get(&wanted->base);
    wanted->half_open++;
    pcb->rto = pcb->sv = LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL;
    tcp_set_window(pcb, wanted);
    tcp_apply_options(pcb, wanted);
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks listen_callbacks = {.passive_open = passive_open};

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    if (!pcb)
        return ERR_OK; /* there was no memory for one */
    struct tcp_entry *e = tcp_entry_of(pcb);
    struct inet_socket *listener = e->listener;
    e->listener = NULL;
    listener->half_open--;
    err_t result = tcp_accept_connection(listener, pcb);
    socket_put(&listener->base);
    return result;
}

void tcp_demux_init(void)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    ASSERT(pcb);
    listening = (struct tcp_pcb_listen *)tcp_listen(pcb);
    ASSERT(listening);
    tcp_accept((struct tcp_pcb *)listening, accepted);
    tcp_ext_arg_set_callbacks((struct tcp_pcb *)listening, 0, &listen_callbacks);
}

/* ------------------------------------------------------------ segments */

static struct inet_socket *find_listener(const struct tcp_hdr *h)
{
    struct inet_address to = {.port = lwip_ntohs(h->dest)}, from = {.port = lwip_ntohs(h->src)};
    address_from_lwip(ip_current_dest_addr(), to.ip);
    address_from_lwip(ip_current_src_addr(), from.ip);
    return inet_find_listener(&to, &from, OUTSIDE_INDEX);
}

/* A connection begins: false if its listener has no room, and the peer is to try again, as with Linux. */
static bool begin(const struct tcp_hdr *h)
{
    wanted = find_listener(h);
    if (!wanted)
        return true; /* lwIP resets */
    if (READ_ONCE(wanted->base.accept_count) > wanted->base.accept_limit) {
        net_count(TCP_OVERFLOWS, 1);
        return false;
    }
    if (wanted->half_open >= MAX((unsigned)HALF_OPEN_MIN, wanted->base.accept_limit))
        tcp_drop_half_open();
    listening->local_port = lwip_ntohs(h->dest);
    return true;
}

void __wrap_tcp_input(struct pbuf *p, struct netif *n)
{
    const struct tcp_hdr *h = p->payload;
    struct tcp_entry *e = NULL;
    bool good = checks_tcp(p);
    listening->local_port = 0;
    wanted = NULL;
    if (good) {
        bool begins = (TCPH_FLAGS(h) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
        e = tcp_entry_find(ip_current_dest_addr(), lwip_ntohs(h->dest), ip_current_src_addr(), lwip_ntohs(h->src));
        if (begins && e && e->pcb->state == TIME_WAIT && TCP_SEQ_GT(lwip_ntohl(h->seqno), e->pcb->rcv_nxt)) {
            tcp_abort(e->pcb); /* a new one between the same ends (RFC 1122, 4.2.2.13) */
            e = NULL;
        }
        if (begins && !e)
            good = begin(h);
        else if (e && device_is_full() && p->tot_len > TCPH_HDRLEN_BYTES(h))
            good = !tcp_entry_hoards(e); /* it will be sent again */
    }
    if (good) {
        struct tcp_sack sack;
        u32 acked = e ? e->pcb->lastack : 0;
        tcp_sack_read(&sack, p);
        if (unlikely(TCPH_FLAGS(h) & TCP_URG) && e && e->connection)
            tcp_link_see_urgent(e->connection, h);
        tcp_entry_take(e);
        __real_tcp_input(p, n);
        if (tcp_entry_settle() && e->connection)
            tcp_link_segment(e->connection, &sack, acked);
    } else {
        pbuf_free(p);
    }
    if (wanted)
        socket_put(&wanted->base);
}
