/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs as a whole: instances, mount options, limits and inodes. Names live as dentries only (each
 * existing name holds a reference on its dentry), data as RAM objects.
 */
#include <asm/statfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include "fs/tmpfs/tmpfs.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"


static void put_inode(struct inode *i)
{
    struct tmpfs *t = tmpfs_of(i->super);
    struct tmpfs_node *node = i->private;

    if (i->object)
        ram_object_limit(i->object, NULL);
    tmpfs_give_inode(t);
    tmpfs_free_xattrs(node);
    kfree(node->target);
    kfree(node);
}

static int tmpfs_statfs(struct super *s, struct statfs *out)
{
    struct tmpfs *t = tmpfs_of(s);
    u64 used = __atomic_load_n(&t->data.used, __ATOMIC_RELAXED);

    out->f_bsize = PAGE_SIZE;
    out->f_blocks = (s64)t->data.pages;
    out->f_bfree = out->f_bavail = t->data.pages > used ? (s64)(t->data.pages - used) : 0;
    out->f_files = (s64)t->inode_limit;
    out->f_ffree = t->inode_limit > t->inodes_used ? (s64)(t->inode_limit - t->inodes_used) : 0;
    return 0;
}

static void tmpfs_options(struct super *s, char *buf, size_t n)
{
    struct tmpfs *t = tmpfs_of(s);
    u32 mode = s->root->inode->mode & 07777;
    size_t at = 0;

    buf[0] = 0;
    if (t->data.pages)
        at += (size_t)scnprintf(buf + at, n - at, ",size=%lluk",
                                (unsigned long long)t->data.pages * 4);
    if (t->inode_limit)
        at += (size_t)scnprintf(buf + at, n - at, ",nr_inodes=%llu",
                                (unsigned long long)t->inode_limit);
    if (mode != 01777)
        scnprintf(buf + at, n - at, ",mode=%o", mode);
}

/*
 * Takes all names below d away, deepest first, so that inodes and dentries go. Nobody else can
 * reach them.
 */
static void drop_tree(struct dentry *d)
{
    struct dentry *child;

    while ((child = dentry_next_child(d, 0))) {
        drop_tree(child);
        dentry_unhash(child);
        dentry_put(child);
        dentry_put(child);
    }
}

static void tmpfs_destroy(struct super *s)
{
    drop_tree(s->root);
    dentry_put(s->root);
    kfree(tmpfs_of(s));
}

static int tmpfs_remount(struct super *s, bool *read_only, const char *text);

static const struct super_ops tmpfs_super_ops = {
    .statfs = tmpfs_statfs,
    .put_inode = put_inode,
    .destroy = tmpfs_destroy,
    .options = tmpfs_options,
    .remount = tmpfs_remount,
};

int tmpfs_take_inode(struct tmpfs *t)
{
    if (__atomic_add_fetch(&t->inodes_used, 1, __ATOMIC_RELAXED) <= t->inode_limit || !t->inode_limit)
        return 0;
    tmpfs_give_inode(t);
    return -ENOSPC;
}

void tmpfs_give_inode(struct tmpfs *t)
{
    __atomic_sub_fetch(&t->inodes_used, 1, __ATOMIC_RELAXED);
}

struct inode *tmpfs_inode(struct super *s, const struct inode *dir, u32 mode, u64 rdev)
{
    struct tmpfs *t = tmpfs_of(s);
    const struct inode_ops *ops = S_ISREG(mode)   ? &tmpfs_file_inode_ops
                                  : S_ISDIR(mode) ? &tmpfs_directory_inode_ops
                                  : S_ISLNK(mode) ? &tmpfs_symlink_inode_ops
                                                  : &tmpfs_special_inode_ops;
    struct tmpfs_node *node;
    struct inode *i;

    if (tmpfs_take_inode(t))
        return ERR_PTR(-ENOSPC);
    node = kzalloc(sizeof(*node));
    i = node ? inode_create(s, ops, mode, dir) : NULL;
    if (!i) {
        tmpfs_give_inode(t);
        kfree(node);
        return ERR_PTR(-ENOMEM);
    }
    list_init(&node->xattrs);
    i->flags = dir ? dir->flags & (FS_NODUMP_FL | FS_NOATIME_FL) : 0;
    i->private = node;
    i->rdev = rdev;
    if (S_ISDIR(mode)) {
        i->nlink = 2;
        i->size = 40;
    }
    if (S_ISREG(mode)) {
        i->object = ram_object_create(0);
        if (!i->object) {
            inode_put(i);
            return ERR_PTR(-ENOMEM);
        }
        ram_object_limit(i->object, t->data.pages ? &t->data : NULL);
    }
    return i;
}

struct super *tmpfs_create(const char *type, const char *source, u32 root_mode, u64 page_limit,
                           u64 inode_limit)
{
    struct tmpfs *t = kzalloc(sizeof(*t));
    struct inode *root;

    if (!t)
        return ERR_PTR(-ENOMEM);
    t->data.pages = page_limit;
    t->inode_limit = inode_limit;
    t->super = (struct super){.refs = 1,
                              .type = type,
                              .source = source,
                              .magic = TMPFS_MAGIC,
                              .dev = super_new_dev(),
                              .block_size = PAGE_SIZE,
                              .inode_flags = FS_NODUMP_FL | FS_NOATIME_FL | FS_APPEND_FL | FS_IMMUTABLE_FL,
                              .ops = &tmpfs_super_ops};
    root = tmpfs_inode(&t->super, NULL, S_IFDIR | root_mode, 0);
    if (!IS_ERR(root)) {
        t->super.root = dentry_create_root(&t->super, root);
        if (!IS_ERR(t->super.root))
            return &t->super;
        inode_put(root);
    }
    kfree(t);
    return ERR_PTR(-ENOMEM);
}

