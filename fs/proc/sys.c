/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/sys: what the kernel's limits and policies are. What may be written has an effect; the rest is read-only, and nobody opens
 * it for writing.
 */
#include <linux/capability.h>
#include "fs/aio.h"
#include "fs/ipc/ipc.h"
#include "fs/notify.h"
#include "fs/page_cache.h"
#include "fs/proc/proc.h"
#include "fs/pty.h"
#include "kernel/address_space.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/random.h"
#include "kernel/signal.h"
#include "kernel/uts.h"

/* Value of a macro as text. */
#define STRING(x) #x
#define VALUE(x)  STRING(x)

_Static_assert(USER_SPACE_START == 65536, "vm.mmap_min_addr");

static int show_pty_nr(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\n", pty_count());
    return 0;
}

static int show_hostname(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%s\n", uts_host_name());
    return 0;
}

static int show_domainname(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%s\n", uts_domain_name());
    return 0;
}

/* ------------------------------------------------------------ numbers */

int proc_show_number(struct text *t, const struct generated_ref *r)
{
    const struct proc_number *n = r->node->data;

    text_printf(t, "%d\n", READ_ONCE(*n->value));
    return 0;
}

/* One number with blanks around it, as Linux takes it. */
static int parse_number(const char *data, int min, int max, int *value)
{
    bool negative;
    const char *end;
    u64 magnitude;

    while (*data == ' ' || *data == '\t' || *data == '\n')
        data++;
    negative = *data == '-';
    if (parse_u64(data + negative, &end, 0, &magnitude) || magnitude > INT32_MAX ||
        (*end && *end != ' ' && *end != '\t' && *end != '\n'))
        return -EINVAL;
    *value = negative ? -(int)magnitude : (int)magnitude;
    return *value < min || *value > max ? -EINVAL : 0;
}

int proc_store_number(const struct generated_ref *r, char *data, size_t n)
{
    const struct proc_number *number = r->node->data;
    int value, error = parse_number(data, number->min, number->max, &value);

    if (!error)
        WRITE_ONCE(*number->value, value);
    return error;
}

static const struct proc_number overcommit = {&vm_overcommit, 0, 1}, /* 2 would want all of memory accounted */
    aio_max = {&aio_requests_max, 0, INT32_MAX}, max_map_count = {&vm_max_map_count, 0, INT32_MAX};

/* 1 keeps the heap where it is relative to the image; here it is the same as 2. */
static int show_randomize(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%d\n", params.norandom ? 0 : 2);
    return 0;
}

static int store_randomize(const struct generated_ref *r, char *data, size_t n)
{
    int value, error = parse_number(data, 0, 2, &value);

    if (!error)
        params.norandom = !value;
    return error;
}

#define DROP_NAMES (1u << 16) /* in one go */

