/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs ask the kernel about interfaces: netlink dumps, getifaddrs, the old ioctls. Only lo is looked at. */
#include "sock.h"
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

static void dump(int fd, int type, int family)
{
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } q = {{NLMSG_LENGTH(sizeof q.g), (unsigned short)type, NLM_F_REQUEST | NLM_F_DUMP, 7, 0}, {(unsigned char)family}};
    static char b[65536];
    int lo = 0, done = 0;
    SHOW(send(fd, &q, q.h.nlmsg_len, 0) > 0);
    while (!done) {
        long n = recv(fd, b, sizeof b, 0);
        if (n <= 0) {
            printf("recv: %ld\n", n);
            return;
        }
        for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
                done = 1;
                printf("end: type %d sequence %u multi %d\n", h->nlmsg_type, h->nlmsg_seq, !!(h->nlmsg_flags & NLM_F_MULTI));
                break;
            }
            int *index = (int *)NLMSG_DATA(h) + 1;
            if (*index == 1)
                lo++;
        }
    }
    printf("type %d family %d: messages about lo %d\n", type, family, lo);
}

static void netlink(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    socklen_t n = sizeof a;
    SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
    SHOW(bind(fd, (void *)&a, 4));
    SHOW(bind(fd, (void *)&a, sizeof a));
    SHOW(getsockname(fd, (void *)&a, &n));
    printf("length %u family %d port %d\n", n, a.nl_family, a.nl_pid == (unsigned)getpid());
    SHOW(get_int(fd, SOL_SOCKET, SO_DOMAIN));
    dump(fd, RTM_GETLINK, AF_UNSPEC);
    dump(fd, RTM_GETADDR, AF_INET);
    SHOW(recv(fd, &a, 4, MSG_DONTWAIT));
    close(fd);
}

static void list(void)
{
    struct ifaddrs *all, *i;
    char text[64];
    SHOW(getifaddrs(&all));
    for (i = all; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
            continue;
        if (i->ifa_addr->sa_family == AF_INET)
            inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, text, sizeof text);
        else if (i->ifa_addr->sa_family == AF_INET6)
            inet_ntop(AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, text, sizeof text);
        else
            strcpy(text, "link");
        printf("%s flags %x family %d %s\n", i->ifa_name, i->ifa_flags, i->ifa_addr->sa_family, text);
    }
    freeifaddrs(all);
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("nosuch0"));
    SHOW(if_indextoname(1, text) != NULL);
    printf("%s\n", text);
}

static void ioctls(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq r = {.ifr_name = "lo"};
    SHOW(ioctl(fd, SIOCGIFFLAGS, &r));
    SHOW(r.ifr_flags);
    SHOW(ioctl(fd, SIOCGIFADDR, &r));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
    SHOW(ioctl(fd, SIOCGIFNETMASK, &r));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
    SHOW(ioctl(fd, SIOCGIFMTU, &r));
    SHOW(r.ifr_mtu);
    SHOW(ioctl(fd, SIOCGIFINDEX, &r));
    SHOW(r.ifr_ifindex);
    SHOW(ioctl(fd, SIOCGIFHWADDR, &r));
    SHOW(r.ifr_hwaddr.sa_family);
    strcpy(r.ifr_name, "nosuch0");
    SHOW(ioctl(fd, SIOCGIFFLAGS, &r));
    SHOW(ioctl(fd, SIOCGIFMTU, BAD));
    struct ifconf c = {.ifc_len = 0, .ifc_req = NULL};
    SHOW(ioctl(fd, SIOCGIFCONF, &c));
    SHOW(c.ifc_len >= (int)sizeof r);
    struct ifreq all[16];
    c = (struct ifconf){.ifc_len = sizeof all, .ifc_req = all};
    SHOW(ioctl(fd, SIOCGIFCONF, &c));
    printf("%s\n", all[0].ifr_name);
}

int main(void)
{
    netlink();
    list();
    ioctls();
    return 0;
}
