/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX datagram and seqpacket sockets: boundaries, truncation, peers, full queues, endings. */
#include "sock.h"

static socklen_t name(struct sockaddr_un *a, const char *n)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path + 1, n);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(n));
}

static int bound(int type, const char *n)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, type, 0);
    socklen_t k = name(&a, n);
    if (bind(fd, (void *)&a, k))
        perror("bind");
    return fd;
}

static int to(int fd, const char *n)
{
    struct sockaddr_un a;
    socklen_t k = name(&a, n);
    return connect(fd, (void *)&a, k);
}

static void datagrams(void)
{
    struct sockaddr_un a;
    char b[16] = {0};
    int x = bound(SOCK_DGRAM | SOCK_NONBLOCK, "abi-x"), y = bound(SOCK_DGRAM | SOCK_NONBLOCK, "abi-y");
    int z = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t n = name(&a, "abi-x");
    SHOW(events(z));
    SHOW(send(z, "a", 1, 0));
    SHOW(recv(z, b, 1, 0));
    SHOW(listen(x, 1));
    SHOW(accept(x, NULL, NULL));
    SHOW(sendto(y, "first", 5, 0, (void *)&a, n));
    SHOW(sendto(z, "second", 6, 0, (void *)&a, n));
    SHOW(sendto(z, "", 0, 0, (void *)&a, n));
    SHOW(events(x));
    int q;
    SHOW(ioctl(x, FIONREAD, &q));
    SHOW(q);
    n = sizeof a;
    SHOW(recvfrom(x, b, 3, 0, (void *)&a, &n));
    printf("%.3s from %d %s\n", b, (int)n, a.sun_path + 1);
    n = sizeof a;
    SHOW(recvfrom(x, b, 3, MSG_TRUNC | MSG_PEEK, (void *)&a, &n));
    SHOW(n);
    struct iovec v = {b, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    SHOW(recvmsg(x, &m, 0));
    SHOW(m.msg_flags);
    SHOW(recv(x, b, 16, 0));
    SHOW(recv(x, b, 16, 0));
    SHOW(to(z, "abi-x"));
    SHOW(send(z, "c", 1, 0));
    SHOW(recv(x, b, 16, 0));
    SHOW(to(x, "abi-y"));
    SHOW(send(z, "c", 1, 0));
    n = name(&a, "abi-x");
    SHOW(sendto(z, "c", 1, 0, (void *)&a, n));
    SHOW(to(socket(AF_UNIX, SOCK_DGRAM, 0), "abi-x"));
    SHOW(sendto(y, "c", 1, 0, (void *)&a, n));
    a.sun_family = AF_UNSPEC;
    SHOW(connect(x, (void *)&a, sizeof a));
    SHOW(send(x, "c", 1, 0));
    SHOW(send(z, "d", 1, 0));
    SHOW(recv(x, b, 16, 0));
    SHOW(recv(x, b, 16, 0));
    /* Eleven fit a queue that nobody answers. */
    int sent = 0;
    while (send(z, "f", 1, 0) == 1)
        sent++;
    SHOW(errno == EAGAIN);
    SHOW(sent);
    SHOW(events(z));
    SHOW(recv(x, b, 16, 0));
    SHOW(events(z));
    SHOW(send(z, "f", 1, 0));
    static char big[300000];
    SHOW(send(z, big, sizeof big, 0));
    close(x);
    SHOW(send(z, "gone", 4, 0));
    SHOW(send(z, "gone", 4, 0));
    SHOW(events(z));
    close(y), close(z);
}

static void pairs(int type)
{
    int s[2];
    char b[16];
    printf("pair of type %d\n", type);
    SHOW(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s));
    SHOW(send(s[0], "one", 3, 0));
    SHOW(send(s[0], "", 0, 0));
    SHOW(send(s[0], "three", 5, MSG_EOR));
    SHOW(recv(s[1], b, 16, 0));
    SHOW(recv(s[1], b, 16, 0));
    struct iovec v = {b, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    SHOW(recvmsg(s[1], &m, 0));
    SHOW(m.msg_flags);
    SHOW(recvmsg(s[1], &m, 0));
    int sent = 0;
    while (send(s[0], "f", 1, 0) == 1)
        sent++;
    SHOW(sent);
    SHOW(events(s[0]));
    while (recv(s[1], b, 1, 0) == 1)
        ;
    SHOW(events(s[0]));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(events(s[0]));
    SHOW(events(s[1]));
    SHOW(recv(s[1], b, 16, 0));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
    SHOW(close(s[1]));
    SHOW(events(s[0]));
    SHOW(recv(s[0], b, 16, 0));
    SHOW(recv(s[0], b, 16, 0));
    close(s[0]);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
    send(s[0], "unread", 6, 0);
    close(s[1]);
    SHOW(events(s[0]));
    SHOW(recv(s[0], b, 16, 0));
    SHOW(recv(s[0], b, 16, 0));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
}

static void seqpackets(void)
{
    char b[16];
    int l = bound(SOCK_SEQPACKET, "abi-seq"), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), s;
    SHOW(events(c));
    SHOW(send(c, "x", 1, MSG_NOSIGNAL));
    SHOW(recv(c, b, 1, 0));
    SHOW(to(c, "abi-seq"));
    SHOW(listen(l, 3));
    SHOW(to(c, "abi-seq"));
    SHOW(to(c, "abi-seq"));
    SHOW((s = accept(l, NULL, NULL)) >= 0);
    SHOW(send(c, "packet", 6, 0));
    SHOW(send(c, "next", 4, 0));
    SHOW(recv(s, b, 3, 0));
    SHOW(recv(s, b, 16, 0));
    SHOW(send(s, "reply", 5, 0));
    SHOW(close(s));
    SHOW(recv(c, b, 16, 0));
    SHOW(recv(c, b, 16, 0));
    close(c);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(to(c, "abi-seq"));
    close(c), close(l);
}

