/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_NETLINK sockets (netlink(7)) of two protocols: routes (net/netlink_route.c) and socket diagnostics (net/netlink_diag.c). A request
 * is answered while it is sent: the replies are in the socket's own queue when the send returns. Notices go to the members of groups.
 */
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include "fs/ipc/mqueue.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "net/control.h"
#include "net/filter.h"
#include "net/netlink.h"
#include "net/proc.h"

#define REQUEST_MAX (32 * 1024)
#define REPLY_SLACK (256 * 1024) /* what a dump may take beyond SO_RCVBUF: it is made in one go */
#define SOL_NETLINK 270

static const struct socket_ops netlink_ops;
static u32 members[64]; /* of each group, atomic */

/* ------------------------------------------------------------ building messages */

void *netlink_begin(struct netlink_reply *r, const struct nlmsghdr *request, u16 type, u16 flags, u32 port, u32 body)
{
    struct nlmsghdr *h = (void *)(r->data + r->length);
    memset(h, 0, sizeof(*h) + NLMSG_ALIGN(body));
    h->nlmsg_len = NLMSG_LENGTH(body);
    h->nlmsg_type = type;
    h->nlmsg_flags = flags;
    h->nlmsg_seq = request ? request->nlmsg_seq : 0;
    h->nlmsg_pid = port;
    r->message = h;
    r->length += NLMSG_ALIGN(h->nlmsg_len);
    return NLMSG_DATA(h);
}

void netlink_attribute(struct netlink_reply *r, u16 type, const void *data, u32 n)
{
    struct rtattr *a = (void *)(r->data + r->length);
    a->rta_type = type;
    a->rta_len = (u16)RTA_LENGTH(n);
    memset(RTA_DATA(a), 0, RTA_ALIGN(n));
    memcpy(RTA_DATA(a), data, n);
    r->length += RTA_ALIGN(a->rta_len);
    r->message->nlmsg_len = (u32)(r->data + r->length - (u8 *)r->message);
}

void netlink_attribute_u32(struct netlink_reply *r, u16 type, u32 n)
{
    netlink_attribute(r, type, &n, sizeof(n));
}

const void *netlink_find(const struct nlmsghdr *request, u32 body, u16 type, u32 n)
{
    u32 at = NLMSG_ALIGN(NLMSG_LENGTH(body));
    if (request->nlmsg_len < at)
        return NULL;
    const struct rtattr *a = (const void *)((const u8 *)request + at);
    int left = (int)(request->nlmsg_len - at);
    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if ((a->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(a) >= n)
            return RTA_DATA(a);
    }
    return NULL;
}

/* ------------------------------------------------------------ queues */

/* group 0: an answer. */
static int queue_bytes(struct netlink_socket *n, void *data, size_t length, unsigned group)
{
    struct sockaddr_nl from = {.nl_family = AF_NETLINK, .nl_groups = group && group <= 32 ? 1u << (group - 1) : 0};
    struct socket *s = &n->base;
    struct datagram *d = datagram_allocate(&from, sizeof(from), (u32)length);
    if (!d)
        return -ENOMEM;
    memcpy(datagram_payload(d), data, length);
    d->netlink_group = group;
    spin_lock(&s->lock);
    bool wanted = filter_message(s, d), fits = n->queue.charge <= (u64)s->options.receive_buffer + (group ? 0 : REPLY_SLACK);
    if (wanted && fits)
        datagram_enqueue(&n->queue, d);
    else if (wanted)
        n->queue.drops++;
    spin_unlock(&s->lock);
    if (!wanted) {
        datagram_put(d);
        return 0;
    }
    if (!fits) {
        datagram_put(d);
        if (!(n->options & 1u << NETLINK_NO_ENOBUFS))
            socket_set_error(s, ENOBUFS);
    }
    wait_wake_events(&s->wait, ~0u, fits ? EPOLLIN | EPOLLRDNORM : EPOLLERR);
    return fits || group ? 0 : -ENOBUFS;
}

int netlink_queue(struct netlink_socket *n, struct netlink_reply *r)
{
    int error = r->length ? queue_bytes(n, r->data, r->length, 0) : 0;
    r->length = 0;
    return error;
}

