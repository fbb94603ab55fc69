/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair OUTER INNER LOSS DUPLICATES REORDERED CORRUPTED DELAY SEED: a bad cable between two tap interfaces. Makes OUTER, which has this side's
 * address, and passes frames between it and INNER, which leads to the VM. The four are chances in 1000 for each frame, both ways; DELAY
 * is in milliseconds. Needs no module of the kernel, as netem would. Ends by a signal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME 2048
#define HELD  8192

static int outer, inner;
static unsigned loss, duplicates, reordered, corrupted;
static double delay;

/* Frames on their way, in the order of their time; few, so a list kept by insertion. */
static struct held {
    double when;
    int to;
    unsigned length;
    unsigned char data[FRAME];
    struct held *next;
} *waiting;
static unsigned count;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int happens(unsigned chance)
{
    return (unsigned)(random() % 1000) < chance;
}

static void hold(int to, const unsigned char *data, unsigned length, double when)
{
    struct held *h = malloc(sizeof(*h)), **at = &waiting;

    if (!h || count >= HELD) {
        free(h);
        return;
    }
    h->when = when;
    h->to = to;
    h->length = length;
    memcpy(h->data, data, length);
    while (*at && (*at)->when <= when)
        at = &(*at)->next;
    h->next = *at;
    *at = h;
    count++;
}

static void pass(int from, int to)
{
    unsigned char data[FRAME];
    struct sockaddr_ll sender;
    socklen_t size = sizeof(sender);
    ssize_t n = from == inner ? recvfrom(from, data, sizeof(data), 0, (struct sockaddr *)&sender, &size) : read(from, data, sizeof(data));

    if (n <= 0 || (from == inner && sender.sll_pkttype == PACKET_OUTGOING))
        return;
    if (happens(loss))
        return;
    double when = now() + delay / 1000;
    if (happens(reordered))
        when += 0.002 + delay / 1000 + (double)(random() % 10) / 1000;
    if (happens(corrupted))
        data[ETH_HLEN + random() % (n - ETH_HLEN > 0 ? n - ETH_HLEN : 1)] ^= (unsigned char)(1u << random() % 8);
    hold(to, data, (unsigned)n, when);
    if (happens(duplicates))
        hold(to, data, (unsigned)n, when + 0.001);
}

static void deliver(void)
{
    while (waiting && waiting->when <= now()) {
        struct held *h = waiting;

        if (write(h->to, h->data, h->length) < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENETDOWN && errno != EIO)
            perror("impair");
        waiting = h->next;
        free(h);
        count--;
    }
}

int main(int argc, char **argv)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int on = 1, buffer = 8 << 20;

    if (argc != 9)
        return 2;
    loss = (unsigned)atoi(argv[3]);
    duplicates = (unsigned)atoi(argv[4]);
    reordered = (unsigned)atoi(argv[5]);
    corrupted = (unsigned)atoi(argv[6]);
    delay = atof(argv[7]);
    srandom((unsigned)atoi(argv[8]));
    outer = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[1]);
    inner = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    address.sll_ifindex = (int)if_nametoindex(argv[2]);
    if (outer < 0 || ioctl(outer, TUNSETIFF, &request) < 0 || inner < 0 || bind(inner, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror("impair");
        return 1;
    }
    setsockopt(inner, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    setsockopt(inner, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd fds[] = {{.fd = outer, .events = POLLIN}, {.fd = inner, .events = POLLIN}};
        int wait = -1;

        if (waiting) {
            double left = (waiting->when - now()) * 1000;

            wait = left <= 0 ? 0 : (int)left + 1;
        }
        poll(fds, 2, wait);
        if (fds[0].revents & POLLIN)
            pass(outer, inner);
        if (fds[1].revents & POLLIN)
            pass(inner, outer);
        deliver();
    }
}
