/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM's network. Nothing waits for it at the start: what QEMU's user network gives by DHCP is known here, and told to the kernel
 * with the command line.
 */
#include "tools/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/forward.h"
#include "tools/message.h"
#include "tools/tap.h"

/* QEMU's user network, as it is by itself. */
#define USER_ADDRESS "10.0.2.15/24"
#define USER_GATEWAY 2 /* in the network's numbers, as the next */
#define USER_SERVER  3

struct address {
    bool v6;
    struct in_addr ip, gateway; /* v4 */
    unsigned prefix;
    bool has_gateway;
};

/* ADDR/PREFIX[,GATEWAY] */
static struct address parse_address(const char *text)
{
    struct address a = {0};
    struct in6_addr v6;
    char *copy = duplicate(text), *comma = strchr(copy, ','), *slash, *end = NULL;
    unsigned long prefix = 0;
    bool good;

    if (comma)
        *comma++ = '\0';
    slash = strchr(copy, '/');
    if (slash) {
        *slash++ = '\0';
        prefix = strtoul(slash, &end, 10);
    }
    good = slash && *slash >= '0' && *slash <= '9' && *end == '\0';
    a.v6 = good && inet_pton(AF_INET6, copy, &v6) == 1;
    good = good && (a.v6 ? prefix <= 128 && (!comma || inet_pton(AF_INET6, comma, &v6) == 1)
                         : prefix <= 32 && inet_pton(AF_INET, copy, &a.ip) == 1 && (!comma || inet_pton(AF_INET, comma, &a.gateway) == 1));
    if (!good)
        die(STATUS_FAILED, "--ip wants ADDRESS/PREFIX or ADDRESS/PREFIX,GATEWAY, such as 192.168.7.2/24,192.168.7.1, not '%s' "
            "(see 'aril run --help')", text);
    if (a.v6 && prefix != 64)
        die(STATUS_FAILED, "--ip %s: a network of IPv6 has a prefix of 64 bits here, not %lu", text, prefix);
    a.prefix = (unsigned)prefix;
    a.has_gateway = comma != NULL;
    free(copy);
    return a;
}

static void check_server(const char *text)
{
    struct in6_addr address;

    if (inet_pton(AF_INET, text, &address) != 1 && inet_pton(AF_INET6, text, &address) != 1)
        die(STATUS_FAILED, "--dns wants an address, not '%s' (see 'aril run --help')", text);
}

static char *show(struct in_addr address)
{
    return duplicate(inet_ntoa(address));
}

/* QEMU's user network around the VM's address. */
static void open_user(struct network *network, const struct run_options *options)
{
    const char *text = options->addresses.count ? options->addresses.items[0] : USER_ADDRESS;
    struct address a = parse_address(text);
    char *guest, *gateway, *server, *forwards;
    uint32_t net;

    if (a.v6 || options->addresses.count > 1)
        die(STATUS_FAILED, "--ip %s: a user network has one address, of IPv4; --net tap=NAME has others", text);
    if (a.prefix < 8 || a.prefix > 29)
        die(STATUS_FAILED, "--ip %s: a user network wants a prefix from /8 to /29", text);
    net = ntohl(a.ip.s_addr) & UINT32_MAX << (32 - a.prefix);
    guest = show(a.ip);
    if (!a.has_gateway)
        a.gateway.s_addr = htonl(net + USER_GATEWAY);
    gateway = show(a.gateway);
    /* Its name server is a third address of the network: the usual one, if that is free. */
    for (uint32_t n = USER_SERVER;; n++) {
        struct in_addr s = {htonl(net + n)};

        if (s.s_addr == a.ip.s_addr || s.s_addr == a.gateway.s_addr)
            continue;
        server = show(s);
        break;
    }
    if ((ntohl(a.gateway.s_addr) & UINT32_MAX << (32 - a.prefix)) != net || a.gateway.s_addr == a.ip.s_addr)
        die(STATUS_FAILED, "--ip %s: the gateway must be another address of the same network", text);
    forwards = forward_options(&options->ports, guest);
    network->netdev = format_string("user,id=net,ipv6=off,net=%s/%u,host=%s,dns=%s,dhcpstart=%s%s",
                                    inet_ntoa((struct in_addr){htonl(net)}), a.prefix, gateway, server, guest, forwards);
    network->device = duplicate("virtio-net-device,netdev=net");
    strings_add(&network->addresses, format_string("%s/%u,%s", guest, a.prefix, gateway));
    if (!network->servers)
        network->servers = duplicate(server);
    free(guest);
    free(gateway);
    free(server);
    free(forwards);
}

static void open_tap(struct network *network, const struct run_options *options, const char *name)
{
    unsigned char mac[6];
    unsigned mtu;

    if (options->ports.count)
        die(STATUS_FAILED, "-p %s: with --net tap the VM has an address of its own, and all ports", options->ports.items[0]);
    for (size_t i = 0; i < options->addresses.count; i++) {
        parse_address(options->addresses.items[i]);
        strings_add(&network->addresses, duplicate(options->addresses.items[i]));
    }
    network->tap = tap_open(name, &mtu);
    tap_make_address(name, mac);
    network->netdev = format_string("tap,id=net,fd=%d", network->tap);
    network->device = format_string("virtio-net-device,netdev=net,host_mtu=%u,mac=%02x:%02x:%02x:%02x:%02x:%02x", mtu, mac[0], mac[1],
                                    mac[2], mac[3], mac[4], mac[5]);
}

void network_open(struct network *network, const struct run_options *options)
{
    const char *kind = options->net ? options->net : "user";

    *network = (struct network){.tap = -1};
    for (size_t i = 0; i < options->servers.count; i++) {
        char *longer;

        check_server(options->servers.items[i]);
        longer = format_string("%s%s%s", network->servers ? network->servers : "", network->servers ? "," : "", options->servers.items[i]);
        free(network->servers);
        network->servers = longer;
    }
    if (strcmp(kind, "user") == 0) {
        network->kind = NETWORK_USER;
        open_user(network, options);
    } else if (strncmp(kind, "tap=", 4) == 0) {
        network->kind = NETWORK_TAP;
        open_tap(network, options, kind + 4);
    } else if (strcmp(kind, "none") != 0) {
        die(STATUS_FAILED, "--net wants user, tap=NAME or none, not '%s' (see 'aril run --help')", kind);
    } else if (options->ports.count || options->addresses.count || options->servers.count) {
        die(STATUS_FAILED, "--net none leaves no network for -p, --ip and --dns");
    }
}

void network_close(struct network *network)
{
    if (network->tap >= 0)
        close(network->tap);
    for (size_t i = 0; i < network->addresses.count; i++)
        free(network->addresses.items[i]);
    free(network->addresses.items);
    free(network->netdev);
    free(network->device);
    free(network->servers);
}

void network_print_parameters(const struct network *network, FILE *stream)
{
    for (size_t i = 0; i < network->addresses.count; i++)
        fprintf(stream, " net.ip=%s", network->addresses.items[i]);
    if (network->servers)
        fprintf(stream, " net.dns=%s", network->servers);
}

void network_add_device(const struct network *network, struct strings *command)
{
    if (network->kind == NETWORK_NONE)
        return;
    strings_add(command, duplicate("-netdev"));
    strings_add(command, duplicate(network->netdev));
    strings_add(command, duplicate("-device"));
    strings_add(command, duplicate(network->device));
}
