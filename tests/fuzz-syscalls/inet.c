/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loopback network: TCP and UDP sockets of IPv4, IPv6 and both, bound, listening, connected, accepted, read, written, shut down,
 * watched and closed in any order. Nothing waits. Left out is what depends on time or on room: full queues of connections, buffers that
 * are nearly full, small segments held back for others (all TCP sockets have TCP_NODELAY), ports of connections that ended a moment ago
 * (all have SO_REUSEADDR, and none connects from a port that a sequence chose). And what nobody does with a connection that failed or
 * ended: to bind it anew (Linux lets it, and the socket is of no use then), to ask for its port, to shut it down before another attempt,
 * to connect one that stood again.
 * Nor ends an IPv6 socket's connection to an IPv4 one by AF_UNSPEC, is bound to no IPv4 address in IPv6's form, or connected to UDP's port 0.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include "sequence.h"

#define FIRST_PORT 2000
#define PORTS      4 /* those that a sequence names; the system chooses from 32768 on */

static __thread int types[SLOTS], families[SLOTS]; /* of the socket in it, 0: none */
static __thread bool tried[SLOTS];                 /* it has been connected, or the attempt was made */
static __thread bool stood[SLOTS];                 /* and that stood */
static __thread bool mapped[SLOTS];                /* to an IPv4 address in IPv6's form, after which Linux fails to connect to others */
static __thread int epoll;

static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:127.0.0.2"};

/* What was sent arrives before the next call returns, unless Linux leaves it to a thread. */
static void settle(void)
{
    if (!chaos)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void put_socket(unsigned i, int fd, int family, int type)
{
    if (fd < 0)
        return;
    types[i] = type;
    families[i] = family;
    tried[i] = stood[i] = mapped[i] = false;
    put(i, fd);
}

/* A host with a port; its length, for a socket of that family mostly of the same. */
static socklen_t choose(int family, struct sockaddr_storage *a, const char **host, unsigned port)
{
    struct sockaddr_in *four = (void *)a;
    struct sockaddr_in6 *six = (void *)a;

    *host = PICK(hosts);
    if (!rarely(10))
        *host = strchr(*host, ':') ? (family == AF_INET ? "127.0.0.1" : *host) : family == AF_INET6 ? "::" : *host;
    memset(a, 0, sizeof(*a));
    if (strchr(*host, ':')) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, *host, &six->sin6_addr);
        return rarely(40) ? 24 - (socklen_t)pick(2) : sizeof(*six);
    }
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, *host, &four->sin_addr);
    return rarely(40) ? 15 : sizeof(*four);
}

static unsigned port(void)
{
    return rarely(12) ? 0 : FIRST_PORT + pick(PORTS);
}

static void show_address(const struct sockaddr_storage *a, socklen_t length)
{
    const struct sockaddr_in *four = (const void *)a;
    const struct sockaddr_in6 *six = (const void *)a;
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned n = ntohs(four->sin_port);

    if (!length) {
        note(" no address");
        return;
    }
    inet_ntop(a->ss_family, a->ss_family == AF_INET6 ? (const void *)&six->sin6_addr : &four->sin_addr, host, sizeof(host));
    note(" %s %u", host, length);
    note(n >= 32768 ? " chosen" : " %u", n);
}

/* True if the socket has a port that the sequence named. */
static bool named_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);

    memset(&a, 0, sizeof(a));
    return getsockname(fd, (struct sockaddr *)&a, &n) == 0 && ntohs(((struct sockaddr_in *)&a)->sin_port) / 100 == FIRST_PORT / 100;
}

static int state(unsigned i)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);

    return types[i] == SOCK_STREAM && getsockopt(slots[i], IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_state : 0;
}

/* A connection that failed or ended. */
static bool failed(unsigned i)
{
    return tried[i] && state(i) == TCP_CLOSE;
}

static void step_make(void)
{
    static const struct {
        int family, type;
        const char *name;
    } kinds[] = {{AF_INET, SOCK_STREAM, "tcp4"}, {AF_INET6, SOCK_STREAM, "tcp6"}, {AF_INET, SOCK_DGRAM, "udp4"}, {AF_INET6, SOCK_DGRAM, "udp6"}};
    unsigned i = pick(SLOTS), k = pick(3) ? pick(2) : 2 + pick(2);
    int only = (int)pick(2), one = 1, fd;

    call("%u: %s", i, kinds[k].name);
    fd = (int)result(socket(kinds[k].family, kinds[k].type | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return;
    if (kinds[k].type == SOCK_STREAM) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (kinds[k].family == AF_INET6) {
        call("%u: IPV6_V6ONLY %d", i, only);
        result(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)));
    }
    put_socket(i, fd, kinds[k].family, kinds[k].type);
}

