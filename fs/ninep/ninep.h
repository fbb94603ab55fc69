/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 9p file system: trees of the host, by a 9P2000.L server. Inside of fs/ninep/, but for the type.
 *
 * Two ways to cache. keep (cache=loose): what was once seen stays known as long as there is room; for trees that nobody
 * changes. Otherwise close to open: names and attributes are asked for again each time a path leads over them, data read
 * before goes when a later open finds size or time changed, data written reaches the host at the latest when a
 * descriptor is closed, at fsync(2), at stat(2), or after a few seconds.
 *
 * The server's fids are paths to it: an object that lost its name there has no attributes any more, but what is open can
 * be read and written.
 */
#ifndef FS_NINEP_NINEP_H
#define FS_NINEP_NINEP_H

#include "fs/ninep/calls.h"
#include "fs/page_cache.h"
#include "fs/vfs.h"

struct ninep_listing;

struct ninep_super {
    struct super super;
    struct ninep_client client;
    bool keep, read_only; /* options cache=loose, ro */
    bool no_xattrs;
    /* Inodes by qid.path; client.lock */
    struct ninep_node **table;
    u32 table_mask, node_count;
    struct wait_queue no_nodes; /* woken when node_count becomes 0 */
};

/*
 * inode->private; of a regular file that was opened it is also what its cached object belongs to, and lives as long as that.
 * client.lock guards the fids, opens, and the table.
 */
struct ninep_node {
    struct ninep_super *fs;
    struct inode *inode;           /* no reference; NULL once it is gone */
    struct ninep_node *hash_next;
    u64 path;                      /* qid.path */
    struct ninep_fid *fid;         /* by its name */
    struct ninep_fid *read_fid, *write_fid; /* open; may be one */
    u32 opens;                     /* files on it that count on them */
    struct mutex opening;          /* LOCK_NINEP_OPEN: read_fid is being made */
    u64 blocks;
    /* As the server had them last; racy reads are harmless. */
    u64 server_size;
    s64 server_mtime;
    s64 data_mtime;                /* of the version that the cached data is of; inode's lock */
    bool modified;                 /* size and data here are newer than at the server; inode's lock */
    bool wrote;                    /* changes of server_mtime since data_mtime are our own writes */
    bool orphan;                   /* its last name was removed: nobody else sees it */
    bool stale;                    /* our own change made the attributes old (matters with keep) */
    nsec_t checked;                /* when the attributes came */
    nsec_t changed;                /* when we last changed them at the server */
    struct thread *checker;        /* who asked for them, until it uses them */
    struct ninep_listing *listing; /* of a directory, with keep: names in it; inode's lock */
    s64 last_found;                /* number in it of the name looked up last; inode's lock */
    u32 streak;                    /* names looked up in its order before that */
    u32 misses;                    /* names that it does not have, asked for without a listing */
    u32 hits;                      /* names that it has, looked up one by one; inode's lock */
    char *target;                  /* of a symlink, with keep; set once */
};

static inline struct ninep_super *ninep_super_of(const struct super *s)
{
    return container_of(s, struct ninep_super, super);
}

static inline struct ninep_node *ninep_node_of(const struct inode *i)
{
    return i->private;
}

extern const struct file_system_type ninep_type;
extern const struct inode_ops ninep_directory_inode_ops, ninep_file_inode_ops, ninep_symlink_inode_ops,
    ninep_special_inode_ops;
extern const struct page_cache_ops ninep_page_ops;

/* ------------------------------------------------------------ inode.c */

/*
 * The inode of an object found: the one in memory, or a new one. Takes over the fid (which becomes the one by which it is
 * reached). asked: when the attributes were asked for. Reference, or ERR_PTR (the fid is put).
 */
struct inode *ninep_inode(struct ninep_super *fs, struct ninep_fid *fid, const struct ninep_attr *a, nsec_t asked);
/* We have changed the object at the server: what it said before does not count any more. */
void ninep_changed(struct ninep_node *n);
void ninep_put_inode(struct inode *i);
/* Nothing refers to the node any more: inode and object are gone. */
void ninep_node_free(struct ninep_node *n);
/* The node's fid by name with a reference. */
struct ninep_fid *ninep_fid_of(struct inode *i);
/*
 * Asks for the attributes. 0, -ENOENT (no such name any more), -ESTALE (another object has it),
 * -EAGAIN (we changed it meanwhile: what is known stays), or another errno.
 */
