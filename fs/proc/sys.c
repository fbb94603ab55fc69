/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/sys: what the kernel's limits and policies are. They are read-only, but for names and the
 * few that programs set and that change nothing but what is read back.
 */
#include <linux/capability.h>
#include "fs/ipc/ipc.h"
#include "fs/notify.h"
#include "fs/proc/proc.h"
#include "fs/pty.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/random.h"
#include "kernel/uts.h"

#define CONSTANT(id, ...)                                                   \
    static int show_##id(struct text *t, const struct generated_ref *r)     \
    {                                                                       \
        text_printf(t, __VA_ARGS__);                                        \
        return 0;                                                           \
    }

CONSTANT(ostype, "%s\n", UTS_SYSNAME)
CONSTANT(osrelease, "%s\n", UTS_RELEASE)
CONSTANT(version, "%s\n", UTS_VERSION)
CONSTANT(hostname, "%s\n", uts_host_name())
CONSTANT(domainname, "%s\n", uts_domain_name())
CONSTANT(pid_max, "%d\n", PID_MAX)
CONSTANT(ngroups_max, "%d\n", NGROUPS_MAX)
CONSTANT(cap_last_cap, "%d\n", CAP_LAST_CAP)
CONSTANT(overflow_id, "65534\n")
CONSTANT(randomize_va_space, "%d\n", params.norandom ? 0 : 2)
CONSTANT(core_pattern, "core\n")
CONSTANT(zero, "0\n")
CONSTANT(one, "1\n")
CONSTANT(entropy, "256\n") /* bits: the pool's size, and always full (random(4)) */
CONSTANT(reseed, "60\n")
CONSTANT(pty_max, "%d\n", PTY_MAX)
CONSTANT(pty_nr, "%u\n", pty_count())
CONSTANT(max_map_count, "65530\n")
CONSTANT(mmap_min_addr, "%lu\n", USER_SPACE_START)
CONSTANT(somaxconn, "4096\n")
CONSTANT(nr_open, "%d\n", 1 << 20)
CONSTANT(pipe_max_size, "%d\n", 1 << 20)

static int show_threads_max(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%d\n", PID_MAX - 1);
    return 0;
}

/* As Linux: a tenth of memory, a file's kilobyte each. */
static u64 file_limit(void)
{
    struct page_stats s;

    page_stats(&s);
    return MAX(s.total * PAGE_SIZE / 1024 / 10, (u64)8192);
}

static int show_file_max(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\n", (unsigned long long)file_limit());
    return 0;
}

static int show_file_nr(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\t0\t%llu\n", (unsigned long long)files_open(),
                (unsigned long long)file_limit());
    return 0;
}

static void show_uuid(struct text *t, const u8 u[16])
{
    for (int k = 0; k < 16; k++)
        text_printf(t, k == 4 || k == 6 || k == 8 || k == 10 ? "-%02x" : "%02x",
                    k == 6 ? (u[k] & 0x0f) | 0x40 : k == 8 ? (u[k] & 0x3f) | 0x80 : u[k]);
    text_printf(t, "\n");
}

static int show_random_uuid(struct text *t, const struct generated_ref *r)
{
    u8 bytes[16];

    random_bytes(bytes, sizeof(bytes));
    show_uuid(t, bytes);
    return 0;
}

static int show_boot_id(struct text *t, const struct generated_ref *r)
{
    static u8 bytes[16];
    static bool made;

    if (!made)
        random_bytes(bytes, sizeof(bytes));
    made = true;
    show_uuid(t, bytes);
    return 0;
}

static int store_name(char *data, size_t n, void (*set)(const char *name, size_t length))
{
    if (n && data[n - 1] == '\n')
        n--;
    if (n > __NEW_UTS_LEN)
        return -EINVAL;
    set(data, n);
    return 0;
}

static int store_hostname(const struct generated_ref *r, char *data, size_t n)
{
    return store_name(data, n, uts_set_host_name);
}

static int store_domainname(const struct generated_ref *r, char *data, size_t n)
{
    return store_name(data, n, uts_set_domain_name);
}

/* A number of 0 or more that fits an int. */
static int parse_count(const char *data, u32 *value)
{
    const char *end;
    u64 number;

    if (parse_u64(data, &end, 10, &number) || (*end && *end != '\n') || number > INT32_MAX)
        return -EINVAL;
    *value = (u32)number;
    return 0;
}

