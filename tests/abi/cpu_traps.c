/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU tells a program: exceptions as signals with code, trap number and address; registers across
 * system calls; the red zone.
 */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile int count, last_signal, last_code;
static volatile long last_trap, last_error;
static volatile uintptr_t last_address, resume;
static volatile int jump;
static sigjmp_buf back;

static void handler(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    count++;
    last_signal = signo;
    last_code = info->si_code;
    last_trap = uc->uc_mcontext.gregs[REG_TRAPNO];
    last_error = uc->uc_mcontext.gregs[REG_ERR];
    last_address = (uintptr_t)info->si_addr;
    if (jump)
        siglongjmp(back, 1);
    if (resume)
        uc->uc_mcontext.gregs[REG_RIP] = resume;
}

static void report(const char *what)
{
    printf("%s: %d times, signal %d code %d trap %ld error %ld\n", what, count, last_signal, last_code, last_trap,
           last_error);
    fflush(stdout);
    count = 0;
    resume = 0;
}

#define TRY(what, ...)                                                                                         \
    do {                                                                                                       \
        __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, %0" : "=m"(resume) : : "rax");                       \
        __asm__ volatile(__VA_ARGS__);                                                                         \
        report(what);                                                                                          \
    } while (0)

static void exceptions(void)
{
    TRY("divide by zero", "xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; div %%ecx; 1:" : : : "rax", "rcx", "rdx");
    TRY("divide overflow", "mov $1, %%ecx; xor %%eax, %%eax; mov $5, %%edx; div %%ecx; 1:" : : : "rax", "rcx", "rdx");
    TRY("ud2", "ud2; 1:" : : : "memory");
    TRY("int3", "int3; 1:" : : : "memory");
    TRY("load from a non-canonical address", "movabs $0x8000000000000000, %%rax; mov (%%rax), %%rax; 1:" : : : "rax");
    TRY("jump to a non-canonical address", "movabs $0x8000000000000000, %%rax; jmp *%%rax; 1:" : : : "rax");
    TRY("load from page 0", "mov 0x10, %%rax; 1:" : : : "rax");
    printf("  address %#lx\n", (long)last_address);
    TRY("store to page 0", "mov %%rax, 0x18; 1:" : : : "memory");
    TRY("call of page 0", "mov $0x20, %%eax; jmp *%%rax; 1:" : : : "rax");
    TRY("store to the code", "movb $0, 1f(%%rip); 1:" : : : "memory");
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(unsigned char *)data = 0xc3;
    TRY("execution of data", "jmp *%0; 1:" : : "r"(data) : "memory");
}

static void bad_handler(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
}

/* The saved RIP is made impossible: the fault comes on the way back to the program. */
static void bad_return(void)
{
    struct sigaction sa = {.sa_sigaction = bad_handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &sa, NULL);
    jump = 1;
    if (sigsetjmp(back, 1) == 0)
        raise(SIGUSR1);
    jump = 0;
}

/* RCX and R11 after a call; flags; the words below the stack pointer. */
static void system_call(void)
{
    unsigned long rcx, r11, here, flags, red, rest;
    __asm__ volatile("movq $0x1234567, -8(%%rsp)\n"
                     "movq $0x89abcde, -128(%%rsp)\n"
                     "mov $0x1111, %%r8; mov $0x2222, %%r9; mov $0x3333, %%r10\n"
                     "mov $0x4444, %%rdi; mov $0x5555, %%rsi; mov $0x6666, %%rdx\n"
                     "mov $9999, %%eax\n" /* no such call */
                     "stc\n"
                     "syscall\n"
                     "1: lea 1b(%%rip), %%r12\n"
                     "mov -8(%%rsp), %%r13\n"
                     "add -128(%%rsp), %%r13\n"
                     "setc %%r14b\n"
                     "lea (%%r8,%%r9), %%r15; add %%r10, %%r15; add %%rdi, %%r15; add %%rsi, %%r15; add %%rdx, %%r15\n"
                     "mov %%rcx, %0; mov %%r11, %1; mov %%r12, %2; mov %%r13, %3; mov %%r15, %4\n"
                     : "=m"(rcx), "=m"(r11), "=m"(here), "=m"(red), "=m"(rest)
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
    __asm__ volatile("stc; mov $39, %%eax; syscall; pushfq; pop %0" : "=r"(flags) : : "rax", "rcx", "r11", "cc");
    printf("rcx is the address after syscall: %d, r11 has carry: %lu, red zone %#lx, others %#lx\n", rcx == here, r11 & 1,
           red, rest);
    printf("carry survives: %lu, interrupts on: %lu\n", flags & 1, flags >> 9 & 1);
}

int main(void)
{
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    sigaltstack(&ss, NULL);
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int signals[] = {SIGFPE, SIGILL, SIGTRAP, SIGSEGV, SIGBUS};
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &sa, NULL);
    exceptions();
    bad_return();
    report("return to a non-canonical address");
    system_call();
    return 0;
}
