/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and their partitions as files. Data is in the page cache, one object a device, whatever the number of nodes that lead
 * to it (as on Linux, a partition and its disk do not see each other's until it is written back); it is written back after seconds, by fsync(2), when the last file that may write is closed, and at the end of the VM.
 */
#include <linux/blkzoned.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/mman.h>
#include "fs/block_device.h"
#include "fs/page_cache.h"
#include "fs/partition.h"
#include "fs/vfs.h"
#include "kernel/process.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/user.h"

#define MINORS_PER_DISK 16u /* the disk itself and 15 partitions */
#define MAX_DEVICES     64u

static struct block_device *devices[MAX_DEVICES];
static unsigned device_count;

static u64 size_of(const struct block_device *d)
{
    return d->sectors * SECTOR_SIZE;
}

/* ---------------------------------------------------------------- the page cache's side */

static int read_pages(struct memory_object *o, u64 index, unsigned n, void *const pages[])
{
    struct block_device *d = page_cache_private(o);
    u64 bytes = MIN((u64)n << PAGE_SHIFT, size_of(d) - (index << PAGE_SHIFT));

    if (bytes & (PAGE_SIZE - 1))
        memset((char *)pages[n - 1] + (bytes & (PAGE_SIZE - 1)), 0, PAGE_SIZE - (bytes & (PAGE_SIZE - 1)));
    return block_transfer_pages(d, BLOCK_READ, index, n, pages, bytes);
}

static int write_pages(struct memory_object *o, u64 index, unsigned n, void *const pages[], u64 bytes)
{
    return block_transfer_pages(page_cache_private(o), BLOCK_WRITE, index, n, pages, bytes);
}

static const struct page_cache_ops page_ops = {.read = read_pages, .write = write_pages};

/* ---------------------------------------------------------------- reading and writing */

static ssize read_device(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct block_device *d = f->private;
    ssize done = 0;

    if (!(f->flags & O_DIRECT)) {
        done = page_cache_read(d->object, io, *pos);
    } else if (*pos < size_of(d) && io->left) {
        io_truncate(io, MIN((u64)io->left, size_of(d) - *pos));
        done = block_direct(d, io, *pos, false);
    }
    if (done > 0)
        *pos += (u64)done;
    inode_touch_atime(f);
    return done;
}

static ssize write_device(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct block_device *d = f->private;
    ssize done;

    if (READ_ONCE(d->read_only))
        return -EPERM;
    if (!io->left)
        return 0;
    if (*pos >= size_of(d))
        return -ENOSPC;
    io_truncate(io, MIN((u64)io->left, size_of(d) - *pos));
    if (f->flags & O_DIRECT) {
        done = block_direct(d, io, *pos, true);
    } else {
        mutex_lock(&d->lock);
        done = page_cache_write(d->object, io, *pos);
        mutex_unlock(&d->lock);
    }
    if (done > 0)
        *pos += (u64)done;
    return done;
}

/* As of any file whose size cannot change: not beyond the end, and nothing is known of holes. */
static s64 seek_device(struct file *f, s64 offset, int whence)
{
    struct block_device *d = f->private;
    u64 size = size_of(d), base = whence == SEEK_CUR ? f->position : whence == SEEK_END ? size : 0;
    s64 to;

    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow((s64)base, offset, &to) || to < 0 || (u64)to > size)
        return -EINVAL;
    f->position = (u64)to;
    return to;
}

static int sync_device(struct file *f, bool data_only)
{
    struct block_device *d = f->private;
    int error = page_cache_sync(d->object, 0, UINT64_MAX);

    return error ? error : block_flush(d);
}

static struct memory_object *map_device(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    struct block_device *d = f->private;

    if (READ_ONCE(d->read_only) && f->mode & FILE_WRITE && (map_flags & MAP_TYPE) != MAP_PRIVATE)
        return ERR_PTR(-EINVAL);
    memory_object_get(d->object);
    return d->object;
}

/* ---------------------------------------------------------------- ioctl(2) */

static int get_geometry(const struct block_device *d, struct hd_geometry *user)
{
    struct hd_geometry g = {.heads = d->info->heads,
                            .sectors = d->info->sectors_per_track,
                            .cylinders = d->info->cylinders,
                            .start = d->start};

    if (!g.cylinders)
        g = (struct hd_geometry){.heads = 64, .sectors = 32, .cylinders = (unsigned short)(d->info->sectors >> 11), .start = d->start};
    return copy_to_user(user, &g, sizeof(g)) ? -EFAULT : 0;
}

