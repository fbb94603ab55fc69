/* SPDX-License-Identifier: BSD-2-Clause */
/* Urgent data of stream sockets (MSG_OOB, SO_OOBINLINE, SIOCATMARK, SIGURG): what a test of a kind of them makes with pair(). */
#ifndef ABI_URGENT_H
#define ABI_URGENT_H

#include "sock.h"
#include <linux/sockios.h>

static void pair(int v[2]);

static volatile sig_atomic_t urgents;

static void on_urgent(int signo)
{
    urgents++;
}

static void get(int fd, size_t n, int flags)
{
    char b[32] = {0};
    long r = recv(fd, b, n, flags | MSG_DONTWAIT);
    printf("  %s%s%zu: %ld%s%s '%s'\n", flags & MSG_OOB ? "urgent " : "", flags & MSG_PEEK ? "peek " : "", n, r, r < 0 ? " " : "",
           r < 0 ? strerrorname_np(errno) : "", b);
}

static void look(int fd)
{
    int mark = -1;
    ioctl(fd, SIOCATMARK, &mark);
    printf("  events %x mark %d\n", events(fd), mark);
}

static int s[2];

static void start(const char *what, int in_line)
{
    printf("%s%s\n", what, in_line ? ", in line" : "");
    pair(s);
    set_int(s[1], SOL_SOCKET, SO_OOBINLINE, in_line);
}

static void put(const char *text, int flags)
{
    if (send(s[0], text, strlen(text), flags) != (long)strlen(text))
        printf("  send: %s\n", strerrorname_np(errno));
}

static void stop(void)
{
    close(s[0]);
    look(s[1]);
    get(s[1], 20, 0);
    get(s[1], 20, 0);
    close(s[1]);
}

static void sequences(int in_line)
{
    start("nothing urgent", in_line);
    look(s[1]);
    get(s[1], 1, MSG_OOB);
    put("abc", 0);
    get(s[1], 1, MSG_OOB);
    look(s[1]);
    stop();

    start("in the middle", in_line);
    int waiting;
    put("abc", 0), put("X", MSG_OOB), put("def", 0);
    look(s[1]);
    SHOW(ioctl(s[1], FIONREAD, &waiting));
    SHOW(waiting);
    get(s[1], 20, MSG_PEEK);
    get(s[1], 2, 0);
    look(s[1]);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 1, MSG_OOB | MSG_PEEK);
    get(s[1], 1, MSG_OOB);
    look(s[1]);
    get(s[1], 1, MSG_OOB);
    get(s[1], 20, 0);
    look(s[1]);
    stop();

    start("left at the mark", in_line);
    put("abc", 0), put("X", MSG_OOB), put("def", 0);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 20, MSG_PEEK);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 1, MSG_OOB);
    stop();

    start("taken first", in_line);
    put("abc", 0), put("X", MSG_OOB), put("def", 0);
    get(s[1], 1, MSG_OOB);
    look(s[1]);
    get(s[1], 20, 0);
    look(s[1]);
    stop();

    start("the last byte of several", in_line);
    put("hello", MSG_OOB);
    look(s[1]);
    get(s[1], 20, MSG_OOB);
    get(s[1], 20, 0);
    look(s[1]);
    stop();

    start("two", in_line);
    put("a", 0), put("X", MSG_OOB), put("b", 0), put("Y", MSG_OOB), put("c", 0);
    look(s[1]);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 20, MSG_OOB);
    get(s[1], 20, 0);
    get(s[1], 20, 0);
    stop();

    start("alone", in_line);
    put("X", MSG_OOB);
    look(s[1]);
    get(s[1], 20, MSG_PEEK);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 20, 0);
    get(s[1], 20, MSG_OOB);
    look(s[1]);
    stop();

    start("alone, taken", in_line);
    put("X", MSG_OOB);
    get(s[1], 20, MSG_OOB);
    look(s[1]);
    get(s[1], 20, 0);
    put("more", 0);
    look(s[1]);
    get(s[1], 20, 0);
    stop();

    start("first", in_line);
    put("X", MSG_OOB), put("abc", 0);
    look(s[1]);
    get(s[1], 2, MSG_PEEK);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 20, 0);
    stop();

    start("at the end", in_line);
    put("abc", 0), put("X", MSG_OOB);
    shutdown(s[0], SHUT_WR);
    look(s[1]);
    get(s[1], 20, 0);
    get(s[1], 20, 0);
    get(s[1], 20, 0);
    get(s[1], 20, MSG_OOB);
    stop();

    start("left behind", in_line);
    put("X", MSG_OOB);
    close(s[1]);
    get(s[0], 20, 0);
    get(s[0], 20, 0);
    close(s[0]);

    start("taken and left behind", in_line);
    put("X", MSG_OOB);
    get(s[1], 1, MSG_OOB);
    close(s[1]);
    get(s[0], 20, 0);
    get(s[0], 20, 0);
    close(s[0]);

    start("several ways to read", in_line);
    put("abc", 0), put("X", MSG_OOB), put("def", 0);
    char a[2], b[20] = {0};
    struct iovec v[2] = {{a, 2}, {b, 19}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    SHOW(recvmsg(s[1], &m, MSG_WAITALL | MSG_DONTWAIT));
    SHOW(m.msg_flags);
    SHOW(recvmsg(s[1], &m, MSG_OOB | MSG_DONTWAIT));
    SHOW(m.msg_flags);
    SHOW(read(s[1], b, 20));
    put("pq", 0), put("Z", MSG_OOB), put("r", 0);
    set_int(s[1], SOL_SOCKET, SO_PEEK_OFF, 0);
    get(s[1], 20, MSG_PEEK);
    get(s[1], 20, MSG_OOB);
    get(s[1], 20, 0);
    stop();
}

static void signals(void)
{
    pair(s);
    signal(SIGURG, on_urgent);
    put("X", MSG_OOB);
    SHOW(urgents);
    SHOW(fcntl(s[1], F_SETOWN, getpid()));
    put("Y", MSG_OOB);
    SHOW(urgents);
    put("z", 0);
    SHOW(urgents);
    struct pollfd p = {s[1], POLLPRI, 0};
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    close(s[0]), close(s[1]);
}

#endif
