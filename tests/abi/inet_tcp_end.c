/* SPDX-License-Identifier: BSD-2-Clause */
/* How TCP connections end: half-close, both orders of close, unread data, linger, resets, backlog, listeners that go. */
#include "sock.h"

static char b[64];

static void show(const char *what, int fd)
{
    struct tcp_info i;
    socklen_t n = sizeof i;
    struct sockaddr_in a;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n);
    n = sizeof a;
    int peer = getpeername(fd, (void *)&a, &n);
    int state = i.tcpi_state == 4 ? 5 : i.tcpi_state; /* FIN_WAIT1 until a delayed acknowledgement */
    printf("%s: events %x state %d peer %s\n", what, events(fd), state, peer ? strerrorname_np(errno) : "yes");
}

static void half_close(void)
{
    int v[2];
    tcp_pair(v);
    show("connected", v[0]);
    SHOW(send(v[0], "data", 4, 0));
    SHOW(shutdown(v[0], SHUT_WR));
    settle();
    show("shut down", v[0]);
    show("its peer", v[1]);
    SHOW(send(v[0], "x", 1, 0));
    SHOW(sigpipes);
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    SHOW(sigpipes);
    SHOW(recv(v[1], b, 64, 0));
    SHOW(recv(v[1], b, 64, 0));
    SHOW(recv(v[1], b, 64, 0));
    SHOW(send(v[1], "reply", 5, 0));
    settle();
    SHOW(recv(v[0], b, 64, 0));
    SHOW(shutdown(v[1], SHUT_WR));
    settle();
    show("both shut", v[0]);
    show("both shut, peer", v[1]);
    SHOW(recv(v[0], b, 64, 0));
    SHOW(shutdown(v[0], SHUT_RDWR));
    SHOW(shutdown(v[1], SHUT_RDWR));
    close(v[0]), close(v[1]);

    tcp_pair(v);
    SHOW(shutdown(v[0], SHUT_RD));
    show("read side shut", v[0]);
    SHOW(recv(v[0], b, 64, 0));
    SHOW(send(v[1], "still", 5, 0));
    settle();
    SHOW(recv(v[0], b, 64, 0));
    show("peer of read side shut", v[1]);
    SHOW(shutdown(v[0], SHUT_RDWR));
    settle();
    show("all shut", v[0]);
    show("peer of all shut", v[1]);
    close(v[0]), close(v[1]);
}

