/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* futex(2) between threads: wake counts, bitsets, requeue, shared mappings at two addresses, deadlines, interruption. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

static uint32_t a, b;
static volatile int woken, ready;

static long futex(void *uaddr, int op, uint32_t val, const void *timeout, void *uaddr2, uint32_t val3)
{
    return syscall(SYS_futex, uaddr, op, val, timeout, uaddr2, val3);
}

struct job { uint32_t *word; int op; uint32_t bits; long result; int error; };

static void *waiter(void *arg)
{
    struct job *j = arg;
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    j->result = futex(j->word, j->op, *j->word, NULL, NULL, j->bits);
    j->error = errno;
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static struct job jobs[8];
static pthread_t threads[8];

static void start(int n, uint32_t *word, int op, uint32_t bits)
{
    ready = woken = 0;
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct job){word, op, bits ? bits : 1u << i, 0, 0};
        pthread_create(&threads[i], NULL, waiter, &jobs[i]);
    }
    while (ready != n)
        sleep_ms(1);
    sleep_ms(30); /* till they sleep */
}

static void expect(const char *what, int n)
{
    for (int i = 0; i < 2000 && woken < n; i++)
        sleep_ms(1);
    sleep_ms(5);
    printf("%s: woken %d\n", what, woken);
}

static void finish(int n)
{
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    long sum = 0;
    for (int i = 0; i < n; i++)
        sum += jobs[i].result;
    printf("all returned, sum %ld\n", sum);
}

static void on_signal(int s)
{
    static const char text[] = "handler\n";
    (void)s;
    if (write(1, text, sizeof(text) - 1) < 0)
        _exit(9);
}

static void *poke(void *arg)
{
    sleep_ms(50);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void interrupted(int flags, const struct timespec *timeout, const char *what)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = flags};
    pthread_t self = pthread_self(), t;
    sigaction(SIGUSR1, &act, NULL);
    pthread_create(&t, NULL, poke, &self);
    CALL(what, futex(&a, FUTEX_WAIT_PRIVATE, a, timeout, NULL, 0));
    pthread_join(t, NULL);
}

int main(void)
{
    start(4, &a, FUTEX_WAIT, ~0u);
    SHOW(futex(&a, FUTEX_WAKE, 1, NULL, NULL, 0));
    expect("wake 1", 1);
    SHOW(futex(&a, FUTEX_WAKE, 2, NULL, NULL, 0));
    expect("wake 2", 3);
    SHOW(futex(&a, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(&a, FUTEX_WAKE, 9, NULL, NULL, 0));
    finish(4);

    start(4, &a, FUTEX_WAIT_BITSET_PRIVATE, 0);
    SHOW(futex(&a, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 0x10));
    SHOW(futex(&a, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 0x6));
    expect("bits 1 and 2", 2);
    printf("jobs 1, 2: %ld %ld\n", jobs[1].result, jobs[2].result);
    SHOW(futex(&a, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    finish(4);

    start(5, &a, FUTEX_WAIT_PRIVATE, ~0u);
    SHOW(futex(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &b, a + 1));
    SHOW(futex(&a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &b, a));
    expect("requeue 1, 2", 1);
    SHOW(futex(&b, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    expect("requeued", 3);
    SHOW(futex(&a, FUTEX_REQUEUE_PRIVATE, 0, (void *)9, &b, 0));
    SHOW(futex(&a, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(&b, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    finish(5);

    start(3, &a, FUTEX_WAIT_PRIVATE, ~0u);
    b = 7;
    SHOW(futex(&a, FUTEX_WAKE_OP_PRIVATE, 2, (void *)9, &b, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 8)));
    printf("b %u\n", b);
    SHOW(futex(&b, FUTEX_WAKE_OP_PRIVATE, 2, (void *)9, &a, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_LT, 8)));
    printf("a %u\n", a);
    finish(3);

    int fd = memfd_create("shared", 0);
    if (ftruncate(fd, 8192))
        return 1;
    uint32_t *one = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t *two = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    start(2, one + 1024, FUTEX_WAIT, ~0u);
    SHOW(futex(two, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(two + 1, FUTEX_WAKE, 9, NULL, NULL, 0));
    SHOW(futex(two, FUTEX_WAKE, 9, NULL, NULL, 0));
    finish(2);

    int64_t before = now_ns(CLOCK_MONOTONIC);
    struct timespec in = {0, 20000000}, at;
    SHOW(futex(&a, FUTEX_WAIT_PRIVATE, a, &in, NULL, 0));
    int64_t took = now_ns(CLOCK_MONOTONIC) - before;
    printf("20 ms: not early %d, not much late %d\n", took >= 20000000, took < 2000000000);
    for (int clock = 0; clock < 2; clock++) {
        int64_t t = now_ns(clock ? CLOCK_MONOTONIC : CLOCK_REALTIME) + 20000000;
        at = (struct timespec){t / 1000000000, t % 1000000000};
        SHOW(futex(&a, FUTEX_WAIT_BITSET_PRIVATE | (clock ? 0 : FUTEX_CLOCK_REALTIME), a, &at, NULL, 1));
        printf("not early %d\n", now_ns(clock ? CLOCK_MONOTONIC : CLOCK_REALTIME) >= t);
    }

    in = (struct timespec){20, 0}; /* longer than a busy machine takes to interrupt */
    interrupted(0, NULL, "no timeout, no SA_RESTART");
    interrupted(0, &in, "timeout, no SA_RESTART");
    interrupted(SA_RESTART, &in, "timeout, SA_RESTART");
    return 0;
}
