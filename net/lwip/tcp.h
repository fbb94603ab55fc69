/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of TCP in net/lwip/ share. Everything under the core lock. */
#ifndef NET_LWIP_TCP_H
#define NET_LWIP_TCP_H

#include "lwip/tcp.h"
#include "net/inet.h"

struct netif;
struct tcp_link;
struct tcp_pcb;

/*
 * The table of control blocks (net/lwip/tcp_table.c). lwIP would look for a segment's block, and serve timers, along one list of all;
 * so its lists are empty but for the moment in which it has one segment or one tick to deal with, and hold what that concerns. Each block
 * has an entry, in its extra argument: in a hash table by its addresses and ports, and in one list by what it needs.
 */
struct tcp_entry {
    struct list link;            /* in one of the table's lists */
    struct tcp_entry *next;      /* in its bucket */
    struct tcp_pcb *pcb;
    struct inet_socket *listener; /* handshake from outside: reference; else NULL */
    struct tcp_link *connection; /* or NULL */
    u32 began;                   /* tcp_ticks */
    u32 since;                   /* TIME_WAIT: the same; else 0 */
    u32 hash;
};

/* Gives pcb, whose addresses and ports are set, an entry. NULL: out of memory. */
struct tcp_entry *tcp_entry_create(struct tcp_pcb *pcb);
/* The entry with these ends, NULL. */
struct tcp_entry *tcp_entry_find(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port);
static inline struct tcp_entry *tcp_entry_of(const struct tcp_pcb *pcb)
{
    return tcp_ext_arg_get(pcb, 0);
}
/* lwIP has a segment of e's block, or without one (NULL), to deal with: its lists are set for that... */
void tcp_entry_take(struct tcp_entry *e);
/* ... and put away again. The block may be gone, or others have come. */
void tcp_entry_settle(void);
/* Something happened to e's block: timers look at it from now on. */
void tcp_entry_busy(struct tcp_entry *e);
/* Makes room for one more handshake by ending the oldest. */
void tcp_drop_half_open(void);
/* lwIP's clock is this machine's. Before anything that looks at it. */
void tcp_set_clock(void);
/* The timers: each TCP_TMR_INTERVAL while tcp_is_busy(), and each second. */
void tcp_tick(void);
void tcp_each_second(void);
bool tcp_is_busy(void);
void tcp_table_init(u64 memory);
/* The block of connection l has ended (net/lwip/tcp.c). */
void tcp_link_ended(struct tcp_link *l);
/* ICMP says that a segment of l's did not get through (positive errno): ends an attempt to connect. */
void tcp_link_error(struct tcp_link *l, int error);
/* Is there something of l's that lwIP does not have? */
bool tcp_link_waits(const struct tcp_link *l);

/* A handshake that began at listener is done: ERR_OK, or an error that has lwIP reset the connection. */
err_t tcp_accept_connection(struct inet_socket *listener, struct tcp_pcb *pcb);
/* Sets pcb's receive window as u's options want it, before it is announced. */
void tcp_set_window(struct tcp_pcb *pcb, const struct inet_socket *u);
/* Options of u that lwIP has fields for. */
void tcp_apply_options(struct tcp_pcb *pcb, const struct inet_socket *u);
/* Gives up the hold of control blocks that have ended. Called before the core lock is let go. */
void tcp_bury(void);
/* The block that stands for all listeners. */
void tcp_demux_init(void);

#endif
