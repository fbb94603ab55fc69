/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX, unix(7): poll after each way of shutdown with data waiting, splice and sendfile with
 * sockets, MSG_EOR and record ends of seqpacket, descriptors in flight against RLIMIT_NOFILE.
 */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/uio.h>

static char buf[1 << 17];
static int s[2];

static void events(const char *what)
{
    struct pollfd p[2] = {
        {s[0], POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRBAND, 0},
        {s[1], POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRBAND, 0}};
    poll(p, 2, 0);
    printf("  %s: %x %x\n", what, p[0].revents, p[1].revents);
}

static void shutdowns(int type, const char *name)
{
    static const char *const hows[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR", "close"};
    for (int how = 0; how < 4; how++)
        for (int data = 0; data < 2; data++) {
            printf("-- %s %s, %s\n", name, hows[how], data ? "data waiting" : "empty");
            socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
            if (data) {
                SHOW(write(s[0], "to one", 6));
                SHOW(write(s[1], "to zero", 7));
            }
            events("before");
            CALL(hows[how], how < 3 ? shutdown(s[0], how) : close(s[0]));
            if (how == 3)
                s[0] = -1;
            events("after");
            SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
            SHOW(recv(s[1], buf, 3, 0));
            events("read some");
            SHOW(recv(s[1], buf, 100, 0));
            SHOW(recv(s[1], buf, 100, 0));
            events("read all");
            if (how < 3) {
                SHOW(send(s[0], "y", 1, MSG_NOSIGNAL));
                SHOW(recv(s[0], buf, 100, 0));
                SHOW(recv(s[0], buf, 100, 0));
                events("other side");
                SHOW(shutdown(s[1], SHUT_RDWR));
                events("both");
                close(s[0]);
            }
            close(s[1]);
        }
}

static void moves(int type, const char *name)
{
    int p[2], f = open("moves.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t at = 2;
    printf("-- %s\n", name);
    write(f, "0123456789", 10);
    pipe2(p, O_NONBLOCK);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
    SHOW(sendfile(s[0], f, &at, 5));
    printf("at %ld\n", (long)at);
    SHOW(recv(s[1], buf, 100, 0));
    printf("%.5s\n", buf);
    SHOW(splice(s[1], NULL, p[1], NULL, 100, 0));
    SHOW(write(s[0], "hello", 5));
    SHOW(write(s[0], "world", 5));
    SHOW(splice(s[1], NULL, p[1], NULL, 3, 0));
    SHOW(splice(s[1], NULL, p[1], NULL, 100, 0));
    SHOW(splice(s[1], &at, p[1], NULL, 100, 0));
    SHOW(splice(p[0], NULL, s[0], NULL, 4, 0));
    SHOW(splice(p[0], NULL, s[0], NULL, 100, SPLICE_F_MORE));
    SHOW(recv(s[1], buf, 3, 0));
    SHOW(recv(s[1], buf, 100, 0));
    SHOW(recv(s[1], buf, 100, 0));
    SHOW(sendfile(f, s[1], NULL, 10));
    SHOW(sendfile(s[0], s[1], NULL, 10));
    SHOW(tee(s[1], p[1], 10, 0));
    SHOW(vmsplice(s[0], &(struct iovec){buf, 3}, 1, 0));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(splice(s[1], NULL, p[1], NULL, 100, 0));
    write(p[1], "abc", 3);
    SHOW(splice(p[0], NULL, s[0], NULL, 3, 0));
    SHOW(sendfile(s[0], f, &at, 5));
    close(s[1]);
    SHOW(splice(p[0], NULL, s[0], NULL, 3, 0));
    close(s[0]), close(p[0]), close(p[1]), close(f);
    unlink("moves.file");
}

/* A full listener is told of before the caller's own state; a sender gets no name for an address that is none. */
static void order_of_errors(void)
{
    struct sockaddr_un full = {AF_UNIX, "\0full"}, who = {AF_UNIX, ""};
    socklen_t n = sizeof who;
    int on = 1, listener = socket(AF_UNIX, SOCK_SEQPACKET, 0), client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
    SHOW(bind(listener, (struct sockaddr *)&full, 7));
    SHOW(listen(listener, 0));
    SHOW(connect(client, (struct sockaddr *)&full, 7));
    SHOW(connect(client, (struct sockaddr *)&full, 7));
    close(accept(listener, NULL, NULL));
    SHOW(connect(client, (struct sockaddr *)&full, 7));
    close(listener), close(client);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, (void *)8, 8));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &on, 3));
    SHOW(sendto(s[0], "x", 1, 0, (struct sockaddr *)&who, 2));
    SHOW(getpeername(s[1], (struct sockaddr *)&who, &n));
    printf("%u\n", n);
    close(s[1]);
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    n = sizeof who;
    SHOW(getsockname(s[0], (struct sockaddr *)&who, &n));
    printf("%u\n", n);
    close(s[0]);
}

