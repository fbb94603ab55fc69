/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signals [SECONDS]: threads that compute, sleep, wait and block signals while others and timers signal them without pause. Each
 * checks that its registers and vector state survive; a queued signal must arrive exactly once.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 6

static pthread_t threads[THREADS];
static volatile int go, stop, bad;
static volatile long handled, queued_sent, queued_got;

static void fail(const char *what)
{
    __atomic_store_n(&bad, 1, __ATOMIC_SEQ_CST);
    printf("FAIL %s\n", what);
    fflush(stdout);
}

static void handler(int signo, siginfo_t *info, void *context)
{
    volatile double x = 1.5;
    for (int i = 0; i < 20; i++)
        x *= 1.0001;
    errno = EXDEV;
    __asm__ volatile("pcmpeqd %%xmm3, %%xmm3; pcmpeqd %%xmm12, %%xmm12" ::: "xmm3", "xmm12");
    if (signo >= SIGRTMIN)
        __atomic_add_fetch(&queued_got, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

/* A stretch of computing in which any change of a register by a handler shows. */
static void compute(uint64_t seed)
{
    uint64_t a[2] = {seed, ~seed}, b[2], rbx, r13;
    __asm__ volatile("movdqu (%[a]), %%xmm3; movdqu (%[a]), %%xmm12; mov %[s], %%rbx; mov %[s], %%r13; mov $30000, %%ecx;"
                     "1: dec %%ecx; jnz 1b;"
                     "pxor %%xmm12, %%xmm3; movdqu %%xmm3, (%[b]); mov %%rbx, %[rbx]; mov %%r13, %[r13]"
                     : [rbx] "=&r"(rbx), [r13] "=&r"(r13)
                     : [a] "r"(a), [b] "r"(b), [s] "r"(seed)
                     : "rbx", "rcx", "r13", "xmm3", "xmm12", "memory", "cc");
    if (b[0] || b[1] || rbx != seed || r13 != seed)
        fail("registers");
}

static void *worker(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg * 7919 + 1;
    static __thread char stack[65536];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
    sigset_t some, old;
    sigaltstack(&alt, NULL);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGRTMIN + 1);
    while (!go)
        usleep(1000);
    while (!stop) {
        struct timespec t = {0, rand_r(&seed) % 200000};
        switch (rand_r(&seed) % 6) {
        case 0:
        case 1:
            compute(rand_r(&seed));
            break;
        case 2:
            errno = 0;
            nanosleep(&t, NULL);
            break;
        case 3:
            pthread_sigmask(SIG_BLOCK, &some, &old);
            compute(rand_r(&seed));
            pthread_sigmask(SIG_SETMASK, &old, NULL);
            break;
        case 4:
            pthread_sigmask(SIG_BLOCK, &some, &old);
            int got = sigtimedwait(&some, NULL, &t);
            if (got == SIGRTMIN + 1)
                __atomic_add_fetch(&queued_got, 1, __ATOMIC_RELAXED);
            pthread_sigmask(SIG_SETMASK, &old, NULL);
            break;
        case 5:
            if (rand_r(&seed) & 1) {
                pthread_kill(threads[rand_r(&seed) % THREADS], rand_r(&seed) & 1 ? SIGUSR1 : SIGUSR2);
            } else {
                siginfo_t info = {.si_code = SI_QUEUE};
                int target = rand_r(&seed) & 1 ? SIGRTMIN + 1 : SIGRTMIN + 2;
                if (!syscall(SYS_rt_sigqueueinfo, getpid(), target, &info))
                    __atomic_add_fetch(&queued_sent, 1, __ATOMIC_RELAXED);
            }
            break;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 5;
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    int signals[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGPROF, SIGRTMIN + 1, SIGRTMIN + 2};
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &sa, NULL);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);

    go = 1; /* all of threads[] is known */

    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec v = {{0, 1000000}, {0, 1000000}};
    timer_t t[3];
    clockid_t clocks[3] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_PROCESS_CPUTIME_ID};
    for (int i = 0; i < 3; i++) {
        timer_create(clocks[i], &e, &t[i]);
        timer_settime(t[i], 0, &v, NULL);
    }
    time_t end = time(NULL) + seconds;
    while (time(NULL) < end && !bad) {
        /* Timers come and go meanwhile. */
        timer_t extra;
        timer_create(CLOCK_MONOTONIC, &e, &extra);
        timer_settime(extra, 0, &v, NULL);
        struct timespec s = {0, 3000000};
        nanosleep(&s, NULL);
        timer_delete(extra);
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        timer_delete(t[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (queued_sent != queued_got) {
        printf("sent %ld got %ld\n", queued_sent, queued_got);
        fail("queued signals");
    }
    if (handled < 100)
        fail("hardly any signal arrived");
    if (!bad)
        puts("stress: ok");
    return bad;
}
