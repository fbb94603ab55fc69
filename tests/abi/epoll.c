/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll(7): level, edge, one-shot, exclusive, nested, duplicates, closing what is watched, masks, every error. */
#include "abi.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static struct epoll_event out[16];

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {events, {.u64 = data}};
    return epoll_ctl(ep, op, fd, &e);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct epoll_event *)a)->data.u64, y = ((const struct epoll_event *)b)->data.u64;
    return x < y ? -1 : x > y;
}

/* What is ready, in the order of the data words. */
static void ready(const char *what, int ep, int max, int timeout)
{
    int n;
    CALL(what, n = epoll_wait(ep, out, max, timeout));
    if (n > 0)
        qsort(out, (size_t)n, sizeof *out, compare);
    for (int i = 0; i < n; i++)
        printf("  %llu: %x\n", (unsigned long long)out[i].data.u64, out[i].events);
}

static void add(int fd, uint64_t n)
{
    if (write(fd, &n, 8) != 8)
        printf("eventfd write failed\n");
}

static void take(int fd)
{
    uint64_t n;
    if (read(fd, &n, 8) != 8)
        printf("eventfd read failed\n");
}

static void errors(int ep, int fd)
{
    struct epoll_event e = {EPOLLIN, {0}};
    int file = open("epoll.file", O_RDWR | O_CREAT, 0600), dir = open("/", O_RDONLY | O_DIRECTORY);
    SHOW(epoll_create(0));
    SHOW(epoll_create(-1));
    SHOW(epoll_create1(1));
    SHOW(fcntl(epoll_create1(EPOLL_CLOEXEC), F_GETFD));
    SHOW(fcntl(epoll_create(1), F_GETFL));
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0));
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 0));
    SHOW(ctl(ep, EPOLL_CTL_ADD, dir, EPOLLIN, 0));
    SHOW(ctl(ep, EPOLL_CTL_ADD, 99, EPOLLIN, 0));
    SHOW(ctl(99, EPOLL_CTL_ADD, fd, EPOLLIN, 0));
    SHOW(ctl(fd, EPOLL_CTL_ADD, ep, EPOLLIN, 0));
    SHOW(ctl(file, EPOLL_CTL_ADD, fd, EPOLLIN, 0));
    SHOW(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0));
    SHOW(ctl(ep, 9, fd, EPOLLIN, 0));
    SHOW(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, BAD));
    SHOW(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, NULL));
    SHOW(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, fd, NULL));
    SHOW(epoll_wait(ep, out, 0, 0));
    SHOW(epoll_wait(ep, out, -1, 0));
    SHOW(epoll_wait(ep, out, 0x7fffffff, 0));
    SHOW(epoll_wait(fd, out, 1, 0));
    SHOW(epoll_wait(99, out, 1, 0));
    SHOW(syscall(SYS_epoll_wait, ep, BAD, 1, 0));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    add(fd, 1);
    SHOW(syscall(SYS_epoll_wait, ep, BAD, 1, 0));
    ready("after EFAULT", ep, 4, 0);
    take(fd);
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, fd, &e));
    SHOW(read(ep, out, 8));
    SHOW(write(ep, out, 8));
    close(file);
    close(dir);
}

static void modes(int ep, int fd)
{
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1));
    ready("idle", ep, 4, 0);
    add(fd, 1);
    ready("level", ep, 4, 0);
    ready("level again", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, 2));
    ready("both", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 3));
    ready("edge after change", ep, 4, 0);
    ready("edge again", ep, 4, 0);
    add(fd, 1);
    ready("edge after more", ep, 4, 0);
    ready("edge again", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 4));
    ready("one-shot", ep, 4, 0);
    ready("one-shot again", ep, 4, 0);
    add(fd, 1);
    ready("one-shot after more", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 5));
    ready("one-shot armed", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE, 5));
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 6));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 6));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 6));
    ready("exclusive", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 6));
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, 0, 7));
    ready("nothing asked", ep, 4, 0);
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 0));
    take(fd);
}

