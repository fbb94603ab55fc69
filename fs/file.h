/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and descriptor tables. Everything a descriptor can name (regular file, pipe, socket,
 * epoll, timerfd…) is a struct file with one table of operations; an operation that is NULL answers
 * with the errno named beside it.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "kernel/types.h"
#include "kernel/lock.h"
#include "kernel/wait.h"
#include "kernel/memory_object.h"
#include "fs/io.h"

struct text;
struct file;
struct inode;
struct inode_attr;
struct dentry;
struct stat;
struct process;
struct file_async;

/* file_ops.splice */
#define SPLICE_SOURCE 1u
#define SPLICE_SINK   2u
#define SPLICE_AS_PIPE 4u /* a pipe to the program, though none of ours: standard input and output */

/* With EPOLLIN from poll: much waits, and a program may take one thing of it at each event. Programs never see it. */
#define POLL_CROWD (1u << 27)

struct file_ops {
    /* "pipe", "tmpfs", … for traces and /proc/self/fd: e.g. "anon_inode:[eventfd]" */
    const char *kind;
    u8 splice; /* SPLICE_*: what sendfile(2) and splice(2) take it for, besides pipes */
    /*
     * Read or write at *pos (NULL: stream without position; ESPIPE for pread is the caller's, see
     * FILE_SEEKABLE). Advance *pos by the bytes done. Block unless flags has O_NONBLOCK (f->flags,
     * or RWF_NOWAIT in rwf). Return bytes, 0 at the end, negative errno.
     */
    ssize (*read)(struct file *f, struct io *io, u64 *pos, int rwf);   /* NULL: EINVAL */
    ssize (*write)(struct file *f, struct io *io, u64 *pos, int rwf);  /* NULL: EINVAL */
    s64 (*seek)(struct file *f, s64 offset, int whence);               /* NULL: ESPIPE */
    long (*ioctl)(struct file *f, unsigned cmd, unsigned long arg);    /* NULL: ENOTTY */
    /* EPOLL* events now, and maybe POLL_CROWD; NULL: EPOLLIN|EPOLLOUT always, and not epoll-able (EPERM) */
    u32 (*poll)(struct file *f);
    /* woken with events when poll's answer may change */
    struct wait_queue *(*poll_queue)(struct file *f);
    /*
     * The object to map (a reference is given), NULL for anonymous memory, or ERR_PTR. No function: ENODEV. *offset may be adjusted.
     */
    struct memory_object *(*mmap)(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags);
    /* Fills one directory entry at a time through emit (false: buffer full). NULL: ENOTDIR. */
    int (*readdir)(struct file *f, u64 *pos,
                   bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino,
                                u8 type),
                   void *arg);
    int (*fstat)(struct file *f, struct stat *st);   /* NULL: the inode's */
    void (*fdinfo)(struct file *f, struct text *t);  /* its own lines of /proc/PID/fdinfo; may be NULL */
    /* Keeps a new mode, owner or time of a file without an inode for fstat. Allowed already. NULL: EOPNOTSUPP */
    int (*setattr)(struct file *f, const struct inode_attr *a);
    int (*fsync)(struct file *f, bool data_only);    /* NULL: EINVAL */
    int (*truncate)(struct file *f, u64 size);       /* NULL: EINVAL */
    int (*fallocate)(struct file *f, int mode, u64 offset, u64 length); /* NULL: ENODEV */
    int (*flags_changed)(struct file *f, u32 old_flags); /* F_SETFL happened; may be NULL */
    /*
     * open(2) of /proc/self/fd/N for a file without a path: fills new (flags, mode set; refs 1) as
     * a second open of the same thing. NULL: ENXIO.
     */
    int (*reopen)(struct file *f, struct file *new);
    /*
     * A mapping of it began (1) or ended (-1), parts of one that was cut counting by themselves. Under the address space's
     * lock, or without any. May be NULL.
     */
    void (*mapped)(struct file *f, int change);
    void (*close)(struct file *f);                   /* a descriptor was closed; may be NULL */
    void (*release)(struct file *f);                 /* last reference gone */
    /*
     * O_ASYNC: signals when poll_queue is woken. ASYNC_TERMINAL: to the process group unless told otherwise. ASYNC_SOCKET: its
     * owner has SIGURG for urgent data even without O_ASYNC.
     */
    enum { ASYNC_NONE, ASYNC_OWNER, ASYNC_TERMINAL, ASYNC_SOCKET } async;
};

