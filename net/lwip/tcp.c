/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP with the outside: between a byte stream (net/stream.h), whose side 1 is outside, and lwIP's control block. What the program sends
 * stays in the stream's chunks until it is acknowledged, and lwIP's segments point there; what arrives is put into the other queue
 * in the device's own buffers. All of this runs under the core lock; stream locks are taken inside.
 *
 * A link lives as long as its socket's hold on the stream and its control block. The block's end is told by lwIP's destroy callback,
 * before or after its error callback: so the hold is given up later, in tcp_bury().
 */
#include <linux/tcp.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "lwip/priv/tcp_priv.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"
#include "net/stream.h"
#include "net/sysctl.h"

#define READABLE      (EPOLLIN | EPOLLRDNORM)
#define COPY_BELOW    512          /* bytes: what is shorter is not worth the page it came in */
#define READ_STEP_MAX (64u << 10)  /* read before the window is opened again */
#define POLL_STEP     (200 / TCP_SLOW_INTERVAL)

static struct tcp_link *dead;

static struct tcp_link *link_of(struct byte_stream *st)
{
    return container_of(st, struct tcp_link, stream);
}

/* ------------------------------------------------------------ sending */

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct tcp_link *l = arg;
    tcp_link_take_off(l, n); /* what follows is sent when lwIP is done with the segment: tcp_link_segment() */
    return ERR_OK;
}

/* TCP_USER_TIMEOUT: has the peer been silent for longer, while there was something to acknowledge? */
static bool gave_up(const struct tcp_link *l, const struct tcp_pcb *pcb)
{
    return l->patience && (pcb->unacked || pcb->unsent) && tcp_ticks - pcb->tmr > l->patience / TCP_SLOW_INTERVAL;
}

/* What had no memory, or waited for more to come. */
static err_t poll(void *arg, struct tcp_pcb *pcb)
{
    struct tcp_link *l = arg;
    if (gave_up(l, pcb)) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    if (pcb->unsent || tcp_link_waits(l))
        tcp_link_feed(l, false);
    return ERR_OK;
}

void network_stream_sent(struct byte_stream *st, bool more)
{
    struct tcp_link *l = link_of(st);
    core_lock();
    tcp_link_feed(l, more || tcp_link_corked(l));
    core_unlock_soon();
}

/* ------------------------------------------------------------ receiving */

static bool is_copied(const struct pbuf *p)
{
    return p->len < COPY_BELOW;
}

/*
 * A chunk with the bytes of one buffer, which it does not own yet; NULL: out of memory. Its charge is the memory it takes, and more:
 * there is room for what may follow.
 */
static struct chunk *chunk_of(const struct pbuf *p, bool more)
{
    u32 room = !is_copied(p) ? 0 : more ? COPY_BELOW : p->len;
    struct chunk *c = chunk_create(room);
    if (!c)
        return NULL;
    c->end = p->len;
    c->charge = (u32)sizeof(*c) + (is_copied(p) ? room : (u32)PAGE_SIZE);
    if (is_copied(p))
        memcpy(c->bytes, p->payload, p->len);
    else
        c->data = p->payload;
    return c;
}

/* The same for each buffer of a chain. False: out of memory, there are none. */
static bool chunks_of(const struct pbuf *p, bool more, struct list *list)
{
    for (; p; p = p->next) {
        struct chunk *c = p->len ? chunk_of(p, more) : NULL;
        if (c) {
            list_add_tail(list, &c->link);
        } else if (p->len) {
            while ((c = list_first(list, struct chunk, link))) {
                list_remove(&c->link);
                chunk_free(c);
            }
            return false;
        }
    }
    return true;
}

/* Puts a few bytes more into the last chunk that waits to be read: as chunks, short segments take many times their bytes. False: no room. */
static bool join(struct tcp_link *l, struct pbuf *p)
{
    struct stream_side *me = &l->stream.side[0];
    spin_lock(&l->stream.lock);
    struct chunk *last = list_empty(&me->chunks) ? NULL : list_entry(me->chunks.prev, struct chunk, link);
    bool room = last && !last->frame && !p->next && sizeof(*last) + last->end + p->len <= last->charge;
    if (room) {
        memcpy(last->bytes + last->end, p->payload, p->len);
        __atomic_store_n(&last->end, last->end + p->len, __ATOMIC_RELEASE); /* it may be copied from without the lock */
        me->bytes += p->len;
        me->arrivals++;
        stream_wake(me, READABLE);
    }
    spin_unlock(&l->stream.lock);
    if (room)
        pbuf_free(p);
    return room;
}

