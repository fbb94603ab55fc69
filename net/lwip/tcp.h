/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of TCP in net/lwip/ share. Everything under the core lock. */
#ifndef NET_LWIP_TCP_H
#define NET_LWIP_TCP_H

#include "lwip/tcp.h"
#include "net/inet.h"
#include "net/stream.h"

#define TIME_WAIT_TICKS (60000 / TCP_SLOW_INTERVAL)

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
/* ... and put away again. Others may have come. False: the block is gone, or in TIME_WAIT. */
bool tcp_entry_settle(void);
/* Calls fn with each entry. */
void tcp_entry_each(void (*fn)(struct tcp_entry *e, void *arg), void *arg);
/* Something happened to e's block: timers look at it from now on. */
void tcp_entry_busy(struct tcp_entry *e);
/* A handshake that somebody outside began with listener is under way on e... */
void tcp_handshake_begin(struct tcp_entry *e, struct inet_socket *listener);
/* ... and no longer: the listener, whose reference is the caller's now. */
struct inet_socket *tcp_handshake_end(struct tcp_entry *e);
/* Makes room for one more, perhaps by ending the oldest. */
void tcp_handshake_room(void);
/* lwIP's clock is this machine's. Before anything that looks at it. */
void tcp_set_clock(void);
/* The timers: each TCP_TMR_INTERVAL while tcp_is_busy(), and each second. */
void tcp_tick(void);
void tcp_each_second(void);
bool tcp_is_busy(void);
void tcp_table_init(u64 memory);
/*
 * A connection. A link lives as long as its socket's hold on the stream and its control block.
 */
struct tcp_link {
    struct byte_stream stream;   /* first: the stream's last hold frees the link */
    struct tcp_pcb *pcb;         /* NULL: the connection has ended */
    struct inet_socket *client;  /* while connecting: reference */
    struct chunk *next;          /* first chunk not wholly given to lwIP; NULL: to be looked for */
    u32 position;                /* where in it */
    u32 given;                   /* bytes that lwIP has and nobody has acknowledged */
    u32 window, window_limit;    /* unread bytes that the peer may send; how far that may grow */
    u64 read;                    /* atomic: bytes that were read and lwIP does not know of */
    u32 short_end;               /* the end of the last segment that was less than a whole one */
    u32 recovered;               /* tcp_recovery.c: what had been sent when the last loss was seen */
    u32 again_end;               /* what had been sent when the first unacknowledged segment was sent again */
    u32 sacked_end;              /* the end of all that the peer says it has */
    u32 probe_end;               /* what had been sent when its end was, once more */
    bool probed;                 /* that was so at some time */
    bool recovering;             /* not all of that is acknowledged */
    bool begun;                  /* its window has its first size */
    bool finish;                 /* a FIN follows what is queued */
    bool closed;                 /* the socket is gone */
    bool urgent_leaves;          /* tcp_urgent.c: something urgent was sent, and may not be acknowledged */
    bool urgent_comes;           /* the peer has told of an urgent byte that did not arrive yet */
    u32 urgent_end, urgent_at;   /* behind the one, at the other */
    u32 arrived;                 /* the sequence number of what arrives next */
    u32 patience;                /* TCP_USER_TIMEOUT, ms; 0: none */
    int soft_error;              /* what ICMP last told of, for when the attempts end */
    struct tcp_link *next_dead;
};

/* The block of connection l has ended (net/lwip/tcp.c). */
void tcp_link_ended(struct tcp_link *l);
/* ICMP says that a segment of l's did not get through (positive errno): ends an attempt to connect. */
void tcp_link_error(struct tcp_link *l, int error);
/* TCP_SYNCNT of an attempt to connect. */
int tcp_link_syn_count(const struct tcp_link *l);
/* Does e's connection have frames that wait to be read, or for others to come before them? */
bool tcp_entry_hoards(const struct tcp_entry *e);
/* Has the socket been closed? */
bool tcp_link_is_closed(const struct tcp_link *l);
/* The block of a connection with the outside; NULL: it has ended. */
const struct tcp_pcb *tcp_block_of(struct byte_stream *st);
/* enum inet_tcp_state. */
u8 tcp_state_of_block(const struct tcp_pcb *pcb);
/* Is there something of l's that lwIP does not have? */
bool tcp_link_waits(const struct tcp_link *l);

/* net/lwip/tcp_send.c: sends what may be sent; with more, less than a segment stays for what follows soon. */
void tcp_link_feed(struct tcp_link *l, bool more);
/* Is it TCP_CORK that keeps the rest back? */
bool tcp_link_corked(const struct tcp_link *l);
/* Takes n acknowledged bytes off the queue (more than there are: all). */
void tcp_link_take_off(struct tcp_link *l, u64 n);

/* net/lwip/tcp_recovery.c. Blocks that the peer has, of an arriving segment's SACK option (RFC 2018), in its order. */
#define TCP_SACK_BLOCKS 4
struct tcp_sack {
    unsigned n;
    struct {
        u32 begin, end;
    } blocks[TCP_SACK_BLOCKS];
};
void tcp_sack_read(struct tcp_sack *sack, const struct pbuf *p);
/* lwIP is done with a segment that arrived; `acked` had been acknowledged before. Sends what was lost, and what may be sent now. */
void tcp_link_segment(struct tcp_link *l, const struct tcp_sack *sack, u32 acked);
/* The timers' tick: if no answer comes to the last of all that was sent, it is sent again. */
void tcp_link_probe(struct tcp_link *l);
/* A large segment that cannot be sent whole is cut up. */
void tcp_recover_unsent(struct tcp_link *l);

/* net/lwip/tcp_urgent.c. A segment of l's has the urgent pointer. */
void tcp_link_see_urgent(struct tcp_link *l, const struct tcp_hdr *h);
/* Puts p's bytes, of which one is the urgent one, into the queue; p stays the caller's. False: out of memory. */
bool tcp_link_take_urgent(struct tcp_link *l, const struct pbuf *p);
/* mss, or less if u asks for that; u may be NULL. */
u16 tcp_asked_mss(const struct inet_socket *u, u16 mss);

/* Is p's TCP header in its first buffer, options and all, and does none end beyond it? net/lwip/checks.c */
bool checks_tcp(const struct pbuf *p);
/* The first option of that kind in p's TCP header, which checks_tcp() allows, NULL. */
const u8 *tcp_option(const struct pbuf *p, u8 kind);
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
