/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of /proc about the machine, proc(5). */
#include "fs/block_device.h"
#include "fs/page_cache.h"
#include "fs/proc/proc.h"
#include "fs/pty.h"
#include "kernel/address_space.h"
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

/* A file for what there is none of. */
int proc_empty(struct text *t, const struct generated_ref *r)
{
    return 0;
}

/* What programs have of memory, in pages. */
static void program_memory(u64 *resident, u64 *private)
{
    struct process *p = process_next(0);

    *resident = *private = 0;
    while (p) {
        struct process *next = process_next(p->pid);
        struct address_space *as = p->space;

        *resident += as ? READ_ONCE(as->resident_pages) : 0;
        *private += as ? READ_ONCE(as->private_pages) : 0;
        process_put(p);
        p = next;
    }
}

struct row {
    const char *name;
    u64 value;
};

int proc_meminfo(struct text *t, const struct generated_ref *r)
{
    struct page_stats s;
    u64 dirty, cached = page_cache_pages(&dirty), shared = ram_objects_pages(), resident, private;
    u64 heap = heap_used() / PAGE_SIZE, tables = kernel_table_pages();

    page_stats(&s);
    program_memory(&resident, &private);
    const struct row rows[] = {
        {"MemTotal", s.total}, {"MemFree", s.free}, {"MemAvailable", s.available}, {"Buffers", 0},
        {"Cached", cached + shared}, {"SwapCached", 0}, {"SwapTotal", 0}, {"SwapFree", 0}, {"Dirty", dirty},
        {"AnonPages", private}, {"Mapped", resident - MIN(private, resident)}, {"Shmem", shared}, {"KReclaimable", 0},
        {"Slab", heap}, {"SReclaimable", 0}, {"SUnreclaim", heap}, {"PageTables", tables},
    };

    for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
        size_t mark = t->used;

        text_printf(t, "%s:", row->name);
        text_pad(t, mark, 16);
        text_printf(t, "%8lu kB\n", kib(row->value));
    }
    text_printf(t,
                "HugePages_Total:   %5u\nHugePages_Free:    %5u\nHugePages_Rsvd:    "
                "%5u\nHugePages_Surp:    %5u\n",
                0u, 0u, 0u, 0u);
    text_printf(t, "Hugepagesize:   %8lu kB\n", HUGE_SIZE / 1024);
    return 0;
}

static u64 faults(u64 *major)
{
    struct process *p = process_next(0);
    u64 all = 0;

    *major = 0;
    while (p) {
        struct process *next = process_next(p->pid);
        struct process_usage used;

        process_usage(p, &used);
        all += used.minor_faults + used.major_faults;
        *major += used.major_faults;
        process_put(p);
        p = next;
    }
    return all;
}

int proc_vmstat(struct text *t, const struct generated_ref *r)
{
    struct page_stats s;
    u64 dirty, cached = page_cache_pages(&dirty), shared = ram_objects_pages(), resident, private, major, all = faults(&major);

    page_stats(&s);
    program_memory(&resident, &private);
    const struct row rows[] = {
        {"nr_free_pages", s.free}, {"nr_anon_pages", private}, {"nr_mapped", resident - MIN(private, resident)},
        {"nr_file_pages", cached + shared}, {"nr_dirty", dirty}, {"nr_shmem", shared},
        {"nr_slab_unreclaimable", heap_used() / PAGE_SIZE}, {"nr_page_table_pages", kernel_table_pages()},
        {"pgpgin", block_sectors_moved(false) / 2}, {"pgpgout", block_sectors_moved(true) / 2},
        {"pswpin", 0}, {"pswpout", 0}, {"pgfault", all}, {"pgmajfault", major},
    };

    for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++)
        text_printf(t, "%s %lu\n", row->name, row->value);
    return 0;
}

/* Interrupts of each CPU: those from other CPUs, and the rest. */
int proc_interrupts(struct text *t, const struct generated_ref *r)
{
    unsigned cpus = platform_cpu_count();

    text_printf(t, "    ");
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        text_printf(t, "       CPU%-3u", cpu);
    for (int ipi = 0; ipi < 2; ipi++) {
        text_printf(t, ipi ? "\nIPI:" : "\nDEV:");
        for (unsigned cpu = 0; cpu < cpus; cpu++) {
            const u64 *counters = platform_percpu(cpu)->counters;

            text_printf(t, " %10lu  ", ipi ? counters[COUNT_IPIS] : counters[COUNT_INTERRUPTS] - counters[COUNT_IPIS]);
        }
        text_printf(t, ipi ? " Inter-processor interrupts\n" : " Device and timer interrupts");
    }
    return 0;
}

