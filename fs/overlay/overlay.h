/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An overlay: an upper tree that takes all changes over lower trees that nobody changes, shown as
 * one. The semantics are those of Linux's overlayfs with its default options (Linux:
 * Documentation/filesystems/overlayfs.rst): redirect_dir, index and metacopy off.
 *
 * What the VFS sees are the overlay's own dentries and inodes. An overlay inode names the real ones:
 * until it is copied up a file's is in a lower tree, from then on in the upper one; a directory may
 * have an upper and several lowers. The real inode has the truth about data and attributes; the
 * overlay inode has copies of those that the VFS looks at.
 *
 * An object that has a lower part never changes its place in the tree: it is copied up first, and
 * directories with a lower part are not renamed at all (EXDEV). That makes the path of what is
 * copied up stable without a lock on its ancestors.
 */
#ifndef FS_OVERLAY_OVERLAY_H
#define FS_OVERLAY_OVERLAY_H

#include "fs/vfs.h"

#define OVERLAY_ALIAS_CHAINS 64

struct overlay {
    struct super super;
    struct dentry *upper;     /* root of the upper tree, reference; NULL: read-only */
    struct inode *whiteout;   /* what all whiteouts are links to; reference */
    struct super **supers;    /* the layers' file systems, each once; references */
    unsigned n_supers;
    char *options;            /* as /proc/mounts shows them; owned */
    struct spinlock aliases_lock; /* LOCK_INODE_TABLE */
    struct list aliases[OVERLAY_ALIAS_CHAINS]; /* nodes whose upper inode may have several names */
};

/* inode->private of an overlay inode. */
struct overlay_node {
    struct inode *inode;      /* that it belongs to */
    struct inode *upper;      /* reference; NULL: not copied up. Set once, under lock, last of all */
    struct inode *lower;      /* reference: the file, or the first lower directory; NULL: none */
    struct dentry *upper_dir; /* of a directory that has upper: its dentry, reference */
    struct dentry *dentry;    /* the only name of what has a lower part; no reference */
    struct mutex lock;        /* LOCK_COPY_UP: being copied up, losing its name */
    bool removed;             /* the name is gone; lock */
    bool several_names;       /* of a lower file: copying up breaks the links, the number changes */
    struct list alias_link;   /* overlay.aliases */
    u32 n_lowers;
    struct dentry *lowers[];  /* of a directory; references */
};

static inline struct overlay *overlay_of(const struct inode *i)
{
    return container_of(i->super, struct overlay, super);
}

static inline struct overlay_node *overlay_node(const struct inode *i)
{
    return i->private;
}

/* The real inode in the upper tree, or NULL. */
static inline struct inode *overlay_upper(const struct inode *i)
{
    return __atomic_load_n(&overlay_node(i)->upper, __ATOMIC_ACQUIRE);
}

/* The real inode that has the data and the attributes now. It lives as long as i. */
static inline struct inode *overlay_real(const struct inode *i)
{
    struct inode *upper = overlay_upper(i);

    return upper ? upper : overlay_node(i)->lower;
}

static inline bool overlay_is_whiteout(const struct inode *i)
{
    return S_ISCHR(i->mode) && !i->rdev;
}

extern const struct file_system_type overlay_type;
/*
 * An overlay of trees that are mounted somewhere; upper NULL: read-only. The trees' mounts are not
 * kept, only what is mounted. options: for /proc/mounts, may be NULL. ERR_PTR(-EINVAL) if upper
 * cannot be one, -ENOMEM.
 */
struct super *overlay_create(const struct path_ref *upper, const struct path_ref *lowers,
                             unsigned n_lowers, const char *options);

/* ------------------------------------------------------------ inode.c */

/*
 * The overlay inode of real objects: upper (NULL: none; a directory's dentry is upper_dir) over
 * lowers (of a file: one). Takes references of its own. dentry: its name, NULL for O_TMPFILE.
 * ERR_PTR(-ENOMEM).
 */
struct inode *overlay_inode(struct overlay *o, struct inode *upper, struct dentry *upper_dir,
                            struct dentry *const *lowers, u32 n_lowers, struct dentry *dentry);
