/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_NETLINK: what its files share. */
#ifndef NET_NETLINK_H
#define NET_NETLINK_H

#include "net/datagram.h"

struct netlink_socket {
    struct socket base;
    u32 port;      /* our address; 0: not bound yet */
    u32 groups;
    struct datagram_queue queue;
};

static inline struct netlink_socket *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink_socket, base);
}

#endif
