/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (VIRTIO 1.2, section 2.7) and the device start-up sequence (section 3.1).
 * Free descriptors are chained through their next fields; a queue that has all of them free is idle.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include "kernel/log.h"
#include "kernel/page.h"
#include "platform/virtio/virtio.h"

#define MAX_TABLE     (PAGE_SIZE / sizeof(struct vring_desc))
#define DRIVER_STATUS (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)

void virtio_begin(struct virtio_device *d)
{
    d->ops->set_status(d, 0);
    d->ops->set_status(d, DRIVER_STATUS);
}

int virtio_negotiate(struct virtio_device *d, u64 wanted)
{
    if (!d->legacy)
        wanted |= 1ull << VIRTIO_F_VERSION_1;
    d->features = d->ops->get_features(d) & wanted;
    d->ops->set_features(d, d->features);
    if (d->legacy)
        return 0;
    d->ops->set_status(d, DRIVER_STATUS | VIRTIO_CONFIG_S_FEATURES_OK);
    if (d->ops->get_status(d) & VIRTIO_CONFIG_S_FEATURES_OK)
        return 0;
    log_warn("virtio: device %u refuses features %llx", d->id, (unsigned long long)d->features);
    d->ops->set_status(d, VIRTIO_CONFIG_S_FAILED);
    return -ENODEV;
}

static void device_interrupt(void *arg)
{
    struct virtio_device *d = arg;

    d->ops->acknowledge(d);
    d->interrupt(d);
}

int virtio_ready(struct virtio_device *d)
{
    int error = d->interrupt ? platform_irq_request(d->gsi, false, device_interrupt, d) : 0;

    if (error) {
        log_warn("virtio: device %u: interrupt line %u: error %d", d->id, d->gsi, -error);
        d->ops->set_status(d, VIRTIO_CONFIG_S_FAILED);
        return error;
    }
    d->ops->set_status(d, DRIVER_STATUS | VIRTIO_CONFIG_S_DRIVER_OK |
                              (d->legacy ? 0 : VIRTIO_CONFIG_S_FEATURES_OK));
    return 0;
}

int virtqueue_setup(struct virtqueue *q, struct virtio_device *d, u16 index, u16 max)
{
    u16 size = d->ops->queue_max(d, index);
    unsigned order = 0;

    if (size == 0)
        return -ENOENT;
    size = MIN(size, max);
    size_t used_offset = sizeof(struct vring_desc) * size + sizeof(u16) * (3 + size);
    used_offset = ALIGN_UP(used_offset, d->legacy ? PAGE_SIZE : sizeof(u32));
    size_t bytes = used_offset + sizeof(u16) * 3 + sizeof(struct vring_used_elem) * size;
    while ((PAGE_SIZE << order) < bytes)
        order++;
    struct page *memory = page_alloc(order, PAGE_ZERO | PAGE_LAST);
    if (!memory)
        return -ENOMEM;

    paddr_t base = page_address(memory);
    *q = (struct virtqueue){.device = d, .index = index, .size = size, .free_count = size};
    q->events = d->features >> VIRTIO_RING_F_EVENT_IDX & 1;
    q->interrupts = q->events; /* index 0, where the memory is zeroed */
    if (d->features >> VIRTIO_RING_F_INDIRECT_DESC & 1 && size <= MAX_TABLE) {
        paddr_t tables = page_alloc_pa(PAGE_ZERO | PAGE_LAST);

        q->tables = tables ? phys_to_virt(tables) : NULL;
    }
    q->descriptors_pa = base;
    q->avail_pa = base + sizeof(struct vring_desc) * size;
    q->used_pa = base + used_offset;
    q->descriptors = phys_to_virt(q->descriptors_pa);
    q->avail = phys_to_virt(q->avail_pa);
    q->used = phys_to_virt(q->used_pa);
    for (u16 i = 0; i < size; i++)
        q->descriptors[i].next = i + 1;
    d->ops->queue_enable(d, q);
    return 0;
}

/* Shows the buffer that begins at descriptor token to the device. */
static int publish(struct virtqueue *q, u16 token)
{
    q->avail->ring[q->next_avail % q->size] = token;
    q->next_avail++;
    __atomic_store_n(&q->avail->idx, q->next_avail, __ATOMIC_RELEASE);
    return token;
}

int virtqueue_add(struct virtqueue *q, paddr_t buffer, u32 length, bool device_writes)
{
    if (q->free_count == 0)
        return -EAGAIN;
    u16 token = q->free_head;
    struct vring_desc *desc = &q->descriptors[token];

    q->free_head = desc->next;
    q->free_count--;
    desc->addr = buffer;
    desc->len = length;
    desc->flags = device_writes ? VRING_DESC_F_WRITE : 0;
    return publish(q, token);
}

static void describe(struct vring_desc *desc, const struct block_segment *s, bool device_writes)
{
    desc->addr = s->pa;
    desc->len = s->length;
    desc->flags = device_writes ? VRING_DESC_F_WRITE : 0;
}