/* f->mode */
#define FILE_READ     1u
#define FILE_WRITE    2u
#define FILE_SEEKABLE 4u
#define FILE_PATH     8u /* O_PATH: only names the object */
#define FILE_QUIET    16u /* write(2) with EPIPE raises no SIGPIPE: datagram sockets */
#define FILE_WRITER   32u /* counted in inode.writers */
#define FILE_EXCLUSIVE 64u /* has a disk for itself (O_EXCL) */

/*
 * Memory of a struct file is only ever reused for another struct file: that is what makes the
 * lookup by descriptor safe without a lock (see fd_get).
 */
struct file {
    u32 refs; /* atomic; 0: free */
    u32 flags; /* O_* status flags (O_APPEND, O_NONBLOCK, …) and access mode as F_GETFL shows */
    const struct file_ops *ops;
    u32 mode;  /* FILE_* */
    struct mutex position_lock;
    u64 position;
    u64 opener;            /* struct credentials.serial of whoever opened it */
    struct dentry *dentry; /* path it was opened by, reference; NULL for pipes, sockets, … */
    struct mount *mount;   /* mount that dentry was reached by, reference; NULL with dentry NULL */
    struct inode *inode;   /* dentry's, or a reference of its own without dentry; NULL: none */
    void *private;         /* the implementation's */
    struct file_async *async; /* F_SETOWN, F_SETSIG, O_ASYNC; NULL until one is set. fs/async.c */
    struct list epoll_items; /* epoll entries that watch it; LOCK_EPOLL side */
    struct file *next_free;  /* pool */
};

/* As /proc shows it: streams have none. */
static inline u64 file_position(const struct file *f)
{
    return f->mode & FILE_SEEKABLE ? READ_ONCE(f->position) : 0;
}

/*
 * A file of refs 1 with no dentry. NULL: out of memory. FILE_READ/FILE_WRITE come from open_flags.
 */
struct file *file_create(const struct file_ops *ops, u32 open_flags, void *private);
/* Open files there are now. Not exact while CPUs open and close. */
u64 files_open(void);
void file_get(struct file *f);
/* Never takes a mutex above LOCK_OBJECT, so that mappings may drop files. */
void file_put(struct file *f);
/*
 * Frees a file that never worked (open failed half-way): like the last file_put, without
 * ops->release.
 */
void file_discard(struct file *f);
/* Set by epoll: forgets a file that goes away while watched. Called before release. */
extern void (*file_epoll_release)(struct file *f);
/* fstat(2) of any file: ops->fstat, else the inode, else an anonymous inode as eventfd's. */
int file_stat(struct file *f, struct stat *st);
/*
 * Fills st for an anonymous object: type and permissions, number; the rest as Linux's pseudo file
 * systems show it.
 */
void file_stat_anonymous(struct stat *st, u32 mode, u64 ino);
/* A number no other anonymous object has, for file_stat_anonymous. Atomic. */
u64 file_anonymous_ino(void);

/* ------------------------------------------------------------ descriptor tables */

struct fd_table *fd_table_create(void);
/* for clone without CLONE_FILES; NULL: out of memory */
struct fd_table *fd_table_copy(struct fd_table *t);
void fd_table_get(struct fd_table *t);
void fd_table_put(struct fd_table *t);
/*
 * File of fd with a reference, or NULL (EBADF). fd_get refuses O_PATH files, fd_get_path gives
 * them. Running thread.
 */
