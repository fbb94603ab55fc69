/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressed files of EROFS. The file is a row of extents of any length, each compressed into whole blocks. For each
 * logical cluster (4 KiB or more) of the file an index says whether an extent begins in it (a head), and where it is in the
 * image; or how far back its head is. The indexes are an array, or packed into groups that share one block address.
 */
#include "fs/erofs/image.h"
#include "kernel/heap.h"
#include "kernel/lib/lz4.h"
#include "kernel/lib/string.h"

/* Bytes of one extent: what LZ4 can make of the largest cluster; and a bound against images that are made to keep us busy. */
#define EXTENT_MAX (EROFS_CLUSTER_MAX * 255ull)
/* Bytes decoded at once; of what came before, LZ4 wants 64 KiB. */
#define WINDOW  (128u << 10)
#define HISTORY (64u << 10)

/* One index. */
struct cluster {
    enum erofs_cluster type;
    u32 offset;  /* of the extent's begin in the cluster (heads) */
    u32 back;    /* clusters to the head, at least 1 (others) */
    u32 blocks;  /* of compressed data, if the index says so; else 0 */
    u64 block;   /* where they are (heads) */
    u64 after;   /* byte offset behind the index, or its group */
};

static u64 cluster_count(const struct erofs_node *n)
{
    return (n->size >> n->cluster_bits) + ((n->size & ((1ull << n->cluster_bits) - 1)) != 0);
}

/* ---------------------------------------------------------------- full indexes */

static int read_full(struct erofs_image *m, const struct erofs_node *n, u64 number, struct cluster *c)
{
    struct erofs_disk_index d;
    u64 at = ALIGN_UP(n->tail, 8ull) + sizeof(struct erofs_disk_map) + 8 + number * sizeof(d);
    int error = erofs_bytes(m, at, sizeof(d), &d);

    if (error)
        return error;
    *c = (struct cluster){.type = d.advise & 3, .after = at + sizeof(d)};
    if (c->type == EROFS_NONHEAD) {
        c->back = d.delta[0];
        if (d.delta[0] & EROFS_BLOCK_COUNT) {
            c->blocks = d.delta[0] & ~EROFS_BLOCK_COUNT;
            c->back = 1;
        }
    } else {
        c->offset = d.cluster_offset;
        c->block = d.block;
    }
    return 0;
}

/* ---------------------------------------------------------------- compact indexes */

/* A group of indexes, as it lies on disk: `entries` fields of `bits` bits, then a block address. */
struct group {
    u8 bytes[32 + 4]; /* a field is read as 4 bytes */
    unsigned entries, bits, low_bits;
    u64 at;
    unsigned size;
    unsigned i;       /* the one that is wanted */
};

/* The low part of field i; its type goes to *type. */
static u32 field(const struct group *g, unsigned i, enum erofs_cluster *type)
{
    u32 v;
    memcpy(&v, g->bytes + i * g->bits / 8, sizeof(v));
    v >>= i * g->bits % 8;
    *type = v >> g->low_bits & 3;
    return v & ((1u << g->low_bits) - 1);
}

/*
 * First groups of two indexes in 8 bytes up to a multiple of 32 bytes, then of 16 in 32 bytes as far as whole ones go (if
 * the file has that kind), then of two again.
 */
static int read_group(struct erofs_image *m, const struct erofs_node *n, u64 number, struct group *g)
{
    u64 base = ALIGN_UP(n->tail, 8ull) + sizeof(struct erofs_disk_map), count = cluster_count(n);
    u64 first = (32 - base % 32) / 4 & 7, packed = 0;
    u64 at = base;

    if (n->advise & EROFS_MAP_COMPACT_2B && first < count)
        packed = ALIGN_DOWN(count - first, 16ull);
    bool small = false;
    if (number >= first) {
        at += first * 4;
        number -= first;
        if (number < packed) {
            small = true;
        } else {
            at += packed * 2;
            number -= packed;
        }
    }
    at += number * (small ? 2 : 4);
    g->entries = small ? 16 : 2;
    g->size = small ? 32 : 8;
    g->bits = (g->size - 4) * 8 / g->entries;
    g->low_bits = MAX(n->cluster_bits, 12u);
    g->at = ALIGN_DOWN(at, (u64)g->size);
    g->i = (unsigned)((at - g->at) / (small ? 2 : 4));
    memset(g->bytes, 0, sizeof(g->bytes));
    if (g->low_bits + 2 > g->bits)
        return -EUCLEAN;
    return erofs_bytes(m, g->at, g->size, g->bytes);
}

