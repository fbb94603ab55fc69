/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_NETLINK, the route family (netlink(7), rtnetlink(7)): questions about links, addresses and routes. A request is answered while it is sent: the replies are in the socket's own queue when
 * the send returns. Changes are refused with EPERM, other families of netlink with EPROTONOSUPPORT.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "fs/ipc/mqueue.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "net/control.h"
#include "net/datagram.h"
#include "net/interface.h"
#include "net/netlink.h"

#define REQUEST_MAX     (32 * 1024)
#define REPLY_MAX       2048
#define MESSAGE_MAX     512  /* the longest one of ours */

/* A datagram of messages being built. */
struct reply {
    u8 data[REPLY_MAX];
    u32 length;
    struct nlmsghdr *message; /* the one being filled */
};

static const struct socket_ops netlink_ops;

/* ------------------------------------------------------------ building messages */

static void *message_begin(struct reply *r, const struct nlmsghdr *request, u16 type, u16 flags, u32 port, u32 body)
{
    struct nlmsghdr *h = (void *)(r->data + r->length);
    memset(h, 0, sizeof(*h) + NLMSG_ALIGN(body));
    h->nlmsg_len = NLMSG_LENGTH(body);
    h->nlmsg_type = type;
    h->nlmsg_flags = flags;
    h->nlmsg_seq = request->nlmsg_seq;
    h->nlmsg_pid = port;
    r->message = h;
    r->length += NLMSG_ALIGN(h->nlmsg_len);
    return NLMSG_DATA(h);
}

static void attribute(struct reply *r, u16 type, const void *data, u32 n)
{
    struct rtattr *a = (void *)(r->data + r->length);
    a->rta_type = type;
    a->rta_len = (u16)RTA_LENGTH(n);
    memset(RTA_DATA(a), 0, RTA_ALIGN(n));
    memcpy(RTA_DATA(a), data, n);
    r->length += RTA_ALIGN(a->rta_len);
    r->message->nlmsg_len = (u32)(r->data + r->length - (u8 *)r->message);
}

static void attribute_u32(struct reply *r, u16 type, u32 n)
{
    attribute(r, type, &n, sizeof(n));
}

static bool is_v4(const u8 ip[16])
{
    static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
    return !memcmp(ip, mapped, sizeof(mapped));
}

static void attribute_ip(struct reply *r, u16 type, const u8 ip[16])
{
    bool v4 = is_v4(ip);
    attribute(r, type, v4 ? ip + 12 : ip, v4 ? 4 : 16);
}

static void add_link(struct reply *r, const struct nlmsghdr *request, u16 flags, u32 port, const struct interface *i)
{
    static const u8 no_address[6], all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct rtnl_link_stats64 stats = {
        .rx_packets = i->rx_frames,
        .tx_packets = i->tx_frames,
        .rx_bytes = i->rx_bytes,
        .tx_bytes = i->tx_bytes,
        .rx_dropped = i->rx_dropped,
        .tx_dropped = i->tx_dropped,
    };
    struct ifinfomsg *m = message_begin(r, request, RTM_NEWLINK, flags, port, sizeof(*m));
    bool ethernet = i->flags & INTERFACE_BROADCAST;
    /* RFC 2863: unknown, as lo always is, down, up. */
    u8 zero = 0, state = !ethernet ? 0 : i->running ? 6 : 2;
    m->ifi_type = i->type;
    m->ifi_index = i->index;
    m->ifi_flags = i->flags;
    attribute(r, IFLA_IFNAME, i->name, (u32)strlen(i->name) + 1);
    attribute_u32(r, IFLA_TXQLEN, 1000);
    attribute(r, IFLA_OPERSTATE, &state, 1);
    attribute(r, IFLA_LINKMODE, &zero, 1);
    attribute_u32(r, IFLA_MTU, i->mtu);
    attribute_u32(r, IFLA_GROUP, 0);
    attribute(r, IFLA_QDISC, "noqueue", 8);
    attribute(r, IFLA_ADDRESS, i->mac, 6);
    attribute(r, IFLA_BROADCAST, ethernet ? all : no_address, 6);
    attribute(r, IFLA_STATS64, &stats, sizeof(stats));
}

