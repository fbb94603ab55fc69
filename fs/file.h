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

struct file;
struct inode;
struct dentry;
struct stat;
struct process;

struct file_ops {
    const char *kind; /* "pipe", "tmpfs", … for traces and /proc/self/fd: e.g. "anon_inode:[eventfd]" */
    /*
     * Read or write at *pos (NULL: stream without position; ESPIPE for pread is the caller's, see FILE_SEEKABLE).
     * Advance *pos by the bytes done. Block unless flags has O_NONBLOCK (f->flags, or RWF_NOWAIT in rwf). Return bytes, 0 at the end, negative errno.
     */
    ssize (*read)(struct file *f, struct io *io, u64 *pos, int rwf);   /* NULL: EINVAL */
    ssize (*write)(struct file *f, struct io *io, u64 *pos, int rwf);  /* NULL: EINVAL */
    s64 (*seek)(struct file *f, s64 offset, int whence);               /* NULL: ESPIPE */
    long (*ioctl)(struct file *f, unsigned cmd, unsigned long arg);    /* NULL: ENOTTY */
    u32 (*poll)(struct file *f);                                       /* EPOLL* events now; NULL: EPOLLIN|EPOLLOUT always, and not epoll-able (EPERM) */
    struct wait_queue *(*poll_queue)(struct file *f);                  /* woken with events when poll's answer may change */
    /* The object to map (a reference is given), or ERR_PTR. NULL: ENODEV. *offset may be adjusted. */
    struct memory_object *(*mmap)(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags);
    /* Fills one directory entry at a time through emit (false: buffer full). NULL: ENOTDIR. */
    int (*readdir)(struct file *f, u64 *pos,
                   bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino, u8 type), void *arg);
    int (*fstat)(struct file *f, struct stat *st);   /* NULL: the inode's */
    int (*fsync)(struct file *f, bool data_only);    /* NULL: EINVAL */
    int (*truncate)(struct file *f, u64 size);       /* NULL: EINVAL */
    int (*fallocate)(struct file *f, int mode, u64 offset, u64 length); /* NULL: ENODEV */
    int (*flags_changed)(struct file *f, u32 old_flags); /* F_SETFL happened; may be NULL */
    void (*close)(struct file *f);                   /* a descriptor was closed (flush locks); may be NULL */
    void (*release)(struct file *f);                 /* last reference gone */
};

/* f->mode */
#define FILE_READ     1u
#define FILE_WRITE    2u
#define FILE_SEEKABLE 4u
#define FILE_PATH     8u /* O_PATH: only names the object */

struct file {
    u32 refs; /* atomic */
    const struct file_ops *ops;
    u32 flags; /* O_* status flags (O_APPEND, O_NONBLOCK, …) and access mode as F_GETFL shows */
    u32 mode;  /* FILE_* */
    struct mutex position_lock;
    u64 position;
    struct dentry *dentry; /* path it was opened by, reference; NULL for pipes, sockets, … */
    struct inode *inode;   /* NULL for anonymous files without one */
    void *private;         /* the implementation's */
    int owner_pid, owner_signal; /* F_SETOWN, F_SETSIG */
    struct list epoll_items; /* epoll entries that watch it; LOCK_EPOLL side */
};

/* A file of refs 1 with no dentry. NULL: out of memory. */
struct file *file_create(const struct file_ops *ops, u32 open_flags, void *private);
void file_get(struct file *f);
void file_put(struct file *f);

/* ------------------------------------------------------------ descriptor tables */

struct fd_table *fd_table_create(void);
struct fd_table *fd_table_copy(struct fd_table *t); /* for clone without CLONE_FILES; NULL: out of memory */
void fd_table_get(struct fd_table *t);
void fd_table_put(struct fd_table *t);
/* File of fd with a reference, or NULL (EBADF). O_PATH files only with allow_path. Current process. */
struct file *fd_get(int fd);
struct file *fd_get_path(int fd);
/* Lowest free descriptor >= from for f (takes over the reference on success) with close-on-exec per open_flags & O_CLOEXEC: fd or -EMFILE/-ENOMEM. */
int fd_install(struct file *f, int from, u32 open_flags);
/* Installs two at once or none (pipe, socketpair). */
int fd_install_pair(struct file *a, struct file *b, u32 open_flags, int fds[2]);
int fd_close(int fd);
int fd_dup_to(struct file *f, int fd, u32 open_flags); /* dup2/dup3: replaces */
int fd_close_range(unsigned first, unsigned last, unsigned flags);
bool fd_get_cloexec(int fd, bool *cloexec);
int fd_set_cloexec(int fd, bool cloexec);
void fd_close_on_exec(struct fd_table *t);
/* Highest open descriptor + 1, and iteration for /proc/self/fd: next open fd >= from, or -1. */
int fd_next_open(struct fd_table *t, int from);

/* Whole-call helpers used by read, readv, pread, … : mode checks, position lock, O_APPEND are inside. */
ssize file_read(struct file *f, struct io *io, s64 *offset, int rwf);  /* offset NULL: file position */
ssize file_write(struct file *f, struct io *io, s64 *offset, int rwf); /* raises SIGPIPE on EPIPE, SIGXFSZ */
u32 file_poll(struct file *f);

#endif
