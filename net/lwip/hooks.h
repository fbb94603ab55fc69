/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP's sources call by the names in lwipopts.h. */
#ifndef NET_LWIP_HOOKS_H
#define NET_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

struct tcp_hdr;
struct tcp_pcb;

/* RFC 6528: numbers that others cannot guess, and that grow for one pair of addresses and ports. */
u32_t lwip_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port);
/* A segment's header is complete but for the checksum; options: where more of them would go, returned. net/lwip/tcp_urgent.c */
u32_t *lwip_segment_leaves(struct tcp_hdr *h, struct tcp_pcb *pcb, u32_t *options);
/* How often what pcb waits an answer to is sent again at most, by options and settings. */
unsigned lwip_retries(const struct tcp_pcb *pcb);
/* The router that --ip names for IPv6; NULL: those that say so themselves. net/lwip/config.c */
const ip6_addr_t *lwip_fixed_router(void);
/* Where a packet goes that is not for lwIP's own link; NULL: to its gateway, or who says that he is one. net/lwip/further_route.c */
const ip4_addr_t *lwip_next_hop(const ip4_addr_t *to);
const ip6_addr_t *lwip_next_hop6(const ip6_addr_t *to);
/* A name server that the network told of; NULL: it is none any more. net/lwip/resolver.c */
void dns_setserver(u8_t index, const ip_addr_t *server);
/* One of those: the router's of IPv6, which alone asks. */
const ip_addr_t *dns_getserver(u8_t index);
/* A message of DHCP is complete but for the end; n: how long its options are, which may grow to DHCP_OPTIONS_LEN - 1. net/lwip/resolver.c */
void lwip_dhcp_leaves(u8_t *options, u16_t *n);
/* An option of DHCP that lwIP does not know: n bytes at this place of the message, if it has them. net/lwip/resolver.c */
struct pbuf;
void lwip_dhcp_option(u8_t option, u8_t n, const struct pbuf *message, u16_t at);

#endif
