/* SPDX-License-Identifier: BSD-2-Clause */
/* Seccomp filters: what is refused, each action that leaves the program alive, chains, threads. flags: -pthread cpus: 4 */
#include <pthread.h>
#include <signal.h>
#include <sys/ucontext.h>
#include "seccomp.h"

static void status(const char *when)
{
    char line[256];
    FILE *f = fopen("/proc/thread-self/status", "r");
    printf("%s:", when);
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10)) {
            line[strcspn(line, "\n")] = 0;
            printf(" %s", line);
        }
    if (f)
        fclose(f);
    printf(" mode %d\n", prctl(PR_GET_SECCOMP));
}

static void errors(void)
{
    struct sock_filter allow[] = {RETURN(SECCOMP_RET_ALLOW)};
    struct sock_fprog none = {0, allow}, bad = {1, (void *)0x10}, far = {4097, allow};
    struct seccomp_notif_sizes sizes;
    static const uint32_t actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
                                       SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW,
                                       SECCOMP_RET_ERRNO | 1, 0x12340000};
    SHOW(seccomp(99, 0, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_STRICT, 0, &none));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 1u << 30, &bad));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, &bad));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC_ESRCH, NULL));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 0, &none));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 0, &far));
    SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 0, &bad));
    SHOW(prctl(PR_SET_SECCOMP, 0, NULL));
    SHOW(prctl(PR_SET_SECCOMP, 3, NULL));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &none));
    for (size_t i = 0; i < COUNT(actions); i++)
        CALL("GET_ACTION_AVAIL", seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&actions[i]));
    SHOW(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, (void *)actions));
    SHOW(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, BAD));
    SHOW(seccomp(SECCOMP_GET_NOTIF_SIZES, 1, &sizes));
    SHOW(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, BAD));
    SHOW(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
    printf("sizes %u %u %u\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
}

/* Programs that the checker has to refuse, or to take. */
static void programs(void)
{
#define TRY(what, ...)                                                                      \
    do {                                                                                    \
        struct sock_filter f[] = {__VA_ARGS__, RETURN(SECCOMP_RET_ALLOW)};                  \
        CALL(what, install(f, COUNT(f), 0));                                                \
    } while (0)
    TRY("unaligned load", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2));
    TRY("load behind the end", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)));
    TRY("last word", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data) - 4));
    TRY("ancillary load", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF));
    TRY("half word", BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0));
    TRY("byte", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0));
    TRY("indirect load", BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0));
    TRY("header length", BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0));
    TRY("length", BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0));
    TRY("immediate", BPF_STMT(BPF_LD | BPF_IMM, 5), BPF_STMT(BPF_LDX | BPF_IMM, 7));
    TRY("divide by 0", BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0));
    TRY("modulo", BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3));
    TRY("shift by 31", BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 31));
    TRY("shift by 32", BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32));
    TRY("shift right by 32", BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32));
    TRY("arithmetic", BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1));
    TRY("unwritten scratch", BPF_STMT(BPF_LD | BPF_MEM, 0));
    TRY("written scratch", BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3));
    TRY("scratch 16", BPF_STMT(BPF_ST, 16));
    TRY("written on one way only", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LDX | BPF_MEM, 1));
    TRY("written on both", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), BPF_STMT(BPF_ST, 1), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
        BPF_STMT(BPF_STX, 1), BPF_STMT(BPF_LDX | BPF_MEM, 1));
    TRY("jump out", BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
    TRY("jump back", BPF_JUMP(BPF_JMP | BPF_JA, (uint32_t)-1, 0, 0));
    TRY("branch out", BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0));
    TRY("other branch out", BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0, 0, 200));
    TRY("unknown code", BPF_STMT(0xff, 0));
    TRY("unknown mode", BPF_STMT(BPF_LD | 0xe0, 0));
    TRY("wide code", BPF_STMT(0x100 | BPF_LD | BPF_IMM, 0));
    TRY("dead code", RETURN(SECCOMP_RET_ALLOW), BPF_STMT(BPF_LD | BPF_IMM, 0));
    TRY("return X", BPF_STMT(BPF_RET | BPF_X, 0));
    struct sock_filter no_return[] = {LOAD(nr)};
    CALL("no return", install(no_return, 1, 0));
#undef TRY
}