static void closing(int ep)
{
    int p[2], copy, sp[2];
    pipe(p);
    SHOW(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLRDHUP, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 2));
    ready("pipe", ep, 4, 0);
    close(p[0]);
    ready("reader closed", ep, 4, 0);
    close(p[1]);
    ready("both closed", ep, 4, 0);
    /* A duplicate keeps the file, so it is still watched; the closed number is free for another. */
    int fd = eventfd(1, 0);
    copy = dup(fd);
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 3));
    SHOW(ctl(ep, EPOLL_CTL_ADD, copy, EPOLLIN, 4));
    ready("both", ep, 4, 0);
    close(fd);
    ready("one closed", ep, 4, 0);
    close(copy);
    ready("last closed", ep, 4, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sp);
    SHOW(ctl(ep, EPOLL_CTL_ADD, sp[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 5));
    ready("socket", ep, 4, 0);
    ready("socket again", ep, 4, 0);
    write(sp[1], "x", 1);
    ready("socket data", ep, 4, 0);
    shutdown(sp[1], SHUT_WR);
    ready("socket shut", ep, 4, 0);
    close(sp[1]);
    ready("socket closed", ep, 4, 0);
    ready("socket quiet", ep, 4, 0);
    close(sp[0]);
}

static void nested(void)
{
    int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), fd = eventfd(0, 0), chain[8];
    SHOW(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN, 1));
    SHOW(ctl(b, EPOLL_CTL_ADD, c, EPOLLIN, 2));
    SHOW(ctl(c, EPOLL_CTL_ADD, a, EPOLLIN, 3));
    SHOW(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN, 3));
    SHOW(ctl(a, EPOLL_CTL_ADD, c, EPOLLIN | EPOLLEXCLUSIVE, 3));
    SHOW(ctl(c, EPOLL_CTL_ADD, fd, EPOLLIN, 4));
    ready("outer idle", a, 4, 0);
    add(fd, 1);
    ready("outer", a, 4, 0);
    ready("middle", b, 4, 0);
    ready("inner", c, 4, 0);
    take(fd);
    ready("outer after", a, 4, 0);
    for (int i = 0; i < 8; i++) {
        chain[i] = epoll_create1(0);
        if (i)
            SHOW(ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN, 1));
    }
    for (int i = 0; i < 8; i++)
        close(chain[i]);
    close(a), close(b), close(c), close(fd);
}

static void many(void)
{
    int ep = epoll_create1(0), fd[10];
    for (int i = 0; i < 10; i++) {
        fd[i] = eventfd(0, 0);
        ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN, (uint64_t)i);
    }
    for (int i = 9; i >= 0; i--)
        add(fd[i], 1);
    /* Arrival order, in turns of three. */
    for (int round = 0; round < 5; round++) {
        int n = epoll_wait(ep, out, 3, 0);
        printf("turn of %d:", n);
        for (int i = 0; i < n; i++)
            printf(" %llu", (unsigned long long)out[i].data.u64);
        printf("\n");
    }
    for (int i = 0; i < 10; i++)
        close(fd[i]);
    close(ep);
}

struct waiter {
    int ep, got;
};

static void *wait_one(void *arg)
{
    struct waiter *w = arg;
    struct epoll_event e;
    w->got = epoll_wait(w->ep, &e, 1, 500);
    return NULL;
}

static volatile sig_atomic_t hits;

static void on_signal(int s)
{
    hits++;
}

static void threads(void)
{
    int ep = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);
    struct waiter w[4];
    pthread_t t[4];
    int sum = 0;
    ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1);
    for (int i = 0; i < 4; i++) {
        w[i] = (struct waiter){ep, -1};
        pthread_create(&t[i], NULL, wait_one, &w[i]);
    }
    sleep_ms(50);
    add(fd, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        sum += w[i].got;
    }
    SHOW(sum);
    close(ep), close(fd);
}

static void masks(void)
{
    int ep = epoll_create1(0);
    sigset_t block, none;
    struct timespec ts = {0, 10000000};
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    kill(getpid(), SIGUSR1);
    SHOW(epoll_wait(ep, out, 1, 10));
    SHOW(hits);
    SHOW(syscall(SYS_epoll_pwait, ep, out, 1, 5000, &none, 8));
    SHOW(hits);
    SHOW(syscall(SYS_epoll_pwait, ep, out, 1, 10, NULL, 0));
    SHOW(syscall(SYS_epoll_pwait, ep, out, 1, 10, &none, 4));
    SHOW(syscall(SYS_epoll_pwait, ep, out, 1, 10, BAD, 8));
    SHOW(syscall(SYS_epoll_pwait2, ep, out, 1, &ts, &none, 8));
    ts.tv_nsec = -1;
    SHOW(syscall(SYS_epoll_pwait2, ep, out, 1, &ts, NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, ep, out, 1, BAD, NULL, 0));
    int64_t before = now_ns(CLOCK_MONOTONIC);
    SHOW(epoll_wait(ep, out, 1, 30));
    SHOW(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
}

int main(void)
{
    int ep = epoll_create1(0), fd = eventfd(0, 0);
    errors(ep, fd);
    modes(ep, fd);
    closing(ep);
    nested();
    many();
    threads();
    masks();
    return 0;
}
