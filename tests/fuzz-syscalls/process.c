/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process and a thread are: ids, groups and capabilities (of the sequence's own thread, by raw calls), signal actions, masks and
 * alternate stacks, signals to oneself, timers that are far away, limits, scheduling, working directory and root.
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include "sequence.h"

#define TIMERS 3

static __thread int timers[TIMERS];
static __thread bool silent[TIMERS]; /* SIGEV_NONE */
static __thread char *stack;

static const struct named ids[] = {NAMED(0), NAMED(0), NAMED(1000), NAMED(1001), NAMED(-1)};

static long id(void)
{
    return (long)PICK(ids).value;
}

static void show_ids(void)
{
    unsigned r, e, s;

    syscall(SYS_getresuid, &r, &e, &s);
    note(" uid %d %d %d", (int)r, (int)e, (int)s);
    syscall(SYS_getresgid, &r, &e, &s);
    note(" gid %d %d %d", (int)r, (int)e, (int)s);
}

static void step_ids(void)
{
    long a = id(), b = id(), c = id();
    unsigned groups[4] = {7, 1000, 5, 0};

    switch (pick(9)) {
    case 0:
        call("setresuid(%ld, %ld, %ld)", a, b, c);
        a = syscall(SYS_setresuid, a, b, c);
        break;
    case 1:
        call("setresgid(%ld, %ld, %ld)", a, b, c);
        a = syscall(SYS_setresgid, a, b, c);
        break;
    case 2:
        call("setreuid(%ld, %ld)", a, b);
        a = syscall(SYS_setreuid, a, b);
        break;
    case 3:
        call("setregid(%ld, %ld)", a, b);
        a = syscall(SYS_setregid, a, b);
        break;
    case 4:
        call("setuid(%ld)", a);
        a = syscall(SYS_setuid, a);
        break;
    case 5:
        call("setgid(%ld)", a);
        a = syscall(SYS_setgid, a);
        break;
    case 6:
        call("setfsuid(%ld)", a);
        a = syscall(SYS_setfsuid, a);
        break;
    case 7:
        call("setgroups(%ld)", a);
        a = syscall(SYS_setgroups, a < 0 ? -1 : a % 5, groups);
        break;
    default:
        call("getgroups(%ld)", a);
        a = syscall(SYS_getgroups, a < 0 ? -1 : a % 5, groups);
    }
    show_ids();
    result(a);
}

static void step_capabilities(void)
{
    struct __user_cap_header_struct h = {.version = rarely(15) ? 7 : _LINUX_CAPABILITY_VERSION_3, .pid = rarely(30) ? -1 : 0};
    struct __user_cap_data_struct d[2] = {{0}};
    static const struct named bits[] = {NAMED(SECBIT_NOROOT), NAMED(SECBIT_NO_SETUID_FIXUP), NAMED(SECBIT_KEEP_CAPS), NAMED(0), NAMED(1 << 20)};
    const struct named *b = &PICK(bits);
    unsigned capability = PICK(((unsigned[]){CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_CHOWN, 63, 1000}));
    long r;

    switch (pick(6)) {
    case 0:
        call("capset(%u %u)", capability % 32, h.version);
        syscall(SYS_capget, &(struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3}, d);
        d[0].effective ^= rarely(2) ? 1u << (capability % 32) : 0;
        d[0].permitted &= rarely(3) ? ~(1u << (capability % 32)) : ~0u;
        d[0].inheritable ^= rarely(3) ? 1u << (capability % 32) : 0;
        r = syscall(SYS_capset, &h, d);
        break;
    case 1:
        call("PR_CAPBSET_READ %u", capability);
        r = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        break;
    case 2:
        call("PR_CAP_AMBIENT %u", capability);
        r = prctl(PR_CAP_AMBIENT, 1 + pick(4), capability % 64, 0, 0);
        break;
    case 3:
        call("PR_SET_SECUREBITS %s", b->name);
        r = prctl(PR_SET_SECUREBITS, b->value, 0, 0, 0);
        break;
    case 4:
        call("PR_SET_KEEPCAPS");
        r = prctl(PR_SET_KEEPCAPS, pick(3), 0, 0, 0);
        break;
    default:
        call("capget(%u)", h.version);
        r = syscall(SYS_capget, &h, d);
        /* Which ones there are depends on who started us: those that setuid(2) gives and takes. */
        note(" %x %x %x", d[0].effective & 0x1ef, d[0].permitted & 0x1ef, d[0].inheritable);
    }
    result(r);
}

static const int numbers[] = {1, 3, 10, 12, 13, 17, 23, 29, 34, 40, 64};

static void step_signal(void)
{
    int signo = PICK(numbers), how = PICK(((int[]){SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, 9}));
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {SIG_IGN, 0, NULL, 0}, old;
    uint64_t mask = 1ull << (PICK(numbers) - 1) | 1ull << (PICK(numbers) - 1);
    struct timespec zero = {0};
    stack_t ss = {.ss_sp = stack, .ss_size = PICK(((size_t[]){16384, 16384, 100})), .ss_flags = PICK(((int[]){0, SS_DISABLE, 1 << 31, 5}))}, was;
    siginfo_t info = {.si_signo = signo, .si_code = PICK(((int[]){SI_QUEUE, SI_MESGQ, 0, SI_TKILL, 5}))};
    long r;

    if (mask & 1ull << (SIGRTMAX - 1))
        mask &= ~(1ull << (SIGRTMAX - 1));
    switch (pick(9)) {
    case 0:
        signo = rarely(8) ? PICK(((int[]){9, 19, 0, 65})) : signo == 64 ? 40 : signo;
        action.flags = PICK(((unsigned long[]){0, SA_RESTART, SA_NODEFER, 0x400, 0xffffffff}));
        action.mask = mask;
        call("rt_sigaction(%d, IGN, %lx)", signo, action.flags);
        r = syscall(SYS_rt_sigaction, signo, &action, &old, rarely(20) ? 4 : 8);
        if (r == 0)
            note(" %s %lx %llx", old.handler == SIG_IGN ? "ignored" : old.handler ? "handler" : "default", old.flags & ~0x04000000ul, (unsigned long long)old.mask);
        result(r);
        break;
    case 1:
    case 2:
        call("rt_sigprocmask(%d, %llx)", how, (unsigned long long)mask);
        r = syscall(SYS_rt_sigprocmask, how, &mask, &mask, 8);
        note(" %llx", (unsigned long long)mask);
        result(r);
        break;
    case 3:
        call("sigaltstack(%zu, %x)", ss.ss_size, (unsigned)ss.ss_flags);
        memset(&was, 0, sizeof(was));
        r = syscall(SYS_sigaltstack, &ss, &was);
        note(" %zu %x", was.ss_size, (unsigned)was.ss_flags);
        result(r);
        break;
    case 4:
        call("rt_sigpending");
        r = syscall(SYS_rt_sigpending, &mask, 8);
        note(" %llx", (unsigned long long)mask);
        result(r);
        break;
    case 5:
        call("rt_sigtimedwait(%llx)", (unsigned long long)mask);
        r = syscall(SYS_rt_sigtimedwait, &mask, &info, &zero, 8);
        if (r > 0)
            note(" code %d", info.si_code);
        result(r);
        break;
    default: /* only what is ignored, caught or blocked for sure */
        mask = 0;
        syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
        if (!(mask >> (signo - 1) & 1) && signo != SIGUSR1 && signo != SIGUSR2)
            signo = SIGUSR1;
        call("signal %d code %d", signo, info.si_code);
        info.si_signo = signo;
        if (rarely(2))
            r = syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signo, &info);
        else
            r = rarely(2) ? syscall(SYS_tgkill, getpid(), gettid(), signo) : syscall(SYS_kill, getpid(), signo);
        result(r);
    }
}

