/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel may change hot `mov $nr, %eax; syscall` sites into something faster, as long as the program cannot tell: the
 * code it writes, reads back, moves and replaces is its own, and signals are reported at its own instructions.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define HOT 2000

extern char __executable_start[], etext[];
static const unsigned char template[] = {0x90, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3}; /* nop; mov; syscall; ret */
static unsigned char *page;
static volatile long inside, outside;

static void write_code(unsigned char *at, int nr)
{
    memcpy(at, template, sizeof(template));
    memcpy(at + 2, &nr, sizeof(nr));
}

static long call(void *code)
{
    return ((long (*)(void))code)();
}

static int all_give(void *code, long want)
{
    for (int i = 0; i < HOT; i++)
        if (call(code) != want)
            return 0;
    return 1;
}

static void check(const char *what, int ok)
{
    printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

static void on_alarm(int signo, siginfo_t *info, void *context)
{
    uintptr_t ip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

    if ((ip >= (uintptr_t)__executable_start && ip < (uintptr_t)etext) ||
        (ip >= (uintptr_t)page && ip < (uintptr_t)page + 4096))
        inside++;
    else
        outside++;
}

static void signals(void)
{
    struct sigaction sa = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};
    struct itimerval fast = {{0, 500}, {0, 500}}, off = {{0, 0}, {0, 0}};

    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &fast, NULL);
    while (inside + outside < 100)
        call(page);
    setitimer(ITIMER_REAL, &off, NULL);
    check("signals at the program's own instructions", outside == 0);
}

static void *caller(void *code)
{
    return (void *)(long)all_give(code, getpid());
}

static void threads(void)
{
    pthread_t t[4];
    void *ok;
    int all = 1;

    for (unsigned i = 0; i < 8; i++) { /* every alignment */
        unsigned char *code = page + 2048 + i * 65;

        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        write_code(code, SYS_getpid);
        mprotect(page, 4096, PROT_READ | PROT_EXEC);
        for (unsigned j = 0; j < 4; j++)
            pthread_create(&t[j], NULL, caller, code);
        for (unsigned j = 0; j < 4; j++) {
            pthread_join(t[j], &ok);
            all &= ok != NULL;
        }
    }
    check("threads", all);
}

static volatile long steps;

static void on_trap(int signo, siginfo_t *info, void *context)
{
    steps++;
}

/* Steps through a call of the site: nop, mov, syscall, ret are four traps in the code. */
static void stepping(void)
{
    struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    long result;

    sigaction(SIGTRAP, &sa, NULL);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n call *%1\n pushfq; andl $~0x100, (%%rsp); popfq"
                     : "=&a"(result)
                     : "r"(page)
                     : "rcx", "r11", "memory", "cc");
    check("single steps", result == getpid() && steps >= 5);
}

int main(void)
{
    unsigned char before[16];
    unsigned char *moved, *other;

    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    write_code(page, SYS_getpid);
    memcpy(before, page, sizeof(before));
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    check("hot site", all_give(page, getpid()));
    mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    check("its bytes, once writable", memcmp(before, page, sizeof(before)) == 0);
    write_code(page, SYS_getppid);
    check("another number written over it", all_give(page, getppid()));
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    check("and hot again", all_give(page, getppid()));

    other = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    moved = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, other);
    check("moved", moved == other && all_give(moved, getppid()));

    page = mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    write_code(page, SYS_getpid);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    check("other code at its old place", all_give(page, getpid()));
    /* A jump straight to the syscall instruction. */
    long result;
    __asm__ volatile("call *%1" : "=a"(result) : "r"(page + 6), "0"((long)SYS_getppid) : "rcx", "r11", "memory");
    check("entered behind its mov", result == getppid());
    /* Registers and flags that a system call keeps. */
    unsigned long flags;
    __asm__ volatile("mov $7, %%rdx; mov $8, %%r10; stc; call *%2; pushfq; pop %1; sub $7, %%rdx; sub $8, %%r10; or %%rdx, %%r10; mov %%r10, %0"
                     : "=&r"(result), "=&r"(flags)
                     : "r"(page)
                     : "rax", "rcx", "rdx", "r10", "r11", "memory", "cc");
    check("registers and flags kept", result == 0 && (flags & 1));
    signals();
    threads();
    stepping();
    check("after single steps", all_give(page, getpid()));
    syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1000);
    check("with a GS base of its own", all_give(page, getpid()));
    return 0;
}
