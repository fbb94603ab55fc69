/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/class/net about lo, and settings of /proc/sys/net: how they look, and what they refuse. Nothing is changed. */
#include "abi.h"
#include <fcntl.h>

static void show(const char *path)
{
    char text[200];
    int fd = open(path, O_RDONLY);
    long n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: %.*s", path, (int)n, text);
    if (fd >= 0)
        close(fd);
}

static void refused(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    long n = fd < 0 ? -1 : write(fd, value, strlen(value));
    printf("%s: %s\n", path, n < 0 ? strerrorname_np(errno) : "taken");
    if (fd >= 0)
        close(fd);
}

int main(void)
{
    static const char *const links[] = {"addr_assign_type", "addr_len", "address", "broadcast", "carrier", "dev_id", "dev_port", "dormant", "duplex",
                                        "flags", "ifindex", "iflink", "link_mode", "mtu", "name_assign_type", "netdev_group", "operstate", "speed",
                                        "tx_queue_len", "type", "uevent", "nosuch"};
    static const char *const settings[] = {"ipv4/ip_forward", "ipv4/ip_default_ttl", "ipv4/ip_nonlocal_bind", "ipv4/ip_unprivileged_port_start",
                                           "ipv4/tcp_fin_timeout", "ipv4/tcp_keepalive_time", "ipv4/tcp_keepalive_intvl",
                                           "ipv4/tcp_keepalive_probes", "ipv4/tcp_sack", "ipv4/tcp_timestamps", "ipv4/tcp_window_scaling",
                                           "ipv4/igmp_max_memberships", "ipv4/ip_local_port_range", "ipv6/bindv6only", "unix/max_dgram_qlen",
                                           "core/rmem_default", "core/wmem_default", "ipv4/nosuch"};
    char path[100], target[100] = "";
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/sys/class/net/lo/%s", links[i]);
        show(path);
    }
    SHOW(readlink("/sys/class/net/lo", target, sizeof target - 1));
    printf("%s\n", target);
    SHOW(access("/sys/devices/virtual/net/lo/statistics/rx_bytes", R_OK));
    SHOW(access("/sys/class/net/lo/statistics/tx_window_errors", R_OK));
    SHOW(access("/sys/class/net/lo/queues/rx-0", R_OK));
    for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
        snprintf(path, sizeof path, "/proc/sys/net/%s", settings[i]);
        show(path);
    }
    refused("/proc/sys/net/core/somaxconn", "many");
    refused("/proc/sys/net/core/somaxconn", "-1");
    refused("/proc/sys/net/core/rmem_max", "10");
    refused("/proc/sys/net/ipv4/ip_local_port_range", "50000 40000");
    refused("/proc/sys/net/ipv4/ip_local_port_range", "0 40000");
    refused("/proc/sys/net/ipv4/ip_local_port_range", "40000 70000");
    refused("/proc/sys/net/ipv4/ip_unprivileged_port_start", "65536");
    refused("/proc/sys/net/ipv4/tcp_keepalive_time", "x");
    refused("/proc/sys/net/ipv4/tcp_syn_retries", "0");
    refused("/proc/sys/net/ipv4/tcp_available_congestion_control", "reno");
    return 0;
}
