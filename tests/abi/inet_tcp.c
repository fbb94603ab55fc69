/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP over loopback: binding, listening, connecting in both styles, names, data, flags, errors. */
#include "sock.h"

static void binding(void)
{
    int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in x = at("127.0.0.1", 0), y;
    socklen_t n = sizeof x;
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, 400));
    SHOW(socket(AF_INET, 0x1000001, 0));
    SHOW(socket(77, SOCK_STREAM, 0));
    SHOW(socket(-1, SOCK_STREAM, 0));
    SHOW(events(a));
    SHOW(getpeername(a, (void *)&x, &n));
    SHOW(bind(a, (void *)&x, 8));
    x.sin_family = AF_INET6;
    SHOW(bind(a, (void *)&x, sizeof x));
    x = at("192.0.2.1", 0);
    SHOW(bind(a, (void *)&x, sizeof x));
    x = at("127.0.0.1", 0);
    SHOW(bind(a, (void *)&x, sizeof x));
    y = local_name(a);
    SHOW(ntohs(y.sin_port) >= 32768 && ntohs(y.sin_port) <= 60999);
    SHOW(bind(a, (void *)&x, sizeof x));
    SHOW(bind(b, (void *)&y, sizeof y));
    y.sin_addr.s_addr = 0;
    SHOW(bind(b, (void *)&y, sizeof y));
    y.sin_addr.s_addr = htonl(0x7f000002);
    SHOW(bind(b, (void *)&y, sizeof y));
    close(a), close(b);
    a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(a, (void *)&x, sizeof x);
    y = local_name(a);
    SHOW(bind(b, (void *)&y, sizeof y));
    SHOW(listen(a, 1));
    SHOW(listen(b, 1));
    close(b);
    b = socket(AF_INET, SOCK_STREAM, 0);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    SHOW(bind(b, (void *)&y, sizeof y));
    close(a), close(b);
    a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
    set_int(a, SOL_SOCKET, SO_REUSEPORT, 1);
    set_int(b, SOL_SOCKET, SO_REUSEPORT, 1);
    bind(a, (void *)&x, sizeof x);
    y = local_name(a);
    SHOW(bind(b, (void *)&y, sizeof y));
    SHOW(listen(a, 1) + listen(b, 1));
    close(a), close(b);
    a = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(listen(a, 1));
    SHOW(local_name(a).sin_port != 0);
    SHOW(listen(a, -1));
    SHOW(get_int(a, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(shutdown(a, SHUT_WR));
    SHOW(shutdown(a, SHUT_RD));
    SHOW(accept(a, NULL, NULL));
    SHOW(shutdown(a, SHUT_RD));
    close(a);
}

static void connecting(void)
{
    int l = tcp_listener(5), c, s, v[2];
    struct sockaddr_in x = local_name(l), y;
    socklen_t n = sizeof y;
    char b[16];
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&x, 4));
    SHOW(connect(c, BAD, sizeof x));
    y = x;
    y.sin_family = 77;
    SHOW(connect(c, (void *)&y, sizeof y));
    SHOW(send(c, "x", 1, MSG_NOSIGNAL));
    SHOW(recv(c, b, 1, 0));
    SHOW(shutdown(c, SHUT_RD));
    SHOW(connect(c, (void *)&x, sizeof x));
    SHOW(connect(c, (void *)&x, sizeof x));
    SHOW(listen(c, 1));
    SHOW(bind(c, (void *)&x, sizeof x));
    SHOW(events(c));
    SHOW(getpeername(c, (void *)&y, &n));
    SHOW(y.sin_port == x.sin_port && y.sin_addr.s_addr == x.sin_addr.s_addr);
    SHOW(local_name(c).sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    SHOW(events(l));
    SHOW((s = accept(l, (void *)&y, &n)) >= 0);
    SHOW(y.sin_port == local_name(c).sin_port);
    SHOW(local_name(s).sin_port == x.sin_port);
    SHOW(connect(l, (void *)&x, sizeof x));
    close(c), close(s);

    /* Without blocking. */
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(c, (void *)&x, sizeof x));
    settle();
    SHOW(events(c));
    SHOW(so_error(c));
    SHOW(connect(c, (void *)&x, sizeof x));
    SHOW(connect(c, (void *)&x, sizeof x));
    set_timeout(l, SO_RCVTIMEO, 100);
    SHOW((s = accept(l, NULL, NULL)) >= 0);
    SHOW(accept(l, NULL, NULL));
    close(c), close(s);

    /* To the unspecified address. */
    y = at("0.0.0.0", ntohs(x.sin_port));
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&y, sizeof y));
    n = sizeof y;
    getpeername(c, (void *)&y, &n);
    SHOW(y.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    close(c), close(l);

    /* Refused. */
    c = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(c, (void *)&x, sizeof x));
    SHOW(so_error(c));
    SHOW(events(c));
    close(c);
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(c, (void *)&x, sizeof x));
    settle();
    SHOW(events(c));
    SHOW(so_error(c));
    SHOW(events(c));
    SHOW(connect(c, (void *)&x, sizeof x));
    close(c);
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(c, (void *)&x, sizeof x));
    settle();
    SHOW(connect(c, (void *)&x, sizeof x));
    SHOW(getpeername(c, (void *)&y, &n));
    close(c);

    tcp_pair(v);
    y.sin_family = AF_UNSPEC;
    SHOW(connect(v[0], (void *)&y, sizeof y));
    settle();
    SHOW(recv(v[1], b, 1, 0));
    close(v[0]), close(v[1]);
}

