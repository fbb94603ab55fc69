/* SPDX-License-Identifier: BSD-2-Clause */
/* rt_sigprocmask(2), rt_sigpending(2), rt_sigsuspend(2), pause(2): errors, masks inside handlers, restoration. */
#include "abi.h"
#include <signal.h>

static long mask(int how, const void *set, void *old, long size)
{
    return syscall(SYS_rt_sigprocmask, how, set, old, size);
}

static uint64_t current(void)
{
    uint64_t set = 0;
    mask(SIG_BLOCK, NULL, &set, 8);
    return set;
}

static void handler(int signo)
{
    printf("handler of %d: mask %llx\n", signo, (unsigned long long)current());
}

int main(void)
{
    uint64_t set = 0, old = 0, all = ~0ull;
    SHOW(mask(SIG_BLOCK, NULL, NULL, 8));
    SHOW(mask(77, NULL, NULL, 8));
    SHOW(mask(77, &set, NULL, 8));
    SHOW(mask(-1, &set, NULL, 8));
    SHOW(mask(SIG_BLOCK, &set, NULL, 4));
    SHOW(mask(SIG_BLOCK, &set, NULL, 128));
    SHOW(mask(SIG_BLOCK, BAD, NULL, 8));
    SHOW(mask(SIG_BLOCK, NULL, BAD, 8));
    SHOW(mask(SIG_SETMASK, &all, &old, 8));
    printf("old %llx now %llx\n", (unsigned long long)old, (unsigned long long)current());
    set = 1ull << (SIGUSR1 - 1);
    SHOW(mask(SIG_UNBLOCK, &set, &old, 8));
    printf("old %llx now %llx\n", (unsigned long long)old, (unsigned long long)current());
    SHOW(mask(SIG_SETMASK, &set, BAD, 8)); /* the mask is set all the same */
    printf("now %llx\n", (unsigned long long)current());

    SHOW(syscall(SYS_rt_sigpending, &set, 8));
    SHOW(syscall(SYS_rt_sigpending, &set, 4));
    SHOW(syscall(SYS_rt_sigpending, &set, 9));
    SHOW(syscall(SYS_rt_sigpending, BAD, 8));
    SHOW(syscall(SYS_rt_sigsuspend, &set, 4));
    SHOW(syscall(SYS_rt_sigsuspend, BAD, 8));

    struct sigaction sa = {.sa_handler = handler};
    sigaddset(&sa.sa_mask, SIGUSR2);
    sigaddset(&sa.sa_mask, SIGTERM);
    sigaction(SIGUSR1, &sa, NULL);
    sigemptyset(&sa.sa_mask);
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGUSR2, &sa, NULL);

    /* Both pending when unblocked: the frames nest, the higher number's handler runs last entered, first run. */
    set = 1ull << (SIGUSR1 - 1) | 1ull << (SIGUSR2 - 1);
    mask(SIG_SETMASK, &set, NULL, 8);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR1);
    syscall(SYS_rt_sigpending, &old, 8);
    printf("pending %llx\n", (unsigned long long)old);
    mask(SIG_UNBLOCK, &set, NULL, 8);
    printf("unblocked: mask %llx\n", (unsigned long long)current());

    /* sigsuspend: the temporary mask while the handler runs, the old one after. */
    set = 1ull << (SIGUSR1 - 1) | 1ull << (SIGINT - 1);
    mask(SIG_SETMASK, &set, NULL, 8);
    raise(SIGUSR1);
    set = 1ull << (SIGHUP - 1);
    SHOW(syscall(SYS_rt_sigsuspend, &set, 8));
    printf("after suspend: mask %llx\n", (unsigned long long)current());

    /* An ignored signal does not end a pause; the alarm does. */
    set = 0;
    mask(SIG_SETMASK, &set, NULL, 8);
    sigaction(SIGALRM, &sa, NULL);
    alarm(1);
    raise(SIGCHLD);
    SHOW(pause());
    return 0;
}
