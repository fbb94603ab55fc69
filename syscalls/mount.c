/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount(2) for what there is: new instances of the file systems in fs/file_systems.c, bind mounts, moves and remounts. All
 * mounts are private or unbindable; asking for sharing is refused.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"

long sys_mount(const struct syscall_args *a);
long sys_umount2(const struct syscall_args *a);
long sys_pivot_root(const struct syscall_args *a);
long sys_name_to_handle_at(const struct syscall_args *a);

/* umount2(2); the headers have these only in the C library's <sys/mount.h>. */
#define UMOUNT_FORCE    1u
#define UMOUNT_DETACH   2u
#define UMOUNT_EXPIRE   4u
#define UMOUNT_NOFOLLOW 8u

#define KEPT_FLAGS                                                                                 \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME |     \
     MS_STRICTATIME | MS_NOSYMFOLLOW)
#define SUPER_FLAGS (MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME)
#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

#define ATIME_FLAGS (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

/*
 * A mount's flags as mount(2) asks for them; old: those before a remount, which keeps what is said of access times unless
 * something is asked for. MS_STRICTATIME wins over MS_NOATIME; MS_RELATIME is what there is without either.
 */
static u32 mount_flags(u32 flags, u32 old)
{
    if (!(flags & ATIME_FLAGS))
        flags |= old & ATIME_FLAGS;
    if (flags & MS_STRICTATIME)
        flags &= ~(u32)MS_NOATIME;
    return flags & KEPT_FLAGS & ~(u32)MS_RELATIME;
}

static const struct file_system_type *find_type(const char *name)
{
    for (const struct file_system_type *const *t = file_systems; *t; t++)
        if (!strcmp((*t)->name, name))
            return *t;
    return NULL;
}

/* mount(2)'s data as a string to be kfree'd; NULL for none. It is cut at a page, as on Linux. */
static long get_options(const char *user, char **out)
{
    char *text;
    ssize n;

    *out = NULL;
    if (!user)
        return 0;
    text = kmalloc(PAGE_SIZE);
    if (!text)
        return -ENOMEM;
    n = copy_string_from_user(text, user, PAGE_SIZE);
    text[PAGE_SIZE - 1] = '\0';
    if (n < 0 && n != -ENAMETOOLONG) {
        kfree(text);
        return n;
    }
    *out = text;
    return 0;
}

static long mount_instance(const struct path_ref *at, const char *user_source, const char *user_type,
                      const char *user_data, u32 flags)
{
    const struct file_system_type *type;
    char *text, *source, *data;
    struct super *s;
    ssize n;
    long error = get_options(user_data, &data);

    if (error)
        return error;
    text = kmalloc(2 * PAGE_SIZE);
    if (!text) {
        kfree(data);
        return -ENOMEM;
    }
    n = user_type ? copy_string_from_user(text, user_type, PAGE_SIZE) : -EINVAL;
    type = n >= 0 ? find_type(text) : NULL;
    source = text + PAGE_SIZE;
    strlcpy(source, "none", PAGE_SIZE);
    if (n >= 0 && user_source)
        n = copy_string_from_user(source, user_source, PAGE_SIZE);
    if (n < 0) {
        error = n;
    } else if (!type) {
        error = -ENODEV;
    } else {
        s = type->mount(source, data);
        error = IS_ERR(s) ? (long)PTR_ERR(s) : mount_attach(at, s, s->root, mount_flags(flags, 0), source);
        if (error && !IS_ERR(s))
            super_put(s);
        else if (!error)
            s->flags |= flags & SUPER_FLAGS;
    }
    kfree(data);
    kfree(text);
    return error;
}

/* What is to be mounted elsewhere. An empty name is none. */
static long find_source(const char *user, struct path_ref *from)
{
    char first;

    if (!user)
        return -EINVAL;
    if (get_user(first, user))
        return -EFAULT;
    return first ? path_arg_find(AT_FDCWD, user, FIND_FOLLOW, from) : -EINVAL;
}

static long mount_bind(const struct path_ref *at, const char *user_source, u32 flags)
{
    struct path_ref from;
    struct mount *tree;
    long error = find_source(user_source, &from);

    if (error)
        return error;
    if ((!from.mount->parent && from.mount != root_mount) || from.mount->flags & MS_UNBINDABLE) {
        error = -EINVAL;
    } else {
        tree = mount_copy(&from, flags & MS_REC);
        error = IS_ERR(tree) ? (long)PTR_ERR(tree) : mount_graft(tree, at);
        if (error && !IS_ERR(tree))
            mount_discard(tree);
    }
    path_put(&from);
    return error;
}

static long mount_move_from(const struct path_ref *at, const char *user_source)
{
    struct path_ref from;
    long error = find_source(user_source, &from);

    if (error)
        return error;
    error = from.dentry == from.mount->root ? mount_move(from.mount, at) : -EINVAL;
    path_put(&from);
    return error;
}

/* One kind of propagation, with MS_REC and MS_SILENT perhaps. There is one tree of mounts, so that a slave is as good as private. */
static long mount_propagate(const struct path_ref *at, u32 flags)
{
    u32 kind = flags & ~(u32)(MS_REC | MS_SILENT);

    if (at->dentry != at->mount->root || (kind != MS_PRIVATE && kind != MS_SLAVE && kind != MS_UNBINDABLE))
        return -EINVAL;
    mount_set_unbindable(at->mount, kind == MS_UNBINDABLE, flags & MS_REC);
    return 0;
}

struct writers {
    const struct super *super;
    const struct mount *mount; /* only this one; NULL: all of super */
};

