/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys: disks, network interfaces, CPUs, the one memory node, the clock source, huge pages. Only what is so. */
#include <linux/magic.h>
#include "fs/sysfs/sysfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"

#define TEXT(file, string) {.name = file, .mode = S_IFREG | 0444, .show = generated_show_string, .data = string}
#define DIRECTORY(file, table) {.name = file, .mode = S_IFDIR | 0555, .children = table}

static const struct generated_node nothing[] = {{0}};

int sysfs_show_zero(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "0\n");
    return 0;
}

int sysfs_show_one(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "1\n");
    return 0;
}

/* ------------------------------------------------------------ devices/system/cpu */

static int show_core_id(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\n", (unsigned long long)r->arg);
    return 0;
}

/* CPUs first..last, as a list or as a mask. */
static int show_cpus(struct text *t, unsigned first, unsigned last, bool list)
{
    u64 mask = (last == 63 ? ~0ull : (1ull << (last + 1)) - 1) & ~((1ull << first) - 1);

    if (!list && last >= 32)
        text_printf(t, "%x,%08x\n", (unsigned)(mask >> 32), (unsigned)mask);
    else if (!list)
        text_printf(t, "%x\n", (unsigned)mask);
    else
        text_printf(t, last > first ? "%u-%u\n" : "%u\n", first, last);
    return 0;
}

/* What a file is about: CPUs of this one's own core, or all; as a list, or as a mask. */
static const struct cpus {
    bool all, list;
} own_mask = {false, false}, own_list = {false, true}, all_mask = {true, false}, all_list = {true, true};

static int show_some_cpus(struct text *t, const struct generated_ref *r)
{
    const struct cpus *c = r->node->data;

    return show_cpus(t, c->all ? 0 : (unsigned)r->arg, c->all ? platform_cpu_count() - 1 : (unsigned)r->arg, c->list);
}

#define CPUS(file, which) {.name = file, .mode = S_IFREG | 0444, .show = show_some_cpus, .data = &which}

/* A core has one thread; all are one package. */
static const struct generated_node topology_files[] = {
    CPUS("core_cpus", own_mask),
    CPUS("core_cpus_list", own_list),
    FILE("core_id", show_core_id),
    CPUS("core_siblings", all_mask),
    CPUS("core_siblings_list", all_list),
    CPUS("die_cpus", all_mask),
    CPUS("die_cpus_list", all_list),
    FILE("die_id", sysfs_show_zero),
    CPUS("package_cpus", all_mask),
    CPUS("package_cpus_list", all_list),
    FILE("physical_package_id", sysfs_show_zero),
    CPUS("thread_siblings", own_mask),
    CPUS("thread_siblings_list", own_list),
    {0},
};

/* ------------------------------------------------------------ devices/system/cpu/cpuN/cache */

#define CACHE_OF(arg) ((unsigned)((arg) >> 32)) /* arg: the CPU, and above it the cache's number */

enum { CACHE_SIZE, CACHE_LINE, CACHE_SETS, CACHE_WAYS, CACHE_LEVEL, CACHE_TYPE, CACHE_MASK, CACHE_LIST };

static int show_cache(struct text *t, const struct generated_ref *r)
{
    static const char *const types[] = {"Data", "Instruction", "Unified"};
    const u8 *what = r->node->data;
    unsigned cpu = (u32)r->arg, first;
    struct cpu_cache c;

    if (!platform_cpu_cache(CACHE_OF(r->arg), &c))
        return -ENOENT;
    first = cpu / c.sharing * c.sharing;
    switch (*what) {
    case CACHE_SIZE:
        text_printf(t, "%luK\n", (u64)c.line * c.sets * c.ways / 1024);
        return 0;
    case CACHE_TYPE:
        text_printf(t, "%s\n", types[c.type]);
        return 0;
    case CACHE_MASK:
    case CACHE_LIST:
        return show_cpus(t, first, MIN(first + c.sharing, platform_cpu_count()) - 1, *what == CACHE_LIST);
    }
    text_printf(t, "%u\n", *what == CACHE_LINE ? c.line : *what == CACHE_SETS ? c.sets : *what == CACHE_WAYS ? c.ways : c.level);
    return 0;
}

