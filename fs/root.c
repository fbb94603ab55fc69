/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM's root. At boot it is a tmpfs into which the boot archive was unpacked. With root= it becomes the upper layer of
 * an overlay, and what root= names the lower one, so that files of the archive win and nothing that is written reaches
 * the lower layer:
 *
 *   root=9p:TAG      the 9p device with that mount tag
 *   root=erofs       the EROFS image in the boot archive, member .aril/root.erofs, in place
 *   root=erofs:DISK  the EROFS image on a disk: vda, vda1, …
 *
 * Runs once, before the program. What cannot be mounted ends the VM with what was tried, what was found and what to do.
 */
#include <linux/mount.h>
#include "fs/erofs/erofs.h"
#include "fs/overlay/overlay.h"
#include "fs/root.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/params.h"
#include "kernel/vm_exit.h"

#define STATUS_VM_FAILED 125

static const char *root_parameter;
static struct {
    const void *data; /* NULL: the boot archive has none */
    u64 size;
} image;

static int set_root(const char *value)
{
    root_parameter = value;
    return value && *value ? 0 : -EINVAL;
}
PARAM(root, "root", set_root);

struct super *mount_new(const char *type, const char *source, const char *options)
{
    for (const struct file_system_type *const *t = file_systems; *t; t++)
        if (!strcmp((*t)->name, type))
            return (*t)->mount(source, options);
    return ERR_PTR(-ENODEV);
}

static void __attribute__((noreturn)) fail_9p(const char *what, const char *tag, int error)
{
    if (error == -ENOENT || error == -ENXIO || error == -ENODEV)
        vm_fail(STATUS_VM_FAILED,
                "%s: the VM has no 9p device with mount tag '%s': QEMU's -device virtio-9p-device,…,mount_tag=%s makes one",
                what, tag, tag);
    vm_fail(STATUS_VM_FAILED, "%s: the 9p device '%s' cannot be mounted (error %d)", what, tag, -error);
}

static void __attribute__((noreturn)) fail_image(const char *where, int error)
{
    if (error == -ENOENT || error == -ENXIO || error == -ENODEV || error == -ENOTBLK)
        vm_fail(STATUS_VM_FAILED, "root=%s: there is no %s", root_parameter, where);
    if (error == -EINVAL || error == -EUCLEAN)
        vm_fail(STATUS_VM_FAILED, "root=%s: %s holds no EROFS image that can be used, or a damaged one: mkfs.erofs makes one",
                root_parameter, where);
    vm_fail(STATUS_VM_FAILED, "root=%s: %s cannot be mounted (error %d)", root_parameter, where, -error);
}

/* The lower layer that root= names, mounted. */
static struct super *mount_lower(void)
{
    const char *disk = root_parameter + 6;
    struct super *s;
    char device[40];

    if (!strncmp(root_parameter, "9p:", 3) && root_parameter[3]) {
        s = mount_new("9p", root_parameter + 3, "ro,cache=loose");
        if (IS_ERR(s))
            fail_9p("root", root_parameter + 3, (int)PTR_ERR(s));
        return s;
    }
    if (!strcmp(root_parameter, "erofs")) {
        s = image.data ? erofs_mount_memory(image.data, image.size, "root.erofs") : ERR_PTR(-ENOENT);
        if (IS_ERR(s))
            fail_image(image.data ? "the boot archive's .aril/root.erofs" : "member .aril/root.erofs in the boot archive",
                       (int)PTR_ERR(s));
        return s;
    }
    if (!strncmp(root_parameter, "erofs:", 6) && *disk && strlen(disk) < 32) {
        snprintf(device, sizeof(device), "/dev/%s", disk);
        s = mount_new("erofs", device, NULL);
        if (IS_ERR(s))
            fail_image(device, (int)PTR_ERR(s));
        return s;
    }
    vm_fail(STATUS_VM_FAILED, "root=%s: a root is 9p:TAG, erofs, or erofs:DISK", root_parameter);
}

/* The root of the lower layer. The first to ask mounts it. */
static const struct path_ref *lower_root(void)
{
    static struct path_ref lower;
    struct super *s;

    if (!lower.mount) {
        s = mount_lower();
        lower = (struct path_ref){mount_create(s, s->root, MS_RDONLY, NULL), s->root};
        if (!lower.mount)
            vm_fail(STATUS_VM_FAILED, "root=%s: out of memory", root_parameter);
    }
    return &lower;
}

void root_set_image(const void *data, u64 size)
{
    image.data = data;
    image.size = size;
}

/* Directory path of the lower layer, symbolic links followed as they will lead in the VM. The working directory is "/" yet. */
static int find_lower(const char *path, struct path_ref *out)
{
    struct path_ref root;
    int error;

    fs_root(&root);
    fs_set_root(lower_root());
    fs_set_cwd(lower_root());
    error = path_find(AT_FDCWD, *path ? path : "/", FIND_FOLLOW | FIND_DIRECTORY, 0, out);
    fs_set_root(&root);
    fs_set_cwd(&root);
    path_put(&root);
    return error;
}

bool root_has_lower(void)
{
    return root_parameter;
}

/* The host command has done this for trees that it sees; it does not look into images. */
static bool places_needed(void)
{
    return root_parameter && !strncmp(root_parameter, "erofs", 5);
}

