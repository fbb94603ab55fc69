/* SPDX-License-Identifier: BSD-2-Clause */
/* EROFS as a file system: fs/erofs/ over the VFS and the page cache. */
#ifndef FS_EROFS_EROFS_H
#define FS_EROFS_EROFS_H

#include "fs/erofs/image.h"
#include "fs/vfs.h"
#include "kernel/lib/radix.h"

struct erofs {
    struct super super;          /* references: mounts, and the data of each regular file */
    struct erofs_image image;
    struct erofs_source source;
    struct file *file;           /* that holds the image, or NULL: it is in memory */
    struct spinlock lock;        /* LOCK_INODE_TABLE: inodes */
    struct radix_tree inodes;    /* nid -> struct inode, without a reference */
};

static inline struct erofs *erofs_of(struct super *s)
{
    return container_of(s, struct erofs, super);
}

extern const struct file_system_type erofs_type;

/*
 * A read-only file system of the image data[0..size), which is kept in place for ever; page-aligned, its uncompressed files are
 * mapped without a copy. source: what /proc/mounts says. ERR_PTR; why not is logged.
 */
struct super *erofs_mount_memory(const void *data, u64 size, const char *source);
/* The inode of number nid, with a reference: one for all its names. ERR_PTR. */
struct inode *erofs_inode(struct erofs *fs, u64 nid);
void erofs_put_inode(struct inode *i);

#endif
