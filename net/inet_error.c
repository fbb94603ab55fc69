/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of packets that sockets sent: what ICMP says of them, and the queue in which a socket that asked for it finds them (ip(7),
 * IP_RECVERR; recvmsg(2), MSG_ERRQUEUE). A record is a datagram whose payload begins with an error_head, from the address that the
 * packet was for. Notices of what was sent (MSG_ZEROCOPY, SO_TIMESTAMPING) come by the same queue, from no address.
 */
#include <linux/time.h> /* errqueue.h wants struct timespec */
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include <linux/net_tstamp.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/timer.h"
#include "net/control.h"
#include "net/inet_packet.h"

#define RECEIVERS_MAX 32
#define PORTS         8 /* bytes of the transport's header that are sure to come: ports, sequence number */
#define ICMP_PARAMETERPROB 12
#define ICMP_FRAG_NEEDED   4

struct error_head {
    struct sock_extended_err error;
    u8 offender[16]; /* who said so; unspecified: nobody else */
};

/* ------------------------------------------------------------ the queue */

/* A record for u, which has a queue for it from now on; n: bytes of payload. NULL: out of memory. */
static struct datagram *create(struct inet_socket *u, const struct error_head *head, const struct socket_address *name, u32 n)
{
    struct datagram_queue *fresh = READ_ONCE(u->errors) ? NULL : kmalloc(sizeof(*fresh));
    if (fresh) {
        datagram_queue_init(fresh);
        spin_lock(&u->base.lock);
        if (!u->errors) {
            u->errors = fresh;
            fresh = NULL;
        }
        spin_unlock(&u->base.lock);
        kfree(fresh);
    }
    struct datagram *d = u->errors ? datagram_allocate(name ? name->bytes : NULL, name ? (u32)name->length : 0, n + (u32)sizeof(*head)) : NULL;
    if (d)
        memcpy(datagram_payload(d), head, sizeof(*head));
    return d;
}

/* d may be NULL. */
static void append(struct inet_socket *u, struct datagram *d)
{
    struct socket *s = &u->base;
    if (!d)
        return;
    spin_lock(&s->lock);
    bool fits = !u->dead && u->errors->charge + d->charge <= (u64)s->options.receive_buffer;
    if (fits)
        datagram_enqueue(u->errors, d);
    spin_unlock(&s->lock);
    if (!fits)
        datagram_put(d);
}

void inet_queue_error(struct inet_socket *u, const struct sock_extended_err *error, const struct inet_icmp *icmp,
                      const struct inet_address *to, const void *payload, u32 n)
{
    struct socket_address name;
    struct error_head head = {.error = *error};
    inet_format(u, to, &name);
    if (icmp)
        memcpy(head.offender, icmp->offender, 16);
    struct datagram *d = create(u, &head, &name, n);
    if (d) {
        memcpy(datagram_payload(d) + sizeof(head), payload, n);
        if (icmp) {
            memcpy(d->destination, icmp->to, 16);
            d->hops = icmp->hops;
            d->traffic_class = icmp->traffic_class;
            d->interface = icmp->interface;
        }
    }
    append(u, d);
}

bool inet_errors_waiting(const struct inet_socket *u)
{
    return u->errors && READ_ONCE(u->errors->count);
}

void inet_errors_drop(struct inet_socket *u)
{
    if (u->errors)
        datagram_flush(&u->base, u->errors);
}

static bool from_network(const struct sock_extended_err *e)
{
    return e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6;
}

static struct error_head *head_of(struct datagram *d)
{
    return (void *)datagram_payload(d);
}

/* The first record, off the queue. The pending error is that of the next one, then. */
static struct datagram *take(struct inet_socket *u)
{
    struct socket *s = &u->base;
    bool more = false;
    if (!u->errors)
        return NULL;
    spin_lock(&s->lock);
    struct datagram *d = list_first(&u->errors->list, struct datagram, link), *next = NULL;
    if (d) {
        struct error_head head;
        datagram_dequeue(u->errors, d);
        next = list_first(&u->errors->list, struct datagram, link);
        more = next != NULL;
        memcpy(&head, head_of(more ? next : d), sizeof(head));
        if (from_network(&head.error))
            socket_set_error(s, more ? (int)head.error.ee_errno : 0);
    }
    spin_unlock(&s->lock);
    if (more)
        wait_wake_events(&s->wait, ~0u, EPOLLERR);
    return d;
}

