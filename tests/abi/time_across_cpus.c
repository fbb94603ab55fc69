/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Clocks seen from two CPUs: threads pinned pairwise hand each other what they read; time never goes back, neither by the vDSO
 * nor by system call. And they tick finer than a microsecond. Says nothing about how many CPUs there are.
 */
#include "abi.h"
#include <pthread.h>
#include <sched.h>

/* A hand-over takes as long as the host needs to run the other CPU: there is an end after some time too. */
#define ROUNDS   2000
#define LONGEST  100000000

static clockid_t clock_id;
static int by_call;
static _Atomic int64_t baton;
static _Atomic int turn, back, done;

static int64_t now(void)
{
    struct timespec t;
    if (by_call)
        syscall(SYS_clock_gettime, clock_id, &t);
    else
        clock_gettime(clock_id, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

struct side {
    int cpu, parity;
};

static void *side(void *arg)
{
    struct side *s = arg;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(s->cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one))
        back += 1000000;
    int64_t end = now_ns(CLOCK_MONOTONIC) + LONGEST;
    for (int i = 0; i < ROUNDS && !done; i++) {
        for (int spins = 0; (turn & 1) != s->parity && !done; spins++)
            if (spins > 200) {
                sched_yield();
                done |= now_ns(CLOCK_MONOTONIC) > end;
            }
        if (done)
            break;
        int64_t t = now();
        if (t < baton)
            back++;
        baton = t;
        turn++;
    }
    return NULL;
}

int main(void)
{
    static const struct { clockid_t id; const char *name; } clocks[] = {
        {CLOCK_MONOTONIC, "monotonic"}, {CLOCK_REALTIME, "realtime"}, {CLOCK_BOOTTIME, "boottime"},
        {CLOCK_MONOTONIC_RAW, "raw"}, {CLOCK_MONOTONIC_COARSE, "coarse"}, {CLOCK_PROCESS_CPUTIME_ID, "process"},
    };
    cpu_set_t all;
    sched_getaffinity(0, sizeof(all), &all);
    int cpus[8], n = 0;
    for (int i = 0; i < CPU_SETSIZE && n < 8; i++)
        if (CPU_ISSET(i, &all))
            cpus[n++] = i;
    for (unsigned c = 0; c < sizeof(clocks) / sizeof(clocks[0]); c++)
        for (by_call = 0; by_call < 2; by_call++) {
            clock_id = clocks[c].id;
            back = 0;
            /* Each CPU with the one after it, the last with the first. */
            for (int i = 0; i < n; i++) {
                struct side s[2] = {{cpus[i], 0}, {cpus[(i + 1) % n], 1}};
                pthread_t t[2];
                turn = done = 0;
                baton = 0;
                for (int k = 0; k < 2; k++)
                    pthread_create(&t[k], NULL, side, &s[k]);
                for (int k = 0; k < 2; k++)
                    pthread_join(t[k], NULL);
                if (n == 2)
                    break;
            }
            printf("%s by %s: went back %d\n", clocks[c].name, by_call ? "call" : "vDSO", back);
        }
    by_call = 0;
    for (unsigned c = 0; c < 4; c++) {
        char seen[1000] = {0};
        int kinds = 0;
        clock_id = clocks[c].id;
        for (int i = 0; i < 2000; i++)
            seen[now() % 1000] = 1;
        for (int i = 0; i < 1000; i++)
            kinds += seen[i];
        printf("%s finer than a microsecond: %d\n", clocks[c].name, kinds > 20);
    }
    return 0;
}
