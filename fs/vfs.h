/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual file system: inodes, dentries, mounts and path resolution (path_resolution(7)).
 *
 * A file system gives a struct super with its root dentry and one inode_ops table a kind of inode.
 * The VFS does names, permissions, mounts, the sticky and set-group-id rules, times of directories
 * it changes and locking; the file system stores.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/limits.h>
#include "kernel/types.h"
#include "kernel/process.h"
#include "fs/file.h"

struct inode_ops;
struct inode_attr;
struct super;
struct mount;
struct pipe;
struct file_lock_list;
struct inotify_watch;

struct inode {
    u32 refs;   /* atomic */
    u32 nlink;  /* under lock of the directory that changes it, atomic */
    const struct inode_ops *ops;
    struct super *super;
    u64 ino;
    u32 mode;   /* S_IFMT and permissions */
    u32 uid, gid;
    u32 seals;  /* F_SEAL_* of memfd; F_SEAL_SEAL for all other files */
    u32 flags;  /* FS_*_FL of ioctl_iflags(2) that are set; lock */
    u64 rdev;   /* device number of S_IFCHR/S_IFBLK, as device_number() */
    u64 size;   /* bytes; regular files with object: see inode_size() */
    s64 atime, mtime, ctime, btime; /* ns since 1970 */
    /* LOCK_INODE: data and size changes, directory entries, attributes */
    struct mutex lock;
    struct memory_object *object; /* data of a regular file, or NULL */
    void *private;                /* the file system's */
    struct file_lock_list *locks; /* POSIX, OFD and flock locks; fs/lock.c */
    struct pipe *pipe;            /* pipe, or FIFO that is open; fs/fifo.c */
    struct inotify_watch *watches; /* fs/inotify.c */
    u8 write_hint;                /* RWH_WRITE_LIFE_* of fcntl(2) */
    bool linkable;                /* O_TMPFILE without O_EXCL: link(2) may give it its first name */
    u32 writers;                  /* atomic: open files that may write (ETXTBSY) */
    u32 deny_writes;              /* atomic: running program images */
};

/* super.flags: this, and MS_SYNCHRONOUS, MS_DIRSYNC, MS_MANDLOCK, MS_LAZYTIME, which are shown and change nothing */
#define SUPER_READ_ONLY 1u
#define SUPER_LIMITED   (1u << 31) /* ops->may has a say in permissions */

struct super {
    u32 refs;             /* atomic: mounts */
    const char *type;     /* "tmpfs" */
    const char *source;   /* first field of /proc/mounts; static or owned */
    u64 magic;            /* statfs f_type */
    u64 dev;              /* st_dev */
    u32 flags;            /* SUPER_READ_ONLY and MS_* as above */
    u32 block_size;       /* st_blksize */
    u32 inode_flags;      /* FS_*_FL that FS_IOC_SETFLAGS may set; 0: ENOTTY */
    struct dentry *root;  /* reference */
    const struct super_ops *ops;
    void *private;
    /*
     * Names are looked up in the file system each time, not kept (procfs: what exists changes by
     * itself). Otherwise a dentry that the file system keeps for itself has a reference of its own
     * (tmpfs: while the name exists).
     */
    bool volatile_names;
    /*
     * What lookup found, or found missing, stays known while nobody uses it, as long as there is
     * room (fs/dentry_cache.c). For file systems whose names change only through the VFS.
     */
    bool keep_names;
    bool no_whiteouts; /* RENAME_WHITEOUT is refused */
};

struct statfs;
struct super_ops {
    int (*statfs)(struct super *s, struct statfs *out);
    void (*put_inode)(struct inode *i); /* last reference gone: free private and object */
    void (*destroy)(struct super *s);   /* unmounted and unused; NULL: lives for ever */
    /*
     * MS_REMOUNT: may refuse *read_only, or change it to what it will be, and take new options. 0 or negative errno; NULL:
     * as asked.
     */
    int (*remount)(struct super *s, bool *read_only, const char *options);
    /* With SUPER_LIMITED: may whoever keeps the data do this (MAY_*)? Asked before mode and owner are. 0 or -EACCES. */
    int (*may)(struct inode *i, int mask);
    /* Mount options after the common ones, ",size=…", for /proc/mounts; may be NULL. */
    void (*options)(struct super *s, char *buf, size_t n);
};

