/* SPDX-License-Identifier: BSD-2-Clause */
/* The file systems that mount(2) knows, one line each. */
#include "fs/devfs/devfs.h"
#include "fs/devpts/devpts.h"
#include "fs/erofs/erofs.h"
#include "fs/ipc/mqueue.h"
#include "fs/ninep/ninep.h"
#include "fs/overlay/overlay.h"
#include "fs/proc/proc.h"
#include "fs/sysfs/sysfs.h"
#include "fs/tmpfs/tmpfs.h"

const struct file_system_type *const file_systems[] = {
    &tmpfs_type,
    &overlay_type,
    &proc_type,
    &sysfs_type,
    &devfs_type,
    &devpts_type,
    &mqueue_type,
    &ninep_type,
    &erofs_type,
    NULL,
};
