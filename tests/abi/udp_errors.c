/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes back of datagrams that nobody takes: the pending error, and the error queue (IP_RECVERR). */
#include "sock.h"
#include <time.h>
#include <linux/errqueue.h>

static char buffer[70000];

static void show(const char *what, int fd, size_t room)
{
    struct sockaddr_in6 from = {0};
    char space[512], name[64];
    struct iovec v = {buffer, room};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    long r = recvmsg(fd, &m, MSG_ERRQUEUE);
    if (r < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    void *a = from.sin6_family == AF_INET ? (void *)&((struct sockaddr_in *)&from)->sin_addr : (void *)&from.sin6_addr;
    inet_ntop(from.sin6_family, a, name, sizeof name);
    printf("%s: %ld '%.*s' flags %x, to %s:%d in %d;", what, r, (int)(r < 20 ? r : 20), buffer, m.msg_flags, name, ntohs(from.sin6_port), m.msg_namelen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct sock_extended_err *e = (void *)CMSG_DATA(c);
        struct sockaddr_in6 *o = (void *)SO_EE_OFFENDER(e);
        printf(" level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type != IP_RECVERR && c->cmsg_type != IPV6_RECVERR)
            continue;
        a = o->sin6_family == AF_INET ? (void *)&((struct sockaddr_in *)o)->sin_addr : (void *)&o->sin6_addr;
        printf(": %s origin %d type %d code %d info %d data %d by %s:%d", strerrorname_np((int)e->ee_errno), e->ee_origin, e->ee_type,
               e->ee_code, e->ee_info, e->ee_data,
               o->sin6_family ? inet_ntop(o->sin6_family, a, name, sizeof name) : "nobody", ntohs(o->sin6_port));
    }
    printf("\n");
}

static void version4(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = at("127.0.8.1", 7), other = at("127.0.8.2", 9);
    SHOW(sendto(fd, "unasked", 7, 0, (void *)&to, sizeof to));
    settle();
    printf("%x %d\n", events(fd), so_error(fd));
    show("none", fd, 100);
    SHOW(set_int(fd, IPPROTO_IP, IP_RECVERR, 1));
    SHOW(sendto(fd, "first of them", 13, 0, (void *)&to, sizeof to));
    settle();
    printf("%x\n", events(fd));
    SHOW(sendto(fd, "second", 6, 0, (void *)&other, sizeof other));
    settle();
    SHOW(sendto(fd, "second", 6, 0, (void *)&other, sizeof other));
    settle();
    printf("%x\n", events(fd));
    SHOW(recv(fd, buffer, 10, MSG_DONTWAIT));
    show("first", fd, 5);
    printf("%x\n", events(fd));
    SHOW(recv(fd, buffer, 10, MSG_DONTWAIT));
    show("second", fd, 100);
    printf("%x %d\n", events(fd), so_error(fd));
    show("no more", fd, 100);
    set_int(fd, IPPROTO_IP, IP_RECVTTL, 1);
    SHOW(connect(fd, (void *)&to, sizeof to));
    SHOW(send(fd, "", 0, 0));
    settle();
    SHOW(so_error(fd));
    printf("%x\n", events(fd));
    show("empty, connected", fd, 100);
    SHOW(send(fd, "x", 1, 0));
    settle();
    SHOW(set_int(fd, IPPROTO_IP, IP_RECVERR, 0));
    show("dropped", fd, 100);
    SHOW(so_error(fd));
    SHOW(send(fd, "x", 1, 0));
    settle();
    printf("%x\n", events(fd));
    SHOW(recv(fd, buffer, 10, MSG_DONTWAIT));
    SHOW(recv(fd, buffer, 10, MSG_DONTWAIT));
    memset(buffer, 'b', sizeof buffer);
    set_int(fd, IPPROTO_IP, IP_RECVERR, 1);
    set_int(fd, IPPROTO_IP, IP_RECVTTL, 0);
    SHOW(send(fd, buffer, 3000, 0));
    settle();
    show("long", fd, sizeof buffer);
    SHOW(send(fd, buffer, 65508, 0));
    show("too long", fd, 100);
    SHOW(so_error(fd));
    close(fd);
}

static void version6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 to = at6("::1", 9), mapped = at6("::ffff:127.0.8.3", 9);
    SHOW(set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1));
    SHOW(sendto(fd, "hello", 5, 0, (void *)&to, sizeof to));
    settle();
    printf("%x\n", events(fd));
    show("v6", fd, 100);
    printf("%x %d\n", events(fd), so_error(fd));
    SHOW(sendto(fd, "mapped", 6, 0, (void *)&mapped, sizeof mapped));
    settle();
    show("v4 by v6, unasked", fd, 100);
    SHOW(set_int(fd, IPPROTO_IP, IP_RECVERR, 1));
    SHOW(sendto(fd, "mapped", 6, 0, (void *)&mapped, sizeof mapped));
    settle();
    show("v4 by v6", fd, 100);
    SHOW(connect(fd, (void *)&to, sizeof to));
    SHOW(set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 0));
    SHOW(send(fd, "x", 1, 0));
    settle();
    SHOW(send(fd, "x", 1, 0));
    show("nothing", fd, 100);
    memset(buffer, 'b', sizeof buffer);
    set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    SHOW(send(fd, buffer, 3000, 0));
    settle();
    show("long", fd, sizeof buffer);
    close(fd);
}

int main(void)
{
    version4();
    version6();
    return 0;
}