#define CACHE(file, what) {.name = file, .mode = S_IFREG | 0444, .show = show_cache, .data = &(const u8){what}}

static const struct generated_node one_cache_files[] = {
    CACHE("coherency_line_size", CACHE_LINE),
    CACHE("level", CACHE_LEVEL),
    CACHE("number_of_sets", CACHE_SETS),
    FILE("physical_line_partition", sysfs_show_one),
    CACHE("shared_cpu_list", CACHE_LIST),
    CACHE("shared_cpu_map", CACHE_MASK),
    CACHE("size", CACHE_SIZE),
    CACHE("type", CACHE_TYPE),
    CACHE("ways_of_associativity", CACHE_WAYS),
    {0},
};
static const struct generated_node one_cache = {.mode = S_IFDIR | 0555, .children = one_cache_files};

static int find_cache(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    struct cpu_cache c;
    u64 index;

    if (n < 6 || memcmp(name, "index", 5) || !generated_number(name + 5, n - 5, &index) || index > 9 ||
        !platform_cpu_cache((unsigned)index, &c))
        return -ENOENT;
    child->node = &one_cache;
    child->arg = r->arg | index << 32;
    return 0;
}

static bool list_caches(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                        const struct generated_node **node)
{
    struct cpu_cache c;

    *node = &one_cache;
    snprintf(name, GENERATED_NAME, "index%lu", *cursor);
    return platform_cpu_cache((unsigned)*cursor, &c);
}

static ssize link_node(const struct generated_ref *r, char *buf, size_t n)
{
    return scnprintf(buf, n, "../../node/node0");
}

static const struct generated_node one_cpu_files[] = {
    {.name = "cache", .mode = S_IFDIR | 0555, .children = nothing, .find = find_cache, .list = list_caches},
    {.name = "node0", .mode = S_IFLNK | 0777, .readlink = link_node},
    FILE("online", sysfs_show_one),
    DIRECTORY("topology", topology_files),
    {0},
};

static const struct generated_node one_cpu = {.mode = S_IFDIR | 0555, .children = one_cpu_files};

static int find_cpu(const struct generated_ref *r, const char *name, size_t n,
                    struct generated_ref *child)
{
    if (n < 4 || memcmp(name, "cpu", 3) || !generated_number(name + 3, n - 3, &child->arg) ||
        child->arg >= platform_cpu_count())
        return -ENOENT;
    child->node = &one_cpu;
    return 0;
}

static bool list_cpus(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                      const struct generated_node **node)
{
    if (*cursor >= platform_cpu_count())
        return false;
    snprintf(name, GENERATED_NAME, "cpu%llu", (unsigned long long)*cursor);
    *node = &one_cpu;
    return true;
}

static const struct generated_node cpu_files[] = {
    TEXT("isolated", ""),
    TEXT("kernel_max", "63"),
    TEXT("offline", ""),
    CPUS("online", all_list),
    CPUS("possible", all_list),
    CPUS("present", all_list),
    {0},
};

/* ------------------------------------------------------------ devices/system/node */

static int show_node_memory(struct text *t, const struct generated_ref *r)
{
    struct page_stats s;
    unsigned long long total, free;

    page_stats(&s);
    total = s.total * (PAGE_SIZE / 1024);
    free = s.free * (PAGE_SIZE / 1024);
    text_printf(t,
                "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\nNode 0 MemUsed: "
                "       %8llu kB\n",
                total, free, total - free);
    return 0;
}

static ssize link_cpu(const struct generated_ref *r, char *buf, size_t n)
{
    return scnprintf(buf, n, "../../cpu/cpu%llu", (unsigned long long)r->arg);
}

static const struct generated_node cpu_link = {.mode = S_IFLNK | 0777, .readlink = link_cpu};

static int find_cpu_link(const struct generated_ref *r, const char *name, size_t n,
                         struct generated_ref *child)
{
    int error = find_cpu(r, name, n, child);

