/* SPDX-License-Identifier: BSD-2-Clause */
/* An overlay as a whole: mount options, the layers, statfs. */
#include <asm/statfs.h>
#include <linux/magic.h>
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define LOWERS_MAX 500 /* as many as Linux takes */

static int statfs_of_layer(struct super *s, struct statfs *out)
{
    struct overlay *o = container_of(s, struct overlay, super);
    struct super *layer = o->supers[0]; /* the upper's, else the topmost lower's */

    return layer->ops->statfs ? layer->ops->statfs(layer, out) : 0;
}

static int remount(struct super *s, bool *read_only, const char *options)
{
    return !*read_only && !container_of(s, struct overlay, super)->upper ? -EROFS : 0;
}

static void show_options(struct super *s, char *buf, size_t n)
{
    struct overlay *o = container_of(s, struct overlay, super);

    scnprintf(buf, n, "%s%s", o->options[0] ? "," : "", o->options);
}

static void destroy(struct super *s)
{
    struct overlay *o = container_of(s, struct overlay, super);

    if (s->root)
        dentry_put(s->root);
    if (o->whiteout)
        inode_put(o->whiteout);
    if (o->upper)
        dentry_put(o->upper);
    while (o->n_supers)
        super_put(o->supers[--o->n_supers]);
    kfree(o->supers);
    kfree(o->options);
    kfree(o);
}

/* What still is in a lower tree must be readable there, to be copied up if it is to change. */
static int may(struct inode *i, int mask)
{
    struct inode *real = overlay_real(i);

    if (!(real->super->flags & SUPER_LIMITED))
        return 0;
    if (mask & MAY_WRITE && !S_ISDIR(real->mode))
        mask |= MAY_READ;
    return real->super->ops->may(real, mask & ~MAY_WRITE);
}

static const struct super_ops overlay_super_ops = {
    .may = may,
    .statfs = statfs_of_layer,
    .put_inode = overlay_put_inode,
    .destroy = destroy,
    .remount = remount,
    .options = show_options,
};

/* ------------------------------------------------------------ making one */

static void add_super(struct overlay *o, struct super *s)
{
    for (unsigned n = 0; n < o->n_supers; n++)
        if (o->supers[n] == s)
            return;
    super_get(s);
    o->supers[o->n_supers++] = s;
    o->super.flags |= s->flags & SUPER_LIMITED;
}

/* The inode that whiteouts are links to: made under a name that no lookup finds, which goes at once. */
static int make_whiteout(struct overlay *o)
{
    struct inode *dir = o->upper->inode;
    struct dentry *d = dentry_create(o->upper, "#whiteout", 9);
    struct inode_attr keep = {.valid = ATTR_ATIME | ATTR_MTIME,
                              .atime = dir->atime,
                              .mtime = dir->mtime};
    int error;

    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    mutex_lock(&dir->lock);
    error = dir->ops->create(dir, d, S_IFCHR, 0);
    if (!error) {
        o->whiteout = d->inode;
        inode_get(o->whiteout);
        error = dir->ops->unlink(dir, d);
    }
    mutex_unlock(&dir->lock);
    dentry_put(d);
    inode_store(dir, &keep);
    return error;
}

static bool can_be_upper(const struct dentry *d)
{
    const struct inode_ops *ops = d->inode->ops;

    return ops->create && ops->mkdir && ops->symlink && ops->link && ops->unlink && ops->rmdir &&
           ops->rename && ops->tmpfile && ops->setxattr && ops->getxattr &&
           d->super->type != overlay_type.name && !d->super->volatile_names;
}

static int set_up(struct overlay *o, const struct path_ref *upper, const struct path_ref *lowers,
                  unsigned n_lowers)
{
    struct dentry **dirs = kmalloc(n_lowers * sizeof(*dirs));
    struct inode *i;
    int error = dirs ? 0 : -ENOMEM;

    if (upper) {
        o->upper = upper->dentry;
        dentry_get(o->upper);
        add_super(o, upper->dentry->super);
        if (!error)
            error = make_whiteout(o);
    }
    for (unsigned n = 0; n < n_lowers && !error; n++) {
        dirs[n] = lowers[n].dentry;
        add_super(o, dirs[n]->super);
    }
    if (!error) {
        i = overlay_inode(o, upper ? upper->dentry->inode : NULL, upper ? o->upper : NULL, dirs,
                          n_lowers, NULL);
        o->super.root = IS_ERR(i) ? ERR_PTR(-ENOMEM) : dentry_create_root(&o->super, i);
        error = IS_ERR(o->super.root) ? -ENOMEM : 0;
        if (!IS_ERR(i) && error)
            inode_put(i);
        if (error)
            o->super.root = NULL;
        else
            overlay_node(i)->dentry = o->super.root;
    }
    kfree(dirs);
    return error;
}

struct super *overlay_create(const struct path_ref *upper, const struct path_ref *lowers,
                             unsigned n_lowers, const char *options)
{
    struct overlay *o;
    int error;

    if (upper && !can_be_upper(upper->dentry)) {
        log_warn("overlay: %s cannot be an upper tree", upper->dentry->super->type);
        return ERR_PTR(-EINVAL);
    }
    o = kzalloc(sizeof(*o));
    if (!o)
        return ERR_PTR(-ENOMEM);
    spin_init(&o->aliases_lock, LOCK_INODE_TABLE);
    for (unsigned n = 0; n < OVERLAY_ALIAS_CHAINS; n++)
        list_init(&o->aliases[n]);
    o->supers = kmalloc((n_lowers + 1) * sizeof(*o->supers));
    o->options = kstrdup(options ? options : "");
    o->super = (struct super){.refs = 1,
                              .type = overlay_type.name,
                              .source = overlay_type.name,
                              .magic = OVERLAYFS_SUPER_MAGIC,
                              .dev = super_new_dev(),
                              .flags = upper ? 0 : SUPER_READ_ONLY,
                              .block_size = PAGE_SIZE,
                              .ops = &overlay_super_ops,
                              .keep_names = true,
                              .no_whiteouts = true};
    error = o->supers && o->options ? set_up(o, upper, lowers, n_lowers) : -ENOMEM;
    if (!error)
        return &o->super;
    destroy(&o->super);
    return ERR_PTR(error);
}

