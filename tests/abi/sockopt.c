/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket options: defaults and changes of SOL_SOCKET, SOL_TCP, SOL_IP and SOL_IPV6, lengths, errors. */
#include "sock.h"

struct option {
    int level, option;
    const char *name;
};
#define O(level, option) {level, option, #option}

static const struct option generic[] = {
    O(SOL_SOCKET, SO_DEBUG), O(SOL_SOCKET, SO_REUSEADDR), O(SOL_SOCKET, SO_TYPE), O(SOL_SOCKET, SO_ERROR),
    O(SOL_SOCKET, SO_DONTROUTE), O(SOL_SOCKET, SO_BROADCAST), O(SOL_SOCKET, SO_SNDBUF), O(SOL_SOCKET, SO_RCVBUF),
    O(SOL_SOCKET, SO_KEEPALIVE), O(SOL_SOCKET, SO_OOBINLINE), O(SOL_SOCKET, SO_NO_CHECK),
    O(SOL_SOCKET, SO_PRIORITY), O(SOL_SOCKET, SO_REUSEPORT), O(SOL_SOCKET, SO_RCVLOWAT),
    O(SOL_SOCKET, SO_SNDLOWAT), O(SOL_SOCKET, SO_TIMESTAMP), O(SOL_SOCKET, SO_ACCEPTCONN),
    O(SOL_SOCKET, SO_TIMESTAMPNS), O(SOL_SOCKET, SO_MARK), O(SOL_SOCKET, SO_PROTOCOL), O(SOL_SOCKET, SO_DOMAIN),
    O(SOL_SOCKET, SO_RXQ_OVFL), O(SOL_SOCKET, SO_PEEK_OFF), O(SOL_SOCKET, SO_BUSY_POLL),
    O(SOL_SOCKET, SO_INCOMING_NAPI_ID), O(SOL_SOCKET, SO_ZEROCOPY), O(SOL_SOCKET, SO_BINDTODEVICE),
    O(SOL_SOCKET, SO_SNDBUFFORCE), O(SOL_SOCKET, SO_DETACH_FILTER), O(SOL_SOCKET, 999),
};

