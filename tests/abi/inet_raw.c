/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw sockets on loopback, each bound to an address that nobody else has packets sent to. */
#include "sock.h"
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

#define PROTOCOL 253 /* RFC 3692: for experiments */
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
#define SOL_RAW_LEVEL 255

static char buffer[70000], packet[70000];

static uint16_t checksum(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static int raw_at(const char *ip, int protocol)
{
    int fd = socket(AF_INET, SOCK_RAW, protocol);
    struct sockaddr_in a = at(ip, 0);
    if (bind(fd, (void *)&a, sizeof a))
        perror("bind");
    return fd;
}

/* What there is to receive: IP's header without the identifier and checksum, and the data. */
static void show(const char *what, int fd)
{
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    char source[20], target[20];
    long r = recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (void *)&from, &n);
    if (r < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    struct iphdr *h = (void *)buffer;
    inet_ntop(AF_INET, &h->saddr, source, sizeof source);
    inet_ntop(AF_INET, &h->daddr, target, sizeof target);
    printf("%s: %ld bytes, header %d tos %d length %d fragment %x ttl %d protocol %d sum %s %s > %s, name %s:%d;", what, r, h->ihl,
           h->tos, ntohs(h->tot_len), ntohs(h->frag_off), h->ttl, h->protocol, checksum(h, h->ihl * 4u) ? "bad" : "good", source,
           target, inet_ntoa(from.sin_addr), ntohs(from.sin_port));
    for (int i = h->ihl * 4; i < r && i < h->ihl * 4 + 12; i++)
        printf(" %02x", (uint8_t)buffer[i]);
    printf("\n");
}

static long send_at(int fd, const char *ip, const void *data, size_t n)
{
    struct sockaddr_in to = at(ip, 4711);
    return sendto(fd, data, n, 0, (void *)&to, sizeof to);
}

static void creation(void)
{
    SHOW(socket(AF_INET, SOCK_RAW, 0));
    SHOW(socket(AF_INET6, SOCK_RAW, 0));
    SHOW(socket(AF_INET, SOCK_RAW, -1));
    SHOW(socket(AF_INET, SOCK_RAW, 4000));
    SHOW(socket(AF_INET, SOCK_RDM, 0));
    SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6));
    int fd = socket(AF_INET, SOCK_RAW, PROTOCOL);
    struct sockaddr_in a = local_name(fd);
    printf("named %s:%d\n", inet_ntoa(a.sin_addr), ntohs(a.sin_port));
    socklen_t n = sizeof a;
    SHOW(getpeername(fd, (void *)&a, &n));
    SHOW(get_int(fd, SOL_SOCKET, SO_TYPE));
    SHOW(get_int(fd, SOL_SOCKET, SO_PROTOCOL));
    SHOW(listen(fd, 1));
    SHOW(accept(fd, NULL, NULL));
    SHOW(shutdown(fd, SHUT_RDWR));
    SHOW(send(fd, "x", 1, 0));
    SHOW(sendto(fd, "x", 1, 0, (void *)&a, 8));
    SHOW(recv(fd, buffer, 10, MSG_OOB));
    SHOW(recv(fd, buffer, 10, MSG_DONTWAIT));
    SHOW(recv(fd, buffer, 10, MSG_DONTWAIT | MSG_ERRQUEUE));
    a = at("192.0.2.1", 0);
    SHOW(bind(fd, (void *)&a, sizeof a));
    SHOW(bind(fd, (void *)&a, 8));
    a = at("127.0.7.1", 99);
    SHOW(bind(fd, (void *)&a, sizeof a));
    SHOW(bind(fd, (void *)&a, sizeof a));
    a = local_name(fd);
    printf("named %s:%d\n", inet_ntoa(a.sin_addr), ntohs(a.sin_port));
    a = at("127.0.7.2", 0);
    SHOW(connect(fd, (void *)&a, sizeof a));
    n = sizeof a;
    SHOW(getpeername(fd, (void *)&a, &n));
    a = at("127.0.7.2", 5);
    SHOW(connect(fd, (void *)&a, sizeof a));
    SHOW(getpeername(fd, (void *)&a, &n));
    SHOW(bind(fd, (void *)&a, sizeof a));
    SHOW(send(fd, "x", 1, MSG_OOB));
    SHOW(send(fd, buffer, 65536, 0));
    SHOW(send(fd, buffer, 65516, 0));
    SHOW(send(fd, buffer, 65515, 0));
    SHOW(send(fd, buffer, 0, 0));
    SHOW(shutdown(fd, SHUT_RD));
    SHOW(shutdown(fd, SHUT_WR));
    printf("%x\n", events(fd));
    SHOW(send(fd, "x", 1, 0));
    SHOW(recv(fd, buffer, 10, 0));
    close(fd);
}

