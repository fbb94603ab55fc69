/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of sockets in /proc/net (proc(5)). Addresses are words of memory in hexadecimal. The kernel's own pointers are not told. */
#include "fs/proc/proc.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/netlink.h"
#include "net/proc.h"
#include "net/unix.h"

#define MS_PER_TICK  (1000 / USER_TICKS)
#define TCP_WIDTH    149 /* of a line of IPv4 */
#define OTHER_WIDTH  127
#define NO_POINTER   "0000000000000000"

/* The port table of a kind; PORTS_TABLES: none. */
static enum inet_table table_of(enum socket_kind kind)
{
    switch (kind) {
    case SOCKETS_TCP:
    case SOCKETS_TCP6:
        return PORTS_TCP;
    case SOCKETS_UDP:
    case SOCKETS_UDP6:
        return PORTS_UDP;
    case SOCKETS_PING:
    case SOCKETS_PING6:
        return PORTS_PING;
    case SOCKETS_RAW:
    case SOCKETS_RAW6:
        return PORTS_RAW;
    default:
        return PORTS_TABLES;
    }
}

struct sockets *sockets_of(enum socket_kind kind)
{
    enum inet_table table = table_of(kind);
    bool port = table != PORTS_TABLES;
    unsigned max = (port ? inet_snapshot(table, NULL, 0) : socket_snapshot(kind, NULL, 0)) + 16, n = 0;
    struct sockets *all = kmalloc(sizeof(*all) + max * sizeof(all->list[0]));
    if (!all)
        return ERR_PTR(-ENOMEM);
    if (!port) {
        all->n = MIN(socket_snapshot(kind, all->list, max), max);
        return all;
    }
    struct inet_socket **found = (void *)all->list;
    all->n = MIN(inet_snapshot(table, found, max), max);
    for (unsigned i = 0; i < all->n; i++) {
        struct socket *s = &found[i]->base;
        if (socket_kind_of(s) == kind)
            all->list[n++] = s;
        else
            socket_put(s);
    }
    all->n = n;
    return all;
}

void sockets_free(struct sockets *all)
{
    for (unsigned i = 0; i < all->n; i++)
        socket_put(all->list[i]);
    kfree(all);
}

/* ------------------------------------------------------------ AF_INET */

void proc_net_put_end(struct text *t, const u8 ip[16], u16 port, bool v6)
{
    for (int i = v6 ? 0 : 12; i < 16; i += 4) {
        u32 word;
        memcpy(&word, ip + i, 4);
        text_printf(t, "%08X", word);
    }
    text_printf(t, ":%04X ", port);
}

static u64 not_negative(u64 n)
{
    return (s64)n < 0 ? 0 : n;
}

static void put_tcp(struct text *t, unsigned n, struct inet_socket *u, bool v6)
{
    struct socket *s = &u->base;
    struct network_tcp_row row = {.rto_ms = s->listening ? 1000 : 200, .window = 10, .threshold = s->listening ? 0 : UINT32_MAX};
    u64 sent = not_negative(s->ops->unsent_bytes(s));
    u64 unread = s->listening ? s->accept_count : not_negative(s->ops->readable_bytes(s));
    if (s->stream && s->stream->outside)
        network_tcp_row(s->stream, &row);
    text_printf(t, "%4u: ", n);
    proc_net_put_end(t, u->local.ip, u->local.port, v6);
    proc_net_put_end(t, u->remote.ip, u->remote.port, v6);
    text_printf(t, "%02X %08X:%08X %02X:%08X %08X %5u %8d %llu %d " NO_POINTER " %u 0 0 %u %d", (unsigned)tcp_state_of(u), (u32)sent,
                (u32)unread, row.timer, row.timer_ms / MS_PER_TICK, row.retransmits, s->uid, row.probes, (unsigned long long)s->ino,
                1 + row.timer % 2, row.rto_ms / MS_PER_TICK, row.window, (int)row.threshold);
}