struct file *fd_get(int fd);
struct file *fd_get_path(int fd);
/* The same in any table. */
struct file *fd_table_lookup(struct fd_table *t, int fd);
/* Slots of the table, used or not: select(2) looks at no descriptor beyond. Only ever grows. No lock needed. */
u32 fd_table_capacity(const struct fd_table *t);
/*
 * What stands for arguments of a call that the running thread makes for a request of io_uring (thread.lent): files that may have
 * no descriptor, and paths that were copied when the request was submitted. With capture, a file that the call would give
 * a descriptor is left here.
 */
#define FD_LENT        (-0x4000001) /* descriptors under which the files are found */
#define FD_LENT_SECOND (-0x4000002)
struct path_name;
struct lent {
    struct file *file, *second;
    struct path_name *paths[2];
    const char *user_paths[2];   /* which argument each stands for */
    bool capture;
    struct file *captured;       /* with a reference; NULL: none yet */
};

/*
 * Lowest free descriptor >= from for f (takes over the reference on success) with close-on-exec per
 * open_flags & O_CLOEXEC: fd or -EMFILE/-ENOMEM.
 */
int fd_install(struct file *f, int from, u32 open_flags);
/* Installs two at once or none (pipe, socketpair). */
int fd_install_pair(struct file *a, struct file *b, u32 open_flags, int fds[2]);
/*
 * A descriptor for a file that is yet to be made, for calls that shall change nothing without one: fd or -EMFILE/-ENOMEM. It is
 * not open until fd_publish() gives it f's reference; fd_release() gives it back instead.
 */
int fd_reserve(u32 open_flags);
void fd_publish(int fd, struct file *f);
void fd_release(int fd);
/* What a call that makes a file ends with: publishes f at fd, or gives fd (if there is one) back for an error: fd, or that. */
int fd_finish(int fd, struct file *f);
int fd_close(int fd);
/*
 * dup2/dup3: replaces; takes over the reference on success. fd, -EBADF (over RLIMIT_NOFILE), -EBUSY (reserved) or
 * -ENOMEM.
 */
int fd_dup_to(struct file *f, int fd, u32 open_flags);
/* Gives the running thread a table of its own: unshare(CLONE_FILES). 0 or -ENOMEM. */
int fd_unshare(void);
/* close_range(2), flags CLOSE_RANGE_*. */
int fd_close_range(unsigned first, unsigned last, unsigned flags);
/* False: fd is not open. */
bool fd_get_cloexec(int fd, bool *cloexec);
int fd_set_cloexec(int fd, bool cloexec);
void fd_close_on_exec(struct fd_table *t);
/* Highest open descriptor + 1, and iteration for /proc/self/fd: next open fd >= from, or -1. */
int fd_next_open(struct fd_table *t, int from);

/*
 * Whole-call helpers used by read, readv, pread, … : mode checks, position lock, O_APPEND are
 * inside.
 */
/* offset NULL: file position */
ssize file_read(struct file *f, struct io *io, s64 *offset, int rwf);
/* raises SIGPIPE on EPIPE, SIGXFSZ */
ssize file_write(struct file *f, struct io *io, s64 *offset, int rwf);
u32 file_poll(struct file *f);
/* -EINVAL if n bytes from the offset (NULL: the file's position) on leave what positions can say, else 0. */
int file_check_range(const struct file *f, const s64 *offset, size_t n);

/* May be open with O_DIRECT: what is mapped from files has no need of a second way, disks have one. */
bool file_can_direct(const struct file *f);
/* SIGPIPE or SIGXFSZ for the running thread. */
void file_raise_signal(int signo);
/* Cuts *n bytes to be written at pos at RLIMIT_FSIZE: 0, or -EFBIG with SIGXFSZ when nothing may be written. */
int file_limit_write(size_t *n, u64 pos);
/* -EFBIG, with SIGXFSZ, if the file may not become so long under RLIMIT_FSIZE; 0. */
int file_check_new_size(const struct inode *i, u64 size);

/* Linux 6.9; not yet in every system's headers. */
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

#endif
