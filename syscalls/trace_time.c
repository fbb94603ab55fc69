/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: times, limits, usage and other plain structures of numbers. */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/times.h>
#include <linux/utsname.h>
#include "syscalls/trace_print.h"

static u64 arg(struct trace_call *c, int i)
{
    return c->a->arg[i];
}

static void print_timespec(struct trace_call *c, int i)
{
    struct __kernel_timespec ts;
    if (trace_fetch(c, arg(c, i), &ts, sizeof(ts)))
        trace_timespec(c->line, &ts);
}

void trace_decode_TIMESPEC_IN(struct trace_call *c, int i)
{
    print_timespec(c, i);
}

void trace_decode_TIMESPEC_OUT(struct trace_call *c, int i)
{
    print_timespec(c, i);
}

/* What is left of a sleep is only written when a signal ended it. */
void trace_decode_TIMESPEC_LEFT(struct trace_call *c, int i)
{
    struct __kernel_timespec ts;
    bool interrupted = c->result == -EINTR || c->result == -ERESTART_RESTARTBLOCK;
    if (interrupted && arg(c, i) && !get_user(ts, (void *)arg(c, i)))
        trace_timespec(c->line, &ts);
    else
        trace_pointer(c->line, arg(c, i));
}

static void print_timeval(struct trace_call *c, int i)
{
    struct __kernel_old_timeval tv;
    if (trace_fetch(c, arg(c, i), &tv, sizeof(tv)))
        trace_timeval(c->line, &tv);
}

void trace_decode_TIMEVAL_IN(struct trace_call *c, int i)
{
    print_timeval(c, i);
}

void trace_decode_TIMEVAL_OUT(struct trace_call *c, int i)
{
    print_timeval(c, i);
}

void trace_decode_TIMEVALS_IN(struct trace_call *c, int i)
{
    struct __kernel_old_timeval tv[2];
    if (!trace_fetch(c, arg(c, i), tv, sizeof(tv)))
        return;
    trace_printf(c->line, "[");
    trace_timeval(c->line, &tv[0]);
    trace_printf(c->line, ", ");
    trace_timeval(c->line, &tv[1]);
    trace_printf(c->line, "]");
}

static void print_stamp(struct trace_line *l, const struct __kernel_timespec *ts)
{
    if (ts->tv_nsec == 0x3fffffff)
        trace_printf(l, "UTIME_NOW");
    else if (ts->tv_nsec == 0x3ffffffe)
        trace_printf(l, "UTIME_OMIT");
    else
        trace_timespec(l, ts);
}

void trace_decode_TIMESPECS_IN(struct trace_call *c, int i)
{
    struct __kernel_timespec ts[2];
    if (!trace_fetch(c, arg(c, i), ts, sizeof(ts)))
        return;
    trace_printf(c->line, "[");
    print_stamp(c->line, &ts[0]);
    trace_printf(c->line, ", ");
    print_stamp(c->line, &ts[1]);
    trace_printf(c->line, "]");
}

static void print_itimerval(struct trace_call *c, int i)
{
    struct __kernel_old_timeval tv[2];
    if (!trace_fetch(c, arg(c, i), tv, sizeof(tv)))
        return;
    trace_printf(c->line, "{it_interval=");
    trace_timeval(c->line, &tv[0]);
    trace_printf(c->line, ", it_value=");
    trace_timeval(c->line, &tv[1]);
    trace_printf(c->line, "}");
}

void trace_decode_ITIMERVAL_IN(struct trace_call *c, int i)
{
    print_itimerval(c, i);
}

void trace_decode_ITIMERVAL_OUT(struct trace_call *c, int i)
{
    print_itimerval(c, i);
}

static void print_itimerspec(struct trace_call *c, int i)
{
    struct __kernel_timespec ts[2];
    if (!trace_fetch(c, arg(c, i), ts, sizeof(ts)))
        return;
    trace_printf(c->line, "{it_interval=");
    trace_timespec(c->line, &ts[0]);
    trace_printf(c->line, ", it_value=");
    trace_timespec(c->line, &ts[1]);
    trace_printf(c->line, "}");
}

void trace_decode_ITIMERSPEC_IN(struct trace_call *c, int i)
{
    print_itimerspec(c, i);
}