static volatile int trapped, again;

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    printf("signal %d code %d errno %d call %d arch %#x, ip %s, rax is the call %d, blocked %d\n", signo, info->si_code, info->si_errno,
           info->si_syscall, info->si_arch, info->si_call_addr == (void *)u->uc_mcontext.gregs[REG_RIP] ? "right" : "wrong",
           u->uc_mcontext.gregs[REG_RAX] == info->si_syscall, sigismember(&u->uc_sigmask, SIGSYS));
    fflush(stdout);
    trapped++;
    u->uc_mcontext.gregs[REG_RAX] = 4711; /* what user-space emulation of a call does */
}

/* Many times through one site, so that it becomes a jump: the filter stays in the way. */
static void hot_site(void)
{
    long wrong = 0;
    for (int i = 0; i < 2000; i++)
        wrong += syscall(SYS_getppid) != -1 || errno != EXDEV;
    printf("getppid refused each time: %d\n", wrong == 0);
    wrong = 0;
    for (int i = 0; i < 2000; i++)
        wrong += getpgid(i & 1) == -1 ? (i & 1) == 0 || errno != ELOOP : (i & 1) != 0;
    printf("getpgid refused by its argument: %d\n", wrong == 0);
}

static void actions(void)
{
    struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &sa, NULL);
    SHOW(rule(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV, 0));
    SHOW(rule_argument(SYS_getpgid, 1, SECCOMP_RET_ERRNO | ELOOP, 0));
    status("two more filters");
    SHOW(syscall(SYS_getppid));
    hot_site();
    SHOW(rule(SYS_getuid, SECCOMP_RET_ERRNO, 0));
    SHOW(syscall(SYS_getuid));
    SHOW(rule(SYS_getgid, SECCOMP_RET_ERRNO | 4095, 0));
    CALL("errno 4095", (syscall(SYS_getgid), errno == 4095));
    SHOW(rule(SYS_setuid, SECCOMP_RET_ERRNO | 5000, 0));
    CALL("errno 5000 is cut", (syscall(SYS_setuid, 0), errno == 4095));
    SHOW(rule(SYS_geteuid, SECCOMP_RET_TRAP | 77, 0));
    SHOW(syscall(SYS_geteuid));
    SHOW(rule(SYS_getegid, SECCOMP_RET_TRACE | 1, 0));
    SHOW(syscall(SYS_getegid));
    SHOW(rule(SYS_setgid, SECCOMP_RET_USER_NOTIF, 0));
    SHOW(syscall(SYS_setgid, 0));
    SHOW(rule(SYS_getpgrp, SECCOMP_RET_LOG, SECCOMP_FILTER_FLAG_LOG));
    SHOW(syscall(SYS_getpgrp) > 0);
    SHOW(rule(5000, SECCOMP_RET_ERRNO | EDOM, 0));
    SHOW(syscall(5000));
    /* The strongest action wins, whichever filter is newer; of equals the newest. */
    SHOW(rule(SYS_getppid, SECCOMP_RET_TRAP | 5, 0));
    SHOW(syscall(SYS_getppid));
    SHOW(rule(SYS_getppid, SECCOMP_RET_ALLOW, 0));
    SHOW(syscall(SYS_getppid));
    SHOW(rule(SYS_getppid, SECCOMP_RET_TRAP | 6, 0));
    SHOW(syscall(SYS_getppid));
    status("all filters");
    SHOW(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

/* A filter sees all of each argument and where the call comes from. */
static void data(void)
{
    struct sock_filter f[] = {
        LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sync_file_range, 1, 0), RETURN(SECCOMP_RET_ALLOW),
        LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), RETURN(SECCOMP_RET_ERRNO | 1),
        LOAD(args[1]), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x89abcdef, 1, 0), RETURN(SECCOMP_RET_ERRNO | 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x01234567, 1, 0), RETURN(SECCOMP_RET_ERRNO | 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_STMT(BPF_LDX | BPF_MEM, 0), BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 0),
        RETURN(SECCOMP_RET_ERRNO | 4),
        /* (args[2] / 3 << args[5]) - 1, by way of X */
        LOAD(args[5]), BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD(args[2]), BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff), BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0),
    };
    SHOW(install(f, COUNT(f), 0));
    SHOW(syscall(SYS_sync_file_range, 9, 0x89abcdefl, 30, 0, 0, 2));
    SHOW(syscall(SYS_sync_file_range, 9, 0x0123456789abcdeel, 30, 0, 0, 2));
    SHOW(syscall(SYS_sync_file_range, 9, 0x0123456789abcdefl, 30, 0, 0, 2));
    CALL("shift by 33", syscall(SYS_sync_file_range, 9, 0x0123456789abcdefl, 30, 0, 0, 33));
}

