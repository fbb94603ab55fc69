/* SPDX-License-Identifier: BSD-2-Clause */
/* Bad pointers at every argument: files, descriptors, polling, event files, and names. */
#include "bad_pointers.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>

enum { FILE_FD = 100, PIPE_IN, PIPE_OUT, DIRECTORY, EPOLL, EVENT, TIMER, OTHER, OTHER_OUT, WATCHER };

static struct iovec bad_vector[2], vector[2];
static char data[64] = "0123456789012345678901234567890123456789";
static struct pollfd polled = {PIPE_IN, POLLIN, 0};
static struct epoll_event watched = {.events = EPOLLIN};
static struct flock whole = {.l_type = F_RDLCK};
static struct itimerspec no_time;
static struct timespec zero_time, times[2];
static struct timeval no_wait, utimes[2];
static uint64_t mask, one = 1;
static loff_t offset;
static fd_set read_set;
static struct open_how how = {.flags = O_RDONLY};
static int on = 1;
static struct f_owner_ex owner = {F_OWNER_PID, 0};

static void keep(int fd, int as)
{
    dup2(fd, as);
    close(fd);
}

static void set_up(void)
{
    char buf[128];
    lseek(FILE_FD, 0, SEEK_SET);
    lseek(DIRECTORY, 0, SEEK_SET);
    while (read(PIPE_IN, buf, sizeof(buf)) > 0)
        ;
    write(PIPE_OUT, data, 32);
    while (read(OTHER, buf, sizeof(buf)) > 0)
        ;
    read(EVENT, buf, 8);
    write(EVENT, &one, 8);
    struct itimerspec passed = {{0, 0}, {0, 1}};
    timerfd_settime(TIMER, TFD_TIMER_ABSTIME, &passed, NULL);
}

#define E(name, ...) {#name, SYS_##name, {__VA_ARGS__}, 0}
#define X(name, ...) {#name, SYS_##name, {__VA_ARGS__}, EXACT}
#define F(name, ...) {#name, SYS_##name, {__VA_ARGS__}, NEW_FD}

