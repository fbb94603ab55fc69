/* SPDX-License-Identifier: BSD-2-Clause */
/* What the socket calls share: descriptors and addresses. */
#ifndef SYSCALLS_SOCKET_H
#define SYSCALLS_SOCKET_H

#include "net/socket.h"

/* The socket of fd, with a reference to its file in *file. ERR_PTR: -EBADF, -ENOTSOCK. */
struct socket *socket_from_fd(int fd, struct file **file);
/* 0, -EINVAL (length), -EFAULT. */
int address_from_user(struct socket_address *a, const void *user, int length);
/* Stores as much as *user_length allows, and the full length there. 0, -EINVAL, -EFAULT. */
int address_to_user(const struct socket_address *a, void *user, int *user_length);
/* connect(2) to an address of the kernel's. */
long socket_connect_to(struct socket *s, const struct socket_address *to, bool nonblock);
/*
 * recvmsg(2) into a buffer of n bytes instead of the message's vector. With with_head nothing is stored in the message: the buffer gets a
 * struct io_uring_recvmsg_out, room for name and control messages as long as the message says, then data. Bytes, or of the buffer.
 */
long socket_receive_into(struct file *f, void *user_message, int flags, char *buffer, size_t n, bool with_head);

#endif
