/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets of the Internet in states that hardly anybody brings about: what random sequences of calls have found to differ. */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PORT 23917

static char text[100];

static struct sockaddr_in6 six(const char *host, unsigned port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    inet_pton(AF_INET6, host, &a.sin6_addr);
    return a;
}

static struct sockaddr_in four(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr *any(void *a)
{
    return a;
}
#define SIX(host, port) any(&(struct sockaddr_in6[]){six(host, port)}), sizeof(struct sockaddr_in6)
#define FOUR(port)      any(&(struct sockaddr_in[]){four(port)}), sizeof(struct sockaddr_in)

static void show_events(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    poll(&p, 1, 0);
    printf("events %x\n", (unsigned)p.revents);
}

/* shutdown(2) fails where there is no connection, and takes effect. */
static void shut_without_connection(int type)
{
    int s = socket(AF_INET, type | SOCK_NONBLOCK, 0);

    SHOW(recv(s, text, 10, 0));
    SHOW(shutdown(s, SHUT_RD));
    SHOW(recv(s, text, 10, 0));
    SHOW(shutdown(s, SHUT_WR));
    SHOW(sendto(s, text, 10, MSG_NOSIGNAL, FOUR(PORT)));
    show_events(s);
    close(s);
}

static void attempts(void)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    SHOW(connect(s, FOUR(1)));
    poll(&(struct pollfd){.fd = s, .events = POLLOUT}, 1, 1000);
    SHOW(listen(s, 5)); /* not before connect has told */
    SHOW(recv(s, text, 10, 0));
    SHOW(recv(s, text, 10, 0));
    SHOW(connect(s, FOUR(1)));
    SHOW(listen(s, 5));
    SHOW(shutdown(s, SHUT_RD)); /* its port was the system's choice */
    SHOW(bind(s, FOUR(PORT)));
    SHOW(listen(s, 5));
    SHOW(shutdown(s, SHUT_RD));
    SHOW(bind(s, FOUR(PORT + 1)));
    close(s);
}

static void datagrams(void)
{
    int s = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1, off = 0, now = -1;
    struct sockaddr_in own;
    socklen_t n = sizeof(now);

    SHOW(send(s, text, 5, MSG_OOB));
    SHOW(sendto(s, text, 5, MSG_OOB, SIX("::1", PORT)));
    SHOW(sendto(s, text, 5, MSG_OOB, SIX("::ffff:127.0.0.1", PORT)));
    SHOW(recv(s, text, 5, MSG_OOB));
    SHOW(connect(s, SIX("::1", 0)));
    SHOW(send(s, text, 5, 0));
    SHOW(connect(s, SIX("::ffff:127.0.0.1", 0)));
    SHOW(send(s, text, 5, 0));
    SHOW(sendto(s, text, 5, 0, SIX("::1", PORT)));
    close(s);

    s = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    SHOW(bind(s, SIX("::1", PORT)));
    SHOW(getsockopt(s, SOL_IPV6, IPV6_V6ONLY, &now, &n));
    printf("%d\n", now);
    SHOW(sendto(s, text, 5, 0, FOUR(PORT)));
    SHOW(connect(s, FOUR(PORT)));
    close(s);

    s = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(s, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    SHOW(connect(s, SIX("::ffff:127.0.0.1", PORT)));
    SHOW(bind(s, SIX("::1", PORT))); /* it has a port all the same */
    close(s);

    s = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(s, SOL_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    SHOW(bind(s, SIX("::ffff:127.0.0.1", PORT)));
    SHOW(sendto(s, text, 5, 0, SIX("::1", PORT)));
    SHOW(sendto(s, "any", 3, 0, SIX("::", PORT)));
    SHOW(recv(s, text, 10, MSG_OOB));
    SHOW(setsockopt(s, SOL_IP, IP_MULTICAST_LOOP, &on, 0));
    close(s);

    s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    SHOW(shutdown(s, SHUT_WR));
    SHOW(sendto(s, text, 5, 0, FOUR(0)));
    SHOW(sendto(s, text, 5, 0, SIX("::1", PORT)));
    SHOW(sendto(s, text, 5, 0, FOUR(PORT)));
    n = sizeof(own);
    SHOW(getsockname(s, any(&own), &n));
    printf("%d\n", own.sin_port != 0);
    close(s);
}

/* Waits until what the client sent is there, or was refused. */
static void arrived(int client, int server, int n)
{
    struct pollfd p = {.fd = client};
    int there = 0;

    while (!poll(&p, 1, 1) && !ioctl(server, FIONREAD, &there) && there < n)
        ;
}

/* What a socket shut down before listen(2) becomes, its connections are from the start. */
static void shut_listener(int how)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(own);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server;
    char text[4];

    if (bind(listener, any(&own), n) || getsockname(listener, any(&own), &n))
        printf("no port\n");
    SHOW(shutdown(listener, how));
    SHOW(listen(listener, 5));
    SHOW(connect(client, any(&own), n));
    if (how != SHUT_RD)
        SHOW(recv(client, text, 1, 0));
    SHOW(server = accept(listener, NULL, NULL));
    SHOW(recv(server, text, 1, MSG_DONTWAIT));
    SHOW(send(client, text, 3, MSG_NOSIGNAL));
    arrived(client, server, 3);
    SHOW(recv(server, text, 1, MSG_DONTWAIT));
    SHOW(recv(server, text, 4, MSG_DONTWAIT));
    SHOW(send(server, text, 1, MSG_NOSIGNAL));
    SHOW(send(client, text, 1, MSG_NOSIGNAL));
    close(server);
    close(client);
    /* Nobody accepts the next one: over it is without an error if both ends have sent their FIN. */
    SHOW(connect(client = socket(AF_INET, SOCK_STREAM, 0), any(&own), n));
    if (how != SHUT_RD)
        SHOW(recv(client, text, 1, 0));
    SHOW(shutdown(client, SHUT_WR));
    close(listener);
    struct pollfd p = {client, POLLIN, 0};
    int error = 0;
    while (!(p.revents & POLLHUP))
        poll(&p, 1, 1000);
    n = sizeof(error);
    getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &n);
    printf("%#x %s\n", (unsigned)p.revents, strerror(error));
    close(client);
}

