/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of AF_UNIX sockets that show in what is sent and received: moving peeks, low-water marks, timeouts, buffer
 * sizes, credentials, pidfds, timestamps, urgent data; and what is told of the peer.
 */
#include "sock.h"
#include <grp.h>
#include <linux/sockios.h>
#include <sys/mman.h>
#include <sys/wait.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
static char control[512];

/* Receives up to n bytes; prints them with the control messages that came. */
static void receive(int s, size_t n, int flags, size_t room)
{
    char b[64] = {0};
    struct iovec v = {b, n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    long r = recvmsg(s, &m, flags);
    printf("  received %ld%s%s '%s' flags %x control %zu", r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : "", b,
           m.msg_flags, m.msg_controllen);
    for (struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf(" [level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_PIDFD && c->cmsg_len == CMSG_LEN(4)) {
            int fd;
            memcpy(&fd, CMSG_DATA(c), 4);
            printf(" pidfd: flags %d signal %ld", fcntl(fd, F_GETFD), syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
            close(fd);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            int fd;
            for (size_t at = CMSG_LEN(0); at + 4 <= c->cmsg_len; at += 4) {
                memcpy(&fd, CMSG_DATA(c) + at - CMSG_LEN(0), 4);
                printf(" fd %d", fcntl(fd, F_GETFD));
                close(fd);
            }
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(12)) {
            struct ucred u;
            memcpy(&u, CMSG_DATA(c), 12);
            printf(" pid %s uid %u gid %u", u.pid == getpid() ? "mine" : u.pid ? "other" : "0", u.uid, u.gid);
        }
        printf("]");
    }
    printf("\n");
}

static void say(int s, const char *text)
{
    if (send(s, text, strlen(text), 0) != (ssize_t)strlen(text))
        printf("  send: %s\n", strerrorname_np(errno));
}

static void peeking(int type)
{
    int s[2];
    printf("moving peeks, type %d\n", type);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
    SHOW(set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, 0));
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    receive(s[1], 4, MSG_PEEK, 0);
    say(s[0], "abcdef"), say(s[0], "ghi"), say(s[0], "jklm");
    receive(s[1], 4, MSG_PEEK, 0);
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    receive(s[1], 4, MSG_PEEK, 0);
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    receive(s[1], 4, MSG_PEEK, 0);
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    receive(s[1], 40, MSG_PEEK, 0);
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    receive(s[1], 40, MSG_PEEK, 0);
    receive(s[1], 2, 0, 0);
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    say(s[0], "nop");
    receive(s[1], 40, MSG_PEEK, 0);
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    SHOW(set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, 3));
    receive(s[1], 2, MSG_PEEK, 0);
    receive(s[1], 2, MSG_PEEK | MSG_TRUNC, 0);
    SHOW(set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, -1));
    receive(s[1], 40, MSG_PEEK, 0);
    receive(s[1], 40, 0, 0);
    SHOW(set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, -5));
    SHOW(get_int(s[1], SOL_SOCKET, SO_PEEK_OFF));
    close(s[0]), close(s[1]);
}

static void *write_twice(void *arg)
{
    int fd = (int)(long)arg;
    sleep_ms(20);
    write(fd, "abc", 3);
    sleep_ms(20);
    write(fd, "def", 3);
    return NULL;
}

