/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet sockets. Each gets a copy of the frames that it is bound to, as its filter cuts them; what it sends leaves as it is. The list of
 * all has a lock of its own, under which references are taken: a socket's own lock is of the same class.
 */
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/timer.h"
#include "kernel/user.h"
#include "net/control.h"
#include "net/filter.h"
#include "net/inet_packet.h"
#include "net/interface.h"
#include "net/packet.h"
#include "net/proc.h"

#define READABLE      (EPOLLIN | EPOLLRDNORM)
#define RECEIVERS_MAX 32 /* of one frame */
#define ADDRESS_AT    offsetof(struct sockaddr_ll, sll_addr)
#define RECEIVE_FLAGS (MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)

struct membership {
    struct list link;
    struct packet_mreq request;
    u32 count;
};

struct packet_socket {
    struct socket base;
    struct list link;            /* among all; under the list's lock */
    u16 protocol;                /* ETH_P_*, host order; 0: none, nothing comes */
    int interface;               /* 0: any */
    struct datagram_queue queue; /* under base.lock, as all below */
    u32 received, dropped;       /* since they were asked for last */
    bool auxdata, original, ignore_outgoing, closed;
    int version;                 /* TPACKET_V1 or V2 */
    u32 reserve;
    struct packet_ring *ring;    /* PACKET_RX_RING; NULL: none */
    struct list memberships;
};

static struct spinlock all_lock = SPINLOCK_INIT(LOCK_SOCKET);
static struct list all = LIST_INIT(all);
static u32 promiscuous; /* atomic: memberships that want frames for others */
u32 packet_sockets;

static struct packet_socket *packet_of(const struct socket *s)
{
    return container_of(s, struct packet_socket, base);
}

static u16 swap16(u16 n)
{
    return (u16)(n << 8 | n >> 8);
}

/* ------------------------------------------------------------ frames */

/* A frame on its way to sockets. */
struct frame {
    const u8 *data;
    u32 length;
    struct sockaddr_ll from;
    s64 time;
};

static void deliver(struct packet_socket *k, const struct frame *f)
{
    struct socket *s = &k->base;
    u32 skip = s->type == SOCK_RAW ? 0 : FRAME_HEADER, length = f->length - skip, n = length;
    struct datagram *d = NULL;
    spin_lock(&s->lock);
    if (s->filter) {
        struct bpf_packet p = {.rest = f->data + skip, .rest_length = length, .network = FRAME_HEADER - skip, .hardware = f->from.sll_hatype,
                               .protocol = swap16(f->from.sll_protocol), .type = f->from.sll_pkttype, .interface = (u8)f->from.sll_ifindex};
        n = MIN(n, filter_run(s, &p));
    }
    bool wanted = n && !k->closed, taken = false;
    if (wanted && k->ring) {
        taken = packet_ring_put(k->ring, &f->from, f->data + skip, n, length, FRAME_HEADER - skip, f->time, k->dropped ? TP_STATUS_LOSING : 0);
    } else if (wanted && k->queue.charge + datagram_charge(n) <= (u64)s->options.receive_buffer &&
               (d = datagram_allocate(&f->from, sizeof(f->from), n))) {
        memcpy(datagram_payload(d), f->data + skip, n);
        d->whole = length;
        d->time = f->time;
        datagram_enqueue(&k->queue, d);
        taken = true;
    }
    if (wanted) {
        k->received++;
        k->dropped += !taken;
    }
    spin_unlock(&s->lock);
    if (taken)
        wait_wake_events(&s->wait, ~0u, READABLE);
}

