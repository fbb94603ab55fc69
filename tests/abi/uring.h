/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of io_uring: a ring by raw calls, entries, and completions printed in the order of their user_data. */
#ifndef ABI_URING_H
#define ABI_URING_H

#include "abi.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

/* struct io_uring_cqe without what big ones have. */
struct cqe {
    uint64_t user_data;
    int res;
    unsigned flags;
};

struct ring {
    int fd;
    struct io_uring_params p;
    char *rings;
    struct io_uring_sqe *sqes;
    unsigned tail;
};

static inline int enter(int fd, unsigned submit, unsigned least, unsigned flags, void *arg, size_t size)
{
    return (int)syscall(SYS_io_uring_enter, fd, submit, least, flags, arg, size);
}

static inline int reg(int fd, unsigned op, const void *arg, unsigned n)
{
    return (int)syscall(SYS_io_uring_register, fd, op, arg, n);
}

static inline unsigned *sq_field(struct ring *r, unsigned offset)
{
    return (unsigned *)(r->rings + offset);
}

/* A ring, or the end of the test. */
static inline void ring_open_params(struct ring *r, unsigned entries)
{
    r->fd = (int)syscall(SYS_io_uring_setup, entries, &r->p);
    if (r->fd < 0) {
        printf("io_uring_setup: %s\n", strerrorname_np(errno));
        exit(1);
    }
    size_t n = r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned), m = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
    r->rings = mmap(NULL, n > m ? n : m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
    r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
    if (r->rings == MAP_FAILED || r->sqes == MAP_FAILED) {
        printf("mmap of the ring: %s\n", strerrorname_np(errno));
        exit(1);
    }
    r->tail = 0;
}

static inline void ring_open(struct ring *r, unsigned entries, unsigned flags)
{
    memset(r, 0, sizeof(*r));
    r->p.flags = flags;
    ring_open_params(r, entries);
}

/* The next entry, empty but for these. Entries that were not submitted count. */
static inline struct io_uring_sqe *entry(struct ring *r, int op, uint64_t user_data, int fd)
{
    unsigned mask = r->p.sq_entries - 1, i = r->tail & mask;
    struct io_uring_sqe *s = &r->sqes[i];
    memset(s, 0, sizeof(*s));
    s->opcode = (unsigned char)op;
    s->user_data = user_data;
    s->fd = fd;
    sq_field(r, r->p.sq_off.array)[i] = i;
    r->tail++;
    return s;
}

static inline struct io_uring_sqe *entry_rw(struct ring *r, int op, uint64_t user_data, int fd, const void *p, unsigned n, uint64_t off)
{
    struct io_uring_sqe *s = entry(r, op, user_data, fd);
    s->addr = (uintptr_t)p;
    s->len = n;
    s->off = off;
    return s;
}

/* Submits what was made and waits for least completions. */
static inline int submit(struct ring *r, unsigned least)
{
    unsigned *tail = sq_field(r, r->p.sq_off.tail), n = r->tail - *sq_field(r, r->p.sq_off.head);
    __atomic_store_n(tail, r->tail, __ATOMIC_RELEASE);
    return enter(r->fd, n, least, least ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

/* The next completion in *c, if there is one. */
static inline int next(struct ring *r, struct cqe *c)
{
    unsigned *head = sq_field(r, r->p.cq_off.head), tail = __atomic_load_n(sq_field(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE);
    if (*head == tail)
        return 0;
    *c = ((struct cqe *)(r->rings + r->p.cq_off.cqes))[*head & (r->p.cq_entries - 1)];
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return 1;
}

/* Waits for the next. */
static inline struct cqe wait_next(struct ring *r)
{
    struct cqe c;
    while (!next(r, &c))
        if (enter(r->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR) {
            printf("io_uring_enter: %s\n", strerrorname_np(errno));
            exit(1);
        }
    return c;
}

static inline int by_user_data(const void *a, const void *b)
{
    const struct cqe *x = a, *y = b;
    return x->user_data < y->user_data ? -1 : x->user_data > y->user_data;
}

static inline void show_cqe(const struct cqe *c)
{
    if (c->res < 0)
        printf("  %llu: %s flags %#x\n", (unsigned long long)c->user_data, strerrorname_np(-c->res), c->flags);
    else
        printf("  %llu: %d flags %#x\n", (unsigned long long)c->user_data, c->res, c->flags);
    fflush(stdout);
}

/* Waits for n completions and prints them, whatever order they came in. */
static inline void show_completions(struct ring *r, int n)
{
    struct cqe c[64];
    for (int i = 0; i < n; i++)
        c[i] = wait_next(r);
    qsort(c, (size_t)n, sizeof(c[0]), by_user_data);
    for (int i = 0; i < n; i++)
        show_cqe(&c[i]);
}

/* Submits what was made and prints its n completions. */
#define DO(what, r, n)           \
    do {                         \
        CALL(what, submit(r, n)); \
        show_completions(r, n);  \
    } while (0)

#endif
