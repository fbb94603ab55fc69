/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of the network's events that lwIP does not see, one of each on every CPU. lwIP's own: network_counters() in net/network.h. */
#ifndef NET_COUNTERS_H
#define NET_COUNTERS_H

#include "platform/platform.h"

/* Of those with a V6 the first counts IPv4. */
enum net_counter {
    LOOP_PACKETS,      /* what would have been packets between sockets of this VM */
    LOOP_PACKETS_V6,
    LOOP_BYTES,        /* in them, with the headers */
    LOOP_BYTES_V6,
    LOOP_DATAGRAMS,    /* of UDP among them */
    LOOP_DATAGRAMS_V6,
    UDP_TAKEN,         /* by a socket, wherever they came from */
    UDP_TAKEN_V6,
    UDP_NO_ROOM,       /* its buffer was full */
    UDP_NO_ROOM_V6,
    UDP_NOBODY,        /* nobody at that port in this VM */
    UDP_NOBODY_V6,
    TCP_ACTIVE,        /* connections begun inside of this VM */
    TCP_PASSIVE,       /* connections that a listener got, from anywhere */
    TCP_FAILED,        /* attempts inside of this VM */
    TCP_LOOP_RESETS,   /* sent there */
    TCP_ABORT_UNREAD,  /* closed with something unread */
    TCP_ABORT_LINGER,  /* closed by SO_LINGER with 0 seconds */
    TCP_OVERFLOWS,     /* the accept queue was full */
    TCP_TIME_WAITS,    /* connections that left TIME_WAIT */
    FRAMES_TAKEN,      /* from the device */
    NET_COUNTERS
};
_Static_assert(COUNT_NETWORK + NET_COUNTERS <= PERCPU_COUNTERS, "room");

/* Atomic. */
static inline void net_count(enum net_counter c, u64 n)
{
    percpu_add((enum percpu_counter)(COUNT_NETWORK + c), n);
}

/* So many bytes went from one socket of this VM to another, in that many packets of headers bytes each. */
static inline void net_count_loop(bool v6, u64 packets, u64 bytes, unsigned headers)
{
    net_count(LOOP_PACKETS + v6, packets);
    net_count(LOOP_BYTES + v6, bytes + packets * (headers + (v6 ? 54 : 34)));
}

#endif
