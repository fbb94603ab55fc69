/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that a program without privileges is refused on Linux, and here for the same reason: what they control is not the
 * program's. A program that tries them is written to go on without. Where Linux first looks at the arguments, so does this.
 */
#include <linux/capability.h>
#include <linux/elf.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/quota.h>
#include <linux/sched.h>
#include "fs/pidfd.h"
#include "fs/proc/ns.h"
#include "fs/vfs.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"

#define REFUSED(name, error)                   \
    long sys_##name(const struct syscall_args *a) \
    {                                          \
        return -(error);                       \
    }

REFUSED(bpf, EPERM)
REFUSED(userfaultfd, EPERM)      /* as with vm.unprivileged_userfaultfd at 0 */

/* The kernel's keys. */
REFUSED(add_key, EPERM)
REFUSED(request_key, EPERM)
REFUSED(keyctl, EPERM)

/* The machine. */
REFUSED(init_module, EPERM)
REFUSED(finit_module, EPERM)
REFUSED(delete_module, EPERM)
REFUSED(kexec_load, EPERM)
REFUSED(kexec_file_load, EPERM)
REFUSED(swapoff, EPERM)
REFUSED(acct, EPERM)
REFUSED(vhangup, EPERM)

#define SWAP_FLAGS 0x7ffff /* a priority, and four of the C library's <sys/swap.h> and Linux's own */

long sys_swapon(const struct syscall_args *a)
{
    return ARG_U32(a, 1) & ~SWAP_FLAGS ? -EINVAL : -EPERM;
}

/* Without CAP_SYS_RAWIO, which nobody has: no more rights to ports than there are, none. */
long sys_iopl(const struct syscall_args *a)
{
    u32 level = ARG_U32(a, 0);
    return level > 3 ? -EINVAL : level ? -EPERM : 0;
}

#define PORTS 65536

long sys_ioperm(const struct syscall_args *a)
{
    u64 from = ARG_U64(a, 0), count = ARG_U64(a, 1);
    if (from + count <= from || from + count > PORTS)
        return -EINVAL;
    return ARG_INT(a, 2) ? -EPERM : 0;
}

/* As with kernel.perf_event_paranoid above 2. */
long sys_perf_event_open(const struct syscall_args *a)
{
    u32 size;
    if (ARG_U64(a, 4) &
        ~(u64)(PERF_FLAG_FD_NO_GROUP | PERF_FLAG_FD_OUTPUT | PERF_FLAG_PID_CGROUP | PERF_FLAG_FD_CLOEXEC))
        return -EINVAL;
    if (get_user(size, &((const struct perf_event_attr *)ARG_PTR(a, 0))->size))
        return -EFAULT;
    return -EACCES;
}

/* A process cannot trace itself, and nobody is traced. */
long sys_ptrace(const struct syscall_args *a)
{
    u64 request = ARG_U64(a, 0);
    struct thread *t;
    if (request == PTRACE_TRACEME)
        return -EPERM;
    t = ARG_INT(a, 1) > 0 ? thread_find(ARG_INT(a, 1)) : NULL;
    if (!t)
        return -ESRCH;
    thread_put(t);
    if (request == PTRACE_SEIZE && (ARG_U64(a, 2) || ARG_U64(a, 3) & ~(u64)PTRACE_O_MASK))
        return -EIO;
    return request == PTRACE_ATTACH || request == PTRACE_SEIZE ? -EPERM : -ESRCH;
}

/* File handles are made of no file, so none can be right. */
long sys_open_by_handle_at(const struct syscall_args *a)
{
    struct {
        u32 bytes;
        int type;
    } handle;
    if (get_user(handle, ARG_PTR(a, 1)))
        return -EFAULT;
    if (!handle.bytes || handle.bytes > 128 || handle.type < 0) /* MAX_HANDLE_SZ of the C library's <fcntl.h> */
        return -EINVAL;
    if (ARG_INT(a, 0) != AT_FDCWD) {
        struct file *f = fd_get(ARG_INT(a, 0));
        if (!f)
            return -EBADF;
        file_put(f);
    }
    return capable(CAP_DAC_READ_SEARCH) ? -ESTALE : -EPERM;
}

/* ------------------------------------------------------------ quotas */

#define QUOTA_KINDS 3 /* users, groups, projects */

static long quota_special(u32 command, const char *user_path)
{
    struct path_ref at;
    long error;
    if (!user_path)
        return command == Q_SYNC ? 0 : -ENODEV;
    error = path_arg_find(AT_FDCWD, user_path, FIND_FOLLOW, &at);
    if (error)
        return error;
    error = S_ISBLK(at.dentry->inode->mode) ? -ENODEV : -ENOTBLK;
    path_put(&at);
    return error;
}

long sys_quotactl(const struct syscall_args *a)
{
    u32 command = ARG_U32(a, 0);
    if ((command & SUBCMDMASK) >= QUOTA_KINDS)
        return -EINVAL;
    return quota_special(command >> SUBCMDSHIFT, ARG_PTR(a, 1));
}

long sys_quotactl_fd(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    file_put(f);
    return (ARG_U32(a, 1) & SUBCMDMASK) >= QUOTA_KINDS ? -EINVAL : -ENOSYS;
}

/* ------------------------------------------------------------ namespaces */

/* The one namespace of each of these kinds is where the caller is already. */
static long enter(u32 kinds)
{
    if (kinds & CLONE_NEWUSER)
        return -EINVAL;
    if (!capable(CAP_SYS_ADMIN) || kinds & CLONE_NEWNS)
        return -EPERM;
    return kinds & CLONE_NEWTIME && current_process()->thread_count > 1 ? -EUSERS : 0;
}

static long enter_file(const struct file *f, u32 wanted)
{
    struct thread *thread;
    u32 kind = ns_kind(f);
    if (kind)
        return wanted && wanted != kind ? -EINVAL : enter(kind);
    if (!pidfd_process(f, &thread) || !wanted || wanted & ~(u32)CLONE_NAMESPACES)
        return -EINVAL;
    return enter(wanted);
}

long sys_setns(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    long result = enter_file(f, ARG_U32(a, 1));
    file_put(f);
    return result;
}
