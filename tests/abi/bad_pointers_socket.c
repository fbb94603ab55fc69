/* SPDX-License-Identifier: BSD-2-Clause */
/* Bad pointers at every argument: sockets. */
#include "bad_pointers.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { STREAM = 100, STREAM_PEER, DATAGRAM, DATAGRAM_PEER, UDP, LISTENER, TCP, TCP_PEER, FREE };

static char data[64] = "0123456789012345678901234567890123456789";
static struct sockaddr_in here = {.sin_family = AF_INET};
static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "bp_no_such_socket"};
static struct iovec vector = {data, 16}, bad_vector = {(void *)0x10, 16};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
static struct msghdr bad_iov = {.msg_iov = (void *)0x10, .msg_iovlen = 1};
static struct msghdr bad_data = {.msg_iov = &bad_vector, .msg_iovlen = 1};
static struct msghdr bad_name = {.msg_name = (void *)0x10, .msg_namelen = 16, .msg_iov = &vector, .msg_iovlen = 1};
static struct msghdr bad_control = {.msg_control = (void *)0x10, .msg_controllen = 32, .msg_iov = &vector, .msg_iovlen = 1};
static struct mmsghdr several[2];
static socklen_t length = sizeof(struct sockaddr_in), option_length = 4;
static struct timespec zero_time;
static int on = 1;
static struct linger no_linger;
static struct timeval no_time;

static void keep(int fd, int as)
{
    dup2(fd, as);
    fcntl(as, F_SETFL, O_NONBLOCK);
    close(fd);
}

