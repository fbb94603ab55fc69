/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks as files: /dev/vda and so on. fs/block_device.c. */
#ifndef FS_BLOCK_DEVICE_H
#define FS_BLOCK_DEVICE_H

#include "kernel/memory_object.h"
#include "platform/platform.h"

struct file;
struct text;
struct io;
struct inode;

#define BLOCK_MAJOR 254 /* what Linux gives virtio-blk if nobody else asked for a number before */
#define SECTOR_SIZE 512u

/* A disk or a partition of one. Made at boot, lives for ever. */
struct block_device {
    char name[8];                    /* "vda", "vda1" */
    u32 minor;
    u32 partition;                   /* its number; 0: a whole disk */
    u64 start;                       /* sectors of the disk before it */
    unsigned disk;                   /* platform_block_*'s number */
    u64 sectors;                     /* of SECTOR_SIZE */
    const struct block_info *info;
    struct memory_object *object;    /* its data in the page cache */
    struct mutex lock;               /* LOCK_INODE: writers */
    u32 writers;                     /* atomic: open files that may write */
    bool exclusive;                  /* atomic: somebody has it open with O_EXCL */
    bool read_only;                  /* the disk is, or BLKROSET made it so */
    struct block_usage {             /* atomic: requests carried out, by BLOCK_READ and BLOCK_WRITE */
        u64 count[2], sectors[2];
        nsec_t time[2];
    } usage;                         /* those of a disk's partitions are not in the disk's own */
};

/* Finds the disks and their partitions, once. */
void block_devices_init(void);
/* Disk or partition number i, in order; NULL: there are no more. */
struct block_device *block_device_at(unsigned i);
/* open(2) of a block special file. 0, -ENXIO (no such disk), -EBUSY (O_EXCL). */
int block_device_open(struct inode *i, struct file *f);

/* Bytes of the device that f is open on. */
u64 block_device_size(const struct file *f);

/* Moves n pages to or from the disk, page `index` of it on; bytes: how many, a multiple of its block size. fs/block_io.c */
int block_transfer_pages(struct block_device *d, enum block_op op, u64 index, unsigned n, void *const pages[], u64 bytes);
/* The same for n bytes of memory in one piece of the direct map, from sector on. */
int block_transfer(struct block_device *d, enum block_op op, u64 sector, void *memory, size_t n);
/* Counts a request that moved so many bytes and began at start. Atomic. */
void block_count(struct block_device *d, bool write, u64 bytes, nsec_t start);
/*
 * O_DIRECT: reads or writes what io asks for, all of it on the disk. Bytes, -EINVAL (alignment), -EIO, -EFAULT. No lock
 * held. fs/block_direct.c
 */
ssize block_direct(struct block_device *d, struct io *io, u64 offset, bool write);
/*
 * The same for a file of a disk, begun and not waited for: done is called in atomic context when it is over, and then
 * block_direct_finish() says what came of it. *t is set before. False: nothing was begun, the ordinary way has to be taken.
 */
struct block_direct;
bool block_direct_start(struct block_direct **t, struct file *f, struct io *io, u64 offset, bool write, void (*done)(void *arg), void *arg);
/* Ends a transfer that is done: bytes, -EIO, -EFAULT. io as at its start, or NULL: nobody wants it any more. */
ssize block_direct_finish(struct block_direct *t, struct io *io);
/* What was begun is done at the end of the VM. */
void block_direct_init(void);
/* The disk that f is open on, NULL: another file. */
struct block_device *block_device_of(const struct file *f);
/* The disk's serial number, maybe empty, NUL-terminated. 0 or negative errno. */
int block_serial(const struct block_device *d, char out[BLOCK_SERIAL_SIZE + 1]);
/* What was read from all disks, or written, in sectors. */
u64 block_sectors_moved(bool write);
/* The 17 numbers of /proc/diskstats about d, each by format, which has a %lu. fs/sysfs/block.c */
void block_show_usage(struct text *t, const struct block_device *d, const char *format);
/* Zeros for n bytes from the sector on, whole blocks, past the page cache. 0 or negative errno. */
int block_write_zeros(struct block_device *d, u64 sector, u64 n);
/* What is written is to survive a loss of power. 0, -EIO. */
int block_flush(struct block_device *d);

#endif