int tcp_link_syn_count(const struct tcp_link *l)
{
    return l->client ? l->client->options.syn_count : net_settings.syn_count;
}

bool tcp_entry_hoards(const struct tcp_entry *e)
{
    return e->pcb->ooseq || (e->connection && READ_ONCE(e->connection->stream.side[0].charge) > PAGE_SIZE);
}

void network_frame_free(void *frame)
{
    pbuf_free(frame); /* ours alone: no lock */
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct tcp_link *l = arg;
    struct stream_side *me = &l->stream.side[0];
    struct list list = LIST_INIT(list);
    u32 bytes = 0, charge = 0;
    bool end = !p, more = READ_ONCE(me->bytes);
    if (unlikely(l->urgent_comes) && p && l->urgent_at - l->arrived < p->tot_len) {
        if (!tcp_link_take_urgent(l, p))
            return ERR_MEM;
        l->arrived += p->tot_len;
        pbuf_free(p);
        return ERR_OK;
    }
    u32 total = p ? p->tot_len : 0;
    if (more && p && join(l, p)) {
        l->arrived += total;
        return ERR_OK;
    }
    if (!chunks_of(p, more, &list))
        return ERR_MEM; /* lwIP keeps all of it, and offers it again */
    l->arrived += total;
    struct chunk *c = list_first(&list, struct chunk, link);
    while (p) {
        /* Each buffer goes its own way: the chain's reference to the next one is ours. */
        struct pbuf *rest = p->next;
        bool copied = !p->len || is_copied(p);
        p->tot_len = p->len;
        p->next = NULL;
        if (p->len) {
            c->frame = copied ? NULL : p;
            bytes += p->len;
            charge += c->charge;
            c = list_entry(c->link.next, struct chunk, link);
        }
        if (copied)
            pbuf_free(p);
        p = rest;
    }
    spin_lock(&l->stream.lock);
    chunks_append(&me->chunks, &list);
    me->bytes += bytes;
    me->charge += charge;
    me->arrivals++;
    if (end) {
        me->ended = true;
        me->shutdown |= SHUT_READ;
        stream_wake(me, me->shutdown == SHUT_BOTH ? WAKE_ANY | WAKE_HANGUP : ~0u);
    } else if (bytes) {
        stream_wake(me, READABLE);
    }
    spin_unlock(&l->stream.lock);
    return ERR_OK;
}

/* What is to be added to the `read` bytes that the window opens by, maybe less than 0. */
static s64 resize_window(struct tcp_link *l, u64 read)
{
    u32 wanted = MIN(l->window_limit, READ_ONCE(network_room));
    s64 by = wanted < l->window ? -(s64)MIN(read / 2, (u64)(l->window - wanted)) : (s64)MIN(read, (u64)(wanted - l->window));
    l->window = (u32)(l->window + by);
    return by;
}

void network_stream_received(struct byte_stream *st, u64 n)
{
    struct tcp_link *l = link_of(st);
    u64 read = __atomic_add_fetch(&l->read, n, __ATOMIC_RELAXED);
    u32 step = MIN(l->window / 4, READ_STEP_MAX);
    if (read < step)
        return;
    core_lock();
    read = __atomic_exchange_n(&l->read, 0, __ATOMIC_RELAXED);
    struct tcp_pcb *pcb = l->pcb;
    if (pcb) {
        tcp_set_clock();
        tcp_entry_busy(tcp_entry_of(pcb));
        for (u64 left = read + resize_window(l, read); left;) {
            u16 k = (u16)MIN(left, (u64)0xffff);
            tcp_recved(pcb, k);
            left -= k;
        }
        if (pcb->rcv_nxt + pcb->rcv_wnd - pcb->rcv_ann_right_edge >= step) {
            tcp_ack_now(pcb);
            tcp_output(pcb);
        }
    }
    core_unlock_soon();
}

/* ------------------------------------------------------------ the end */

static void tell_error(struct tcp_link *l, int error)
{
    struct stream_side *me = &l->stream.side[0];
    spin_lock(&l->stream.lock);
    me->reset = true;
    me->shutdown = SHUT_BOTH;
    if (me->socket)
        socket_set_error(me->socket, error == ECONNRESET && me->ended ? EPIPE : error);
    stream_wake(me, WAKE_ANY | WAKE_HANGUP);
    spin_unlock(&l->stream.lock);
}

