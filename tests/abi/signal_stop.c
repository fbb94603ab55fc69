/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Stop and continue of a whole process, SIGCONT sent by a timer; stop and continue signals cancel each other. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>

static volatile long ticks;
static volatile int finish, continued;

static void *count(void *arg)
{
    while (!finish)
        ticks++;
    return NULL;
}

static void on_continue(int signo)
{
    continued++;
}

int main(void)
{
    timer_t timer;
    pthread_t t;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    struct itimerspec in = {.it_value = {0, 300000000}};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    pthread_create(&t, NULL, count, NULL);
    sleep_ms(20);

    for (int round = 0; round < 3; round++) {
        int signo = round == 0 ? SIGSTOP : round == 1 ? SIGTSTP : SIGTTIN;
        struct sigaction sa = {.sa_handler = round ? on_continue : SIG_DFL};
        sigaction(SIGCONT, &sa, NULL);
        timer_settime(timer, 0, &in, NULL);
        int64_t start = now_ns(CLOCK_MONOTONIC);
        SHOW(kill(getpid(), signo));
        int64_t took = now_ns(CLOCK_MONOTONIC) - start;
        /* Either thread may take the signal, and the other go on meanwhile. */
        for (int i = 0; i < 1000 && continued < round; i++)
            sleep_ms(1);
        printf("stopped for long: %d, continued %d\n", took > 250000000, continued);
    }
    finish = 1;
    pthread_join(t, NULL);

    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTSTP);
    sigpending(&pending);
    printf("pending: TSTP %d CONT %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
    kill(getpid(), SIGCONT);
    sigpending(&pending);
    printf("pending: TSTP %d CONT %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
    kill(getpid(), SIGTSTP);
    sigpending(&pending);
    printf("pending: TSTP %d CONT %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
    return 0;
}
