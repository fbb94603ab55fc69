// SPDX-License-Identifier: BSD-2-Clause
/* What threads say to each other by pipes, AF_UNIX sockets, semaphores, queues and shared memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define PIECE      65536
#define SHARED     (256l << 10)
#define PAGE_BYTES 4096

static char out[PIECE], in[PIECE];

/* ------------------------------------------------------------------ descriptors, both ends the
 * caller's */

static int fds[2]; /* what the rows write to, and read from */

static void make_pipe(void)
{
    int both[2];

    MUST(!pipe(both));
    fds[0] = both[1];
    fds[1] = both[0];
}

static void close_both(void)
{
    close(fds[0]);
    close(fds[1]);
}

static double exchange(long n, size_t size)
{
    uint64_t start = now();

    for (long i = n; i; i--) {
        MUST(write(fds[0], out, size) == (ssize_t)size);
        for (size_t got = 0; got < size;) {
            ssize_t one = read(fds[1], in, size - got);

            MUST(one > 0);
            got += one;
        }
    }
    double each = since(start, n);
    close_both();
    return each;
}

static double run_pipe_64k(long n)
{
    make_pipe();
    return exchange(n, PIECE);
}

static double socket_exchange(int type, long n)
{
    MUST(!socketpair(AF_UNIX, type, 0, fds));
    return exchange(n, 1);
}

static double run_stream(long n)
{
    return socket_exchange(SOCK_STREAM, n);
}

static double run_datagram(long n)
{
    return socket_exchange(SOCK_DGRAM, n);
}

static double run_seqpacket(long n)
{
    return socket_exchange(SOCK_SEQPACKET, n);
}

/* ------------------------------------------------------------------ from one thread to another */

static void play_transfer(int me, long n)
{
    for (long left = n * PIECE; left;) {
        ssize_t one = me ? read(fds[1], in, PIECE) : write(fds[0], out, PIECE);

        MUST(one > 0);
        left -= one;
    }
}

static double transfer(long n)
{
    double each = two(play_transfer, n, 0) / n;

    close_both();
    return each;
}

static double run_pipe_transfer(long n)
{
    make_pipe();
    return transfer(n);
}

static double run_stream_transfer(long n)
{
    MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    return transfer(n);
}

/* ------------------------------------------------------------------ to and fro */

static void play_socket(int me, long n)
{
    char c = 'x';

    while (n--) {
        if (!me)
            MUST(write(fds[0], &c, 1) == 1);
        MUST(read(fds[me], &c, 1) == 1);
        if (me)
            MUST(write(fds[1], &c, 1) == 1);
    }
}

static double socket_players(int type, long n, int one_cpu)
{
    MUST(!socketpair(AF_UNIX, type, 0, fds));
    double each = two(play_socket, n, one_cpu) / n;
    close_both();
    return each;
}

static double run_stream_one_cpu(long n)
{
    return socket_players(SOCK_STREAM, n, 1);
}

static double run_stream_any(long n)
{
    return socket_players(SOCK_STREAM, n, 0);
}

static double run_datagram_one_cpu(long n)
{
    return socket_players(SOCK_DGRAM, n, 1);
}

static double run_seqpacket_one_cpu(long n)
{
    return socket_players(SOCK_SEQPACKET, n, 1);
}

/* ------------------------------------------------------------------ System V semaphores */

static int semaphores;

static void change(int which, int by)
{
    struct sembuf operation = {which, by, 0};

    MUST(!semop(semaphores, &operation, 1));
}

static void make_semaphores(void)
{
    semaphores = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
    MUST(semaphores >= 0);
}

static double run_semop(long n)
{
    make_semaphores();
    uint64_t start = now();
    for (long i = n; i; i--) {
        change(0, 1);
        change(0, -1);
    }
    double each = since(start, n);
    semctl(semaphores, 0, IPC_RMID);
    return each;
}

static void play_semop(int me, long n)
{
    while (n--) {
        if (!me)
            change(1, 1);
        change(me, -1);
        if (me)
            change(0, 1);
    }
}

