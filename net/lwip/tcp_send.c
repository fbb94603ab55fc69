/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending to the outside: what of a stream's queue lwIP is given, and when. lwIP gets no more than may be sent at once, so that its list
 * of what is unsent is empty but for what has to be sent again, or waits for the peer's window. Whether less than a segment
 * goes is decided here (TCP_NODELAY, TCP_CORK, MSG_MORE), as Linux does it. All of this runs under the core lock.
 *
 * Where the device cuts segments, lwIP is given large ones: its control block's mss is raised for that moment. A segment costs the same
 * however large it is. When something was lost, all are cut up here (tcp_recovery.c).
 */
#include <linux/tcp.h>
#include "lwip/priv/tcp_priv.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

#define LARGE_MAX  (UINT16_MAX - 128) /* bytes of data and options of a large segment: with all headers within 16 bits */
#define PIECES_MAX 24                 /* chunks in a segment; the device takes a few more pieces */

/* The first chunk with bytes that lwIP does not have; NULL: none. stream.lock held. */
static struct chunk *find_next(struct tcp_link *l)
{
    struct stream_side *out = &l->stream.side[1];
    if (l->next || out->bytes == l->given)
        return l->next;
    /* All before it was given when it came: it is found from the end. */
    u64 left = out->bytes - l->given;
    struct chunk *c = list_entry(out->chunks.prev, struct chunk, link);
    while (left > c->end - c->start) {
        left -= c->end - c->start;
        c = list_entry(c->link.prev, struct chunk, link);
    }
    l->next = c;
    l->position = c->end - (u32)left;
    return c;
}

static bool option(const struct tcp_link *l, unsigned which)
{
    struct socket *s = l->stream.side[0].socket;
    return s && TCP_BIT(inet_of(s), which);
}

bool tcp_link_corked(const struct tcp_link *l)
{
    return option(l, TCP_CORK);
}

bool tcp_link_waits(const struct tcp_link *l)
{
    return l->stream.side[1].bytes > l->given || (l->finish && !(l->pcb->flags & TF_FIN));
}

/*
 * Does less than a segment wait for more? Nagle's rule in Minshall's form (draft-minshall-nagle), which is Linux's: only while
 * another short segment is not acknowledged.
 */
static bool holds_back(const struct tcp_link *l, const struct tcp_pcb *pcb, bool more)
{
    if (l->finish)
        return false;
    return more || (!option(l, TCP_NODELAY) && pcb->unacked && TCP_SEQ_GT(l->short_end, pcb->lastack));
}

/* Bytes to give lwIP now. */
static u32 sendable(const struct tcp_link *l, const struct tcp_pcb *pcb, u64 waiting, bool more)
{
    u32 mss = tcp_mss(pcb), window = MIN(pcb->snd_wnd, pcb->cwnd), under_way = pcb->snd_lbb - pcb->lastack;
    u32 room = MIN(window > under_way ? window - under_way : 0, pcb->snd_buf);
    bool all = waiting <= room;
    u32 n = all ? (u32)waiting : room;
    if (!all || (n % mss && holds_back(l, pcb, more)))
        n -= n % mss;
    if (!n && !all && !pcb->unacked)
        n = (u32)MIN(waiting, (u64)MIN(mss, pcb->snd_buf)); /* nothing under way opens the window: lwIP asks the peer */
    return n;
}

/* The mss with which lwIP makes segments of up to n bytes of data. */
static u16 large_mss(const struct tcp_pcb *pcb, u32 n)
{
    u32 mss = tcp_mss(pcb), options = pcb->mss - mss, most = MIN((u32)LARGE_MAX, pcb->snd_wnd_max / 2);
    if (!device_segments(IP_IS_V6(&pcb->remote_ip)) || most < options + 2 * mss)
        return pcb->mss;
    u32 count = MIN((n + mss - 1) / mss, (most - options) / mss);
    return (u16)(MAX(count, 1u) * mss + options);
}

