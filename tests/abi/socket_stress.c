/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Many threads at once: an epoll echo server with clients of both families, storms of short connections, a full backlog,
 * descriptors closed while others wait on them, datagrams against a full queue. Prints totals, which are the same every time.
 */
#include "sock.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define CLIENTS 8

static unsigned rnd(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ------------------------------------------------------------ echo through edge-triggered epoll */

struct server {
    int listener, epoll, stop;
    long connections, bytes;
};

struct conn {
    int fd;
    size_t held, sent;
    char buffer[16384];
};

/* Echoes as much as goes; true when the connection has ended. */
static int pump(struct server *s, struct conn *c)
{
    for (;;) {
        while (c->sent < c->held) {
            ssize_t n = send(c->fd, c->buffer + c->sent, c->held - c->sent, MSG_NOSIGNAL);
            if (n < 0)
                return errno != EAGAIN;
            c->sent += (size_t)n;
            __atomic_add_fetch(&s->bytes, n, __ATOMIC_RELAXED);
        }
        ssize_t n = recv(c->fd, c->buffer, sizeof c->buffer, 0);
        if (n == 0)
            return 1;
        if (n < 0)
            return errno != EAGAIN;
        c->held = (size_t)n;
        c->sent = 0;
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;
    struct epoll_event e[16];
    for (;;) {
        int n = epoll_wait(s->epoll, e, 16, -1);
        for (int i = 0; i < n; i++) {
            struct conn *c = e[i].data.ptr;
            if (c == (void *)s)
                return NULL; /* the stop event stays ready for the other threads */
            if (!c) {
                int fd;
                while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    c = calloc(1, sizeof *c);
                    c->fd = fd;
                    __atomic_add_fetch(&s->connections, 1, __ATOMIC_RELAXED);
                    struct epoll_event add = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET | EPOLLONESHOT, {.ptr = c}};
                    epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &add);
                }
            } else if (pump(s, c)) {
                close(c->fd);
                free(c);
            } else {
                struct epoll_event again = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET | EPOLLONESHOT, {.ptr = c}};
                epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &again);
            }
        }
    }
}

struct client {
    struct sockaddr_storage to;
    socklen_t length;
    int family, rounds, fd;
    unsigned seed;
    long wrong, sent;
};

struct reader {
    struct client *c;
    long expect;
};

static void *read_back(void *arg)
{
    struct reader *r = arg;
    unsigned char b[5000];
    long at = 0;
    while (at < r->expect) {
        ssize_t n = read(r->c->fd, b, sizeof b);
        if (n <= 0) {
            r->c->wrong++;
            return NULL;
        }
        for (ssize_t i = 0; i < n; i++)
            r->c->wrong += b[i] != (unsigned char)((at + i) * 7);
        at += n;
    }
    return NULL;
}

static void *echo_client(void *arg)
{
    struct client *c = arg;
    static __thread unsigned char b[60000];
    for (int round = 0; round < c->rounds; round++) {
        c->fd = socket(c->family, SOCK_STREAM, 0);
        if (connect(c->fd, (void *)&c->to, c->length)) {
            c->wrong += 1000000;
            close(c->fd);
            continue;
        }
        long total = (long)(rnd(&c->seed) % 200000), at = 0;
        struct reader r = {c, total};
        pthread_t t;
        pthread_create(&t, NULL, read_back, &r);
        while (at < total) {
            long n = (long)(rnd(&c->seed) % sizeof b) + 1;
            if (n > total - at)
                n = total - at;
            for (long i = 0; i < n; i++)
                b[i] = (unsigned char)((at + i) * 7);
            if (write(c->fd, b, (size_t)n) != n) {
                c->wrong++;
                break;
            }
            at += n;
        }
        pthread_join(t, NULL);
        c->sent += at;
        close(c->fd);
    }
    return NULL;
}

static void echo(const char *what, int listener, const void *to, socklen_t length, int family)
{
    struct server s = {.listener = listener, .epoll = epoll_create1(0), .stop = eventfd(0, 0)};
    struct client c[CLIENTS];
    pthread_t st[3], ct[CLIENTS];
    long sent = 0, wrong = 0;
    uint64_t one = 1;
    struct epoll_event e = {EPOLLIN, {.ptr = NULL}};
    fcntl(listener, F_SETFL, O_NONBLOCK);
    epoll_ctl(s.epoll, EPOLL_CTL_ADD, listener, &e);
    e.data.ptr = &s;
    epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.stop, &e);
    for (int i = 0; i < 3; i++)
        pthread_create(&st[i], NULL, serve, &s);
    for (int i = 0; i < CLIENTS; i++) {
        memset(&c[i], 0, sizeof c[i]);
        memcpy(&c[i].to, to, length);
        c[i].length = length;
        c[i].family = family;
        c[i].rounds = 6;
        c[i].seed = (unsigned)i + 1;
        pthread_create(&ct[i], NULL, echo_client, &c[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(ct[i], NULL);
        sent += c[i].sent;
        wrong += c[i].wrong;
    }
    write(s.stop, &one, 8);
    for (int i = 0; i < 3; i++)
        pthread_join(st[i], NULL);
    printf("%s: connections %ld, sent %ld, echoed %ld, wrong %ld\n", what, s.connections, sent, s.bytes, wrong);
    close(s.epoll), close(s.stop), close(listener);
}

/* ------------------------------------------------------------ storms */

static struct sockaddr_in storm_address;

static void *storm_client(void *arg)
{
    long ok = 0;
    for (int i = 0; i < 250; i++) {
        char b[4];
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (void *)&storm_address, sizeof storm_address) == 0 && write(fd, "ping", 4) == 4 &&
            recv(fd, b, 4, MSG_WAITALL) == 4 && read(fd, b, 1) == 0)
            ok++;
        close(fd);
    }
    return (void *)ok;
}

