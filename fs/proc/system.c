/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of /proc about the machine, proc(5). */
#include "fs/block_device.h"
#include "fs/page_cache.h"
#include "fs/proc/proc.h"
#include "fs/pty.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/process.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/uts.h"

static u64 kib(u64 pages)
{
    return pages * (PAGE_SIZE / 1024);
}

int proc_empty(struct text *t, const struct generated_ref *r)
{
    return 0;
}

int proc_meminfo(struct text *t, const struct generated_ref *r)
{
    struct page_stats s;
    u64 dirty, cached = page_cache_pages(&dirty);

    page_stats(&s);
    text_printf(t, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\n",
                (unsigned long long)kib(s.total), (unsigned long long)kib(s.free),
                (unsigned long long)kib(s.available));
    text_printf(t, "Buffers:        %8u kB\nCached:         %8llu kB\nSwapCached:     %8u kB\n", 0u,
                (unsigned long long)kib(cached), 0u);
    text_printf(t, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0u, 0u);
    text_printf(t, "Dirty:          %8llu kB\n", (unsigned long long)kib(dirty));
    text_printf(t, "Slab:           %8llu kB\nSUnreclaim:     %8llu kB\n",
                (unsigned long long)heap_used() / 1024, (unsigned long long)heap_used() / 1024);
    text_printf(t,
                "HugePages_Total:   %5u\nHugePages_Free:    %5u\nHugePages_Rsvd:    "
                "%5u\nHugePages_Surp:    %5u\n",
                0u, 0u, 0u, 0u);
    text_printf(t, "Hugepagesize:   %8lu kB\n", HUGE_SIZE / 1024);
    return 0;
}

/* Time since boot that a CPU did not idle. */
static nsec_t busy(unsigned cpu)
{
    nsec_t now = platform_clock(), idle = sched_idle_time(cpu);

    return now > idle ? now - idle : 0;
}

/*
 * The share of the programs' time that was their own, in 1/1024. Single CPUs do not keep it apart.
 * /
 */
static u64 user_share(void)
{
    u64 user = 0, system = 0;
    struct process *p = process_next(0);

    while (p) {
        struct process *next = process_next(p->pid);
        u64 u, s;

        process_cpu_time(p, &u, &s);
        user += u;
        system += s;
        process_put(p);
        p = next;
    }
    user /= NSEC_PER_USEC;
    system /= NSEC_PER_USEC;
    return user + system ? user * 1024 / (user + system) : 0;
}

static void show_cpu(struct text *t, nsec_t busy_time, nsec_t idle, u64 share)
{
    u64 ticks = proc_ticks(busy_time), user = ticks * share / 1024;

    text_printf(t, " %llu 0 %llu %llu 0 0 0 0 0 0\n", (unsigned long long)user,
                (unsigned long long)(ticks - user), (unsigned long long)proc_ticks(idle));
}

int proc_stat(struct text *t, const struct generated_ref *r)
{
    unsigned cpus = platform_cpu_count();
    u64 share = user_share(), switches = 0, interrupts = 0;
    nsec_t all_busy = 0, all_idle = 0;

    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        all_busy += busy(cpu);
        all_idle += sched_idle_time(cpu);
        switches += platform_percpu(cpu)->counters[COUNT_SWITCHES];
        interrupts += platform_percpu(cpu)->counters[COUNT_INTERRUPTS];
    }
    text_printf(t, "cpu ");
    show_cpu(t, all_busy, all_idle, share);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        text_printf(t, "cpu%u", cpu);
        show_cpu(t, busy(cpu), sched_idle_time(cpu), share);
    }
    text_printf(
        t, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %u\nprocs_running 1\nprocs_blocked 0\n",
        (unsigned long long)interrupts, (unsigned long long)switches,
        (unsigned long long)((clock_realtime() - platform_clock()) / NSEC_PER_SEC),
        thread_count_all());
    return 0;
}

static void show_hundredths(struct text *t, nsec_t ns)
{
    u64 hundredths = ns / (NSEC_PER_SEC / 100);

    text_printf(t, "%llu.%02llu", (unsigned long long)hundredths / 100,
                (unsigned long long)hundredths % 100);
}

int proc_uptime(struct text *t, const struct generated_ref *r)
{
    nsec_t idle = 0;

    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++)
        idle += sched_idle_time(cpu);
    show_hundredths(t, platform_clock());
    text_printf(t, " ");
    show_hundredths(t, idle);
    text_printf(t, "\n");
    return 0;
}

int proc_loadavg(struct text *t, const struct generated_ref *r)
{
    u64 load[3];
    struct process *last = NULL, *p = process_next(0);

    sched_load_average(load);
    for (int k = 0; k < 3; k++)
        text_printf(t, "%llu.%02llu ", (unsigned long long)load[k] >> 16,
                    (unsigned long long)((load[k] & 0xffff) * 100) >> 16);
    for (; p; p = process_next(p->pid)) {
        if (last)
            process_put(last);
        last = p;
    }
    text_printf(t, "1/%u %d\n", thread_count_all(), last ? last->pid : 0);
    if (last)
        process_put(last);
    return 0;
}

int proc_version(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%s version %s (aril) (gcc %s) %s\n", UTS_SYSNAME, UTS_RELEASE, __VERSION__,
                UTS_VERSION);
    return 0;
}

int proc_cpuinfo(struct text *t, const struct generated_ref *r)
{
    char *buf = kmalloc(PAGE_SIZE);

    if (!buf)
        return -ENOMEM;
    for (unsigned cpu = 0; cpu < platform_cpu_count(); cpu++)
        text_append(t, buf, platform_cpu_description(cpu, buf, PAGE_SIZE));
    kfree(buf);
    return 0;
}

int proc_cmdline(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%s\n", platform_command_line());
    return 0;
}

int proc_filesystems(struct text *t, const struct generated_ref *r)
{
    for (const struct file_system_type *const *f = file_systems; *f; f++)
        text_printf(t, "%s\t%s\n", (*f)->needs_device ? "" : "nodev", (*f)->name);
    return 0;
}

int proc_partitions(struct text *t, const struct generated_ref *r)
{
    for (unsigned i = 0; block_device_at(i); i++) {
        const struct block_device *d = block_device_at(i);

        text_printf(t, "%s%4u  %7u %10llu %s\n", i ? "" : "major minor  #blocks  name\n\n", BLOCK_MAJOR, d->minor,
                    (unsigned long long)d->sectors / 2, d->name);
    }
    return 0;
}

int proc_swaps(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

int proc_cgroups(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
    return 0;
}

/* The drivers of terminals, as ps(1) looks them up: name, node, major number, minors, kind. */
int proc_tty_drivers(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
                   "/dev/console         /dev/console    5       1 system:console\n"
                   "/dev/ptmx            /dev/ptmx       5       2 system\n"
                   "pty_slave            /dev/pts      136 0-%d pty:slave\n"
                   "pty_master           /dev/ptm      128 0-%d pty:master\n",
                PTY_MAX - 1, PTY_MAX - 1);
    return 0;
}
