/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net, sending. Each frame begins in a slot of the driver's: the device's header, and behind it as many whole pieces of the
 * frame as fit. What is short goes by one descriptor that way, and headers of the protocols with the device's; the
 * rest is read where it lies.
 *
 * The device is told to be silent about what it has sent. It is looked at when the next frame is queued or frames are polled,
 * and only a full queue asks for an interrupt.
 */
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "platform/virtio/net.h"

#define SLOTS_IN_PAGE (PAGE_SIZE / NET_SLOT_SIZE)
#define ROOMY         (NET_TX_SIZE / 4)

static struct net_slot *slot_of(struct net_device *d, unsigned token)
{
    if (unlikely(!d->slots[token])) {
        unsigned first = token - token % SLOTS_IN_PAGE;
        paddr_t pa = page_alloc_pa(PAGE_NO_RECLAIM | PAGE_RESERVE);

        if (!pa)
            return NULL;
        for (unsigned i = 0; i < SLOTS_IN_PAGE; i++)
            d->slots[first + i] = (struct net_slot *)phys_to_virt(pa) + i;
    }
    return d->slots[token];
}

void net_tx_collect(struct net_device *d)
{
    int token;

    while ((token = virtqueue_take(&d->tx, NULL)) >= 0) {
        struct net_frame *f = d->in_flight[token];

        d->in_flight[token] = NULL;
        if (f && f->done)
            f->done(f);
    }
    if (d->tx.free_count >= ROOMY)
        d->full = false;
}

static void watch(struct net_device *d, bool on)
{
    if (d->watch_tx != on)
        virtqueue_want_interrupt(&d->tx, on);
    d->watch_tx = on;
}

/* True if there are n descriptors. If not, an interrupt will tell. */
static bool room(struct net_device *d, unsigned n)
{
    if (d->tx.free_count < ROOMY)
        net_tx_collect(d);
    if (d->tx.free_count >= n)
        return true;
    platform_net_kick((unsigned)(d - net_device_of(0)), true); /* only what it has been told of makes room */
    d->full = true;
    __atomic_store_n(&d->listening, true, __ATOMIC_SEQ_CST);
    watch(d, true);
    net_tx_collect(d); /* what was sent before that interrupts nobody */
    return d->tx.free_count >= n;
}

static void describe(struct virtio_net_hdr_v1 *h, const struct net_frame *f)
{
    *h = (struct virtio_net_hdr_v1){0};
    if (f->checksum_start) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = f->checksum_start;
        h->csum_offset = f->checksum_offset;
    }
    if (f->segment_size) {
        h->gso_type = f->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        h->gso_size = f->segment_size;
        h->hdr_len = f->header_length;
    }
}

int platform_net_transmit(unsigned device, struct net_frame *f)
{
    struct net_device *d = net_device_of(device);
    struct block_segment pieces[NET_MAX_SEGMENTS + 1];
    const struct block_segment *s = f->segments, *end = s + f->n_segments;
    unsigned n = 0;
    u32 used = 0;

    if (f->n_segments > d->info.max_segments)
        return -EINVAL;
    if (!room(d, f->n_segments + 1u))
        return -EAGAIN;
    struct net_slot *slot = slot_of(d, d->tx.free_head);

    if (!slot)
        return -ENOMEM;
    describe(&slot->header, f);
    for (; s < end && used + s->length <= sizeof(slot->data); s++) {
        memcpy(slot->data + used, phys_to_virt(s->pa), s->length);
        used += s->length;
    }
    pieces[n++] = (struct block_segment){virt_to_phys(slot), NET_HEADER + used};
    bool copied = s == end;

    while (s < end)
        pieces[n++] = *s++;
    int token = virtqueue_add_chain(&d->tx, pieces, n, NULL, 0);

    if (token < 0)
        return token;
    d->in_flight[token] = copied ? NULL : f;
    d->unsent = true;
    if (copied && f->done)
        f->done(f);
    return 0;
}

bool platform_net_kick(unsigned device, bool now)
{
    struct net_device *d = net_device_of(device);

    if (!d->unsent)
        return true;
    if (!now && virtqueue_waits(&d->tx))
        return false;
    d->unsent = false;
    virtqueue_kick(&d->tx);
    return true;
}

bool platform_net_listen(unsigned device, bool sent)
{
    struct net_device *d = net_device_of(device);

    sent |= d->full;
    __atomic_store_n(&d->listening, true, __ATOMIC_SEQ_CST);
    watch(d, sent);
    virtqueue_want_interrupt(&d->rx, true);
    if (!virtqueue_has_used(&d->rx) && !(sent && virtqueue_has_used(&d->tx)))
        return true;
    virtqueue_want_interrupt(&d->rx, false);
    return false;
}
