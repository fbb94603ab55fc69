/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on message queues; the work is in fs/ipc/msg.c. */
#include "fs/ipc/msg.h"
#include "kernel/heap.h"
#include "syscalls/syscall.h"

long sys_msgget(const struct syscall_args *a)
{
    struct ipc_request r = {.key = ARG_INT(a, 0), .flags = ARG_U32(a, 1)};

    return ipc_get(&msg_table, &r);
}

long sys_msgsnd(const struct syscall_args *a)
{
    const struct msgbuf *user = ARG_PTR(a, 1);
    u64 size = ARG_U64(a, 2);
    s64 type;

    if (get_user(type, &user->mtype))
        return -EFAULT;
    if (size > ipc_limits.msg_text || ARG_INT(a, 0) < 0 || type < 1)
        return -EINVAL;
    struct ipc_message *m = kmalloc(sizeof(*m) + size);
    if (!m)
        return -ENOMEM;
    m->type = type;
    m->size = size;
    long result = copy_from_user(m->text, user->mtext, size) ? -EFAULT : msg_send(ARG_INT(a, 0), m, ARG_U32(a, 3));
    if (result)
        kfree(m);
    return result;
}

/* Before it looks at the queue, Linux reads what is at the place of the copy. 0 or -EFAULT. */
static int touch(const void *user, size_t n)
{
    char part[256];
    int error = 0;

    for (size_t at = 0; at < n && !error; at += sizeof(part))
        error = copy_from_user(part, (const char *)user + at, MIN(n - at, sizeof(part)));
    return error;
}

long sys_msgrcv(const struct syscall_args *a)
{
    struct msgbuf *user = ARG_PTR(a, 1);
    u64 size = ARG_U64(a, 2);
    u32 flags = ARG_U32(a, 4);

    if (ARG_INT(a, 0) < 0 || (s64)size < 0)
        return -EINVAL;
    if (flags & MSG_COPY) {
        if (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))
            return -EINVAL;
        int error = touch(user, MIN(size, ipc_limits.msg_text));
        if (error)
            return error;
    }
    struct ipc_message *m = msg_receive(ARG_INT(a, 0), size, ARG_S64(a, 3), flags);
    if (IS_ERR(m))
        return PTR_ERR(m);
    long result = (long)MIN(size, m->size);
    if (put_user(m->type, &user->mtype) || copy_to_user(user->mtext, m->text, (size_t)result))
        result = -EFAULT;
    kfree(m);
    return result;
}

static long show_info(int cmd, void *user)
{
    u32 queues, messages;
    u64 bytes;
    long highest = msg_count(&queues, &messages, &bytes);
    bool use = cmd == MSG_INFO;
    struct msginfo info = {
        .msgpool = use ? (int)queues : MSGPOOL,
        .msgmap = use ? (int)messages : MSGMAP,
        .msgmax = (int)ipc_limits.msg_text,
        .msgmnb = (int)ipc_limits.msg_queue,
        .msgmni = (int)msg_table.limit,
        .msgssz = MSGSSZ,
        .msgtql = use ? (int)bytes : MSGTQL,
        .msgseg = MSGSEG,
    };

    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : highest;
}

long sys_msgctl(const struct syscall_args *a)
{
    int id = ARG_INT(a, 0), cmd = ARG_INT(a, 1);
    struct msqid64_ds d;
    long result;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO:
        return show_info(cmd, ARG_PTR(a, 2));
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        result = msg_control(id, cmd, &d);
        return result >= 0 && copy_to_user(ARG_PTR(a, 2), &d, sizeof(d)) ? -EFAULT : result;
    case IPC_SET:
        if (copy_from_user(&d, ARG_PTR(a, 2), sizeof(d)))
            return -EFAULT;
        /* fall through */
    case IPC_RMID:
        return msg_control(id, cmd, &d);
    default:
        return -EINVAL;
    }
}
