/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes of tmpfs: a list on the inode, changed and read under its lock. */
#include <linux/xattr.h>
#include "fs/tmpfs/tmpfs.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/timer.h"

struct tmpfs_xattr {
    struct list link;
    size_t size;
    char *value;
    char name[];
};

static struct tmpfs_xattr *find(struct inode *i, const char *name)
{
    struct tmpfs_node *node = i->private;
    struct tmpfs_xattr *x;

    list_for_each(x, &node->xattrs, link)
        if (!strcmp(x->name, name))
            return x;
    return NULL;
}

static void discard(struct tmpfs_xattr *x)
{
    list_remove(&x->link);
    kfree(x->value);
    kfree(x);
}

void tmpfs_free_xattrs(struct tmpfs_node *node)
{
    struct tmpfs_xattr *x, *next;

    list_for_each_safe(x, next, &node->xattrs, link)
        discard(x);
}

ssize tmpfs_getxattr(struct inode *i, const char *name, void *value, size_t n)
{
    struct tmpfs_xattr *x;
    ssize result = -ENODATA;

    mutex_lock(&i->lock);
    x = find(i, name);
    if (x)
        result = (ssize)x->size;
    if (x && n) {
        if (x->size > n)
            result = -ERANGE;
        else
            memcpy(value, x->value, x->size);
    }
    mutex_unlock(&i->lock);
    return result;
}

static struct tmpfs_xattr *build(const char *name, const void *value, size_t n)
{
    size_t length = strlen(name);
    struct tmpfs_xattr *x = kmalloc(sizeof(*x) + length + 1);

    if (!x)
        return NULL;
    x->value = kmalloc(n ? n : 1);
    if (!x->value) {
        kfree(x);
        return NULL;
    }
    x->size = n;
    memcpy(x->value, value, n);
    memcpy(x->name, name, length + 1);
    return x;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *value, size_t n, int flags)
{
    struct tmpfs_node *node = i->private;
    struct tmpfs_xattr *x = build(name, value, n), *old;
    int error = 0;

    if (!x)
        return -ENOMEM;
    mutex_lock(&i->lock);
    old = find(i, name);
    if (old && flags & XATTR_CREATE)
        error = -EEXIST;
    else if (!old && flags & XATTR_REPLACE)
        error = -ENODATA;
    if (!error) {
        list_add_tail(old ? &old->link : &node->xattrs, &x->link);
        if (old)
            discard(old);
        i->ctime = (s64)clock_realtime();
    } else {
        list_init(&x->link);
        discard(x);
    }
    mutex_unlock(&i->lock);
    return error;
}

ssize tmpfs_listxattr(struct inode *i, char *list, size_t n)
{
    struct tmpfs_node *node = i->private;
    struct tmpfs_xattr *x;
    size_t need = 0;

    mutex_lock(&i->lock);
    list_for_each(x, &node->xattrs, link) {
        size_t length = strlen(x->name) + 1;

        if (need + length <= n)
            memcpy(list + need, x->name, length);
        need += length;
    }
    mutex_unlock(&i->lock);
    return n && need > n ? -ERANGE : (ssize)need;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
    struct tmpfs_xattr *x;

    mutex_lock(&i->lock);
    x = find(i, name);
    if (x) {
        discard(x);
        i->ctime = (s64)clock_realtime();
    }
    mutex_unlock(&i->lock);
    return x ? 0 : -ENODATA;
}
