/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_client ADDRESS PORT TOTAL PARALLEL ROUNDS SOURCES END: TOTAL connections to echo_server.c, PARALLEL at a time, from SOURCES addresses (10.77.0.1
 * and the next; 0: the system's choice), each with ROUNDS messages to and fro. END: who ends one: c the client, r the client by a reset, s the
 * server, n: it is sent to without end, and the server does not read; d: it sends without end, and nobody reads; h: all are held, and when standard input ends each echoes once more.
 * Prints errors, seconds, the longest time without progress of any connection, and the longest that one waited (ms); then
 * how often which error came. With h, n and d prints "held" first. For n: bytes that the server's side took.
 * load_client ports ADDRESS PORT: how many sockets get a port of their own, and what bind and connect say when there are no more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 64

struct slot {
    int fd;               /* -1: none */
    int connected, rounds;
    size_t got;           /* of the message under way */
    double since;         /* it waits */
};

static struct sockaddr_in to;
static int poll, sources, total, started, finished, rounds, last_errno[200];
static char end, message[SIZE + 1];
static long errors, pushed;
static double progress, longest_pause, longest_wait;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void error(int number)
{
    errors++;
    last_errno[number < 200 ? number : 199]++;
}

static void over(struct slot *s)
{
    close(s->fd);
    s->fd = -1;
    finished++;
}

static void step(struct slot *s)
{
    double t = now();

    if (t - s->since > longest_wait)
        longest_wait = t - s->since;
    if (t - progress > longest_pause)
        longest_pause = t - progress;
    s->since = progress = t;
}

static void begin(struct slot *s)
{
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s};

    *s = (struct slot){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .since = now()};
    started++;
    if (s->fd < 0) {
        error(errno);
        finished++;
        return;
    }
    if (sources) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a4d0001u + 0x100u * (unsigned)(started % sources))};

        setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        if (bind(s->fd, (struct sockaddr *)&from, sizeof(from)))
            perror("bind");
    }
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (end == 'n' || end == 'd')
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    epoll_ctl(poll, EPOLL_CTL_ADD, s->fd, &event);
    if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS) {
        error(errno);
        over(s);
    }
}

static void ask(struct slot *s)
{
    s->got = 0;
    if (send(s->fd, message, SIZE, MSG_NOSIGNAL) != SIZE) {
        error(errno);
        over(s);
    }
}

static void push(struct slot *s)
{
    static char data[65536];
    ssize_t n;

    while ((n = send(s->fd, data, sizeof(data), MSG_NOSIGNAL)) > 0)
        pushed += n;
    if (n < 0 && errno != EAGAIN) {
        error(errno);
        over(s);
    }
}

static void look(struct slot *s, unsigned events)
{
    char data[4096];

    if (!s->connected && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        int problem = 0;
        socklen_t length = sizeof(problem);

        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &problem, &length);
        if (problem) {
            error(problem);
            over(s);
            return;
        }
        s->connected = 1;
        step(s);
        const char *first = end == 's' ? "s64\n" : end == 'd' ? "s1000000000\n" : end == 'n' ? "z" : "e";
        if (send(s->fd, first, strlen(first), MSG_NOSIGNAL) < 0) {
            error(errno);
            over(s);
            return;
        }
        if (end != 's' && end != 'd' && end != 'n')
            ask(s);
    }
    if (end == 'n' && s->fd >= 0)
        push(s);
    if (end == 'n' || end == 'd')
        return;
    while (s->fd >= 0 && s->connected) {
        ssize_t n = recv(s->fd, data, sizeof(data), 0);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            if (n < 0 || end != 's' || s->got != SIZE)
                error(n < 0 ? errno : EPIPE);
            step(s);
            over(s);
            return;
        }
        s->got += (size_t)n;
        if (s->got < SIZE || end == 's')
            continue;
        step(s);
        if (++s->rounds < rounds) {
            ask(s);
        } else if (end == 'h') {
            finished++;
            return;
        } else {
            if (end == 'r')
                setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
            over(s);
        }
    }
}

/* Till n have finished, or for n of 0 until nothing happens for a second. */
static void run(struct slot *slots, int parallel, int n)
{
    struct epoll_event events[512];
    double limit = now() + 300;

    while ((!n || finished < n) && now() < limit) {
        int k = epoll_wait(poll, events, 512, n ? 1000 : 2000);

        if (!k && !n)
            return;
        for (int i = 0; i < k; i++) {
            struct slot *s = events[i].data.ptr;

            if (s->fd >= 0)
                look(s, events[i].events);
            while (s->fd < 0 && started < total)
                begin(s);
        }
    }
    for (int i = 0; i < parallel; i++)
        if (end != 'h' && slots[i].fd >= 0)
            error(ETIMEDOUT);
}

static int ports(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int n = 0, fd;

    while ((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && !bind(fd, (struct sockaddr *)&any, sizeof(any)))
        n++;
    printf("%d %s", n, strerrorname_np(errno));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    printf(" %s\n", connect(fd, (struct sockaddr *)&to, sizeof(to)) ? strerrorname_np(errno) : "connected");
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    int port_test = argc == 4 && !strcmp(argv[1], "ports");

    if (argc != 8 && !port_test)
        return 2;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[port_test ? 3 : 2]))};
    inet_pton(AF_INET, argv[port_test ? 2 : 1], &to.sin_addr);
    if (port_test)
        return ports();
    int parallel = atoi(argv[4]);
    struct slot *slots = calloc((size_t)parallel, sizeof(*slots));

    total = atoi(argv[3]);
    rounds = atoi(argv[5]);
    sources = atoi(argv[6]);
    end = argv[7][0];
    memset(message, 'x', SIZE);
    poll = epoll_create1(0);
    double start = progress = now();
    for (int i = 0; i < parallel; i++)
        slots[i].fd = -1;
    for (int i = 0; i < parallel; i++)
        while (slots[i].fd < 0 && started < total)
            begin(&slots[i]);
    run(slots, parallel, end == 'n' || end == 'd' ? 0 : total);
    if (end == 'h' || end == 'n' || end == 'd') {
        char c;

        printf("held\n");
        fflush(stdout);
        while (read(0, &c, 1) > 0)
            ;
    }
    if (end == 'h') {
        finished = 0;
        progress = now();
        for (int i = 0; i < parallel; i++) {
            slots[i].since = now();
            if (slots[i].fd >= 0)
                ask(&slots[i]);
        }
        run(slots, parallel, total);
    }
    printf("%ld %.3f %.0f %.0f", errors, now() - start, longest_pause * 1000, longest_wait * 1000);
    if (end == 'n')
        printf(" %ld", pushed);
    for (int i = 0; i < 200; i++)
        if (last_errno[i])
            printf(" %s:%d", strerrorname_np(i) ? strerrorname_np(i) : "?", last_errno[i]);
    printf("\n");
    return 0;
}
