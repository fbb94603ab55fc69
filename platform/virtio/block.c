/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk (VIRTIO 1.2, section 5.2; <linux/virtio_blk.h>): disks, in the order in which they are found. A buffer is a
 * header that says what to do, the data, and a byte for the outcome.
 *
 * Each CPU submits to a queue of its own if the device has enough. Interrupts are wanted only while somebody sleeps:
 * who waits looks at the queue himself for a while first, since most requests end sooner than an interrupt and a switch
 * of threads would take.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/wait.h"
#include "platform/stream.h"
#include "platform/virtio/virtio.h"

#define MAX_DISKS    16
#define MAX_QUEUES   8
#define MAX_SEGMENTS 126u /* of one request */
#define QUEUE_SIZE   128
#define DEPTH        (PAGE_SIZE / sizeof(struct slot)) /* requests of one queue that the device has at once */
#define POLL_TIME    (50 * NSEC_PER_USEC)

struct block_batch {
    u32 left; /* requests not done yet; the queue's lock */
    struct wait_queue done;
};

/* What a request needs beside its data, in memory that the device reaches. */
struct slot {
    struct virtio_blk_outhdr header;
    struct virtio_blk_discard_write_zeroes range;
    u8 status;
    struct slot *next_free;
    struct block_request *request;
};

static struct disk {
    struct block_info info;
    struct virtio_device *device;
    unsigned n_queues;
    struct queue {
        struct spinlock lock; /* LOCK_DEVICE, irq: all below */
        struct virtqueue queue;
        struct slot *free;
        struct slot *in_flight[QUEUE_SIZE]; /* by token */
        struct block_request *waiting, *waiting_last; /* for room */
        unsigned sleepers;
        struct block_segment scratch[MAX_SEGMENTS + 3];
    } *queues[MAX_QUEUES]; /* a page each */
} disks[MAX_DISKS];
static unsigned disk_count;
static struct mutex probe_lock; /* LOCK_FS: finding disks */

void virtio_block_init(void)
{
    mutex_init(&probe_lock, LOCK_FS);
}

/* ---------------------------------------------------------------- requests */

static const u32 types[] = {
    [BLOCK_READ] = VIRTIO_BLK_T_IN,           [BLOCK_WRITE] = VIRTIO_BLK_T_OUT,
    [BLOCK_FLUSH] = VIRTIO_BLK_T_FLUSH,       [BLOCK_DISCARD] = VIRTIO_BLK_T_DISCARD,
    [BLOCK_WRITE_ZEROES] = VIRTIO_BLK_T_WRITE_ZEROES, [BLOCK_SERIAL] = VIRTIO_BLK_T_GET_ID,
};

/* Gives a request to the device. Token, or -EAGAIN. Locked. */
static int give(struct queue *q, const struct block_request *r)
{
    struct slot *s = q->free;
    struct block_segment *p = q->scratch;
    bool ranged = r->op == BLOCK_DISCARD || r->op == BLOCK_WRITE_ZEROES;
    unsigned n_out = 1;

    if (!s)
        return -EAGAIN;
    s->header = (struct virtio_blk_outhdr){.type = types[r->op], .sector = ranged ? 0 : r->sector};
    s->status = VIRTIO_BLK_S_IOERR;
    *p++ = (struct block_segment){virt_to_phys(&s->header), sizeof(s->header)};
    if (ranged) {
        s->range = (struct virtio_blk_discard_write_zeroes){.sector = r->sector, .num_sectors = r->sector_count};
        *p++ = (struct block_segment){virt_to_phys(&s->range), sizeof(s->range)};
        n_out++;
    } else {
        memcpy(p, r->segments, r->n_segments * sizeof(*p));
        p += r->n_segments;
        if (r->op == BLOCK_WRITE)
            n_out += r->n_segments;
    }
    *p++ = (struct block_segment){virt_to_phys(&s->status), 1};
    int token = virtqueue_add_chain(&q->queue, q->scratch, n_out, q->scratch + n_out, (unsigned)(p - q->scratch) - n_out);
    if (token < 0)
        return -EAGAIN;
    q->free = s->next_free;
    q->in_flight[token] = s;
    return token;
}

/* Gives waiting requests to the device while there is room; true if there were any. Locked. */
static bool feed(struct queue *q)
{
    bool any = false;

    while (q->waiting) {
        struct block_request *r = q->waiting, *next = r->next;
        int token = give(q, r);

        if (token < 0)
            break;
        q->in_flight[token]->request = r;
        q->waiting = next;
        any = true;
    }
    return any;
}

static int error_of(u8 status)
{
    switch (status) {
    case VIRTIO_BLK_S_OK:
        return 0;
    case VIRTIO_BLK_S_UNSUPP:
        return -EOPNOTSUPP;
    default:
        return -EIO;
    }
}

