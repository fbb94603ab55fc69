/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a handler may leave in its frame: rt_sigreturn(2) with edited instruction and stack pointers, flags, selectors, mask,
 * and vector state; frames that cannot be restored become SIGSEGV, which is caught on the alternate stack.
 */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static void (*edit)(ucontext_t *uc);
static char *nowhere;
static volatile uint64_t seen_flags;

static void on_fault(int signo, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("signal %d code %d address %s, trap %lld, at %s\n", signo, info->si_code,
           info->si_addr == nowhere ? "nowhere" : info->si_addr ? "some" : "null", (long long)r[REG_TRAPNO],
           r[REG_RIP] == (greg_t)nowhere ? "nowhere" : r[REG_RIP] == (greg_t)0x8000000000001234 ? "non-canonical" : "code");
    fflush(stdout);
    siglongjmp(back, 1);
}

static void on_usr1(int signo, siginfo_t *info, void *context)
{
    edit(context);
}

static uint32_t *fp_words(ucontext_t *uc)
{
    return (uint32_t *)uc->uc_mcontext.fpregs;
}

static void to_nowhere(ucontext_t *uc) { uc->uc_mcontext.gregs[REG_RIP] = (greg_t)nowhere; }
static void to_non_canonical(ucontext_t *uc) { uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000001234; }
static void no_code_selector(ucontext_t *uc) { ((uint16_t *)&uc->uc_mcontext.gregs[REG_CSGSFS])[0] = 0; }
static void data_as_code(ucontext_t *uc) { ((uint16_t *)&uc->uc_mcontext.gregs[REG_CSGSFS])[0] = 0x2b; }
static void code_without_rpl(ucontext_t *uc) { ((uint16_t *)&uc->uc_mcontext.gregs[REG_CSGSFS])[0] = 0x30; }
static void other_data_selectors(ucontext_t *uc)
{
    ((uint16_t *)&uc->uc_mcontext.gregs[REG_CSGSFS])[1] = 0x2b; /* GS and FS are not looked at */
    ((uint16_t *)&uc->uc_mcontext.gregs[REG_CSGSFS])[2] = 0x2b;
}
static void all_flags(ucontext_t *uc) { uc->uc_mcontext.gregs[REG_EFL] |= 0x3f7000 & ~0x100 & ~0x40000; }
static void direction(ucontext_t *uc) { uc->uc_mcontext.gregs[REG_EFL] |= 0x400; }
static void no_interrupts(ucontext_t *uc) { uc->uc_mcontext.gregs[REG_EFL] &= ~0x202; }
static void single_step(ucontext_t *uc) { uc->uc_mcontext.gregs[REG_EFL] |= 0x100; }
static void block_all(ucontext_t *uc) { memset(&uc->uc_sigmask, 0xff, 8); }
static void other_flags(ucontext_t *uc) { uc->uc_flags = 0; }
static void own_link(ucontext_t *uc) { uc->uc_link = (void *)0x1234; }
static void no_fp(ucontext_t *uc) { uc->uc_mcontext.fpregs = NULL; }
static void fp_unmapped(ucontext_t *uc) { uc->uc_mcontext.fpregs = (void *)nowhere; }
static void fp_non_canonical(ucontext_t *uc) { uc->uc_mcontext.fpregs = (void *)0x8000000000000000; }
static void fp_kernel(ucontext_t *uc) { uc->uc_mcontext.fpregs = (void *)0x680000001000; }
static void fp_misaligned(ucontext_t *uc) { uc->uc_mcontext.fpregs = (void *)((char *)uc->uc_mcontext.fpregs + 4); }
static void bad_magic1(ucontext_t *uc) { fp_words(uc)[464 / 4] ^= 1; }
static void bad_magic2(ucontext_t *uc)
{
    uint32_t size = fp_words(uc)[464 / 4 + 4];
    *(uint32_t *)((char *)uc->uc_mcontext.fpregs + size) ^= 1;
}
static void bad_size(ucontext_t *uc) { fp_words(uc)[464 / 4 + 4] = 100; }
static void huge_size(ucontext_t *uc) { fp_words(uc)[464 / 4 + 4] = 1 << 30; }
static void bad_mxcsr(ucontext_t *uc) { fp_words(uc)[24 / 4] = 0xffff0000; }
static void unknown_state(ucontext_t *uc) { *(uint64_t *)((char *)uc->uc_mcontext.fpregs + 512) |= 1ull << 62; }
static void compacted(ucontext_t *uc) { *(uint64_t *)((char *)uc->uc_mcontext.fpregs + 520) = 1ull << 63; }
static void header_garbage(ucontext_t *uc) { *(uint64_t *)((char *)uc->uc_mcontext.fpregs + 528) = 1; }
static void no_state(ucontext_t *uc) { *(uint64_t *)((char *)uc->uc_mcontext.fpregs + 512) = 0; }
static void no_features(ucontext_t *uc) { *(uint64_t *)((char *)uc->uc_mcontext.fpregs + 472) = 0; }
static void only_sse(ucontext_t *uc) { *(uint64_t *)((char *)uc->uc_mcontext.fpregs + 512) = 2; }
static void new_xmm(ucontext_t *uc) { fp_words(uc)[160 / 4 + 5 * 4] = 0x77; }

