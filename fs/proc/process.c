/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID and /proc/PID/task/TID: what files there are, and the small ones themselves. */
#include <linux/capability.h>
#include "fs/proc/proc.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/user.h"

struct thread *proc_thread(const struct generated_ref *r)
{
    struct thread *t = thread_find(r->tid ? r->tid : r->process->pid);

    if (t && t->process != r->process) {
        thread_put(t);
        return NULL;
    }
    return t;
}

/* Copies a piece of the process's memory: only the reader's own is within reach. */
static int show_memory(struct text *t, const struct generated_ref *r, vaddr_t start, vaddr_t end)
{
    size_t n = end - start;
    char *copy;

    if (r->process->space != current_process()->space || end <= start)
        return 0;
    n = MIN(n, (size_t)2 << 20);
    copy = kmalloc(n);
    if (!copy)
        return -ENOMEM;
    n -= copy_from_user_partial(copy, (void *)start, n);
    text_append(t, copy, n);
    kfree(copy);
    return 0;
}

static int show_cmdline(struct text *t, const struct generated_ref *r)
{
    struct address_space *as = r->process->space;

    return as ? show_memory(t, r, as->arg_start, as->arg_end) : 0;
}

static int show_environ(struct text *t, const struct generated_ref *r)
{
    struct address_space *as = r->process->space;

    return as ? show_memory(t, r, as->env_start, as->env_end) : 0;
}

static int show_auxv(struct text *t, const struct generated_ref *r)
{
    struct address_space *as = r->process->space;

    if (as)
        text_append(t, as->auxv, sizeof(as->auxv[0]) * as->auxv_words);
    return 0;
}

static int show_comm(struct text *t, const struct generated_ref *r)
{
    struct thread *thread = proc_thread(r);

    if (!thread)
        return -ESRCH;
    text_printf(t, "%s\n", thread->name);
    thread_put(thread);
    return 0;
}

static int store_comm(const struct generated_ref *r, char *data, size_t n)
{
    struct thread *thread = proc_thread(r);

    if (!thread)
        return -ESRCH;
    if (thread->process != current_process()) {
        thread_put(thread);
        return -EINVAL;
    }
    strlcpy(thread->name, data, sizeof(thread->name));
    if (thread->tid == thread->process->pid)
        strlcpy(thread->process->name, data, sizeof(thread->process->name));
    thread_put(thread);
    return 0;
}

static int show_oom_score_adj(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%d\n", r->process->oom_score_adj);
    return 0;
}

static int store_oom_score_adj(const struct generated_ref *r, char *data, size_t n)
{
    bool negative = data[0] == '-';
    const char *end;
    u64 value;
    int adj;

    if (parse_u64(data + negative, &end, 10, &value) || (*end && *end != '\n') || value > 1000)
        return -EINVAL;
    adj = negative ? -(int)value : (int)value;
    if (fs_capable(CAP_SYS_RESOURCE))
        r->process->oom_score_adj_min = adj;
    else if (adj < r->process->oom_score_adj_min)
        return -EACCES;
    r->process->oom_score_adj = adj;
    return 0;
}

static int show_coredump_filter(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%08x\n", r->process->coredump_filter);
    return 0;
}

static int store_coredump_filter(const struct generated_ref *r, char *data, size_t n)
{
    const char *end;
    u64 value;

    if (parse_u64(data, &end, 0, &value) || (*end && *end != '\n'))
        return -EINVAL;
    r->process->coredump_filter = (u32)value & 0x1ff;
    return 0;
}

static int show_personality(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%08x\n", (unsigned)r->process->personality);
    return 0;
}

static int show_id_map(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%10u %10u %10u\n", 0u, 0u, 4294967295u);
    return 0;
}

/* Nobody has logged in here: the value of "not set". */
static int show_unset(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u", UINT32_MAX);
    return 0;
}

/* "0": running, or nobody's business. Where the kernel waits is no interface of this one. */
static int show_wchan(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "0");
    return 0;
}

