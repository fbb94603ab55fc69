/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers at a program's first instruction, without a C library.
 * flags: -nostdlib -fno-stack-protector -fno-pie -no-pie
 */
#include <asm/unistd.h>

/* RSP, then the others in the order in which _start pushes them, then RFLAGS, MXCSR, x87 control word, DF. */
unsigned long saved[18];
unsigned mxcsr;
unsigned short control;
unsigned char vector[16];

__asm__(".globl _start\n"
        "_start:\n"
        "mov %rsp, saved(%rip)\n"
        "mov %rax, saved+8(%rip)\n"
        "mov %rbx, saved+16(%rip)\n"
        "mov %rcx, saved+24(%rip)\n"
        "mov %rdx, saved+32(%rip)\n"
        "mov %rsi, saved+40(%rip)\n"
        "mov %rdi, saved+48(%rip)\n"
        "mov %rbp, saved+56(%rip)\n"
        "mov %r8, saved+64(%rip)\n"
        "mov %r9, saved+72(%rip)\n"
        "mov %r10, saved+80(%rip)\n"
        "mov %r11, saved+88(%rip)\n"
        "mov %r12, saved+96(%rip)\n"
        "mov %r13, saved+104(%rip)\n"
        "mov %r14, saved+112(%rip)\n"
        "mov %r15, saved+120(%rip)\n"
        "stmxcsr mxcsr(%rip)\n"
        "fnstcw control(%rip)\n"
        "movdqu %xmm7, vector(%rip)\n"
        "pushfq\n"
        "pop saved+128(%rip)\n"
        "call report\n");

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static void print(const char *name, unsigned long value)
{
    char line[64];
    int n = 0;
    while (*name)
        line[n++] = *name++;
    for (int shift = 60; shift >= 0; shift -= 4)
        line[n++] = "0123456789abcdef"[value >> shift & 15];
    line[n++] = '\n';
    call(__NR_write, 1, (long)line, n);
}

void report(void);
__attribute__((used)) void report(void)
{
    static const char *const names[] = {"rax ", "rbx ", "rcx ", "rdx ", "rsi ", "rdi ", "rbp ", "r8  ",
                                        "r9  ", "r10 ", "r11 ", "r12 ", "r13 ", "r14 ", "r15 "};
    print("rsp mod 16 ", saved[0] & 15);
    print("argc ", *(unsigned long *)saved[0]);
    for (int i = 0; i < 15; i++)
        print(names[i], saved[i + 1]);
    print("flags ", saved[16] & ~0x202ul);
    print("mxcsr ", mxcsr);
    print("x87 control ", control);
    unsigned long sum = 0;
    for (int i = 0; i < 16; i++)
        sum += vector[i];
    print("xmm7 ", sum);
    unsigned long fs = 1, gs = 1;
    call(__NR_arch_prctl, 0x1003, (long)&fs, 0);
    call(__NR_arch_prctl, 0x1004, (long)&gs, 0);
    print("fs base ", fs);
    print("gs base ", gs);
    call(__NR_exit_group, 0, 0, 0);
}
