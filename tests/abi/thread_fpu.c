/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flags: -lm
 * Vector, mask and x87 registers belong to the thread: they survive yields, sleeps, preemption, migration and signals, are
 * what a handler's edit of the frame says, and begin initial in a handler. Uses what the CPU has; the output is the same.
 */
#include "abi.h"
#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ucontext.h>

#define THREADS 6
#define ROUNDS  40

static int avx, avx512;
static volatile int stop, handled, ended;

/* zmm0-31, k0-7 (64 bits each), x87 stack, MXCSR, x87 control word. */
struct state {
    uint8_t z[32][64];
    uint64_t k[8];
    long double st[8];
    uint32_t mxcsr;
    uint16_t control;
} __attribute__((aligned(64)));

static void fill(struct state *s, unsigned seed)
{
    uint8_t *p = (uint8_t *)s->z;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < sizeof(s->z) + sizeof(s->k); i++)
        p[i] = (uint8_t)(seed = seed * 1103515245 + 12345, seed >> 16);
    for (int i = 0; i < 8; i++)
        s->st[i] = seed % 1000 + i * 1.5L;
    s->mxcsr = 0x1f80 | (seed & 3) << 13 | (seed >> 3 & 1) << 15;
    s->control = 0x37f & ~(seed & 1 ? 0x100 : 0);
}

#define EACH16(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define HIGH16(m) m(16) m(17) m(18) m(19) m(20) m(21) m(22) m(23) m(24) m(25) m(26) m(27) m(28) m(29) m(30) m(31)
#define EACH8(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7)
#define LOADX(n) "movdqu " #n "*64(%%rbx), %%xmm" #n "\n"
#define SAVEX(n) "movdqu %%xmm" #n ", " #n "*64(%%r12)\n"
#define LOADY(n) "vmovdqu " #n "*64(%%rbx), %%ymm" #n "\n"
#define SAVEY(n) "vmovdqu %%ymm" #n ", " #n "*64(%%r12)\n"
#define LOADZ(n) "vmovdqu64 " #n "*64(%%rbx), %%zmm" #n "\n"
#define SAVEZ(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%%r12)\n"
#define LOADK(n) "kmovq 2048+" #n "*8(%%rbx), %%k" #n "\n"
#define SAVEK(n) "kmovq %%k" #n ", 2048+" #n "*8(%%r12)\n"
#define LOADF(n) "fldt 2112+" #n "*16(%%rbx)\n"
#define SAVEF(n) "fstpt 2112+(7-" #n ")*16(%%r12)\n"

/*
 * Loads in, makes the call nr(arg, 0, 0...) count times and spins loops times, stores to out. Nothing between but what is
 * written here.
 */
