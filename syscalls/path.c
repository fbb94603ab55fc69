/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that make, remove and move names; working directory, root, umask. The VFS does the work
 * (fs/names.c).
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"

long sys_mkdir(const struct syscall_args *a);
long sys_mkdirat(const struct syscall_args *a);
long sys_mknod(const struct syscall_args *a);
long sys_mknodat(const struct syscall_args *a);
long sys_rmdir(const struct syscall_args *a);
long sys_unlink(const struct syscall_args *a);
long sys_unlinkat(const struct syscall_args *a);
long sys_symlink(const struct syscall_args *a);
long sys_symlinkat(const struct syscall_args *a);
long sys_link(const struct syscall_args *a);
long sys_linkat(const struct syscall_args *a);
long sys_rename(const struct syscall_args *a);
long sys_renameat(const struct syscall_args *a);
long sys_renameat2(const struct syscall_args *a);
long sys_getcwd(const struct syscall_args *a);
long sys_chdir(const struct syscall_args *a);
long sys_fchdir(const struct syscall_args *a);
long sys_chroot(const struct syscall_args *a);
long sys_umask(const struct syscall_args *a);

static long make_directory(int dirfd, const char *user, u32 mode)
{
    struct path_name p;
    long error = path_name_get(&p, user);

    if (error)
        return error;
    error = vfs_mkdir(dirfd, p.string, mode);
    path_name_put(&p);
    return error;
}

long sys_mkdir(const struct syscall_args *a)
{
    return make_directory(AT_FDCWD, ARG_PTR(a, 0), ARG_U32(a, 1));
}

long sys_mkdirat(const struct syscall_args *a)
{
    return make_directory(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U32(a, 2));
}

static long make_node(int dirfd, const char *user, u32 mode, u32 dev)
{
    struct path_name p;
    long error = vfs_check_node(mode);

    if (!error)
        error = path_name_get(&p, user);
    if (error)
        return error;
    error = vfs_create_node(dirfd, p.string, mode, S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0);
    path_name_put(&p);
    return error;
}

long sys_mknod(const struct syscall_args *a)
{
    return make_node(AT_FDCWD, ARG_PTR(a, 0), ARG_U32(a, 1), ARG_U32(a, 2));
}

long sys_mknodat(const struct syscall_args *a)
{
    return make_node(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U32(a, 2), ARG_U32(a, 3));
}

static long remove_name(int dirfd, const char *user, bool directory)
{
    struct path_name p;
    long error = path_name_get(&p, user);

    if (error)
        return error;
    error = directory ? vfs_rmdir(dirfd, p.string) : vfs_unlink(dirfd, p.string);
    path_name_put(&p);
    return error;
}

long sys_rmdir(const struct syscall_args *a)
{
    return remove_name(AT_FDCWD, ARG_PTR(a, 0), true);
}

long sys_unlink(const struct syscall_args *a)
{
    return remove_name(AT_FDCWD, ARG_PTR(a, 0), false);
}

long sys_unlinkat(const struct syscall_args *a)
{
    int flags = ARG_INT(a, 2);

    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    return remove_name(ARG_INT(a, 0), ARG_PTR(a, 1), flags & AT_REMOVEDIR);
}

/* Two paths copied in. 0 or negative errno; both are to be put on success. */
static long two_paths(struct path_name *a, const char *user_a, struct path_name *b,
                      const char *user_b)
{
    long error = path_name_get(a, user_a);

    if (error)
        return error;
    error = path_name_get(b, user_b);
    if (error)
        path_name_put(a);
    return error;
}

static long make_symlink(const char *user_target, int dirfd, const char *user)
{
    struct path_name target, p;
    long error = two_paths(&target, user_target, &p, user);

    if (error)
        return error;
    error = vfs_symlink(target.string, dirfd, p.string);
    path_name_put(&target);
    path_name_put(&p);
    return error;
}

long sys_symlink(const struct syscall_args *a)
{
    return make_symlink(ARG_PTR(a, 0), AT_FDCWD, ARG_PTR(a, 1));
}

long sys_symlinkat(const struct syscall_args *a)
{
    return make_symlink(ARG_PTR(a, 0), ARG_INT(a, 1), ARG_PTR(a, 2));
}

