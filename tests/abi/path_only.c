/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each call answers on an O_PATH descriptor (open(2)), of a file, a directory, a symlink, a FIFO and a device; where
 * /proc/self/fd leads from one; AT_EMPTY_PATH in every call that has it. Run as root.
 */
#include "file_check.h"
#include <dirent.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static char buf[4096];

/* A descriptor that a call gave: closed again, as only success counts. */
static long opened(long fd)
{
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static void use(int fd)
{
    struct iovec v = {buf, 4};
    struct stat st;
    struct statfs sfs;
    struct statx sx;
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    struct epoll_event e = {EPOLLIN, {0}};
    struct flock l = {.l_type = F_RDLCK};
    int ep = epoll_create1(0), r, pipes[2];
    loff_t off = 0;

    if (pipe(pipes))
        exit(2);
    SHOW(read(fd, buf, 4));
    SHOW(write(fd, buf, 4));
    SHOW(readv(fd, &v, 1));
    SHOW(pwritev(fd, &v, 1, 0));
    SHOW(pread(fd, buf, 4, 0));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(ftruncate(fd, 0));
    SHOW(fallocate(fd, 0, 0, 10));
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(syncfs(fd));
    SHOW(readahead(fd, 0, 10));
    SHOW(posix_fadvise(fd, 0, 10, POSIX_FADV_NORMAL));
    SHOW(sync_file_range(fd, 0, 10, 0));
    SHOW(ioctl(fd, FIONREAD, &r));
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(ioctl(fd, FS_IOC_GETFLAGS, &r));
    SHOW(flock(fd, LOCK_SH | LOCK_NB));
    SHOW(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
    SHOW(fcntl(fd, F_SETFL, O_APPEND));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(opened(fcntl(fd, F_DUPFD, 0)));
    SHOW(opened(dup(fd)));
    SHOW(fcntl(fd, F_SETLK, &l));
    SHOW(fcntl(fd, F_OFD_SETLK, &l));
    SHOW(fcntl(fd, F_GETOWN));
    SHOW(fcntl(fd, F_SETSIG, 0));
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_GETLEASE));
    SHOW(fcntl(fd, F_NOTIFY, 0));
    SHOW(fcntl(fd, 9999));
    SHOW(syscall(SYS_getdents64, fd, buf, sizeof(buf)) < 0 ? -1 : 0);
    SHOW_OK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    SHOW(fchmod(fd, 0600));
    SHOW(fchown(fd, 0, 0));
    SHOW(futimens(fd, NULL));
    SHOW(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW));
    SHOW(futimesat(fd, NULL, NULL));
    SHOW(fsetxattr(fd, "user.x", "y", 1, 0));
    SHOW(fgetxattr(fd, "user.x", buf, 1));
    SHOW(flistxattr(fd, buf, 10));
    SHOW(fremovexattr(fd, "user.x"));
    SHOW(fstat(fd, &st));
    SHOW(fstatfs(fd, &sfs));
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    printf("type %o\n", st.st_mode);
    SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
    SHOW(syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
    SHOW(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH));
    SHOW(syscall(SYS_newfstatat, fd, NULL, &st, 0));
    SHOW(poll(&p, 1, 0));
    printf("revents %x\n", p.revents);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    SHOW(splice(fd, &off, pipes[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(sendfile(pipes[1], fd, &off, 10));
    SHOW(copy_file_range(fd, &off, fd, NULL, 10, 0));
    SHOW(syscall(SYS_tee, fd, pipes[1], 10, SPLICE_F_NONBLOCK));
    SHOW(fchdir(fd));
    SHOW(faccessat(fd, "", R_OK, AT_EMPTY_PATH));
    SHOW(faccessat(fd, "", R_OK, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EACCESS));
    SHOW(fchownat(fd, "", 0, 0, AT_EMPTY_PATH));
    SHOW(fchownat(fd, "", 0, 0, 0));
    SHOW(syscall(452, fd, "", 0640, AT_EMPTY_PATH));
    SHOW(syscall(452, fd, "", 0640, 0));
    SHOW(syscall(SYS_utimensat, fd, "", NULL, AT_EMPTY_PATH));
    SHOW(syscall(SYS_utimensat, fd, "", NULL, 0));
    SHOW(linkat(fd, "", AT_FDCWD, "new", AT_EMPTY_PATH));
    SHOW(unlink("new"));
    SHOW(linkat(fd, "", AT_FDCWD, "new", 0));
    SHOW(readlinkat(fd, "", buf, 100));
    SHOW(opened(openat(fd, "", O_RDONLY)));
    SHOW(opened(openat(fd, "", O_PATH)));
    SHOW(opened(openat(fd, ".", O_RDONLY)));
    SHOW(mkdirat(fd, "", 0700));
    SHOW(unlinkat(fd, "", 0));
    SHOW(renameat(fd, "", AT_FDCWD, "x"));
    SHOW(syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH));
    SHOW(syscall(SYS_execveat, fd, "", NULL, NULL, 0));
    close(ep), close(pipes[0]), close(pipes[1]);
}

static void reopen(int fd)
{
    char name[40];
    struct stat st;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    SHOW(readlink(name, buf, sizeof(buf)) > 0);
    SHOW(opened(open(name, O_RDONLY | O_NONBLOCK)));
    SHOW(opened(open(name, O_RDWR | O_NONBLOCK)));
    SHOW(opened(open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600)));
    SHOW(opened(open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600)));
    SHOW(opened(open(name, O_PATH)));
    SHOW(opened(open(name, O_PATH | O_NOFOLLOW)));
    SHOW(opened(open(name, O_NOFOLLOW)));
    SHOW(opened(open(name, O_DIRECTORY)));
    SHOW(stat(name, &st));
    printf("type %o\n", st.st_mode);
    SHOW(lstat(name, &st));
    printf("type %o\n", st.st_mode & S_IFMT);
    SHOW(chmod(name, 0604));
    SHOW(truncate(name, 2));
    SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "new", AT_SYMLINK_FOLLOW));
    SHOW(unlink("new"));
    SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "new", 0));
    SHOW(unlink(name));
    SHOW(rename(name, "new"));
    SHOW(rmdir(name));
    SHOW(symlink("x", name));
    strcat(name, "/");
    SHOW(stat(name, &st));
    strcat(name, "in");
    SHOW(stat(name, &st));
}

