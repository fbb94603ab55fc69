/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount(2) for what there is: new instances of the file systems in fs/file_systems.c, bind mounts and
 * remounts. All mounts are private; asking for that is granted, asking for sharing is refused, and so
 * are moves, bind mounts that would have to bring further mounts along, and new options at a remount.
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
#define UMOUNT_NOFOLLOW 8u

#define KEPT_FLAGS                                                                                 \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME |     \
     MS_STRICTATIME | MS_NOSYMFOLLOW)
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

static long mount_instance(const struct path_ref *at, const char *user_source, const char *user_type,
                      const char *user_data, u32 flags)
{
    const struct file_system_type *type;
    char *text, *source, *data = NULL;
    struct super *s;
    ssize n;
    long error;

    text = kmalloc(3 * PAGE_SIZE);
    if (!text)
        return -ENOMEM;
    n = user_type ? copy_string_from_user(text, user_type, PAGE_SIZE) : -EINVAL;
    type = n >= 0 ? find_type(text) : NULL;
    source = text + 2 * PAGE_SIZE;
    strlcpy(source, "none", PAGE_SIZE);
    if (n >= 0 && user_source)
        n = copy_string_from_user(source, user_source, PAGE_SIZE);
    if (n >= 0 && user_data) {
        data = text + PAGE_SIZE;
        n = copy_string_from_user(data, user_data, PAGE_SIZE);
    }
    if (n < 0) {
        error = n;
    } else if (!type) {
        error = -ENODEV;
    } else if (!S_ISDIR(at->dentry->inode->mode)) {
        error = -ENOTDIR;
    } else {
        s = type->mount(source, data);
        error = IS_ERR(s) ? (long)PTR_ERR(s) : mount_attach(at, s, s->root, mount_flags(flags, 0));
        if (error && !IS_ERR(s))
            super_put(s);
    }
    kfree(text);
    return error;
}

/* False, which ends the search, if m is mounted somewhere below the place. */
static bool is_elsewhere(struct mount *m, void *arg)
{
    const struct path_ref *place = arg;

    return m->parent != place->mount || !dentry_is_below(m->mountpoint, place->dentry);
}

/* Something is mounted below the place. */
static bool has_mounts(struct path_ref *place)
{
    bool found;

    mutex_lock(&rename_lock);
    found = !mount_for_each(is_elsewhere, place);
    mutex_unlock(&rename_lock);
    return found;
}

static long mount_bind(const struct path_ref *at, const char *user_source, u32 flags)
{
    struct path_ref from;
    long error = path_arg_find(AT_FDCWD, user_source, FIND_FOLLOW, &from);

    if (error)
        return error;
    if (!from.mount->parent && from.mount != root_mount) {
        error = -EINVAL;
    } else if (flags & MS_REC && has_mounts(&from)) {
        error = -EINVAL;
    } else {
        super_get(from.mount->super);
        error = mount_attach(at, from.mount->super, from.dentry, from.mount->flags);
        if (error)
            super_put(from.mount->super);
    }
    path_put(&from);
    return error;
}

static long mount_change(const struct path_ref *at, const char *user_data, u32 flags)
{
    struct super *s = at->mount->super;
    bool read_only = flags & MS_RDONLY, whole = !(flags & MS_BIND);
    char first = '\0';
    int error;

    if (at->dentry != at->mount->root)
        return -EINVAL;
    if (user_data && get_user(first, user_data))
        return -EFAULT;
    if (first) /* options of the file system: they stay as they were mounted */
        return -EINVAL;
    error = whole && s->ops->remount ? s->ops->remount(s, &read_only) : 0;
    if (error)
        return error;
    WRITE_ONCE(at->mount->flags, mount_flags(flags, at->mount->flags));
    if (whole)
        WRITE_ONCE(s->flags, read_only ? s->flags | SUPER_READ_ONLY : s->flags & ~SUPER_READ_ONLY);
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
        error = at.dentry != at.mount->root || flags & (MS_SHARED | MS_UNBINDABLE) ? -EINVAL : 0;
    else if (flags & MS_MOVE)
        error = -EINVAL;
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

    if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_NOFOLLOW))
        return -EINVAL; /* MNT_EXPIRE too: nobody notes whether a mount was used since */
    error = path_arg_find(AT_FDCWD, ARG_PTR(a, 0), flags & UMOUNT_NOFOLLOW ? 0 : FIND_FOLLOW, &at);
    if (error)
        return error;
    m = at.mount;
    if (at.dentry != m->root) {
        error = -EINVAL;
    } else if (!fs_capable(CAP_SYS_ADMIN)) {
        error = -EPERM;
    } else if (m == root_mount) {
        error = -EBUSY;
    } else {
        /* The path's reference on the mount is the one that mount_detach() counts with. */
        dentry_put(at.dentry);
        at.dentry = NULL;
        error = mount_detach(m, flags & UMOUNT_DETACH);
    }
    path_put(&at);
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
        error = new.mount == root_mount ? -EBUSY : -EINVAL;
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
