/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes, xattr(7). Which names are allowed on which files and for whom is decided
 * here, the same for all file systems; they only store.
 */
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include "fs/notify.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "syscalls/bodies.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"

long sys_setxattr(const struct syscall_args *a);
long sys_lsetxattr(const struct syscall_args *a);
long sys_fsetxattr(const struct syscall_args *a);
long sys_getxattr(const struct syscall_args *a);
long sys_lgetxattr(const struct syscall_args *a);
long sys_fgetxattr(const struct syscall_args *a);
long sys_listxattr(const struct syscall_args *a);
long sys_llistxattr(const struct syscall_args *a);
long sys_flistxattr(const struct syscall_args *a);
long sys_removexattr(const struct syscall_args *a);
long sys_lremovexattr(const struct syscall_args *a);
long sys_fremovexattr(const struct syscall_args *a);

/* What an attribute call is about. */
enum target { BY_PATH, BY_LINK, BY_FD };

static long find_target(u64 arg, enum target kind, struct path_ref *at)
{
    struct file *f;
    long error;

    if (kind != BY_FD)
        return path_arg_find(AT_FDCWD, (const char *)arg, kind == BY_PATH ? FIND_FOLLOW : 0, at);
    f = fd_get((int)arg);
    if (!f)
        return -EBADF;
    error = file_path_ref(f, at);
    file_put(f);
    return error;
}

long xattr_import_name(char *name, const char *user)
{
    ssize n = copy_string_from_user(name, user, XATTR_NAME_MAX + 1);

    if (n == -ENAMETOOLONG || n == 0)
        return -ERANGE;
    return n < 0 ? n : 0;
}

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* 0 or the errno of an attribute that the caller may not touch. */
static long check_rights(struct inode *i, const char *name, bool write)
{
    long error;

    if (write && inode_is_frozen(i))
        return -EPERM;
    if (starts_with(name, XATTR_TRUSTED_PREFIX)) {
        if (!fs_capable(CAP_SYS_ADMIN))
            return write ? -EPERM : -ENODATA;
        return 0;
    }
    if (starts_with(name, XATTR_USER_PREFIX)) {
        if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
            return write ? -EPERM : -ENODATA;
        if (write && S_ISDIR(i->mode) && i->mode & S_ISVTX && !inode_owned(i))
            return -EPERM;
        return inode_permission(i, write ? MAY_WRITE : MAY_READ);
    }
    if (starts_with(name, XATTR_SECURITY_PREFIX)) /* what has no type, as an eventfd, nobody secures */
        return write && i->mode & S_IFMT && !fs_capable(strcmp(name, XATTR_NAME_CAPS) ? CAP_SYS_ADMIN : CAP_SETFCAP) ? -EPERM : 0;
    /* A namespace that there is not: rights to the file are asked first. */
    error = starts_with(name, XATTR_SYSTEM_PREFIX) ? 0 : inode_permission(i, write ? MAY_WRITE : MAY_READ);
    return error ? error : -EOPNOTSUPP;
}

/* The same; a prefix alone is no name either. */
static long check_name(struct inode *i, const char *name, bool write)
{
    long error = check_rights(i, name, write);

    return error ? error : name[strlen(name) - 1] == '.' && strchr(name, '.') == name + strlen(name) - 1 ? -EINVAL : 0;
}

