/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages over AF_UNIX: SCM_RIGHTS (order, truncation, peeking, cycles), SCM_CREDENTIALS, SO_PEERCRED. */
#include "sock.h"
#include <sys/eventfd.h>
#include <sys/resource.h>

static char control[1024];

static long send_fds(int s, const int *fds, int n, const char *text)
{
    struct iovec v = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
    return sendmsg(s, &m, MSG_NOSIGNAL);
}

/* Receives up to n bytes with room for count descriptors; prints what came. */
static void receive(int s, size_t n, size_t count, int flags, int *fds)
{
    char b[64] = {0};
    struct iovec v = {b, n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = count ? CMSG_SPACE(sizeof(int) * count) : 0};
    long r = recvmsg(s, &m, flags);
    printf("received %ld%s%s '%s' flags %x control %zu:", r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : "", b,
           m.msg_flags, m.msg_controllen);
    for (struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf(" [level %d type %d length %zu]", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS && fds)
            memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    }
    printf("\n");
}

static int alive(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void rights(int type)
{
    int s[2], e[3], got[8] = {0};
    uint64_t n;
    printf("rights over type %d\n", type);
    socketpair(AF_UNIX, type, 0, s);
    for (int i = 0; i < 3; i++)
        e[i] = eventfd((unsigned)(i + 1), 0);
    SHOW(send_fds(s[0], e, 3, "three"));
    receive(s[1], 64, 3, MSG_CMSG_CLOEXEC, got);
    for (int i = 0; i < 3; i++) {
        SHOW(fcntl(got[i], F_GETFD));
        read(got[i], &n, 8);
        printf("value %llu\n", (unsigned long long)n);
        close(got[i]);
    }
    SHOW(send_fds(s[0], e, 3, "truncated"));
    receive(s[1], 64, 1, 0, got);
    SHOW(fcntl(got[0], F_GETFD));
    close(got[0]);
    SHOW(send_fds(s[0], e, 1, "none"));
    receive(s[1], 64, 0, 0, NULL);
    SHOW(send_fds(s[0], e, 1, "peek"));
    receive(s[1], 64, 1, MSG_PEEK, got);
    SHOW(alive(got[0]));
    close(got[0]);
    receive(s[1], 64, 1, 0, got);
    SHOW(alive(got[0]));
    close(got[0]);
    int bad[1] = {99};
    SHOW(send_fds(s[0], bad, 1, "bad"));
    /* Read without control: the descriptors are closed. */
    int p[2];
    char b[8];
    pipe2(p, O_NONBLOCK);
    send_fds(s[0], &p[1], 1, "x");
    close(p[1]);
    SHOW(read(p[0], b, 1));
    SHOW(read(s[1], b, 1));
    SHOW(read(p[0], b, 1));
    close(p[0]);
    /* Closed with the socket that holds them. */
    pipe2(p, O_NONBLOCK);
    send_fds(s[0], &p[1], 1, "x");
    close(p[1]);
    SHOW(read(p[0], b, 1));
    close(s[1]);
    SHOW(read(p[0], b, 1));
    close(p[0]), close(s[0]);
    for (int i = 0; i < 3; i++)
        close(e[i]);
}

static void borders(void)
{
    int s[2], e = eventfd(0, 0), got[4];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    write(s[0], "plain", 5);
    send_fds(s[0], &e, 1, "first");
    send_fds(s[0], &e, 1, "second");
    write(s[0], "after", 5);
    receive(s[1], 64, 1, 0, got);
    receive(s[1], 3, 1, 0, got);
    receive(s[1], 64, 1, 0, got);
    receive(s[1], 64, 1, 0, got);
    close(s[0]), close(s[1]), close(e);
}

static void malformed(void)
{
    int s[2], fds[300];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(4)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = 4, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    SHOW(sendmsg(s[0], &m, 0));
    c->cmsg_len = 400;
    SHOW(sendmsg(s[0], &m, 0));
    c->cmsg_len = CMSG_LEN(4);
    c->cmsg_type = 77;
    SHOW(sendmsg(s[0], &m, 0));
    c->cmsg_level = 77;
    SHOW(sendmsg(s[0], &m, 0));
    m.msg_control = BAD;
    SHOW(sendmsg(s[0], &m, 0));
    m.msg_control = NULL;
    m.msg_controllen = 0;
    m.msg_iovlen = 1025;
    SHOW(sendmsg(s[0], &m, 0));
    m.msg_iovlen = 1;
    m.msg_iov = BAD;
    SHOW(sendmsg(s[0], &m, 0));
    SHOW(sendmsg(s[0], BAD, 0));
    SHOW(recvmsg(s[0], BAD, 0));
    static char big[CMSG_SPACE(sizeof(int) * 300)];
    for (int i = 0; i < 300; i++)
        fds[i] = 1;
    m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = big, .msg_controllen = CMSG_SPACE(sizeof(int) * 253)};
    c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int) * 253), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), fds, sizeof(int) * 253);
    SHOW(sendmsg(s[0], &m, 0));
    c->cmsg_len = CMSG_LEN(sizeof(int) * 254);
    m.msg_controllen = CMSG_SPACE(sizeof(int) * 254);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * 254);
    SHOW(sendmsg(s[0], &m, 0));
    close(s[0]), close(s[1]);
}

