/* SPDX-License-Identifier: BSD-2-Clause */
/* What every system-call handler file needs: the form of a handler and the dispatch table's entry. */
#ifndef SYSCALLS_SYSCALL_H
#define SYSCALLS_SYSCALL_H

#include "kernel/types.h"
#include "kernel/process.h"
#include "kernel/user.h"

/* Result or negative errno. ERESTART* codes are turned into EINTR or a restart by the signal code. */
typedef long (*syscall_handler_t)(const struct syscall_args *a);

struct syscall_entry {
    syscall_handler_t handler; /* NULL: not served */
    u16 name : 13;             /* where in syscall_names; 0: there is no such call */
    u16 arg_count : 3;
    u8 arg_types[6];           /* enum trace_type */
};

#define SYSCALL_MAX 453 /* one more than the last number in syscalls.tbl */
extern const struct syscall_entry syscall_table[SYSCALL_MAX];
extern const char syscall_names[];
/* NULL: Linux has no such call. */
static inline const char *syscall_name(u32 nr)
{
    return nr < SYSCALL_MAX && syscall_table[nr].name ? syscall_names + syscall_table[nr].name : NULL;
}

/* Runs the handler of call nr, or answers ENOSYS (counted, logged once). */
long syscall_call(u32 nr, const struct syscall_args *a);
/* The same if the thread's seccomp filters let it. */
long syscall_filtered(u32 nr, const struct syscall_args *a);

#define ARG_INT(a, i)  ((int)(a)->arg[i])
#define ARG_U32(a, i)  ((u32)(a)->arg[i])
#define ARG_U64(a, i)  ((a)->arg[i])
#define ARG_S64(a, i)  ((s64)(a)->arg[i])
#define ARG_PTR(a, i)  ((void *)(a)->arg[i])

#endif
