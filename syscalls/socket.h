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

#endif
