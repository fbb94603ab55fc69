/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Signal masks of ppoll, pselect and epoll_pwait under a storm of signals: handlers run only inside the call, and no
 * signal that is let in only there is lost; signalfd read by several threads, each signal once; a mask changed meanwhile.
 */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>

#define SIGNALS 400
static volatile sig_atomic_t hits, inside, wrong;
static pthread_t target;
static volatile int seen;

static void on_signal(int s, siginfo_t *si, void *c)
{
    hits++;
    wrong += !inside;
}

/* One at a time: the next is sent when the last was handled. */
static void *send(void *arg)
{
    for (int i = 0; i < SIGNALS; i++) {
        pthread_kill(target, SIGUSR1);
        for (long spins = 0; seen <= i; spins++)
            if (spins > 100)
                sched_yield();
    }
    return NULL;
}

static void storm(const char *name, int how)
{
    sigset_t none;
    struct pollfd p = {eventfd(0, 0), POLLIN, 0};
    struct epoll_event e = {EPOLLIN, {0}};
    struct timespec limit = {20, 0};
    int ep = epoll_create1(0);
    long interrupted = 0, other = 0;
    pthread_t t;
    epoll_ctl(ep, EPOLL_CTL_ADD, p.fd, &e);
    sigemptyset(&none);
    hits = wrong = seen = 0;
    target = pthread_self();
    pthread_create(&t, NULL, send, NULL);
    while (hits < SIGNALS && !other) {
        fd_set r;
        int n;
        FD_ZERO(&r);
        FD_SET(p.fd, &r);
        inside = 1;
        if (how == 0)
            n = ppoll(&p, 1, &limit, &none);
        else if (how == 1)
            n = pselect(p.fd + 1, &r, NULL, NULL, &limit, &none);
        else if (how == 2)
            n = epoll_pwait(ep, &e, 1, 20000, &none);
        else
            n = sigsuspend(&none);
        int error = errno;
        inside = 0;
        if (n < 0 && error == EINTR)
            interrupted++;
        else
            other++;
        seen = hits;
    }
    seen = SIGNALS;
    pthread_join(t, NULL);
    printf("%s: handled %d, outside %d, interrupted as often %d, other %ld\n", name, hits, wrong, interrupted == hits, other);
    close(p.fd), close(ep);
}

static int sfd;

static void *take(void *arg)
{
    struct signalfd_siginfo si[3];
    long *sum = arg;
    for (;;) {
        long n = read(sfd, si, sizeof si);
        if (n <= 0)
            return (void *)1;
        n /= (long)sizeof *si;
        for (long i = 0; i < n; i++) {
            if (si[i].ssi_int == 0) { /* the end: for another reader, too */
                if (sum[1]++ == 0)
                    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 0});
                return NULL;
            }
            __atomic_add_fetch(sum, si[i].ssi_int, __ATOMIC_RELAXED);
        }
    }
}

static void readers(void)
{
    static long sum[4][2];
    sigset_t m;
    pthread_t t[4];
    long total = 0, failed = 0, expected = 0;
    void *r;
    sigemptyset(&m), sigaddset(&m, SIGRTMIN);
    sfd = signalfd(-1, &m, 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, take, sum[i]);
    for (int i = 1; i <= 500; i++) {
        while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}))
            sleep_ms(1);
        expected += i;
    }
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 0});
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &r);
        failed += (long)r;
        total += sum[i][0];
    }
    printf("taken %ld of %ld, failed %ld\n", total, expected, failed);
    close(sfd);
}

static void *read_one(void *arg)
{
    struct signalfd_siginfo si;
    return (void *)(long)(read(sfd, &si, sizeof si) == sizeof si ? (long)si.ssi_signo : -1);
}

static void changed_mask(void)
{
    sigset_t m;
    pthread_t t;
    void *r;
    struct timespec none = {0, 0};
    sigemptyset(&m), sigaddset(&m, SIGALRM);
    sfd = signalfd(-1, &m, 0);
    pthread_create(&t, NULL, read_one, NULL);
    sleep_ms(30);
    kill(getpid(), SIGUSR2);
    sleep_ms(30);
    sigemptyset(&m), sigaddset(&m, SIGUSR2);
    SHOW(signalfd(sfd, &m, 0) == sfd);
    pthread_join(t, &r);
    SHOW((long)r == SIGUSR2);
    kill(getpid(), SIGALRM);
    struct pollfd p = {sfd, POLLIN, 0};
    SHOW(poll(&p, 1, 0));
    sigemptyset(&m), sigaddset(&m, SIGALRM);
    SHOW(sigtimedwait(&m, NULL, &none) == SIGALRM);
    /* A signal of one thread is not another's to read. */
    SHOW(signalfd(sfd, &m, SFD_NONBLOCK) == sfd);
    fcntl(sfd, F_SETFL, O_NONBLOCK);
    pthread_kill(pthread_self(), SIGALRM);
    pthread_create(&t, NULL, read_one, NULL);
    pthread_join(t, &r);
    SHOW((long)r);
    SHOW((long)read_one(NULL) == SIGALRM);
    close(sfd);
}

/* Readers blocked on a semaphore eventfd: as many are let go as were added. */
static int sem;
static volatile int through;

static void *down(void *arg)
{
    uint64_t n;
    long r = read(sem, &n, 8);
    __atomic_add_fetch(&through, 1, __ATOMIC_SEQ_CST);
    return (void *)(r == 8 ? (long)n : -1);
}

static void semaphore(void)
{
    pthread_t t[4];
    void *r;
    long sum = 0;
    sem = eventfd(0, EFD_SEMAPHORE);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, down, NULL);
    sleep_ms(50);
    eventfd_write(sem, 3);
    for (int ms = 0; through < 3 && ms < 5000; ms++)
        sleep_ms(1);
    sleep_ms(30);
    SHOW(through);
    eventfd_write(sem, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &r);
        sum += (long)r;
    }
    SHOW(sum);
    eventfd_write(sem, UINT64_MAX - 2);
    struct pollfd p = {sem, POLLIN | POLLOUT, 0};
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    eventfd_write(sem, 1);
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    close(sem);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigset_t m;
    sigaction(SIGUSR1, &sa, NULL);
    sigemptyset(&m);
    sigaddset(&m, SIGUSR1), sigaddset(&m, SIGUSR2), sigaddset(&m, SIGRTMIN), sigaddset(&m, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &m, NULL);
    storm("ppoll", 0);
    storm("pselect", 1);
    storm("epoll_pwait", 2);
    storm("sigsuspend", 3);
    readers();
    changed_mask();
    semaphore();
    return 0;
}
