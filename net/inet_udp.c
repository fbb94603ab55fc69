/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP between sockets of this VM (udp(7)): a datagram goes straight into the receiver's queue, or is dropped. */
#include <linux/if_ether.h>
#include <linux/net_tstamp.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/timer.h"
#include "net/control.h"
#include "net/counters.h"
#include "net/filter.h"
#include "net/inet_packet.h"

#define READABLE    (EPOLLIN | EPOLLRDNORM)
#define GROUP_RECEIVERS 32 /* of a datagram, in this VM */

static int set_peer(struct inet_socket *u, const struct socket_address *a)
{
    struct socket *s = &u->base;
    struct inet_address to;
    if (a->length < 2)
        return -EINVAL;
    if (a->family == AF_UNSPEC) {
        memset(&u->remote, 0, sizeof(u->remote));
        if (!u->address_chosen)
            memset(u->local.ip + (s->family == AF_INET ? 12 : 0), 0, s->family == AF_INET ? 4 : 16);
        if (!u->port_chosen)
            inet_port_release(u);
        return 0;
    }
    u8 source[16];
    if (!u->local.port && inet_port_bind(u, 0)) /* also if the rest fails */
        return -EAGAIN;
    bool other = s->family == AF_INET6 && a->family == AF_INET && u->v6only; /* to send there is ENETUNREACH */
    int error = other ? -EAFNOSUPPORT : inet_parse(u, a, true, &to);
    if (!error)
        error = inet_route(u, &to, source);
    if (error < 0)
        return error;
    memcpy(u->local.ip, source, 16);
    u->remote = to;
    return 0;
}

int inet_datagram_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    struct inet_socket *u = inet_of(s);
    mutex_lock(&u->change);
    int error = set_peer(u, a);
    mutex_unlock(&u->change);
    return error;
}

/* ------------------------------------------------------------ sending */

/* A number given with a message: into *field plus 1, -1 as 0. */
static int set_number(u16 *field, int n, int smallest)
{
    if (n < smallest || n > 255)
        return -EINVAL;
    *field = (u16)(n + 1);
    return 0;
}

/* IP_TOS, IP_TTL, IP_PKTINFO and their IPv6 fellows given with a message. */
int inet_datagram_send_control(struct message *m, int level, int type, const void *data, size_t length)
{
    if (level == SOL_IP) {
        switch (type) {
        case IP_PKTINFO: {
            const struct in_pktinfo *info = data;
            if (length != sizeof(*info))
                return -EINVAL;
            m->interface = info->ipi_ifindex;
            m->has_source = info->ipi_spec_dst.s_addr != 0;
            ip_from_v4(m->source, &info->ipi_spec_dst);
            return 0;
        }
        case IP_TTL:
            return length == sizeof(int) ? set_number(&m->hops, *(const int *)data, 1) : -EINVAL;
        case IP_TOS:
            if (length == 1)
                return set_number(&m->traffic_class, *(const u8 *)data, 0);
            return length == sizeof(int) ? set_number(&m->traffic_class, *(const int *)data, 0) : -EINVAL;
        }
        return -EINVAL;
    }
    if (level == SOL_IPV6) {
        switch (type) {
        case IPV6_PKTINFO: {
            const struct in6_pktinfo *info = data;
            if (length < sizeof(*info))
                return -EINVAL;
            m->interface = (int)info->ipi6_ifindex;
            memcpy(m->source, &info->ipi6_addr, 16);
            m->has_source = !ip_is_any(m->source);
            return 0;
        }
        case IPV6_HOPLIMIT:
        case IPV6_TCLASS:
            if (length != sizeof(int))
                return -EINVAL;
            if (type == IPV6_HOPLIMIT)
                return set_number(&m->hops, *(const int *)data, -1);
            /* -1 is sent as 255, as by Linux. */
            return *(const int *)data == -1 ? set_number(&m->traffic_class, 255, 0)
                                            : set_number(&m->traffic_class, *(const int *)data, 0);
        }
        return -EINVAL;
    }
    return 0;
}