/* BLKZEROOUT of [from, end) where the disk cannot do it by itself. */
static int write_zeros(struct block_device *d, u64 from, u64 end)
{
    u64 first = from >> PAGE_SHIFT, last = ((end - 1) >> PAGE_SHIFT) + 1;
    int error;

    if ((from | end) & (d->info->block_size - 1))
        return -EINVAL;
    mutex_lock(&d->lock);
    error = page_cache_sync(d->object, first, last);
    if (!error)
        error = block_write_zeros(d, from / SECTOR_SIZE, end - from);
    page_cache_invalidate(d->object, first, last);
    mutex_unlock(&d->lock);
    return error;
}

/* BLKDISCARD and BLKZEROOUT: nothing of the range stays in the cache. */
static int clear_range(struct file *f, enum block_op op, const u64 *user)
{
    struct block_device *d = f->private;
    u32 block = d->info->block_size;
    u32 most = op == BLOCK_DISCARD ? d->info->max_discard_sectors : d->info->max_write_zeroes_sectors;
    u64 range[2], end;
    int error = 0;

    if (!(f->mode & FILE_WRITE))
        return -EBADF;
    if (op == BLOCK_DISCARD && !most)
        return -EOPNOTSUPP;
    if (READ_ONCE(d->read_only))
        return -EPERM;
    if (copy_from_user(range, user, sizeof(range)))
        return -EFAULT;
    if ((range[0] | range[1]) & (op == BLOCK_DISCARD ? block - 1 : 511) || !range[1] ||
        __builtin_add_overflow(range[0], range[1], &end) || end > size_of(d))
        return -EINVAL;
    if (!most)
        return write_zeros(d, range[0], end);
    most = MAX(ALIGN_DOWN(most, block / SECTOR_SIZE), block / SECTOR_SIZE);
    mutex_lock(&d->lock);
    /* Pages that are partly outside keep what they have there, and are read again. */
    error = page_cache_sync(d->object, range[0] >> PAGE_SHIFT, ((end - 1) >> PAGE_SHIFT) + 1);
    for (u64 at = range[0] / SECTOR_SIZE; !error && at < end / SECTOR_SIZE; at += most) {
        struct block_request r = {.op = op, .sector = d->start + at, .sector_count = (u32)MIN(most, end / SECTOR_SIZE - at)};

        error = READ_ONCE(current_thread()->exit_requested) ? -EINTR : platform_block_run(d->disk, &r, 1);
    }
    page_cache_invalidate(d->object, range[0] >> PAGE_SHIFT, ((end - 1) >> PAGE_SHIFT) + 1);
    mutex_unlock(&d->lock);
    return error;
}

/* What only the privileged may do. */
static int administer(struct block_device *d, unsigned cmd, const int *user)
{
    int value, error;

    if (!fs_capable(CAP_SYS_ADMIN))
        return -EACCES;
    switch (cmd) {
    case BLKFLSBUF:
        error = page_cache_sync(d->object, 0, UINT64_MAX);
        page_cache_invalidate(d->object, 0, UINT64_MAX);
        return error;
    case BLKROSET:
        if (get_user(value, user))
            return -EFAULT;
        if (!value && d->info->read_only)
            return -EACCES;
        WRITE_ONCE(d->read_only, value != 0);
        return 0;
    case BLKBSZSET:
        if (!user)
            return -EINVAL;
        if (get_user(value, user))
            return -EFAULT;
        return value < (int)d->info->block_size || value > (int)PAGE_SIZE || value & (value - 1) ? -EINVAL : 0;
    case BLKRASET:
    case BLKFRASET:
        return 0; /* how far is read ahead follows from how it is read */
    default: /* BLKRRPART: partitions are found at boot only */
        return -EINVAL;
    }
}

static long control_device(struct file *f, unsigned cmd, unsigned long arg)
{
    struct block_device *d = f->private;

    switch (cmd) {
    case BLKGETSIZE64:
        return put_user(size_of(d), (u64 *)arg);
    case BLKGETSIZE:
        return put_user(d->sectors, (unsigned long *)arg);
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKIOMIN:
        return put_user(d->info->block_size, (u32 *)arg);
    case BLKBSZGET:
        return put_user((u32)PAGE_SIZE, (u32 *)arg);
    case BLKIOOPT:
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
    case BLKGETZONESZ:
    case BLKGETNRZONES:
        return put_user(0u, (u32 *)arg);
    case BLKROGET:
        return put_user((int)READ_ONCE(d->read_only), (int *)arg);
    case BLKROTATIONAL:
        return put_user((u16)1, (u16 *)arg);
    case BLKSECTGET:
        return put_user((u16)(MIN(d->info->max_segments, 126u) * (PAGE_SIZE / SECTOR_SIZE)), (u16 *)arg);
    case BLKRAGET:
    case BLKFRAGET:
        return put_user(256l, (long *)arg);
    case BLKDISCARD:
        return clear_range(f, BLOCK_DISCARD, (const u64 *)arg);
    case BLKZEROOUT:
        return clear_range(f, BLOCK_WRITE_ZEROES, (const u64 *)arg);
    case BLKSECDISCARD:
        return f->mode & FILE_WRITE ? -EOPNOTSUPP : -EBADF;
    case HDIO_GETGEO:
        return arg ? get_geometry(d, (struct hd_geometry *)arg) : -EINVAL;
    case BLKFLSBUF:
    case BLKROSET:
    case BLKBSZSET:
    case BLKRASET:
    case BLKFRASET:
    case BLKRRPART:
        return administer(d, cmd, (const int *)arg);
    }
    return -ENOTTY;
}