#define INOTIFY(id, which)                                                          \
    static int show_##id(struct text *t, const struct generated_ref *r)             \
    {                                                                               \
        text_printf(t, "%u\n", inotify_limit(which));                               \
        return 0;                                                                   \
    }                                                                               \
    static int store_##id(const struct generated_ref *r, char *data, size_t n)      \
    {                                                                               \
        u32 value;                                                                  \
        int error = parse_count(data, &value);                                   \
        if (!error)                                                                 \
            inotify_set_limit(which, value);                                        \
        return error;                                                               \
    }

INOTIFY(max_queued_events, INOTIFY_QUEUED_EVENTS)
INOTIFY(max_user_instances, INOTIFY_INSTANCES)
INOTIFY(max_user_watches, INOTIFY_WATCHES)

#define FILE(file, id) {.name = file, .mode = S_IFREG | 0444, .show = show_##id}
#define WRITABLE(file, id) \
    {.name = file, .mode = S_IFREG | 0644, .show = show_##id, .store = store_##id}
#define IPC_LIMIT(file) {.name = file, .mode = S_IFREG | 0644, .show = ipc_limit_show, .store = ipc_limit_store}
#define DIRECTORY(file, table) {.name = file, .mode = S_IFDIR | 0555, .children = table}

static const struct generated_node random_files[] = {
    FILE("boot_id", boot_id),
    FILE("entropy_avail", entropy),
    FILE("poolsize", entropy),
    FILE("urandom_min_reseed_secs", reseed),
    FILE("uuid", random_uuid),
    FILE("write_wakeup_threshold", entropy),
    {0},
};

static const struct generated_node pty_files[] = {
    FILE("max", pty_max),
    FILE("nr", pty_nr),
    FILE("reserve", zero),
    {0},
};

static const struct generated_node kernel_files[] = {
    FILE("cap_last_cap", cap_last_cap),
    FILE("core_pattern", core_pattern),
    WRITABLE("domainname", domainname),
    WRITABLE("hostname", hostname),
    IPC_LIMIT("msgmax"),
    IPC_LIMIT("msgmnb"),
    IPC_LIMIT("msgmni"),
    FILE("ngroups_max", ngroups_max),
    FILE("osrelease", osrelease),
    FILE("ostype", ostype),
    FILE("overflowgid", overflow_id),
    FILE("overflowuid", overflow_id),
    FILE("pid_max", pid_max),
    DIRECTORY("pty", pty_files),
    DIRECTORY("random", random_files),
    FILE("randomize_va_space", randomize_va_space),
    {.name = "sem", .mode = S_IFREG | 0644, .show = sem_limits_show, .store = sem_limits_store},
    IPC_LIMIT("shmall"),
    IPC_LIMIT("shmmax"),
    IPC_LIMIT("shmmni"),
    FILE("shm_rmid_forced", zero),
    FILE("threads-max", threads_max),
    FILE("version", version),
    {0},
};

static const struct generated_node vm_files[] = {
    FILE("max_map_count", max_map_count),
    FILE("mmap_min_addr", mmap_min_addr),
    FILE("overcommit_memory", zero),
    FILE("swappiness", zero),
    {0},
};

static const struct generated_node inotify_files[] = {
    WRITABLE("max_queued_events", max_queued_events),
    WRITABLE("max_user_instances", max_user_instances),
    WRITABLE("max_user_watches", max_user_watches),
    {0},
};

static const struct generated_node fs_files[] = {
    FILE("file-max", file_max),
    FILE("file-nr", file_nr),
    DIRECTORY("inotify", inotify_files),
    FILE("nr_open", nr_open),
    FILE("pipe-max-size", pipe_max_size),
    FILE("protected_fifos", zero),
    FILE("protected_hardlinks", one),
    FILE("protected_regular", zero),
    FILE("protected_symlinks", zero),
    {0},
};

static const struct generated_node core_files[] = {FILE("somaxconn", somaxconn), {0}};
static const struct generated_node net_files[] = {DIRECTORY("core", core_files), {0}};

const struct generated_node proc_sys_files[] = {
    DIRECTORY("fs", fs_files),
    DIRECTORY("kernel", kernel_files),
    DIRECTORY("net", net_files),
    DIRECTORY("vm", vm_files),
    {0},
};