/* As inet_route(). */
static int destination(struct inet_socket *u, const struct message *m, struct inet_address *to, u8 source[16])
{
    if (!m->name.length) {
        if (ip_is_any(u->remote.ip)) /* port 0 is one to be connected to */
            return -EDESTADDRREQ;
        if (m->flags & MSG_OOB && ip_is_v4(u->remote.ip))
            return -EOPNOTSUPP;
        if (!u->remote.port && u->base.family == AF_INET6 && ip_is_v4(u->remote.ip))
            return -EINVAL;
        *to = u->remote;
        return inet_route_message(u, m, to, source);
    }
    int error = inet_parse(u, &m->name, true, to);
    if (error)
        return error;
    if (m->flags & MSG_OOB && (ip_is_v4(to->ip) || (ip_is_any(to->ip) && ip_is_v4(u->local.ip)))) /* IPv6 does not look at it */
        return -EOPNOTSUPP;
    if (!to->port)
        return -EINVAL;
    return inet_route_message(u, m, to, source);
}

/* Shows a datagram that stays in the VM to raw sockets. */
static void show(const struct inet_address *from, const struct inet_address *to, struct datagram *d, bool refused)
{
    struct ip_header h = {.protocol = IPPROTO_UDP, .hops = d->hops, .traffic_class = d->traffic_class, .whole = true};
    inet_packet_show(from, to, &h, datagram_payload(d), d->length, refused);
}

static void fill(struct inet_socket *from, struct inet_socket *to, const struct inet_address *dst, const struct message *m,
                 struct datagram *d)
{
    bool v4 = ip_is_v4(dst->ip);
    memcpy(d->destination, dst->ip, 16);
    d->interface = LOOPBACK_INDEX;
    d->hops = (u8)(v4 ? (from->options.ttl > 0 ? from->options.ttl : 64)
                      : (from->options.hops >= 0 ? from->options.hops : 64));
    d->traffic_class = (u8)(v4 ? from->options.tos : from->options.traffic_class < 0 ? 0 : from->options.traffic_class);
    if (m->hops)
        d->hops = (u8)(m->hops - 1);
    if (m->traffic_class)
        d->traffic_class = (u8)(m->traffic_class - 1);
    if (datagram_wants_time(&to->base))
        d->time = (s64)clock_realtime();
}

/*
 * What the socket's filter leaves of d: of UDP it sees the header too, and cuts no further than that. s->lock held; false: nothing.
 */
static bool passes(struct inet_socket *to, struct datagram *d)
{
    struct socket *s = &to->base;
    bool udp = s->protocol == IPPROTO_UDP && s->type == SOCK_DGRAM, v4 = ip_is_v4(d->destination);
    u32 n = UDP_HEADER + d->length;
    u8 header[UDP_HEADER] = {d->data[2], d->data[3], (u8)(to->local.port >> 8), (u8)to->local.port, (u8)(n >> 8), (u8)n};
    struct bpf_packet p = {
        .head = header,
        .rest = datagram_payload(d),
        .head_length = udp ? UDP_HEADER : 0,
        .rest_length = d->length,
        .protocol = v4 ? ETH_P_IP : ETH_P_IPV6,
        .hardware = d->interface == LOOPBACK_INDEX ? ARPHRD_LOOPBACK : ARPHRD_ETHER,
        .interface = d->interface,
    };
    u32 wanted = filter_run(s, &p);
    if (wanted)
        d->length = MIN(d->length, wanted - MIN(wanted, p.head_length));
    return wanted != 0;
}