void packet_show(const u8 *data, u32 n, int interface, bool outgoing)
{
    struct packet_socket *list[RECEIVERS_MAX], *k;
    unsigned count = 0;
    if (n < FRAME_HEADER)
        return;
    u16 protocol = (u16)(data[12] << 8 | data[13]);
    struct frame f = {.data = data, .length = n, .time = (s64)clock_realtime()};
    f.from = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_protocol = swap16(protocol), .sll_ifindex = interface, .sll_halen = ETH_ALEN,
                                  .sll_hatype = interface == LOOPBACK_INDEX ? ARPHRD_LOOPBACK : ARPHRD_ETHER};
    static const u8 everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    f.from.sll_pkttype = outgoing                            ? PACKET_OUTGOING
                         : interface == LOOPBACK_INDEX       ? PACKET_HOST
                         : !memcmp(data, everybody, ETH_ALEN) ? PACKET_BROADCAST
                         : data[0] & 1                       ? PACKET_MULTICAST
                         : network_is_own_mac(data)          ? PACKET_HOST
                                                             : PACKET_OTHERHOST;
    memcpy(f.from.sll_addr, data + ETH_ALEN, ETH_ALEN);
    if (f.from.sll_pkttype == PACKET_OTHERHOST && !READ_ONCE(promiscuous))
        return;
    spin_lock(&all_lock);
    list_for_each(k, &all, link) {
        bool fits = k->protocol == ETH_P_ALL ? !(outgoing && k->ignore_outgoing) : k->protocol == protocol && !outgoing;
        if (!fits || (k->interface && k->interface != interface) || count == RECEIVERS_MAX)
            continue;
        socket_get(&k->base);
        list[count++] = k;
    }
    spin_unlock(&all_lock);
    for (unsigned i = 0; i < count; i++) {
        deliver(list[i], &f);
        socket_put(&list[i]->base);
    }
}

