/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_DIRECT: transfers between a disk and the program that leave nothing in the page cache, by way of memory of the kernel.
 * What is cached of the range is written back first and, by a write, dropped. Writers are not kept apart from each other,
 * as the disk does not do that either; so requests of several threads are under way at once.
 */
#include "fs/block_device.h"
#include "fs/file.h"
#include "fs/page_cache.h"
#include "kernel/page.h"

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