static void *storm_server(void *arg)
{
    for (int i = 0; i < CLIENTS * 250 / 2; i++) {
        char b[4];
        int fd = accept((int)(long)arg, NULL, NULL);
        if (fd < 0 || recv(fd, b, 4, MSG_WAITALL) != 4 || write(fd, b, 4) != 4)
            printf("server failed: %s\n", strerrorname_np(errno));
        close(fd);
    }
    return NULL;
}

/* Short connections against a backlog of one, so that most clients have to wait for room. */
static void storm(void)
{
    int l = tcp_listener(1);
    pthread_t s[2], c[CLIENTS];
    long ok = 0;
    storm_address = local_name(l);
    for (int i = 0; i < 2; i++)
        pthread_create(&s[i], NULL, storm_server, (void *)(long)l);
    for (int i = 0; i < CLIENTS; i++)
        pthread_create(&c[i], NULL, storm_client, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        void *r;
        pthread_join(c[i], &r);
        ok += (long)r;
    }
    for (int i = 0; i < 2; i++)
        pthread_join(s[i], NULL);
    close(l);
    printf("storm: %ld of %d\n", ok, CLIENTS * 250);
}

/* ------------------------------------------------------------ closing under waiters */

static volatile int finished;

static void *poller(void *arg)
{
    struct epoll_event e[8];
    while (!finished)
        epoll_wait((int)(long)arg, e, 8, 10);
    return NULL;
}

static void *opener(void *arg)
{
    unsigned seed = 99;
    for (int i = 0; i < 2000; i++) {
        int v[2];
        if (socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, v))
            continue;
        struct epoll_event e = {EPOLLIN | EPOLLOUT | (i % 3 ? EPOLLET : 0), {.fd = v[0]}};
        epoll_ctl((int)(long)arg, EPOLL_CTL_ADD, v[0], &e);
        if (rnd(&seed) % 2)
            write(v[1], "x", 1);
        if (rnd(&seed) % 2)
            epoll_ctl((int)(long)arg, EPOLL_CTL_DEL, v[0], NULL);
        close(v[rnd(&seed) % 2 ? 0 : 1]);
        close(v[0]), close(v[1]);
    }
    return NULL;
}

static void churn(void)
{
    int ep = epoll_create1(0);
    pthread_t p[2], o;
    finished = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&p[i], NULL, poller, (void *)(long)ep);
    pthread_create(&o, NULL, opener, (void *)(long)ep);
    pthread_join(o, NULL);
    finished = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(p[i], NULL);
    close(ep);
    printf("churn done\n");
}

/* ------------------------------------------------------------ datagrams */

static int sink;

static void *datagram_sender(void *arg)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    strcpy(a.sun_path + 1, "abi-sink");
    connect(fd, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 9));
    for (int i = 0; i < 2000; i++)
        if (send(fd, &i, sizeof i, 0) != sizeof i)
            printf("datagram lost: %s\n", strerrorname_np(errno));
    close(fd);
    return NULL;
}

static void datagrams(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    pthread_t t[4];
    long sum = 0;
    int n, v;
    sink = socket(AF_UNIX, SOCK_DGRAM, 0);
    strcpy(a.sun_path + 1, "abi-sink");
    bind(sink, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 9));
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, datagram_sender, NULL);
    for (n = 0; n < 8000; n++) {
        if (recv(sink, &v, sizeof v, 0) != sizeof v)
            break;
        sum += v;
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    close(sink);
    printf("datagrams: %d, sum %ld\n", n, sum);
}

int main(void)
{
    struct sockaddr_in a4;
    struct sockaddr_in6 a6 = at6("::1", 0);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t n = sizeof a6;
    int l = tcp_listener(64);
    signal(SIGPIPE, SIG_IGN);
    a4 = local_name(l);
    echo("tcp", l, &a4, sizeof a4, AF_INET);
    l = socket(AF_INET6, SOCK_STREAM, 0);
    bind(l, (void *)&a6, sizeof a6);
    listen(l, 64);
    getsockname(l, (void *)&a6, &n);
    echo("tcp6", l, &a6, sizeof a6, AF_INET6);
    l = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(un.sun_path + 1, "abi-echo");
    n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 9);
    bind(l, (void *)&un, n);
    listen(l, 64);
    echo("unix", l, &un, n, AF_UNIX);
    storm();
    churn();
    datagrams();
    return 0;
}
