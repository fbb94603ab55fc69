/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket calls: argument checks and copies around net/socket.h. Creation, names and options. */
#include <linux/fcntl.h>
#include "kernel/lib/string.h"
#include "net/sysctl.h"
#include "net/socket.h"
#include "syscalls/socket.h"
#include "syscalls/syscall.h"

struct socket *socket_from_fd(int fd, struct file **file)
{
    *file = fd_get(fd);
    if (!*file)
        return ERR_PTR(-EBADF);
    struct socket *s = socket_of_file(*file);
    if (s)
        return s;
    file_put(*file);
    return ERR_PTR(-ENOTSOCK);
}

int address_from_user(struct socket_address *a, const void *user, int length)
{
    a->length = 0;
    if (length < 0 || length > (int)sizeof(a->bytes))
        return -EINVAL;
    memset(a->bytes, 0, 16);
    if (copy_from_user(a->bytes, user, (size_t)length))
        return -EFAULT;
    a->length = length;
    return 0;
}

int address_to_user(const struct socket_address *a, void *user, int *user_length)
{
    int room;
    if (get_user(room, user_length))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    int n = MIN(room, a->length);
    if (n && copy_to_user(user, a->bytes, (size_t)n))
        return -EFAULT;
    return put_user(a->length, user_length);
}

/* ------------------------------------------------------------ creation */

#define TYPE_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

static int check_type(int *type, u32 *flags)
{
    *flags = (u32)*type & TYPE_FLAGS;
    if (*type & ~(SOCK_TYPE_MASK | TYPE_FLAGS))
        return -EINVAL;
    *type &= SOCK_TYPE_MASK;
    return 0;
}

