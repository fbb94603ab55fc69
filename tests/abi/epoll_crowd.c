/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listener that many connections wait at, among files that are always ready, in a server that accepts one connection at each event: each
 * connection is accepted after few events of the others, each of the others is seen as long as the crowd lasts, and no file twice in a call.
 */
#include "abi.h"
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define OTHERS  100
#define CLIENTS 60

static struct epoll_event out[OTHERS + 8];

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0);
    int seen[OTHERS + 1] = {0}, accepted = 0, twice = 0, calls = 0, unseen = 0;
    uint64_t left_over = 0;

    SHOW(bind(listener, (struct sockaddr *)&a, sizeof a));
    SHOW(listen(listener, 100));
    getsockname(listener, (struct sockaddr *)&a, &length);
    for (int i = 0; i <= OTHERS; i++) {
        struct epoll_event e = {.events = EPOLLIN | (i % 3 == 1 ? 1u << 27 : 0), .data.u32 = (unsigned)i};
        epoll_ctl(ep, EPOLL_CTL_ADD, i < OTHERS ? eventfd(1, 0) : listener, &e);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a))
            printf("connect failed\n");
    while (accepted < CLIENTS && calls < 1000) {
        int n = epoll_wait(ep, out, OTHERS + 8, 1000), before[OTHERS + 1] = {0};

        calls++;
        for (int i = 0; i < n; i++) {
            unsigned who = out[i].data.u32;

            twice += before[who]++;
            seen[who]++;
            left_over |= out[i].events & ~(uint32_t)EPOLLIN;
            if (who == OTHERS && accept(listener, NULL, NULL) >= 0)
                accepted++;
        }
    }
    for (int i = 0; i <= OTHERS; i++)
        unseen += !seen[i];
    printf("accepted %d, never seen %d, twice in a call %d, other bits %llx\n", accepted, unseen, twice, (unsigned long long)left_over);
    printf("in at most two calls each: %d\n", calls <= 2 * CLIENTS);
    SHOW(epoll_wait(ep, out, OTHERS + 8, 0));
    return 0;
}
