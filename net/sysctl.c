/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/net: limits and policies of the network. What may be written has an effect. */
#include <linux/stat.h>
#include "fs/generated.h"
#include "fs/proc/proc.h"
#include "kernel/lib/printf.h"
#include "net/inet_packet.h"

/* Two numbers: the first group that may make ping sockets, and the last. */
static int show_ping_groups(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\t%u\n", inet_ping_groups[0], inet_ping_groups[1]);
    return 0;
}

static int store_ping_groups(const struct generated_ref *r, char *data, size_t n)
{
    u64 low, high;
    const char *end;
    while (*data == ' ' || *data == '\t')
        data++;
    if (parse_u64(data, &end, 10, &low) || (*end != ' ' && *end != '\t'))
        return -EINVAL;
    while (*end == ' ' || *end == '\t')
        end++;
    if (parse_u64(end, &end, 10, &high) || (*end && *end != '\n') || low > INT32_MAX || high > INT32_MAX)
        return -EINVAL;
    if (high < low) { /* nobody */
        low = 1;
        high = 0;
    }
    WRITE_ONCE(inet_ping_groups[0], (u32)low);
    WRITE_ONCE(inet_ping_groups[1], (u32)high);
    return 0;
}

static const struct generated_node ipv4_files[] = {
    {.name = "ping_group_range", .mode = S_IFREG | 0644, .show = show_ping_groups, .store = store_ping_groups},
    {0},
};
static const struct generated_node core_files[] = {
    {.name = "somaxconn", .mode = S_IFREG | 0444, .show = generated_show_string, .data = "4096"},
    {0},
};

const struct generated_node proc_sys_net_files[] = {
    {.name = "core", .mode = S_IFDIR | 0555, .children = core_files},
    {.name = "ipv4", .mode = S_IFDIR | 0555, .children = ipv4_files},
    {0},
};