#define DENTRY_INLINE_NAME 39

/*
 * A name in the tree. Its memory is only reused for another dentry, and it holds a reference on its
 * parent. parent, name, hash and hash_link change under parent->children_lock (rename: with
 * LOCK_RENAME as well).
 */
struct dentry {
    u32 refs;                /* atomic; goes from and to 0 only under parent->children_lock */
    u32 hash;
    struct dentry *parent;   /* itself for a root */
    struct inode *inode;     /* reference; NULL: no such file (being created, or known to miss) */
    struct dentry *hash_next;
    struct list child_link;  /* parent->children, in order of creation */
    struct super *super;
    u16 name_length;
    bool hashed;             /* found by lookups */
    bool unlinked;           /* name removed */
    u32 mountpoint;          /* mounts that hang here, each in some mount; LOCK_MOUNT */
    bool cached;             /* in the cache's list, which has a reference; its lock */
    bool used;               /* found since the cache last looked */
    struct list cache_link;
    struct spinlock children_lock; /* LOCK_DENTRY */
    /* of a directory: hashed dentries, oldest first; under children_lock */
    struct list children;
    struct dentry **table;   /* hash table, table_mask + 1 chains; NULL while there are few */
    u32 table_mask, child_count;
    u64 cookie;              /* position in its directory for getdents; the file system's */
    u64 next_cookie;         /* of a directory */
    char *name;              /* inline_name, or allocated */
    char inline_name[DENTRY_INLINE_NAME + 1];
};

struct mount {
    u32 refs;                    /* atomic: being in the tree, paths, open files */
    int id;                      /* as in mountinfo */
    struct super *super;         /* reference */
    char *source;                /* what mount(2) was told to mount, owned; NULL: what the super says */
    struct dentry *root;         /* reference; what is seen at the mount point */
    struct mount *parent;        /* reference; NULL for the root and once detached */
    struct dentry *mountpoint;   /* reference, in parent */
    u32 flags;                   /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, …, MS_UNBINDABLE */
    u32 writers;                 /* atomic: regular files opened through it that may be written */
    bool expiring;               /* unused since umount2(MNT_EXPIRE) looked; racy */
    struct mount *copy;          /* while a tree is copied; LOCK_RENAME */
    struct list link;            /* all mounts, in order; LOCK_MOUNT */
    struct list children;        /* mounts on it, in order; LOCK_MOUNT, and LOCK_RENAME for changes */
    struct list sibling;
};

/* A place in the tree: both references are held, or both NULL. */
struct path_ref {
    struct mount *mount;
    struct dentry *dentry;
};

/*
 * Operations of a file system. A NULL entry answers with the errno beside it. Called with the
 * directory's inode lock held (both, in rename), names checked, permissions checked, d hashed or
 * not as the VFS has it; on success of create, mkdir, symlink and link d->inode is set (with a
 * reference).
 */
