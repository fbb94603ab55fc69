/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp(2): which calls a thread may make. A thread without rules never comes here: struct thread.slow_calls is false.
 * Filters only get more: a thread's newest leads to the older ones, each a reference of the one behind.
 */
#ifndef KERNEL_SECCOMP_H
#define KERNEL_SECCOMP_H

#include "kernel/process.h"

struct sock_filter;

/* Makes the running thread's mode strict: read, write, exit and rt_sigreturn are left. 0, -EINVAL: it has filters. */
int seccomp_set_strict(void);
/*
 * Adds a filter, count instructions in the program's memory, to the running thread, and with SECCOMP_FILTER_FLAG_TSYNC to
 * all others. 0, -EINVAL, -EFAULT, -EACCES, -ENOMEM, -ESRCH; the id of a thread that cannot follow. May sleep.
 */
long seccomp_add_filter(const struct sock_filter *from, size_t count, u32 flags);
/* Whether the running thread may make call nr. If not, *result is what the program gets. May not return: the thread ends. */
bool seccomp_allows(u32 nr, const struct syscall_args *a, long *result);
/* A new thread takes over what me has; t does not run yet. */
void seccomp_inherit(struct thread *t, struct thread *me);
void seccomp_release(struct thread *t);
/* How many filters t has. */
u32 seccomp_filter_count(const struct thread *t);

#endif
