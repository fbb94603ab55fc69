/* SPDX-License-Identifier: BSD-2-Clause */
/* 4,000 threads at once, ending in rising order, falling order and all together; afterwards memory is what it was. */
#include "abi.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define THREADS 4000
#define STACK   16384

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int started, order;
static pthread_t threads[THREADS];

/* order 0: waits for the thread made before it, 1: for the one made after it, 2: for none. */
static void *body(void *arg)
{
    long n = (long)arg;
    pthread_mutex_lock(&lock);
    started++;
    pthread_cond_broadcast(&changed);
    while (started < THREADS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (order == 0 && n > 0)
        pthread_join(threads[n - 1], NULL);
    if (order == 1 && n < THREADS - 1)
        pthread_join(threads[n + 1], NULL);
    return NULL;
}

static long free_kib(void)
{
    struct sysinfo s;
    sysinfo(&s);
    return (long)(s.freeram * s.mem_unit / 1024);
}

static int make_all(char *stacks)
{
    pthread_attr_t attr;
    int made = 0;
    started = 0;
    pthread_attr_init(&attr);
    pthread_mutex_lock(&lock); /* none looks at threads[] before all are there */
    for (long i = 0; i < THREADS; i++) {
        pthread_attr_setstack(&attr, stacks + i * STACK, STACK);
        made += !pthread_create(&threads[i], &attr, body, (void *)i);
    }
    pthread_mutex_unlock(&lock);
    pthread_attr_destroy(&attr);
    return made;
}

int main(int argc, char **argv)
{
    char *stacks = mmap(NULL, (size_t)THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long before = 0;
    for (int round = 0; round < 4; round++) {
        order = round % 3;
        int made = make_all(stacks);
        if (order == 0)
            pthread_join(threads[THREADS - 1], NULL);
        else if (order == 1)
            pthread_join(threads[0], NULL);
        else
            for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        printf("order %d: %d threads\n", order, made);
        madvise(stacks, (size_t)THREADS * STACK, MADV_DONTNEED);
        sleep_ms(100); /* what ended is cleared away by idle CPUs */
        long now = free_kib();
        if (argc > 1)
            printf("free %ld KiB\n", now);
        if (round == 0)
            before = now;
    }
    /* On a large machine, which others use too, the difference says nothing. */
    struct sysinfo s;
    sysinfo(&s);
    int small = s.totalram * s.mem_unit >> 30 == 0;
    /* Half a kilobyte for each thread since; the C library's heap may have got a page of 2 MiB or two. */
    printf("lost: %d\n", small && before - free_kib() > 3 * THREADS / 2);
    return 0;
}