/* Raises SIGUSR1 with known registers; shows what is different afterwards. */
static void run(const char *what, void (*how)(ucontext_t *))
{
    uint32_t mxcsr = 0x1fa0, mxcsr_after, default_mxcsr = 0x1f80;
    uint16_t cw = 0x27f, cw_after;
    uint64_t in[2] = {0x1111, 0x2222}, out[2], flags;
    sigset_t set;
    edit = how;
    printf("%s: ", what);
    fflush(stdout);
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile("fninit; ldmxcsr %[mxcsr]; fldcw %[cw]; movdqu (%[in]), %%xmm5;"
                         "mov %[pid], %%rdi; mov $10, %%esi; mov $62, %%eax; syscall;" /* kill(pid, SIGUSR1) */
                         "pushfq; pop %[flags]; cld; movdqu %%xmm5, (%[out]); stmxcsr %[mxcsr_after]; fstcw %[cw_after]"
                         : [flags] "=&r"(flags), [mxcsr_after] "=m"(mxcsr_after), [cw_after] "=m"(cw_after)
                         : [mxcsr] "m"(mxcsr), [cw] "m"(cw), [in] "r"(in), [out] "r"(out), [pid] "r"((long)getpid())
                         : "rax", "rcx", "rdi", "rsi", "r11", "xmm5", "memory", "cc");
        printf("mxcsr %x cw %x xmm %lx %lx flags %lx", mxcsr_after, cw_after, out[0], out[1], flags & ~0x8d5ul);
        sigprocmask(SIG_BLOCK, NULL, &set);
        printf(" mask %lx\n", *(unsigned long *)&set);
    }
    __asm__ volatile("fninit; ldmxcsr %0" ::"m"(default_mxcsr));
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static void set_handler(int signo, void *handler, int flags)
{
    struct sigaction sa = {.sa_flags = flags | SA_SIGINFO};
    sa.sa_handler = handler;
    sigaction(signo, &sa, NULL);
}

struct kernel_action {
    unsigned long handler, flags, restorer, mask;
};

/* Frames that cannot be made. */
static void frames(void)
{
    struct kernel_action plain = {.handler = (unsigned long)on_usr1, .flags = SA_SIGINFO};
    printf("no restorer: ");
    fflush(stdout);
    SHOW(syscall(SYS_rt_sigaction, SIGUSR2, &plain, NULL, 8));
    if (!sigsetjmp(back, 1))
        raise(SIGUSR2);
    printf("handler at nowhere: ");
    fflush(stdout);
    set_handler(SIGUSR2, nowhere, 0);
    if (!sigsetjmp(back, 1))
        raise(SIGUSR2);
    set_handler(SIGUSR2, on_usr1, 0);
    static const char *const names[] = {"nowhere", "non-canonical", "null", "kernel", "read-only", "end"};
    char *ro = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long stacks[] = {(unsigned long)nowhere + 2048, 0x8000000000001000, 8, 0x680000100000, (unsigned long)ro + 65536, -8ul};
    for (int i = 0; i < 6; i++) {
        printf("stack pointer %s: ", names[i]);
        fflush(stdout);
        if (!sigsetjmp(back, 1))
            __asm__ volatile("mov %%rsp, %%r12; mov %[stack], %%rsp; mov $62, %%eax; syscall; mov %%r12, %%rsp"
                             : : [stack] "r"(stacks[i]), "D"((long)getpid()), "S"(12l) : "rax", "rcx", "r11", "r12", "memory");
    }
    printf("sigreturn from nowhere: ");
    fflush(stdout);
    if (!sigsetjmp(back, 1))
        __asm__ volatile("mov %%rsp, %%r12; mov %[stack], %%rsp; mov $15, %%eax; syscall; mov %%r12, %%rsp"
                         : : [stack] "r"(stacks[0]) : "rax", "rcx", "r11", "r12", "memory");
}

int main(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    nowhere = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&alternate, NULL);
    set_handler(SIGSEGV, on_fault, SA_ONSTACK | SA_NODEFER);
    set_handler(SIGBUS, on_fault, SA_ONSTACK | SA_NODEFER);
    set_handler(SIGTRAP, on_fault, SA_ONSTACK | SA_NODEFER);
    set_handler(SIGUSR1, on_usr1, 0);
#define RUN(how) run(#how, how)
    RUN(to_nowhere);
    RUN(to_non_canonical);
    RUN(no_code_selector);
    RUN(data_as_code);
    RUN(code_without_rpl);
    RUN(other_data_selectors);
    RUN(all_flags);
    RUN(direction);
    RUN(no_interrupts);
    RUN(single_step);
    RUN(block_all);
    RUN(other_flags);
    RUN(own_link);
    RUN(new_xmm);
    RUN(no_fp);
    RUN(fp_unmapped);
    RUN(fp_non_canonical);
    RUN(fp_kernel);
    RUN(fp_misaligned);
    RUN(bad_magic1);
    RUN(bad_magic2);
    RUN(bad_size);
    RUN(huge_size);
    RUN(bad_mxcsr);
    RUN(unknown_state);
    RUN(compacted);
    RUN(header_garbage);
    RUN(no_state);
    RUN(no_features);
    RUN(only_sse);
    frames();
    return 0;
}
