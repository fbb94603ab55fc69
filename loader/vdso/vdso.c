/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO's code: runs in the program, on the program's stack, and may touch nothing but its arguments and the data
 * page. What it cannot answer goes to the kernel. Source: vdso(7), clock_gettime(2).
 */
#include <linux/errno.h>
#include <linux/time.h>
#include <asm/unistd.h>
#include "loader/vdso/data.h"

extern const volatile struct vdso_data vdso_data __attribute__((visibility("hidden")));

#define EXPORT __attribute__((visibility("default")))
#define NS_PER_S 1000000000ull

EXPORT int __vdso_clock_gettime(int clock, struct timespec *ts);
EXPORT int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
EXPORT long __vdso_time(long *t);
EXPORT int __vdso_clock_getres(int clock, struct timespec *res);
EXPORT long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* Not before earlier loads: else two threads could see time go backwards. */
static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static uint64_t monotonic(void)
{
    unsigned __int128 product = (unsigned __int128)(read_tsc() - vdso_data.tsc_base) * vdso_data.mult;
    return (uint64_t)(product >> vdso_data.shift) + vdso_data.offset;
}

static uint64_t realtime(void)
{
    return monotonic() + (uint64_t)vdso_data.realtime_offset;
}

static void store(struct timespec *ts, uint64_t ns)
{
    ts->tv_sec = (long)(ns / NS_PER_S);
    ts->tv_nsec = (long)(ns % NS_PER_S);
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
    uint64_t ns;
    if (!vdso_data.usable)
        return (int)system_call(__NR_clock_gettime, clock, (long)ts, 0);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_TAI:
        ns = realtime();
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        ns = monotonic();
        break;
    case CLOCK_REALTIME_COARSE:
        ns = monotonic();
        ns = ns - ns % VDSO_COARSE_NS + (uint64_t)vdso_data.realtime_offset;
        break;
    case CLOCK_MONOTONIC_COARSE:
        ns = monotonic();
        ns -= ns % VDSO_COARSE_NS;
        break;
    default:
        return (int)system_call(__NR_clock_gettime, clock, (long)ts, 0);
    }
    store(ts, ns);
    return 0;
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
    if (!vdso_data.usable)
        return (int)system_call(__NR_gettimeofday, (long)tv, (long)tz, 0);
    if (tv) {
        struct timespec ts;
        store(&ts, realtime());
        tv->tv_sec = ts.tv_sec;
        tv->tv_usec = ts.tv_nsec / 1000;
    }
    if (tz)
        tz->tz_minuteswest = tz->tz_dsttime = 0;
    return 0;
}

long __vdso_time(long *t)
{
    if (!vdso_data.usable)
        return system_call(__NR_time, (long)t, 0, 0);
    long now = (long)(realtime() / NS_PER_S);
    if (t)
        *t = now;
    return now;
}

int __vdso_clock_getres(int clock, struct timespec *res)
{
    return (int)system_call(__NR_clock_getres, clock, (long)res, 0);
}

/* The CPU number is in a register that the program may change (GS base): the kernel knows better. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    return system_call(__NR_getcpu, (long)cpu, (long)node, (long)unused);
}

int clock_gettime(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_gettime"))) EXPORT;
int gettimeofday(struct timeval *, struct timezone *) __attribute__((weak, alias("__vdso_gettimeofday"))) EXPORT;
long time(long *) __attribute__((weak, alias("__vdso_time"))) EXPORT;
int clock_getres(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_getres"))) EXPORT;
long getcpu(unsigned *, unsigned *, void *) __attribute__((weak, alias("__vdso_getcpu"))) EXPORT;