static double run_semop_one_cpu(long n)
{
    make_semaphores();
    double each = two(play_semop, n, 1) / n;
    semctl(semaphores, 0, IPC_RMID);
    return each;
}

/* ------------------------------------------------------------------ POSIX message queues */

#define MESSAGE 64

static mqd_t queues[2];

static void make_queues(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = MESSAGE};

    for (int i = 0; i < 2; i++) {
        queues[i] = mq_open("/aril-bench", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
        MUST(queues[i] >= 0);
        mq_unlink("/aril-bench");
    }
}

static void close_queues(void)
{
    mq_close(queues[0]);
    mq_close(queues[1]);
}

static double run_mq(long n)
{
    make_queues();
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(!mq_send(queues[0], out, MESSAGE, 0) &&
             mq_receive(queues[0], in, MESSAGE, NULL) == MESSAGE);
    double each = since(start, n);
    close_queues();
    return each;
}

static void play_mq(int me, long n)
{
    char message[MESSAGE] = {0};

    while (n--) {
        if (!me)
            MUST(!mq_send(queues[1], message, MESSAGE, 0));
        MUST(mq_receive(queues[me], message, MESSAGE, NULL) == MESSAGE);
        if (me)
            MUST(!mq_send(queues[0], message, MESSAGE, 0));
    }
}

static double run_mq_one_cpu(long n)
{
    make_queues();
    double each = two(play_mq, n, 1) / n;
    close_queues();
    return each;
}

/* ------------------------------------------------------------------ shared memory */

static void touch(volatile char *at)
{
    for (long i = 0; i < SHARED; i += PAGE_BYTES)
        at[i] = 1;
}

/* A segment of which every page is there: what it costs to come and go. */
static double run_shmat(long n)
{
    int id = shmget(IPC_PRIVATE, SHARED, IPC_CREAT | 0600);
    char *at = shmat(id, NULL, 0);

    MUST(id >= 0 && at != (void *)-1);
    shmctl(id, IPC_RMID, NULL);
    touch(at);
    uint64_t start = now();
    for (long i = n; i; i--) {
        char *again = shmat(id, NULL, 0);

        MUST(again != (void *)-1);
        touch(again);
        MUST(!shmdt(again));
    }
    double each = since(start, n);
    shmdt(at);
    return each;
}

/* A file for each round, as programs that share a buffer do. */
static double run_shm_open(long n)
{
    uint64_t start = now();

    for (long i = n; i; i--) {
        int fd = shm_open("/aril-bench-shm", O_RDWR | O_CREAT | O_EXCL, 0600);

        MUST(fd >= 0 && !ftruncate(fd, SHARED));
        char *at = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        MUST(at != MAP_FAILED);
        touch(at);
        munmap(at, SHARED);
        close(fd);
        shm_unlink("/aril-bench-shm");
    }
    return since(start, n);
}

const struct row ipc_rows[] = {
    {"pipe, write and read 64 KiB", run_pipe_64k, 20, 0},
    {"pipe, 64 KiB to another thread", run_pipe_transfer, 50, 0},
    {"unix stream, write and read 1 B", run_stream, 500, 0},
    {"unix datagram, write and read 1 B", run_datagram, 500, 0},
    {"unix seqpacket, write and read 1 B", run_seqpacket, 500, 0},
    {"unix stream to and fro, one CPU", run_stream_one_cpu, 200, 0},
    {"unix stream to and fro, any CPU", run_stream_any, 200, 0},
    {"unix datagram to and fro, one CPU", run_datagram_one_cpu, 200, 0},
    {"unix seqpacket to and fro, one CPU", run_seqpacket_one_cpu, 200, 0},
    {"unix stream, 64 KiB to another thread", run_stream_transfer, 50, 0},
    {"semop, up and down", run_semop, 500, 0},
    {"semop to and fro, one CPU", run_semop_one_cpu, 200, 0},
    {"mq, send and receive 64 B", run_mq, 500, 0},
    {"mq to and fro, one CPU", run_mq_one_cpu, 200, 0},
    {"shmat, touch, shmdt 256 KiB", run_shmat, 50, 0},
    {"shm_open, touch, unlink 256 KiB", run_shm_open, 10, 0},
    {0},
};
