/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port tables of TCP and UDP. A port exists while a socket holds it: its owners (bound sockets and outgoing
 * connections) are one list, accepted connections another, so a busy listener stays cheap to find.
 */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/random.h"
#include "net/inet_packet.h"
#include "net/sysctl.h"

#define BUCKETS         256

struct inet_port {
    struct list link;        /* in its bucket */
    struct list owners;      /* inet_socket.port_link, newest first */
    struct list taken;       /* connections that a listener here accepted, by the same member */
    u16 number;
    u32 accepted;            /* how many these are */
    u32 accepted_exclusive;  /* those without SO_REUSEADDR */
};

struct port_table {
    struct spinlock lock;
    struct list buckets[BUCKETS]; /* zero until first used */
    u32 next;                     /* where the next search for an ephemeral port starts; 0: not yet */
};

static struct port_table tables[PORTS_TABLES] = {[0 ... PORTS_TABLES - 1] = {.lock = SPINLOCK_INIT(LOCK_SOCKET)}};
static u32 n_raw; /* atomic: sockets in the last two tables */

static struct port_table *table_of(const struct inet_socket *u)
{
    const struct socket *s = &u->base;
    return &tables[s->type == SOCK_STREAM ? PORTS_TCP : s->type == SOCK_RAW ? PORTS_RAW : s->protocol == IPPROTO_UDP ? PORTS_UDP : PORTS_PING];
}

static struct list *bucket(struct port_table *t, u16 number)
{
    struct list *l = &t->buckets[number % BUCKETS];
    if (!l->next)
        list_init(l);
    return l;
}

/* Lock held. */
static struct inet_port *find(struct port_table *t, u16 number)
{
    struct inet_port *p;
    list_for_each(p, bucket(t, number), link) {
        if (p->number == number)
            return p;
    }
    return NULL;
}

/* ------------------------------------------------------------ conflicts */

/* Does a socket bound to ip (and v6only) receive what is sent to address `to`? */
static bool covers(const struct inet_socket *u, const u8 to[16])
{
    if (ip_is_any(u->local.ip)) {
        if (!ip_is_v4(u->local.ip))
            return !(u->v6only && ip_is_v4(to));
        return ip_is_v4(to);
    }
    return ip_equal(u->local.ip, to);
}

static bool overlap(const struct inet_socket *a, const struct inet_socket *b)
{
    if (ip_is_any(a->local.ip) && ip_is_any(b->local.ip)) {
        bool a4 = ip_is_v4(a->local.ip), b4 = ip_is_v4(b->local.ip);
        return a4 == b4 || !(a4 ? b->v6only : a->v6only);
    }
    return ip_is_any(a->local.ip) ? covers(a, b->local.ip) : covers(b, a->local.ip);
}

static bool may_share(const struct inet_socket *a, const struct inet_socket *b)
{
    if (OPTION_SET(&a->base, SO_REUSEPORT) && OPTION_SET(&b->base, SO_REUSEPORT))
        return true;
    return OPTION_SET(&a->base, SO_REUSEADDR) && OPTION_SET(&b->base, SO_REUSEADDR) && !a->base.listening &&
           !b->base.listening;
}

/* u is new and an IPv4 socket of any address: it wants what other, of IPv6 but not only, may yet have back by a disconnect. */
static bool wants_of_dual(const struct inet_socket *u, const struct inet_socket *other)
{
    return u->base.family == AF_INET && ip_is_any(u->local.ip) && !ip_is_v4(other->local.ip) && !other->v6only;
}

/* Lock held. */
static bool conflicts(const struct inet_port *p, const struct inet_socket *u)
{
    const struct inet_socket *other;
    list_for_each(other, &p->owners, port_link) {
        if (other != u && (overlap(other, u) || wants_of_dual(u, other)) && !may_share(other, u))
            return true;
    }
    bool reuse = OPTION_SET(&u->base, SO_REUSEADDR);
    return reuse ? p->accepted_exclusive : p->accepted;
}

/* ------------------------------------------------------------ holding a port */

/* Lock held; spare is used for a port that does not exist yet, and set to NULL then. */
static bool try_bind(struct port_table *t, struct inet_socket *u, u16 number, struct inet_port **spare, bool alone)
{
    struct inet_port *p = find(t, number);
    bool shared = t == &tables[PORTS_RAW];
    if (p && !shared && (alone || conflicts(p, u)))
        return false;
    if (!p) {
        p = *spare;
        *spare = NULL;
        p->number = number;
        list_init(&p->owners);
        list_init(&p->taken);
        list_add_head(bucket(t, number), &p->link);
    }
    u->port = p;
    u->local.port = number;
    list_add_head(&p->owners, &u->port_link);
    if (t >= &tables[PORTS_PING])
        __atomic_add_fetch(&n_raw, 1, __ATOMIC_RELAXED);
    return true;
}