static void put_error(struct inet_socket *u, struct message *m, const struct error_head *head)
{
    struct {
        struct sock_extended_err error;
        struct sockaddr_in6 offender;
    } out = {.error = head->error};
    bool v6 = u->base.family == AF_INET6;
    if (from_network(&head->error)) {
        struct inet_address who = {0};
        struct socket_address a;
        memcpy(who.ip, head->offender, 16);
        inet_format(u, &who, &a);
        memcpy(&out.offender, a.bytes, (size_t)a.length);
    }
    control_put(m, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &out,
                sizeof(out.error) + (v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)));
}

ssize inet_receive_error(struct socket *s, struct message *m)
{
    struct inet_socket *u = inet_of(s);
    struct error_head head;
    struct datagram *d = take(u);
    if (!d)
        return -EAGAIN;
    memcpy(&head, head_of(d), sizeof(head));
    u32 length = d->length - (u32)sizeof(head), n = (u32)MIN((size_t)length, m->io.left);
    ssize result = n && io_copy_to(&m->io, datagram_payload(d) + sizeof(head), n) != (ssize)n ? -EFAULT : (ssize)n;
    if (result >= 0) {
        m->result_flags |= MSG_ERRQUEUE | (n < length ? MSG_TRUNC : 0);
        memcpy(m->name.bytes, d->data, d->name_length);
        m->name.length = (int)d->name_length;
        if (from_network(&head.error))
            inet_put_control(s, m, d);
        else if (head.error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && s->options.timestamping & SOF_TIMESTAMPING_SOFTWARE)
            datagram_put_stamps(m, d->time);
        else
            datagram_put_time(m, s, d);
        put_error(u, m, &head);
    }
    datagram_put(d);
    return result;
}

/* ------------------------------------------------------------ notices of what was sent */

int inet_zerocopy_begin(struct inet_socket *u, const struct message *m, struct datagram **notice)
{
    struct error_head head = {.error = {.ee_origin = SO_EE_ORIGIN_ZEROCOPY, .ee_code = SO_EE_CODE_ZEROCOPY_COPIED}};
    bool wanted = m->flags & MSG_ZEROCOPY && OPTION_SET(&u->base, SO_ZEROCOPY);
    *notice = wanted ? create(u, &head, NULL, 0) : NULL;
    return wanted && !*notice ? -ENOBUFS : 0;
}

void inet_zerocopy_end(struct inet_socket *u, struct datagram *notice, bool sent)
{
    struct error_head head;
    if (!notice)
        return;
    spin_lock(&u->base.lock);
    struct list *queue = &u->errors->list;
    struct datagram *last = sent && !list_empty(queue) ? list_entry(queue->prev, struct datagram, link) : NULL;
    if (last)
        memcpy(&head, head_of(last), sizeof(head));
    if (last && head.error.ee_origin == SO_EE_ORIGIN_ZEROCOPY && head.error.ee_data + 1 == u->zerocopy_sends && u->zerocopy_sends) {
        head.error.ee_data = u->zerocopy_sends++; /* one record tells of many */
        memcpy(head_of(last), &head, sizeof(head));
    } else if (sent && !u->dead) {
        memcpy(&head, head_of(notice), sizeof(head));
        head.error.ee_info = head.error.ee_data = u->zerocopy_sends++;
        memcpy(head_of(notice), &head, sizeof(head));
        datagram_enqueue(u->errors, notice);
        notice = NULL;
    }
    spin_unlock(&u->base.lock);
    if (notice)
        datagram_put(notice);
    if (sent)
        wait_wake_events(&u->base.wait, ~0u, EPOLLERR);
}

