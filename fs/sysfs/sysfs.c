/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys: disks, CPUs, the one memory node, the clock source, huge pages. Only what is so. */
#include <linux/magic.h>
#include "fs/sysfs/sysfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"

#define DIRECTORY(file, table) {.name = file, .mode = S_IFDIR | 0555, .children = table}

static const struct generated_node nothing[] = {{0}};

static int show_cpu_list(struct text *t, const struct generated_ref *r)
{
    unsigned n = platform_cpu_count();

    text_printf(t, n > 1 ? "0-%u\n" : "0\n", n - 1);
    return 0;
}

static int show_empty_line(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "\n");
    return 0;
}

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

static const struct generated_node topology_files[] = {
    FILE("core_cpus_list", show_core_id),
    FILE("core_id", show_core_id),
    FILE("core_siblings_list", show_cpu_list),
    FILE("package_cpus_list", show_cpu_list),
    FILE("physical_package_id", sysfs_show_zero),
    FILE("thread_siblings_list", show_core_id),
    {0},
};

static const struct generated_node one_cpu_files[] = {
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
    FILE("isolated", show_empty_line),
    FILE("offline", show_empty_line),
    FILE("online", show_cpu_list),
    FILE("possible", show_cpu_list),
    FILE("present", show_cpu_list),
    {0},
};

/* ------------------------------------------------------------ devices/system/node */

static int show_cpu_map(struct text *t, const struct generated_ref *r)
{
    unsigned n = platform_cpu_count();

    text_printf(t, "%llx\n", n == 64 ? ~0ull : (1ull << n) - 1);
    return 0;
}

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

static int show_distance(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "10\n");
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
    FILE("cpulist", show_cpu_list),
    FILE("cpumap", show_cpu_map),
    FILE("distance", show_distance),
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

static int show_huge_size(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%lu\n", HUGE_SIZE);
    return 0;
}

static int show_huge_enabled(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "[always] madvise never\n");
    return 0;
}

static const struct generated_node huge_files[] = {
    FILE("enabled", show_huge_enabled),
    FILE("hpage_pmd_size", show_huge_size),
    {0},
};
static const struct generated_node mm_files[] = {
    DIRECTORY("hugepages", nothing),
    DIRECTORY("transparent_hugepage", huge_files),
    {0},
};
static const struct generated_node kernel_files[] = {DIRECTORY("mm", mm_files), {0}};

static const struct generated_node class_files[] = {
    {.name = "block",
     .mode = S_IFDIR | 0555,
     .children = nothing,
     .find = sysfs_find_block,
     .list = sysfs_list_blocks},
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

static const struct generated_node root_files[] = {
    {.name = "block",
     .mode = S_IFDIR | 0555,
     .children = nothing,
     .find = sysfs_find_disk,
     .list = sysfs_list_disks},
    DIRECTORY("class", class_files),
    DIRECTORY("dev", dev_files),
    DIRECTORY("devices", devices_files),
    DIRECTORY("fs", nothing),
    DIRECTORY("kernel", kernel_files),
    {0},
};

static const struct generated_node root = {.mode = S_IFDIR | 0555 | GENERATED_STRICT, .children = root_files};

static struct super *sysfs_mount(const char *source, const char *options)
{
    static struct super *only;

    if (!only) {
        struct super *s = generated_create("sysfs", SYSFS_MAGIC, &root);

        if (IS_ERR(s))
            return s;
        only = s;
    }
    super_get(only);
    return only;
}

const struct file_system_type sysfs_type = {.name = "sysfs", .mount = sysfs_mount};
