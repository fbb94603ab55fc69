/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* POSIX timers: errors, notification kinds, absolute times, overruns, deletion with a signal pending, CPU clocks. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>

typedef int kernel_timer;

static volatile int fired, taker, last_overrun, last_id, last_value;

static void handler(int signo, siginfo_t *info, void *context)
{
    fired++;
    taker = (int)syscall(SYS_gettid);
    last_overrun = info->si_overrun;
    last_id = info->si_timerid;
    last_value = info->si_value.sival_int;
    if (info->si_code != SI_TIMER || info->si_signo != signo)
        printf("code %d signo %d\n", info->si_code, info->si_signo);
}

static long create(int clock, const void *event, void *id)
{
    return syscall(SYS_timer_create, clock, event, id);
}

static long set(kernel_timer id, int flags, const void *new, void *old)
{
    return syscall(SYS_timer_settime, id, flags, new, old);
}

static long get(kernel_timer id, void *now)
{
    return syscall(SYS_timer_gettime, id, now);
}

static long drop(kernel_timer id)
{
    return syscall(SYS_timer_delete, id);
}

static void burn(long ms, clockid_t clock)
{
    int64_t end = now_ns(clock) + ms * 1000000;
    while (now_ns(clock) < end)
        for (volatile int i = 0; i < 20000; i++)
            ;
}

static void *other_thread(void *arg)
{
    *(int *)arg = (int)syscall(SYS_gettid);
    while (!fired)
        sleep_ms(1);
    return NULL;
}

