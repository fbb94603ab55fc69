/* SPDX-License-Identifier: BSD-2-Clause */
/* stat(2) and statx(2), access(2), readlink(2), statfs(2), ustat(2). */
#include <asm/statfs.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"

long sys_stat(const struct syscall_args *a);
long sys_lstat(const struct syscall_args *a);
long sys_fstat(const struct syscall_args *a);
long sys_newfstatat(const struct syscall_args *a);
long sys_statx(const struct syscall_args *a);
long sys_access(const struct syscall_args *a);
long sys_faccessat(const struct syscall_args *a);
long sys_faccessat2(const struct syscall_args *a);
long sys_readlink(const struct syscall_args *a);
long sys_readlinkat(const struct syscall_args *a);
long sys_statfs(const struct syscall_args *a);
long sys_fstatfs(const struct syscall_args *a);
long sys_ustat(const struct syscall_args *a);

static long stat_fd(int fd, struct stat *user)
{
    struct file *f = fd_get_path(fd);
    struct stat st;
    int error;

    if (!f)
        return -EBADF;
    error = file_stat(f, &st);
    file_put(f);
    return error ? error : copy_to_user(user, &st, sizeof(st));
}

/* The object of a call that takes NULL for an empty path. */
static int find_object(int dirfd, const char *path, int flags, struct path_ref *at)
{
    u32 find = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FIND_FOLLOW) | (flags & AT_EMPTY_PATH ? FIND_EMPTY : 0);

    return path || !(flags & AT_EMPTY_PATH) ? path_arg_find(dirfd, path, find, at) : path_find(dirfd, "", find, 0, at);
}

static bool known_flags(int flags)
{
    return !(flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE));
}

static long stat_path(int dirfd, const char *path, struct stat *user, int flags)
{
    struct path_ref at;
    struct stat st;
    int error;

    if (dirfd >= 0 && path_arg_is_empty(path, flags))
        return stat_fd(dirfd, user); /* whatever else flags say */
    if (!known_flags(flags))
        return -EINVAL;
    error = find_object(dirfd, path, flags, &at);
    if (error)
        return error;
    error = inode_stat(at.dentry->inode, &st);
    path_put(&at);
    return error ? error : copy_to_user(user, &st, sizeof(st));
}

long sys_stat(const struct syscall_args *a)
{
    return stat_path(AT_FDCWD, ARG_PTR(a, 0), ARG_PTR(a, 1), 0);
}