/* ---------------------------------------------------------------- opening */

static void release_device(struct file *f)
{
    struct block_device *d = f->private;

    if (f->mode & FILE_EXCLUSIVE)
        __atomic_store_n(&d->exclusive, false, __ATOMIC_RELEASE);
    if (f->mode & FILE_WRITE && __atomic_sub_fetch(&d->writers, 1, __ATOMIC_ACQ_REL) == 0)
        page_cache_sync(d->object, 0, UINT64_MAX);
}

static const struct file_ops device_ops = {
    .kind = "block",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = read_device,
    .write = write_device,
    .seek = seek_device,
    .ioctl = control_device,
    .mmap = map_device,
    .fsync = sync_device,
    .release = release_device,
};

int block_device_open(struct inode *i, struct file *f)
{
    for (unsigned n = 0; n < device_count; n++) {
        struct block_device *d = devices[n];

        if (i->rdev != device_number(BLOCK_MAJOR, d->minor))
            continue;
        if (f->flags & O_EXCL) {
            if (__atomic_exchange_n(&d->exclusive, true, __ATOMIC_ACQUIRE))
                return -EBUSY;
            f->mode |= FILE_EXCLUSIVE;
        }
        if (f->mode & FILE_WRITE)
            __atomic_add_fetch(&d->writers, 1, __ATOMIC_ACQ_REL);
        f->ops = &device_ops;
        f->private = d;
        f->mode |= FILE_SEEKABLE;
        return 0;
    }
    return -ENXIO;
}

struct block_device *block_device_of(const struct file *f)
{
    return f->ops == &device_ops ? f->private : NULL;
}

u64 block_device_size(const struct file *f)
{
    return size_of(f->private);
}

struct block_device *block_device_at(unsigned i)
{
    return i < device_count ? devices[i] : NULL;
}

/* A new device. NULL: there are too many, or no memory. */
static struct block_device *add_device(unsigned disk, u32 partition, u64 start, u64 sectors)
{
    struct block_device *d = device_count < MAX_DEVICES ? kzalloc(sizeof(*d)) : NULL;

    if (!d)
        return NULL;
    d->info = platform_block_info(disk);
    d->disk = disk;
    d->partition = partition;
    d->minor = disk * MINORS_PER_DISK + partition;
    d->start = start;
    d->sectors = sectors;
    d->read_only = d->info->read_only;
    snprintf(d->name, sizeof(d->name), partition ? "vd%c%u" : "vd%c", 'a' + disk, partition);
    mutex_init(&d->lock, LOCK_INODE);
    d->object = page_cache_create(&page_ops, size_of(d), d);
    if (!d->object) {
        kfree(d);
        return NULL;
    }
    devices[device_count++] = d;
    return d;
}

struct table_source {
    struct partition_source base;
    struct block_device *disk;
};

static int read_table(struct partition_source *s, u64 at, void *block)
{
    struct io io;

    io_init_kernel(&io, block, s->block_size);
    ssize got = page_cache_read(container_of(s, struct table_source, base)->disk->object, &io, at * s->block_size);
    return got < 0 ? (int)got : (size_t)got < s->block_size ? -EIO : 0;
}

static void add_partitions(struct block_device *disk)
{
    struct partition found[MINORS_PER_DISK - 1];
    u32 size = disk->info->block_size, unit = size / SECTOR_SIZE;
    struct table_source source = {{disk->sectors / unit, size, read_table}, disk};
    void *block = kmalloc(size);
    unsigned n = block ? partitions_find(&source.base, block, found, ARRAY_SIZE(found)) : 0;

    for (unsigned i = 0; i < n; i++) {
        if (found[i].number >= MINORS_PER_DISK || !add_device(disk->disk, found[i].number, found[i].start * unit, found[i].count * unit))
            log_warn("%s: partition %u is left out", disk->name, found[i].number);
    }
    kfree(block);
}

void block_devices_init(void)
{
    unsigned n = platform_block_count();

    block_direct_init();
    for (unsigned i = 0; i < n; i++) {
        const struct block_info *info = platform_block_info(i);
        struct block_device *d = add_device(i, 0, 0, ALIGN_DOWN(info->sectors, info->block_size / SECTOR_SIZE));

        if (d)
            add_partitions(d);
        else
            log_warn("disk %u is left out", i);
    }
}
