// SPDX-License-Identifier: BSD-2-Clause
/* Signals: setting a handler, and one sent to oneself, its handler and the return. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"

static void handler(int signo)
{
}

static double run_install(long n)
{
    struct sigaction action = {.sa_handler = handler};

    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(!sigaction(SIGUSR2, &action, NULL));
    return since(start, n);
}

static double run_kill(long n)
{
    pid_t pid = getpid();

    signal(SIGUSR1, handler);
    uint64_t start = now();
    for (long i = n; i; i--)
        kill(pid, SIGUSR1);
    return since(start, n);
}

static double run_raise(long n)
{
    pthread_t self = pthread_self();

    signal(SIGUSR1, handler);
    uint64_t start = now();
    for (long i = n; i; i--)
        pthread_kill(self, SIGUSR1);
    return since(start, n);
}

const struct row signal_rows[] = {
    {"rt_sigaction", run_install, 1000, 0},
    {"signal by kill, deliver and return", run_kill, 500, 0},
    {"signal by tgkill, deliver and return", run_raise, 500, 0},
    {0},
};