int netlink_queue_full(struct netlink_socket *n, struct netlink_reply *r)
{
    return r->length > NETLINK_REPLY_MAX - NETLINK_MESSAGE_MAX ? netlink_queue(n, r) : 0;
}

int netlink_error(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request, int error)
{
    /* The failed request comes back with its error; with success, or if the program wants it so, only its header. */
    bool whole = error && !(n->options & 1u << NETLINK_CAP_ACK);
    u32 echoed = whole ? MIN(request->nlmsg_len - (u32)sizeof(*request), (u32)(NETLINK_REPLY_MAX / 2)) : 0;
    struct nlmsgerr *e = netlink_begin(r, request, NLMSG_ERROR, whole ? 0 : NLM_F_CAPPED, n->port, sizeof(*e) + NLMSG_ALIGN(echoed));
    e->error = error;
    memcpy(&e->msg, request, sizeof(*request) + echoed);
    return netlink_queue(n, r);
}

int netlink_done(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request)
{
    int error = netlink_queue(n, r);
    if (error)
        return error;
    int *result = netlink_begin(r, request, NLMSG_DONE, NLM_F_MULTI, n->port, sizeof(int));
    *result = 0;
    return netlink_queue(n, r);
}


void netlink_announce(unsigned group, struct netlink_reply *r)
{
    if (r->length && READ_ONCE(members[group - 1])) {
        struct sockets *all = sockets_of(SOCKETS_NETLINK);
        for (unsigned i = 0; !IS_ERR(all) && i < all->n; i++) {
            struct netlink_socket *n = netlink_of(all->list[i]);
            if (n->base.protocol == NETLINK_ROUTE && READ_ONCE(n->groups) >> (group - 1) & 1)
                queue_bytes(n, r->data, r->length, group);
        }
        if (!IS_ERR(all))
            sockets_free(all);
    }
    r->length = 0;
}

/* mq_notify(2) with SIGEV_THREAD: the kernel's word to a thread that reads from the socket. For fs/ipc/mqueue.c. */
static int tell_cookie(struct file *f, void *cookie, size_t length)
{
    struct socket *s = socket_of_file(f);
    if (!s)
        return -ENOTSOCK;
    if (s->ops != &netlink_ops)
        return -EINVAL;
    return cookie ? queue_bytes(netlink_of(s), cookie, length, 0) : 0;
}

static void netlink_init(void)
{
    mqueue_tell_socket = tell_cookie;
}
INIT_CALL(INIT_SOCKETS, netlink_init);

static int handle(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *request)
{
    int error = 0, result = 0;
    if (!(request->nlmsg_flags & NLM_F_REQUEST) || request->nlmsg_type < NLMSG_MIN_TYPE)
        return request->nlmsg_flags & NLM_F_ACK ? netlink_error(n, r, request, 0) : 0;
    result = n->base.protocol == NETLINK_ROUTE ? netlink_route_request(n, r, request, &error)
                                               : netlink_diag_request(n, r, request, &error);
    r->length = result ? 0 : r->length;
    if (!result && error)
        r->length = 0;
    else if (!result)
        result = netlink_queue(n, r);
    /* A dump that began is answered by its end. */
    bool dumped = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP && !error;
    if (!result && (error || (request->nlmsg_flags & NLM_F_ACK && !dumped)))
        result = netlink_error(n, r, request, error);
    return result;
}

/* ------------------------------------------------------------ the socket */

static void set_groups(struct netlink_socket *n, u64 groups)
{
    spin_lock(&n->base.lock);
    for (unsigned i = 0; i < ARRAY_SIZE(members); i++) {
        int change = (int)(groups >> i & 1) - (int)(n->groups >> i & 1);
        if (change)
            __atomic_add_fetch(&members[i], (u32)change, __ATOMIC_RELAXED);
    }
    n->groups = groups;
    spin_unlock(&n->base.lock);
}

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
    set_groups(n, (n->groups & ~0xffffffffull) | nl->nl_groups);
    return 0;
}

