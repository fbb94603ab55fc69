/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast groups of lo in /proc/net/igmp and igmp6, as sockets join and leave them. */
#include "sock.h"

/* Lines about groups of this test's. */
static void show(const char *name)
{
    char path[64], line[200], interface[16] = "";
    snprintf(path, sizeof path, "/proc/net/%s", name);
    FILE *f = fopen(path, "r");
    printf("%s%s\n", name, f ? "" : ": none");
    while (f && fgets(line, sizeof line, f)) {
        if (line[0] != '\t')
            sscanf(line, "%*d %15s", interface);
        if (!strcmp(interface, "lo") && (strstr(line, "4D01EF ") || strstr(line, "ff02000000000000000000004d")))
            fputs(line, stdout);
    }
    if (f)
        fclose(f);
}

static void all(const char *when)
{
    printf("%s\n", when);
    show("igmp");
    show("igmp6");
}

int main(void)
{
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET6, SOCK_DGRAM, 0);
    struct ip_mreqn first = {.imr_ifindex = 1}, second = {.imr_ifindex = 1};
    struct ipv6_mreq third = {.ipv6mr_interface = 1};

    inet_pton(AF_INET, "239.1.77.1", &first.imr_multiaddr);
    inet_pton(AF_INET, "239.1.77.2", &second.imr_multiaddr);
    inet_pton(AF_INET6, "ff02::4d01:2", &third.ipv6mr_multiaddr);
    all("none joined");
    SHOW(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &first, sizeof first));
    SHOW(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &second, sizeof second));
    SHOW(setsockopt(b, IPPROTO_IP, IP_ADD_MEMBERSHIP, &first, sizeof first));
    SHOW(setsockopt(c, IPPROTO_IPV6, IPV6_JOIN_GROUP, &third, sizeof third));
    all("joined");
    SHOW(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &second, sizeof second));
    SHOW(close(b));
    all("one left, one socket closed");
    SHOW(close(a));
    SHOW(close(c));
    all("all closed");
    return 0;
}
