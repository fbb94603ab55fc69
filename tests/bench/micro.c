// SPDX-License-Identifier: BSD-2-Clause
/*
 * Latencies that a program sees: prints one line "row nanoseconds-per-operation" for each row, the best
 * of several rounds (so that a busy machine disturbs least). The same static binary runs on Linux, in a Linux
 * guest (also as init) and in the VM. Arguments name the rows to run; none: all.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Each row runs n operations. */
static void getppid_row(long n)
{
    while (n--)
        getppid();
}

/* The same through a site whose number is in a register: it always traps. */
static void getppid_trap_row(long n)
{
    while (n--)
        syscall(SYS_getppid);
}

/* As a C library has it inline. */
static long futex(void *word, long op, long value)
{
    long result;
    register long timeout __asm__("r10") = 0;

    __asm__ volatile("mov $202, %%eax; syscall"
                     : "=&a"(result)
                     : "D"(word), "S"(op), "d"(value), "r"(timeout)
                     : "rcx", "r11", "memory");
    return result;
}

static void clock_row(long n)
{
    while (n--)
        now();
}

static void *nothing(void *arg)
{
    return arg;
}

static void thread_row(long n)
{
    pthread_t t;

    while (n--) {
        if (pthread_create(&t, NULL, nothing, NULL))
            abort();
        pthread_join(t, NULL);
    }
}

static _Atomic uint32_t turn;
static long volleys;

static void *player(void *arg)
{
    uint32_t me = arg != NULL;

    for (long i = 0; i < volleys; i++) {
        while (atomic_load(&turn) != me)
            futex(&turn, FUTEX_WAIT_PRIVATE, !me);
        atomic_store(&turn, !me);
        futex(&turn, FUTEX_WAKE_PRIVATE, 1);
    }
    return NULL;
}

static void futex_row(long n)
{
    pthread_t other;

    volleys = n;
    atomic_store(&turn, 0);
    if (pthread_create(&other, NULL, player, (void *)1))
        abort();
    player(NULL);
    pthread_join(other, NULL);
}

static void touch_row(long n)
{
    size_t size = (size_t)n << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    for (size_t i = 0; i < size; i += 4096)
        p[i] = 1;
    munmap(p, size);
}

static void map_row(long n)
{
    while (n--) {
        void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            abort();
        munmap(p, 65536);
    }
}

static void handler(int signo)
{
}

static void signal_row(long n)
{
    pid_t pid = getpid();

    signal(SIGUSR1, handler);
    while (n--)
        kill(pid, SIGUSR1);
}

static void pipe_row(long n)
{
    int fds[2];
    char c = 'x';

    if (pipe(fds))
        abort();
    while (n--)
        if (write(fds[1], &c, 1) != 1 || read(fds[0], &c, 1) != 1)
            abort();
    close(fds[0]);
    close(fds[1]);
}

static const struct {
    const char *name;
    void (*run)(long n);
    long n;       /* operations a round */
    int rounds;
} rows[] = {
    {"getppid", getppid_row, 20000, ROUNDS},
    {"getppid-by-number", getppid_trap_row, 20000, ROUNDS},
    {"clock_gettime", clock_row, 20000, ROUNDS},
    {"thread-create-join", thread_row, 200, ROUNDS},
    {"futex-ping-pong", futex_row, 1000, ROUNDS},
    {"touch-256MiB (ns/MiB)", touch_row, 256, 1},
    {"mmap-munmap-64KiB", map_row, 2000, ROUNDS},
    {"signal-deliver-return", signal_row, 2000, ROUNDS},
    {"pipe-write-read-1B", pipe_row, 5000, ROUNDS},
};

static int wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strncmp(name, argv[i], strlen(argv[i])))
            return 1;
    return argc < 2 || getpid() == 1; /* as init the arguments are the kernel's */
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double best = 1e18;

        if (!wanted(rows[i].name, argc, argv))
            continue;
        for (int r = 0; r < rows[i].rounds; r++) {
            uint64_t start = now();
            rows[i].run(rows[i].n);
            double each = (double)(now() - start) / rows[i].n;
            best = each < best ? each : best;
        }
        printf("row\t%s\t%.1f\n", rows[i].name, best);
        fflush(stdout);
    }
    if (getpid() == 1)
        reboot(RB_AUTOBOOT);
    return 0;
}