struct inode_ops {
    /* sets d->inode or leaves NULL; NULL: the dentries in memory are all there is */
    int (*lookup)(struct inode *dir, struct dentry *d);
    /*
     * Is what is known of a name (d->inode NULL: that it misses) still so? 1; 0 to look again. With or without the
     * directory's lock. NULL: names change only through the VFS.
     */
    int (*revalidate)(struct inode *dir, struct dentry *d);
    /*
     * The components of path are about to be looked up one by one, from dir on, of which the first is not known: a file
     * system that is asked over a slow channel may make them known at once. No lock held. May be NULL.
     */
    void (*look_ahead)(struct dentry *dir, const char *path);
    /* file, FIFO, socket, device by S_IFMT; EPERM */
    int (*create)(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
    int (*mkdir)(struct inode *dir, struct dentry *d, u32 mode); /* EPERM */
    int (*symlink)(struct inode *dir, struct dentry *d, const char *target); /* EPERM */
    int (*link)(struct inode *dir, struct dentry *d, struct inode *target);  /* EPERM */
    int (*unlink)(struct inode *dir, struct dentry *d);          /* EPERM */
    /* EPERM; ENOTEMPTY is its to say */
    int (*rmdir)(struct inode *dir, struct dentry *d);
    /* new->inode is what is replaced, or NULL. flags RENAME_EXCHANGE or 0. EPERM */
    int (*rename)(struct inode *from, struct dentry *old, struct inode *to, struct dentry *new,
                  u32 flags);
    int (*tmpfile)(struct inode *dir, struct inode **out, u32 mode); /* EOPNOTSUPP */
    /* bytes put in buf, no NUL; may be generated; EINVAL */
    ssize (*readlink)(struct inode *i, char *buf, size_t n);
    /* /proc's links: straight to an object (references given) */
    int (*follow)(struct inode *i, struct path_ref *to);
    /* sets f->ops, private; f->flags has O_TRUNC if that comes next; ENXIO */
    int (*open)(struct inode *i, struct file *f);
    /* Brings the fields up to date before stat(2) shows them. No lock held. NULL: they always are. */
    int (*refresh)(struct inode *i);
    /* all that inode_stat() does, for inodes that stand for others; may be NULL */
    int (*stat)(struct inode *i, struct stat *st);
    /* corrects what inode_stat() filled from the fields; may be NULL */
    int (*getattr)(struct inode *i, struct stat *st);
    /* inode locked; NULL: the fields are all there is, size EINVAL */
    int (*setattr)(struct inode *i, const struct inode_attr *a);
    int (*permission)(struct inode *i, int mask);                /* NULL: by mode, uid and gid */
    /* Whole-call; names have their prefix. EOPNOTSUPP */
    ssize (*getxattr)(struct inode *i, const char *name, void *value, size_t n);
    int (*setxattr)(struct inode *i, const char *name, const void *value, size_t n, int flags);
    ssize (*listxattr)(struct inode *i, char *list, size_t n);
    int (*removexattr)(struct inode *i, const char *name);
};

/* Which fields setattr changes. */
#define ATTR_MODE  1u
#define ATTR_UID   2u
#define ATTR_GID   4u
#define ATTR_SIZE  8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
#define ATTR_TOUCH 64u /* the times are "now": write permission is enough */
#define ATTR_FORCE 128u /* the mode as it is given, for callers outside its group too */
#define ATTR_CHOWN 256u /* chown(2), whatever it changes: set-id bits go */
#define ATTR_TIMES 512u /* the times are given */
struct inode_attr {
    u32 valid, mode, uid, gid;
    u64 size;
    s64 atime, mtime;
};

/* ------------------------------------------------------------ inodes: fs/inode.c */

/*
 * New inode of refs 1 and nlink 1, all times now, owner from the caller's fs ids and from dir (may
 * be NULL) by the set-group-id rules. mode has its type. NULL: out of memory.
 */
struct inode *inode_create(struct super *s, const struct inode_ops *ops, u32 mode,
                           const struct inode *dir);
/* The mode that an object of type and permissions mode gets in dir: umask(2), set-group-id rules. */
u32 inode_creation_mode(const struct inode *dir, u32 mode);
void inode_get(struct inode *i);
bool inode_try_get(struct inode *i); /* false: it is going away */
/* Takes no mutex above LOCK_OBJECT. */
void inode_put(struct inode *i);
u64 inode_size(const struct inode *i);
/* stat of the fields, then ops->getattr. */
int inode_stat(struct inode *i, struct stat *st);
#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
/* 0, -EACCES or -EROFS for the current process's file-system ids, or its real ones. */
int inode_permission(struct inode *i, int mask);
int inode_permission_as(struct inode *i, int mask, bool real_ids);
/*
 * May the caller take child's name out of dir? 0, -EACCES, -EPERM (sticky), -ENOTDIR or -EISDIR
 * (is_directory is what it must be), -EBUSY.
 */
int inode_may_delete(struct inode *dir, struct dentry *child, bool is_directory);
/* Caller has the capability CAP_*; kernel threads have all. */
bool fs_capable(int capability);
/* Caller owns i or has CAP_FOWNER. */
bool inode_owned(const struct inode *i);
/* Caller is in group gid (file-system gid or supplementary). */
bool in_group(u32 gid);
/* Applies a, with the checks of chmod, chown, truncate and utimensat; takes i->lock. May add to a. */
int inode_change(struct inode *i, struct inode_attr *a);
/* Stores a change that has been checked, in a file system below another; takes i->lock. */
int inode_store(struct inode *i, const struct inode_attr *a);
/* i was read through m (NULL: no mount): atime, as the mount says. */
void inode_accessed(struct inode *i, const struct mount *m);
void inode_touch_atime(struct file *f); /* the same for an open file */
/* FS_IMMUTABLE_FL or FS_APPEND_FL: only what adds to the data, or nothing at all, may change. */
bool inode_is_frozen(const struct inode *i);
/* mtime and ctime now; a write by the unprivileged takes set-id bits away. Locked. */
void inode_modified(struct inode *i);
/* FS_IOC_GETFLAGS and its relatives on a regular file or directory. fs/inode_flags.c */
long inode_flags_ioctl(struct file *f, unsigned cmd, void *user);
/* A file is about to be run: nobody may write to it. 0 or -ETXTBSY. */
int inode_deny_writes(struct inode *i);
void inode_allow_writes(struct inode *i);
/* A new st_dev for a file system without a device. */
u64 super_new_dev(void);
static inline u64 device_number(u32 major, u32 minor)
{
    return (minor & 0xff) | (u64)major << 8 | (u64)(minor & ~0xffu) << 12;
}

/* ------------------------------------------------------------ dentries: fs/dentry.c */

/* Unhashed dentry of refs 1 without inode. ERR_PTR(-ENOMEM). */
struct dentry *dentry_create(struct dentry *parent, const char *name, size_t length);
struct dentry *dentry_create_root(struct super *s, struct inode *inode);
/*
 * A dentry with no place in a tree, for objects without a path of their own (memfd, /proc/PID/fd).
 * Takes over the inode reference.
 */
struct dentry *dentry_create_detached(const char *name, struct inode *inode);
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
/* Finds a hashed child and takes a reference; NULL. Its inode is NULL where the name is known to miss. */
struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length);
/* Makes d found by name, instead of one known to miss. Parent's inode locked. */
void dentry_hash(struct dentry *d);
void dentry_unhash(struct dentry *d);
/*
 * Gives d the name and parent of place, an unhashed dentry made for this; replaced, which has the name until then, or NULL, is unhashed in
 * the same moment: no look-up finds neither. LOCK_RENAME held.
 */