int main(void)
{
    static const struct {
        const char *name;
        int flags;
    } kinds[] = {{"f", O_PATH}, {"d", O_PATH}, {"d", O_PATH | O_DIRECTORY | O_CLOEXEC}, {"l", O_PATH | O_NOFOLLOW}, {"l", O_PATH},
                 {"fifo", O_PATH}, {"dev", O_PATH | O_RDWR | O_APPEND}, {"dang", O_PATH | O_NOFOLLOW}, {"ld", O_PATH | O_NOFOLLOW}};

    enter_scratch();
    make_file("f", "text");
    mkdir("d", 0755);
    make_file("d/in", "");
    symlink("f", "l"), symlink("d", "ld"), symlink("none", "dang");
    mkfifo("fifo", 0644);
    mknod("dev", S_IFCHR | 0666, 0x103);
    int back = open(".", O_RDONLY);
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        int fd = open(kinds[k].name, kinds[k].flags);

        printf("--- %s %x\n", kinds[k].name, kinds[k].flags);
        use(fd);
        if (fchdir(back))
            exit(2);
        reopen(fd);
        close(fd);
    }
    /* What was removed can still be named by its descriptor. */
    int fd = open("f", O_PATH), d = open("d", O_PATH);
    SHOW(unlink("f"));
    unlink("d/in");
    SHOW(rmdir("d"));
    printf("--- removed\n");
    reopen(fd);
    reopen(d);
    SHOW(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
    SHOW(opened(openat(d, "x", O_CREAT | O_RDWR, 0600)));
    SHOW(opened(openat(d, ".", O_RDONLY)));
    SHOW(opened(openat(d, "..", O_RDONLY)));
    SHOW(fchdir(d));
    SHOW(syscall(SYS_getcwd, buf, sizeof(buf)));
    if (fchdir(back))
        exit(2);
    unlink("l"), unlink("ld"), unlink("dang"), unlink("fifo"), unlink("dev"), unlink("again");
    leave_scratch();
    return 0;
}
