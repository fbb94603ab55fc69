/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_ZEROCOPY and MSG_ZEROCOPY: what the error queue says of sends inside of one machine, where all is copied. */
#include "sock.h"
#include <linux/time_types.h>
#include <linux/errqueue.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

static char data[100000];

/* Waits until n sends are told of, and shows the records. */
static void completions(int s, unsigned n)
{
    struct pollfd p = {s, 0, 0};
    unsigned told = 0;
    if (n)
        printf("poll %d", poll(&p, 1, 3000));
    else
        printf("poll %d", poll(&p, 1, 20));
    printf(" %#x\n", p.revents);
    for (int tries = 0; tries < 300 && told < n; tries++) {
        char control[200], byte;
        struct sockaddr_in6 name;
        struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t r = recvmsg(s, &m, MSG_ERRQUEUE);
        if (r < 0) {
            sleep_ms(10);
            continue;
        }
        if (!told)
            printf("%zd bytes, name of %d, flags %#x", r, m.msg_namelen, m.msg_flags);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            struct sock_extended_err e;
            memcpy(&e, CMSG_DATA(c), sizeof e);
            if (!told)
                printf(", %d.%d of %zu: errno %d, origin %d, type %d, code %d, from %u\n", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, e.ee_errno,
                       e.ee_origin, e.ee_type, e.ee_code, e.ee_info);
            told += e.ee_data - e.ee_info + 1; /* they may be told of one by one or together */
        }
    }
    ssize_t more = recv(s, data, 1, MSG_ERRQUEUE);
    printf("%u told, then %zd %s\n", told, more, strerrorname_np(errno));
}

static void drain(int s)
{
    settle();
    while (recv(s, data, sizeof data, MSG_DONTWAIT) > 0)
        ;
}

static void stream(int family)
{
    int v[2];
    if (family == AF_INET) {
        tcp_pair(v);
    } else {
        int l = socket(AF_INET6, SOCK_STREAM, 0);
        struct sockaddr_in6 a = at6("::1", 0);
        socklen_t n = sizeof a;
        bind(l, (void *)&a, sizeof a);
        listen(l, 1);
        getsockname(l, (void *)&a, &n);
        v[0] = socket(AF_INET6, SOCK_STREAM, 0);
        connect(v[0], (void *)&a, sizeof a);
        v[1] = accept(l, NULL, NULL);
        close(l);
    }
    SHOW(send(v[0], data, 1000, MSG_ZEROCOPY));
    completions(v[0], 0);
    SHOW(set_int(v[0], SOL_SOCKET, SO_ZEROCOPY, 1));
    SHOW(get_int(v[0], SOL_SOCKET, SO_ZEROCOPY));
    SHOW(send(v[0], data, 1000, 0));
    completions(v[0], 0);
    SHOW(send(v[0], data, 10000, MSG_ZEROCOPY));
    drain(v[1]);
    completions(v[0], 1);
    SHOW(send(v[0], data, 1, MSG_ZEROCOPY));
    SHOW(send(v[0], data, 0, MSG_ZEROCOPY));
    SHOW(send(v[0], data, 2, MSG_ZEROCOPY));
    drain(v[1]);
    completions(v[0], 2);
    SHOW(send(v[0], BAD, 2, MSG_ZEROCOPY));
    completions(v[0], 0);
    SHOW(send(v[0], data, 3, MSG_ZEROCOPY));
    drain(v[1]);
    completions(v[0], 1);
    for (int i = 0; i < 50; i++)
        send(v[0], data, 100, MSG_ZEROCOPY);
    drain(v[1]);
    completions(v[0], 50);
    shutdown(v[0], SHUT_WR);
    SHOW(send(v[0], data, 3, MSG_ZEROCOPY | MSG_NOSIGNAL));
    SHOW(set_int(v[0], SOL_SOCKET, SO_ZEROCOPY, 0));
    close(v[0]);
    close(v[1]);
}

int main(void)
{
    printf("-- TCP\n");
    stream(AF_INET);
    printf("-- TCP by IPv6\n");
    stream(AF_INET6);

    printf("-- UDP\n");
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = at("127.0.0.1", 0);
    bind(b, (void *)&to, sizeof to);
    to = local_name(b);
    SHOW(sendto(a, data, 10, MSG_ZEROCOPY, (void *)&to, sizeof to));
    completions(a, 0);
    SHOW(set_int(a, SOL_SOCKET, SO_ZEROCOPY, 1));
    SHOW(sendto(a, data, 10, MSG_ZEROCOPY, (void *)&to, sizeof to));
    drain(b);
    completions(a, 1);
    SHOW(sendto(a, data, 0, MSG_ZEROCOPY, (void *)&to, sizeof to));
    drain(b);
    completions(a, 1);
    SHOW(sendto(a, data, 10000, MSG_ZEROCOPY, (void *)&to, sizeof to));
    SHOW(sendto(a, data, 66000, MSG_ZEROCOPY, (void *)&to, sizeof to));
    SHOW(sendto(a, data, 10, MSG_ZEROCOPY, NULL, 0));
    SHOW(sendto(a, data, 100, MSG_ZEROCOPY, (void *)&to, sizeof to));
    drain(b);
    completions(a, 2);
    close(a);
    close(b);

    printf("-- others\n");
    static const int kinds[][3] = {{AF_UNIX, SOCK_STREAM, 0}, {AF_UNIX, SOCK_DGRAM, 0}, {AF_INET, SOCK_STREAM, 0}, {AF_INET6, SOCK_DGRAM, 0}, {AF_INET, SOCK_RAW, 253}, {AF_NETLINK, SOCK_RAW, 0}};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int s = socket(kinds[i][0], kinds[i][1], kinds[i][2]);
        for (int n = -1; n < 3; n++)
            printf("%u %d: %s\n", i, n, set_int(s, SOL_SOCKET, SO_ZEROCOPY, n) ? strerrorname_np(errno) : "done");
        close(s);
    }
    int v[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, v);
    SHOW(send(v[0], data, 10, MSG_ZEROCOPY));
    return 0;
}
