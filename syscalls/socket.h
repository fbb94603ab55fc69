/* SPDX-License-Identifier: BSD-2-Clause */
/* What the socket calls share: descriptors and addresses. */
#ifndef SYSCALLS_SOCKET_H
#define SYSCALLS_SOCKET_H

#include "net/socket.h"

/* MSG_CMSG_COMPAT: the kernel's own mark for 32-bit callers; a program that gives it is refused. */
#define MSG_REFUSED 0x80000000u

/* The socket of fd, with a reference to its file in *file. ERR_PTR: -EBADF, -ENOTSOCK. */
struct socket *socket_from_fd(int fd, struct file **file);
/* 0, -EINVAL (length), -EFAULT. */
int address_from_user(struct socket_address *a, const void *user, int length);
/* Stores as much as *user_length allows, and the full length there. 0, -EINVAL, -EFAULT. */
int address_to_user(const struct socket_address *a, void *user, int *user_length);
/* sendto(2) to an address of the kernel's; NULL: none. */
long socket_send_to(int fd, void *buffer, size_t n, int flags, const struct socket_address *to);
/* connect(2) to an address of the kernel's. */
long socket_connect_to(struct socket *s, const struct socket_address *to, bool nonblock);
/* struct msghdr of recvmsg(2), as x86-64 lays it out. */
struct user_message {
    void *name;
    int name_length;
    struct iovec *iov;
    size_t iov_length;
    void *control;
    size_t control_length;
    u32 flags;
};

/*
 * What sendmsg(2) and recvmsg(2) are given, copied: the header, the vector, the name to send to. Control messages are read when
 * they are sent, which is Linux's way for io_uring's requests, too.
 */
struct message_arguments {
    struct message message; /* its flags are the caller's to set */
    struct user_message header;
    struct iovec fast[IO_FAST_VEC], *allocated; /* the caller frees the latter */
};
/* 0 (message.io points into a) or negative errno, with nothing to free. */
int message_import(struct message_arguments *a, const void *user, bool sends);
/* m is used up. */
long message_send(struct socket *s, struct message *m, const struct user_message *h);
long message_receive(struct socket *s, struct message *m, const struct user_message *h, void *user);
/* Only a header, of a message to be received into a buffer that is not chosen yet: iov_length becomes how much at most, 0: all. */
int message_import_selected(struct user_message *h, const void *user);
/*
 * recvmsg(2) into a buffer of n bytes instead of the message's vector, h by message_import_selected(). With with_head nothing is
 * stored in the message: the buffer gets a struct io_uring_recvmsg_out, room for name and control messages as long as
 * the message says, then data. Bytes, or of the buffer.
 */
long socket_receive_into(struct file *f, const struct user_message *h, void *user, int flags, char *buffer, size_t n, bool with_head);

#endif
