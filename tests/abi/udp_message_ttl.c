/* SPDX-License-Identifier: BSD-2-Clause */
/* TTL and traffic class given with a single UDP message, and what the receiver is told of them. */
#include "sock.h"

static int bound_udp(int family, struct sockaddr_in6 *a, socklen_t *n)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    if (family == AF_INET) {
        struct sockaddr_in v4 = at("127.0.0.1", 0);
        memcpy(a, &v4, sizeof v4);
        *n = sizeof v4;
    } else {
        *a = at6("::1", 0);
        *n = sizeof *a;
    }
    bind(fd, (void *)a, *n);
    getsockname(fd, (void *)a, n);
    return fd;
}

/* One control message of length bytes with value, from y to where x listens; then what x is told. */
static void exchange(int x, int y, int level, int type, size_t length, int value)
{
    char space[64] = {0}, answer[256], b[4];
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = CMSG_SPACE(length)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), &value, length);
    long r = sendmsg(y, &m, 0);
    printf("level %d type %d of %zu, %d: %ld%s%s;", level, type, length, value, r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : "");
    v = (struct iovec){b, 4};
    m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = answer, .msg_controllen = sizeof answer};
    if (recvmsg(x, &m, MSG_DONTWAIT) == 1)
        for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            printf(" %d:%d", c->cmsg_type, c->cmsg_len == CMSG_LEN(1) ? *CMSG_DATA(c) : *(int *)CMSG_DATA(c));
    printf("\n");
}

int main(void)
{
    static const int values[] = {-2, -1, 0, 1, 2, 64, 200, 255, 256};
    struct sockaddr_in6 a;
    socklen_t n;
    int x = bound_udp(AF_INET, &a, &n), y = socket(AF_INET, SOCK_DGRAM, 0);
    connect(y, (void *)&a, n);
    set_int(x, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(x, IPPROTO_IP, IP_RECVTOS, 1);
    set_int(y, IPPROTO_IP, IP_TTL, 9);
    set_int(y, IPPROTO_IP, IP_TOS, 0x20);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        exchange(x, y, IPPROTO_IP, IP_TTL, sizeof(int), values[i]);
        exchange(x, y, IPPROTO_IP, IP_TOS, sizeof(int), values[i]);
    }
    exchange(x, y, IPPROTO_IP, IP_TOS, 1, 0x44);
    exchange(x, y, IPPROTO_IP, IP_TTL, 1, 4);
    exchange(x, y, IPPROTO_IP, IP_TTL, 8, 4);
    close(x), close(y);

    x = bound_udp(AF_INET6, &a, &n), y = socket(AF_INET6, SOCK_DGRAM, 0);
    connect(y, (void *)&a, n);
    set_int(x, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    set_int(x, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    set_int(y, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
    set_int(y, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        exchange(x, y, IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int), values[i]);
        exchange(x, y, IPPROTO_IPV6, IPV6_TCLASS, sizeof(int), values[i]);
    }
    exchange(x, y, IPPROTO_IPV6, IPV6_HOPLIMIT, 1, 4);
    close(x), close(y);
    return 0;
}
