/* SPDX-License-Identifier: BSD-2-Clause */
/* A file system in RAM: inside of fs/tmpfs/, and what other folders take from it. */
#ifndef FS_TMPFS_TMPFS_H
#define FS_TMPFS_TMPFS_H

#include <linux/fcntl.h>
#include "fs/vfs.h"

/* Linux 6.3; not yet in every system's headers. */
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

struct tmpfs {
    struct super super;
    struct ram_limit data; /* of all files */
    u64 inode_limit;       /* 0: none */
    u64 inodes_used;       /* atomic; a file's further names count as well */
};

/* inode->private of every inode. */
struct tmpfs_node {
    struct list xattrs;  /* struct tmpfs_xattr; inode's lock */
    char *target;        /* of a symlink */
};

static inline struct tmpfs *tmpfs_of(struct super *s)
{
    return container_of(s, struct tmpfs, super);
}

extern const struct file_system_type tmpfs_type;
extern const struct inode_ops tmpfs_file_inode_ops, tmpfs_directory_inode_ops,
    tmpfs_symlink_inode_ops, tmpfs_special_inode_ops;
extern const struct file_ops tmpfs_file_ops, tmpfs_directory_ops;

/*
 * New instance; limits in pages and inodes, 0 for none. ERR_PTR(-ENOMEM). type, source: static
 * strings.
 */
struct super *tmpfs_create(const char *type, const char *source, u32 root_mode, u64 page_limit,
                           u64 inode_limit);
/* New inode in s as made in dir (may be NULL). ERR_PTR: -ENOSPC, -ENOMEM. */
struct inode *tmpfs_inode(struct super *s, const struct inode *dir, u32 mode, u64 rdev);
/*
 * Makes name point to inode: takes over the reference; keeps the dentry alive while the name
 * exists.
 */
void tmpfs_add_name(struct inode *dir, struct dentry *d, struct inode *i);
/* One more inode, or name of one: 0 or -ENOSPC. And one less. */
int tmpfs_take_inode(struct tmpfs *t);
void tmpfs_give_inode(struct tmpfs *t);
ssize tmpfs_getxattr(struct inode *i, const char *name, void *value, size_t n);
int tmpfs_setxattr(struct inode *i, const char *name, const void *value, size_t n, int flags);
ssize tmpfs_listxattr(struct inode *i, char *list, size_t n);
int tmpfs_removexattr(struct inode *i, const char *name);
void tmpfs_free_xattrs(struct tmpfs_node *node);

void tmpfs_init(void);
/*
 * A file without a name ("memfd:NAME" where a path is shown), open for reading and writing; seals
 * as memfd_create(2) begins with. ERR_PTR.
 */
struct file *tmpfs_anonymous_file(const char *name, u32 open_flags, u32 seals);

#endif