static void exchange(void)
{
    int x = raw_at("127.0.7.3", PROTOCOL), y = raw_at("127.0.7.4", PROTOCOL), z = raw_at("127.0.7.4", PROTOCOL), n = -1;
    SHOW(send_at(x, "127.0.7.4", "hello", 5));
    ioctl(y, FIONREAD, &n);
    printf("%d %x\n", n, events(y));
    show("y", y);
    show("y again", y);
    show("z has its own", z);
    show("x", x);
    set_int(x, IPPROTO_IP, IP_TTL, 7);
    set_int(x, IPPROTO_IP, IP_TOS, 0x48);
    set_int(x, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    SHOW(send_at(x, "127.0.7.4", "", 0));
    show("y", y);
    struct sockaddr_in a = at("127.0.7.99", 0);
    SHOW(connect(z, (void *)&a, sizeof a));
    set_int(y, IPPROTO_IP, IP_PKTINFO, 1);
    set_int(y, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(y, IPPROTO_IP, IP_RECVTOS, 1);
    SHOW(send_at(x, "127.0.7.4", "more", 4));
    struct iovec v = {buffer, 22};
    char space[256];
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    SHOW(recvmsg(y, &m, MSG_PEEK));
    m.msg_controllen = sizeof space;
    SHOW(recvmsg(y, &m, MSG_TRUNC));
    printf("%x", m.msg_flags);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct in_pktinfo *i = (void *)CMSG_DATA(c);
        printf(" %d", c->cmsg_type);
        if (c->cmsg_type == IP_PKTINFO)
            printf(" of %d to %s", i->ipi_ifindex, inet_ntoa(i->ipi_addr));
        else
            printf(" %d", *CMSG_DATA(c));
    }
    printf("\n");
    show("z hears one peer alone, and had two before", z);
    show("z", z);
    close(x), close(y), close(z);
}

static void included(void)
{
    int x = raw_at("127.0.7.5", PROTOCOL), y = raw_at("127.0.7.6", PROTOCOL);
    SHOW(get_int(x, IPPROTO_IP, IP_HDRINCL));
    SHOW(set_int(x, IPPROTO_IP, IP_HDRINCL, 5));
    SHOW(get_int(x, IPPROTO_IP, IP_HDRINCL));
    SHOW(send_at(x, "127.0.7.6", "short", 5));
    struct iphdr *h = (void *)packet;
    *h = (struct iphdr){.version = 4, .ihl = 5, .ttl = 3, .protocol = PROTOCOL, .daddr = inet_addr("127.0.7.6"), .tot_len = 9, .check = 9};
    memcpy(h + 1, "data", 4);
    SHOW(send_at(x, "127.0.7.6", packet, 24));
    show("source filled in", y);
    h->saddr = inet_addr("127.0.7.77");
    h->frag_off = htons(0x4000);
    h->id = htons(77);
    SHOW(send_at(x, "127.0.7.6", packet, 24));
    show("source given", y);
    h->ihl = 6;
    memset(h + 1, 1, 4);
    memcpy(h + 1, "\1\1\1\0", 4);
    SHOW(send_at(x, "127.0.7.6", packet, 30));
    show("options", y);
    h->ihl = 15;
    SHOW(send_at(x, "127.0.7.6", packet, 30));
    h->ihl = 5;
    h->protocol = 254;
    SHOW(send_at(x, "127.0.7.6", packet, 30));
    show("another protocol", y);
    int r = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    SHOW(get_int(r, IPPROTO_IP, IP_HDRINCL));
    h->protocol = PROTOCOL;
    SHOW(send_at(r, "127.0.7.6", packet, 30));
    show("by IPPROTO_RAW", y);
    show("itself", r);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(set_int(u, IPPROTO_IP, IP_HDRINCL, 1));
    close(x), close(y), close(r), close(u);
}

static size_t echo(int type, int id)
{
    struct icmphdr *h = (void *)packet;
    *h = (struct icmphdr){.type = (uint8_t)type, .un.echo = {htons((uint16_t)id), htons(1)}};
    memcpy(h + 1, "echoes", 6);
    h->checksum = checksum(h, sizeof *h + 6);
    return sizeof *h + 6;
}

static void icmp(void)
{
    int x = raw_at("127.0.7.7", IPPROTO_ICMP), y = raw_at("127.0.7.8", IPPROTO_ICMP);
    uint32_t filter = 9;
    socklen_t n = sizeof filter;
    SHOW(getsockopt(x, SOL_RAW_LEVEL, ICMP_FILTER, &filter, &n));
    printf("%x %d\n", filter, n);
    SHOW(send_at(x, "127.0.7.8", packet, echo(ICMP_ECHO, 5)));
    show("asked", y);
    show("answer", x);
    filter = 1u << ICMP_ECHOREPLY;
    SHOW(setsockopt(x, SOL_RAW_LEVEL, ICMP_FILTER, &filter, 4));
    SHOW(send_at(x, "127.0.7.8", packet, echo(ICMP_ECHO, 6)));
    show("filtered", x);
    filter = ~0u;
    SHOW(setsockopt(y, SOL_RAW_LEVEL, ICMP_FILTER, &filter, 1));
    n = 3;
    filter = 0;
    SHOW(getsockopt(y, SOL_RAW_LEVEL, ICMP_FILTER, &filter, &n));
    printf("%x %d\n", filter, n);
    SHOW(setsockopt(y, SOL_RAW_LEVEL, 2, &filter, 4));
    SHOW(setsockopt(y, SOL_RAW_LEVEL, ICMP_FILTER, BAD, 4));
    show("the second request", y);
    n = echo(ICMP_ECHO, 7);
    packet[2] ^= 1;
    SHOW(send_at(x, "127.0.7.8", packet, n));
    filter = 0;
    setsockopt(x, SOL_RAW_LEVEL, ICMP_FILTER, &filter, 4);
    show("bad checksum", x);
    int other = raw_at("127.0.7.7", PROTOCOL);
    SHOW(setsockopt(other, SOL_RAW_LEVEL, ICMP_FILTER, &filter, 4));
    SHOW(getsockopt(other, SOL_RAW_LEVEL, ICMP_FILTER, &filter, &n));
    close(x), close(y), close(other);
}

/* UDP made by hand, and UDP looked at. */
static void udp(void)
{
    int u = socket(AF_INET, SOCK_DGRAM, 0), raw = raw_at("127.0.7.9", IPPROTO_UDP), sees = raw_at("127.0.7.10", IPPROTO_UDP);
    struct sockaddr_in a = at("127.0.7.10", 0), from;
    bind(u, (void *)&a, sizeof a);
    a = local_name(u);
    struct udphdr *h = (void *)packet;
    *h = (struct udphdr){.source = htons(9999), .dest = a.sin_port, .len = htons(12)};
    memcpy(h + 1, "made", 4);
    SHOW(send_at(raw, "127.0.7.10", packet, 12));
    socklen_t n = sizeof from;
    SHOW(recvfrom(u, buffer, 100, MSG_DONTWAIT, (void *)&from, &n));
    printf("%.4s from %s:%d\n", buffer, inet_ntoa(from.sin_addr), ntohs(from.sin_port));
    h->len = htons(13);
    SHOW(send_at(raw, "127.0.7.10", packet, 12));
    SHOW(recv(u, buffer, 100, MSG_DONTWAIT));
    int v = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(sendto(v, "plain", 5, 0, (void *)&a, sizeof a));
    for (int i = 0; i < 3; i++) {
        long r = recv(sees, buffer, sizeof buffer, MSG_DONTWAIT);
        h = (void *)(buffer + 20);
        printf("seen: %ld bytes, length %d to the port %d: %.5s\n", r, ntohs(h->len), h->dest == a.sin_port, (char *)(h + 1));
    }
    close(u), close(v), close(raw), close(sees);
}

static void show6(const char *what, int fd)
{
    struct sockaddr_in6 from;
    char space[256], name[64];
    struct iovec v = {buffer, sizeof buffer};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    long r = recvmsg(fd, &m, MSG_DONTWAIT);
    if (r < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    printf("%s: %ld bytes from %s:%d;", what, r, inet_ntop(AF_INET6, &from.sin6_addr, name, sizeof name), ntohs(from.sin6_port));
    for (int i = 0; i < r && i < 12; i++)
        printf(" %02x", (uint8_t)buffer[i]);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        printf(" type %d: %d", c->cmsg_type, *CMSG_DATA(c));
    printf("\n");
}

static void version6(void)
{
    int x = socket(AF_INET6, SOCK_RAW, PROTOCOL), y = socket(AF_INET6, SOCK_RAW, PROTOCOL), n = 7, r = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
    struct sockaddr_in6 a = at6("::1", 0);
    set_int(y, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    set_int(y, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    SHOW(bind(x, (void *)&a, sizeof a));
    SHOW(sendto(x, "hello", 5, 0, (void *)&a, sizeof a));
    show6("y", y);
    show6("x itself", x);
    set_int(x, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
    set_int(x, IPPROTO_IPV6, IPV6_TCLASS, 0x44);
    a.sin6_port = htons(PROTOCOL);
    SHOW(sendto(x, "hops", 4, 0, (void *)&a, sizeof a));
    show6("y", y);
    a.sin6_port = htons(254);
    SHOW(sendto(x, "other", 5, 0, (void *)&a, sizeof a));
    a.sin6_port = htons(256);
    SHOW(sendto(x, "other", 5, 0, (void *)&a, sizeof a));
    a.sin6_port = 0;
    SHOW(sendto(x, "short", 5, 0, (void *)&a, 20));
    SHOW(get_int(x, IPPROTO_IPV6, IPV6_CHECKSUM));
    SHOW(set_int(x, IPPROTO_IPV6, IPV6_CHECKSUM, 3));
    SHOW(set_int(x, SOL_RAW_LEVEL, IPV6_CHECKSUM, 2));
    SHOW(get_int(x, SOL_RAW_LEVEL, IPV6_CHECKSUM));
    SHOW(sendto(x, "abc", 3, 0, (void *)&a, sizeof a));
    SHOW(sendto(x, "abcdef", 6, 0, (void *)&a, sizeof a));
    show6("checksum", y);
    SHOW(set_int(x, IPPROTO_IPV6, IPV6_CHECKSUM, -5));
    SHOW(get_int(x, IPPROTO_IPV6, IPV6_CHECKSUM));
    SHOW(set_int(y, IPPROTO_IPV6, IPV6_CHECKSUM, 2));
    SHOW(sendto(x, "abcdef", 6, 0, (void *)&a, sizeof a));
    show6("checksum wrong", y);
    SHOW(set_int(y, IPPROTO_IPV6, IPV6_CHECKSUM, -1));
    socklen_t size = sizeof n;
    SHOW(getsockopt(x, IPPROTO_ICMPV6, ICMP6_FILTER, &n, &size));
    close(x), close(y), close(r);
}

static void icmp6(void)
{
    int x = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    struct sockaddr_in6 a = at6("::1", 0);
    struct icmp6_filter filter;
    socklen_t n = sizeof filter;
    SHOW(getsockopt(x, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, &n));
    printf("%d %x %x\n", n, filter.icmp6_filt[0], filter.icmp6_filt[7]);
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    SHOW(setsockopt(x, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
    SHOW(setsockopt(x, IPPROTO_ICMPV6, 2, &filter, sizeof filter));
    SHOW(get_int(x, IPPROTO_IPV6, IPV6_CHECKSUM));
    SHOW(set_int(x, IPPROTO_IPV6, IPV6_CHECKSUM, 4));
    SHOW(set_int(x, SOL_RAW_LEVEL, IPV6_CHECKSUM, 2));
    struct icmp6_hdr *h = (void *)packet;
    *h = (struct icmp6_hdr){.icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_data16 = {htons(4242), htons(3)}};
    memcpy(h + 1, "echoes", 6);
    SHOW(sendto(x, packet, sizeof *h + 6, 0, (void *)&a, sizeof a));
    show6("answer", x);
    show6("nothing else", x);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REQUEST, &filter);
    SHOW(setsockopt(x, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
    SHOW(sendto(x, packet, sizeof *h + 6, 0, (void *)&a, sizeof a));
    show6("question", x);
    show6("answer", x);
    close(x);
}

int main(void)
{
    creation();
    exchange();
    included();
    icmp();
    udp();
    version6();
    icmp6();
    SHOW(setgid(65534));
    SHOW(setuid(65534));
    SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    SHOW(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    SHOW(socket(AF_INET, SOCK_RAW, 0));
    return 0;
}