/* The one time namespace is the clocks' own. */
static int show_time_offsets(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%-10s %10d %9d\n%-10s %10d %9d\n", "monotonic", 0, 0, "boottime", 0, 0);
    return 0;
}

/* As the OOM killer counts: what part of memory the program has, in thousandths of 1000 + its adjustment, and two thirds of that. */
static int show_oom_score(struct text *t, const struct generated_ref *r)
{
    struct page_stats s;
    s64 points = r->process->space ? (s64)READ_ONCE(r->process->space->resident_pages) : 0;

    page_stats(&s);
    points = (points + r->process->oom_score_adj * (s64)s.total / 1000) * 1000 / (s64)s.total;
    text_printf(t, "%lu\n", (u64)MAX(1000 + points, 0l) * 2 / 3);
    return 0;
}

/* The system call a thread waits in, or reads this with: number, arguments, stack pointer and instruction pointer. */
static int show_syscall(struct text *t, const struct generated_ref *r)
{
    struct thread *thread = proc_thread(r);
    const struct user_frame *f;

    if (!thread)
        return -ESRCH;
    f = platform_user_frame(&thread->cpu);
    if (thread != current_thread() && READ_ONCE(thread->state) == THREAD_RUNNABLE)
        text_printf(t, "running\n");
    else if ((s64)f->orig_ax < 0)
        text_printf(t, "-1 0x%lx 0x%lx\n", f->sp, f->ip);
    else
        text_printf(t, "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", (s64)f->orig_ax, f->di, f->si, f->dx,
                    f->r10, f->r8, f->r9, f->sp, f->ip);
    thread_put(thread);
    return 0;
}

static int show_timer_slack(struct text *t, const struct generated_ref *r)
{
    struct thread *thread = proc_thread(r);

    if (!thread)
        return -ESRCH;
    text_printf(t, "%lu\n", thread->timer_slack);
    thread_put(thread);
    return 0;
}

static int store_timer_slack(const struct generated_ref *r, char *data, size_t n)
{
    struct thread *thread;
    const char *end;
    u64 value;

    if (parse_u64(data, &end, 10, &value) || (*end && *end != '\n'))
        return -EINVAL;
    thread = proc_thread(r);
    if (!thread)
        return -ESRCH;
    thread->timer_slack = value ? value : TIMER_SLACK_DEFAULT;
    thread_put(thread);
    return 0;
}

/* There is no security module whose attributes these would be. */
static int show_no_attribute(struct text *t, const struct generated_ref *r)
{
    return -EINVAL;
}

static int store_no_attribute(const struct generated_ref *r, char *data, size_t n)
{
    return -EINVAL;
}

/* There is one user namespace, whose maps are what they are. */
static int store_refused(const struct generated_ref *r, char *data, size_t n)
{
    return -EPERM;
}

/* proc(5): 1 to 4 are about the tables' accessed and dirty bits, which are always set here. */
static int store_clear_refs(const struct generated_ref *r, char *data, size_t n)
{
    struct address_space *as = r->process->space;

    if (data[0] != '5' || (data[1] && data[1] != '\n'))
        return -EINVAL;
    if (as)
        WRITE_ONCE(as->peak_resident_pages, READ_ONCE(as->resident_pages));
    return 0;
}

static int show_io(struct text *t, const struct generated_ref *r)
{
    struct thread *thread = proc_thread(r);
    struct process_usage used;

    if (!thread)
        return -ESRCH;
    if (r->tid)
        used.io = thread->io;
    else
        process_usage(r->process, &used);
    thread_put(thread);
    text_printf(t, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: %lu\nwrite_bytes: %lu\ncancelled_write_bytes: %lu\n",
                used.io.bytes[0], used.io.bytes[1], used.io.calls[0], used.io.calls[1], used.io.storage[0], used.io.storage[1],
                used.io.cancelled);
    return 0;
}

