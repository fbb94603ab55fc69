/* SPDX-License-Identifier: BSD-2-Clause */
/* RLIMIT_RTTIME: a real-time thread that does not sleep gets SIGXCPU at the soft limit and SIGKILL at the hard one. status: 137 */
#include "abi.h"
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

static volatile int warnings;

static void handler(int signo, siginfo_t *info, void *context)
{
    warnings++;
    printf("warning %d: code %d\n", warnings, info->si_code);
    fflush(stdout);
}

static void burn(long ms)
{
    int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000;
    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct sched_param p = {.sched_priority = 1};
    struct rlimit limit = {100000, 400000};
    sigaction(SIGXCPU, &sa, NULL);
    SHOW(setrlimit(RLIMIT_RTTIME, &limit));
    burn(200); /* not real-time */
    SHOW(warnings);
    SHOW(sched_setscheduler(0, SCHED_FIFO, &p));
    for (int i = 0; i < 20; i++) {
        burn(10);
        sleep_ms(1); /* starts anew */
    }
    SHOW(warnings);
    burn(250);
    SHOW(warnings);
    SHOW(getrlimit(RLIMIT_RTTIME, &limit));
    printf("%lu %lu\n", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    fflush(stdout);
    for (;;)
        ;
}
