/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Name servers: the program asks them itself, by /etc/resolv.conf, which is made here before it starts: of the kernel parameter
 * net.dns=ADDRESS[,ADDRESS...], else of what DHCP told until then. A file of that name in the boot archive stays.
 */
#include <linux/limits.h>
#include "fs/root.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/timer.h"
#include "lwip/ip.h"
#include "net/lwip/core.h"
#include "net/lwip/hooks.h"

#define FILE_NAME  "/etc/resolv.conf"
#define WAIT_LIMIT (4 * NSEC_PER_SEC) /* for DHCP, from the network's start */

/* IPv4 first. Under the core lock once the network has started. */
static ip_addr_t servers[2 * RESOLVER_SERVERS];
static bool servers_given;

static int set_dns(const char *value)
{
    unsigned n = 0;
    for (const char *at = value; at && *at; n++) {
        const char *comma = strchr(at, ',');
        size_t length = comma ? (size_t)(comma - at) : strlen(at);
        if (n == ARRAY_SIZE(servers) || config_parse_address(at, length, &servers[n]))
            return -EINVAL;
        at += length + (comma != NULL);
    }
    servers_given = n > 0;
    return n ? 0 : -EINVAL;
}
PARAM(net_dns, "net.dns", set_dns);

/* ------------------------------------------------------------ what the network tells */

void dns_setserver(u8_t index, const ip_addr_t *server)
{
    if (servers_given || index >= RESOLVER_SERVERS)
        return;
    bool v6 = server && IP_IS_V6(server);
    ip_addr_t *to = &servers[(v6 ? RESOLVER_SERVERS : 0) + index];
    if (server)
        ip_addr_copy(*to, *server);
    else
        ip_addr_set_zero(to);
}

const ip_addr_t *dns_getserver(u8_t index)
{
    return index < RESOLVER_SERVERS ? &servers[RESOLVER_SERVERS + index] : IP_ADDR_ANY;
}

/* ------------------------------------------------------------ the file */

static void write_file(void)
{
    char text[512], address[IPADDR_STRLEN_MAX];
    int n = 0, left = RESOLVER_SERVERS;
    config_await_v4(WAIT_LIMIT);
    core_lock();
    for (size_t i = 0; i < ARRAY_SIZE(servers) && left; i++) {
        if (ip_addr_isany_val(servers[i]))
            continue;
        n += scnprintf(text + n, sizeof(text) - (size_t)n, "nameserver %s\n", ipaddr_ntoa_r(&servers[i], address, sizeof(address)));
        left--;
    }
    core_unlock();
    char *path = n ? kmalloc(PATH_MAX) : NULL;
    if (!path)
        return;
    strlcpy(path, FILE_NAME, PATH_MAX);
    int error = root_place(path, true);
    if (!error)
        error = vfs_boot_file(path, 0644, 0, 0, (s64)clock_realtime(), text, (size_t)n);
    if (error && error != -EEXIST)
        log_warn("net: " FILE_NAME " cannot be made (error %d)", -error);
    kfree(path);
}

static void resolver_init(void)
{
    root_fill = write_file;
}
INIT_CALL(INIT_SOCKETS, resolver_init);