/* The attempt to connect has failed; the socket's hold on the stream goes, too. */
static struct inet_socket *end_attempt(struct tcp_link *l)
{
    struct inet_socket *u = l->client;
    l->client = NULL;
    u->attempt = NULL;
    l->stream.side[0].socket = NULL;
    stream_abandon(&l->stream);
    return u;
}

static void failed(void *arg, err_t error)
{
    struct tcp_link *l = arg;
    int late = l->soft_error ? l->soft_error : ETIMEDOUT;
    if (l->client)
        tcp_refused(end_attempt(l), error == ERR_RST ? ECONNREFUSED : late);
    else if (error == ERR_RST)
        tell_error(l, ECONNRESET);
    else if (error != ERR_CLSD)
        tell_error(l, late);
}

void tcp_link_ended(struct tcp_link *l)
{
    if (l->pcb) {
        /* It may live on in TIME_WAIT. */
        tcp_arg(l->pcb, NULL);
        tcp_recv(l->pcb, NULL);
        tcp_sent(l->pcb, NULL);
        tcp_poll(l->pcb, NULL, 0xff);
    }
    l->pcb = NULL;
    l->next_dead = dead;
    dead = l;
}

void tcp_bury(void)
{
    while (dead) {
        struct tcp_link *l = dead;
        dead = l->next_dead;
        l->next = NULL;
        tcp_link_take_off(l, UINT64_MAX);
        stream_abandon(&l->stream);
    }
}

void tcp_link_error(struct tcp_link *l, int error)
{
    struct tcp_pcb *pcb = l->pcb;
    if (!l->client) {
        l->soft_error = error; /* what lwIP's giving up will be called */
        return;
    }
    tcp_refused(end_attempt(l), error);
    tcp_err(pcb, NULL);
    tcp_close(pcb); /* SYN_SENT: says nothing */
}

static void abort_silently(struct tcp_pcb *pcb)
{
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
}

void network_stream_shutdown(struct byte_stream *st)
{
    struct tcp_link *l = link_of(st);
    core_lock();
    l->finish = true;
    tcp_link_feed(l, false);
    core_unlock();
}

void network_stream_close(struct byte_stream *st, bool reset)
{
    struct tcp_link *l = link_of(st);
    core_lock();
    l->finish = l->closed = true;
    if (l->pcb && reset)
        abort_silently(l->pcb);
    else if (l->pcb && l->pcb->flags & TF_FIN)
        tcp_close(l->pcb); /* what arrives from now on is answered by a reset */
    else
        tcp_link_feed(l, false);
    core_unlock();
}

/* ------------------------------------------------------------ the beginning */

static struct tcp_link *link_create(struct socket *s)
{
    struct tcp_link *l = kzalloc(sizeof(*l));
    if (l)
        byte_stream_init(&l->stream, s, NULL);
    return l;
}

void tcp_apply_options(struct tcp_pcb *pcb, const struct inet_socket *u)
{
    const struct inet_options *o = &u->options;
    bool v4 = IP_IS_V4(&pcb->remote_ip);
    pcb->ttl = (u8_t)(v4 ? (o->ttl > 0 ? o->ttl : 64) : (o->hops >= 0 ? o->hops : 64));
    pcb->tos = (u8_t)(v4 ? o->tos : o->traffic_class < 0 ? 0 : o->traffic_class);
    pcb->keep_idle = (u32)o->keep_idle * 1000;
    pcb->keep_intvl = (u32)o->keep_interval * 1000;
    pcb->keep_cnt = (u32)o->keep_count;
    if (OPTION_SET(&u->base, SO_KEEPALIVE))
        ip_set_option(pcb, SOF_KEEPALIVE);
    else
        ip_reset_option(pcb, SOF_KEEPALIVE);
    tcp_nagle_disable(pcb); /* net/lwip/tcp_send.c decides */
}

/*
 * A window begins small and grows with what is read, twice the bytes for each: who is sent to and does not read costs little,
 * and what arrives takes up to three times its bytes of memory.
 */
void tcp_set_window(struct tcp_pcb *pcb, const struct inet_socket *u)
{
    u32 wanted = MIN(MIN(lwip_window, TCP_WINDOW_MIN), READ_ONCE(network_room));
    if (u->base.options.receive_locked)
        wanted = MIN(lwip_window, MAX((u32)u->base.options.receive_buffer / 2, 2u * pcb->mss));
    pcb->rcv_wnd = pcb->rcv_ann_wnd = MIN(TCP_WND_MAX(pcb), wanted);
}