/* Blocks that the group's extents before field i have. -EUCLEAN. */
static ssize blocks_before(const struct erofs_node *n, const struct group *g)
{
    int i = (int)g->i;
    ssize blocks = 0;

    if (!(n->advise & EROFS_MAP_BIG_1)) {
        /* One each; the group's address is that of the block before its first. */
        blocks = 1;
        while (i > 0) {
            enum erofs_cluster type;
            u32 low = field(g, (unsigned)--i, &type);
            if (type == EROFS_NONHEAD)
                i -= (int)low;
            if (i >= 0)
                blocks++;
        }
        return blocks;
    }
    while (i > 0) {
        enum erofs_cluster type;
        u32 low = field(g, (unsigned)--i, &type);
        if (type != EROFS_NONHEAD) {
            blocks++;
        } else if (low & EROFS_BLOCK_COUNT) {
            blocks += low & ~EROFS_BLOCK_COUNT;
            i--;
        } else if (low <= 1) {
            return -EUCLEAN; /* the first behind a head has a count */
        } else {
            i -= (int)low - 2; /* to the one with the count */
        }
    }
    return blocks;
}

static int read_compact(struct erofs_image *m, const struct erofs_node *n, u64 number, struct cluster *c)
{
    struct group g;
    int error = read_group(m, n, number, &g);

    if (error)
        return error;
    *c = (struct cluster){.after = g.at + g.size};
    u32 low = field(&g, g.i, &c->type);
    if (c->type != EROFS_NONHEAD) {
        u32 base;
        memcpy(&base, g.bytes + g.size - 4, sizeof(base));
        ssize before = blocks_before(n, &g);
        c->offset = low;
        c->block = (u64)base + (u64)before;
        return before < 0 ? (int)before : 0;
    }
    if (low & EROFS_BLOCK_COUNT) {
        c->blocks = low & ~EROFS_BLOCK_COUNT;
        c->back = 1;
        return n->advise & EROFS_MAP_BIG_1 ? 0 : -EUCLEAN;
    }
    c->back = low;
    if (g.i + 1 == g.entries) {
        /* The last of a group has the distance to the next head instead. */
        enum erofs_cluster type;
        low = field(&g, g.i - 1, &type);
        c->back = type != EROFS_NONHEAD ? 1 : (low & EROFS_BLOCK_COUNT ? 1 : low) + 1;
    }
    return 0;
}

/* ---------------------------------------------------------------- extents */

static int read_cluster(struct erofs_image *m, const struct erofs_node *n, u64 number, struct cluster *c)
{
    if (number >= cluster_count(n) || number > m->source->size)
        return -EUCLEAN;
    int error = n->layout == EROFS_COMPRESSED_FULL ? read_full(m, n, number, c) : read_compact(m, n, number, c);
    if (!error && c->type != EROFS_NONHEAD && c->offset >= 1u << n->cluster_bits)
        return -EUCLEAN;
    return error;
}

/* The head of the extent that has byte offset: its index goes to *c and its number to *number. */
static int find_head(struct erofs_image *m, const struct erofs_node *n, u64 offset, u64 *number, struct cluster *c)
{
    u64 lowest = (offset >> n->cluster_bits) - MIN(offset >> n->cluster_bits, EXTENT_MAX >> n->cluster_bits);

    *number = offset >> n->cluster_bits;
    int error = read_cluster(m, n, *number, c);
    u64 back = 0;
    if (!error && c->type != EROFS_NONHEAD && (offset & ((1ull << n->cluster_bits) - 1)) < c->offset)
        back = 1; /* it belongs to the extent before the one that begins here */
    while (!error && (back || c->type == EROFS_NONHEAD)) {
        back = back ? back : c->back;
        if (!back || back > *number - lowest)
            return -EUCLEAN;
        *number -= back;
        back = 0;
        error = read_cluster(m, n, *number, c);
    }
    return error;
}

