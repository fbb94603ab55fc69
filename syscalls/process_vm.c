/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of one process on another's insides: process_vm_readv(2), process_vm_writev(2), process_madvise(2), kcmp(2). There are no others, so they see
 * the caller's own.
 */
#include <linux/kcmp.h>
#include "fs/pidfd.h"
#include "fs/vfs.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "syscalls/syscall.h"

/* The thread with this id, if it is of the running process: reference, or NULL. */
static struct thread *own_thread(int tid)
{
    struct thread *t = tid > 0 ? thread_find(tid) : NULL;

    if (t && t->process != current_process()) {
        thread_put(t);
        t = NULL;
    }
    return t;
}

/* Moves n bytes, at most a page: 0, or -EFAULT after *moved of them. */
static int move(void *to, const void *from, void *bounce, size_t n, size_t *moved)
{
    size_t got = n - copy_from_user_partial(bounce, from, n);

    *moved = got - copy_to_user_partial(to, bounce, got);
    return *moved == n ? 0 : -EFAULT;
}

/* From one list of buffers to another, both the program's; a remote page that is not there ends it. */
static long move_all(struct io *local, struct io *remote, bool write)
{
    void *bounce = kmalloc(PAGE_SIZE);
    long done = 0;
    int error = bounce ? 0 : -ENOMEM;

    while (!error && local->left && remote->left) {
        size_t here, there, moved = 0;
        void *l = io_front(local, &here), *r = io_front(remote, &there);
        size_t n = MIN(MIN(here, there), PAGE_SIZE - ((u64)r & ~PAGE_MASK));

        error = user_range_ok(r, n) ? move(write ? r : l, write ? l : r, bounce, n, &moved) : -EFAULT;
        io_advance(local, moved);
        io_advance(remote, moved);
        done += (long)moved;
    }
    kfree(bounce);
    return done ? done : error;
}

static long transfer(const struct syscall_args *a, bool write)
{
    struct iovec local_few[IO_FAST_VEC], remote_few[IO_FAST_VEC], *local_many = NULL, *remote_many = NULL;
    struct io local, remote;
    struct thread *t;

    if (a->arg[5])
        return -EINVAL;
    long result = io_import(&local, ARG_PTR(a, 1), ARG_U64(a, 2), local_few, &local_many);
    if (!result && local.left) {
        result = ARG_U64(a, 4) > UIO_MAXIOV ? -EINVAL : io_import(&remote, ARG_PTR(a, 3), ARG_U64(a, 4), remote_few, &remote_many);
        if (!result && remote.left) {
            t = own_thread(ARG_INT(a, 0));
            result = t ? move_all(&local, &remote, write) : -ESRCH;
            if (t)
                thread_put(t);
        }
        kfree(remote_many);
    }
    kfree(local_many);
    return result;
}

long sys_process_vm_readv(const struct syscall_args *a)
{
    return transfer(a, false);
}

long sys_process_vm_writev(const struct syscall_args *a)
{
    return transfer(a, true);
}

/* True if fd stands for the caller's process, which is the only one. */
static bool is_own_pidfd(int fd)
{
    struct thread *thread;
    struct file *f = fd_get(fd);
    bool own = f && pidfd_process(f, &thread) == current_process();

    if (f)
        file_put(f);
    return own;
}

/* Each buffer in turn, up to the first that cannot be advised on. */
static long advise_all(struct io *io, int advice)
{
    struct address_space *space = current_thread()->space;
    u64 done = 0;

    while (io->left) {
        size_t n;
        vaddr_t start = (vaddr_t)io_front(io, &n);
        long error = address_space_advise(space, start, n, advice);

        if (error)
            return done ? (long)done : error;
        done += n;
        io_advance(io, n);
    }
    return (long)done;
}

long sys_process_madvise(const struct syscall_args *a)
{
    struct iovec few[IO_FAST_VEC], *many = NULL;
    struct io io;

    if (ARG_U32(a, 4))
        return -EINVAL;
    long result = io_import(&io, ARG_PTR(a, 1), ARG_U64(a, 2), few, &many);
    if (!result)
        result = is_own_pidfd(ARG_INT(a, 0)) ? advise_all(&io, ARG_INT(a, 3)) : -EBADF;
    kfree(many);
    return result;
}

/* Only what ends can be hurried, and the only process that there is does not while it calls. */
long sys_process_mrelease(const struct syscall_args *a)
{
    if (ARG_U32(a, 1))
        return -EINVAL;
    return is_own_pidfd(ARG_INT(a, 0)) ? -EINVAL : -EBADF;
}

/* ------------------------------------------------------------ kcmp */

static long compare(const void *a, const void *b)
{
    return a == b ? 0 : a < b ? 1 : 2;
}

/* The file of t's descriptor fd, only to be compared; NULL: none. */
static const struct file *file_of(struct thread *t, u64 fd)
{
    struct fd_table *files = thread_files(t);
    struct file *f = files && fd <= INT32_MAX ? fd_table_lookup(files, (int)fd) : NULL;

    if (f)
        file_put(f);
    if (files)
        fd_table_put(files);
    return f;
}

static long compare_threads(struct thread *a, struct thread *b, int type, u64 a_fd, u64 b_fd)
{
    switch (type) {
    case KCMP_FILE: {
        const struct file *f = file_of(a, a_fd), *g = file_of(b, b_fd);
        return f && g ? compare(f, g) : -EBADF;
    }
    case KCMP_FILES:
        return compare(READ_ONCE(a->files), READ_ONCE(b->files));
    case KCMP_FS:
        return compare(READ_ONCE(a->fs), READ_ONCE(b->fs));
    case KCMP_SYSVSEM:
        return compare(READ_ONCE(a->sem_undos), READ_ONCE(b->sem_undos));
    case KCMP_VM:
    case KCMP_SIGHAND:
    case KCMP_IO:
        return 0;
    case KCMP_EPOLL_TFD:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

long sys_kcmp(const struct syscall_args *a)
{
    struct thread *first = own_thread(ARG_INT(a, 0)), *second = own_thread(ARG_INT(a, 1));
    long result = first && second ? compare_threads(first, second, ARG_INT(a, 2), ARG_U64(a, 3), ARG_U64(a, 4)) : -ESRCH;

    if (first)
        thread_put(first);
    if (second)
        thread_put(second);
    return result;
}