static void data(void)
{
    int v[2], q = -1;
    char b[64] = {0};
    tcp_pair(v);
    fcntl(v[1], F_SETFL, O_NONBLOCK);
    SHOW(recv(v[1], b, 1, 0));
    SHOW(recv(v[1], b, 0, 0));
    SHOW(read(v[1], b, 0));
    SHOW(send(v[0], "hello world", 11, 0));
    settle();
    SHOW(ioctl(v[1], FIONREAD, &q));
    SHOW(q);
    SHOW(events(v[1]));
    SHOW(recv(v[1], b, 5, MSG_PEEK));
    SHOW(recv(v[1], b, 64, MSG_PEEK));
    SHOW(recv(v[1], b, 6, MSG_TRUNC));
    SHOW(recv(v[1], b, 64, MSG_WAITALL));
    printf("%.5s\n", b);
    SHOW(recv(v[1], b, 64, 0));
    SHOW(recv(v[1], b, 1, MSG_OOB));
    SHOW(send(v[0], BAD, 5, 0));
    SHOW(send(v[0], "x", 1, 0));
    settle();
    SHOW(recv(v[1], BAD, 5, 0));
    SHOW(recv(v[1], b, 5, 0));
    SHOW(send(v[0], "", 0, 0));
    struct sockaddr_in x = at("127.0.0.1", 1), from;
    SHOW(sendto(v[0], "y", 1, 0, (void *)&x, sizeof x));
    settle();
    socklen_t n = sizeof from;
    SHOW(recvfrom(v[1], b, 5, 0, (void *)&from, &n));
    SHOW(n);
    struct iovec io[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    struct msghdr m = {.msg_iov = io, .msg_iovlen = 3};
    SHOW(sendmsg(v[0], &m, MSG_MORE));
    SHOW(send(v[0], "f", 1, 0));
    settle();
    SHOW(read(v[1], b, 64));
    printf("%.6s\n", b);
    SHOW(lseek(v[0], 0, SEEK_SET));
    SHOW(pread(v[0], b, 1, 0));
    SHOW(set_int(v[1], SOL_SOCKET, SO_RCVLOWAT, 4));
    send(v[0], "abc", 3, 0);
    settle();
    SHOW(events(v[1]));
    send(v[0], "d", 1, 0);
    settle();
    SHOW(events(v[1]));
    SHOW(recv(v[1], b, 64, 0));
    close(v[0]), close(v[1]);
}

/* A mebibyte through a receiver that starts late, and flow control. */
static void *drain(void *arg)
{
    static char b[7001];
    long n, total = 0;
    unsigned char expect = 0;
    while ((n = read((int)(long)arg, b, sizeof b)) > 0) {
        for (long i = 0; i < n; i++)
            if ((unsigned char)b[i] != expect++) {
                printf("wrong byte at %ld\n", total + i);
                return NULL;
            }
        total += n;
    }
    return (void *)total;
}

static void bulk(void)
{
    int v[2];
    pthread_t t;
    void *total;
    static unsigned char b[1 << 20];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (unsigned char)i;
    tcp_pair(v);
    fcntl(v[0], F_SETFL, O_NONBLOCK);
    long sent = 0, n;
    while ((n = write(v[0], b + sent % 256, 65536)) > 0)
        sent += n;
    SHOW(errno == EAGAIN && sent > 0);
    SHOW(events(v[0]) & POLLOUT);
    fcntl(v[0], F_SETFL, 0);
    pthread_create(&t, NULL, drain, (void *)(long)v[1]);
    long more = write(v[0], b + sent % 256, 1 << 19);
    SHOW(more);
    SHOW(shutdown(v[0], SHUT_WR));
    pthread_join(t, &total);
    SHOW((long)total == sent + more);
    close(v[0]), close(v[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    binding();
    connecting();
    data();
    bulk();
    return 0;
}
