/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path resolution, as path_resolution(7) and openat2(2) describe it. A walk holds a reference on
 * where it is, and on nothing else; a symlink's text replaces the path that is left, in a buffer of
 * the walk's own.
 */
#include <linux/mount.h>
#include <linux/openat2.h>
#include "fs/walk.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"

#define MAX_LINKS 40

/* The copy that the running thread was lent for this argument; NULL: none. */
static const struct path_name *lent_path(const char *user)
{
    const struct lent *l = current_thread()->lent;

    for (unsigned i = 0; l && i < ARRAY_SIZE(l->paths); i++)
        if (l->paths[i] && l->user_paths[i] == user)
            return l->paths[i];
    return NULL;
}

int path_name_get(struct path_name *n, const char *user)
{
    const struct path_name *lent = lent_path(user);

    if (unlikely(lent != NULL)) {
        n->string = lent->string; /* who lent it frees it */
        n->length = lent->length;
        n->lent = true;
        return 0;
    }
    n->lent = false;
    ssize length = copy_string_from_user(n->fast, user, sizeof(n->fast));

    n->string = n->fast;
    if (length == -ENAMETOOLONG) {
        n->string = kmalloc(PATH_MAX);
        if (!n->string)
            return -ENOMEM;
        length = copy_string_from_user(n->string, user, PATH_MAX);
        if (length < 0)
            kfree(n->string);
    }
    if (length < 0)
        return (int)length;
    n->length = (size_t)length;
    return 0;
}

void path_name_put(struct path_name *n)
{
    if (n->string != n->fast && !n->lent)
        kfree(n->string);
}

int path_base(int dirfd, struct path_ref *out)
{
    struct file *f;
    int error;

    if (dirfd == AT_FDCWD) {
        fs_cwd(out);
        return 0;
    }
    f = fd_get_path(dirfd);
    if (!f)
        return -EBADF;
    error = file_path_ref(f, out);
    file_put(f);
    return error;
}

static void need_root(struct walk *w)
{
    if (!w->root.dentry)
        fs_root(&w->root);
}

/* Goes to the root, for an absolute symlink. */
static int jump_root(struct walk *w)
{
    if (w->resolve & RESOLVE_BENEATH)
        return -EXDEV;
    need_root(w);
    if (w->resolve & RESOLVE_NO_XDEV && w->at.mount != w->root.mount)
        return -EXDEV;
    path_put(&w->at);
    w->at = w->root;
    path_get(&w->at);
    return 0;
}

int walk_begin(struct walk *w, int dirfd, const char *path, u64 resolve)
{
    int error;

    memset(w, 0, sizeof(*w));
    w->rest = path;
    w->resolve = resolve;
    w->scoped = resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT);
    if (path[0] == '/' && !(resolve & RESOLVE_IN_ROOT)) {
        if (resolve & RESOLVE_BENEATH)
            return -EXDEV;
        fs_root(&w->at);
        return 0;
    }
    error = path_base(dirfd, &w->at);
    if (error)
        return error;
    if (path[0] && !S_ISDIR(w->at.dentry->inode->mode)) {
        error = -ENOTDIR;
    } else if (w->scoped) {
        w->root = w->at;
        path_get(&w->root);
    }
    if (error)
        walk_end(w);
    return error;
}

void walk_end(struct walk *w)
{
    path_put(&w->at);
    path_put(&w->root);
    kfree(w->buffer);
    w->buffer = NULL;
}

/* Steps to the child d (reference taken over) and down into what is mounted on it. */
static int step_to(struct walk *w, struct dentry *d)
{
    struct dentry *from = w->at.dentry;

    w->at.dentry = d;
    dentry_put(from);
    while (unlikely(READ_ONCE(w->at.dentry->mountpoint)) && mount_cross_down(&w->at))
        if (w->resolve & RESOLVE_NO_XDEV)
            return -EXDEV;
    return 0;
}

static int step_up(struct walk *w)
{
    struct dentry *parent, *from;

    need_root(w);
    for (;;) {
        if (path_equal(&w->at, &w->root))
            return w->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
        if (w->at.dentry != w->at.mount->root)
            break;
        if (!mount_cross_up(&w->at))
            return 0;
        if (w->resolve & RESOLVE_NO_XDEV)
            return -EXDEV;
    }
    from = w->at.dentry;
    for (;;) {
        parent = READ_ONCE(from->parent);
        spin_lock(&parent->children_lock);
        if (READ_ONCE(from->parent) == parent)
            break;
        spin_unlock(&parent->children_lock);
    }
    dentry_get(parent);
    spin_unlock(&parent->children_lock);
    return step_to(w, parent);
}

