/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks of clock_gettime(2): which exist, resolutions, order, errors; CPU clocks; the older calls. */
#include "abi.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>

#define CPU_CLOCK(id, per_thread, which) ((clockid_t)(~(unsigned)(id) << 3 | (per_thread) << 2 | (which)))

static volatile int stop;
static volatile pid_t other;

static void *burns(void *arg)
{
    other = (pid_t)syscall(SYS_gettid);
    while (!stop)
        ;
    return arg;
}

static void burn(int ms)
{
    int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000ll;
    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

static long raw_get(clockid_t clock, struct timespec *ts)
{
    return syscall(SYS_clock_gettime, clock, ts);
}

int main(void)
{
    SHOW(times(NULL) > 1000000); /* begins far from 0, however short the machine has been up */
    struct timespec ts, res;
    for (int clock = 0; clock < 18; clock++) {
        if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM || clock == 10 || clock >= 16)
            continue; /* depend on the machine's real-time clock, or on the kernel's version */
        printf("clock %d: ", clock);
        CALL("get", raw_get(clock, &ts));
        CALL("  res", syscall(SYS_clock_getres, clock, &res));
        if (clock < 12 && clock != CLOCK_REALTIME_COARSE && clock != CLOCK_MONOTONIC_COARSE)
            printf("  %ld %ld\n", (long)res.tv_sec, res.tv_nsec);
        SHOW(syscall(SYS_clock_getres, clock, NULL));
        SHOW(syscall(SYS_clock_getres, clock, BAD));
        SHOW(syscall(SYS_clock_gettime, clock, BAD));
    }
    SHOW(raw_get(CLOCK_REALTIME_COARSE, &ts));
    int64_t coarse = now_ns(CLOCK_MONOTONIC_COARSE), fine = now_ns(CLOCK_MONOTONIC);
    printf("coarse is not ahead %d nor far behind %d\n", coarse <= fine, fine - coarse < 100000000);
    coarse = now_ns(CLOCK_REALTIME_COARSE), fine = now_ns(CLOCK_REALTIME);
    printf("coarse is not ahead %d nor far behind %d\n", coarse <= fine, fine - coarse < 100000000);
    int backwards = 0;
    int64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t t = now_ns(CLOCK_MONOTONIC);
        backwards += t < last;
        last = t;
    }
    printf("backwards %d\n", backwards);
    struct timeval tv;
    int64_t real = now_ns(CLOCK_REALTIME);
    SHOW(gettimeofday(&tv, NULL));
    printf("near %d\n", llabs(tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll - real) < 1000000000);
    printf("year is plausible %d\n", tv.tv_sec > 1700000000 && tv.tv_sec < 4000000000);
    time_t now = 0;
    printf("time %d\n", labs(syscall(SYS_time, &now) - tv.tv_sec) <= 1 && labs(now - tv.tv_sec) <= 1);
    SHOW(syscall(SYS_time, BAD));
    SHOW(syscall(SYS_gettimeofday, NULL, NULL));
    SHOW(syscall(SYS_gettimeofday, BAD, NULL));
    SHOW(syscall(SYS_gettimeofday, NULL, BAD));
    struct { int west, dst; } tz = {5, 5};
    SHOW(syscall(SYS_gettimeofday, NULL, &tz));
    printf("tz %d %d\n", tz.west, tz.dst);

    int64_t p0 = now_ns(CLOCK_PROCESS_CPUTIME_ID), t0 = now_ns(CLOCK_THREAD_CPUTIME_ID);
    burn(60);
    int64_t p1 = now_ns(CLOCK_PROCESS_CPUTIME_ID), t1 = now_ns(CLOCK_THREAD_CPUTIME_ID);
    printf("burnt: process %d thread %d\n", p1 - p0 >= 60000000, t1 - t0 >= 60000000);
    int64_t w0 = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    sleep_ms(100);
    printf("sleep costs little CPU: %d\n", now_ns(CLOCK_PROCESS_CPUTIME_ID) - w0 < 50000000);
    pthread_t t;
    clockid_t id;
    pthread_create(&t, NULL, burns, NULL);
    while (!other)
        sleep_ms(1);
    sleep_ms(100);
    SHOW(pthread_getcpuclockid(t, &id));
    printf("other thread's clock runs %d\n", now_ns(id) > 1000000);
    for (int which = 0; which < 4; which++) {
        SHOW(raw_get(CPU_CLOCK(0, 0, which), &ts));
        SHOW(raw_get(CPU_CLOCK(0, 1, which), &ts));
        SHOW(raw_get(CPU_CLOCK(getpid(), 0, which), &ts));
        SHOW(raw_get(CPU_CLOCK(getpid(), 1, which), &ts));
        SHOW(raw_get(CPU_CLOCK(other, 0, which), &ts));
        SHOW(raw_get(CPU_CLOCK(other, 1, which), &ts));
        SHOW(raw_get(CPU_CLOCK(3999999, 0, which), &ts));
        SHOW(raw_get(CPU_CLOCK(3999999, 1, which), &ts));
        SHOW(syscall(SYS_clock_getres, CPU_CLOCK(getpid(), 0, which), &res));
    }
    stop = 1;
    pthread_join(t, NULL);

    ts = (struct timespec){0, 0};
    for (int clock = 1; clock < 12; clock++)
        if (clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM) {
            printf("%d: ", clock);
            SHOW(syscall(SYS_clock_settime, clock, &ts));
        }
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD));
    ts.tv_nsec = -1;
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts));
    ts = (struct timespec){-1, 0};
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts));
    SHOW(syscall(SYS_settimeofday, BAD, NULL));
    tv.tv_usec = 2000000;
    SHOW(syscall(SYS_settimeofday, &tv, NULL));
    SHOW(syscall(SYS_settimeofday, NULL, NULL));

    struct tms tms;
    clock_t c0 = times(&tms);
    sleep_ms(60);
    clock_t c1 = times(NULL);
    printf("times: passed %d, user+system %d, children %ld %ld\n", c1 - c0 >= 5 && c1 - c0 < 500,
           tms.tms_utime + tms.tms_stime >= 5, tms.tms_cutime, tms.tms_cstime);
    SHOW(syscall(SYS_times, BAD));
    struct rusage ru;
    SHOW(getrusage(RUSAGE_SELF, &ru));
    printf("rusage: cpu %d maxrss %d\n", ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec * 1000000 + ru.ru_stime.tv_usec >= 60000,
           ru.ru_maxrss > 100 && ru.ru_maxrss < 100000);
    SHOW(getrusage(RUSAGE_THREAD, &ru));
    printf("thread: %d\n", ru.ru_nvcsw > 0);
    SHOW(getrusage(RUSAGE_CHILDREN, &ru));
    printf("children: %ld\n", ru.ru_utime.tv_usec + ru.ru_maxrss);
    SHOW(syscall(SYS_getrusage, 2, &ru));
    SHOW(syscall(SYS_getrusage, -2, &ru));
    SHOW(syscall(SYS_getrusage, 0, BAD));
    SHOW(syscall(SYS_adjtimex, BAD));
    SHOW(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, BAD));
    return 0;
}