void packet_show_inside(const u8 *packet, u32 n)
{
    u8 *frame = packet_watched() ? kmalloc(FRAME_HEADER + n) : NULL;
    if (!frame)
        return;
    u16 protocol = packet[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6;
    memset(frame, 0, FRAME_HEADER);
    frame[12] = (u8)(protocol >> 8);
    frame[13] = (u8)protocol;
    memcpy(frame + FRAME_HEADER, packet, n);
    packet_show(frame, FRAME_HEADER + n, LOOPBACK_INDEX, true);
    packet_show(frame, FRAME_HEADER + n, LOOPBACK_INDEX, false);
    kfree(frame);
}

/* ------------------------------------------------------------ receiving */

static int never_ends(struct socket *s)
{
    return 0;
}

static void add_control(struct socket *s, struct message *m, struct datagram *d)
{
    datagram_put_time(m, s, d);
    if (!packet_of(s)->auxdata)
        return;
    struct tpacket_auxdata aux = {.tp_status = TP_STATUS_USER, .tp_len = d->whole, .tp_snaplen = d->length,
                                  .tp_net = s->type == SOCK_RAW ? FRAME_HEADER : 0};
    control_put(m, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
}

static ssize packet_receive(struct socket *s, struct message *m)
{
    static const struct datagram_rules rules = {.end = never_ends, .control = add_control};
    if (m->flags & ~RECEIVE_FLAGS)
        return -EINVAL;
    if (m->flags & MSG_ERRQUEUE)
        return -EAGAIN;
    return datagram_receive(s, &packet_of(s)->queue, m, &rules);
}

static u32 packet_poll(struct socket *s)
{
    struct packet_socket *k = packet_of(s);
    u32 events = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    if (READ_ONCE(s->error))
        events |= EPOLLERR;
    spin_lock(&s->lock);
    if (k->ring ? packet_ring_readable(k->ring) : k->queue.count)
        events |= READABLE;
    spin_unlock(&s->lock);
    return events;
}

static u64 packet_readable(struct socket *s)
{
    struct packet_socket *k = packet_of(s);
    spin_lock(&s->lock);
    struct datagram *d = list_first(&k->queue.list, struct datagram, link);
    u64 n = d ? d->length : 0;
    spin_unlock(&s->lock);
    return n;
}

static struct memory_object *packet_mmap(struct socket *s, u64 offset, u64 length)
{
    struct packet_socket *k = packet_of(s);
    spin_lock(&s->lock);
    struct memory_object *o = packet_ring_map(k->ring, offset, length);
    spin_unlock(&s->lock);
    return o;
}

/* ------------------------------------------------------------ sending */

static ssize packet_send(struct socket *s, struct message *m)
{
    const struct packet_socket *k = packet_of(s);
    const struct sockaddr_ll *to = (const void *)m->name.bytes;
    struct interface i;
    u16 protocol = k->protocol;
    int index = k->interface;
    u32 n = (u32)m->io.left, header = s->type == SOCK_RAW ? 0 : FRAME_HEADER;
    if (m->name.length) {
        if (m->name.length < (int)sizeof(*to) || m->name.length < (int)ADDRESS_AT + to->sll_halen)
            return -EINVAL;
        protocol = swap16(to->sll_protocol);
        index = to->sll_ifindex;
    }
    if (!index || !interface_get(index, &i))
        return -ENXIO;
    if (m->io.left > (size_t)i.mtu + (header ? 0 : FRAME_HEADER))
        return -EMSGSIZE;
    if (!header && n < FRAME_HEADER)
        return -EINVAL;
    u8 *room = kmalloc(FRAME_HEADER + IP_HEADER6 + n), *frame = room;
    if (!room)
        return -ENOBUFS;
    if (header) {
        memset(frame, 0, FRAME_HEADER);
        if (m->name.length && index == OUTSIDE_INDEX)
            memcpy(frame, to->sll_addr, ETH_ALEN);
        memcpy(frame + ETH_ALEN, i.mac, ETH_ALEN);
        frame[12] = (u8)(protocol >> 8);
        frame[13] = (u8)protocol;
    }
    int error = n && io_copy_from(&m->io, frame + header, n) != (ssize)n ? -EFAULT : 0;
    if (!error && index == OUTSIDE_INDEX) {
        error = network_frame_send(frame, header + n);
    } else if (!error) {
        u16 type = (u16)(frame[12] << 8 | frame[13]);
        packet_show(frame, header + n, LOOPBACK_INDEX, true);
        packet_show(frame, header + n, LOOPBACK_INDEX, false);
        /* IPv4 from one's own addresses that was not routed out is refused by Linux, too. */
        if (type == ETH_P_IPV6)
            inet_packet_arrived(frame + FRAME_HEADER, header + n - FRAME_HEADER);
    }
    kfree(room);
    return error ? error : (ssize)n;
}

/* ------------------------------------------------------------ names */

static int packet_bind(struct socket *s, const struct socket_address *a)
{
    struct packet_socket *k = packet_of(s);
    const struct sockaddr_ll *to = (const void *)a->bytes;
    struct interface i;
    if (a->length < (int)sizeof(*to) || to->sll_family != AF_PACKET)
        return -EINVAL;
    if (to->sll_ifindex && !interface_get(to->sll_ifindex, &i))
        return -ENODEV;
    spin_lock(&all_lock);
    k->interface = to->sll_ifindex;
    if (to->sll_protocol)
        k->protocol = swap16(to->sll_protocol);
    spin_unlock(&all_lock);
    return 0;
}

static int packet_name(struct socket *s, struct socket_address *a, enum socket_name whose)
{
    const struct packet_socket *k = packet_of(s);
    struct sockaddr_ll *out = (void *)a->bytes;
    struct interface i;
    if (whose != NAME_OWN)
        return -EOPNOTSUPP;
    *out = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = k->interface, .sll_protocol = swap16(k->protocol)};
    if (k->interface && interface_get(k->interface, &i)) {
        out->sll_hatype = i.type;
        out->sll_halen = ETH_ALEN;
        memcpy(out->sll_addr, i.mac, ETH_ALEN);
    }
    a->length = (int)ADDRESS_AT + out->sll_halen;
    return 0;
}

/* ------------------------------------------------------------ options */

static void count_promiscuous(const struct membership *m, int by)
{
    if (m->request.mr_type == PACKET_MR_PROMISC)
        __atomic_add_fetch(&promiscuous, (u32)by, __ATOMIC_RELAXED);
}

/* PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP: what the device is to let through that is not for it. */
static int membership(struct packet_socket *k, const void *value, u32 length, bool add)
{
    struct packet_mreq q = {0};
    struct interface i;
    struct membership *m, *found = NULL, *fresh = NULL;
    if (length < sizeof(q))
        return -EINVAL;
    if (copy_from_user(&q, value, sizeof(q)))
        return -EFAULT;
    if (length < offsetof(struct packet_mreq, mr_address) + (u32)q.mr_alen)
        return -EINVAL;
    if (add) {
        if (!interface_get(q.mr_ifindex, &i))
            return -ENODEV;
        if (q.mr_alen > ETH_ALEN)
            return -EINVAL;
        fresh = kzalloc(sizeof(*fresh));
        if (!fresh)
            return -ENOBUFS;
        fresh->request = q;
    }
    spin_lock(&k->base.lock);
    list_for_each(m, &k->memberships, link) {
        if (!memcmp(&m->request, &q, sizeof(q)))
            found = m;
    }
    if (add && !found) {
        list_add_tail(&k->memberships, &fresh->link);
        found = fresh;
        fresh = NULL;
        count_promiscuous(found, 1);
    }
    if (add) {
        found->count++;
    } else if (found && --found->count == 0) {
        count_promiscuous(found, -1);
        list_remove(&found->link);
        fresh = found;
    }
    spin_unlock(&k->base.lock);
    kfree(fresh);
    return 0;
}

/* PACKET_RX_RING: makes a ring, or with no blocks ends the one there is. */
static int set_ring(struct packet_socket *k, const void *value, u32 length)
{
    struct tpacket_req q;
    struct packet_ring *fresh = NULL, *old = NULL;
    if (length < sizeof(q))
        return -EINVAL;
    if (copy_from_user(&q, value, sizeof(q)))
        return -EFAULT;
    if (k->version != TPACKET_V2 || (!q.tp_block_nr && q.tp_frame_nr))
        return -EINVAL;
    if (q.tp_block_nr) {
        fresh = packet_ring_create(&q, k->reserve);
        if (IS_ERR(fresh))
            return PTR_ERR(fresh);
    }
    spin_lock(&k->base.lock);
    bool busy = fresh && k->ring;
    if (!busy) {
        old = k->ring;
        k->ring = fresh;
    }
    spin_unlock(&k->base.lock);
    packet_ring_destroy(busy ? fresh : old);
    if (!busy && fresh)
        datagram_flush(&k->base, &k->queue);
    return busy ? -EBUSY : 0;
}

static bool *flag_of(struct packet_socket *k, int option)
{
    return option == PACKET_AUXDATA ? &k->auxdata : option == PACKET_ORIGDEV ? &k->original : option == PACKET_IGNORE_OUTGOING ? &k->ignore_outgoing : NULL;
}

static int packet_set_option(struct socket *s, int level, int option, const void *value, u32 length)
{
    struct packet_socket *k = packet_of(s);
    int n;
    if (level != SOL_PACKET)
        return -ENOPROTOOPT;
    if (option == PACKET_ADD_MEMBERSHIP || option == PACKET_DROP_MEMBERSHIP)
        return membership(k, value, length, option == PACKET_ADD_MEMBERSHIP);
    if (option == PACKET_RX_RING)
        return set_ring(k, value, length);
    bool *flag = flag_of(k, option);
    if (!flag && option != PACKET_VERSION && option != PACKET_RESERVE)
        return -ENOPROTOOPT;
    int error = length > sizeof(int) && option == PACKET_VERSION ? -EINVAL : option_read_int(value, length, &n);
    if (error)
        return error;
    if (flag) {
        if (option == PACKET_IGNORE_OUTGOING && (n < 0 || n > 1))
            return -EINVAL;
        *flag = n != 0;
        return 0;
    }
    if (option == PACKET_VERSION ? n != TPACKET_V1 && n != TPACKET_V2 : n < 0)
        return -EINVAL;
    spin_lock(&s->lock);
    error = k->ring ? -EBUSY : 0;
    if (!error && option == PACKET_VERSION)
        k->version = n;
    else if (!error)
        k->reserve = (u32)n;
    spin_unlock(&s->lock);
    return error;
}

static int get_header_length(void *value, int *length)
{
    int room, version;
    if (get_user(room, length) || room < (int)sizeof(int))
        return -EINVAL;
    if (get_user(version, (int *)value))
        return -EFAULT;
    if (version != TPACKET_V1 && version != TPACKET_V2)
        return -EINVAL;
    return option_write_int(value, length, (int)(version == TPACKET_V1 ? sizeof(struct tpacket_hdr) : sizeof(struct tpacket2_hdr)));
}

static int packet_get_option(struct socket *s, int level, int option, void *value, int *length)
{
    struct packet_socket *k = packet_of(s);
    if (level != SOL_PACKET)
        return -ENOPROTOOPT;
    const bool *flag = flag_of(k, option);
    if (flag)
        return option_write_int(value, length, *flag);
    switch (option) {
    case PACKET_STATISTICS: {
        spin_lock(&s->lock);
        struct tpacket_stats stats = {.tp_packets = k->received, .tp_drops = k->dropped};
        k->received = k->dropped = 0;
        spin_unlock(&s->lock);
        return option_write(value, length, &stats, sizeof(stats));
    }
    case PACKET_VERSION:
        return option_write_int(value, length, k->version);
    case PACKET_RESERVE:
        return option_write_int(value, length, (int)k->reserve);
    case PACKET_HDRLEN:
        return get_header_length(value, length);
    default:
        return -ENOPROTOOPT;
    }
}

/* ------------------------------------------------------------ creation */

static void packet_close(struct socket *s)
{
    struct packet_socket *k = packet_of(s);
    struct membership *m;
    spin_lock(&all_lock);
    list_remove(&k->link);
    spin_unlock(&all_lock);
    __atomic_sub_fetch(&packet_sockets, 1, __ATOMIC_RELAXED);
    spin_lock(&s->lock);
    struct packet_ring *ring = k->ring;
    k->ring = NULL;
    k->closed = true;
    spin_unlock(&s->lock);
    packet_ring_destroy(ring);
    datagram_flush(s, &k->queue);
    while ((m = list_first(&k->memberships, struct membership, link))) {
        count_promiscuous(m, -1);
        list_remove(&m->link);
        kfree(m);
    }
}

static void packet_destroy(struct socket *s)
{
    kfree(packet_of(s));
}

static const struct socket_ops packet_ops = {
    .filters = true,
    .bind = packet_bind,
    .name = packet_name,
    .send = packet_send,
    .receive = packet_receive,
    .poll = packet_poll,
    .mmap = packet_mmap,
    .set_option = packet_set_option,
    .get_option = packet_get_option,
    .readable_bytes = packet_readable,
    .close = packet_close,
    .destroy = packet_destroy,
};

struct socket *packet_create(int type, int protocol)
{
    if (!capable(CAP_NET_RAW))
        return ERR_PTR(-EPERM);
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return ERR_PTR(-ESOCKTNOSUPPORT);
    struct packet_socket *k = kzalloc(sizeof(*k));
    if (!k)
        return ERR_PTR(-ENOBUFS);
    socket_init(&k->base, &packet_ops, AF_PACKET, type, protocol);
    datagram_queue_init(&k->queue);
    list_init(&k->memberships);
    k->protocol = swap16((u16)protocol);
    spin_lock(&all_lock);
    list_add_tail(&all, &k->link);
    spin_unlock(&all_lock);
    __atomic_add_fetch(&packet_sockets, 1, __ATOMIC_RELAXED);
    return &k->base;
}

/* /proc/net/packet: net/proc.c. */
int proc_net_packet(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    struct sockets *found = sockets_of(SOCKETS_PACKET);
    if (IS_ERR(found))
        return (int)PTR_ERR(found);
    for (unsigned i = 0; i < found->n; i++) {
        const struct socket *s = found->list[i];
        const struct packet_socket *k = packet_of(s);
        text_printf(t, "0000000000000000 %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6lu\n", 3, s->type, k->protocol, k->interface, !k->closed,
                    (u32)k->queue.charge, s->uid, s->ino);
    }
    sockets_free(found);
    return 0;
}
