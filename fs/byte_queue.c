/* SPDX-License-Identifier: BSD-2-Clause */
/* See byte_queue.h. A block that has been emptied is freed at once, so an idle queue holds no memory. */
#include "fs/byte_queue.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

struct byte_block {
    struct byte_block *next;
    u32 start, end; /* data[start, end) is filled */
    u8 data[BYTE_QUEUE_RESERVE];
};

bool byte_queue_reserve(struct byte_queue *q, size_t n)
{
    if (q->spare || (q->last && sizeof(q->last->data) - q->last->end >= n))
        return true;
    q->spare = kmalloc(sizeof(*q->spare));
    return q->spare != NULL;
}

size_t byte_queue_put(struct byte_queue *q, const void *data, size_t n)
{
    const u8 *from = data;
    size_t left = n;

    while (left) {
        struct byte_block *b = q->last;
        size_t part;

        if (!b || b->end == sizeof(b->data)) {
            b = q->spare ? q->spare : kmalloc(sizeof(*b));
            if (!b)
                break;
            q->spare = NULL;
            b->next = NULL;
            b->start = b->end = 0;
            if (q->last)
                q->last->next = b;
            else
                q->first = b;
            q->last = b;
        }
        part = MIN(left, sizeof(b->data) - b->end);
        memcpy(b->data + b->end, from, part);
        b->end += (u32)part;
        from += part;
        left -= part;
    }
    q->bytes += n - left;
    return n - left;
}

const void *byte_queue_front(const struct byte_queue *q, size_t *n)
{
    *n = q->first ? q->first->end - q->first->start : 0;
    return q->first ? q->first->data + q->first->start : NULL;
}

void byte_queue_drop(struct byte_queue *q, size_t n)
{
    struct byte_block *b = q->first;

    b->start += (u32)n;
    q->bytes -= n;
    if (b->start < b->end)
        return;
    q->first = b->next;
    kfree(b);
    if (!q->first)
        byte_queue_clear(q);
}

void byte_queue_cut(struct byte_queue *q, size_t n)
{
    struct byte_block **at = &q->first, *b;

    q->bytes = MIN(q->bytes, n);
    q->last = NULL;
    for (; n && (b = *at); at = &b->next) {
        size_t part = MIN(n, b->end - b->start);

        b->end = b->start + (u32)part;
        n -= part;
        q->last = b;
    }
    while ((b = *at)) {
        *at = b->next;
        kfree(b);
    }
}

void byte_queue_clear(struct byte_queue *q)
{
    byte_queue_cut(q, 0);
    kfree(q->spare);
    q->spare = NULL;
}
