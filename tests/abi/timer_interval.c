/* SPDX-License-Identifier: BSD-2-Clause */
/* setitimer(2), getitimer(2), alarm(2): errors, one shot, periods, disarming, CPU time. */
#include "abi.h"
#include <signal.h>
#include <sys/time.h>

static volatile int alarms, virtuals, profs;

static void handler(int signo, siginfo_t *info, void *context)
{
    if (signo == SIGALRM)
        alarms++;
    else if (signo == SIGVTALRM)
        virtuals++;
    else
        profs++;
    if (info->si_code != SI_KERNEL)
        printf("code %d\n", info->si_code);
}

static long set(int which, const void *new, void *old)
{
    return syscall(SYS_setitimer, which, new, old);
}

static void show(const char *what, const struct itimerval *v)
{
    printf("%s: armed %d interval %ld.%06ld\n", what, v->it_value.tv_sec || v->it_value.tv_usec, v->it_interval.tv_sec,
           v->it_interval.tv_usec);
}

static void burn(long ms)
{
    int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ms * 1000000;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
        for (volatile int i = 0; i < 20000; i++)
            ;
}

int main(void)
{
    struct itimerval v = {{0, 0}, {0, 0}}, old;
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGVTALRM, &sa, NULL);
    sigaction(SIGPROF, &sa, NULL);

    SHOW(set(3, &v, NULL));
    SHOW(set(-1, &v, NULL));
    SHOW(set(ITIMER_REAL, BAD, NULL));
    SHOW(set(ITIMER_REAL, &v, BAD));
    SHOW(set(ITIMER_REAL, NULL, &old));
    SHOW(syscall(SYS_getitimer, 3, &old));
    SHOW(syscall(SYS_getitimer, ITIMER_REAL, BAD));
    v.it_value.tv_usec = 1000000;
    SHOW(set(ITIMER_REAL, &v, NULL));
    v.it_value.tv_usec = -1;
    SHOW(set(ITIMER_REAL, &v, NULL));
    v.it_value = (struct timeval){-1, 0};
    SHOW(set(ITIMER_REAL, &v, NULL));
    v.it_value = (struct timeval){5, 0};
    v.it_interval.tv_usec = 1000000;
    SHOW(set(ITIMER_REAL, &v, NULL));

    for (int which = 0; which < 3; which++) {
        v = (struct itimerval){{7, 3}, {100, 0}};
        SHOW(set(which, &v, &old));
        show("before", &old);
        SHOW(syscall(SYS_getitimer, which, &old));
        show("now", &old);
        printf("left about 100 s: %d\n", old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
        v = (struct itimerval){{1, 1}, {0, 0}};
        SHOW(set(which, &v, &old));
        show("before", &old);
        SHOW(syscall(SYS_getitimer, which, &old));
        printf("disarmed: %d\n", !old.it_value.tv_sec && !old.it_value.tv_usec);
    }

    SHOW(alarm(0));
    SHOW(alarm(10));
    SHOW(alarm(20));
    SHOW(syscall(SYS_getitimer, ITIMER_REAL, &old));
    printf("alarm is the real timer: %d\n", old.it_value.tv_sec >= 18);
    SHOW(alarm(0));
    SHOW(alarm(0));

    v = (struct itimerval){{0, 0}, {0, 20000}};
    set(ITIMER_REAL, &v, NULL);
    SHOW(pause());
    SHOW(alarms);
    syscall(SYS_getitimer, ITIMER_REAL, &old);
    show("after it expired", &old);

    int64_t start = now_ns(CLOCK_MONOTONIC);
    v = (struct itimerval){{0, 20000}, {0, 20000}};
    alarms = 0;
    set(ITIMER_REAL, &v, NULL);
    while (alarms < 5)
        pause();
    int64_t took = now_ns(CLOCK_MONOTONIC) - start;
    printf("five periods of 20 ms take their time: %d\n", took >= 95000000 && took < 1000000000);
    v = (struct itimerval){{0, 0}, {0, 0}};
    set(ITIMER_REAL, &v, NULL);

    /* Sleeping uses no CPU time. */
    v = (struct itimerval){{0, 0}, {0, 50000}};
    set(ITIMER_VIRTUAL, &v, NULL);
    set(ITIMER_PROF, &v, NULL);
    sleep_ms(150);
    printf("asleep: virtual %d prof %d\n", virtuals, profs);
    burn(400);
    printf("busy: virtual %d prof %d\n", virtuals, profs);
    v = (struct itimerval){{0, 10000}, {0, 10000}};
    profs = 0;
    set(ITIMER_PROF, &v, NULL);
    burn(300);
    printf("periods of CPU time: %d\n", profs >= 5 && profs <= 60);
    return 0;
}
