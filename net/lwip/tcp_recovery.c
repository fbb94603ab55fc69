/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a connection's data was lost, and sending it again: by selective acknowledgements (RFC 2018, and RFC 6675 in essence) where the
 * peer makes them, else one segment for each partial acknowledgement (RFC 6582). It takes the place of lwIP's fast
 * retransmission, which knows of one lost segment a window. lwIP counts duplicates, and its timer (tcp_rexmit_rto_prepare) remains.
 *
 * Segments that are to be sent again move from the block's `unacked` to `unsent`, which tcp_output() empties. Two bits of lwIP's flags of
 * a segment, which it leaves alone, say what became of each.
 */
#include "kernel/lib/string.h"
#include "lwip/inet_chksum.h"
#include "lwip/memp.h"
#include "lwip/priv/tcp_priv.h"
#include "net/lwip/core.h"
#include "net/lwip/tcp.h"

#define SACKED       0x40 /* the peer has it */
#define AGAIN        0x80 /* sent again in this recovery */
#define FIRST_WINDOW 10   /* segments (RFC 6928) */
#define PROBE_MORE    100 /* ms beyond the round trips: of lwIP's clock, two steps */
#define PROBE_DELAYED 300 /* ms, the same for a peer that waits 200 with an acknowledgement */
#define DUPLICATE    3    /* RFC 5681: so many segments that came after it tell that one is lost */

void __wrap_tcp_rexmit_fast(struct tcp_pcb *pcb);
err_t __wrap_tcp_rexmit_rto_prepare(struct tcp_pcb *pcb);

static u32 begin_of(const struct tcp_seg *s)
{
    return lwip_ntohl(s->tcphdr->seqno);
}

static u32 end_of(const struct tcp_seg *s)
{
    return begin_of(s) + TCP_TCPLEN(s);
}

/* Its memory may still be read by the device. */
static bool is_busy(const struct tcp_seg *s)
{
    return s->p->ref != 1;
}

/* ------------------------------------------------------------ what the peer says */

void tcp_sack_read(struct tcp_sack *sack, const struct pbuf *p)
{
    sack->n = 0;
    if (TCPH_HDRLEN_BYTES((const struct tcp_hdr *)p->payload) <= TCP_HLEN + 12)
        return; /* timestamps at most */
    const u8 *option = tcp_option(p, 5);
    if (!option || option[1] < 2)
        return;
    /* lwIP looks at the sum too late. */
    if ((device_netif.chksum_flags & NETIF_CHECKSUM_CHECK_TCP) &&
        ip_chksum_pseudo((struct pbuf *)p, IP_PROTO_TCP, p->tot_len, ip_current_src_addr(), ip_current_dest_addr()))
        return;
    for (unsigned left = option[1] - 2u, i = 2; left >= 8 && sack->n < TCP_SACK_BLOCKS; left -= 8, i += 8) {
        u32 word[2];
        memcpy(word, option + i, sizeof(word));
        sack->blocks[sack->n].begin = lwip_ntohl(word[0]);
        sack->blocks[sack->n++].end = lwip_ntohl(word[1]);
    }
}

static void mark(struct tcp_link *l, const struct tcp_sack *sack)
{
    struct tcp_pcb *pcb = l->pcb;
    if (TCP_SEQ_LT(l->sacked_end, pcb->lastack))
        l->sacked_end = pcb->lastack;
    for (unsigned i = 0; i < sack->n; i++) {
        u32 begin = sack->blocks[i].begin, end = sack->blocks[i].end;
        if (TCP_SEQ_LEQ(begin, pcb->lastack) || TCP_SEQ_LEQ(end, begin) || TCP_SEQ_GT(end, pcb->snd_nxt))
            continue; /* it came twice, or makes no sense */
        if (TCP_SEQ_GT(end, l->sacked_end))
            l->sacked_end = end;
        for (struct tcp_seg *s = pcb->unacked; s && TCP_SEQ_LT(begin_of(s), end); s = s->next) {
            if (TCP_SEQ_GEQ(begin_of(s), begin) && TCP_SEQ_LEQ(end_of(s), end))
                s->flags |= SACKED;
        }
    }
}

