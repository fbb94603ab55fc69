/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of a ring of buffers that requests take, find nothing to receive, and give back, while others take the next.
 * flags: -lpthread
 * cpus: 4
 * All receive from one socket, by themselves or through workers, so each message wakes all, of which one gets it. There are as many
 * buffers as threads: none may be lost, and none may be in two hands.
 */
#include "uring.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>

#define THREADS 4
#define ROUNDS 6000
#define BUFFERS 4
#define SIZE 64

static struct ring ring;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct io_uring_buf_ring *buffers;
static unsigned short tail;
static char memory[BUFFERS][SIZE];
static struct worker {
    pthread_t thread;
    sem_t done;
    int again;
} workers[THREADS];
static int sockets[2];
static char came[THREADS * ROUNDS + BUFFERS + 1];

static void fail(const char *what, long a, long b)
{
    printf("%s: %ld %ld\n", what, a, b);
    exit(1);
}

static void give_back(unsigned id)
{
    struct io_uring_buf *b = &buffers->bufs[tail & (BUFFERS - 1)];

    b->addr = (uint64_t)memory[id];
    b->len = SIZE;
    b->bid = (unsigned short)id;
    __atomic_store_n(&buffers->tail, ++tail, __ATOMIC_RELEASE);
}

static void receive(unsigned worker, int async)
{
    pthread_mutex_lock(&lock);
    struct io_uring_sqe *s = entry(&ring, IORING_OP_RECV, worker, sockets[0]);
    s->flags = (unsigned char)(IOSQE_BUFFER_SELECT | (async ? IOSQE_ASYNC : 0));
    s->len = SIZE;
    s->buf_group = 7;
    if (submit(&ring, 0) != 1)
        fail("submit", worker, errno);
    pthread_mutex_unlock(&lock);
}

static void fill(unsigned words[SIZE / 4], unsigned n)
{
    for (int i = 0; i < SIZE / 4; i++)
        words[i] = n;
}

static void send_message(unsigned n)
{
    unsigned words[SIZE / 4];

    fill(words, n);
    if (send(sockets[1], words, SIZE, 0) != SIZE)
        fail("send", n, errno);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    unsigned me = (unsigned)(w - workers);

    for (unsigned n = 0; n < ROUNDS; n++) {
        receive(me, (n + me) % 3 == 0);
        send_message(me * ROUNDS + n);
        for (;;) {
            sem_wait(&w->done);
            if (!w->again)
                break;
            sched_yield();
            receive(me, 1); /* others had all buffers */
        }
    }
    return NULL;
}

/* What came with a completion is what was sent, for the first time; returns its buffer. */
static unsigned check(const struct cqe *c)
{
    unsigned words[SIZE / 4], id = c->flags >> IORING_CQE_BUFFER_SHIFT, n;

    if (c->res != SIZE || !(c->flags & IORING_CQE_F_BUFFER) || id >= BUFFERS)
        fail("completion", c->res, c->flags);
    memcpy(&n, memory[id], sizeof(n));
    fill(words, n);
    if (n >= sizeof(came) || came[n]++ || memcmp(words, memory[id], SIZE))
        fail("another's data", n, id);
    memset(memory[id], 0xee, SIZE);
    return id;
}

int main(void)
{
    unsigned left = THREADS * ROUNDS, seen = 0;
    struct io_uring_buf_reg r = {.ring_entries = BUFFERS, .bgid = 7};

    ring_open(&ring, 64, 0);
    buffers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r.ring_addr = (uint64_t)buffers;
    SHOW(reg(ring.fd, IORING_REGISTER_PBUF_RING, &r, 1));
    for (unsigned i = 0; i < BUFFERS; i++)
        give_back(i);
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets))
        fail("socketpair", errno, 0);
    for (struct worker *w = workers; w < workers + THREADS; w++)
        sem_init(&w->done, 0, 0);
    for (struct worker *w = workers; w < workers + THREADS; w++)
        pthread_create(&w->thread, NULL, work, w);
    while (left) {
        struct cqe c = wait_next(&ring);
        struct worker *w = &workers[c.user_data];

        w->again = c.res == -ENOBUFS;
        if (!w->again) {
            give_back(check(&c));
            left--;
        }
        sem_post(&w->done);
    }
    for (struct worker *w = workers; w < workers + THREADS; w++)
        pthread_join(w->thread, NULL);
    printf("all messages came\n");
    for (unsigned i = 0; i <= BUFFERS; i++) {
        send_message(THREADS * ROUNDS + i);
        receive(0, 0);
        struct cqe c = wait_next(&ring);
        if (i < BUFFERS)
            seen |= 1u << check(&c);
        else
            printf("without buffers: %s\n", c.res < 0 ? strerrorname_np(-c.res) : "received");
    }
    printf("buffers seen: %#x\n", seen);
    return 0;
}