/* Gives lwIP up to n bytes, as one segment if they are large. Returns how many. */
static u32 give(struct tcp_link *l, u32 n, bool push)
{
    struct stream_side *out = &l->stream.side[1];
    struct tcp_pcb *pcb = l->pcb;
    u16 mss = pcb->mss, large = unlikely(l->urgent_leaves) ? mss : large_mss(pcb, n);
    u32 left = MIN(n, large == mss ? LARGE_MAX : (u32)large), given = 0;
    if (large != mss)
        left = MIN(left, (u32)(large - (mss - tcp_mss(pcb))));
    push &= left == n;
    for (unsigned pieces = 0; left && pieces < PIECES_MAX; pieces++) {
        spin_lock(&l->stream.lock);
        struct chunk *c = find_next(l);
        spin_unlock(&l->stream.lock);
        u32 k = MIN(c->end - l->position, left);
        pcb->mss = large;
        err_t error = tcp_write(pcb, c->data + l->position, (u16_t)k, push && k == left ? 0 : TCP_WRITE_FLAG_MORE);
        pcb->mss = mss;
        if (error != ERR_OK)
            break;
        left -= k;
        given += k;
        spin_lock(&l->stream.lock);
        l->given += k;
        l->position += k;
        if (l->position == c->end) {
            l->next = c->link.next == &out->chunks ? NULL : list_entry(c->link.next, struct chunk, link);
            l->position = l->next ? l->next->start : 0;
        }
        spin_unlock(&l->stream.lock);
    }
    if (given % tcp_mss(pcb))
        l->short_end = pcb->snd_lbb;
    return given;
}

void tcp_link_feed(struct tcp_link *l, bool more)
{
    struct stream_side *out = &l->stream.side[1];
    struct tcp_pcb *pcb = l->pcb;
    if (!pcb || pcb->state < ESTABLISHED)
        return;
    tcp_set_clock();
    tcp_entry_busy(tcp_entry_of(pcb));
    if (pcb->unsent) {
        tcp_recover_unsent(l);
        tcp_output(pcb);
    }
    if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT)
        return;
    while (!pcb->unsent) {
        u64 waiting = READ_ONCE(out->bytes) - l->given;
        u32 n = waiting ? sendable(l, pcb, waiting, more) : 0;
        if (!n || !give(l, n, n == waiting))
            break;
        tcp_output(pcb);
    }
    if (l->finish && out->bytes == l->given) {
        if (!l->closed) {
            tcp_shutdown(pcb, 0, 1);
        } else {
            pcb->rcv_wnd = TCP_WND_MAX(pcb); /* nothing is unread, whatever the window says: no reset */
            tcp_close(pcb);
        }
    }
}

void tcp_link_take_off(struct tcp_link *l, u64 n)
{
    struct stream_side *out = &l->stream.side[1], *me = &l->stream.side[0];
    struct list done = LIST_INIT(done);
    struct chunk *c;
    spin_lock(&l->stream.lock);
    u64 before = out->charge;
    while (n && (c = list_first(&out->chunks, struct chunk, link))) {
        u32 k = (u32)MIN(n, (u64)(c->end - c->start));
        c->start += k;
        out->bytes -= k;
        l->given -= MIN(k, l->given);
        n -= k;
        if (c->start < c->end)
            break;
        out->charge -= c->charge;
        list_remove(&c->link);
        list_add_tail(&done, &c->link);
    }
    stream_outside_add((s64)(out->charge - before));
    if (me->socket) {
        bool lingers = me->socket->options.linger.l_onoff && !out->bytes;
        bool room = READ_ONCE(out->starved) && tcp_rules.writable(out->charge, tcp_rules.limit(me->socket));
        if (room)
            __atomic_store_n(&out->starved, false, __ATOMIC_SEQ_CST);
        if (room || lingers)
            stream_wake(me, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
    }
    spin_unlock(&l->stream.lock);
    while ((c = list_first(&done, struct chunk, link))) {
        list_remove(&c->link);
        device_free_later(c);
    }
}
