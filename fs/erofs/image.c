/* SPDX-License-Identifier: BSD-2-Clause */
/* EROFS images: superblock, inodes, and data that is not compressed. */
#include <linux/magic.h>
#include <linux/stat.h>
#include "fs/erofs/image.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

#define FEATURES_KNOWN (EROFS_ZERO_PADDING | EROFS_COMPRESS_CONFIGS | EROFS_CHUNKED_FILES | EROFS_DEVICES_OR_HEAD2 | EROFS_TAIL_PACKING)
#define NSEC           ((s64)NSEC_PER_SEC)

int erofs_bytes(struct erofs_image *m, u64 offset, size_t n, void *buf)
{
    struct erofs_source *s = m->source;

    if (offset > s->size || n > s->size - offset)
        return -EUCLEAN;
    if (!s->memory)
        return s->read(s, offset, n, buf);
    memcpy(buf, s->memory + offset, n);
    return 0;
}

int erofs_image_open(struct erofs_image *m, struct erofs_source *s, char *why, size_t n)
{
    struct erofs_disk_super d;

    *m = (struct erofs_image){.source = s};
    int error = erofs_bytes(m, EROFS_SUPER_OFFSET, sizeof(d), &d);
    if (error) {
        snprintf(why, n, "its superblock cannot be read (error %d)", -error);
        return error == -EUCLEAN ? -EINVAL : error;
    }
    if (d.magic != EROFS_SUPER_MAGIC_V1) {
        snprintf(why, n, "it has no EROFS superblock");
        return -EINVAL;
    }
    u32 unknown = d.feature_incompat & ~FEATURES_KNOWN;
    if (d.block_bits != EROFS_BLOCK_BITS || d.directory_block_bits) {
        snprintf(why, n, "its blocks are of %u bytes, 4096 are supported", d.block_bits < 32 ? 1u << d.block_bits : 0);
        return -EINVAL;
    }
    if (unknown) {
        snprintf(why, n, "it uses EROFS features that are not supported (%#x%s%s)", unknown,
                 unknown & EROFS_FRAGMENTS ? ", fragments or dedupe" : "",
                 unknown & EROFS_XATTR_PREFIXES ? ", long attribute prefixes" : "");
        return -EINVAL;
    }
    if (d.feature_incompat & EROFS_DEVICES_OR_HEAD2 && d.extra_devices) {
        snprintf(why, n, "its data is on %u more devices, which is not supported", d.extra_devices);
        return -EINVAL;
    }
    if (d.feature_incompat & EROFS_COMPRESS_CONFIGS && d.algorithms & ~1u) {
        snprintf(why, n, "it is compressed by other methods than LZ4 (%#x)", d.algorithms);
        return -EINVAL;
    }
    m->meta = (u64)d.meta_block << EROFS_BLOCK_BITS;
    m->xattrs = (u64)d.xattr_block << EROFS_BLOCK_BITS;
    m->root_nid = d.root_nid;
    m->inodes = d.inodes;
    m->blocks = d.blocks;
    m->build_time = (s64)(d.build_time * NSEC + d.build_time_nsec);
    m->features = d.feature_incompat;
    return 0;
}

static bool mode_is_known(u32 mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return true;
    }
    return false;
}

int erofs_node_read(struct erofs_image *m, u64 nid, struct erofs_node *n)
{
    struct erofs_disk_inode d = {0};

    if (nid > m->source->size >> EROFS_SLOT_BITS)
        return -EUCLEAN;
    u64 offset = m->meta + (nid << EROFS_SLOT_BITS), end = offset + EROFS_COMPACT_INODE;
    int error = erofs_bytes(m, offset, EROFS_COMPACT_INODE, &d);
    if (error)
        return error;
    *n = (struct erofs_node){.nid = nid, .mode = d.mode, .u = d.u, .layout = EROFS_FORMAT_LAYOUT(d.format)};
    if (d.format & ~EROFS_FORMAT_KNOWN || n->layout > EROFS_CHUNKED)
        return -EOPNOTSUPP;
    if (d.format & EROFS_FORMAT_EXTENDED) {
        error = erofs_bytes(m, offset, sizeof(d), &d);
        if (error)
            return error;
        end = offset + sizeof(d);
        n->size = d.size;
        n->uid = d.uid;
        n->gid = d.gid;
        n->nlink = d.nlink32;
        n->mtime = (s64)(d.mtime * NSEC + d.mtime_nsec);
    } else {
        n->size = d.size32;
        n->uid = d.uid16;
        n->gid = d.gid16;
        n->nlink = d.nlink;
        n->mtime = m->build_time;
    }
    if (!mode_is_known(n->mode) || n->size > INT64_MAX)
        return -EUCLEAN;
    n->xattrs = end;
    n->xattr_size = d.xattr_count ? sizeof(struct erofs_disk_xattrs) + 4ull * (d.xattr_count - 1u) : 0;
    n->tail = end + n->xattr_size;
    if (n->layout == EROFS_CHUNKED && n->u & ~EROFS_CHUNK_KNOWN)
        return -EOPNOTSUPP;
    bool has_data = S_ISREG(n->mode) || S_ISDIR(n->mode) || S_ISLNK(n->mode);
    return has_data && erofs_compressed(n) ? erofs_z_open(m, n) : 0;
}

