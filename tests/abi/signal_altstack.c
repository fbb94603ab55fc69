/* SPDX-License-Identifier: BSD-2-Clause */
/* sigaltstack(2): errors, use, nesting, SS_AUTODISARM, a stack overflow caught on it, and one too small for two frames. status: 139 */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <ucontext.h>

static char area[65536] __attribute__((aligned(64)));
static char other[65536];
static sigjmp_buf back;

static int on_area(void)
{
    char here;
    return &here >= area && &here < area + sizeof(area);
}

static void show_current(const char *what)
{
    stack_t now;
    sigaltstack(NULL, &now);
    printf("%s: at area %d flags %x size %zu\n", what, now.ss_sp == area, now.ss_flags, now.ss_size);
}

static void nested(int signo)
{
    printf("nested: on area %d\n", on_area());
}

static void handler(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    stack_t new = {.ss_sp = other, .ss_size = sizeof(other)};
    printf("handler: on area %d\n", on_area());
    printf("uc_stack: area %d flags %x size %zu\n", uc->uc_stack.ss_sp == area, uc->uc_stack.ss_flags, uc->uc_stack.ss_size);
    show_current("inside");
    SHOW(sigaltstack(&new, NULL));
    raise(SIGUSR2);
}

static void again(int signo)
{
    raise(SIGUSR2);
}

static void overflowed(int signo, siginfo_t *info, void *context)
{
    printf("overflow: signal %d code %d on area %d\n", signo, info->si_code, on_area());
    fflush(stdout);
    siglongjmp(back, 1);
}

__attribute__((noinline)) static int recurse(int n)
{
    volatile char fill[4096];
    fill[0] = (char)n;
    return recurse(n + 1) + fill[0];
}

static void set_handler(int signo, void *fn, int flags)
{
    struct sigaction sa = {.sa_flags = flags};
    sa.sa_handler = fn;
    sigaction(signo, &sa, NULL);
}

int main(void)
{
    stack_t s = {.ss_sp = area, .ss_size = 2047}, old;
    show_current("at first");
    SHOW(sigaltstack(&s, NULL));
    s.ss_size = 2048;
    SHOW(sigaltstack(BAD, NULL));
    SHOW(sigaltstack(NULL, BAD));
    SHOW(sigaltstack(NULL, NULL));
    s.ss_flags = 4;
    SHOW(sigaltstack(&s, NULL));
    s.ss_flags = SS_ONSTACK;
    s.ss_size = sizeof(area);
    SHOW(sigaltstack(&s, &old));
    printf("old flags %x size %zu\n", old.ss_flags, old.ss_size);
    show_current("SS_ONSTACK given");
    s.ss_flags = SS_DISABLE;
    s.ss_size = 5;
    SHOW(sigaltstack(&s, NULL));
    show_current("disabled");
    s.ss_flags = 0;
    s.ss_size = sizeof(area);
    SHOW(sigaltstack(&s, NULL));

    set_handler(SIGUSR1, handler, SA_SIGINFO | SA_ONSTACK);
    set_handler(SIGUSR2, nested, SA_ONSTACK);
    raise(SIGUSR1);
    set_handler(SIGUSR1, handler, SA_SIGINFO);
    puts("without SA_ONSTACK");
    raise(SIGUSR1);
    show_current("changed by the handler");

    s.ss_flags = (int)(1u << 31); /* SS_AUTODISARM */
    SHOW(sigaltstack(&s, NULL));
    show_current("autodisarm");
    set_handler(SIGUSR1, handler, SA_SIGINFO | SA_ONSTACK);
    raise(SIGUSR1);
    show_current("rearmed");

    s.ss_flags = 0;
    sigaltstack(&s, NULL);
    set_handler(SIGSEGV, overflowed, SA_SIGINFO | SA_ONSTACK);
    struct rlimit limit = {256 * 1024, 256 * 1024};
    setrlimit(RLIMIT_STACK, &limit);
    if (!sigsetjmp(back, 1))
        recurse(0);
    puts("recovered");
    fflush(stdout);

    /* The alternate stack cannot hold the frames of both signals: killed by SIGSEGV. */
    s.ss_size = 2048;
    sigaltstack(&s, NULL);
    set_handler(SIGUSR1, again, SA_ONSTACK);
    set_handler(SIGUSR2, again, SA_ONSTACK | SA_NODEFER);
    limit.rlim_cur = limit.rlim_max = 0;
    setrlimit(RLIMIT_CORE, &limit);
    raise(SIGUSR1);
    puts("not reached");
    return 0;
}
