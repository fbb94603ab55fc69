/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Who gets the CPU: equal shares, nice, real-time before others, nobody starved. One CPU is used, whatever there are. */
#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static volatile int go, stop;
struct job { int nice, policy, priority; int64_t ran; };

static void *burn(void *arg)
{
    struct job *j = arg;
    struct sched_param p = {j->priority};
    if (j->nice && setpriority(PRIO_PROCESS, 0, j->nice))
        printf("setpriority failed\n");
    if (j->policy && sched_setscheduler(0, j->policy, &p))
        printf("setscheduler failed\n");
    while (!go)
        sleep_ms(1);
    int64_t start = now_ns(CLOCK_THREAD_CPUTIME_ID);
    while (!stop)
        ;
    j->ran = now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    return NULL;
}

static void race(struct job *jobs, int n, long ms)
{
    pthread_t t[8];
    go = stop = 0;
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], NULL, burn, &jobs[i]);
    sleep_ms(50);
    go = 1;
    sleep_ms(ms);
    stop = 1;
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

int main(void)
{
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    for (int i = 0, seen = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set) && seen++)
            CPU_CLR(i, &set);
    sched_setaffinity(0, sizeof(set), &set);

    struct job even[4] = {{0}};
    race(even, 4, 600);
    int64_t least = even[0].ran, most = even[0].ran;
    for (int i = 1; i < 4; i++) {
        least = even[i].ran < least ? even[i].ran : least;
        most = even[i].ran > most ? even[i].ran : most;
    }
    printf("equals get like shares: %d\n", least * 2 > most);
    struct job nice[2] = {{.nice = 0}, {.nice = 10}};
    race(nice, 2, 600);
    printf("nice 10 gets much less: %d, but not nothing: %d\n", nice[1].ran * 3 < nice[0].ran, nice[1].ran > 0);
    struct job idle[2] = {{.nice = 0}, {.policy = SCHED_IDLE}};
    race(idle, 2, 600);
    printf("SCHED_IDLE gets next to nothing: %d\n", idle[1].ran * 10 < idle[0].ran);
    /* A sleeper among spinners wakes soon; main runs at normal priority all the time, or it would not get here. */
    struct job spin[3] = {{0}};
    pthread_t t[3];
    go = 1;
    stop = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, burn, &spin[i]);
    int late = 0;
    for (int i = 0; i < 50; i++) {
        int64_t before = now_ns(CLOCK_MONOTONIC);
        sleep_ms(2);
        late += now_ns(CLOCK_MONOTONIC) - before > 60000000;
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    printf("a sleeper wakes among spinners: %d\n", late < 25);
    return 0;
}
