/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the program's `syscall` instruction to the handler. The path of an untraced call takes no lock and reads no
 * clock. An unserved call is answered with ENOSYS, counted, and named once in the log; it never ends the program.
 */
#include <linux/seccomp.h>
#include "syscalls/syscall.h"
#include "syscalls/trace.h"
#include "loader/patch.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/seccomp.h"

/* Calls answered with ENOSYS, by number; the last entry counts numbers outside the table. */
static u32 unserved[SYSCALL_MAX + 1];

/* Numbers outside the table that were logged already; when it is full, further ones are only counted. */
static u32 logged_strangers[16];
static u32 stranger_count;

static bool stranger_is_new(u32 nr)
{
    u32 n = MIN(__atomic_load_n(&stranger_count, __ATOMIC_ACQUIRE), ARRAY_SIZE(logged_strangers));
    for (u32 i = 0; i < n; i++)
        if (logged_strangers[i] == nr)
            return false;
    u32 slot = __atomic_fetch_add(&stranger_count, 1, __ATOMIC_ACQ_REL);
    if (slot >= ARRAY_SIZE(logged_strangers)) {
        __atomic_fetch_sub(&stranger_count, 1, __ATOMIC_ACQ_REL);
        return false;
    }
    logged_strangers[slot] = nr;
    return true;
}

static __attribute__((noinline, cold)) long syscall_unserved(u32 nr)
{
    if (nr >= SYSCALL_MAX) {
        __atomic_fetch_add(&unserved[SYSCALL_MAX], 1, __ATOMIC_RELAXED);
        if (stranger_is_new(nr))
            log_warn("system call %u does not exist (ENOSYS)", nr);
        return -ENOSYS;
    }
    if (__atomic_fetch_add(&unserved[nr], 1, __ATOMIC_RELAXED) == 0) {
        const char *name = syscall_name(nr);
        if (name)
            log_warn("system call %u (%s) is not served (ENOSYS)", nr, name);
        else
            log_warn("system call %u does not exist (ENOSYS)", nr);
    }
    return -ENOSYS;
}

long syscall_call(u32 nr, const struct syscall_args *a)
{
    if (unlikely(nr >= SYSCALL_MAX || !syscall_table[nr].handler))
        return syscall_unserved(nr);
    return syscall_table[nr].handler(a);
}

long syscall_filtered(u32 nr, const struct syscall_args *a)
{
    long result;
    if (current_thread()->seccomp_mode != SECCOMP_MODE_DISABLED && !seccomp_allows(nr, a, &result))
        return result;
    return syscall_call(nr, a);
}

static __attribute__((noinline, cold)) long slow_call(u32 nr, const struct syscall_args *a)
{
    return params.strace ? trace_syscall(nr, a) : syscall_filtered(nr, a);
}

void kernel_syscall_site(struct user_frame *frame)
{
    percpu_count(COUNT_TRAPPED_CALLS);
    patch_consider(frame->ip, (u32)frame->orig_ax);
}

void kernel_syscall(const struct syscall_args *a)
{
    struct user_frame *frame = a->frame;
    u32 nr = (u32)frame->orig_ax; /* Linux looks at the low half only */
    current_thread()->syscall_nr = nr;
    percpu_count(COUNT_SYSCALLS);
    if (unlikely(current_thread()->slow_calls))
        frame->ax = (u64)slow_call(nr, a);
    else
        frame->ax = (u64)syscall_call(nr, a);
}