/* A dentry found: itself, or -ENOENT where it says that the name misses. */
static struct dentry *positive(struct dentry *d)
{
    if (likely(d->inode))
        return d;
    dentry_put(d);
    return ERR_PTR(-ENOENT);
}

/* Asks the file system for a name that is not known. The directory is locked. */
static struct dentry *lookup_new(struct dentry *dir, const char *name, size_t length)
{
    struct super *s = dir->inode->super;
    struct dentry *d = dentry_create(dir, name, length);
    int error;

    if (IS_ERR(d))
        return d;
    error = dir->inode->ops->lookup(dir->inode, d);
    if (error) {
        dentry_put(d);
        return ERR_PTR(error);
    }
    if (s->keep_names ? !dir->unlinked : d->inode && !s->volatile_names)
        dentry_hash(d);
    return positive(d);
}

/* What is known of the name, if it is still so; otherwise that goes to *stale. */
static struct dentry *find_known(struct dentry *dir, const char *name, size_t length, struct dentry **stale)
{
    struct inode *i = dir->inode;
    struct dentry *d = likely(!i->super->volatile_names) ? dentry_find(dir, name, length) : NULL;

    if (likely(!i->ops->revalidate) || !d || i->ops->revalidate(i, d) > 0)
        return d;
    *stale = d;
    return NULL;
}

/* path_lookup_child(); path: the name and what will be looked up below it, or NULL. */
static struct dentry *lookup_child(struct dentry *dir, const char *name, size_t length, bool locked, const char *path)
{
    struct inode *i = dir->inode;
    struct dentry *stale = NULL, *d;

    if (length > NAME_MAX)
        return ERR_PTR(dir->unlinked ? -ENOENT : -ENAMETOOLONG);
    d = find_known(dir, name, length, &stale);
    if (d)
        return positive(d);
    if (!i->ops->lookup)
        return ERR_PTR(-ENOENT);
    if (path && i->ops->look_ahead)
        i->ops->look_ahead(dir, path);
    if (!locked)
        mutex_lock(&i->lock);
    if (stale && stale->parent == dir)
        dentry_unhash(stale);
    d = i->super->volatile_names ? NULL : dentry_find(dir, name, length);
    d = d ? positive(d) : lookup_new(dir, name, length);
    if (!locked)
        mutex_unlock(&i->lock);
    if (stale)
        dentry_put(stale);
    return d;
}

struct dentry *path_lookup_child(struct dentry *dir, const char *name, size_t length, bool locked)
{
    return lookup_child(dir, name, length, locked, NULL);
}

/* Puts the text of a symlink before the path that is left. */
static int push_link(struct walk *w, struct inode *link)
{
    size_t left = strlen(w->rest), room = MIN(link->size ? link->size : PATH_MAX, (u64)PATH_MAX);
    char *buffer = kmalloc(room + left + 1);
    ssize n;

    if (!buffer)
        return -ENOMEM;
    n = link->ops->readlink ? link->ops->readlink(link, buffer, room) : -EINVAL;
    if (n == 0)
        n = -ENOENT;
    if (n < 0) {
        kfree(buffer);
        return (int)n;
    }
    memcpy(buffer + n, w->rest, left + 1);
    kfree(w->buffer);
    w->buffer = buffer;
    w->rest = buffer;
    return buffer[0] == '/' ? jump_root(w) : 0;
}

/* A link of /proc: straight to the object. */
static int jump(struct walk *w, struct inode *link)
{
    struct path_ref to = {0};
    int error;

    if (w->resolve & RESOLVE_NO_MAGICLINKS)
        return -ELOOP;
    error = link->ops->follow(link, &to);
    if (error)
        return error;
    if ((w->resolve & RESOLVE_NO_XDEV && to.mount != w->at.mount) || w->scoped) {
        path_put(&to);
        return -EXDEV;
    }
    path_put(&w->at);
    w->at = to;
    return 0;
}

int walk_follow(struct walk *w, struct dentry *d)
{
    struct inode *link = d->inode;
    int error;

    if (++w->links > MAX_LINKS || w->resolve & RESOLVE_NO_SYMLINKS ||
        w->at.mount->flags & MS_NOSYMFOLLOW)
        error = -ELOOP;
    else {
        inode_accessed(link, w->at.mount);
        error = link->ops->follow ? jump(w, link) : push_link(w, link);
    }
    dentry_put(d);
    return error ? error : 1;
}

static int may_search(struct walk *w)
{
    struct inode *dir = w->at.dentry->inode;

    if (unlikely(!S_ISDIR(dir->mode)))
        return -ENOTDIR;
    return inode_permission_as(dir, MAY_EXEC, w->real_ids);
}

