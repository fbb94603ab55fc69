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

/* The lower layer that root= names. */
static struct super *mount_lower(const void *image, u64 image_size)
{
    struct super *s;
    char device[40];

    if (!strncmp(root_parameter, "9p:", 3) && root_parameter[3]) {
        s = mount_new("9p", root_parameter + 3, "ro,cache=loose");
        if (IS_ERR(s))
            fail_9p("root", root_parameter + 3, (int)PTR_ERR(s));
        return s;
    }
    if (!strcmp(root_parameter, "erofs")) {
        if (!image)
            fail_image("member .aril/root.erofs in the boot archive", -ENOENT);
        s = erofs_mount_memory(image, image_size, "root.erofs");
        if (IS_ERR(s))
            fail_image("the boot archive's .aril/root.erofs", (int)PTR_ERR(s));
        return s;
    }
    if (!strncmp(root_parameter, "erofs:", 6) && root_parameter[6]) {
        snprintf(device, sizeof(device), "/dev/%s", root_parameter + 6);
        s = mount_new("erofs", device, NULL);
        if (IS_ERR(s))
            fail_image(device, (int)PTR_ERR(s));
        return s;
    }
    vm_fail(STATUS_VM_FAILED, "root=%s: a root is 9p:TAG, erofs, or erofs:DISK", root_parameter);
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

void root_compose(const void *image, u64 image_size)
{
    struct path_ref upper = {root_mount, root_mount->root}, lower, root;
    struct super *s;
    struct mount *m;
    int error;

    if (!root_parameter)
        return;
    /* A directory that is mounted on hides the lower one: nobody need look for that. Nothing else changes mounts yet. */
    list_for_each(m, &root_mount->children, sibling)
        m->mountpoint->inode->ops->setxattr(m->mountpoint->inode, OVERLAY_XATTR_OPAQUE, "y", 1, 0);
    s = mount_lower(image, image_size);
    lend_attributes(root_mount->root->inode, s->root->inode);
    lower = (struct path_ref){mount_create(s, s->root, MS_RDONLY), s->root};
    if (!lower.mount)
        vm_fail(STATUS_VM_FAILED, "root=%s: out of memory", root_parameter);
    s = overlay_create(&upper, &lower, 1, NULL);
    error = IS_ERR(s) ? (int)PTR_ERR(s) : mount_replace_root(s);
    if (error)
        vm_fail(STATUS_VM_FAILED, "root=%s: the overlay cannot be made (error %d)", root_parameter, -error);
    mount_put(lower.mount);
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
    error = mount_attach(&at, s, s->root, read_only ? MS_RDONLY : 0);
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
