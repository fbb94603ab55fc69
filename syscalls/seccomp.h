/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SYSCALLS_SECCOMP_H
#define SYSCALLS_SECCOMP_H

#include "syscalls/syscall.h"

/* prctl(PR_SET_SECCOMP): mode SECCOMP_MODE_*, filter a struct sock_fprog of the program. As seccomp(2). */
long seccomp_set_mode(u64 mode, const void *filter);

#endif
