/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of /proc/net, for the table in net/proc.c: functions as struct generated_node.show. */
#ifndef NET_PROC_H
#define NET_PROC_H

#include "fs/generated.h"
#include "net/inet.h"

/* A list's column heads begin with the local address of this version. */
void proc_net_put_end(struct text *t, const u8 ip[16], u16 port, bool v6);
/* A group of counters, names and values, two lines (v6: a line for each name). */
int proc_net_snmp(struct text *t, const struct generated_ref *r);
int proc_net_snmp6(struct text *t, const struct generated_ref *r);
int proc_net_netstat(struct text *t, const struct generated_ref *r);
int proc_net_sockstat(struct text *t, const struct generated_ref *r);
int proc_net_sockstat6(struct text *t, const struct generated_ref *r);
int proc_net_softnet(struct text *t, const struct generated_ref *r);
/* Multicast groups of the interfaces. */
int proc_net_igmp(struct text *t, const struct generated_ref *r);
int proc_net_igmp6(struct text *t, const struct generated_ref *r);
int proc_net_dev_mcast(struct text *t, const struct generated_ref *r);
int proc_net_fib_trie(struct text *t, const struct generated_ref *r);
/* Sockets: data points to the enum socket_kind. */
int proc_net_inet(struct text *t, const struct generated_ref *r);
int proc_net_unix(struct text *t, const struct generated_ref *r);
int proc_net_netlink(struct text *t, const struct generated_ref *r);
int proc_net_packet(struct text *t, const struct generated_ref *r);
int proc_net_protocols(struct text *t, const struct generated_ref *r);

/* All sockets of a kind, with references, in memory that sockets_free() frees. ERR_PTR(-ENOMEM). */
struct sockets {
    unsigned n;
    struct socket *list[];
};
struct sockets *sockets_of(enum socket_kind kind);
void sockets_free(struct sockets *all);

#endif
