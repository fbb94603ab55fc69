/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll(7): what counts as an edge for each kind of file, turns among ready files, descriptors that share a file, many files. */
#include "abi.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <poll.h>
#include <signal.h>

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};

    return epoll_ctl(ep, op, fd, &e);
}

/* What is ready now, in the order it is told. */
static void ready(const char *what, int ep, int max)
{
    struct epoll_event e[16];
    int n = epoll_wait(ep, e, max, 0);

    printf("%s: %d", what, n);
    for (int k = 0; k < n; k++)
        printf(" %llu=%x", (unsigned long long)e[k].data.u64, e[k].events);
    printf("\n");
}

/* Does the statement, then shows what ep tells. */
#define AFTER(ep, statement)       \
    do {                           \
        statement;                 \
        ready(#statement, ep, 16); \
    } while (0)

static void edges_of(const char *name, int in, int out, int ep)
{
    char b[1 << 16];

    printf("-- %s\n", name);
    fcntl(in, F_SETFL, O_NONBLOCK), fcntl(out, F_SETFL, O_NONBLOCK);
    ctl(ep, EPOLL_CTL_ADD, in, EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
    AFTER(ep, (void)0);
    AFTER(ep, write(out, "ab", 2));
    AFTER(ep, (void)0);
    AFTER(ep, write(out, "cd", 2));
    AFTER(ep, read(in, b, 100));
    AFTER(ep, read(in, b, 1));
    AFTER(ep, write(out, "ef", 2));
    AFTER(ep, ctl(ep, EPOLL_CTL_MOD, in, EPOLLIN | EPOLLET, 2));
    AFTER(ep, (void)0);
    AFTER(ep, ctl(ep, EPOLL_CTL_MOD, in, EPOLLIN | EPOLLONESHOT, 3));
    AFTER(ep, write(out, "gh", 2));
    AFTER(ep, ctl(ep, EPOLL_CTL_MOD, in, EPOLLIN | EPOLLONESHOT, 4));
    AFTER(ep, ctl(ep, EPOLL_CTL_MOD, in, EPOLLIN, 5));
    AFTER(ep, (void)0);
    while (read(in, b, sizeof(b)) > 0)
        ;
    AFTER(ep, (void)0);
    AFTER(ep, ctl(ep, EPOLL_CTL_ADD, out, EPOLLOUT | EPOLLET, 6));
    AFTER(ep, (void)0);
    while (write(out, b, 1 << 12) > 0)
        ;
    AFTER(ep, ctl(ep, EPOLL_CTL_MOD, in, EPOLLIN | EPOLLET, 7));
    while (read(in, b, sizeof(b)) > 0)
        ;
    AFTER(ep, (void)0);
    AFTER(ep, ctl(ep, EPOLL_CTL_DEL, out, 0, 0));
    AFTER(ep, ctl(ep, EPOLL_CTL_MOD, in, 0, 8));
    AFTER(ep, close(out));
    AFTER(ep, (void)0);
    AFTER(ep, close(in));
}

static void pairs(void)
{
    int p[2];

    pipe(p);
    edges_of("pipe", p[0], p[1], epoll_create1(0));
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    edges_of("stream", p[0], p[1], epoll_create1(0));
    signal(SIGPIPE, SIG_IGN);
    int ep = epoll_create1(0);
    pipe(p);
    ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLIN, 1);
    AFTER(ep, close(p[0]));
    AFTER(ep, close(p[1]));
    close(ep);
}

/* With fewer places than ready files each gets its turn. */
static void turns(void)
{
    int ep = epoll_create1(0), fds[5];

    for (int k = 0; k < 5; k++) {
        fds[k] = eventfd(1, EFD_NONBLOCK);
        ctl(ep, EPOLL_CTL_ADD, fds[k], EPOLLIN | (k == 4 ? EPOLLET : 0), (uint64_t)k);
    }
    for (int k = 0; k < 5; k++)
        ready("two at a time", ep, 2);
    eventfd_read(fds[1], &(eventfd_t){0});
    ready("without 1", ep, 16);
    ctl(ep, EPOLL_CTL_DEL, fds[0], 0, 0);
    eventfd_write(fds[4], 1);
    eventfd_write(fds[1], 1);
    ready("without 0", ep, 16);
    for (int k = 0; k < 5; k++)
        close(fds[k]);
    ready("closed", ep, 16);
    close(ep);
}

static void sharing(void)
{
    int ep = epoll_create1(0), other = epoll_create1(0), fd = eventfd(1, 0), copy = dup(fd);

    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_MOD, copy, EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_DEL, copy, 0, 0));
    SHOW(ctl(other, EPOLL_CTL_ADD, copy, EPOLLIN, 2));
    SHOW(close(fd));
    ready("closed, but for a copy", ep, 16);
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(ctl(ep, EPOLL_CTL_DEL, copy, 0, 0));
    /* The same number for another file is another entry. */
    int again = eventfd(1, 0);
    SHOW(again == fd);
    SHOW(ctl(ep, EPOLL_CTL_ADD, again, EPOLLIN, 3));
    ready("both", ep, 16);
    ready("other", other, 16);
    SHOW(close(copy));
    ready("the new one", ep, 16);
    ready("other", other, 16);
    close(again), close(ep), close(other);
}