static void waiting(void)
{
    int s[2];
    char b[16];
    pthread_t t;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(set_int(s[0], SOL_SOCKET, SO_RCVLOWAT, 5));
    SHOW(get_int(s[0], SOL_SOCKET, SO_RCVLOWAT));
    pthread_create(&t, NULL, write_twice, (void *)(long)s[1]);
    SHOW(recv(s[0], b, 16, 0));
    pthread_join(t, NULL);
    pthread_create(&t, NULL, write_twice, (void *)(long)s[1]);
    SHOW(recv(s[0], b, 16, MSG_PEEK));
    pthread_join(t, NULL);
    SHOW(recv(s[0], b, 16, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT));
    SHOW(recv(s[0], b, 16, MSG_DONTWAIT));
    write(s[1], "abc", 3);
    SHOW(events(s[0]));
    SHOW(recv(s[0], b, 16, MSG_DONTWAIT));
    set_timeout(s[0], SO_RCVTIMEO, 20);
    write(s[1], "abc", 3);
    SHOW(recv(s[0], b, 16, 0));
    SHOW(recv(s[0], b, 16, MSG_WAITALL));
    write(s[1], "abc", 3);
    shutdown(s[1], SHUT_WR);
    SHOW(recv(s[0], b, 16, MSG_WAITALL));
    SHOW(recv(s[0], b, 16, MSG_WAITALL));
    close(s[0]), close(s[1]);
    for (int i = 0; i < 3; i++) {
        static char big[4096];
        int before;
        socketpair(AF_UNIX, types[i], 0, s);
        set_timeout(s[0], SO_SNDTIMEO, 20);
        while (send(s[0], big, sizeof big, MSG_NOSIGNAL) == sizeof big)
            ;
        before = errno;
        SHOW(before == EAGAIN);
        set_timeout(s[1], SO_RCVTIMEO, 20);
        while (recv(s[1], big, sizeof big, 0) > 0)
            ;
        SHOW(errno == EAGAIN);
        struct timeval tv = {-1, 0};
        SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
        SHOW(recv(s[1], big, 1, 0));
        tv = (struct timeval){0, 1};
        setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        socklen_t n = sizeof tv;
        getsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, &n);
        SHOW(tv.tv_sec == 0 && tv.tv_usec > 0 && tv.tv_usec <= 10000);
        SHOW(recv(s[1], big, 1, 0));
        close(s[0]), close(s[1]);
    }
}

static void buffers(void)
{
    int s[2];
    static char big[400000];
    for (int i = 0; i < 3; i++) {
        printf("buffers of type %d\n", types[i]);
        socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, s);
        SHOW(set_int(s[0], SOL_SOCKET, SO_SNDBUF, 0));
        SHOW(get_int(s[0], SOL_SOCKET, SO_SNDBUF));
        SHOW(send(s[0], big, 4608 - 32, 0));
        SHOW(send(s[0], big, 4608 - 31, 0));
        int sent = 0, v;
        while (send(s[0], big, 1, 0) == 1)
            sent++;
        SHOW(sent);
        SHOW(events(s[0]));
        SHOW(ioctl(s[0], SIOCOUTQ, &v));
        SHOW(v > 0);
        SHOW(set_int(s[0], SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20));
        SHOW(get_int(s[0], SOL_SOCKET, SO_SNDBUF));
        SHOW(events(s[0]));
        SHOW(send(s[0], big, sizeof big, 0));
        SHOW(set_int(s[1], SOL_SOCKET, SO_RCVBUF, 0));
        SHOW(get_int(s[1], SOL_SOCKET, SO_RCVBUF));
        SHOW(send(s[0], big, 10000, 0));
        SHOW(set_int(s[1], SOL_SOCKET, SO_RCVBUFFORCE, 5000));
        SHOW(get_int(s[1], SOL_SOCKET, SO_RCVBUF));
        SHOW(ioctl(s[1], SIOCINQ, &v));
        SHOW(v);
        close(s[0]), close(s[1]);
    }
}

static void told(const char *what, int fd)
{
    struct ucred u;
    socklen_t n = sizeof u;
    int pidfd = -1;
    printf("of %s:", what);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n))
        printf(" credentials %s", strerrorname_np(errno));
    else
        printf(" pid %s uid %d gid %d", u.pid == getpid() ? "mine" : u.pid ? "other" : "0", (int)u.uid, (int)u.gid);
    n = sizeof pidfd;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n))
        printf(" pidfd %s", strerrorname_np(errno));
    else
        printf(" pidfd flags %d length %u", fcntl(pidfd, F_GETFD), n);
    gid_t groups[8] = {7, 7};
    n = sizeof groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n))
        printf(" groups %s", strerrorname_np(errno));
    else
        printf(" groups %d %d length %u", (int)groups[0], (int)groups[1], n);
    n = 4;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n))
        printf(", too small %s %u\n", strerrorname_np(errno), n);
    else
        printf(", in one %u\n", n);
}

