/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices by number: disks, which fs/block_device.c knows, and character devices. Their drivers register at boot, before
 * any program runs; after that the table is only read, so there is no lock.
 */
#include "fs/vfs.h"
#include "fs/block_device.h"
#include "kernel/log.h"

static struct device {
    u64 number;
    const struct file_ops *ops;
    int (*open)(struct file *f);
} devices[24];
static unsigned device_count;

void device_register(u32 major, u32 minor, const struct file_ops *ops, int (*open)(struct file *f))
{
    ASSERT(device_count < ARRAY_SIZE(devices));
    devices[device_count++] = (struct device){device_number(major, minor), ops, open};
}

int device_open(struct inode *i, struct file *f)
{
    if (!S_ISCHR(i->mode))
        return block_device_open(i, f);
    for (unsigned n = 0; n < device_count; n++) {
        if (devices[n].number != i->rdev)
            continue;
        f->ops = devices[n].ops;
        return devices[n].open ? devices[n].open(f) : 0;
    }
    return -ENXIO;
}
