/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of several threads takes a signal of the process: the first thread if it wants it, else the last other one that
 * took one, else the next that wants it; signals for CPU time go to the thread that used it.
 */
#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

static __thread volatile int number;
static volatile int taker, inside, hold, stop, ready;

static void handler(int signo)
{
    __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    taker = number;
    while (hold == number)
        sched_yield();
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
}

static void *sleeper(void *arg)
{
    number = (int)(long)arg;
    ready = number;
    while (stop < number)
        sleep_ms(1);
    return NULL;
}

/* All that have not to stay in their handler have left it, and sleep, before another one is sent. */
static void send(const char *what)
{
    kill(getpid(), SIGUSR1);
    while (!taker || inside != (hold != 0))
        sleep_ms(1);
    sleep_ms(30);
    printf("%s: taken by %d\n", what, taker);
    taker = 0;
}

static void let_go(int next)
{
    hold = next;
    while (inside)
        sleep_ms(1);
    sleep_ms(30);
}

static void computed(const char *what)
{
    while (!taker)
        ; /* no system call in here */
    printf("%s: taken by %d\n", what, taker);
    taker = 0;
}

/* The first thread waits for this one to end all the while. */
static void *cpu_time(void *arg)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec once = {.it_value.tv_nsec = 20000000};
    struct itimerval prof = {.it_value.tv_usec = 20000};
    struct rlimit limit;

    number = (int)(long)arg;
    SHOW(setitimer(ITIMER_PROF, &prof, NULL));
    computed("ITIMER_PROF");
    SHOW(setitimer(ITIMER_VIRTUAL, &prof, NULL));
    computed("ITIMER_VIRTUAL");
    SHOW(setitimer(ITIMER_REAL, &prof, NULL));
    computed("ITIMER_REAL");
    SHOW(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer));
    SHOW(timer_settime(timer, 0, &once, NULL));
    computed("timer of the CPU clock");
    SHOW(timer_delete(timer));
    getrlimit(RLIMIT_CPU, &limit);
    limit.rlim_cur = 1;
    SHOW(setrlimit(RLIMIT_CPU, &limit));
    computed("RLIMIT_CPU");
    return NULL;
}

int main(void)
{
    pthread_t t[4];
    struct sigaction sa = {.sa_handler = handler};
    static const int signals[] = {SIGUSR1, SIGALRM, SIGPROF, SIGVTALRM, SIGXCPU, SIGUSR2};
    sigset_t usr;

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &sa, NULL);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    number = 1;
    for (long i = 2; i <= 4; i++) {
        pthread_create(&t[i - 2], NULL, sleeper, (void *)i);
        while (ready != i)
            sleep_ms(1);
    }
    send("nobody blocks it");
    pthread_sigmask(SIG_BLOCK, &usr, NULL);
    send("main blocks it");
    send("again");
    hold = 2;
    send("2 is taken and stays in its handler");
    send("2 has it blocked meanwhile");
    let_go(0);
    send("2 is free again, 3 had the last one");
    hold = 3;
    send("3 stays");
    send("4 is next");
    let_go(4);
    send("4 stays");
    send("round to 2");
    let_go(0);
    stop = 2;
    pthread_join(t[0], NULL);
    send("2 has had the last one, and has ended");
    stop = 3;
    pthread_join(t[1], NULL);
    send("3 has ended");
    stop = 4;
    pthread_join(t[2], NULL);
    kill(getpid(), SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &usr, NULL);
    printf("main unblocks it: taken by %d\n", taker);
    taker = 0;
    pthread_create(&t[0], NULL, cpu_time, (void *)9);
    pthread_join(t[0], NULL);
    return 0;
}
