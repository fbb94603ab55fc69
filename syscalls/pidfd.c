/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfd_open(2) and pidfd_getfd(2); pidfd_send_signal(2) is in kill.c. */
#include <linux/fcntl.h>
#include "fs/pidfd.h"
#include "fs/vfs.h"
#include "syscalls/syscall.h"

/* pidfd_open(2); the system's headers have the second only from Linux 6.9 on. */
#define PIDFD_NONBLOCK O_NONBLOCK
#define PIDFD_THREAD   O_EXCL

long sys_pidfd_open(const struct syscall_args *a)
{
    int pid = ARG_INT(a, 0), fd;
    u32 flags = ARG_U32(a, 1);
    struct file *f;

    if (flags & ~(u32)(PIDFD_NONBLOCK | PIDFD_THREAD) || pid <= 0)
        return -EINVAL;
    f = pidfd_create(pid, flags & PIDFD_THREAD, flags & PIDFD_NONBLOCK);
    if (IS_ERR(f))
        return PTR_ERR(f);
    fd = fd_install(f, 0, O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

/* A descriptor of the process that f stands for becomes one of the caller's. */
static long take(const struct file *f, int target)
{
    struct thread *thread;
    struct process *p = pidfd_process(f, &thread);
    struct fd_table *table;
    struct file *found;
    long fd;

    if (!p)
        return -EBADF;
    if (!READ_ONCE(p->thread_count))
        return -ESRCH;
    table = thread_files(thread ? thread : p->leader);
    if (!table)
        return -ESRCH;
    found = fd_table_lookup(table, target);
    fd_table_put(table);
    if (!found)
        return -EBADF;
    fd = fd_install(found, 0, O_CLOEXEC);
    if (fd < 0)
        file_put(found);
    return fd;
}

long sys_pidfd_getfd(const struct syscall_args *a)
{
    struct file *f;
    long result;

    if (ARG_U32(a, 2))
        return -EINVAL;
    f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    result = take(f, ARG_INT(a, 1));
    file_put(f);
    return result;
}
