/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to a TCP segment before lwIP sees it. Listening sockets are known to the port table (net/inet_port.c) alone: lwIP has
 * one listening block, which is given the port of each SYN that a socket of ours wants, and port 0 otherwise.
 */
#include "kernel/log.h"
#include "lwip/priv/tcp_priv.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

static struct tcp_pcb_listen *listening;
static struct inet_socket *wanted; /* the listener of the segment in hand: reference */

void __real_tcp_input(struct pbuf *p, struct netif *n);
void __wrap_tcp_input(struct pbuf *p, struct netif *n);

/* ------------------------------------------------------------ handshakes */

static void half_open_ended(u8_t id, void *data)
{
    struct inet_socket *listener = data;
    listener->half_open--;
    socket_put(&listener->base);
}

static const struct tcp_ext_arg_callbacks half_open_callbacks = {.destroy = half_open_ended};

static err_t passive_open(u8_t id, struct tcp_pcb_listen *l, struct tcp_pcb *pcb)
{
    tcp_ext_arg_set_callbacks(pcb, 0, &half_open_callbacks);
    tcp_ext_arg_set(pcb, 0, wanted);
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
    struct inet_socket *listener = tcp_ext_arg_get(pcb, 0);
    err_t result = tcp_accept_connection(listener, pcb);
    if (result == ERR_OK)
        half_open_ended(0, listener); /* the block's extra argument is the connection's now */
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

static struct inet_socket *find_listener(u16 port)
{
    struct inet_address to = {.port = port};
    address_from_lwip(ip_current_dest_addr(), to.ip);
    return inet_find_listener(&to);
}

/* Is there room for one more connection, counting those whose handshake is under way? */
static bool has_room(const struct inet_socket *l)
{
    return READ_ONCE(l->base.accept_count) + l->half_open <= l->base.accept_limit;
}

void __wrap_tcp_input(struct pbuf *p, struct netif *n)
{
    const struct tcp_hdr *h = p->payload;
    listening->local_port = 0;
    wanted = NULL;
    if (p->len >= TCP_HLEN && (TCPH_FLAGS(h) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
        wanted = find_listener(lwip_ntohs(h->dest));
        if (wanted && !has_room(wanted)) {
            /* As Linux does: the peer tries again. */
            socket_put(&wanted->base);
            pbuf_free(p);
            return;
        }
        if (wanted)
            listening->local_port = lwip_ntohs(h->dest);
    }
    __real_tcp_input(p, n);
    if (wanted)
        socket_put(&wanted->base);
}
