/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring from many threads. flags: -lpthread
 * cpus: 4
 * Pairs over pipes and sockets, timeouts, cancellations that come in between, rings closed with requests under way.
 */
#include "uring.h"
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define THREADS 4
#define ROUNDS 100

static void fail(const char *what, long a, long b)
{
    printf("%s: %ld %ld\n", what, a, b);
    exit(1);
}

/* Its own ring: a message to itself over a socket pair, read and written by requests, one of them often cancelled. */
static void *own_ring(void *arg)
{
    struct __kernel_timespec ts = {0, 50000};
    long lost = 0;
    struct ring r;
    int s[2];

    ring_open(&r, 16, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        fail("socketpair", errno, 0);
    for (int i = 0; i < ROUNDS; i++) {
        char out[8] = "message", in[8] = "";
        int cancels = i % 3 == 0, want = 2 + cancels;
        struct cqe recv_cqe = {0};
        entry_rw(&r, IORING_OP_RECV, 1, s[0], in, 8, 0);
        if (i % 2 && submit(&r, 0) != 1)
            fail("submit", i, errno);
        entry_rw(&r, IORING_OP_SEND, 2, s[1], out, 8, 0)->flags = i % 5 ? 0 : IOSQE_ASYNC;
        if (cancels)
            entry(&r, IORING_OP_ASYNC_CANCEL, 3, -1)->addr = 1;
        if (submit(&r, 0) < 0)
            fail("submit", i, errno);
        for (int n = 0; n < want; n++) {
            struct cqe c = wait_next(&r);
            if (c.user_data == 2 && c.res != 8)
                fail("send", i, c.res);
            if (c.user_data == 1)
                recv_cqe = c;
        }
        if (recv_cqe.res == -ECANCELED) {
            lost++;
            if (recv(s[0], in, 8, 0) != 8)
                fail("left over", i, errno);
        } else if (recv_cqe.res != 8) {
            fail("recv", i, recv_cqe.res);
        }
        if (memcmp(in, out, 8))
            fail("data", i, 0);
        if (i % 16 == 0) { /* a limit that ends it, or nearly */
            entry_rw(&r, IORING_OP_RECV, 4, s[0], in, 8, 0)->flags = IOSQE_IO_LINK;
            entry_rw(&r, IORING_OP_LINK_TIMEOUT, 5, -1, &ts, 1, 0);
            if (submit(&r, 0) != 2)
                fail("submit", i, errno);
            for (int n = 0; n < 2; n++) {
                struct cqe c = wait_next(&r);
                if (c.user_data == 4 && c.res != -ECANCELED)
                    fail("limited", i, c.res);
            }
        }
    }
    (void)lost;
    close(s[0]);
    close(s[1]);
    close(r.fd);
    return arg;
}

/* One ring for all: each submits under a lock and takes whatever comes. */
static struct ring shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int pipes[THREADS][2];
static long completed;

static void *one_ring(void *arg)
{
    long me = (long)arg;
    static char bytes[THREADS];

    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        entry_rw(&shared, IORING_OP_READ, 1, pipes[me][0], &bytes[me], 1, 0);
        entry_rw(&shared, IORING_OP_WRITE, 2, pipes[me][1], "x", 1, 0);
        if (submit(&shared, 0) != 2)
            fail("shared submit", i, errno);
        pthread_mutex_unlock(&lock);
        for (int n = 0; n < 2; n++) {
            struct cqe c;
            for (;;) {
                pthread_mutex_lock(&lock);
                int got = next(&shared, &c);
                if (got)
                    completed++;
                pthread_mutex_unlock(&lock);
                if (got || __atomic_load_n(&completed, __ATOMIC_RELAXED) == THREADS * ROUNDS * 2)
                    break;
                struct __kernel_timespec ts = {0, 1000000};
                struct io_uring_getevents_arg wait = {.ts = (uintptr_t)&ts};
                enter(shared.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &wait, sizeof(wait));
            }
        }
    }
    return NULL;
}

/* Rings that go with requests under way: reads, polls, timeouts, a worker that sleeps. */
static void *closing(void *arg)
{
    struct __kernel_timespec ts = {1000, 0};

    for (int i = 0; i < ROUNDS / 4; i++) {
        struct ring r;
        int p[2];
        char c[4];
        ring_open(&r, 8, 0);
        if (pipe(p))
            fail("pipe", errno, 0);
        entry_rw(&r, IORING_OP_READ, 1, p[0], c, 1, 0);
        entry(&r, IORING_OP_POLL_ADD, 2, p[0])->poll32_events = POLLIN;
        entry_rw(&r, IORING_OP_TIMEOUT, 3, -1, &ts, 1, 0);
        entry(&r, IORING_OP_NOP, 4, -1)->flags = IOSQE_IO_DRAIN;
        if (i % 2)
            entry_rw(&r, IORING_OP_READ, 5, p[0], c, 1, 0)->flags = IOSQE_ASYNC;
        if (submit(&r, 0) < 4)
            fail("submit", i, errno);
        munmap(r.rings, 4096);
        munmap(r.sqes, 4096);
        close(r.fd);
        if (i % 3 == 0 && write(p[1], "abc", 3) != 3)
            fail("write", i, errno);
        close(p[0]);
        close(p[1]);
    }
    return arg;
}

static void run(const char *what, void *(*fn)(void *), int n)
{
    pthread_t t[THREADS];

    for (long i = 0; i < n; i++)
        pthread_create(&t[i], NULL, fn, (void *)i);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    printf("%s\n", what);
    fflush(stdout);
}

int main(void)
{
    run("each its own ring", own_ring, THREADS);
    ring_open(&shared, 64, 0);
    for (int i = 0; i < THREADS; i++)
        if (pipe(pipes[i]))
            return 1;
    run("one ring for all", one_ring, THREADS);
    printf("%ld\n", completed);
    close(shared.fd);
    run("closing rings", closing, THREADS);
    struct ring last;
    ring_open(&last, 8, 0);
    /* What is left waiting goes with the process. */
    entry(&last, IORING_OP_POLL_ADD, 2, pipes[0][0])->poll32_events = POLLIN;
    printf("%d\n", submit(&last, 0));
    return 7;
}
