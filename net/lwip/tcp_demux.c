/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to a TCP segment before lwIP sees it: its block is found in the table (net/lwip/tcp.h). Listening sockets are known to
 * the port table (net/inet_port.c) alone: lwIP has one listening block, which is given the port of each SYN that a socket of
 * ours wants, and port 0 otherwise.
 */
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "lwip/priv/tcp_priv.h"
#include "net/counters.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"
#include "net/sysctl.h"

#define DEFER_SLACK 500 /* ms: the SYN-ACK whose answer is waited for may have been sent a little before its time */

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
    tcp_handshake_begin(e, wanted);
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
    struct inet_socket *listener = tcp_handshake_end(tcp_entry_of(pcb));
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
    tcp_handshake_room();
    listening->local_port = lwip_ntohs(h->dest);
    return true;
}

/*
 * An acknowledgement that ends a handshake: is a connection to be made now? Else nothing was heard: the peer will send again what it has
 * to say, or be asked again by the SYN-ACK. So it is with an accept queue that is full, and with TCP_DEFER_ACCEPT for an acknowledgement
 * without data until the time is over.
 */
static bool completes(struct tcp_entry *e, const struct pbuf *p)
{
    const struct tcp_hdr *h = p->payload;
    const struct inet_socket *l = e->listener;
    if ((TCPH_FLAGS(h) & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_ACK)
        return true;
    bool bare = !(TCPH_FLAGS(h) & TCP_FIN) && p->tot_len == TCPH_HDRLEN_BYTES(h);
    tcp_set_clock();
    if (bare && (tcp_ticks - e->began) * TCP_SLOW_INTERVAL + DEFER_SLACK < (u32)l->options.defer_accept * 1000)
        return false;
    if (READ_ONCE(l->base.accept_count) <= l->base.accept_limit)
        return true;
    net_count(TCP_OVERFLOWS, 1);
    if (READ_ONCE(net_settings.abort_on_overflow))
        tcp_abort(e->pcb);
    return false;
}

/*
 * A SYN of p to pcb, which is in TIME_WAIT: does it begin a new connection between the same ends (RFC 1122, 4.2.2.13; RFC 6191)? A newer
 * timestamp says so, an older one tells of a duplicate; else the sequence number does.
 */
static bool begins_anew(const struct tcp_pcb *pcb, const struct pbuf *p)
{
    const struct tcp_hdr *h = p->payload;
    const u8 *option = pcb->flags & TF_TIMESTAMP ? tcp_option(p, LWIP_TCP_OPT_TS) : NULL;
    if (option && option[1] == LWIP_TCP_OPT_LEN_TS) {
        u32 stamp;
        memcpy(&stamp, option + 2, sizeof(stamp));
        if (lwip_ntohl(stamp) != pcb->ts_recent)
            return TCP_SEQ_GT(lwip_ntohl(stamp), pcb->ts_recent);
    }
    return TCP_SEQ_GT(lwip_ntohl(h->seqno), pcb->rcv_nxt);
}

/*
 * A SYN for a connection that has begun, whose options lwIP would take over whatever its sequence number: the same SYN once more is
 * answered by our SYN-ACK once more, any other by an acknowledgement (RFC 5961, 4).
 */
static void answer_syn(struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    if (pcb->state == SYN_RCVD && !(TCPH_FLAGS(h) & TCP_ACK) && lwip_ntohl(h->seqno) == pcb->rcv_nxt - 1)
        tcp_rexmit(pcb);
    else
        tcp_ack_now(pcb);
    tcp_output(pcb);
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
        if (begins && e && e->pcb->state == TIME_WAIT && begins_anew(e->pcb, p)) {
            tcp_abort(e->pcb);
            e = NULL;
        }
        if (e && e->pcb->state > SYN_SENT && (TCPH_FLAGS(h) & (TCP_SYN | TCP_RST)) == TCP_SYN) {
            answer_syn(e->pcb, h);
            good = false;
        } else if (begins && !e)
            good = begin(h);
        else if (e && e->listener)
            good = completes(e, p);
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
