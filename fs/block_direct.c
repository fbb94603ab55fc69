/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_DIRECT: transfers between a disk and the program that leave nothing in the page cache, by way of memory of the kernel.
 * What is cached of the range is written back first and, by a write, dropped. Writers are not kept apart from each other,
 * as the disk does not do that either; so requests of several threads are under way at once.
 */
#include "fs/block_device.h"
#include "fs/file.h"
#include "fs/page_cache.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/process.h"
#include "kernel/vm_exit.h"

#define MOST_ORDER 6u /* pages moved at once, as a power of two */

/* Offset, and address and length of each buffer, must be multiples: the disk's block, and 512 for the addresses. */
static bool aligned(const struct io *io, u64 offset, u32 block)
{
    u64 bits = offset & (block - 1);
    size_t left = io->left;

    for (size_t i = 0; left; i++) {
        size_t skip = i ? 0 : io->skip, n = MIN(left, io->iov[i].iov_len - skip);

        bits |= ((u64)io->iov[i].iov_base + skip) & (SECTOR_SIZE - 1);
        bits |= n & (block - 1);
        left -= n;
    }
    return !bits;
}

/* Up to n bytes of kernel memory, in one piece, and how many it is; NULL. */
static char *allocate(size_t n, size_t *got)
{
    unsigned order = 0;

    while (order < MOST_ORDER && (PAGE_SIZE << order) < n)
        order++;
    for (;; order--) {
        struct page *p = page_alloc(order, order ? PAGE_NO_RECLAIM : 0);

        *got = MIN(n, PAGE_SIZE << order);
        if (p || !order)
            return p ? phys_to_virt(page_address(p)) : NULL;
    }
}

/* Moves up to n bytes. Bytes or negative errno. */
static ssize move(struct block_device *d, struct io *io, u64 offset, char *buffer, size_t n, bool write)
{
    ssize moved = write ? io_copy_from(io, buffer, n) : 0;
    int error;

    if (moved < 0)
        return moved;
    if (write && (size_t)moved < n) { /* the rest is out of reach: whole blocks only */
        size_t whole = ALIGN_DOWN((size_t)moved, d->info->block_size);

        io_revert(io, (size_t)moved - whole);
        if (!whole)
            return -EFAULT;
        n = whole;
    }
    error = block_transfer(d, write ? BLOCK_WRITE : BLOCK_READ, offset / SECTOR_SIZE, buffer, n);
    if (error) {
        if (write)
            io_revert(io, n);
        return error;
    }
    return write ? (ssize)n : io_copy_to(io, buffer, n);
}

ssize block_direct(struct block_device *d, struct io *io, u64 offset, bool write)
{
    u64 first = offset >> PAGE_SHIFT, last = (offset + io->left + PAGE_SIZE - 1) >> PAGE_SHIFT;
    ssize moved = 0;
    size_t done = 0, room;
    char *buffer;

    if (!aligned(io, offset, d->info->block_size))
        return -EINVAL;
    int error = page_cache_sync(d->object, first, last);
    if (error)
        return error;
    if (write)
        page_cache_invalidate(d->object, first, last);
    buffer = allocate(io->left, &room);
    if (!buffer)
        return -ENOMEM;
    while (io->left) {
        size_t n = MIN(room, io->left);

        moved = move(d, io, offset + done, buffer, n, write);
        if (moved > 0)
            done += (size_t)moved;
        if (moved < (ssize)n)
            break;
    }
    page_put(page_of(virt_to_phys(buffer)));
    if (write && done)
        page_cache_invalidate(d->object, first, last);
    return done ? (ssize)done : moved;
}

/* ---------------------------------------------------------------- transfers that nobody waits for */

struct block_direct {
    struct block_request request;
    struct block_segment segment;
    struct block_device *device;
    char *buffer;
    bool write;
    u64 first, last; /* pages */
    nsec_t start;
    void (*done)(void *arg);
    void *arg;
};

static u32 in_flight; /* atomic */

static void request_done(struct block_request *r)
{
    struct block_direct *t = container_of(r, struct block_direct, request);

    if (!r->error)
        block_count(t->device, t->write, t->segment.length, t->start);
    __atomic_sub_fetch(&in_flight, 1, __ATOMIC_RELEASE);
    t->done(t->arg); /* t is its owner's from here on */
}

static void discard(struct block_direct *t)
{
    if (t->buffer)
        page_put(page_of(virt_to_phys(t->buffer)));
    kfree(t);
}

/* Brings what is cached, and the data of a write, where the disk finds them. */
static bool prepare(struct block_direct *t, struct io *io)
{
    size_t n = io->left, room;

    if (page_cache_sync(t->device->object, t->first, t->last))
        return false;
    if (t->write)
        page_cache_invalidate(t->device->object, t->first, t->last);
    t->buffer = allocate(n, &room);
    if (!t->buffer || room < n)
        return false;
    t->segment = (struct block_segment){virt_to_phys(t->buffer), (u32)n};
    return !t->write || io_copy_from(io, t->buffer, n) == (ssize)n;
}

bool block_direct_start(struct block_direct **out, struct file *f, struct io *io, u64 offset, bool write, void (*done)(void *arg), void *arg)
{
    struct block_device *d = block_device_of(f);
    size_t n = io->left;

    if (!d || !n || n > MIN(PAGE_SIZE << MOST_ORDER, d->info->max_segment_bytes) || offset > block_device_size(f) ||
        n > block_device_size(f) - offset || (write && READ_ONCE(d->read_only)) || !aligned(io, offset, d->info->block_size))
        return false;
    struct block_direct *t = kzalloc(sizeof(*t));
    if (!t)
        return false;
    *t = (struct block_direct){
        .request = {.op = write ? BLOCK_WRITE : BLOCK_READ, .sector = d->start + offset / SECTOR_SIZE, .n_segments = 1, .done = request_done},
        .device = d,
        .write = write,
        .first = offset >> PAGE_SHIFT,
        .last = (offset + n + PAGE_SIZE - 1) >> PAGE_SHIFT,
        .start = platform_clock(),
        .done = done,
        .arg = arg,
    };
    t->request.segments = &t->segment;
    if (!prepare(t, io)) {
        discard(t);
        return false;
    }
    if (!write)
        inode_touch_atime(f);
    __atomic_add_fetch(&in_flight, 1, __ATOMIC_RELAXED);
    current_thread()->io.storage[write] += n;
    *out = t;
    platform_block_start(d->disk, &t->request);
    return true;
}

ssize block_direct_finish(struct block_direct *t, struct io *io)
{
    ssize result = t->request.error ? t->request.error : (ssize)t->segment.length;

    if (t->write)
        page_cache_invalidate(t->device->object, t->first, t->last);
    else if (result > 0 && io)
        result = io_copy_to(io, t->buffer, (size_t)result);
    discard(t);
    return result;
}

static void (*sync_rest)(void);

static void drain(void)
{
    u32 left;

    while ((left = __atomic_load_n(&in_flight, __ATOMIC_ACQUIRE)))
        platform_block_poll(&in_flight, left);
    if (sync_rest)
        sync_rest();
}

void block_direct_init(void)
{
    sync_rest = vm_exit_sync;
    vm_exit_sync = drain;
}