static void closes(void)
{
    int v[2];
    /* In peace: what was sent before arrives, the first send after goes out, the next is told. */
    tcp_pair(v);
    send(v[1], "last", 4, 0);
    close(v[1]);
    settle();
    show("peer closed", v[0]);
    SHOW(send(v[0], "x", 1, 0));
    settle();
    show("after a send", v[0]);
    SHOW(recv(v[0], b, 64, 0));
    SHOW(recv(v[0], b, 64, 0));
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    SHOW(so_error(v[0]));
    show("after that", v[0]);
    close(v[0]);

    /* With unread data: a reset. */
    tcp_pair(v);
    send(v[1], "for you", 7, 0);
    send(v[0], "unread", 6, 0);
    settle();
    close(v[1]);
    settle();
    show("reset", v[0]);
    SHOW(recv(v[0], b, 3, 0));
    SHOW(recv(v[0], b, 64, 0));
    SHOW(recv(v[0], b, 64, 0));
    SHOW(recv(v[0], b, 64, 0));
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    show("reset, told", v[0]);
    close(v[0]);

    /* SO_LINGER 0. */
    tcp_pair(v);
    struct linger l = {1, 0};
    setsockopt(v[1], SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(v[1]);
    settle();
    show("lingerless", v[0]);
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    SHOW(recv(v[0], b, 64, 0));
    close(v[0]);
    tcp_pair(v);
    setsockopt(v[1], SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(v[1]);
    settle();
    SHOW(so_error(v[0]));
    SHOW(so_error(v[0]));
    SHOW(recv(v[0], b, 64, 0));
    close(v[0]);
    tcp_pair(v);
    l.l_linger = 5;
    setsockopt(v[1], SOL_SOCKET, SO_LINGER, &l, sizeof l);
    SHOW(close(v[1]));
    settle();
    SHOW(recv(v[0], b, 64, 0));
    close(v[0]);

    /* Half-closed by us, then reset by the peer. */
    tcp_pair(v);
    shutdown(v[0], SHUT_WR);
    l.l_linger = 0;
    setsockopt(v[1], SOL_SOCKET, SO_LINGER, &l, sizeof l);
    settle();
    close(v[1]);
    settle();
    show("fin then reset", v[0]);
    SHOW(recv(v[0], b, 64, 0));
    close(v[0]);

    /* Peer half-closed, then reset: the end it announced stands. */
    tcp_pair(v);
    shutdown(v[1], SHUT_WR);
    send(v[0], "unread", 6, 0);
    settle();
    close(v[1]);
    settle();
    show("end, then reset", v[0]);
    SHOW(recv(v[0], b, 64, 0));
    SHOW(send(v[0], "x", 1, MSG_NOSIGNAL));
    close(v[0]);
}

static void listeners(void)
{
    int l = tcp_listener(1), c[3];
    struct sockaddr_in a = local_name(l);
    for (int i = 0; i < 2; i++) {
        c[i] = socket(AF_INET, SOCK_STREAM, 0);
        SHOW(connect(c[i], (void *)&a, sizeof a));
    }
    SHOW(send(c[0], "early", 5, 0));
    settle();
    show("unaccepted", c[0]);
    /* One too many: it waits. */
    c[2] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(c[2], (void *)&a, sizeof a));
    SHOW(connect(c[2], (void *)&a, sizeof a));
    settle();
    SHOW(events(c[2]));
    close(l);
    settle();
    show("listener gone", c[0]);
    SHOW(send(c[0], "x", 1, MSG_NOSIGNAL));
    SHOW(recv(c[0], b, 64, 0));
    SHOW(recv(c[1], b, 64, 0));
    for (int i = 0; i < 3; i++)
        close(c[i]);
    /* The client leaves before it is accepted. */
    l = tcp_listener(5);
    a = local_name(l);
    c[0] = socket(AF_INET, SOCK_STREAM, 0);
    connect(c[0], (void *)&a, sizeof a);
    send(c[0], "bye", 3, 0);
    close(c[0]);
    settle();
    SHOW(events(l));
    SHOW((c[1] = accept(l, NULL, NULL)) >= 0);
    show("accepted after close", c[1]);
    SHOW(recv(c[1], b, 64, 0));
    SHOW(recv(c[1], b, 64, 0));
    close(c[1]), close(l);
}

struct job {
    int fd, how;
};

static void *end_later(void *arg)
{
    struct job *j = arg;
    sleep_ms(30);
    if (j->how == 0)
        close(j->fd);
    else
        shutdown(j->fd, SHUT_RDWR);
    return NULL;
}

/* Calls that sleep while the end comes. */
static void sleepers(void)
{
    int v[2];
    pthread_t t;
    static char big[1 << 20];
    struct job j;
    tcp_pair(v);
    j = (struct job){v[1], 0};
    pthread_create(&t, NULL, end_later, &j);
    SHOW(recv(v[0], b, 64, 0));
    pthread_join(t, NULL);
    close(v[0]);
    tcp_pair(v);
    j = (struct job){v[0], 1};
    pthread_create(&t, NULL, end_later, &j);
    SHOW(recv(v[0], b, 64, 0));
    pthread_join(t, NULL);
    close(v[0]), close(v[1]);
    tcp_pair(v);
    j = (struct job){v[1], 0};
    pthread_create(&t, NULL, end_later, &j);
    long n, total = 0;
    while ((n = send(v[0], big, sizeof big, MSG_NOSIGNAL)) > 0)
        total += n;
    SHOW(n);
    SHOW(errno == ECONNRESET || errno == EPIPE);
    pthread_join(t, NULL);
    close(v[0]);
    int l = tcp_listener(1);
    j = (struct job){l, 1};
    pthread_create(&t, NULL, end_later, &j);
    SHOW(accept(l, NULL, NULL));
    pthread_join(t, NULL);
    close(l);
    tcp_pair(v);
    set_timeout(v[0], SO_SNDTIMEO, 30);
    /* How much goes before it is full depends on the tuning of buffers; that it fills, and how that is told, does not. */
    while ((n = send(v[0], big, sizeof big, 0)) > 0)
        ;
    CALL("send with a timeout", n);
    close(v[0]), close(v[1]);
}

int main(void)
{
    signal(SIGPIPE, on_sigpipe);
    half_close();
    closes();
    listeners();
    sleepers();
    return 0;
}