static int map_chunk(struct erofs_image *m, const struct erofs_node *n, u64 offset, struct erofs_extent *x)
{
    unsigned bits = EROFS_BLOCK_BITS + (n->u & EROFS_CHUNK_BITS);
    unsigned unit = n->u & EROFS_CHUNK_INDEXES ? sizeof(struct erofs_disk_chunk) : sizeof(u32);
    u64 chunk = offset >> bits, in_chunk = offset & ((1ull << bits) - 1);
    struct erofs_disk_chunk d = {0};

    if (chunk > m->source->size) /* keeps the product small */
        return -EUCLEAN;
    u64 at = ALIGN_UP(n->tail, unit) + chunk * unit;
    int error = unit == sizeof(d) ? erofs_bytes(m, at, sizeof(d), &d) : erofs_bytes(m, at, unit, &d.block);
    if (error)
        return error;
    if (d.device)
        return -EOPNOTSUPP;
    x->hole = d.block == EROFS_HOLE;
    x->offset = ((u64)d.block << EROFS_BLOCK_BITS) + in_chunk;
    x->length = MIN((1ull << bits) - in_chunk, n->size - offset);
    return 0;
}

int erofs_map(struct erofs_image *m, const struct erofs_node *n, u64 offset, struct erofs_extent *x)
{
    int error = 0;
    /* Of an inline layout the last block, be it full or not, is behind the inode. */
    u64 whole = n->layout == EROFS_FLAT_INLINE && n->size ? (n->size - 1) & ~(u64)(EROFS_BLOCK - 1) : n->size;

    *x = (struct erofs_extent){0};
    if (offset >= n->size || erofs_compressed(n))
        return -EUCLEAN;
    if (n->layout == EROFS_CHUNKED) {
        error = map_chunk(m, n, offset, x);
    } else if (offset < whole) {
        x->offset = ((u64)n->u << EROFS_BLOCK_BITS) + offset;
        x->length = whole - offset;
    } else {
        x->offset = n->tail + (offset - whole);
        x->length = n->size - offset;
        x->metadata = true;
    }
    if (!error && !x->hole && (x->offset > m->source->size || x->length > m->source->size - x->offset))
        return -EUCLEAN;
    return error;
}

void erofs_put(struct erofs_target *t, u64 at, const void *data, u64 n)
{
    while (n) {
        u64 part = t->flat ? n : MIN(n, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        char *to = t->flat ? t->flat + at : (char *)t->pages[at >> PAGE_SHIFT] + (at & (PAGE_SIZE - 1));
        if (data) {
            memcpy(to, data, part);
            data = (const char *)data + part;
        } else {
            memset(to, 0, part);
        }
        at += part;
        n -= part;
    }
}

/* n bytes of the image, in whatever way the source has them. */
static int read_extent(struct erofs_image *m, const struct erofs_extent *x, u64 n, struct erofs_target *t, u64 at)
{
    struct erofs_source *s = m->source;

    if (s->memory || x->hole) {
        erofs_put(t, at, x->hole ? NULL : s->memory + x->offset, n);
        return 0;
    }
    for (u64 done = 0; done < n;) {
        u64 from = x->offset + done, part = t->flat ? n - done : MIN(n - done, PAGE_SIZE - ((at + done) & (PAGE_SIZE - 1)));
        char *to = t->flat ? t->flat + at + done
                           : (char *)t->pages[(at + done) >> PAGE_SHIFT] + ((at + done) & (PAGE_SIZE - 1));
        /* Whole pages side by side are one request. */
        while (!t->flat && !((at + done + part) & (PAGE_SIZE - 1)) && done + part < n &&
               t->pages[(at + done + part) >> PAGE_SHIFT] == to + part)
            part += MIN(n - done - part, PAGE_SIZE);
        /* Into a page a block is read whole, what is past the end goes again. */
        u64 blocks = t->flat ? part : ALIGN_UP(part, EROFS_BLOCK);
        bool direct = !x->metadata && !(from & (EROFS_BLOCK - 1)) && !(blocks & (EROFS_BLOCK - 1)) &&
                      (t->flat || !((at + done) & (PAGE_SIZE - 1))) && blocks <= s->size - from;
        int error = direct ? s->read_data(s, from, blocks, to) : s->read(s, from, part, to);
        if (direct)
            memset(to + part, 0, blocks - part);
        if (error)
            return error;
        done += part;
    }
    return 0;
}

int erofs_read(struct erofs_image *m, const struct erofs_node *n, u64 offset, u64 length, struct erofs_target *t)
{
    u64 end = offset < n->size ? MIN(length, n->size - offset) : 0;

    erofs_put(t, end, NULL, length - end);
    if (erofs_compressed(n))
        return end ? erofs_z_read(m, n, offset, end, t) : 0;
    for (u64 done = 0; done < end;) {
        struct erofs_extent x;
        int error = erofs_map(m, n, offset + done, &x);
        if (error)
            return error;
        u64 part = MIN(x.length, end - done);
        error = read_extent(m, &x, part, t, done);
        if (error)
            return error;
        done += part;
    }
    return 0;
}
