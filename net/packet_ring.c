/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of received frames that a packet socket shares with the program (packet(7), PACKET_RX_RING, TPACKET_V2): slots of one size in
 * blocks, each with a status word that says whose it is. Nothing that the program writes there is believed but that word. A ring is
 * used under its socket's lock.
 */
#include <linux/if_packet.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/memory_object.h"
#include "kernel/timer.h"
#include "net/packet.h"

#define RING_MAX     (64u << 20) /* bytes */
#define ADDRESS_AT   TPACKET_ALIGN(sizeof(struct tpacket2_hdr))
#define HEADER_LEAST 16          /* bytes kept for a link's header */

struct packet_ring {
    struct pages_object *memory;
    u32 block_size, frame_size, per_block, frames; /* bytes; numbers */
    u32 reserve;
    u32 next;                                      /* slot for the next frame */
};

struct packet_ring *packet_ring_create(const struct tpacket_req *q, u32 reserve)
{
    if ((s32)q->tp_block_size <= 0 || q->tp_block_size % PAGE_SIZE || q->tp_frame_size < TPACKET2_HDRLEN + (u64)reserve ||
        q->tp_frame_size % TPACKET_ALIGNMENT || q->tp_frame_size > q->tp_block_size)
        return ERR_PTR(-EINVAL);
    u32 per_block = q->tp_block_size / q->tp_frame_size;
    if ((u64)per_block * q->tp_block_nr != q->tp_frame_nr)
        return ERR_PTR(-EINVAL);
    u64 count = (u64)q->tp_block_size / PAGE_SIZE * q->tp_block_nr;
    if (count > RING_MAX / PAGE_SIZE)
        return ERR_PTR(-ENOMEM);
    struct packet_ring *r = kzalloc(sizeof(*r));
    struct pages_object *m = pages_object_create(count, 0);
    if (!r || !m) {
        kfree(r);
        if (m)
            memory_object_put(&m->base);
        return ERR_PTR(-ENOMEM);
    }
    *r = (struct packet_ring){.memory = m, .block_size = q->tp_block_size, .frame_size = q->tp_frame_size,
                              .per_block = per_block, .frames = q->tp_frame_nr, .reserve = reserve};
    return r;
}

void packet_ring_destroy(struct packet_ring *r)
{
    if (!r)
        return;
    memory_object_put(&r->memory->base);
    kfree(r);
}

struct memory_object *packet_ring_map(struct packet_ring *r, u64 offset, u64 length)
{
    if (!r || offset || length != r->memory->base.size)
        return ERR_PTR(-EINVAL);
    memory_object_get(&r->memory->base);
    return &r->memory->base;
}

/* Where slot i begins. */
static u64 slot(const struct packet_ring *r, u32 i)
{
    return (u64)(i / r->per_block) * r->block_size + (u64)(i % r->per_block) * r->frame_size;
}

static u32 *status_of(struct packet_ring *r, u32 i)
{
    u64 at = slot(r, i); /* aligned: the word is in one page */
    return (u32 *)(r->memory->pages[at / PAGE_SIZE] + at % PAGE_SIZE);
}

static void put(struct packet_ring *r, u64 at, const void *data, u32 n)
{
    const u8 *from = data;
    while (n) {
        u32 k = (u32)MIN((u64)n, PAGE_SIZE - at % PAGE_SIZE);
        memcpy(r->memory->pages[at / PAGE_SIZE] + at % PAGE_SIZE, from, k);
        at += k;
        from += k;
        n -= k;
    }
}

bool packet_ring_put(struct packet_ring *r, const struct sockaddr_ll *from, const u8 *data, u32 n, u32 length, u32 header, s64 time, u32 status)
{
    u32 *word = status_of(r, r->next);
    if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL)
        return false;
    u64 at = slot(r, r->next);
    u32 net = (header ? TPACKET_ALIGN(TPACKET2_HDRLEN + MAX(header, (u32)HEADER_LEAST))
                      : TPACKET_ALIGN(TPACKET2_HDRLEN) + HEADER_LEAST) + r->reserve;
    u32 mac = net - header, room = mac < r->frame_size ? r->frame_size - mac : 0;
    n = MIN(n, room);
    struct tpacket2_hdr h = {.tp_status = TP_STATUS_KERNEL, .tp_len = length, .tp_snaplen = n, .tp_mac = (u16)mac, .tp_net = (u16)net};
    h.tp_sec = (u32)(time / (s64)NSEC_PER_SEC);
    h.tp_nsec = (u32)(time % (s64)NSEC_PER_SEC);
    put(r, at, &h, sizeof(h));
    put(r, at + ADDRESS_AT, from, sizeof(*from));
    put(r, at + mac, data, n);
    __atomic_store_n(word, status | TP_STATUS_USER | TP_STATUS_TS_SOFTWARE, __ATOMIC_RELEASE);
    r->next = r->next + 1 == r->frames ? 0 : r->next + 1;
    return true;
}

bool packet_ring_readable(struct packet_ring *r)
{
    u32 last = r->next ? r->next - 1 : r->frames - 1;
    return __atomic_load_n(status_of(r, last), __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL;
}
