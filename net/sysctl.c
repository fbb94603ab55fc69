/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/sys/net: limits and policies of the network. What may be written has an effect, on sockets made afterwards or at once as on
 * Linux; the rest says what is so, and nobody opens it for writing.
 */
#include <linux/stat.h>
#include "fs/generated.h"
#include "fs/proc/proc.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "net/inet_packet.h"
#include "net/lwip/limits.h"
#include "net/sysctl.h"

struct net_settings net_settings = {
    .backlog_max = 4096,
    .receive_default = 212992,
    .receive_max = 212992,
    .send_default = 212992,
    .send_max = 212992,
    .tcp_receive_default = 131072,
    .tcp_send_default = 16384,
    .port_first = 32768,
    .port_last = 60999,
    .port_unprivileged = 1024,
    .keep_idle = 7200,
    .keep_interval = 75,
    .keep_count = 9,
    .syn_count = 6,
    .synack_count = 5,
    .retries = 15,
    .fin_timeout = 60,
    .groups_max = 20,
    .unix_queue_max = 10,
};

/* ------------------------------------------------------------ two and three numbers */

/* count numbers with blanks between. */
static int parse_numbers(const char *data, u64 *out, unsigned count)
{
    const char *end = data;
    for (unsigned i = 0; i < count; i++) {
        while (*end == ' ' || *end == '\t')
            end++;
        if (parse_u64(end, &end, 10, &out[i]) || out[i] > INT32_MAX || (*end && *end != ' ' && *end != '\t' && *end != '\n'))
            return -EINVAL;
    }
    while (*end == ' ' || *end == '\t' || *end == '\n')
        end++;
    return *end ? -EINVAL : 0;
}

static int show_port_range(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%d\t%d\n", net_settings.port_first, net_settings.port_last);
    return 0;
}

static int store_port_range(const struct generated_ref *r, char *data, size_t n)
{
    u64 range[2];
    if (parse_numbers(data, range, 2) || range[0] < 1 || range[1] > 65535 || range[1] < range[0] ||
        range[0] < (u64)net_settings.port_unprivileged)
        return -EINVAL;
    WRITE_ONCE(net_settings.port_first, (int)range[0]);
    WRITE_ONCE(net_settings.port_last, (int)range[1]);
    return 0;
}

/* Of tcp_rmem and tcp_wmem the default may be changed: the least is Linux's, the most follows from memory. */
static const struct tcp_memory {
    int *value, max;
} tcp_rmem = {&net_settings.tcp_receive_default, TCP_WINDOW_MAX}, tcp_wmem = {&net_settings.tcp_send_default, TCP_SEND_MAX};

static int show_tcp_memory(struct text *t, const struct generated_ref *r)
{
    const struct tcp_memory *m = r->node->data;
    text_printf(t, "4096\t%d\t%d\n", *m->value, m->max);
    return 0;
}

static int store_tcp_memory(const struct generated_ref *r, char *data, size_t n)
{
    const struct tcp_memory *m = r->node->data;
    u64 given[3];
    if (parse_numbers(data, given, 3) || given[0] != 4096 || given[1] < 4096 || given[2] != (u64)m->max)
        return -EINVAL;
    WRITE_ONCE(*m->value, (int)given[1]);
    return 0;
}

/* Two numbers: the first group that may make ping sockets, and the last. */
static int show_ping_groups(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\t%u\n", inet_ping_groups[0], inet_ping_groups[1]);
    return 0;
}

static int store_ping_groups(const struct generated_ref *r, char *data, size_t n)
{
    u64 range[2];
    if (parse_numbers(data, range, 2))
        return -EINVAL;
    bool none = range[1] < range[0];
    WRITE_ONCE(inet_ping_groups[0], none ? 1 : (u32)range[0]);
    WRITE_ONCE(inet_ping_groups[1], none ? 0 : (u32)range[1]);
    return 0;
}

/* ------------------------------------------------------------ the tree */

#define TEXT(file, string) {.name = file, .mode = S_IFREG | 0444, .show = generated_show_string, .data = string}
#define NUMBER(file, field, least, most)                                                                                       \
    {.name = file, .mode = S_IFREG | 0644, .show = proc_show_number, .store = proc_store_number,                               \
     .data = &(const struct proc_number){&net_settings.field, least, most}}
