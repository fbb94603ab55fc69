/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of 9P2000.L, one function each. All sleep, and return 0 (or a count) or a negative errno: what the server
 * says, -EIO for an answer that makes no sense, -ENOMEM. Names have no NUL. Makers of calls return NULL without memory.
 */
#ifndef FS_NINEP_CALLS_H
#define FS_NINEP_CALLS_H

#include "fs/ninep/client.h"

struct ninep_name {
    const char *s;
    size_t length;
};

/* The fid of the tree that the server exports as aname, for user uid. ERR_PTR. */
struct ninep_fid *ninep_attach(struct ninep_client *c, const char *user, u32 uid, const char *aname);

/* Walk of n names (0: a second fid for the same) from one fid to a new one; to be run, then read: how many steps went well. */
struct ninep_call *ninep_walk_call(struct ninep_client *c, struct ninep_fid *from, struct ninep_fid *to,
                                   const struct ninep_name *names, unsigned n);
int ninep_walk_result(struct ninep_call *call, unsigned n, struct ninep_qid *qids);
/* The same at once, all n names or the error: the new fid, or ERR_PTR. qid of the last; may be NULL if n is 0. */
struct ninep_fid *ninep_walk(struct ninep_client *c, struct ninep_fid *from, const struct ninep_name *names,
                             unsigned n, struct ninep_qid *qid);

struct ninep_call *ninep_getattr_call(struct ninep_client *c, struct ninep_fid *f);
int ninep_getattr_result(struct ninep_call *call, struct ninep_attr *a);
int ninep_getattr(struct ninep_client *c, struct ninep_fid *f, struct ninep_attr *a);
/* valid: NINEP_SETATTR_*; times in ns since 1970. */
int ninep_setattr(struct ninep_client *c, struct ninep_fid *f, u32 valid, const struct ninep_attr *a);
int ninep_statfs(struct ninep_client *c, struct ninep_fid *f, struct ninep_statfs *s);

/* f becomes an open file. flags: O_* of open(2). */
int ninep_open(struct ninep_client *c, struct ninep_fid *f, u32 flags);
/* f, a directory, becomes the open new file. */
int ninep_create(struct ninep_client *c, struct ninep_fid *f, struct ninep_name name, u32 flags, u32 mode, u32 gid);
int ninep_mknod(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, u32 mode, u64 rdev, u32 gid);
int ninep_mkdir(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, u32 mode, u32 gid);
int ninep_symlink(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, const char *target, u32 gid);
int ninep_link(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, struct ninep_fid *target);
int ninep_rename(struct ninep_client *c, struct ninep_fid *from, struct ninep_name old, struct ninep_fid *to,
                 struct ninep_name name);
/* flags: AT_REMOVEDIR or 0. */
int ninep_unlink(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, u32 flags);
/* The target of a symlink, allocated, NUL-terminated; NULL on any error. */
struct ninep_call *ninep_readlink_call(struct ninep_client *c, struct ninep_fid *f);
char *ninep_readlink_result(struct ninep_call *call);
/* The same at once. Bytes of the target, at most n of them in buf. */
ssize ninep_readlink(struct ninep_client *c, struct ninep_fid *f, char *buf, size_t n);
int ninep_fsync(struct ninep_client *c, struct ninep_fid *f, bool data_only);

/*
 * Reads or writes bytes at offset; the data is in n pieces of `bytes` in all, at most the client's data_size. One
 * request: may do less than asked. type: NINEP_TREAD, NINEP_TREADDIR or NINEP_TWRITE. Bytes.
 */
ssize ninep_transfer(struct ninep_client *c, u8 type, struct ninep_fid *f, u64 offset, u32 bytes,
                     const struct block_segment *data, unsigned n);
/*
 * Reads or writes whole pages' memory at offset, as many bytes as are wanted or the file has, in as many requests as that
 * takes. Bytes; an error only if nothing was done.
 */
ssize ninep_transfer_pages(struct ninep_client *c, u8 type, struct ninep_fid *f, u64 offset, u64 bytes,
                           void *const pages[]);

/* A fid from which the value of an extended attribute (name "": the list of names) is read, and its size. ERR_PTR. */
struct ninep_fid *ninep_xattr_walk(struct ninep_client *c, struct ninep_fid *f, const char *name, u64 *size);
/* f becomes a fid to which size bytes of value are written; its clunk sets the attribute. */
int ninep_xattr_create(struct ninep_client *c, struct ninep_fid *f, const char *name, u64 size, u32 flags);
/* Clunks and waits: the error is that of what the clunk completes. The reference is given up. */
int ninep_clunk(struct ninep_client *c, struct ninep_fid *f);

#endif