/* The connection is there, with the window that was announced. */
static void window_begin(struct tcp_link *l, const struct tcp_pcb *pcb, const struct socket *s)
{
    l->short_end = l->recovered = l->sacked_end = pcb->lastack;
    l->window = pcb->rcv_wnd;
    /* A peer without window scaling is never told of more than 64 KiB. */
    l->window_limit = s->options.receive_locked ? l->window : MIN(MAX(lwip_window, l->window), TCP_WND_MAX(pcb));
}

static void attach(struct tcp_link *l, struct tcp_pcb *pcb)
{
    l->pcb = pcb;
    tcp_arg(pcb, l);
    tcp_recv(pcb, received);
    tcp_sent(pcb, acknowledged);
    tcp_err(pcb, failed);
    tcp_poll(pcb, poll, POLL_STEP);
    tcp_entry_of(pcb)->connection = l;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct tcp_link *l = arg;
    struct inet_socket *u = l->client;
    l->client = NULL;
    u->attempt = NULL;
    tcp_set_window(pcb, u);
    window_begin(l, pcb, &u->base);
    l->arrived = pcb->rcv_nxt;
    pcb->mss = tcp_asked_mss(u, pcb->mss);
    if (u->shutdown & SHUT_WRITE)
        l->finish = true;
    tcp_established(u, &l->stream);
    return ERR_OK;
}

int network_tcp_connect(struct inet_socket *u)
{
    struct tcp_link *l = link_create(&u->base);
    if (!l)
        return -ENOBUFS;
    ip_addr_t to, from;
    int error = -ENOBUFS;
    address_to_lwip(u->remote.ip, &to);
    address_to_lwip(u->local.ip, &from);
    core_lock();
    struct tcp_entry *old = tcp_entry_find(&from, u->local.port, &to, u->remote.port);
    if (old && old->pcb->state == TIME_WAIT) {
        tcp_abort(old->pcb); /* our sequence numbers grow: nothing of it can be taken for the new one's */
        old = NULL;
    }
    struct tcp_pcb *pcb = old ? NULL : tcp_new_ip_type(IP_GET_TYPE(&to));
    if (pcb) {
        ip_addr_copy(pcb->local_ip, from);
        ip_addr_copy(pcb->remote_ip, to);
        pcb->local_port = u->local.port;
        pcb->remote_port = u->remote.port;
    }
    if (pcb && tcp_entry_create(pcb)) {
        pcb->rto = pcb->sv = LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL;
        tcp_apply_options(pcb, u);
        l->patience = (u32)u->options.user_timeout;
        attach(l, pcb);
        socket_get(&u->base);
        l->client = u;
        u->attempt = l;
        tcp_entry_take(NULL);
        err_t e = tcp_connect(pcb, &to, u->remote.port, connected);
        tcp_entry_settle();
        pcb->next = NULL;
        error = e == ERR_OK ? 0 : e == ERR_RTE ? -ENETUNREACH : -ENOBUFS;
        if (error) {
            end_attempt(l);
            socket_put(&u->base); /* the caller has another */
        }
    } else {
        error = old ? -EADDRNOTAVAIL : -ENOBUFS;
        kfree(l);
    }
    if (error && pcb) {
        pcb->local_port = 0; /* in no list of lwIP's */
        tcp_close(pcb);
    }
    core_unlock();
    return error;
}

bool network_tcp_abandon(struct inet_socket *u)
{
    core_lock();
    struct tcp_link *l = u->attempt;
    if (l) {
        end_attempt(l);
        tcp_err(l->pcb, NULL);
        tcp_close(l->pcb); /* SYN_SENT: says nothing */
    }
    core_unlock();
    return l != NULL;
}

