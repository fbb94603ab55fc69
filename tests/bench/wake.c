// SPDX-License-Identifier: BSD-2-Clause
/* How late a sleeper is: after another thread's wake-up, and after a timer. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define MOST 2000

static double late[MOST];
static _Atomic uint32_t word, ready; /* counts of wake-ups given, and of those that the sleeper has had */
static _Atomic uint64_t woken_at;
static int count, sleeper_cpu;

static void *sleeper(void *arg)
{
    pin(sleeper_cpu);
    for (int i = 0; i < count; i++) {
        atomic_store(&ready, i);
        while (atomic_load(&word) == (uint32_t)i)
            syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, i, NULL, NULL, 0);
        late[i] = now() - atomic_load(&woken_at);
    }
    return NULL;
}

/* Median time from just before FUTEX_WAKE to the sleeper's next instruction. gap: ns between wake-ups, slept or spent busy. */
static double wake_latency(long n, int other_cpu, long gap, int busy)
{
    pthread_t t;
    struct timespec pause = {0, gap};
    cpu_set_t before;

    count = n;
    sleeper_cpu = other_cpu;
    atomic_store(&word, 0);
    atomic_store(&ready, -1);
    pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
    pin(0);
    MUST(!pthread_create(&t, NULL, sleeper, NULL));
    for (long i = 0; i < n; i++) {
        uint64_t start = now();

        if (!busy)
            nanosleep(&pause, NULL);
        while (atomic_load(&ready) != (uint32_t)i)
            start = now();
        while (busy && now() - start < (uint64_t)gap)
            ;
        atomic_store(&woken_at, now());
        atomic_store(&word, i + 1);
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    pthread_join(t, NULL);
    pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
    return percentile(late, n, 50);
}

static double run_same_cpu(long n)
{
    return wake_latency(n, 0, 200000, 0);
}

static double run_other_cpu(long n)
{
    return wake_latency(n, 1, 200000, 1);
}

static double run_other_cpu_asleep(long n)
{
    return wake_latency(n, 1, 5000000, 1);
}

/* ------------------------------------------------------------------ timers */

static double timer_lateness(long n, int percent)
{
    uint64_t due = now();

    for (long i = 0; i < n; i++) {
        due += 1000000;
        struct timespec t = {due / 1000000000, due % 1000000000};

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        uint64_t end = now();
        late[i] = end - due;
        if (end > due + 1000000)
            due = end; /* the machine was away: one late wake-up, not many */
    }
    return percentile(late, n, percent);
}

static double run_timer_median(long n)
{
    return timer_lateness(n, 50);
}

static double run_timer_worst(long n)
{
    return timer_lateness(n, 99);
}

const struct row wake_rows[] = {
    {"futex wake to run, same CPU", run_same_cpu, 500, 1},
    {"futex wake to run, CPU idle 0.2 ms", run_other_cpu, 500, 1},
    {"futex wake to run, CPU idle 5 ms", run_other_cpu_asleep, 50, 1},
    {"1 ms timer, late by (median)", run_timer_median, 400, 1},
    {"1 ms timer, late by (99 %)", run_timer_worst, 400, 1},
    {0},
};