long sys_lstat(const struct syscall_args *a)
{
    return stat_path(AT_FDCWD, ARG_PTR(a, 0), ARG_PTR(a, 1), AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(const struct syscall_args *a)
{
    return stat_fd(ARG_INT(a, 0), ARG_PTR(a, 1));
}

long sys_newfstatat(const struct syscall_args *a)
{
    return stat_path(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_INT(a, 3));
}

static struct statx_timestamp timestamp(u64 seconds, u64 ns)
{
    return (struct statx_timestamp){.tv_sec = (s64)seconds, .tv_nsec = (u32)ns};
}

/* The two halves of a device number, as stat packs them. */
static u32 major_of(u64 dev)
{
    return (u32)((dev >> 8) & 0xfff);
}

static u32 minor_of(u64 dev)
{
    return (u32)((dev & 0xff) | ((dev >> 12) & 0xfff00));
}

/* m NULL: an object without a path. wanted: STATX_* that the caller asks for. */
static void fill_statx(struct statx *x, const struct stat *st, const struct inode *i,
                       const struct mount *m, bool is_root, u32 wanted)
{
    memset(x, 0, sizeof(*x));
    x->stx_mask = STATX_BASIC_STATS;
    x->stx_blksize = (u32)st->st_blksize;
    x->stx_nlink = (u32)st->st_nlink;
    x->stx_uid = st->st_uid;
    x->stx_gid = st->st_gid;
    x->stx_mode = (u16)st->st_mode;
    x->stx_ino = st->st_ino;
    x->stx_size = (u64)st->st_size;
    x->stx_blocks = (u64)st->st_blocks;
    x->stx_atime = timestamp(st->st_atime, st->st_atime_nsec);
    x->stx_mtime = timestamp(st->st_mtime, st->st_mtime_nsec);
    x->stx_ctime = timestamp(st->st_ctime, st->st_ctime_nsec);
    x->stx_rdev_major = major_of(st->st_rdev);
    x->stx_rdev_minor = minor_of(st->st_rdev);
    x->stx_dev_major = major_of(st->st_dev);
    x->stx_dev_minor = minor_of(st->st_dev);
    x->stx_attributes_mask = STATX_ATTR_MOUNT_ROOT | STATX_ATTR_AUTOMOUNT | STATX_ATTR_DAX;
    if (is_root)
        x->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
    if (i && i->super && i->super->inode_flags) {
        x->stx_attributes_mask |= STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_NODUMP;
        x->stx_attributes |= (i->flags & FS_APPEND_FL ? STATX_ATTR_APPEND : 0) | (i->flags & FS_IMMUTABLE_FL ? STATX_ATTR_IMMUTABLE : 0) |
                             (i->flags & FS_NODUMP_FL ? STATX_ATTR_NODUMP : 0);
    }
    if (!m)
        m = mount_anonymous();
    if (m) {
        x->stx_mnt_id = (u64)m->id;
        x->stx_mask |= STATX_MNT_ID;
    }
    if (wanted & STATX_BTIME && i && i->btime && i->super && i->super->root) {
        x->stx_btime =
            timestamp((u64)(i->btime / (s64)NSEC_PER_SEC), (u64)(i->btime % (s64)NSEC_PER_SEC));
        x->stx_mask |= STATX_BTIME;
    }
}

long sys_statx(const struct syscall_args *a)
{
    int dirfd = ARG_INT(a, 0), flags = ARG_INT(a, 2), error;
    const char *path = ARG_PTR(a, 1);
    struct path_ref at;
    struct statx x;
    struct stat st;

    if (ARG_U32(a, 3) & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    if (dirfd >= 0 && path_arg_is_empty(path, flags)) {
        struct file *f = fd_get_path(dirfd);

        if (!f)
            return -EBADF;
        error = file_stat(f, &st);
        if (!error)
            fill_statx(&x, &st, f->inode, f->mount, f->dentry && f->mount->root == f->dentry, ARG_U32(a, 3));
        file_put(f);
        return error ? error : copy_to_user(ARG_PTR(a, 4), &x, sizeof(x));
    }
    error = known_flags(flags) ? find_object(dirfd, path, flags, &at) : -EINVAL;
    if (error)
        return error;
    error = inode_stat(at.dentry->inode, &st);
    if (!error)
        fill_statx(&x, &st, at.dentry->inode, at.mount, at.dentry == at.mount->root, ARG_U32(a, 3));
    path_put(&at);
    return error ? error : copy_to_user(ARG_PTR(a, 4), &x, sizeof(x));
}

/* ------------------------------------------------------------ access */

static long access_path(int dirfd, const char *path, int mode, int flags)
{
    bool real = !(flags & AT_EACCESS);
    u32 find = (flags & AT_SYMLINK_NOFOLLOW ? 0 : FIND_FOLLOW) |
               (flags & AT_EMPTY_PATH ? FIND_EMPTY : 0) | (real ? FIND_REAL_IDS : 0);
    struct path_ref at;
    struct inode *i;
    int error;

    if (mode & ~(MAY_READ | MAY_WRITE | MAY_EXEC) ||
        flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_arg_find(dirfd, path, find, &at);
    if (error)
        return error;
    i = at.dentry->inode;
    if (mode & MAY_EXEC && S_ISREG(i->mode) && at.mount->flags & MS_NOEXEC)
        error = -EACCES;
    else
        error = mode ? inode_permission_as(i, mode, real) : 0;
    if (!error && mode & MAY_WRITE && (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
        error = mount_want_write(&at);
    path_put(&at);
    return error;
}

long sys_access(const struct syscall_args *a)
{
    return access_path(AT_FDCWD, ARG_PTR(a, 0), ARG_INT(a, 1), 0);
}

long sys_faccessat(const struct syscall_args *a)
{
    return access_path(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), 0);
}

long sys_faccessat2(const struct syscall_args *a)
{
    return access_path(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), ARG_INT(a, 3));
}

/* ------------------------------------------------------------ readlink */

static long read_link(int dirfd, const char *path, char *user, int n)
{
    struct path_ref at;
    struct inode *i;
    char *buf;
    long got;
    bool empty;

    if (n <= 0)
        return -EINVAL;
    empty = path_arg_is_empty(path, AT_EMPTY_PATH);
    got = path_arg_find(dirfd, path, FIND_EMPTY, &at);
    if (got)
        return got;
    i = at.dentry->inode;
    buf = kmalloc(PATH_MAX);
    if (!buf)
        got = -ENOMEM;
    else if (!S_ISLNK(i->mode) || !i->ops->readlink)
        got = empty ? -ENOENT : -EINVAL;
    else {
        inode_accessed(i, at.mount);
        got = i->ops->readlink(i, buf, PATH_MAX);
    }
    path_put(&at);
    if (got > 0) {
        got = MIN(got, (long)n);
        if (copy_to_user(user, buf, (size_t)got))
            got = -EFAULT;
    }
    kfree(buf);
    return got;
}

long sys_readlink(const struct syscall_args *a)
{
    return read_link(AT_FDCWD, ARG_PTR(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2));
}

long sys_readlinkat(const struct syscall_args *a)
{
    return read_link(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_INT(a, 3));
}

/* ------------------------------------------------------------ statfs */

/* f_flags says something: Linux sets it in every answer, statfs(2) does not name it. */
#define STATFS_VALID 0x20
/* ST_RELATIME and ST_NOSYMFOLLOW, which only the C library's headers have. */
#define STATFS_RELATIME    0x1000
#define STATFS_NOSYMFOLLOW 0x2000

static long stat_mount(const struct path_ref *at, struct statfs *user)
{
    struct super *s = at->dentry->super ? at->dentry->super : at->mount->super;
    struct statfs st = {.f_type = (s64)s->magic,
                        .f_bsize = PAGE_SIZE,
                        .f_namelen = NAME_MAX,
                        .f_fsid = {{(int)s->dev, 0}}};
    u32 flags;
    int error = s->ops->statfs ? s->ops->statfs(s, &st) : 0;

    if (error)
        return error;
    if (!st.f_frsize)
        st.f_frsize = st.f_bsize;
    /* Up to MS_NODIRATIME the flags of mount(2) and statfs(2) are the same. */
    flags = (at->mount->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)) |
            (s->flags & (SUPER_READ_ONLY | MS_SYNCHRONOUS | MS_MANDLOCK));
    flags |= at->mount->flags & (MS_NOATIME | MS_STRICTATIME) ? 0 : STATFS_RELATIME;
    flags |= at->mount->flags & MS_NOSYMFOLLOW ? STATFS_NOSYMFOLLOW : 0;
    st.f_flags = (s64)(STATFS_VALID | flags);
    return copy_to_user(user, &st, sizeof(st));
}

long sys_statfs(const struct syscall_args *a)
{
    struct path_ref at;
    long result = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), FIND_FOLLOW, &at);

    if (result)
        return result;
    result = stat_mount(&at, ARG_PTR(a, 1));
    path_put(&at);
    return result;
}

long sys_fstatfs(const struct syscall_args *a)
{
    struct file *f = fd_get_path(ARG_INT(a, 0));
    struct path_ref at;
    long result;

    if (!f)
        return -EBADF;
    result = file_path_ref(f, &at);
    file_put(f);
    if (result)
        return result;
    result = stat_mount(&at, ARG_PTR(a, 1));
    path_put(&at);
    return result;
}

/* struct ustat of ustat(2); no header for programs declares it any more. */
struct ustat_reply {
    s32 free_blocks;
    u64 free_inodes;
    char name[6], pack[6];
};

struct ustat_query {
    u64 dev;
    struct super *found;
};

static bool has_device(struct mount *m, void *arg)
{
    struct ustat_query *q = arg;

    if (m->super->dev != q->dev)
        return true;
    q->found = m->super;
    return false;
}

long sys_ustat(const struct syscall_args *a)
{
    struct ustat_query q = {.dev = ARG_U32(a, 0)};
    struct ustat_reply reply = {0};
    struct statfs st = {0};

    mount_for_each(has_device, &q);
    if (!q.found)
        return -EINVAL;
    if (q.found->ops->statfs)
        q.found->ops->statfs(q.found, &st);
    reply.free_blocks = (s32)st.f_bfree;
    reply.free_inodes = (u64)st.f_ffree;
    return copy_to_user(ARG_PTR(a, 1), &reply, sizeof(reply));
}
