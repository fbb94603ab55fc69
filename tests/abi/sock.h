/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the socket tests: addresses, loopback connections, polling. */
#ifndef ABI_SOCK_H
#define ABI_SOCK_H

#include "abi.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_in at(const char *ip, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static inline struct sockaddr_in6 at6(const char *ip, int port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    inet_pton(AF_INET6, ip, &a.sin6_addr);
    return a;
}

static inline struct sockaddr_in local_name(int fd)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    getsockname(fd, (void *)&a, &n);
    return a;
}

static inline int tcp_listener(int backlog)
{
    int l = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = at("127.0.0.1", 0);
    bind(l, (void *)&a, sizeof a);
    listen(l, backlog);
    return l;
}

/* A connected pair in v: client, server. */
static inline void tcp_pair(int v[2])
{
    int l = tcp_listener(1);
    struct sockaddr_in a = local_name(l);
    v[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(v[0], (void *)&a, sizeof a))
        perror("connect");
    v[1] = accept(l, NULL, NULL);
    close(l);
}

static inline int events(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
    poll(&p, 1, 0);
    return p.revents;
}

/* Loopback on Linux may take a moment to hand a FIN or RST over. */
static inline void settle(void)
{
    sleep_ms(5);
}

static inline int so_error(int fd)
{
    int e = -1;
    socklen_t n = sizeof e;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n);
    return e;
}

static inline int set_int(int fd, int level, int option, int v)
{
    return setsockopt(fd, level, option, &v, sizeof v);
}

static inline long get_int(int fd, int level, int option)
{
    int v = -77;
    socklen_t n = sizeof v;
    int r = getsockopt(fd, level, option, &v, &n);
    return r ? r : v;
}

static inline void set_timeout(int fd, int option, int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, option, &tv, sizeof tv);
}

static volatile sig_atomic_t sigpipes;

static inline void on_sigpipe(int s)
{
    sigpipes++;
}

#endif
