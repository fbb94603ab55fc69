/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the benchmark share. A row is a function that does n operations and returns the nanoseconds that
 * one took; it keeps time by itself, so that what it sets up is not counted. Rows of a theme are in one file.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct row {
    const char *name;
    double (*run)(long n);
    long n;   /* operations: fixed if once is set, else where the search for a number that takes long enough begins */
    int once; /* run gives the figure of all n: a percentile, a ratio */
};

extern const struct row call_rows[], signal_rows[], thread_rows[], wake_rows[], memory_rows[], file_rows[], scaling_rows[], event_rows[],
    ipc_rows[];

/* Takes away what the rows of files have made. */
void remove_files(void);

static inline uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline double since(uint64_t start, long n)
{
    return (double)(now() - start) / n;
}

/* Ends the benchmark: what must work did not. */
#define MUST(condition) ((condition) ? (void)0 : abort())

/* The value below which `percent` of v[0..n) lie; sorts v. */
double percentile(double *v, int n, int percent);
/* ns from the start to the end of two threads that call function(0, n) and function(1, n), both on CPU 0 if one_cpu. */
double two(void (*function)(int me, long n), long n, int one_cpu);
/* Keeps the calling thread on CPU cpu; with fewer CPUs than that, where it is. */
void pin(int cpu);

#endif
