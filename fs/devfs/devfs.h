/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev: a tmpfs that begins with the device nodes, as Linux's devtmpfs. */
#ifndef FS_DEVFS_DEVFS_H
#define FS_DEVFS_DEVFS_H

#include "fs/vfs.h"

extern const struct file_system_type devfs_type;
/* Registers null, zero, full, random and urandom. */
void memory_devices_init(void);

#endif
