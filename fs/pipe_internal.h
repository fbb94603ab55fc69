/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of pipes: shared by pipe.c, fifo.c and splice.c only. */
#ifndef FS_PIPE_INTERNAL_H
#define FS_PIPE_INTERNAL_H

#include "fs/pipe.h"
#include "fs/vfs.h"

#define PIPE_DEFAULT_SLOTS 16u

/* A user's pipes, pipe(7). */
struct pipe_user {
    struct list link;
    u32 uid;
    u32 pipes;
    u64 slots; /* in all of them */
};

/* A stretch of one page. */
struct pipe_slot {
    struct page *page; /* a reference */
    u32 offset, length;
    bool packet;       /* O_DIRECT: one write, read by one read */
    bool spliced;      /* nothing is added behind it: another slot may hold the page, too */
};

struct pipe {
    struct mutex lock;          /* LOCK_FS: everything below but the queues */
    struct wait_queue readable; /* readers; woken when bytes come or writers go */
    struct wait_queue writable; /* writers; woken when room comes or readers go */
    struct pipe_slot *ring;
    u32 slots;                  /* a power of 2 */
    struct pipe_user *user;     /* who made it and answers for the slots; their lock in pipe.c */
    u32 head, tail;             /* free-running: slots [tail, head) are filled */
    u64 bytes;                  /* in all of them */
    u32 readers, writers;       /* open files */
    u32 reader_opens, writer_opens; /* counts of opens, for FIFOs that wait for the other side */
    u32 files;                  /* open files; 0: the pipe goes. The FIFO lock of fifo.c */
    bool both_ways;             /* an O_RDWR file exists: its poll queue is readable */
    u32 taken;                  /* first slots that a splice works on; readers wait */
    struct page *spare;         /* last emptied page, to be filled next */
};

extern const struct file_ops pipe_ops;

struct pipe *pipe_allocate(void); /* NULL: out of memory */
void pipe_free(struct pipe *p);
static inline bool pipe_empty(const struct pipe *p)
{
    return READ_ONCE(p->head) == READ_ONCE(p->tail);
}
static inline bool pipe_full(const struct pipe *p)
{
    return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->slots);
}
static inline struct pipe_slot *pipe_front(struct pipe *p)
{
    return &p->ring[p->tail & (p->slots - 1)];
}
/*
 * Waits under p->lock, which is dropped meanwhile. 0, -EAGAIN with O_NONBLOCK in flags,
 * -ERESTARTSYS.
 */
/* *waited is set if the caller slept: then it passes the wake-up on if it leaves something. Takes and leaves the pipe's lock. */
int pipe_wait_bytes(struct pipe *p, u32 flags, bool *waited); /* 1: there are bytes, 0: no writers */
int pipe_wait_room(struct pipe *p, u32 flags, bool *waited);  /* 0: there is a free slot; -EPIPE */
/* A page for a new slot, the spare one if there is. */
struct page *pipe_page(struct pipe *p);
/* Takes n bytes off the front slot. */
void pipe_consume(struct pipe *p, size_t n);
/* Adds a slot (its page reference is taken over). There must be room. */
void pipe_push(struct pipe *p, struct pipe_slot slot);
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
/* Releases an open file of the pipe: counts and wake-ups. fifo.c */
void pipe_release(struct file *f);
int pipe_reopen(struct file *f, struct file *new);

#endif
