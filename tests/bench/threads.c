// SPDX-License-Identifier: BSD-2-Clause
/* Threads: creation, switches between two on one CPU, a futex passed to and fro, a contended mutex. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static void *nothing(void *arg)
{
    return arg;
}

static double run_create(long n)
{
    pthread_t t;

    uint64_t start = now();
    for (long i = n; i; i--) {
        MUST(!pthread_create(&t, NULL, nothing, NULL));
        pthread_join(t, NULL);
    }
    return since(start, n);
}

/* ------------------------------------------------------------------ two players, started together */

static pthread_barrier_t gate;
static void (*play)(int me, long n);
static long plays;
static int on_one_cpu;
static uint64_t began;
static _Atomic long switches; /* of both while they played */

static long own_switches(void)
{
    struct rusage u;

    getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw + u.ru_nivcsw;
}

static void *player(void *arg)
{
    int me = arg != NULL;

    if (on_one_cpu)
        pin(0);
    pthread_barrier_wait(&gate);
    if (!me)
        began = now();
    long before = own_switches();
    play(me, plays);
    atomic_fetch_add(&switches, own_switches() - before);
    return NULL;
}

double two(void (*function)(int me, long n), long n, int one_cpu)
{
    pthread_t a, b;

    play = function;
    plays = n;
    on_one_cpu = one_cpu;
    atomic_store(&switches, 0);
    pthread_barrier_init(&gate, NULL, 2);
    MUST(!pthread_create(&a, NULL, player, NULL) && !pthread_create(&b, NULL, player, (void *)1));
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    double total = now() - began;
    pthread_barrier_destroy(&gate);
    return total;
}

static void play_yield(int me, long n)
{
    while (n--)
        sched_yield();
}

/* Not every call switches: Linux lets a thread that is behind go on. */
static double run_yield(long n)
{
    double total = two(play_yield, n, 1);

    return total / (atomic_load(&switches) ? atomic_load(&switches) : 1);
}

static int ball[2][2];

static void play_pipe(int me, long n)
{
    char c = 'x';

    while (n--) {
        if (!me)
            MUST(write(ball[1][1], &c, 1) == 1);
        MUST(read(ball[me][0], &c, 1) == 1);
        if (me)
            MUST(write(ball[0][1], &c, 1) == 1);
    }
}

static double pipe_players(long n, int one_cpu)
{
    MUST(!pipe(ball[0]) && !pipe(ball[1]));
    double each = two(play_pipe, n, one_cpu) / (2 * n);
    for (int i = 0; i < 4; i++)
        close(ball[i / 2][i % 2]);
    return each;
}

static double run_pipe_one_cpu(long n)
{
    return pipe_players(n, 1);
}

static double run_pipe_free(long n)
{
    return pipe_players(n, 0);
}

/* As a C library has it inline. */
static long futex(void *word, long op, long value)
{
    long result;
    register long timeout __asm__("r10") = 0;

    __asm__ volatile("mov $202, %%eax; syscall"
                     : "=&a"(result)
                     : "D"(word), "S"(op), "d"(value), "r"(timeout)
                     : "rcx", "r11", "memory");
    return result;
}

static _Atomic uint32_t turn;

static void play_futex(int me, long n)
{
    while (n--) {
        while (atomic_load(&turn) != (uint32_t)me)
            futex(&turn, FUTEX_WAIT_PRIVATE, !me);
        atomic_store(&turn, !me);
        futex(&turn, FUTEX_WAKE_PRIVATE, 1);
    }
}

static double run_futex_one_cpu(long n)
{
    atomic_store(&turn, 0);
    return two(play_futex, n, 1) / n;
}

static double run_futex_free(long n)
{
    atomic_store(&turn, 0);
    return two(play_futex, n, 0) / n;
}

/* ------------------------------------------------------------------ a mutex */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared;

static void *contender(void *arg)
{
    pthread_barrier_wait(&gate);
    for (long i = plays; i; i--) {
        pthread_mutex_lock(&mutex);
        shared++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static double contend(int threads, long n)
{
    pthread_t t[8];

    plays = n;
    pthread_barrier_init(&gate, NULL, threads + 1);
    for (int i = 0; i < threads; i++)
        MUST(!pthread_create(&t[i], NULL, contender, NULL));
    uint64_t start = now();
    pthread_barrier_wait(&gate);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    double each = since(start, threads * n);
    pthread_barrier_destroy(&gate);
    return each;
}

static double run_mutex_2(long n)
{
    return contend(2, n);
}

static double run_mutex_4(long n)
{
    return contend(4, n);
}

const struct row thread_rows[] = {
    {"thread create and join", run_create, 50, 0},
    {"switch by sched_yield, one CPU", run_yield, 500, 0},
    {"switch by pipe, one CPU", run_pipe_one_cpu, 200, 0},
    {"switch by pipe, any CPU", run_pipe_free, 200, 0},
    {"futex to and fro, one CPU", run_futex_one_cpu, 200, 0},
    {"futex to and fro, any CPU", run_futex_free, 200, 0},
    {"mutex, 2 threads", run_mutex_2, 20000, 0},
    {"mutex, 4 threads", run_mutex_4, 10000, 0},
    {0},
};