void dentry_move(struct dentry *d, struct dentry *place, struct dentry *replaced);
void dentry_exchange(struct dentry *a, struct dentry *b);
/* Next hashed child at or after cookie, referenced; NULL. For readdir from memory. */
struct dentry *dentry_next_child(struct dentry *parent, u64 cookie);
/* readdir of directories whose dentries are all in memory, with "." and "..". */
int dentry_readdir(struct file *f, u64 *pos,
                   bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino,
                                u8 type),
                   void *arg);
/*
 * The directory that d is in, referenced, if somebody watches it, with d's name there (name: NAME_MAX + 1 bytes). NULL: nobody
 * does.
 */
struct dentry *dentry_watched_parent(struct dentry *d, char *name, size_t *length);
/* True if d is below or at ancestor. LOCK_RENAME held. */
bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor);
/* Takes all that is known below root out of the tree; nobody uses it any more. */
void dentry_drop_below(struct dentry *root);
/*
 * For fs/dentry_cache.c, with the cache's reference on d: takes d out of the tree if nobody else
 * uses it (true), or gives it back to the cache.
 */
bool dentry_evict(struct dentry *d);
extern struct mutex rename_lock; /* LOCK_RENAME */

/* ------------------------------------------------------------ names kept: fs/dentry_cache.c */

