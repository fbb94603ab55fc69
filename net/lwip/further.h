/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and routes of which lwIP knows nothing: its interface has one address of IPv4, one gateway, and networks of 64 bits for
 * IPv6. What programs add is in two tables here, looked at before lwIP sends, and before it sees what arrived. All under the core lock.
 */
#ifndef NET_LWIP_FURTHER_H
#define NET_LWIP_FURTHER_H

#include "lwip/ip_addr.h"
#include "lwip/err.h"
#include "net/route.h"

/* Is there anything in the tables? */
extern bool further_any;

/* What the tables say about a destination. */
struct further_hop {
    const u8 *gateway;  /* NULL: it is on the link */
    const u8 *source;   /* NULL: lwIP chooses */
};
/* 1: h says where; 0: lwIP's own addresses and gateways do; negative: a route refuses it. */
int further_find(const u8 to[16], struct further_hop *h);
/* Is ip one of the addresses, or within a local route? Is it the broadcast address of one's network? */
bool further_is_own(const u8 ip[16]);
bool further_is_broadcast(const u8 ip[16]);

/*
 * lwIP takes what concerns a further address of IPv4 for its interface's, if the interface has that address: it is lent it meanwhile.
 * False: ip (of a packet, not aligned) is no such address, and there is nothing to give back.
 */
struct further_lent {
    ip4_addr_t ip, mask, as;
};
bool further_lend(const void *ip, struct further_lent *l);
void further_give_back(const struct further_lent *l);

/* netif.output and output_ip6: by the tables. */
struct pbuf;
struct netif;
err_t further_output(struct netif *n, struct pbuf *p, const ip4_addr_t *to);
err_t further_output6(struct netif *n, struct pbuf *p, const ip6_addr_t *to);
/* Appends those of IPv4 to eth0's i. */
void further_list(struct interface *i);
/* The bits of the network of an address of IPv6 that lwIP has. */
unsigned further_prefix6(const ip6_addr_t *ip);
/* Was lwIP's own address given by a program? */
bool further_has(const ip_addr_t *own);
/* The interface went down: its routes of IPv4 go. */
void further_down(void);

/* ------------------------------------------------------------ between the two tables */

extern unsigned further_routes;
bool further_is_own_address(const u8 ip[16]);
/* The first address in the narrowest network that ip is in; on_link: that has a route. NULL: there is none. */
const struct interface_address *further_network(const u8 ip[16], bool on_link);
/* Routes with that source go. */
void further_forget_source(const u8 ip[16]);
/* One of the tables is not what it was. */
void further_update(void);

#endif
