/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-rng (VIRTIO 1.2, section 5.4): random bytes from the host, one page-sized request at a time. */
#include <linux/virtio_ids.h>
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/wait.h"
#include "platform/stream.h"
#include "platform/virtio/virtio.h"

#define ANSWER_TIMEOUT NSEC_PER_SEC

static struct mutex lock; /* LOCK_FS: one request at a time */
static struct wait_queue answered;
static struct virtqueue queue;
static u8 *buffer; /* one page; NULL: no device */
static u32 received;

void virtio_rng_init(void)
{
    mutex_init(&lock, LOCK_FS);
    wait_queue_init(&answered);
}

static void interrupt(struct virtio_device *d)
{
    u32 written;

    while (virtqueue_take(&queue, &written) >= 0)
        WRITE_ONCE(received, written);
    wait_wake_all(&answered);
}

static void probe(void)
{
    struct virtio_device *d = virtio_claim(VIRTIO_ID_RNG);
    paddr_t pa;

    if (!d)
        return;
    d->interrupt = interrupt;
    virtio_begin(d);
    pa = page_alloc_pa(0);
    if (!pa || virtio_negotiate(d, 0) || virtqueue_setup(&queue, d, 0, 4) || virtio_ready(d))
        return;
    buffer = phys_to_virt(pa);
}

size_t platform_device_random(void *out, size_t n)
{
    static bool probed;
    size_t got = 0;

    mutex_lock(&lock);
    if (!probed)
        probe();
    probed = true;
    if (buffer && virtqueue_idle(&queue)) {
        WRITE_ONCE(received, 0);
        virtqueue_add(&queue, virt_to_phys(buffer), (u32)MIN(n, PAGE_SIZE), true);
        virtqueue_kick(&queue);
        wait_event(&answered, READ_ONCE(received) != 0, platform_clock() + ANSWER_TIMEOUT,
                   WAIT_UNINTERRUPTIBLE);
        got = MIN(n, (size_t)READ_ONCE(received));
        memcpy(out, buffer, got);
    }
    mutex_unlock(&lock);
    return got;
}