/* What interrupts put off: frames that arrive are all there is of that. */
int proc_softirqs(struct text *t, const struct generated_ref *r)
{
    static const char names[][9] = {"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"};
    unsigned cpus = platform_cpu_count();

    text_pad(t, t->used, 20);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        text_printf(t, "CPU%-8u", cpu);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        text_printf(t, "\n%12s:", names[i]);
        for (unsigned cpu = 0; cpu < cpus; cpu++)
            text_printf(t, " %10lu", i == 3 ? platform_percpu(cpu)->counters[COUNT_DEFERRED] : 0);
    }
    text_printf(t, "\n");
    return 0;
}

/* All memory is alike: one zone. */
int proc_buddyinfo(struct text *t, const struct generated_ref *r)
{
    u64 blocks[PAGE_MAX_ORDER + 1];

    page_free_blocks(blocks);
    text_printf(t, "Node 0, zone   Normal ");
    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
        text_printf(t, "%6lu ", blocks[i]);
    text_printf(t, "\n");
    return 0;
}

/* Drivers by major number: devices that /dev has. */
int proc_devices(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n136 pts\n\nBlock devices:\n");
    if (block_device_at(0))
        text_printf(t, "%3u virtblk\n", BLOCK_MAJOR);
    return 0;
}

int proc_diskstats(struct text *t, const struct generated_ref *r)
{
    for (unsigned i = 0; block_device_at(i); i++) {
        const struct block_device *d = block_device_at(i);

        text_printf(t, "%4u %7u %s", BLOCK_MAJOR, d->minor, d->name);
        block_show_usage(t, d, " %lu");
    }
    return 0;
}

/* Time since boot that a CPU did not idle. */
static nsec_t busy(unsigned cpu)
{
    nsec_t now = platform_clock(), idle = sched_idle_time(cpu);

    return now > idle ? now - idle : 0;
}

/* The share of the programs' time that was their own, in 1/1024. Single CPUs do not keep it apart. */
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

/* Program threads that have a CPU or wait for one. */
static unsigned running_threads(void)
{
    struct process *p = process_next(0);
    struct thread *thread;
    unsigned n = 0;

    while (p) {
        struct process *next = process_next(p->pid);

        spin_lock_irq(&p->lock);
        list_for_each(thread, &p->threads, process_link)
            n += READ_ONCE(thread->state) == THREAD_RUNNABLE;
        spin_unlock_irq(&p->lock);
        process_put(p);
        p = next;
    }
    return n;
}

int proc_stat(struct text *t, const struct generated_ref *r)
{
    unsigned cpus = platform_cpu_count();
    u64 share = user_share(), switches = 0, interrupts = 0, deferred = 0;
    nsec_t all_busy = 0, all_idle = 0;

    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        all_busy += busy(cpu);
        all_idle += sched_idle_time(cpu);
        switches += platform_percpu(cpu)->counters[COUNT_SWITCHES];
        interrupts += platform_percpu(cpu)->counters[COUNT_INTERRUPTS];
        deferred += platform_percpu(cpu)->counters[COUNT_DEFERRED];
    }
    text_printf(t, "cpu ");
    show_cpu(t, all_busy, all_idle, share);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        text_printf(t, "cpu%u", cpu);
        show_cpu(t, busy(cpu), sched_idle_time(cpu), share);
    }
    text_printf(
        t, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
        (unsigned long long)interrupts, (unsigned long long)switches,
        (unsigned long long)((clock_realtime() - platform_clock()) / NSEC_PER_SEC),
        thread_count_all(), running_threads());
    /* The sum, then the rows of /proc/softirqs: NET_RX is the fourth. */
    text_printf(t, "softirq %lu 0 0 0 %lu 0 0 0 0 0 0\n", deferred, deferred);
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

    sched_load_average(load);
    for (int k = 0; k < 3; k++)
        text_printf(t, "%llu.%02llu ", (unsigned long long)load[k] >> 16,
                    (unsigned long long)((load[k] & 0xffff) * 100) >> 16);
    text_printf(t, "%u/%u %d\n", running_threads(), thread_count_all(), thread_last_id());
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
