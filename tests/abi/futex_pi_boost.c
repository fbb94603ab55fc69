/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Priority inheritance at work, on one CPU: a low real-time thread holds the lock, a high one waits for it, and
 * a middle one hogs the CPU. The low one must run at the high one's priority until it unlocks; also along a chain of two locks.
 */
#include "abi.h"
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t lock, second;
static volatile int holding, waiting, hog_stop, hog_on;
static volatile int64_t got_after, hogged;

static void priority(int p)
{
    struct sched_param param = {p};
    if (sched_setscheduler(0, SCHED_FIFO, &param))
        printf("setscheduler failed\n");
}

static void burn(int ms)
{
    int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000ll;
    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

static void *low(void *arg)
{
    priority(2);
    pthread_mutex_lock(&lock);
    holding = 1;
    while (!waiting)
        sleep_ms(1);
    burn(20);
    pthread_mutex_unlock(&lock);
    return arg;
}

static void *between(void *arg) /* holds second, waits for lock */
{
    priority(3);
    pthread_mutex_lock(&second);
    holding = 2;
    pthread_mutex_lock(&lock);
    burn(5);
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&second);
    return arg;
}

static void *hog(void *arg)
{
    priority(20);
    hog_on = 1;
    burn(400);
    hogged = now_ns(CLOCK_MONOTONIC);
    return arg;
}

static void *high(void *arg)
{
    pthread_mutex_t *m = arg;
    priority(30);
    waiting = 1;
    pthread_mutex_lock(m);
    got_after = now_ns(CLOCK_MONOTONIC);
    pthread_mutex_unlock(m);
    return NULL;
}

static void run(int chain)
{
    pthread_t l, b, h, g;
    holding = waiting = hog_on = 0;
    pthread_create(&l, NULL, low, NULL);
    while (holding != 1)
        sleep_ms(1);
    if (chain) {
        pthread_create(&b, NULL, between, NULL);
        while (holding != 2)
            sleep_ms(1);
        sleep_ms(20);
    }
    priority(40); /* so that both start before the hog keeps the CPU */
    pthread_create(&h, NULL, high, chain ? &second : &lock);
    pthread_create(&g, NULL, hog, NULL);
    struct sched_param zero = {0};
    sched_setscheduler(0, SCHED_OTHER, &zero);
    pthread_join(h, NULL);
    pthread_join(g, NULL);
    pthread_join(l, NULL);
    if (chain)
        pthread_join(b, NULL);
    printf("chain %d: the high thread got the lock before the hog was done: %d\n", chain, got_after < hogged);
}

int main(void)
{
    cpu_set_t set;
    pthread_mutexattr_t a;
    sched_getaffinity(0, sizeof(set), &set);
    for (int i = 0, seen = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set) && seen++)
            CPU_CLR(i, &set);
    sched_setaffinity(0, sizeof(set), &set);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&lock, &a);
    pthread_mutex_init(&second, &a);
    run(0);
    run(1);
    return 0;
}