int main(void)
{
    int p[2];
    bad_pointers_init();
    signal(SIGPIPE, SIG_IGN);
    mkdir("bp_dir", 0700);
    mkdir("bp_dir/sub", 0700);
    keep(open("bp_file", O_RDWR | O_CREAT, 0600), FILE_FD);
    write(FILE_FD, data, 64);
    ftruncate(FILE_FD, 3 * PAGE);
    symlink("target-of-the-link", "bp_link");
    keep(open("bp_dir", O_RDONLY), DIRECTORY);
    pipe2(p, O_NONBLOCK);
    keep(p[0], PIPE_IN);
    keep(p[1], PIPE_OUT);
    pipe2(p, O_NONBLOCK);
    keep(p[0], OTHER);
    keep(p[1], OTHER_OUT);
    keep(epoll_create1(0), EPOLL);
    keep(eventfd(0, EFD_NONBLOCK), EVENT);
    keep(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), TIMER);
    keep(inotify_init1(IN_NONBLOCK), WATCHER);
    epoll_ctl(EPOLL, EPOLL_CTL_ADD, PIPE_IN, &watched);
    FD_SET(PIPE_IN, &read_set);
    bad_vector[0] = (struct iovec){data, 8};
    bad_vector[1] = (struct iovec){(void *)0x10, 8};
    vector[0] = (struct iovec){data, 8};
    vector[1] = (struct iovec){data + 32, 8};
    prepare = set_up;
    const struct call calls[] = {
        X(read, V(FILE_FD), OUT(64), V(64)),
        {"read pipe", SYS_read, {V(PIPE_IN), OUT(32), V(32)}, EXACT},
        {"read eventfd", SYS_read, {V(EVENT), OUT(8), V(8)}, EXACT},
        {"read of nothing", SYS_read, {V(FILE_FD), OUT(8), V(0)}, EXACT},
        {"read pipe of nothing", SYS_read, {V(PIPE_IN), OUT(8), V(0)}, EXACT},
        X(write, V(FILE_FD), IN(data), V(64)),
        {"write pipe", SYS_write, {V(OTHER_OUT), IN(data), V(64)}, EXACT},
        {"write eventfd", SYS_write, {V(EVENT), IN(one), V(8)}, EXACT},
        {"write of nothing", SYS_write, {V(FILE_FD), IN(data), V(0)}, EXACT},
        X(pread64, V(FILE_FD), OUT(64), V(64), V(0)),
        X(pwrite64, V(FILE_FD), IN(data), V(64), V(0)),
        X(readv, V(FILE_FD), IN(vector), V(2)),
        X(writev, V(OTHER_OUT), IN(vector), V(2)),
        {"writev second", SYS_writev, {V(OTHER_OUT), IN(bad_vector), V(2)}, EXACT},
        X(preadv, V(FILE_FD), IN(vector), V(2), V(0)),
        X(pwritev, V(FILE_FD), IN(vector), V(2), V(0)),
        X(preadv2, V(FILE_FD), IN(vector), V(2), V(0), V(0), V(0)),
        X(pwritev2, V(FILE_FD), IN(vector), V(2), V(0), V(0), V(0)),
        X(vmsplice, V(OTHER_OUT), IN(vector), V(2), V(0)),
        X(sendfile, V(OTHER_OUT), V(FILE_FD), IO(offset), V(16)),
        {"splice in", SYS_splice, {V(FILE_FD), IO(offset), V(OTHER_OUT), V(0), V(16), V(0)}, EXACT},
        {"splice out", SYS_splice, {V(PIPE_IN), V(0), V(FILE_FD), IO(offset), V(16), V(0)}, EXACT},
        {"splice pipes", SYS_splice, {V(PIPE_IN), V(0), V(OTHER_OUT), IO(offset), V(16), V(0)}, EXACT},
        X(copy_file_range, V(FILE_FD), IO(offset), V(FILE_FD), V(0), V(0), V(0)),
        E(poll, IO(polled), V(1), V(0)),
        E(ppoll, IO(polled), V(1), IN(zero_time), IN(mask), V(8)),
        {"select", SYS_select, {V(PIPE_IN + 1), IO(read_set), V(0), V(0), IN(no_wait)}, NO_NULL | NO_MINUS_1},
        {"select write", SYS_select, {V(PIPE_IN + 1), V(0), IO(read_set), IO(read_set), IN(no_wait)}, NO_NULL | NO_MINUS_1},
        {"pselect6", SYS_pselect6, {V(PIPE_IN + 1), IO(read_set), V(0), V(0), IN(zero_time), V(0)}, NO_NULL | NO_MINUS_1},
        {"pselect6 mask", SYS_pselect6, {V(PIPE_IN + 1), V(0), V(0), V(0), IN(zero_time), {INPUT, 0, times, 16}}, NO_NULL | NO_MINUS_1},
        E(epoll_ctl, V(EPOLL), V(EPOLL_CTL_MOD), V(PIPE_IN), IN(watched)),
        {"epoll_ctl delete", SYS_epoll_ctl, {V(EPOLL), V(EPOLL_CTL_DEL), V(PIPE_OUT), IN(watched)}},
        E(inotify_add_watch, V(WATCHER), S("bp_dir"), V(IN_MOVE)),
        E(epoll_wait, V(EPOLL), OUT(12), V(1), V(0)),
        E(epoll_pwait, V(EPOLL), OUT(12), V(1), V(0), IN(mask), V(8)),
        E(epoll_pwait2, V(EPOLL), OUT(12), V(1), IN(zero_time), IN(mask), V(8)),
        E(timerfd_settime, V(TIMER), V(0), IN(no_time), OUT(32)),
        E(timerfd_gettime, V(TIMER), OUT(32)),
        {"fcntl getlk", SYS_fcntl, {V(FILE_FD), V(F_GETLK), IO(whole)}},
        {"fcntl setlk", SYS_fcntl, {V(FILE_FD), V(F_SETLK), IN(whole)}},
        {"fcntl ofd getlk", SYS_fcntl, {V(FILE_FD), V(F_OFD_GETLK), IO(whole)}},
        {"fcntl ofd setlk", SYS_fcntl, {V(FILE_FD), V(F_OFD_SETLK), IN(whole)}},
        {"fcntl getown_ex", SYS_fcntl, {V(PIPE_IN), V(F_GETOWN_EX), OUT(8)}},
        {"fcntl setown_ex", SYS_fcntl, {V(PIPE_IN), V(F_SETOWN_EX), IN(owner)}},
        {"fcntl get hint", SYS_fcntl, {V(FILE_FD), V(F_GET_RW_HINT), OUT(8)}},
        {"fcntl set hint", SYS_fcntl, {V(FILE_FD), V(F_SET_RW_HINT), IN(mask)}},
        {"ioctl FIONREAD", SYS_ioctl, {V(PIPE_IN), V(FIONREAD), OUT(4)}},
        {"ioctl FIONREAD file", SYS_ioctl, {V(FILE_FD), V(FIONREAD), OUT(4)}},
        {"ioctl FIONBIO", SYS_ioctl, {V(PIPE_IN), V(FIONBIO), IN(on)}},
        {"ioctl FIGETBSZ", SYS_ioctl, {V(FILE_FD), V(FIGETBSZ), OUT(4)}},
        {"ioctl TCGETS pipe", SYS_ioctl, {V(PIPE_IN), V(TCGETS), OUT(36)}},
        E(fstat, V(FILE_FD), OUT(sizeof(struct stat))),
        E(fstatfs, V(FILE_FD), OUT(sizeof(struct statfs))),
        {"getdents64", SYS_getdents64, {V(DIRECTORY), OUT(72), V(72)}, NO_MINUS_1}, /* of size -1: differs by version */
        {"getdents", SYS_getdents, {V(DIRECTORY), OUT(72), V(72)}, NO_MINUS_1},
        E(getcwd, OUT(256), V(256)),
        F(open, S("bp_file"), V(O_RDONLY), V(0)),
        F(openat, V(AT_FDCWD), S("bp_file"), V(O_RDONLY), V(0)),
        F(openat2, V(AT_FDCWD), S("bp_file"), IN(how), V(sizeof(how))),
        F(creat, S("bp_file2"), V(0600)),
        E(stat, S("bp_file"), OUT(sizeof(struct stat))),
        E(lstat, S("bp_file"), OUT(sizeof(struct stat))),
        E(newfstatat, V(AT_FDCWD), S("bp_file"), OUT(sizeof(struct stat)), V(0)),
        E(statx, V(AT_FDCWD), S("bp_file"), V(0), V(STATX_BASIC_STATS), OUT(sizeof(struct statx))),
        E(statfs, S("bp_file"), OUT(sizeof(struct statfs))),
        E(access, S("bp_file"), V(F_OK)),
        E(faccessat, V(AT_FDCWD), S("bp_file"), V(F_OK)),
        E(faccessat2, V(AT_FDCWD), S("bp_file"), V(F_OK), V(0)),
        E(readlink, S("bp_link"), OUT(64), V(64)),
        E(readlinkat, V(AT_FDCWD), S("bp_link"), OUT(64), V(64)),
        E(rename, S("bp_none"), S("bp_other")),
        E(renameat, V(AT_FDCWD), S("bp_none"), V(AT_FDCWD), S("bp_other")),
        E(renameat2, V(AT_FDCWD), S("bp_none"), V(AT_FDCWD), S("bp_other"), V(0)),
        E(link, S("bp_none"), S("bp_other")),
        E(linkat, V(AT_FDCWD), S("bp_none"), V(AT_FDCWD), S("bp_other"), V(0)),
        E(symlink, S("bp_any"), S("bp_link")),
        E(symlinkat, S("bp_any"), V(AT_FDCWD), S("bp_link")),
        E(unlink, S("bp_none")),
        E(unlinkat, V(AT_FDCWD), S("bp_none"), V(0)),
        E(mkdir, S("bp_dir"), V(0700)),
        E(mkdirat, V(AT_FDCWD), S("bp_dir"), V(0700)),
        E(rmdir, S("bp_none")),
        E(mknod, S("bp_file"), V(S_IFIFO), V(0)),
        E(mknodat, V(AT_FDCWD), S("bp_file"), V(S_IFIFO), V(0)),
        E(chdir, S("bp_none")),
        E(chroot, S("bp_none")),
        E(chmod, S("bp_file"), V(0600)),
        E(fchmodat, V(AT_FDCWD), S("bp_file"), V(0600)),
        E(chown, S("bp_file"), V(0), V(0)),
        E(lchown, S("bp_file"), V(0), V(0)),
        E(fchownat, V(AT_FDCWD), S("bp_file"), V(0), V(0), V(0)),
        E(truncate, S("bp_file"), V(3 * PAGE)),
        E(utimensat, V(AT_FDCWD), S("bp_file"), IN(times), V(0)),
        {"utimensat descriptor", SYS_utimensat, {V(FILE_FD), V(0), IN(times), V(0)}},
        E(utimes, S("bp_file"), IN(utimes)),
        E(utime, S("bp_file"), IN(times[0])),
        E(futimesat, V(AT_FDCWD), S("bp_file"), IN(utimes)),
        E(setxattr, S("bp_none"), S("user.a"), IN(data), V(8), V(0)),
        E(fsetxattr, V(FILE_FD), S("trusted.a"), IN(data), V(8), V(3)),
        E(getxattr, S("bp_none"), S("user.a"), OUT(8), V(8)),
        E(removexattr, S("bp_none"), S("user.a")),
        E(mount, S("none"), S("bp_none"), S("nosuchfs"), V(0), S("options")),
        E(umount2, S("bp_none"), V(0)),
        E(pivot_root, S("bp_none"), S("bp_none")),
    };
    try_calls(calls, sizeof(calls) / sizeof(calls[0]));
    unlink("bp_file");
    unlink("bp_file2");
    unlink("bp_link");
    rmdir("bp_dir/sub");
    rmdir("bp_dir");
    return 0;
}
