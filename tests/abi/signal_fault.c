/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults as signals: si_code and si_addr, trap number, error code and address in the context, recovery by siglongjmp. */
#include "abi.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile char *expected;

static void handler(int signo, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const char *where = info->si_addr == (void *)expected ? "as expected"
                        : info->si_addr == (void *)r[REG_RIP] ? "the instruction" : info->si_addr ? "elsewhere" : "null";
    printf("  signal %d code %d address %s, trap %lld error %llx, cr2 %s\n", signo, info->si_code, where,
           (long long)r[REG_TRAPNO], (unsigned long long)r[REG_ERR],
           r[REG_TRAPNO] != 14 ? "-" : r[REG_CR2] == (greg_t)expected ? "as expected" : "elsewhere");
    fflush(stdout);
    siglongjmp(back, 1);
}

#define TRY(what, address, code)                  \
    do {                                          \
        expected = (volatile char *)(address);    \
        printf("%s\n", what);                     \
        if (!sigsetjmp(back, 1)) {                \
            code;                                 \
            printf("  no signal\n");              \
        }                                         \
    } while (0)

int main(void)
{
    int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    for (int i = 0; i < 5; i++)
        sigaction(signals[i], &sa, NULL);

    char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data[0] = (char)0xc3;
    TRY("read null", 0, (void)*(volatile char *)0);
    TRY("write 8", 8, *(volatile char *)8 = 1);
    TRY("read PROT_NONE", none + 7, (void)*(volatile char *)(none + 7));
    TRY("write PROT_NONE", none + 7, *(volatile char *)(none + 7) = 1);
    TRY("write read-only, untouched", readonly + 9, *(volatile char *)(readonly + 9) = 1);
    TRY("write read-only, present", readonly + 9, (void)*(volatile char *)readonly; *(volatile char *)(readonly + 9) = 1);
    TRY("execute data", data, ((void (*)(void))data)());
    TRY("execute null", 0, ((void (*)(void))0)());
    munmap(none, 4096);
    TRY("read unmapped", none, (void)*(volatile char *)none);
    TRY("non-canonical", 0, (void)*(volatile char *)0x8000000000000000);
    TRY("kernel half", 0xffff800000000000, (void)*(volatile char *)0xffff800000000000);
    TRY("divide by zero", 0, __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx" ::: "rax", "rcx", "rdx"));
    TRY("divide overflow", 0, __asm__ volatile("mov $5, %%edx; mov $2, %%ecx; div %%ecx" ::: "rax", "rcx", "rdx"));
    TRY("ud2", 0, __asm__ volatile("ud2"));
    TRY("int3", 0, __asm__ volatile("int3"));
    uint16_t cw = 0x37f & ~4;
    TRY("x87 divide by zero", 0, __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(cw)));
    __asm__ volatile("fninit");
    TRY("single step", 0, __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::: "memory"));

    int fd = syscall(SYS_memfd_create, "x", 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    TRY("beyond the end of a file", map + 5, (void)*(volatile char *)(map + 5));
    ftruncate(fd, 100);
    TRY("inside", map + 5, (void)*(volatile char *)(map + 5));
    TRY("second page", map + 4096, *(volatile char *)(map + 4096) = 1);

    /* A handler that repairs the cause: the instruction runs again. */
    printf("done\n");
    return 0;
}