/* Lock held. */
static bool try_ephemeral(struct port_table *t, struct inet_socket *u, struct inet_port **spare)
{
    /* First a port that nobody has; only when all are taken, one that may be shared. */
    u32 first = (u32)READ_ONCE(net_settings.port_first), last = (u32)READ_ONCE(net_settings.port_last);
    u32 count = last < first ? 1 : last - first + 1;
    for (int alone = 1; alone >= 0; alone--) {
        for (u32 i = 0; i < count; i++) {
            u16 number = (u16)(first + (t->next + i) % count);
            if (try_bind(t, u, number, spare, alone)) {
                t->next += i + 1;
                return true;
            }
        }
    }
    return false;
}

static int hold(struct inet_socket *u, u16 wanted, int none_left)
{
    struct port_table *t = table_of(u);
    struct inet_port *spare = kzalloc(sizeof(*spare));
    if (!spare)
        return -ENOMEM;
    u32 seed = t->next ? 0 : (u32)random_u64() | 1;
    spin_lock(&t->lock);
    if (!t->next)
        t->next = seed;
    int error = 0;
    if (u->port) /* another thread's sending or connecting came first */
        error = wanted ? -EINVAL : 0;
    else if (!(wanted ? try_bind(t, u, wanted, &spare, false) : try_ephemeral(t, u, &spare)))
        error = none_left;
    spin_unlock(&t->lock);
    kfree(spare);
    return error;
}

int inet_port_bind(struct inet_socket *u, u16 wanted)
{
    return hold(u, wanted, -EADDRINUSE);
}

int inet_port_connect(struct inet_socket *u)
{
    return hold(u, 0, -EADDRNOTAVAIL);
}

void inet_port_inherit(struct inet_socket *child, struct inet_socket *listener)
{
    struct port_table *t = table_of(listener);
    spin_lock(&t->lock);
    child->port = listener->port;
    if (child->port) {
        child->accepted = true;
        list_add_tail(&child->port->taken, &child->port_link);
        child->port->accepted++;
        child->exclusive = !OPTION_SET(&child->base, SO_REUSEADDR);
        child->port->accepted_exclusive += child->exclusive;
    }
    spin_unlock(&t->lock);
}

void inet_port_release(struct inet_socket *u)
{
    struct port_table *t = table_of(u);
    spin_lock(&t->lock);
    struct inet_port *p = u->port;
    if (p) {
        if (u->accepted) {
            p->accepted--;
            p->accepted_exclusive -= u->exclusive;
        }
        list_remove(&u->port_link);
        if (t >= &tables[PORTS_PING])
            __atomic_sub_fetch(&n_raw, 1, __ATOMIC_RELAXED);
        u->port = NULL;
        u->local.port = 0;
        if (list_empty(&p->owners) && !p->accepted)
            list_remove(&p->link);
        else
            p = NULL;
    }
    spin_unlock(&t->lock);
    kfree(p);
}

int inet_port_listen(struct inet_socket *u)
{
    struct port_table *t = table_of(u);
    const struct inet_socket *other;
    int error = 0;
    spin_lock(&t->lock);
    list_for_each(other, &u->port->owners, port_link) {
        if (other == u || !other->base.listening || !overlap(other, u))
            continue;
        if (!OPTION_SET(&other->base, SO_REUSEPORT) || !OPTION_SET(&u->base, SO_REUSEPORT))
            error = -EADDRINUSE;
    }
    if (!error)
        u->base.listening = true;
    spin_unlock(&t->lock);
    return error;
}

/* ------------------------------------------------------------ finding a receiver */

/* How well u fits a packet; -1: not at all. As on Linux: same family, exact address and connected peer win. */
static int score(const struct inet_socket *u, const struct inet_address *to, const struct inet_address *from, int interface)
{
    int bound = u->base.options.bound_interface;
    if (!covers(u, to->ip) || (bound && bound != interface))
        return -1;
    int points = (ip_is_any(u->local.ip) ? 0 : 4) + (bound ? 2 : 0);
    points += (u->base.family == AF_INET) == ip_is_v4(to->ip);
    if (!u->base.listening && u->remote.port) {
        if (u->remote.port != from->port || !ip_equal(u->remote.ip, from->ip))
            return -1;
        points += 8;
    }
    return points;
}

