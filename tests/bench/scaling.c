// SPDX-License-Identifier: BSD-2-Clause
/* Two threads that compute: their time against that of one, 1 if they do not disturb each other. scaling.go is the same in Go. */
#define _GNU_SOURCE
#include <pthread.h>

#include "bench.h"

static long steps;

static void *compute(void *arg)
{
    uint64_t x = (uintptr_t)arg + 1;

    for (long i = steps; i; i--) { /* xorshift: George Marsaglia, 2003 */
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return (void *)(uintptr_t)x;
}

static double time_of(int threads)
{
    pthread_t t[2];
    uint64_t start = now();

    for (int i = 0; i < threads; i++)
        MUST(!pthread_create(&t[i], NULL, compute, (void *)(uintptr_t)i));
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    return now() - start;
}

/* Best of three each: what else runs on the machine disturbs two more than one. */
static double run_scaling(long n)
{
    double one = 1e18, two = 1e18;

    steps = 100000;
    while (time_of(1) < 1e8)
        steps *= 2;
    for (long i = 0; i < n; i++) {
        double a = time_of(1), b = time_of(2);

        one = a < one ? a : one;
        two = b < two ? b : two;
    }
    return two / one;
}

const struct row scaling_rows[] = {
    {"2 computing threads / 1, C", run_scaling, 3, 1},
    {0},
};
