/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of messages with boundaries: AF_UNIX datagram and seqpacket sockets, loopback UDP, netlink. */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include "net/socket.h"

struct datagram {
    struct list link;
    u32 refs;                    /* atomic: the queue, and each reader that copies out of it */
    u32 charge;                  /* bytes it counts against a buffer, with overhead */
    u32 length;                  /* of the payload */
    u32 name_length;             /* of the source address, stored before the payload */
    struct socket *sender;       /* reference whose send_charge this counts in, or NULL */
    struct ucred credentials;
    bool stated;                 /* by SCM_CREDENTIALS */
    bool peeked;                 /* SO_PEEK_OFF has gone by it, which it cannot tell by itself of one without bytes */
    struct passed_files *passed;
    u8 destination[16];          /* UDP: local address it came to, for pktinfo */
    u8 hops, traffic_class;      /* UDP: TTL and TOS as sent */
    u8 interface;                /* UDP: index of the one it came by */
    union {
        u32 netlink_group;
        u32 whole;               /* AF_PACKET: bytes of the frame, whatever the filter left */
    };
    s64 time;                    /* CLOCK_REALTIME ns, for SO_TIMESTAMP; 0: not taken */
    u8 data[];                   /* name, then payload */
};

/* Embedded in a family's socket; guarded by the socket's lock. */
struct datagram_queue {
    struct list list;
    u32 count;
    u64 charge;
    u32 drops;                   /* that came and found it full */
};

void datagram_queue_init(struct datagram_queue *q);
/* A datagram with all of io's bytes and a copy of the name; refs 1. ERR_PTR: -EFAULT, -ENOBUFS. Sleeps. */
struct datagram *datagram_create(struct io *io, const void *name, u32 name_length);
/* The same with room for n bytes of payload, to be filled. NULL: out of memory. Atomic. */
struct datagram *datagram_allocate(const void *name, u32 name_length, u32 n);
void datagram_put(struct datagram *d);
static inline u8 *datagram_payload(struct datagram *d)
{
    return d->data + d->name_length;
}

/* Linux's truesize of a message of n bytes: what one counts against SO_SNDBUF and SO_RCVBUF. */
u32 datagram_charge(u32 n);
/* Charges d to its sender's send buffer, which blocks while full. 0, -EAGAIN, -EINTR… */
int datagram_charge_sender(struct socket *s, struct datagram *d, nsec_t deadline);
/* The queue takes over the reference. The socket's lock is held; the caller wakes readers. */
void datagram_enqueue(struct datagram_queue *q, struct datagram *d);
/* Takes it off again, the same way. */
void datagram_dequeue(struct datagram_queue *q, struct datagram *d);
/* Empties the queue (the socket's lock not held). True if there was anything. */
bool datagram_flush(struct socket *s, struct datagram_queue *q);

struct datagram_rules {
    /* Nothing queued: 1 when the receive ends with 0, an error, or 0 to wait. */
    int (*end)(struct socket *s);
    bool end_nonblocking;   /* end is asked in a non-blocking receive, too; else that is EAGAIN */
    /* A datagram left the queue (locks free). May be NULL. */
    void (*taken)(struct socket *s, struct datagram *d);
    /* Adds control messages. May be NULL. */
    void (*control)(struct socket *s, struct message *m, struct datagram *d);
};
/* Does s want to know when a message came (SO_TIMESTAMP)? Tells it when d did: now, if that was not noted; in the form of SO_TIMESTAMPING. */
bool datagram_wants_time(const struct socket *s);
void datagram_put_stamps(struct message *m, s64 time);
void datagram_put_time(struct message *m, struct socket *s, struct datagram *d);
/* recvmsg(2): payload, source address in m->name, MSG_TRUNC, MSG_PEEK. */
ssize datagram_receive(struct socket *s, struct datagram_queue *q, struct message *m, const struct datagram_rules *rules);

#endif
