/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --strace: one line per system call in the form of strace(1). The columns after "support" in syscalls.tbl name a decoder
 * of these lists for each argument: `path` is TRACE_PATH, `flags:open` TRACE_FLAGS_OPEN, `enum:whence` TRACE_ENUM_WHENCE.
 * What a call fills in (*_OUT) is printed after it, everything before the first such argument when it starts.
 */
#ifndef SYSCALLS_TRACE_H
#define SYSCALLS_TRACE_H

#include "syscalls/syscall.h"
#include "kernel/signal_types.h"

/* Decoders that are functions. */
#define TRACE_PLAIN_TYPES(X)                                                                      \
    X(ARCH_PRCTL) X(BUF_IN) X(BUF_OPT) X(BUF_OPT_OUT) X(BUF_OUT) X(CAP_DATA_IN) X(CAP_DATA_OUT)   \
    X(CAP_HEADER) X(CLONE) X(CLONE_REST) X(CLONE3) X(CPUSET_IN) X(CPUSET_OUT) X(DEV) X(DIRENTS64_OUT)           \
    X(DIRENTS_OUT) X(DIRFD) X(ENVP) X(EPOLL_EVENT_IN) X(EPOLL_EVENTS_OUT) X(FCNTL_ARG) X(FD)      \
    X(FDS_OUT) X(FDSET) X(FUTEX) X(GIDS_IN) X(GIDS_OUT) X(HEX) X(INT) X(INT_IN) X(INT_OUT)        \
    X(IOCTL_REQUEST) X(IOVEC_IN) X(IOVEC_OUT) X(ITIMERSPEC_IN) X(ITIMERSPEC_OUT) X(ITIMERVAL_IN)  \
    X(ITIMERVAL_OUT) X(LENGTH_OUT) X(LONG) X(LONG_OUT) X(MODE) X(MODE_CREAT) X(MSGHDR_IN)         \
    X(MSGHDR_OUT) X(OFF) X(OFF_INOUT) X(OPEN_HOW_IN) X(PATH) X(PERSONALITY) X(POLLFDS) X(PRCTL)   \
    X(PTR) X(PTR_OUT) X(RANDOM_OUT) X(RESTART) X(RLIMIT_IN) X(RLIMIT_OUT) X(RUSAGE_OUT)           \
    X(SCHED_PARAM_IN) X(SCHED_PARAM_OUT) X(SIGACTION_IN) X(SIGACTION_OUT) X(SIGEVENT_IN)          \
    X(SIGINFO_IN) X(SIGINFO_OUT) X(SIGNAL) X(SIGRETURN) X(SIGSET_IN) X(SIGSET_OUT)                \
    X(SIGSET_PACK) X(SIZE) X(SOCKADDR_IN) X(SOCKADDR_OUT) X(SOCKET_PROTOCOL) X(SOCKOPT)           \
    X(STACK_IN) X(STACK_OUT) X(STAT_OUT) X(STATFS_OUT) X(STATX_OUT) X(STR) X(STR_OUT) X(STRVEC)   \
    X(SYSINFO_OUT) X(TIMESPEC_IN) X(TIMESPEC_LEFT) X(TIMESPEC_OUT) X(TIMESPECS_IN) X(TIMEVAL_IN)  \
    X(TIMEVAL_OUT) X(TIMEVALS_IN) X(TMS_OUT) X(UINT) X(ULONG) X(UTSNAME_OUT) X(WSTATUS_OUT)

/* Words of flags: tables in trace_flags.c. */
#define TRACE_FLAG_TYPES(X)                                                                       \
    X(ACCESS) X(AT) X(CLONE) X(CLOSE_RANGE) X(EPOLL) X(EPOLL_CREATE) X(EVENTFD) X(FALLOCATE)      \
    X(FLOCK) X(SIGACTION) X(SIGALTSTACK)                                                          \
    X(GETRANDOM) X(INOTIFY) X(INOTIFY_INIT) X(MEMFD) X(MLOCKALL) X(MMAP) X(MREMAP) X(MSG)         \
    X(MSYNC) X(OPEN) X(OPEN_ONLY) X(PIDFD) X(PROT) X(RENAME) X(RSEQ) X(RWF) X(SIGNALFD)           \
    X(SOCKET) X(SOCKET_TYPE) X(SPLICE) X(STATX) X(STATX_AT) X(TIMER) X(TIMERFD)                   \
    X(TIMERFD_SETTIME) X(UNLINKAT) X(WAIT)

/* Numbers with names: tables in trace_flags.c. */
#define TRACE_ENUM_TYPES(X)                                                                       \
    X(ADDRESS_FAMILY) X(CLOCK) X(EPOLL_CTL) X(FADVISE) X(FCNTL) X(IDTYPE) X(ITIMER) X(MADVISE)    \
    X(MEMBARRIER) X(PRIORITY) X(RLIMIT) X(RUSAGE) X(SCHED) X(SECCOMP) X(SHUTDOWN) X(SIGPROCMASK)  \
    X(SIGEV) X(SOCKET_LEVEL) X(WHENCE) X(PRCTL) X(ARCH_PRCTL) X(CAPABILITY) X(IOCTL)

#define TRACE_PLAIN_VALUE(x) TRACE_##x,
#define TRACE_FLAG_VALUE(x)  TRACE_FLAGS_##x,
#define TRACE_ENUM_VALUE(x)  TRACE_ENUM_##x,
enum trace_type {
    TRACE_PLAIN_TYPES(TRACE_PLAIN_VALUE)
    TRACE_FLAG_TYPES(TRACE_FLAG_VALUE)
    TRACE_ENUM_TYPES(TRACE_ENUM_VALUE)
    TRACE_TYPE_COUNT,
    TRACE_FLAGS_FIRST = TRACE_FLAGS_ACCESS, /* words of flags: from here on */
    TRACE_ENUM_FIRST = TRACE_ENUM_ADDRESS_FAMILY /* numbers with names: from here on */
};
_Static_assert(TRACE_TYPE_COUNT <= 256, "a type is a byte in struct syscall_entry");

/* Serves call nr and writes its line. */
long trace_syscall(u32 nr, const struct syscall_args *a);

#endif
