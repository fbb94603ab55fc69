/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that run, sleep, make threads, map memory, hold robust mutexes and take signals, while several of them execute the next
 * program at once: one of them does, as the process's first thread, and nothing of the others is left. flags: -pthread
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include "abi.h"

#define STAGES 12

static char self[4096], stage_text[16];
static int stage, quiet;
static volatile int go;
static pthread_mutex_t robust;

static void execute(void)
{
    char *argv[] = {"race", stage_text, NULL}, *envp[] = {NULL};
    execve(self, argv, envp);
    if (errno != EAGAIN)
        printf("execve: %s\n", strerror(errno));
    for (;;)
        pause(); /* another thread was first */
}

static void *racer(void *arg)
{
    while (!go)
        sched_yield();
    if ((long)arg & 1)
        sleep_ms((long)arg % 3);
    execute();
    return NULL;
}

static void *nothing(void *arg)
{
    return arg;
}

static void *maker(void *arg)
{
    pthread_attr_t a;
    pthread_t t;
    pthread_attr_init(&a);
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    for (;;)
        pthread_create(&t, &a, nothing, arg);
    return NULL;
}

static void *mapper(void *arg)
{
    for (;;) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, 1 << 16);
        munmap(p, 1 << 20);
    }
    return arg;
}

static void *holder(void *arg)
{
    pthread_mutex_lock(&robust);
    for (;;)
        sleep_ms(1000);
    return arg;
}

static void *sleeper(void *arg)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t n;
    while (read(fd, &n, sizeof(n)) < 0)
        ;
    return arg;
}

static void *signaller(void *arg)
{
    for (;;)
        kill(getpid(), SIGUSR1);
    return arg;
}

static void handler(int signo)
{
    quiet += signo;
}

static void start(void *(*fn)(void *), long arg)
{
    pthread_t t;
    if (pthread_create(&t, NULL, fn, (void *)arg))
        puts("pthread_create failed");
}

int main(int argc, char **argv)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART};
    pthread_mutexattr_t attr;
    self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    stage = argc > 1 ? atoi(argv[1]) : 0;
    sigaction(SIGUSR1, &a, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (getpid() != (int)syscall(SYS_gettid))
        puts("not the first thread");
    if (!stage)
        syscall(SYS_close_range, 3, ~0u, 0);
    for (int fd = 3; fd < 40; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("descriptor %d is left\n", fd);
    if (stage == STAGES) {
        puts("done");
        return 0;
    }
    snprintf(stage_text, sizeof(stage_text), "%d", stage + 1);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attr, stage & 1 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
    pthread_mutex_init(&robust, &attr);
    start(mapper, 0);
    start(holder, 0);
    start(holder, 0);
    start(sleeper, 0);
    start(maker, 0);
    if (stage % 3 == 0)
        start(signaller, 0);
    /* Between the exec and the handler's installation the signal's default would kill the program. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (long i = 0; i < 4; i++)
        start(racer, i);
    sleep_ms(stage % 4);
    go = 1;
    if (stage & 1)
        execute();
    if (stage % 4 == 0)
        pthread_exit(NULL); /* the first thread is gone when another executes */
    for (;;)
        pause();
}