static void put_row(struct text *t, unsigned n, const struct network_tcp_row *row, bool v6)
{
    text_printf(t, "%4u: ", n);
    proc_net_put_end(t, row->local, row->local_port, v6);
    proc_net_put_end(t, row->remote, row->remote_port, v6);
    text_printf(t, "%02X 00000000:00000000 %02X:%08X %08X %5u %8d 0 %d " NO_POINTER, row->state, row->timer, row->timer_ms / MS_PER_TICK,
                row->retransmits, row->uid, row->probes, row->timer == 3 ? 3 : 1);
}

static void put_datagram(struct text *t, unsigned n, struct inet_socket *u, bool v6, bool raw)
{
    struct socket *s = &u->base;
    text_printf(t, raw && !v6 ? "%4u: " : "%5u: ", n);
    proc_net_put_end(t, u->local.ip, raw ? (u16)s->protocol : u->local.port, v6);
    proc_net_put_end(t, u->remote.ip, u->remote.port, v6);
    text_printf(t, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %llu 2 " NO_POINTER " %u", u->remote.port ? TCP_ESTABLISHED : TCP_CLOSE,
                (u32)READ_ONCE(s->send_charge), (u32)READ_ONCE(u->queue.charge), s->uid, (unsigned long long)s->ino,
                READ_ONCE(u->queue.drops));
}

