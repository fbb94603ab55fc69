/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX stream sockets: names, connecting, data, half-close, resets, flags, errors. */
#include "sock.h"

static socklen_t name(struct sockaddr_un *a, const char *path)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    if (path[0] == '@') {
        strcpy(a->sun_path + 1, path + 1);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    strcpy(a->sun_path, path);
    return (socklen_t)sizeof *a;
}

static int do_bind(int fd, const char *path)
{
    struct sockaddr_un a;
    socklen_t n = name(&a, path);
    return bind(fd, (void *)&a, n);
}

static int do_connect(int fd, const char *path)
{
    struct sockaddr_un a;
    socklen_t n = name(&a, path);
    return connect(fd, (void *)&a, n);
}

static void show_name(const char *what, int fd, int peer)
{
    struct sockaddr_un a;
    socklen_t n = sizeof a;
    memset(&a, 'x', sizeof a);
    int r = peer ? getpeername(fd, (void *)&a, &n) : getsockname(fd, (void *)&a, &n);
    if (r)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: length %u family %d '%s%s'\n", what, n, a.sun_family, n > 2 && !a.sun_path[0] ? "@" : "",
               n > 3 ? (a.sun_path[0] ? a.sun_path : a.sun_path + 1) : "");
}

static void names(void)
{
    struct sockaddr_un a;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s, d;
    unlink("a.sock");
    SHOW(socket(AF_UNIX, SOCK_STREAM, 5));
    SHOW(socket(AF_UNIX, 99, 0));
    SHOW(socket(AF_UNIX, SOCK_RDM, 0));
    SHOW(events(c));
    show_name("unbound", l, 0);
    show_name("unconnected", l, 1);
    SHOW(do_connect(c, "nowhere.sock"));
    SHOW(do_connect(c, "@nowhere"));
    SHOW(do_bind(l, "a.sock"));
    SHOW(do_bind(l, "b.sock"));
    SHOW(do_bind(c, "a.sock"));
    SHOW(do_connect(c, "a.sock"));
    show_name("bound", l, 0);
    SHOW(accept(l, NULL, NULL));
    SHOW(listen(c, 1));
    SHOW(listen(l, 1));
    SHOW(events(l));
    SHOW(do_connect(l, "a.sock"));
    SHOW(do_connect(c, "a.sock"));
    SHOW(do_connect(c, "a.sock"));
    SHOW(listen(c, 1));
    SHOW(events(l));
    memset(&a, 0, sizeof a);
    socklen_t n = sizeof a;
    SHOW((s = accept4(l, (void *)&a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
    SHOW(n);
    SHOW(fcntl(s, F_GETFD));
    SHOW(fcntl(s, F_GETFL) & O_NONBLOCK);
    SHOW(accept4(l, NULL, NULL, 1));
    show_name("client", c, 0);
    show_name("client's peer", c, 1);
    show_name("server", s, 0);
    show_name("server's peer", s, 1);
    d = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(do_connect(d, "a.sock"));
    close(l);
    SHOW(do_connect(d, "a.sock"));
    l = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(do_connect(l, "a.sock"));
    SHOW(do_bind(l, "a.sock"));
    unlink("a.sock");
    close(open("plain", O_CREAT | O_RDWR, 0600));
    SHOW(do_connect(l, "plain"));
    SHOW(do_bind(l, "nodir/x"));
    SHOW(bind(l, (void *)&a, 1));
    a.sun_family = AF_INET;
    SHOW(bind(l, (void *)&a, sizeof a));
    SHOW(connect(l, (void *)&a, sizeof a));
    SHOW(bind(l, (void *)&a, 200));
    SHOW(bind(l, BAD, 20));
    SHOW(do_bind(l, "@abi-test"));
    show_name("abstract", l, 0);
    SHOW(listen(l, 0));
    close(c);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(do_connect(c, "@abi-test"));
    show_name("abstract peer", c, 1);
    close(c);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(do_bind(c, "@abi-test"));
    a.sun_family = AF_UNIX;
    SHOW(bind(c, (void *)&a, 2));
    n = sizeof a;
    SHOW(getsockname(c, (void *)&a, &n));
    SHOW(n);
    SHOW(a.sun_path[0]);
    SHOW(bind(c, (void *)&a, 2));
    n = 1;
    SHOW(getsockname(c, (void *)&a, &n));
    SHOW(n);
    n = (socklen_t)-1;
    SHOW(getsockname(c, (void *)&a, &n));
    SHOW(getsockname(c, BAD, &n));
    SHOW(getsockname(c, (void *)&a, BAD));
    close(c), close(d), close(l), close(s);
}

static void backlog(void)
{
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c[4];
    do_bind(l, "@abi-backlog");
    listen(l, 1);
    for (int i = 0; i < 4; i++) {
        c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        SHOW(do_connect(c[i], "@abi-backlog"));
    }
    SHOW(write(c[0], "early", 5));
    SHOW(events(c[0]));
    SHOW(events(c[3]));
    close(l);
    SHOW(events(c[0]));
    SHOW(write(c[0], "late", 4));
    char b[8];
    SHOW(read(c[0], b, 8));
    SHOW(read(c[0], b, 8));
    SHOW(so_error(c[1]));
    SHOW(read(c[1], b, 8));
    for (int i = 0; i < 4; i++)
        close(c[i]);
}

static void data(void)
{
    int s[2];
    char b[64] = {0};
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    SHOW(events(s[0]));
    SHOW(read(s[0], b, 8));
    SHOW(recv(s[0], b, 0, 0));
    SHOW(send(s[0], "hello", 5, 0));
    SHOW(send(s[0], " world", 6, MSG_NOSIGNAL));
    int n = -1;
    SHOW(ioctl(s[1], FIONREAD, &n));
    SHOW(n);
    SHOW(recv(s[1], b, 4, MSG_PEEK));
    SHOW(recv(s[1], b, 64, MSG_PEEK));
    printf("%.11s\n", b);
    SHOW(recv(s[1], b, 7, 0));
    printf("%.7s\n", b);
    SHOW(recv(s[1], b, 64, MSG_TRUNC));
    SHOW(recv(s[1], b, 64, MSG_DONTWAIT));
    SHOW(sendto(s[0], "x", 1, 0, (void *)b, 2));
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    SHOW(sendto(s[0], "x", 1, 0, (void *)&a, sizeof a));
    SHOW(send(s[0], BAD, 4, 0));
    SHOW(send(s[0], "ok", 2, 0));
    SHOW(recv(s[1], BAD, 4, 0));
    SHOW(recv(s[1], b, 4, 0));
    SHOW(send(s[0], "", 0, 0));
    SHOW(recv(s[1], b, 4, 0));
    socklen_t an = sizeof a;
    send(s[0], "ab", 2, 0);
    SHOW(recvfrom(s[1], b, 4, 0, (void *)&a, &an));
    SHOW(an);
    close(s[0]), close(s[1]);

    /* Limits, and who is woken when. */
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    static char big[65536];
    long total = 0, k;
    while ((k = write(s[0], big, sizeof big)) > 0)
        total += k;
    SHOW(errno == EAGAIN);
    SHOW(total);
    SHOW(events(s[0]));
    long got = 0;
    while (events(s[0]) == 0 && (k = read(s[1], big, 4096)) > 0)
        got += k;
    SHOW(got > 0 && got < total);
    SHOW(events(s[0]));
    SHOW(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 8192));
    while (read(s[1], big, sizeof big) > 0)
        ;
    for (total = 0; (k = write(s[0], big, 100)) > 0; total += k)
        ;
    SHOW(total);
    close(s[0]), close(s[1]);
}

static void ending(void)
{
    int s[2];
    char b[16];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(shutdown(s[0], 3));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(events(s[0]));
    SHOW(events(s[1]));
    SHOW(read(s[1], b, 4));
    SHOW(write(s[1], "back", 4));
    SHOW(read(s[0], b, 16));
    SHOW(send(s[0], "x", 1, 0));
    SHOW(sigpipes);
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(sigpipes);
    SHOW(write(s[0], "x", 1));
    SHOW(sigpipes);
    close(s[0]), close(s[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(shutdown(s[0], SHUT_RD));
    SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
    SHOW(read(s[0], b, 4));
    SHOW(events(s[1]));
    SHOW(send(s[0], "y", 1, 0));
    SHOW(shutdown(s[0], SHUT_RDWR));
    SHOW(events(s[0]));
    SHOW(read(s[1], b, 4));
    SHOW(read(s[1], b, 4));
    close(s[0]), close(s[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[1], "left", 4);
    close(s[1]);
    SHOW(events(s[0]));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(read(s[0], b, 16));
    SHOW(read(s[0], b, 16));
    close(s[0]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "unread", 6);
    close(s[1]);
    SHOW(events(s[0]));
    SHOW(read(s[0], b, 16));
    SHOW(read(s[0], b, 16));
    SHOW(so_error(s[0]));
    close(s[0]);

    int u = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(send(u, "x", 1, MSG_NOSIGNAL));
    SHOW(recv(u, b, 1, 0));
    SHOW(shutdown(u, SHUT_RDWR));
    SHOW(events(u));
    SHOW(send(u, "x", 1, MSG_NOSIGNAL));
    close(u);
}

static void *late_write(void *arg)
{
    int fd = (int)(long)arg;
    sleep_ms(20);
    write(fd, "abc", 3);
    sleep_ms(20);
    write(fd, "def", 3);
    return NULL;
}

static void blocking(void)
{
    int s[2];
    char b[16] = {0};
    pthread_t t;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pthread_create(&t, NULL, late_write, (void *)(long)s[1]);
    SHOW(recv(s[0], b, 6, MSG_WAITALL));
    printf("%s\n", b);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, late_write, (void *)(long)s[1]);
    SHOW(recv(s[0], b, 6, 0));
    pthread_join(t, NULL);
    SHOW(recv(s[0], b, 6, 0));
    set_timeout(s[0], SO_RCVTIMEO, 20);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    SHOW(recv(s[0], b, 6, 0));
    SHOW(now_ns(CLOCK_MONOTONIC) - before >= 20000000);
    write(s[1], "xy", 2);
    SHOW(recv(s[0], b, 6, MSG_WAITALL));
    close(s[0]), close(s[1]);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_sigpipe};
    sigaction(SIGPIPE, &sa, NULL);
    names();
    backlog();
    data();
    ending();
    blocking();
    return 0;
}
