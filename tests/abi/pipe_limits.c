/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * pipe(7): capacity limits with and without privilege, EBUSY, packets read short, edges after partial reads and writes,
 * vmsplice both ways, tee over packets; writes of PIPE_BUF bytes from four threads are never split.
 */
#include "abi.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

static char buf[1 << 17];

static void sizes(const char *who)
{
    int p[2];
    printf("-- %s\n", who);
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 0));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4097));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
    if (geteuid()) /* whether root may depends on where it runs */
        SHOW(fcntl(p[0], F_SETPIPE_SZ, (1 << 20) + 1));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, -1));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 16));
    SHOW(write(p[1], buf, 3 * 4096));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 8192));
    SHOW(read(p[0], buf, 4095));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 8192));
    SHOW(read(p[0], buf, 1));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 8192));
    SHOW(write(p[1], buf, 1));
    SHOW(read(p[0], buf, sizeof buf));
    close(p[0]), close(p[1]);
}

/* A user without privilege has 16384 pages in pipes of usual sizes; what is opened past them gets two. */
static void of_user(void)
{
    int p[70][2];
    struct rlimit r = {256, 256};
    setrlimit(RLIMIT_NOFILE, &r);
    SHOW(setresuid(54321, 54321, 0));
    sizes("a user");
    long bad = 0;
    for (int i = 0; i < 63; i++)
        bad += pipe(p[i]) || fcntl(p[i][0], F_SETPIPE_SZ, 1 << 20) != 1 << 20;
    SHOW(bad);
    SHOW(pipe(p[63]));
    SHOW(fcntl(p[63][0], F_SETPIPE_SZ, 1 << 20));
    SHOW(pipe(p[64]));
    SHOW(fcntl(p[64][0], F_GETPIPE_SZ));
    SHOW(fcntl(p[64][0], F_SETPIPE_SZ, 1 << 14));
    SHOW(fcntl(p[64][0], F_SETPIPE_SZ, 1 << 12));
    SHOW(fcntl(p[64][0], F_SETPIPE_SZ, 1 << 13));
    SHOW(fcntl(p[0][0], F_SETPIPE_SZ, 1 << 12));
    SHOW(pipe(p[65]));
    SHOW(fcntl(p[65][0], F_GETPIPE_SZ));
    for (int i = 1; i < 60; i++)
        close(p[i][0]), close(p[i][1]);
    SHOW(fcntl(p[64][0], F_SETPIPE_SZ, 1 << 16));
    for (int i = 60; i < 66; i++)
        close(p[i][0]), close(p[i][1]);
    close(p[0][0]), close(p[0][1]);
    SHOW(setresuid(0, 0, 0));
}

static void packets(void)
{
    int p[2], q[2], n;
    SHOW(pipe2(p, O_DIRECT | O_NONBLOCK));
    SHOW(pipe2(q, O_NONBLOCK));
    SHOW(write(p[1], "first", 5));
    SHOW(write(p[1], "second", 6));
    SHOW(write(p[1], buf, 4096 + 10));
    SHOW(ioctl(p[0], FIONREAD, &n));
    printf("waiting %d\n", n);
    SHOW(tee(p[0], q[1], 3, 0));
    SHOW(tee(p[0], q[1], 100, 0));
    SHOW(read(q[0], buf, 100));
    SHOW(read(q[0], buf, 100));
    struct iovec v[2] = {{buf, 1}, {buf + 1, 1}};
    SHOW(readv(p[0], v, 2));
    SHOW(read(p[0], buf, 100));
    SHOW(read(p[0], buf, 0));
    SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
    SHOW(splice(p[0], NULL, q[1], NULL, 5000, 0));
    SHOW(read(q[0], buf, sizeof buf));
    SHOW(read(q[0], buf, sizeof buf));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
    SHOW(write(p[1], "ab", 2));
    SHOW(write(p[1], "cd", 2));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
    SHOW(write(p[1], "ab", 2));
    SHOW(write(p[1], "cd", 2));
    SHOW(read(p[0], buf, sizeof buf));
    close(p[0]), close(p[1]), close(q[0]), close(q[1]);
}

static void told(const char *what, int ep)
{
    struct epoll_event e[4];
    int n = epoll_wait(ep, e, 4, 0);
    printf("%s:", what);
    for (int i = 0; i < n; i++)
        printf(" %c=%x", (char)e[i].data.u32, e[i].events);
    printf("\n");
}