static void step_timer(void)
{
    struct itimerval v = {{PICK(((long[]){0, 100})), 0}, {PICK(((long[]){0, 5000, 5000, -1})), rarely(10) ? 1000000 : 0}}, old = {0};
    struct itimerspec t = {{PICK(((long[]){0, 100})), 0}, {PICK(((long[]){0, 5000, 5000, -1})), rarely(10) ? 1000000000 : 0}}, before = {0};
    struct sigevent e = {.sigev_notify = PICK(((int[]){SIGEV_NONE, SIGEV_SIGNAL, SIGEV_SIGNAL, 9})), .sigev_signo = PICK(((int[]){SIGUSR1, 0, 70}))};
    int which = (int)pick(4), clock = PICK(((int[]){CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID, 77})), made = -1;
    unsigned i = pick(TIMERS);
    long r;

    switch (pick(6)) {
    case 0:
        call("setitimer(%d, %ld, %ld)", which, (long)v.it_value.tv_sec, (long)v.it_interval.tv_sec);
        r = syscall(SYS_setitimer, which, &v, &old);
        if (r == 0)
            note(" %s %ld", old.it_value.tv_sec > 3000 ? "armed" : "off", (long)old.it_interval.tv_sec);
        break;
    case 1:
        call("getitimer(%d)", which);
        r = syscall(SYS_getitimer, which, &old);
        if (r == 0)
            note(" %s %ld", old.it_value.tv_sec > 3000 ? "armed" : "off", (long)old.it_interval.tv_sec);
        break;
    case 2:
        call("%u: timer_create(%d, %d, %d)", i, clock, e.sigev_notify, e.sigev_signo);
        r = syscall(SYS_timer_create, clock, rarely(10) ? NULL : &e, &made);
        if (r == 0) {
            if (timers[i] >= 0)
                syscall(SYS_timer_delete, timers[i]);
            timers[i] = made;
            silent[i] = e.sigev_notify == SIGEV_NONE;
        }
        break;
    case 3:
        if (silent[i] && t.it_value.tv_sec == 0 && t.it_value.tv_nsec == 0)
            t.it_value.tv_sec = 5000; /* Linux (seen: 6.18) goes on telling how far a SIGEV_NONE timer is that was stopped */
        call("timer_settime(%u, %ld %ld)", i, (long)t.it_value.tv_sec, (long)t.it_interval.tv_sec);
        r = syscall(SYS_timer_settime, timers[i], 0, &t, &before);
        if (r == 0)
            note(" %s %ld", before.it_value.tv_sec > 3000 ? "armed" : "off", (long)before.it_interval.tv_sec);
        break;
    case 4:
        call("timer_gettime(%u), timer_getoverrun", i);
        r = syscall(SYS_timer_gettime, timers[i], &before);
        if (r == 0)
            note(" %s %ld", before.it_value.tv_sec > 3000 ? "armed" : "off", (long)before.it_interval.tv_sec), r = syscall(SYS_timer_getoverrun, timers[i]);
        break;
    default:
        call("timer_delete(%u)", i);
        r = syscall(SYS_timer_delete, timers[i]);
        timers[i] = -1;
    }
    result(r);
}

