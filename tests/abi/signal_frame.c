/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signal frame: where things lie in it, what they hold, that every register is restored and that what the handler
 * edits there takes effect: instruction pointer, registers, flags, vector state, mask.
 */
#include "abi.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

static volatile int step;

static void check_layout(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    char *fp = (char *)uc->uc_mcontext.fpregs;
    uint32_t *sw = (uint32_t *)(fp + 464);
    uint64_t here;
    __asm__ volatile("mov %%rsp, %0" : "=r"(here));
    printf("signo %d code %d pid own %d uid own %d\n", signo, info->si_code, info->si_pid == getpid(), info->si_uid == getuid());
    printf("uc_flags %lx link %p\n", uc->uc_flags, (void *)uc->uc_link);
    printf("info follows uc: %ld\n", (long)((char *)info - (char *)uc));
    printf("frame at %ld mod 16\n", (long)((uintptr_t)uc - 8) & 15);
    printf("fp at %ld mod 64, above the frame: %d\n", (long)((uintptr_t)fp & 63), fp > (char *)info);
    printf("magic1 %x, extended - size %d\n", sw[0], (int)(sw[1] - sw[4]));
    printf("features hold x87 and SSE: %d\n", (sw[2] & 3) == 3);
    printf("magic2 %x\n", *(uint32_t *)(fp + sw[4]));
    printf("xstate_bv has x87 and SSE: %d, compacted %d\n", (int)(*(uint64_t *)(fp + 512) & 3) == 3,
           (int)(*(uint64_t *)(fp + 520) != 0));
    printf("cs %llx ss %llx fs %llx gs %llx\n", (unsigned long long)r[REG_CSGSFS] & 0xffff,
           (unsigned long long)r[REG_CSGSFS] >> 48, (unsigned long long)(r[REG_CSGSFS] >> 32) & 0xffff,
           (unsigned long long)(r[REG_CSGSFS] >> 16) & 0xffff);
    printf("flags: IF %d reserved %d\n", (int)(r[REG_EFL] >> 9 & 1), (int)(r[REG_EFL] >> 1 & 1));
    printf("red zone kept: %d\n", (char *)r[REG_RSP] - 128 >= fp + sw[1]);
    printf("stack: flags %d size %zu\n", uc->uc_stack.ss_flags, uc->uc_stack.ss_size);
    printf("mask %lx\n", *(unsigned long *)&uc->uc_sigmask);
    step++;
}

/* The faulting instruction is two bytes long: skipped by the handler, which also changes registers. */
static void skip(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.gregs[REG_RBX] = 0x1111;
    uc->uc_mcontext.gregs[REG_R15] = 0x2222;
    uc->uc_mcontext.gregs[REG_EFL] |= 1 | 0x3000; /* carry; IOPL must not pass */
    /* xmm5 */
    uint64_t *xmm5 = (uint64_t *)((char *)uc->uc_mcontext.fpregs + 160 + 5 * 16);
    xmm5[0] = 0xdeadbeef;
    sigaddset(&uc->uc_sigmask, SIGWINCH);
}

static void scribble(int signo)
{
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm5, %%xmm5; pcmpeqd %%xmm15, %%xmm15; fninit; fld1; std; cld" ::
                         : "xmm0", "xmm5", "xmm15");
    step++;
}

static void no_fp(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uc->uc_mcontext.fpregs = NULL; /* all FP state becomes initial */
}

static void set_handler(int signo, void *handler, int flags)
{
    struct sigaction sa = {.sa_flags = flags};
    sa.sa_handler = handler;
    sigaction(signo, &sa, NULL);
}

int main(void)
{
    sigset_t set;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL); /* the flags are inherited through execve */
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGRTMIN + 5);
    sigprocmask(SIG_SETMASK, &set, NULL);
    set_handler(SIGUSR1, check_layout, SA_SIGINFO);
    raise(SIGUSR1);
    SHOW(step);

    /* All registers survive a handler, between two instructions that do not enter the kernel by a call. */
    set_handler(SIGUSR2, scribble, 0);
    uint64_t in[4] = {1, 2, 3, 4}, out[4], pid = getpid(), ok;
    __asm__ volatile("movdqu (%[in]), %%xmm0; movdqu 16(%[in]), %%xmm15; fldz; fldpi;"
                     "mov %[pid], %%rdi; mov $12, %%esi; mov $62, %%eax; mov $0x1234, %%rbx; mov $0x5678, %%r12; stc; syscall;"
                     "setc %b[ok]; cmp $0x1234, %%rbx; jne 1f; cmp $0x5678, %%r12; jne 1f; test %%eax, %%eax; jnz 1f; jmp 2f;"
                     "1: movb $9, %b[ok]; 2:"
                     "movdqu %%xmm0, (%[out]); movdqu %%xmm15, 16(%[out]); fstp %%st(0); fstp %%st(0)"
                     : [ok] "=&r"(ok)
                     : [in] "r"(in), [out] "r"(out), [pid] "r"(pid)
                     : "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "r11", "r12", "xmm0", "xmm15", "memory", "st");
    printf("carry kept and registers kept: %d\n", (int)(ok & 0xff));
    printf("xmm0 %lu %lu xmm15 %lu %lu\n", out[0], out[1], out[2], out[3]);
    SHOW(step);

    /* Edits: ud2 is skipped. */
    set_handler(SIGILL, skip, SA_SIGINFO);
    uint64_t rbx, r15, xmm5, flags;
    __asm__ volatile("pxor %%xmm5, %%xmm5; xor %%ebx, %%ebx; clc; ud2; pushfq; pop %[flags]; mov %%rbx, %[rbx]; mov %%r15, %[r15]; movq %%xmm5, %[xmm5]"
                     : [rbx] "=&r"(rbx), [r15] "=&r"(r15), [xmm5] "=&r"(xmm5), [flags] "=&r"(flags)
                     :
                     : "rbx", "r15", "xmm5", "memory");
    printf("rbx %lx r15 %lx xmm5 %lx carry %d iopl %d\n", rbx, r15, xmm5, (int)(flags & 1), (int)(flags >> 12 & 3));
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("mask edited: WINCH %d\n", sigismember(&set, SIGWINCH));

    set_handler(SIGURG, no_fp, SA_SIGINFO);
    uint32_t mxcsr = 0x9fc0, after; /* flush to zero, denormals are zero */
    uint16_t cw = 0x27f, cw_after;
    __asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(cw));
    raise(SIGURG);
    __asm__ volatile("stmxcsr %0; fstcw %1" : "=m"(after), "=m"(cw_after));
    printf("without fpstate: mxcsr %x cw %x\n", after, cw_after);

    /* MXCSR and the control word are restored as they were, and not what the handler had. */
    __asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(cw));
    raise(SIGUSR2);
    __asm__ volatile("stmxcsr %0; fstcw %1" : "=m"(after), "=m"(cw_after));
    printf("restored: mxcsr %x cw %x\n", after, cw_after);
    return 0;
}
