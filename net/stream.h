/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A byte stream between two sockets of this VM: AF_UNIX stream sockets and loopback TCP. Data is copied once
 * into chunks by the sender and once out by the receiver; there are no segments, timers or headers in between.
 * The other end may also be outside of the VM: side 0 is then the socket's, and side 1's queue holds what was sent and is not
 * acknowledged yet. net/lwip/tcp.c moves data between the queues and lwIP.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/socket.h"

/* A piece of data in a queue. */
struct chunk {
    struct list link;
    u8 *data;                     /* bytes, or part of a received frame */
    u32 start, end;               /* unread part of data */
    u32 charge;                   /* what it counts against the sender's buffer */
    struct ucred credentials;
    struct passed_files *passed;  /* files that come with the first byte, or NULL */
    void *frame;                  /* received frame that data is in, for network_frame_free(); or NULL */
    u8 bytes[];
};

/* One end. Its queue holds what the other end sent. All under stream.lock. */
struct stream_side {
    struct socket *socket;   /* NULL once closed */
    struct list chunks;
    u64 bytes;               /* in chunks */
    u32 arrivals;            /* counts what was put there */
    u64 charge;              /* what chunks count against the sender's buffer */
    bool starved;            /* of outside's queue: somebody was told that there is no room, and is to be woken; atomic */
    struct chunk *urgent;    /* the last byte sent as MSG_OOB, in chunks; empty once it has been taken as such. NULL: none */
    u8 shutdown;             /* SHUT_* bits as this end sees them */
    bool ended;              /* TCP: the other end's FIN has arrived */
    bool reset;              /* TCP: the connection was reset, nothing goes through any more */
};

struct byte_stream {
    u32 refs;                /* atomic: one for each end's socket */
    struct spinlock lock;    /* LOCK_SOCKET; never together with a socket's lock */
    bool outside;            /* side 1 is outside of the VM; constant */
    struct stream_side side[2];
};

/* What differs between the two kinds. */
struct stream_rules {
    u32 chunk_max;                                    /* bytes in one charge */
    u32 (*charge)(u32 bytes);                         /* what a chunk counts */
    u64 (*limit)(const struct socket *sender);        /* charge up to which a send may start */
    bool (*writable)(u64 charge, u64 limit);          /* poll says POLLOUT */
    /* The other end is closed, or has shut down both ways (TCP): bytes to pretend to have sent (0: all), or negative errno. stream.lock held. */
    int (*to_closed)(struct socket *s);
    bool shutdown_first;                              /* EPIPE after shutdown wins over a pending error */
    bool passes_files;                                /* SCM_RIGHTS and credentials: AF_UNIX */
};

/*
 * A stream with ends for a and b. b->stream is set; a's is left to the caller, who sets it once the connection stands
 * (or calls stream_abandon). NULL: out of memory.
 */
struct byte_stream *stream_create(struct socket *a, struct socket *b);
/* The same in zeroed memory of the caller's, at the start of a block of the heap; b may be NULL: outside. */
void byte_stream_init(struct byte_stream *st, struct socket *a, struct socket *b);
/* A chunk of size bytes, or without any of its own, refs none. NULL: out of memory. Atomic. */
struct chunk *chunk_create(u32 size);
void chunk_free(struct chunk *c);
/* Moves all chunks of list to the end of a queue. stream.lock held. */
void chunks_append(struct list *queue, struct list *list);
/* Drops one hold: a's, when the connection came to nothing. */
void stream_abandon(struct byte_stream *st);
/* The connected socket s sends or receives, as send(2) and recv(2) say. */
ssize stream_send(struct socket *s, struct message *m, const struct stream_rules *rules);
ssize stream_receive(struct socket *s, struct message *m, const struct stream_rules *rules);
/* The byte of MSG_OOB: 1, or -EINVAL when there is none to take, or SO_OOBINLINE leaves it among the others. */
ssize stream_receive_urgent(struct socket *s, struct message *m);
/*
 * The byte in list, which is not in the queue yet, is the urgent one of `to` from now on. What is to be freed is put into dropped.
 * stream.lock held.
 */
void stream_mark_urgent(struct stream_side *to, struct list *list, struct list *dropped, const struct stream_rules *rules);
/* Is there such a byte that was not taken? */
bool stream_urgent(const struct socket *s);
/* Bytes that are there, without the urgent one and what is behind it. */
u64 stream_before_urgent(const struct socket *s);
/* Counts charge of what goes to the outside, or is acknowledged (less than 0). */
void stream_outside_add(s64 charge);
/* All of it. Atomic. */
u64 stream_outside_charge(void);
/* Does a read stand at the urgent byte, or where it was? ioctl(2), SIOCATMARK. */
bool stream_at_mark(const struct socket *s);
/* Has what arrived reached SO_RCVLOWAT? As TCP counts it. */
bool stream_has_enough(const struct socket *s);
/* Wakes the socket of an end, if there is one. stream.lock held. */
void stream_wake(struct stream_side *side, u32 events);
/*
 * Drops the socket's end: its unread chunks are freed, tell(s, other, unread) lets the family set the other end's
 * state under stream.lock, if there is one. True if there was something unread.
 */
bool stream_close(struct socket *s, void (*tell)(struct socket *s, struct stream_side *other, bool unread));
/* The socket is freed: drops its hold on the stream, if it has one. */
void stream_release(struct socket *s);
u64 stream_readable(const struct socket *s);
u64 stream_unread_by_peer(const struct socket *s);
bool stream_writable(const struct socket *s, const struct stream_rules *rules);

static inline struct stream_side *stream_mine(const struct socket *s)
{
    return &s->stream->side[s->side];
}

static inline struct stream_side *stream_other(const struct socket *s)
{
    return &s->stream->side[!s->side];
}

#endif