int root_place(char *path, bool follow)
{
    char *real, *slash = path + strlen(path), saved;
    struct path_ref at, root;
    ssize length = -ENOENT;

    if (!places_needed())
        return 0;
    if (follow)
        length = find_lower(path, &at);
    while (length && slash > path) { /* shortened till what is left is there; the root is */
        do
            slash--;
        while (slash > path && *slash != '/');
        saved = *slash;
        *slash = 0;
        length = find_lower(path, &at);
        *slash = saved;
    }
    if (length)
        return (int)length;
    real = kmalloc(PATH_MAX);
    fs_root(&root);
    fs_set_root(lower_root());
    length = real ? vfs_path_of(&at, real, PATH_MAX) : -ENOMEM;
    fs_set_root(&root);
    path_put(&root);
    path_put(&at);
    if (length > 0 && real[length - 2] == '/')
        length--; /* the root's own */
    if (length > 0 && (size_t)length + strlen(slash) > PATH_MAX)
        length = -ENAMETOOLONG;
    if (length > 0) {
        memcpy(real + length - 1, slash, strlen(slash) + 1);
        memcpy(path, real, strlen(real) + 1);
    }
    kfree(real);
    return length < 0 ? (int)length : 0;
}

void root_directory_attributes(const char *path, u32 *mode, u32 *uid, u32 *gid, s64 *mtime)
{
    struct path_ref at;
    const struct inode *i;

    if (!places_needed() || find_lower(path, &at))
        return;
    i = at.dentry->inode;
    *mode = i->mode & 07777;
    *uid = i->uid;
    *gid = i->gid;
    *mtime = i->mtime;
    path_put(&at);
}

/* The overlay's root shows what the upper layer's root has; nobody made that on purpose. */
static void lend_attributes(struct inode *upper, const struct inode *lower)
{
    upper->mode = lower->mode;
    upper->uid = lower->uid;
    upper->gid = lower->gid;
    upper->atime = lower->atime;
    upper->mtime = lower->mtime;
    upper->ctime = lower->ctime;
}

void (*root_fill)(void);

void root_compose(void)
{
    struct path_ref upper = {root_mount, root_mount->root}, root;
    const struct path_ref *lower;
    struct super *s;
    struct mount *m;
    int error;

    if (root_fill)
        root_fill();
    if (!root_parameter)
        return;
    /* A directory that is mounted on hides the lower one: nobody need look for that. Nothing else changes mounts yet. */
    list_for_each(m, &root_mount->children, sibling)
        m->mountpoint->inode->ops->setxattr(m->mountpoint->inode, OVERLAY_XATTR_OPAQUE, "y", 1, 0);
    lower = lower_root();
    lend_attributes(upper.dentry->inode, lower->dentry->inode);
    s = overlay_create(&upper, lower, 1, NULL);
    error = IS_ERR(s) ? (int)PTR_ERR(s) : mount_replace_root(s);
    if (error)
        vm_fail(STATUS_VM_FAILED, "root=%s: the overlay cannot be made (error %d)", root_parameter, -error);
    mount_put(lower->mount);
    root = (struct path_ref){root_mount, root_mount->root};
    fs_set_root(&root);
    fs_set_cwd(&root);
}

int root_make_directory(const char *path)
{
    char *part = kstrdup(path);
    int error = part ? 0 : -ENOMEM;

    for (char *slash = part; slash && !error;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = 0;
        error = vfs_mkdir(AT_FDCWD, part, 0755);
        if (error == -EEXIST)
            error = 0;
        if (slash)
            *slash = '/';
    }
    kfree(part);
    return error;
}

/* One line: "9p TAG ro|rw PATH". */
static void mount_volume(char *line)
{
    char *tag = strchr(line, ' '), *mode = tag ? strchr(tag + 1, ' ') : NULL, *path = mode ? strchr(mode + 1, ' ') : NULL;
    struct path_ref at;
    struct super *s;
    bool read_only;
    char what[80];
    int error;

    if (!path || strncmp(line, "9p ", 3))
        vm_fail(STATUS_VM_FAILED, "boot archive: .aril/volumes has a malformed line: %s", line);
    *tag++ = *mode++ = *path++ = 0;
    read_only = !strncmp(mode, "ro", 2);
    snprintf(what, sizeof(what), "volume %s", path);
    error = root_make_directory(path);
    if (!error)
        error = path_find(AT_FDCWD, path, FIND_FOLLOW | FIND_DIRECTORY, 0, &at);
    if (error)
        vm_fail(STATUS_VM_FAILED, "%s: the mount point %s", what,
                error == -ENOTDIR ? "is not a directory" : "cannot be made");
    s = mount_new("9p", tag, read_only ? "ro" : NULL);
    if (IS_ERR(s))
        fail_9p(what, tag, (int)PTR_ERR(s));
    error = mount_attach(&at, s, s->root, read_only ? MS_RDONLY : 0, NULL);
    if (error)
        vm_fail(STATUS_VM_FAILED, "%s cannot be mounted (error %d)", what, -error);
    path_put(&at);
}

void root_mount_volumes(const char *text, u64 size)
{
    const char *end = text + size;

    while (text < end) {
        const char *stop = text;
        char *line;

        while (stop < end && *stop != '\n')
            stop++;
        line = kmalloc((size_t)(stop - text) + 1);
        if (!line)
            vm_fail(STATUS_VM_FAILED, "out of memory while the volumes are mounted");
        memcpy(line, text, (size_t)(stop - text));
        line[stop - text] = 0;
        if (*line)
            mount_volume(line);
        kfree(line);
        text = stop + 1;
    }
}