/* d becomes the newest of the cache, with a reference for it. d->parent->children_lock held. */
void dentry_cache_add(struct dentry *d);
/* Out of the cache: true if the reference is now the caller's. children_lock as above. */
bool dentry_cache_remove(struct dentry *d);
/* Forgets up to n names that nobody uses, oldest first; how many. Takes no mutex above LOCK_OBJECT. */
u32 dentry_cache_shrink(u32 n);
/* After an addition: keeps the cache within its share of memory. */
void dentry_cache_limit(void);

/* ------------------------------------------------------------ mounts: fs/mount.c */

struct file_system_type {
    const char *name;
    /* not "nodev" in /proc/filesystems */
    bool needs_device;
    /* New instance of refs 1 with mount(2)'s data (may be NULL). ERR_PTR. */
    struct super *(*mount)(const char *source, const char *options);
};
/* All that mount(2) knows; ends with NULL. fs/file_systems.c. */
extern const struct file_system_type *const file_systems[];

void path_get(const struct path_ref *p);
void path_put(struct path_ref *p); /* clears it */
static inline bool path_equal(const struct path_ref *a, const struct path_ref *b)
{
    return a->mount == b->mount && a->dentry == b->dentry;
}
void mount_get(struct mount *m);
void mount_put(struct mount *m);
/* The same by who only looked: does not count as use for MNT_EXPIRE. */
void mount_put_unused(struct mount *m);
void super_get(struct super *s);
bool super_try_get(struct super *s); /* false: it is going away */
void super_put(struct super *s);
/* The root mount of the VM; made by vfs_init. */
extern struct mount *root_mount;
/*
 * Mounts s (a reference is taken over on success) on a directory, or on a file if root is one.
 * NULL: as the VM's root. 0 or negative errno.
 */
int mount_attach(const struct path_ref *at, struct super *s, struct dentry *root, u32 flags, const char *source);
/* The one super of a file system, with a reference: made by create() the first time. ERR_PTR: create()'s. */
struct super *super_single(struct super **only, struct super *(*create)(void));
/* The same for a tree that mount_copy() made, which is taken over on success. */
int mount_graft(struct mount *tree, const struct path_ref *at);
enum detach_how { DETACH_UNUSED, DETACH_LAZY, DETACH_EXPIRED };
/*
 * Takes m out of the tree, with what is mounted below if lazy. Its caller has one reference. -EINVAL (not in the tree), -EBUSY;
 * expired: -EAGAIN the first time, if it was used since.
 */
int mount_detach(struct mount *m, enum detach_how how);
/* A copy of the mount at from, showing from's dentry, and if recursive of those below. In no tree; ERR_PTR(-ENOMEM). */
struct mount *mount_copy(const struct path_ref *from, bool recursive);
void mount_discard(struct mount *tree);
/* m, with what is below, leaves its place for another: -ENOENT (the place is gone), -EINVAL, -ELOOP (below itself). */
int mount_move(struct mount *m, const struct path_ref *at);
/* Whether bind mounts of it are refused; recursive: of all below as well. */
void mount_set_unbindable(struct mount *top, bool unbindable, bool recursive);
/* A mount outside the tree, of refs 1; takes over a reference on s. NULL: out of memory. */
struct mount *mount_create(struct super *s, struct dentry *root, u32 flags, const char *source);
/* First field of /proc/mounts. */
static inline const char *mount_source(const struct mount *m)
{
    return m->source ? m->source : m->super->source;
}
/*
 * s becomes the VM's root in place of the present one, whose mounts (all on names of the root directory, which s has too)
 * move over; a reference is taken over on success. Only before a program runs. 0 or negative errno.
 */
