/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Threads that end in every order. The case is the first argument; without one, those that leave the process alive.
 * Exit statuses of the others are in thread_exit_*.c, which include this file.
 */
#include "abi.h"
#include <pthread.h>

#ifndef CASE
#define CASE 0
#endif

static void *nap(void *arg)
{
    sleep_ms((long)arg);
    return arg;
}

static void *leave(void *arg)
{
    syscall(SYS_exit, 7);
    return arg;
}

static void *spin(void *arg)
{
    for (;;)
        __asm__ volatile("pause");
    return arg;
}

static void *blocked(void *arg)
{
    pause();
    return arg;
}

static volatile int detached_done;

static void *detached(void *arg)
{
    __atomic_add_fetch(&detached_done, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static pthread_t leader;

static void *outlives(void *arg)
{
    pthread_join(leader, NULL);
    printf("the leader has ended; gettid is not getpid %d\n", getpid() != syscall(SYS_gettid));
    printf("signal 0 to the ended leader: %ld\n", syscall(SYS_tgkill, getpid(), getpid(), 0));
    fflush(stdout);
    sleep_ms(100); /* till the leader is gone wholly */
    syscall(SYS_exit, 9);
    return arg;
}

static void *ends_all(void *arg)
{
    sleep_ms(30);
    fflush(stdout);
    syscall(SYS_exit_group, 44);
    return arg;
}

int main(void)
{
    pthread_t t[64];
    void *r;
    for (int i = 0; i < 64; i++)
        pthread_create(&t[i], NULL, nap, (void *)(long)(i % 7));
    for (int i = 63; i >= 0; i--)
        if (pthread_join(t[i], &r) || r != (void *)(long)(i % 7))
            printf("thread %d is wrong\n", i);
    for (int i = 0; i < 8; i++)
        pthread_create(&t[i], NULL, leave, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 300; i++) {
        pthread_attr_t a;
        pthread_attr_init(&a);
        pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
        if (pthread_create(&t[0], &a, detached, NULL))
            printf("create %d failed\n", i);
    }
    while (detached_done < 300)
        sleep_ms(1);
    sleep_ms(100); /* till they are gone */
    printf("threads came and went\n");
    fflush(stdout);
    switch (CASE) {
    case 0: /* others run and sleep when main returns */
        pthread_create(&t[0], NULL, spin, NULL);
        pthread_create(&t[1], NULL, blocked, NULL);
        return 5;
    case 1: /* the leader ends first, the last thread by exit: the leader's status counts */
        leader = pthread_self();
        pthread_create(&t[0], NULL, outlives, NULL);
        syscall(SYS_exit, 3);
        break;
    case 2: /* another thread ends all, while the leader sleeps */
        pthread_create(&t[0], NULL, ends_all, NULL);
        pthread_create(&t[1], NULL, spin, NULL);
        pause();
        break;
    case 3: /* the same while the leader has ended */
        pthread_create(&t[0], NULL, ends_all, NULL);
        pthread_create(&t[1], NULL, blocked, NULL);
        syscall(SYS_exit, 3);
        break;
    }
    return 1;
}