static void step_limits(void)
{
    static const struct named which[] = {NAMED(RLIMIT_FSIZE), NAMED(RLIMIT_CORE), NAMED(RLIMIT_MSGQUEUE), NAMED(RLIMIT_SIGPENDING), NAMED(99)};
    const struct named *w = &PICK(which);
    struct rlimit l = {PICK(((rlim_t[]){5000, 100000, RLIM_INFINITY})), RLIM_INFINITY}, old;
    struct sched_param p = {.sched_priority = PICK(((int[]){0, 0, 1, 99, 100}))};
    int policy = PICK(((int[]){SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, 9})), nice_value = PICK(((int[]){0, 5, 19, 50}));
    cpu_set_t set;
    long r;

    switch (pick(8)) {
    case 0:
        call("prlimit(%s, %lld)", w->name, (long long)l.rlim_cur);
        r = syscall(SYS_prlimit64, 0, (int)w->value, NULL, &old);
        if (r == 0) {
            l.rlim_max = old.rlim_max;
            if (l.rlim_cur > l.rlim_max)
                l.rlim_cur = l.rlim_max;
            r = syscall(SYS_prlimit64, 0, (int)w->value, &l, NULL);
        }
        break;
    case 1:
        call("sched_setscheduler(%d, %d)", policy, p.sched_priority);
        r = syscall(SYS_sched_setscheduler, 0, policy, &p);
        break;
    case 2:
        call("sched_getscheduler, sched_getparam");
        r = syscall(SYS_sched_getparam, 0, &p);
        note(" %d", p.sched_priority);
        r = syscall(SYS_sched_getscheduler, 0);
        break;
    case 3:
        call("setpriority(%d)", nice_value);
        r = syscall(SYS_setpriority, PRIO_PROCESS, 0, nice_value);
        break;
    case 4:
        call("getpriority");
        r = syscall(SYS_getpriority, rarely(10) ? 7 : PRIO_PROCESS, 0);
        break;
    case 5:
        CPU_ZERO(&set);
        CPU_SET(rarely(3) ? 5000 % 1024 : 0, &set);
        call("sched_setaffinity");
        r = syscall(SYS_sched_setaffinity, 0, sizeof(set), &set);
        break;
    case 6:
        call("sched_get_priority_max(%d)", policy);
        r = syscall(SYS_sched_get_priority_max, policy);
        break;
    default:
        call("personality(%x)", 0xffffffffu);
        r = syscall(SYS_personality, 0xffffffff);
    }
    result(r);
}

