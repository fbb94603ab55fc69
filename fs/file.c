/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: their memory, their references, and the whole-call read and write that every system
 * call of that kind ends in.
 *
 * Memory of files comes from per-CPU pools backed by the heap and never goes back to it, so that a
 * stale pointer to a file always points to some file (fs/fd_table.c relies on that).
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "fs/async.h"
#include "fs/file_lock.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "kernel/user.h"

#define CPU_POOL_MAX 16

/* Free files of one CPU, used with preemption disabled. */
static struct file_pool {
    struct file *first;
    u32 count;
    s64 taken; /* files taken less those given back on this CPU */
} __attribute__((aligned(64))) pools[MAX_CPUS];

/* What CPUs have too many of. */
static struct {
    struct spinlock lock;
    struct file *first;
} spare = {.lock = SPINLOCK_INIT(LOCK_HEAP)};

void (*file_epoll_release)(struct file *f);

static struct file *pool_take(void)
{
    struct file_pool *pool;
    struct file *f;

    preempt_disable();
    pool = &pools[this_cpu()->cpu];
    f = pool->first;
    if (f) {
        pool->first = f->next_free;
        pool->count--;
    } else if (READ_ONCE(spare.first)) {
        spin_lock_irq(&spare.lock);
        f = spare.first;
        if (f)
            spare.first = f->next_free;
        spin_unlock_irq(&spare.lock);
    }
    pool->taken++;
    preempt_enable();
    return f ? f : kzalloc(sizeof(struct file));
}

u64 files_open(void)
{
    s64 n = 0;

    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++)
        n += READ_ONCE(pools[cpu].taken);
    return n > 0 ? (u64)n : 0;
}

static void pool_give(struct file *f)
{
    struct file_pool *pool;

    preempt_disable();
    pool = &pools[this_cpu()->cpu];
    pool->taken--;
    if (pool->count < CPU_POOL_MAX) {
        f->next_free = pool->first;
        pool->first = f;
        pool->count++;
    } else {
        spin_lock_irq(&spare.lock);
        f->next_free = spare.first;
        spare.first = f;
        spin_unlock_irq(&spare.lock);
    }
    preempt_enable();
}

struct file *file_create(const struct file_ops *ops, u32 open_flags, void *private)
{
    struct file *f = pool_take();
    u32 access = open_flags & O_ACCMODE;

    if (!f)
        return NULL;
    f->ops = ops;
    f->flags = open_flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    f->mode = (access == O_RDONLY || access == O_RDWR ? FILE_READ : 0) |
              (access == O_WRONLY || access == O_RDWR ? FILE_WRITE : 0);
    f->async = NULL;
    mutex_init(&f->position_lock, LOCK_FILE_POSITION);
    f->position = 0;
    f->dentry = NULL;
    f->mount = NULL;
    f->inode = NULL;
    f->private = private;
    f->opener = current_thread()->cred.serial;
    list_init(&f->epoll_items);
    __atomic_store_n(&f->refs, 1, __ATOMIC_RELEASE);
    return f;
}

void file_get(struct file *f)
{
    __atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
}

/* Drops what the open file holds in the tree and returns its memory. refs is 0. */
static void file_free(struct file *f)
{
    struct path_ref path = {f->mount, f->dentry};

    if (path.dentry)
        path_put(&path);
    else if (f->inode)
        inode_put(f->inode);
    pool_give(f);
}

static void file_release(struct file *f)
{
    notify_file(f, f->mode & FILE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    if (!list_empty(&f->epoll_items) && file_epoll_release)
        file_epoll_release(f);
    if (unlikely(f->async != NULL))
        async_forget(f);
    if (f->inode && !(f->mode & FILE_PATH)) {
        if (f->inode->locks)
            file_lock_released(f);
        if (f->mode & FILE_WRITER) {
            __atomic_sub_fetch(&f->inode->writers, 1, __ATOMIC_RELAXED);
            __atomic_sub_fetch(&f->mount->writers, 1, __ATOMIC_RELAXED);
        }
    }
    if (f->ops->release)
        f->ops->release(f);
    file_free(f);
}

void file_put(struct file *f)
{
    if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0)
        file_release(f);
}

void file_discard(struct file *f)
{
    static const struct file_ops nothing;

    /* A lookup whose slot named this memory's file before may hold a reference for a moment: the count is not ours to clear. */
    f->ops = &nothing;
    f->mode = FILE_PATH;
    file_put(f);
}

