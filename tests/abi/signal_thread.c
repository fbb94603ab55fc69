/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Which thread takes a signal; delivery to threads that compute without ever entering the kernel. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>

static __thread volatile int got;
static __thread int number;
static volatile int last_taker, spinning, stop;
static volatile long rounds;

static void handler(int signo)
{
    got++;
    last_taker = number;
}

static void *spin(void *arg)
{
    number = (int)(long)arg;
    __atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    while (!got)
        ; /* no system call in here */
    __atomic_sub_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *sleeper(void *arg)
{
    number = (int)(long)arg;
    sigset_t set;
    sigemptyset(&set);
    __atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    while (!stop)
        sigsuspend(&set);
    return NULL;
}

static void *churn(void *arg)
{
    while (!stop)
        rounds++;
    return NULL;
}

int main(void)
{
    pthread_t t[4];
    struct sigaction sa = {.sa_handler = handler};
    sigset_t usr, old;
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);

    for (long i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, spin, (void *)(i + 1));
    while (spinning < 3)
        sleep_ms(1);
    for (int i = 2; i >= 0; i--) {
        pthread_kill(t[i], SIGUSR1);
        pthread_join(t[i], NULL);
        printf("spinner %d took it: %d\n", i + 1, last_taker == i + 1);
    }
    printf("main took none: %d\n", got == 0);

    /* To the process while main blocks it: the one thread that does not. */
    pthread_create(&t[0], NULL, spin, (void *)7);
    while (spinning < 1)
        sleep_ms(1);
    pthread_sigmask(SIG_BLOCK, &usr, &old);
    kill(getpid(), SIGUSR1);
    pthread_join(t[0], NULL);
    printf("taken by %d\n", last_taker);

    /* Blocked everywhere it stays pending; a thread that unblocks it takes it. */
    kill(getpid(), SIGUSR1);
    sigset_t pending;
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGUSR1));
    got = 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    printf("main took it: %d\n", got == 1);

    /* Thread-directed signals to a blocking thread are pending for it alone. */
    pthread_sigmask(SIG_BLOCK, &usr, NULL);
    pthread_kill(pthread_self(), SIGUSR1);
    pthread_create(&t[0], NULL, sleeper, (void *)8);
    while (spinning < 1)
        sleep_ms(1);
    sleep_ms(20);
    sigpending(&pending);
    printf("still pending %d\n", sigismember(&pending, SIGUSR1));
    kill(getpid(), SIGUSR1); /* the sleeper takes the process's */
    sleep_ms(50);
    printf("taken by %d\n", last_taker);
    stop = 1;
    pthread_kill(t[0], SIGUSR1);
    pthread_join(t[0], NULL);
    got = 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    printf("main took its own: %d\n", got);

    /* Many signals to a computing thread. */
    stop = 0;
    pthread_create(&t[0], NULL, churn, NULL);
    for (int i = 0; i < 200; i++)
        pthread_kill(t[0], i & 1 ? SIGUSR1 : SIGUSR2);
    stop = 1;
    pthread_join(t[0], NULL);
    SHOW(pthread_kill(pthread_self(), 0));
    printf("to an ended thread: %ld %s\n", syscall(SYS_tgkill, getpid(), 4194300, SIGUSR1), strerrorname_np(errno));
    return 0;
}
