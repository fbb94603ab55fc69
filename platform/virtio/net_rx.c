/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net, receiving. The device has pages, the data area of struct net_buffer in each; a frame fills as many as it needs
 * (mergeable buffers). A page that is handed up is replaced before the next ones are taken; if there is no memory for that, the
 * frame is dropped and its pages are the replacement, so the device is never without.
 */
#include <linux/if_ether.h>
#include "kernel/log.h"
#include "kernel/page.h"
#include "platform/virtio/net.h"

#define ROOM         (PAGE_SIZE - sizeof(struct net_buffer))
#define LARGE_FRAME  (65536 + ETH_HLEN)
#define LEAST        18 /* a frame of any size finds room */
#define MEMORY_SHARE 64 /* this part of memory, at most, waits for frames */

_Static_assert(ROOM >= ETH_FRAME_LEN + NET_HEADER, "a frame of Ethernet fits into one buffer");

unsigned net_rx_target(void)
{
    struct page_stats stats;

    page_stats(&stats);
    return (unsigned)MAX(MIN(stats.total / MEMORY_SHARE, (u64)NET_RX_SIZE), (u64)LEAST);
}

void net_buffer_release(struct net_buffer *b)
{
    page_put(page_of(virt_to_phys(b)));
}

static bool post(struct net_device *d, struct net_buffer *b)
{
    int token = virtqueue_add(&d->rx, virt_to_phys(b + 1), ROOM, true);

    if (token < 0)
        return false;
    d->posted[token] = b;
    d->n_posted++;
    return true;
}

static void refill(struct net_device *d)
{
    bool any = false;

    while (d->n_posted < d->target) {
        paddr_t pa = page_alloc_pa(PAGE_NO_RECLAIM);

        if (!pa)
            break;
        if (!post(d, phys_to_virt(pa))) {
            net_buffer_release(phys_to_virt(pa));
            break;
        }
        any = true;
    }
    if (any)
        virtqueue_kick(&d->rx);
}

int net_rx_start(struct net_device *d)
{
    refill(d);
    return d->n_posted ? 0 : -ENOMEM;
}

/* The next buffer that the device has filled, NULL if there is none. */
static struct net_buffer *take(struct net_device *d)
{
    u32 written;
    int token = virtqueue_take(&d->rx, &written);

    if (token < 0)
        return NULL;
    struct net_buffer *b = d->posted[token];

    d->posted[token] = NULL;
    if (!b)
        return NULL;
    d->n_posted--;
    *b = (struct net_buffer){.data = (u8 *)(b + 1), .length = written};
    return b;
}

/* Takes a whole frame, with what its header says; NULL: none. One that makes no sense has frame_length 0. */
static struct net_buffer *take_frame(struct net_device *d)
{
    struct net_buffer *first = take(d), *last = first;

    if (!first)
        return NULL;
    const struct virtio_net_hdr_v1 *header = (const void *)first->data;
    bool sense = first->length >= NET_HEADER;
    unsigned more = d->device->features >> VIRTIO_NET_F_MRG_RXBUF & 1 && sense ? header->num_buffers - 1u : 0;
    u32 total = sense ? first->length -= NET_HEADER : 0;

    first->data += NET_HEADER;
    first->checksum_good = header->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID);
    first->segment_size = header->gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : header->gso_size;
    while (more-- && total <= LARGE_FRAME) {
        last->next = take(d);
        last = last->next;
        if (!last) {
            sense = false; /* the device must not show a part of a frame */
            break;
        }
        total += last->length;
    }
    first->frame_length = sense && total >= ETH_HLEN && total <= LARGE_FRAME ? total : 0;
    return first;
}

static void drop(struct net_device *d, struct net_buffer *b)
{
    d->dropped++;
    while (b) {
        struct net_buffer *next = b->next;

        if (d->n_posted >= d->target || !post(d, b))
            net_buffer_release(b);
        b = next;
    }
    virtqueue_kick(&d->rx);
}

unsigned platform_net_poll(unsigned device, unsigned budget, void (*receive)(void *context, struct net_buffer *frame),
                           void *context)
{
    struct net_device *d = net_device_of(device);
    struct net_buffer *b;
    unsigned n = 0;

    if (d->rx.interrupts)
        virtqueue_want_interrupt(&d->rx, false);
    net_tx_collect(d);
    for (; n < budget && (b = take_frame(d)); n++) {
        if (d->n_posted < d->target / 2)
            refill(d);
        if (b->frame_length && d->n_posted >= d->target / 2)
            receive(context, b);
        else
            drop(d, b);
    }
    if (n)
        refill(d);
    return n;
}

bool platform_net_pending(unsigned device)
{
    return virtqueue_has_used(&net_device_of(device)->rx);
}

u64 platform_net_dropped(unsigned device)
{
    return net_device_of(device)->dropped;
}