/* Capabilities of a program, in one of the forms that have not been replaced. */
static bool are_capabilities(const void *value, size_t n)
{
    const struct vfs_cap_data *c = value;

    return (n == XATTR_CAPS_SZ_2 && (c->magic_etc & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2) ||
           (n == XATTR_CAPS_SZ_3 && (c->magic_etc & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3);
}

long xattr_import(char *name, const char *user_name, void **value, const void *user_value, size_t n, int flags)
{
    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    long error = xattr_import_name(name, user_name);
    if (error)
        return error;
    if (n > XATTR_SIZE_MAX)
        return -E2BIG;
    *value = kmalloc(n ? n : 1);
    if (!*value)
        return -ENOMEM;
    if (!copy_from_user(*value, user_value, n))
        return 0;
    kfree(*value);
    *value = NULL;
    return -EFAULT;
}

static long set_value(u64 target, enum target kind, const char *name, const void *value, size_t n, int flags)
{
    struct path_ref at;
    long error = find_target(target, kind, &at);

    if (error)
        return error;
    struct inode *i = at.dentry->inode;
    error = mount_want_write(&at);
    if (!error && !strcmp(name, XATTR_NAME_CAPS) && !are_capabilities(value, n))
        error = -EINVAL;
    if (!error)
        error = check_name(i, name, true);
    if (!error)
        error = i->ops->setxattr ? i->ops->setxattr(i, name, value, n, flags) : -EOPNOTSUPP;
    if (!error && notify_wanted())
        notify_both(at.dentry, IN_ATTRIB, false);
    path_put(&at);
    return error;
}

long xattr_set_at(u64 target, bool open, const char *name, const void *value, size_t n, int flags)
{
    return set_value(target, open ? BY_FD : BY_PATH, name, value, n, flags);
}

static long set(u64 target, enum target kind, const char *user_name, const void *user_value,
                size_t n, int flags)
{
    char name[XATTR_NAME_MAX + 1];
    void *value;
    long error = xattr_import(name, user_name, &value, user_value, n, flags);

    if (error)
        return error;
    error = set_value(target, kind, name, value, n, flags);
    kfree(value);
    return error;
}

static long get_value(u64 target, enum target kind, const char *name, void *user_value, size_t n)
{
    struct path_ref at;

    n = MIN(n, (size_t)XATTR_SIZE_MAX);
    char *value = kmalloc(n ? n : 1);
    if (!value)
        return -ENOMEM;
    long result = find_target(target, kind, &at);
    if (!result) {
        struct inode *i = at.dentry->inode;
        result = check_name(i, name, false);
        if (!result)
            result = i->ops->getxattr ? i->ops->getxattr(i, name, value, n) : -EOPNOTSUPP;
        path_put(&at);
    }
    if (result > 0 && n && copy_to_user(user_value, value, (size_t)result))
        result = -EFAULT;
    kfree(value);
    return result;
}

long xattr_get_at(u64 target, bool open, const char *name, void *user_value, size_t n)
{
    return get_value(target, open ? BY_FD : BY_PATH, name, user_value, n);
}

static long get(u64 target, enum target kind, const char *user_name, void *user_value, size_t n)
{
    char name[XATTR_NAME_MAX + 1];
    long error = xattr_import_name(name, user_name);

    return error ? error : get_value(target, kind, name, user_value, n);
}

/* Takes the names that the caller may not see out of a list of n bytes; what is left. */
static size_t filter_names(char *names, size_t n)
{
    size_t kept = 0;

    if (fs_capable(CAP_SYS_ADMIN))
        return n;
    for (size_t at = 0, length; at < n; at += length) {
        length = strlen(names + at) + 1;
        if (starts_with(names + at, XATTR_TRUSTED_PREFIX))
            continue;
        memmove(names + kept, names + at, length);
        kept += length;
    }
    return kept;
}

static long list(u64 target, enum target kind, char *user, size_t n)
{
    struct path_ref at;
    struct inode *i;
    char *names;
    long result;

    names = kmalloc(XATTR_LIST_MAX);
    if (!names)
        return -ENOMEM;
    result = find_target(target, kind, &at);
    if (!result) {
        i = at.dentry->inode;
        result = i->ops->listxattr ? i->ops->listxattr(i, names, XATTR_LIST_MAX) : 0;
        path_put(&at);
    }
    if (result > 0) {
        result = (long)filter_names(names, (size_t)result);
        if (n && (size_t)result > n)
            result = -ERANGE;
        else if (n && copy_to_user(user, names, (size_t)result))
            result = -EFAULT;
    }
    kfree(names);
    return result;
}

static long remove_one(u64 target, enum target kind, const char *user_name)
{
    char name[XATTR_NAME_MAX + 1];
    struct path_ref at;
    struct inode *i;
    long error = xattr_import_name(name, user_name);

    if (!error)
        error = find_target(target, kind, &at);
    if (error)
        return error;
    i = at.dentry->inode;
    error = mount_want_write(&at);
    if (!error)
        error = check_name(i, name, true);
    if (!error)
        error = i->ops->removexattr ? i->ops->removexattr(i, name) : -EOPNOTSUPP;
    if (!error && notify_wanted())
        notify_both(at.dentry, IN_ATTRIB, false);
    path_put(&at);
    return error;
}

long sys_setxattr(const struct syscall_args *a)
{
    return set(a->arg[0], BY_PATH, ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_U64(a, 3), ARG_INT(a, 4));
}

long sys_lsetxattr(const struct syscall_args *a)
{
    return set(a->arg[0], BY_LINK, ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_U64(a, 3), ARG_INT(a, 4));
}

long sys_fsetxattr(const struct syscall_args *a)
{
    return set(a->arg[0], BY_FD, ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_U64(a, 3), ARG_INT(a, 4));
}

long sys_getxattr(const struct syscall_args *a)
{
    return get(a->arg[0], BY_PATH, ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_U64(a, 3));
}

long sys_lgetxattr(const struct syscall_args *a)
{
    return get(a->arg[0], BY_LINK, ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_U64(a, 3));
}

long sys_fgetxattr(const struct syscall_args *a)
{
    return get(a->arg[0], BY_FD, ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_U64(a, 3));
}

long sys_listxattr(const struct syscall_args *a)
{
    return list(a->arg[0], BY_PATH, ARG_PTR(a, 1), ARG_U64(a, 2));
}

long sys_llistxattr(const struct syscall_args *a)
{
    return list(a->arg[0], BY_LINK, ARG_PTR(a, 1), ARG_U64(a, 2));
}

long sys_flistxattr(const struct syscall_args *a)
{
    return list(a->arg[0], BY_FD, ARG_PTR(a, 1), ARG_U64(a, 2));
}

long sys_removexattr(const struct syscall_args *a)
{
    return remove_one(a->arg[0], BY_PATH, ARG_PTR(a, 1));
}

long sys_lremovexattr(const struct syscall_args *a)
{
    return remove_one(a->arg[0], BY_LINK, ARG_PTR(a, 1));
}

long sys_fremovexattr(const struct syscall_args *a)
{
    return remove_one(a->arg[0], BY_FD, ARG_PTR(a, 1));
}
