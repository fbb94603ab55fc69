/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of TCP in net/lwip/ share. Everything under the core lock. */
#ifndef NET_LWIP_TCP_H
#define NET_LWIP_TCP_H

#include "net/inet.h"

struct tcp_pcb;

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
