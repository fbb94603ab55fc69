/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the stress programs share: random numbers from a seed, workers that run for a time, and the search for leaks.
 *
 * The workers run in rounds. After each all of them have ended and all their memory is given back; what the kernel holds then
 * (RAM in use less the program's own) goes up and down a little and grows while caches fill, but not for ever: the least
 * of the last three rounds must be near the most of the first three. Usage of each program: NAME [SECONDS [SEED]]; "stress: ok" and status 0, or a line that says what was wrong.
 */
#ifndef STRESS_H
#define STRESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Free objects kept on each CPU, half-full slabs and page tables are no leak; one object for each operation would be more. */
#define LEAK_PAGES 128

static volatile int stress_stop;
static unsigned long stress_operations;

static inline uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static inline unsigned pick(uint64_t *s, unsigned n)
{
    return (unsigned)(next_random(s) >> 20) % n;
}

#define FAIL(...)                                             \
    do {                                                      \
        int error_ = errno;                                   \
        printf("stress: FAILED: " __VA_ARGS__);               \
        printf(" (line %d, errno %d)\n", __LINE__, error_);   \
        fflush(stdout);                                       \
        _exit(1);                                             \
    } while (0)

/* Pages in use that are not the program's own. */
static inline long kernel_pages(void)
{
    struct sysinfo info;
    long size = 0, resident = 0;
    malloc_trim(0);
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        FAIL("/proc/self/statm");
    fclose(f);
    sysinfo(&info);
    return (long)((info.totalram - info.freeram) / PAGE) - resident;
}

static inline void stress_round(int count, void *(*worker)(void *), uint64_t seed, int64_t ms)
{
    pthread_t threads[64];
    stress_stop = 0;
    for (int i = 0; i < count; i++) {
        uint64_t own = (seed * 64 + (uint64_t)i + 1) * 0x9e3779b97f4a7c15ull | 1;
        if (pthread_create(&threads[i], NULL, worker, (void *)own))
            FAIL("pthread_create");
    }
    struct timespec end, now, nap = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t until = end.tv_sec * 1000 + end.tv_nsec / 1000000 + ms;
    do { /* signals interrupt the sleep */
        nanosleep(&nap, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until);
    stress_stop = 1;
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* The body of main(). `settle` (may be NULL) checks what the workers have left and gives it back. */
static inline int stress_main(int argc, char **argv, int count, void *(*worker)(void *), void (*settle)(void))
{
    int seconds = argc > 1 ? atoi(argv[1]) : 5;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    long before = 0, after = 0;
    for (int round = 0; round < 6; round++) {
        stress_round(count, worker, seed + (uint64_t)round * 1000003, seconds * 1000 / 6);
        if (settle)
            settle();
        long now = kernel_pages();
        if (round <= 2)
            before = round == 0 || now > before ? now : before;
        else
            after = round == 3 || now < after ? now : after;
        if (getenv("STRESS_VERBOSE"))
            printf("round %d: %lu operations, kernel's pages %ld\n", round, stress_operations, now);
    }
    long grown = after - before;
    if (stress_operations < 100)
        FAIL("hardly anything happened");
#ifndef STRESS_SHARED_MACHINE /* defined for a run on Linux, where others use memory too */
    if (grown > LEAK_PAGES)
        FAIL("the kernel holds %ld pages more than in the first rounds", grown);
#endif
    puts("stress: ok");
    return 0;
}

#endif
