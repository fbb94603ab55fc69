/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * One socket of the Internet in the hands of many threads, which bind, connect, disconnect, listen and send at the same moment: it has
 * one port, and the port is free again when it is closed.
 */
#include "sock.h"
#include <stdatomic.h>

#define THREADS 4
#define ROUNDS  300

static pthread_barrier_t begin, end;
static int fd;
static struct sockaddr_in mine, other;
static atomic_int done;

static int (*what)(int i);

static void *run(void *arg)
{
    for (int k = 0; k < ROUNDS; k++) {
        pthread_barrier_wait(&begin);
        if (what((int)(long)arg) == 0)
            done++;
        pthread_barrier_wait(&end);
    }
    return NULL;
}

static int make(int type)
{
    int s = socket(AF_INET, type | SOCK_NONBLOCK, 0), reuse = type == SOCK_STREAM; /* Linux remembers connections from the port for a while */
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    return s;
}

/* Each round has a socket of its own; `wanted` is how many of the threads must be successful, -1: any. */
static void all_at_once(const char *name, int type, int (*call)(int i), int wanted)
{
    pthread_t threads[THREADS];
    int wrong = 0, taken = 0, port = ntohs(mine.sin_port);

    what = call;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    for (int k = 0; k < ROUNDS; k++) {
        fd = make(type);
        done = 0;
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&end);
        wrong += wanted >= 0 && done != wanted;
        if (wanted == 1)
            wrong += ntohs(local_name(fd).sin_port) != port;
        close(fd);
        fd = make(type);
        taken += bind(fd, (void *)&mine, sizeof mine) != 0;
        close(fd);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%s: wrong %d, port taken afterwards %d\n", name, wrong, taken);
}

static int bind_one(int i)
{
    return bind(fd, (void *)&mine, sizeof mine);
}

static int send_one(int i)
{
    return sendto(fd, "x", 1, 0, (void *)&other, sizeof other) != 1;
}

static int unconnect(void)
{
    return connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof other);
}

static int datagram_any(int i)
{
    for (int k = 0; k < 4; k++) {
        if (i == 0)
            bind(fd, (void *)&mine, sizeof mine);
        else if (i == 1)
            unconnect();
        else if (i == 2)
            connect(fd, (void *)&other, sizeof other);
        send_one(i);
    }
    return 0;
}

static int stream_any(int i)
{
    for (int k = 0; k < 4; k++) {
        if (i == 0)
            connect(fd, (void *)&other, sizeof other);
        else if (i == 1)
            unconnect();
        else if (i == 2)
            bind(fd, (void *)&mine, sizeof mine);
        else
            listen(fd, 5), shutdown(fd, SHUT_RD);
    }
    return 0;
}

int main(void)
{
    int udp = socket(AF_INET, SOCK_DGRAM, 0), full = tcp_listener(0), probe = socket(AF_INET, SOCK_STREAM, 0);

    pthread_barrier_init(&begin, NULL, THREADS + 1);
    pthread_barrier_init(&end, NULL, THREADS + 1);
    /* A port that nobody has: named, and let go. */
    mine = at("127.0.0.1", 0);
    bind(probe, (void *)&mine, sizeof mine);
    mine = local_name(probe);
    close(probe);
    all_at_once("bind UDP", SOCK_DGRAM, bind_one, 1);
    all_at_once("bind TCP", SOCK_STREAM, bind_one, 1);
    other = at("127.0.0.1", 0);
    bind(udp, (void *)&other, sizeof other);
    other = local_name(udp);
    all_at_once("send UDP", SOCK_DGRAM, send_one, THREADS);
    all_at_once("any of UDP", SOCK_DGRAM, datagram_any, -1);
    other = local_name(full);
    all_at_once("any of TCP", SOCK_STREAM, stream_any, -1);
    return 0;
}
