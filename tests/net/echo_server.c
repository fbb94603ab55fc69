/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of the fault and load tests: one thread, epoll, edge-triggered. The first byte of a connection says what it does:
 *   e   sends back what comes after it
 *   s   then a number in text and a line end: sends so many bytes of the pattern, closes
 *   k   takes bytes until their end, compares them with the pattern, answers "good N\n" or "bad N\n" (where it differs)
 *   z   takes nothing more, and keeps it open
 *   m   answers with free memory in KiB, the number of open connections, and a line end
 * The pattern: byte i is (i * 7 + i / 251) & 255.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define ROOM 65536

struct connection {
    int fd;
    char mode;
    char word[24]; /* of 's': the number so far */
    unsigned word_length;
    int ended;               /* the other side sends no more */
    unsigned long long at;   /* bytes of the pattern, sent or compared */
    unsigned long long total;
    long long differs;       /* where, or -1 */
    unsigned start, end;     /* 'e': what of buffer is to be sent back; any mode: an answer */
    char *buffer;            /* or NULL: not needed now */
};

static long connections;
static char *spare; /* a buffer */

static unsigned char pattern(unsigned long long i)
{
    return (unsigned char)(i * 7 + i / 251);
}

static void room(struct connection *c)
{
    if (!c->buffer) {
        c->buffer = spare ? spare : malloc(ROOM);
        spare = NULL;
    }
}

static void no_room(struct connection *c)
{
    if (spare)
        free(c->buffer);
    else
        spare = c->buffer;
    c->buffer = NULL;
}

static void finish(struct connection *c)
{
    close(c->fd);
    no_room(c);
    free(c);
    connections--;
}

/* Sends what is in the buffer; 0: it would block, -1: the connection is gone. */
static int flush(struct connection *c)
{
    while (c->start < c->end) {
        ssize_t n = send(c->fd, c->buffer + c->start, c->end - c->start, MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        c->start += (unsigned)n;
    }
    c->start = c->end = 0;
    if (c->buffer)
        no_room(c);
    return 1;
}

static int answer(struct connection *c)
{
    room(c);
    if (c->mode == 'k')
        c->end = (unsigned)snprintf(c->buffer, ROOM, "%s %llu\n", c->differs < 0 ? "good" : "bad", c->differs < 0 ? c->at : (unsigned long long)c->differs);
    c->mode = 'x';
    return flush(c);
}

static void take(struct connection *c, const char *data, size_t n)
{
    struct sysinfo info;

    while (n) {
        switch (c->mode) {
        case 0:
            c->mode = *data++;
            n--;
            if (c->mode == 'm') {
                sysinfo(&info);
                room(c);
                c->end = (unsigned)snprintf(c->buffer, ROOM, "%lu %ld\n", (unsigned long)(info.freeram * info.mem_unit >> 10), connections);
                c->mode = 'x';
            }
            break;
        case 's':
            if (*data == '\n') {
                c->total = strtoull(c->word, NULL, 10);
                c->mode = 'S';
            } else if (c->word_length + 1 < sizeof(c->word)) {
                c->word[c->word_length++] = *data;
            }
            data++;
            n--;
            break;
        case 'k':
            for (; n; n--, data++, c->at++)
                if (c->differs < 0 && (unsigned char)*data != pattern(c->at))
                    c->differs = (long long)c->at;
            break;
        case 'e':
            room(c);
            memcpy(c->buffer + c->end, data, n);
            c->end += (unsigned)n;
            return;
        default:
            return;
        }
    }
}

/* Does what can be done now; -1: the connection is over. */
static int serve(struct connection *c)
{
    static char data[ROOM];

    for (;;) {
        int sent = flush(c);

        if (sent <= 0)
            return sent;
        if (c->mode == 'x')
            return -1;
        if (c->mode == 'S') {
            if (c->at == c->total)
                return -1;
            room(c);
            while (c->end < ROOM && c->at < c->total)
                c->buffer[c->end++] = (char)pattern(c->at++);
            continue;
        }
        if (c->ended)
            return c->mode == 'k' ? answer(c) <= 0 ? 0 : -1 : -1;
        if (c->mode == 'z')
            return 0;
        ssize_t n = recv(c->fd, data, sizeof(data), 0);

        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        if (n == 0)
            c->ended = 1;
        take(c, data, (size_t)n);
    }
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 7000, on = 1;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct epoll_event events[256], event = {.events = EPOLLIN};
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, argc > 2 ? atoi(argv[2]) : 4096)) {
        perror("echo_server");
        return 1;
    }
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poll, events, 256, -1);

        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            int fd;

            if (c) {
                if (serve(c) < 0 || (c->mode == 'z' && events[i].events & EPOLLHUP))
                    finish(c);
                continue;
            }
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                c = calloc(1, sizeof(*c));
                *c = (struct connection){.fd = fd, .differs = -1};
                connections++;
                event = (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
