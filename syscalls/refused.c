/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that a program without privileges is refused on Linux, and here for the same reason: what they control is not the
 * program's. A program that tries them is written to go on without.
 */
#include "syscalls/syscall.h"

#define REFUSED(name, error)                   \
    long sys_##name(const struct syscall_args *a); \
    long sys_##name(const struct syscall_args *a) \
    {                                          \
        return -(error);                       \
    }

/* Other processes' insides and the kernel's. */
REFUSED(ptrace, EPERM)
REFUSED(bpf, EPERM)
REFUSED(perf_event_open, EACCES) /* as with kernel.perf_event_paranoid above 2 */
REFUSED(userfaultfd, EPERM)      /* as with vm.unprivileged_userfaultfd at 0 */
REFUSED(lookup_dcookie, EPERM)
REFUSED(open_by_handle_at, EPERM)

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
REFUSED(iopl, EPERM)
REFUSED(ioperm, EPERM)
REFUSED(swapon, EPERM)
REFUSED(swapoff, EPERM)
REFUSED(acct, EPERM)
REFUSED(quotactl, EPERM)
REFUSED(vhangup, EPERM)
REFUSED(setns, EPERM)
