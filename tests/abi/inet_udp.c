/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP over loopback: binding, connecting, refusals, truncation, filtering, control messages, limits. */
#include "sock.h"

static char b[70000];

static int bound(const char *ip, struct sockaddr_in *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = at(ip, 0);
    bind(fd, (void *)&a, sizeof a);
    *name = local_name(fd);
    return fd;
}

static void basics(void)
{
    struct sockaddr_in xa, ya, from;
    socklen_t n = sizeof from;
    int x = bound("127.0.0.1", &xa), y = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), q;
    SHOW(events(y));
    SHOW(listen(x, 1));
    SHOW(accept(x, NULL, NULL));
    SHOW(recv(x, b, 1, 0));
    SHOW(send(y, "a", 1, 0));
    SHOW(getpeername(y, (void *)&from, &n));
    SHOW(shutdown(y, SHUT_RD));
    SHOW(local_name(y).sin_port != 0);
    SHOW(sendto(y, "hello", 5, 0, (void *)&xa, sizeof xa));
    SHOW(local_name(y).sin_port != 0);
    SHOW(local_name(y).sin_addr.s_addr);
    SHOW(sendto(y, "", 0, 0, (void *)&xa, sizeof xa));
    SHOW(sendto(y, "third", 5, 0, (void *)&xa, sizeof xa));
    SHOW(events(x));
    SHOW(ioctl(x, FIONREAD, &q));
    SHOW(q);
    SHOW(recvfrom(x, b, 3, MSG_PEEK, (void *)&from, &n));
    SHOW(recvfrom(x, b, 3, MSG_TRUNC, (void *)&from, &n));
    SHOW(n);
    SHOW(from.sin_port == local_name(y).sin_port && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    SHOW(recv(x, b, 10, 0));
    struct iovec v = {b, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    SHOW(recvmsg(x, &m, 0));
    SHOW(m.msg_flags);
    SHOW(recv(x, b, 10, 0));
    SHOW(sendto(y, BAD, 5, 0, (void *)&xa, sizeof xa));
    SHOW(sendto(y, "x", 1, 0, BAD, sizeof xa));
    SHOW(sendto(y, "x", 1, 0, (void *)&xa, 8));
    ya = xa;
    ya.sin_port = 0;
    SHOW(sendto(y, "x", 1, 0, (void *)&ya, sizeof ya));
    SHOW(sendto(y, b, 65507, 0, (void *)&xa, sizeof xa));
    SHOW(sendto(y, b, 65508, 0, (void *)&xa, sizeof xa));
    SHOW(recv(x, b, sizeof b, 0));
    SHOW(sendto(y, "x", 1, MSG_OOB, (void *)&xa, sizeof xa));
    set_timeout(x, SO_RCVTIMEO, 20);
    fcntl(x, F_SETFL, 0);
    SHOW(recv(x, b, 1, 0));
    ya = at("255.255.255.255", 9);
    SHOW(sendto(y, "x", 1, 0, (void *)&ya, sizeof ya));
    close(x), close(y);
}

static void connected(void)
{
    struct sockaddr_in xa, ya, za, p;
    socklen_t n = sizeof p;
    int x = bound("127.0.0.1", &xa), y = bound("127.0.0.1", &ya), z = bound("127.0.0.1", &za);
    SHOW(connect(x, (void *)&ya, sizeof ya));
    SHOW(getpeername(x, (void *)&p, &n));
    SHOW(p.sin_port == ya.sin_port);
    SHOW(sendto(z, "no", 2, 0, (void *)&xa, sizeof xa));
    SHOW(recv(x, b, 10, 0));
    SHOW(sendto(y, "yes", 3, 0, (void *)&xa, sizeof xa));
    SHOW(recv(x, b, 10, 0));
    SHOW(send(x, "to y", 4, 0));
    SHOW(recv(y, b, 10, 0));
    SHOW(sendto(x, "to z", 4, 0, (void *)&za, sizeof za));
    SHOW(recv(z, b, 10, 0));
    /* Nobody there: the next call is told. */
    close(y);
    SHOW(send(x, "lost", 4, 0));
    settle();
    SHOW(events(x));
    SHOW(send(x, "lost", 4, 0));
    SHOW(send(x, "lost", 4, 0));
    settle();
    SHOW(recv(x, b, 10, 0));
    SHOW(recv(x, b, 10, 0));
    send(x, "lost", 4, 0);
    settle();
    SHOW(so_error(x));
    SHOW(so_error(x));
    SHOW(sendto(z, "lost", 4, 0, (void *)&ya, sizeof ya));
    settle();
    SHOW(so_error(z));
    SHOW(shutdown(x, SHUT_RD));
    SHOW(events(x));
    SHOW(recv(x, b, 10, 0));
    SHOW(shutdown(x, SHUT_WR));
    SHOW(send(x, "x", 1, MSG_NOSIGNAL));
    SHOW(events(x));
    p.sin_family = AF_UNSPEC;
    SHOW(connect(x, (void *)&p, sizeof p));
    SHOW(getpeername(x, (void *)&p, &n));
    SHOW(local_name(x).sin_port == xa.sin_port);
    int w = socket(AF_INET, SOCK_DGRAM, 0);
    connect(w, (void *)&za, sizeof za);
    SHOW(local_name(w).sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    p.sin_family = AF_UNSPEC;
    SHOW(connect(w, (void *)&p, sizeof p));
    SHOW(local_name(w).sin_port);
    SHOW(local_name(w).sin_addr.s_addr);
    close(w), close(x), close(z);
}

static void sharing(void)
{
    struct sockaddr_in a, any;
    int x = bound("127.0.0.1", &a), y = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), z;
    SHOW(bind(y, (void *)&a, sizeof a));
    set_int(y, SOL_SOCKET, SO_REUSEADDR, 1);
    SHOW(bind(y, (void *)&a, sizeof a));
    set_int(x, SOL_SOCKET, SO_REUSEADDR, 1);
    any = a;
    any.sin_addr.s_addr = 0;
    SHOW(bind(y, (void *)&any, sizeof any));
    /* The more exact address gets it. */
    z = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(sendto(z, "exact", 5, 0, (void *)&a, sizeof a));
    SHOW(recv(x, b, 10, 0));
    SHOW(recv(y, b, 10, 0));
    a.sin_addr.s_addr = htonl(0x7f000005);
    SHOW(sendto(z, "other", 5, 0, (void *)&a, sizeof a));
    SHOW(recv(x, b, 10, 0));
    SHOW(recv(y, b, 10, 0));
    close(x), close(y), close(z);
}

static void control(void)
{
    struct sockaddr_in a;
    char space[256];
    int x = bound("0.0.0.0", &a), y = socket(AF_INET, SOCK_DGRAM, 0);
    set_int(x, IPPROTO_IP, IP_PKTINFO, 1);
    set_int(x, IPPROTO_IP, IP_RECVTTL, 1);
    set_int(x, IPPROTO_IP, IP_RECVTOS, 1);
    set_int(x, SOL_SOCKET, SO_TIMESTAMP, 1);
    set_int(y, IPPROTO_IP, IP_TTL, 9);
    set_int(y, IPPROTO_IP, IP_TOS, 0x20);
    a.sin_addr.s_addr = htonl(0x7f000003);
    sendto(y, "x", 1, 0, (void *)&a, sizeof a);
    struct iovec v = {b, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    SHOW(recvmsg(x, &m, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == IP_PKTINFO && c->cmsg_level == 0) {
            struct in_pktinfo *i = (void *)CMSG_DATA(c);
            printf(" interface %d to %s", i->ipi_ifindex, inet_ntoa(i->ipi_addr));
            printf(" local %s", inet_ntoa(i->ipi_spec_dst));
        } else if (c->cmsg_level == 0) {
            printf(" value %d", c->cmsg_type == IP_TOS ? *(unsigned char *)CMSG_DATA(c) : *(int *)CMSG_DATA(c));
        }
        printf("\n");
    }
    sendto(y, "x", 1, 0, (void *)&a, sizeof a);
    m.msg_controllen = 20;
    SHOW(recvmsg(x, &m, 0));
    SHOW(m.msg_flags);
    close(x), close(y);
}

static void limits(void)
{
    struct sockaddr_in a;
    int x = bound("127.0.0.1", &a), y = socket(AF_INET, SOCK_DGRAM, 0), sent = 0, got = 0;
    set_int(x, SOL_SOCKET, SO_RCVBUF, 4096);
    for (; sent < 100; sent++)
        if (sendto(y, b, 500, 0, (void *)&a, sizeof a) != 500)
            break;
    while (recv(x, b, 500, 0) == 500)
        got++;
    SHOW(sent);
    SHOW(got > 0 && got < 20);
    close(x), close(y);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    basics();
    connected();
    sharing();
    control();
    limits();
    return 0;
}