void overlay_put_inode(struct inode *i);
/* Takes over the attributes of real, i's inode in a layer. i is locked, or not yet known to be there. */
void overlay_refresh(struct inode *i, const struct inode *real);
/* i, which is in the upper tree, has got or lost a name. */
void overlay_names_changed(struct inode *i);
/* The number that an object of a layer shows as st_ino. */
u64 overlay_number(const struct overlay *o, const struct super *s, u64 ino);
u64 overlay_upper_number(const struct overlay *o, struct inode *upper);
/* The upper inode of i gets another name: i is what is found by it, too. */
void overlay_share(struct inode *i);

/* ------------------------------------------------------------ lookup.c */

bool overlay_is_opaque(struct inode *real);
int overlay_lookup(struct inode *dir, struct dentry *d);
void overlay_look_ahead(struct dentry *dir, const char *path);
/* Would the name show something of the lower trees if the upper had nothing? 0, 1, or an errno. */
int overlay_is_covered(struct inode *dir, const struct dentry *d);

/* ------------------------------------------------------------ xattr.c */

#define OVERLAY_XATTR_PREFIX "trusted.overlay."
#define OVERLAY_XATTR_OPAQUE OVERLAY_XATTR_PREFIX "opaque"
/* st_ino of a file that was copied up, 8 bytes. This kernel's own; Linux does not look at it. */
#define OVERLAY_XATTR_NUMBER OVERLAY_XATTR_PREFIX "aril.ino"

ssize overlay_getxattr(struct inode *i, const char *name, void *value, size_t n);
int overlay_setxattr(struct inode *i, const char *name, const void *value, size_t n, int flags);
ssize overlay_listxattr(struct inode *i, char *list, size_t n);
int overlay_removexattr(struct inode *i, const char *name);
/* Copies all that is not the overlay's own. 0 or negative errno. */
int overlay_copy_xattrs(struct inode *from, struct inode *to);

/* ------------------------------------------------------------ copy_up.c */

/*
 * Makes sure that i is in the upper tree, with the directories that lead to it; of a file's data
 * only the first size bytes are wanted. 0 or negative errno; then nothing of it is to be seen. May be
 * called with the overlay's inode locks held, not with a node's lock or a layer's inode lock.
 */
int overlay_copy_up(struct inode *i, u64 size);

/* ------------------------------------------------------------ names.c, rename.c */

int overlay_create_node(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
int overlay_mkdir(struct inode *dir, struct dentry *d, u32 mode);
int overlay_symlink(struct inode *dir, struct dentry *d, const char *target);
int overlay_link(struct inode *dir, struct dentry *d, struct inode *target);
int overlay_unlink(struct inode *dir, struct dentry *d);
int overlay_rmdir(struct inode *dir, struct dentry *d);
int overlay_tmpfile(struct inode *dir, struct inode **out, u32 mode);
int overlay_rename(struct inode *from, struct dentry *old, struct inode *to, struct dentry *new,
                   u32 flags);
/* The upper directory of dir, copied up if need be. ERR_PTR. */
struct dentry *overlay_writable(struct inode *dir);
/* Makes d, a dentry prepared in an upper directory (locked), a whiteout. 0 or negative errno. */
int overlay_put_whiteout(struct overlay *o, struct dentry *d);
/* Entries of dir have changed. dir is locked, and in the upper tree. */
void overlay_directory_changed(struct inode *dir);
/* i has lost a name. Its node is locked. */
void overlay_name_gone(struct inode *i);

/* ------------------------------------------------------------ directory.c */

struct overlay_listing;
int overlay_open_directory(struct inode *i, struct file *f);
/* What is in directory i, whiteouts included. ERR_PTR. */
struct overlay_listing *overlay_list(struct inode *i);
bool overlay_list_is_empty(const struct overlay_listing *l);
/* Removes the listed whiteouts from the upper directory (locked). 0 or negative errno. */
int overlay_clear_whiteouts(const struct overlay_listing *l, struct dentry *upper_dir);
void overlay_list_free(struct overlay_listing *l);

/* ------------------------------------------------------------ record.c */

/* The host wants to know what is looked at (parameter `record`). */
extern bool overlay_recording;
/* Tells it: what happened to d, which has a lower part. Sleeps; a layer's locks must not be held. */
void overlay_tell(const char *what, const struct dentry *d);

/* ------------------------------------------------------------ file.c */

int overlay_open_file(struct inode *i, struct file *f);
/* Opens an object of a layer: rf is memory of the caller's. dentry: a directory's. 0 or errno. */
int overlay_open_real(struct file *rf, struct inode *real, struct dentry *dentry, u32 flags);
void overlay_close_real(struct file *rf);

#endif
