/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LZ4 blocks. A block is a row of sequences: a token with two lengths, literals, and a reference to bytes that were decoded
 * before. Short copies go by eight bytes and may write up to seven too many, where there is room for that.
 */
#include "kernel/lib/lz4.h"
#include "kernel/lib/string.h"

#define MATCH_MIN 4u

/* The rest of a length whose four bits in the token are all set; false: the input ends in it. */
static bool long_length(const u8 **in, const u8 *end, size_t *length)
{
    u8 byte;

    do {
        if (*in == end)
            return false;
        byte = *(*in)++;
        *length += byte;
    } while (byte == 255);
    return true;
}

static inline void copy8(u8 *to, const u8 *from)
{
    u64 v;
    __builtin_memcpy(&v, from, 8);
    __builtin_memcpy(to, &v, 8);
}

/* n bytes that do not overlap or of which each is decoded before it is needed; slack: bytes that may be touched behind both. */
static inline void copy(u8 *to, const u8 *from, size_t n, size_t slack, size_t distance)
{
    if (slack >= 8 && distance >= 8 && n <= 64) {
        for (size_t i = 0; i < n; i += 8)
            copy8(to + i, from + i);
    } else if (distance >= n) {
        memcpy(to, from, n);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

void lz4_begin(struct lz4 *z, const void *in, size_t n)
{
    *z = (struct lz4){.from = in, .end = (const u8 *)in + n};
}

/* Literals of the sequence in hand, as far as there is room. */
static inline u8 *put_literals(struct lz4 *z, u8 *to, u8 *limit)
{
    size_t room = (size_t)(limit - to), part = MIN(z->literals, room);
    copy(to, z->from, part, MIN((size_t)(z->end - z->from), room) - part, SIZE_MAX);
    z->from += part;
    z->literals -= part;
    return to + part;
}

static inline u8 *put_match(struct lz4 *z, u8 *to, u8 *limit)
{
    size_t room = (size_t)(limit - to), part = MIN(z->match, room);
    copy(to, to - z->distance, part, room - part, z->distance);
    z->match -= part;
    return to + part;
}

ssize lz4_more(struct lz4 *z, u8 *start, u8 *to, u8 *limit)
{
    u8 *first = to;

    if (z->match)
        to = put_match(z, to, limit);
    while (to < limit) {
        if (!z->in_sequence) {
            if (z->from == z->end)
                break;
            z->token = *z->from++;
            z->literals = z->token >> 4;
            if (z->literals == 15 && !long_length(&z->from, z->end, &z->literals))
                return -EUCLEAN;
            if (z->literals > (size_t)(z->end - z->from))
                return -EUCLEAN;
            z->in_sequence = true;
        }
        to = put_literals(z, to, limit);
        if (to == limit || z->from == z->end)
            break; /* no room, or the last sequence, which has no match; what is behind it may be padding */

        if (z->end - z->from < 2)
            return -EUCLEAN;
        z->distance = z->from[0] | (size_t)z->from[1] << 8;
        z->from += 2;
        if (!z->distance || z->distance > (size_t)(to - start))
            return -EUCLEAN;
        z->match = z->token & 15;
        if (z->match == 15 && !long_length(&z->from, z->end, &z->match))
            return -EUCLEAN;
        z->match += MATCH_MIN;
        z->in_sequence = false;
        to = put_match(z, to, limit);
    }
    return to - first;
}