u64 file_anonymous_ino(void)
{
    static u64 last = 1024;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

void file_stat_anonymous(struct stat *st, u32 mode, u64 ino)
{
    static u64 dev;

    if (!dev)
        dev = super_new_dev();
    memset(st, 0, sizeof(*st));
    st->st_dev = dev;
    st->st_ino = ino;
    st->st_nlink = 1;
    st->st_mode = mode;
    st->st_blksize = PAGE_SIZE;
}

int file_stat(struct file *f, struct stat *st)
{
    if (f->ops->fstat && !(f->mode & FILE_PATH))
        return f->ops->fstat(f, st);
    if (f->inode)
        return inode_stat(f->inode, st);
    file_stat_anonymous(st, 0600, 1024);
    return 0;
}

int file_check_range(const struct file *f, const s64 *offset, size_t n)
{
    s64 at = offset ? *offset : (s64)f->position;

    return (s64)n < 0 || (f->mode & FILE_SEEKABLE && (at < 0 || (s64)((u64)at + n) < 0)) ? -EINVAL : 0;
}

static ssize read_checked(struct file *f, struct io *io, s64 *offset, int rwf)
{
    ssize done;

    if (!(f->mode & FILE_READ))
        return -EBADF;
    if (!f->ops->read)
        return f->inode && S_ISDIR(f->inode->mode) && !file_check_range(f, offset, io->left) ? -EISDIR : -EINVAL;
    if (!(f->mode & FILE_SEEKABLE)) {
        if (offset)
            return -ESPIPE;
        io_truncate(io, IO_MAX_BYTES);
        return f->ops->read(f, io, NULL, rwf);
    }
    if (offset) {
        u64 pos = (u64)*offset;

        if (file_check_range(f, offset, io->left))
            return -EINVAL;
        io_truncate(io, IO_MAX_BYTES);
        done = f->ops->read(f, io, &pos, rwf);
        *offset = (s64)pos;
        return done;
    }
    mutex_lock(&f->position_lock);
    if (file_check_range(f, NULL, io->left)) {
        done = -EINVAL;
    } else {
        io_truncate(io, IO_MAX_BYTES);
        done = f->ops->read(f, io, &f->position, rwf);
    }
    mutex_unlock(&f->position_lock);
    return done;
}

ssize file_read(struct file *f, struct io *io, s64 *offset, int rwf)
{
    ssize done = read_checked(f, io, offset, rwf);

    /* At the end of the file, only a read into several buffers counts, as on Linux. */
    if (notify_wanted() && (done > 0 || (!done && io->iov != &io->single)))
        notify_file(f, IN_ACCESS);
    return done;
}

void file_raise_signal(int signo)
{
    siginfo_t info;

    signal_info_user(&info, signo, SI_USER);
    signal_send_thread(current_thread(), signo, &info);
}

int file_limit_write(size_t *n, u64 pos)
{
    u64 limit = current_process()->limits[RLIMIT_FSIZE].rlim_cur;

    if (unlikely(limit != RLIM_INFINITY)) {
        if ((s64)pos >= 0 && pos >= limit) {
            file_raise_signal(SIGXFSZ);
            return -EFBIG;
        }
        *n = MIN(*n, limit - pos);
    }
    if (unlikely(pos == INT64_MAX))
        return -EFBIG;
    *n = MIN(*n, INT64_MAX - pos);
    return 0;
}

/*
 * Writes to a regular file under its inode's lock, so that appends and the position checks are
 * atomic.
 */
static ssize write_regular(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct inode *i = f->inode;
    bool append = rwf & RWF_APPEND || (f->flags & O_APPEND && !(rwf & RWF_NOAPPEND));
    u64 before = *pos;
    ssize done;

    mutex_lock(&i->lock);
    if (append && io->left)
        *pos = inode_size(i);
    size_t n = io->left;
    done = n ? file_limit_write(&n, *pos) : 0;
    io_truncate(io, n);
    if (!done && io->left)
        done = f->ops->write(f, io, pos, rwf);
    mutex_unlock(&i->lock);
    if (done < 0)
        *pos = before;
    return done;
}

static ssize write_at(struct file *f, struct io *io, u64 *pos, int rwf)
{
    ssize done = f->inode && S_ISREG(f->inode->mode) ? write_regular(f, io, pos, rwf) : f->ops->write(f, io, pos, rwf);

    if (unlikely(f->flags & O_DSYNC || rwf & (RWF_DSYNC | RWF_SYNC)) && done > 0 && f->ops->fsync) {
        /* O_SYNC has O_DSYNC's bit and one more. */
        int error = f->ops->fsync(f, !((f->flags & O_SYNC) == O_SYNC || rwf & RWF_SYNC));
        if (error)
            return error;
    }
    return done;
}

static ssize write_checked(struct file *f, struct io *io, s64 *offset, int rwf)
{
    ssize done;

    if (!(f->mode & FILE_WRITE))
        return -EBADF;
    if (!f->ops->write)
        return -EINVAL;
    if (!(f->mode & FILE_SEEKABLE)) {
        if (offset)
            return -ESPIPE;
        io_truncate(io, IO_MAX_BYTES);
        done = f->ops->write(f, io, NULL, rwf);
    } else if (offset) {
        u64 pos = (u64)*offset;

        if (file_check_range(f, offset, io->left))
            return -EINVAL;
        io_truncate(io, IO_MAX_BYTES);
        done = write_at(f, io, &pos, rwf);
        *offset = (s64)pos;
    } else {
        mutex_lock(&f->position_lock);
        if (file_check_range(f, NULL, io->left)) {
            done = -EINVAL;
        } else {
            io_truncate(io, IO_MAX_BYTES);
            done = write_at(f, io, &f->position, rwf);
        }
        mutex_unlock(&f->position_lock);
    }
    if (unlikely(done == -EPIPE) && !(f->mode & FILE_QUIET))
        file_raise_signal(SIGPIPE);
    return done;
}

ssize file_write(struct file *f, struct io *io, s64 *offset, int rwf)
{
    ssize done = write_checked(f, io, offset, rwf);

    if (done > 0)
        notify_file(f, IN_MODIFY);
    return done;
}

u32 file_poll(struct file *f)
{
    if (!f->ops->poll)
        return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
    return f->ops->poll(f);
}
