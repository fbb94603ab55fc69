/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues, mq_overview(7): files of the mqueue file system. Inside of fs/ipc/, and what syscalls/mqueue.c calls. */
#ifndef FS_IPC_MQUEUE_H
#define FS_IPC_MQUEUE_H

#include <linux/mqueue.h>
#include "fs/ipc/msg.h"
#include "fs/vfs.h"

#define MQ_MESSAGES_MAX 65536          /* what CAP_SYS_RESOURCE and the administrator may allow */
#define MQ_SIZE_MAX     (16 << 20)

extern const struct file_system_type mqueue_type;
extern const struct file_ops mqueue_file_ops;

/* mq_open(3) with flags as open(2); attr (NULL: the defaults) of a queue that is made. File or ERR_PTR. */
struct file *mqueue_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attr);
int mqueue_unlink(const char *name);
/*
 * Takes m over unless it fails; m->type is its priority. deadline on CLOCK_REALTIME; NSEC_NEVER: none. -EMSGSIZE, -EAGAIN, -ETIMEDOUT,
 * -ERESTARTSYS.
 */
long mqueue_send(struct file *f, struct ipc_message *m, nsec_t deadline);
/* The first message of the highest priority, the caller's to kfree; or ERR_PTR, as above. */
struct ipc_message *mqueue_receive(struct file *f, size_t room, nsec_t deadline);
u64 mqueue_message_size(struct file *f);
/* Fills *old; sets O_NONBLOCK from *new unless NULL. */
void mqueue_attributes(struct file *f, const struct mq_attr *new, struct mq_attr *old);
/* mq_notify(3): what happens when a message comes to the empty queue. */
struct mqueue_notification {
    int how;                       /* SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD */
    int signo;
    sigval_t value;
    struct file *socket;           /* SIGEV_THREAD; reference */
    u8 cookie[NOTIFY_COOKIE_LEN];
};
/* NULL: ends the caller's. Takes socket over on success. 0 or -EBUSY. */
int mqueue_notify(struct file *f, const struct mqueue_notification *n);

/*
 * Set by net/: puts the cookie in the netlink socket's queue; cookie NULL: says whether f is one. 0, -ENOTSOCK, -EINVAL, -ENOMEM.
 */
extern int (*mqueue_tell_socket)(struct file *f, void *cookie, size_t length);

#endif