/* ------------------------------------------------------------ cutting segments up */

/* s keeps n bytes; the rest is a segment of its own behind it. False: no memory, or it cannot be. */
static bool cut(struct tcp_pcb *pcb, struct tcp_seg *s, u16 n)
{
    u16 rest = s->len - n, skip = (u16)(s->p->tot_len - rest);
    struct pbuf *last = s->p, *q;
    while (skip > last->len) {
        skip = (u16)(skip - last->len);
        last = last->next;
    }
    bool inside = skip < last->len;
    if (last == s->p)
        return false; /* data behind the headers: lwIP's own, of less than a segment */
    struct tcp_seg *t = memp_malloc(MEMP_TCP_SEG);
    struct pbuf *h = pbuf_alloc(PBUF_TRANSPORT, LWIP_TCP_OPT_LENGTH(s->flags), PBUF_RAM);
    struct pbuf *piece = inside ? pbuf_alloc(PBUF_RAW, (u16)(last->len - skip), PBUF_ROM) : NULL;
    if (!t || !h || (inside && !piece)) {
        if (t)
            memp_free(MEMP_TCP_SEG, t);
        if (h)
            pbuf_free(h);
        if (piece)
            pbuf_free(piece);
        return false;
    }
    pbuf_add_header(h, TCP_HLEN);
    *t = *s;
    t->p = h;
    t->tcphdr = h->payload;
    memcpy(t->tcphdr, s->tcphdr, TCP_HLEN);
    t->tcphdr->seqno = lwip_htonl(begin_of(s) + n);
    TCPH_UNSET_FLAG(s->tcphdr, TCP_FIN | TCP_PSH);
    if (inside) {
        piece->payload = (u8 *)last->payload + skip;
        piece->next = last->next;
        piece->tot_len = rest;
        last->len = skip;
    } else {
        piece = last->next;
    }
    last->next = NULL;
    for (q = s->p; q; q = q->next)
        q->tot_len = (u16)(q->tot_len - rest);
    pbuf_cat(h, piece);
    t->len = rest;
    s->len = n;
    s->next = t;
    pcb->snd_queuelen = (u16)(pcb->snd_queuelen + 1 + inside);
    return true;
}

/* Cuts what was sent as the device had cut it. False: not all. */
static bool cut_all(struct tcp_pcb *pcb, struct tcp_seg *s)
{
    bool all = true;
    for (; s; s = s->next) {
        if (s->len > tcp_mss(pcb) && (is_busy(s) || !cut(pcb, s, tcp_mss(pcb))))
            all = false;
    }
    return all;
}

/* Frees what is acknowledged of segments that were cut: lwIP waits for all of one. */
static void free_acknowledged(struct tcp_link *l)
{
    struct tcp_pcb *pcb = l->pcb;
    struct tcp_seg *s;
    while ((s = pcb->unacked) && TCP_SEQ_LEQ(end_of(s), pcb->lastack) && !is_busy(s)) {
        pcb->unacked = s->next;
        pcb->snd_queuelen = (u16)(pcb->snd_queuelen - pbuf_clen(s->p));
        pcb->snd_buf += s->len;
        tcp_link_take_off(l, s->len);
        tcp_seg_free(s);
    }
}

void tcp_recover_unsent(struct tcp_link *l)
{
    struct tcp_pcb *pcb = l->pcb;
    struct tcp_seg *s = pcb->unsent;
    if (s->len > tcp_mss(pcb) && end_of(s) - pcb->lastack > MIN(pcb->snd_wnd, pcb->cwnd))
        cut_all(pcb, s);
}

/* ------------------------------------------------------------ sending again */

/* Moves *at, in unacked, to its place in unsent, at `to` or behind; returns the next one's. */
static struct tcp_seg **send_again(struct tcp_pcb *pcb, struct tcp_seg **at, struct tcp_seg **to)
{
    struct tcp_seg *s = *at;
    *at = s->next;
    while (*to && TCP_SEQ_LT(begin_of(*to), begin_of(s)))
        to = &(*to)->next;
    s->next = *to;
    *to = s;
    s->flags |= AGAIN;
    pcb->rttest = 0; /* its acknowledgement tells no time (RFC 6298, 3) */
    return &s->next;
}