void udp_deliver(struct inet_socket *to, struct datagram *d)
{
    struct socket *s = &to->base;
    spin_lock(&s->lock);
    bool fits = (likely(!s->filter) || passes(to, d)) && !to->dead && to->queue.charge + d->charge <= (u64)s->options.receive_buffer;
    bool v6 = !ip_is_v4(d->destination);
    if (fits)
        datagram_enqueue(&to->queue, d);
    else
        to->queue.drops++;
    spin_unlock(&s->lock);
    if (s->protocol == IPPROTO_UDP)
        net_count((fits ? UDP_TAKEN : UDP_NO_ROOM) + v6, 1);
    if (fits)
        wait_wake_events(&s->wait, ~0u, READABLE);
    else
        datagram_put(d);
}

/* To a group: a copy for each member here (IP_MULTICAST_LOOP), and one for the outside. */
static ssize send_to_group(struct inet_socket *u, const struct inet_address *from, const struct inet_address *to, struct message *m)
{
    struct inet_socket *list[GROUP_RECEIVERS];
    u32 length = (u32)m->io.left;
    int by = u->options.multicast_interface == LOOPBACK_INDEX ? LOOPBACK_INDEX : OUTSIDE_INDEX;
    bool v4 = ip_is_v4(to->ip), loop = v4 ? IP_BIT(u, IP_MULTICAST_LOOP) : IP6_BIT(u, IPV6_MULTICAST_LOOP);
    u8 *data = kmalloc(length + 1);
    ssize result = (ssize)length;
    if (!data)
        return -ENOBUFS;
    if (length && io_copy_from(&m->io, data, length) != result)
        result = -EFAULT;
    unsigned n = loop && result >= 0 ? inet_find_receivers(to, from, by, true, list, GROUP_RECEIVERS) : 0;
    for (unsigned i = 0; i < n; i++) {
        struct socket_address name;
        inet_format(list[i], from, &name);
        struct datagram *d = datagram_allocate(name.bytes, (u32)name.length, length);
        if (d) {
            memcpy(datagram_payload(d), data, length);
            fill(u, list[i], to, m, d);
            d->interface = (u8)by;
            d->hops = v4 ? u->options.multicast_ttl : (u8)u->options.multicast_hops;
            udp_deliver(list[i], d);
        }
        socket_put(&list[i]->base);
    }
    if (result >= 0 && !(v4 && u->options.multicast_interface == LOOPBACK_INDEX)) {
        io_init_kernel(&m->io, data, length);
        result = network_udp_send(u, from, to, m);
    }
    kfree(data);
    return result;
}

/* In a packet that must not be fragmented, which lwIP would not tell the routers. */
static ssize send_whole(struct inet_socket *u, const struct inet_address *from, const struct inet_address *to, struct message *m)
{
    u32 n = (u32)m->io.left;
    u8 *packet = kmalloc(IP_HEADER6 + UDP_HEADER + n), *udp = packet + IP_HEADER4;
    if (!packet)
        return -ENOBUFS;
    ssize result = n && io_copy_from(&m->io, udp + UDP_HEADER, n) != (ssize)n ? -EFAULT : 0;
    if (!result) {
        udp_header_write(udp, from, to, n);
        result = inet_packet_send(u, from->ip, to, true, m, IPPROTO_UDP, udp, UDP_HEADER + n);
    }
    kfree(packet);
    return result ? result : (ssize)n;
}

static bool must_be_whole(const struct inet_socket *u, const u8 ip[16])
{
    int discover = ip_is_v4(ip) ? u->options.mtu_discover : u->options.mtu_discover6;
    return discover >= IP_PMTUDISC_DO && discover != IP_PMTUDISC_OMIT;
}