static void many(void)
{
    int s[2];
    char b[3][8] = {{0}};
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
    struct iovec v[3] = {{"one", 3}, {"two", 3}, {"three", 5}};
    struct mmsghdr m[3] = {{{0}}};
    for (int i = 0; i < 3; i++) {
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    SHOW(sendmmsg(s[0], m, 3, 0));
    printf("%u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
    for (int i = 0; i < 3; i++)
        v[i] = (struct iovec){b[i], 8};
    SHOW(recvmmsg(s[1], m, 3, MSG_WAITFORONE, NULL));
    printf("%u %s %u %s %u %s\n", m[0].msg_len, b[0], m[1].msg_len, b[1], m[2].msg_len, b[2]);
    SHOW(recvmmsg(s[1], m, 3, 0, NULL));
    struct timespec ts = {0, 2000000000};
    SHOW(recvmmsg(s[1], m, 3, 0, &ts));
    ts = (struct timespec){1, 0};
    sendmmsg(s[0], m, 2, 0);
    SHOW(recvmmsg(s[1], m, 3, 0, &ts));
    SHOW(recvmmsg(s[1], m, 0, 0, NULL));
    close(s[0]), close(s[1]);
}

/* EPIPE comes with a signal on some kinds of socket and calls only. */
static void pipe_signals(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    struct sockaddr_in a = at("127.0.0.1", 0);
    int s[2];
    for (int i = 0; i < 3; i++) {
        socketpair(AF_UNIX, types[i], 0, s);
        shutdown(s[0], SHUT_WR);
        sigpipes = 0;
        SHOW(write(s[0], "x", 1));
        SHOW(send(s[0], "x", 1, 0));
        SHOW(sigpipes);
        close(s[0]), close(s[1]);
    }
    s[0] = socket(AF_INET, SOCK_DGRAM, 0);
    bind(s[0], (void *)&a, sizeof a);
    a = local_name(s[0]);
    connect(s[0], (void *)&a, sizeof a);
    shutdown(s[0], SHUT_WR);
    sigpipes = 0;
    SHOW(write(s[0], "x", 1));
    SHOW(sigpipes);
    close(s[0]);
}

int main(void)
{
    signal(SIGPIPE, on_sigpipe);
    pipe_signals();
    signal(SIGPIPE, SIG_IGN);
    datagrams();
    pairs(SOCK_DGRAM);
    pairs(SOCK_SEQPACKET);
    seqpackets();
    many();
    return 0;
}