static void set_up(void)
{
    char buf[256];
    for (int fd = STREAM; fd < FREE; fd++)
        while (fd != LISTENER && recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
            ;
    send(STREAM_PEER, data, 16, 0);
    send(DATAGRAM_PEER, data, 16, 0);
    send(TCP_PEER, data, 16, 0);
    sendto(UDP, data, 16, 0, (void *)&here, sizeof(here));
}

#define X(name, ...) {#name, SYS_##name, {__VA_ARGS__}, EXACT}

int main(void)
{
    int p[2];
    socklen_t n = sizeof(here);
    bad_pointers_init();
    signal(SIGPIPE, SIG_IGN);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    keep(p[0], STREAM);
    keep(p[1], STREAM_PEER);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    keep(p[0], DATAGRAM);
    keep(p[1], DATAGRAM_PEER);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    keep(socket(AF_INET, SOCK_STREAM, 0), LISTENER);
    bind(LISTENER, (void *)&here, sizeof(here));
    listen(LISTENER, 5);
    getsockname(LISTENER, (void *)&here, &n);
    p[0] = socket(AF_INET, SOCK_STREAM, 0);
    connect(p[0], (void *)&here, sizeof(here));
    keep(p[0], TCP);
    keep(accept(LISTENER, NULL, NULL), TCP_PEER);
    here.sin_port = 0;
    keep(socket(AF_INET, SOCK_DGRAM, 0), UDP);
    bind(UDP, (void *)&here, sizeof(here));
    getsockname(UDP, (void *)&here, &n);
    keep(socket(AF_INET, SOCK_STREAM, 0), FREE);
    several[0].msg_hdr = several[1].msg_hdr = message;
    prepare = set_up;
    const struct call calls[] = {
        X(socketpair, V(AF_UNIX), V(SOCK_DGRAM), V(0), OUT(8)),
        {"bind", SYS_bind, {V(FREE), IN(name), V(sizeof(name))}},
        {"bind bound", SYS_bind, {V(UDP), IN(here), V(sizeof(here))}},
        {"connect unix", SYS_connect, {V(STREAM), IN(name), V(sizeof(name))}},
        {"connect tcp", SYS_connect, {V(TCP), IN(here), V(sizeof(here))}},
        {"accept none", SYS_accept, {V(LISTENER), OUT(16), IO(length)}, NEW_FD},
        {"accept4 other", SYS_accept4, {V(UDP), OUT(16), IO(length), V(0)}, NEW_FD},
        X(getsockname, V(UDP), OUT(16), IO(length)),
        X(getpeername, V(TCP), OUT(16), IO(length)),
        {"getpeername none", SYS_getpeername, {V(FREE), OUT(16), IO(length)}},
        {"sendto stream", SYS_sendto, {V(STREAM_PEER), IN(data), V(64), V(0), V(0), V(0)}, EXACT | NO_MINUS_1}, /* -1 has MSG_OOB */
        {"sendto datagram", SYS_sendto, {V(DATAGRAM_PEER), IN(data), V(64), V(0), V(0), V(0)}, EXACT},
        {"sendto tcp", SYS_sendto, {V(TCP), IN(data), V(64), V(0), V(0), V(0)}, EXACT | NO_MINUS_1},
        {"sendto udp", SYS_sendto, {V(UDP), IN(data), V(64), V(0), IN(here), V(16)}, EXACT},
        {"recvfrom stream", SYS_recvfrom, {V(STREAM), OUT(16), V(16), V(0), OUT(110), IO(length)}, EXACT | NO_MINUS_1},
        {"recvfrom datagram", SYS_recvfrom, {V(DATAGRAM), OUT(16), V(16), V(0), OUT(110), IO(length)}, EXACT},
        {"recvfrom tcp", SYS_recvfrom, {V(TCP), OUT(16), V(16), V(0), V(0), V(0)}, EXACT},
        {"recvfrom udp", SYS_recvfrom, {V(UDP), OUT(16), V(16), V(0), OUT(16), IO(length)}, EXACT},
        X(sendmsg, V(STREAM_PEER), IN(message), V(0)),
        {"sendmsg bad iov", SYS_sendmsg, {V(STREAM_PEER), IN(bad_iov), V(0)}, EXACT},
        {"sendmsg bad data", SYS_sendmsg, {V(STREAM_PEER), IN(bad_data), V(0)}, EXACT},
        {"sendmsg bad data udp", SYS_sendmsg, {V(UDP), IN(bad_data), V(0)}, EXACT},
        {"sendmsg bad name", SYS_sendmsg, {V(UDP), IN(bad_name), V(0)}, EXACT},
        {"sendmsg bad control", SYS_sendmsg, {V(STREAM_PEER), IN(bad_control), V(0)}, EXACT},
        X(recvmsg, V(STREAM), IO(message), V(0)),
        {"recvmsg bad iov", SYS_recvmsg, {V(STREAM), IO(bad_iov), V(0)}, EXACT},
        {"recvmsg bad data", SYS_recvmsg, {V(STREAM), IO(bad_data), V(0)}, EXACT},
        {"recvmsg bad data datagram", SYS_recvmsg, {V(DATAGRAM), IO(bad_data), V(0)}, EXACT},
        {"recvmsg bad name", SYS_recvmsg, {V(UDP), IO(bad_name), V(0)}, EXACT},
        {"recvmsg bad control", SYS_recvmsg, {V(STREAM), IO(bad_control), V(0)}, EXACT},
        X(sendmmsg, V(STREAM_PEER), IO(several), V(2), V(0)),
        X(recvmmsg, V(STREAM), IO(several), V(2), V(MSG_DONTWAIT), IN(zero_time)),
        {"setsockopt int", SYS_setsockopt, {V(UDP), V(SOL_SOCKET), V(SO_REUSEADDR), IN(on), V(4)}},
        {"setsockopt linger", SYS_setsockopt, {V(UDP), V(SOL_SOCKET), V(SO_LINGER), IN(no_linger), V(sizeof(no_linger))}},
        {"setsockopt timeout", SYS_setsockopt, {V(UDP), V(SOL_SOCKET), V(SO_RCVTIMEO), IN(no_time), V(sizeof(no_time))}},
        {"setsockopt tcp", SYS_setsockopt, {V(TCP), V(IPPROTO_TCP), V(TCP_NODELAY), IN(on), V(4)}},
        {"setsockopt ip", SYS_setsockopt, {V(UDP), V(IPPROTO_IP), V(IP_TTL), IN(on), V(4)}, NO_MINUS_1},
        {"getsockopt int", SYS_getsockopt, {V(UDP), V(SOL_SOCKET), V(SO_TYPE), OUT(4), IO(option_length)}, NO_MINUS_1},
        {"getsockopt tcp", SYS_getsockopt, {V(TCP), V(IPPROTO_TCP), V(TCP_MAXSEG), OUT(4), IO(option_length)}, NO_MINUS_1},
        {"getsockopt tcp info", SYS_getsockopt, {V(TCP), V(IPPROTO_TCP), V(TCP_INFO), OUT(64), IO(option_length)}, NO_MINUS_1},
        {"getsockopt ip", SYS_getsockopt, {V(UDP), V(IPPROTO_IP), V(IP_TTL), OUT(4), IO(option_length)}, NO_MINUS_1},
        {"getsockopt credentials", SYS_getsockopt, {V(STREAM), V(SOL_SOCKET), V(SO_PEERCRED), OUT(12), IO(option_length)}, NO_MINUS_1},
        {"ioctl FIONREAD", SYS_ioctl, {V(STREAM), V(FIONREAD), OUT(4)}},
        {"ioctl FIONREAD udp", SYS_ioctl, {V(UDP), V(FIONREAD), OUT(4)}},
    };
    try_calls(calls, sizeof(calls) / sizeof(calls[0]));
    return 0;
}