static ssize send_datagram(struct socket *s, struct message *m)
{
    struct inet_socket *u = inet_of(s);
    struct inet_address to, from;
    if (!u->local.port && inet_port_bind(u, 0))
        return -EAGAIN;
    if (s->family == AF_INET && m->io.left > PACKET_MAX)
        return -EMSGSIZE;
    if (m->flags & MSG_MORE || (m->flags & MSG_OOB && s->family == AF_INET))
        return -EOPNOTSUPP;
    int outside = destination(u, m, &to, from.ip);
    if (outside < 0)
        return outside;
    int error = socket_take_error(s);
    if (!error && u->shutdown & SHUT_WRITE)
        error = -EPIPE;
    if (error)
        return error;
    bool whole = must_be_whole(u, to.ip), v4 = ip_is_v4(to.ip);
    u32 limit = whole ? inet_mtu(u, to.ip, outside) : v4 ? PACKET_MAX : IP_HEADER6 + PACKET_MAX;
    if ((v4 ? IP_HEADER4 : IP_HEADER6) + UDP_HEADER + m->io.left > limit)
        return inet_too_long(u, &to, inet_mtu(u, to.ip, outside));
    from.port = u->local.port;
    if (outside && ip_is_multicast(to.ip))
        return send_to_group(u, &from, &to, m);
    if (outside)
        return whole && v4 ? send_whole(u, &from, &to, m) : network_udp_send(u, &from, &to, m);

    struct inet_socket *receiver = inet_find_datagram(&to, &from, LOOPBACK_INDEX);
    ssize result = (ssize)m->io.left;
    struct socket_address name = {.length = 0};
    inet_format(receiver ? receiver : u, &from, &name);
    bool v6 = !ip_is_v4(to.ip);
    struct datagram *d = datagram_create(&m->io, name.bytes, (u32)name.length);
    if (IS_ERR(d)) {
        result = PTR_ERR(d);
    } else if (receiver) {
        fill(u, receiver, &to, m, d);
        if (unlikely(inet_packet_watched()))
            show(&from, &to, d, false);
        udp_deliver(receiver, d);
    } else {
        fill(u, u, &to, m, d);
        show(&from, &to, d, true);
        datagram_put(d);
        net_count(UDP_NOBODY + v6, 1);
    }
    if (result >= 0) {
        net_count(LOOP_DATAGRAMS + v6, 1);
        net_count_loop(v6, 1, (u64)result, 8);
    }
    if (receiver)
        socket_put(&receiver->base);
    return result;
}

static ssize udp_send(struct socket *s, struct message *m)
{
    struct inet_socket *u = inet_of(s);
    struct datagram *notice;
    u32 stamps = s->options.timestamping;
    if (unlikely(m->has_stamps)) {
        stamps = (stamps & ~(u32)SOF_TIMESTAMPING_TX_RECORD_MASK) | m->stamps;
        if (socket_stamps_packet(stamps))
            return -EOPNOTSUPP;
    }
    int error = inet_zerocopy_begin(u, m, &notice);
    ssize n = error ? error : send_datagram(s, m);
    inet_zerocopy_end(u, notice, n >= 0);
    if (unlikely(stamps) && n >= 0)
        inet_stamp_sent(u, stamps);
    return n;
}

/* ------------------------------------------------------------ receiving */

static int receive_end(struct socket *s)
{
    return inet_of(s)->shutdown & SHUT_READ ? 1 : 0;
}

static void put_v4(struct message *m, const struct inet_socket *u, const struct datagram *d)
{
    if (IP_BIT(u, IP_PKTINFO)) {
        struct in_pktinfo info = {.ipi_ifindex = d->interface};
        memcpy(&info.ipi_addr, d->destination + 12, 4);
        memcpy(&info.ipi_spec_dst, d->destination + 12, 4);
        control_put(m, SOL_IP, IP_PKTINFO, &info, sizeof(info));
    }
    if (IP_BIT(u, IP_RECVTTL)) {
        int ttl = d->hops;
        control_put(m, SOL_IP, IP_TTL, &ttl, sizeof(ttl));
    }
    if (IP_BIT(u, IP_RECVTOS))
        control_put(m, SOL_IP, IP_TOS, &d->traffic_class, 1);
    if (IP_BIT(u, IP_RECVORIGDSTADDR)) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = (u16)(u->local.port << 8 | u->local.port >> 8)};
        memcpy(&to.sin_addr, d->destination + 12, 4);
        control_put(m, SOL_IP, IP_ORIGDSTADDR, &to, sizeof(to));
    }
}