/* Nanoseconds with a CPU, nanoseconds without one though it could have run, how often it got one. */
static int show_schedstat(struct text *t, const struct generated_ref *r)
{
    struct thread *thread = proc_thread(r);

    if (!thread)
        return -ESRCH;
    text_printf(t, "%lu %lu %lu\n", thread_cpu_time(thread, NULL, NULL), thread->run_delay, thread->turns);
    thread_put(thread);
    return 0;
}

/* ------------------------------------------------------------ links to objects */

static int follow_exe(const struct generated_ref *r, struct path_ref *to)
{
    struct address_space *as = r->process->space;

    return as && as->executable ? file_path_ref(as->executable, to) : -ENOENT;
}

/* A reference to one of the places a thread's context holds. */
static int context_path(const struct generated_ref *r, bool root, struct path_ref *to)
{
    struct thread *t = proc_thread(r);
    struct fs_context *c = t ? thread_fs(t) : NULL;

    if (t)
        thread_put(t);
    if (!c)
        return -ENOENT;
    spin_lock(&c->lock);
    *to = root ? c->root : c->cwd;
    path_get(to);
    spin_unlock(&c->lock);
    fs_context_put(c);
    return 0;
}

static int follow_cwd(const struct generated_ref *r, struct path_ref *to)
{
    return context_path(r, false, to);
}

static int follow_root(const struct generated_ref *r, struct path_ref *to)
{
    return context_path(r, true, to);
}

/* ------------------------------------------------------------ task/ */

/* No process has children, and threads are nobody's. */
static const struct generated_node children_file = {.name = "children", .mode = S_IFREG | 0444, .show = proc_empty};

static int find_in_thread(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    if (n != strlen(children_file.name) || memcmp(name, children_file.name, n))
        return -ENOENT;
    process_get(r->process);
    child->node = &children_file;
    return 0;
}

static bool list_in_thread(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                           const struct generated_node **node)
{
    strlcpy(name, children_file.name, GENERATED_NAME);
    *node = &children_file;
    return !*cursor;
}

static const struct generated_node thread_directory = {
    .mode = S_IFDIR | 0555, .children = proc_process_files, .find = find_in_thread, .list = list_in_thread};

static int find_thread(const struct generated_ref *r, const char *name, size_t n,
                       struct generated_ref *child)
{
    struct generated_ref wanted = {.process = r->process};
    struct thread *t;
    u64 tid;

    if (!generated_number(name, n, &tid) || !tid || tid > INT32_MAX)
        return -ENOENT;
    wanted.tid = (int)tid;
    t = proc_thread(&wanted);
    if (!t)
        return -ENOENT;
    thread_put(t);
    process_get(r->process);
    child->node = &thread_directory;
    child->tid = wanted.tid;
    return 0;
}

static bool list_threads(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                         const struct generated_node **node)
{
    int best = 0;
    struct thread *t;

    spin_lock_irq(&r->process->lock);
    list_for_each(t, &r->process->threads, process_link)
        if ((u64)t->tid >= *cursor && (!best || t->tid < best))
            best = t->tid;
    spin_unlock_irq(&r->process->lock);
    if (!best)
        return false;
    *cursor = (u64)best;
    snprintf(name, GENERATED_NAME, "%d", best);
    *node = &thread_directory;
    return true;
}

/* ------------------------------------------------------------ the tables */

#define FILE(file, function) {.name = file, .mode = S_IFREG | 0444, .show = function}
#define PRIVATE(file, function) {.name = file, .mode = S_IFREG | 0400, .show = function}
#define TEXT(file, string) {.name = file, .mode = S_IFREG | 0444, .show = generated_show_string, .data = string}
#define WRITABLE(file, reader, writer) {.name = file, .mode = S_IFREG | 0644, .show = reader, .store = writer}
#define JUMP(file, follower) \
    {.name = file, .mode = S_IFLNK | 0777, .readlink = generated_link_path, .follow = follower}
#define DIRECTORY(file, permissions, finder, lister) \
    {.name = file, .mode = S_IFDIR | (permissions), .find = finder, .list = lister}
#define OWN(file, permissions, operations) {.name = file, .mode = S_IFREG | (permissions), .ops = &operations}