/* Where the extent ends whose head is `number`; *blocks: what the index behind the head says, or 1. */
static int find_end(struct erofs_image *m, const struct erofs_node *n, u64 number, u64 *end, u32 *blocks)
{
    u64 count = cluster_count(n), last = MIN(count, number + 2 + (EXTENT_MAX >> n->cluster_bits));

    *blocks = 0;
    for (u64 i = number + 1; i < last; i++) {
        struct cluster c;
        int error = read_cluster(m, n, i, &c);
        if (error)
            return error;
        if (i == number + 1)
            *blocks = c.type == EROFS_NONHEAD ? c.blocks : 1;
        if (c.type != EROFS_NONHEAD) {
            *end = (i << n->cluster_bits) + c.offset;
            return 0;
        }
    }
    *end = n->size;
    return last < count ? -EUCLEAN : 0;
}

int erofs_z_map(struct erofs_image *m, const struct erofs_node *n, u64 offset, struct erofs_z_extent *x)
{
    struct cluster c;
    u64 number, end;
    u32 blocks;

    int error = find_head(m, n, offset, &number, &c);
    if (!error)
        error = find_end(m, n, number, &end, &blocks);
    if (error)
        return error;
    x->start = (number << n->cluster_bits) + c.offset;
    end = MIN(end, n->size);
    if (offset < x->start || offset >= end || end - x->start > EXTENT_MAX)
        return -EUCLEAN;
    x->length = end - x->start;
    x->plain = c.type == EROFS_PLAIN;
    x->metadata = n->advise & EROFS_MAP_INLINE && number == n->tail_head;
    x->offset = x->metadata ? n->inline_offset : c.block << EROFS_BLOCK_BITS;
    bool big = (c.type == EROFS_HEAD1 && n->advise & EROFS_MAP_BIG_1) || (c.type == EROFS_HEAD2 && n->advise & EROFS_MAP_BIG_2);
    if (x->metadata)
        x->size = n->inline_size;
    else if (!big || number + 1 == cluster_count(n))
        x->size = 1ull << n->cluster_bits;
    else
        x->size = (u64)blocks << EROFS_BLOCK_BITS;
    if (!x->size || x->size > EROFS_CLUSTER_MAX || x->offset > m->source->size || x->size > m->source->size - x->offset)
        return -EUCLEAN;
    return x->plain && x->length > x->size ? -EUCLEAN : 0;
}

int erofs_z_open(struct erofs_image *m, struct erofs_node *n)
{
    struct erofs_disk_map d;
    struct cluster c;

    n->cluster_bits = EROFS_BLOCK_BITS;
    /* Old images have no header with full indexes. */
    const u32 with_header = EROFS_COMPRESS_CONFIGS | EROFS_TAIL_PACKING;
    if (n->layout == EROFS_COMPRESSED_FULL && !(m->features & with_header))
        return 0;
    int error = erofs_bytes(m, ALIGN_UP(n->tail, 8ull), sizeof(d), &d);
    if (error)
        return error;
    n->advise = d.advise;
    n->cluster_bits += d.cluster_bits & 7;
    if (d.advise & ~EROFS_MAP_KNOWN || d.cluster_bits & 0x80 || d.algorithms)
        return -EOPNOTSUPP;
    /* Compact indexes have one kind of cluster size. */
    if (n->layout == EROFS_COMPRESSED_COMPACT && !(d.advise & EROFS_MAP_BIG_1) != !(d.advise & EROFS_MAP_BIG_2))
        return -EUCLEAN;
    if (!(d.advise & EROFS_MAP_INLINE) || !n->size)
        return 0;
    error = read_cluster(m, n, cluster_count(n) - 1, &c);
    if (error)
        return error;
    n->inline_offset = c.after;
    n->inline_size = d.inline_size;
    return find_head(m, n, n->size - 1, &n->tail_head, &c);
}