#define DIRECTORY(file, table) {.name = file, .mode = S_IFDIR | 0555, .children = table}

static const struct generated_node core_files[] = {
    TEXT("default_qdisc", "noqueue"),
    TEXT("optmem_max", "131072"),
    NUMBER("rmem_default", receive_default, 2304, INT32_MAX / 2),
    NUMBER("rmem_max", receive_max, 2304, INT32_MAX / 2),
    NUMBER("somaxconn", backlog_max, 0, 65535),
    NUMBER("wmem_default", send_default, 4608, INT32_MAX / 2),
    NUMBER("wmem_max", send_max, 4608, INT32_MAX / 2),
    {0},
};

static const struct generated_node conf4_files[] = {
    TEXT("accept_redirects", "0"),
    TEXT("accept_source_route", "0"),
    TEXT("forwarding", "0"),
    TEXT("proxy_arp", "0"),
    TEXT("route_localnet", "0"),
    TEXT("rp_filter", "0"),
    TEXT("send_redirects", "0"),
    {0},
};

static const struct generated_node conf6_files[] = {
    TEXT("accept_ra", "1"),
    TEXT("accept_redirects", "1"),
    TEXT("autoconf", "1"),
    TEXT("disable_ipv6", "0"),
    TEXT("forwarding", "0"),
    TEXT("hop_limit", "64"),
    TEXT("use_tempaddr", "0"),
    {0},
};

/*
 * Neighbours, as lwIP deals with them. IPv4 (etharp.c): asks each second, MAXPENDING times; an address is good for 300 s, and asked for again
 * before that. IPv6 (nd6.c), RFC 4861 10.
 */
#define NEIGHBOURS4                                                                                                            \
    TEXT("app_solicit", "0"), TEXT("base_reachable_time", "300"), TEXT("base_reachable_time_ms", "300000"),                    \
        TEXT("mcast_solicit", "5"), TEXT("proxy_qlen", "0"), TEXT("retrans_time_ms", "1000"), TEXT("unres_qlen", "128")
#define NEIGHBOURS6                                                                                                            \
    TEXT("app_solicit", "0"), TEXT("base_reachable_time", "30"), TEXT("base_reachable_time_ms", "30000"),                      \
        TEXT("delay_first_probe_time", "5"), TEXT("mcast_solicit", "3"), TEXT("proxy_qlen", "0"),                              \
        TEXT("retrans_time_ms", "1000"), TEXT("ucast_solicit", "3")
#define TABLE(most) TEXT("gc_thresh1", most), TEXT("gc_thresh2", most), TEXT("gc_thresh3", most)

static const struct generated_node neighbours4_files[] = {NEIGHBOURS4, {0}}, neighbours6_files[] = {NEIGHBOURS6, {0}};
static const struct generated_node neighbours4_default[] = {NEIGHBOURS4, TABLE("1024"), {0}};
static const struct generated_node neighbours6_default[] = {NEIGHBOURS6, TABLE("127"), {0}};

static bool has_network(void)
{
    struct interface i;
    return interface_get(OUTSIDE_INDEX, &i);
}

/* eth0, if there is one; the others are in the tables. */
static const struct generated_node outside[] = {DIRECTORY("eth0", conf4_files), DIRECTORY("eth0", conf6_files),
                                                DIRECTORY("eth0", neighbours4_files), DIRECTORY("eth0", neighbours6_files)};

static int find_outside(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    if (n != 4 || memcmp(name, "eth0", 4) || !has_network())
        return -ENOENT;
    /* The last of the others is lo, whose files are the same. */
    const struct generated_node *lo = r->node->children;
    while (lo[1].name)
        lo++;
    for (unsigned k = 0; k < ARRAY_SIZE(outside); k++) {
        if (outside[k].children == lo->children)
            child->node = &outside[k];
    }
    return 0;
}

static bool list_outside(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    if (*cursor || !has_network())
        return false;
    memcpy(name, "eth0", 5);
    *node = &outside[0];
    return true;
}

