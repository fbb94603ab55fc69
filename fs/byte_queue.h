/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes in the order they came, in blocks allocated as needed. No lock of its own: the owner's guards it. */
#ifndef FS_BYTE_QUEUE_H
#define FS_BYTE_QUEUE_H

#include "kernel/types.h"

struct byte_block;

/* All zero: empty. */
struct byte_queue {
    struct byte_block *first, *last, *spare;
    size_t bytes;
};

/* Makes sure of memory for the next n bytes, at most BYTE_QUEUE_RESERVE. False: there is none. */
#define BYTE_QUEUE_RESERVE (PAGE_SIZE - 16)
bool byte_queue_reserve(struct byte_queue *q, size_t n);
/* Adds n bytes at the end; how many, fewer without memory. */
size_t byte_queue_put(struct byte_queue *q, const void *data, size_t n);
/* The contiguous piece at the front and its length (0: the queue is empty). */
const void *byte_queue_front(const struct byte_queue *q, size_t *n);
/* Removes n bytes of that piece. */
void byte_queue_drop(struct byte_queue *q, size_t n);
/* Forgets all but the first n bytes. */
void byte_queue_cut(struct byte_queue *q, size_t n);
void byte_queue_clear(struct byte_queue *q);

#endif
