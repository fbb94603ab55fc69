/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listings: all names of a directory as the server gave them at one moment. A position in a directory is an entry's number,
 * so it can be sought to; a program that reads a directory while it changes sees it as it was when it began.
 *
 * The server's own data is kept, checked once, with an index of where each entry begins.
 */
#include <linux/fcntl.h>
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

#define CHUNK_SHIFT 15u
#define CHUNK_SIZE  (1u << CHUNK_SHIFT) /* bytes asked for at once */

struct ninep_listing {
    u32 refs;               /* atomic */
    u32 count, room;        /* entries, and how many starts[] can hold */
    u32 chunk_count;
    u32 hash_mask;
    u32 *starts;            /* chunk << CHUNK_SHIFT | offset in it */
    u32 *hash;              /* number + 1 of entries by name; NULL until one is wanted */
    u8 **chunks;
};

void ninep_listing_put(struct ninep_listing *l)
{
    if (!l || __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (u32 i = 0; i < l->chunk_count; i++)
        kfree(l->chunks[i]);
    kfree(l->chunks);
    kfree(l->starts);
    kfree(l->hash);
    kfree(l);
}

/* Enters an entry that begins at `start`. False: out of memory. */
static bool add_start(struct ninep_listing *l, u32 start)
{
    if (l->count == l->room) {
        u32 room = l->room ? l->room * 2 : 64;
        u32 *starts = krealloc(l->starts, l->room * sizeof(*starts), room * sizeof(*starts));

        if (!starts)
            return false;
        l->starts = starts;
        l->room = room;
    }
    l->starts[l->count++] = start;
    return true;
}

/* Keeps n bytes of entries. *offset: where the server goes on. */
static int add_chunk(struct ninep_listing *l, const u8 *data, u32 n, u64 *offset)
{
    u8 **chunks = krealloc(l->chunks, l->chunk_count * sizeof(*chunks), (l->chunk_count + 1) * sizeof(*chunks));
    struct ninep_message m;
    struct ninep_entry e;
    int more;

    if (!chunks)
        return -ENOMEM;
    l->chunks = chunks;
    chunks[l->chunk_count] = kmalloc(n);
    if (!chunks[l->chunk_count])
        return -ENOMEM;
    memcpy(chunks[l->chunk_count], data, n);
    m = (struct ninep_message){.data = chunks[l->chunk_count], .size = n};
    for (;;) {
        u32 start = l->chunk_count << CHUNK_SHIFT | m.at;

        more = ninep_get_entry(&m, &e);
        if (more <= 0)
            break;
        *offset = e.offset;
        if (!add_start(l, start))
            return -ENOMEM;
    }
    l->chunk_count++;
    return more;
}

static int read_all(struct ninep_client *c, struct ninep_fid *f, struct ninep_listing *l)
{
    u8 *buffer = kmalloc(CHUNK_SIZE);
    struct block_segment s = {buffer ? virt_to_phys(buffer) : 0, CHUNK_SIZE};
    ssize got = buffer ? ninep_open(c, f, O_RDONLY | O_DIRECTORY) : -ENOMEM;
    u64 offset = 0;

    /* Many file systems give the last entry the largest position there is. */
    while (got >= 0 && offset != INT64_MAX) {
        got = ninep_transfer(c, NINEP_TREADDIR, f, offset, CHUNK_SIZE, &s, 1);
        if (got <= 0)
            break;
        int error = add_chunk(l, buffer, (u32)got, &offset);
        if (error)
            got = error;
    }
    kfree(buffer);
    return (int)MIN(got, 0l);
}

struct ninep_listing *ninep_listing_get(struct inode *dir)
{
    struct ninep_node *n = dir->private;
    struct ninep_client *c = &n->fs->client;
    struct ninep_listing *l = n->listing;
    struct ninep_fid *name, *f;
    int error;

    if (l) {
        __atomic_add_fetch(&l->refs, 1, __ATOMIC_RELAXED);
        return l;
    }
    l = kzalloc(sizeof(*l));
    if (!l)
        return ERR_PTR(-ENOMEM);
    l->refs = 1;
    name = ninep_fid_of(dir);
    f = ninep_walk(c, name, NULL, 0, NULL);
    error = IS_ERR(f) ? (int)PTR_ERR(f) : read_all(c, f, l);
    ninep_fid_put(c, name);
    if (!IS_ERR(f))
        ninep_fid_put(c, f);
    if (error) {
        ninep_listing_put(l);
        return ERR_PTR(error);
    }
    if (n->fs->keep) {
        l->refs = 2;
        n->listing = l;
    }
    return l;
}

void ninep_listing_forget(struct inode *dir)
{
    struct ninep_node *n = dir->private;

    ninep_listing_put(n->listing);
    n->listing = NULL;
    ninep_changed(n);
}

bool ninep_listing_entry(const struct ninep_listing *l, u64 k, struct ninep_entry *e)
{
    if (k >= l->count)
        return false;
    u32 start = l->starts[k];
    struct ninep_message m = {.data = l->chunks[start >> CHUNK_SHIFT], .size = CHUNK_SIZE, .at = start & (CHUNK_SIZE - 1)};
    return ninep_get_entry(&m, e) > 0;
}

u32 ninep_listing_count(const struct ninep_listing *l)
{
    return l->count;
}

/* ------------------------------------------------------------ by name */

static u32 hash_name(const char *name, size_t n)
{
    u64 h = n;

    for (size_t k = 0; k < n; k++)
        h = (h ^ (u8)name[k]) * 0x100000001b3ull;
    return (u32)(h ^ h >> 32);
}

static void make_hash(struct ninep_listing *l)
{
    u32 size = 16;
    struct ninep_entry e;

    while (size < 2 * l->count)
        size *= 2;
    l->hash = kzalloc(size * sizeof(*l->hash));
    if (!l->hash)
        return;
    l->hash_mask = size - 1;
    for (u32 k = 0; ninep_listing_entry(l, k, &e); k++) {
        u32 at = hash_name(e.name, e.length);

        while (l->hash[at & l->hash_mask])
            at++;
        l->hash[at & l->hash_mask] = k + 1;
    }
}

static bool is_entry(const struct ninep_listing *l, u32 k, const char *name, size_t n)
{
    struct ninep_entry e;

    return ninep_listing_entry(l, k, &e) && e.length == n && !memcmp(e.name, name, n);
}

s64 ninep_listing_find(struct ninep_listing *l, const char *name, size_t n)
{
    if (!l->hash)
        make_hash(l);
    if (l->hash) {
        for (u32 at = hash_name(name, n); l->hash[at & l->hash_mask]; at++)
            if (is_entry(l, l->hash[at & l->hash_mask] - 1, name, n))
                return l->hash[at & l->hash_mask] - 1;
        return -1;
    }
    for (u32 k = 0; k < l->count; k++)
        if (is_entry(l, k, name, n))
            return k;
    return -1;
}