static void record(int flags)
{
    struct iovec v = {buf, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    CALL("recvmsg", recvmsg(s[1], &m, flags));
    printf("  flags %x\n", m.msg_flags);
}

static void records(int type, const char *name)
{
    printf("-- %s\n", name);
    socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
    SHOW(send(s[0], "abc", 3, MSG_EOR));
    SHOW(send(s[0], "longer", 6, 0));
    SHOW(send(s[0], "third", 5, MSG_EOR));
    SHOW(send(s[0], "", 0, 0));
    SHOW(send(s[0], "last", 4, 0));
    record(0);
    record(MSG_PEEK);
    record(MSG_TRUNC);
    record(MSG_PEEK | MSG_TRUNC);
    record(0);
    record(0);
    record(0);
    record(0);
    SHOW(send(s[0], "x", 1, MSG_OOB | MSG_EOR));
    SHOW(send(s[0], buf, sizeof buf, 0) > 0);
    close(s[0]);
    for (int i = 0; i < 3; i++) {
        struct pollfd p = {s[1], POLLIN | POLLRDHUP, 0};
        poll(&p, 1, 0);
        printf("  %x\n", p.revents);
        recv(s[1], buf, sizeof buf, 0);
    }
    record(0);
    close(s[1]);
}

static long pass(int n)
{
    union {
        char space[CMSG_SPACE(253 * sizeof(int))];
        struct cmsghdr align;
    } c;
    struct iovec v = {buf, 1};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &c,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    memset(&c, 0, sizeof c);
    c.align = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)n * sizeof(int)),
                               .cmsg_level = SOL_SOCKET,
                               .cmsg_type = SCM_RIGHTS};
    for (int i = 0; i < n; i++)
        memcpy(CMSG_DATA(&c.align) + (size_t)i * sizeof(int), &s[0], sizeof(int));
    return sendmsg(s[0], &m, MSG_NOSIGNAL);
}

/* The listener is closed before it took the connection. */
static void not_accepted(int type, const char *name)
{
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    socklen_t n = sizeof own;
    int listener = socket(AF_UNIX, type, 0), client = socket(AF_UNIX, type, 0);
    printf("%s\n", name);
    SHOW(bind(listener, (struct sockaddr *)&own, sizeof(sa_family_t)));
    SHOW(getsockname(listener, (struct sockaddr *)&own, &n) < 0);
    SHOW(listen(listener, 1));
    SHOW(connect(client, (struct sockaddr *)&own, n));
    close(listener);
    SHOW(recv(client, buf, 1, 0));
    SHOW(recv(client, buf, 1, 0));
    close(client);
}

static void in_flight(void)
{
    struct rlimit r = {20, 20};
    setrlimit(RLIMIT_NOFILE, &r);
    SHOW(setresuid(54322, 54322, 54322));
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    SHOW(pass(10));
    SHOW(pass(10));
    SHOW(pass(1));
    SHOW(pass(1));
    SHOW(pass(253));
    SHOW(write(s[0], "z", 1));
    SHOW(read(s[1], buf, 1));
    SHOW(pass(1));
    SHOW(read(s[1], buf, 1));
    SHOW(read(s[1], buf, 1));
    SHOW(pass(1));
    close(s[0]), close(s[1]);
}

/* What a socket was shut down for before it is connected stays so. */
static void shut_before(int how)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0unix_edges.shut"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), server;
    char c;

    SHOW(shutdown(client, how));
    SHOW(bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 1));
    SHOW(connect(client, (struct sockaddr *)&a, sizeof(a)));
    SHOW(server = accept(listener, NULL, NULL));
    SHOW(send(client, "a", 1, MSG_NOSIGNAL));
    SHOW(recv(server, &c, 1, MSG_DONTWAIT));
    SHOW(send(server, "a", 1, MSG_NOSIGNAL));
    SHOW(recv(client, &c, 1, MSG_DONTWAIT));
    struct pollfd p = {client, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    printf("poll %#x\n", (unsigned)p.revents);
    close(server), close(client), close(listener);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    order_of_errors();
    shutdowns(SOCK_STREAM, "stream");
    shutdowns(SOCK_SEQPACKET, "seqpacket");
    shutdowns(SOCK_DGRAM, "datagram");
    moves(SOCK_STREAM, "stream");
    moves(SOCK_SEQPACKET, "seqpacket");
    moves(SOCK_DGRAM, "datagram");
    records(SOCK_SEQPACKET, "seqpacket");
    records(SOCK_DGRAM, "datagram");
    records(SOCK_STREAM, "stream");
    not_accepted(SOCK_STREAM, "stream");
    not_accepted(SOCK_SEQPACKET, "seqpacket");
    in_flight();
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++)
        shut_before(how);
    return 0;
}