/* Gives the reference to a new file and descriptor. */
static long install(struct socket *s, u32 flags)
{
    struct file *f = socket_file_create(s, flags & SOCK_NONBLOCK);
    if (!f) {
        s->ops->close(s);
        socket_put(s);
        return -ENOMEM;
    }
    int fd = fd_install(f, 0, flags & SOCK_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_socket(const struct syscall_args *a)
{
    int type = ARG_INT(a, 1);
    u32 flags;
    int error = check_type(&type, &flags);
    if (error)
        return error;
    struct socket *s = socket_create(ARG_INT(a, 0), type, ARG_INT(a, 2));
    return IS_ERR(s) ? PTR_ERR(s) : install(s, flags);
}

static void discard(struct socket *s)
{
    s->ops->close(s);
    socket_put(s);
}

long sys_socketpair(const struct syscall_args *a)
{
    int type = ARG_INT(a, 1), *user_fds = ARG_PTR(a, 3), fds[2];
    u32 flags;
    int error = check_type(&type, &flags);
    if (error)
        return error;
    if (clear_user(user_fds, sizeof(fds))) /* told before anything about the sockets */
        return -EFAULT;
    struct socket *x = socket_create(ARG_INT(a, 0), type, ARG_INT(a, 2));
    if (IS_ERR(x))
        return PTR_ERR(x);
    struct socket *y = x->ops->pair ? socket_create(ARG_INT(a, 0), type, ARG_INT(a, 2)) : ERR_PTR(-EOPNOTSUPP);
    if (IS_ERR(y)) {
        discard(x);
        return PTR_ERR(y);
    }
    error = x->ops->pair(x, y);
    struct file *fx = error ? NULL : socket_file_create(x, flags & SOCK_NONBLOCK);
    struct file *fy = fx ? socket_file_create(y, flags & SOCK_NONBLOCK) : NULL;
    if (!fy) {
        discard(y);
        if (fx)
            file_put(fx);
        else
            discard(x);
        return error ? error : -ENOMEM;
    }
    error = fd_install_pair(fx, fy, flags & SOCK_CLOEXEC, fds);
    if (error) {
        file_put(fx);
        file_put(fy);
        return error;
    }
    if (copy_to_user(user_fds, fds, sizeof(fds))) {
        fd_close(fds[0]);
        fd_close(fds[1]);
        return -EFAULT;
    }
    return 0;
}

/* ------------------------------------------------------------ names and connections */

long sys_bind(const struct syscall_args *a)
{
    struct file *f;
    struct socket_address address;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = address_from_user(&address, ARG_PTR(a, 1), ARG_INT(a, 2));
    if (!result)
        result = s->ops->bind ? s->ops->bind(s, &address) : -EOPNOTSUPP;
    file_put(f);
    return result;
}

long sys_listen(const struct syscall_args *a)
{
    struct file *f;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    u32 backlog = MIN(ARG_U32(a, 1), (u32)READ_ONCE(net_settings.backlog_max));
    long result = s->ops->listen ? s->ops->listen(s, (int)backlog) : -EOPNOTSUPP;
    file_put(f);
    return result;
}

long socket_connect_to(struct socket *s, const struct socket_address *to, bool nonblock)
{
    return s->ops->connect ? s->ops->connect(s, to, nonblock) : -EOPNOTSUPP;
}

long sys_connect(const struct syscall_args *a)
{
    struct file *f;
    struct socket_address address;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (s == ERR_PTR(-EBADF))
        return -EBADF;
    /* The name is looked at before what is to be connected: unlike in bind(2). */
    long result = address_from_user(&address, ARG_PTR(a, 1), ARG_INT(a, 2));
    if (IS_ERR(s))
        return result ? result : PTR_ERR(s);
    if (!result)
        result = socket_connect_to(s, &address, f->flags & O_NONBLOCK);
    file_put(f);
    return result;
}

/* A file of the next connection; nothing has left the queue if there can be none. */
static struct file *accept_from(struct socket *s, bool nonblock, void *user_address, int *user_length, u32 flags)
{
    if (!s->ops->listen)
        return ERR_PTR(-EOPNOTSUPP);
    struct file *f = socket_file_create(NULL, flags & SOCK_NONBLOCK);
    if (!f)
        return ERR_PTR(-ENFILE);
    struct socket *c = socket_accept(s, nonblock ? 0 : socket_receive_deadline(s, 0));
    if (IS_ERR(c)) {
        file_put(f);
        return ERR_PTR(PTR_ERR(c));
    }
    socket_file_attach(f, c);
    if (user_address) {
        struct socket_address address;
        int error = c->ops->name(c, &address, NAME_ACCEPTED);
        if (error)
            error = -ECONNABORTED;
        else
            error = address_to_user(&address, user_address, user_length);
        if (error) {
            file_put(f);
            return ERR_PTR(error);
        }
    }
    return f;
}

static long do_accept(int fd, void *user_address, int *user_length, int flags)
{
    struct file *f;
    bool known = !(flags & ~TYPE_FLAGS);
    struct socket *s = socket_from_fd(fd, &f);
    if (IS_ERR(s))
        return known || PTR_ERR(s) == -EBADF ? PTR_ERR(s) : -EINVAL;
    int new = known ? fd_reserve((u32)flags & SOCK_CLOEXEC) : -EINVAL;
    struct file *connection = new < 0 ? ERR_PTR(new) : accept_from(s, f->flags & O_NONBLOCK, user_address, user_length, (u32)flags);
    file_put(f);
    return fd_finish(new, connection);
}

long sys_accept(const struct syscall_args *a)
{
    return do_accept(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2), 0);
}

long sys_accept4(const struct syscall_args *a)
{
    return do_accept(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_INT(a, 3));
}

static long do_name(const struct syscall_args *a, enum socket_name whose)
{
    struct file *f;
    struct socket_address address;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = s->ops->name(s, &address, whose);
    if (!result)
        result = address_to_user(&address, ARG_PTR(a, 1), ARG_PTR(a, 2));
    file_put(f);
    return result;
}

long sys_getsockname(const struct syscall_args *a)
{
    return do_name(a, NAME_OWN);
}

long sys_getpeername(const struct syscall_args *a)
{
    return do_name(a, NAME_PEER);
}

long sys_shutdown(const struct syscall_args *a)
{
    struct file *f;
    u32 how = ARG_U32(a, 1);
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = how > 2 ? -EINVAL : s->ops->shutdown ? s->ops->shutdown(s, (int)how + 1) : -EOPNOTSUPP;
    file_put(f);
    return result;
}

/* ------------------------------------------------------------ options */

long sys_setsockopt(const struct syscall_args *a)
{
    struct file *f;
    int length = ARG_INT(a, 4);
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = length < 0 ? -EINVAL : socket_set_option(s, ARG_INT(a, 1), ARG_INT(a, 2), ARG_PTR(a, 3), (u32)length);
    file_put(f);
    return result;
}

long sys_getsockopt(const struct syscall_args *a)
{
    struct file *f;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = socket_get_option(s, ARG_INT(a, 1), ARG_INT(a, 2), ARG_PTR(a, 3), ARG_PTR(a, 4));
    file_put(f);
    return result;
}