/* What a pair of ends is to u among its equals: whoever has the most gets all that goes between them, as long as it is there. */
static u64 weight(const struct inet_socket *u, const struct inet_address *to, const struct inet_address *from)
{
    u64 words[4], sum = u->base.ino + ((u64)from->port << 32 | to->port);
    memcpy(words, from->ip, 16);
    memcpy(words + 2, to->ip, 16);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio */
        sum ^= sum >> 32;
    }
    return sum * 0x9e3779b97f4a7c15;
}

/*
 * The best receiver at port to; among equals with SO_REUSEPORT one by the ends' weight, else the newest.
 * listeners: only sockets that listen.
 */
static struct inet_socket *best(struct port_table *t, const struct inet_address *to, const struct inet_address *from,
                                int interface, bool listeners)
{
    struct inet_socket *u, *found = NULL;
    int most = -1;
    spin_lock(&t->lock);
    struct inet_port *p = find(t, to->port);
    if (p) {
        list_for_each(u, &p->owners, port_link) {
            if (listeners && !u->base.listening)
                continue;
            int points = score(u, to, from, interface);
            if (points < 0 || points < most)
                continue;
            if (points > most || (OPTION_SET(&u->base, SO_REUSEPORT) && weight(u, to, from) > weight(found, to, from))) {
                most = points;
                found = u;
            }
        }
    }
    if (found)
        socket_get(&found->base);
    spin_unlock(&t->lock);
    return found;
}

struct inet_socket *inet_find_listener(const struct inet_address *to, const struct inet_address *from, int interface)
{
    return best(&tables[PORTS_TCP], to, from, interface, true);
}

struct inet_socket *inet_find_datagram(const struct inet_address *to, const struct inet_address *from, int interface)
{
    return best(&tables[PORTS_UDP], to, from, interface, false);
}

unsigned inet_snapshot(enum inet_table table, struct inet_socket **list, unsigned max)
{
    struct port_table *t = &tables[table];
    struct inet_port *p;
    struct inet_socket *u;
    unsigned n = 0;
    spin_lock(&t->lock);
    for (unsigned i = 0; i < BUCKETS; i++) {
        if (!t->buckets[i].next)
            continue;
        list_for_each(p, &t->buckets[i], link) {
            for (int taken = 0; taken < 2; taken++) {
                list_for_each(u, taken ? &p->taken : &p->owners, port_link) {
                    if (n < max) {
                        socket_get(&u->base);
                        list[n] = u;
                    }
                    n++;
                }
            }
        }
    }
    spin_unlock(&t->lock);
    return n;
}

bool inet_raw_wanted(void)
{
    return READ_ONCE(n_raw);
}

unsigned inet_find_all(enum inet_table table, const struct inet_address *to, const struct inet_address *from, int interface,
                       struct inet_socket **list, unsigned max)
{
    struct port_table *t = &tables[table];
    struct inet_socket *u;
    unsigned n = 0;
    spin_lock(&t->lock);
    struct inet_port *p = find(t, to->port);
    if (p) {
        list_for_each(u, &p->owners, port_link) {
            int bound = u->base.options.bound_interface;
            bool other = (table == PORTS_RAW && !ip_is_any(u->remote.ip) && !ip_equal(u->remote.ip, from->ip)) ||
                         (bound && bound != interface);
            if (n == max || !covers(u, to->ip) || other)
                continue;
            socket_get(&u->base);
            list[n++] = u;
        }
    }
    spin_unlock(&t->lock);
    return n;
}

void inet_datagram_lock(void)
{
    spin_lock(&tables[PORTS_UDP].lock);
}

void inet_datagram_unlock(void)
{
    spin_unlock(&tables[PORTS_UDP].lock);
}

unsigned inet_find_receivers(const struct inet_address *to, const struct inet_address *from, int interface, bool members,
                             struct inet_socket **list, unsigned max)
{
    struct inet_socket *u;
    unsigned n = 0;
    bool group = ip_is_multicast(to->ip), v4 = ip_is_v4(to->ip);
    spin_lock(&tables[PORTS_UDP].lock);
    struct inet_port *p = find(&tables[PORTS_UDP], to->port);
    if (p) {
        list_for_each(u, &p->owners, port_link) {
            if (n == max || score(u, to, from, interface) < 0)
                continue;
            bool all = v4 ? IP_BIT(u, IP_MULTICAST_ALL) : IP6_BIT(u, IPV6_MULTICAST_ALL);
            int member = group ? inet_group_member(u, to->ip, from->ip) : 1;
            if (!member || (member < 0 && (members ? ip_is_any(u->local.ip) : !all)))
                continue;
            socket_get(&u->base);
            list[n++] = u;
        }
    }
    spin_unlock(&tables[PORTS_UDP].lock);
    return n;
}