/* 1: clean pages of files; 2: names and inodes; 3: both. */
static int store_drop_caches(const struct generated_ref *r, char *data, size_t n)
{
    int value, error = parse_number(data, 1, 4, &value);
    u64 dirty, left = page_cache_pages(&dirty), freed;

    if (error)
        return error;
    if (value & 2)
        dentry_cache_shrink(DROP_NAMES);
    for (left -= MIN(left, dirty); value & 1 && left; left -= MIN(left, freed)) {
        freed = page_reclaim(left);
        if (!freed || current_interrupted())
            break;
    }
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

static int show_aio_nr(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\n", aio_requests());
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
    static u64 id[2];

    for (unsigned k = 0; k < ARRAY_SIZE(id); k++) {
        u64 none = 0;

        if (!READ_ONCE(id[k]))
            __atomic_compare_exchange_n(&id[k], &none, random_u64() | 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
    show_uuid(t, (const u8 *)id);
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

/* data: an int of enum inotify_limit. */
static int show_inotify(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\n", inotify_limit(*(const int *)r->node->data));
    return 0;
}

static int store_inotify(const struct generated_ref *r, char *data, size_t n)
{
    int value, error = parse_number(data, 0, INT32_MAX, &value);

    if (!error)
        inotify_set_limit(*(const int *)r->node->data, (u32)value);
    return error;
}

static const int queued_events = INOTIFY_QUEUED_EVENTS, instances = INOTIFY_INSTANCES, watches = INOTIFY_WATCHES;

static int show_last_id(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%d\n", thread_last_id());
    return 0;
}

#define FILE(file, id) {.name = file, .mode = S_IFREG | 0444, .show = show_##id}
#define TEXT(file, string) {.name = file, .mode = S_IFREG | 0444, .show = generated_show_string, .data = string}
#define WRITABLE(file, id) {.name = file, .mode = S_IFREG | 0644, .show = show_##id, .store = store_##id}
#define NUMBER(file, number) {.name = file, .mode = S_IFREG | 0644, .show = proc_show_number, .store = proc_store_number, .data = &number}
#define INOTIFY(file, which) {.name = file, .mode = S_IFREG | 0644, .show = show_inotify, .store = store_inotify, .data = &which}
#define IPC_LIMIT(file) {.name = file, .mode = S_IFREG | 0644, .show = ipc_limit_show, .store = ipc_limit_store}
#define DIRECTORY(file, table) {.name = file, .mode = S_IFDIR | 0555, .children = table}

static const struct generated_node random_files[] = {
    FILE("boot_id", boot_id),
    TEXT("entropy_avail", "256"), /* bits: the pool's size, and always full (random(4)) */
    TEXT("poolsize", "256"),
    TEXT("urandom_min_reseed_secs", "60"),
    FILE("uuid", random_uuid),
    TEXT("write_wakeup_threshold", "256"),
    {0},
};

static const struct generated_node pty_files[] = {
    TEXT("max", VALUE(PTY_MAX)),
    FILE("nr", pty_nr),
    TEXT("reserve", "0"),
    {0},
};

static const struct generated_node seccomp_files[] = {
    TEXT("actions_avail", "kill_process kill_thread trap errno user_notif trace log allow"),
    {0},
};

static const struct generated_node kernel_files[] = {
    TEXT("arch", "x86_64"),
    TEXT("cap_last_cap", VALUE(CAP_LAST_CAP)),
    TEXT("core_pattern", "core"),
    TEXT("core_uses_pid", "0"),
    TEXT("dmesg_restrict", "0"),
    WRITABLE("domainname", domainname),
    WRITABLE("hostname", hostname),
    TEXT("kexec_load_disabled", "1"),
    TEXT("modules_disabled", "1"),
    IPC_LIMIT("msgmax"),
    IPC_LIMIT("msgmnb"),
    IPC_LIMIT("msgmni"),
    TEXT("ngroups_max", VALUE(NGROUPS_MAX)),
    FILE("ns_last_pid", last_id),
    TEXT("osrelease", UTS_RELEASE),
    TEXT("ostype", UTS_SYSNAME),
    TEXT("overflowgid", "65534"),
    TEXT("overflowuid", "65534"),
    TEXT("perf_event_paranoid", "3"), /* none for programs without privileges: perf_event_open(2) */
    TEXT("pid_max", VALUE(PID_MAX)),
    DIRECTORY("pty", pty_files),
    DIRECTORY("random", random_files),
    WRITABLE("randomize_va_space", randomize),
    TEXT("sched_rr_timeslice_ms", "100"),
    TEXT("sched_rt_period_us", "1000000"),
    TEXT("sched_rt_runtime_us", "-1"), /* real-time threads are not held back */
    DIRECTORY("seccomp", seccomp_files),
    {.name = "sem", .mode = S_IFREG | 0644, .show = sem_limits_show, .store = sem_limits_store},
    IPC_LIMIT("shmall"),
    IPC_LIMIT("shmmax"),
    IPC_LIMIT("shmmni"),
    TEXT("shm_rmid_forced", "0"),
    TEXT("tainted", "0"),
    TEXT("threads-max", "32767"), /* as many ids there are */
    TEXT("unprivileged_bpf_disabled", "2"),
    TEXT("version", UTS_VERSION),
    {0},
};

static const struct generated_node vm_files[] = {
    {.name = "drop_caches", .mode = S_IFREG | 0200, .store = store_drop_caches},
    TEXT("legacy_va_layout", "0"),
    NUMBER("max_map_count", max_map_count),
    TEXT("mmap_min_addr", "65536"),
    TEXT("nr_hugepages", "0"),
    NUMBER("overcommit_memory", overcommit),
    TEXT("panic_on_oom", "0"),
    TEXT("swappiness", "0"),
    TEXT("unprivileged_userfaultfd", "0"),
    {0},
};

static const struct generated_node inotify_files[] = {
    INOTIFY("max_queued_events", queued_events),
    INOTIFY("max_user_instances", instances),
    INOTIFY("max_user_watches", watches),
    {0},
};

static const struct generated_node mqueue_files[] = {
    IPC_LIMIT("msg_default"),
    IPC_LIMIT("msg_max"),
    IPC_LIMIT("msgsize_default"),
    IPC_LIMIT("msgsize_max"),
    IPC_LIMIT("queues_max"),
    {0},
};

static const struct generated_node fs_files[] = {
    NUMBER("aio-max-nr", aio_max),
    FILE("aio-nr", aio_nr),
    FILE("file-max", file_max),
    FILE("file-nr", file_nr),
    TEXT("dir-notify-enable", "0"),
    DIRECTORY("inotify", inotify_files),
    TEXT("leases-enable", "0"),
    DIRECTORY("mqueue", mqueue_files),
    TEXT("nr_open", "1048576"),
    TEXT("overflowgid", "65534"),
    TEXT("overflowuid", "65534"),
    TEXT("pipe-max-size", "1048576"),
    TEXT("pipe-user-pages-hard", "0"),
    TEXT("pipe-user-pages-soft", "16384"),
    TEXT("protected_fifos", "0"),
    TEXT("protected_hardlinks", "1"),
    TEXT("protected_regular", "0"),
    TEXT("protected_symlinks", "0"),
    TEXT("suid_dumpable", "0"),
    {0},
};

const struct generated_node proc_sys_files[] = {
    DIRECTORY("fs", fs_files),
    DIRECTORY("kernel", kernel_files),
    DIRECTORY("net", proc_sys_net_files),
    DIRECTORY("vm", vm_files),
    {0},
};