static void step_close(void)
{
    unsigned i = used();

    call("close(%d)", slots[i]);
    result(close(slots[i]));
    slots[i] = -1;
    types[i] = 0;
    settle();
}

static void step_bind(void)
{
    unsigned i = used();
    struct sockaddr_storage a;
    const char *host;
    unsigned p = port();
    socklen_t n = choose(families[i], &a, &host, p);

    if (failed(i) || !strcmp(host, "::ffff:0.0.0.0"))
        return;
    call("bind(%d, %s %u, %u)", slots[i], host, p, n);
    result(bind(slots[i], (struct sockaddr *)&a, n));
    if (types[i] == SOCK_STREAM && rarely(2)) {
        call("listen(%d, 100)", slots[i]);
        result(listen(slots[i], 100));
    }
}

static void step_listen(void)
{
    unsigned i = used();
    int backlog = PICK(((int[]){100, 50, -1}));

    call("listen(%d, %d)", slots[i], backlog);
    result(listen(slots[i], backlog));
}

static void step_connect(void)
{
    unsigned i = used();
    struct sockaddr_storage a;
    const char *host;
    unsigned p = types[i] == SOCK_DGRAM ? FIRST_PORT + pick(PORTS) : port();
    socklen_t n = choose(families[i], &a, &host, p);

    if (types[i] == SOCK_STREAM && (named_port(slots[i]) || (stood[i] && failed(i))))
        return;
    if (types[i] == SOCK_STREAM && tried[i] && mapped[i] != !strncmp(host, "::ffff:", 7))
        return;
    mapped[i] |= !strncmp(host, "::ffff:", 7);
    if (types[i] == SOCK_DGRAM && rarely(6) && !mapped[i]) {
        a.ss_family = AF_UNSPEC;
        host = "unspecified";
    }
    call("connect(%d, %s %u, %u)", slots[i], host, p, n);
    result(connect(slots[i], (struct sockaddr *)&a, n));
    tried[i] = types[i] == SOCK_STREAM;
    settle();
    stood[i] |= state(i) > 0 && state(i) != TCP_CLOSE;
}

static void step_accept(void)
{
    unsigned i = used(), j = pick(SLOTS);
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    int fd, family = families[i];

    settle();
    call("%u: accept4(%d)", j, slots[i]);
    fd = accept4(slots[i], (struct sockaddr *)&a, &n, SOCK_NONBLOCK);
    if (fd >= 0)
        show_address(&a, n);
    result(fd);
    put_socket(j, fd, family, SOCK_STREAM);
    if (fd >= 0)
        tried[j] = stood[j] = true;
}

static const size_t lengths[] = {1, 2, 10, 100, 100, 300, 0};

static void step_send(void)
{
    static const struct named flags[] = {NAMED(0), NAMED(0), NAMED(0), NAMED(MSG_NOSIGNAL), NAMED(MSG_DONTWAIT), NAMED(MSG_EOR), NAMED(MSG_OOB)};
    unsigned char bytes[300];
    unsigned i = used(), p = port();
    size_t n = PICK(lengths);
    const struct named *f = rarely(3) ? &PICK(flags) : &flags[0];
    struct sockaddr_storage a;
    const char *host;

    for (size_t k = 0; k < n; k++)
        bytes[k] = (unsigned char)(k * 7 + step_number);
    if (types[i] == SOCK_DGRAM && !rarely(3)) {
        socklen_t length = choose(families[i], &a, &host, p);
        call("sendto(%d, %zu, %s, %s %u, %u)", slots[i], n, f->name, host, p, length);
        result(sendto(slots[i], bytes, n, (int)f->value, (struct sockaddr *)&a, length));
    } else if (rarely(3)) {
        call("write(%d, %zu)", slots[i], n);
        result(write(slots[i], bytes, n));
    } else {
        call("send(%d, %zu, %s)", slots[i], n, f->name);
        result(send(slots[i], bytes, n, (int)f->value));
    }
    settle();
}