#define AFTER(call)       \
    do {                  \
        SHOW(call);       \
        told("  ep", ep); \
    } while (0)

static void edges(void)
{
    int p[2], ep = epoll_create1(0);
    pipe2(p, O_NONBLOCK);
    struct epoll_event r = {EPOLLIN | EPOLLET, {.u32 = 'r'}}, w = {EPOLLOUT | EPOLLET, {.u32 = 'w'}};
    AFTER(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &r));
    AFTER(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &w));
    AFTER(write(p[1], buf, 1));
    AFTER(write(p[1], buf, 65535));
    AFTER(write(p[1], buf, 1));
    AFTER(read(p[0], buf, 1));
    AFTER(write(p[1], buf, 1));
    AFTER(read(p[0], buf, 4095));
    AFTER(read(p[0], buf, 4096));
    AFTER(write(p[1], buf, 10000));
    AFTER(read(p[0], buf, 3 * 4096));
    AFTER(fcntl(p[1], F_SETPIPE_SZ, 1 << 17));
    AFTER(read(p[0], buf, sizeof buf));
    AFTER(write(p[1], buf, 0));
    AFTER(close(p[1]));
    AFTER(read(p[0], buf, 1));
    close(p[0]), close(ep);
}

static void pages(void)
{
    int p[2];
    static char in[8192];
    struct iovec v[3] = {{"one", 3}, {NULL, 0}, {"four", 4}}, out[2] = {{in, 2}, {in + 100, 100}}, bad = {BAD, 5};
    pipe2(p, O_NONBLOCK);
    SHOW(vmsplice(p[1], v, 3, 0));
    SHOW(vmsplice(p[0], out, 2, 0));
    printf("%.2s %.5s\n", in, in + 100);
    SHOW(vmsplice(p[0], out, 2, SPLICE_F_NONBLOCK));
    SHOW(vmsplice(p[1], &bad, 1, 0));
    SHOW(vmsplice(p[1], v, 0, 0));
    SHOW(vmsplice(p[1], v, 1025, 0));
    SHOW(vmsplice(p[1], v, 1, 0x100));
    SHOW(vmsplice(p[1], BAD, 1, 0));
    /* Without a gift the pipe holds the program's page, not a copy. */
    in[0] = 'a';
    v[0] = (struct iovec){in, 4096};
    SHOW(vmsplice(p[1], v, 1, SPLICE_F_GIFT));
    SHOW(read(p[0], buf, sizeof buf));
    close(p[0]);
    SHOW(vmsplice(p[1], v, 1, 0));
    close(p[1]);
}

#define BLOCKS 200
static int pair[2];

static void *write_blocks(void *arg)
{
    char block[PIPE_BUF];
    memset(block, (int)(long)arg, sizeof block);
    long n = 0;
    for (int i = 0; i < BLOCKS; i++)
        n += write(pair[1], block, i % 3 ? PIPE_BUF : 1000);
    return (void *)n;
}

static void atomic(void)
{
    pthread_t t[4];
    void *n;
    long sum = 0, got, at = 0, splits = 0;
    pipe(pair);
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, write_blocks, (void *)('a' + i));
    /* Runs of one letter are sums of 1000s and 4096s if nothing was split. */
    long run = 0;
    char last = 0;
    for (long left = 4l * (BLOCKS / 3 + 1) * 1000 + 4l * (BLOCKS - BLOCKS / 3 - 1) * PIPE_BUF; left; left -= got) {
        got = read(pair[0], buf, (size_t)(left < 3333 ? left : 3333));
        for (long i = 0; i < got; i++) {
            if (buf[i] != last && last) {
                int fits = 0;
                for (long k = 0; k * 1000 <= run; k++)
                    fits |= (run - k * 1000) % PIPE_BUF == 0;
                splits += !fits;
                run = 0;
            }
            last = buf[i];
            run++;
        }
        at += got;
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &n);
        sum += (long)n;
    }
    printf("read %ld of %ld written, split %ld\n", at, sum, splits);
    close(pair[0]), close(pair[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    sizes("root");
    of_user();
    packets();
    edges();
    pages();
    atomic();
    return 0;
}
