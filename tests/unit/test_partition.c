/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables: good ones, damaged ones, and chains that lead nowhere. sources: fs/partition.c */
#include "fs/partition.h"
#include "kernel/lib/string.h"
#include "tests/unit/test.h"

#define BLOCKS 2048u

static u8 disk[BLOCKS][512];
static u64 reads;
static struct partition p[15];

static int read_disk(struct partition_source *s, u64 at, void *block)
{
    CHECK(at < BLOCKS);
    reads++;
    memcpy(block, disk[at], 512);
    return 0;
}

static unsigned find(void)
{
    struct partition_source s = {.blocks = BLOCKS, .block_size = 512, .read = read_disk};
    static char block[512];
    return partitions_find(&s, block, p, 15);
}

static void put(u8 *to, u64 value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (u8)(value >> 8 * i);
}

static void entry(unsigned block, unsigned i, u8 type, u32 start, u32 count)
{
    u8 *e = disk[block] + 446 + 16 * i;
    e[4] = type;
    put(e + 8, start, 4);
    put(e + 12, count, 4);
    disk[block][510] = 0x55;
    disk[block][511] = 0xaa;
}

static bool is(unsigned i, u32 number, u64 start, u64 count)
{
    return p[i].number == number && p[i].start == start && p[i].count == count;
}

static u32 crc32(const u8 *data, size_t n)
{
    u32 crc = ~0u;
    while (n--)
        for (int bit = (crc ^= *data++, 0); bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    return ~crc;
}

static void gpt_header(unsigned at, unsigned other, unsigned entries)
{
    u8 *h = disk[at];
    memset(h, 0, 512);
    memcpy(h, "EFI PART", 8);
    put(h + 8, 0x10000, 4);
    put(h + 12, 92, 4);
    put(h + 24, at, 8);
    put(h + 32, other, 8);
    put(h + 40, 34, 8);
    put(h + 48, BLOCKS - 34, 8);
    put(h + 72, entries, 8);
    put(h + 80, 128, 4);
    put(h + 84, 128, 4);
    put(h + 88, crc32(disk[entries], 128 * 128), 4);
    put(h + 16, crc32(h, 92), 4);
}

static void gpt(void)
{
    memset(disk, 0, sizeof(disk));
    entry(0, 0, 0xee, 1, BLOCKS - 1);
    for (unsigned at = 2; at < BLOCKS; at += BLOCKS - 33 - 2) {
        u8 *e = disk[at];
        e[0] = 1;
        put(e + 32, 40, 8);
        put(e + 40, 99, 8);
        e += 5 * 128;
        e[15] = 1;
        put(e + 32, 100, 8);
        put(e + 40, 1000, 8);
        e += 128;
        e[15] = 1; /* ends before it begins */
        put(e + 32, 100, 8);
        put(e + 40, 99, 8);
    }
    gpt_header(1, BLOCKS - 1, 2);
    gpt_header(BLOCKS - 1, 1, BLOCKS - 33);
}

TEST(none)
{
    memset(disk, 0, sizeof(disk));
    CHECK(find() == 0);
    memset(disk, 0xff, sizeof(disk));
    CHECK(find() == 0);
}

TEST(mbr)
{
    memset(disk, 0, sizeof(disk));
    entry(0, 0, 0x83, 10, 20);
    entry(0, 2, 0x83, 100, 100000);
    entry(0, 3, 0x83, BLOCKS, 5);
    CHECK(find() == 2 && is(0, 1, 10, 20) && is(1, 3, 100, BLOCKS - 100));
    disk[0][446] = 0x12;
    CHECK(find() == 0);
    disk[0][446] = 0x80;
    CHECK(find() == 2);
    disk[0][511] = 0;
    CHECK(find() == 0);
}

TEST(logical)
{
    memset(disk, 0, sizeof(disk));
    entry(0, 0, 0x83, 10, 20);
    entry(0, 1, 0x05, 100, 500);
    entry(100, 0, 0x83, 10, 40);
    entry(100, 1, 0x05, 60, 100);
    entry(160, 0, 0x83, 10, 50);
    entry(160, 1, 0x05, 300, 1000);
    entry(400, 0, 0x83, 10, 2000); /* out of the chain's room */
    CHECK(find() == 4);
    CHECK(is(0, 1, 10, 20) && is(1, 2, 100, 2) && is(2, 5, 110, 40) && is(3, 6, 170, 50));
}

TEST(endless_chain)
{
    memset(disk, 0, sizeof(disk));
    entry(0, 0, 0x0f, 100, 500);
    entry(100, 1, 0x05, 0, 500);
    reads = 0;
    CHECK(find() == 1 && reads < 1000);
    entry(100, 0, 0x83, 1, 5);
    CHECK(find() == 15);
}

TEST(gpt_good)
{
    gpt();
    CHECK(find() == 2 && is(0, 1, 40, 60) && is(1, 6, 100, 901));
}

TEST(gpt_damaged)
{
    gpt();
    disk[1][50]++;
    CHECK(find() == 2 && is(1, 6, 100, 901));
    gpt();
    disk[3][0]++; /* an entry */
    CHECK(find() == 2 && is(1, 6, 100, 901));
    disk[BLOCKS - 1][60]++;
    CHECK(find() == 0);
}

TEST(damaged_at_random)
{
    u32 state = 1;
    for (unsigned round = 0; round < 3000; round++) {
        gpt();
        if (round % 2) {
            entry(0, 0, 0x83, 10, 20);
            entry(0, 1, 0x05, 100, 500);
            entry(100, 1, 0x05, 60, 100);
        }
        for (unsigned k = 0; k < 1 + round % 5; k++) {
            state = state * 1664525 + 1013904223;
            static const unsigned where[] = {0, 1, 2, 100, BLOCKS - 1};
            unsigned at = round % 2 ? 446 + (state >> 20) % 66 : (state >> 20) % 512;
            disk[where[(state >> 8) % 5]][at] = (u8)(state >> 12);
        }
        if (!(round & 2)) { /* checksums that fit the damage */
            put(disk[1] + 16, 0, 4);
            put(disk[1] + 16, crc32(disk[1], 92), 4);
        }
        unsigned n = find();
        CHECK(n <= 15);
        for (unsigned i = 0; i < n; i++)
            CHECK(p[i].count && p[i].start < BLOCKS && p[i].count <= BLOCKS - p[i].start);
    }
}
