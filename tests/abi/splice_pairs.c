/* SPDX-License-Identifier: BSD-2-Clause */
/* sendfile, splice, tee, vmsplice, copy_file_range between files of every two kinds. */
#include "file_check.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

enum kind {
    REGULAR, READ_ONLY, APPEND, MEMFD, DIRECTORY, PATH, PIPE_FULL, PIPE_EMPTY, FIFO, STREAM, DATAGRAM, EVENTFD, TIMERFD,
    SIGNALFD, EPOLL, DEV_NULL, DEV_ZERO, DEV_FULL, URANDOM, PROC, KINDS
};
static const char *const names[KINDS] = {"regular", "read-only", "append", "memfd", "directory", "path", "pipe-full", "pipe-empty", "fifo", "stream",
                                         "datagram", "eventfd", "timerfd", "signalfd", "epoll", "null", "zero", "full", "urandom", "proc"};

static int others[4], n_others;

/* A fresh file of the kind, to read from or to write to; what else it takes is closed by drop(). */
static int make(enum kind k, int writing)
{
    int two[2] = {-1, -1}, fd;
    sigset_t set;
    char big[4096] = {'p'};

    sigemptyset(&set);
    switch (k) {
    case REGULAR:
        fd = open("f", O_RDWR);
        return fd;
    case READ_ONLY:
        return open("f", writing ? O_RDONLY : O_WRONLY);
    case APPEND:
        return open("g", O_RDWR | O_APPEND);
    case MEMFD:
        fd = memfd_create("m", 0);
        if (write(fd, "0123456789", 10) != 10)
            perror("memfd");
        lseek(fd, 0, SEEK_SET);
        return fd;
    case DIRECTORY:
        return open(".", O_RDONLY);
    case PATH:
        return open("f", O_PATH);
    case PIPE_FULL:
    case PIPE_EMPTY:
        if (pipe2(two, O_NONBLOCK))
            perror("pipe");
        if (k == PIPE_FULL)
            while (write(two[1], big, writing ? sizeof(big) : 20) > 0 && writing)
                ;
        others[n_others++] = two[!writing];
        return two[!!writing];
    case FIFO:
        return open("fifo", O_RDWR | O_NONBLOCK);
    case STREAM:
    case DATAGRAM:
        if (socketpair(AF_UNIX, (k == STREAM ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0, two))
            perror("socketpair");
        if (write(two[1], "0123456789", 10) != 10)
            perror("socket");
        others[n_others++] = two[1];
        return two[0];
    case EVENTFD:
        return eventfd(writing ? 0 : 5, EFD_NONBLOCK);
    case TIMERFD:
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    case SIGNALFD:
        return signalfd(-1, &set, SFD_NONBLOCK);
    case EPOLL:
        return epoll_create1(0);
    case DEV_NULL:
        return open("/dev/null", O_RDWR);
    case DEV_ZERO:
        return open("/dev/zero", O_RDWR);
    case DEV_FULL:
        return open("/dev/full", O_RDWR);
    case URANDOM:
        return open("/dev/urandom", writing ? O_RDWR : O_RDONLY);
    default:
        return open("/proc/meminfo", O_RDONLY);
    }
}

static void drop(int a, int b)
{
    close(a), close(b);
    while (n_others)
        close(others[--n_others]);
}

/* What a move leaves of its source, where both files are now, and what has arrived where that can be told. */
static void after(enum kind in, enum kind out, int a, int b)
{
    char got[20] = "";
    int n = -1;
    long from = lseek(a, 0, SEEK_CUR), to = lseek(b, 0, SEEK_CUR);

    if (in == PIPE_FULL || in == STREAM)
        ioctl(a, FIONREAD, &n);
    if (in == MEMFD && out == PIPE_EMPTY && read(others[0], got, 10) < 0)
        perror("read");
    if (in == MEMFD && out == MEMFD && pread(b, got, 20, 0) < 0)
        perror("pread");
    printf("(%d,%ld,%ld%s%s)", n, from, to, *got ? "," : "", got);
}

static void one(const char *what, enum kind in, enum kind out, long (*move)(int in, int out))
{
    int a = make(in, 0), b = make(out, 1);

    errno = 0;
    long r = move(a, b);
    printf(" %s:%s", names[out], r < 0 ? strerrorname_np(errno) : "");
    if (r >= 0)
        printf("%ld", r);
    if (r > 0)
        after(in, out, a, b);
    drop(a, b);
    (void)what;
}

static long by_sendfile(int in, int out)
{
    return sendfile(out, in, NULL, 8);
}

static long by_sendfile_offset(int in, int out)
{
    off_t at = 3;
    return sendfile(out, in, &at, 8);
}

static long by_splice(int in, int out)
{
    return splice(in, NULL, out, NULL, 8, SPLICE_F_NONBLOCK);
}

static long by_splice_in_offset(int in, int out)
{
    loff_t at = 3;
    return splice(in, &at, out, NULL, 8, SPLICE_F_NONBLOCK);
}

static long by_splice_out_offset(int in, int out)
{
    loff_t at = 3;
    return splice(in, NULL, out, &at, 8, SPLICE_F_NONBLOCK);
}

static long by_tee(int in, int out)
{
    return tee(in, out, 8, SPLICE_F_NONBLOCK);
}

static long by_copy(int in, int out)
{
    return copy_file_range(in, NULL, out, NULL, 8, 0);
}

static void all(const char *what, long (*move)(int in, int out))
{
    for (enum kind in = 0; in < KINDS; in++) {
        printf("%s %s to", what, names[in]);
        for (enum kind out = 0; out < KINDS; out++)
            one(what, in, out, move);
        printf("\n");
    }
}

static void from_memory(void)
{
    struct iovec v[2] = {{"first", 5}, {"second", 6}}, none = {"", 0}, bad = {BAD_PTR, 5};

    for (enum kind k = 0; k < KINDS; k++) {
        for (int writing = 0; writing < 2; writing++) {
            char into[2][4] = {""};
            struct iovec w[2] = {{into[0], 4}, {into[1], 4}};
            int fd = make(k, writing);

            printf("%s %d\n", names[k], writing);
            SHOW(vmsplice(fd, writing ? v : w, 2, SPLICE_F_NONBLOCK));
            SHOW(vmsplice(fd, &none, 1, SPLICE_F_NONBLOCK));
            SHOW(vmsplice(fd, &bad, 1, SPLICE_F_NONBLOCK));
            SHOW(vmsplice(fd, v, 2, 0x100));
            drop(fd, -1);
        }
    }
}

/* Of a message longer than a page nothing is lost; what is no message yet stays. */
static void long_messages(void)
{
    static char text[10000], back[20000];
    int two[2], p[2];

    memset(text, 'm', sizeof(text));
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, two));
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(send(two[0], text, sizeof(text), 0));
    SHOW(send(two[0], text, 5000, 0));
    SHOW(splice(two[1], NULL, p[1], NULL, 20000, SPLICE_F_NONBLOCK));
    SHOW(sendfile(p[1], two[1], NULL, 4100));
    SHOW(sendfile(p[1], two[1], NULL, 0));
    SHOW(read(p[0], back, sizeof(back)));
    printf("%d\n", back[0] == 'm' && !memcmp(back, back + 1, 14099));
    SHOW(recv(two[1], back, sizeof(back), MSG_DONTWAIT));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
    SHOW(send(two[0], text, sizeof(text), 0));
    SHOW(splice(two[1], NULL, p[1], NULL, 20000, SPLICE_F_NONBLOCK));
    SHOW(splice(two[1], NULL, p[1], NULL, 20000, SPLICE_F_NONBLOCK));
    close(two[0]), close(two[1]), close(p[0]), close(p[1]);
}

int main(void)
{
    enter_scratch();
    signal(SIGPIPE, SIG_IGN);
    make_file("f", "0123456789");
    make_file("g", "0123456789");
    mkfifo("fifo", 0600);
    all("sendfile", by_sendfile);
    all("sendfile at", by_sendfile_offset);
    all("splice", by_splice);
    all("splice in", by_splice_in_offset);
    all("splice out", by_splice_out_offset);
    all("tee", by_tee);
    all("copy_file_range", by_copy);
    from_memory();
    unlink("f"), unlink("g"), unlink("fifo");
    leave_scratch();
    long_messages();
    return 0;
}
