/* SPDX-License-Identifier: BSD-2-Clause */
/* From pages to requests of a disk. The pages are the page cache's or the kernel's own, in the direct map; nothing here locks. */
#include "fs/block_device.h"
#include "kernel/process.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

#define MAX_PIECES 32u /* of one request made here */

/* A request that grows page by page. */
struct builder {
    struct block_device *device;
    struct block_request request;
    struct block_segment pieces[MAX_PIECES];
    u64 bytes;
};

void block_count(struct block_device *d, bool write, u64 bytes, nsec_t start)
{
    struct block_usage *usage = &d->usage;

    __atomic_add_fetch(&usage->count[write], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&usage->sectors[write], bytes / SECTOR_SIZE, __ATOMIC_RELAXED);
    __atomic_add_fetch(&usage->time[write], platform_clock() - start, __ATOMIC_RELAXED);
}

static int finish(struct builder *b)
{
    bool write = b->request.op == BLOCK_WRITE;
    nsec_t start = platform_clock();
    int error = b->request.n_segments ? platform_block_run(b->device->disk, &b->request, 1) : 0;

    if (b->request.n_segments && !error)
        block_count(b->device, write, b->bytes, start);
    b->request.sector += b->bytes / SECTOR_SIZE;
    b->request.n_segments = 0;
    b->bytes = 0;
    return error;
}

/* Adds memory; where the disk's limits ask for it, the request begun is carried out first. */
static int add(struct builder *b, paddr_t pa, u32 length)
{
    const struct block_info *info = b->device->info;
    int error = 0;

    while (length && !error) {
        struct block_segment *last = &b->pieces[b->request.n_segments - 1];
        u32 part = MIN(length, info->max_segment_bytes);

        if (b->request.n_segments && last->pa + last->length == pa && last->length + part <= info->max_segment_bytes) {
            last->length += part;
        } else {
            if (b->request.n_segments == MIN(MAX_PIECES, info->max_segments))
                error = finish(b);
            b->pieces[b->request.n_segments++] = (struct block_segment){pa, part};
        }
        b->bytes += part;
        pa += part;
        length -= part;
    }
    return error;
}

static void begin(struct builder *b, struct block_device *d, enum block_op op, u64 sector)
{
    b->device = d;
    b->request = (struct block_request){.op = op, .sector = d->start + sector, .segments = b->pieces};
    b->bytes = 0;
}

int block_transfer_pages(struct block_device *d, enum block_op op, u64 index, unsigned n, void *const pages[], u64 bytes)
{
    struct builder b;
    int error = 0;

    begin(&b, d, op, index * (PAGE_SIZE / SECTOR_SIZE));
    for (unsigned i = 0; i < n && bytes && !error; i++) {
        u32 part = (u32)MIN(bytes, PAGE_SIZE);

        error = add(&b, virt_to_phys(pages[i]), part);
        bytes -= part;
    }
    return error ? error : finish(&b);
}

int block_transfer(struct block_device *d, enum block_op op, u64 sector, void *memory, size_t n)
{
    struct builder b;

    begin(&b, d, op, sector);
    int error = add(&b, virt_to_phys(memory), (u32)n);
    return error ? error : finish(&b);
}

int block_write_zeros(struct block_device *d, u64 sector, u64 n)
{
    void *zeros = kzalloc(PAGE_SIZE);
    struct builder b;
    int error = zeros ? 0 : -ENOMEM;

    begin(&b, d, BLOCK_WRITE, sector);
    for (u64 part; n && !error; n -= part) {
        part = MIN(n, PAGE_SIZE);
        error = READ_ONCE(current_thread()->exit_requested) ? -EINTR : add(&b, virt_to_phys(zeros), (u32)part);
    }
    if (!error)
        error = finish(&b);
    kfree(zeros);
    return error;
}

int block_flush(struct block_device *d)
{
    struct block_request r = {.op = BLOCK_FLUSH};

    return d->info->can_flush ? platform_block_run(d->disk, &r, 1) : 0;
}

int block_serial(const struct block_device *d, char out[BLOCK_SERIAL_SIZE + 1])
{
    char *buffer = kzalloc(BLOCK_SERIAL_SIZE);
    struct block_segment s = {buffer ? virt_to_phys(buffer) : 0, BLOCK_SERIAL_SIZE};
    struct block_request r = {.op = BLOCK_SERIAL, .segments = &s, .n_segments = 1};
    int error = buffer ? platform_block_run(d->disk, &r, 1) : -ENOMEM;

    if (!error)
        memcpy(out, buffer, BLOCK_SERIAL_SIZE);
    out[error ? 0 : BLOCK_SERIAL_SIZE] = '\0';
    kfree(buffer);
    return error;
}

u64 block_sectors_moved(bool write)
{
    u64 all = 0;

    for (unsigned i = 0; block_device_at(i); i++)
        all += READ_ONCE(block_device_at(i)->usage.sectors[write]);
    return all;
}
