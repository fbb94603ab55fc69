/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: partition tables on any bytes, which are a disk's first blocks and its last one. What is found lies
 * within the disk. GPT checksums that a fuzzer does not guess are set right if the first byte says so.
 * sources: fs/partition.c
 */
#include <string.h>
#include "fs/partition.h"

#define BLOCKS 5000u

struct disk {
    struct partition_source base;
    const uint8_t *data;
    size_t size;
    unsigned reads;
};

#define REQUIRE(cond)         \
    do {                      \
        if (!(cond))          \
            __builtin_trap(); \
    } while (0)

static u32 checksum(const u8 *data, size_t n)
{
    u32 crc = ~0u;
    while (n--) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static int read_block(struct partition_source *s, u64 at, void *block)
{
    struct disk *d = (struct disk *)s;
    u64 from = (at == BLOCKS - 1 ? 1 : at) * s->block_size;
    u8 *b = block;
    u32 n;

    REQUIRE(at < BLOCKS && ++d->reads < 4000);
    memset(b, 0, s->block_size);
    if (from < d->size)
        memcpy(b, d->data + from, d->size - from < s->block_size ? d->size - from : s->block_size);
    if (at == 0 && d->size)
        memcpy(b + 510, "\x55\xaa", 2);
    if ((at == 1 || at == BLOCKS - 1) && d->size && d->data[0] & 1) {
        memcpy(b, "EFI PART", 8);
        memset(b + 16, 0, 4);
        memcpy(b + 24, &at, 8);
        memcpy(&n, b + 12, 4);
        n = checksum(b, n <= s->block_size ? n : 92);
        memcpy(b + 16, &n, 4);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk d = {{BLOCKS, size && data[0] & 2 ? 4096 : 512, read_block}, data, size, 0};
    struct partition found[15];
    char block[4096];
    unsigned n = partitions_find(&d.base, block, found, 15);

    REQUIRE(n <= 15);
    for (unsigned i = 0; i < n; i++)
        REQUIRE(found[i].number && found[i].count && found[i].start < BLOCKS && found[i].count <= BLOCKS - found[i].start);
    return 0;
}
