/* SPDX-License-Identifier: BSD-2-Clause */
/* The root of /proc: the machine's files, and a directory for each process and thread. */
#include <linux/magic.h>
#include "fs/ipc/ipc.h"
#include "fs/pidfd.h"
#include "fs/proc/proc.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

static const struct generated_node process_directory = {
    .mode = S_IFDIR | 0555,
    .children = proc_process_files,
};

/* Threads are found by number too, but only processes are listed, as on Linux. */
static int find_process(const struct generated_ref *r, const char *name, size_t n,
                        struct generated_ref *child)
{
    struct thread *t;
    u64 id;

    if (!generated_number(name, n, &id))
        return -ENOENT;
    child->process = process_find((int)id);
    if (!child->process) {
        t = thread_find((int)id);
        if (t && t->process) {
            process_get(t->process);
            child->process = t->process;
        }
        if (t)
            thread_put(t);
    }
    if (!child->process)
        return -ENOENT;
    child->node = &process_directory;
    child->arg = 0;
    return 0;
}

static bool list_processes(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                           const struct generated_node **node)
{
    struct process *p = process_next(*cursor ? (int)*cursor - 1 : 0);

    if (!p)
        return false;
    *cursor = (u64)p->pid;
    snprintf(name, GENERATED_NAME, "%d", p->pid);
    *node = &process_directory;
    process_put(p);
    return true;
}

struct process *proc_directory_process(const struct file *f)
{
    const struct inode *i = f->inode;
    const struct generated_ref *r;

    if (!i || !i->super || i->super->magic != PROC_SUPER_MAGIC || !S_ISDIR(i->mode))
        return NULL;
    r = generated_ref_of(i);
    return r->node == &process_directory ? r->process : NULL;
}

/* Links to the reader itself. */
static ssize link_self(const struct generated_ref *r, char *buf, size_t n)
{
    struct process *p = current_process();

    return p ? scnprintf(buf, n, "%d", p->pid) : -ENOENT;
}

static ssize link_thread_self(const struct generated_ref *r, char *buf, size_t n)
{
    struct process *p = current_process();

    return p ? scnprintf(buf, n, "%d/task/%d", p->pid, current_thread()->tid) : -ENOENT;
}

static ssize link_mounts(const struct generated_ref *r, char *buf, size_t n)
{
    return scnprintf(buf, n, "self/mounts");
}

static ssize link_net(const struct generated_ref *r, char *buf, size_t n)
{
    return scnprintf(buf, n, "self/net");
}

#define FILE(file, function) {.name = file, .mode = S_IFREG | 0444, .show = function}
#define LINK(file, function) {.name = file, .mode = S_IFLNK | 0777, .readlink = function}

static const struct generated_node sysvipc_files[] = {
    FILE("msg", msg_show),
    FILE("sem", sem_show),
    FILE("shm", shm_show),
    {0},
};

static const struct generated_node tty_files[] = {
    FILE("drivers", proc_tty_drivers),
    {0},
};

static const struct generated_node root_files[] = {
    LINK("self", link_self),
    LINK("thread-self", link_thread_self),
    LINK("mounts", link_mounts),
    LINK("net", link_net),
    FILE("buddyinfo", proc_buddyinfo),
    FILE("cgroups", proc_cgroups),
    FILE("cmdline", proc_cmdline),
    FILE("cpuinfo", proc_cpuinfo),
    FILE("devices", proc_devices),
    FILE("diskstats", proc_diskstats),
    {.name = "execdomains", .mode = S_IFREG | 0444, .show = generated_show_string, .data = "0-0\tLinux           \t[kernel]"},
    FILE("filesystems", proc_filesystems),
    FILE("interrupts", proc_interrupts),
    FILE("loadavg", proc_loadavg),
    FILE("locks", proc_locks),
    FILE("meminfo", proc_meminfo),
    FILE("modules", proc_empty),
    FILE("partitions", proc_partitions),
    FILE("softirqs", proc_softirqs),
    FILE("stat", proc_stat),
    FILE("swaps", proc_swaps),
    FILE("uptime", proc_uptime),
    FILE("version", proc_version),
    FILE("vmstat", proc_vmstat),
    {.name = "aril", .mode = S_IFDIR | 0555, .children = proc_aril_files},
    {.name = "sys", .mode = S_IFDIR | 0555 | GENERATED_STRICT, .children = proc_sys_files},
    {.name = "tty", .mode = S_IFDIR | 0555, .children = tty_files},
    {.name = "sysvipc", .mode = S_IFDIR | 0555, .children = sysvipc_files},
    {0},
};

static const struct generated_node root = {
    .mode = S_IFDIR | 0555,
    .children = root_files,
    .find = find_process,
    .list = list_processes,
};

static struct super *create(void)
{
    return generated_create("proc", PROC_SUPER_MAGIC, &root);
}

static struct super *proc_mount(const char *source, const char *options)
{
    static struct super *only;

    return super_single(&only, create);
}

const struct file_system_type proc_type = {.name = "proc", .mount = proc_mount};