/* ------------------------------------------------------------ mount(2) */

struct options {
    char *lowers, *upper, *work; /* in the copy of the text */
};

/* Options that are off, or without effect where the upper tree is in memory. */
static bool is_accepted(const char *option)
{
    static const char *const accepted[] = {
        "redirect_dir=off",    "redirect_dir=nofollow", "index=off",    "nfs_export=off",
        "metacopy=off",        "xino=off",              "xino=auto",    "xino=on",
        "uuid=on",             "uuid=off",              "uuid=null",    "uuid=auto",
        "default_permissions", "volatile",              "verity=off",
    };

    for (unsigned n = 0; n < ARRAY_SIZE(accepted); n++)
        if (!strcmp(option, accepted[n]))
            return true;
    return false;
}

/* Takes backslashes away: what follows one is meant as it stands. */
static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++) {
        if (*s == '\\' && s[1])
            s++;
        *to++ = *s;
    }
    *to = 0;
}

/* Cuts text at the next separator that has no backslash before it; the rest, or NULL. */
static char *cut(char *text, char separator)
{
    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (*text == separator) {
            *text = 0;
            return text + 1;
        }
    }
    return NULL;
}

static int parse(char *text, struct options *o)
{
    while (text) {
        char *rest = cut(text, ',');

        if (!strncmp(text, "lowerdir=", 9))
            o->lowers = text + 9;
        else if (!strncmp(text, "upperdir=", 9))
            unescape(o->upper = text + 9);
        else if (!strncmp(text, "workdir=", 8))
            unescape(o->work = text + 8);
        else if (*text && !is_accepted(text))
            return -EINVAL;
        text = rest;
    }
    return 0;
}

/* A layer's path must be a directory: EINVAL, as Linux says here. */
static int find_directory(const char *path, struct path_ref *out)
{
    int error = path_find(AT_FDCWD, path, FIND_FOLLOW | FIND_DIRECTORY, 0, out);

    return error == -ENOTDIR ? -EINVAL : error;
}

/* workdir has to be what Linux asks for, though nothing but the directory "work" is put there. */
static int check_work(const char *path, const struct path_ref *upper)
{
    struct path_ref work;
    struct dentry *d;
    int error = find_directory(path, &work);
    bool apart;

    if (error)
        return error;
    mutex_lock(&rename_lock);
    apart = !dentry_is_below(work.dentry, upper->dentry) &&
            !dentry_is_below(upper->dentry, work.dentry);
    mutex_unlock(&rename_lock);
    if (work.mount != upper->mount || !apart)
        error = -EINVAL;
    if (!error) {
        struct inode *dir = work.dentry->inode;

        mutex_lock(&dir->lock);
        d = path_lookup_child(work.dentry, "work", 4, true);
        if (d == ERR_PTR(-ENOENT)) {
            d = dentry_create(work.dentry, "work", 4);
            error = IS_ERR(d) ? -ENOMEM
                    : dir->ops->mkdir ? dir->ops->mkdir(dir, d, S_IFDIR) : -EINVAL;
            if (!error)
                dentry_hash(d);
        }
        mutex_unlock(&dir->lock);
        if (!IS_ERR(d))
            dentry_put(d);
    }
    path_put(&work);
    return error;
}

static int find_upper(const struct options *o, struct path_ref *upper)
{
    int error;

    if (!o->upper)
        return 0;
    if (!o->work)
        return -EINVAL;
    error = find_directory(o->upper, upper);
    if (!error && mount_want_write(upper))
        error = -EINVAL;
    return error ? error : check_work(o->work, upper);
}

/* Finds the lowers: *n of them, allocated. */
static int find_lowers(char *text, struct path_ref **lowers, unsigned *n)
{
    int error = 0;

    *lowers = kzalloc(LOWERS_MAX * sizeof(**lowers));
    if (!*lowers)
        return -ENOMEM;
    while (text && !error) {
        char *rest = cut(text, ':');

        unescape(text);
        if (!*text || *n == LOWERS_MAX)
            error = -EINVAL;
        else
            error = find_directory(text, &(*lowers)[*n]);
        if (!error)
            ++*n;
        text = rest;
    }
    return error;
}

static struct super *overlay_mount(const char *source, const char *text)
{
    char *copy = kstrdup(text ? text : "");
    struct options o = {0};
    struct path_ref upper = {0}, *lowers = NULL;
    struct super *s = NULL;
    unsigned n = 0;
    int error = copy ? parse(copy, &o) : -ENOMEM;

    if (!error && !o.lowers)
        error = -EINVAL;
    if (!error)
        error = find_upper(&o, &upper);
    if (!error)
        error = find_lowers(o.lowers, &lowers, &n);
    if (!error && !o.upper && n < 2)
        error = -EINVAL; /* nothing would be merged */
    if (!error)
        s = overlay_create(o.upper ? &upper : NULL, lowers, n, text);
    while (n)
        path_put(&lowers[--n]);
    kfree(lowers);
    path_put(&upper);
    kfree(copy);
    return error ? ERR_PTR(error) : s;
}

const struct file_system_type overlay_type = {.name = "overlay", .mount = overlay_mount};
