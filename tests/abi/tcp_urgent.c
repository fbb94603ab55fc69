/* SPDX-License-Identifier: BSD-2-Clause */
/* Urgent data of TCP sockets, and what one says to it that is not connected. */
#include "urgent.h"

static void pair(int v[2])
{
    tcp_pair(v);
}

/* A mark that a read stands at gives way to the next one, with its byte. */
static void replaced(int in_line)
{
    start("another while the read stands at the first", in_line);
    put("a", 0), put("X", MSG_OOB);
    get(s[1], 20, 0);
    put("b", 0), put("Y", MSG_OOB), put("c", 0);
    look(s[1]);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 1, MSG_OOB);
    get(s[1], 20, 0);
    stop();

    start("another when the first was taken", in_line);
    put("a", 0), put("X", MSG_OOB);
    get(s[1], 1, MSG_OOB);
    put("b", 0), put("Y", MSG_OOB);
    get(s[1], 20, 0);
    look(s[1]);
    get(s[1], 20, 0);
    get(s[1], 1, MSG_OOB);
    get(s[1], 20, 0);
    stop();
}

static void waiting(int in_line)
{
    int n;
    start("how much there is", in_line);
    put("abc", 0), put("X", MSG_OOB), put("de", 0);
    SHOW(ioctl(s[1], FIONREAD, &n));
    SHOW(n);
    get(s[1], 3, 0);
    SHOW(ioctl(s[1], FIONREAD, &n));
    SHOW(n);
    get(s[1], 0, MSG_OOB);
    get(s[1], 20, 0);
    SHOW(ioctl(s[1], FIONREAD, &n));
    SHOW(n);
    stop();
}

static void unconnected(void)
{
    char b[4];
    int mark = -1, l = tcp_listener(1), c = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(ioctl(c, SIOCATMARK, &mark));
    SHOW(mark);
    SHOW(recv(c, b, 1, MSG_OOB));
    SHOW(send(c, "x", 1, MSG_OOB | MSG_NOSIGNAL));
    SHOW(ioctl(l, SIOCATMARK, &mark));
    SHOW(mark);
    SHOW(recv(l, b, 1, MSG_OOB));
    SHOW(ioctl(u, SIOCATMARK, &mark));
    close(l), close(c), close(u);
    pair(s);
    SHOW(send(s[0], "", 0, MSG_OOB));
    SHOW(recv(s[1], b, 0, MSG_OOB | MSG_DONTWAIT));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(send(s[0], "x", 1, MSG_OOB | MSG_NOSIGNAL));
    SHOW(recv(s[1], b, 1, MSG_OOB | MSG_DONTWAIT));
    close(s[0]), close(s[1]);
}

/* SO_RCVLOWAT beside the urgent byte, taken or not. */
static void low_water(int taken)
{
    struct pollfd f = {.events = POLLIN};
    int s[2];
    char b[9];

    pair(s);
    f.fd = s[1];
    SHOW(send(s[0], "!", 1, MSG_OOB));
    while (!(poll(&(struct pollfd){s[1], POLLPRI, 0}, 1, 1000)))
        ;
    if (taken)
        SHOW(recv(s[1], b, 1, MSG_OOB));
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &(int){5}, sizeof(int)));
    for (int i = 3; i < 7; i++) {
        SHOW(send(s[0], "abcdef", i == 3 ? 3 : 1, 0));
        printf("%d and the urgent byte: %d\n", i, poll(&f, 1, 20));
    }
    SHOW(recv(s[1], b, 9, 0));
    close(s[0]), close(s[1]);
}

/* A connection that nobody will read: the message is sent as a whole all the same. */
static void to_the_deaf(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
    char b[300] = "";

    SHOW(shutdown(l, SHUT_RDWR));
    SHOW(bind(l, (struct sockaddr *)&a, sizeof(a)));
    SHOW(getsockname(l, (struct sockaddr *)&a, &n));
    SHOW(listen(l, 5));
    SHOW(connect(c, (struct sockaddr *)&a, sizeof(a)));
    SHOW(send(c, b, sizeof(b), MSG_OOB | MSG_NOSIGNAL));
    close(c); /* which tells nothing more */
    SHOW(c = accept(l, NULL, NULL));
    SHOW(recv(c, b, 1, MSG_DONTWAIT));
    SHOW(recv(c, b, 1, MSG_DONTWAIT));
    close(c), close(l);
}

int main(void)
{
    to_the_deaf();
    for (int taken = 0; taken < 2; taken++)
        low_water(taken);
    for (int in_line = 0; in_line < 2; in_line++) {
        sequences(in_line);
        replaced(in_line);
        waiting(in_line);
    }
    unconnected();
    signals();
    return 0;
}