void inet_stamp_sent(struct inet_socket *u, u32 flags)
{
    static const struct {
        u32 flag, type;
    } kinds[] = {{SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED}, {SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND}};
    if (!(flags & (SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_HARDWARE)))
        return;
    u32 id = flags & SOF_TIMESTAMPING_OPT_ID ? __atomic_fetch_add(&u->stamped_sends, 1, __ATOMIC_RELAXED) : 0;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct error_head head = {.error = {.ee_errno = ENOMSG, .ee_origin = SO_EE_ORIGIN_TIMESTAMPING, .ee_info = kinds[i].type, .ee_data = id}};
        struct datagram *d = flags & kinds[i].flag ? create(u, &head, NULL, 0) : NULL;
        if (d)
            d->time = (s64)clock_realtime();
        append(u, d);
    }
    wait_wake_events(&u->base.wait, ~0u, EPOLLERR);
}

/* ------------------------------------------------------------ what ICMP says */

static const struct inet_meaning unreachable4[] = {
    {ENETUNREACH, false}, {EHOSTUNREACH, false}, {ENOPROTOOPT, true},  {ECONNREFUSED, true}, {EMSGSIZE, false},
    {EOPNOTSUPP, false},  {ENETUNREACH, true},   {EHOSTDOWN, true},    {ENONET, true},       {ENETUNREACH, true},
    {EHOSTUNREACH, true}, {ENETUNREACH, false},  {EHOSTUNREACH, false}, {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
};
static const struct inet_meaning unreachable6[] = {
    {ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
    {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true},
};
static const struct inet_meaning exceeded = {EHOSTUNREACH, false}, bad_parameter = {EPROTO, true}, too_big = {EMSGSIZE, true};

const struct inet_meaning *inet_icmp_meaning(bool v4, u8 type, u8 code)
{
    if (type == (v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH))
        return code >= (v4 ? ARRAY_SIZE(unreachable4) : ARRAY_SIZE(unreachable6)) ? NULL : v4 ? &unreachable4[code] : &unreachable6[code];
    if (type == (v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEED))
        return &exceeded;
    if (type == (v4 ? ICMP_PARAMETERPROB : ICMPV6_PARAMPROB))
        return &bad_parameter;
    return !v4 && type == ICMPV6_PKT_TOOBIG ? &too_big : NULL;
}

static void learn_path(const u8 ip[16], u32 mtu);

/* One socket is told. payload: what the program gave, as far as it came back. */
static void tell(struct inet_socket *u, const struct inet_icmp *icmp, const struct inet_address *to, const u8 *payload, u32 n)
{
    const struct inet_meaning *m = inet_icmp_meaning(icmp->v4, icmp->type, icmp->code);
    const struct inet_options *o = &u->options;
    bool fatal = m->fatal;
    if (icmp->v4 && icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED)
        fatal = o->mtu_discover != IP_PMTUDISC_DONT;
    else if (!icmp->v4 && icmp->type == ICMPV6_PKT_TOOBIG)
        fatal = o->mtu_discover6 == IPV6_PMTUDISC_DO;
    if (icmp->v4 ? IP_BIT(u, IP_RECVERR) : IP6_BIT(u, IPV6_RECVERR)) {
        struct sock_extended_err e = {.ee_errno = m->error,
                                      .ee_origin = icmp->v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
                                      .ee_type = icmp->type,
                                      .ee_code = icmp->code,
                                      .ee_info = icmp->info};
        inet_queue_error(u, &e, icmp, to, payload, n);
    } else if (!fatal || ip_is_any(u->remote.ip)) {
        return;
    }
    if (m->error == EMSGSIZE)
        learn_path(to->ip, icmp->info);
    socket_set_error(&u->base, m->error);
    wait_wake_events(&u->base.wait, ~0u, EPOLLERR);
}

void inet_icmp_error(const struct inet_icmp *icmp, const struct ip_packet *sent)
{
    struct inet_socket *list[RECEIVERS_MAX];
    struct inet_address local = sent->from, remote = sent->to;
    const u8 *h = sent->data + sent->header;
    u32 n = sent->length - sent->header;
    if (!inet_icmp_meaning(icmp->v4, icmp->type, icmp->code))
        return;
    local.port = sent->protocol;
    unsigned count = inet_find_all(PORTS_RAW, &local, &remote, icmp->interface, list, RECEIVERS_MAX);
    for (unsigned i = 0; i < count; i++) {
        tell(list[i], icmp, &remote, h, n);
        socket_put(&list[i]->base);
    }
    if (n < PORTS)
        return;
    if (sent->protocol == IPPROTO_UDP) {
        local.port = (u16)(h[0] << 8 | h[1]);
        remote.port = (u16)(h[2] << 8 | h[3]);
        struct inet_socket *u = inet_find_datagram(&local, &remote, icmp->interface);
        if (u) {
            tell(u, icmp, &remote, h + PORTS, n - PORTS);
            socket_put(&u->base);
        }
    } else if (sent->protocol == (sent->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
        local.port = (u16)(h[4] << 8 | h[5]);
        if (inet_find_all(PORTS_PING, &local, &remote, icmp->interface, list, 1)) {
            tell(list[0], icmp, &remote, h, n);
            socket_put(&list[0]->base);
        }
    }
}

/* ------------------------------------------------------------ path MTUs */

#define PATHS      16
#define PATH_TIME  (600 * NSEC_PER_SEC) /* net.ipv4.route.mtu_expires */
#define PATH_LEAST 552u                 /* net.ipv4.route.min_pmtu */

static struct path {
    u8 ip[16];
    u32 mtu;
    nsec_t until;
} paths[PATHS];
static struct spinlock paths_lock = SPINLOCK_INIT(LOCK_SOCKET);

static void learn_path(const u8 ip[16], u32 mtu)
{
    struct path *p = &paths[0];
    nsec_t now = platform_clock();
    if (!mtu || mtu >= network_mtu())
        return;
    spin_lock(&paths_lock);
    for (unsigned i = 0; i < PATHS; i++) {
        if (paths[i].until < p->until)
            p = &paths[i];
        if (paths[i].until > now && ip_equal(paths[i].ip, ip)) {
            p = &paths[i];
            break;
        }
    }
    *p = (struct path){.mtu = MAX(mtu, ip_is_v4(ip) ? PATH_LEAST : (u32)IPV6_MIN_MTU), .until = now + PATH_TIME};
    memcpy(p->ip, ip, 16);
    spin_unlock(&paths_lock);
}

u32 inet_mtu(const struct inet_socket *u, const u8 ip[16], bool outside)
{
    u32 mtu = outside ? network_mtu() : ip_is_v4(ip) ? PACKET_MAX : LOOPBACK_MTU;
    bool ignored = (ip_is_v4(ip) ? u->options.mtu_discover : u->options.mtu_discover6) >= IP_PMTUDISC_PROBE;
    nsec_t now = platform_clock();
    if (!outside || ignored)
        return mtu;
    spin_lock(&paths_lock);
    for (unsigned i = 0; i < PATHS; i++) {
        if (paths[i].until > now && ip_equal(paths[i].ip, ip))
            mtu = MIN(mtu, paths[i].mtu);
    }
    spin_unlock(&paths_lock);
    return mtu;
}

int inet_too_long(struct inet_socket *u, const struct inet_address *to, u32 mtu)
{
    bool v4 = ip_is_v4(to->ip);
    if (v4 ? IP_BIT(u, IP_RECVERR) : IP6_BIT(u, IPV6_RECVERR)) {
        struct sock_extended_err e = {.ee_errno = EMSGSIZE, .ee_origin = SO_EE_ORIGIN_LOCAL, .ee_info = mtu};
        inet_queue_error(u, &e, NULL, to, NULL, 0);
        wait_wake_events(&u->base.wait, ~0u, EPOLLERR);
    }
    return -EMSGSIZE;
}
