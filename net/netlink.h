/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_NETLINK (netlink(7)): what its files share. A request is answered while it is sent. */
#ifndef NET_NETLINK_H
#define NET_NETLINK_H

#include <linux/netlink.h>
#include "net/datagram.h"

struct inet_address;
struct inet_diag_bc_op;

#define NETLINK_REPLY_MAX   2048
#define NETLINK_MESSAGE_MAX 800 /* the longest one of ours */

struct netlink_socket {
    struct socket base;
    u32 port;      /* our address; 0: not bound yet */
    u32 options;   /* 1 << NETLINK_* of the boolean ones */
    u64 groups;    /* that it is in, 1 << (RTNLGRP_* - 1) */
    struct datagram_queue queue;
};

static inline struct netlink_socket *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink_socket, base);
}

/* A datagram of messages being built. */
struct netlink_reply {
    u8 data[NETLINK_REPLY_MAX];
    u32 length;
    struct nlmsghdr *message; /* the one being filled */
};

/* ------------------------------------------------------------ net/netlink.c */

/* Begins a message that answers request (NULL: a notice), from port; its zeroed body. */
void *netlink_begin(struct netlink_reply *r, const struct nlmsghdr *request, u16 type, u16 flags, u32 port, u32 body);
/* Appends an attribute to the message. */
void netlink_attribute(struct netlink_reply *r, u16 type, const void *data, u32 n);
void netlink_attribute_u32(struct netlink_reply *r, u16 type, u32 n);
/* The attribute of this type after a request's body of this many bytes, of at least n bytes; NULL: none. */
const void *netlink_find(const struct nlmsghdr *request, u32 body, u16 type, u32 n);
/* Queues what there is; the second only when there might be no room for one more message. 0, -ENOMEM, -EFAULT. */
int netlink_queue(struct netlink_socket *n, struct netlink_reply *r);
int netlink_queue_full(struct netlink_socket *n, struct netlink_reply *r);
/* Queues an error, or with 0 an acknowledgement; the end of a dump. */
int netlink_error(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request, int error);
int netlink_done(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request);
/* Queues the messages for each socket in the group, and empties r. Atomic. */
void netlink_announce(unsigned group, struct netlink_reply *r);

/* ------------------------------------------------------------ requests: net/netlink_route.c, net/netlink_diag.c */

/* A request of the family: 0, or what the queue's functions return. An error of the request's is in *error, for the answer; else 0. */
int netlink_route_request(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request, int *error);
int netlink_diag_request(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request, int *error);

/* ------------------------------------------------------------ net/netlink_filter.c */

struct diag_filter {
    const struct inet_diag_bc_op *code;
    int length;           /* bytes; 0: no filter */
};
/* What it is asked about: a socket, or what is left of one. */
struct diag_subject {
    const struct inet_address *local, *remote;
    bool v6;              /* the socket's family */
    bool port_chosen;     /* by bind(2) */
    int interface;        /* it is bound to; 0: none */
    u32 mark;
};
/* 0; -EINVAL; -EPERM: it asks about marks, which only CAP_NET_ADMIN may. */
int diag_filter_check(const struct diag_filter *f);
/* f was checked. Without code, all pass. */
bool diag_filter_passes(const struct diag_filter *f, const struct diag_subject *s);

#endif
