/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: assembles the line of a call and sends it to the host. */
#include "syscalls/trace.h"
#include "kernel/vm_exit.h"

long trace_syscall(u32 nr, const struct syscall_args *a)
{
    const char *name = nr < SYSCALL_MAX && syscall_table[nr].name ? syscall_table[nr].name : "?";
    long result = syscall_call(nr, a);
    control_line("trace %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx) = %ld", name, a->arg[0], a->arg[1], a->arg[2],
                 a->arg[3], a->arg[4], a->arg[5], result);
    return result;
}
