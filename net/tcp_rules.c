/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's rules for a byte stream (net/stream.h): how much a sender may have unread, and what comes of data for an end that closed. */
#include "kernel/page.h"
#include "net/inet.h"

#define AUTOTUNE_MAX (4u << 20) /* what automatic tuning of Linux ends at on loopback */
#define AUTOTUNE_MIN (128u << 10)

/* Bytes a sender may have unread at the receiver: a share of memory unless the program chose; a page, when all that is sent takes an eighth. */
static u64 tcp_limit(const struct socket *sender)
{
    static u64 automatic, outside;
    if (!automatic) {
        struct page_stats stats;
        page_stats(&stats);
        automatic = MAX(AUTOTUNE_MIN, MIN(AUTOTUNE_MAX, stats.total * PAGE_SIZE / 64));
        outside = stats.total * PAGE_SIZE / 8;
    }
    if (unlikely(stream_outside_charge() > outside) && sender->stream && sender->stream->outside)
        return PAGE_SIZE;
    if (sender->options.send_locked)
        return (u64)sender->options.send_buffer + (u64)sender->options.receive_buffer;
    return MIN(automatic, (u64)READ_ONCE(network_room));
}

static u32 tcp_charge(u32 bytes)
{
    return bytes + 64;
}

static bool tcp_is_writable(u64 charge, u64 limit)
{
    return charge * 3 <= limit * 2;
}

void tcp_reset_end(struct stream_side *side)
{
    if (!side->reset)
        socket_set_error(side->socket, side->ended ? EPIPE : ECONNRESET);
    side->reset = true;
    side->shutdown = SHUT_BOTH;
}

/* What becomes of data for an end that closed in peace, or will read no more after its FIN: it answers with a reset. stream.lock held. */
static int tcp_to_closed(struct socket *s)
{
    struct stream_side *me = stream_mine(s), *other = stream_other(s);
    if (me->reset)
        return -EPIPE;
    tcp_reset_end(me);
    stream_wake(me, ~0u);
    if (other->socket) {
        tcp_reset_end(other);
        stream_wake(other, ~0u);
    }
    return 0;
}

const struct stream_rules tcp_rules = {
    .chunk_max = 64 * 1024,
    .charge = tcp_charge,
    .limit = tcp_limit,
    .writable = tcp_is_writable,
    .to_closed = tcp_to_closed,
};
