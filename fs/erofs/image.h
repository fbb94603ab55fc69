/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an EROFS image says: pure functions of its bytes, which know nothing of the VFS and are fuzzed on the host. Any bytes
 * may come: what makes no sense is -EUCLEAN, what Linux can read and this cannot is -EOPNOTSUPP; other errors are the source's.
 * All may sleep; none needs a lock, since nothing ever changes.
 */
#ifndef FS_EROFS_IMAGE_H
#define FS_EROFS_IMAGE_H

#include "fs/erofs/format.h"

/* Where the bytes are. */
struct erofs_source {
    u64 size;
    const char *memory; /* all of them, page-aligned, for ever; or NULL */
    /* Metadata, kept for the next time; and file data, at a block boundary. 0 or negative errno. Only without memory. */
    int (*read)(struct erofs_source *s, u64 offset, size_t n, void *buf);
    int (*read_data)(struct erofs_source *s, u64 offset, size_t n, void *buf);
};

struct erofs_image {
    struct erofs_source *source;
    u64 meta, xattrs;   /* byte offsets of inode 0 and of shared attribute 0 */
    u64 root_nid, inodes, blocks;
    s64 build_time;     /* ns since 1970 */
    u32 features;       /* EROFS_ZERO_PADDING… */
};

/* An inode, decoded. */
struct erofs_node {
    u64 nid, size;
    u32 mode, uid, gid, nlink;
    s64 mtime;          /* ns since 1970 */
    enum erofs_layout layout;
    u32 u;              /* as in struct erofs_disk_inode */
    u64 xattrs;         /* byte offset of its attributes' header */
    u64 xattr_size;     /* bytes, 0: none */
    u64 tail;           /* byte offset behind them */
    /* of compressed files */
    u32 advise;         /* EROFS_MAP_* */
    u32 cluster_bits;   /* of logical clusters */
    u64 inline_size;
    u64 tail_head;      /* logical cluster where the last extent begins, with EROFS_MAP_INLINE */
    u64 inline_offset;
};

/* Uncompressed data of a file from some offset on. */
struct erofs_extent {
    u64 offset;         /* in the image */
    u64 length;         /* bytes, at least 1 */
    bool hole;          /* zeros */
    bool metadata;      /* behind the inode, not block-aligned */
};

/* An extent of a compressed file. */
struct erofs_z_extent {
    u64 start, length;  /* bytes of the file */
    u64 offset, size;   /* bytes of the image that hold it */
    bool plain, metadata;
};

/* Where file data goes: one buffer, or pages. Byte 0 is where the read began. */
struct erofs_target {
    char *flat;
    void *const *pages;
};

/* Reads the superblock. Why not goes to why, a sentence for people. */
int erofs_image_open(struct erofs_image *m, struct erofs_source *s, char *why, size_t n);
int erofs_node_read(struct erofs_image *m, u64 nid, struct erofs_node *n);
/* n bytes of metadata into buf. */
int erofs_bytes(struct erofs_image *m, u64 offset, size_t n, void *buf);
/* What is at offset < size of an uncompressed file. */
int erofs_map(struct erofs_image *m, const struct erofs_node *n, u64 offset, struct erofs_extent *x);
/* What is at offset < size of a compressed file. */
int erofs_z_map(struct erofs_image *m, const struct erofs_node *n, u64 offset, struct erofs_z_extent *x);
/* Completes erofs_node_read for a compressed file. */
int erofs_z_open(struct erofs_image *m, struct erofs_node *n);
/* n bytes from offset on into the target; zeros past the end of the file. */
int erofs_read(struct erofs_image *m, const struct erofs_node *n, u64 offset, u64 length, struct erofs_target *t);
int erofs_z_read(struct erofs_image *m, const struct erofs_node *n, u64 offset, u64 length, struct erofs_target *t);
void erofs_put(struct erofs_target *t, u64 at, const void *data, u64 n); /* data NULL: zeros */

static inline bool erofs_compressed(const struct erofs_node *n)
{
    return n->layout == EROFS_COMPRESSED_FULL || n->layout == EROFS_COMPRESSED_COMPACT;
}

/* Finds a name: 0 with *nid, or -ENOENT. */
int erofs_find(struct erofs_image *m, const struct erofs_node *dir, const char *name, size_t length, u64 *nid);
/* Entries from *pos (a place that it gave, or 0) on, until emit returns false; then *pos is where that one is. type: DT_*. */
int erofs_list(struct erofs_image *m, const struct erofs_node *dir, u64 *pos,
               bool (*emit)(void *arg, const char *name, size_t length, u64 next, u64 ino, u8 type), void *arg);

/* getxattr(2) and listxattr(2) with names in full; trusted: "trusted." names are listed too. n 0: how much there is. */
ssize erofs_xattr_get(struct erofs_image *m, const struct erofs_node *n, const char *name, void *value, size_t size);
ssize erofs_xattr_list(struct erofs_image *m, const struct erofs_node *n, bool trusted, char *list, size_t size);

#endif
