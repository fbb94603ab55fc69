/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/status, stat, statm and limits, proc(5). */
#include <linux/mman.h>
#include "fs/proc/proc.h"
#include "fs/tty.h"
#include "kernel/address_space.h"
#include "kernel/sched.h"
#include "kernel/seccomp.h"
#include "kernel/signal.h"

static u64 kib(u64 pages)
{
    return pages * (PAGE_SIZE / 1024);
}

/* R running, S sleeping in a way signals end, D not, Z ended. */
static char state_of(const struct thread *t)
{
    if (t == current_thread())
        return 'R';
    switch (READ_ONCE(t->state)) {
    case THREAD_RUNNABLE:
        return 'R';
    case THREAD_SLEEPING:
        return READ_ONCE(t->wait_mode) == WAIT_INTERRUPTIBLE ? 'S' : 'D';
    default:
        return 'Z';
    }
}

static const char *state_name(char state)
{
    return state == 'R'   ? "running"
           : state == 'S' ? "sleeping"
           : state == 'D' ? "disk sleep"
                          : "zombie";
}

/* Pages of regions by what they are for, and where the program's text lies. */
struct sizes {
    u64 stack, text, libraries, data, in_ram;
    vaddr_t text_start, text_end;
};

/* in_ram: wanted, which goes through page tables. */
static void measure(struct address_space *as, struct sizes *s, bool in_ram)
{
    rwlock_read_lock(&as->lock);
    for (struct region *r = region_find(as, 0); r; r = region_next(r)) {
        u64 n = (r->end - r->start) >> PAGE_SHIFT;
        struct memory_usage u = {0};

        if (r->flags & REGION_STACK) {
            s->stack += n;
        } else if (r->prot & PROT_EXEC && r->file) {
            if (r->file->inode == as->executable->inode) {
                s->text += n;
                s->text_start = s->text_start ? s->text_start : r->start;
                s->text_end = r->end;
            } else {
                s->libraries += n;
            }
        }
        if (in_ram && is_ram_object(r->object)) {
            region_usage(r, r->start, r->end, &u);
            s->in_ram += u.in_ram;
        }
    }
    s->data = as->data_pages;
    rwlock_read_unlock(&as->lock);
}

static void show_memory(struct text *t, struct address_space *as)
{
    struct sizes s = {0};
    u64 resident, private;

    measure(as, &s, true);
    resident = READ_ONCE(as->resident_pages);
    private = MIN(READ_ONCE(as->private_pages), resident);
    s.in_ram = MIN(s.in_ram, resident - private);
    const struct {
        char name[14];
        u64 pages;
    } rows[] = {
        {"VmPeak", as->peak_pages}, {"VmSize", as->total_pages},
        {"VmLck", as->locked_pages}, {"VmPin", 0},
        {"VmHWM", MAX(as->peak_resident_pages, resident)}, {"VmRSS", resident},
        {"RssAnon", private}, {"RssFile", resident - private - s.in_ram},
        {"RssShmem", s.in_ram}, {"VmData", s.data},
        {"VmStk", s.stack}, {"VmExe", s.text},
        {"VmLib", s.libraries}, {"VmSwap", 0}, {"HugetlbPages", 0},
    };

    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        text_printf(t, "%s:\t%8lu kB\n", rows[k].name, kib(rows[k].pages));
    text_printf(t, "CoreDumping:\t0\nTHP_enabled:\t%d\n", !as->no_huge_pages);
}

static void signal_sets(struct process *p, u64 *ignored, u64 *caught)
{
    *ignored = *caught = 0;
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) {
        u64 handler = p->handlers.action[k].handler;

        if (handler == (u64)SIG_IGN)
            *ignored |= 1ull << k;
        else if (handler)
            *caught |= 1ull << k;
    }
}

