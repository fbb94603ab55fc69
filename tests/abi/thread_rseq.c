/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* rseq(2): registration errors, the CPU number, and an abort when the thread is preempted inside a critical section. */
#include "abi.h"
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define SIG 0x53053053

static struct { struct rseq r; char more[64]; } area __attribute__((aligned(64)));
static volatile int stop;
static volatile int handled;

#define RSEQ(...) SHOW(syscall(SYS_rseq, __VA_ARGS__))

static void on_signal(int s)
{
    (void)s;
    handled++;
}

/* Spins inside a critical section till the kernel aborts it. Returns 1 when the abort handler ran. */
static int spin_till_abort(void)
{
    int result;
    __asm__ volatile(
        ".pushsection __rseq_cs, \"aw\"\n"
        ".balign 32\n"
        "3: .long 0, 0\n"
        "   .quad 1f, 2f - 1f, 4f\n"
        ".popsection\n"
        "lea 3b(%%rip), %%rax\n"
        "mov %%rax, %1\n"
        "1: xor %%ecx, %%ecx\n"
        "5: inc %%rcx\n"
        "   cmpl $0, %2\n"
        "   je 5b\n"
        "2: mov $0, %0\n"
        "jmp 6f\n"
        ".long 0x53053053\n"
        "4: mov $1, %0\n"
        "6:\n"
        : "=&r"(result)
        : "m"(area.r.rseq_cs), "m"(stop)
        : "rax", "rcx", "memory", "cc");
    return result;
}

static pthread_t main_thread;

static void *disturb(void *arg)
{
    sleep_ms(50);
    if (arg)
        pthread_kill(main_thread, SIGUSR1);
    /* and keep the CPU busy, so that main is preempted where there is only one */
    int64_t end = now_ns(CLOCK_MONOTONIC) + 100000000;
    while (now_ns(CLOCK_MONOTONIC) < end)
        ;
    return NULL;
}

int main(void)
{
    /* glibc has registered this thread already (if it did: the test tells either way) */
    RSEQ(&area, 32, 0, SIG);
    extern const unsigned __rseq_size __attribute__((weak));
    extern const ptrdiff_t __rseq_offset __attribute__((weak));
    if (&__rseq_size && __rseq_size) {
        char *mine = (char *)__builtin_thread_pointer() + __rseq_offset;
        struct rseq *r = (struct rseq *)mine;
        printf("glibc's cpu_id %d\n", (int)r->cpu_id == sched_getcpu());
        CALL("unregister", syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, 1));
        CALL("unregister", syscall(SYS_rseq, mine, 33, RSEQ_FLAG_UNREGISTER, SIG));
        CALL("unregister", syscall(SYS_rseq, mine + 32, 32, RSEQ_FLAG_UNREGISTER, SIG));
        CALL("unregister", syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, SIG));
        CALL("unregister", syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, SIG));
    }
    RSEQ(&area, 31, 0, SIG);
    RSEQ((char *)&area + 16, 32, 0, SIG);
    RSEQ(&area, 32, 2, SIG);
    RSEQ(&area, 32, 3, SIG);
    RSEQ((void *)-64l, 32, 0, SIG);
    RSEQ(&area, 32, 0, SIG);
    RSEQ(&area, 32, 0, SIG);
    RSEQ(&area, 32, 0, 1);
    printf("cpu_id %d start %d\n", (int)area.r.cpu_id == sched_getcpu(), area.r.cpu_id == area.r.cpu_id_start);

    cpu_set_t all, one;
    sched_getaffinity(0, sizeof(all), &all);
    int wrong = 0;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        sched_setaffinity(0, sizeof(one), &one);
        wrong += (int)area.r.cpu_id != i;
    }
    printf("cpu_id after moves: wrong %d\n", wrong);

    /* pinned to one CPU with another thread: preemption; then a signal */
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &act, NULL);
    main_thread = pthread_self();
    for (long how = 0; how < 2; how++) {
        pthread_t t;
        pthread_create(&t, NULL, disturb, (void *)how);
        printf("aborted %d\n", spin_till_abort());
        printf("rseq_cs cleared %d\n", area.r.rseq_cs == 0);
        pthread_join(t, NULL);
    }
    printf("handled %d\n", handled);
    RSEQ(&area, 32, RSEQ_FLAG_UNREGISTER, SIG);
    printf("cpu_id %d\n", (int)area.r.cpu_id);
    return 0;
}
