/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on POSIX message queues; the work is in fs/ipc/mqueue.c. */
#include "fs/ipc/mqueue.h"
#include "kernel/heap.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

long sys_mq_open(const struct syscall_args *a)
{
    struct mq_attr attr, *user = ARG_PTR(a, 3);
    struct path_name name;

    if (user && get_user(attr, user))
        return -EFAULT;
    int error = path_name_get(&name, ARG_PTR(a, 0));
    if (error)
        return error;
    int fd = fd_reserve(O_CLOEXEC);
    struct file *f = fd < 0 ? ERR_PTR(fd) : mqueue_open(name.string, ARG_U32(a, 1), ARG_U32(a, 2), user ? &attr : NULL);
    path_name_put(&name);
    return fd_finish(fd, f);
}

long sys_mq_unlink(const struct syscall_args *a)
{
    struct path_name name;
    int error = path_name_get(&name, ARG_PTR(a, 0));

    if (error)
        return error;
    error = mqueue_unlink(name.string);
    path_name_put(&name);
    return error;
}

/* The queue that fd names, open for mode (FILE_*, 0: anyhow); NULL: EBADF. */
static struct file *get_queue(int fd, u32 mode)
{
    struct file *f = fd_get(fd);

    if (f && (f->ops != &mqueue_file_ops || (f->mode & mode) != mode)) {
        file_put(f);
        f = NULL;
    }
    return f;
}

/* An absolute time on CLOCK_REALTIME; user NULL: never. 0, -EFAULT or -EINVAL. */
static int get_deadline(const struct __kernel_timespec *user, nsec_t *deadline)
{
    struct __kernel_timespec ts;

    *deadline = NSEC_NEVER;
    if (!user)
        return 0;
    return get_user(ts, user) ? -EFAULT : timespec_to_ns(&ts, deadline);
}

long sys_mq_timedsend(const struct syscall_args *a)
{
    u64 size = ARG_U64(a, 2);
    nsec_t deadline;
    long result = get_deadline(ARG_PTR(a, 4), &deadline);

    if (result)
        return result;
    if (ARG_U32(a, 3) >= MQ_PRIO_MAX)
        return -EINVAL;
    struct file *f = get_queue(ARG_INT(a, 0), FILE_WRITE);
    if (!f)
        return -EBADF;
    struct ipc_message *m = NULL;
    if (size > mqueue_message_size(f))
        result = -EMSGSIZE;
    else if (!(m = kmalloc(sizeof(*m) + size)))
        result = -ENOMEM;
    else if (copy_from_user(m->text, ARG_PTR(a, 1), size))
        result = -EFAULT;
    if (!result) {
        m->type = ARG_U32(a, 3);
        m->size = size;
        result = mqueue_send(f, m, deadline);
    }
    if (result)
        kfree(m);
    file_put(f);
    return result;
}

long sys_mq_timedreceive(const struct syscall_args *a)
{
    u32 *priority = ARG_PTR(a, 3);
    nsec_t deadline;
    long result = get_deadline(ARG_PTR(a, 4), &deadline);

    if (result)
        return result;
    struct file *f = get_queue(ARG_INT(a, 0), FILE_READ);
    if (!f)
        return -EBADF;
    struct ipc_message *m = mqueue_receive(f, ARG_U64(a, 2), deadline);
    file_put(f);
    if (IS_ERR(m))
        return PTR_ERR(m);
    result = (long)m->size;
    if ((priority && put_user((u32)m->type, priority)) || copy_to_user(ARG_PTR(a, 1), m->text, m->size))
        result = -EFAULT;
    kfree(m);
    return result;
}

/* The socket and cookie of SIGEV_THREAD. */
static int get_socket(struct mqueue_notification *n)
{
    if (copy_from_user(n->cookie, n->value.sival_ptr, sizeof(n->cookie)))
        return -EFAULT;
    n->socket = fd_get(n->signo);
    if (!n->socket)
        return -EBADF;
    int error = mqueue_tell_socket(n->socket, NULL, 0);
    if (error) {
        file_put(n->socket);
        n->socket = NULL;
    }
    return error;
}

long sys_mq_notify(const struct syscall_args *a)
{
    struct mqueue_notification n = {0};
    struct sigevent event;
    int error = 0;

    if (a->arg[1]) {
        if (get_user(event, (struct sigevent *)ARG_PTR(a, 1)))
            return -EFAULT;
        n.how = event.sigev_notify;
        n.signo = event.sigev_signo;
        n.value = event.sigev_value;
        if (n.how != SIGEV_NONE && n.how != SIGEV_SIGNAL && n.how != SIGEV_THREAD)
            return -EINVAL;
        if (n.how == SIGEV_SIGNAL && (u32)n.signo > SIGNAL_COUNT)
            return -EINVAL;
        if (n.how == SIGEV_THREAD)
            error = get_socket(&n);
        if (error)
            return error;
    }
    struct file *f = get_queue(ARG_INT(a, 0), 0);
    error = f ? mqueue_notify(f, a->arg[1] ? &n : NULL) : -EBADF;
    if (f)
        file_put(f);
    if (error && n.socket)
        file_put(n.socket);
    return error;
}

long sys_mq_getsetattr(const struct syscall_args *a)
{
    struct mq_attr *new_user = ARG_PTR(a, 1), *old_user = ARG_PTR(a, 2), new, old;

    if (new_user && get_user(new, new_user))
        return -EFAULT;
    if (new_user && (new.mq_flags & ~(long)O_NONBLOCK))
        return -EINVAL;
    struct file *f = get_queue(ARG_INT(a, 0), 0);
    if (!f)
        return -EBADF;
    mqueue_attributes(f, new_user ? &new : NULL, &old);
    file_put(f);
    return old_user && copy_to_user(old_user, &old, sizeof(old)) ? -EFAULT : 0;
}
