/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * timer_getoverrun(2): periods that pass while the signal is blocked are counted, on clocks of time and of CPU time; what the
 * siginfo says, what resetting, disarming and taking by sigtimedwait, signalfd and a handler do to the count.
 */
#include "abi.h"
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#define PERIOD 2000000ll

static volatile int handled_overrun = -1;

static void handler(int signo, siginfo_t *info, void *context)
{
    handled_overrun = info->si_overrun;
}

static void burn(clockid_t clock, int64_t ns)
{
    int64_t end = now_ns(clock) + ns;
    while (now_ns(clock) < end)
        ;
}

static void pass(clockid_t clock, int64_t ns)
{
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        burn(clock, ns);
    else
        sleep_ms(ns / 1000000);
}

/* Is n the number of periods that had passed, beyond the first expiry, between two times after the start? If not, says what it is. */
static int plausible(long n, int64_t early, int64_t late)
{
    long least = (early - 12000000) / PERIOD - 1, most = late / PERIOD; /* CPU time is looked at by ticks */
    int good = n >= least && n <= most && n > 3;
    if (!good)
        printf(" (%ld, from %ld to %ld)", n, least, most);
    return good;
}

static void try_clock(const char *name, clockid_t clock, int how)
{
    timer_t t;
    siginfo_t info = {0};
    sigset_t set;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec v = {{0, PERIOD}, {0, PERIOD}}, none = {{0, 0}, {0, 0}}, left;
    printf("%s: create %d", name, timer_create(clock, &event, &t));
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int64_t before = now_ns(clock);
    timer_settime(t, 0, &v, NULL);
    int64_t after = now_ns(clock);
    pass(clock, 60000000);
    printf(", before it is taken %d", timer_getoverrun(t));
    int64_t early = now_ns(clock) - after;
    int overrun;
    if (how == 0) {
        sigwaitinfo(&set, &info);
        overrun = info.si_overrun;
    } else if (how == 1) {
        struct signalfd_siginfo si;
        int fd = signalfd(-1, &set, 0);
        read(fd, &si, sizeof(si));
        close(fd);
        overrun = (int)si.ssi_overrun;
    } else {
        sigset_t open;
        handled_overrun = -1;
        sigemptyset(&open);
        sigsuspend(&open); /* the timer may be another CPU's, which has not come to it yet */
        overrun = handled_overrun;
    }
    int64_t late = now_ns(clock) - before;
    int got = timer_getoverrun(t);
    printf(", taken: plausible %d, the same %d", plausible(overrun, early, late), got == overrun || how == 2);
    timer_gettime(t, &left);
    printf(", runs on %d", left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_interval.tv_nsec == PERIOD);
    /* Set again, the count begins anew; a disarmed timer's signal that is still pending goes. */
    timer_settime(t, 0, &v, NULL);
    printf(", set again %d", timer_getoverrun(t));
    pass(clock, 20000000);
    timer_settime(t, 0, &none, NULL);
    struct timespec zero = {0, 0};
    printf(", pending after disarming %d\n", sigtimedwait(&set, &info, &zero) == SIGRTMIN);
    fflush(stdout);
    timer_delete(t);
    while (sigtimedwait(&set, &info, &zero) > 0)
        ;
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &sa, NULL);
    static const char *const ways[] = {"sigwaitinfo", "signalfd", "handler"};
    for (int how = 0; how < 3; how++) {
        puts(ways[how]);
        try_clock("monotonic", CLOCK_MONOTONIC, how);
        try_clock("realtime", CLOCK_REALTIME, how);
        try_clock("boottime", CLOCK_BOOTTIME, how);
        try_clock("process", CLOCK_PROCESS_CPUTIME_ID, how);
        try_clock("thread", CLOCK_THREAD_CPUTIME_ID, how);
    }
    return 0;
}
