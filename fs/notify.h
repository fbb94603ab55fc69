/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VFS tells those who watch files: one call beside each change, in the order of inotify(7). While nobody
 * watches anything, each costs one look at notify_watches. Masks are IN_* of <linux/inotify.h>; IN_ISDIR is added here.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <linux/inotify.h>
#include "fs/vfs.h"

/* Watches there are in the VM. Atomic. */
extern u32 notify_watches;

static inline bool notify_wanted(void)
{
    return unlikely(READ_ONCE(notify_watches) != 0);
}

/* ------------------------------------------------------------ fs/notify.c: called when somebody watches something */

/* About the object itself and nobody else. i is referenced. */
void notify_object(struct inode *i, u32 mask);
/* About an object, to those who watch it or the directory that d is in. unlinked: IN_EXCL_UNLINK keeps it back. */
void notify_both(struct dentry *d, u32 mask, bool unlinked);
/* A name in dir came or went; about is what it stands for. */
void notify_name(struct inode *dir, u32 mask, const char *name, size_t n, const struct inode *about, u32 cookie);
/* The last name of i and its dentry have gone: the end of its watches. */
void notify_gone(struct inode *i);
/* d, which nobody uses any more, is about to go. */
void notify_released(struct dentry *d);
/* d was just taken out of dir, which is locked: IN_DELETE and what belongs before it. */
void notify_removed(struct inode *dir, struct dentry *d);
/* i went from one name to another; replaced may be NULL. Both directories are locked. */
void notify_moved(struct inode *from, const char *old_name, size_t old_length, struct inode *to, const char *name,
                  size_t length, struct inode *i, struct inode *replaced);
/* The attributes ATTR_* of d's inode were changed. */
void notify_changed(struct dentry *d, u32 attributes);
/* Nothing of s will be used any more. */
void notify_unmounted(struct super *s);

/* ------------------------------------------------------------ the hooks */

/* Something was done by way of an open file. */
static inline void notify_file(struct file *f, u32 mask)
{
    if (notify_wanted() && f->dentry && !(f->mode & FILE_PATH))
        notify_both(f->dentry, mask, f->dentry->unlinked);
}

static inline void notify_created(struct inode *dir, struct dentry *d)
{
    if (notify_wanted())
        notify_name(dir, IN_CREATE, d->name, d->name_length, d->inode, 0);
}

/* ------------------------------------------------------------ fs/inotify.c */

/* Queues an event to all who watch i. name NULL: about i itself. Atomic. */
void notify_tell(struct inode *i, u32 mask, const char *name, size_t n, u32 cookie, bool unlinked);
/* Ends all watches of i. Drops references that may be the last but for the caller's. */
void notify_end(struct inode *i);

/* fs.inotify.* of sysctl. */
enum { INOTIFY_QUEUED_EVENTS, INOTIFY_INSTANCES, INOTIFY_WATCHES, INOTIFY_LIMITS };
u32 inotify_limit(unsigned which);
void inotify_set_limit(unsigned which, u32 value);

/* ERR_PTR(-ENOMEM), -EMFILE: as many as max_user_instances. */
struct file *inotify_file_create(u32 open_flags);
bool file_is_inotify(const struct file *f);
/* inotify_add_watch(2) on an object found; mask has been checked. The watch, or negative errno. */
int inotify_add(struct file *f, struct inode *i, u32 mask);
int inotify_remove(struct file *f, int wd);

#endif
