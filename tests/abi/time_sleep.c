/* SPDX-License-Identifier: BSD-2-Clause */
/* nanosleep(2), clock_nanosleep(2): lengths, deadlines, errors, interruption and what remains. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

static void on_signal(int s)
{
    (void)s;
}

static pthread_t main_thread;

static void *pokes(void *arg)
{
    sleep_ms((long)arg);
    pthread_kill(main_thread, SIGUSR1);
    return NULL;
}

static void span(const char *what, int64_t ns, int64_t least_ms, int64_t most_ms)
{
    printf("%s: not early %d, not late %d\n", what, ns >= least_ms * 1000000, ns < most_ms * 1000000);
}

#define CN(...) SHOW(syscall(SYS_clock_nanosleep, __VA_ARGS__))

int main(void)
{
    struct timespec in = {0, 20000000}, rem = {9, 9}, at;
    pthread_t t;
    main_thread = pthread_self();
    int64_t before = now_ns(CLOCK_MONOTONIC);
    SHOW(syscall(SYS_nanosleep, &in, &rem));
    span("20 ms", now_ns(CLOCK_MONOTONIC) - before, 20, 1000);
    printf("rem untouched %ld\n", rem.tv_nsec);
    in.tv_nsec = 0;
    SHOW(syscall(SYS_nanosleep, &in, NULL));
    in.tv_nsec = 1000000000;
    SHOW(syscall(SYS_nanosleep, &in, NULL));
    in.tv_nsec = -1;
    SHOW(syscall(SYS_nanosleep, &in, NULL));
    in = (struct timespec){-1, 0};
    SHOW(syscall(SYS_nanosleep, &in, NULL));
    SHOW(syscall(SYS_nanosleep, BAD, NULL));
    SHOW(syscall(SYS_nanosleep, NULL, NULL));

    in = (struct timespec){0, 10000000};
    for (int clock = 0; clock < 13; clock++) {
        if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
            continue;
        printf("clock %d: ", clock);
        if (clock == CLOCK_PROCESS_CPUTIME_ID) {
            printf("not slept on alone\n");
            continue;
        }
        CN(clock, 0, &in, NULL);
        at = (struct timespec){1, 0};
        CN(clock, TIMER_ABSTIME, &at, NULL);
        CN(clock, 0, BAD, NULL);
        at.tv_nsec = -1;
        CN(clock, TIMER_ABSTIME, &at, NULL);
    }
    CN(-1, 0, &in, NULL);
    for (int i = 0; i < 4; i++) {
        clockid_t clock = i == 0 ? CLOCK_REALTIME : i == 1 ? CLOCK_MONOTONIC : i == 2 ? CLOCK_BOOTTIME : CLOCK_TAI;
        int64_t target = now_ns(clock) + 30000000;
        at = (struct timespec){target / 1000000000, target % 1000000000};
        CN(clock, TIMER_ABSTIME, &at, NULL);
        span("absolute", now_ns(clock) - target, 0, 1000);
    }

    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &act, NULL);
    in = (struct timespec){0, 500000000};
    pthread_create(&t, NULL, pokes, (void *)50l);
    rem = (struct timespec){0, 0};
    SHOW(syscall(SYS_nanosleep, &in, &rem));
    pthread_join(t, NULL);
    span("remains", rem.tv_nsec, 50, 451);
    pthread_create(&t, NULL, pokes, (void *)50l);
    SHOW(syscall(SYS_nanosleep, &in, NULL));
    pthread_join(t, NULL);
    pthread_create(&t, NULL, pokes, (void *)50l);
    SHOW(syscall(SYS_nanosleep, &in, BAD));
    pthread_join(t, NULL);
    pthread_create(&t, NULL, pokes, (void *)50l);
    rem = (struct timespec){0, 0};
    CN(CLOCK_MONOTONIC, 0, &in, &rem);
    pthread_join(t, NULL);
    span("remains", rem.tv_nsec, 50, 451);
    rem = (struct timespec){7, 7};
    int64_t target = now_ns(CLOCK_MONOTONIC) + 500000000;
    at = (struct timespec){target / 1000000000, target % 1000000000};
    pthread_create(&t, NULL, pokes, (void *)50l);
    CN(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, &rem);
    pthread_join(t, NULL);
    printf("rem untouched %ld\n", (long)rem.tv_sec);

    /* An ignored signal and one without handler that only stops and continues do not shorten a sleep. */
    act = (struct sigaction){.sa_handler = SIG_IGN};
    sigaction(SIGUSR1, &act, NULL);
    in = (struct timespec){0, 200000000};
    before = now_ns(CLOCK_MONOTONIC);
    pthread_create(&t, NULL, pokes, (void *)50l);
    SHOW(syscall(SYS_nanosleep, &in, &rem));
    pthread_join(t, NULL);
    span("ignored signal", now_ns(CLOCK_MONOTONIC) - before, 200, 1500);

    /* Sleeping costs what it should: many short sleeps are neither lost nor early. */
    int early = 0;
    before = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 100; i++) {
        int64_t b = now_ns(CLOCK_MONOTONIC);
        in = (struct timespec){0, 1000000};
        nanosleep(&in, NULL);
        early += now_ns(CLOCK_MONOTONIC) - b < 1000000;
    }
    span("100 sleeps of 1 ms", now_ns(CLOCK_MONOTONIC) - before, 100, 3000);
    printf("early %d\n", early);
    return 0;
}
