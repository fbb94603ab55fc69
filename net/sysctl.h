/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of /proc/sys/net that may be changed. Each is read where it takes effect, at any time, without a lock. */
#ifndef NET_SYSCTL_H
#define NET_SYSCTL_H

struct net_settings {
    int backlog_max;                                   /* core.somaxconn */
    int receive_default, receive_max, send_default, send_max; /* core.[rw]mem_*: bytes, before doubling */
    int tcp_receive_default, tcp_send_default;         /* the second numbers of ipv4.tcp_[rw]mem */
    int port_first, port_last;                         /* ipv4.ip_local_port_range */
    int port_unprivileged;                             /* ipv4.ip_unprivileged_port_start */
    int keep_idle, keep_interval, keep_count;          /* ipv4.tcp_keepalive_* */
    int syn_count, synack_count, retries, fin_timeout; /* ipv4.tcp_syn_retries, tcp_synack_retries, tcp_retries2, tcp_fin_timeout */
    int abort_on_overflow;                             /* ipv4.tcp_abort_on_overflow */
    int nonlocal_bind, groups_max;                     /* ipv4.ip_nonlocal_bind, igmp_max_memberships */
    int v6only;                                        /* ipv6.bindv6only */
    int unix_queue_max;                                /* unix.max_dgram_qlen */
};
extern struct net_settings net_settings;

#endif
