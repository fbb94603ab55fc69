/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters as Debian's libseccomp makes them: what it finds out about the kernel, lists of calls refused and allowed, arguments
 * compared in every way, in the plain form and as a binary tree. argv[1]: "deny" or "allow".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* dprintf() seeks. */
#define SAY(...)                                                                    \
    do {                                                                            \
        char line[200];                                                             \
        if (write(1, line, (size_t)snprintf(line, sizeof(line), __VA_ARGS__)) < 0) \
            _exit(9);                                                               \
    } while (0)

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
    SAY("SIGSYS of call %d\n", info->si_syscall);
}

static void try(const char *what, long nr, long a, long b, long c)
{
    errno = 0;
    long r = syscall(nr, a, b, c);
    SAY("%s(%ld, %ld, %ld): %s %s\n", what, a, b, c, r < 0 ? "-1" : "ok", r < 0 ? strerrorname_np(errno) : "");
}
#define TRY(name, a, b, c) try(#name, SYS_##name, a, b, c)

static void calls(void)
{
    TRY(getpgid, 0, 0, 0);
    TRY(getpgid, 1l << 32, 0, 0);
    TRY(lseek, 0, 7, SEEK_SET);
    TRY(lseek, 0, -1, SEEK_SET);
    TRY(lseek, 0, 1l << 40, SEEK_CUR);
    TRY(lseek, 0, 3, SEEK_END);
    TRY(fcntl, 1, F_GETFD, 0);
    TRY(fcntl, 1, F_SETFD, 1);
    TRY(fcntl, 1, F_DUPFD, 100);
    TRY(dup, 1, 0, 0);
    TRY(getuid, 0, 0, 0);
    TRY(sched_yield, 0, 0, 0);
    TRY(umask, 022, 0, 0);
    TRY(umask, 077, 0, 0);
    TRY(madvise, 0, 0, 4);
    TRY(alarm, 0, 0, 0);
    TRY(gettid, 0, 0, 0);
}

int main(int argc, char **argv)
{
    int allow = argc > 1 && !strcmp(argv[1], "allow");
    struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &sa, NULL);
    scmp_filter_ctx x = seccomp_init(allow ? SCMP_ACT_ERRNO(ENOTUNIQ) : SCMP_ACT_ALLOW);
    int error = !x;
#define RULE(action, name, ...) (error |= seccomp_rule_add(x, action, SCMP_SYS(name), __VA_ARGS__))
    if (allow) {
        RULE(SCMP_ACT_ALLOW, write, 1, SCMP_A0(SCMP_CMP_EQ, 1));
        RULE(SCMP_ACT_ALLOW, exit_group, 0);
        RULE(SCMP_ACT_ALLOW, rt_sigreturn, 0);
        RULE(SCMP_ACT_ALLOW, getpgid, 1, SCMP_A0_32(SCMP_CMP_EQ, 0));
        RULE(SCMP_ACT_ALLOW, lseek, 1, SCMP_A1(SCMP_CMP_LT, 100));
        RULE(SCMP_ACT_ALLOW, lseek, 2, SCMP_A1(SCMP_CMP_GE, 1ul << 40), SCMP_A2(SCMP_CMP_NE, SEEK_END));
        RULE(SCMP_ACT_ALLOW, fcntl, 1, SCMP_A1(SCMP_CMP_EQ, F_GETFD));
        RULE(SCMP_ACT_TRAP, fcntl, 1, SCMP_A1(SCMP_CMP_EQ, F_SETFD));
        RULE(SCMP_ACT_ALLOW, umask, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, 055, 0));
        RULE(SCMP_ACT_LOG, gettid, 0);
        for (int nr = 100; nr < 109; nr++)
            error |= seccomp_rule_add(x, SCMP_ACT_ALLOW, nr, 0);
    } else {
        RULE(SCMP_ACT_ERRNO(EL2HLT), getpgid, 1, SCMP_A0(SCMP_CMP_GT, 5));
        RULE(SCMP_ACT_ERRNO(EL3HLT), lseek, 1, SCMP_A1(SCMP_CMP_LE, 7));
        RULE(SCMP_ACT_ERRNO(EL3RST), fcntl, 1, SCMP_A2(SCMP_CMP_EQ, 100));
        RULE(SCMP_ACT_TRAP, dup, 0);
        RULE(SCMP_ACT_TRACE(3), getuid, 0);
        RULE(SCMP_ACT_ERRNO(ENOANO), umask, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, 070, 070));
    }
    printf("rules %s, arch %s\n", error ? "failed" : "made", seccomp_arch_native() == SCMP_ARCH_X86_64 ? "right" : "wrong");
    printf("optimize %d, log %d\n", seccomp_attr_set(x, SCMP_FLTATR_CTL_OPTIMIZE, allow ? 2 : 1), seccomp_attr_set(x, SCMP_FLTATR_CTL_LOG, 1));
    printf("synchronise %d\n", seccomp_attr_set(x, SCMP_FLTATR_CTL_TSYNC, 1));
    fflush(stdout);
    printf("load %d\n", seccomp_load(x));
    fflush(stdout);
    calls();
    _exit(0);
}
