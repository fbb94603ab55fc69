/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* epoll(7): rules of EPOLLEXCLUSIVE, nesting depth and loops, times refused, closing while waiting; each event to one thread. */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {events, {.u64 = data}};
    return epoll_ctl(ep, op, fd, &e);
}

static void told(const char *what, int ep)
{
    struct epoll_event e[8];
    int n = epoll_wait(ep, e, 8, 0);
    printf("%s:", what);
    for (int i = 0; i < n; i++)
        printf(" %llu=%x", (unsigned long long)e[i].data.u64, e[i].events);
    printf("\n");
}

static void rules(void)
{
    int ep = epoll_create1(0), fd = eventfd(1, 0), inner = epoll_create1(0);
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE, 1));
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 1));
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLIN | EPOLLPRI, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET, 1));
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE, 1));
    told("exclusive", ep);
    SHOW(ctl(ep, EPOLL_CTL_DEL, fd, 0, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLRDNORM, 1));
    SHOW(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLWAKEUP, 1));
    told("wakeup", ep);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLWAKEUP | EPOLLONESHOT, 1));
    told("one-shot", ep);
    told("one-shot", ep);
    SHOW(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLRDNORM | EPOLLRDBAND | EPOLLWRNORM | EPOLLMSG, 2));
    told("other names", ep);
    SHOW(ctl(ep, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE, 3));
    SHOW(ctl(ep, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLOUT | EPOLLET, 3));
    SHOW(ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN, 4));
    told("outer", ep);
    told("outer", ep);
    SHOW(ctl(inner, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 5));
    told("outer", ep);
    told("inner", inner);
    eventfd_write(fd, 1);
    told("outer", ep);
    eventfd_write(fd, 1);
    told("outer", ep);
    told("inner", inner);
    told("outer", ep);
    close(fd), close(ep), close(inner);
}

static void times(void)
{
    int ep = epoll_create1(0);
    struct epoll_event e;
    struct timespec bad[] = {{-1, 0}, {0, 1000000000}, {0, -1}, {INT64_MIN, 0}, {0, 0}, {0, 1}};
    for (int i = 0; i < 6; i++)
        CALL("epoll_pwait2", syscall(SYS_epoll_pwait2, ep, &e, 1, &bad[i], NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, ep, &e, 0, &bad[0], NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, ep, &e, 0, &bad[4], NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, 99, &e, 1, &bad[0], NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, ep, &e, 1, &bad[4], &e, 7));
    SHOW(epoll_wait(ep, &e, 1, -7 * 0));
    close(ep);
}

/* Loops and depth, whichever end closes them. */
static void shapes(void)
{
    int c[8], d[8];
    for (int i = 0; i < 8; i++)
        c[i] = epoll_create1(0), d[i] = epoll_create1(0);
    for (int i = 0; i < 3; i++)
        SHOW(ctl(c[i], EPOLL_CTL_ADD, c[i + 1], EPOLLIN, 1));
    for (int i = 0; i < 3; i++)
        SHOW(ctl(d[i + 1], EPOLL_CTL_ADD, d[i], EPOLLIN, 1));
    SHOW(ctl(c[3], EPOLL_CTL_ADD, c[0], EPOLLIN, 1));
    SHOW(ctl(c[3], EPOLL_CTL_ADD, c[1], EPOLLIN, 1));
    SHOW(ctl(c[3], EPOLL_CTL_ADD, d[3], EPOLLIN, 1));
    SHOW(ctl(c[3], EPOLL_CTL_ADD, c[4], EPOLLIN, 1));
    SHOW(ctl(c[4], EPOLL_CTL_ADD, c[5], EPOLLIN, 1));
    SHOW(ctl(c[3], EPOLL_CTL_ADD, d[1], EPOLLIN, 1));
    SHOW(ctl(c[3], EPOLL_CTL_ADD, d[0], EPOLLIN, 1));
    SHOW(ctl(c[0], EPOLL_CTL_ADD, c[4], EPOLLIN, 1));
    SHOW(ctl(d[0], EPOLL_CTL_ADD, c[0], EPOLLIN, 1));
    SHOW(ctl(c[0], EPOLL_CTL_DEL, c[1], EPOLLIN, 1));
    SHOW(ctl(c[1], EPOLL_CTL_ADD, c[0], EPOLLIN, 1));
    SHOW(ctl(c[5], EPOLL_CTL_ADD, c[0], EPOLLIN, 1));
    for (int i = 0; i < 8; i++)
        close(c[i]), close(d[i]);
}

static void *wait_on(void *arg)
{
    struct epoll_event e;
    return (void *)(long)epoll_wait(*(int *)arg, &e, 1, 300);
}