static long make_link(int old_dirfd, const char *old, int dirfd, const char *user, int flags)
{
    struct path_name from, to;
    struct path_ref at;
    long error;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_name_get(&from, old);
    if (error)
        return error;
    /* For who opened it, or has the right to open what he cannot find. */
    if (flags & AT_EMPTY_PATH && *from.string != '/' && old_dirfd != AT_FDCWD && !fs_capable(CAP_DAC_READ_SEARCH)) {
        struct file *f = fd_get_path(old_dirfd);

        error = !f ? -EBADF : f->opener == current_thread()->cred.serial ? 0 : -ENOENT;
        if (f)
            file_put(f);
        if (error) {
            path_name_put(&from);
            return error;
        }
    }
    error = path_name_get(&to, user);
    if (error) { /* Linux tells first what is wrong with the old name */
        long first = path_arg_find(old_dirfd, old, flags & AT_SYMLINK_FOLLOW ? FIND_FOLLOW : 0, &at);
        if (!first)
            path_put(&at);
        path_name_put(&from);
        return first ? first : error;
    }
    error = vfs_link(old_dirfd, from.string, dirfd, to.string, flags);
    path_name_put(&from);
    path_name_put(&to);
    return error;
}

long sys_link(const struct syscall_args *a)
{
    return make_link(AT_FDCWD, ARG_PTR(a, 0), AT_FDCWD, ARG_PTR(a, 1), 0);
}

long sys_linkat(const struct syscall_args *a)
{
    return make_link(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), ARG_PTR(a, 3), ARG_INT(a, 4));
}

static long move_name(int old_dirfd, const char *old, int dirfd, const char *user, u32 flags)
{
    struct path_name from, to;
    long error;

    if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    if (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT) && flags & RENAME_EXCHANGE)
        return -EINVAL;
    error = two_paths(&from, old, &to, user);
    if (error)
        return error;
    error = vfs_rename(old_dirfd, from.string, dirfd, to.string, flags);
    path_name_put(&from);
    path_name_put(&to);
    return error;
}

long sys_rename(const struct syscall_args *a)
{
    return move_name(AT_FDCWD, ARG_PTR(a, 0), AT_FDCWD, ARG_PTR(a, 1), 0);
}

long sys_renameat(const struct syscall_args *a)
{
    return move_name(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), ARG_PTR(a, 3), 0);
}

long sys_renameat2(const struct syscall_args *a)
{
    return move_name(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), ARG_PTR(a, 3), ARG_U32(a, 4));
}

long sys_getcwd(const struct syscall_args *a)
{
    struct path_ref cwd;
    char *buf = kmalloc(PATH_MAX);
    ssize n;

    if (!buf)
        return -ENOMEM;
    fs_cwd(&cwd);
    n = cwd.dentry->unlinked ? -ENOENT : vfs_path_of(&cwd, buf, PATH_MAX);
    path_put(&cwd);
    if (n > 0 && (u64)n > ARG_U64(a, 1))
        n = -ERANGE;
    if (n > 0 && copy_to_user(ARG_PTR(a, 0), buf, (size_t)n))
        n = -EFAULT;
    kfree(buf);
    return n;
}

static long enter_directory(struct path_ref *at)
{
    long error =
        S_ISDIR(at->dentry->inode->mode) ? inode_permission(at->dentry->inode, MAY_EXEC) : -ENOTDIR;

    if (!error)
        fs_set_cwd(at);
    path_put(at);
    return error;
}

long sys_chdir(const struct syscall_args *a)
{
    struct path_ref at;
    long error = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), FIND_FOLLOW | FIND_DIRECTORY, &at);

    return error ? error : enter_directory(&at);
}

long sys_fchdir(const struct syscall_args *a)
{
    struct file *f = fd_get_path(ARG_INT(a, 0));
    struct path_ref at;
    long error;

    if (!f)
        return -EBADF;
    error = file_path_ref(f, &at);
    file_put(f);
    return error ? error : enter_directory(&at);
}

long sys_chroot(const struct syscall_args *a)
{
    struct path_ref at;
    long error = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), FIND_FOLLOW | FIND_DIRECTORY, &at);

    if (error)
        return error;
    error = inode_permission(at.dentry->inode, MAY_EXEC);
    if (!error && !fs_capable(CAP_SYS_CHROOT))
        error = -EPERM;
    if (!error)
        fs_set_root(&at);
    path_put(&at);
    return error;
}

long sys_umask(const struct syscall_args *a)
{
    return __atomic_exchange_n(&current_thread()->fs->umask, ARG_U32(a, 0) & 0777,
                               __ATOMIC_RELAXED);
}
