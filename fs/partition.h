/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables: a pure function of a disk's bytes, tested and fuzzed on the host. fs/partition.c. */
#ifndef FS_PARTITION_H
#define FS_PARTITION_H

#include "kernel/types.h"

struct partition {
    u32 number;       /* from 1 */
    u64 start, count; /* blocks; within the disk */
};

struct partition_source {
    u64 blocks;
    u32 block_size; /* bytes: 512 to 4096 */
    /* Reads block `at`, which is less than blocks. 0 or negative errno. */
    int (*read)(struct partition_source *s, u64 at, void *block);
};

/*
 * The partitions that a GPT or an MBR table names, in order, at most max; block: memory for a block. 0: no table, or one
 * that is damaged.
 */
unsigned partitions_find(struct partition_source *s, void *block, struct partition *out, unsigned max);

#endif
