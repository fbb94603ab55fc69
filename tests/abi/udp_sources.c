/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of which a socket wants some sources only (ip(7), IP_ADD_SOURCE_MEMBERSHIP), on lo. */
#include "sock.h"

static int x;
static struct in_addr group, lo, one, two;

static int source(int option, struct in_addr from)
{
    struct ip_mreq_source m = {.imr_multiaddr = group, .imr_interface = lo, .imr_sourceaddr = from};
    return setsockopt(x, IPPROTO_IP, option, &m, sizeof m);
}

static int source_any(int option, struct in_addr from)
{
    struct group_source_req r = {.gsr_interface = 1};
    *(struct sockaddr_in *)&r.gsr_group = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = group};
    *(struct sockaddr_in *)&r.gsr_source = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = from};
    return setsockopt(x, IPPROTO_IP, option, &r, sizeof r);
}

/* What arrives of what both sources send. */
static void send_both(const char *what)
{
    struct in_addr from[2] = {one, two};
    printf("%s:", what);
    for (int i = 0; i < 2; i++) {
        int y = socket(AF_INET, SOCK_DGRAM, 0);
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = from[i]}, to = local_name(x);
        char b[10] = {0};
        bind(y, (void *)&a, sizeof a);
        setsockopt(y, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo);
        to.sin_addr = group;
        if (sendto(y, i ? "two" : "one", 3, 0, (void *)&to, sizeof to) != 3)
            perror("send");
        settle();
        recv(x, b, sizeof b, MSG_DONTWAIT);
        printf(" %s", b[0] ? b : "nothing");
        close(y);
    }
    printf("\n");
}

int main(void)
{
    struct sockaddr_in a = at("0.0.0.0", 0);
    inet_pton(AF_INET, "232.77.1.1", &group);
    inet_pton(AF_INET, "127.0.0.1", &lo);
    inet_pton(AF_INET, "127.0.12.1", &one);
    inet_pton(AF_INET, "127.0.12.2", &two);
    x = socket(AF_INET, SOCK_DGRAM, 0);
    bind(x, (void *)&a, sizeof a);
    set_int(x, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    send_both("no member");
    SHOW(source(IP_DROP_SOURCE_MEMBERSHIP, one));
    SHOW(source(IP_BLOCK_SOURCE, one));
    SHOW(source(IP_ADD_SOURCE_MEMBERSHIP, one));
    SHOW(source(IP_ADD_SOURCE_MEMBERSHIP, one));
    send_both("one");
    SHOW(source(IP_BLOCK_SOURCE, two));
    SHOW(source(IP_DROP_SOURCE_MEMBERSHIP, two));
    SHOW(source(IP_ADD_SOURCE_MEMBERSHIP, two));
    send_both("both");
    SHOW(source(IP_DROP_SOURCE_MEMBERSHIP, one));
    send_both("two");
    SHOW(source(IP_DROP_SOURCE_MEMBERSHIP, two));
    send_both("none");
    SHOW(source(IP_DROP_SOURCE_MEMBERSHIP, two));
    struct ip_mreq m = {group, lo};
    SHOW(setsockopt(x, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m));
    send_both("all");
    SHOW(source(IP_BLOCK_SOURCE, one));
    SHOW(source(IP_BLOCK_SOURCE, one));
    send_both("all but one");
    SHOW(source(IP_ADD_SOURCE_MEMBERSHIP, two));
    SHOW(source(IP_UNBLOCK_SOURCE, two));
    SHOW(source(IP_UNBLOCK_SOURCE, one));
    send_both("all again");
    SHOW(setsockopt(x, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
    SHOW(source_any(MCAST_JOIN_SOURCE_GROUP, two));
    send_both("two");
    SHOW(source_any(MCAST_LEAVE_SOURCE_GROUP, one));
    SHOW(source_any(MCAST_LEAVE_SOURCE_GROUP, two));
    SHOW(source_any(MCAST_BLOCK_SOURCE, two));
    for (int i = 0; i < 12; i++) {
        struct in_addr many = {htonl(0x0a000001u + (unsigned)i)};
        printf("%d %s\n", i, source(IP_ADD_SOURCE_MEMBERSHIP, many) ? strerrorname_np(errno) : "added");
    }
    SHOW(setsockopt(x, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(x, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(x, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &m, sizeof m));
    inet_pton(AF_INET, "10.1.1.1", &group);
    SHOW(source(IP_ADD_SOURCE_MEMBERSHIP, one));
    close(x);
    return 0;
}
