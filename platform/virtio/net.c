/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net (VIRTIO 1.2, section 5.1; <linux/virtio_net.h>): finding network devices, their link, their interrupt. net_rx.c receives,
 * net_tx.c sends.
 *
 * One pair of queues for all CPUs (no VIRTIO_NET_F_MQ): behind them in the host is one thread, QEMU's own, however many there are, and it
 * is busier than the CPU that serves (redis: 6.2 µs to 4.6 for each request, KVM). In here is one lock, under which 4 of 10 instructions
 * of such a request are done (5,000 of 12,700). The device's filters are left alone: it passes on all that it sees.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include "kernel/lock.h"
#include "kernel/log.h"
#include "platform/stream.h"
#include "platform/virtio/net.h"

#define MAX_DEVICES 4
#define DEFAULT_MTU 1500
#define LINK_EVERY  (100 * NSEC_PER_MSEC)

static struct net_device devices[MAX_DEVICES];
static unsigned device_count;
static struct mutex probe_lock; /* LOCK_FS: finding devices */

void virtio_net_init(void)
{
    mutex_init(&probe_lock, LOCK_FS);
}

struct net_device *net_device_of(unsigned device)
{
    return &devices[device];
}

static bool has(const struct net_device *d, unsigned feature)
{
    return d->device->features >> feature & 1;
}

/* ---------------------------------------------------------------- link and interrupt */

/* Masked, or before the device was started. */
static void check_link(struct net_device *d)
{
    u16 status = VIRTIO_NET_S_LINK_UP;

    d->link_checked = platform_clock();
    if (has(d, VIRTIO_NET_F_STATUS))
        d->device->ops->read_config(d->device, offsetof(struct virtio_net_config, status), &status, sizeof(status));
    WRITE_ONCE(d->link, status & VIRTIO_NET_S_LINK_UP);
}

static void look_at_link(struct net_device *d)
{
    bool before = d->link;

    check_link(d);
    if (d->link != before && d->event)
        d->event(d->context);
}

static void link_timeout(struct timer *t)
{
    look_at_link(container_of(t, struct net_device, link_timer));
}

/*
 * Whether frames or a change of the link were the reason is not asked, since reading a register costs as much as the interrupt: an
 * interrupt without frames was for the link, and after any other the link is looked at some time later.
 */
static void interrupt(struct virtio_device *v)
{
    struct net_device *d = devices;

    while (d->device != v)
        d++;
    bool work = virtqueue_has_used(&d->rx) || virtqueue_has_used(&d->tx);

    if (work && __atomic_exchange_n(&d->listening, false, __ATOMIC_SEQ_CST) && d->event)
        d->event(d->context);
    if (!has(d, VIRTIO_NET_F_STATUS))
        return;
    if (!work && platform_clock() > d->link_checked + LINK_EVERY)
        look_at_link(d);
    else if (!d->link_timer.armed)
        timer_arm(&d->link_timer, platform_clock() + LINK_EVERY);
}

bool platform_net_link(unsigned device)
{
    return READ_ONCE(devices[device].link);
}

/* ---------------------------------------------------------------- finding devices */

static void read_info(struct net_device *d)
{
    struct net_info *info = &d->info;
    u16 mtu = DEFAULT_MTU;

    if (has(d, VIRTIO_NET_F_MTU))
        d->device->ops->read_config(d->device, offsetof(struct virtio_net_config, mtu), &mtu, sizeof(mtu));
    info->mtu = has(d, VIRTIO_NET_F_MRG_RXBUF) ? mtu : MIN(mtu, DEFAULT_MTU);
    if (has(d, VIRTIO_NET_F_MAC)) {
        d->device->ops->read_config(d->device, offsetof(struct virtio_net_config, mac), info->mac, sizeof(info->mac));
    } else {
        platform_cpu_random(info->mac, sizeof(info->mac));
        info->mac[0] = (u8)((info->mac[0] & ~1) | 2); /* of one station, given locally */
    }
    info->max_segments = NET_MAX_SEGMENTS;
    info->checksum = has(d, VIRTIO_NET_F_CSUM);
    info->send_large4 = has(d, VIRTIO_NET_F_HOST_TSO4);
    info->send_large6 = has(d, VIRTIO_NET_F_HOST_TSO6);
    info->receive_large = has(d, VIRTIO_NET_F_GUEST_TSO4);
}

static u64 bits(const u8 *features, size_t n)
{
    u64 mask = 0;

    while (n--)
        mask |= 1ull << features[n];
    return mask;
}

static int negotiate(struct net_device *d)
{
    static const u8 basic[] = {VIRTIO_NET_F_CSUM,    VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_MTU,        VIRTIO_NET_F_MAC,
                               VIRTIO_NET_F_STATUS,  VIRTIO_NET_F_MRG_RXBUF,  VIRTIO_NET_F_HOST_TSO4,  VIRTIO_NET_F_HOST_TSO6,
                               VIRTIO_F_ANY_LAYOUT,  VIRTIO_RING_F_EVENT_IDX};
    static const u8 large[] = {VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6};
    u64 wanted = bits(basic, ARRAY_SIZE(basic)), more = bits(large, ARRAY_SIZE(large));

    /* A large frame waits until there is room for all of it. */
    if (d->target * PAGE_SIZE < 4 * 65536)
        more = 0;
    virtio_begin(d->device);
    int error = virtio_negotiate(d->device, wanted | more);

    if (error || !(d->device->features & more) || has(d, VIRTIO_NET_F_MRG_RXBUF))
        return error;
    virtio_begin(d->device);
    return virtio_negotiate(d->device, wanted);
}

/* False: the device cannot be used. */
static bool prepare(struct net_device *d, struct virtio_device *v)
{
    d->device = v;
    d->target = net_rx_target();
    v->interrupt = interrupt;
    timer_init(&d->link_timer, link_timeout);
    if (negotiate(d))
        return false;
    if (v->legacy && !(has(d, VIRTIO_F_ANY_LAYOUT) && has(d, VIRTIO_NET_F_MRG_RXBUF))) {
        log_warn("virtio-net: a device is too old to be used");
        return false;
    }
    read_info(d);
    check_link(d);
    if (virtqueue_setup(&d->rx, v, 0, NET_RX_SIZE) || virtqueue_setup(&d->tx, v, 1, NET_TX_SIZE)) {
        log_warn("virtio-net: a device cannot be used: no memory, or no queue");
        return false;
    }
    d->target = MIN(d->target, (unsigned)d->rx.size);
    d->info.max_segments = MIN(d->info.max_segments, (u16)(d->tx.size - 1));
    virtqueue_want_interrupt(&d->rx, false);
    virtqueue_want_interrupt(&d->tx, false);
    return true;
}

unsigned platform_net_count(void)
{
    static bool probed;
    struct virtio_device *v;

    if (__atomic_load_n(&probed, __ATOMIC_ACQUIRE))
        return device_count;
    mutex_lock(&probe_lock);
    while (!probed && device_count < MAX_DEVICES && (v = virtio_claim(VIRTIO_ID_NET))) {
        if (prepare(&devices[device_count], v))
            device_count++;
        else
            devices[device_count] = (struct net_device){0};
    }
    __atomic_store_n(&probed, true, __ATOMIC_RELEASE);
    mutex_unlock(&probe_lock);
    return device_count;
}

const struct net_info *platform_net_info(unsigned device)
{
    return &devices[device].info;
}

int platform_net_start(unsigned device, void (*event)(void *context), void *context)
{
    struct net_device *d = &devices[device];

    d->event = event;
    d->context = context;
    int error = virtio_ready(d->device);

    return error ? error : net_rx_start(d);
}
