/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over memory-mapped registers (VIRTIO 1.2, section 4.2), devices found by
 * `virtio_mmio.device=SIZE@ADDRESS:IRQ[:ID]` on the command line, as microvm and Firecracker pass them.
 *
 * Each register access may cost tens of microseconds, so devices are looked at only when a driver
 * asks for one, registers that a reset left at the wanted value are not written, and the
 * interrupt status is not read before it is acknowledged.
 */
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include "kernel/lib/printf.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "platform/platform.h"
#include "platform/virtio/virtio.h"

#define MAX_SLOTS 32
#define MAGIC     0x74726976u /* "virt" */

static struct slot {
    paddr_t address;
    u64 size;
    bool probed, claimed;
    struct virtio_device device;
} slots[MAX_SLOTS];
static unsigned slot_count;

static u32 read_register(struct virtio_device *d, unsigned offset)
{
    return *(volatile u32 *)(d->registers + offset);
}

static void write_register(struct virtio_device *d, unsigned offset, u32 value)
{
    *(volatile u32 *)(d->registers + offset) = value;
}

static u32 get_status(struct virtio_device *d)
{
    return read_register(d, VIRTIO_MMIO_STATUS);
}

static void set_status(struct virtio_device *d, u32 status)
{
    write_register(d, VIRTIO_MMIO_STATUS, status);
}

static u64 get_features(struct virtio_device *d)
{
    u64 features;

    write_register(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    features = read_register(d, VIRTIO_MMIO_DEVICE_FEATURES);
    if (d->legacy)
        return features;
    write_register(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    return features | (u64)read_register(d, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

static void set_features(struct virtio_device *d, u64 features)
{
    write_register(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    write_register(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
    if (d->legacy) {
        write_register(d, VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE_SIZE);
        return;
    }
    write_register(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    write_register(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(features >> 32));
}

static u16 queue_max(struct virtio_device *d, u16 index)
{
    write_register(d, VIRTIO_MMIO_QUEUE_SEL, index);
    return (u16)read_register(d, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static void write_address(struct virtio_device *d, unsigned low_register, paddr_t pa)
{
    write_register(d, low_register, (u32)pa);
    if (pa >> 32)
        write_register(d, low_register + 4, (u32)(pa >> 32));
}

static void queue_enable(struct virtio_device *d, struct virtqueue *q)
{
    write_register(d, VIRTIO_MMIO_QUEUE_NUM, q->size);
    if (d->legacy) {
        write_register(d, VIRTIO_MMIO_QUEUE_ALIGN, PAGE_SIZE);
        write_register(d, VIRTIO_MMIO_QUEUE_PFN, (u32)(q->descriptors_pa >> PAGE_SHIFT));
        return;
    }
    write_address(d, VIRTIO_MMIO_QUEUE_DESC_LOW, q->descriptors_pa);
    write_address(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, q->avail_pa);
    write_address(d, VIRTIO_MMIO_QUEUE_USED_LOW, q->used_pa);
    write_register(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void notify(struct virtio_device *d, u16 index)
{
    write_register(d, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

/* A field of the device's configuration must be read in one access of its size. */
static void read_config(struct virtio_device *d, unsigned offset, void *buf, size_t n)
{
    volatile u8 *field = d->registers + VIRTIO_MMIO_CONFIG + offset;
    u8 *out = buf;

    if (n == sizeof(u32))
        *(u32 *)buf = *(volatile u32 *)field;
    else if (n == sizeof(u16))
        *(u16 *)buf = *(volatile u16 *)field;
    else
        for (size_t i = 0; i < n; i++)
            out[i] = field[i];
}

static void acknowledge(struct virtio_device *d)
{
    write_register(d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
}

static const struct virtio_transport_ops mmio_ops = {
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .queue_max = queue_max,
    .queue_enable = queue_enable,
    .notify = notify,
    .read_config = read_config,
    .acknowledge = acknowledge,
};

static void probe(struct slot *s)
{
    struct virtio_device *d = &s->device;

    s->probed = true;
    d->ops = &mmio_ops;
    d->registers = platform_map_device(s->address, s->size);
    if (!d->registers || read_register(d, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC) {
        log_warn("virtio-mmio: no device at 0x%llx", (unsigned long long)s->address);
        return;
    }
    d->legacy = read_register(d, VIRTIO_MMIO_VERSION) == 1;
    d->id = read_register(d, VIRTIO_MMIO_DEVICE_ID);
}

struct virtio_device *virtio_claim(u32 id)
{
    static struct mutex lock = MUTEX_INIT(LOCK_PROBE); /* slots: drivers probe when they are first used, on any CPU */
    struct virtio_device *found = NULL;

    mutex_lock(&lock);
    for (unsigned i = 0; i < slot_count && !found; i++) {
        struct slot *s = &slots[i];

        if (!s->probed)
            probe(s);
        if (s->device.id == id && !s->claimed) {
            s->claimed = true;
            found = &s->device;
        }
    }
    mutex_unlock(&lock);
    return found;
}

/* SIZE@ADDRESS:IRQ[:ID]; SIZE may end in K. */
static int add_slot(const char *value)
{
    u64 size, address, irq, id;
    const char *p = value;

    if (!p || parse_u64(p, &p, 0, &size))
        return -EINVAL;
    if (*p == 'K' || *p == 'k') {
        size <<= 10;
        p++;
    }
    if (*p++ != '@' || parse_u64(p, &p, 0, &address) || *p++ != ':' || parse_u64(p, &p, 0, &irq))
        return -EINVAL;
    if (*p == ':' && parse_u64(p + 1, &p, 0, &id))
        return -EINVAL;
    if (*p || size < VIRTIO_MMIO_CONFIG || slot_count == MAX_SLOTS)
        return -EINVAL;
    slots[slot_count++] =
        (struct slot){.address = address, .size = size, .device.gsi = (unsigned)irq};
    return 0;
}

PARAM(virtio_mmio, "virtio_mmio.device", add_slot);
