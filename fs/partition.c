/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables. GPT: UEFI specification 2.10, chapter 5.3; its checksums are looked at, and the copy at the end of the
 * disk is used where the first is damaged. MBR: the four entries of the first block, one of which may lead to a chain of
 * further tables, numbered from 5.
 */
#include "fs/partition.h"
#include "kernel/lib/string.h"

#define MBR_ENTRIES  446
#define MBR_TYPE_GPT 0xee
#define CHAIN_MOST   128 /* tables of a chain; it may lead back to itself */
#define GPT_MOST     1024 /* entries */

struct mbr_entry {
    u8 active, first[3], type, last[3];
    u8 start[4], count[4];
};

struct gpt_header {
    char signature[8];
    u32 revision, size, checksum, zero;
    u64 here, other, first_usable, last_usable;
    u8 disk[16];
    u64 entries;
    u32 entry_count, entry_size, entries_checksum;
} __attribute__((packed));

struct gpt_entry {
    u8 type[16], id[16];
    u64 first, last;
    u64 attributes;
    u8 name[72];
};

struct search {
    struct partition_source *source;
    char *block;
    struct partition *out;
    unsigned n, max;
};

static u32 little32(const u8 *p)
{
    return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static bool read_block(struct search *x, u64 at)
{
    return at < x->source->blocks && !x->source->read(x->source, at, x->block);
}

/* What reaches beyond the disk is cut. */
static void found(struct search *x, u32 number, u64 start, u64 count)
{
    u64 blocks = x->source->blocks;

    if (x->n < x->max && count && start < blocks)
        x->out[x->n++] = (struct partition){number, start, MIN(count, blocks - start)};
}

/* ---------------------------------------------------------------- GPT */

/* CRC-32 as in IEEE 802.3, continued; begins with and yields the complement. */
static u32 checksum(u32 crc, const void *data, size_t n)
{
    for (const u8 *p = data; n--; p++) {
        crc ^= *p;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

/* The header in block `at`. */
static bool read_header(struct search *x, u64 at, struct gpt_header *h)
{
    u32 size = x->source->block_size;

    if (!read_block(x, at))
        return false;
    memcpy(h, x->block, sizeof(*h));
    if (memcmp(h->signature, "EFI PART", 8) || h->size < sizeof(*h) || h->size > size || h->here != at)
        return false;
    memset(x->block + offsetof(struct gpt_header, checksum), 0, sizeof(u32));
    if (~checksum(~0u, x->block, h->size) != h->checksum)
        return false;
    return h->first_usable <= h->last_usable && h->last_usable < x->source->blocks &&
           h->entry_size == sizeof(struct gpt_entry) && h->entry_count && h->entry_count <= GPT_MOST;
}

static void take_entry(struct search *x, const struct gpt_entry *e, u32 number)
{
    static const u8 unused[16];

    if (memcmp(e->type, unused, sizeof(unused)) && e->first <= e->last && e->last < x->source->blocks)
        found(x, number, e->first, e->last - e->first + 1);
}

/* The table whose header is in block `at`; false: it is damaged. */
static bool read_gpt(struct search *x, u64 at)
{
    struct gpt_header h;
    struct gpt_entry e;
    u32 size = x->source->block_size, crc = ~0u, per_block = size / sizeof(e);

    x->n = 0;
    if (!read_header(x, at, &h))
        return false;
    for (u32 i = 0; i < h.entry_count; i++) {
        if (i % per_block == 0 && (h.entries > x->source->blocks || !read_block(x, h.entries + i / per_block)))
            return false;
        memcpy(&e, x->block + i % per_block * sizeof(e), sizeof(e));
        crc = checksum(crc, &e, sizeof(e));
        take_entry(x, &e, i + 1);
    }
    return ~crc == h.entries_checksum;
}

/* ---------------------------------------------------------------- MBR */

/* The four entries of the block that was read; false: it is no table. */
static bool take_table(const struct search *x, struct mbr_entry e[4])
{
    const u8 *b = (const u8 *)x->block;

    memcpy(e, b + MBR_ENTRIES, 4 * sizeof(*e));
    return b[510] == 0x55 && b[511] == 0xaa;
}

static bool leads_on(const struct mbr_entry *e)
{
    return (e->type == 0x05 || e->type == 0x0f || e->type == 0x85) && little32(e->count);
}

/* Logical partitions. Where a table lies is counted from the first, where a partition lies from its own table. */
static void follow_chain(struct search *x, u64 first, u64 count)
{
    struct mbr_entry e[4];
    u64 at = first;
    u32 number = 5;

    for (unsigned tables = 0; tables < CHAIN_MOST && x->n < x->max; tables++) {
        const struct mbr_entry *next = NULL;

        if (!read_block(x, at) || !take_table(x, e))
            return;
        for (unsigned i = 0; i < 4; i++) {
            u64 start = at + little32(e[i].start), size = little32(e[i].count);

            if (leads_on(&e[i])) {
                if (!next)
                    next = &e[i];
            } else if (size && start >= first && start + size <= first + count) {
                found(x, number++, start, size);
            }
        }
        if (!next)
            return;
        at = first + little32(next->start);
    }
}

unsigned partitions_find(struct partition_source *s, void *block, struct partition *out, unsigned max)
{
    struct search x = {.source = s, .block = block, .out = out, .max = max};
    struct mbr_entry e[4];

    if (!read_block(&x, 0) || !take_table(&x, e))
        return 0;
    for (unsigned i = 0; i < 4; i++) {
        if (e[i].active & 0x7f)
            return 0; /* the code of a boot loader, or a FAT file system */
    }
    for (unsigned i = 0; i < 4; i++) {
        if (e[i].type != MBR_TYPE_GPT || little32(e[i].start) != 1)
            continue;
        return read_gpt(&x, 1) || read_gpt(&x, s->blocks - 1) ? x.n : 0;
    }
    for (unsigned i = 0; i < 4; i++) {
        u64 start = little32(e[i].start), count = little32(e[i].count);

        /* Of a chain as such only its first blocks can be reached, as room for a boot loader. */
        found(&x, i + 1, start, leads_on(&e[i]) ? MIN(count, 2u) : count);
    }
    for (unsigned i = 0; i < 4; i++)
        if (leads_on(&e[i]))
            follow_chain(&x, little32(e[i].start), little32(e[i].count));
    return x.n;
}
