/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of io_uring on sockets. Those that go on and on (multishot) tell of each result with IORING_CQE_F_MORE. */
#include <linux/fcntl.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "syscalls/socket.h"
#include "syscalls/uring.h"

long sys_accept4(const struct syscall_args *a);
long sys_recvfrom(const struct syscall_args *a);
long sys_shutdown(const struct syscall_args *a);
long sys_socket(const struct syscall_args *a);

#define TYPE_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* ------------------------------------------------------------ connections */

int uring_socket_prepare(struct uring_request *r)
{
    return r->sqe.file_index && r->sqe.off & SOCK_CLOEXEC ? -EINVAL : 0;
}

s64 uring_socket(struct uring_request *r)
{
    return uring_call_direct(r, sys_socket, &(struct syscall_args){.arg = {ARG(r->sqe.fd), r->sqe.off, r->sqe.len}});
}

static int copy_address(struct uring_request *r, u64 user, int length)
{
    struct socket_address *to = kmalloc(sizeof(*to));

    r->data = to;
    return to ? address_from_user(to, (void *)user, length) : -ENOMEM;
}

int uring_connect_prepare(struct uring_request *r)
{
    return copy_address(r, r->sqe.addr, (int)r->sqe.off);
}

s64 uring_connect(struct uring_request *r)
{
    struct socket *s = socket_of_file(r->file);

    if (!s)
        return -ENOTSOCK;
    if (r->polled) { /* how the attempt has ended */
        int error = socket_take_error(s);
        if (error)
            return error;
    }
    s64 result = socket_connect_to(s, r->data, true);
    if (result == -EINPROGRESS || result == -EALREADY)
        return -EAGAIN;
    return result == -EISCONN && r->polled ? 0 : result;
}

s64 uring_shutdown(struct uring_request *r)
{
    return URING_CALL(sys_shutdown, ARG(FD_LENT), r->sqe.len);
}

int uring_accept_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->ioprio & ~IORING_ACCEPT_MULTISHOT || s->accept_flags & ~(u32)TYPE_FLAGS)
        return -EINVAL;
    r->multishot = s->ioprio & IORING_ACCEPT_MULTISHOT;
    if (s->file_index && (s->accept_flags & SOCK_CLOEXEC || (r->multishot && s->file_index != IORING_FILE_INDEX_ALLOC)))
        return -EINVAL;
    return 0;
}

s64 uring_accept(struct uring_request *r)
{
    const struct syscall_args a = {.arg = {ARG(FD_LENT), r->sqe.addr, r->sqe.addr2, r->sqe.accept_flags}};
    s64 result;

    while ((result = uring_call_direct(r, sys_accept4, &a)) >= 0 && r->multishot)
        uring_post(r->ring, r->sqe.user_data, (s32)result, IORING_CQE_F_MORE, NULL, 0);
    return result;
}

/* ------------------------------------------------------------ sending */

static bool is_message(u8 opcode)
{
    return opcode == IORING_OP_SENDMSG || opcode == IORING_OP_SENDMSG_ZC || opcode == IORING_OP_RECVMSG;
}

static int copy_message(struct uring_request *r, bool sends)
{
    struct message_arguments *a = kmalloc(sizeof(*a));

    r->data = a;
    int error = a ? message_import(a, (void *)r->sqe.addr, sends) : -ENOMEM;
    if (!error)
        r->vector = a->allocated;
    return error;
}

/* The socket, and in *m what copy_message() has kept, for one attempt. ERR_PTR. */
static struct socket *begin_message(struct uring_request *r, struct message *m)
{
    const struct message_arguments *a = r->data;
    struct socket *s = socket_of_file(r->file);

    if (!s)
        return ERR_PTR(-ENOTSOCK);
    if (r->sqe.msg_flags & MSG_REFUSED)
        return ERR_PTR(-EINVAL);
    memcpy(m, &a->message, sizeof(*m));
    m->flags = (int)r->sqe.msg_flags | (r->file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
    return s;
}

static s64 send_message(struct uring_request *r)
{
    const struct message_arguments *a = r->data;
    struct message m;
    struct socket *s = begin_message(r, &m);

    if (IS_ERR(s))
        return PTR_ERR(s);
    m.flags |= MSG_NOSIGNAL;
    return message_send(s, &m, &a->header);
}

int uring_send_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool copies = s->opcode == IORING_OP_SEND_ZC || s->opcode == IORING_OP_SENDMSG_ZC;
    u32 known = IORING_RECVSEND_POLL_FIRST;

    if (copies)
        known |= IORING_SEND_ZC_REPORT_USAGE | (s->opcode == IORING_OP_SEND_ZC ? IORING_RECVSEND_FIXED_BUF : 0);
    if (s->ioprio & ~known || (copies && s->flags & IOSQE_CQE_SKIP_SUCCESS) || s->__pad3[0] ||
        (s->opcode == IORING_OP_SENDMSG && s->file_index))
        return -EINVAL;
    r->poll_first = s->ioprio & IORING_RECVSEND_POLL_FIRST;
    r->no_retry = s->msg_flags & MSG_DONTWAIT;
    if (is_message(s->opcode))
        return copy_message(r, true);
    return s->addr2 ? copy_address(r, s->addr2, s->addr_len) : 0;
}

