/* SPDX-License-Identifier: BSD-2-Clause */
/* rt_sigtimedwait(2): errors, pending ones first, timeouts, interruption, blocked and ignored signals, wake from another thread. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>

static long waitfor(const void *set, void *info, const void *timeout, long size)
{
    return syscall(SYS_rt_sigtimedwait, set, info, timeout, size);
}

static uint64_t bit(int signo)
{
    return 1ull << (signo - 1);
}

static void handler(int signo)
{
    printf("handler %d\n", signo);
}

static void *sender(void *arg)
{
    sleep_ms(50);
    kill(getpid(), (int)(long)arg);
    return NULL;
}

static void send_later(int signo)
{
    pthread_t t;
    pthread_create(&t, NULL, sender, (void *)(long)signo);
    pthread_detach(t);
}

int main(void)
{
    uint64_t set = bit(SIGUSR1) | bit(SIGRTMIN), none = 0, kill_too = ~0ull;
    siginfo_t info;
    struct timespec zero = {0, 0}, soon = {0, 20000000}, bad = {0, 1000000000}, negative = {-1, 0}, late = {5, 0};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);

    SHOW(waitfor(&set, &info, &zero, 4));
    SHOW(waitfor(BAD, &info, &zero, 8));
    SHOW(waitfor(&set, &info, BAD, 8));
    SHOW(waitfor(&set, &info, &bad, 8));
    SHOW(waitfor(&set, &info, &negative, 8));
    SHOW(waitfor(&set, &info, &zero, 8));
    SHOW(waitfor(&set, &info, &soon, 8));
    SHOW(waitfor(&none, &info, &soon, 8));
    SHOW(waitfor(&kill_too, &info, &zero, 8));

    kill(getpid(), SIGUSR1);
    SHOW(waitfor(&set, &info, &zero, 8));
    printf("signo %d code %d\n", info.si_signo, info.si_code);
    syscall(SYS_tkill, getpid(), SIGUSR1);
    SHOW(waitfor(&set, NULL, NULL, 8));
    SHOW(waitfor(&set, NULL, &zero, 8));
    union sigval v = {.sival_int = 42};
    sigqueue(getpid(), SIGRTMIN, v);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 43});
    SHOW(waitfor(&set, &info, &late, 8) == SIGRTMIN);
    printf("value %d\n", info.si_value.sival_int);
    SHOW(waitfor(&set, &info, &late, 8) == SIGRTMIN);
    printf("value %d\n", info.si_value.sival_int);
    kill(getpid(), SIGUSR1);
    SHOW(waitfor(&set, BAD, &zero, 8)); /* the signal is lost */
    SHOW(waitfor(&set, NULL, &zero, 8));

    send_later(SIGUSR1);
    SHOW(waitfor(&set, &info, &late, 8));
    /* An ignored one is kept while somebody waits for it. */
    signal(SIGUSR2, SIG_IGN);
    set = bit(SIGUSR2);
    send_later(SIGUSR2);
    SHOW(waitfor(&set, &info, &late, 8));
    set = bit(SIGCHLD);
    send_later(SIGCHLD);
    SHOW(waitfor(&set, &info, &late, 8));

    /* Another signal's handler interrupts. */
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGHUP, &sa, NULL);
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    send_later(SIGHUP);
    sleep_ms(10);
    pthread_sigmask(SIG_UNBLOCK, &hup, NULL);
    SHOW(waitfor(&set, &info, &late, 8));
    uint64_t mask;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
    printf("mask as before: %d\n", mask == (~0ull & ~bit(SIGHUP) & ~bit(SIGKILL) & ~bit(SIGSTOP) & ~(3ull << 31)) || mask == (~0ull & ~bit(SIGHUP) & ~bit(SIGKILL) & ~bit(SIGSTOP)));
    return 0;
}
