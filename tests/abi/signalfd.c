/* SPDX-License-Identifier: BSD-2-Clause */
/* signalfd(2): reading signals of several origins with all their fields, masks, order, poll, epoll, errors. */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static struct signalfd_siginfo si[4];

static void show(const struct signalfd_siginfo *s)
{
    printf("signo %u errno %d code %d pid %d uid %u int %d ptr %llx overrun %u\n", s->ssi_signo, s->ssi_errno,
           s->ssi_code, s->ssi_pid == (uint32_t)getpid(), s->ssi_uid, s->ssi_int, (unsigned long long)s->ssi_ptr,
           s->ssi_overrun);
}

static void *later(void *arg)
{
    sleep_ms(20);
    kill(getpid(), (int)(long)arg);
    return NULL;
}

int main(void)
{
    sigset_t m, one;
    union sigval v = {.sival_int = 4242};
    pthread_t t;
    long n;

    sigemptyset(&m);
    sigaddset(&m, SIGUSR1);
    sigaddset(&m, SIGUSR2);
    sigaddset(&m, SIGRTMIN + 1);
    sigaddset(&m, SIGALRM);
    sigaddset(&m, SIGKILL);
    pthread_sigmask(SIG_BLOCK, &m, NULL);

    SHOW(syscall(SYS_signalfd4, -1, &m, 4, 0));
    SHOW(syscall(SYS_signalfd4, -1, &m, 8, 1));
    SHOW(syscall(SYS_signalfd4, -1, BAD, 8, 0));
    SHOW(syscall(SYS_signalfd4, 99, &m, 8, 0));
    SHOW(syscall(SYS_signalfd4, 1, &m, 8, 0));

    int fd = signalfd(-1, &m, SFD_NONBLOCK | SFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GETFL));
    SHOW(read(fd, si, sizeof si));
    SHOW(read(fd, si, 100));
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    SHOW(poll(&p, 1, 0));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    SHOW(read(fd, si, sizeof si) / (long)sizeof *si);
    show(si);
    SHOW(read(fd, si, sizeof si));
    sigqueue(getpid(), SIGRTMIN + 1, v);
    v.sival_int = 7;
    sigqueue(getpid(), SIGRTMIN + 1, v);
    pthread_kill(pthread_self(), SIGUSR2);
    SHOW(n = read(fd, si, sizeof si) / (long)sizeof *si);
    for (long i = 0; i < n; i++)
        show(&si[i]);
    kill(getpid(), SIGUSR2);
    SHOW(read(fd, BAD, 128));

    /* A new mask on the same descriptor. */
    sigemptyset(&one);
    sigaddset(&one, SIGALRM);
    SHOW(signalfd(fd, &one, 0) == fd);
    kill(getpid(), SIGUSR1);
    SHOW(read(fd, si, sizeof si));
    SHOW(poll(&p, 1, 0));
    SHOW(signalfd(fd, &m, 0) == fd);
    SHOW(poll(&p, 1, 0));
    SHOW(read(fd, si, sizeof *si) / (long)sizeof *si);
    show(si);

    /* Blocking read, and waiting through epoll. */
    int fb = signalfd(-1, &m, 0), ep = epoll_create1(0);
    pthread_create(&t, NULL, later, (void *)SIGUSR1);
    SHOW(read(fb, si, sizeof si) / (long)sizeof *si);
    show(si);
    pthread_join(t, NULL);
    struct epoll_event e = {EPOLLIN, {.u64 = 5}}, out;
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fb, &e));
    SHOW(epoll_wait(ep, &out, 1, 0));
    pthread_create(&t, NULL, later, (void *)SIGUSR2);
    SHOW(epoll_wait(ep, &out, 1, 5000));
    pthread_join(t, NULL);
    SHOW(read(fb, si, sizeof si) / (long)sizeof *si);
    show(si);

    timer_t tm;
    struct sigevent se = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = 99};
    timer_create(CLOCK_MONOTONIC, &se, &tm);
    struct itimerspec its = {{0, 0}, {0, 1000000}};
    timer_settime(tm, 0, &its, NULL);
    SHOW(read(fb, si, sizeof si) / (long)sizeof *si);
    printf("signo %u code %d int %d\n", si->ssi_signo, si->ssi_code, si->ssi_int);
    SHOW(write(fb, si, sizeof si));
    return 0;
}
