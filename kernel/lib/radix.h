/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A radix tree from 64-bit indexes to non-zero 64-bit values, 6 bits a level, as deep as the largest index
 * needs. The caller locks.
 */
#ifndef KERNEL_LIB_RADIX_H
#define KERNEL_LIB_RADIX_H

#include "kernel/types.h"

struct radix_node;

struct radix_tree {
    struct radix_node *root;
    unsigned height; /* levels; 0: empty */
};

/* 0 when there is none. */
u64 radix_get(const struct radix_tree *t, u64 index);
/*
 * Where the value of index is, to change it to another that is not 0; NULL: there is none. Valid until the tree changes. The
 * values of the next indexes follow up to a multiple of RADIX_RUN.
 */
#define RADIX_RUN 64u
u64 *radix_slot(const struct radix_tree *t, u64 index);
/* Stores value (0 removes). 0 or -ENOMEM; removing and replacing never fail. */
int radix_set(struct radix_tree *t, u64 index, u64 value);
/* First entry at or after *index: its value with *index moved to it, or 0. */
u64 radix_next(const struct radix_tree *t, u64 *index);
/* First index >= from that has no entry. */
u64 radix_next_hole(const struct radix_tree *t, u64 from);
/* Frees the nodes (not what the values mean). */
void radix_destroy(struct radix_tree *t);

#endif
