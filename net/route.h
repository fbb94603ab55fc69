/* SPDX-License-Identifier: BSD-2-Clause */
/* The routes there are, for netlink, ioctl and /proc: they follow from the interfaces' addresses and gateways, or programs made them. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/interface.h"

struct route {
    u8 to[16], source[16], gateway[16]; /* IPv4 mapped; source and gateway unspecified: none */
    u8 length;                          /* bits of to, of its IP version */
    bool v4;
    u8 type, scope, table, protocol;    /* RTN_*, RT_SCOPE_*, RT_TABLE_*, RTPROT_* of <linux/rtnetlink.h> */
    bool via;                           /* there is a gateway */
    bool from;                          /* there is a source */
    bool onlink;                        /* the gateway is on the link whatever addresses say */
    bool cloned;                        /* an answer about one destination, not in a table */
    u32 metric;
    int interface;                      /* 0: none, as of routes that refuse */
};
#define ROUTES_MAX 128

/* All of them, in Linux's order: at most max into list; how many there are. Sleeps while the network starts. */
unsigned routes_get(struct route *list, unsigned max);
/* That order, of routes of one IP version. */
void routes_sort(struct route *list, unsigned n);
/*
 * Changes by privileged programs: r as it was asked for, without what follows from the rest; flags: NLM_F_*. 0, or Linux's errors; -EOPNOTSUPP:
 * a route of a kind that is not served, or one to delete that an address makes. Sleep.
 */
int route_add(struct route *r, u32 flags);
int route_delete(const struct route *r);
/* The one that a packet to `to` takes, with its source. 0, -ENETUNREACH. Sleeps as inet_route(). */
int route_find(const u8 to[16], struct route *found);

#endif
