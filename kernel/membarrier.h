/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KERNEL_MEMBARRIER_H
#define KERNEL_MEMBARRIER_H

#include "kernel/types.h"

/* membarrier(2) for the running process: result or -EINVAL, -EPERM (not registered). May sleep. */
long membarrier(int cmd, u32 flags, int cpu);

#endif
