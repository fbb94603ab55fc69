/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_client ADDRESS PORT CONNECTIONS SECONDS FIRST REQUEST REPLY: on each connection sends FIRST once, then REQUEST again and again, each as soon as
 * REPLY bytes came for the last. Prints transactions a second. \r and \n in the two are escapes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++)
        if (*from == '\\' && (from[1] == 'r' || from[1] == 'n'))
            *to++ = *++from == 'r' ? '\r' : '\n';
        else
            *to++ = *from;
    return (size_t)(to - text);
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    int connections = atoi(argv[3]), reply = atoi(argv[7]), poll = epoll_create1(0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2]))};
    size_t first = unescape(argv[5]), request = unescape(argv[6]);
    int *left = calloc((size_t)connections + 64, sizeof(*left));
    long done = 0;
    char data[65536];

    inet_pton(AF_INET, argv[1], &address.sin_addr);
    for (int i = 0; i < connections; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

        if (fd >= connections + 64 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
            perror("connect");
            return 1;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        if (send(fd, argv[5], first, 0) < 0 || send(fd, argv[6], request, 0) < 0)
            return 1;
        left[fd] = reply;
    }
    double start = now(), end = start + atof(argv[4]);

    while (now() < end) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, 1000);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            ssize_t got = recv(fd, data, sizeof(data), 0);

            if (got <= 0) {
                fprintf(stderr, "a connection ended\n");
                return 1;
            }
            left[fd] -= (int)got;
            if (left[fd] > 0)
                continue;
            left[fd] = reply;
            done++;
            if (send(fd, argv[6], request, 0) < 0)
                return 1;
        }
    }
    printf("%.0f\n", (double)done / (now() - start));
    return 0;
}
