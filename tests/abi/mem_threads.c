/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Threads that map, protect, fill and drop memory side by side, in one address space and in each other's sight: nothing
 * may be lost, and what is given back must be gone for all.
 */
#include "mem.h"
#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define ROUNDS  60

static char *common;
static atomic_int wrong, stop;

static void *own_memory(void *arg)
{
    long id = (long)arg;
    unsigned seed = id * 7919 + 1;
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1103515245 + 12345;
        size_t n = ((seed >> 16) % 60 + 1) * PAGE * (round % 50 == 0 ? 40 : 1);
        unsigned char *p = mmap(NULL, n, RW, ANON | (round % 3 ? 0 : MAP_POPULATE), -1, 0);
        for (size_t i = 0; i < n; i += PAGE) {
            if (p[i])
                wrong++;
            p[i] = id + i / PAGE;
        }
        size_t cut = n / 2 & ~(PAGE - 1);
        mprotect(p, cut, PROT_READ);
        for (size_t i = 0; i < n; i += PAGE)
            if (p[i] != (unsigned char)(id + i / PAGE))
                wrong++;
        mprotect(p, cut, RW);
        madvise(p + cut, n - cut, MADV_DONTNEED);
        for (size_t i = 0; i < n; i += PAGE)
            if (p[i] != (i < cut ? (unsigned char)(id + i / PAGE) : 0))
                wrong++;
        if (round % 2)
            p = mremap(p, n, 2 * n, MREMAP_MAYMOVE);
        for (size_t i = 0; i < cut; i += PAGE)
            if (p[i] != (unsigned char)(id + i / PAGE))
                wrong++;
        munmap(p, round % 2 ? 2 * n : n);
    }
    return NULL;
}

/* All add to the same pages, which come in by the faults of all. */
static void *common_memory(void *arg)
{
    for (size_t i = 0; i < 8 * MB; i += PAGE)
        atomic_fetch_add((_Atomic int *)(common + i), 1);
    return NULL;
}

/* Reads pages that another thread drops: old content or zero, and never anything else. */
static void *watcher(void *arg)
{
    while (!stop)
        for (size_t i = 0; i < 64 * PAGE; i += PAGE) {
            char v = *(volatile char *)(common + i); /* a byte: memset may go byte by byte */
            if (v != 0 && v != 0x5a)
                wrong++;
        }
    return NULL;
}

static void run(const char *what, void *(*fn)(void *))
{
    pthread_t t[THREADS];
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, fn, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    printf("%s: wrong %d\n", what, wrong);
}

int main(void)
{
    run("own memory", own_memory);

    common = get(8 * MB, RW, ANON);
    run("common memory", common_memory);
    for (size_t i = 0; i < 8 * MB; i += PAGE)
        wrong += *(int *)(common + i) != THREADS;
    printf("lost or doubled pages: %d\n", wrong);
    munmap(common, 8 * MB);

    common = get(8 * MB, RW, MAP_SHARED | MAP_ANONYMOUS);
    run("common shared memory", common_memory);
    for (size_t i = 0; i < 8 * MB; i += PAGE)
        wrong += *(int *)(common + i) != THREADS;
    printf("lost or doubled pages: %d\n", wrong);

    common = get(64 * PAGE, RW, ANON);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, watcher, NULL);
    for (int round = 0; round < 30; round++) {
        memset(common, 0x5a, 64 * PAGE);
        madvise(common, 64 * PAGE, MADV_DONTNEED);
        /* The pages have other owners at once. */
        char *p = mmap(NULL, 64 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
        memset(p, round | 1, 64 * PAGE);
        munmap(p, 64 * PAGE);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("stale pages seen: %d\n", wrong);
    return 0;
}
