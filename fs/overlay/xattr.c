/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes through an overlay. Its own, trusted.overlay.*, are not shown; an attribute
 * that a program gives such a name is stored as trusted.overlay.overlay.*, so that overlays can be
 * prepared inside of overlays (as Linux does since 6.7).
 */
#include <linux/xattr.h>
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

#define PREFIX_LENGTH (sizeof(OVERLAY_XATTR_PREFIX) - 1)
#define ESCAPED OVERLAY_XATTR_PREFIX "overlay."

static bool is_own(const char *name)
{
    return !strncmp(name, OVERLAY_XATTR_PREFIX, PREFIX_LENGTH);
}

static bool is_escaped(const char *name)
{
    return !strncmp(name, ESCAPED, sizeof(ESCAPED) - 1);
}

/* The name as it is stored: name itself, or buf, which has room for a name. NULL: too long. */
static const char *stored_name(const char *name, char *buf)
{
    if (!is_own(name))
        return name;
    return snprintf(buf, XATTR_NAME_MAX + 1, ESCAPED "%s", name + PREFIX_LENGTH) <= XATTR_NAME_MAX
               ? buf
               : NULL;
}

ssize overlay_getxattr(struct inode *i, const char *name, void *value, size_t n)
{
    struct inode *real = overlay_real(i);
    char buf[XATTR_NAME_MAX + 1];

    name = stored_name(name, buf);
    if (!real->ops->getxattr || !name)
        return -EOPNOTSUPP;
    return real->ops->getxattr(real, name, value, n);
}

/* Ends a change: the upper inode's ctime has moved. */
static int changed(struct inode *i, int error)
{
    if (!error)
        i->ctime = overlay_upper(i)->ctime;
    return error;
}

int overlay_setxattr(struct inode *i, const char *name, const void *value, size_t n, int flags)
{
    char buf[XATTR_NAME_MAX + 1];
    struct inode *upper;
    int error;

    name = stored_name(name, buf);
    if (!name)
        return -EOPNOTSUPP;
    error = overlay_copy_up(i, ~0ull);
    if (error)
        return error;
    upper = overlay_upper(i);
    if (!upper->ops->setxattr)
        return -EOPNOTSUPP;
    return changed(i, upper->ops->setxattr(upper, name, value, n, flags));
}

int overlay_removexattr(struct inode *i, const char *name)
{
    char buf[XATTR_NAME_MAX + 1];
    struct inode *upper;
    ssize there = overlay_getxattr(i, name, NULL, 0);
    int error;

    if (there < 0)
        return (int)there;
    error = overlay_copy_up(i, ~0ull);
    if (error)
        return error;
    upper = overlay_upper(i);
    if (!upper->ops->removexattr)
        return -EOPNOTSUPP;
    return changed(i, upper->ops->removexattr(upper, stored_name(name, buf)));
}

/* All attributes of a real inode: allocated, *n bytes. NULL with *n 0: none, or an errno. */
static char *list_real(struct inode *real, ssize *n)
{
    char *list;

    *n = real->ops->listxattr ? real->ops->listxattr(real, NULL, 0) : 0;
    if (*n <= 0)
        return NULL;
    list = kmalloc(XATTR_LIST_MAX);
    *n = list ? real->ops->listxattr(real, list, XATTR_LIST_MAX) : -ENOMEM;
    return list;
}

ssize overlay_listxattr(struct inode *i, char *list, size_t n)
{
    ssize total;
    char *real = list_real(overlay_real(i), &total);
    size_t need = 0, length;

    for (char *name = real; total > 0 && name < real + total; name += length) {
        char *shown = name;
        size_t bytes = length = strlen(name) + 1;

        if (is_own(name) && !is_escaped(name))
            continue;
        if (is_own(name)) {
            shown = name + sizeof("overlay.") - 1;
            bytes = length - (sizeof("overlay.") - 1);
            memmove(shown, name, PREFIX_LENGTH);
        }
        if (need + bytes <= n)
            memcpy(list + need, shown, bytes);
        need += bytes;
    }
    kfree(real);
    if (total < 0)
        return total;
    return n && need > n ? -ERANGE : (ssize)need;
}

static int copy_one(struct inode *from, struct inode *to, const char *name, void *value)
{
    ssize n = from->ops->getxattr ? from->ops->getxattr(from, name, value, XATTR_SIZE_MAX)
                                  : -EOPNOTSUPP;
    int error;

    if (n < 0)
        return n == -ENODATA ? 0 : (int)n;
    error = to->ops->setxattr ? to->ops->setxattr(to, name, value, (size_t)n, 0) : -EOPNOTSUPP;
    return error == -EOPNOTSUPP ? 0 : error;
}

int overlay_copy_xattrs(struct inode *from, struct inode *to)
{
    ssize total;
    char *list = list_real(from, &total);
    void *value = total > 0 ? kmalloc(XATTR_SIZE_MAX) : NULL;
    int error = total < 0 ? (int)total : total && !value ? -ENOMEM : 0;

    for (char *name = list; !error && name < list + total; name += strlen(name) + 1)
        if (!is_own(name) || is_escaped(name))
            error = copy_one(from, to, name, value);
    kfree(value);
    kfree(list);
    return error;
}