static const struct option tcp[] = {
    O(IPPROTO_TCP, TCP_NODELAY), O(IPPROTO_TCP, TCP_MAXSEG), O(IPPROTO_TCP, TCP_CORK),
    O(IPPROTO_TCP, TCP_KEEPIDLE), O(IPPROTO_TCP, TCP_KEEPINTVL), O(IPPROTO_TCP, TCP_KEEPCNT),
    O(IPPROTO_TCP, TCP_SYNCNT), O(IPPROTO_TCP, TCP_LINGER2), O(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    O(IPPROTO_TCP, TCP_QUICKACK), O(IPPROTO_TCP, TCP_USER_TIMEOUT), O(IPPROTO_TCP, TCP_FASTOPEN),
    O(IPPROTO_TCP, 999),
};

static const struct option ip[] = {
    O(IPPROTO_IP, IP_TOS), O(IPPROTO_IP, IP_TTL), O(IPPROTO_IP, IP_RECVOPTS), O(IPPROTO_IP, IP_PKTINFO),
    O(IPPROTO_IP, IP_MTU_DISCOVER), O(IPPROTO_IP, IP_RECVERR), O(IPPROTO_IP, IP_RECVTTL),
    O(IPPROTO_IP, IP_RECVTOS), O(IPPROTO_IP, IP_FREEBIND), O(IPPROTO_IP, IP_MTU), O(IPPROTO_IP, IP_MULTICAST_IF),
    O(IPPROTO_IP, IP_MULTICAST_TTL), O(IPPROTO_IP, IP_MULTICAST_LOOP), O(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    O(IPPROTO_IP, 999),
};

static const struct option ip6[] = {
    O(IPPROTO_IPV6, IPV6_V6ONLY), O(IPPROTO_IPV6, IPV6_UNICAST_HOPS), O(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
    O(IPPROTO_IPV6, IPV6_MULTICAST_LOOP), O(IPPROTO_IPV6, IPV6_MULTICAST_IF), O(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    O(IPPROTO_IPV6, IPV6_RECVHOPLIMIT), O(IPPROTO_IPV6, IPV6_RECVTCLASS), O(IPPROTO_IPV6, IPV6_TCLASS),
    O(IPPROTO_IPV6, IPV6_MTU_DISCOVER), O(IPPROTO_IPV6, IPV6_RECVERR), O(IPPROTO_IPV6, IPV6_MTU),
    O(IPPROTO_IPV6, 999),
};

static void get(int fd, const struct option *o)
{
    int v[4] = {0};
    socklen_t n = sizeof v;
    if (getsockopt(fd, o->level, o->option, v, &n))
        printf("  %s: %s\n", o->name, strerrorname_np(errno));
    else
        printf("  %s: %d, length %u\n", o->name, v[0], n);
}

static void defaults(const char *what, int fd, const struct option *list, size_t n)
{
    printf("%s\n", what);
    for (size_t i = 0; i < n; i++)
        get(fd, &list[i]);
}
#define DEFAULTS(what, fd, list) defaults(what, fd, list, sizeof(list) / sizeof *(list))

static void set_get(int fd, const struct option *o, int v)
{
    errno = 0;
    int r = set_int(fd, o->level, o->option, v);
    printf("  %s = %d: %s ->", o->name, v, r ? strerrorname_np(errno) : "ok");
    get(fd, o);
}

static void set_all(const char *what, int fd, const struct option *list, size_t n)
{
    static const int values[] = {1, 0, 5, -1};
    printf("%s\n", what);
    for (size_t i = 0; i < n; i++) {
        if (list[i].level == SOL_SOCKET && (list[i].option == SO_ERROR || list[i].option == SO_PEEK_OFF ||
                                               list[i].option == SO_ZEROCOPY))
            continue;
        for (int k = 0; k < 4; k++) {
            /* The largest buffer is a setting of the machine. */
            if (values[k] < 0 && list[i].level == SOL_SOCKET &&
                (list[i].option == SO_SNDBUF || list[i].option == SO_RCVBUF))
                continue;
            set_get(fd, &list[i], values[k]);
        }
    }
}
#define SET_ALL(what, fd, list) set_all(what, fd, list, sizeof(list) / sizeof *(list))

static void special(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_STREAM, 0), v = 1;
    struct linger l = {1, 7};
    struct timeval tv = {1, 500000};
    socklen_t n = sizeof l;
    char text[32] = {0};
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    l = (struct linger){0, 0};
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &n));
    printf("linger %d %d length %u\n", l.l_onoff, l.l_linger, n);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    tv = (struct timeval){9, 9};
    n = sizeof tv;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &n));
    printf("timeout %ld %ld length %u\n", tv.tv_sec, tv.tv_usec, n);
    tv.tv_usec = 1000000;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, 8));
    n = sizeof tv;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &n));
    printf("timeout %ld %ld\n", tv.tv_sec, tv.tv_usec);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 2));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, (socklen_t)-1));
    n = 2;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n));
    SHOW(n);
    n = (socklen_t)-1;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, BAD));
    n = 4;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, BAD, &n));
    SHOW(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &v, 4));
    SHOW(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &v, 4));
    SHOW(setsockopt(fd, 77, 1, &v, 4));
    SHOW(getsockopt(fd, 77, 1, &v, &n));
    SHOW(setsockopt(u, IPPROTO_TCP, TCP_NODELAY, &v, 4));
    SHOW(getsockopt(u, IPPROTO_TCP, TCP_NODELAY, &v, &n));
    SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, 4));
    SHOW(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, &n));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    n = sizeof text;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &n));
    printf("%s %u\n", text, n);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 8));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    n = sizeof text;
    SHOW(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &n));
    printf("%s %u\n", text, n);
    SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
    struct tcp_info info;
    n = sizeof info;
    SHOW(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n));
    SHOW(info.tcpi_state);
    unsigned char byte = 0x10;
    SHOW(setsockopt(fd, IPPROTO_IP, IP_TOS, &byte, 1));
    n = 1;
    SHOW(getsockopt(fd, IPPROTO_IP, IP_TOS, &byte, &n));
    printf("tos %d length %u\n", byte, n);
    for (int i = 0; i < 5; i++) {
        static const int sizes[] = {1, 2000, 5000, 100000, 212992};
        SHOW(set_int(u, SOL_SOCKET, SO_SNDBUF, sizes[i]));
        SHOW(get_int(u, SOL_SOCKET, SO_SNDBUF));
        SHOW(set_int(u, SOL_SOCKET, SO_RCVBUF, sizes[i]));
        SHOW(get_int(u, SOL_SOCKET, SO_RCVBUF));
    }
    struct ip_mreq m = {.imr_multiaddr.s_addr = inet_addr("224.0.0.251")};
    SHOW(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, 4));
    SHOW(ioctl(fd, 0x5401, text));
    SHOW(ioctl(fd, FIONBIO, &v));
    SHOW(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void inherited(void)
{
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;
    struct sockaddr_in a = at("127.0.0.1", 0);
    set_int(l, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(l, IPPROTO_TCP, TCP_KEEPIDLE, 55);
    fcntl(l, F_SETFL, O_NONBLOCK);
    bind(l, (void *)&a, sizeof a);
    listen(l, 1);
    a = local_name(l);
    connect(c, (void *)&a, sizeof a);
    settle();
    s = accept(l, NULL, NULL);
    SHOW(get_int(s, IPPROTO_TCP, TCP_NODELAY));
    SHOW(get_int(s, SOL_SOCKET, SO_KEEPALIVE));
    SHOW(get_int(s, IPPROTO_TCP, TCP_KEEPIDLE));
    SHOW(get_int(s, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(fcntl(s, F_GETFL) & O_NONBLOCK);
    SHOW(get_int(s, SOL_SOCKET, SO_DOMAIN));
}

/* Options that no socket of UDP knows, and values out of range. */
static void refused(void)
{
    int v = 3, u = socket(AF_INET, SOCK_DGRAM, 0), u6 = socket(AF_INET6, SOCK_DGRAM, 0);
    int t = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t n = sizeof v;
    SHOW(getsockopt(u, IPPROTO_UDP, 99, &v, &n));
    SHOW(getsockopt(u6, IPPROTO_UDP, 99, &v, &n));
    SHOW(getsockopt(t, IPPROTO_UDP, 99, &v, &n));
    SHOW(setsockopt(u, IPPROTO_UDP, 99, &v, sizeof v));
    SHOW(setsockopt(u, IPPROTO_UDP, 99, &v, 1));
    SHOW(setsockopt(t, IPPROTO_UDP, 99, &v, 1));
    SHOW(setsockopt(t, IPPROTO_TCP, TCP_SAVE_SYN, &v, sizeof v));
    close(u);
    close(u6);
    close(t);
}

int main(void)
{
    DEFAULTS("tcp", socket(AF_INET, SOCK_STREAM, 0), generic);
    DEFAULTS("udp", socket(AF_INET, SOCK_DGRAM, 0), generic);
    DEFAULTS("tcp6", socket(AF_INET6, SOCK_STREAM, 0), generic);
    DEFAULTS("unix", socket(AF_UNIX, SOCK_STREAM, 0), generic);
    DEFAULTS("seqpacket", socket(AF_UNIX, SOCK_SEQPACKET, 0), generic);
    DEFAULTS("tcp level", socket(AF_INET, SOCK_STREAM, 0), tcp);
    DEFAULTS("ip level", socket(AF_INET, SOCK_STREAM, 0), ip);
    DEFAULTS("ip level of udp", socket(AF_INET, SOCK_DGRAM, 0), ip);
    DEFAULTS("ipv6 level", socket(AF_INET6, SOCK_STREAM, 0), ip6);
    DEFAULTS("ipv6 level of udp", socket(AF_INET6, SOCK_DGRAM, 0), ip6);
    SET_ALL("set tcp", socket(AF_INET, SOCK_STREAM, 0), tcp);
    SET_ALL("set ip of udp", socket(AF_INET, SOCK_DGRAM, 0), ip);
    SET_ALL("set ip of tcp", socket(AF_INET, SOCK_STREAM, 0), ip);
    SET_ALL("set ipv6 of udp", socket(AF_INET6, SOCK_DGRAM, 0), ip6);
    SET_ALL("set generic", socket(AF_INET, SOCK_DGRAM, 0), generic);
    special();
    inherited();
    refused();
    return 0;
}
