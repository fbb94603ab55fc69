/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmasked SSE exceptions as SIGFPE with the code of the first flagged one. */
/* accel: kvm, QEMU's TCG raises no SSE exceptions */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;

static void handler(int signo, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("  signal %d code %d at the instruction %d, trap %lld\n", signo, info->si_code,
           info->si_addr == (void *)r[REG_RIP], (long long)r[REG_TRAPNO]);
    fflush(stdout);
    siglongjmp(back, 1);
}

static void divide(const char *what, uint32_t unmasked, float a, float b)
{
    uint32_t mxcsr = 0x1f80 & ~unmasked;
    puts(what);
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile("ldmxcsr %0; divss %2, %1" ::"m"(mxcsr), "x"(a), "x"(b));
        puts("  no signal");
    }
    mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGFPE, &sa, NULL);
    divide("invalid", 0x80, 0, 0);
    divide("divide by zero", 0x200, 1, 0);
    divide("overflow", 0x400, 3e38f, 1e-30f);
    divide("underflow", 0x800, 1e-38f, 3e38f);
    divide("inexact", 0x1000, 1, 3);
    divide("masked", 0, 1, 0);
    return 0;
}
