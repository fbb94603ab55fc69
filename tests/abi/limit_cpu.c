/* SPDX-License-Identifier: BSD-2-Clause */
/* RLIMIT_CPU: SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one. status: 137 */
#include "abi.h"
#include <signal.h>
#include <sys/resource.h>

static volatile int warnings;

static void handler(int signo, siginfo_t *info, void *context)
{
    warnings++;
    /* Linux counts whole ticks for the limit, which on a busy machine is far from the precise clock. */
    printf("warning %d: code %d, much too early %d\n", warnings, info->si_code,
           now_ns(CLOCK_PROCESS_CPUTIME_ID) < warnings * 500000000ll);
    fflush(stdout);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct rlimit limit = {0, 3};
    sigaction(SIGXCPU, &sa, NULL);
    SHOW(setrlimit(RLIMIT_CPU, &limit));
    SHOW(getrlimit(RLIMIT_CPU, &limit));
    printf("hard %lu\n", (unsigned long)limit.rlim_max);
    limit.rlim_cur = 1;
    SHOW(setrlimit(RLIMIT_CPU, &limit));
    for (;;)
        ;
}