/* ------------------------------------------------------------ mount(2) */

/* "100m", "50%", … in bytes. */
static int parse_size(const char *s, size_t n, u64 *bytes)
{
    struct page_stats stats;
    const char *end;
    int error = parse_u64(s, &end, 0, bytes);

    if (error || end > s + n)
        return -EINVAL;
    if (end == s + n)
        return 0;
    switch (*end++) {
    case 'k':
    case 'K':
        *bytes <<= 10;
        break;
    case 'm':
    case 'M':
        *bytes <<= 20;
        break;
    case 'g':
    case 'G':
        *bytes <<= 30;
        break;
    case 't':
    case 'T':
        *bytes <<= 40;
        break;
    case '%':
        page_stats(&stats);
        *bytes = stats.total * PAGE_SIZE / 100 * *bytes;
        break;
    default:
        return -EINVAL;
    }
    return end == s + n ? 0 : -EINVAL;
}

/* What an option says, beside its value. */
struct options {
    u64 pages, inodes, mode, uid, gid;
    bool has_pages, has_inodes, read_only;
};

static bool option_is(const char *s, size_t name, const char *what)
{
    return strlen(what) == name && memcmp(s, what, name) == 0;
}

static bool is_hint(const char *value, size_t n)
{
    static const char *const hints[] = {"never", "always", "within_size", "advise", "default", "local", "interleave"};

    for (unsigned k = 0; k < ARRAY_SIZE(hints); k++)
        if (option_is(value, n, hints[k]))
            return true;
    return false;
}

static int parse_option(const char *s, size_t n, struct options *o)
{
    const char *value = memchr(s, '=', n), *end;
    size_t name = value ? (size_t)(value - s) : n, rest = value ? n - name - 1 : 0;
    u64 bytes;

    if (!value++ || !rest) {
        if (option_is(s, n, "ro") || option_is(s, n, "rw"))
            o->read_only = s[1] == 'o';
        else if (!option_is(s, n, "noswap") && !option_is(s, n, "inode32") && !option_is(s, n, "inode64"))
            return -EINVAL;
        return 0;
    }
    if (option_is(s, name, "size")) {
        if (parse_size(value, rest, &bytes))
            return -EINVAL;
        o->pages = (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
        o->has_pages = true;
        return 0;
    }
    if (option_is(s, name, "nr_blocks")) {
        o->has_pages = true;
        return parse_size(value, rest, &o->pages);
    }
    if (option_is(s, name, "nr_inodes")) {
        o->has_inodes = true;
        return parse_size(value, rest, &o->inodes);
    }
    /* Hints about pages and memory nodes: there is one node, and pages are what they are. */
    if (option_is(s, name, "huge") || option_is(s, name, "mpol"))
        return is_hint(value, rest) ? 0 : -EINVAL;
    if (option_is(s, name, "mode"))
        return parse_u64(value, &end, 8, &o->mode) || end != value + rest ? -EINVAL : 0;
    if (option_is(s, name, "uid") || option_is(s, name, "gid")) {
        u64 *id = s[0] == 'u' ? &o->uid : &o->gid;

        return parse_u64(value, &end, 10, id) || end != value + rest || *id >= UINT32_MAX ? -EINVAL : 0;
    }
    return -EINVAL;
}

static int parse_options(const char *s, struct options *o)
{
    while (s && *s) {
        const char *comma = strchr(s, ',');
        size_t n = comma ? (size_t)(comma - s) : strlen(s);

        if (n && parse_option(s, n, o))
            return -EINVAL;
        s += n + (comma ? 1 : 0);
    }
    return 0;
}

/* New limits, not below what is used nor where there was none. Owner and mode of the root stay. */
static int tmpfs_remount(struct super *s, bool *read_only, const char *text)
{
    struct tmpfs *t = tmpfs_of(s);
    struct options o = {.pages = t->data.pages, .inodes = t->inode_limit};
    int error = parse_options(text, &o);

    if (error)
        return error;
    if (o.has_pages && o.pages && (!t->data.pages || o.pages < __atomic_load_n(&t->data.used, __ATOMIC_RELAXED)))
        return -EINVAL;
    if (o.has_inodes && o.inodes && (!t->inode_limit || o.inodes < __atomic_load_n(&t->inodes_used, __ATOMIC_RELAXED)))
        return -EINVAL;
    t->data.pages = o.pages;
    t->inode_limit = o.inodes;
    *read_only |= o.read_only;
    return 0;
}

static struct super *tmpfs_mount(const char *source, const char *s)
{
    struct page_stats stats;
    struct options o = {.mode = 01777};
    struct super *super;

    page_stats(&stats);
    o.pages = stats.total / 2;
    o.inodes = stats.total;
    if (parse_options(s, &o))
        return ERR_PTR(-EINVAL);
    super = tmpfs_create("tmpfs", "tmpfs", (u32)o.mode & 07777, o.pages, o.inodes);
    if (!IS_ERR(super)) {
        super->root->inode->uid = (u32)o.uid;
        super->root->inode->gid = (u32)o.gid;
        super->flags |= o.read_only ? SUPER_READ_ONLY : 0;
    }
    return super;
}

const struct file_system_type tmpfs_type = {.name = "tmpfs", .mount = tmpfs_mount};
