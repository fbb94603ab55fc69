/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/pts: the names of pseudo-terminals' slaves. */
#ifndef FS_DEVPTS_DEVPTS_H
#define FS_DEVPTS_DEVPTS_H

#include "fs/vfs.h"

extern const struct file_system_type devpts_type;
/* The slave with this index gets its name, and loses it. 0 or -ENOMEM. For fs/pty.c. */
int devpts_add(unsigned index, u32 device);
void devpts_remove(unsigned index);
/* Opens the slave where it is seen, in /dev/pts: a file, or ERR_PTR of what is wrong there. */
struct file *devpts_open(unsigned index, u32 flags);

#endif