#define ATTRIBUTE(file) {.name = file, .mode = S_IFREG | 0666, .show = show_no_attribute, .store = store_no_attribute}
static const struct generated_node attribute_files[] = {
    ATTRIBUTE("current"),
    ATTRIBUTE("exec"),
    ATTRIBUTE("fscreate"),
    ATTRIBUTE("keycreate"),
    {.name = "prev", .mode = S_IFREG | 0444, .show = show_no_attribute},
    ATTRIBUTE("sockcreate"),
    {0},
};

const struct generated_node proc_process_files[] = {
    {.name = "attr", .mode = S_IFDIR | 0555, .children = attribute_files},
    PRIVATE("auxv", show_auxv),
    TEXT("cgroup", "0::/"), /* one control group, the root, of the unified hierarchy */
    {.name = "clear_refs", .mode = S_IFREG | 0200, .store = store_clear_refs},
    FILE("cmdline", show_cmdline),
    WRITABLE("comm", show_comm, store_comm),
    {.name = "coredump_filter", .mode = S_IFREG | 0644 | GENERATED_LEADER, .show = show_coredump_filter, .store = store_coredump_filter},
    TEXT("cpuset", "/"),
    JUMP("cwd", follow_cwd),
    PRIVATE("environ", show_environ),
    JUMP("exe", follow_exe),
    DIRECTORY("fd", 0500 | GENERATED_OWN, proc_fd_find, proc_fd_list),
    DIRECTORY("fdinfo", 0555, proc_fdinfo_find, proc_fdinfo_list),
    WRITABLE("gid_map", show_id_map, store_refused),
    PRIVATE("io", show_io),
    FILE("limits", proc_limits),
    WRITABLE("loginuid", show_unset, store_refused),
    DIRECTORY("map_files", 0500 | GENERATED_LEADER | GENERATED_OWN, proc_map_find, proc_map_list),
    FILE("maps", proc_maps),
    OWN("mem", 0600, proc_mem_ops),
    {.name = "mountinfo", .mode = S_IFREG | 0444 | GENERATED_EVENTS, .show = proc_mountinfo, .data = &mount_events},
    {.name = "mounts", .mode = S_IFREG | 0444 | GENERATED_EVENTS, .show = proc_mounts, .data = &mount_events},
    {.name = "mountstats", .mode = S_IFREG | 0400 | GENERATED_LEADER, .show = proc_mountstats},
    {.name = "ns", .mode = S_IFDIR | 0511, .children = proc_ns_files},
    {.name = "net", .mode = S_IFDIR | 0555, .children = proc_net_files},
    FILE("numa_maps", proc_numa_maps),
    FILE("oom_score", show_oom_score),
    WRITABLE("oom_score_adj", show_oom_score_adj, store_oom_score_adj),
    OWN("pagemap", 0400, proc_pagemap_ops),
    PRIVATE("personality", show_personality),
    WRITABLE("projid_map", show_id_map, store_refused),
    JUMP("root", follow_root),
    FILE("schedstat", show_schedstat),
    FILE("sessionid", show_unset),
    {.name = "setgroups", .mode = S_IFREG | 0644, .show = generated_show_string, .store = store_refused, .data = "allow"},
    FILE("smaps", proc_smaps),
    FILE("smaps_rollup", proc_smaps_rollup),
    FILE("stat", proc_process_stat),
    FILE("statm", proc_statm),
    FILE("status", proc_status),
    PRIVATE("syscall", show_syscall),
    DIRECTORY("task", 0555 | GENERATED_LEADER, find_thread, list_threads),
    {.name = "timens_offsets", .mode = S_IFREG | 0644 | GENERATED_LEADER, .show = show_time_offsets, .store = store_refused},
    {.name = "timerslack_ns", .mode = S_IFREG | 0666 | GENERATED_LEADER, .show = show_timer_slack, .store = store_timer_slack},
    WRITABLE("uid_map", show_id_map, store_refused),
    FILE("wchan", show_wchan),
    {0},
};