/* False if files are open for writing through m. */
static bool is_written(struct mount *m, void *arg)
{
    const struct writers *w = arg;

    return (w->mount ? m != w->mount : m->super != w->super) || !__atomic_load_n(&m->writers, __ATOMIC_ACQUIRE);
}

static long mount_change(const struct path_ref *at, const char *user_data, u32 flags)
{
    struct super *s = at->mount->super;
    bool read_only = flags & MS_RDONLY, whole = !(flags & MS_BIND);
    struct writers w = {s, whole ? NULL : at->mount};
    char *options = NULL;
    long error = 0;

    if (at->dentry != at->mount->root)
        return -EINVAL;
    if (whole) {
        error = get_options(user_data, &options);
        if (!error && s->ops->remount)
            error = s->ops->remount(s, &read_only, options);
        kfree(options);
    }
    if (!error && read_only && !(s->flags & SUPER_READ_ONLY) && !mount_for_each(is_written, &w))
        error = -EBUSY;
    if (error)
        return error;
    WRITE_ONCE(at->mount->flags, mount_flags(flags, at->mount->flags) | (at->mount->flags & MS_UNBINDABLE));
    if (whole)
        WRITE_ONCE(s->flags, (read_only ? SUPER_READ_ONLY : 0) | (flags & SUPER_FLAGS) | (s->flags & SUPER_LIMITED));
    mount_changed();
    return 0;
}

/* What Linux copies in before it looks at any of it: 0, -EFAULT, -EINVAL (too long). */
static long check_strings(const char *type, const char *source, const char *data)
{
    char *page = kmalloc(PAGE_SIZE);
    ssize n = page ? 0 : -ENOMEM;

    if (!n && type)
        n = copy_string_from_user(page, type, PAGE_SIZE);
    if (n >= 0 && source)
        n = copy_string_from_user(page, source, PAGE_SIZE);
    if (n >= 0 && data && get_user(*page, data))
        n = -EFAULT;
    kfree(page);
    return n == -ENAMETOOLONG ? -EINVAL : MIN(n, 0);
}

long sys_mount(const struct syscall_args *a)
{
    u64 flags = ARG_U64(a, 3);
    struct path_ref at;
    long error = check_strings(ARG_PTR(a, 2), ARG_PTR(a, 0), ARG_PTR(a, 4));

    if (error)
        return error;

    if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
        flags &= ~(u64)MS_MGC_MSK;
    error = path_arg_find(AT_FDCWD, ARG_PTR(a, 1), FIND_FOLLOW, &at);
    if (error)
        return error;
    if (!fs_capable(CAP_SYS_ADMIN))
        error = -EPERM;
    else if (flags & MS_REMOUNT)
        error = mount_change(&at, ARG_PTR(a, 4), (u32)flags);
    else if (flags & MS_BIND)
        error = mount_bind(&at, ARG_PTR(a, 0), (u32)flags);
    else if (flags & PROPAGATION)
        error = mount_propagate(&at, (u32)flags);
    else if (flags & MS_MOVE)
        error = mount_move_from(&at, ARG_PTR(a, 0));
    else
        error = mount_instance(&at, ARG_PTR(a, 0), ARG_PTR(a, 2), ARG_PTR(a, 4), (u32)flags);
    path_put(&at);
    return error;
}

long sys_umount2(const struct syscall_args *a)
{
    u32 flags = ARG_U32(a, 1);
    struct path_ref at;
    struct mount *m;
    long error;

    if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    error = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), flags & UMOUNT_NOFOLLOW ? 0 : FIND_FOLLOW, &at);
    if (error)
        return error;
    m = at.mount;
    if (!fs_capable(CAP_SYS_ADMIN))
        error = -EPERM;
    else if (at.dentry != m->root || (flags & UMOUNT_EXPIRE && flags & (UMOUNT_FORCE | UMOUNT_DETACH)))
        error = -EINVAL;
    else if (m == root_mount)
        error = -EBUSY;
    dentry_put(at.dentry);
    /* The path's reference on the mount is the one that mount_detach() counts with. */
    if (!error)
        error = mount_detach(m, flags & UMOUNT_DETACH ? DETACH_LAZY : flags & UMOUNT_EXPIRE ? DETACH_EXPIRED : DETACH_UNUSED);
    mount_put_unused(m);
    return error;
}

/* The root cannot move: it is what the VM was started with. */
long sys_pivot_root(const struct syscall_args *a)
{
    struct path_ref new, old;
    long error;

    if (!fs_capable(CAP_SYS_ADMIN))
        return -EPERM;
    error = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), FIND_FOLLOW | FIND_DIRECTORY, &new);
    if (error)
        return error;
    error = path_arg_find(AT_FDCWD, ARG_PTR(a, 1), FIND_FOLLOW | FIND_DIRECTORY, &old);
    if (!error) {
        error = new.mount == root_mount || old.mount == root_mount ? -EBUSY : -EINVAL;
        path_put(&old);
    }
    path_put(&new);
    return error;
}

/* No file system here can give handles that outlive the file's names. */
long sys_name_to_handle_at(const struct syscall_args *a)
{
    int flags = ARG_INT(a, 4);
    struct path_ref at;
    long error;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error = path_arg_find(ARG_INT(a, 0), ARG_PTR(a, 1),
                          (flags & AT_SYMLINK_FOLLOW ? FIND_FOLLOW : 0) |
                              (flags & AT_EMPTY_PATH ? FIND_EMPTY : 0),
                          &at);
    if (error)
        return error;
    path_put(&at);
    return -EOPNOTSUPP;
}
