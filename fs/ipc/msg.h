/* SPDX-License-Identifier: BSD-2-Clause */
/* System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2). Inside of fs/ipc/, and what syscalls/msg.c calls. */
#ifndef FS_IPC_MSG_H
#define FS_IPC_MSG_H

#include <linux/msg.h>
#include "fs/ipc/ipc.h"

struct ipc_message {
    struct list link;
    s64 type;
    size_t size;
    char text[];
};

/*
 * msgsnd(2): takes the message over, unless it fails. -EINVAL, -EACCES, -EAGAIN, -EIDRM, -ERESTARTNOHAND.
 */
long msg_send(s32 id, struct ipc_message *m, u32 flags);
/*
 * msgrcv(2): the message, the caller's to kfree, of which it may show size bytes; or ERR_PTR: -EINVAL, -EACCES, -E2BIG, -ENOMSG,
 * -EIDRM, -ERESTARTNOHAND, -ENOMEM. With MSG_COPY a copy.
 */
struct ipc_message *msg_receive(s32 id, size_t size, s64 type, u32 flags);
/* IPC_STAT, MSG_STAT, MSG_STAT_ANY (fill *d), IPC_SET (takes from *d), IPC_RMID. */
long msg_control(s32 id, int cmd, struct msqid64_ds *d);
/* MSG_INFO: queues, messages and bytes there are; the highest place. */
long msg_count(u32 *queues, u32 *messages, u64 *bytes);

#endif
