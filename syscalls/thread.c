/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that make, name, wait for and end threads: clone(2), set_tid_address(2), exit(2), wait(2), rseq, membarrier(2). */
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include "syscalls/syscall.h"
#include "fs/ipc/ipc.h"
#include "fs/pidfd.h"
#include "fs/vfs.h"
#include "kernel/lib/string.h"
#include "kernel/membarrier.h"
#include "kernel/rseq.h"
#include "kernel/sched.h"

long sys_clone(const struct syscall_args *a);
long sys_clone3(const struct syscall_args *a);
long sys_unshare(const struct syscall_args *a);
long sys_exit(const struct syscall_args *a);
long sys_exit_group(const struct syscall_args *a);
long sys_wait4(const struct syscall_args *a);
long sys_waitid(const struct syscall_args *a);
long sys_gettid(const struct syscall_args *a);
long sys_set_tid_address(const struct syscall_args *a);
long sys_set_robust_list(const struct syscall_args *a);
long sys_get_robust_list(const struct syscall_args *a);
long sys_rseq(const struct syscall_args *a);
long sys_membarrier(const struct syscall_args *a);
long sys_getcpu(const struct syscall_args *a);

/* clone(flags, stack, parent_tid, child_tid, tls): the raw call's order on x86-64. */
long sys_clone(const struct syscall_args *a)
{
    u32 flags = ARG_U32(a, 0);
    struct clone_args args = {
        .flags = flags & ~(u32)CSIGNAL,
        .exit_signal = flags & CSIGNAL,
        .stack = ARG_U64(a, 1),
        .parent_tid = ARG_U64(a, 2),
        .pidfd = ARG_U64(a, 2),
        .child_tid = ARG_U64(a, 3),
        .tls = ARG_U64(a, 4),
    };
    return process_clone(&args, 0, a->frame);
}

#define CLONE_LEGACY_FLAGS 0xffffffffull
#define MAX_PID_NAMESPACES 32 /* the most requested ids that Linux reads */

/* Copies a struct clone_args of the program's size; fields that it does not have are zero. */
static int copy_clone_args(struct clone_args *args, const void *from, size_t size)
{
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    memset(args, 0, sizeof(*args));
    for (size_t i = sizeof(*args); i < size; i++) {
        u8 rest;
        if (get_user(rest, (const u8 *)from + i))
            return -EFAULT;
        if (rest)
            return -E2BIG;
    }
    return copy_from_user(args, from, MIN(size, sizeof(*args)));
}

