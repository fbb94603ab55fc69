/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoder of LZ4 blocks, <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>. */
#ifndef KERNEL_LIB_LZ4_H
#define KERNEL_LIB_LZ4_H

#include "kernel/types.h"

/* A block on its way: may be decoded in pieces. */
struct lz4 {
    const u8 *from, *end;  /* input */
    size_t literals, match; /* bytes of the sequence in hand that are still to come */
    size_t distance;
    u8 token;
    bool in_sequence;      /* its literals came, or are coming; its match is not known yet */
};
#define LZ4_DISTANCE_MAX 65535u

void lz4_begin(struct lz4 *z, const void *in, size_t n);
/*
 * Decodes on, to `to`, until limit or the block's end. From start on there is what was decoded before, LZ4_DISTANCE_MAX bytes
 * or all. Any bytes may come in: nothing outside [start, limit) is touched. Bytes decoded, or -EUCLEAN for what is no LZ4 block.
 */
ssize lz4_more(struct lz4 *z, u8 *start, u8 *to, u8 *limit);

/* A block, or its first room bytes, in one piece. */
static inline ssize lz4_decode(const void *in, size_t n, void *out, size_t room)
{
    struct lz4 z;
    lz4_begin(&z, in, n);
    return lz4_more(&z, out, out, (u8 *)out + room);
}

#endif
