/* SPDX-License-Identifier: BSD-2-Clause */
/* timerfd_create(2): alarm clocks, absolute times in the past with an interval, expirations across settime, TFD_IOC_SET_TICKS. */
#include "abi.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#define MS 1000000ll
#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

static int fd;

static long rd(void)
{
    uint64_t v;
    long n = read(fd, &v, 8);
    return n == 8 ? (long)v : n;
}

static long set(int flags, int64_t value, int64_t interval)
{
    struct itimerspec t = {{interval / 1000000000, interval % 1000000000}, {value / 1000000000, value % 1000000000}};
    return timerfd_settime(fd, flags, &t, NULL);
}

static void clocks(void)
{
    static const int each[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                               CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
                               CLOCK_TAI, 12, -1, -6};
    for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
        CALL("create", (fd = timerfd_create(each[i], TFD_NONBLOCK)) < 0 ? fd : 0);
        if (fd >= 0)
            close(fd);
    }
}

static void past(int clock)
{
    struct itimerspec t;
    fd = timerfd_create(clock, TFD_NONBLOCK);
    printf("clock %d\n", clock);
    int64_t now = now_ns(clock);
    SHOW(set(TFD_TIMER_ABSTIME, now - 1000 * MS, 100000 * MS));
    SHOW(rd());
    SHOW(rd());
    SHOW(timerfd_gettime(fd, &t));
    printf("next in %ld\n", (long)t.it_value.tv_sec);
    SHOW(set(TFD_TIMER_ABSTIME, now - 250000 * MS, 100000 * MS));
    struct pollfd p = {fd, POLLIN, 0};
    SHOW(poll(&p, 1, 0));
    SHOW(rd());
    SHOW(timerfd_gettime(fd, &t));
    printf("next in %ld\n", (long)t.it_value.tv_sec);
    /* Setting it again forgets what was not read. */
    SHOW(set(TFD_TIMER_ABSTIME, now - 250000 * MS, 100000 * MS));
    SHOW(set(0, 100000 * MS, 0));
    SHOW(rd());
    SHOW(set(TFD_TIMER_ABSTIME, 1, 0));
    sleep_ms(2);
    SHOW(set(0, 0, 0));
    SHOW(rd());
    SHOW(set(TFD_TIMER_ABSTIME, 1, 0));
    SHOW(timerfd_gettime(fd, &t));
    printf("left %ld\n", (long)t.it_value.tv_sec);
    SHOW(rd());
    SHOW(set(4, 1, 0));
    SHOW(set(TFD_TIMER_CANCEL_ON_SET, 100 * MS, 0));
    SHOW(set(TFD_TIMER_CANCEL_ON_SET | TFD_TIMER_ABSTIME, now - 1, 0));
    SHOW(rd());
    close(fd);
}

static void ticks(void)
{
    uint64_t n = 5;
    struct pollfd p;
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    p = (struct pollfd){fd, POLLIN, 0};
    SHOW(ioctl(fd, TFD_IOC_SET_TICKS, &n));
    SHOW(poll(&p, 1, 0));
    SHOW(rd());
    SHOW(rd());
    n = 0;
    SHOW(ioctl(fd, TFD_IOC_SET_TICKS, &n));
    SHOW(ioctl(fd, TFD_IOC_SET_TICKS, BAD));
    SHOW(set(0, 3600000 * MS, 0));
    n = 7;
    SHOW(ioctl(fd, TFD_IOC_SET_TICKS, &n));
    SHOW(poll(&p, 1, 0));
    SHOW(rd());
    SHOW(ioctl(fd, FIONREAD, &n));
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND));
    close(fd);
}

/* Clocks that would wake a machine that sleeps. */
static void alarms(void)
{
    static const int clocks[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM};

    for (int i = 0; i < 2; i++) {
        struct itimerspec soon = {{0, 0}, {0, 1000000}}, left;
        uint64_t n = 0;
        int fd;

        SHOW(fd = timerfd_create(clocks[i], 0));
        SHOW(timerfd_settime(fd, 0, &soon, NULL));
        SHOW(read(fd, &n, sizeof(n)));
        SHOW(timerfd_gettime(fd, &left));
        printf("%llu, left %lld %ld\n", (unsigned long long)n, (long long)left.it_value.tv_sec, left.it_value.tv_nsec);
        close(fd);
    }
}

static void unprivileged(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};
    SHOW(syscall(SYS_capset, &h, d));
    SHOW(timerfd_create(CLOCK_REALTIME_ALARM, 0));
    SHOW(timerfd_create(CLOCK_BOOTTIME_ALARM, 0));
    SHOW(timerfd_create(CLOCK_REALTIME_ALARM, 1));
}

int main(void)
{
    clocks();
    past(CLOCK_REALTIME);
    ticks();
    alarms();
    unprivileged();
    return 0;
}
