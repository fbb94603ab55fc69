/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of several errors a call tells of, and what of a register it looks at: calls that random arguments have found to differ. */
#include "file_check.h"
#include <linux/capability.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#define HIGH   (1ul << 32)
#define ODD    ((void *)(1ul << 62)) /* in nobody's half */
#define NOBODY 65534

static int p[2], s[2], event;

static void memory(void)
{
    char *page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    SHOW(syscall(SYS_mprotect, page, 4096, HIGH | PROT_READ));
    SHOW(syscall(SYS_mprotect, page, 0, HIGH));
    SHOW(syscall(SYS_mremap, page, 4096, 4096, HIGH, 0));
    SHOW(syscall(SYS_mmap, 0, 8192, PROT_READ, MAP_ANONYMOUS, -1, -4096l));
    SHOW(syscall(SYS_mmap, 0, 8192, PROT_READ, 0, event, 1ul << 63));
    SHOW(syscall(SYS_mmap, 0, 8192, PROT_READ, 0, event, -4096l));
    SHOW(syscall(SYS_mmap, 0, 1, PROT_READ, 0, event, -4096l));
    SHOW(syscall(SYS_mmap, 0, 8192, PROT_READ, MAP_PRIVATE, s[0], INT64_MAX & ~4095l));
    munmap(page, 2 * 4096);
}

static void counts(void)
{
    static char small[8];
    struct iovec v = {small, 1};

    SHOW(syscall(SYS_readv, p[0], &v, HIGH));
    SHOW(syscall(SYS_writev, p[1], BAD_PTR, HIGH));
    SHOW(syscall(SYS_pwritev2, event, BAD_PTR, HIGH, -1, 0, 1 << 23));
    SHOW(syscall(SYS_process_vm_readv, getpid(), &v, 1, &v, HIGH, 0));
    SHOW(syscall(SYS_getdents64, open(".", O_RDONLY), BAD_PTR, 1ul << 31));
    SHOW(syscall(SYS_getrandom, ODD, 0, 0));
    SHOW(syscall(SYS_sendfile, -1, s[0], NULL, -4096l));
    SHOW(syscall(SYS_sendfile, s[0], event, NULL, 0));
    SHOW(syscall(SYS_sendfile, s[0], event, NULL, 1));
    SHOW(syscall(SYS_sendfile, s[0], s[0], NULL, 0));
    struct msghdr h = {.msg_name = BAD_PTR, .msg_namelen = 4, .msg_iov = &v, .msg_iovlen = 2000};
    SHOW(sendmsg(s[0], &h, 0));
    h.msg_name = NULL;
    SHOW(sendmsg(s[0], &h, 0));
}

/* vmsplice from packets takes what is asked for, read drops the rest. */
static void packets(void)
{
    char text[20] = "";
    struct iovec v = {text, 2}, rest = {text, 10};
    int ends[2] = {-1, -1};

    SHOW(pipe2(ends, O_DIRECT | O_NONBLOCK));
    SHOW(write(ends[1], "first", 5));
    SHOW(write(ends[1], "second", 6));
    SHOW(write(ends[1], "third", 5));
    SHOW(vmsplice(ends[0], &v, 1, 0));
    SHOW(vmsplice(ends[0], &rest, 1, 0));
    printf("%s\n", text);
    SHOW(write(ends[1], "fourth", 6));
    SHOW(read(ends[0], text, 2));
    SHOW(read(ends[0], text, 20));
    /* A packet joins what is none. */
    SHOW(fcntl(ends[1], F_SETFL, O_NONBLOCK));
    SHOW(write(ends[1], "a", 1));
    SHOW(fcntl(ends[1], F_SETFL, O_NONBLOCK | O_DIRECT));
    SHOW(write(ends[1], "bc", 2));
    SHOW(write(ends[1], "d", 1));
    SHOW(read(ends[0], text, 20));
    SHOW(preadv2(open(".", O_RDONLY), &v, 1, 0, RWF_SYNC));
}

static void waiting(void)
{
    fd_set in, out, other;
    struct timeval never = {1000, 0};
    int path = open(".", O_PATH);

    SHOW(poll(ODD, 0, 0));
    SHOW(poll(BAD_PTR, 0, 0));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&other);
    FD_SET(path, &in), FD_SET(path, &out), FD_SET(path, &other), FD_SET(p[0], &in);
    SHOW(select(path + 1, &in, &out, &other, &never));
    printf("%d %d %d, %d\n", FD_ISSET(path, &in), FD_ISSET(path, &out), FD_ISSET(path, &other), FD_ISSET(p[0], &in));
    close(path);
}