static int put_ownerless(struct text *t, unsigned n, bool v6)
{
    unsigned max = network_tcp_rows(NULL, 0) + 16;
    struct network_tcp_row *rows = kmalloc(max * sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    unsigned found = MIN(network_tcp_rows(rows, max), max);
    for (unsigned i = 0; i < found; i++) {
        size_t mark = t->used;
        if (ip_is_v4(rows[i].local) == v6)
            continue;
        put_row(t, n++, &rows[i], v6);
        if (!v6)
            text_pad(t, mark, TCP_WIDTH);
        text_printf(t, "\n");
    }
    kfree(rows);
    return 0;
}

int proc_net_inet(struct text *t, const struct generated_ref *r)
{
    enum socket_kind kind = *(const u8 *)r->node->data;
    bool tcp = kind == SOCKETS_TCP || kind == SOCKETS_TCP6, raw = kind == SOCKETS_RAW || kind == SOCKETS_RAW6;
    bool v6 = kind < SOCKETS_UNIX_STREAM;
    size_t mark = t->used, width = tcp ? TCP_WIDTH : raw ? 0 : OTHER_WIDTH;
    text_printf(t, "%s  sl  %sst tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s", kind == SOCKETS_UDP ? " " : "",
                v6 ? "local_address                         remote_address                        " : "local_address rem_address   ",
                tcp ? "" : " ref pointer drops");
    if (v6)
        width = 0;
    text_pad(t, mark, width);
    text_printf(t, "\n");
    struct sockets *all = sockets_of(kind);
    if (IS_ERR(all))
        return (int)PTR_ERR(all);
    unsigned n = all->n;
    for (unsigned i = 0; i < n; i++) {
        struct inet_socket *u = inet_of(all->list[i]);
        mark = t->used;
        if (tcp)
            put_tcp(t, i, u, v6);
        else
            put_datagram(t, i, u, v6, raw);
        text_pad(t, mark, width);
        text_printf(t, "\n");
    }
    sockets_free(all);
    return tcp ? put_ownerless(t, n, v6) : 0;
}

/* ------------------------------------------------------------ the other families */

static void put_unix_name(struct text *t, const struct unix_name *n)
{
    char path[sizeof(n->address.sun_path) + 1] = " ";
    size_t length = (size_t)(n->length - UNIX_PATH_OFFSET);
    bool abstract = !n->address.sun_path[0];
    if (!abstract)
        length = strnlen(n->address.sun_path, length);
    for (size_t i = 0; i < length; i++)
        path[i + 1] = n->address.sun_path[i] || !abstract ? n->address.sun_path[i] : '@';
    text_append(t, path, length + 1);
}

/* A connection's state as <linux/net.h> numbers them. */
static unsigned unix_state(const struct socket *s, bool connected)
{
    if (s->unaccepted)
        return SS_CONNECTING;
    return connected ? SS_CONNECTED : SS_UNCONNECTED;
}

int proc_net_unix(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    for (enum socket_kind kind = SOCKETS_UNIX_STREAM; kind <= SOCKETS_UNIX; kind++) {
        struct sockets *all = sockets_of(kind);
        if (IS_ERR(all))
            return (int)PTR_ERR(all);
        for (unsigned i = 0; i < all->n; i++) {
            struct socket *s = all->list[i];
            struct unix_socket *u = unix_of(s);
            struct unix_name *name = __atomic_load_n(&u->name, __ATOMIC_ACQUIRE);
            bool connected = s->stream || u->was_connected || (s->type == SOCK_DGRAM && u->peer);
            text_printf(t, NO_POINTER ": %08X 00000000 %08X %04X %02X %5llu", 2u + connected, s->listening ? 0x10000u : 0u, s->type,
                        unix_state(s, connected), s->unaccepted ? 0ull : (unsigned long long)s->ino);
            if (name)
                put_unix_name(t, name);
            text_printf(t, "\n");
        }
        sockets_free(all);
    }
    return 0;
}

int proc_net_netlink(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
    struct sockets *all = sockets_of(SOCKETS_NETLINK);
    if (IS_ERR(all))
        return (int)PTR_ERR(all);
    for (unsigned i = 0; i < all->n; i++) {
        const struct netlink_socket *n = netlink_of(all->list[i]);
        text_printf(t, NO_POINTER " %-3d %-10u %08x %-8d %-8d %-5d %-8d %-8u %-8llu\n", n->base.protocol, n->port, (u32)n->groups,
                    (int)n->queue.charge, 0, 0, 2, n->queue.drops, (unsigned long long)n->base.ino);
    }
    sockets_free(all);
    return 0;
}

int proc_net_protocols(struct text *t, const struct generated_ref *r)
{
    /* The last columns say which operations there are: close, connect, disconnect, accept, ioctl, init, destroy and so on. */
    static const char none[] = "y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n", datagram[] = "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n",
                      tcp[] = "y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y";
    static const struct {
        const char *name, *operations;
        u16 size;
        bool counts_memory;
    } kinds[] = {
        [SOCKETS_PACKET] = {"PACKET", none, sizeof(struct socket), false},
        [SOCKETS_PING6] = {"PINGv6", datagram, sizeof(struct inet_socket), false},
        [SOCKETS_RAW6] = {"RAWv6", datagram, sizeof(struct inet_socket), false},
        [SOCKETS_UDP6] = {"UDPv6", datagram, sizeof(struct inet_socket), true},
        [SOCKETS_TCP6] = {"TCPv6", tcp, sizeof(struct inet_socket), true},
        [SOCKETS_UNIX_STREAM] = {"UNIX-STREAM", none, sizeof(struct unix_socket), false},
        [SOCKETS_UNIX] = {"UNIX", none, sizeof(struct unix_socket), false},
        [SOCKETS_PING] = {"PING", datagram, sizeof(struct inet_socket), false},
        [SOCKETS_RAW] = {"RAW", datagram, sizeof(struct inet_socket), false},
        [SOCKETS_UDP] = {"UDP", datagram, sizeof(struct inet_socket), true},
        [SOCKETS_TCP] = {"TCP", tcp, sizeof(struct inet_socket), true},
        [SOCKETS_NETLINK] = {"NETLINK", none, sizeof(struct netlink_socket), false},
    };
    text_printf(t, "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n");
    for (unsigned k = 0; k < SOCKET_KINDS; k++)
        text_printf(t, "%-9s %4u %6u  %6d   %-3s %6u   %-3s  %-10s  %s\n", kinds[k].name, kinds[k].size, socket_count(k),
                    kinds[k].counts_memory ? 0 : -1, kinds[k].operations == tcp ? "no" : "NI", 0u, "no", "kernel", kinds[k].operations);
    return 0;
}
