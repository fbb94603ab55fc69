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

#define VECTOR_MAX 1024 /* UIO_MAXIOV: messages in one sendmmsg or recvmmsg */

/* struct msghdr and struct mmsghdr of recvmsg(2), as x86-64 lays them out. */
struct user_message {
    void *name;
    int name_length;
    struct iovec *iov;
    size_t iov_length;
    void *control;
    size_t control_length;
    u32 flags;
};

struct user_message_vector {
    struct user_message header;
    u32 length;
};

/* MSG_CMSG_COMPAT: the kernel's own mark for 32-bit callers; a program that gives it is refused. */
#define MSG_REFUSED 0x80000000u

static int effective_flags(const struct file *f, int flags)
{
    return f->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

/* ------------------------------------------------------------ one buffer */

long sys_sendto(const struct syscall_args *a)
{
    struct file *f;
    struct message m;
    void *buffer = ARG_PTR(a, 1);
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
    long result = ARG_PTR(a, 4) ? address_from_user(&m.name, ARG_PTR(a, 4), ARG_INT(a, 5)) : 0;
    if (!result)
        result = socket_send(s, &m);
    file_put(f);
    return result;
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
    if (h->iov_length > VECTOR_MAX)
        return -EMSGSIZE;
    return 0;
}

static long send_message(struct socket *s, const struct user_message *user, int flags)
{
    struct user_message h;
    struct iovec fast[IO_FAST_VEC], *allocated = NULL;
    struct message m;
    memset(&m, 0, sizeof(m));
    m.flags = flags;
    long result = import_header(&h, user);
    if (!result && h.name_length)
        result = address_from_user(&m.name, h.name, h.name_length);
    if (!result)
        result = io_import(&m.io, h.iov, h.iov_length, fast, &allocated);
    if (!result && h.control_length > INT32_MAX)
        result = -ENOBUFS;
    if (!result && h.control && h.control_length)
        result = control_import(&m, h.control, h.control_length, s->family == AF_UNIX, s->ops->send_control);
    if (!result)
        result = socket_send(s, &m);
    passed_free(m.passed);
    kfree(allocated);
    return result;
}

static long receive_message(struct socket *s, struct user_message *user, int flags)
{
    struct user_message h;
    struct iovec fast[IO_FAST_VEC], *allocated = NULL;
    struct message m;
    memset(&m, 0, offsetof(struct message, name));
    memset(&m.name.length, 0, sizeof(m) - offsetof(struct message, name.length));
    m.flags = flags;
    long result = import_header(&h, user);
    if (!result)
        result = io_import(&m.io, h.iov, h.iov_length, fast, &allocated);
    if (result)
        return result;
    m.control = h.control;
    m.control_size = h.control ? h.control_length : 0;
    m.want_name = h.name != NULL;
    result = socket_receive(s, &m);
    kfree(allocated);
    if (result < 0)
        return result;
    if (h.name) {
        int n = MIN(h.name_length, m.name.length);
        if ((n && copy_to_user(h.name, m.name.bytes, (size_t)n)) || put_user(m.name.length, &user->name_length))
            return -EFAULT;
    }
    u32 result_flags = (u32)m.result_flags | ((u32)flags & MSG_CMSG_CLOEXEC);
    if (put_user(result_flags, &user->flags) || put_user(m.control_used, &user->control_length))
        return -EFAULT;
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

long socket_receive_into(struct file *f, void *user_message, int flags, char *buffer, size_t n, bool with_head)
{
    struct socket *s = socket_of_file(f);
    struct user_message h, *user = user_message;
    struct message m;
    size_t head = 0;

    if (!s)
        return -ENOTSOCK;
    if (copy_from_user(&h, user, sizeof(h)))
        return -EFAULT;
    if (h.name_length < 0)
        return -EINVAL;
    memset(&m, 0, sizeof(m));
    if (with_head) {
        head = sizeof(struct io_uring_recvmsg_out) + (size_t)h.name_length + h.control_length;
        if (head > n)
            return -EFAULT;
        m.control = buffer + head - h.control_length;
    } else {
        m.control = h.control;
        struct iovec v;
        if (h.iov_length > 1)
            return -EINVAL;
        if (h.iov_length && get_user(v, h.iov))
            return -EFAULT;
        n = h.iov_length && v.iov_len ? MIN(n, v.iov_len) : n;
        h.name_length = h.name ? h.name_length : 0;
    }
    m.flags = flags;
    m.control_size = m.control ? h.control_length : 0;
    m.want_name = h.name_length != 0;
    io_init_user(&m.io, buffer + head, n - head);
    long result = user_range_ok(buffer, n) ? socket_receive(s, &m) : -EFAULT;
    if (result < 0)
        return result;
    m.result_flags |= flags & MSG_CMSG_CLOEXEC;
    if (with_head) {
        long error = put_message_head(buffer, &h, &m, (size_t)result);
        return error ? error : (long)head + MIN(result, (long)(n - head));
    }
    int name = MIN(h.name_length, m.name.length);
    if ((h.name && ((name && copy_to_user(h.name, m.name.bytes, (size_t)name)) || put_user(m.name.length, &user->name_length))) ||
        put_user((u32)m.result_flags, &user->flags) || put_user(m.control_used, &user->control_length))
        return -EFAULT;
    return result;
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
    u32 count = MIN(ARG_U32(a, 2), (u32)VECTOR_MAX), done = 0;
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
    u32 count = MIN(ARG_U32(a, 2), (u32)VECTOR_MAX), done = 0;
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