/* Splits the next component off rest. False: there is none (only slashes). */
static bool next_component(struct walk *w)
{
    const char *p = w->rest;

    while (*p == '/')
        p++;
    w->last = p;
    while (*p && *p != '/')
        p++;
    w->last_length = (size_t)(p - w->last);
    w->rest = p;
    w->kind = LAST_NORMAL;
    if (w->last[0] == '.' && w->last_length == 1)
        w->kind = LAST_DOT;
    else if (w->last[0] == '.' && w->last[1] == '.' && w->last_length == 2)
        w->kind = LAST_DOT_DOT;
    return w->last_length > 0;
}

static bool only_slashes(const char *s)
{
    while (*s == '/')
        s++;
    return !*s;
}

/* The next step's dentry. RESOLVE_CACHED: what would have to be asked for is -EAGAIN. path: as for lookup_child(). */
static struct dentry *find_step(struct walk *w, const char *path)
{
    struct dentry *dir = w->at.dentry, *d;

    if (likely(!(w->resolve & RESOLVE_CACHED)) || !dir->inode->ops->lookup)
        return lookup_child(dir, w->last, w->last_length, false, path);
    d = dir->inode->super->volatile_names || dir->inode->ops->revalidate ? NULL : dentry_find(dir, w->last, w->last_length);
    return d ? positive(d) : ERR_PTR(-EAGAIN);
}

/* Walks one component that is not the last. */
static int walk_component(struct walk *w)
{
    struct dentry *d;

    if (w->kind == LAST_DOT)
        return 0;
    if (w->kind == LAST_DOT_DOT)
        return step_up(w);
    d = find_step(w, w->last);
    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    if (unlikely(S_ISLNK(d->inode->mode))) {
        int error = walk_follow(w, d);

        return error < 0 ? error : 0;
    }
    return step_to(w, d);
}

int walk_parent(struct walk *w)
{
    for (;;) {
        int error;

        if (!next_component(w)) {
            w->kind = LAST_ROOT;
            w->trailing_slash = false;
            return 0;
        }
        error = may_search(w);
        if (error)
            return error;
        if (only_slashes(w->rest)) {
            w->trailing_slash = *w->rest != 0;
            return 0;
        }
        error = walk_component(w);
        if (error)
            return error;
    }
}

int walk_last(struct walk *w, bool follow)
{
    struct dentry *d;

    if (w->kind == LAST_ROOT || w->kind == LAST_DOT)
        return 0;
    if (w->kind == LAST_DOT_DOT)
        return step_up(w);
    d = find_step(w, NULL);
    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    if (S_ISLNK(d->inode->mode) && (follow || w->trailing_slash)) {
        int error = walk_follow(w, d);

        return error;
    }
    return step_to(w, d);
}

int path_find(int dirfd, const char *path, u32 flags, u64 resolve, struct path_ref *out)
{
    bool want_directory = flags & FIND_DIRECTORY;
    struct walk w;
    int error;

    if (!path[0] && !(flags & FIND_EMPTY))
        return -ENOENT;
    error = walk_begin(&w, dirfd, path, resolve);
    if (error)
        return error;
    w.real_ids = flags & FIND_REAL_IDS;
    do {
        error = walk_parent(&w);
        if (!error) {
            want_directory |= w.trailing_slash;
            error = walk_last(&w, flags & FIND_FOLLOW);
        }
    } while (error > 0);
    if (!error && want_directory && !S_ISDIR(w.at.dentry->inode->mode))
        error = -ENOTDIR;
    if (!error) {
        *out = w.at;
        w.at = (struct path_ref){0};
    }
    walk_end(&w);
    return error;
}

int path_parent(int dirfd, const char *path, u64 resolve, struct path_last *out)
{
    struct walk w;
    int error;

    if (!path[0])
        return -ENOENT;
    error = walk_begin(&w, dirfd, path, resolve);
    if (error)
        return error;
    error = walk_parent(&w);
    if (error) {
        walk_end(&w);
        return error;
    }
    *out = (struct path_last){.parent = w.at,
                              .name = w.last,
                              .length = w.last_length,
                              .dot = w.kind == LAST_DOT,
                              .dot_dot = w.kind == LAST_DOT_DOT,
                              .root = w.kind == LAST_ROOT,
                              .trailing_slash = w.trailing_slash,
                              .owned = w.buffer};
    w.at = (struct path_ref){0};
    w.buffer = NULL;
    walk_end(&w);
    return 0;
}

void path_last_put(struct path_last *l)
{
    path_put(&l->parent);
    kfree(l->owned);
}
