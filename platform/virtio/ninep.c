/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-9p (VIRTIO 1.2 reserves the device id; the layout is <linux/virtio_9p.h>): one queue, a buffer is a
 * T message that the device reads and room for the R message that it writes.
 *
 * Interrupts are wanted only while somebody sleeps. Who waits looks at the queue himself for a while
 * first: most answers come sooner than an interrupt and a switch of threads would take.
 */
#include <linux/virtio_9p.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/wait.h"
#include "platform/stream.h"
#include "platform/virtio/virtio.h"

#define MAX_CHANNELS 24
#define MAX_TAG      64
#define POLL_TIME    (200 * NSEC_PER_USEC)

static struct channel {
    struct spinlock lock; /* LOCK_DEVICE, irq: all below but tag */
    struct virtqueue queue;
    struct ninep_request *in_flight[NINEP_MAX_SEGMENTS]; /* by token */
    struct ninep_request *waiting, *waiting_last;        /* for room in the queue */
    unsigned sleepers;
    struct wait_queue idle; /* woken when nothing is under way any more */
    bool in_use;
    struct virtio_device *device;
    char tag[MAX_TAG + 1];
} channels[MAX_CHANNELS];
static unsigned channel_count;
static struct mutex probe_lock; /* LOCK_FS: finding devices */

void virtio_ninep_init(void)
{
    mutex_init(&probe_lock, LOCK_FS);
}

/* Gives waiting requests to the device while there is room; true if there were any. Locked. */
static bool feed(struct channel *c)
{
    bool any = false;

    while (c->waiting) {
        struct ninep_request *r = c->waiting;
        int token = virtqueue_add_chain(&c->queue, r->out, r->n_out, r->in, r->n_in);

        if (token < 0 && !virtqueue_idle(&c->queue))
            return any;
        c->waiting = r->next;
        any = true;
        if (token >= 0) {
            c->in_flight[token] = r;
            continue;
        }
        /* Nothing is under way whose end could bring room: it never comes. */
        r->written = 0;
        if (!r->batch)
            r->done(r);
        else if (--r->batch->left == 0)
            wait_wake_all(r->batch->done);
    }
    return any;
}

/* Takes answers. Locked, so that a batch whose last answer came stands until the lock is free. */
static void collect(struct channel *c)
{
    u32 written;
    int token;

    while ((token = virtqueue_take(&c->queue, &written)) >= 0) {
        struct ninep_request *r = c->in_flight[token];

        c->in_flight[token] = NULL;
        if (!r)
            continue;
        r->written = written;
        if (!r->batch)
            r->done(r);
        else if (--r->batch->left == 0)
            wait_wake_all(r->batch->done);
    }
    if (unlikely(c->waiting != NULL) && feed(c))
        virtqueue_kick(&c->queue);
    if (unlikely(!c->in_use) && virtqueue_idle(&c->queue))
        wait_wake_all(&c->idle);
}

static void interrupt(struct virtio_device *d)
{
    for (unsigned i = 0; i < channel_count; i++)
        if (channels[i].device == d) {
            spin_lock_irq(&channels[i].lock);
            collect(&channels[i]);
            spin_unlock_irq(&channels[i].lock);
        }
}

static void start(struct channel *c, struct virtio_device *d)
{
    u16 length = 0;

    d->interrupt = interrupt;
    virtio_begin(d);
    if (virtio_negotiate(d, 1ull << VIRTIO_9P_MOUNT_TAG | 1ull << VIRTIO_RING_F_INDIRECT_DESC) ||
        virtqueue_setup(&c->queue, d, 0, ARRAY_SIZE(c->in_flight)))
        return;
    if (d->features >> VIRTIO_9P_MOUNT_TAG & 1)
        d->ops->read_config(d, offsetof(struct virtio_9p_config, tag_len), &length, sizeof(length));
    if (length == 0 || length > MAX_TAG) {
        log_warn("virtio-9p: a mount tag of %u bytes is not usable", length);
        return;
    }
    for (unsigned i = 0; i < length; i++)
        d->ops->read_config(d, offsetof(struct virtio_9p_config, tag) + i, &c->tag[i], 1);
    virtqueue_want_interrupt(&c->queue, false);
    spin_init(&c->lock, LOCK_DEVICE);
    wait_queue_init(&c->idle);
    c->device = d;
    if (virtio_ready(d))
        c->tag[0] = '\0';
}

int platform_ninep_open(const char *tag)
{
    static bool probed;
    struct virtio_device *d;
    int found = -ENODEV;

    mutex_lock(&probe_lock);
    while (!probed && channel_count < MAX_CHANNELS && (d = virtio_claim(VIRTIO_ID_9P)))
        start(&channels[channel_count++], d);
    probed = true;
    for (unsigned i = 0; i < channel_count && found < 0; i++) {
        struct channel *c = &channels[i];

        if (!c->tag[0] || strcmp(c->tag, tag))
            continue;
        found = c->in_use ? -EBUSY : (int)i;
        c->in_use = true;
    }
    mutex_unlock(&probe_lock);
    return found;
}

unsigned platform_ninep_max_segments(int channel)
{
    return MIN((unsigned)channels[channel].queue.size, (unsigned)NINEP_MAX_SEGMENTS);
}

void platform_ninep_submit(int channel, struct ninep_request *const *r, unsigned n, bool notify)
{
    struct channel *c = &channels[channel];

    spin_lock_irq(&c->lock);
    for (unsigned i = 0; i < n; i++) {
        r[i]->next = NULL;
        if (c->waiting)
            c->waiting_last->next = r[i];
        else
            c->waiting = r[i];
        c->waiting_last = r[i];
    }
    feed(c);
    notify |= c->waiting != NULL;
    spin_unlock_irq(&c->lock);
    if (notify)
        virtqueue_kick(&c->queue);
}

/* Counts a thread that sleeps; the first one makes the device interrupt. */
static void sleepers_change(struct channel *c, int by)
{
    spin_lock_irq(&c->lock);
    c->sleepers += (unsigned)by;
    virtqueue_want_interrupt(&c->queue, c->sleepers > 0);
    collect(c);
    spin_unlock_irq(&c->lock);
}

void platform_ninep_wait(int channel, struct ninep_batch *b)
{
    struct channel *c = &channels[channel];
    nsec_t until = platform_clock() + POLL_TIME;

    while (READ_ONCE(b->left) && !wait_has_others() && platform_clock() < until) {
        cpu_relax();
        if (!virtqueue_has_used(&c->queue))
            continue;
        spin_lock_irq(&c->lock);
        collect(c);
        spin_unlock_irq(&c->lock);
    }
    if (READ_ONCE(b->left)) {
        sleepers_change(c, 1);
        wait_event(b->done, READ_ONCE(b->left) == 0, NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
        sleepers_change(c, -1);
        return;
    }
    /* Who counted it to 0 may still be about to wake us: he has the lock. */
    spin_lock_irq(&c->lock);
    spin_unlock_irq(&c->lock);
}

void platform_ninep_close(int channel)
{
    struct channel *c = &channels[channel];

    mutex_lock(&probe_lock);
    WRITE_ONCE(c->in_use, false);
    sleepers_change(c, 1);
    wait_event(&c->idle, virtqueue_idle(&c->queue), NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
    sleepers_change(c, -1);
    mutex_unlock(&probe_lock);
}