static void step_prctl(void)
{
    static const struct named options[] = {NAMED(PR_SET_NO_NEW_PRIVS), NAMED(PR_GET_NO_NEW_PRIVS), NAMED(PR_GET_DUMPABLE), NAMED(PR_SET_TIMERSLACK), NAMED(PR_SET_CHILD_SUBREAPER), NAMED(PR_GET_KEEPCAPS), NAMED(PR_GET_SECUREBITS), NAMED(PR_SET_PDEATHSIG), NAMED(9999)};
    const struct named *o = &PICK(options);
    unsigned long value = PICK(((unsigned long[]){0, 1, 5, 70}));
    char name[17] = "";

    if (rarely(4)) {
        call("PR_SET_NAME, PR_GET_NAME");
        prctl(PR_SET_NAME, value & 1 ? "a name that is much too long" : "short");
        value = (unsigned long)prctl(PR_GET_NAME, name);
        note(" %s", name);
        result((long)value);
        return;
    }
    call("prctl(%s, %lu)", o->name, value);
    result(prctl((int)o->value, value, rarely(15) ? 1 : 0, 0, 0));
}

static void step_place(void)
{
    static const char *const names[] = {"d", "d/e", "..", "/", "none", "file"};
    const char *name = PICK(names);
    char text[100];
    int mask = PICK(((int[]){022, 0, 077, 0777, 01777}));

    switch (pick(5)) {
    case 0:
        call("chdir(%s)", name);
        result(syscall(SYS_chdir, name));
        break;
    case 1:
        if (rarely(2))
            name = "/";
        call("chroot(%s)", name);
        result(syscall(SYS_chroot, name));
        break;
    case 2:
        call("getcwd");
        if (syscall(SYS_getcwd, text, sizeof(text)) >= 0)
            note(" %s", text), result(0);
        else
            result(-1);
        break;
    case 3:
        call("umask(%o)", mask);
        result(umask((mode_t)mask));
        break;
    default:
        call("getpid, getppid, getsid");
        note(" %d %d", getpid() == gettid(), (int)(syscall(SYS_getsid, 0) == syscall(SYS_getsid, getpid())));
        result(0);
    }
}

static void step(void)
{
    static void (*const steps[])(void) = {step_ids, step_ids, step_capabilities, step_signal, step_signal, step_timer, step_limits, step_prctl, step_place};

    steps[pick(COUNT(steps))]();
}

static void begin(void)
{
    for (unsigned i = 0; i < TIMERS; i++)
        timers[i] = -1;
    setpriority(PRIO_PROCESS, 0, 0); /* not what the whole run has */
    stack = malloc(16384);
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    close(open("file", O_CREAT | O_WRONLY, 0644));
}

static void end(void)
{
    struct itimerval off = {0};
    stack_t disabled = {.ss_flags = SS_DISABLE};

    for (int i = 0; i < 3; i++)
        setitimer(i, &off, NULL);
    for (unsigned i = 0; i < TIMERS; i++)
        if (timers[i] >= 0)
            syscall(SYS_timer_delete, timers[i]);
    syscall(SYS_sigaltstack, &disabled, NULL);
    free(stack);
}

const struct family family_process = {.name = "process", .begin = begin, .step = step, .end = end};
