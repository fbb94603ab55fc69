/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of bytes: order, what is reserved is there when memory has ended, and nothing is kept. sources: fs/byte_queue.c */
#include <string.h>
#include "fs/byte_queue.h"
#include "kernel/heap.h"
#include "tests/unit/test.h"

static int blocks;
static bool no_memory;

void *kmalloc(size_t n)
{
    if (no_memory)
        return NULL;
    blocks++;
    return malloc(n);
}

void kfree(void *p)
{
    blocks -= p != NULL;
    free(p);
}

static void take(struct byte_queue *q, u8 *next, size_t n)
{
    while (n) {
        size_t part;
        const u8 *front = byte_queue_front(q, &part);

        CHECK(part > 0);
        part = part < n ? part : n;
        for (size_t i = 0; i < part; i++)
            CHECK(front[i] == (*next)++);
        byte_queue_drop(q, part);
        n -= part;
    }
}

TEST(reserved_and_cut)
{
    struct byte_queue q = {0};
    u8 data[3000], put = 0, next = 0;

    for (unsigned round = 0; round < 200; round++) {
        size_t n = 1 + round * 37 % sizeof(data), done;

        CHECK(byte_queue_reserve(&q, n));
        for (size_t i = 0; i < n; i++)
            data[i] = (u8)(put + i);
        no_memory = true;
        done = byte_queue_put(&q, data, n);
        CHECK(done == n);
        no_memory = false;
        put = (u8)(put + n);
        if (round % 5 == 4)
            take(&q, &next, q.bytes - round % 2);
    }
    size_t keep = q.bytes > 5000 ? 5000 : q.bytes / 2;
    byte_queue_cut(&q, keep);
    CHECK(q.bytes == keep);
    CHECK(byte_queue_put(&q, data, 10) == 10);
    CHECK(q.bytes == keep + 10);
    take(&q, &next, keep);
    size_t n;
    CHECK(!memcmp(byte_queue_front(&q, &n), data, 1) && n);
    byte_queue_clear(&q);
    CHECK(!q.bytes && !blocks);
    CHECK(byte_queue_reserve(&q, 10) && blocks == 1);
    byte_queue_clear(&q);
    no_memory = true;
    CHECK(!byte_queue_reserve(&q, 1) && !byte_queue_put(&q, data, 1));
    CHECK(!blocks);
}
