/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds that lwIP's configuration and the code around it share. */
#ifndef NET_LWIP_LIMITS_H
#define NET_LWIP_LIMITS_H

#define RESOLVER_SERVERS 3              /* of each IP version; resolv.conf(5) takes three */
/* Bytes a peer may have sent that nobody has read: a share of memory within these. */
#define TCP_WINDOW_MIN   (128u << 10)
#define TCP_WINDOW_MAX   (4u << 20)
/* Bytes given to lwIP that are not acknowledged; it walks the segments, so more would be slower. */
#define TCP_SEND_MIN     (128u << 10)
#define TCP_SEND_MAX     (1u << 20)

#endif
