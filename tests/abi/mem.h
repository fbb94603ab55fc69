/* SPDX-License-Identifier: BSD-2-Clause */
/* For the mem_* tests: mappings shown without addresses, and what an access to memory leads to. */
#ifndef ABI_MEM_H
#define ABI_MEM_H

#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define MB   (1ul << 20)
#define GB   (1ul << 30)

/* Raw mmap: "ok" when it gave an address (kept in *where), else the errno. */
static inline char *show_map(const char *what, void *address, size_t n, long prot, long flags, long fd, unsigned long offset)
{
    long r = syscall(SYS_mmap, address, n, prot, flags, fd, offset);
    if (r == -1)
        printf("%s: -1 %s\n", what, strerrorname_np(errno));
    else
        printf("%s: ok%s\n", what, address ? ((void *)r == address ? " there" : " elsewhere") : "");
    fflush(stdout);
    return r == -1 ? NULL : (char *)r;
}

static inline char *get(size_t n, int prot, int flags)
{
    char *p = mmap(NULL, n, prot, flags, -1, 0);
    if (p == MAP_FAILED) {
        printf("setup mmap failed: %s\n", strerrorname_np(errno));
        exit(9);
    }
    return p;
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static sigjmp_buf mem_jump;
static volatile int mem_signal, mem_code;
static void *volatile mem_address;

static void mem_handler(int signo, siginfo_t *info, void *context)
{
    mem_signal = signo;
    mem_code = info->si_code;
    mem_address = info->si_addr;
    siglongjmp(mem_jump, 1);
}

static inline void catch_faults(void)
{
    static char stack[64 * 1024];
    stack_t s = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction a = {.sa_sigaction = mem_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaltstack(&s, NULL);
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
}

/* "ok", or the signal with its code and whether the address is the one touched. */
static inline const char *touch(volatile char *p, char how)
{
    static char text[64];
    if (sigsetjmp(mem_jump, 1) == 0) {
        if (how == 'w')
            *p = 1;
        else if (how == 'x')
            ((void (*)(void))p)();
        else
            (void)*p;
        return "ok";
    }
    const char *code = mem_signal == SIGBUS ? (mem_code == BUS_ADRERR ? "ADRERR" : "other code")
                                            : mem_code == SEGV_MAPERR ? "MAPERR"
                                            : mem_code == SEGV_ACCERR ? "ACCERR" : "other code";
    snprintf(text, sizeof(text), "%s %s%s", mem_signal == SIGBUS ? "SIGBUS" : "SIGSEGV", code,
             mem_address == (void *)p ? "" : " at another address");
    return text;
}

#define TOUCH(p, how)                                                  \
    do {                                                               \
        printf("touch %s %c: %s\n", #p, how, touch((char *)(p), how)); \
        fflush(stdout);                                                \
    } while (0)

#endif
