/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys: what programs ask of the machine's shape. */
#ifndef FS_SYSFS_SYSFS_H
#define FS_SYSFS_SYSFS_H

#include "fs/generated.h"

extern const struct file_system_type sysfs_type;

#endif