void trace_decode_ITIMERSPEC_OUT(struct trace_call *c, int i)
{
    print_itimerspec(c, i);
}

static void print_limit(struct trace_line *l, u64 value)
{
    if (value == RLIM64_INFINITY)
        trace_printf(l, "RLIM64_INFINITY");
    else if (value > 1024 && value % 1024 == 0)
        trace_printf(l, "%lu*1024", value / 1024);
    else
        trace_printf(l, "%lu", value);
}

static void print_rlimit(struct trace_call *c, int i)
{
    struct rlimit64 r;
    if (!trace_fetch(c, arg(c, i), &r, sizeof(r)))
        return;
    trace_printf(c->line, "{rlim_cur=");
    print_limit(c->line, r.rlim_cur);
    trace_printf(c->line, ", rlim_max=");
    print_limit(c->line, r.rlim_max);
    trace_printf(c->line, "}");
}

void trace_decode_RLIMIT_IN(struct trace_call *c, int i)
{
    print_rlimit(c, i);
}

void trace_decode_RLIMIT_OUT(struct trace_call *c, int i)
{
    print_rlimit(c, i);
}

void trace_decode_RUSAGE_OUT(struct trace_call *c, int i)
{
    struct rusage r;
    if (!trace_fetch(c, arg(c, i), &r, sizeof(r)))
        return;
    trace_printf(c->line, "{ru_utime={tv_sec=%ld, tv_usec=%ld}, ru_stime={tv_sec=%ld, tv_usec=%ld}, ...}",
                 (long)r.ru_utime.tv_sec, (long)r.ru_utime.tv_usec, (long)r.ru_stime.tv_sec, (long)r.ru_stime.tv_usec);
}

void trace_decode_TMS_OUT(struct trace_call *c, int i)
{
    struct tms t;
    if (trace_fetch(c, arg(c, i), &t, sizeof(t)))
        trace_printf(c->line, "{tms_utime=%ld, tms_stime=%ld, tms_cutime=%ld, tms_cstime=%ld}", (long)t.tms_utime,
                     (long)t.tms_stime, (long)t.tms_cutime, (long)t.tms_cstime);
}

void trace_decode_UTSNAME_OUT(struct trace_call *c, int i)
{
    struct new_utsname n;
    if (trace_fetch(c, arg(c, i), &n, sizeof(n)))
        trace_printf(c->line, "{sysname=\"%s\", nodename=\"%s\", ...}", n.sysname, n.nodename);
}

void trace_decode_SYSINFO_OUT(struct trace_call *c, int i)
{
    struct sysinfo s;
    if (trace_fetch(c, arg(c, i), &s, sizeof(s)))
        trace_printf(c->line,
                     "{uptime=%ld, loads=[%lu, %lu, %lu], totalram=%lu, freeram=%lu, sharedram=%lu, bufferram=%lu, "
                     "totalswap=%lu, freeswap=%lu, procs=%u, totalhigh=%lu, freehigh=%lu, mem_unit=%u}",
                     (long)s.uptime, s.loads[0], s.loads[1], s.loads[2], s.totalram, s.freeram, s.sharedram, s.bufferram,
                     s.totalswap, s.freeswap, s.procs, s.totalhigh, s.freehigh, s.mem_unit);
}

/* ---- single numbers and arrays of them */

static void print_int(struct trace_call *c, int i)
{
    int value;
    if (trace_fetch(c, arg(c, i), &value, sizeof(value)))
        trace_printf(c->line, "[%d]", value);
}

void trace_decode_INT_IN(struct trace_call *c, int i)
{
    print_int(c, i);
}

void trace_decode_INT_OUT(struct trace_call *c, int i)
{
    print_int(c, i);
}

void trace_decode_SCHED_PARAM_IN(struct trace_call *c, int i)
{
    print_int(c, i);
}

void trace_decode_SCHED_PARAM_OUT(struct trace_call *c, int i)
{
    print_int(c, i);
}

void trace_decode_LENGTH_OUT(struct trace_call *c, int i)
{
    print_int(c, i);
}

void trace_decode_LONG_OUT(struct trace_call *c, int i)
{
    long value;
    if (trace_fetch(c, arg(c, i), &value, sizeof(value)))
        trace_printf(c->line, "[%ld]", value);
}

