/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: the names of numbers, and the printing of both kinds of names. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/mman.h>
#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fadvise.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/resource.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>
#include "syscalls/trace_print.h"

static const struct trace_name address_family_names[] = {
    {0, "AF_UNSPEC"}, {1, "AF_UNIX"}, {2, "AF_INET"}, {10, "AF_INET6"}, {16, "AF_NETLINK"},
    {17, "AF_PACKET"}, {38, "AF_ALG"}, {40, "AF_VSOCK"},
};
static const struct trace_name clock_names[] = {
    {CLOCK_REALTIME, "CLOCK_REALTIME"}, {CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
    {CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID"},
    {CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID"},
    {CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW"},
    {CLOCK_REALTIME_COARSE, "CLOCK_REALTIME_COARSE"},
    {CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE"}, {CLOCK_BOOTTIME, "CLOCK_BOOTTIME"},
    {CLOCK_REALTIME_ALARM, "CLOCK_REALTIME_ALARM"},
    {CLOCK_BOOTTIME_ALARM, "CLOCK_BOOTTIME_ALARM"}, {CLOCK_TAI, "CLOCK_TAI"},
};
static const struct trace_name epoll_ctl_names[] = {
    {EPOLL_CTL_ADD, "EPOLL_CTL_ADD"}, {EPOLL_CTL_MOD, "EPOLL_CTL_MOD"},
    {EPOLL_CTL_DEL, "EPOLL_CTL_DEL"},
};
static const struct trace_name fadvise_names[] = {
    {POSIX_FADV_NORMAL, "POSIX_FADV_NORMAL"}, {POSIX_FADV_RANDOM, "POSIX_FADV_RANDOM"},
    {POSIX_FADV_SEQUENTIAL, "POSIX_FADV_SEQUENTIAL"},
    {POSIX_FADV_WILLNEED, "POSIX_FADV_WILLNEED"}, {POSIX_FADV_DONTNEED, "POSIX_FADV_DONTNEED"},
    {POSIX_FADV_NOREUSE, "POSIX_FADV_NOREUSE"},
};
static const struct trace_name fcntl_names[] = {
    {F_DUPFD, "F_DUPFD"}, {F_GETFD, "F_GETFD"}, {F_SETFD, "F_SETFD"}, {F_GETFL, "F_GETFL"},
    {F_SETFL, "F_SETFL"}, {F_GETLK, "F_GETLK"}, {F_SETLK, "F_SETLK"}, {F_SETLKW, "F_SETLKW"},
    {F_SETOWN, "F_SETOWN"}, {F_GETOWN, "F_GETOWN"}, {F_SETSIG, "F_SETSIG"},
    {F_GETSIG, "F_GETSIG"}, {F_SETOWN_EX, "F_SETOWN_EX"}, {F_GETOWN_EX, "F_GETOWN_EX"},
    {F_OFD_GETLK, "F_OFD_GETLK"}, {F_OFD_SETLK, "F_OFD_SETLK"}, {F_OFD_SETLKW, "F_OFD_SETLKW"},
    {F_SETLEASE, "F_SETLEASE"}, {F_GETLEASE, "F_GETLEASE"}, {F_NOTIFY, "F_NOTIFY"},
    {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"}, {F_SETPIPE_SZ, "F_SETPIPE_SZ"},
    {F_GETPIPE_SZ, "F_GETPIPE_SZ"}, {F_ADD_SEALS, "F_ADD_SEALS"}, {F_GET_SEALS, "F_GET_SEALS"},
    {F_GET_RW_HINT, "F_GET_RW_HINT"}, {F_SET_RW_HINT, "F_SET_RW_HINT"},
    {F_GET_FILE_RW_HINT, "F_GET_FILE_RW_HINT"}, {F_SET_FILE_RW_HINT, "F_SET_FILE_RW_HINT"},
};
static const struct trace_name idtype_names[] = {
    {P_ALL, "P_ALL"}, {P_PID, "P_PID"}, {P_PGID, "P_PGID"}, {P_PIDFD, "P_PIDFD"},
};
static const struct trace_name itimer_names[] = {
    {ITIMER_REAL, "ITIMER_REAL"}, {ITIMER_VIRTUAL, "ITIMER_VIRTUAL"},
    {ITIMER_PROF, "ITIMER_PROF"},
};
static const struct trace_name madvise_names[] = {
    {MADV_NORMAL, "MADV_NORMAL"}, {MADV_RANDOM, "MADV_RANDOM"},
    {MADV_SEQUENTIAL, "MADV_SEQUENTIAL"}, {MADV_WILLNEED, "MADV_WILLNEED"},
    {MADV_DONTNEED, "MADV_DONTNEED"}, {MADV_FREE, "MADV_FREE"}, {MADV_REMOVE, "MADV_REMOVE"},
    {MADV_DONTFORK, "MADV_DONTFORK"}, {MADV_DOFORK, "MADV_DOFORK"},
    {MADV_HWPOISON, "MADV_HWPOISON"}, {MADV_MERGEABLE, "MADV_MERGEABLE"},
    {MADV_UNMERGEABLE, "MADV_UNMERGEABLE"}, {MADV_HUGEPAGE, "MADV_HUGEPAGE"},
    {MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE"}, {MADV_DONTDUMP, "MADV_DONTDUMP"},
    {MADV_DODUMP, "MADV_DODUMP"}, {MADV_WIPEONFORK, "MADV_WIPEONFORK"},
    {MADV_KEEPONFORK, "MADV_KEEPONFORK"}, {MADV_COLD, "MADV_COLD"},
    {MADV_PAGEOUT, "MADV_PAGEOUT"}, {MADV_POPULATE_READ, "MADV_POPULATE_READ"},
    {MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE"}, {MADV_DONTNEED_LOCKED, "MADV_DONTNEED_LOCKED"},
    {MADV_COLLAPSE, "MADV_COLLAPSE"},
};
static const struct trace_name membarrier_names[] = {
    {MEMBARRIER_CMD_QUERY, "MEMBARRIER_CMD_QUERY"},
    {MEMBARRIER_CMD_GLOBAL, "MEMBARRIER_CMD_GLOBAL"},
    {MEMBARRIER_CMD_GLOBAL_EXPEDITED, "MEMBARRIER_CMD_GLOBAL_EXPEDITED"},
    {MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED"},
    {MEMBARRIER_CMD_PRIVATE_EXPEDITED, "MEMBARRIER_CMD_PRIVATE_EXPEDITED"},
    {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED"},
    {MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE"},
    {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE"},
    {MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ"},
    {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ"},
};
static const struct trace_name priority_names[] = {
    {PRIO_PROCESS, "PRIO_PROCESS"}, {PRIO_PGRP, "PRIO_PGRP"}, {PRIO_USER, "PRIO_USER"},
};
static const struct trace_name rlimit_names[] = {
    {RLIMIT_CPU, "RLIMIT_CPU"}, {RLIMIT_FSIZE, "RLIMIT_FSIZE"}, {RLIMIT_DATA, "RLIMIT_DATA"},
    {RLIMIT_STACK, "RLIMIT_STACK"}, {RLIMIT_CORE, "RLIMIT_CORE"}, {RLIMIT_RSS, "RLIMIT_RSS"},
    {RLIMIT_NPROC, "RLIMIT_NPROC"}, {RLIMIT_NOFILE, "RLIMIT_NOFILE"},
    {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"}, {RLIMIT_AS, "RLIMIT_AS"}, {RLIMIT_LOCKS, "RLIMIT_LOCKS"},
    {RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING"}, {RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE"},
    {RLIMIT_NICE, "RLIMIT_NICE"}, {RLIMIT_RTPRIO, "RLIMIT_RTPRIO"},
    {RLIMIT_RTTIME, "RLIMIT_RTTIME"},
};
static const struct trace_name rusage_names[] = {
    {RUSAGE_SELF, "RUSAGE_SELF"}, {RUSAGE_CHILDREN, "RUSAGE_CHILDREN"},
    {RUSAGE_THREAD, "RUSAGE_THREAD"},
};
static const struct trace_name sched_names[] = {
    {0, "SCHED_OTHER"}, {1, "SCHED_FIFO"}, {2, "SCHED_RR"}, {3, "SCHED_BATCH"}, {5, "SCHED_IDLE"},
    {6, "SCHED_DEADLINE"},
};
static const struct trace_name seccomp_names[] = {
    {SECCOMP_SET_MODE_STRICT, "SECCOMP_SET_MODE_STRICT"},
    {SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"},
    {SECCOMP_GET_ACTION_AVAIL, "SECCOMP_GET_ACTION_AVAIL"},
    {SECCOMP_GET_NOTIF_SIZES, "SECCOMP_GET_NOTIF_SIZES"},
};
static const struct trace_name shutdown_names[] = {
    {0, "SHUT_RD"}, {1, "SHUT_WR"}, {2, "SHUT_RDWR"},
};
static const struct trace_name sigprocmask_names[] = {
    {SIG_BLOCK, "SIG_BLOCK"}, {SIG_UNBLOCK, "SIG_UNBLOCK"}, {SIG_SETMASK, "SIG_SETMASK"},
};
static const struct trace_name sigev_names[] = {
    {SIGEV_SIGNAL, "SIGEV_SIGNAL"}, {SIGEV_NONE, "SIGEV_NONE"}, {SIGEV_THREAD, "SIGEV_THREAD"},
    {SIGEV_THREAD_ID, "SIGEV_THREAD_ID"},
};
static const struct trace_name socket_level_names[] = {
    {1, "SOL_SOCKET"}, {0, "SOL_IP"}, {6, "SOL_TCP"}, {17, "SOL_UDP"}, {41, "SOL_IPV6"},
    {270, "SOL_NETLINK"},
};
static const struct trace_name whence_names[] = {
    {SEEK_SET, "SEEK_SET"}, {SEEK_CUR, "SEEK_CUR"}, {SEEK_END, "SEEK_END"},
    {SEEK_DATA, "SEEK_DATA"}, {SEEK_HOLE, "SEEK_HOLE"},
};
static const struct trace_name prctl_names[] = {
    {PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"}, {PR_GET_PDEATHSIG, "PR_GET_PDEATHSIG"},
    {PR_GET_DUMPABLE, "PR_GET_DUMPABLE"}, {PR_SET_DUMPABLE, "PR_SET_DUMPABLE"},
    {PR_GET_KEEPCAPS, "PR_GET_KEEPCAPS"}, {PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"},
    {PR_GET_TIMING, "PR_GET_TIMING"}, {PR_SET_TIMING, "PR_SET_TIMING"},
    {PR_SET_NAME, "PR_SET_NAME"}, {PR_GET_NAME, "PR_GET_NAME"},
    {PR_GET_SECCOMP, "PR_GET_SECCOMP"}, {PR_SET_SECCOMP, "PR_SET_SECCOMP"},
    {PR_CAPBSET_READ, "PR_CAPBSET_READ"}, {PR_CAPBSET_DROP, "PR_CAPBSET_DROP"},
    {PR_GET_TSC, "PR_GET_TSC"}, {PR_SET_TSC, "PR_SET_TSC"},
    {PR_GET_SECUREBITS, "PR_GET_SECUREBITS"}, {PR_SET_SECUREBITS, "PR_SET_SECUREBITS"},
    {PR_SET_TIMERSLACK, "PR_SET_TIMERSLACK"}, {PR_GET_TIMERSLACK, "PR_GET_TIMERSLACK"},
    {PR_TASK_PERF_EVENTS_DISABLE, "PR_TASK_PERF_EVENTS_DISABLE"},
    {PR_TASK_PERF_EVENTS_ENABLE, "PR_TASK_PERF_EVENTS_ENABLE"}, {PR_MCE_KILL, "PR_MCE_KILL"},
    {PR_MCE_KILL_GET, "PR_MCE_KILL_GET"}, {PR_SET_MM, "PR_SET_MM"},
    {PR_SET_PTRACER, "PR_SET_PTRACER"}, {PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"},
    {PR_GET_CHILD_SUBREAPER, "PR_GET_CHILD_SUBREAPER"},
    {PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"}, {PR_GET_NO_NEW_PRIVS, "PR_GET_NO_NEW_PRIVS"},
    {PR_GET_TID_ADDRESS, "PR_GET_TID_ADDRESS"}, {PR_SET_THP_DISABLE, "PR_SET_THP_DISABLE"},
    {PR_GET_THP_DISABLE, "PR_GET_THP_DISABLE"}, {PR_CAP_AMBIENT, "PR_CAP_AMBIENT"},
    {PR_GET_SPECULATION_CTRL, "PR_GET_SPECULATION_CTRL"},
    {PR_SET_SPECULATION_CTRL, "PR_SET_SPECULATION_CTRL"},
    {PR_SET_IO_FLUSHER, "PR_SET_IO_FLUSHER"}, {PR_GET_IO_FLUSHER, "PR_GET_IO_FLUSHER"},
    {PR_SET_SYSCALL_USER_DISPATCH, "PR_SET_SYSCALL_USER_DISPATCH"},
    {PR_SCHED_CORE, "PR_SCHED_CORE"}, {PR_SET_VMA, "PR_SET_VMA"},
};
static const struct trace_name arch_prctl_names[] = {
    {ARCH_SET_GS, "ARCH_SET_GS"}, {ARCH_SET_FS, "ARCH_SET_FS"}, {ARCH_GET_FS, "ARCH_GET_FS"},
    {ARCH_GET_GS, "ARCH_GET_GS"}, {ARCH_GET_CPUID, "ARCH_GET_CPUID"},
    {ARCH_SET_CPUID, "ARCH_SET_CPUID"}, {ARCH_GET_XCOMP_SUPP, "ARCH_GET_XCOMP_SUPP"},
    {ARCH_GET_XCOMP_PERM, "ARCH_GET_XCOMP_PERM"}, {ARCH_REQ_XCOMP_PERM, "ARCH_REQ_XCOMP_PERM"},
};
static const struct trace_name capability_names[] = {
    {CAP_CHOWN, "CAP_CHOWN"}, {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"}, {CAP_FOWNER, "CAP_FOWNER"},
    {CAP_FSETID, "CAP_FSETID"}, {CAP_KILL, "CAP_KILL"}, {CAP_SETGID, "CAP_SETGID"},
    {CAP_SETUID, "CAP_SETUID"}, {CAP_SETPCAP, "CAP_SETPCAP"},
    {CAP_LINUX_IMMUTABLE, "CAP_LINUX_IMMUTABLE"}, {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"},
    {CAP_NET_BROADCAST, "CAP_NET_BROADCAST"}, {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    {CAP_NET_RAW, "CAP_NET_RAW"}, {CAP_IPC_LOCK, "CAP_IPC_LOCK"},
    {CAP_IPC_OWNER, "CAP_IPC_OWNER"}, {CAP_SYS_MODULE, "CAP_SYS_MODULE"},
    {CAP_SYS_RAWIO, "CAP_SYS_RAWIO"}, {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}, {CAP_SYS_PACCT, "CAP_SYS_PACCT"},
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {CAP_SYS_BOOT, "CAP_SYS_BOOT"},
    {CAP_SYS_NICE, "CAP_SYS_NICE"}, {CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
    {CAP_SYS_TIME, "CAP_SYS_TIME"}, {CAP_SYS_TTY_CONFIG, "CAP_SYS_TTY_CONFIG"},
    {CAP_MKNOD, "CAP_MKNOD"}, {CAP_LEASE, "CAP_LEASE"}, {CAP_AUDIT_WRITE, "CAP_AUDIT_WRITE"},
    {CAP_AUDIT_CONTROL, "CAP_AUDIT_CONTROL"}, {CAP_SETFCAP, "CAP_SETFCAP"},
    {CAP_MAC_OVERRIDE, "CAP_MAC_OVERRIDE"}, {CAP_MAC_ADMIN, "CAP_MAC_ADMIN"},
    {CAP_SYSLOG, "CAP_SYSLOG"}, {CAP_WAKE_ALARM, "CAP_WAKE_ALARM"},
    {CAP_BLOCK_SUSPEND, "CAP_BLOCK_SUSPEND"}, {CAP_AUDIT_READ, "CAP_AUDIT_READ"},
    {CAP_PERFMON, "CAP_PERFMON"}, {CAP_BPF, "CAP_BPF"},
    {CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE"},
};
static const struct trace_name ioctl_names[] = {
    {TCGETS, "TCGETS"}, {TCSETS, "TCSETS"}, {TCSETSW, "TCSETSW"}, {TCSETSF, "TCSETSF"},
    {TIOCGWINSZ, "TIOCGWINSZ"}, {TIOCSWINSZ, "TIOCSWINSZ"}, {TIOCGPGRP, "TIOCGPGRP"},
    {TIOCSPGRP, "TIOCSPGRP"}, {TIOCSCTTY, "TIOCSCTTY"}, {TIOCNOTTY, "TIOCNOTTY"},
    {TIOCGSID, "TIOCGSID"}, {TIOCINQ, "TIOCINQ"}, {TIOCOUTQ, "TIOCOUTQ"}, {FIONBIO, "FIONBIO"},
    {FIOASYNC, "FIOASYNC"}, {FIOCLEX, "FIOCLEX"}, {FIONCLEX, "FIONCLEX"}, {TCSBRK, "TCSBRK"},
    {TCFLSH, "TCFLSH"}, {TCXONC, "TCXONC"}, {TIOCGPTN, "TIOCGPTN"}, {TIOCSPTLCK, "TIOCSPTLCK"},
    {TIOCGPTLCK, "TIOCGPTLCK"}, {TIOCGPTPEER, "TIOCGPTPEER"}, {TIOCPKT, "TIOCPKT"}, {TIOCSTI, "TIOCSTI"},
    {TCGETS2, "TCGETS2"}, {TCSETS2, "TCSETS2"}, {TCSETSW2, "TCSETSW2"}, {TCSETSF2, "TCSETSF2"}, {TIOCEXCL, "TIOCEXCL"},
    {FS_IOC_GETFLAGS, "FS_IOC_GETFLAGS"}, {FS_IOC_SETFLAGS, "FS_IOC_SETFLAGS"},
    {FICLONE, "FICLONE"}, {BLKGETSIZE64, "BLKGETSIZE64"}, {RNDGETENTCNT, "RNDGETENTCNT"},
};

#define SET(set, rest) {set##_names, ARRAY_SIZE(set##_names), rest, NULL, 0, NULL, 0}

static const struct trace_set enum_sets[] = {
    [TRACE_ENUM_ADDRESS_FAMILY - TRACE_ENUM_FIRST] = SET(address_family, "AF_???"),
    [TRACE_ENUM_CLOCK - TRACE_ENUM_FIRST] = SET(clock, "CLOCK_???"),
    [TRACE_ENUM_EPOLL_CTL - TRACE_ENUM_FIRST] = SET(epoll_ctl, "EPOLL_CTL_???"),
    [TRACE_ENUM_FADVISE - TRACE_ENUM_FIRST] = SET(fadvise, "POSIX_FADV_???"),
    [TRACE_ENUM_FCNTL - TRACE_ENUM_FIRST] = SET(fcntl, "F_???"),
    [TRACE_ENUM_IDTYPE - TRACE_ENUM_FIRST] = SET(idtype, "P_???"),
    [TRACE_ENUM_ITIMER - TRACE_ENUM_FIRST] = SET(itimer, "ITIMER_???"),
    [TRACE_ENUM_MADVISE - TRACE_ENUM_FIRST] = SET(madvise, "MADV_???"),
    [TRACE_ENUM_MEMBARRIER - TRACE_ENUM_FIRST] = SET(membarrier, "MEMBARRIER_CMD_???"),
    [TRACE_ENUM_PRIORITY - TRACE_ENUM_FIRST] = SET(priority, "PRIO_???"),
    [TRACE_ENUM_RLIMIT - TRACE_ENUM_FIRST] = SET(rlimit, "RLIMIT_???"),
    [TRACE_ENUM_RUSAGE - TRACE_ENUM_FIRST] = SET(rusage, "RUSAGE_???"),
    [TRACE_ENUM_SCHED - TRACE_ENUM_FIRST] = SET(sched, "SCHED_???"),
    [TRACE_ENUM_SECCOMP - TRACE_ENUM_FIRST] = SET(seccomp, "SECCOMP_SET_MODE_???"),
    [TRACE_ENUM_SHUTDOWN - TRACE_ENUM_FIRST] = SET(shutdown, "SHUT_???"),
    [TRACE_ENUM_SIGPROCMASK - TRACE_ENUM_FIRST] = SET(sigprocmask, "SIG_???"),
    [TRACE_ENUM_SIGEV - TRACE_ENUM_FIRST] = SET(sigev, "SIGEV_???"),
    [TRACE_ENUM_SOCKET_LEVEL - TRACE_ENUM_FIRST] = SET(socket_level, "SOL_???"),
    [TRACE_ENUM_WHENCE - TRACE_ENUM_FIRST] = SET(whence, "SEEK_???"),
    [TRACE_ENUM_PRCTL - TRACE_ENUM_FIRST] = SET(prctl, "PR_???"),
    [TRACE_ENUM_ARCH_PRCTL - TRACE_ENUM_FIRST] = SET(arch_prctl, "ARCH_???"),
    [TRACE_ENUM_CAPABILITY - TRACE_ENUM_FIRST] = SET(capability, "CAP_???"),
    [TRACE_ENUM_IOCTL - TRACE_ENUM_FIRST] = SET(ioctl, "???"),
};

const struct trace_set *trace_set_of(enum trace_type type)
{
    return type >= TRACE_ENUM_FIRST ? &enum_sets[type - TRACE_ENUM_FIRST] : &trace_flag_sets[type - TRACE_FLAGS_FIRST];
}

void trace_enum(struct trace_line *l, enum trace_type type, u64 value)
{
    const struct trace_set *set = trace_set_of(type);
    for (unsigned i = 0; i < set->count; i++)
        if ((u32)set->names[i].value == (u32)value) {
            trace_printf(l, "%s", set->names[i].name);
            return;
        }
    trace_printf(l, value ? "%#lx /* %s */" : "%lu /* %s */", value, set->unknown);
}

u64 trace_flag_names(struct trace_line *l, enum trace_type type, u64 value, bool *any)
{
    const struct trace_set *set = trace_set_of(type);
    for (unsigned i = 0; i < set->field_count; i++)
        if ((value & set->field_mask) == set->field[i].value) {
            trace_printf(l, *any ? "|%s" : "%s", set->field[i].name);
            *any = true;
            value &= ~set->field_mask;
            break;
        }
    for (unsigned i = 0; i < set->count; i++) {
        u64 bits = set->names[i].value;
        if (!bits || (value & bits) != bits)
            continue;
        trace_printf(l, *any ? "|%s" : "%s", set->names[i].name);
        *any = true;
        value &= ~bits;
    }
    return value;
}

void trace_flags(struct trace_line *l, enum trace_type type, u64 value)
{
    const struct trace_set *set = trace_set_of(type);
    bool any = false;
    if (!value && set->zero) {
        trace_printf(l, "%s", set->zero);
        return;
    }
    u64 rest = trace_flag_names(l, type, value, &any);
    if (rest && any)
        trace_printf(l, "|%#lx", rest);
    else if (rest)
        trace_printf(l, "%#lx /* %s */", rest, set->unknown);
    else if (!any)
        trace_printf(l, "0");
}
