/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP as this kernel has it built: the raw API alone, no threads or mailboxes, everything under one lock (net/lwip/core.h), memory from
 * the kernel's heap. Sources of the numbers: lwip/opt.h for what they mean; Linux's own defaults for what they are.
 */
#ifndef NET_LWIP_OPTS_H
#define NET_LWIP_OPTS_H

#include "net/lwip/limits.h"

/* ------------------------------------------------------------ the system */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_NETIF_API       0
#define LWIP_TIMERS          1
#define LWIP_TIMERS_CUSTOM   1 /* net/lwip/timers.c */
#define LWIP_STATS           1 /* what /proc/net/snmp and snmp6 tell */
#define LWIP_STATS_LARGE     1
#define MIB2_STATS           1
#define LINK_STATS           0
#define ETHARP_STATS         0
#define IP_STATS             0
#define IPFRAG_STATS         0
#define ICMP_STATS           0
#define IGMP_STATS           0
#define UDP_STATS            0
#define TCP_STATS            0
#define LWIP_PERF            0
#define LWIP_COMPAT_SOCKETS  0
#define LWIP_HOOK_FILENAME   "net/lwip/hooks.h"

#ifdef ARIL_DEBUG
void lwip_assert_locked(void);
#define LWIP_ASSERT_CORE_LOCKED() lwip_assert_locked()
#endif

/* ------------------------------------------------------------ memory */
void *lwip_malloc(unsigned long n);
void *lwip_calloc(unsigned long count, unsigned long n);
void lwip_free(void *p);
#define MEM_LIBC_MALLOC    1
#define MEMP_MEM_MALLOC    1
#define mem_clib_malloc    lwip_malloc
#define mem_clib_calloc    lwip_calloc
#define mem_clib_free      lwip_free
#define MEM_ALIGNMENT      8
#define MEM_SIZE           65536 /* not used: there are no pools */
#define LWIP_PBUF_REF_T    u16_t
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_BUFSIZE  1600

/* ------------------------------------------------------------ interface */
#define LWIP_SINGLE_NETIF               1
#define LWIP_HAVE_LOOPIF                0
#define LWIP_NETIF_LOOPBACK             0
#define LWIP_NETIF_HOSTNAME             1
#define LWIP_NETIF_EXT_STATUS_CALLBACK  1
#define LWIP_CHECKSUM_CTRL_PER_NETIF    1
#define LWIP_CHKSUM                     lwip_checksum
unsigned short lwip_checksum(const void *data, int n);
#define LWIP_NETIF_HWADDRHINT           1

#define LWIP_ARP             1
#define ARP_TABLE_SIZE       1024  /* as many as Linux, gc_thresh3; the first that is free is taken, so a look-up costs what is in use */
#define ARP_QUEUEING         1
#define ARP_QUEUE_LEN        128   /* a burst of handshakes from one neighbour; Linux: 208 KiB */
#define ETHARP_SUPPORT_STATIC_ENTRIES 0

/* ------------------------------------------------------------ IPv4 */
#define LWIP_IPV4             1
#define IP_REASSEMBLY         1
#define IP_REASS_MAX_PBUFS    512
#define IP_FRAG               1
#define IP_DEFAULT_TTL        64
#define IP_SOF_BROADCAST      0
#define LWIP_ICMP             1
#define LWIP_IGMP             1
#define LWIP_MULTICAST_TX_OPTIONS 1
#define LWIP_DHCP             1
#define DHCP_DOES_ARP_CHECK   0
#define LWIP_DHCP_GET_NTP_SRV 0
#define LWIP_AUTOIP           0
#ifndef LWIP_DNS
#define LWIP_DNS              0
#endif
/* Name servers that DHCP, DHCPv6 and router advertisements name go to dns_setserver() of net/lwip/resolver.c. */
#define DHCP_OPTIONS_LEN                128 /* of what is sent: for the longest name of a host */
#define LWIP_DHCP_MAX_DNS_SERVERS       RESOLVER_SERVERS
#define DNS_MAX_SERVERS                 RESOLVER_SERVERS
#define LWIP_DHCP6_MAX_DNS_SERVERS      RESOLVER_SERVERS
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS  RESOLVER_SERVERS

/* ------------------------------------------------------------ IPv6 */
#define LWIP_IPV6                     1
#define LWIP_IPV6_NUM_ADDRESSES       8
#define LWIP_IPV6_MLD                 1
#define LWIP_ICMP6                    1
#define LWIP_IPV6_FRAG                1
#define LWIP_IPV6_REASS               1
#define IPV6_FRAG_COPYHEADER          1
#define LWIP_IPV6_AUTOCONFIG          1
#define LWIP_IPV6_DHCP6               1
#define LWIP_IPV6_DHCP6_STATELESS     1
#define LWIP_ND6_NUM_NEIGHBORS        127 /* the most that lwIP counts to */
#define LWIP_ND6_NUM_DESTINATIONS     127
#define LWIP_ND6_QUEUEING             1
#define LWIP_IPV6_SCOPES              0 /* there is one interface that has link-local addresses */

/* ------------------------------------------------------------ transport */
#define LWIP_RAW                      1
#define LWIP_UDP                      1
#define LWIP_TCP                      1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define TCP_LISTEN_BACKLOG            0 /* net/lwip/tcp_demux.c counts */
#define SO_REUSE                      0 /* net/inet_port.c decides */
#define LWIP_CALLBACK_API             1
#define LWIP_TCP_PCB_NUM_EXT_ARGS     1
#define LWIP_TCP_KEEPALIVE            1
#define LWIP_TCP_TIMESTAMPS           1
#define LWIP_TCP_SACK_OUT             1
#define LWIP_WND_SCALE                1
#define TCP_RCV_SCALE                 7
extern unsigned lwip_window, lwip_send_buffer; /* by the size of memory: net/lwip/core.c */
#define TCP_WND                       lwip_window
#define TCP_SND_BUF                   lwip_send_buffer
#define TCP_SNDLOWAT                  0
#define TCP_SNDQUEUELOWAT             5
#define TCP_SND_QUEUELEN              0xfff0
#define TCP_MSS                       65460 /* at most; what counts is the interface's MTU */
#define TCP_OVERSIZE                  0     /* data is not copied into segments */
#define TCP_QUEUE_OOSEQ               1
#define TCP_OOSEQ_MAX_BYTES           TCP_WINDOW_MAX
#define TCP_WND_UPDATE_THRESHOLD      16384
#define TCP_TMR_INTERVAL              25    /* ms: delayed ACKs; twice that the step of retransmission */
#define LWIP_TCP_RTO_TIME             1000  /* RFC 6298 */
#define TCP_MAXRTX                    lwip_retries(pcb) /* net/lwip/tcp_table.c, which also doubles the time between */
#define TCP_SYNMAXRTX                 lwip_retries(pcb)
#define TCP_MSL                       30000ul /* half of Linux's TIME_WAIT */
#define LWIP_HOOK_TCP_ISN             lwip_initial_sequence
#define LWIP_HOOK_ND6_GET_GW(netif, to) lwip_next_hop6(to)
#define LWIP_HOOK_ETHARP_GET_GW(netif, to) lwip_next_hop(to)
#define LWIP_HOOK_DHCP_APPEND_OPTIONS(netif, dhcp, state, msg, kind, n)                 lwip_dhcp_leaves((msg)->options, n)
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, kind, option, len, p, at) \
    do { (void)(msg); lwip_dhcp_option(option, len, p, at); } while (0)
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(p, header, pcb, options) lwip_segment_leaves(header, (struct tcp_pcb *)(pcb), options)

#endif