/* The table that goes with descriptor token; NULL: none. */
static struct vring_desc *table_of(struct virtqueue *q, u16 token)
{
    if (q->tables && !q->tables[token]) {
        paddr_t pa = page_alloc_pa(PAGE_NO_RECLAIM | PAGE_LAST);

        q->tables[token] = pa ? phys_to_virt(pa) : NULL;
    }
    return q->tables ? q->tables[token] : NULL;
}

/* The pieces in a table of their own: one descriptor. */
static int add_table(struct virtqueue *q, const struct block_segment *out, unsigned n_out,
                     const struct block_segment *in, unsigned n_in)
{
    unsigned n = n_out + n_in;
    u16 token = q->free_head;
    struct vring_desc *head = &q->descriptors[token], *table = table_of(q, token);

    if (!table)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        describe(&table[i], i < n_out ? &out[i] : &in[i - n_out], i >= n_out);
        if (i + 1 < n)
            table[i].flags |= VRING_DESC_F_NEXT;
        table[i].next = (u16)(i + 1);
    }
    q->free_head = head->next;
    q->free_count--;
    head->addr = virt_to_phys(table);
    head->len = (u32)(n * sizeof(*table));
    head->flags = VRING_DESC_F_INDIRECT;
    return publish(q, token);
}

int virtqueue_add_chain(struct virtqueue *q, const struct block_segment *out, unsigned n_out,
                        const struct block_segment *in, unsigned n_in)
{
    unsigned n = n_out + n_in;
    u16 token = q->free_head, last = token;
    int error = -EAGAIN;

    if (n == 0 || n > q->size)
        return -EINVAL;
    if (n > 1 && q->free_count) {
        error = add_table(q, out, n_out, in, n_in);
        if (error != -ENOMEM)
            return error;
    }
    if (q->free_count < n)
        return error;
    for (unsigned i = 0; i < n; i++) {
        struct vring_desc *desc = &q->descriptors[q->free_head];

        describe(desc, i < n_out ? &out[i] : &in[i - n_out], i >= n_out);
        desc->flags |= VRING_DESC_F_NEXT;
        last = q->free_head;
        q->free_head = desc->next;
    }
    q->descriptors[last].flags &= (u16)~VRING_DESC_F_NEXT;
    q->free_count -= (u16)n;
    return publish(q, token);
}

bool virtqueue_waits(const struct virtqueue *q)
{
    /* The index must be visible before the flag is read, or a sleeping device is never told. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (q->events)
        return vring_need_event(READ_ONCE(*(u16 *)&q->used->ring[q->size]), q->next_avail, q->kicked);
    return !(READ_ONCE(q->used->flags) & VRING_USED_F_NO_NOTIFY);
}

void virtqueue_kick(struct virtqueue *q)
{
    bool tell = virtqueue_waits(q);

    q->kicked = q->next_avail;
    if (tell)
        q->device->ops->notify(q->device, q->index);
}

bool virtqueue_has_used(const struct virtqueue *q)
{
    return __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) != q->last_used;
}

/* Bytes that the device may write there. */
static u32 room_in(const struct vring_desc *desc)
{
    return desc->flags & VRING_DESC_F_WRITE ? desc->len : 0;
}

/* Frees the descriptors of a buffer; returns how many bytes the device could write to it. */
static u32 release(struct virtqueue *q, u16 token)
{
    struct vring_desc *desc = &q->descriptors[token];
    u32 room = 0;

    if (desc->flags & VRING_DESC_F_INDIRECT) {
        const struct vring_desc *table = q->tables[token];

        for (u32 i = 0; i < desc->len / sizeof(*table); i++)
            room += room_in(&table[i]);
        desc->flags = 0;
    }
    q->free_count++;
    for (room += room_in(desc); desc->flags & VRING_DESC_F_NEXT; room += room_in(desc)) {
        desc = &q->descriptors[desc->next];
        q->free_count++;
    }
    desc->next = q->free_head;
    q->free_head = token;
    return room;
}

/* Asks to be interrupted by the next buffer used; or, without interrupts, by one that is far away. */
static void ask_interrupt(struct virtqueue *q)
{
    WRITE_ONCE(q->avail->ring[q->size], (u16)(q->last_used - !q->interrupts));
    /* Before used->idx is looked at again: what is used later than that interrupts. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int virtqueue_take(struct virtqueue *q, u32 *written)
{
    if (!virtqueue_has_used(q))
        return -EAGAIN;
    struct vring_used_elem *e = &q->used->ring[q->last_used % q->size];
    u32 token = e->id, length = e->len;

    q->last_used++;
    if (q->interrupts)
        ask_interrupt(q);
    if (token >= q->size || q->free_count == q->size) {
        log_err("virtio: device %u queue %u returned descriptor %u of %u", q->device->id, q->index,
                token, q->size);
        return -EAGAIN;
    }
    u32 room = release(q, (u16)token);
    if (written)
        *written = MIN(length, room);
    return (int)token;
}

void virtqueue_want_interrupt(struct virtqueue *q, bool on)
{
    q->interrupts = q->events && on;
    if (q->events)
        ask_interrupt(q);
    else
        q->avail->flags = on ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
