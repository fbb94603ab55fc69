/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --strace: the names of flags. Order in a table is the order of printing; names of several bits come before those of their
 * bits. Values that only C libraries define (sockets, splice) are given here as numbers.
 */
#include <asm/mman.h>
#include <linux/close_range.h>
#include <linux/eventpoll.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/pidfd.h>
#include <linux/random.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/stat.h>
#include <linux/timerfd.h>
#include <linux/wait.h>
#include "syscalls/trace_print.h"

static const struct trace_name access_names[] = {
    {4, "R_OK"}, {2, "W_OK"}, {1, "X_OK"},
};
static const struct trace_name at_names[] = {
    {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"}, {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
    {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"}, {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
    {AT_STATX_FORCE_SYNC, "AT_STATX_FORCE_SYNC"}, {AT_STATX_DONT_SYNC, "AT_STATX_DONT_SYNC"},
    {AT_RECURSIVE, "AT_RECURSIVE"},
};
static const struct trace_name clone_names[] = {
    {CLONE_VM, "CLONE_VM"}, {CLONE_FS, "CLONE_FS"}, {CLONE_FILES, "CLONE_FILES"},
    {CLONE_SIGHAND, "CLONE_SIGHAND"}, {CLONE_PIDFD, "CLONE_PIDFD"},
    {CLONE_PTRACE, "CLONE_PTRACE"}, {CLONE_VFORK, "CLONE_VFORK"}, {CLONE_PARENT, "CLONE_PARENT"},
    {CLONE_THREAD, "CLONE_THREAD"}, {CLONE_NEWNS, "CLONE_NEWNS"},
    {CLONE_SYSVSEM, "CLONE_SYSVSEM"}, {CLONE_SETTLS, "CLONE_SETTLS"},
    {CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"}, {CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"},
    {CLONE_UNTRACED, "CLONE_UNTRACED"}, {CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"},
    {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"}, {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWIPC, "CLONE_NEWIPC"}, {CLONE_NEWUSER, "CLONE_NEWUSER"},
    {CLONE_NEWPID, "CLONE_NEWPID"}, {CLONE_NEWNET, "CLONE_NEWNET"}, {CLONE_IO, "CLONE_IO"},
    {CLONE_CLEAR_SIGHAND, "CLONE_CLEAR_SIGHAND"}, {CLONE_INTO_CGROUP, "CLONE_INTO_CGROUP"},
};
static const struct trace_name close_range_names[] = {
    {CLOSE_RANGE_UNSHARE, "CLOSE_RANGE_UNSHARE"}, {CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"},
};
static const struct trace_name epoll_names[] = {
    {EPOLLIN, "EPOLLIN"}, {EPOLLPRI, "EPOLLPRI"}, {EPOLLOUT, "EPOLLOUT"},
    {EPOLLRDNORM, "EPOLLRDNORM"}, {EPOLLRDBAND, "EPOLLRDBAND"}, {EPOLLWRNORM, "EPOLLWRNORM"},
    {EPOLLWRBAND, "EPOLLWRBAND"}, {EPOLLMSG, "EPOLLMSG"}, {EPOLLERR, "EPOLLERR"},
    {EPOLLHUP, "EPOLLHUP"}, {EPOLLRDHUP, "EPOLLRDHUP"}, {EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
    {EPOLLWAKEUP, "EPOLLWAKEUP"}, {EPOLLONESHOT, "EPOLLONESHOT"}, {EPOLLET, "EPOLLET"},
};
static const struct trace_name epoll_create_names[] = {
    {EPOLL_CLOEXEC, "EPOLL_CLOEXEC"},
};
static const struct trace_name eventfd_names[] = {
    {1, "EFD_SEMAPHORE"}, {O_CLOEXEC, "EFD_CLOEXEC"}, {O_NONBLOCK, "EFD_NONBLOCK"},
};
static const struct trace_name fallocate_names[] = {
    {FALLOC_FL_KEEP_SIZE, "FALLOC_FL_KEEP_SIZE"}, {FALLOC_FL_PUNCH_HOLE, "FALLOC_FL_PUNCH_HOLE"},
    {FALLOC_FL_COLLAPSE_RANGE, "FALLOC_FL_COLLAPSE_RANGE"},
    {FALLOC_FL_ZERO_RANGE, "FALLOC_FL_ZERO_RANGE"},
    {FALLOC_FL_INSERT_RANGE, "FALLOC_FL_INSERT_RANGE"},
    {FALLOC_FL_UNSHARE_RANGE, "FALLOC_FL_UNSHARE_RANGE"},
};
static const struct trace_name flock_names[] = {
    {LOCK_SH, "LOCK_SH"}, {LOCK_EX, "LOCK_EX"}, {LOCK_NB, "LOCK_NB"}, {LOCK_UN, "LOCK_UN"},
};
static const struct trace_name sigaction_names[] = {
    {SA_RESTORER, "SA_RESTORER"}, {SA_ONSTACK, "SA_ONSTACK"}, {SA_RESTART, "SA_RESTART"},
    {SA_NODEFER, "SA_NODEFER"}, {SA_RESETHAND, "SA_RESETHAND"}, {SA_SIGINFO, "SA_SIGINFO"},
    {SA_NOCLDSTOP, "SA_NOCLDSTOP"}, {SA_NOCLDWAIT, "SA_NOCLDWAIT"},
};
static const struct trace_name sigaltstack_names[] = {
    {SS_ONSTACK, "SS_ONSTACK"}, {SS_DISABLE, "SS_DISABLE"}, {SS_AUTODISARM, "SS_AUTODISARM"},
};
static const struct trace_name getrandom_names[] = {
    {GRND_NONBLOCK, "GRND_NONBLOCK"}, {GRND_RANDOM, "GRND_RANDOM"},
    {GRND_INSECURE, "GRND_INSECURE"},
};
static const struct trace_name inotify_names[] = {
    {IN_ACCESS, "IN_ACCESS"}, {IN_MODIFY, "IN_MODIFY"}, {IN_ATTRIB, "IN_ATTRIB"},
    {IN_CLOSE_WRITE, "IN_CLOSE_WRITE"}, {IN_CLOSE_NOWRITE, "IN_CLOSE_NOWRITE"},
    {IN_OPEN, "IN_OPEN"}, {IN_MOVED_FROM, "IN_MOVED_FROM"}, {IN_MOVED_TO, "IN_MOVED_TO"},
    {IN_CREATE, "IN_CREATE"}, {IN_DELETE, "IN_DELETE"}, {IN_DELETE_SELF, "IN_DELETE_SELF"},
    {IN_MOVE_SELF, "IN_MOVE_SELF"}, {IN_ONLYDIR, "IN_ONLYDIR"},
    {IN_DONT_FOLLOW, "IN_DONT_FOLLOW"}, {IN_EXCL_UNLINK, "IN_EXCL_UNLINK"},
    {IN_MASK_CREATE, "IN_MASK_CREATE"}, {IN_MASK_ADD, "IN_MASK_ADD"}, {IN_ISDIR, "IN_ISDIR"},
    {IN_ONESHOT, "IN_ONESHOT"},
};
static const struct trace_name inotify_init_names[] = {
    {IN_CLOEXEC, "IN_CLOEXEC"}, {IN_NONBLOCK, "IN_NONBLOCK"},
};
static const struct trace_name memfd_names[] = {
    {MFD_CLOEXEC, "MFD_CLOEXEC"}, {MFD_ALLOW_SEALING, "MFD_ALLOW_SEALING"},
    {MFD_HUGETLB, "MFD_HUGETLB"},
};
static const struct trace_name mlockall_names[] = {
    {MCL_CURRENT, "MCL_CURRENT"}, {MCL_FUTURE, "MCL_FUTURE"}, {MCL_ONFAULT, "MCL_ONFAULT"},
};
static const struct trace_name mmap_names[] = {
    {MAP_32BIT, "MAP_32BIT"}, {MAP_FIXED, "MAP_FIXED"}, {MAP_ANONYMOUS, "MAP_ANONYMOUS"},
    {MAP_GROWSDOWN, "MAP_GROWSDOWN"}, {MAP_DENYWRITE, "MAP_DENYWRITE"},
    {MAP_EXECUTABLE, "MAP_EXECUTABLE"}, {MAP_LOCKED, "MAP_LOCKED"},
    {MAP_NORESERVE, "MAP_NORESERVE"}, {MAP_POPULATE, "MAP_POPULATE"},
    {MAP_NONBLOCK, "MAP_NONBLOCK"}, {MAP_STACK, "MAP_STACK"}, {MAP_HUGETLB, "MAP_HUGETLB"},
    {MAP_SYNC, "MAP_SYNC"}, {MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"},
};
static const struct trace_name mmap_field[] = {
    {MAP_SHARED, "MAP_SHARED"}, {MAP_PRIVATE, "MAP_PRIVATE"},
    {MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE"},
};
static const struct trace_name mremap_names[] = {
    {MREMAP_MAYMOVE, "MREMAP_MAYMOVE"}, {MREMAP_FIXED, "MREMAP_FIXED"},
    {MREMAP_DONTUNMAP, "MREMAP_DONTUNMAP"},
};
static const struct trace_name msg_names[] = {
    {1, "MSG_OOB"}, {2, "MSG_PEEK"}, {4, "MSG_DONTROUTE"}, {8, "MSG_CTRUNC"}, {32, "MSG_TRUNC"},
    {64, "MSG_DONTWAIT"}, {128, "MSG_EOR"}, {256, "MSG_WAITALL"}, {2048, "MSG_CONFIRM"},
    {8192, "MSG_ERRQUEUE"}, {16384, "MSG_NOSIGNAL"}, {32768, "MSG_MORE"},
    {65536, "MSG_WAITFORONE"}, {67108864, "MSG_ZEROCOPY"}, {536870912, "MSG_FASTOPEN"},
    {1073741824, "MSG_CMSG_CLOEXEC"},
};
static const struct trace_name msync_names[] = {
    {MS_ASYNC, "MS_ASYNC"}, {MS_INVALIDATE, "MS_INVALIDATE"}, {MS_SYNC, "MS_SYNC"},
};
static const struct trace_name open_names[] = {
    {O_CREAT, "O_CREAT"}, {O_EXCL, "O_EXCL"}, {O_NOCTTY, "O_NOCTTY"}, {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"}, {O_NONBLOCK, "O_NONBLOCK"}, {O_SYNC, "O_SYNC"}, {O_DSYNC, "O_DSYNC"},
    {O_DIRECT, "O_DIRECT"}, {O_LARGEFILE, "O_LARGEFILE"}, {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"}, {O_CLOEXEC, "O_CLOEXEC"}, {O_PATH, "O_PATH"},
    {O_TMPFILE, "O_TMPFILE"}, {O_DIRECTORY, "O_DIRECTORY"},
};
static const struct trace_name open_field[] = {
    {O_RDONLY, "O_RDONLY"}, {O_WRONLY, "O_WRONLY"}, {O_RDWR, "O_RDWR"},
};
static const struct trace_name open_only_names[] = {
    {O_CREAT, "O_CREAT"}, {O_EXCL, "O_EXCL"}, {O_NOCTTY, "O_NOCTTY"}, {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"}, {O_NONBLOCK, "O_NONBLOCK"}, {O_SYNC, "O_SYNC"}, {O_DSYNC, "O_DSYNC"},
    {O_DIRECT, "O_DIRECT"}, {O_LARGEFILE, "O_LARGEFILE"}, {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"}, {O_CLOEXEC, "O_CLOEXEC"}, {O_PATH, "O_PATH"},
    {O_TMPFILE, "O_TMPFILE"}, {O_DIRECTORY, "O_DIRECTORY"},
};
static const struct trace_name pidfd_names[] = {
    {PIDFD_NONBLOCK, "PIDFD_NONBLOCK"},
};
static const struct trace_name prot_names[] = {
    {PROT_READ, "PROT_READ"}, {PROT_WRITE, "PROT_WRITE"}, {PROT_EXEC, "PROT_EXEC"},
    {PROT_SEM, "PROT_SEM"}, {PROT_GROWSDOWN, "PROT_GROWSDOWN"}, {PROT_GROWSUP, "PROT_GROWSUP"},
};
static const struct trace_name rename_names[] = {
    {RENAME_NOREPLACE, "RENAME_NOREPLACE"}, {RENAME_EXCHANGE, "RENAME_EXCHANGE"},
    {RENAME_WHITEOUT, "RENAME_WHITEOUT"},
};
static const struct trace_name rseq_names[] = {
    {RSEQ_FLAG_UNREGISTER, "RSEQ_FLAG_UNREGISTER"},
};
static const struct trace_name rwf_names[] = {
    {RWF_HIPRI, "RWF_HIPRI"}, {RWF_DSYNC, "RWF_DSYNC"}, {RWF_SYNC, "RWF_SYNC"},
    {RWF_NOWAIT, "RWF_NOWAIT"}, {RWF_APPEND, "RWF_APPEND"},
};
static const struct trace_name signalfd_names[] = {
    {SFD_CLOEXEC, "SFD_CLOEXEC"}, {SFD_NONBLOCK, "SFD_NONBLOCK"},
};
static const struct trace_name socket_names[] = {
    {O_CLOEXEC, "SOCK_CLOEXEC"}, {O_NONBLOCK, "SOCK_NONBLOCK"},
};
static const struct trace_name socket_type_names[] = {
    {O_CLOEXEC, "SOCK_CLOEXEC"}, {O_NONBLOCK, "SOCK_NONBLOCK"},
};
static const struct trace_name socket_type_field[] = {
    {1, "SOCK_STREAM"}, {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"}, {4, "SOCK_RDM"},
    {5, "SOCK_SEQPACKET"}, {6, "SOCK_DCCP"}, {10, "SOCK_PACKET"},
};
static const struct trace_name splice_names[] = {
    {1, "SPLICE_F_MOVE"}, {2, "SPLICE_F_NONBLOCK"}, {4, "SPLICE_F_MORE"}, {8, "SPLICE_F_GIFT"},
};
static const struct trace_name statx_names[] = {
    {STATX_ALL, "STATX_ALL"}, {STATX_BASIC_STATS, "STATX_BASIC_STATS"},
    {STATX_TYPE, "STATX_TYPE"}, {STATX_MODE, "STATX_MODE"}, {STATX_NLINK, "STATX_NLINK"},
    {STATX_UID, "STATX_UID"}, {STATX_GID, "STATX_GID"}, {STATX_ATIME, "STATX_ATIME"},
    {STATX_MTIME, "STATX_MTIME"}, {STATX_CTIME, "STATX_CTIME"}, {STATX_INO, "STATX_INO"},
    {STATX_SIZE, "STATX_SIZE"}, {STATX_BLOCKS, "STATX_BLOCKS"}, {STATX_BTIME, "STATX_BTIME"},
    {STATX_MNT_ID, "STATX_MNT_ID"},
};
static const struct trace_name statx_at_names[] = {
    {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"}, {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
    {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"}, {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
};
static const struct trace_name statx_at_field[] = {
    {0, "AT_STATX_SYNC_AS_STAT"}, {AT_STATX_FORCE_SYNC, "AT_STATX_FORCE_SYNC"},
    {AT_STATX_DONT_SYNC, "AT_STATX_DONT_SYNC"},
};
static const struct trace_name timer_names[] = {
    {1, "TIMER_ABSTIME"},
};
static const struct trace_name timerfd_names[] = {
    {TFD_CLOEXEC, "TFD_CLOEXEC"}, {TFD_NONBLOCK, "TFD_NONBLOCK"},
};
static const struct trace_name timerfd_settime_names[] = {
    {TFD_TIMER_ABSTIME, "TFD_TIMER_ABSTIME"},
    {TFD_TIMER_CANCEL_ON_SET, "TFD_TIMER_CANCEL_ON_SET"},
};
static const struct trace_name unlinkat_names[] = {
    {AT_REMOVEDIR, "AT_REMOVEDIR"},
};
static const struct trace_name wait_names[] = {
    {WNOHANG, "WNOHANG"}, {WSTOPPED, "WSTOPPED"}, {WEXITED, "WEXITED"},
    {WCONTINUED, "WCONTINUED"}, {WNOWAIT, "WNOWAIT"}, {__WCLONE, "__WCLONE"}, {__WALL, "__WALL"},
    {__WNOTHREAD, "__WNOTHREAD"},
};

#define SET(set, none, rest) {set##_names, ARRAY_SIZE(set##_names), rest, none, 0, NULL, 0}
#define SET_WITH_FIELD(set, mask, rest)                                                            \
    {set##_names, ARRAY_SIZE(set##_names), rest, NULL, mask, set##_field, ARRAY_SIZE(set##_field)}

const struct trace_set trace_flag_sets[] = {
    [TRACE_FLAGS_ACCESS - TRACE_FLAGS_FIRST] = SET(access, "F_OK", "?_OK"),
    [TRACE_FLAGS_AT - TRACE_FLAGS_FIRST] = SET(at, NULL, "AT_???"),
    [TRACE_FLAGS_CLONE - TRACE_FLAGS_FIRST] = SET(clone, NULL, "CLONE_???"),
    [TRACE_FLAGS_CLOSE_RANGE - TRACE_FLAGS_FIRST] = SET(close_range, NULL, "CLOSE_RANGE_???"),
    [TRACE_FLAGS_EPOLL - TRACE_FLAGS_FIRST] = SET(epoll, NULL, "EPOLL???"),
    [TRACE_FLAGS_EPOLL_CREATE - TRACE_FLAGS_FIRST] = SET(epoll_create, NULL, "EPOLL_???"),
    [TRACE_FLAGS_EVENTFD - TRACE_FLAGS_FIRST] = SET(eventfd, NULL, "EFD_???"),
    [TRACE_FLAGS_FALLOCATE - TRACE_FLAGS_FIRST] = SET(fallocate, NULL, "FALLOC_FL_???"),
    [TRACE_FLAGS_FLOCK - TRACE_FLAGS_FIRST] = SET(flock, NULL, "LOCK_???"),
    [TRACE_FLAGS_SIGACTION - TRACE_FLAGS_FIRST] = SET(sigaction, NULL, "SA_???"),
    [TRACE_FLAGS_SIGALTSTACK - TRACE_FLAGS_FIRST] = SET(sigaltstack, NULL, "SS_???"),
    [TRACE_FLAGS_GETRANDOM - TRACE_FLAGS_FIRST] = SET(getrandom, NULL, "GRND_???"),
    [TRACE_FLAGS_INOTIFY - TRACE_FLAGS_FIRST] = SET(inotify, NULL, "IN_???"),
    [TRACE_FLAGS_INOTIFY_INIT - TRACE_FLAGS_FIRST] = SET(inotify_init, NULL, "IN_???"),
    [TRACE_FLAGS_MEMFD - TRACE_FLAGS_FIRST] = SET(memfd, NULL, "MFD_???"),
    [TRACE_FLAGS_MLOCKALL - TRACE_FLAGS_FIRST] = SET(mlockall, NULL, "MCL_???"),
    [TRACE_FLAGS_MMAP - TRACE_FLAGS_FIRST] = SET_WITH_FIELD(mmap, MAP_TYPE, "MAP_???"),
    [TRACE_FLAGS_MREMAP - TRACE_FLAGS_FIRST] = SET(mremap, NULL, "MREMAP_???"),
    [TRACE_FLAGS_MSG - TRACE_FLAGS_FIRST] = SET(msg, NULL, "MSG_???"),
    [TRACE_FLAGS_MSYNC - TRACE_FLAGS_FIRST] = SET(msync, NULL, "MS_???"),
    [TRACE_FLAGS_OPEN - TRACE_FLAGS_FIRST] = SET_WITH_FIELD(open, O_ACCMODE, "O_???"),
    [TRACE_FLAGS_OPEN_ONLY - TRACE_FLAGS_FIRST] = SET(open_only, NULL, "O_???"),
    [TRACE_FLAGS_PIDFD - TRACE_FLAGS_FIRST] = SET(pidfd, NULL, "PIDFD_???"),
    [TRACE_FLAGS_PROT - TRACE_FLAGS_FIRST] = SET(prot, "PROT_NONE", "PROT_???"),
    [TRACE_FLAGS_RENAME - TRACE_FLAGS_FIRST] = SET(rename, NULL, "RENAME_???"),
    [TRACE_FLAGS_RSEQ - TRACE_FLAGS_FIRST] = SET(rseq, NULL, "RSEQ_FLAG_???"),
    [TRACE_FLAGS_RWF - TRACE_FLAGS_FIRST] = SET(rwf, NULL, "RWF_???"),
    [TRACE_FLAGS_SIGNALFD - TRACE_FLAGS_FIRST] = SET(signalfd, NULL, "SFD_???"),
    [TRACE_FLAGS_SOCKET - TRACE_FLAGS_FIRST] = SET(socket, NULL, "SOCK_???"),
    [TRACE_FLAGS_SOCKET_TYPE - TRACE_FLAGS_FIRST] = SET_WITH_FIELD(socket_type, 0xf, "SOCK_???"),
    [TRACE_FLAGS_SPLICE - TRACE_FLAGS_FIRST] = SET(splice, NULL, "SPLICE_F_???"),
    [TRACE_FLAGS_STATX - TRACE_FLAGS_FIRST] = SET(statx, NULL, "STATX_???"),
    [TRACE_FLAGS_STATX_AT - TRACE_FLAGS_FIRST] = SET_WITH_FIELD(statx_at, AT_STATX_SYNC_TYPE, "AT_???"),
    [TRACE_FLAGS_TIMER - TRACE_FLAGS_FIRST] = SET(timer, NULL, "TIMER_???"),
    [TRACE_FLAGS_TIMERFD - TRACE_FLAGS_FIRST] = SET(timerfd, NULL, "TFD_???"),
    [TRACE_FLAGS_TIMERFD_SETTIME - TRACE_FLAGS_FIRST] = SET(timerfd_settime, NULL, "TFD_???"),
    [TRACE_FLAGS_UNLINKAT - TRACE_FLAGS_FIRST] = SET(unlinkat, NULL, "AT_???"),
    [TRACE_FLAGS_WAIT - TRACE_FLAGS_FIRST] = SET(wait, NULL, "W???"),
};
