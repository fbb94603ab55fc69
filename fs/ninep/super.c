/* SPDX-License-Identifier: BSD-2-Clause */
/* 9p as a whole: mount options, the session's beginning and end, statfs. */
#include <asm/statfs.h>
#include <linux/magic.h>
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

struct options {
    const char *uname, *aname; /* in the copy of the text */
    u32 uid, message_size;
    bool keep, read_only, no_xattrs;
};

static int statfs(struct super *s, struct statfs *out)
{
    struct ninep_super *fs = ninep_super_of(s);
    struct ninep_fid *f = ninep_fid_of(s->root->inode);
    struct ninep_statfs got;
    int error = ninep_statfs(&fs->client, f, &got);

    ninep_fid_put(&fs->client, f);
    if (error)
        return error;
    out->f_bsize = got.block_size;
    out->f_frsize = got.block_size;
    out->f_blocks = (s64)got.blocks;
    out->f_bfree = (s64)got.free;
    out->f_bavail = (s64)got.available;
    out->f_files = (s64)got.files;
    out->f_ffree = (s64)got.files_free;
    out->f_namelen = got.name_length;
    out->f_fsid.val[0] = (int)got.id;
    out->f_fsid.val[1] = (int)(got.id >> 32);
    return 0;
}

static void free_super(struct ninep_super *fs)
{
    kfree(fs->table);
    kfree((char *)fs->super.source);
    kfree(fs);
}

static void destroy(struct super *s)
{
    struct ninep_super *fs = ninep_super_of(s);

    page_cache_sync_all();
    dentry_put(s->root);
    wait_event(&fs->no_nodes, READ_ONCE(fs->node_count) == 0, NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
    ninep_disconnect(&fs->client);
    free_super(fs);
}

static void show_options(struct super *s, char *buf, size_t n)
{
    struct ninep_super *fs = ninep_super_of(s);

    snprintf(buf, n, ",access=client,msize=%u%s%s,trans=virtio", fs->client.message_size,
             fs->keep ? ",cache=loose" : "", fs->no_xattrs ? ",noxattr" : "");
}

/* What was mounted to be read is cached in ways that do not bear writing. */
static int remount(struct super *s, bool *read_only, const char *options)
{
    return !*read_only && ninep_super_of(s)->read_only ? -EROFS : 0;
}

static const struct super_ops super_operations = {
    .statfs = statfs,
    .put_inode = ninep_put_inode,
    .destroy = destroy,
    .remount = remount,
    .options = show_options,
    .may = ninep_host_may,
};

/* ------------------------------------------------------------ options */

static int parse_number(const char *value, u32 *out)
{
    const char *end;
    u64 v;

    if (parse_u64(value, &end, 0, &v) || *end || v > UINT32_MAX)
        return -EINVAL;
    *out = (u32)v;
    return 0;
}

static bool is_one_of(const char *value, const char *const *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(value, words[i]))
            return true;
    return false;
}

/* One option; value is what follows '=', or NULL. Names are those of mount(8) on Linux. */
static int parse_option(const char *name, const char *value, struct options *o)
{
    static const char *const close_to_open[] = {"none", "mmap", "readahead"}, *const kept[] = {"loose", "fscache"};
    static const char *const accesses[] = {"any", "user", "client"};

    if (!value) {
        if (!strcmp(name, "ro") || !strcmp(name, "rw"))
            o->read_only = name[1] == 'o';
        else if (!strcmp(name, "noxattr"))
            o->no_xattrs = true;
        else
            return -EINVAL;
        return 0;
    }
    if (!strcmp(name, "trans"))
        return strcmp(value, "virtio") ? -EINVAL : 0;
    if (!strcmp(name, "version"))
        return strcmp(value, "9p2000.L") ? -EINVAL : 0;
    if (!strcmp(name, "access"))
        return is_one_of(value, accesses, ARRAY_SIZE(accesses)) ? 0 : -EINVAL;
    if (!strcmp(name, "cache")) {
        o->keep = is_one_of(value, kept, ARRAY_SIZE(kept));
        return o->keep || is_one_of(value, close_to_open, ARRAY_SIZE(close_to_open)) ? 0 : -EINVAL;
    }
    if (!strcmp(name, "msize"))
        return parse_number(value, &o->message_size) || o->message_size < 4096 ? -EINVAL : 0;
    if (!strcmp(name, "dfltuid"))
        return parse_number(value, &o->uid);
    if (!strcmp(name, "uname"))
        o->uname = value;
    else if (!strcmp(name, "aname"))
        o->aname = value;
    else
        return -EINVAL;
    return 0;
}

/* Cuts text into its options; it is changed. */
static int parse_options(char *text, struct options *o)
{
    while (text && *text) {
        char *next = strchr(text, ','), *value;
        int error = 0;

        if (next)
            *next++ = '\0';
        value = strchr(text, '=');
        if (value)
            *value++ = '\0';
        if (*text)
            error = parse_option(text, value, o);
        if (error)
            return error;
        text = next;
    }
    return 0;
}

/* ------------------------------------------------------------ mounting */

static int attach(struct ninep_super *fs, const struct options *o)
{
    struct ninep_fid *f = ninep_attach(&fs->client, o->uname, o->uid, o->aname);
    struct ninep_attr a;
    struct inode *root;
    int error = IS_ERR(f) ? (int)PTR_ERR(f) : ninep_getattr(&fs->client, f, &a);

    if (error) {
        if (!IS_ERR(f))
            ninep_fid_put(&fs->client, f);
        return error;
    }
    root = ninep_inode(fs, f, &a, 0);
    if (IS_ERR(root))
        return (int)PTR_ERR(root);
    fs->super.root = dentry_create_root(&fs->super, root);
    if (!IS_ERR(fs->super.root))
        return 0;
    inode_put(root);
    return -ENOMEM;
}

static struct super *mount(const char *source, const char *options)
{
    struct ninep_super *fs = kzalloc(sizeof(*fs));
    struct options o = {.uname = "root", .aname = ""};
    char *text = options ? kstrdup(options) : NULL;
    int error = !fs || (options && !text) ? -ENOMEM : parse_options(text, &o);

    if (!error) {
        fs->super = (struct super){.refs = 1,
                                   .type = "9p",
                                   .source = kstrdup(source),
                                   .magic = V9FS_MAGIC,
                                   .dev = super_new_dev(),
                                   .flags = (o.read_only ? SUPER_READ_ONLY : 0) |
                                            (ninep_host_is_limited() ? SUPER_LIMITED : 0),
                                   .block_size = PAGE_SIZE,
                                   .keep_names = true,
                                   .no_whiteouts = true,
                                   .ops = &super_operations};
        fs->keep = o.keep;
        fs->read_only = o.read_only;
        fs->no_xattrs = o.no_xattrs;
        wait_queue_init(&fs->no_nodes);
        error = fs->super.source ? ninep_connect(&fs->client, source, o.message_size) : -ENOMEM;
    }
    if (!error) {
        error = attach(fs, &o);
        if (error)
            ninep_disconnect(&fs->client);
    }
    kfree(text);
    if (!error)
        return &fs->super;
    if (fs)
        free_super(fs);
    return ERR_PTR(error);
}

const struct file_system_type ninep_type = {.name = "9p", .mount = mount};
