/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 over loopback and sockets of both stacks: mapped addresses, IPV6_V6ONLY, conflicts, names. */
#include "sock.h"

static void show(const char *what, const struct sockaddr_in6 *a, socklen_t n)
{
    char text[64];
    printf("%s: %s family %d length %u scope %u\n", what, inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof text),
           a->sin6_family, n, a->sin6_scope_id);
}

static int listener6(const char *ip, int only, struct sockaddr_in6 *name)
{
    int l = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a = at6(ip, 0);
    socklen_t n = sizeof *name;
    set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, only);
    bind(l, (void *)&a, sizeof a);
    listen(l, 5);
    getsockname(l, (void *)name, &n);
    return l;
}

static void streams(void)
{
    struct sockaddr_in6 a, p;
    struct sockaddr_in a4;
    socklen_t n = sizeof p;
    char b[8];
    int l = listener6("::", 0, &a), c, s;
    show("listener", &a, sizeof a);
    SHOW(set_int(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    c = socket(AF_INET6, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&a, 16));
    a4 = at("127.0.0.1", ntohs(a.sin6_port));
    SHOW(connect(c, (void *)&a4, sizeof a4));
    SHOW(connect(c, (void *)&a, sizeof a));
    getpeername(c, (void *)&p, &n);
    show("peer", &p, n);
    s = accept(l, (void *)&p, &n);
    show("accepted", &p, n);
    send(c, "six", 3, 0);
    SHOW(recv(s, b, 8, 0));
    close(c), close(s);
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&a4, sizeof a4));
    n = sizeof p;
    s = accept(l, (void *)&p, &n);
    show("accepted IPv4", &p, n);
    n = sizeof p;
    getsockname(s, (void *)&p, &n);
    show("its local name", &p, n);
    close(c), close(s);
    a = at6("::ffff:127.0.0.1", ntohs(a.sin6_port));
    c = socket(AF_INET6, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&a, sizeof a));
    n = sizeof p;
    getsockname(c, (void *)&p, &n);
    show("mapped", &p, n);
    close(c);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    SHOW(connect(c, (void *)&a, sizeof a));
    close(c), close(l);

    l = listener6("::", 1, &a);
    a4 = at("127.0.0.1", ntohs(a.sin6_port));
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&a4, sizeof a4));
    close(c);
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(bind(c, (void *)&a4, sizeof a4));
    close(c), close(l);

    l = listener6("::", 0, &a);
    a4 = at("127.0.0.1", ntohs(a.sin6_port));
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(bind(c, (void *)&a4, sizeof a4));
    close(c), close(l);
    l = listener6("::1", 0, &a);
    c = socket(AF_INET, SOCK_STREAM, 0);
    a4.sin_port = a.sin6_port;
    SHOW(bind(c, (void *)&a4, sizeof a4));
    close(c);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    a = at6("::", ntohs(a.sin6_port));
    SHOW(bind(c, (void *)&a, sizeof a));
    close(c), close(l);

    c = socket(AF_INET6, SOCK_STREAM, 0);
    SHOW(bind(c, (void *)&a, 20));
    a.sin6_family = AF_INET;
    SHOW(bind(c, (void *)&a, sizeof a));
    a = at6("2001:db8::1", 0);
    SHOW(bind(c, (void *)&a, sizeof a));
    set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    a = at6("::ffff:127.0.0.1", 0);
    SHOW(bind(c, (void *)&a, sizeof a));
    a = at6("::1", 1);
    SHOW(connect(c, (void *)&a, sizeof a));
    close(c);
}

static void datagrams(void)
{
    struct sockaddr_in6 a, p;
    struct sockaddr_in a4;
    char b[8], space[128];
    socklen_t n = sizeof a;
    int x = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0), y = socket(AF_INET6, SOCK_DGRAM, 0),
        z = socket(AF_INET, SOCK_DGRAM, 0);
    a = at6("::", 0);
    bind(x, (void *)&a, sizeof a);
    getsockname(x, (void *)&a, &n);
    set_int(x, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set_int(x, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    set_int(x, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    p = at6("::1", ntohs(a.sin6_port));
    SHOW(sendto(y, "six", 3, 0, (void *)&p, sizeof p));
    struct iovec v = {b, 8};
    struct msghdr m = {.msg_name = &p, .msg_namelen = sizeof p, .msg_iov = &v, .msg_iovlen = 1, .msg_control = space,
                       .msg_controllen = sizeof space};
    SHOW(recvmsg(x, &m, 0));
    show("from", &p, m.msg_namelen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == IPV6_PKTINFO)
            printf(" interface %d", ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex);
        else
            printf(" value %d", *(int *)CMSG_DATA(c));
        printf("\n");
    }
    a4 = at("127.0.0.1", ntohs(a.sin6_port));
    SHOW(sendto(z, "four", 4, 0, (void *)&a4, sizeof a4));
    n = sizeof p;
    SHOW(recvfrom(x, b, 8, 0, (void *)&p, &n));
    show("from", &p, n);
    SHOW(sendto(y, "four", 4, 0, (void *)&a4, sizeof a4));
    SHOW(recvfrom(x, b, 8, 0, (void *)&p, &n));
    show("from", &p, n);
    SHOW(connect(y, (void *)&a4, sizeof a4));
    n = sizeof p;
    getpeername(y, (void *)&p, &n);
    SHOW(p.sin6_port == a.sin6_port);
    show("peer", &p, n);
    close(x), close(y), close(z);
}

int main(void)
{
    SHOW(socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP));
    streams();
    datagrams();
    return 0;
}
