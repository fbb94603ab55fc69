/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket calls that move data: send, recv and their message forms. */
#include <linux/fcntl.h>
#include <linux/io_uring.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/control.h"
#include "net/socket.h"
#include "syscalls/socket.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"


/* struct mmsghdr of recvmmsg(2). */
struct user_message_vector {
    struct user_message header;
    u32 length;
};

static int effective_flags(const struct file *f, int flags)
{
    return f->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

/* ------------------------------------------------------------ one buffer */

/* sendto(2), with the address copied already, or to be (user_name). */
static long send_to(int fd, void *buffer, size_t n, int flags, const struct socket_address *to, const void *user_name, int length)
{
    struct file *f;
    struct message m;
    n = MIN(n, (size_t)IO_MAX_BYTES);
    if (!user_range_ok(buffer, n))
        return -EFAULT;
    struct socket *s = socket_from_fd(fd, &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    memset(&m, 0, offsetof(struct message, name));
    memset(&m.name.length, 0, sizeof(m) - offsetof(struct message, name.length));
    io_init_user(&m.io, buffer, n);
    m.flags = effective_flags(f, flags);
    if (to)
        memcpy(&m.name, to, sizeof(m.name));
    long result = user_name ? address_from_user(&m.name, user_name, length) : 0;
    if (!result)
        result = socket_send(s, &m);
    file_put(f);
    return result;
}

long socket_send_to(int fd, void *buffer, size_t n, int flags, const struct socket_address *to)
{
    return send_to(fd, buffer, n, flags, to, NULL, 0);
}

long sys_sendto(const struct syscall_args *a)
{
    return send_to(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), ARG_INT(a, 3), NULL, ARG_PTR(a, 4), ARG_INT(a, 5));
}

long sys_recvfrom(const struct syscall_args *a)
{
    struct file *f;
    struct message m;
    void *buffer = ARG_PTR(a, 1), *user_address = ARG_PTR(a, 4);
    size_t n = MIN(ARG_U64(a, 2), (u64)IO_MAX_BYTES);
    if (!user_range_ok(buffer, n))
        return -EFAULT;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    memset(&m, 0, offsetof(struct message, name));
    memset(&m.name.length, 0, sizeof(m) - offsetof(struct message, name.length));
    io_init_user(&m.io, buffer, n);
    m.flags = effective_flags(f, ARG_INT(a, 3));
    m.want_name = user_address != NULL;
    long result = socket_receive(s, &m);
    if (result >= 0 && user_address) {
        int error = address_to_user(&m.name, user_address, ARG_PTR(a, 5));
        if (error)
            result = error;
    }
    file_put(f);
    return result;
}

/* ------------------------------------------------------------ message headers */

static int import_header(struct user_message *h, const struct user_message *user)
{
    if (copy_from_user(h, user, sizeof(*h)))
        return -EFAULT;
    if (!h->name)
        h->name_length = 0;
    if (h->name_length < 0)
        return -EINVAL;
    h->name_length = MIN(h->name_length, 128);
    return 0;
}

int message_import(struct message_arguments *a, const void *user, bool sends)
{
    struct message *m = &a->message;
    struct user_message *h = &a->header;

    a->allocated = NULL;
    if (sends) {
        memset(m, 0, sizeof(*m));
    } else { /* the name comes from the socket */
        memset(m, 0, offsetof(struct message, name));
        memset(&m->name.length, 0, sizeof(*m) - offsetof(struct message, name.length));
    }
    int error = import_header(h, user);
    if (!error && sends && h->name_length)
        error = address_from_user(&m->name, h->name, h->name_length);
    if (!error && h->iov_length > UIO_MAXIOV)
        error = -EMSGSIZE;
    return error ? error : io_import(&m->io, h->iov, h->iov_length, a->fast, &a->allocated);
}

long message_send(struct socket *s, struct message *m, const struct user_message *h)
{
    long result = h->control_length > INT32_MAX ? -ENOBUFS : 0;

    if (!result && h->control && h->control_length)
        result = control_import(m, h->control, h->control_length, s->family == AF_UNIX, s->ops->send_control);
    if (!result && m->stamps && !s->ops->stamps)
        result = -EOPNOTSUPP;
    if (!result)
        result = socket_send(s, m);
    passed_free(m->passed);
    return result;
}

static long send_message(struct socket *s, const struct user_message *user, int flags)
{
    struct message_arguments a;
    long result = message_import(&a, user, true);

    if (result)
        return result;
    a.message.flags = flags;
    result = message_send(s, &a.message, &a.header);
    kfree(a.allocated);
    return result;
}

/* What recvmsg(2) stores in the message itself, which has been received. */
static long put_message(struct user_message *user, const struct user_message *h, const struct message *m, int flags)
{
    int n = MIN(h->name_length, m->name.length);
    u32 result_flags = (u32)m->result_flags | ((u32)flags & MSG_CMSG_CLOEXEC);

    if (h->name && ((n && copy_to_user(h->name, m->name.bytes, (size_t)n)) || put_user(m->name.length, &user->name_length)))
        return -EFAULT;
    return put_user(result_flags, &user->flags) || put_user(m->control_used, &user->control_length) ? -EFAULT : 0;
}

long message_receive(struct socket *s, struct message *m, const struct user_message *h, void *user)
{
    m->control = h->control;
    m->control_size = h->control ? h->control_length : 0;
    m->want_name = h->name != NULL;
    long result = socket_receive(s, m);
    long error = result < 0 ? result : put_message(user, h, m, m->flags);
    return error ? error : result;
}

static long receive_message(struct socket *s, struct user_message *user, int flags)
{
    struct message_arguments a;
    long result = message_import(&a, user, false);

    if (result)
        return result;
    a.message.flags = flags;
    result = message_receive(s, &a.message, &a.header, user);
    kfree(a.allocated);
    return result;
}

/* Puts what recvmsg(2) says of the message, the name and control messages before the data. */
static long put_message_head(char *to, const struct user_message *h, const struct message *m, size_t payload)
{
    struct io_uring_recvmsg_out head = {
        .namelen = (u32)m->name.length,
        .controllen = (u32)m->control_used,
        .payloadlen = (u32)payload,
        .flags = (u32)m->result_flags,
    };
    size_t name = (size_t)MIN(h->name_length, m->name.length);

    return copy_to_user(to, &head, sizeof(head)) || (name && copy_to_user(to + sizeof(head), m->name.bytes, name)) ? -EFAULT : 0;
}

int message_import_selected(struct user_message *h, const void *user)
{
    struct iovec v = {0};

    if (copy_from_user(h, user, sizeof(*h)))
        return -EFAULT;
    if (h->name_length < 0 || h->iov_length > 1)
        return -EINVAL;
    if (h->iov_length && get_user(v, h->iov))
        return -EFAULT;
    h->iov_length = v.iov_len;
    return h->control_length > INT32_MAX - sizeof(struct io_uring_recvmsg_out) - (size_t)h->name_length ? -EOVERFLOW : 0;
}

long socket_receive_into(struct file *f, const struct user_message *h, void *user, int flags, char *buffer, size_t n, bool with_head)
{
    struct socket *s = socket_of_file(f);
    struct message m;
    size_t head = with_head ? sizeof(struct io_uring_recvmsg_out) + (size_t)h->name_length + h->control_length : 0;

    if (!s)
        return -ENOTSOCK;
    if (head > n || !user_range_ok(buffer, n))
        return -EFAULT;
    memset(&m, 0, sizeof(m));
    m.flags = flags;
    if (!with_head) {
        io_init_user(&m.io, buffer, h->iov_length ? MIN(n, h->iov_length) : n);
        return message_receive(s, &m, h, user);
    }
    m.control = buffer + head - h->control_length;
    m.control_size = h->control_length;
    m.want_name = h->name_length != 0;
    io_init_user(&m.io, buffer + head, n - head);
    long result = socket_receive(s, &m);
    if (result < 0)
        return result;
    m.result_flags |= flags & MSG_CMSG_CLOEXEC;
    long error = put_message_head(buffer, h, &m, (size_t)result);
    return error ? error : (long)head + MIN(result, (long)(n - head));
}

long sys_sendmsg(const struct syscall_args *a)
{
    struct file *f;
    if (ARG_U32(a, 2) & MSG_REFUSED)
        return -EINVAL;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = send_message(s, ARG_PTR(a, 1), effective_flags(f, ARG_INT(a, 2)));
    file_put(f);
    return result;
}

long sys_recvmsg(const struct syscall_args *a)
{
    struct file *f;
    if (ARG_U32(a, 2) & MSG_REFUSED)
        return -EINVAL;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = receive_message(s, ARG_PTR(a, 1), effective_flags(f, ARG_INT(a, 2)));
    file_put(f);
    return result;
}

/* ------------------------------------------------------------ many messages */

long sys_sendmmsg(const struct syscall_args *a)
{
    struct file *f;
    struct user_message_vector *vector = ARG_PTR(a, 1);
    u32 count = MIN(ARG_U32(a, 2), (u32)UIO_MAXIOV), done = 0;
    if (ARG_U32(a, 3) & MSG_REFUSED)
        return -EINVAL;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    long result = 0;
    while (done < count) {
        result = send_message(s, &vector[done].header, effective_flags(f, ARG_INT(a, 3)));
        if (result < 0)
            break;
        result = put_user((u32)result, &vector[done].length);
        if (result)
            break;
        done++;
    }
    file_put(f);
    return done ? (long)done : result;
}

long sys_recvmmsg(const struct syscall_args *a)
{
    struct file *f;
    struct user_message_vector *vector = ARG_PTR(a, 1);
    u32 count = MIN(ARG_U32(a, 2), (u32)UIO_MAXIOV), done = 0;
    struct __kernel_timespec *timeout = ARG_PTR(a, 4);
    nsec_t deadline;
    if (ARG_U32(a, 3) & MSG_REFUSED)
        return -EINVAL;
    long result = timeout_from_user(timeout, &deadline);
    if (result)
        return result;
    struct socket *s = socket_from_fd(ARG_INT(a, 0), &f);
    if (IS_ERR(s))
        return PTR_ERR(s);
    int flags = effective_flags(f, ARG_INT(a, 3));
    result = socket_take_error(s);
    while (!result && done < count) {
        result = receive_message(s, &vector[done].header, flags & ~MSG_WAITFORONE);
        if (result < 0)
            break;
        result = put_user((u32)result, &vector[done].length);
        if (result)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        /* The timeout is looked at only between messages, as recvmmsg(2) warns. */
        if (timeout && platform_clock() >= deadline)
            break;
    }
    file_put(f);
    if (!done)
        return result;
    if (timeout) {
        struct __kernel_timespec left = timeout_left(deadline);
        if (copy_to_user(timeout, &left, sizeof(left)))
            return -EFAULT;
    }
    /* An error after the first message is told by the next call. */
    if (result < 0 && result != -EAGAIN && result != -ERESTARTSYS && result != -EINTR)
        socket_set_error(s, (int)-result);
    return (long)done;
}
