/* SPDX-License-Identifier: BSD-2-Clause */
/* Urgent data of AF_UNIX stream sockets (MSG_OOB, SO_OOBINLINE, SIOCATMARK, SIGURG), and what other kinds say to it. */
#include "urgent.h"

static void pair(int v[2])
{
    socketpair(AF_UNIX, SOCK_STREAM, 0, v);
}

static void others(void)
{
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    char b[4];
    for (int i = 0; i < 2; i++) {
        socketpair(AF_UNIX, types[i], 0, s);
        SHOW(send(s[0], "x", 1, MSG_OOB));
        SHOW(recv(s[1], b, 1, MSG_OOB | MSG_DONTWAIT));
        int mark;
        SHOW(ioctl(s[1], SIOCATMARK, &mark));
        close(s[0]), close(s[1]);
    }
    int u = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(send(u, "x", 1, MSG_OOB | MSG_NOSIGNAL));
    SHOW(recv(u, b, 1, MSG_OOB));
    close(u);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(send(s[0], "", 0, MSG_OOB));
    SHOW(recv(s[1], b, 0, MSG_OOB | MSG_DONTWAIT));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(send(s[0], "x", 1, MSG_OOB | MSG_NOSIGNAL));
    close(s[1]);
    SHOW(send(s[0], "x", 1, MSG_OOB | MSG_NOSIGNAL));
    close(s[0]);
}

int main(void)
{
    sequences(0);
    sequences(1);
    others();
    signals();
    return 0;
}
