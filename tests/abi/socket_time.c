/* SPDX-License-Identifier: BSD-2-Clause */
/* When datagrams came: SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING. */
#include "sock.h"
#include <linux/net_tstamp.h>

static void exchange(int x, const char *what)
{
    char space[512], b[10];
    struct iovec v = {b, sizeof b};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct sockaddr_in a = local_name(x);
    sendto(x, "now", 3, 0, (void *)&a, sizeof a);
    settle();
    printf("%s: %ld", what, (long)recvmsg(x, &m, MSG_DONTWAIT));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct timespec *t = (void *)CMSG_DATA(c);
        printf(" level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        for (unsigned i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof *t; i++)
            printf(" %s", t[i].tv_sec == 0 ? "none" : llabs((long long)t[i].tv_sec - time(NULL)) < 60 ? "now" : "else");
    }
    printf("\n");
}

int main(void)
{
    int x = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = at("127.0.11.1", 0);
    struct so_timestamping t = {.flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE};
    socklen_t n = sizeof t;
    bind(x, (void *)&a, sizeof a);
    exchange(x, "nothing");
    SHOW(set_int(x, SOL_SOCKET, SO_TIMESTAMPING, 1 << 30));
    SHOW(set_int(x, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE));
    exchange(x, "taken, not told");
    SHOW(setsockopt(x, SOL_SOCKET, SO_TIMESTAMPING, &t, sizeof t));
    exchange(x, "told");
    SHOW(getsockopt(x, SOL_SOCKET, SO_TIMESTAMPING, &t, &n));
    printf("%d bytes: %x %d\n", n, t.flags, t.bind_phc);
    SHOW(get_int(x, SOL_SOCKET, SO_TIMESTAMPING));
    SHOW(set_int(x, SOL_SOCKET, SO_TIMESTAMPNS, 1));
    exchange(x, "both");
    SHOW(set_int(x, SOL_SOCKET, SO_TIMESTAMPING, 0));
    exchange(x, "one");
    SHOW(set_int(x, SOL_SOCKET, SO_TIMESTAMPNS, 0));
    SHOW(set_int(x, SOL_SOCKET, SO_TIMESTAMP, 1));
    exchange(x, "in microseconds");
    SHOW(setsockopt(x, SOL_SOCKET, SO_TIMESTAMPING, &t, 3));
    close(x);
    return 0;
}
