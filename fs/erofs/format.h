/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EROFS on disk, little endian. Source: Linux, Documentation/filesystems/erofs.rst, and https://erofs.docs.kernel.org
 * (core on-disk format; compressed inodes); Linux' UAPI headers have only the magic number. Blocks are of 4 KiB here.
 *
 * An inode of number nid lies at meta_block * 4096 + nid * 32: the inode, its attributes (aligned to 4), then what its layout
 * wants: chunk addresses, compression indexes (aligned to 8), or the file's last bytes.
 */
#ifndef FS_EROFS_FORMAT_H
#define FS_EROFS_FORMAT_H

#include "kernel/types.h"

#define EROFS_SUPER_OFFSET 1024u
#define EROFS_BLOCK_BITS   12u
#define EROFS_BLOCK        (1u << EROFS_BLOCK_BITS)
#define EROFS_SLOT_BITS    5u
#define EROFS_HOLE         0xffffffffu /* address of a chunk of zeros */
#define EROFS_NAME_MAX     255u

/* feature_incompat */
#define EROFS_ZERO_PADDING     0x01u /* compressed data ends where its cluster does */
#define EROFS_COMPRESS_CONFIGS 0x02u /* records of the algorithms follow the superblock; or: big clusters */
#define EROFS_CHUNKED_FILES    0x04u
#define EROFS_DEVICES_OR_HEAD2 0x08u /* more devices (then extra_devices is not 0), or a second algorithm */
#define EROFS_TAIL_PACKING     0x10u /* the last compressed cluster may lie behind the inode */
#define EROFS_FRAGMENTS        0x20u /* or deduplicated compressed data */
#define EROFS_XATTR_PREFIXES   0x40u

struct erofs_disk_super {
    u32 magic;               /* EROFS_SUPER_MAGIC_V1 */
    u32 checksum;
    u32 feature_compat;
    u8 block_bits;
    u8 extra_slots;          /* superblock is 128 + 16 * this bytes long */
    u16 root_nid;
    u64 inodes;
    u64 build_time;          /* s since 1970: the times of compact inodes */
    u32 build_time_nsec;
    u32 blocks;
    u32 meta_block;
    u32 xattr_block;         /* shared attributes */
    u8 uuid[16];
    u8 volume_name[16];
    u32 feature_incompat;
    u16 algorithms;          /* with EROFS_COMPRESS_CONFIGS: a bit each, LZ4 bit 0 */
    u16 extra_devices;
    u16 device_slot;
    u8 directory_block_bits; /* to be added to block_bits; 0 */
    u8 xattr_prefixes;
    u32 xattr_prefix_start;
    u64 packed_nid;
    u8 reserved[24];
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_disk_super) == 128, "on disk");

enum erofs_layout {
    EROFS_FLAT_PLAIN,
    EROFS_COMPRESSED_FULL,   /* 8 bytes of index for each logical cluster */
    EROFS_FLAT_INLINE,       /* the last block's data behind the inode */
    EROFS_COMPRESSED_COMPACT, /* 4 or 2 */
    EROFS_CHUNKED
};

/* i_format: bit 0: extended; bits 1-3: layout. */
#define EROFS_FORMAT_EXTENDED 1u
#define EROFS_FORMAT_LAYOUT(f) ((f) >> 1 & 7)
#define EROFS_FORMAT_KNOWN    15u

struct erofs_disk_inode {
    u16 format;
    u16 xattr_count;         /* 0, or 1 + words of attributes behind the header of 12 bytes */
    u16 mode;
    u16 nlink;               /* compact */
    union {
        u32 size32;          /* compact; then a reserved word */
        u64 size;            /* extended */
    };
    u32 u;                   /* first block, compressed blocks, device number or chunk format */
    u32 ino;                 /* for 32-bit stat only */
    union {
        struct {             /* compact; ends with 4 reserved bytes */
            u16 uid16, gid16;
            u32 reserved;
        };
        struct {             /* extended */
            u32 uid, gid;
        };
    };
    u64 mtime;               /* extended from here on */
    u32 mtime_nsec;
    u32 nlink32;
    u8 reserved2[16];
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_disk_inode) == 64, "on disk");
#define EROFS_COMPACT_INODE 32u

/* Chunk format in u. */
#define EROFS_CHUNK_BITS    0x1fu  /* chunks of 4 KiB << this */
#define EROFS_CHUNK_INDEXES 0x20u  /* struct erofs_disk_chunk, else 4-byte block addresses */
#define EROFS_CHUNK_KNOWN   0x3fu

struct erofs_disk_chunk {
    u16 advise, device;
    u32 block;
};

/*
 * A directory block is an array of these, then the names, in byte order and without NULs; the first one's name_offset tells their
 * number, each name ends where the next begins, the last at a NUL or the block's end.
 */
struct erofs_disk_entry {
    u64 nid;
    u16 name_offset;
    u8 type;                 /* regular 1, directory 2, char 3, block 4, FIFO 5, socket 6, symlink 7 */
    u8 reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_disk_entry) == 12, "on disk");

/* Before the attributes of an inode; numbers of shared ones (words) come first, then entries. */
struct erofs_disk_xattrs {
    u32 filter;
    u8 shared;
    u8 reserved[7];
};

/* Name and value follow; each entry is aligned to 4. */
struct erofs_disk_xattr {
    u8 name_length;
    u8 name_index;           /* which prefix the name has */
    u16 value_size;
};
#define EROFS_XATTR_LONG_PREFIX 0x80u

/* Before the indexes of a compressed file. */
struct erofs_disk_map {
    u16 reserved;
    u16 inline_size;         /* bytes of the last cluster, behind the indexes, with EROFS_MAP_INLINE */
    u16 advise;
    u8 algorithms;           /* of head 1, head 2: 4 bits each */
    u8 cluster_bits;         /* bits 0-2: logical cluster is 4 KiB << this; bit 7: the file is a fragment */
};
#define EROFS_MAP_COMPACT_2B 0x01u
#define EROFS_MAP_BIG_1      0x02u
#define EROFS_MAP_BIG_2      0x04u
#define EROFS_MAP_INLINE     0x08u
#define EROFS_MAP_INTERLACED 0x10u /* plain clusters: bytes lie where they lie in the file's block */
#define EROFS_MAP_FRAGMENT   0x20u
#define EROFS_MAP_KNOWN      0x1fu

enum erofs_cluster { EROFS_PLAIN, EROFS_HEAD1, EROFS_NONHEAD, EROFS_HEAD2 };

/* Layout EROFS_COMPRESSED_FULL; the array begins 8 bytes behind the map header. */
struct erofs_disk_index {
    u16 advise;              /* bits 0-1: enum erofs_cluster */
    u16 cluster_offset;      /* where the extent begins in its head */
    union {
        u32 block;           /* of a head */
        u16 delta[2];        /* else: to its head, to the next */
    };
};
/* In delta[0] of the first one behind a head: the rest is the number of blocks of compressed data. */
#define EROFS_BLOCK_COUNT (1u << 11)

#define EROFS_CLUSTER_MAX (1u << 20) /* bytes of compressed data of one extent */

#endif
