/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Queued real-time signals: order, siginfo, the limit, forged codes, and kill's errors. */
#include "abi.h"
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>

static void handler(int signo, siginfo_t *info, void *context)
{
    printf("signal RTMIN%+d code %d value %d own %d\n", signo - SIGRTMIN, info->si_code, info->si_value.sival_int,
           info->si_pid == getpid());
}

static void plain(int signo, siginfo_t *info, void *context)
{
    printf("signal %d code %d value %d\n", signo, info->si_code, info->si_value.sival_int);
}

static long queue(int pid, int signo, const void *info)
{
    return syscall(SYS_rt_sigqueueinfo, pid, signo, info);
}

static long tgqueue(int tgid, int tid, int signo, const void *info)
{
    return syscall(SYS_rt_tgsigqueueinfo, tgid, tid, signo, info);
}

static void send(int signo, int value)
{
    siginfo_t info = {.si_code = SI_QUEUE, .si_pid = getpid(), .si_value.sival_int = value};
    queue(getpid(), signo, &info);
}

int main(void)
{
    int self = getpid(), none = 4194300;
    siginfo_t info = {.si_code = SI_QUEUE};
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    for (int i = 0; i < 4; i++)
        sigaction(SIGRTMIN + i, &sa, NULL);
    sa.sa_sigaction = plain;
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    send(SIGRTMIN + 2, 1);
    send(SIGRTMIN + 1, 2);
    send(SIGRTMIN + 2, 3);
    send(SIGUSR1, 4);
    send(SIGUSR1, 5); /* lost: one is pending */
    send(SIGRTMIN + 1, 6);
    send(SIGRTMIN, 7);
    kill(self, SIGRTMIN + 2);
    sigprocmask(SIG_SETMASK, &old, NULL);

    SHOW(queue(self, 0, &info));
    SHOW(queue(self, 65, &info));
    SHOW(queue(self, -1, &info));
    SHOW(queue(none, SIGUSR1, &info));
    SHOW(queue(self, SIGUSR1, BAD));
    info.si_code = SI_USER;
    SHOW(queue(self, SIGUSR1, &info)); /* to itself a process may pretend */
    SHOW(queue(none, SIGUSR1, &info));
    info.si_code = SI_TKILL;
    SHOW(queue(none, SIGUSR1, &info));
    info.si_code = SI_KERNEL;
    SHOW(queue(none, SIGUSR1, &info));
    SHOW(tgqueue(self, self, SIGUSR1, &info));
    SHOW(tgqueue(0, self, SIGUSR1, &info));
    SHOW(tgqueue(self, 0, SIGUSR1, &info));
    SHOW(tgqueue(none, self, SIGUSR1, &info));
    info.si_code = SI_QUEUE;
    SHOW(tgqueue(none, self, SIGUSR1, &info));
    SHOW(tgqueue(self, none, SIGUSR1, &info));
    SHOW(tgqueue(self, self, 65, &info));
    SHOW(tgqueue(self, self, 0, &info));

    SHOW(kill(self, 0));
    SHOW(kill(self, 65));
    SHOW(kill(self, -1));
    SHOW(kill(none, 0));
    SHOW(kill(none, 65));
    SHOW(kill(-none, 0));
    SHOW(kill(INT_MIN, 0));
    SHOW(syscall(SYS_tgkill, self, self, 0));
    SHOW(syscall(SYS_tgkill, self, none, 0));
    SHOW(syscall(SYS_tgkill, none, self, 0));
    SHOW(syscall(SYS_tgkill, -1, self, 0));
    SHOW(syscall(SYS_tgkill, self, -1, 0));
    SHOW(syscall(SYS_tgkill, self, self, 65));
    SHOW(syscall(SYS_tkill, self, 0));
    SHOW(syscall(SYS_tkill, 0, 0));
    SHOW(syscall(SYS_tkill, -5, 0));
    SHOW(syscall(SYS_tkill, none, 0));
    SHOW(syscall(SYS_tkill, self, SIGUSR1));

    /* The limit counts real-time signals; standard ones always get through. */
    struct rlimit limit = {0, 0};
    setrlimit(RLIMIT_SIGPENDING, &limit);
    sigprocmask(SIG_SETMASK, &all, &old);
    info.si_code = SI_QUEUE;
    for (int i = 0; i < 2; i++) {
        info.si_value.sival_int = i;
        SHOW(queue(self, SIGRTMIN + 3, &info));
    }
    SHOW(kill(self, SIGRTMIN + 1)); /* kill's come through without information */
    SHOW(kill(self, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    return 0;
}
