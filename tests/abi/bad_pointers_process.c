/* SPDX-License-Identifier: BSD-2-Clause */
/* Bad pointers at every argument: threads, signals, time, memory, identities, limits. */
#include "bad_pointers.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/time_types.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

struct raw_action {
    unsigned long handler, flags, restorer, mask;
};

static uint64_t usr1 = 1ull << (SIGUSR1 - 1), none;
static struct raw_action action = {.handler = 1 /* SIG_IGN */};
static stack_t alternate = {.ss_flags = SS_DISABLE};
static siginfo_t queued = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
static struct timespec brief = {0, 1000}, zero_time;
static struct itimerval no_interval;
static struct itimerspec no_spec;
static struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
static struct __user_cap_header_struct cap_header = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct cap_data[2];
static struct rlimit core_limit = {0, 0};
static struct clone_args clone_arguments = {.flags = CLONE_SIGHAND};
static struct futex_waitv waiters[2];
static uint32_t word;
static int priority;
static uint64_t attributes[7] = {56};
static uint64_t cpus = ~0ull;
static uint32_t gids[2];
static char *mapped;

#define FUTEX(op) "futex " #op, SYS_futex

int main(void)
{
    timer_t timer;
    bad_pointers_init();
    mapped = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGUSR1, SIG_IGN);
    timer_create(CLOCK_MONOTONIC, &event, &timer); /* the first: number 0 */
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    const struct call calls[] = {
        {"rt_sigaction", SYS_rt_sigaction, {V(SIGUSR2), {INPUT, 0, &action, sizeof(action)}, OUT(sizeof(action)), V(8)}},
        {"rt_sigprocmask", SYS_rt_sigprocmask, {V(SIG_BLOCK), IN(usr1), OUT(8), V(8)}},
        {"rt_sigpending", SYS_rt_sigpending, {OUT(8), V(8)}},
        {"rt_sigtimedwait", SYS_rt_sigtimedwait, {IN(usr1), OUT(sizeof(siginfo_t)), IN(zero_time), V(8)}, NO_NULL},
        {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {V(getpid()), V(SIGUSR1), IN(queued)}},
        {"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, {V(getpid()), V(getpid()), V(SIGUSR1), IN(queued)}},
        {"rt_sigsuspend", SYS_rt_sigsuspend, {IN(none), V(8)}},
        {"sigaltstack", SYS_sigaltstack, {IN(alternate), OUT(sizeof(stack_t))}},
        {"signalfd4", SYS_signalfd4, {V(-1), IN(usr1), V(8), V(0)}, NEW_FD},
        {"wait4", SYS_wait4, {V(-1), OUT(4), V(WNOHANG), OUT(sizeof(struct rusage))}},
        {"waitid", SYS_waitid, {V(P_ALL), V(0), OUT(sizeof(siginfo_t)), V(WEXITED | WNOHANG), OUT(sizeof(struct rusage))}},
        {"nanosleep", SYS_nanosleep, {IN(brief), OUT(16)}},
        {"clock_nanosleep", SYS_clock_nanosleep, {V(CLOCK_MONOTONIC), V(0), IN(brief), OUT(16)}},
        {"clock_gettime", SYS_clock_gettime, {V(CLOCK_MONOTONIC), OUT(16)}},
        {"clock_gettime realtime", SYS_clock_gettime, {V(CLOCK_REALTIME), OUT(16)}},
        {"clock_gettime coarse", SYS_clock_gettime, {V(CLOCK_REALTIME_COARSE), OUT(16)}},
        {"clock_gettime process", SYS_clock_gettime, {V(CLOCK_PROCESS_CPUTIME_ID), OUT(16)}},
        {"clock_gettime thread", SYS_clock_gettime, {V(CLOCK_THREAD_CPUTIME_ID), OUT(16)}},
        {"clock_getres", SYS_clock_getres, {V(CLOCK_MONOTONIC), OUT(16)}},
        {"clock_settime", SYS_clock_settime, {V(CLOCK_REALTIME), IN(brief)}},
        {"clock_settime monotonic", SYS_clock_settime, {V(CLOCK_MONOTONIC), IN(brief)}},
        {"clock_adjtime", SYS_clock_adjtime, {V(CLOCK_REALTIME), OUT(sizeof(struct timex))}},
        {"adjtimex", SYS_adjtimex, {OUT(sizeof(struct timex))}},
        {"gettimeofday", SYS_gettimeofday, {OUT(16), OUT(8)}},
        {"settimeofday", SYS_settimeofday, {IN(zero_time), V(0)}, NO_NULL},
        {"time", SYS_time, {OUT(8)}},
        {"times", SYS_times, {OUT(sizeof(struct tms))}},
        {"getrusage", SYS_getrusage, {V(RUSAGE_SELF), OUT(sizeof(struct rusage))}},
        {"getitimer", SYS_getitimer, {V(ITIMER_REAL), OUT(32)}},
        {"setitimer", SYS_setitimer, {V(ITIMER_REAL), IN(no_interval), OUT(32)}},
        {"timer_create", SYS_timer_create, {V(99), IN(event), OUT(4)}},
        {"timer_create real", SYS_timer_create, {V(CLOCK_MONOTONIC), IN(event), OUT(4)}},
        {"timer_settime", SYS_timer_settime, {V(0), V(0), IN(no_spec), OUT(32)}},
        {"timer_settime none", SYS_timer_settime, {V(77777), V(0), IN(no_spec), OUT(32)}},
        {"timer_gettime", SYS_timer_gettime, {V(0), OUT(32)}},
        {"sched_setparam", SYS_sched_setparam, {V(0), IN(priority)}},
        {"sched_getparam", SYS_sched_getparam, {V(0), OUT(4)}},
        {"sched_setscheduler", SYS_sched_setscheduler, {V(0), V(SCHED_OTHER), IN(priority)}},
        {"sched_rr_get_interval", SYS_sched_rr_get_interval, {V(0), OUT(16)}},
        {"sched_setattr", SYS_sched_setattr, {V(0), IN(attributes), V(0)}},
        {"sched_getattr", SYS_sched_getattr, {V(0), OUT(56), V(56), V(0)}},
        {"sched_setaffinity", SYS_sched_setaffinity, {V(0), V(8), IN(cpus)}},
        {"sched_getaffinity", SYS_sched_getaffinity, {V(0), V(128), OUT(8)}},
        {"getcpu", SYS_getcpu, {OUT(4), OUT(4), V(0)}},
        {FUTEX(WAIT), {IN(word), V(FUTEX_WAIT), V(1), IN(brief)}},
        {FUTEX(WAIT_PRIVATE), {IN(word), V(FUTEX_WAIT_PRIVATE), V(1), IN(brief)}},
        {FUTEX(WAIT timeout), {IN(word), V(FUTEX_WAIT), V(0), IN(brief)}, NO_NULL},
        {FUTEX(WAIT_BITSET), {IN(word), V(FUTEX_WAIT_BITSET), V(1), IN(brief), V(0), V(1)}},
        {FUTEX(WAKE), {IN(word), V(FUTEX_WAKE), V(1)}},
        {FUTEX(WAKE_PRIVATE), {IN(word), V(FUTEX_WAKE_PRIVATE), V(1)}},
        {FUTEX(REQUEUE), {IN(word), V(FUTEX_REQUEUE), V(1), V(1), IN(word)}},
        {FUTEX(CMP_REQUEUE), {IN(word), V(FUTEX_CMP_REQUEUE_PRIVATE), V(1), V(1), IN(word), V(0)}},
        {FUTEX(WAKE_OP), {IN(word), V(FUTEX_WAKE_OP), V(1), V(1), IO(word), V(FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0))}},
        {FUTEX(TRYLOCK_PI), {IO(word), V(FUTEX_TRYLOCK_PI)}},
        {FUTEX(LOCK_PI), {IO(word), V(FUTEX_LOCK_PI_PRIVATE), V(0), IN(brief)}},
        {FUTEX(UNLOCK_PI), {IO(word), V(FUTEX_UNLOCK_PI)}},
        {FUTEX(WAIT_REQUEUE_PI), {IN(word), V(FUTEX_WAIT_REQUEUE_PI), V(1), IN(brief), IN(word)}},
        {FUTEX(CMP_REQUEUE_PI), {IN(word), V(FUTEX_CMP_REQUEUE_PI), V(1), V(1), IN(word), V(0)}},
        {"futex_waitv", SYS_futex_waitv, {IN(waiters), V(2), V(0), IN(zero_time), V(CLOCK_MONOTONIC)}},
        {"get_robust_list", SYS_get_robust_list, {V(0), OUT(8), OUT(8)}},
        {"clone3", SYS_clone3, {IN(clone_arguments), V(sizeof(clone_arguments))}},
        {"getrlimit", SYS_getrlimit, {V(RLIMIT_STACK), OUT(16)}},
        {"setrlimit", SYS_setrlimit, {V(RLIMIT_CORE), IN(core_limit)}},
        {"prlimit64", SYS_prlimit64, {V(0), V(RLIMIT_CORE), IN(core_limit), OUT(16)}},
        {"sysinfo", SYS_sysinfo, {OUT(sizeof(struct sysinfo))}},
        {"uname", SYS_uname, {OUT(sizeof(struct utsname))}},
        {"sethostname", SYS_sethostname, {S("abcdefgh"), V(9)}},
        {"setdomainname", SYS_setdomainname, {S("abcdefgh"), V(9)}},
        {"getgroups", SYS_getgroups, {V(0), OUT(8)}},
        {"setgroups", SYS_setgroups, {V(2), IN(gids)}},
        {"getresuid", SYS_getresuid, {OUT(4), OUT(4), OUT(4)}},
        {"getresgid", SYS_getresgid, {OUT(4), OUT(4), OUT(4)}},
        {"capget", SYS_capget, {{INOUT, 0, &cap_header, sizeof(cap_header)}, OUT(sizeof(cap_data))}},
        {"capset", SYS_capset, {{INOUT, 0, &cap_header, sizeof(cap_header)}, IN(cap_data)}},
        {"arch_prctl get fs", SYS_arch_prctl, {V(ARCH_GET_FS), OUT(8)}, NO_MINUS_1},
        {"arch_prctl get gs", SYS_arch_prctl, {V(ARCH_GET_GS), OUT(8)}, NO_MINUS_1},
        {"prctl get name", SYS_prctl, {V(PR_GET_NAME), OUT(16)}},
        {"prctl set name", SYS_prctl, {V(PR_SET_NAME), S("some name")}},
        {"prctl get pdeathsig", SYS_prctl, {V(PR_GET_PDEATHSIG), OUT(4)}},
        {"prctl get subreaper", SYS_prctl, {V(PR_GET_CHILD_SUBREAPER), OUT(4)}},
        {"prctl get tsc", SYS_prctl, {V(PR_GET_TSC), OUT(4)}},
        {"mincore", SYS_mincore, {V(mapped), V(2 * PAGE), OUT(2)}},
        {"memfd_create", SYS_memfd_create, {S("name"), V(0)}, NEW_FD},
        {"getrandom", SYS_getrandom, {OUT(64), V(64), V(0)}, EXACT},
        {"pipe", SYS_pipe, {OUT(8)}},
        {"pipe2", SYS_pipe2, {OUT(8), V(0)}},
    };
    try_calls(calls, sizeof(calls) / sizeof(calls[0]));
    return 0;
}