/* Bytes that came after what may be lost tell that it is. */
static bool is_lost(const struct tcp_link *l, const struct tcp_seg *s)
{
    return TCP_SEQ_GEQ(l->sacked_end, end_of(s) + DUPLICATE * (u32)tcp_mss(l->pcb));
}

/* Should recovery begin? */
static bool sees_loss(const struct tcp_link *l)
{
    const struct tcp_pcb *pcb = l->pcb;
    const struct tcp_seg *first = pcb->unacked;
    u32 has = 0;
    if (!first || (first->flags & SACKED) || (pcb->flags & TF_RTO))
        return false;
    if (!(pcb->flags & TF_SACK))
        return pcb->dupacks >= DUPLICATE && TCP_SEQ_GEQ(pcb->lastack, l->recovered);
    for (const struct tcp_seg *s = first; s && TCP_SEQ_LT(begin_of(s), l->sacked_end); s = s->next)
        has += s->flags & SACKED ? TCP_TCPLEN(s) : 0u;
    /* All but the first came, and no more will: nothing else would tell (RFC 5827). */
    bool rest = has && !tcp_link_waits(l) && has == pcb->snd_nxt - end_of(first);
    /* The end came, by a probe, and before it something did not. */
    bool probed = l->probed && TCP_SEQ_GEQ(l->sacked_end, l->probe_end);
    return has >= DUPLICATE * (u32)tcp_mss(pcb) || rest || probed;
}

static void begin_recovery(struct tcp_link *l)
{
    struct tcp_pcb *pcb = l->pcb;
    u32 under_way = pcb->snd_nxt - pcb->lastack;
    l->recovering = true;
    l->recovered = pcb->snd_nxt;
    pcb->ssthresh = MAX(MIN(under_way, pcb->cwnd) * 7 / 10, 2u * pcb->mss); /* RFC 9438, 4.6 */
    pcb->rtime = 0;
    for (struct tcp_seg *s = pcb->unacked; s; s = s->next)
        s->flags &= (u8_t)~AGAIN;
}

/* Sends again what is lost, as far as ssthresh allows, and has the window count only what may still be on its way. */
static void recover(struct tcp_link *l, bool progress)
{
    struct tcp_pcb *pcb = l->pcb;
    u32 pipe = 0, mss = tcp_mss(pcb);
    bool lost_before = true;
    struct tcp_seg *first = pcb->unacked, **to = &pcb->unsent;
    if (first && !(first->flags & SACKED) && (first->flags & AGAIN)) {
        /* Was it lost once more? What was sent later has come. */
        if (progress)
            l->again_end = pcb->snd_nxt;
        else if (TCP_SEQ_GEQ(l->sacked_end, l->again_end + DUPLICATE * mss))
            first->flags &= (u8_t)~AGAIN;
    }
    for (struct tcp_seg *s = first; s; s = s->next) {
        bool lost = s == first || is_lost(l, s);
        pipe += s->flags & SACKED || (lost && !(s->flags & AGAIN)) ? 0 : s->len;
    }
    for (struct tcp_seg **at = &pcb->unacked, *s; (s = *at) && lost_before;) {
        lost_before = s == first || is_lost(l, s);
        if (s->flags & (SACKED | AGAIN) || !lost_before || is_busy(s)) {
            at = &s->next;
            continue;
        }
        if (s != first && pipe + s->len > pcb->ssthresh)
            break;
        if (s == first)
            l->again_end = pcb->snd_nxt;
        pipe += s->len;
        to = send_again(pcb, at, to);
    }
    u32 under_way = pcb->snd_nxt - pcb->lastack;
    pcb->cwnd = pcb->ssthresh + (under_way > pipe ? under_way - pipe : 0);
    pcb->bytes_acked = 0;
}

/* lwIP's window grows by two segments for an acknowledgement, however many it is for. */
static void grow_window(struct tcp_pcb *pcb, u32 acked)
{
    u32 counted = 2u * pcb->mss;
    if (acked > counted && pcb->cwnd < pcb->ssthresh && !(pcb->flags & TF_RTO))
        pcb->cwnd += acked - counted;
}

