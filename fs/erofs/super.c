/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EROFS as a whole: mounting an image that is in memory, or in a file or disk. Linux always mounts it read-only, and so does this.
 * An image in a file is read through that file, whose own cache keeps the metadata.
 */
#include <asm/statfs.h>
#include <linux/magic.h>
#include "fs/block_device.h"
#include "fs/erofs/erofs.h"
#include "fs/io.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

static int read_file(struct erofs_source *s, u64 offset, size_t n, void *buf)
{
    struct file *f = container_of(s, struct erofs, source)->file;
    struct io io;

    io_init_kernel(&io, buf, n);
    while (io.left) {
        ssize got = f->ops->read(f, &io, &offset, 0);
        if (got <= 0)
            return got ? (int)got : -EIO;
    }
    return 0;
}

static int statfs(struct super *s, struct statfs *out)
{
    struct erofs *fs = erofs_of(s);

    out->f_bsize = EROFS_BLOCK;
    out->f_blocks = (s64)fs->image.blocks;
    out->f_files = -1; /* as Linux has it: no limit */
    out->f_ffree = -1 - (s64)fs->image.inodes;
    out->f_namelen = EROFS_NAME_MAX;
    return 0;
}

static void free_super(struct erofs *fs)
{
    if (fs->file)
        file_put(fs->file);
    radix_destroy(&fs->inodes);
    kfree((char *)fs->super.source);
    kfree(fs);
}

static void destroy(struct super *s)
{
    dentry_put(s->root);
    free_super(erofs_of(s));
}

/* Asked to be writable it says yes and stays what it is, as on Linux. */
static int remount(struct super *s, bool *read_only, const char *options)
{
    *read_only = true;
    return 0;
}

static const struct super_ops super_operations = {
    .statfs = statfs,
    .put_inode = erofs_put_inode,
    .destroy = destroy,
    .remount = remount,
};

/* Takes fs over, whose source is set. */
static struct super *finish_mount(struct erofs *fs, const char *source)
{
    char why[120];
    struct inode *root;

    fs->super = (struct super){.refs = 1,
                               .type = "erofs",
                               .source = kstrdup(source),
                               .magic = EROFS_SUPER_MAGIC_V1,
                               .dev = super_new_dev(),
                               .flags = SUPER_READ_ONLY,
                               .block_size = EROFS_BLOCK,
                               .keep_names = true,
                               .ops = &super_operations};
    spin_init(&fs->lock, LOCK_INODE_TABLE);
    int error = fs->super.source ? erofs_image_open(&fs->image, &fs->source, why, sizeof(why)) : -ENOMEM;
    if (error && fs->super.source)
        log_err("erofs: %s cannot be mounted: %s", source, why);
    if (!error) {
        root = erofs_inode(fs, fs->image.root_nid);
        error = IS_ERR(root) ? (int)PTR_ERR(root) : 0;
        if (!error && !S_ISDIR(root->mode))
            error = -EINVAL;
        if (!error) {
            fs->super.root = dentry_create_root(&fs->super, root);
            if (!IS_ERR(fs->super.root))
                return &fs->super;
            error = -ENOMEM;
        } else {
            log_err("erofs: %s has no usable root directory (error %d)", source, -error);
        }
        if (!IS_ERR(root))
            inode_put(root);
    }
    free_super(fs);
    return ERR_PTR(error);
}

struct super *erofs_mount_memory(const void *data, u64 size, const char *source)
{
    struct erofs *fs = kzalloc(sizeof(*fs));

    if (!fs)
        return ERR_PTR(-ENOMEM);
    fs->source = (struct erofs_source){.size = size, .memory = data};
    return finish_mount(fs, source);
}

static struct super *mount(const char *source, const char *options)
{
    struct erofs *fs;
    struct file *f;

    if (options && *options && strcmp(options, "ro"))
        return ERR_PTR(-EINVAL);
    f = vfs_open(AT_FDCWD, source, O_RDONLY, 0);
    if (IS_ERR(f))
        return (struct super *)f;
    /* Linux: a file, or a block device. */
    if (!f->ops->read || !(S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode))) {
        file_put(f);
        return ERR_PTR(-ENOTBLK);
    }
    fs = kzalloc(sizeof(*fs));
    if (!fs) {
        file_put(f);
        return ERR_PTR(-ENOMEM);
    }
    fs->file = f;
    fs->source = (struct erofs_source){.size = S_ISBLK(f->inode->mode) ? block_device_size(f) : inode_size(f->inode), .read = read_file, .read_data = read_file};
    return finish_mount(fs, source);
}

const struct file_system_type erofs_type = {.name = "erofs", .needs_device = true, .mount = mount};
