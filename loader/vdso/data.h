/* SPDX-License-Identifier: BSD-2-Clause */
/* The page that the kernel and the vDSO share: how to compute the time. Written by the kernel, mapped before the image. */
#ifndef LOADER_VDSO_DATA_H
#define LOADER_VDSO_DATA_H

#include <stdint.h>

struct vdso_data {
    uint32_t usable;         /* 0: make system calls */
    uint32_t shift;
    uint64_t tsc_base, mult; /* CLOCK_MONOTONIC = ((tsc - tsc_base) * mult >> shift) + offset, ns */
    uint64_t offset;
    int64_t realtime_offset; /* ns; CLOCK_REALTIME = CLOCK_MONOTONIC + this; one word, so always whole */
};

#define VDSO_COARSE_NS 4000000 /* grain of the coarse clocks, as syscalls/time.c has it */

#endif
