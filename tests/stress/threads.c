/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stress: threads x futexes x signals x mmap x scheduling, random from a seed. Usage: threads [SECONDS [SEED [MASK]]];
 * MASK: bit i allows operation i of work().
 * Each worker runs random operations; invariants are checked as it goes (counters under locks, memory contents,
 * condition hand-overs). Ends with "stress: ok" and status 0; a hang is caught by whoever runs it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 12

static volatile int stop;
static pthread_t workers[WORKERS];
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, pi, robust;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static long plain_count, pi_count, robust_count, rw_a, rw_b, tokens = 3, sem_inside;
static unsigned long expected_plain, expected_pi, expected_robust;
static volatile long signals;
static uint32_t raw_word;
static unsigned long operations, mask = 0xffff;

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void fail(const char *what)
{
    printf("stress: FAILED: %s\n", what);
    fflush(stdout);
    _exit(1);
}

static void on_signal(int s)
{
    (void)s;
    __atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

static void *short_lived(void *arg)
{
    volatile char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        fail("mmap in a short-lived thread");
    p[5000] = 1;
    munmap((void *)p, 8192);
    return arg;
}

/* Ends while it holds the robust mutex. */
static void *dies_holding(void *arg)
{
    int e = pthread_mutex_lock(&robust);
    if (e == EOWNERDEAD)
        pthread_mutex_consistent(&robust);
    else if (e)
        fail("robust lock in dying thread");
    robust_count++;
    __atomic_add_fetch(&expected_robust, 1, __ATOMIC_RELAXED);
    return arg;
}

static void lock_robust(void)
{
    int e = pthread_mutex_lock(&robust);
    if (e == EOWNERDEAD)
        pthread_mutex_consistent(&robust);
    else if (e)
        fail("robust lock");
    robust_count++;
    __atomic_add_fetch(&expected_robust, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&robust);
}

static void check_memory(uint64_t *seed)
{
    size_t pages = 1 + next_random(seed) % 64, size = pages * 4096;
    uint64_t mark = next_random(seed);
    uint64_t *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        fail("mmap");
    for (size_t i = 0; i < pages; i++)
        p[i * 512] = mark + i;
    if (next_random(seed) % 2)
        sched_yield();
    if (pages > 2 && next_random(seed) % 2)
        mprotect((char *)p + 4096, 4096, PROT_READ);
    for (size_t i = 0; i < pages; i++)
        if (p[i * 512] != mark + i)
            fail("memory changed");
    if (next_random(seed) % 4 == 0) {
        madvise(p, size, MADV_DONTNEED);
        if (p[0] || p[(pages - 1) * 512])
            fail("memory is not zero after MADV_DONTNEED");
    }
    munmap(p, size);
}

static void pass_token(uint64_t *seed)
{
    struct timespec t;
    pthread_mutex_lock(&queue_lock);
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    int e = 0;
    while (!tokens && !e)
        e = pthread_cond_timedwait(&queue_cond, &queue_lock, &t);
    if (!e) {
        tokens--;
        pthread_mutex_unlock(&queue_lock);
        if (next_random(seed) % 2)
            sched_yield();
        pthread_mutex_lock(&queue_lock);
        tokens++;
        if (next_random(seed) % 2)
            pthread_cond_signal(&queue_cond);
        else
            pthread_cond_broadcast(&queue_cond);
    } else if (e != ETIMEDOUT) {
        fail("pthread_cond_timedwait");
    }
    pthread_mutex_unlock(&queue_lock);
}

static void change_scheduling(uint64_t *seed)
{
    cpu_set_t set;
    struct sched_param p = {0};
    switch (next_random(seed) % 4) {
    case 0:
        CPU_ZERO(&set);
        CPU_SET(next_random(seed) % 4, &set);
        sched_setaffinity(0, sizeof(set), &set); /* fails where there are fewer CPUs */
        break;
    case 1:
        memset(&set, 0xff, sizeof(set));
        sched_setaffinity(0, sizeof(set), &set);
        break;
    case 2:
        setpriority(PRIO_PROCESS, 0, (int)(next_random(seed) % 10));
        break;
    case 3:
        sched_setscheduler(0, next_random(seed) % 2 ? SCHED_BATCH : SCHED_OTHER, &p);
        break;
    }
}

static void *work(void *arg)
{
    uint64_t seed = (uint64_t)arg * 0x9e3779b97f4a7c15ull | 1;
    for (int i = 0; i < 10; i++)
        next_random(&seed);
    while (!stop) {
        pthread_t t;
        struct timespec ts = {0, (long)(next_random(&seed) % 300000)};
        unsigned op = next_random(&seed) % 16;
        if (!(mask >> op & 1))
            continue;
        __atomic_add_fetch(&operations, 1, __ATOMIC_RELAXED);
        switch (op) {
        case 0: case 1: case 2:
            for (int i = 0; i < 20; i++) {
                pthread_mutex_lock(&plain);
                plain_count++;
                pthread_mutex_unlock(&plain);
            }
            __atomic_add_fetch(&expected_plain, 20, __ATOMIC_RELAXED);
            break;
        case 3:
            pthread_mutex_lock(&pi);
            pi_count++;
            if (next_random(&seed) % 4 == 0)
                sched_yield();
            pthread_mutex_unlock(&pi);
            __atomic_add_fetch(&expected_pi, 1, __ATOMIC_RELAXED);
            break;
        case 4:
            lock_robust();
            break;
        case 5:
            if (pthread_create(&t, NULL, next_random(&seed) % 4 ? short_lived : dies_holding, NULL))
                fail("pthread_create");
            pthread_join(t, NULL);
            break;
        case 6:
            pthread_kill(workers[next_random(&seed) % WORKERS], next_random(&seed) % 2 ? SIGUSR1 : SIGRTMIN + 3);
            break;
        case 7: case 8:
            check_memory(&seed);
            break;
        case 9:
            nanosleep(&ts, NULL);
            break;
        case 10: case 11:
            pass_token(&seed);
            break;
        case 12:
            if (next_random(&seed) % 4) {
                pthread_rwlock_rdlock(&rwlock);
                if (rw_a != rw_b)
                    fail("a reader saw half a write");
            } else {
                pthread_rwlock_wrlock(&rwlock);
                rw_a++;
                if (next_random(&seed) % 8 == 0)
                    sched_yield();
                rw_b++;
            }
            pthread_rwlock_unlock(&rwlock);
            break;
        case 13:
            while (sem_wait(&sem) && errno == EINTR)
                ;
            if (__atomic_add_fetch(&sem_inside, 1, __ATOMIC_SEQ_CST) > 2)
                fail("three inside a semaphore of two");
            sched_yield();
            __atomic_sub_fetch(&sem_inside, 1, __ATOMIC_SEQ_CST);
            sem_post(&sem);
            break;
        case 14:
            if (next_random(&seed) % 2) {
                raw_word++;
                syscall(SYS_futex, &raw_word, FUTEX_WAKE_PRIVATE, 3, 0, 0, 0);
            } else {
                syscall(SYS_futex, &raw_word, FUTEX_WAIT_PRIVATE, raw_word, &ts, 0, 0);
            }
            break;
        case 15:
            if (next_random(&seed) % 4)
                syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
            else
                change_scheduling(&seed);
            break;
        }
    }
    return NULL;
}

static void init_mutex(pthread_mutex_t *m, int protocol, int robustness)
{
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, protocol);
    pthread_mutexattr_setrobust(&a, robustness);
    pthread_mutex_init(m, &a);
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 5;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    if (argc > 3)
        mask = strtoul(argv[3], NULL, 0);
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &act, NULL);
    act.sa_flags = 0;
    sigaction(SIGRTMIN + 3, &act, NULL);
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    init_mutex(&pi, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
    init_mutex(&robust, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
    sem_init(&sem, 0, 2);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = pthread_self(); /* till it exists, signals come here */
    for (uint64_t i = 0; i < WORKERS; i++)
        pthread_create(&workers[i], NULL, work, (void *)(seed * WORKERS + i + 1));
    struct timespec end, now;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    do { /* signals interrupt the sleep */
        struct timespec nap = {0, 50000000};
        nanosleep(&nap, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
    stop = 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    if ((unsigned long)plain_count != expected_plain || (unsigned long)pi_count != expected_pi ||
        (unsigned long)robust_count != expected_robust || tokens != 3 || rw_a != rw_b)
        fail("counters");
    if (!operations || (!signals && mask == 0xffff))
        fail("nothing happened");
    if (getenv("STRESS_VERBOSE"))
        printf("%lu operations, %ld signals, seed %lu\n", operations, signals, (unsigned long)seed);
    printf("stress: ok\n");
    return 0;
}