static void step_receive(void)
{
    static const struct named flags[] = {NAMED(0), NAMED(0), NAMED(0), NAMED(MSG_PEEK), NAMED(MSG_TRUNC), NAMED(MSG_PEEK | MSG_TRUNC), NAMED(MSG_WAITALL), NAMED(MSG_OOB), NAMED(MSG_OOB | MSG_PEEK)};
    unsigned char bytes[1000];
    unsigned i = used();
    size_t n = PICK(((size_t[]){1, 5, 50, 200, 1000, 1000, 0}));
    const struct named *f = &PICK(flags);
    struct sockaddr_storage a;
    struct iovec v = {bytes, n};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &v, .msg_iovlen = 1};
    long r;

    memset(&a, 0, sizeof(a));
    memset(bytes, 0, sizeof(bytes));
    settle();
    if (rarely(4)) {
        call("read(%d, %zu)", slots[i], n);
        r = read(slots[i], bytes, n);
    } else {
        call("recvmsg(%d, %zu, %s)", slots[i], n, f->name);
        r = recvmsg(slots[i], &m, (int)f->value);
        if (r >= 0) {
            note(" flags %x", m.msg_flags);
            show_address(&a, m.msg_namelen);
        }
    }
    if (r > 0)
        note(" {%08x}", digest(bytes, (size_t)r < n ? (size_t)r : n));
    result(r);
}

static void step_shutdown(void)
{
    unsigned i = used(), how = pick(rarely(10) ? 4 : 3);
    long r;

    if (failed(i))
        return;
    call("shutdown(%d, %u)", slots[i], how);
    r = result(shutdown(slots[i], (int)how));
    if (r == 0 && types[i] == SOCK_STREAM)
        tried[i] = true; /* a listener that is none any more */
    settle();
}

static void step_name(void)
{
    unsigned i = used(), own = pick(2);
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    long r;

    settle();
    if (failed(i))
        return;
    memset(&a, 0, sizeof(a));
    call("%s(%d)", own ? "getsockname" : "getpeername", slots[i]);
    r = own ? getsockname(slots[i], (struct sockaddr *)&a, &n) : getpeername(slots[i], (struct sockaddr *)&a, &n);
    if (r == 0)
        show_address(&a, n);
    result(r);
}

#define OPTION(level, name, may_set) {#name, level, name, may_set}
static const struct {
    const char *text;
    int level, name;
    bool may_set;
} options[] = {
    OPTION(SOL_SOCKET, SO_ERROR, true), OPTION(SOL_SOCKET, SO_ERROR, false), OPTION(SOL_SOCKET, SO_TYPE, false), OPTION(SOL_SOCKET, SO_ACCEPTCONN, true), OPTION(SOL_SOCKET, SO_DOMAIN, false),
    OPTION(SOL_SOCKET, SO_PROTOCOL, false), OPTION(SOL_SOCKET, SO_KEEPALIVE, true), OPTION(SOL_SOCKET, SO_BROADCAST, true), OPTION(SOL_SOCKET, SO_OOBINLINE, false),
    OPTION(SOL_SOCKET, SO_LINGER, false), OPTION(SOL_SOCKET, SO_DONTROUTE, false), OPTION(IPPROTO_TCP, TCP_NODELAY, false), OPTION(IPPROTO_TCP, TCP_KEEPIDLE, true), OPTION(IPPROTO_TCP, TCP_KEEPINTVL, true),
    OPTION(IPPROTO_TCP, TCP_KEEPCNT, true), OPTION(IPPROTO_TCP, TCP_SYNCNT, true), OPTION(IPPROTO_TCP, TCP_LINGER2, false), OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, true), OPTION(IPPROTO_TCP, TCP_CORK, false),
    OPTION(IPPROTO_IP, IP_TTL, true), OPTION(IPPROTO_IP, IP_TOS, true), OPTION(IPPROTO_IP, IP_PKTINFO, true), OPTION(IPPROTO_IP, IP_RECVTTL, true), OPTION(IPPROTO_IP, IP_RECVERR, false),
    OPTION(IPPROTO_IP, IP_MULTICAST_TTL, true), OPTION(IPPROTO_IP, IP_MULTICAST_LOOP, true), OPTION(IPPROTO_IP, IP_FREEBIND, false),
    OPTION(IPPROTO_IPV6, IPV6_V6ONLY, true), OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS, true), OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO, true), OPTION(IPPROTO_IPV6, IPV6_TCLASS, true),
    OPTION(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, true), OPTION(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, true), OPTION(IPPROTO_TCP, 999, true), OPTION(999, 1, true),
};

static void step_option(void)
{
    unsigned i = used(), o = pick(COUNT(options));
    unsigned char value[64];
    socklen_t n = PICK(((socklen_t[]){4, 4, 4, 8, 0, 1, 3}));
    int number = PICK(((int[]){0, 1, 1, 2, 30, 255, 256, -1, -2, 100000}));
    long r;

    settle();
    if (failed(i) && options[o].name == IPV6_V6ONLY)
        return;
    memset(value, 0xee, sizeof(value));
    if (!options[o].may_set || rarely(2)) {
        call("getsockopt(%d, %s, %u)", slots[i], options[o].text, n);
        r = getsockopt(slots[i], options[o].level, options[o].name, value, &n);
        if (r == 0)
            note(" %u {%02x%02x%02x%02x}", n, value[3], value[2], value[1], value[0]);
        result(r);
        return;
    }
    memset(value, 0, sizeof(value));
    memcpy(value, &number, sizeof(number));
    call("setsockopt(%d, %s, %d, %u)", slots[i], options[o].text, number, n);
    result(setsockopt(slots[i], options[o].level, options[o].name, value, n));
}

