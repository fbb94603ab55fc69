/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices without hardware: null(4), full(4), random(4). */
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/random.h>
#include "fs/devfs/devfs.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/signal.h"
#include "kernel/user.h"

static ssize read_end(struct file *f, struct io *io, u64 *pos, int rwf)
{
    return 0;
}

static ssize write_away(struct file *f, struct io *io, u64 *pos, int rwf)
{
    size_t n = io->left;

    io_advance(io, n);
    return (ssize)n;
}

static ssize write_full(struct file *f, struct io *io, u64 *pos, int rwf)
{
    return -ENOSPC;
}

static ssize read_zeros(struct file *f, struct io *io, u64 *pos, int rwf)
{
    ssize done = 0;

    while (io->left) {
        ssize n = io_zero(io, MIN(io->left, (size_t)(1 << 20)));

        if (n <= 0)
            return done ? done : n;
        done += n;
        if (current_interrupted())
            break;
    }
    return done;
}

/* The position of these devices is always 0. */
static s64 seek_nowhere(struct file *f, s64 offset, int whence)
{
    f->position = 0;
    return 0;
}

static struct memory_object *map_zeros(struct file *f, u64 offset, u64 length, u32 prot,
                                       u32 map_flags)
{
    struct memory_object *o;

    if ((map_flags & MAP_TYPE) == MAP_PRIVATE)
        return NULL;
    /* As on Linux, a shared mapping is a file of its own as long as the mapping, whose beginning may be left out. */
    o = ram_object_create(length);
    return o ? o : ERR_PTR(-ENOMEM);
}

static ssize read_random(struct file *f, struct io *io, u64 *pos, int rwf)
{
    ssize done = 0;
    u8 block[256];

    while (io->left) {
        size_t want = MIN(io->left, sizeof(block));
        ssize n;

        random_bytes(block, want);
        n = io_copy_to(io, block, want);
        if (n <= 0) {
            if (!done)
                done = n;
            break;
        }
        done += n;
        if (done % (1 << 16) == 0 && current_interrupted())
            break;
    }
    memset(block, 0, sizeof(block));
    return done;
}

static ssize write_random(struct file *f, struct io *io, u64 *pos, int rwf)
{
    ssize done = 0;
    u8 block[256];

    while (io->left) {
        ssize n = io_copy_from(io, block, MIN(io->left, sizeof(block)));

        if (n <= 0)
            return done ? done : n;
        random_mix(block, (size_t)n);
        done += n;
    }
    return done;
}

/*
 * random(4). The generator is always seeded, so the pool counts as full: 256 bits, as Linux says
 * since 5.18.
 */
static long ioctl_random(struct file *f, unsigned cmd, unsigned long arg)
{
    int value;

    switch (cmd) {
    case RNDGETENTCNT:
        return put_user(256, (int *)arg);
    case RNDADDTOENTCNT:
        if (!fs_capable(CAP_SYS_ADMIN))
            return -EPERM;
        if (get_user(value, (int *)arg))
            return -EFAULT;
        return value < 0 ? -EINVAL : 0;
    case RNDZAPENTCNT:
    case RNDCLEARPOOL:
    case RNDRESEEDCRNG:
        return fs_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
    }
    return -EINVAL;
}

static u32 poll_random(struct file *f)
{
    return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
}

static const struct file_ops null_ops = {
    .kind = "null", .splice = SPLICE_SINK, .read = read_end, .write = write_away, .seek = seek_nowhere};
static const struct file_ops zero_ops = {.kind = "zero",
                                         .splice = SPLICE_SOURCE | SPLICE_SINK,
                                         .read = read_zeros,
                                         .write = write_away,
                                         .seek = seek_nowhere,
                                         .mmap = map_zeros};
static const struct file_ops full_ops = {
    .kind = "full", .splice = SPLICE_SOURCE, .read = read_zeros, .write = write_full, .seek = seek_nowhere};
static const struct file_ops random_ops = {.kind = "random",
                                           .splice = SPLICE_SOURCE | SPLICE_SINK,
                                           .read = read_random,
                                           .write = write_random,
                                           .seek = seek_nowhere,
                                           .ioctl = ioctl_random,
                                           .poll = poll_random};

static int open_seekable(struct file *f)
{
    f->mode |= FILE_SEEKABLE;
    return 0;
}

void memory_devices_init(void)
{
    device_register(1, 3, &null_ops, open_seekable);
    device_register(1, 5, &zero_ops, open_seekable);
    device_register(1, 7, &full_ops, open_seekable);
    device_register(1, 8, &random_ops, open_seekable);
    device_register(1, 9, &random_ops, open_seekable);
}