/*
 * Tail loss probe (RFC 8985, 7): when all is sent and no answer comes for two round trips, or a little longer from a peer that may wait
 * with its acknowledgement of a single segment, the last segment is sent again, once. It may be what was lost; if not, its acknowledgement
 * tells of what was, well before the timer would.
 */
void tcp_link_probe(struct tcp_link *l)
{
    struct tcp_pcb *pcb = l->pcb;
    struct tcp_seg **at = &pcb->unacked;
    bool open = pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
    if (!open || !*at || pcb->unsent || pcb->nrtx || l->recovering || !(pcb->flags & TF_SACK) || pcb->flags & TF_RTO)
        return;
    if (l->probed && TCP_SEQ_LT(pcb->lastack, l->probe_end))
        return;
    s32 wait = 2 * (pcb->sa >> 3) + ((*at)->next ? PROBE_MORE : PROBE_DELAYED) / TCP_SLOW_INTERVAL;
    while ((*at)->next)
        at = &(*at)->next;
    if (pcb->rtime < wait || is_busy(*at) || ((*at)->flags & SACKED) || ((*at)->len > tcp_mss(pcb) && !cut_all(pcb, *at)))
        return;
    while ((*at)->next)
        at = &(*at)->next;
    l->probed = true;
    l->probe_end = pcb->snd_nxt;
    send_again(pcb, at, &pcb->unsent);
    pcb->rtime = 0;
    tcp_output(pcb);
}

void tcp_link_segment(struct tcp_link *l, const struct tcp_sack *sack, u32 acked)
{
    struct tcp_pcb *pcb = l->pcb;
    bool progress = pcb->lastack != acked;
    if (unlikely(!l->begun) && pcb->state >= ESTABLISHED) {
        l->begun = true;
        pcb->cwnd = FIRST_WINDOW * (u32)pcb->mss;
        progress = false;
    }
    if (unlikely(sack->n || l->recovering || pcb->dupacks >= DUPLICATE)) {
        cut_all(pcb, pcb->unacked);
        free_acknowledged(l);
        mark(l, sack);
        if (pcb->flags & TF_RTO || TCP_SEQ_GEQ(pcb->lastack, l->recovered)) {
            if (l->recovering)
                pcb->cwnd = MIN(pcb->cwnd, pcb->ssthresh);
            l->recovering = false;
        }
        if (!l->recovering && sees_loss(l))
            begin_recovery(l);
        if (l->recovering) {
            recover(l, progress);
            tcp_output(pcb);
        }
    } else if (progress) {
        grow_window(pcb, pcb->lastack - acked);
    }
    if (pcb->unsent || tcp_link_waits(l))
        tcp_link_feed(l, tcp_link_corked(l));
}

/* lwIP would send the first segment again: tcp_link_segment() has more to go by. */
void __wrap_tcp_rexmit_fast(struct tcp_pcb *pcb)
{
}

/*
 * The timer has run out: all is sent again that the peer does not say it has, from the first on. An error: not now. A peer may take
 * back what it said; then the first segment is one of those.
 */
err_t __wrap_tcp_rexmit_rto_prepare(struct tcp_pcb *pcb)
{
    struct tcp_seg *s, **at, **to = &pcb->unsent;
    if (!pcb->unacked || !cut_all(pcb, pcb->unacked))
        return ERR_VAL;
    bool taken_back = pcb->unacked->flags & SACKED;
    for (s = pcb->unacked; s; s = s->next) {
        if (is_busy(s))
            return ERR_VAL;
        s->flags &= (u8_t)(taken_back ? ~(SACKED | AGAIN) : ~AGAIN);
        pcb->rto_end = end_of(s);
    }
    for (at = &pcb->unacked; *at;) {
        if ((*at)->flags & SACKED)
            at = &(*at)->next;
        else
            to = send_again(pcb, at, to);
    }
    tcp_set_flags(pcb, TF_RTO);
    return ERR_OK;
}
