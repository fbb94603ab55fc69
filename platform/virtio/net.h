/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the virtio-net driver share: one device. Everything in it is guarded by the network's core lock, which callers
 * of platform_net_*() hold, but for what the interrupt handler uses (see there).
 */
#ifndef PLATFORM_VIRTIO_NET_H
#define PLATFORM_VIRTIO_NET_H

#include <linux/virtio_net.h>
#include "kernel/timer.h"
#include "platform/virtio/virtio.h"

#define NET_RX_SIZE   256 /* entries of the queue, as TX */
#define NET_TX_SIZE   256
#define NET_SLOT_SIZE 256
#define NET_HEADER    sizeof(struct virtio_net_hdr_v1)
#define NET_MAX_SEGMENTS 32 /* of a frame to be sent */

/* Memory for the header of a frame being sent, and for what of the frame fits behind it. */
struct net_slot {
    struct virtio_net_hdr_v1 header;
    u8 data[NET_SLOT_SIZE - NET_HEADER];
};

struct net_device {
    struct net_info info;
    struct virtio_device *device;

    struct virtqueue rx;
    struct net_buffer *posted[NET_RX_SIZE]; /* by token */
    unsigned n_posted, target;              /* buffers that the device has, and should have */
    u64 dropped;

    struct virtqueue tx;
    struct net_frame *in_flight[NET_TX_SIZE]; /* by token; NULL: done already */
    struct net_slot *slots[NET_TX_SIZE];      /* by token; a page is cut up when one is first used */
    bool unsent;                              /* queued since the device was last told */
    bool watch_tx;                            /* interrupts are wanted of tx */
    bool full;                                /* somebody was told -EAGAIN */

    /* the handler's: atomic, or constant once the device was started */
    void (*event)(void *context);
    void *context;
    bool listening;         /* an event is due */
    bool link;
    nsec_t link_checked;
    struct timer link_timer; /* to look at the link when its change may have been missed */
};

/* net_rx.c: how many buffers to use, before features are negotiated; then fills the queue. 0, -ENOMEM. */
unsigned net_rx_target(void);
int net_rx_start(struct net_device *d);
/* net_tx.c: takes back what the device has sent. */
void net_tx_collect(struct net_device *d);

struct net_device *net_device_of(unsigned device);

#endif
