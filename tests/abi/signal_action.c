/* SPDX-License-Identifier: BSD-2-Clause */
/* rt_sigaction(2): every error, what reads back, SIG_IGN discarding pending signals, SA_RESETHAND, SA_NODEFER. */
#include "abi.h"
#include <signal.h>

struct kernel_action {
    unsigned long handler, flags, restorer, mask;
};

static long action(int signo, const void *new, void *old, long size)
{
    return syscall(SYS_rt_sigaction, signo, new, old, size);
}

static int depth, deepest, runs;

static void count(int signo)
{
    runs++;
    if (++depth > deepest)
        deepest = depth;
    if (runs < 3)
        raise(signo);
    depth--;
}

int main(void)
{
    struct kernel_action new = {0}, old;
    SHOW(action(0, NULL, NULL, 8));
    SHOW(action(-1, NULL, NULL, 8));
    SHOW(action(65, NULL, NULL, 8));
    SHOW(action(64, NULL, NULL, 8));
    SHOW(action(1, NULL, NULL, 8));
    SHOW(action(1, NULL, NULL, 4));
    SHOW(action(1, NULL, NULL, 16));
    SHOW(action(1, BAD, NULL, 8));
    SHOW(action(1, NULL, BAD, 8));
    SHOW(action(SIGKILL, NULL, &old, 8));
    SHOW(action(SIGSTOP, NULL, NULL, 8));
    SHOW(action(SIGKILL, &new, NULL, 8));
    SHOW(action(SIGSTOP, &new, NULL, 8));
    SHOW(action(SIGKILL, BAD, NULL, 8));
    SHOW(action(99, BAD, NULL, 8));

    new.handler = 0x1234;
    new.flags = ~0ul;
    new.restorer = 0x5678;
    new.mask = ~0ul;
    SHOW(action(SIGUSR1, &new, &old, 8));
    printf("first: handler %lx flags %lx restorer %lx mask %lx\n", old.handler, old.flags, old.restorer, old.mask);
    SHOW(action(SIGUSR1, NULL, &old, 8));
    printf("read back: handler %lx flags %lx restorer %lx mask %lx\n", old.handler, old.flags, old.restorer, old.mask);

    /* The new disposition counts even when the old one cannot be written. */
    new.handler = (unsigned long)SIG_IGN;
    new.flags = 0;
    SHOW(action(SIGUSR1, &new, BAD, 8));
    SHOW(action(SIGUSR1, NULL, &old, 8));
    printf("handler %lx flags %lx\n", old.handler, old.flags);
    SHOW(raise(SIGUSR1));

    /* Ignoring discards what is pending, blocked or not. */
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    kill(getpid(), SIGUSR2);
    raise(SIGCHLD);
    sigpending(&pending);
    printf("pending: USR2 %d CHLD %d\n", sigismember(&pending, SIGUSR2), sigismember(&pending, SIGCHLD));
    signal(SIGUSR2, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigpending(&pending);
    printf("after ignoring: USR2 %d CHLD %d\n", sigismember(&pending, SIGUSR2), sigismember(&pending, SIGCHLD));
    /* Blocked, it is kept though ignored. */
    raise(SIGUSR2);
    sigpending(&pending);
    printf("blocked and ignored: USR2 %d\n", sigismember(&pending, SIGUSR2));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigpending(&pending);
    printf("unblocked: USR2 %d\n", sigismember(&pending, SIGUSR2));

    struct sigaction sa = {.sa_handler = count};
    sigaction(SIGHUP, &sa, NULL);
    raise(SIGHUP);
    printf("deferred: runs %d deepest %d\n", runs, deepest);
    runs = deepest = 0;
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGHUP, &sa, NULL);
    raise(SIGHUP);
    printf("nodefer: runs %d deepest %d\n", runs, deepest);
    runs = 5;
    sa.sa_flags = SA_RESETHAND;
    sigaction(SIGHUP, &sa, NULL);
    raise(SIGHUP);
    sigaction(SIGHUP, NULL, &sa);
    printf("resethand: %s, flags %x\n", sa.sa_handler == SIG_DFL ? "default" : "kept", sa.sa_flags);
    return 0;
}
