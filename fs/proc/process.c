/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID and /proc/PID/task/TID: what files there are, and the small ones themselves. */
#include <linux/capability.h>
#include "fs/proc/proc.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
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

/* One control group, the root, of the unified hierarchy. */
static int show_cgroup(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "0::/\n");
    return 0;
}

static int show_cpuset(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "/\n");
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
    if (adj < r->process->oom_score_adj && !fs_capable(CAP_SYS_RESOURCE))
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

/* ------------------------------------------------------------ links to objects */

static ssize path_text(struct path_ref *at, char *buf, size_t n)
{
    ssize length = vfs_path_of(at, buf, n);

    path_put(at);
    return length > 0 ? length - 1 : length;
}

static int follow_exe(const struct generated_ref *r, struct path_ref *to)
{
    struct address_space *as = r->process->space;

    return as && as->executable ? file_path_ref(as->executable, to) : -ENOENT;
}

static ssize link_exe(const struct generated_ref *r, char *buf, size_t n)
{
    struct path_ref at;
    int error = follow_exe(r, &at);

    return error ? error : path_text(&at, buf, n);
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

static ssize link_cwd(const struct generated_ref *r, char *buf, size_t n)
{
    struct path_ref at;
    int error = context_path(r, false, &at);

    return error ? error : path_text(&at, buf, n);
}

static int follow_root(const struct generated_ref *r, struct path_ref *to)
{
    return context_path(r, true, to);
}

static ssize link_root(const struct generated_ref *r, char *buf, size_t n)
{
    struct path_ref at;
    int error = context_path(r, true, &at);

    return error ? error : path_text(&at, buf, n);
}

/* ------------------------------------------------------------ task/ */

static const struct generated_node thread_directory = {.mode = S_IFDIR | 0555,
                                                       .children = proc_thread_files};

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

static bool list_threads(const struct generated_ref *r, u64 *cursor, char name[24],
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
    snprintf(name, 24, "%d", best);
    *node = &thread_directory;
    return true;
}

/* ------------------------------------------------------------ the tables */

#define FILE(file, function) {.name = file, .mode = S_IFREG | 0444, .show = function}
#define PRIVATE(file, function) {.name = file, .mode = S_IFREG | 0400, .show = function}
#define WRITABLE(file, reader, writer) \
    {.name = file, .mode = S_IFREG | 0644, .show = reader, .store = writer}
#define JUMP(file, reader, follower) \
    {.name = file, .mode = S_IFLNK | 0777, .readlink = reader, .follow = follower}

#define COMMON                                                                                    \
    FILE("cmdline", show_cmdline), PRIVATE("environ", show_environ), PRIVATE("auxv", show_auxv),  \
        WRITABLE("comm", show_comm, store_comm), FILE("cgroup", show_cgroup),                     \
        FILE("cpuset", show_cpuset), FILE("maps", proc_maps), FILE("mounts", proc_mounts),        \
        FILE("mountinfo", proc_mountinfo), FILE("status", proc_status),                           \
        FILE("stat", proc_process_stat), FILE("statm", proc_statm), FILE("limits", proc_limits),  \
        WRITABLE("oom_score_adj", show_oom_score_adj, store_oom_score_adj),                       \
        PRIVATE("personality", show_personality), FILE("uid_map", show_id_map),                   \
        FILE("gid_map", show_id_map), JUMP("exe", link_exe, follow_exe),                          \
        JUMP("cwd", link_cwd, follow_cwd), JUMP("root", link_root, follow_root)

#define DESCRIPTORS                                                                                \
    {.name = "fd", .mode = S_IFDIR | 0500, .find = proc_fd_find, .list = proc_fd_list},            \
    {                                                                                              \
        .name = "fdinfo", .mode = S_IFDIR | 0555, .find = proc_fdinfo_find,                        \
        .list = proc_fdinfo_list                                                                   \
    }

const struct generated_node proc_process_files[] = {
    COMMON,
    DESCRIPTORS,
    {.name = "task", .mode = S_IFDIR | 0555, .find = find_thread, .list = list_threads},
    WRITABLE("coredump_filter", show_coredump_filter, store_coredump_filter),
    {0},
};

const struct generated_node proc_thread_files[] = {
    COMMON,
    DESCRIPTORS,
    {0},
};
