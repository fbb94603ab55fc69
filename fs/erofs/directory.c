/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of EROFS: blocks of entries in the order of names, so that a name is found by bisection, among the blocks by
 * their first names and then in one.
 */
#include "fs/erofs/image.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

/* A block in memory. */
struct block {
    const char *data;
    char *buffer;    /* if the source is not memory */
    u32 size;        /* the last one may be shorter */
    u32 entries;
};

static int open_block(struct erofs_image *m, const struct erofs_node *dir, u64 number, struct block *b)
{
    u64 at = number << EROFS_BLOCK_BITS;
    struct erofs_extent x;
    struct erofs_disk_entry first;

    b->size = (u32)MIN(dir->size - at, (u64)EROFS_BLOCK);
    if (m->source->memory && !erofs_compressed(dir)) {
        int error = erofs_map(m, dir, at, &x);
        if (error || x.hole || x.length < b->size)
            return error ? error : -EUCLEAN;
        b->data = m->source->memory + x.offset;
    } else {
        struct erofs_target t = {.flat = b->buffer};
        if (!b->buffer)
            t.flat = b->buffer = kmalloc(EROFS_BLOCK);
        if (!b->buffer)
            return -ENOMEM;
        int error = erofs_read(m, dir, at, b->size, &t);
        if (error)
            return error;
        b->data = b->buffer;
    }
    if (b->size < sizeof(first))
        return -EUCLEAN;
    memcpy(&first, b->data, sizeof(first));
    b->entries = first.name_offset / (u32)sizeof(first);
    if (!b->entries || first.name_offset % sizeof(first) || first.name_offset >= b->size)
        return -EUCLEAN;
    return 0;
}

/* Entry i and its name. */
static int entry_at(const struct block *b, u32 i, struct erofs_disk_entry *e, const char **name, size_t *length)
{
    u32 end = b->size;
    struct erofs_disk_entry next;

    memcpy(e, b->data + i * sizeof(*e), sizeof(*e));
    if (i + 1 < b->entries) {
        memcpy(&next, b->data + (i + 1) * sizeof(next), sizeof(next));
        end = next.name_offset;
    }
    if (e->name_offset < b->entries * sizeof(*e) || end > b->size || e->name_offset >= end)
        return -EUCLEAN;
    *name = b->data + e->name_offset;
    *length = strnlen(*name, end - e->name_offset);
    return *length && *length <= EROFS_NAME_MAX ? 0 : -EUCLEAN;
}

static int compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, MIN(a_length, b_length));
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

/* The last entry of b that is not behind name; *order is 0 if it is it. */
static int bisect(const struct block *b, const char *name, size_t length, struct erofs_disk_entry *found, int *order)
{
    u32 low = 0, high = b->entries;

    *order = 1;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        struct erofs_disk_entry e;
        const char *s;
        size_t n;
        int error = entry_at(b, middle, &e, &s, &n);
        if (error)
            return error;
        int c = compare(name, length, s, n);
        if (!c) {
            *found = e;
            *order = 0;
            return 0;
        }
        if (c > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

int erofs_find(struct erofs_image *m, const struct erofs_node *dir, const char *name, size_t length, u64 *nid)
{
    u64 blocks = (dir->size + EROFS_BLOCK - 1) >> EROFS_BLOCK_BITS, low = 0, high = blocks;
    struct block b = {0};
    int error = 0, order = 1;

    /* The last block whose first name is not behind the one wanted, or the first: [low, high) is where it can be. */
    while (!error && high - low > 1 && low < high) {
        u64 middle = low + (high - low) / 2;
        struct erofs_disk_entry e;
        const char *s;
        size_t n;
        error = open_block(m, dir, middle, &b);
        if (!error)
            error = entry_at(&b, 0, &e, &s, &n);
        if (!error && compare(name, length, s, n) < 0)
            high = middle;
        else
            low = middle;
    }
    struct erofs_disk_entry found;
    if (!error && low < high) {
        error = open_block(m, dir, low, &b);
        if (!error)
            error = bisect(&b, name, length, &found, &order);
    }
    kfree(b.buffer);
    if (error)
        return error;
    if (order)
        return -ENOENT;
    *nid = found.nid;
    return 0;
}

int erofs_list(struct erofs_image *m, const struct erofs_node *dir, u64 *pos,
               bool (*emit)(void *arg, const char *name, size_t length, u64 next, u64 ino, u8 type), void *arg)
{
    /* DT_* of getdents(2), which are S_IFMT >> 12. */
    static const u8 types[] = {0, 8, 4, 2, 6, 1, 12, 10};
    struct block b = {0};
    int error = 0;
    bool more = true;

    while (!error && more && *pos < dir->size) {
        u64 number = *pos >> EROFS_BLOCK_BITS;
        u32 i = (u32)((*pos & (EROFS_BLOCK - 1)) + sizeof(struct erofs_disk_entry) - 1) / (u32)sizeof(struct erofs_disk_entry);
        error = open_block(m, dir, number, &b);
        for (; !error && more && i < b.entries; i++) {
            struct erofs_disk_entry e;
            const char *name;
            size_t length;
            error = entry_at(&b, i, &e, &name, &length);
            if (error)
                break;
            u64 next = i + 1 < b.entries ? (number << EROFS_BLOCK_BITS) + (i + 1) * sizeof(e) : (number + 1) << EROFS_BLOCK_BITS;
            more = emit(arg, name, length, next, e.nid, e.type < ARRAY_SIZE(types) ? types[e.type] : 0);
            if (more)
                *pos = next;
        }
        if (!error && more)
            *pos = (number + 1) << EROFS_BLOCK_BITS;
    }
    kfree(b.buffer);
    return error;
}