int ninep_refresh(struct inode *i);
/* The attributes are as new as the program's call: the running thread asked for them on its way. True once. */
bool ninep_is_fresh(struct ninep_node *n);
/* For inode_ops: names, stat. */
int ninep_revalidate(struct inode *dir, struct dentry *d);
int ninep_refresh_op(struct inode *i);
int ninep_getattr_op(struct inode *i, struct stat *st);
int ninep_setattr_op(struct inode *i, const struct inode_attr *a);

/* ------------------------------------------------------------ host.c */

/* The server has the rights of a user other than root. */
bool ninep_host_is_limited(void);
/* Whether the server may do what mask (MAY_*) says: 0 or -EACCES. */
int ninep_host_may(struct inode *i, int mask);

/* ------------------------------------------------------------ file.c */

int ninep_open_file(struct inode *i, struct file *f);
/* Writes back what is dirty and brings size and times up to date. Inode locked. 0 or the error of a write. */
int ninep_flush(struct inode *i);
/* The size becomes this one, here and at the server. Inode locked. */
int ninep_truncate(struct inode *i, u64 size);
/* The cached data becomes what the attributes say: dropped if the host changed it. Takes the inode's lock. */
void ninep_check_data(struct inode *i);

/* A file just made, open for reading and writing: the next open takes it. Takes over the reference. */
void ninep_keep_open(struct ninep_node *n, struct ninep_fid *f);

/* ------------------------------------------------------------ lookup.c */

int ninep_lookup(struct inode *dir, struct dentry *d);
void ninep_look_ahead(struct dentry *dir, const char *path);
/* The inode of dir's name d, asked for at the server. Reference, or ERR_PTR. */
struct inode *ninep_find(struct inode *dir, const struct dentry *d);
/* A symlink's target becomes known, unless it is; it is taken over. directory.c */
void ninep_keep_target(struct ninep_node *n, char *target);
static inline struct ninep_name ninep_name_of(const struct dentry *d)
{
    return (struct ninep_name){d->name, d->name_length};
}

/* ------------------------------------------------------------ names.c: changes of names */

int ninep_create_op(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
int ninep_mkdir_op(struct inode *dir, struct dentry *d, u32 mode);
int ninep_symlink_op(struct inode *dir, struct dentry *d, const char *target);
int ninep_link_op(struct inode *dir, struct dentry *d, struct inode *target);
int ninep_unlink_op(struct inode *dir, struct dentry *d);
int ninep_rmdir_op(struct inode *dir, struct dentry *d);
int ninep_rename_op(struct inode *from, struct dentry *old, struct inode *to, struct dentry *new, u32 flags);

/* ------------------------------------------------------------ listing.c: what a directory holds, at one moment */

/* The directory's names, kept ones or read now. Reference, or ERR_PTR. Inode locked. */
struct ninep_listing *ninep_listing_get(struct inode *dir);
void ninep_listing_put(struct ninep_listing *l); /* NULL is fine */
/* The directory was changed here. Inode locked. */
void ninep_listing_forget(struct inode *dir);
/* Entry number k, 0-based; false: there are not so many. */
bool ninep_listing_entry(const struct ninep_listing *l, u64 k, struct ninep_entry *e);
u32 ninep_listing_count(const struct ninep_listing *l);
/* Number of the entry with this name, or -1. Inode locked. */
s64 ninep_listing_find(struct ninep_listing *l, const char *name, size_t n);

/* ------------------------------------------------------------ xattr.c */

ssize ninep_getxattr(struct inode *i, const char *name, void *value, size_t n);
int ninep_setxattr(struct inode *i, const char *name, const void *value, size_t n, int flags);
ssize ninep_listxattr(struct inode *i, char *list, size_t n);
int ninep_removexattr(struct inode *i, const char *name);
#define NINEP_XATTR_OPS                                                                            \
    .getxattr = ninep_getxattr, .setxattr = ninep_setxattr, .listxattr = ninep_listxattr,          \
    .removexattr = ninep_removexattr

#endif