static int check_clone_args(const struct clone_args *args)
{
    if (args->flags & ~(CLONE_LEGACY_FLAGS | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
        return -EINVAL;
    if (args->flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)))
        return -EINVAL;
    if ((args->flags & CLONE_SIGHAND) && (args->flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal)
        return -EINVAL;
    if (!args->stack != !args->stack_size)
        return -EINVAL;
    if (args->stack && !user_range_ok((void *)args->stack, args->stack_size))
        return -EINVAL;
    return 0;
}

long sys_clone3(const struct syscall_args *a)
{
    struct clone_args args;
    int tid = 0;
    int tids[MAX_PID_NAMESPACES];
    u64 size = ARG_U64(a, 1);
    int error = copy_clone_args(&args, ARG_PTR(a, 0), size);
    if (error)
        return error;
    if (args.set_tid_size > MAX_PID_NAMESPACES || !args.set_tid != !args.set_tid_size)
        return -EINVAL;
    if (args.exit_signal & ~(u64)CSIGNAL || args.exit_signal > SIGNAL_COUNT)
        return -EINVAL;
    if ((args.flags & CLONE_INTO_CGROUP) && (args.cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2))
        return -EINVAL;
    if (args.set_tid && copy_from_user(tids, (void *)args.set_tid, args.set_tid_size * sizeof(tids[0])))
        return -EFAULT;
    error = check_clone_args(&args);
    if (error)
        return error;
    /* One level of id namespaces: at most one requested id. */
    if (args.set_tid) {
        tid = tids[0];
        if (args.set_tid_size > 1 || tid < 1)
            return -EINVAL;
    }
    return process_clone(&args, tid, a->frame);
}

/* Only what a thread shares with others of its process can be taken apart; namespaces there are none. */
long sys_unshare(const struct syscall_args *a)
{
    u64 flags = ARG_U64(a, 0);
    const u64 needs_single = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    if (flags & CLONE_NEWUSER)
        flags |= CLONE_THREAD | CLONE_FS;
    if (flags & ~(needs_single | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_NAMESPACES))
        return -EINVAL;
    if ((flags & needs_single) && current_process()->thread_count > 1)
        return -EINVAL;
    if (flags & CLONE_NAMESPACES)
        return -EPERM;
    int error = flags & CLONE_FS ? fs_unshare() : 0;
    if (!error && (flags & CLONE_FILES))
        error = fd_unshare();
    if (!error && (flags & CLONE_SYSVSEM))
        sem_undo_release(current_thread());
    return error;
}

long sys_exit(const struct syscall_args *a)
{
    thread_exit((ARG_INT(a, 0) & 0xff) << 8);
}

long sys_exit_group(const struct syscall_args *a)
{
    process_exit((ARG_INT(a, 0) & 0xff) << 8);
}

/* There are no other processes, so no children. */
long sys_wait4(const struct syscall_args *a)
{
    if (ARG_INT(a, 2) & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    return ARG_INT(a, 0) == INT32_MIN ? -ESRCH : -ECHILD;
}

static bool is_pidfd(int fd)
{
    struct file *f = fd_get(fd);
    struct thread *thread;
    bool is = f && pidfd_process(f, &thread);

    if (f)
        file_put(f);
    return is;
}

static long waitid_error(int which, int id, int options)
{
    if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    switch (which) {
    case P_ALL:
        return -ECHILD;
    case P_PID:
        return id <= 0 ? -EINVAL : -ECHILD;
    case P_PGID:
        return id < 0 ? -EINVAL : -ECHILD;
    case P_PIDFD:
        return id < 0 ? -EINVAL : is_pidfd(id) ? -ECHILD : -EBADF;
    default:
        return -EINVAL;
    }
}

long sys_waitid(const struct syscall_args *a)
{
    long error = waitid_error(ARG_INT(a, 0), ARG_INT(a, 1), ARG_INT(a, 3));
    siginfo_t *info = ARG_PTR(a, 2);
    struct { int signo, error, code, pad, pid, uid, status; } nothing = {0};
    /* Linux writes these fields whatever the outcome. */
    if (info && copy_to_user(info, &nothing, 3 * sizeof(int)))
        return -EFAULT;
    if (info && copy_to_user((char *)info + 16, &nothing.pid, 3 * sizeof(int)))
        return -EFAULT;
    return error;
}

long sys_gettid(const struct syscall_args *a)
{
    return current_thread()->tid;
}

long sys_set_tid_address(const struct syscall_args *a)
{
    struct thread *me = current_thread();
    me->clear_child_tid = ARG_PTR(a, 0);
    return me->tid;
}

long sys_set_robust_list(const struct syscall_args *a)
{
    struct thread *me = current_thread();
    if (ARG_U64(a, 1) != sizeof(struct robust_list_head))
        return -EINVAL;
    me->robust_list = ARG_PTR(a, 0);
    me->robust_list_size = ARG_U64(a, 1);
    return 0;
}

long sys_get_robust_list(const struct syscall_args *a)
{
    int tid = ARG_INT(a, 0);
    struct thread *t = tid ? thread_find(tid) : current_thread();
    if (!t)
        return -ESRCH;
    u64 head = (u64)t->robust_list, size = sizeof(struct robust_list_head);
    if (tid)
        thread_put(t);
    if (put_user(size, (u64 *)ARG_PTR(a, 2)) || put_user(head, (u64 *)ARG_PTR(a, 1)))
        return -EFAULT;
    return 0;
}

long sys_rseq(const struct syscall_args *a)
{
    return rseq_register(ARG_PTR(a, 0), ARG_U32(a, 1), ARG_INT(a, 2), ARG_U32(a, 3));
}

long sys_membarrier(const struct syscall_args *a)
{
    return membarrier(ARG_INT(a, 0), ARG_U32(a, 1), ARG_INT(a, 2));
}

long sys_getcpu(const struct syscall_args *a)
{
    u32 *cpu = ARG_PTR(a, 0), *node = ARG_PTR(a, 1);
    u32 here = READ_ONCE(this_cpu()->cpu);
    if ((cpu && put_user(here, cpu)) || (node && put_user(0u, node)))
        return -EFAULT;
    return 0;
}