void trace_decode_PTR_OUT(struct trace_call *c, int i)
{
    u64 value;
    if (!trace_fetch(c, arg(c, i), &value, sizeof(value)))
        return;
    trace_printf(c->line, "[");
    trace_pointer(c->line, value);
    trace_printf(c->line, "]");
}

void trace_decode_OFF_INOUT(struct trace_call *c, int i)
{
    trace_decode_LONG_OUT(c, i);
}

void trace_decode_FDS_OUT(struct trace_call *c, int i)
{
    int fds[2];
    if (trace_fetch(c, arg(c, i), fds, sizeof(fds)))
        trace_printf(c->line, "[%d, %d]", fds[0], fds[1]);
}

static void print_ids(struct trace_call *c, int i, s64 n)
{
    u32 ids[TRACE_ARRAY_MAX];
    size_t shown = MIN((u64)MAX(n, 0l), (u64)TRACE_ARRAY_MAX);
    if (!trace_fetch(c, arg(c, i), ids, shown * sizeof(ids[0])))
        return;
    trace_printf(c->line, "[");
    for (size_t k = 0; k < shown; k++)
        trace_printf(c->line, k ? ", %u" : "%u", ids[k]);
    trace_printf(c->line, n > (s64)shown ? ", ...]" : "]");
}

void trace_decode_GIDS_IN(struct trace_call *c, int i)
{
    print_ids(c, i, (int)arg(c, i - 1));
}

void trace_decode_GIDS_OUT(struct trace_call *c, int i)
{
    print_ids(c, i, c->result);
}

static void print_cpus(struct trace_call *c, int i, u64 bytes)
{
    u64 cpus = 0;
    const char *blank = "";
    if (!trace_fetch(c, arg(c, i), &cpus, MIN(bytes, sizeof(cpus))))
        return;
    trace_printf(c->line, "[");
    for (int cpu = 0; cpu < 64; cpu++)
        if (cpus & 1ull << cpu) {
            trace_printf(c->line, "%s%d", blank, cpu);
            blank = " ";
        }
    trace_printf(c->line, "]");
}

void trace_decode_CPUSET_IN(struct trace_call *c, int i)
{
    print_cpus(c, i, arg(c, i - 1));
}

void trace_decode_CPUSET_OUT(struct trace_call *c, int i)
{
    print_cpus(c, i, c->failed ? 0 : (u64)c->result);
}

void trace_decode_CAP_HEADER(struct trace_call *c, int i)
{
    struct __user_cap_header_struct h;
    if (!trace_fetch(c, arg(c, i), &h, sizeof(h)))
        return;
    if (h.version == _LINUX_CAPABILITY_VERSION_3)
        trace_printf(c->line, "{version=_LINUX_CAPABILITY_VERSION_3, pid=%d}", h.pid);
    else
        trace_printf(c->line, "{version=%#x, pid=%d}", h.version, h.pid);
}

static void print_caps(struct trace_call *c, int i)
{
    struct __user_cap_data_struct d[2];
    if (trace_fetch(c, arg(c, i), d, sizeof(d)))
        trace_printf(c->line, "{effective=%#lx, permitted=%#lx, inheritable=%#lx}",
                     (u64)d[1].effective << 32 | d[0].effective, (u64)d[1].permitted << 32 | d[0].permitted,
                     (u64)d[1].inheritable << 32 | d[0].inheritable);
}

void trace_decode_CAP_DATA_IN(struct trace_call *c, int i)
{
    print_caps(c, i);
}

void trace_decode_CAP_DATA_OUT(struct trace_call *c, int i)
{
    print_caps(c, i);
}

void trace_decode_WSTATUS_OUT(struct trace_call *c, int i)
{
    int status;
    if (c->result <= 0) {
        trace_pointer(c->line, arg(c, i));
        return;
    }
    if (!trace_fetch(c, arg(c, i), &status, sizeof(status)))
        return;
    if (status & 0x7f) {
        trace_printf(c->line, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
        trace_signal(c->line, status & 0x7f);
        trace_printf(c->line, "}]");
    } else {
        trace_printf(c->line, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", status >> 8 & 0xff);
    }
}
