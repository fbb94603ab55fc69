/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices as their drivers see them, whatever the transport. Source: Virtual I/O Device
 * (VIRTIO) Version 1.2, chapters 2 (virtqueues), 3 (initialization), 4 (transports).
 *
 * A driver's probe: virtio_claim(), virtio_begin(), virtio_negotiate(), virtqueue_setup() for each
 * queue it uses, virtio_ready().
 */
#ifndef PLATFORM_VIRTIO_VIRTIO_H
#define PLATFORM_VIRTIO_VIRTIO_H

#include "kernel/types.h"

struct virtio_device;
struct virtqueue;
struct block_segment;

struct virtio_transport_ops {
    u32 (*get_status)(struct virtio_device *d);
    void (*set_status)(struct virtio_device *d, u32 status);
    u64 (*get_features)(struct virtio_device *d);
    void (*set_features)(struct virtio_device *d, u64 features);
    /* Largest size the device allows for queue index, 0: no such queue. Selects the queue. */
    u16 (*queue_max)(struct virtio_device *d, u16 index);
    /* Tells the device the addresses of the queue selected last. */
    void (*queue_enable)(struct virtio_device *d, struct virtqueue *q);
    void (*notify)(struct virtio_device *d, u16 index);
    void (*read_config)(struct virtio_device *d, unsigned offset, void *buf, size_t n);
    /* Acknowledges the interrupt; handler context. */
    void (*acknowledge)(struct virtio_device *d);
};

struct virtio_device {
    const struct virtio_transport_ops *ops;
    volatile u8 *registers; /* MMIO transport */
    u32 id;                 /* VIRTIO_ID_*, 0: none */
    unsigned gsi;
    bool legacy;            /* interface before version 1: queues by page frame number */
    u64 features;           /* negotiated */
    void (*interrupt)(struct virtio_device *d); /* the driver's; masked */
};

/*
 * A split virtqueue. The driver locks. The token of a buffer is the index of its first descriptor,
 * stable until the device used it.
 */
struct virtqueue {
    struct virtio_device *device;
    u16 index, size;      /* number of the queue, entries */
    u16 free_count;       /* descriptors that the driver owns */
    u16 free_head;        /* first of them, chained by next */
    u16 next_avail;       /* as published in avail->idx */
    u16 last_used;        /* how far used->ring was read */
    u16 kicked;           /* next_avail when the device was last told, or not to be told */
    bool events;          /* VIRTIO_RING_F_EVENT_IDX: each side says by index when it wants to be told */
    bool interrupts;      /* events: they are wanted */
    /* a table of descriptors for each, a page once it is used; NULL: the device takes none */
    struct vring_desc **tables;
    paddr_t descriptors_pa, avail_pa, used_pa;
    struct vring_desc *descriptors;
    struct vring_avail *avail;
    struct vring_used *used;
};

/* Resets the device and acknowledges it. */
void virtio_begin(struct virtio_device *d);
/* Accepts wanted & offered (VERSION_1 is added). 0 or -ENODEV when the device refuses. */
int virtio_negotiate(struct virtio_device *d, u64 wanted);
/* Connects the interrupt and sets DRIVER_OK. 0 or negative errno. */
int virtio_ready(struct virtio_device *d);
/* Sets up queue index with at most max entries (a power of two). 0, -ENOENT (no such queue), -ENOMEM. */
int virtqueue_setup(struct virtqueue *q, struct virtio_device *d, u16 index, u16 max);
/* Gives one buffer to the device; device_writes: it fills it. Token >= 0, or -EAGAIN when full. */
int virtqueue_add(struct virtqueue *q, paddr_t buffer, u32 length, bool device_writes);
/*
 * Gives a buffer of several pieces, at least one: the device reads out[], then fills in[]. With the
 * feature VIRTIO_RING_F_INDIRECT_DESC it takes one descriptor and a table, otherwise a descriptor for
 * each piece; q->size pieces at most. Token >= 0, -EAGAIN (full), -ENOMEM, -EINVAL.
 */
int virtqueue_add_chain(struct virtqueue *q, const struct block_segment *out, unsigned n_out,
                        const struct block_segment *in, unsigned n_in);
/* Tells the device, unless it said that it needs no telling. Locked, with VIRTIO_RING_F_EVENT_IDX. */
void virtqueue_kick(struct virtqueue *q);
/* Does the device sleep until it is told of what was added since the last time? */
bool virtqueue_waits(const struct virtqueue *q);
/* Takes one used buffer back: token and how many bytes the device wrote, or -EAGAIN. */
int virtqueue_take(struct virtqueue *q, u32 *written);
/* True if virtqueue_take() would give one. Without a lock. */
bool virtqueue_has_used(const struct virtqueue *q);
/* Whether the device shall interrupt when it used buffers; a hint. */
void virtqueue_want_interrupt(struct virtqueue *q, bool on);
static inline bool virtqueue_idle(const struct virtqueue *q)
{
    return q->free_count == q->size;
}

/* The first device of an id that nobody claimed yet, NULL if none. */
struct virtio_device *virtio_claim(u32 id);

#endif