/* A close that resets. */
static void step_linger(void)
{
    unsigned i = used();
    struct linger l = {.l_onoff = !rarely(3)};

    call("linger(%d, %d 0)", slots[i], l.l_onoff);
    result(setsockopt(slots[i], SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
}

static void step_state(void)
{
    unsigned i = used();
    struct tcp_info info;
    socklen_t n = sizeof(info);
    int count = -1;
    long r;

    settle();
    switch (pick(3)) {
    case 0:
        memset(&info, 0, sizeof(info));
        call("TCP_INFO(%d)", slots[i]);
        r = getsockopt(slots[i], IPPROTO_TCP, TCP_INFO, &info, &n);
        if (r == 0) /* the acknowledgement of a FIN may come a little later */
            note(" state %u", info.tcpi_state == TCP_FIN_WAIT1 ? TCP_FIN_WAIT2 : info.tcpi_state);
        result(r);
        break;
    case 1:
        call("SIOCATMARK(%d)", slots[i]);
        r = ioctl(slots[i], 0x8905 /* SIOCATMARK */, &count);
        note(" %d", count);
        result(r);
        break;
    default:
        call("FIONREAD(%d)", slots[i]);
        r = ioctl(slots[i], FIONREAD, &count);
        note(" %d", count);
        result(r);
    }
}

static void step_poll(void)
{
    struct pollfd fds[SLOTS];

    settle();
    for (unsigned i = 0; i < SLOTS; i++)
        fds[i] = (struct pollfd){.fd = slots[i], .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRBAND};
    call("poll");
    long r = poll(fds, SLOTS, 0);
    for (unsigned i = 0; i < SLOTS; i++)
        if (fds[i].revents)
            note(" %u:%x", i, (unsigned)fds[i].revents);
    result(r);
}

static void step_epoll(void)
{
    static const struct named calls[] = {NAMED(EPOLL_CTL_ADD), NAMED(EPOLL_CTL_ADD), NAMED(EPOLL_CTL_MOD), NAMED(EPOLL_CTL_DEL)};
    static const uint32_t wanted[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLRDHUP, EPOLLIN | EPOLLOUT | EPOLLPRI, EPOLLIN | EPOLLONESHOT, 0};
    struct epoll_event e = {.events = PICK(wanted)}, events[2 * SLOTS];
    unsigned i = used();
    const struct named *c = &PICK(calls);
    int n;

    if (rarely(2)) {
        e.data.u32 = i;
        call("epoll_ctl(%s, %d, %x)", c->name, slots[i], e.events);
        result(epoll_ctl(epoll, (int)c->value, slots[i], &e));
        return;
    }
    settle();
    call("epoll_wait");
    n = epoll_wait(epoll, events, COUNT(events), 0);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (int k = 0; k < n; k++)
            if (events[k].data.u32 == slot)
                note(" %u:%x", slot, events[k].events);
    result(n);
}

static void step(void)
{
    static const struct {
        unsigned weight;
        void (*step)(void);
    } steps[] = {{10, step_make}, {6, step_close}, {9, step_bind}, {3, step_listen}, {12, step_connect}, {10, step_accept}, {18, step_send}, {18, step_receive},
                 {5, step_shutdown}, {4, step_name}, {5, step_option}, {1, step_linger}, {4, step_state}, {6, step_poll}, {5, step_epoll}};
    unsigned total = 0, at, i;

    if (slots[used()] < 0) {
        step_make();
        return;
    }
    for (i = 0; i < COUNT(steps); i++)
        total += steps[i].weight;
    at = pick(total);
    for (i = 0; at >= steps[i].weight; i++)
        at -= steps[i].weight;
    steps[i].step();
}

static void begin(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    memset(types, 0, sizeof(types));
    memset(families, 0, sizeof(families));
    ioctl(fd, SIOCSIFFLAGS, &lo); /* of a new namespace it is down */
    close(fd);
    epoll = epoll_create1(0);
}

/* Nothing may be left in the way of the next sequence: connections are reset. */
static void end(void)
{
    struct linger reset = {.l_onoff = 1};

    for (unsigned i = 0; i < SLOTS; i++)
        if (types[i])
            setsockopt(slots[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

const struct family family_inet = {.name = "inet", .begin = begin, .step = step, .end = end};
