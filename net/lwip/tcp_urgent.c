/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP knows nothing of in TCP's header: the urgent pointer both ways (MSG_OOB; RFC 9293, 3.8.5, in the reading of Linux, in which it
 * points behind the urgent byte), and the segment size that a socket asks for (TCP_MAXSEG). Under the core lock.
 */
#include "kernel/lib/string.h"
#include "lwip/priv/tcp_priv.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/hooks.h"
#include "net/lwip/tcp.h"

#define OPTION_MSS 2

/* ------------------------------------------------------------ segments that leave */

void network_stream_urgent(struct byte_stream *st)
{
    struct tcp_link *l = container_of(st, struct tcp_link, stream);
    core_lock();
    if (l->pcb) {
        spin_lock(&st->lock);
        l->urgent_end = l->pcb->snd_lbb + (u32)(st->side[1].bytes - l->given);
        spin_unlock(&st->lock);
        l->urgent_leaves = true;
    }
    core_unlock();
}

/* The socket that e's connection is, or will be, or is to be like. */
static const struct inet_socket *socket_of(const struct tcp_entry *e)
{
    if (!e->connection)
        return e->listener;
    struct socket *s = e->connection->stream.side[0].socket;
    return e->connection->client ? e->connection->client : s ? inet_of(s) : NULL;
}

u16 tcp_asked_mss(const struct inet_socket *u, u16 mss)
{
    int most = u ? u->options.max_segment : 0;
    return most && most < mss ? (u16)most : mss;
}

u32_t *lwip_segment_leaves(struct tcp_hdr *h, struct tcp_pcb *pcb, u32_t *options)
{
    const struct tcp_entry *e = pcb ? tcp_entry_of(pcb) : NULL;
    if (!e)
        return options;
    struct tcp_link *l = e->connection;
    u8 *mss = (u8 *)(h + 1);
    if (TCPH_FLAGS(h) & TCP_SYN && mss[0] == OPTION_MSS) {
        u16 n = tcp_asked_mss(socket_of(e), (u16)(mss[2] << 8 | mss[3]));
        mss[2] = (u8)(n >> 8);
        mss[3] = (u8)n;
    }
    if (likely(!l || !l->urgent_leaves))
        return options;
    u32 distance = l->urgent_end - lwip_ntohl(h->seqno);
    bool before = (s32)distance > 0;
    if (before)
        TCPH_SET_FLAG(h, TCP_URG);
    else
        TCPH_UNSET_FLAG(h, TCP_URG);
    h->urgp = before ? lwip_htons((u16)MIN(distance, (u32)UINT16_MAX)) : 0;
    if (TCP_SEQ_GEQ(pcb->lastack, l->urgent_end))
        l->urgent_leaves = false;
    return options;
}

/* ------------------------------------------------------------ segments that arrive */

void tcp_link_see_urgent(struct tcp_link *l, const struct tcp_hdr *h)
{
    u16 pointer = lwip_ntohs(h->urgp);
    u32 at = lwip_ntohl(h->seqno) + pointer - 1;
    if (!pointer || TCP_SEQ_LT(at, l->arrived) || (l->urgent_comes && TCP_SEQ_LEQ(at, l->urgent_at)))
        return;
    l->urgent_at = at;
    l->urgent_comes = true;
}

/* n bytes of p from at on. NULL: none, or out of memory. */
static struct chunk *piece(const struct pbuf *p, u32 at, u32 n)
{
    struct chunk *c = n ? chunk_create(n) : NULL;
    if (!c)
        return NULL;
    pbuf_copy_partial(p, c->bytes, (u16_t)n, (u16_t)at);
    c->end = n;
    c->charge = (u32)sizeof(*c) + n;
    return c;
}

bool tcp_link_take_urgent(struct tcp_link *l, const struct pbuf *p)
{
    struct stream_side *me = &l->stream.side[0];
    u32 before = l->urgent_at - l->arrived, after = p->tot_len - before - 1;
    struct chunk *pieces[3] = {piece(p, 0, before), piece(p, before, 1), piece(p, before + 1, after)};
    struct list dropped = LIST_INIT(dropped);
    if ((before && !pieces[0]) || !pieces[1] || (after && !pieces[2])) {
        for (int i = 0; i < 3; i++) {
            if (pieces[i])
                chunk_free(pieces[i]);
        }
        return false;
    }
    spin_lock(&l->stream.lock);
    for (int i = 0; i < 3; i++) {
        struct list one = LIST_INIT(one);
        if (!pieces[i])
            continue;
        list_add_tail(&one, &pieces[i]->link);
        me->bytes += pieces[i]->end;
        me->charge += pieces[i]->charge;
        if (i == 1 && me->socket)
            stream_mark_urgent(me, &one, &dropped, &tcp_rules);
        chunks_append(&me->chunks, &one);
    }
    me->arrivals++;
    stream_wake(me, EPOLLIN | EPOLLRDNORM | EPOLLPRI | WAKE_URGENT);
    spin_unlock(&l->stream.lock);
    struct chunk *c;
    while ((c = list_first(&dropped, struct chunk, link))) {
        list_remove(&c->link);
        __atomic_add_fetch(&l->read, c->end - c->start, __ATOMIC_RELAXED);
        chunk_free(c);
    }
    l->urgent_comes = false;
    return true;
}