static void files(void)
{
    struct f_owner_ex owner;
    int none = 1, size = 0;

    SHOW(fcntl(p[0], F_SETSIG, HIGH));
    SHOW(fcntl(p[0], F_GETOWN_EX, &owner));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_BSDCOMPAT, &none, sizeof(none)));
    SHOW(ioctl(s[0], FIGETBSZ, &size));
    SHOW(ioctl(p[0], FIGETBSZ, &size));
    printf("%d\n", size);
    struct __user_cap_header_struct *h = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect((char *)h + 4096, 4096, PROT_NONE);
    h = (void *)((char *)h + 4092);
    h->version = 1;
    SHOW(syscall(SYS_capget, h, ODD));
    printf("%d\n", h->version == _LINUX_CAPABILITY_VERSION_3);
    SHOW(syscall(SYS_capget, h, ODD));
    unsigned handle[8] = {8, 1};
    SHOW(syscall(SYS_open_by_handle_at, -1, handle, 0));
    handle[1] = 1u << 31;
    SHOW(syscall(SYS_open_by_handle_at, -1, handle, 0));
}

/* An empty path as NULL, and flags that are not known, are for stat calls alone. */
static void no_path(void)
{
    static struct statx x;
    static struct stat st;
    int unknown = AT_EMPTY_PATH | 0x4000000;

    SHOW(syscall(SYS_fchownat, p[0], NULL, -1, -1, AT_EMPTY_PATH));
    SHOW(syscall(SYS_faccessat2, p[0], NULL, F_OK, AT_EMPTY_PATH));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, AT_EMPTY_PATH));
    SHOW(syscall(SYS_newfstatat, p[0], NULL, &st, AT_EMPTY_PATH));
    SHOW(syscall(SYS_newfstatat, AT_FDCWD, NULL, &st, AT_EMPTY_PATH));
    SHOW(syscall(SYS_newfstatat, p[0], "", &st, unknown));
    SHOW(syscall(SYS_newfstatat, p[0], "none", &st, unknown));
    SHOW(syscall(SYS_statx, p[0], "", unknown, STATX_TYPE, &x));
    SHOW(syscall(SYS_statx, p[0], "", unknown, STATX_TYPE, BAD_PTR));
    SHOW(syscall(SYS_statx, AT_FDCWD, "", unknown, STATX_TYPE, &x));
    SHOW(syscall(SYS_statx, -1, NULL, AT_EMPTY_PATH, STATX_TYPE, &x));
}

/* A thread that is a user without rights. */
static void *another(void *unused)
{
    int file = open("nameless", O_CREAT | O_RDWR, 0666), own;
    unsigned handle[8] = {8, 1};

    if (chmod(".", 0777) || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) || syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
        printf("rights are kept\n");
    own = open(".", O_TMPFILE | O_RDWR, 0600);
    SHOW(linkat(own, "", AT_FDCWD, "own", AT_EMPTY_PATH));
    SHOW(linkat(file, "", AT_FDCWD, "others", AT_EMPTY_PATH));
    SHOW(linkat(own, "none", AT_FDCWD, "", AT_EMPTY_PATH));
    if (syscall(SYS_setresgid, -1, -1, NOBODY))
        printf("the same group is refused\n");
    /* In a sticky directory: what is somebody else's, the directory's owner's, and one's own. */
    SHOW(open("sticky/socket", O_CREAT | O_RDONLY, 0600));
    SHOW(open("sticky/socket", O_RDONLY, 0600));
    SHOW(open("sticky/link", O_CREAT | O_NOFOLLOW | O_RDONLY, 0600));
    SHOW(open("sticky/owners", O_CREAT | O_RDONLY, 0600));
    SHOW(mknod("sticky/own", S_IFSOCK | 0600, 0));
    SHOW(open("sticky/own", O_CREAT | O_RDONLY, 0600));
    SHOW(unlink("sticky/own"));
    SHOW(syscall(SYS_fremovexattr, event, "security.w"));
    SHOW(syscall(SYS_fremovexattr, s[0], "security.w"));
    SHOW(fcntl(event, F_SETFL, O_NOATIME | O_DIRECT));
    SHOW(syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_FIXED, event, 0));
    SHOW(ioctl(own, FIBMAP, NULL));
    SHOW(syscall(SYS_open_by_handle_at, AT_FDCWD, handle, 0));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){0}));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){-1, 0}));
    return unused;
}

int main(void)
{
    pthread_t thread;

    enter_scratch();
    event = eventfd(0, EFD_NONBLOCK);
    if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s))
        return 2;
    memory();
    counts();
    packets();
    waiting();
    files();
    no_path();
    if (mkdir("sticky", 0700) || mknod("sticky/socket", S_IFSOCK | 0666, 0) || symlink("socket", "sticky/link") ||
        mknod("sticky/owners", S_IFSOCK | 0666, 0) || chown("sticky/owners", 1000, -1) || chown("sticky", 1000, -1) || chmod("sticky", 01777))
        perror("sticky");
    pthread_create(&thread, NULL, another, NULL);
    pthread_join(thread, NULL);
    unlink("own");
    unlink("sticky/socket");
    unlink("sticky/link");
    unlink("sticky/owners");
    rmdir("sticky");
    unlink("nameless");
    leave_scratch();
    return 0;
}
