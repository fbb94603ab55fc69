/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors: numbers, dup, limits, close-on-exec, close_range, fcntl, ioctl, open flags. */
#include "file_check.h"
#include <linux/close_range.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>

static void numbers(void)
{
    int a, b;

    close(0), close(3), close(4), close(5);
    SHOW(open("f", O_CREAT | O_RDWR, 0600));
    SHOW(open("f", O_RDONLY));
    SHOW(dup(0));
    SHOW(close(3));
    SHOW(dup(0));
    SHOW(dup2(0, 10));
    SHOW(dup2(10, 10));
    SHOW(dup2(99, 99));
    SHOW(dup2(99, 5));
    SHOW(dup2(0, -1));
    SHOW(dup2(0, 1 << 30));
    SHOW(dup3(0, 11, O_CLOEXEC));
    SHOW(fcntl(11, F_GETFD));
    SHOW(dup3(0, 0, 0));
    SHOW(dup3(0, 12, O_RDWR));
    SHOW(fcntl(0, F_DUPFD, 100));
    SHOW(fcntl(0, F_DUPFD, 100));
    SHOW(fcntl(0, F_DUPFD_CLOEXEC, 200));
    SHOW(fcntl(200, F_GETFD));
    SHOW(fcntl(200, F_SETFD, 0));
    SHOW(fcntl(200, F_GETFD));
    SHOW(fcntl(0, F_DUPFD, -1));
    SHOW(fcntl(0, F_DUPFD, 1 << 30));
    SHOW(fcntl(-1, F_DUPFD, 1));
    SHOW(fcntl(0, 9999, 1));
    SHOW(close(-1));
    SHOW(close(77));
    SHOW(close_range(100, 150, 0));
    SHOW(fcntl(100, F_GETFD));
    SHOW(fcntl(200, F_GETFD));
    SHOW(close_range(5, ~0u, CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(200, F_GETFD));
    SHOW(close_range(5, ~0u, CLOSE_RANGE_UNSHARE));
    SHOW(fcntl(200, F_GETFD));
    SHOW(close_range(10, 5, 0));
    SHOW(close_range(5, 10, 8));
    SHOW_OK(a = dup(0));
    SHOW_OK(b = dup(a));
    SHOW(b - a);
    close(a), close(b), close(4);
}

static void limits(void)
{
    struct rlimit old, few;
    int n = 0, fd, p[2];

    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 20;
    SHOW(setrlimit(RLIMIT_NOFILE, &few));
    while ((fd = dup(0)) >= 0)
        n = fd;
    printf("last %d: %s\n", n, strerrorname_np(errno));
    SHOW(open("f", O_RDONLY));
    SHOW(pipe(p));
    close(n);
    SHOW(pipe(p));
    SHOW(open("f", O_RDONLY));
    SHOW(dup2(0, 20));
    SHOW(fcntl(0, F_DUPFD, 20));
    SHOW(fcntl(0, F_DUPFD, 19));
    setrlimit(RLIMIT_NOFILE, &old);
    SHOW(close_range(5, 100, 0));
    for (n = 0; n < 1000 && dup(0) >= 0; n++)
        ;
    printf("opened %d\n", n);
    SHOW(close_range(5, ~0u, 0));
}

static void flags(void)
{
    int fd, d, p;

    SHOW_OK(fd = open("f", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_SYNC,
                      0600));
    printf("%o\n", fcntl(fd, F_GETFL));
    SHOW(fcntl(fd, F_SETFL, O_RDONLY));
    printf("%o\n", fcntl(fd, F_GETFL));
    SHOW(fcntl(fd, F_SETFL, O_NOATIME | O_CREAT | O_NONBLOCK));
    printf("%o\n", fcntl(fd, F_GETFL));
    close(fd);
    SHOW_OK(d = open(".", O_DIRECTORY | O_NOFOLLOW));
    printf("%o\n", fcntl(d, F_GETFL));
    SHOW_OK(p = open("f", O_PATH | O_CLOEXEC | O_RDWR));
    printf("%o %d\n", fcntl(p, F_GETFL), fcntl(p, F_GETFD));
    SHOW(fcntl(p, F_SETFL, 0));
    SHOW(ioctl(p, FIONBIO, &fd));
    SHOW(fchmod(p, 0600));
    SHOW(ftruncate(p, 0));
    SHOW(flock(p, 0));
    SHOW(dup(p) >= 0);
    SHOW(open("f", 3));
    {
        char c;
        int odd = open("f", 3);
        SHOW(read(odd, &c, 1));
        SHOW(write(odd, &c, 1));
        close(odd);
    }
    SHOW(open("f", O_CREAT | O_DIRECTORY, 0600));
    SHOW_OK(fd = open("f", 0x40000000, 0600));
    close(fd), close(d), close(p);
    SHOW(creat("made", 0640));
    SHOW(creat("none/made", 0640));
    unlink("made");
    SHOW(close_range(3, ~0u, 0));
}

static void owners(void)
{
    struct f_owner_ex ex = {F_OWNER_PID, 0};
    uint64_t hint = 2;
    int s[2], fd = open("f", O_RDWR);

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(fcntl(fd, F_GETOWN));
    SHOW(fcntl(fd, F_SETOWN, getpid()));
    SHOW(fcntl(fd, F_SETOWN, 999999));
    SHOW(fcntl(fd, F_SETOWN, -999999));
    printf("%d\n", fcntl(fd, F_GETOWN) == getpid());
    SHOW(fcntl(fd, F_GETOWN_EX, &ex));
    printf("%d %d\n", ex.type, ex.pid == getpid());
    SHOW(fcntl(fd, F_SETSIG, 10));
    SHOW(fcntl(fd, F_GETSIG));
    SHOW(fcntl(fd, F_SETSIG, 100));
    ex.type = 7;
    SHOW(fcntl(fd, F_SETOWN_EX, &ex));
    SHOW(fcntl(fd, F_GETLEASE));
    SHOW(fcntl(fd, F_GET_RW_HINT, &hint));
    hint = 3;
    SHOW(fcntl(fd, F_SET_RW_HINT, &hint));
    hint = 9;
    SHOW(fcntl(fd, F_SET_RW_HINT, &hint));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    close(fd), close(s[0]), close(s[1]);
}

static void ioctls(void)
{
    int fd = open("f", O_RDWR | O_TRUNC), n = -1, p[2];
    struct termios t;
    struct winsize w;

    SHOW(write(fd, "12345", 5));
    SHOW(lseek(fd, 2, SEEK_SET));
    SHOW(ioctl(fd, FIONREAD, &n));
    printf("%d\n", n);
    SHOW(ioctl(fd, FIONREAD, BAD_PTR));
    SHOW(ioctl(fd, TCGETS, &t));
    SHOW(ioctl(fd, TIOCGWINSZ, &w));
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, FIONCLEX));
    SHOW(fcntl(fd, F_GETFD));
    n = 1;
    SHOW(ioctl(fd, FIONBIO, &n));
    printf("%o\n", fcntl(fd, F_GETFL) & O_NONBLOCK);
    SHOW(ioctl(fd, FIONBIO, BAD_PTR));
    SHOW(ioctl(fd, 0x1234, &n));
    SHOW(ioctl(-1, FIONREAD, &n));
    SHOW(pipe(p));
    SHOW(ioctl(p[0], TCGETS, &t));
    SHOW(ioctl(p[1], FIONREAD, &n));
    close(fd), close(p[0]), close(p[1]);
}