/* ---------------------------------------------------------------- decompression */

/* The bytes that hold an extent: in the image, or in *buffer, which is to be freed. ERR_PTR. */
static const char *compressed_bytes(struct erofs_image *m, const struct erofs_z_extent *x, char **buffer)
{
    struct erofs_source *s = m->source;

    *buffer = NULL;
    if (s->memory)
        return s->memory + x->offset;
    *buffer = kmalloc(x->size);
    if (!*buffer)
        return ERR_PTR(-ENOMEM);
    int error = x->metadata ? s->read(s, x->offset, x->size, *buffer) : s->read_data(s, x->offset, x->size, *buffer);
    return error ? ERR_PTR(error) : *buffer;
}

/* Bytes [from, to) of a plain extent. Interlaced, they lie in the block as they do in the file. */
static void copy_plain(const struct erofs_node *n, const struct erofs_z_extent *x, const char *in, u64 from, u64 to,
                       struct erofs_target *t, u64 at)
{
    bool rotated = n->advise & EROFS_MAP_INTERLACED && !x->metadata;

    while (from < to) {
        u64 place = rotated ? (x->start + from) % x->size : from;
        u64 part = MIN(to - from, x->size - place);
        erofs_put(t, at, in + place, part);
        from += part;
        at += part;
    }
}

/* Decodes bytes [0, to) and keeps [from, to), through a window that slides over them. */
static int decode_lz4(const char *in, u64 size, u64 from, u64 to, struct erofs_target *t, u64 at)
{
    u64 space = MIN(to, (u64)WINDOW), done = 0, kept = 0; /* kept: bytes of history at the window's start */
    u8 *window = kmalloc(space);
    struct lz4 z;
    ssize n = 0;

    if (!window)
        return -ENOMEM;
    lz4_begin(&z, in, size);
    while (done < to) {
        n = lz4_more(&z, window, window + kept, window + MIN(space, kept + (to - done)));
        if (n <= 0)
            break;
        u64 low = MAX(from, done), high = done + (u64)n;
        if (low < high)
            erofs_put(t, at + (low - from), window + kept + (low - done), high - low);
        done = high;
        kept += (u64)n;
        if (kept == space && done < to) {
            memcpy(window, window + space - HISTORY, HISTORY);
            kept = HISTORY;
        }
    }
    kfree(window);
    return done == to ? 0 : -EUCLEAN;
}

/* Bytes [from, to) of an extent to byte `at` of the target. */
static int decode(struct erofs_image *m, const struct erofs_node *n, const struct erofs_z_extent *x, u64 from, u64 to,
                  struct erofs_target *t, u64 at)
{
    char *buffer;
    const char *in = compressed_bytes(m, x, &buffer);
    int error = IS_ERR(in) ? (int)PTR_ERR(in) : 0;

    if (!error && x->plain) {
        copy_plain(n, x, in, from, to, t, at);
    } else if (!error) {
        u64 skip = 0;
        if (m->features & EROFS_ZERO_PADDING) {
            while (skip < MIN(x->size, (u64)EROFS_BLOCK) && !in[skip])
                skip++;
        }
        error = decode_lz4(in + skip, x->size - skip, from, to, t, at);
    }
    kfree(buffer);
    return error;
}

int erofs_z_read(struct erofs_image *m, const struct erofs_node *n, u64 offset, u64 length, struct erofs_target *t)
{
    for (u64 done = 0; done < length;) {
        struct erofs_z_extent x;
        u64 at = offset + done;
        int error = erofs_z_map(m, n, at, &x);
        if (error)
            return error;
        u64 from = at - x.start, to = MIN(x.length, from + (length - done));
        error = decode(m, n, &x, from, to, t, done);
        if (error)
            return error;
        done += to - from;
    }
    return 0;
}