    child->node = error ? NULL : &cpu_link;
    return error;
}

static bool list_cpu_links(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                           const struct generated_node **node)
{
    bool any = list_cpus(r, cursor, name, node);

    *node = &cpu_link;
    return any;
}

static const struct generated_node node0_files[] = {
    CPUS("cpulist", all_list),
    CPUS("cpumap", all_mask),
    TEXT("distance", "10"),
    FILE("meminfo", show_node_memory),
    {0},
};

static const struct generated_node node_files[] = {
    FILE("has_cpu", sysfs_show_zero),
    FILE("has_memory", sysfs_show_zero),
    {.name = "node0",
     .mode = S_IFDIR | 0555,
     .children = node0_files,
     .find = find_cpu_link,
     .list = list_cpu_links},
    FILE("online", sysfs_show_zero),
    FILE("possible", sysfs_show_zero),
    {0},
};

/* ------------------------------------------------------------ the rest */

static int show_clock(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%s\n", platform_clock_name());
    return 0;
}

static const struct generated_node clock_files[] = {
    FILE("available_clocksource", show_clock),
    FILE("current_clocksource", show_clock),
    {0},
};
static const struct generated_node clocks[] = {DIRECTORY("clocksource0", clock_files), {0}};

static const struct generated_node system_files[] = {
    DIRECTORY("clocksource", clocks),
    {.name = "cpu",
     .mode = S_IFDIR | 0555,
     .children = cpu_files,
     .find = find_cpu,
     .list = list_cpus},
    DIRECTORY("node", node_files),
    {0},
};
static const struct generated_node devices_files[] = {DIRECTORY("system", system_files), {0}};

_Static_assert(HUGE_SIZE == 2097152, "hpage_pmd_size");

static const struct generated_node huge_files[] = {
    TEXT("enabled", "[always] madvise never"),
    TEXT("hpage_pmd_size", "2097152"),
    {0},
};
static const struct generated_node mm_files[] = {
    DIRECTORY("hugepages", nothing),
    DIRECTORY("transparent_hugepage", huge_files),
    {0},
};
static const struct generated_node kernel_files[] = {
    TEXT("address_bits", "64"),
    TEXT("cpu_byteorder", "little"),
    DIRECTORY("mm", mm_files),
    {0},
};

static const struct generated_node class_files[] = {
    {.name = "block",
     .mode = S_IFDIR | 0555,
     .children = nothing,
     .find = sysfs_find_block,
     .list = sysfs_list_blocks},
    {.name = "net", .mode = S_IFDIR | 0555, .children = nothing, .find = sysfs_find_net, .list = sysfs_list_net},
    {0},
};

static const struct generated_node dev_files[] = {
    {.name = "block",
     .mode = S_IFDIR | 0555,
     .children = nothing,
     .find = sysfs_find_number,
     .list = sysfs_list_numbers},
    {0},
};

static const struct generated_node fs_files[] = {DIRECTORY("cgroup", nothing), {0}};

static const struct generated_node root_files[] = {
    {.name = "block",
     .mode = S_IFDIR | 0555,
     .children = nothing,
     .find = sysfs_find_disk,
     .list = sysfs_list_disks},
    DIRECTORY("class", class_files),
    DIRECTORY("dev", dev_files),
    {.name = "devices",
     .mode = S_IFDIR | 0555,
     .children = devices_files,
     .find = sysfs_find_device,
     .list = sysfs_list_devices},
    DIRECTORY("fs", fs_files),
    DIRECTORY("kernel", kernel_files),
    {0},
};

static const struct generated_node root = {.mode = S_IFDIR | 0555 | GENERATED_STRICT, .children = root_files};

static struct super *create(void)
{
    return generated_create("sysfs", SYSFS_MAGIC, &root);
}

static struct super *sysfs_mount(const char *source, const char *options)
{
    static struct super *only;

    return super_single(&only, create);
}

const struct file_system_type sysfs_type = {.name = "sysfs", .mount = sysfs_mount};
