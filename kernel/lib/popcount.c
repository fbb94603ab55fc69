/* SPDX-License-Identifier: BSD-2-Clause */
/* What __builtin_popcountll() calls: the kernel is compiled for CPUs that may lack the instruction. */
#include "kernel/types.h"

int __popcountdi2(u64 x);

int __popcountdi2(u64 x)
{
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (int)(x * 0x0101010101010101 >> 56);
}
