/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals during waits: which calls restart, which answer EINTR, and that ignored signals disturb none (signal(7)). */
#include "sock.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>

static volatile sig_atomic_t hits;
static pthread_t waiter;

static void on_signal(int s)
{
    hits++;
}

static void handle(int flags)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(SIGUSR1, &sa, NULL);
    hits = 0;
}

struct plan {
    int signo, fd; /* after 30 ms the signal, 30 ms later 8 bytes to fd (-1: none) */
};

static void *disturb(void *arg)
{
    struct plan *p = arg;
    uint64_t one = 1;
    sleep_ms(30);
    pthread_kill(waiter, p->signo);
    sleep_ms(30);
    if (p->fd >= 0 && write(p->fd, &one, 8) != 8)
        printf("write failed\n");
    return NULL;
}

static pthread_t start(struct plan *p)
{
    pthread_t t;
    waiter = pthread_self();
    pthread_create(&t, NULL, disturb, p);
    return t;
}

#define DURING(p, expr)                            \
    do {                                           \
        pthread_t abi_t = start(p);                \
        CALL(#expr, expr);                         \
        int abi_hits = hits;                       \
        pthread_join(abi_t, NULL);                 \
        printf("  handled before: %d\n", abi_hits); \
        hits = 0;                                  \
    } while (0)

static void reads(void)
{
    int v[2], e = eventfd(0, 0), p[2];
    char b[8];
    tcp_pair(v);
    pipe(p);
    struct plan to_tcp = {SIGUSR1, v[1]}, to_event = {SIGUSR1, e}, to_pipe = {SIGUSR1, p[1]};
    DURING(&to_tcp, recv(v[0], b, 8, 0));
    DURING(&to_event, read(e, b, 8));
    DURING(&to_pipe, read(p[0], b, 8));
    struct itimerspec its = {{0, 0}, {0, 70000000}};
    int t = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(t, 0, &its, NULL);
    struct plan none = {SIGUSR1, -1};
    DURING(&none, read(t, b, 8));
    int l = tcp_listener(1);
    set_timeout(l, SO_RCVTIMEO, 10000);
    DURING(&none, accept(l, NULL, NULL));
    set_timeout(v[0], SO_RCVTIMEO, 10000);
    fcntl(v[0], F_SETFL, O_NONBLOCK);
    while (recv(v[0], b, 8, 0) > 0)
        ;
    fcntl(v[0], F_SETFL, 0);
    DURING(&none, recv(v[0], b, 8, 0));
    close(v[0]), close(v[1]), close(e), close(p[0]), close(p[1]), close(l), close(t);
}

static void polls(int signo)
{
    int e = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(0);
    uint64_t n;
    struct plan p = {signo, e};
    struct pollfd f = {e, POLLIN, 0};
    struct epoll_event ev = {EPOLLIN, {0}};
    struct timeval tv = {5, 0};
    struct timespec ts = {5, 0};
    fd_set r;
    epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev);
    DURING(&p, poll(&f, 1, 5000));
    read(e, &n, 8);
    DURING(&p, poll(&f, 1, -1));
    read(e, &n, 8);
    DURING(&p, ppoll(&f, 1, &ts, NULL));
    read(e, &n, 8);
    FD_ZERO(&r);
    FD_SET(e, &r);
    DURING(&p, select(e + 1, &r, NULL, NULL, &tv));
    read(e, &n, 8);
    DURING(&p, epoll_wait(ep, &ev, 1, 5000));
    read(e, &n, 8);
    close(e), close(ep);
}

int main(void)
{
    printf("with SA_RESTART\n");
    handle(SA_RESTART);
    reads();
    polls(SIGUSR1);
    printf("without\n");
    handle(0);
    reads();
    polls(SIGUSR1);
    printf("ignored\n");
    signal(SIGUSR1, SIG_IGN);
    reads();
    polls(SIGUSR1);
    printf("ignored by default\n");
    polls(SIGCHLD);
    return 0;
}