static pthread_barrier_t start, end;
static volatile int sees;
static int its_tid;

static void *follower(void *arg)
{
    its_tid = (int)syscall(SYS_gettid);
    pthread_barrier_wait(&start);
    pthread_barrier_wait(&end);
    errno = 0;
    syscall(SYS_getsid, 0);
    sees = errno;
    return arg;
}

static void *apart(void *arg)
{
    its_tid = (int)syscall(SYS_gettid);
    rule(SYS_acct, SECCOMP_RET_ERRNO | 1, 0); /* its own, so the others cannot have it follow */
    return follower(arg);
}

static void *unprivileged(void *arg)
{
    SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
    SHOW(rule(SYS_acct, SECCOMP_RET_ERRNO | 1, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(rule(SYS_acct, SECCOMP_RET_ERRNO | 1, 0));
    SHOW(syscall(SYS_acct, NULL));
    return arg;
}

static void *killed(void *arg)
{
    rule(SYS_times, SECCOMP_RET_KILL_THREAD, 0);
    syscall(SYS_times, NULL);
    printf("a killed thread goes on\n");
    return arg;
}

static void *strict(void *arg)
{
    if (arg)
        seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
    else
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    syscall(SYS_write, 1, "a strict thread writes\n", 23);
    if (arg)
        syscall(SYS_getpid);
    syscall(SYS_exit, 0);
    return arg;
}

/* pthread_join waits for the word that the kernel clears, however the thread ended. */
static void threads(void)
{
    pthread_t t, t2;
    pthread_barrier_init(&start, NULL, 2);
    pthread_barrier_init(&end, NULL, 2);
    pthread_create(&t, NULL, unprivileged, NULL);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, follower, NULL);
    pthread_barrier_wait(&start);
    SHOW(rule(SYS_getsid, SECCOMP_RET_ERRNO | EBADMSG, SECCOMP_FILTER_FLAG_TSYNC));
    pthread_barrier_wait(&end);
    pthread_join(t, NULL);
    printf("the other thread has the filter: %d\n", sees == EBADMSG);
    pthread_create(&t, NULL, apart, NULL);
    pthread_barrier_wait(&start);
    CALL("a thread cannot follow", rule(SYS_acct, SECCOMP_RET_ERRNO | EBADMSG, SECCOMP_FILTER_FLAG_TSYNC) == its_tid);
    SHOW(rule(SYS_acct, SECCOMP_RET_ERRNO | EBADMSG, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
    SHOW(prctl(PR_GET_SECCOMP));
    pthread_barrier_wait(&end);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, killed, NULL);
    pthread_join(t, NULL);
    for (long i = 0; i < 2; i++) {
        pthread_create(&t2, NULL, strict, (void *)i);
        pthread_join(t2, NULL);
    }
    printf("killed threads are gone, this one is not\n");
}

static volatile int stop;

static void *breeder(void *arg)
{
    while (!stop) {
        pthread_t t;
        if (!pthread_create(&t, NULL, (void *(*)(void *))getpid, NULL))
            pthread_join(t, NULL);
        syscall(SYS_getsid, 0);
    }
    return arg;
}

/* Threads come and go while others get filters. */
static void races(void)
{
    pthread_t t[3];
    long failed = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, breeder, NULL);
    for (int i = 0; i < 100; i++)
        failed += rule(SYS_acct, SECCOMP_RET_ERRNO | EBADMSG, SECCOMP_FILTER_FLAG_TSYNC) != 0;
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    printf("filters that did not reach all: %ld\n", failed);
}

/* What the kernel says of itself, and of namespaces, which are the initial ones. */
static void files(void)
{
    static const char *const names[] = {"/proc/sys/kernel/seccomp/actions_avail", "/proc/self/timens_offsets", "/proc/execdomains"};
    char line[200];
    for (size_t i = 0; i < COUNT(names); i++) {
        FILE *f = fopen(names[i], "r");
        while (f && fgets(line, sizeof(line), f))
            printf("%s: %s", names[i], line);
        if (f)
            fclose(f);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    files();
    status("at first");
    errors();
    status("after errors");
    threads();
    races();
    programs();
    data();
    actions();
    /* The chain has an end: 32768 of the kernel's own instructions, at least as many as these. */
    static struct sock_filter big[4096];
    for (int i = 0; i < 4096; i++)
        big[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    int n = 0;
    while (install(big, 4096, 0) == 0)
        n++;
    printf("some filters of 4096 instructions: %d, then %s\n", n >= 3 && n <= 7, strerrorname_np(errno));
    return 0;
}