/* As ipv6_addr_scope() does: fe80::/10 is the link's. */
static u8 scope_of(const struct interface *i, const u8 ip[16])
{
    if (i->index == LOOPBACK_INDEX)
        return RT_SCOPE_HOST;
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static void add_address(struct reply *r, const struct nlmsghdr *request, u32 port, const struct interface *i,
                        const struct interface_address *a)
{
    struct ifa_cacheinfo cache = {.ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX};
    bool v4 = is_v4(a->ip);
    u32 flags = (a->permanent ? IFA_F_PERMANENT : 0) | (a->tentative ? IFA_F_TENTATIVE : 0);
    struct ifaddrmsg *m = message_begin(r, request, RTM_NEWADDR, NLM_F_MULTI, port, sizeof(*m));
    m->ifa_family = v4 ? AF_INET : AF_INET6;
    m->ifa_prefixlen = a->prefix;
    m->ifa_flags = (u8)flags;
    m->ifa_scope = scope_of(i, a->ip);
    m->ifa_index = (u32)i->index;
    attribute_ip(r, IFA_ADDRESS, a->ip);
    if (v4) {
        attribute_ip(r, IFA_LOCAL, a->ip);
        if (i->flags & INTERFACE_BROADCAST) {
            u32 ip;
            memcpy(&ip, a->ip + 12, 4);
            attribute_u32(r, IFA_BROADCAST, ip | (a->prefix < 32 ? __builtin_bswap32(UINT32_MAX >> a->prefix) : 0));
        }
        attribute(r, IFA_LABEL, i->name, (u32)strlen(i->name) + 1);
    }
    attribute_u32(r, IFA_FLAGS, flags);
    attribute(r, IFA_CACHEINFO, &cache, sizeof(cache));
}

/* A route to to/length; source or gateway may be NULL. */
static void add_route(struct reply *r, const struct nlmsghdr *request, u32 port, const struct interface *i, bool local,
                      const u8 to[16], u8 length, bool v4, const u8 *source, const u8 *gateway)
{
    struct rtmsg *m = message_begin(r, request, RTM_NEWROUTE, NLM_F_MULTI, port, sizeof(*m));
    u8 table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
    m->rtm_family = v4 ? AF_INET : AF_INET6;
    m->rtm_dst_len = length;
    m->rtm_table = table;
    m->rtm_protocol = gateway ? RTPROT_BOOT : RTPROT_KERNEL;
    m->rtm_scope = !v4 || gateway ? RT_SCOPE_UNIVERSE : local ? RT_SCOPE_HOST : RT_SCOPE_LINK;
    m->rtm_type = local ? RTN_LOCAL : RTN_UNICAST;
    attribute_u32(r, RTA_TABLE, table);
    if (length)
        attribute(r, RTA_DST, v4 ? to + 12 : to, v4 ? 4 : 16);
    if (gateway)
        attribute_ip(r, RTA_GATEWAY, gateway);
    if (source)
        attribute_ip(r, RTA_PREFSRC, source);
    attribute_u32(r, RTA_OIF, (u32)i->index);
}

/* ------------------------------------------------------------ answering */

static int queue_bytes(struct netlink_socket *n, void *data, size_t length)
{
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    struct io io;
    io_init_kernel(&io, data, length);
    struct datagram *d = datagram_create(&io, &from, sizeof(from));
    if (IS_ERR(d))
        return (int)PTR_ERR(d);
    spin_lock(&n->base.lock);
    datagram_enqueue(&n->queue, d);
    spin_unlock(&n->base.lock);
    wait_wake_events(&n->base.wait, ~0u, EPOLLIN | EPOLLRDNORM);
    return 0;
}

static int queue_reply(struct netlink_socket *n, struct reply *r)
{
    int error = queue_bytes(n, r->data, r->length);
    if (!error)
        r->length = 0;
    return error;
}

/* mq_notify(2) with SIGEV_THREAD: the kernel's word to a thread that reads from the socket. For fs/ipc/mqueue.c. */
static int tell_cookie(struct file *f, void *cookie, size_t length)
{
    struct socket *s = socket_of_file(f);
    if (!s)
        return -ENOTSOCK;
    if (s->ops != &netlink_ops)
        return -EINVAL;
    return cookie ? queue_bytes(netlink_of(s), cookie, length) : 0;
}

static void netlink_init(void)
{
    mqueue_tell_socket = tell_cookie;
}
INIT_CALL(INIT_SOCKETS, netlink_init);

static int send_error(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request, int error)
{
    /* The failed request comes back with its error; with success only its header. */
    u32 echoed = error ? request->nlmsg_len - (u32)sizeof(*request) : 0;
    echoed = MIN(echoed, (u32)(REPLY_MAX / 2));
    struct nlmsgerr *e = message_begin(r, request, NLMSG_ERROR, error ? 0 : NLM_F_CAPPED, n->port,
                                       sizeof(*e) + echoed);
    e->error = error;
    memcpy(&e->msg, request, sizeof(*request) + echoed);
    return queue_reply(n, r);
}

static int send_done(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request)
{
    int *result = message_begin(r, request, NLMSG_DONE, NLM_F_MULTI, n->port, sizeof(int));
    *result = 0;
    return queue_reply(n, r);
}

/* Family of a dump request: 0 is all. */
static u8 request_family(const struct nlmsghdr *request)
{
    return request->nlmsg_len > sizeof(*request) ? *(const u8 *)NLMSG_DATA(request) : 0;
}

/* Sends what there is when there might not be room for one more message. */
static int queue_full(struct netlink_socket *n, struct reply *r)
{
    return r->length > REPLY_MAX - MESSAGE_MAX ? queue_reply(n, r) : 0;
}

static int dump_addresses(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request,
                          const struct interface *i, bool v4, bool v6)
{
    int error = 0;
    for (unsigned k = 0; !error && k < i->n_addresses; k++) {
        if (is_v4(i->addresses[k].ip) ? !v4 : !v6)
            continue;
        add_address(r, request, n->port, i, &i->addresses[k]);
        error = queue_full(n, r);
    }
    return error;
}

static int dump_routes(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request,
                       const struct interface *i, bool v4, bool v6)
{
    static const u8 unspecified[16];
    const u8 *gateways[] = {is_v4(i->gateway) && memcmp(i->gateway + 12, unspecified, 4) ? i->gateway : NULL,
                            memcmp(i->gateway6, unspecified, 16) ? i->gateway6 : NULL};
    int error = 0;
    for (int k = 0; !error && k < 2; k++) {
        if (gateways[k] && (k ? v6 : v4))
            add_route(r, request, n->port, i, false, unspecified, 0, !k, NULL, gateways[k]);
        error = queue_full(n, r);
    }
    for (unsigned k = 0; !error && k < i->n_addresses; k++) {
        const struct interface_address *a = &i->addresses[k];
        bool four = is_v4(a->ip), lo = i->index == LOOPBACK_INDEX;
        u8 width = four ? 32 : 128, net[16];
        if (four ? !v4 : !v6)
            continue;
        memcpy(net, a->ip, 16);
        for (unsigned bit = (four ? 96 : 0) + a->prefix; bit < 128; bit++)
            net[bit / 8] &= (u8)~(0x80 >> bit % 8);
        if (a->prefix < width)
            add_route(r, request, n->port, i, lo, net, a->prefix, four, four ? a->ip : NULL, NULL);
        if (!lo || a->prefix == width)
            add_route(r, request, n->port, i, true, a->ip, width, four, four ? a->ip : NULL, NULL);
        error = queue_full(n, r);
    }
    return error;
}

static int dump(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request)
{
    u8 family = request_family(request);
    bool v4 = !family || family == AF_INET, v6 = !family || family == AF_INET6;
    int error = 0;
    for (int index = 1; !error && index <= INTERFACES; index++) {
        struct interface i;
        if (!interface_get(index, &i))
            continue;
        switch (request->nlmsg_type) {
        case RTM_GETLINK:
            add_link(r, request, NLM_F_MULTI, n->port, &i);
            error = queue_full(n, r);
            break;
        case RTM_GETADDR:
            error = dump_addresses(n, r, request, &i, v4, v6);
            break;
        case RTM_GETROUTE:
            error = dump_routes(n, r, request, &i, v4, v6);
            break;
        case RTM_GETNEIGH:
        case RTM_GETRULE:
            break; /* none */
        default:
            return send_error(n, r, request, -EOPNOTSUPP);
        }
    }
    if (!error && r->length)
        error = queue_reply(n, r);
    return error ? error : send_done(n, r, request);
}

static int get_link(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request)
{
    const struct ifinfomsg *m = NLMSG_DATA(request);
    struct interface i;
    if (request->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return send_error(n, r, request, -EINVAL);
    char name[sizeof(i.name)] = "";
    const struct rtattr *a = (const void *)((const u8 *)m + NLMSG_ALIGN(sizeof(*m)));
    int left = (int)(request->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFLA_IFNAME)
            memcpy(name, RTA_DATA(a), MIN((size_t)RTA_PAYLOAD(a), sizeof(name) - 1));
    }
    if (!(m->ifi_index ? interface_get(m->ifi_index, &i) : interface_find(name, &i)))
        return send_error(n, r, request, -ENODEV);
    add_link(r, request, 0, n->port, &i);
    return queue_reply(n, r);
}

static int handle(struct netlink_socket *n, struct reply *r, const struct nlmsghdr *request)
{
    if (!(request->nlmsg_flags & NLM_F_REQUEST) || request->nlmsg_type < NLMSG_MIN_TYPE)
        return request->nlmsg_flags & NLM_F_ACK ? send_error(n, r, request, 0) : 0;
    bool get = (request->nlmsg_type - RTM_BASE) % 4 == 2;
    if (!get)
        return send_error(n, r, request, -EPERM);
    if ((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
        return dump(n, r, request);
    int error = request->nlmsg_type == RTM_GETLINK ? get_link(n, r, request)
                                                   : send_error(n, r, request, -EOPNOTSUPP);
    if (!error && request->nlmsg_flags & NLM_F_ACK && request->nlmsg_type == RTM_GETLINK)
        error = send_error(n, r, request, 0);
    return error;
}

/* ------------------------------------------------------------ the socket */

static int netlink_bind(struct socket *s, const struct socket_address *a)
{
    static u32 next_port = 0x80000000;
    struct netlink_socket *n = netlink_of(s);
    const struct sockaddr_nl *nl = (const void *)a->bytes;
    if (a->length < (int)sizeof(*nl) || nl->nl_family != AF_NETLINK)
        return -EINVAL;
    if (n->port && nl->nl_pid && nl->nl_pid != n->port)
        return -EINVAL;
    static bool pid_taken;
    if (!n->port) {
        if (nl->nl_pid)
            n->port = nl->nl_pid;
        else if (!__atomic_exchange_n(&pid_taken, true, __ATOMIC_RELAXED))
            n->port = (u32)current_process()->pid;
        else
            n->port = __atomic_add_fetch(&next_port, 1, __ATOMIC_RELAXED);
    }
    n->groups = nl->nl_groups;
    return 0;
}

static int netlink_name(struct socket *s, struct socket_address *a, bool peer)
{
    struct sockaddr_nl *nl = (void *)a->bytes;
    memset(nl, 0, sizeof(*nl));
    nl->nl_family = AF_NETLINK;
    if (!peer) {
        nl->nl_pid = netlink_of(s)->port;
        nl->nl_groups = netlink_of(s)->groups;
    }
    a->length = sizeof(*nl);
    return 0;
}

static int netlink_connect(struct socket *s, const struct socket_address *a, bool nonblock)
{
    const struct sockaddr_nl *nl = (const void *)a->bytes;
    if (a->length < (int)sizeof(*nl) || nl->nl_family != AF_NETLINK)
        return -EINVAL;
    return nl->nl_pid ? -ECONNREFUSED : 0;
}

static ssize netlink_send(struct socket *s, struct message *m)
{
    struct netlink_socket *n = netlink_of(s);
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (m->io.left > REQUEST_MAX)
        return -EMSGSIZE;
    if (!n->port) {
        struct socket_address any = {.family = AF_NETLINK, .length = sizeof(struct sockaddr_nl)};
        netlink_bind(s, &any);
    }
    u32 size = (u32)m->io.left;
    struct reply *r = kmalloc(sizeof(*r) + size); /* the request behind the reply */
    if (!r)
        return -ENOBUFS;
    u8 *data = (u8 *)(r + 1);
    ssize result = size;
    int error = 0;
    r->length = 0;
    if (size && io_copy_from(&m->io, data, size) != (ssize)size)
        error = -EFAULT;
    for (u32 at = 0; !error && at + sizeof(struct nlmsghdr) <= size;) {
        struct nlmsghdr *h = (void *)(data + at);
        if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > size - at)
            break;
        error = handle(n, r, h);
        at += NLMSG_ALIGN(h->nlmsg_len);
    }
    kfree(r);
    return error ? error : result;
}

static int receive_end(struct socket *s)
{
    return 0;
}

static const struct datagram_rules rules = {.end = receive_end};

static ssize netlink_receive(struct socket *s, struct message *m)
{
    return datagram_receive(s, &netlink_of(s)->queue, m, &rules);
}

static u32 netlink_poll(struct socket *s)
{
    return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | (netlink_of(s)->queue.count ? EPOLLIN | EPOLLRDNORM : 0) |
           (READ_ONCE(s->error) ? EPOLLERR : 0);
}

static int netlink_set_option(struct socket *s, int level, int option, const void *value, u32 length)
{
    int n;
    if (level != 270) /* SOL_NETLINK */
        return -ENOPROTOOPT;
    int error = option_read_int(value, length, &n);
    if (error)
        return error;
    switch (option) {
    case NETLINK_ADD_MEMBERSHIP: /* nothing changes, so nothing is ever announced */
    case NETLINK_DROP_MEMBERSHIP:
        return n >= 1 && n <= RTNLGRP_MAX ? 0 : -EINVAL;
    case NETLINK_PKTINFO:
    case NETLINK_EXT_ACK:
    case NETLINK_GET_STRICT_CHK:
    case NETLINK_CAP_ACK:
    case NETLINK_NO_ENOBUFS:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static void netlink_close(struct socket *s)
{
    datagram_flush(s, &netlink_of(s)->queue);
}

static void netlink_destroy(struct socket *s)
{
    kfree(netlink_of(s));
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .name = netlink_name,
    .send = netlink_send,
    .receive = netlink_receive,
    .poll = netlink_poll,
    .set_option = netlink_set_option,
    .close = netlink_close,
    .destroy = netlink_destroy,
};

struct socket *netlink_create(int type, int protocol)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return ERR_PTR(-ESOCKTNOSUPPORT);
    if (protocol != NETLINK_ROUTE)
        return ERR_PTR(-EPROTONOSUPPORT);
    struct netlink_socket *n = kzalloc(sizeof(*n));
    if (!n)
        return ERR_PTR(-ENOMEM);
    socket_init(&n->base, &netlink_ops, AF_NETLINK, type, protocol);
    datagram_queue_init(&n->queue);
    return &n->base;
}
