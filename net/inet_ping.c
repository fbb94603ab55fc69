/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ping sockets (icmp(7), SOCK_DGRAM with IPPROTO_ICMP): echo requests of ICMP, for who may not have a raw socket. A port of theirs is the
 * identifier in the messages, which the kernel writes, and by which it finds the socket for an answer.
 */
#include <linux/icmpv6.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/inet_packet.h"

#define HEADER ICMP_HEADER

u32 inet_ping_groups[2] = {1, 0};

void inet_ping_input(const struct ip_packet *p)
{
    const u8 *icmp = p->data + p->header;
    u32 n = p->length - p->header;
    struct inet_address to = p->to;
    struct inet_socket *u;
    if (n < HEADER)
        return;
    to.port = (u16)(icmp[4] << 8 | icmp[5]);
    if (!inet_find_all(PORTS_PING, &to, &p->from, p->interface, &u, 1))
        return;
    inet_packet_deliver(u, p, &p->from, icmp, n);
    socket_put(&u->base);
}

/* As inet_route(). */
static int destination(struct inet_socket *u, const struct message *m, struct inet_address *to, u8 source[16])
{
    if (m->name.length) {
        int error = m->name.length < (u->base.family == AF_INET ? (int)sizeof(struct sockaddr_in) : (int)sizeof(struct sockaddr_in6))
                        ? -EINVAL : m->name.family != u->base.family ? -EAFNOSUPPORT : inet_parse(u, &m->name, true, to);
        if (error)
            return error;
        to->port = 0;
    } else if (ip_is_any(u->remote.ip)) {
        return -EDESTADDRREQ;
    } else {
        *to = u->remote;
    }
    return inet_route_message(u, m, to, source);
}

static ssize ping_send(struct socket *s, struct message *m)
{
    struct inet_socket *u = inet_of(s);
    struct inet_address to;
    u8 source[16], header[HEADER];
    u32 n = (u32)m->io.left;
    bool v4 = s->family == AF_INET;
    if (!u->local.port && inet_port_bind(u, 0))
        return -EAGAIN;
    if (m->io.left > PACKET_MAX)
        return -EMSGSIZE;
    if (n < HEADER)
        return -EINVAL;
    if (m->flags & (MSG_OOB | MSG_MORE))
        return -EOPNOTSUPP;
    if (io_copy_from(&m->io, header, HEADER) != HEADER)
        return -EFAULT;
    if (header[0] != (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) || header[1])
        return -EINVAL;
    int outside = destination(u, m, &to, source);
    if (outside < 0)
        return outside;
    int error = 0;
    if (IP_HEADER4 * v4 + n > PACKET_MAX)
        return -EMSGSIZE;
    u8 *packet = kmalloc(IP_HEADER6 + n);
    if (!packet)
        return -ENOBUFS;
    u8 *icmp = packet + (v4 ? IP_HEADER4 : IP_HEADER6);
    memcpy(icmp, header, HEADER);
    if (n > HEADER && io_copy_from(&m->io, icmp + HEADER, n - HEADER) != (ssize)(n - HEADER))
        error = -EFAULT;
    icmp[2] = icmp[3] = 0;
    icmp[4] = (u8)(u->local.port >> 8);
    icmp[5] = (u8)u->local.port;
    u8 protocol = (u8)s->protocol;
    u16 sum = ip_transport_checksum(source, to.ip, protocol, icmp, n);
    memcpy(icmp + 2, &sum, 2);
    if (!error)
        error = (int)inet_packet_send(u, source, &to, outside, m, protocol, icmp, n);
    kfree(packet);
    return error ? error : (ssize)n;
}

/* An identifier may be any number: none is kept for the privileged. */
static int ping_bind(struct socket *s, const struct socket_address *a)
{
    struct inet_socket *u = inet_of(s);
    struct inet_address wanted;
    int error = inet_bind_address(u, a, &wanted);
    if (error)
        return error;
    mutex_lock(&u->change);
    error = u->local.port ? -EINVAL : inet_bind_to(u, &wanted);
    mutex_unlock(&u->change);
    return error;
}

static const struct socket_ops ping_ops = {
    INET_DATAGRAM_OPS,
    .bind = ping_bind,
    .send = ping_send,
    .set_option = inet_set_option,
    .get_option = inet_get_option,
};

static bool allowed(void)
{
    const struct credentials *c = &current_thread()->cred;
    u32 low = READ_ONCE(inet_ping_groups[0]), high = READ_ONCE(inet_ping_groups[1]);
    if (c->egid >= low && c->egid <= high)
        return true;
    for (unsigned i = 0; c->groups && i < c->groups->count; i++) {
        if (c->groups->gid[i] >= low && c->groups->gid[i] <= high)
            return true;
    }
    return false;
}

struct socket *inet_ping_create(int family, int protocol)
{
    if (!allowed())
        return ERR_PTR(-EACCES);
    struct inet_socket *u = kzalloc(sizeof(*u));
    if (!u)
        return ERR_PTR(-ENOBUFS);
    inet_init(u, &ping_ops, family, SOCK_DGRAM, protocol);
    u->v6only = true;
    return &u->base;
}