/* Takes what the device has done. Locked, so that a batch whose last request is done stands until the lock is free. */
static void collect(struct queue *q)
{
    int token;

    while ((token = virtqueue_take(&q->queue, NULL)) >= 0) {
        struct slot *s = q->in_flight[token];

        q->in_flight[token] = NULL;
        if (!s)
            continue;
        struct block_request *r = s->request;
        r->error = error_of(s->status);
        s->next_free = q->free;
        q->free = s;
        if (!r->batch)
            r->done(r);
        else if (--r->batch->left == 0)
            wait_wake_all(&r->batch->done);
    }
    if (unlikely(q->waiting != NULL) && feed(q))
        virtqueue_kick(&q->queue);
}

/* Counts a thread that sleeps; the first one makes the device interrupt. */
static void sleepers_change(struct queue *q, int by)
{
    spin_lock_irq(&q->lock);
    q->sleepers += (unsigned)by;
    virtqueue_want_interrupt(&q->queue, q->sleepers > 0);
    collect(q);
    spin_unlock_irq(&q->lock);
}

static void wait_for(struct queue *q, struct block_batch *b)
{
    nsec_t until = platform_clock() + POLL_TIME;

    while (READ_ONCE(b->left) && !wait_has_others() && platform_clock() < until) {
        cpu_relax();
        if (!virtqueue_has_used(&q->queue))
            continue;
        spin_lock_irq(&q->lock);
        collect(q);
        spin_unlock_irq(&q->lock);
    }
    if (READ_ONCE(b->left)) {
        sleepers_change(q, 1);
        wait_event(&b->done, READ_ONCE(b->left) == 0, NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
        sleepers_change(q, -1);
        return;
    }
    /* Who counted it to 0 may still be about to wake us: he has the lock. */
    spin_lock_irq(&q->lock);
    spin_unlock_irq(&q->lock);
}

static struct queue *nearest_queue(const struct disk *d)
{
    return d->queues[this_cpu()->cpu % d->n_queues];
}

static void submit(struct queue *q, struct block_request *r, unsigned n, struct block_batch *batch)
{
    spin_lock_irq(&q->lock);
    for (unsigned i = 0; i < n; i++) {
        r[i].batch = batch;
        r[i].next = NULL;
        if (q->waiting)
            q->waiting_last->next = &r[i];
        else
            q->waiting = &r[i];
        q->waiting_last = &r[i];
    }
    if (feed(q))
        virtqueue_kick(&q->queue);
    spin_unlock_irq(&q->lock);
}

int platform_block_run(unsigned disk, struct block_request *r, unsigned n)
{
    struct queue *q = nearest_queue(&disks[disk]);
    struct block_batch batch = {.left = n};

    wait_queue_init(&batch.done);
    submit(q, r, n, &batch);
    wait_for(q, &batch);
    for (unsigned i = 0; i < n; i++)
        if (r[i].error)
            return r[i].error;
    return 0;
}

void platform_block_start(unsigned disk, struct block_request *r)
{
    submit(nearest_queue(&disks[disk]), r, 1, NULL);
}

static void collect_all(const struct virtio_device *device)
{
    for (unsigned i = 0; i < MAX_DISKS; i++) {
        for (unsigned k = 0; disks[i].device && (!device || disks[i].device == device) && k < disks[i].n_queues; k++) {
            struct queue *q = disks[i].queues[k];

            if (!virtqueue_has_used(&q->queue))
                continue;
            spin_lock_irq(&q->lock);
            collect(q);
            spin_unlock_irq(&q->lock);
        }
    }
}

static void interrupt(struct virtio_device *d)
{
    collect_all(d);
}

void platform_block_poll(const u32 *value, u32 is)
{
    nsec_t until = platform_clock() + POLL_TIME;

    for (;;) {
        collect_all(NULL);
        if (READ_ONCE(*value) != is || percpu_need_resched() || platform_clock() >= until)
            return;
        cpu_relax();
    }
}

void platform_block_watch(int change)
{
    for (unsigned i = 0; i < MAX_DISKS; i++)
        for (unsigned k = 0; disks[i].device && k < disks[i].n_queues; k++)
            sleepers_change(disks[i].queues[k], change);
}

/* ---------------------------------------------------------------- finding disks */

static bool has(const struct virtio_device *d, unsigned feature)
{
    return d->features >> feature & 1;
}

/* A field of the configuration, or otherwise if the feature that brings it is missing. */
#define CONFIG(d, field, feature, otherwise)                                                             \
    ({                                                                                                   \
        typeof(((struct virtio_blk_config *)0)->field) _v = (otherwise);                                 \
        if (has(d, feature))                                                                             \
            (d)->ops->read_config(d, offsetof(struct virtio_blk_config, field), &_v, sizeof(_v));        \
        _v;                                                                                              \
    })

static void read_info(struct virtio_device *v, struct block_info *info)
{
    u32 capacity[2], limit;

    /* 64 bits of the configuration are read in halves; a disk that grows meanwhile keeps its old size. */
    v->ops->read_config(v, offsetof(struct virtio_blk_config, capacity), &capacity[0], sizeof(u32));
    v->ops->read_config(v, offsetof(struct virtio_blk_config, capacity) + sizeof(u32), &capacity[1], sizeof(u32));
    info->sectors = capacity[0] | (u64)capacity[1] << 32;
    limit = CONFIG(v, blk_size, VIRTIO_BLK_F_BLK_SIZE, 512);
    info->block_size = limit >= 512 && limit <= PAGE_SIZE && !(limit & (limit - 1)) ? limit : 512;
    limit = CONFIG(v, seg_max, VIRTIO_BLK_F_SEG_MAX, 1);
    info->max_segments = MAX(MIN(limit, MAX_SEGMENTS), 1u);
    limit = CONFIG(v, size_max, VIRTIO_BLK_F_SIZE_MAX, 1u << 30);
    info->max_segment_bytes = MAX(ALIGN_DOWN(limit, info->block_size), info->block_size);
    info->max_discard_sectors = CONFIG(v, max_discard_sectors, VIRTIO_BLK_F_DISCARD, 0);
    info->discard_granularity = CONFIG(v, discard_sector_alignment, VIRTIO_BLK_F_DISCARD, 0) * 512;
    if (info->max_discard_sectors)
        info->discard_granularity = MAX(info->discard_granularity, info->block_size);
    info->max_write_zeroes_sectors = CONFIG(v, max_write_zeroes_sectors, VIRTIO_BLK_F_WRITE_ZEROES, 0);
    info->cylinders = CONFIG(v, geometry.cylinders, VIRTIO_BLK_F_GEOMETRY, 0);
    info->heads = CONFIG(v, geometry.heads, VIRTIO_BLK_F_GEOMETRY, 0);
    info->sectors_per_track = CONFIG(v, geometry.sectors, VIRTIO_BLK_F_GEOMETRY, 0);
    info->read_only = has(v, VIRTIO_BLK_F_RO);
    info->can_flush = has(v, VIRTIO_BLK_F_FLUSH);
}

/* NULL: no memory, or the device has no such queue. */
static struct queue *start_queue(struct virtio_device *v, u16 index, struct block_info *info)
{
    paddr_t page = page_alloc_pa(PAGE_ZERO), slots = page ? page_alloc_pa(PAGE_ZERO) : 0;
    struct queue *q = phys_to_virt(page);

    _Static_assert(sizeof(*q) <= PAGE_SIZE, "a queue is a page");
    if (!slots || virtqueue_setup(&q->queue, v, index, QUEUE_SIZE) || q->queue.size < 3)
        return NULL;
    info->max_segments = MIN(info->max_segments, q->queue.size - 2u);
    for (unsigned i = 0; i < DEPTH; i++) {
        struct slot *s = (struct slot *)phys_to_virt(slots) + i;

        s->next_free = q->free;
        q->free = s;
    }
    spin_init(&q->lock, LOCK_DEVICE);
    virtqueue_want_interrupt(&q->queue, false);
    return q;
}

/* False: the device cannot be used. */
static bool start(struct disk *d, struct virtio_device *v)
{
    static const u8 wanted[] = {VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_F_SEG_MAX,      VIRTIO_BLK_F_GEOMETRY,
                                VIRTIO_BLK_F_RO,       VIRTIO_BLK_F_BLK_SIZE,     VIRTIO_BLK_F_FLUSH,
                                VIRTIO_BLK_F_MQ,       VIRTIO_BLK_F_DISCARD,      VIRTIO_BLK_F_WRITE_ZEROES,
                                VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_RING_F_EVENT_IDX};
    u64 features = 0;
    unsigned queues;

    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        features |= 1ull << wanted[i];
    v->interrupt = interrupt;
    virtio_begin(v);
    if (virtio_negotiate(v, features))
        return false;
    read_info(v, &d->info);
    queues = CONFIG(v, num_queues, VIRTIO_BLK_F_MQ, 1);
    queues = MAX(MIN(queues, (unsigned)MAX_QUEUES), 1u);
    for (; d->n_queues < queues; d->n_queues++) {
        d->queues[d->n_queues] = start_queue(v, (u16)d->n_queues, &d->info);
        if (!d->queues[d->n_queues])
            break;
    }
    if (!d->n_queues) {
        log_warn("virtio-blk: a disk cannot be used: no memory, or no queue");
        return false;
    }
    d->device = v;
    return virtio_ready(v) == 0;
}

unsigned platform_block_count(void)
{
    static bool probed;
    struct virtio_device *v;

    if (__atomic_load_n(&probed, __ATOMIC_ACQUIRE))
        return disk_count;
    mutex_lock(&probe_lock);
    while (!probed && disk_count < MAX_DISKS && (v = virtio_claim(VIRTIO_ID_BLOCK))) {
        if (start(&disks[disk_count], v))
            disk_count++;
        else
            disks[disk_count] = (struct disk){0};
    }
    __atomic_store_n(&probed, true, __ATOMIC_RELEASE);
    mutex_unlock(&probe_lock);
    return disk_count;
}

const struct block_info *platform_block_info(unsigned disk)
{
    return &disks[disk].info;
}