static const struct generated_node conf4[] = {DIRECTORY("all", conf4_files), DIRECTORY("default", conf4_files), DIRECTORY("lo", conf4_files), {0}};
static const struct generated_node conf6[] = {DIRECTORY("all", conf6_files), DIRECTORY("default", conf6_files), DIRECTORY("lo", conf6_files), {0}};
static const struct generated_node neighbours4[] = {DIRECTORY("default", neighbours4_default), DIRECTORY("lo", neighbours4_files), {0}};
static const struct generated_node neighbours6[] = {DIRECTORY("default", neighbours6_default), DIRECTORY("lo", neighbours6_files), {0}};

static const struct generated_node ipv4_files[] = {
    {.name = "conf", .mode = S_IFDIR | 0555, .children = conf4, .find = find_outside, .list = list_outside},
    TEXT("icmp_echo_ignore_all", "0"),
    NUMBER("igmp_max_memberships", groups_max, 0, INT32_MAX),
    TEXT("ip_default_ttl", "64"),
    TEXT("ip_forward", "0"),
    {.name = "ip_local_port_range", .mode = S_IFREG | 0644, .show = show_port_range, .store = store_port_range},
    TEXT("ip_local_reserved_ports", ""),
    TEXT("ip_no_pmtu_disc", "0"),
    NUMBER("ip_nonlocal_bind", nonlocal_bind, 0, 1),
    NUMBER("ip_unprivileged_port_start", port_unprivileged, 0, 65535),
    {.name = "neigh", .mode = S_IFDIR | 0555, .children = neighbours4, .find = find_outside, .list = list_outside},
    {.name = "ping_group_range", .mode = S_IFREG | 0644, .show = show_ping_groups, .store = store_ping_groups},
    NUMBER("tcp_abort_on_overflow", abort_on_overflow, 0, 255),
    TEXT("tcp_allowed_congestion_control", "reno cubic"),
    TEXT("tcp_available_congestion_control", "reno cubic"),
    TEXT("tcp_congestion_control", "cubic"),
    TEXT("tcp_dsack", "0"),
    TEXT("tcp_ecn", "0"),
    TEXT("tcp_fastopen", "0"),
    NUMBER("tcp_fin_timeout", fin_timeout, 0, INT32_MAX / 1000),
    NUMBER("tcp_keepalive_intvl", keep_interval, 1, 32767),
    NUMBER("tcp_keepalive_probes", keep_count, 1, 127),
    NUMBER("tcp_keepalive_time", keep_idle, 1, 32767),
    TEXT("tcp_mtu_probing", "0"),
    TEXT("tcp_notsent_lowat", "4294967295"),
    NUMBER("tcp_retries2", retries, 0, 255),
    {.name = "tcp_rmem", .mode = S_IFREG | 0644, .show = show_tcp_memory, .store = store_tcp_memory, .data = &tcp_rmem},
    TEXT("tcp_sack", "1"),
    NUMBER("tcp_synack_retries", synack_count, 0, 255),
    NUMBER("tcp_syn_retries", syn_count, 1, 127),
    TEXT("tcp_syncookies", "0"),
    TEXT("tcp_timestamps", "1"),
    TEXT("tcp_window_scaling", "1"),
    {.name = "tcp_wmem", .mode = S_IFREG | 0644, .show = show_tcp_memory, .store = store_tcp_memory, .data = &tcp_wmem},
    {0},
};

static const struct generated_node ipv6_files[] = {
    NUMBER("bindv6only", v6only, 0, 1),
    {.name = "conf", .mode = S_IFDIR | 0555, .children = conf6, .find = find_outside, .list = list_outside},
    {.name = "neigh", .mode = S_IFDIR | 0555, .children = neighbours6, .find = find_outside, .list = list_outside},
    {0},
};

static const struct generated_node unix_files[] = {NUMBER("max_dgram_qlen", unix_queue_max, 0, INT32_MAX), {0}};

const struct generated_node proc_sys_net_files[] = {
    DIRECTORY("core", core_files),
    DIRECTORY("ipv4", ipv4_files),
    DIRECTORY("ipv6", ipv6_files),
    DIRECTORY("unix", unix_files),
    {0},
};