static void show_credentials(int s, int flags)
{
    char b[16];
    struct iovec v = {b, sizeof b};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 256};
    long r = recvmsg(s, &m, flags);
    struct cmsghdr *c = r > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (!c) {
        printf("received %ld, no control\n", r);
        return;
    }
    struct ucred u;
    memcpy(&u, CMSG_DATA(c), sizeof u);
    printf("received %ld, type %d: pid is mine %d uid %u gid %u\n", r, c->cmsg_type, u.pid == getpid(), u.uid, u.gid);
}

static void credentials(void)
{
    int s[2];
    struct ucred u = {getpid(), 0, 0};
    socklen_t n = sizeof u;
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &n));
    printf("peer: mine %d uid %u gid %u length %u\n", u.pid == getpid(), u.uid, u.gid, n);
    write(s[0], "a", 1);
    show_credentials(s[1], 0);
    SHOW(set_int(s[1], SOL_SOCKET, SO_PASSCRED, 1));
    SHOW(get_int(s[1], SOL_SOCKET, SO_PASSCRED));
    write(s[0], "b", 1);
    write(s[0], "c", 1);
    show_credentials(s[1], MSG_PEEK);
    show_credentials(s[1], 0);
    struct iovec v = {"d", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof u)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof u), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
    u = (struct ucred){getpid(), 12, 34};
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(s[0], &m, 0));
    /* Another sender's bytes do not mix in. */
    write(s[0], "e", 1);
    show_credentials(s[1], 0);
    show_credentials(s[1], 0);
    u.pid = 1 << 22;
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(s[0], &m, 0));
    c->cmsg_len = CMSG_LEN(4);
    SHOW(sendmsg(s[0], &m, 0));
    close(s[0]), close(s[1]);
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
    set_int(s[1], SOL_SOCKET, SO_PASSCRED, 1);
    write(s[0], "f", 1);
    show_credentials(s[1], 0);
    close(s[0]), close(s[1]);
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    n = sizeof u;
    SHOW(getsockopt(l, SOL_SOCKET, SO_PEERCRED, &u, &n));
    printf("unconnected: %d %d %d\n", u.pid, (int)u.uid, (int)u.gid);
    close(l);
}

/* Sockets that hold only each other must not pile up. */
static void cycles(void)
{
    int s[2], failed = 0;
    for (int i = 0; i < 3000; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, s)) {
            failed++;
            continue;
        }
        if (send_fds(s[0], &s[1], 1, "x") != 1 || send_fds(s[1], &s[0], 1, "x") != 1)
            failed++;
        close(s[0]), close(s[1]);
    }
    SHOW(failed);
    /* What a lost cycle held is closed. */
    int p[2];
    pipe(p);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    int both[2] = {s[1], p[1]};
    send_fds(s[0], both, 2, "x");
    close(s[0]), close(s[1]), close(p[1]);
    close(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct pollfd f = {p[0], POLLIN, 0};
    SHOW(poll(&f, 1, 3000));
    SHOW(f.revents);
    /* Reachable through a queue: kept. */
    int in[2], out[2], got[1];
    socketpair(AF_UNIX, SOCK_STREAM, 0, out);
    socketpair(AF_UNIX, SOCK_STREAM, 0, in);
    send_fds(in[0], &in[1], 1, "inner");
    send_fds(out[0], &in[1], 1, "outer");
    close(in[0]), close(in[1]);
    close(socket(AF_UNIX, SOCK_DGRAM, 0));
    receive(out[1], 64, 1, 0, got);
    receive(got[0], 64, 1, 0, got);
    /* A deep chain of sockets in flight unwinds. */
    int before[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, before);
    for (int i = 0; i < 2000; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, s);
        if (send_fds(s[0], before, 2, "x") != 1)
            failed++;
        close(before[0]), close(before[1]);
        before[0] = s[0], before[1] = s[1];
    }
    close(before[0]), close(before[1]);
    SHOW(failed);
}

int main(void)
{
    rights(SOCK_STREAM);
    rights(SOCK_DGRAM);
    borders();
    malformed();
    credentials();
    cycles();
    return 0;
}