static int netlink_name(struct socket *s, struct socket_address *a, enum socket_name whose)
{
    struct sockaddr_nl *nl = (void *)a->bytes;
    memset(nl, 0, sizeof(*nl));
    nl->nl_family = AF_NETLINK;
    if (whose == NAME_OWN) {
        nl->nl_pid = netlink_of(s)->port;
        nl->nl_groups = (u32)netlink_of(s)->groups;
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
    struct netlink_reply *r = kmalloc(sizeof(*r) + size); /* the request behind the reply */
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

static void add_control(struct socket *s, struct message *m, struct datagram *d)
{
    struct nl_pktinfo info = {.group = d->netlink_group};
    if (netlink_of(s)->options & 1u << NETLINK_PKTINFO)
        control_put(m, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
}

static const struct datagram_rules rules = {.end = receive_end, .control = add_control};

static ssize netlink_receive(struct socket *s, struct message *m)
{
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    return datagram_receive(s, &netlink_of(s)->queue, m, &rules);
}

static u32 netlink_poll(struct socket *s)
{
    return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | (netlink_of(s)->queue.count ? EPOLLIN | EPOLLRDNORM : 0) |
           (READ_ONCE(s->error) ? EPOLLERR : 0);
}

/* Is this an option that is on or off? */
static bool is_flag(int option)
{
    return option == NETLINK_PKTINFO || option == NETLINK_BROADCAST_ERROR || option == NETLINK_NO_ENOBUFS || option == NETLINK_CAP_ACK ||
           option == NETLINK_EXT_ACK || option == NETLINK_GET_STRICT_CHK;
}

static int netlink_set_option(struct socket *s, int level, int option, const void *value, u32 length)
{
    struct netlink_socket *n = netlink_of(s);
    int number;
    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    int error = option_read_int(value, length, &number);
    if (error)
        return error;
    if (option == NETLINK_ADD_MEMBERSHIP || option == NETLINK_DROP_MEMBERSHIP) {
        unsigned max = s->protocol == NETLINK_ROUTE ? RTNLGRP_MAX : 32;
        if (number < 1 || number > (int)max)
            return -EINVAL;
        u64 bit = 1ull << (number - 1);
        set_groups(n, option == NETLINK_ADD_MEMBERSHIP ? n->groups | bit : n->groups & ~bit);
        return 0;
    }
    if (!is_flag(option))
        return -ENOPROTOOPT;
    if (option == NETLINK_NO_ENOBUFS && number)
        socket_take_error(s);
    n->options = number ? n->options | 1u << option : n->options & ~(1u << option);
    return 0;
}

static int netlink_get_option(struct socket *s, int level, int option, void *value, int *length)
{
    const struct netlink_socket *n = netlink_of(s);
    if (level != SOL_NETLINK || (!is_flag(option) && option != NETLINK_LIST_MEMBERSHIPS))
        return -ENOPROTOOPT;
    if (option == NETLINK_LIST_MEMBERSHIPS)
        return option_write(value, length, &n->groups, sizeof(n->groups));
    return option_write_int(value, length, n->options >> option & 1);
}

static void netlink_close(struct socket *s)
{
    set_groups(netlink_of(s), 0);
    datagram_flush(s, &netlink_of(s)->queue);
}

static void netlink_destroy(struct socket *s)
{
    kfree(netlink_of(s));
}

static const struct socket_ops netlink_ops = {
    .filters = true,
    .bind = netlink_bind,
    .connect = netlink_connect,
    .name = netlink_name,
    .send = netlink_send,
    .receive = netlink_receive,
    .poll = netlink_poll,
    .set_option = netlink_set_option,
    .get_option = netlink_get_option,
    .close = netlink_close,
    .destroy = netlink_destroy,
};

struct socket *netlink_create(int type, int protocol)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return ERR_PTR(-ESOCKTNOSUPPORT);
    if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG)
        return ERR_PTR(-EPROTONOSUPPORT);
    struct netlink_socket *n = kzalloc(sizeof(*n));
    if (!n)
        return ERR_PTR(-ENOMEM);
    socket_init(&n->base, &netlink_ops, AF_NETLINK, type, protocol);
    datagram_queue_init(&n->queue);
    return &n->base;
}