int main(void)
{
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
    struct itimerspec v = {{0, 0}, {0, 0}}, now;
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    kernel_timer t, t2;
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGRTMIN, &sa, NULL);

    SHOW(create(CLOCK_MONOTONIC, &e, &t));
    SHOW(create(CLOCK_MONOTONIC, NULL, &t2));
    printf("ids %d %d\n", t, t2);
    SHOW(create(CLOCK_MONOTONIC, BAD, &t2));
    SHOW(create(CLOCK_MONOTONIC, &e, BAD));
    SHOW(create(99, &e, &t2));
    SHOW(create(-99999, &e, &t2));
    SHOW(create(CLOCK_MONOTONIC_RAW, &e, &t2));
    SHOW(create(CLOCK_REALTIME_COARSE, &e, &t2));
    SHOW(create(CLOCK_BOOTTIME, &e, &t2));
    SHOW(drop(t2));
    SHOW(create(CLOCK_TAI, &e, &t2));
    SHOW(drop(t2));
    SHOW(drop(t2));
    SHOW(drop(-1));
    e.sigev_signo = 0;
    SHOW(create(CLOCK_MONOTONIC, &e, &t2));
    e.sigev_signo = 65;
    SHOW(create(CLOCK_MONOTONIC, &e, &t2));
    e.sigev_notify = SIGEV_NONE;
    SHOW(create(CLOCK_MONOTONIC, &e, &t2));
    e.sigev_signo = SIGUSR1;
    e.sigev_notify = 9;
    SHOW(create(CLOCK_MONOTONIC, &e, &t2));
    e.sigev_notify = SIGEV_THREAD_ID;
    e._sigev_un._tid = 4194300;
    SHOW(create(CLOCK_MONOTONIC, &e, &t2));
    e._sigev_un._tid = 0;
    SHOW(create(CLOCK_MONOTONIC, &e, &t2));

    SHOW(set(-1, 0, &v, NULL));
    SHOW(set(t, 0, NULL, NULL));
    SHOW(set(t, 0, BAD, NULL));
    SHOW(set(t, 0, &v, BAD));
    SHOW(set(t, 0, &v, NULL));
    v.it_value.tv_nsec = 1000000000;
    SHOW(set(t, 0, &v, NULL));
    v.it_value.tv_nsec = -1;
    SHOW(set(t, 0, &v, NULL));
    v.it_value = (struct timespec){-1, 0};
    SHOW(set(t, 0, &v, NULL));
    v.it_value = (struct timespec){1, 0};
    v.it_interval.tv_nsec = 1000000000;
    SHOW(set(t, 0, &v, NULL));
    SHOW(get(-1, &now));
    SHOW(get(t, BAD));
    SHOW(syscall(SYS_timer_getoverrun, -1));
    SHOW(syscall(SYS_timer_getoverrun, t));

    v = (struct itimerspec){{3, 0}, {100, 0}};
    SHOW(set(t, 0, &v, &now));
    printf("old armed %d\n", now.it_value.tv_sec != 0);
    SHOW(get(t, &now));
    printf("left %d interval %ld\n", now.it_value.tv_sec == 99 || now.it_value.tv_sec == 100, now.it_interval.tv_sec);
    v.it_value.tv_sec = 0;
    SHOW(set(t, 0, &v, &now));
    SHOW(get(t, &now));
    printf("disarmed: value %ld interval %ld\n", now.it_value.tv_sec, now.it_interval.tv_sec);

    v = (struct itimerspec){{0, 0}, {0, 20000000}};
    int64_t start = now_ns(CLOCK_MONOTONIC);
    set(t, 0, &v, NULL);
    pause();
    printf("fired %d after its time %d, id %d value %d overrun %d\n", fired, now_ns(CLOCK_MONOTONIC) - start >= 20000000,
           last_id == t, last_value, last_overrun);
    get(t, &now);
    printf("left %ld\n", now.it_value.tv_nsec);

    clock_gettime(CLOCK_MONOTONIC, &v.it_value);
    v.it_value.tv_nsec += 30000000;
    if (v.it_value.tv_nsec >= 1000000000) {
        v.it_value.tv_sec++;
        v.it_value.tv_nsec -= 1000000000;
    }
    set(t, TIMER_ABSTIME, &v, NULL);
    pause();
    printf("absolute: fired %d, not early %d\n", fired, now_ns(CLOCK_MONOTONIC) >= v.it_value.tv_sec * 1000000000ll + v.it_value.tv_nsec);
    v.it_value = (struct timespec){0, 1};
    set(t, TIMER_ABSTIME, &v, NULL);
    sleep_ms(20);
    printf("absolute and past: fired %d\n", fired);
    drop(t);

    /* Overruns: blocked for 10 periods, one signal. */
    e = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    create(CLOCK_REALTIME, &e, &t);
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &s, NULL);
    v = (struct itimerspec){{0, 10000000}, {0, 10000000}};
    fired = 0;
    set(t, 0, &v, NULL);
    sleep_ms(105);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    v.it_interval.tv_nsec = v.it_value.tv_nsec = 0;
    printf("one signal at first %d, overruns near 9: %d\n", fired >= 1 && fired <= 2, last_overrun >= 8 || syscall(SYS_timer_getoverrun, t) >= 0);
    set(t, 0, &v, NULL);
    sigprocmask(SIG_BLOCK, &s, NULL);
    v.it_value.tv_nsec = 1000000;
    set(t, 0, &v, NULL);
    sleep_ms(20);
    fired = 0;
    SHOW(drop(t));
    SHOW(create(CLOCK_MONOTONIC, &e, &t));
    SHOW(drop(t));

    /* SIGEV_NONE only counts down. */
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    e.sigev_notify = SIGEV_NONE;
    create(CLOCK_MONOTONIC, &e, &t);
    v = (struct itimerspec){{0, 0}, {0, 10000000}};
    fired = 0;
    set(t, 0, &v, NULL);
    sleep_ms(20);
    get(t, &now);
    printf("none: fired %d left %ld\n", fired, now.it_value.tv_nsec);
    v.it_interval.tv_nsec = 15000000;
    set(t, 0, &v, NULL);
    sleep_ms(50);
    get(t, &now);
    printf("periodic none: left within the period %d\n", now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 15000000);
    drop(t);

    /* To one thread. */
    static int tid;
    pthread_t thread;
    fired = 0;
    pthread_create(&thread, NULL, other_thread, &tid);
    while (!*(volatile int *)&tid)
        sleep_ms(1);
    e.sigev_notify = SIGEV_THREAD_ID;
    e._sigev_un._tid = tid;
    SHOW(create(CLOCK_MONOTONIC, &e, &t));
    v = (struct itimerspec){{0, 0}, {0, 10000000}};
    set(t, 0, &v, NULL);
    pthread_join(thread, NULL);
    printf("taken by the thread %d\n", taker == tid);
    drop(t);

    /* CPU clocks. */
    e.sigev_notify = SIGEV_SIGNAL;
    int clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (int i = 0; i < 2; i++) {
        fired = 0;
        SHOW(create(clocks[i], &e, &t));
        v = (struct itimerspec){{0, 0}, {0, 60000000}};
        SHOW(set(t, 0, &v, NULL));
        sleep_ms(100);
        printf("asleep: fired %d\n", fired);
        burn(200, clocks[i]);
        printf("busy: fired %d\n", fired);
        SHOW(drop(t));
    }
    return 0;
}
