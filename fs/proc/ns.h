/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_PROC_NS_H
#define FS_PROC_NS_H

#include "fs/file.h"

/* CLONE_NEW* of the namespace that f, opened in /proc/PID/ns, stands for; 0: f is something else. */
u32 ns_kind(const struct file *f);

#endif
