/* SPDX-License-Identifier: BSD-2-Clause */
/* A misaligned access with the AC flag set: SIGBUS, BUS_ADRALN. */
/* accel: kvm, the check exists in ring 3 alone and TCG runs the program in ring 0 */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;

static void handler(int signo, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    int ac = r[REG_EFL] >> 18 & 1;
    __asm__ volatile("pushfq; andl $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
    printf("signal %d code %d address %s, trap %lld error %llx, AC %d\n", signo, info->si_code,
           info->si_addr ? "some" : "null", (long long)r[REG_TRAPNO], (unsigned long long)r[REG_ERR], ac);
    siglongjmp(back, 1);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    char bytes[64] __attribute__((aligned(16)));
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    for (int offset = 0; offset < 5; offset++) {
        printf("offset %d: ", offset);
        fflush(stdout);
        if (!sigsetjmp(back, 1)) {
            __asm__ volatile("sub $128, %%rsp; pushfq; orl $0x40000, (%%rsp); popfq; movl $1, (%0);"
                             "pushfq; andl $~0x40000, (%%rsp); popfq; add $128, %%rsp" ::"r"(bytes + offset) : "memory", "cc");
            printf("no signal\n");
        }
    }
    return 0;
}
