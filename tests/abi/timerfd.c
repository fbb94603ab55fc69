/* SPDX-License-Identifier: BSD-2-Clause */
/* timerfd_create(2): clocks, absolute and relative, intervals and overruns, gettime, poll, errors. */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>

#define MS 1000000ll

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

static long readable(int ms)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    poll(&p, 1, ms);
    return p.revents;
}

static int64_t left(void)
{
    struct itimerspec t;
    timerfd_gettime(fd, &t);
    return t.it_value.tv_sec * 1000000000ll + t.it_value.tv_nsec;
}

static void one_clock(int clock)
{
    int64_t now;
    fd = timerfd_create(clock, TFD_NONBLOCK);
    printf("clock %d\n", clock);
    SHOW(fd >= 0);
    SHOW(rd());
    SHOW(readable(0));
    SHOW(left());
    SHOW(set(0, 20 * MS, 0));
    SHOW(left() > 0 && left() <= 20 * MS);
    SHOW(rd());
    SHOW(readable(5000));
    SHOW(rd());
    SHOW(rd());
    SHOW(left());
    now = now_ns(clock == CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC);
    SHOW(set(TFD_TIMER_ABSTIME, now + 20 * MS, 0));
    SHOW(readable(5000));
    SHOW(now_ns(clock == CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC) >= now + 20 * MS);
    SHOW(rd());
    SHOW(set(TFD_TIMER_ABSTIME, 1, 0));
    SHOW(readable(5000));
    SHOW(rd());
    SHOW(set(0, 5 * MS, 5 * MS));
    sleep_ms(32);
    SHOW(rd() >= 6);
    SHOW(left() > 0 && left() <= 5 * MS);
    SHOW(readable(5000));
    SHOW(rd() >= 1);
    SHOW(set(0, 0, 5 * MS));
    SHOW(readable(20));
    close(fd);
}

int main(void)
{
    struct itimerspec t = {{0, 0}, {0, 1}}, old;
    char small[7];

    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
    SHOW(timerfd_settime(0, 0, &t, NULL));
    SHOW(timerfd_settime(99, 0, &t, NULL));
    SHOW(timerfd_gettime(99, &t));
    SHOW(timerfd_gettime(1, &t));

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GETFL));
    SHOW(syscall(SYS_timerfd_settime, fd, 0, BAD, NULL));
    SHOW(syscall(SYS_timerfd_settime, fd, 8, &t, NULL));
    SHOW(syscall(SYS_timerfd_gettime, fd, BAD));
    t.it_value.tv_nsec = 1000000000;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    t.it_value.tv_nsec = -1;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    t.it_value = (struct timespec){-1, 0};
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    t = (struct itimerspec){{0, 1000000000}, {1, 0}};
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    SHOW(read(fd, small, 7));
    SHOW(write(fd, small, 7));
    t = (struct itimerspec){{7, 0}, {100, 0}};
    SHOW(timerfd_settime(fd, 0, &t, &old));
    SHOW(old.it_value.tv_sec);
    t = (struct itimerspec){{0, 0}, {0, 20 * MS}};
    SHOW(timerfd_settime(fd, 0, &t, &old));
    SHOW(old.it_value.tv_sec >= 99 && old.it_value.tv_sec <= 100);
    SHOW(old.it_interval.tv_sec);
    SHOW(rd());
    t.it_value = (struct timespec){INT64_MAX, 0};
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    SHOW(readable(0));
    close(fd);

    one_clock(CLOCK_MONOTONIC);
    one_clock(CLOCK_REALTIME);
    one_clock(CLOCK_BOOTTIME);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    SHOW(set(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, now_ns(CLOCK_REALTIME) + 10 * MS, 0));
    SHOW(rd());
    return 0;
}
