/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* sched_setaffinity(2), getcpu(2), and that a thread runs where it may. Prints nothing that depends on the number of CPUs. */
#include "abi.h"
#include <pthread.h>
#include <sched.h>

static cpu_set_t all;
static int count;

static void *pinned(void *arg)
{
    int cpu = (int)(long)arg;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one))
        return "setaffinity failed";
    for (int i = 0; i < 200; i++) {
        if (sched_getcpu() != cpu)
            return "ran elsewhere";
        if (i % 50 == 0)
            sleep_ms(1);
        sched_yield();
    }
    sched_setaffinity(0, sizeof(all), &all);
    return NULL;
}

static volatile int stop, where = -1;

static void *spins(void *arg)
{
    while (!stop)
        where = sched_getcpu();
    return arg;
}

int main(void)
{
    unsigned cpu = 99, node = 99;
    unsigned long mask[16] = {0};
    pthread_t t[8];
    void *error;
    sched_getaffinity(0, sizeof(all), &all);
    count = CPU_COUNT(&all);
    int cpus[64], n = 0;
    for (int i = 0; i < 64; i++)
        if (CPU_ISSET(i, &all))
            cpus[n++] = i;
    printf("some %d\n", count > 0);
    SHOW(syscall(SYS_sched_getaffinity, 0, 128, mask) >= 8);
    SHOW(syscall(SYS_sched_getaffinity, 0, 0, mask));
    SHOW(syscall(SYS_sched_getaffinity, 0, 7, mask));
    SHOW(syscall(SYS_sched_getaffinity, 0, 12, mask));
    SHOW(syscall(SYS_sched_getaffinity, 0, 128, BAD));
    SHOW(syscall(SYS_sched_getaffinity, 3999999, 128, mask));
    SHOW(syscall(SYS_sched_setaffinity, 0, 128, BAD));
    memset(mask, 0, sizeof(mask));
    SHOW(syscall(SYS_sched_setaffinity, 0, 128, mask));
    SHOW(syscall(SYS_sched_setaffinity, 0, 0, mask));
    mask[0] = 1ul << 63;
    SHOW(syscall(SYS_sched_setaffinity, 0, 8, mask));
    mask[0] = ~0ul;
    SHOW(syscall(SYS_sched_setaffinity, 3999999, 8, mask));
    SHOW(syscall(SYS_sched_setaffinity, 0, 8, mask));
    SHOW(syscall(SYS_sched_setaffinity, getpid(), 8, mask));
    SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
    printf("cpu allowed %d node %u\n", CPU_ISSET((int)cpu, &all) != 0, node);
    SHOW(syscall(SYS_getcpu, NULL, NULL, NULL));
    SHOW(syscall(SYS_getcpu, BAD, NULL, NULL));
    SHOW(syscall(SYS_getcpu, NULL, BAD, NULL));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 8; i++)
            pthread_create(&t[i], NULL, pinned, (void *)(long)cpus[(i + round) % n]);
        for (int i = 0; i < 8; i++) {
            pthread_join(t[i], &error);
            if (error)
                printf("%s\n", (char *)error);
        }
    }
    /* Moves a thread that spins in user code from outside. */
    pthread_create(&t[0], NULL, spins, NULL);
    for (int i = 0; i < 2 * n && i < 8; i++) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpus[i % n], &one);
        if (pthread_setaffinity_np(t[0], sizeof(one), &one))
            printf("setaffinity failed\n");
        int ok = 0;
        for (int k = 0; k < 2000 && !ok; k++) {
            sleep_ms(1);
            ok = where == cpus[i % n];
        }
        if (!ok)
            printf("the spinning thread did not move\n");
    }
    stop = 1;
    pthread_join(t[0], NULL);
    SHOW(syscall(SYS_sched_yield));
    return 0;
}