/* Threads that open and close while others look descriptors up: nobody ever meets a wrong file. */
static volatile int stop;

static void *churn(void *arg)
{
    long wrong = 0;
    char c;

    while (!stop) {
        int fd = open("f", O_RDONLY);

        if (fd < 0 || pread(fd, &c, 1, (long)arg) != 1 || c != '1' + (long)arg)
            wrong++;
        if (close(fd))
            wrong++;
    }
    return (void *)wrong;
}

static void *probe(void *arg)
{
    long wrong = 0;
    char c;

    (void)arg;
    while (!stop)
        for (int fd = 3; fd < 8; fd++)
            if (pread(fd, &c, 1, 0) < 0 && errno != EBADF)
                wrong++;
    return (void *)wrong;
}

static void threads(void)
{
    pthread_t t[4];
    void *wrong;
    long total = 0;

    for (long k = 0; k < 3; k++)
        pthread_create(&t[k], NULL, churn, (void *)k);
    pthread_create(&t[3], NULL, probe, NULL);
    usleep(200000);
    stop = 1;
    for (int k = 0; k < 4; k++) {
        pthread_join(t[k], &wrong);
        total += (long)wrong;
    }
    printf("threads: wrong %ld\n", total);
}

int main(void)
{
    enter_scratch();
    numbers();
    limits();
    flags();
    owners();
    ioctls();
    threads();
    unlink("f");
    leave_scratch();
    return 0;
}
