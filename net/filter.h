/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters that programs attach to sockets (socket(7), SO_ATTACH_FILTER). */
#ifndef NET_FILTER_H
#define NET_FILTER_H

#include "kernel/lib/bpf.h"
#include "net/datagram.h"

/* The options; value and length are the program's. Errors of Linux, and -EOPNOTSUPP for TCP. */
int filter_attach(struct socket *s, const void *value, u32 length);
int filter_detach(struct socket *s);
int filter_get(struct socket *s, void *value, int *length);
/* How many bytes of a packet s wants; 0: none of it. s->lock held. */
u32 filter_run(struct socket *s, struct bpf_packet *p);
/* The same for a message, of which the filter sees all and nothing more: its length is what is left. False: s does not want it. */
bool filter_message(struct socket *s, struct datagram *d);

#endif