static void put_v6(struct message *m, const struct inet_socket *u, const struct datagram *d)
{
    int n;
    if (IP6_BIT(u, IPV6_RECVPKTINFO)) {
        struct in6_pktinfo info = {.ipi6_ifindex = d->interface};
        memcpy(&info.ipi6_addr, d->destination, 16);
        control_put(m, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    if (IP6_BIT(u, IPV6_RECVHOPLIMIT)) {
        n = d->hops;
        control_put(m, SOL_IPV6, IPV6_HOPLIMIT, &n, sizeof(n));
    }
    if (IP6_BIT(u, IPV6_RECVTCLASS)) {
        n = d->traffic_class;
        control_put(m, SOL_IPV6, IPV6_TCLASS, &n, sizeof(n));
    }
}

void inet_put_control(struct socket *s, struct message *m, struct datagram *d)
{
    const struct inet_socket *u = inet_of(s);
    datagram_put_time(m, s, d);
    if (s->family == AF_INET6)
        put_v6(m, u, d);
    if (ip_is_v4(d->destination))
        put_v4(m, u, d);
}

static const struct datagram_rules rules = {.end = receive_end, .control = inet_put_control};

ssize inet_datagram_receive(struct socket *s, struct message *m)
{
    if (m->flags & MSG_ERRQUEUE)
        return inet_receive_error(s, m);
    if (m->flags & MSG_OOB && !(s->type == SOCK_DGRAM && s->protocol == IPPROTO_UDP))
        return -EOPNOTSUPP;
    return datagram_receive(s, &inet_of(s)->queue, m, &rules);
}

/* ------------------------------------------------------------ state */

int inet_datagram_shutdown(struct socket *s, int how)
{
    struct inet_socket *u = inet_of(s);
    u->shutdown |= (u8)how; /* takes effect all the same */
    wait_wake_all(&s->wait);
    return ip_is_any(u->remote.ip) ? -ENOTCONN : 0;
}

u32 inet_datagram_poll(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    u32 events = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    if (READ_ONCE(s->error) || inet_errors_waiting(u))
        events |= EPOLLERR | (OPTION_SET(s, SO_SELECT_ERR_QUEUE) ? EPOLLPRI : 0);
    if (u->shutdown & SHUT_READ)
        events |= EPOLLRDHUP | READABLE;
    if (u->shutdown == SHUT_BOTH)
        events |= EPOLLHUP;
    if (READ_ONCE(u->queue.count))
        events |= READABLE;
    return events;
}

u64 inet_datagram_readable(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    spin_lock(&s->lock);
    struct datagram *d = list_first(&u->queue.list, struct datagram, link);
    u64 n = d ? d->length : 0;
    spin_unlock(&s->lock);
    return n;
}

u64 inet_datagram_unsent(struct socket *s)
{
    return 0;
}

void inet_datagram_close(struct socket *s)
{
    struct inet_socket *u = inet_of(s);
    inet_group_leave_all(u);
    inet_port_release(u);
    spin_lock(&s->lock);
    u->dead = true;
    spin_unlock(&s->lock);
    datagram_flush(s, &u->queue);
    inet_errors_drop(u);
}

static void udp_option_changed(struct socket *s)
{
    if (!(s->options.timestamping & SOF_TIMESTAMPING_OPT_ID))
        inet_of(s)->stamped_sends = 0;
}

const struct socket_ops udp_ops = {
    INET_DATAGRAM_OPS,
    .stamps = true,
    .zerocopy = true,
    .bind = inet_bind,
    .send = udp_send,
    .set_option = inet_set_option,
    .get_option = inet_get_option,
    .option_changed = udp_option_changed,
};
