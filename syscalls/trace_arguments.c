/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: the table of decoders, and which of them want the result of the call. */
#include "syscalls/trace_print.h"

#define BEFORE(x) [TRACE_##x] = {trace_decode_##x, false},
#define AFTER(x) [TRACE_##x] = {trace_decode_##x, true},

/* Types that a call fills in, or whose printing needs its result. */
#define AFTER_TYPES(X)                                                                            \
    X(BUF_OPT_OUT) X(BUF_OUT) X(CAP_DATA_OUT) X(CLONE_REST) X(CLONE3) X(CPUSET_OUT) X(DIRENTS64_OUT)   \
    X(DIRENTS_OUT) X(EPOLL_EVENTS_OUT) X(FDS_OUT) X(GIDS_OUT) X(INT_OUT) X(IOVEC_OUT)             \
    X(ITIMERSPEC_OUT) X(ITIMERVAL_OUT) X(LENGTH_OUT) X(LONG_OUT) X(MSGHDR_OUT) X(PTR_OUT)         \
    X(RANDOM_OUT) X(RLIMIT_OUT) X(RUSAGE_OUT) X(SCHED_PARAM_OUT) X(SIGACTION_OUT) X(SIGINFO_OUT)  \
    X(SIGSET_OUT) X(SOCKADDR_OUT) X(STACK_OUT) X(STAT_OUT) X(STATFS_OUT) X(STATX_OUT) X(STR_OUT)  \
    X(SYSINFO_OUT) X(TIMESPEC_LEFT) X(TIMESPEC_OUT) X(TIMEVAL_OUT) X(TMS_OUT) X(UTSNAME_OUT)      \
    X(WSTATUS_OUT) X(PRCTL) X(ARCH_PRCTL)

/* prctl and arch_prctl are one decoder for all arguments, some of which come back. */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const struct trace_decoder trace_decoders[TRACE_TYPE_COUNT] = {TRACE_PLAIN_TYPES(BEFORE) AFTER_TYPES(AFTER)};
#pragma GCC diagnostic pop