static void nested(void)
{
    int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);
    struct pollfd p = {.fd = inner, .events = POLLIN};

    ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET, 1);
    ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN, 2);
    AFTER(outer, (void)0);
    AFTER(outer, eventfd_write(fd, 1));
    AFTER(outer, (void)0);
    SHOW(poll(&p, 1, 0));
    AFTER(outer, eventfd_write(fd, 1));
    AFTER(inner, (void)0);
    AFTER(outer, (void)0);
    eventfd_read(fd, &(eventfd_t){0});
    SHOW(poll(&p, 1, 0));
    AFTER(outer, (void)0);
    AFTER(outer, close(inner));
    close(fd), close(outer);
}

static void kinds(void)
{
    int ep = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), sig, in = inotify_init1(IN_NONBLOCK);
    struct itimerspec t = {.it_value = {0, 1}};
    struct signalfd_siginfo info;
    sigset_t s;
    uint64_t n;

    sigemptyset(&s), sigaddset(&s, SIGUSR1);
    sigprocmask(SIG_BLOCK, &s, NULL);
    sig = signalfd(-1, &s, SFD_NONBLOCK);
    SHOW(ctl(ep, EPOLL_CTL_ADD, timer, EPOLLIN | EPOLLET, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, sig, EPOLLIN | EPOLLET, 2));
    SHOW(ctl(ep, EPOLL_CTL_ADD, in, EPOLLIN | EPOLLET, 3));
    SHOW(ctl(ep, EPOLL_CTL_ADD, open("/dev/null", O_RDONLY), EPOLLIN, 4));
    SHOW(ctl(ep, EPOLL_CTL_ADD, open("/proc/self/stat", O_RDONLY), EPOLLIN, 4));
    SHOW(ctl(ep, EPOLL_CTL_ADD, open("/", O_RDONLY), EPOLLIN, 4));
    SHOW(ctl(ep, EPOLL_CTL_ADD, open("/", O_PATH), EPOLLIN, 4));
    AFTER(ep, (void)0);
    timerfd_settime(timer, 0, &t, NULL);
    sleep_ms(20);
    AFTER(ep, (void)0);
    AFTER(ep, (void)0);
    AFTER(ep, read(timer, &n, sizeof(n)));
    AFTER(ep, kill(getpid(), SIGUSR1));
    AFTER(ep, kill(getpid(), SIGUSR1));
    AFTER(ep, read(sig, &info, sizeof(info)));
    AFTER(ep, kill(getpid(), SIGUSR1));
    close(timer), close(sig), close(in), close(ep);
}

static void many(void)
{
    enum { COUNT = 10000 };
    static int fds[COUNT];
    static struct epoll_event out[COUNT];
    struct rlimit limit = {COUNT + 100, COUNT + 100};
    int ep = epoll_create1(0), errors = 0, seen = 0;

    if (setrlimit(RLIMIT_NOFILE, &limit))
        printf("setrlimit: %s\n", strerrorname_np(errno));
    for (int k = 0; k < COUNT; k++) {
        fds[k] = eventfd(0, EFD_NONBLOCK);
        errors += fds[k] < 0 || ctl(ep, EPOLL_CTL_ADD, fds[k], EPOLLIN, (uint64_t)k);
    }
    SHOW(errors);
    SHOW(epoll_wait(ep, out, COUNT, 0));
    for (int k = 0; k < COUNT; k += 100)
        eventfd_write(fds[k], 1);
    SHOW(seen = epoll_wait(ep, out, COUNT, 0));
    for (int k = 0; k < seen; k++)
        errors += out[k].data.u64 != (uint64_t)k * 100;
    SHOW(errors);
    for (int k = 0; k < COUNT; k++)
        eventfd_write(fds[k], 1);
    SHOW(epoll_wait(ep, out, COUNT, 0));
    for (int k = 0; k < COUNT; k++)
        close(fds[k]);
    SHOW(epoll_wait(ep, out, COUNT, 0));
    close(ep);
}

int main(void)
{
    pairs();
    turns();
    sharing();
    nested();
    kinds();
    many();
    return 0;
}