static void of_peers(void)
{
    gid_t groups[] = {11, 22};
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0peers"};
    int s[2], l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d;
    SHOW(setgroups(2, groups));
    for (int i = 0; i < 3; i++) {
        socketpair(AF_UNIX, types[i], 0, s);
        told("a pair", s[0]);
        close(s[0]), close(s[1]);
    }
    bind(l, (void *)&a, 8);
    told("bound", l);
    listen(l, 5);
    told("listening", l);
    SHOW(setresgid(5, 6, 0));
    SHOW(setgroups(0, NULL));
    connect(c, (void *)&a, 8);
    d = accept(l, NULL, NULL);
    told("listener", c);
    told("client", d);
    close(l);
    close(d);
    told("a gone one", c);
    SHOW(setresgid(0, 0, 0));
    d = socket(AF_INET, SOCK_STREAM, 0);
    told("tcp", d);
    SHOW(get_int(c, SOL_SOCKET, SO_ACCEPTCONN));
    int n = 0;
    SHOW(setsockopt(c, SOL_SOCKET, SO_PEERCRED, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_PEERPIDFD, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_ACCEPTCONN, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_ERROR, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_TYPE, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_DOMAIN, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_PROTOCOL, &n, 4));
    SHOW(setsockopt(c, SOL_SOCKET, SO_SNDLOWAT, &n, 4));
    SHOW(getsockopt(c, SOL_SOCKET, 31 /* SO_PEERSEC */, control, &(socklen_t){100}));
}

static void passing(int type)
{
    static const int all[] = {SO_PASSCRED, SO_PASSPIDFD, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_REUSEPORT, SO_OOBINLINE};
    int s[2], d = socket(AF_INET, SOCK_DGRAM, 0);
    printf("passing, type %d\n", type);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        printf("  option %d: %ld", all[i], get_int(s[1], SOL_SOCKET, all[i]));
        int r = set_int(s[1], SOL_SOCKET, all[i], 1);
        printf(", set %s", r ? strerrorname_np(errno) : "ok");
        printf(", then %ld", get_int(s[1], SOL_SOCKET, all[i]));
        r = set_int(d, SOL_SOCKET, all[i], 1);
        printf(", of udp %s", r ? strerrorname_np(errno) : "ok");
        printf(" %ld\n", get_int(d, SOL_SOCKET, all[i]));
        say(s[0], "message");
        receive(s[1], 40, 0, sizeof control);
        set_int(s[1], SOL_SOCKET, all[i], 0);
    }
    SHOW(set_int(s[1], SOL_SOCKET, SO_PASSPIDFD, 1));
    say(s[0], "both"), say(s[0], "cut"), say(s[0], "none"), say(s[0], "peek");
    SHOW(set_int(s[1], SOL_SOCKET, SO_PASSCRED, 1));
    receive(s[1], 4, 0, sizeof control);
    receive(s[1], 3, 0, CMSG_SPACE(12) + CMSG_LEN(0) + 3);
    receive(s[1], 4, 0, 8);
    receive(s[1], 4, MSG_PEEK, sizeof control);
    receive(s[1], 4, MSG_CMSG_CLOEXEC, sizeof control);
    SHOW(set_int(s[1], SOL_SOCKET, SO_PASSCRED, 0));
    SHOW(set_int(s[1], SOL_SOCKET, SO_PASSPIDFD, 0));
    close(s[0]), close(s[1]), close(d);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; i++)
        peeking(types[i]);
    waiting();
    buffers();
    of_peers();
    for (int i = 0; i < 3; i++)
        passing(types[i]);
    return 0;
}
