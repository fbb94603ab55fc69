/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an object back to its path, for getcwd(2) and /proc. Each step up reads the name and the
 * parent under the parent's lock, so a rename beside it gives the old or the new path, or once in a
 * while a mix of both.
 */
#include "fs/vfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

/*
 * Replaces p's dentry by its parent and puts the name before *at (NUL not included). False: no
 * room.
 */
static bool step_up(struct path_ref *p, char *start, char **at)
{
    struct dentry *d = p->dentry, *parent;
    bool fits;

    for (;;) {
        parent = READ_ONCE(d->parent);
        spin_lock(&parent->children_lock);
        if (READ_ONCE(d->parent) == parent)
            break;
        spin_unlock(&parent->children_lock);
    }
    fits = (size_t)(*at - start) > d->name_length;
    if (fits) {
        *at -= d->name_length;
        memcpy(*at, d->name, d->name_length);
        *--*at = '/';
    }
    dentry_get(parent);
    spin_unlock(&parent->children_lock);
    p->dentry = parent;
    dentry_put(d);
    return fits;
}

static bool prepend(char *start, char **at, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(*at - start) < n)
        return false;
    *at -= n;
    memcpy(*at, text, n);
    return true;
}

ssize vfs_path_of(const struct path_ref *p, char *buf, size_t n)
{
    struct path_ref walk = *p, root;
    char *at = buf + n;
    bool fits, any = false, reachable = true;

    if (n < 2)
        return -ENAMETOOLONG;
    fs_root(&root);
    path_get(&walk);
    *--at = 0;
    fits = !p->dentry->unlinked || prepend(buf, &at, " (deleted)");
    while (fits && !path_equal(&walk, &root)) {
        if (walk.dentry == walk.mount->root) {
            if (mount_cross_up(&walk))
                continue;
            reachable = walk.mount == root.mount && walk.dentry == root.dentry;
            break;
        }
        if (walk.dentry->parent == walk.dentry) {
            /* No place in any tree: a memfd and the like. */
            fits = prepend(buf, &at, walk.dentry->name) && prepend(buf, &at, "/");
            any = true;
            break;
        }
        fits = step_up(&walk, buf, &at);
        any = true;
    }
    if (fits && !any)
        fits = prepend(buf, &at, "/");
    if (fits && !reachable)
        fits = prepend(buf, &at, "(unreachable)");
    path_put(&walk);
    path_put(&root);
    if (!fits)
        return -ENAMETOOLONG;
    n = (size_t)(buf + n - at);
    memmove(buf, at, n);
    return (ssize)n;
}

ssize vfs_file_path(struct file *f, char *buf, size_t n)
{
    struct path_ref p = {f->mount, f->dentry};
    struct stat st;

    if (f->dentry)
        return vfs_path_of(&p, buf, n);
    if (f->ops->kind[0] == '/' || !strncmp(f->ops->kind, "anon_inode:", 11))
        return scnprintf(buf, n, "%s", f->ops->kind) + 1;
    if (file_stat(f, &st))
        return -ENOENT;
    return scnprintf(buf, n, "%s:[%llu]", S_ISFIFO(st.st_mode) ? "pipe" : f->ops->kind,
                     (unsigned long long)st.st_ino) + 1;
}
