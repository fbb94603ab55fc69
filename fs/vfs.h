/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual file system: inodes, dentries, mounts and path resolution (path_resolution(7)).
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <asm/stat.h>
#include "kernel/types.h"
#include "kernel/process.h"
#include "fs/file.h"

struct inode_ops;
struct inode_attr;
struct super;
struct mount;

struct inode {
    u32 refs;
    const struct inode_ops *ops;
    struct super *super;
    u64 ino;
    u32 mode;   /* S_IFMT and permissions */
    u32 uid, gid;
    u32 nlink;
    u64 rdev;   /* device number of S_IFCHR/S_IFBLK, as new_encode_dev */
    u64 size;   /* bytes; regular files with object: object->size */
    s64 atime, mtime, ctime, btime; /* ns since 1970 */
    struct mutex lock;
    struct memory_object *object; /* data of a regular file, or NULL */
    void *private;
    struct file_lock_list *locks; /* POSIX, OFD and flock locks; fs/lock.c */
    struct pipe *pipe;            /* FIFO that is open */
};

struct super {
    const char *type;     /* "tmpfs" */
    u64 magic;            /* statfs f_type */
    u64 dev;              /* st_dev */
    u32 flags;            /* ST_RDONLY … of statfs(2) */
    struct dentry *root;
    const struct super_ops *ops;
    void *private;
};

struct statfs;
struct super_ops {
    int (*statfs)(struct super *s, struct statfs *out);
    void (*put_inode)(struct inode *i); /* last reference gone and nlink 0, or cache drop */
};

/*
 * A name in the tree. Held by its parent's hash table while in use or (tmpfs) while it exists. negative: inode NULL.
 */
struct dentry {
    u32 refs;
    struct dentry *parent;
    struct inode *inode;
    struct list hash_link;
    struct list child_link;
    struct list children;
    struct super *super;
    struct mount *mounted;  /* a mount covers this directory */
    u32 hash;
    u16 name_length;
    bool unlinked;
    char name[];
};

struct path_ref {
    struct mount *mount;
    struct dentry *dentry;
};

/* All called with the directory's inode lock held, names checked (length, no '/'), permissions checked by the VFS. */
struct inode_ops {
    int (*lookup)(struct inode *dir, struct dentry *d);          /* sets d->inode, or leaves NULL (negative) */
    int (*create)(struct inode *dir, struct dentry *d, u32 mode, u64 rdev); /* file, FIFO, socket, device by S_IFMT */
    int (*mkdir)(struct inode *dir, struct dentry *d, u32 mode);
    int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
    int (*link)(struct inode *dir, struct dentry *d, struct inode *target);
    int (*unlink)(struct inode *dir, struct dentry *d);
    int (*rmdir)(struct inode *dir, struct dentry *d);
    int (*rename)(struct inode *from, struct dentry *old, struct inode *to, struct dentry *new, u32 flags);
    int (*tmpfile)(struct inode *dir, struct inode **out, u32 mode);
    ssize (*readlink)(struct inode *i, char *buf, size_t n);     /* full length; may be generated */
    int (*open)(struct inode *i, struct file *f);                /* sets f->ops, private */
    int (*getattr)(struct inode *i, struct stat *st);            /* NULL: from the fields */
    int (*setattr)(struct inode *i, const struct inode_attr *a);
    ssize (*getxattr)(struct inode *i, const char *name, void *value, size_t n);
    int (*setxattr)(struct inode *i, const char *name, const void *value, size_t n, int flags);
    ssize (*listxattr)(struct inode *i, char *list, size_t n);
    int (*removexattr)(struct inode *i, const char *name);
};

/* Which fields setattr changes. */
#define ATTR_MODE  1u
#define ATTR_UID   2u
#define ATTR_GID   4u
#define ATTR_SIZE  8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
struct inode_attr {
    u32 valid, mode, uid, gid;
    u64 size;
    s64 atime, mtime;
};

/* Root tmpfs, /dev, /proc essentials; before the boot archive is unpacked. */
void vfs_init(void);
/* fs context of a process: root, cwd, umask. */
struct fs_context *fs_context_create(void);
struct fs_context *fs_context_copy(struct fs_context *c);
void fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);

/* Opens path (kernel string) relative to dirfd for the current process, flags O_*, as openat(2). File with refs 1 or ERR_PTR. */
struct file *vfs_open(int dirfd, const char *path, u32 flags, u32 mode);
/* Kernel-internal: create directories and files when the boot archive is unpacked. data: kept in place (page-aligned) or copied. */
int vfs_boot_mkdir(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime);
int vfs_boot_file(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime, const void *data, u64 size);
int vfs_boot_symlink(const char *path, const char *target, u32 uid, u32 gid, s64 mtime);
/* Sets the current process's working directory; creates nothing. */
int vfs_chdir(const char *path);
/* Absolute path of d as seen from the process's root into buf: length with NUL, or -ENAMETOOLONG/-ENOENT. */
ssize vfs_path_of(const struct path_ref *p, char *buf, size_t n);

#endif