static void show_cpus(struct text *t, u64 mask)
{
    bool any = false;

    text_printf(t, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", (unsigned long long)mask);
    for (unsigned cpu = 0; cpu < 64; cpu++) {
        unsigned last = cpu;

        if (!(mask >> cpu & 1))
            continue;
        while (last + 1 < 64 && mask >> (last + 1) & 1)
            last++;
        text_printf(t, last > cpu ? "%s%u-%u" : "%s%u", any ? "," : "", cpu, last);
        any = true;
        cpu = last;
    }
    text_printf(t, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

static void show_credentials(struct text *t, const struct credentials *c, struct fd_table *files)
{
    text_printf(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
                c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
    text_printf(t, "FDSize:\t%u\nGroups:\t", files ? fd_table_capacity(files) : 0);
    for (u32 k = 0; c->groups && k < c->groups->count; k++)
        text_printf(t, k ? " %u" : "%u", c->groups->gid[k]);
    text_printf(t, " \n");
}

int proc_status(struct text *t, const struct generated_ref *r)
{
    struct process *p = r->process;
    struct thread *thread = proc_thread(r);
    struct fs_context *fs;
    struct fd_table *files;
    struct credentials c;
    u64 ignored, caught;
    char state;

    if (!thread)
        return -ESRCH;
    fs = thread_fs(thread);
    files = thread_files(thread);
    thread_credentials(thread, &c);
    state = state_of(thread);
    signal_sets(p, &ignored, &caught);
    text_printf(t, "Name:\t");
    for (const char *c = thread->name; *c; c++) /* a line stays a line: proc(5) */
        text_printf(t, *c == '\n' ? "\\n" : *c == '\\' ? "\\\\" : "%c", *c);
    text_printf(t, "\n");
    if (fs)
        text_printf(t, "Umask:\t%04o\n", READ_ONCE(fs->umask));
    text_printf(t, "State:\t%c (%s)\n", state, state_name(state));
    text_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p->pid, thread->tid,
                p->parent_pid);
    show_credentials(t, &c, files);
    text_printf(t, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", p->pid,
                thread->tid, p->group_id, p->session_id);
    if (p->space)
        show_memory(t, p->space);
    text_printf(t, "Threads:\t%u\nSigQ:\t%u/%lu\n", p->thread_count, p->queued_signals,
                p->limits[RLIMIT_SIGPENDING].rlim_cur);
    text_printf(t,
                "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%"
                "016llx\n",
                (unsigned long long)thread->pending.set, (unsigned long long)p->pending.set,
                (unsigned long long)thread->blocked, (unsigned long long)ignored,
                (unsigned long long)caught);
    text_printf(t,
                "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%"
                "016llx\n",
                (unsigned long long)c.cap_inheritable, (unsigned long long)c.cap_permitted,
                (unsigned long long)c.cap_effective, (unsigned long long)c.cap_bounding,
                (unsigned long long)c.cap_ambient);
    text_printf(t, "NoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", thread->no_new_privs, thread->seccomp_mode,
                seccomp_filter_count(thread));
    show_cpus(t, thread->affinity & sched_online_cpus());
    text_printf(t, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
                (unsigned long long)thread->voluntary_switches,
                (unsigned long long)thread->involuntary_switches);
    if (files)
        fd_table_put(files);
    if (fs)
        fs_context_put(fs);
    group_list_put(c.groups);
    thread_put(thread);
    return 0;
}

int proc_process_stat(struct text *t, const struct generated_ref *r)
{
    struct process *p = r->process;
    struct process_usage used;
    struct sizes s = {0};
    struct thread *thread = proc_thread(r);
    struct address_space *as = p->space;
    u64 user, system, ignored, caught;
    int terminal, group;

    if (!thread)
        return -ESRCH;
    if (r->tid) {
        thread_cpu_time(thread, &user, &system);
        used = (struct process_usage){.minor_faults = thread->minor_faults, .major_faults = thread->major_faults};
    } else {
        process_cpu_time(p, &user, &system);
        process_usage(p, &used);
    }
    if (as)
        measure(as, &s, false);
    signal_sets(p, &ignored, &caught);
    tty_describe(p, &terminal, &group);
    text_printf(t, "%d (%s) %c %d %d %d %d %d 4194304 %llu 0 %llu 0 ", thread->tid, thread->name,
                state_of(thread), p->parent_pid, p->group_id, p->session_id, terminal, group,
                (unsigned long long)used.minor_faults, (unsigned long long)used.major_faults);
    text_printf(t, "%llu %llu 0 0 %d %d %u 0 %llu ", (unsigned long long)proc_ticks(user),
                (unsigned long long)proc_ticks(system),
                thread->priority ? -1 - thread->priority : 20 + thread->nice, thread->nice,
                p->thread_count,
                (unsigned long long)proc_ticks(r->tid ? thread->start_time : p->start_time));
    text_printf(t, "%llu %llu %llu %llu %llu %llu 0 0 ",
                (unsigned long long)(as ? as->total_pages * PAGE_SIZE : 0),
                (unsigned long long)(as ? as->resident_pages : 0),
                (unsigned long long)p->limits[RLIMIT_RSS].rlim_cur,
                (unsigned long long)s.text_start, (unsigned long long)s.text_end,
                (unsigned long long)(as ? as->stack_top : 0));
    text_printf(t, "%llu %llu %llu %llu 0 0 0 17 %u %u %u 0 0 0 0 0 ",
                (unsigned long long)thread->pending.set & 0x7fffffff,
                (unsigned long long)thread->blocked & 0x7fffffff,
                (unsigned long long)ignored & 0x7fffffff, (unsigned long long)caught & 0x7fffffff,
                thread->run_cpu, (unsigned)thread->priority, (unsigned)thread->policy);
    text_printf(t, "%llu %llu %llu %llu %llu %d\n", (unsigned long long)(as ? as->brk_start : 0),
                (unsigned long long)(as ? as->arg_start : 0),
                (unsigned long long)(as ? as->arg_end : 0),
                (unsigned long long)(as ? as->env_start : 0),
                (unsigned long long)(as ? as->env_end : 0), p->exiting ? p->exit_status : 0);
    thread_put(thread);
    return 0;
}

int proc_statm(struct text *t, const struct generated_ref *r)
{
    struct address_space *as = r->process->space;
    struct sizes s = {0};

    if (!as)
        return 0;
    measure(as, &s, false);
    u64 resident = READ_ONCE(as->resident_pages);
    text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", as->total_pages, resident,
                resident - MIN(resident, READ_ONCE(as->private_pages)), s.text, s.data + s.stack);
    return 0;
}

int proc_limits(struct text *t, const struct generated_ref *r)
{
    static const struct {
        unsigned resource;
        const char *name, *unit;
    } rows[] = {
        {RLIMIT_CPU, "Max cpu time", "seconds"},
        {RLIMIT_FSIZE, "Max file size", "bytes"},
        {RLIMIT_DATA, "Max data size", "bytes"},
        {RLIMIT_STACK, "Max stack size", "bytes"},
        {RLIMIT_CORE, "Max core file size", "bytes"},
        {RLIMIT_RSS, "Max resident set", "bytes"},
        {RLIMIT_NPROC, "Max processes", "processes"},
        {RLIMIT_NOFILE, "Max open files", "files"},
        {RLIMIT_MEMLOCK, "Max locked memory", "bytes"},
        {RLIMIT_AS, "Max address space", "bytes"},
        {RLIMIT_LOCKS, "Max file locks", "locks"},
        {RLIMIT_SIGPENDING, "Max pending signals", "signals"},
        {RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes"},
        {RLIMIT_NICE, "Max nice priority", ""},
        {RLIMIT_RTPRIO, "Max realtime priority", ""},
        {RLIMIT_RTTIME, "Max realtime timeout", "us"},
    };

    text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        const struct rlimit *l = &r->process->limits[rows[k].resource];
        u64 value[2] = {l->rlim_cur, l->rlim_max};

        text_printf(t, "%-25s ", rows[k].name);
        for (int side = 0; side < 2; side++) {
            if (value[side] == RLIM_INFINITY)
                text_printf(t, "%-20s ", "unlimited");
            else
                text_printf(t, "%-20llu ", (unsigned long long)value[side]);
        }
        text_printf(t, "%-10s\n", rows[k].unit);
    }
    return 0;
}