#define HOLD(name, load, save)                                                                                        \
    static void name(const struct state *in, struct state *out, long nr, long arg, long arg2, long count, long loops) \
    {                                                                                                                 \
        register long r13 __asm__("r13") = count, r14 __asm__("r14") = loops, r15 __asm__("r15") = nr;                \
        register const struct state *rbx __asm__("rbx") = in;                                                         \
        register struct state *r12 __asm__("r12") = out;                                                              \
        register long r8 __asm__("r8") = arg, r9 __asm__("r9") = arg2;                                                \
        uint32_t saved;                                                                                               \
        __asm__ volatile("stmxcsr %[saved]\nfninit\n" EACH8(LOADF) load "ldmxcsr 2240(%%rbx)\nfldcw 2244(%%rbx)\n"     \
                         "1: test %%r13, %%r13\njz 2f\nmov %%r15, %%rax\nmov %%r8, %%rdi\nmov %%r9, %%rsi\n"           \
                         "xor %%edx, %%edx\nxor %%r10d, %%r10d\nsyscall\ndec %%r13\njmp 1b\n"                          \
                         "2: test %%r14, %%r14\njz 3f\ndec %%r14\njmp 2b\n3:\n"                                        \
                         "stmxcsr 2240(%%r12)\nfstcw 2244(%%r12)\n" save EACH8(SAVEF) "fninit\nldmxcsr %[saved]\n"     \
                         : [saved] "=m"(saved), "+r"(r13), "+r"(r14)                                                   \
                         : "r"(rbx), "r"(r12), "r"(r15), "r"(r8), "r"(r9)                                              \
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r10", "r11", "memory", "cc", "st", "st(1)", "st(2)",    \
                           "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",        \
                           "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",        \
                           "xmm15");                                                                                   \
    }
HOLD(hold_sse, EACH16(LOADX), EACH16(SAVEX))
HOLD(hold_avx, EACH16(LOADY), EACH16(SAVEY) "vzeroupper\n")
HOLD(hold_512, EACH16(LOADZ) HIGH16(LOADZ) EACH8(LOADK), EACH16(SAVEZ) HIGH16(SAVEZ) EACH8(SAVEK) "vzeroupper\n")

static void hold(const struct state *in, struct state *out, long nr, long arg, long arg2, long count, long loops)
{
    (avx512 ? hold_512 : avx ? hold_avx : hold_sse)(in, out, nr, arg, arg2, count, loops);
}

static int same(const struct state *a, const struct state *b)
{
    unsigned width = avx512 ? 64 : avx ? 32 : 16, registers = avx512 ? 32 : 16;
    for (unsigned i = 0; i < registers; i++)
        if (memcmp(a->z[i], b->z[i], width))
            return 0;
    for (int i = 0; i < 8; i++)
        if (a->st[i] != b->st[i] || (avx512 && a->k[i] != b->k[i]))
            return 0;
    return a->mxcsr == b->mxcsr && a->control == b->control;
}

static void scribble(int signo)
{
    struct state s, out;
    (void)signo;
    fill(&s, 99);
    hold(&s, &out, 0, 0, 0, 0, 10);
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static int good[4];

static void *worker(void *arg)
{
    struct state in, out;
    struct timespec tiny = {0, 50000};
    unsigned n = (unsigned)(long)arg;
    for (int i = 0; i < ROUNDS; i++) {
        fill(&in, n * 1000 + i);
        hold(&in, &out, SYS_sched_yield, 0, 0, 3, 0);
        __atomic_add_fetch(&good[0], same(&in, &out), __ATOMIC_RELAXED);
        fill(&in, n * 2000 + i);
        hold(&in, &out, SYS_nanosleep, (long)&tiny, 0, 2, 0);
        __atomic_add_fetch(&good[1], same(&in, &out), __ATOMIC_RELAXED);
        fill(&in, n * 3000 + i);
        hold(&in, &out, 0, 0, 0, 0, 400000); /* others want the CPU */
        __atomic_add_fetch(&good[2], same(&in, &out), __ATOMIC_RELAXED);
        fill(&in, n * 4000 + i);
        hold(&in, &out, SYS_tkill, gettid(), SIGUSR1, 1, 100000);
        __atomic_add_fetch(&good[3], same(&in, &out), __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* Never touches a vector register: runs between the others. */
static void *plain(void *arg)
{
    (void)arg;
    while (!stop)
        syscall(SYS_sched_yield);
    return NULL;
}

static pthread_t workers[THREADS];

static void *pesters(void *arg)
{
    (void)arg;
    for (int i = 0; !stop; i++) {
        struct timespec t = {0, 300000};
        nanosleep(&t, NULL);
        pthread_kill(workers[i % THREADS], SIGUSR1);
    }
    return NULL;
}

/* ------------------------------------------------------------ the frame */

static uint32_t offset_of(int component)
{
    uint32_t a, b, c, d;
    __cpuid_count(13, component, a, b, c, d);
    return b;
}

static struct state wanted;

/* Puts wanted into the frame, and looks at the registers it begins with. */
static void edits(int signo, siginfo_t *info, void *context)
{
    struct state now, initial;
    (void)signo, (void)info;
    uint8_t *area = (uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
    uint64_t *present = (uint64_t *)(area + 512);
    (void)now, (void)initial;
    for (int i = 0; i < 16; i++)
        memcpy(area + 160 + 16 * i, wanted.z[i], 16);
    for (int i = 0; i < 8; i++)
        memcpy(area + 32 + 16 * i, &wanted.st[7 - i], 16);
    memcpy(area, &wanted.control, 2);
    memcpy(area + 24, &wanted.mxcsr, 4);
    if (avx) {
        for (int i = 0; i < 16; i++)
            memcpy(area + offset_of(2) + 16 * i, wanted.z[i] + 16, 16);
        *present |= 4;
    }
    if (avx512) {
        memcpy(area + offset_of(5), wanted.k, 64);
        for (int i = 0; i < 16; i++)
            memcpy(area + offset_of(6) + 32 * i, wanted.z[i] + 32, 32);
        memcpy(area + offset_of(7), wanted.z[16], 16 * 64);
        *present |= 0xe0;
    }
    handled++;
}

/* Takes the upper halves out of the frame: they become initial. */
static void clears(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)info;
    uint8_t *area = (uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
    *(uint64_t *)(area + 512) &= 3;
    handled++;
}

static uint32_t handler_mxcsr;
static uint16_t handler_control;
static uint64_t handler_xmm[2];

static void begins(int signo)
{
    (void)signo;
    __asm__ volatile("stmxcsr %0\nfstcw %1\nmovdqu %%xmm9, %2" : "=m"(handler_mxcsr), "=m"(handler_control), "=m"(handler_xmm));
}

static void *inherits(void *arg)
{
    uint32_t mxcsr;
    uint16_t control;
    (void)arg;
    __asm__ volatile("stmxcsr %0\nfstcw %1" : "=m"(mxcsr), "=m"(control));
    printf("new thread: mxcsr %x control %x\n", mxcsr, control);
    return NULL;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = scribble};
    pthread_t more[2];
    struct state in, out;
    avx = __builtin_cpu_supports("avx2") != 0;
    avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    sigaction(SIGUSR1, &sa, NULL);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&workers[i], NULL, worker, (void *)i);
    pthread_create(&more[0], NULL, plain, NULL);
    pthread_create(&more[1], NULL, pesters, NULL);
    while (ended < THREADS)
        sleep_ms(1);
    stop = 1;
    pthread_join(more[0], NULL);
    pthread_join(more[1], NULL); /* now no thread that is gone gets a signal */
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i], NULL);
    printf("kept over yields %d, sleeps %d, preemption %d, signals %d\n", good[0], good[1], good[2], good[3]);
    printf("handlers ran: %d\n", handled >= THREADS * ROUNDS);

    handled = 0;
    sa.sa_flags = SA_SIGINFO;
    sa.sa_sigaction = edits;
    sigaction(SIGUSR2, &sa, NULL);
    int right = 0;
    for (int i = 0; i < 20; i++) {
        fill(&in, i);
        fill(&wanted, 500 + i);
        hold(&in, &out, SYS_kill, getpid(), SIGUSR2, 1, 0);
        right += same(&wanted, &out);
    }
    printf("edits of the frame that arrived: %d of %d\n", right, handled);

    sa.sa_sigaction = clears;
    sigaction(SIGUSR2, &sa, NULL);
    fill(&in, 4);
    hold(&in, &out, SYS_kill, getpid(), SIGUSR2, 1, 0);
    for (int i = 0; i < 16; i++)
        memset(in.z[i] + 16, 0, 48);
    memset(in.z[16], 0, 1024);
    memset(in.k, 0, sizeof(in.k));
    printf("taken out of the frame: initial %d\n", same(&in, &out));

    sa.sa_flags = 0;
    sa.sa_handler = begins;
    sigaction(SIGUSR2, &sa, NULL);
    fill(&in, 3);
    in.mxcsr = 0xffc0, in.control = 0x27f;
    hold(&in, &out, SYS_kill, getpid(), SIGUSR2, 1, 0);
    printf("a handler begins with mxcsr %x control %x xmm9 %lx %lx\n", handler_mxcsr, handler_control, handler_xmm[0], handler_xmm[1]);
    printf("and after it all is back: %d\n", same(&in, &out));

    uint32_t mxcsr = 0x9f80;
    uint16_t control = 0x27f;
    __asm__ volatile("ldmxcsr %0\nfldcw %1" ::"m"(mxcsr), "m"(control));
    pthread_create(&more[0], NULL, inherits, NULL);
    pthread_join(more[0], NULL);
    return 0;
}
