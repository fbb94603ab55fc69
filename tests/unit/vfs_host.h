/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VFS on the host: a root tmpfs and the calls on it, without the types that clash with the C
 * library's (this header is all a test includes of fs/).
 */
#ifndef TESTS_UNIT_VFS_HOST_H
#define TESTS_UNIT_VFS_HOST_H

#include "kernel/types.h"

#define HOST_CWD       (-100) /* AT_FDCWD */
#define HOST_NOREPLACE 1u
#define HOST_EXCHANGE  2u

/* Makes memory and root; once. */
void host_vfs(void);
/* An exclusive create and close. */
int host_create(const char *path);
int host_lookup(const char *path, bool *dir, int *links);
/* Names that listing a directory gives, less "." and ".."; fails the test on a double. */
int host_count(const char *path);

/* One file opened by n owners, for record locks of open files (F_OFD_SETLK). */
enum { HOST_UNLOCKED, HOST_READ, HOST_WRITE };
void host_lock_open(int n);
/* Without waiting: 0, -EAGAIN, -ENOLCK. */
int host_lock(int owner, int start, int n, int type);
bool host_lock_would_wait(int owner, int start, int n, int type);
void host_lock_close(int owner);

int vfs_mkdir(int dirfd, const char *path, u32 mode);
int vfs_unlink(int dirfd, const char *path);
int vfs_rmdir(int dirfd, const char *path);
int vfs_link(int old_dirfd, const char *old_path, int dirfd, const char *path, int flags);
int vfs_rename(int old_dirfd, const char *old_path, int dirfd, const char *path, u32 flags);

#endif