int mount_replace_root(struct super *s);
/* What is mounted on p in p's mount, if anything: replaces p by its root. True if it did. */
bool mount_cross_down(struct path_ref *p);
/* If p is the root of a mount that has a parent: p becomes the mount point. */
bool mount_cross_up(struct path_ref *p);
/* Calls fn for each mount in order; stops when it returns false, and does so too. Under LOCK_MOUNT. */
bool mount_for_each(bool (*fn)(struct mount *m, void *arg), void *arg);
/* How often what /proc/PID/mounts shows has changed, and who waits for that. mount_changed: it has once more. */
extern struct generated_events mount_events;
void mount_changed(void);
/* For objects without a tree (pipes, sockets): paths to detached dentries. */
struct mount *mount_anonymous(void);
/*
 * A path to any open file: its own, or a detached dentry. References are given. 0 or -ENOMEM.
 * fs/anonymous.c
 */
int file_path_ref(struct file *f, struct path_ref *out);
void anonymous_put_inode(struct inode *i);
/* EROFS or 0. */
int mount_want_write(const struct path_ref *p);

/* ------------------------------------------------------------ paths: fs/path.c */

/* A path given by the program, copied in; long ones are allocated. */
struct path_name {
    char *string;
    size_t length;
    bool lent; /* string belongs to another (struct lent) */
    char fast[200];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM. An empty path is fine here. */
int path_name_get(struct path_name *n, const char *user);
void path_name_put(struct path_name *n);

/* Flags of path_find and path_parent. */
#define FIND_FOLLOW       1u   /* follow a symlink at the end */
#define FIND_EMPTY        2u   /* AT_EMPTY_PATH: "" is dirfd itself */
#define FIND_DIRECTORY    4u   /* ENOTDIR unless a directory */
#define FIND_REAL_IDS     8u   /* access(2): permissions of the real ids */
/* RESOLVE_* of openat2(2) are passed beside. */

/*
 * Finds an existing object. Empty path without FIND_EMPTY: ENOENT. On success *out holds
 * references.
 */
int path_find(int dirfd, const char *path, u32 flags, u64 resolve, struct path_ref *out);

/* The directory of the last component, and that component, for calls that change names. */
struct path_last {
    struct path_ref parent;
    const char *name; /* points into the path or owned */
    size_t length;
    bool dot, dot_dot, root; /* last component is ".", ".." or there is none ("/") */
    bool trailing_slash;
    char *owned;      /* buffer to free, when a symlink led here */
};
int path_parent(int dirfd, const char *path, u64 resolve, struct path_last *out);
void path_last_put(struct path_last *l);
/*
 * Child of a directory: cached, or asked from the file system; takes and leaves no locks, or
 * (locked) expects dir->inode locked. ERR_PTR, -ENOENT where there is none.
 */
struct dentry *path_lookup_child(struct dentry *dir, const char *name, size_t length, bool locked);
/* What a relative path of an openat(2)-like call starts from; any open file. -EBADF, -ENOMEM. */
int path_base(int dirfd, struct path_ref *out);

/*
 * ------------------------------------------------------------ opening, creating: fs/open.c,
 * fs/names.c
 */

struct open_how_kernel {
    u64 flags, mode, resolve;
};
/*
 * Opens path (kernel string) relative to dirfd for the current process, as openat2(2) with checked
 * flags. File with refs 1 or ERR_PTR.
 */
struct file *vfs_open_how(int dirfd, const char *path, const struct open_how_kernel *how);
/* The same with the flags and mode of openat(2). */
struct file *vfs_open(int dirfd, const char *path, u32 flags, u32 mode);
/*
 * Opens a program to be executed, as execveat(2) with these flags (AT_*): execute permission is wanted, and not that to read. Its
 * inode denies writes from now on: inode_allow_writes() ends that. ERR_PTR, -ETXTBSY among them.
 */
struct file *vfs_open_exec(int dirfd, const char *path, u32 flags);
/* A file on an object already found. flags as open(2) without O_CREAT. */
struct file *vfs_open_path(const struct path_ref *p, u32 flags);
/* Whether a mode has a type that mknod(2) makes: 0, -EPERM (directory), -EINVAL. vfs_create_node takes such modes only. */
int vfs_check_node(u32 mode);
int vfs_create_node(int dirfd, const char *path, u32 mode, u64 rdev);
int vfs_mkdir(int dirfd, const char *path, u32 mode);
int vfs_symlink(const char *target, int dirfd, const char *path);
int vfs_unlink(int dirfd, const char *path);
int vfs_rmdir(int dirfd, const char *path);
int vfs_link(int old_dirfd, const char *old_path, int dirfd, const char *path, int flags);
int vfs_rename(int old_dirfd, const char *old_path, int dirfd, const char *path, u32 flags);

/*
 * lseek(2) for a file of this size whose file system has no say. SEEK_DATA and SEEK_HOLE: all is
 * data.
 */
s64 file_seek_in(struct file *f, s64 offset, int whence, u64 size);
/* lseek(2) of directories: SEEK_SET and SEEK_CUR. */
s64 directory_seek(struct file *f, s64 offset, int whence);

/* ------------------------------------------------------------ devices: fs/device.c */

/* Makes character device (major, minor) openable; open sets f->private and may change f->ops. */
void device_register(u32 major, u32 minor, const struct file_ops *ops, int (*open)(struct file *f));
int device_open(struct inode *i, struct file *f);
/* A FIFO is opened: waits for the other side as fifo(7) says. fs/fifo.c */
int fifo_open(struct inode *i, struct file *f);

/* ------------------------------------------------------------ threads' view: fs/context.c */

struct fs_context {
    u32 refs;              /* atomic */
    struct spinlock lock;  /* LOCK_FS_CONTEXT: root and cwd */
    struct path_ref root, cwd;
    u32 umask;
};
/* root and cwd "/", umask 022. NULL: out of memory. */
struct fs_context *fs_context_create(void);
struct fs_context *fs_context_copy(struct fs_context *c);
void fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);
/* Set by fs/uring/: the running thread, which has used it (thread.uring), ends. */
extern void (*thread_exit_uring)(bool all);
/* References to what another thread has; NULL: it has ended. */
struct fs_context *thread_fs(struct thread *t);
struct fd_table *thread_files(struct thread *t);
/* Gives the running thread a context of its own: unshare(CLONE_FS). 0 or -ENOMEM. */
int fs_unshare(void);
u32 fs_umask(void);
/* References to the running thread's root and cwd. */
void fs_root(struct path_ref *out);
void fs_cwd(struct path_ref *out);
void fs_set_root(const struct path_ref *p);
void fs_set_cwd(const struct path_ref *p);

/* ------------------------------------------------------------ start-up: fs/vfs.c */

/* Root tmpfs, /dev, /proc, /sys; before the boot archive is unpacked. */
void vfs_init(void);
/*
 * Kernel-internal: create directories and files when the boot archive is unpacked. Missing parents
 * are made (0755). data: kept in place (page-aligned) or copied.
 */
int vfs_boot_mkdir(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime);
int vfs_boot_file(const char *path, u32 mode, u32 uid, u32 gid, s64 mtime, const void *data,
                  u64 size);
int vfs_boot_symlink(const char *path, const char *target, u32 uid, u32 gid, s64 mtime);
/* Sets the current process's working directory; creates nothing. */
int vfs_chdir(const char *path);
/*
 * Absolute path of p as seen from the process's root into buf: length with NUL, or -ENAMETOOLONG.
 * Of a removed file: with " (deleted)"; of one that is not below the root: with "(unreachable)"
 * before it.
 */
ssize vfs_path_of(const struct path_ref *p, char *buf, size_t n);
/* The same for an open file; "pipe:[123]", "anon_inode:[eventfd]" for files without a path. */
ssize vfs_file_path(struct file *f, char *buf, size_t n);

#endif
