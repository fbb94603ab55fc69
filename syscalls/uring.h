/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files about io_uring's operations share. */
#ifndef SYSCALLS_URING_H
#define SYSCALLS_URING_H

#include "fs/uring/uring.h"
#include "syscalls/syscall.h"

/* Makes the call with up to six arguments. */
#define URING_CALL(handler, ...) (handler)(&(struct syscall_args){.arg = {__VA_ARGS__}})
#define ARG(x) ((u64)(x))

/* For a call that gives a descriptor: with file_index, what it would give one goes to that slot instead. */
s64 uring_call_direct(struct uring_request *r, syscall_handler_t handler, const struct syscall_args *a);

/* syscalls/uring_socket.c */
int uring_accept_prepare(struct uring_request *r);
s64 uring_accept(struct uring_request *r);
s64 uring_connect(struct uring_request *r);
int uring_connect_prepare(struct uring_request *r);
int uring_socket_prepare(struct uring_request *r);
s64 uring_socket(struct uring_request *r);
s64 uring_shutdown(struct uring_request *r);
int uring_send_prepare(struct uring_request *r);
s64 uring_send(struct uring_request *r);
int uring_receive_prepare(struct uring_request *r);
s64 uring_receive(struct uring_request *r);
/* syscalls/uring_register.c */
s64 uring_files_update_run(struct uring_request *r);
s64 uring_message_run(struct uring_request *r);
int uring_message_prepare(struct uring_request *r);
long uring_register(struct uring *ring, u32 opcode, void *arg, u32 n);

#endif