/* A connection that was reset before accept(2) took it still tells who it was from. */
static void gone_before_accept(void)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from = {.sin_port = 0};
    struct linger hard = {.l_onoff = 1};
    socklen_t n = sizeof(own);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server;
    char text[4];

    if (bind(listener, any(&own), n) || getsockname(listener, any(&own), &n) || listen(listener, 5))
        printf("no listener\n");
    SHOW(connect(client, any(&own), n));
    setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    SHOW(close(client));
    SHOW(server = accept(listener, any(&from), &n));
    printf("%u %d %d\n", n, from.sin_family, from.sin_port != 0);
    SHOW(getpeername(server, any(&from), &n));
    SHOW(recv(server, text, 4, MSG_DONTWAIT));
    close(server);
    close(listener);
}

/* A socket of IPv6 and IPv4, whose address for any was made one of IPv6 by connect: does it keep IPv4 ones off its port? */
static void dual(void)
{
    static const char *const hosts[] = {"::ffff:0.0.0.0", "::ffff:127.0.0.1", "::1", "::"};
    struct sockaddr_in everywhere = {.sin_family = AF_INET, .sin_port = htons(PORT)};

    for (int only = 0; only < 2; only++) {
        int s = socket(AF_INET6, SOCK_DGRAM, 0), other;

        setsockopt(s, SOL_IPV6, IPV6_V6ONLY, &only, sizeof(only));
        SHOW(bind(s, SIX("::", PORT)));
        SHOW(connect(s, SIX("::1", PORT)));
        SHOW(bind(other = socket(AF_INET, SOCK_DGRAM, 0), any(&everywhere), sizeof(everywhere)));
        close(other);
        SHOW(bind(other = socket(AF_INET, SOCK_DGRAM, 0), FOUR(PORT)));
        close(other);
        for (unsigned i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
            SHOW(bind(other = socket(AF_INET6, SOCK_DGRAM, 0), SIX(hosts[i], PORT)));
            close(other);
        }
        close(s);
    }
}

int main(void)
{
    int on = 1, s = socket(AF_INET6, SOCK_STREAM, 0);

    shut_without_connection(SOCK_STREAM);
    shut_without_connection(SOCK_DGRAM);
    attempts();
    datagrams();
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++)
        shut_listener(how);
    gone_before_accept();
    dual();
    SHOW(setsockopt(s, SOL_IPV6, IPV6_MULTICAST_HOPS, &on, 1));
    return 0;
}