static void closing(void)
{
    int ep = epoll_create1(0), fd = eventfd(0, 0), copy = dup(ep), number = ep;
    pthread_t t;
    void *r;
    ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1);
    pthread_create(&t, NULL, wait_on, &number);
    sleep_ms(50);
    SHOW(close(ep));
    eventfd_write(fd, 1);
    pthread_join(t, &r);
    SHOW((long)r);
    told("copy", copy);
    SHOW(close(fd));
    told("copy", copy);
    fd = eventfd(0, 0);
    ctl(copy, EPOLL_CTL_ADD, fd, EPOLLIN, 1);
    pthread_create(&t, NULL, wait_on, &copy);
    sleep_ms(50);
    SHOW(close(fd));
    pthread_join(t, &r);
    SHOW((long)r);
    close(copy);
}

/* ---- four threads; each unit written is taken once */

#define UNITS 2000
static int eps[4], source, done_fd;
static long taken, woken;
static uint32_t flags;
static int shared_ep;

static void *taker(void *arg)
{
    int ep = eps[(long)arg];
    for (;;) {
        struct epoll_event e;
        uint64_t n;
        if (epoll_wait(ep, &e, 1, 10000) != 1)
            return (void *)1;
        if (e.data.u64 == 99)
            return NULL;
        __atomic_add_fetch(&woken, 1, __ATOMIC_RELAXED);
        while (read(source, &n, 8) == 8)
            __atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
        if (flags & EPOLLONESHOT)
            ctl(ep, EPOLL_CTL_MOD, source, flags, 1);
    }
}

static void herd(const char *what, uint32_t how, int shared)
{
    pthread_t t[4];
    long late = 0;
    void *r;
    flags = how, shared_ep = shared;
    taken = woken = 0;
    source = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    done_fd = eventfd(0, 0);
    for (int i = 0; i < 4; i++) {
        eps[i] = shared && i ? eps[0] : epoll_create1(0);
        if (!shared || !i) {
            ctl(eps[i], EPOLL_CTL_ADD, source, how, 1);
            ctl(eps[i], EPOLL_CTL_ADD, done_fd, EPOLLIN, 99);
        }
    }
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, taker, (void *)i);
    for (int i = 0; i < UNITS; i++) {
        eventfd_write(source, 1);
        if (i % 100 == 0)
            sleep_ms(1);
    }
    for (int ms = 0; ms < 5000 && __atomic_load_n(&taken, __ATOMIC_RELAXED) < UNITS; ms++)
        sleep_ms(1);
    eventfd_write(done_fd, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &r);
        late += (long)r;
    }
    printf("%s: taken %ld of %d, late %ld, woken %d\n", what, taken, UNITS, late, woken > 0 && woken <= 4 * UNITS);
    for (int i = 0; i < (shared ? 1 : 4); i++)
        close(eps[i]);
    close(source), close(done_fd);
}

/* One edge, four waiters on one epoll: one is told. */
static void one_edge(uint32_t how)
{
    int ep = epoll_create1(0), fd = eventfd(0, 0);
    pthread_t t[4];
    long sum = 0;
    void *r;
    ctl(ep, EPOLL_CTL_ADD, fd, how, 1);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, wait_on, &ep);
    sleep_ms(50);
    eventfd_write(fd, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &r);
        sum += (long)r;
    }
    printf("told %x: %ld\n", how, sum);
    close(ep), close(fd);
}

/* Always ready files: with one place each gets the same turns. */
static void turns(void)
{
    int ep = epoll_create1(0), fd[50], least = 1 << 30, most = 0, count[50] = {0};
    struct epoll_event e[7];
    for (int i = 0; i < 50; i++)
        ctl(ep, EPOLL_CTL_ADD, fd[i] = eventfd(1, 0), EPOLLIN, (uint64_t)i);
    for (int i = 0; i < 500; i++)
        for (int n = epoll_wait(ep, e, i % 2 ? 1 : 7, 0); n > 0; n--)
            count[e[n - 1].data.u64]++;
    for (int i = 0; i < 50; i++) {
        least = count[i] < least ? count[i] : least;
        most = count[i] > most ? count[i] : most;
        close(fd[i]);
    }
    printf("turns %d to %d\n", least, most);
    close(ep);
}

int main(void)
{
    rules();
    times();
    shapes();
    closing();
    herd("edge, one epoll", EPOLLIN | EPOLLET, 1);
    herd("one-shot, one epoll", EPOLLIN | EPOLLONESHOT, 1);
    herd("edge one-shot, one epoll", EPOLLIN | EPOLLET | EPOLLONESHOT, 1);
    herd("level, one epoll", EPOLLIN, 1);
    herd("exclusive, four", EPOLLIN | EPOLLEXCLUSIVE, 0);
    herd("exclusive edge, four", EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 0);
    herd("level, four", EPOLLIN, 0);
    one_edge(EPOLLIN | EPOLLET);
    one_edge(EPOLLIN | EPOLLONESHOT);
    turns();
    return 0;
}
