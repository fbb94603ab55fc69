/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a change in the tree to the inodes whose watchers hear of it (fs/notify.h). Who tells of a name holds the lock of
 * its directory, so that events about one name come in the order of what happened to it.
 */
#include "fs/notify.h"

u32 notify_watches;

static u32 with_type(u32 mask, const struct inode *about)
{
    return S_ISDIR(about->mode) ? mask | IN_ISDIR : mask;
}

void notify_object(struct inode *i, u32 mask)
{
    if (READ_ONCE(i->watches))
        notify_tell(i, with_type(mask, i), NULL, 0, 0, false);
}

void notify_both(struct dentry *d, u32 mask, bool unlinked)
{
    char name[NAME_MAX + 1];
    size_t length;
    struct dentry *parent = dentry_watched_parent(d, name, &length);

    mask = with_type(mask, d->inode);
    if (parent) {
        notify_tell(parent->inode, mask, name, length, 0, unlinked);
        dentry_put(parent);
    }
    if (READ_ONCE(d->inode->watches))
        notify_tell(d->inode, mask, NULL, 0, 0, unlinked);
}

void notify_name(struct inode *dir, u32 mask, const char *name, size_t n, const struct inode *about, u32 cookie)
{
    if (READ_ONCE(dir->watches))
        notify_tell(dir, with_type(mask, about), name, n, cookie, false);
}

void notify_gone(struct inode *i)
{
    notify_object(i, IN_DELETE_SELF);
    notify_end(i);
}

/* A directory has one name, whatever its count says. */
static bool nameless(const struct dentry *d)
{
    return d->unlinked && (S_ISDIR(d->inode->mode) || !d->inode->nlink);
}

void notify_removed(struct inode *dir, struct dentry *d)
{
    if (!S_ISDIR(d->inode->mode))
        notify_object(d->inode, IN_ATTRIB);
    /* Unless somebody has it open, this was the end of it. */
    if (nameless(d) && __atomic_load_n(&d->refs, __ATOMIC_ACQUIRE) == 1)
        notify_gone(d->inode);
    notify_name(dir, IN_DELETE, d->name, d->name_length, d->inode, 0);
}

void notify_released(struct dentry *d)
{
    if (nameless(d))
        notify_gone(d->inode);
}

void notify_moved(struct inode *from, const char *old_name, size_t old_length, struct inode *to, const char *name,
                  size_t length, struct inode *i, struct inode *replaced)
{
    static u32 last_cookie;
    u32 cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);

    notify_name(from, IN_MOVED_FROM, old_name, old_length, i, cookie);
    notify_name(to, IN_MOVED_TO, name, length, i, cookie);
    if (replaced)
        notify_object(replaced, IN_ATTRIB);
    notify_object(i, IN_MOVE_SELF);
}

void notify_changed(struct dentry *d, u32 attributes)
{
    u32 times = attributes & (ATTR_ATIME | ATTR_MTIME), mask = 0;

    if (attributes & (ATTR_UID | ATTR_GID | ATTR_MODE) || times == (ATTR_ATIME | ATTR_MTIME))
        mask |= IN_ATTRIB;
    else if (times)
        mask |= times == ATTR_ATIME ? IN_ACCESS : IN_MODIFY;
    if (attributes & ATTR_SIZE)
        mask |= IN_MODIFY;
    if (mask)
        notify_both(d, mask, false);
}