/* lwIP's accept callback: the handshake is done. The listener is in the block's extra argument (net/lwip/tcp_demux.c). */
err_t tcp_accept_connection(struct inet_socket *listener, struct tcp_pcb *pcb)
{
    struct inet_address local = {.port = pcb->local_port}, remote = {.port = pcb->remote_port};
    address_from_lwip(&pcb->local_ip, local.ip);
    address_from_lwip(&pcb->remote_ip, remote.ip);
    struct inet_socket *server = tcp_create_server(listener, &local, &remote);
    struct tcp_link *l = server ? link_create(&server->base) : NULL;
    if (l) {
        window_begin(l, pcb, &server->base);
        l->arrived = pcb->rcv_nxt;
        pcb->mss = tcp_asked_mss(server, pcb->mss);
        attach(l, pcb);
        tcp_apply_options(pcb, server);
        l->patience = (u32)server->options.user_timeout;
        server->base.stream = &l->stream;
        if (tcp_arrived(listener, server))
            return ERR_OK;
        l->stream.side[0].socket = NULL; /* lwIP's error comes after the socket's end */
    }
    if (server)
        tcp_drop_server(server);
    return ERR_VAL; /* lwIP resets */
}

void network_tcp_options(struct inet_socket *u)
{
    core_lock();
    struct tcp_link *l = u->base.stream && u->base.stream->outside ? link_of(u->base.stream) : u->attempt;
    if (l && l->pcb) {
        tcp_apply_options(l->pcb, u);
        l->patience = (u32)u->options.user_timeout;
        tcp_link_feed(l, tcp_link_corked(l));
    }
    core_unlock();
}

/* ------------------------------------------------------------ questions */

u8 tcp_state_of_block(const struct tcp_pcb *pcb)
{
    static const u8 states[] = {[CLOSED] = TCP_CLOSE,           [LISTEN] = TCP_LISTEN,
                                [SYN_SENT] = TCP_SYN_SENT,      [SYN_RCVD] = TCP_SYN_RECV,
                                [ESTABLISHED] = TCP_ESTABLISHED, [FIN_WAIT_1] = TCP_FIN_WAIT1,
                                [FIN_WAIT_2] = TCP_FIN_WAIT2,   [CLOSE_WAIT] = TCP_CLOSE_WAIT,
                                [CLOSING] = TCP_CLOSING,        [LAST_ACK] = TCP_LAST_ACK,
                                [TIME_WAIT] = TCP_TIME_WAIT};
    return states[pcb->state];
}

bool tcp_link_is_closed(const struct tcp_link *l)
{
    return l->closed;
}

const struct tcp_pcb *tcp_block_of(struct byte_stream *st)
{
    return link_of(st)->pcb;
}

int network_tcp_state(struct byte_stream *st)
{
    struct tcp_link *l = link_of(st);
    core_lock();
    int state = l->pcb ? tcp_state_of_block(l->pcb) : TCP_CLOSE;
    core_unlock();
    return state == TCP_TIME_WAIT ? TCP_CLOSE : state; /* the socket itself is closed by then */
}

bool network_tcp_info(struct byte_stream *st, struct tcp_info *info)
{
    struct tcp_link *l = link_of(st);
    core_lock();
    const struct tcp_pcb *pcb = l->pcb;
    if (pcb) {
        u32 mss = tcp_mss(pcb);
        info->tcpi_options = (u8)((pcb->flags & TF_TIMESTAMP ? TCPI_OPT_TIMESTAMPS : 0) |
                                  (pcb->flags & TF_SACK ? TCPI_OPT_SACK : 0) |
                                  (pcb->flags & TF_WND_SCALE ? TCPI_OPT_WSCALE : 0));
        info->tcpi_snd_wscale = pcb->snd_scale & 15;
        info->tcpi_rcv_wscale = pcb->rcv_scale & 15;
        info->tcpi_retransmits = pcb->nrtx;
        info->tcpi_rto = (u32)pcb->rto * TCP_SLOW_INTERVAL * 1000;
        info->tcpi_snd_mss = info->tcpi_advmss = mss;
        info->tcpi_rcv_mss = mss;
        info->tcpi_pmtu = device_netif.mtu;
        info->tcpi_unacked = (pcb->snd_nxt - pcb->lastack + mss - 1) / mss;
        info->tcpi_snd_cwnd = MAX(1u, pcb->cwnd / mss);
        info->tcpi_snd_ssthresh = pcb->ssthresh / mss;
        info->tcpi_rcv_ssthresh = info->tcpi_rcv_space = l->window;
        info->tcpi_rtt = (u32)(pcb->sa >> 3) * TCP_SLOW_INTERVAL * 1000;
        info->tcpi_rttvar = (u32)(pcb->sv >> 2) * TCP_SLOW_INTERVAL * 1000;
        info->tcpi_notsent_bytes = (u32)(l->stream.side[1].bytes - (pcb->snd_nxt - pcb->lastack));
    }
    core_unlock();
    return pcb != NULL;
}