/* What was sent in all, if more is to follow the part that was, -EAGAIN. */
static s64 add_part(struct uring_request *r, s64 result, bool whole)
{
    if (result < 0 || !whole)
        return result < 0 && result != -EAGAIN && r->done ? r->done : result;
    r->done += result;
    if (!result || r->done >= r->sqe.len)
        return r->done;
    return -EAGAIN;
}

static s64 send_once(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    u32 flags = (s->msg_flags & ~(u32)(s->opcode == IORING_OP_SEND_ZC ? MSG_ZEROCOPY : 0)) | MSG_NOSIGNAL; /* it tells by itself */

    if (is_message(s->opcode))
        return send_message(r);
    if (s->ioprio & IORING_RECVSEND_FIXED_BUF && uring_buffer_check(r->ring, s->buf_index, s->addr, s->len))
        return -EFAULT;
    s64 result;
    bool whole = flags & MSG_WAITALL && !r->no_retry;
    do {
        result = socket_send_to(FD_LENT, (void *)(s->addr + (u64)r->done), s->len - (u64)r->done, (int)flags, r->data);
        s64 sent = result;
        result = add_part(r, result, whole);
        if (sent <= 0)
            break;
    } while (result == -EAGAIN);
    if (result >= 0 && whole && result != s->len)
        r->failed = true;
    return result;
}

s64 uring_send(struct uring_request *r)
{
    bool copies = r->sqe.opcode == IORING_OP_SEND_ZC || r->sqe.opcode == IORING_OP_SENDMSG_ZC;
    const struct socket *to = copies ? socket_of_file(r->file) : NULL;
    bool refused = to && to->family != AF_INET && to->family != AF_INET6; /* only these know how on Linux */
    s64 result = refused ? -EOPNOTSUPP : send_once(r);

    if (!copies || (result == -EAGAIN && !r->no_retry))
        return result;
    /* The data was copied: the notice that the buffer is free comes at once. */
    if (result < 0)
        r->failed = true;
    uring_post(r->ring, r->sqe.user_data, (s32)result, IORING_CQE_F_MORE, NULL, 0);
    r->cqe_flags = IORING_CQE_F_NOTIF;
    return r->sqe.ioprio & IORING_SEND_ZC_REPORT_USAGE ? (s64)(s32)IORING_NOTIF_USAGE_ZC_COPIED : 0;
}

/* ------------------------------------------------------------ receiving */

int uring_receive_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->ioprio & ~(IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT))
        return -EINVAL;
    r->multishot = s->ioprio & IORING_RECV_MULTISHOT;
    if (r->multishot && (!(s->flags & IOSQE_BUFFER_SELECT) || s->msg_flags & MSG_WAITALL || (s->opcode == IORING_OP_RECV && s->len)))
        return -EINVAL;
    r->poll_first = s->ioprio & IORING_RECVSEND_POLL_FIRST;
    r->no_retry = s->msg_flags & MSG_DONTWAIT;
    if (!is_message(s->opcode))
        return 0;
    if (!(s->flags & IOSQE_BUFFER_SELECT))
        return copy_message(r, false);
    r->data = kmalloc(sizeof(struct user_message));
    return r->data ? message_import_selected(r->data, (void *)s->addr) : -ENOMEM;
}

/* Receives one message into the vector, or into the buffer that was chosen: for a multishot request with all of it in there. */
static s64 receive_message(struct uring_request *r, u64 address, u32 n)
{
    void *user = (void *)r->sqe.addr;

    if (r->has_buffer)
        return socket_receive_into(r->file, r->data, user, (int)r->sqe.msg_flags, (char *)address, n, r->multishot);
    const struct message_arguments *a = r->data;
    struct message m;
    struct socket *s = begin_message(r, &m);
    return IS_ERR(s) ? PTR_ERR(s) : message_receive(s, &m, &a->header, user);
}

static s64 receive_once(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    u64 address = s->addr + (u64)r->done;
    u32 n = s->len - (u32)r->done;

    if (s->flags & IOSQE_BUFFER_SELECT) {
        n = s->opcode == IORING_OP_RECV ? s->len : 0;
        int error = uring_buffer_select(r, &address, &n);
        if (error)
            return error;
    }
    if (s->opcode == IORING_OP_RECV)
        return URING_CALL(sys_recvfrom, ARG(FD_LENT), address, n, s->msg_flags);
    return receive_message(r, address, n);
}

s64 uring_receive(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool whole = s->opcode == IORING_OP_RECV && s->msg_flags & MSG_WAITALL && !r->no_retry && !(s->flags & IOSQE_BUFFER_SELECT);

    for (;;) {
        s64 part = receive_once(r), result = add_part(r, part, whole);

        if (part == -EAGAIN)
            uring_buffer_recycle(r);
        if (result == -EAGAIN && part > 0)
            continue;
        if (result > 0 && r->multishot) {
            uring_buffer_used(r);
            uring_post(r->ring, s->user_data, (s32)result, r->cqe_flags | IORING_CQE_F_MORE, NULL, 0);
            r->cqe_flags = 0;
            continue;
        }
        if (result >= 0 && whole && result != s->len)
            r->failed = true;
        return result;
    }
}
