/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Name servers: the program asks them itself, by /etc/resolv.conf, which is made here before it starts: of the kernel parameter
 * net.dns=ADDRESS[,ADDRESS...], else of what the network told until then. The domain in which short names are looked for is DHCP's in
 * any case. A file of that name in the boot archive stays.
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
#include "lwip/prot/dhcp.h"
#include "net/lwip/core.h"
#include "net/lwip/hooks.h"

#define FILE_NAME  "/etc/resolv.conf"
#define WAIT_LIMIT (4 * NSEC_PER_SEC) /* for DHCP, from the network's start */

#define OPTION_DOMAIN 15 /* of DHCP: RFC 2132, 3.17 */

/* IPv4 first. Under the core lock once the network has started. */
static ip_addr_t servers[2 * RESOLVER_SERVERS];
static bool servers_given;
/* Or several, as some servers tell; "" is none. Under the core lock. */
static char domain[UINT8_MAX + 1];

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

void lwip_dhcp_leaves(u8 *options, u16 *n)
{
    u16 at = 0;
    while (at + 1 < *n && options[at] != DHCP_OPTION_PARAMETER_REQUEST_LIST)
        at += (u16)(2 + options[at + 1]);
    if (at + 1 >= *n || *n + 2 > DHCP_OPTIONS_LEN)
        return;
    u8 *end = options + at + 2 + options[at + 1];
    memmove(end + 1, end, (size_t)(options + *n - end));
    *end = OPTION_DOMAIN;
    options[at + 1]++;
    ++*n;
}

/* Whether a line of the file may have it. */
static bool is_domain(const char *text)
{
    for (; *text; text++) {
        char lower = *text | 0x20;
        if (!(lower >= 'a' && lower <= 'z') && !(*text >= '0' && *text <= '9') && !strchr("-._ ", *text))
            return false;
    }
    return true;
}

void lwip_dhcp_option(u8 option, u8 n, const struct pbuf *message, u16 at)
{
    char text[sizeof(domain)];
    if (option != OPTION_DOMAIN || pbuf_copy_partial(message, text, n, at) != n)
        return;
    text[n] = 0;
    if (is_domain(text))
        strlcpy(domain, text, sizeof(domain));
}

/* ------------------------------------------------------------ the file */

static void write_file(void)
{
    char text[512], address[IPADDR_STRLEN_MAX];
    int n = 0, left = RESOLVER_SERVERS;
    config_await_v4(WAIT_LIMIT);
    core_lock();
    if (*domain)
        n = scnprintf(text, sizeof(text), "search %s\n", domain);
    for (size_t i = 0; i < ARRAY_SIZE(servers) && left; i++) {
        if (ip_addr_isany_val(servers[i]))
            continue;
        bool link = IP_IS_V6(&servers[i]) && ip6_addr_islinklocal(ip_2_ip6(&servers[i]));
        ipaddr_ntoa_r(&servers[i], address, sizeof(address));
        for (char *c = address; *c; c++)
            *c |= *c >= 'A' ? 0x20 : 0; /* letters as everybody else writes them */
        n += scnprintf(text + n, sizeof(text) - (size_t)n, "nameserver %s%s\n", address, link ? "%eth0" : "");
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
