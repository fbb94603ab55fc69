/* SPDX-License-Identifier: BSD-2-Clause */
/* sock_diag(7): what ss(8) asks about sockets of TCP, UDP, and AF_UNIX. */
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "net/proc.h"
#include "net/unix.h"

#define WANTS(ext, attribute) ((ext) >> ((attribute) - 1) & 1)

static u64 not_negative(u64 n)
{
    return (s64)n < 0 ? 0 : n;
}

static void set_end(__be32 *out, const u8 ip[16], bool v6)
{
    memset(out, 0, 16);
    memcpy(out, v6 ? ip : ip + 12, v6 ? 16 : 4);
}

/* ------------------------------------------------------------ IP */

static struct inet_diag_msg *add_inet(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, u16 flags,
                                      const struct inet_address *local, const struct inet_address *remote, bool v6)
{
    struct inet_diag_msg *m = netlink_begin(r, q, SOCK_DIAG_BY_FAMILY, flags, n->port, sizeof(*m));
    m->idiag_family = v6 ? AF_INET6 : AF_INET;
    m->id.idiag_sport = __builtin_bswap16(local->port);
    m->id.idiag_dport = __builtin_bswap16(remote->port);
    set_end(m->id.idiag_src, local->ip, v6);
    set_end(m->id.idiag_dst, remote->ip, v6);
    return m;
}

static void set_row(struct inet_diag_msg *m, const struct network_tcp_row *row)
{
    m->idiag_timer = row->timer;
    m->idiag_retrans = row->retransmits;
    m->idiag_expires = row->timer_ms;
}

static void add_extensions(struct netlink_reply *r, struct inet_socket *u, u8 ext, bool tcp)
{
    struct socket *s = &u->base;
    u64 queued = tcp ? s->stream ? stream_readable(s) : 0 : READ_ONCE(u->queue.charge);
    u64 sent = tcp ? not_negative(s->ops->unsent_bytes(s)) : s->send_charge;
    u8 shutdown = s->stream ? stream_mine(s)->shutdown : u->shutdown;
    netlink_attribute(r, INET_DIAG_SHUTDOWN, &shutdown, 1);
    if (s->family == AF_INET6) {
        u8 only = u->v6only;
        netlink_attribute(r, INET_DIAG_SKV6ONLY, &only, 1);
    }
    if (WANTS(ext, INET_DIAG_TOS))
        netlink_attribute(r, INET_DIAG_TOS, &u->options.tos, 1);
    if (WANTS(ext, INET_DIAG_MEMINFO)) {
        struct inet_diag_meminfo info = {.idiag_rmem = (u32)queued, .idiag_wmem = (u32)sent, .idiag_tmem = (u32)sent};
        netlink_attribute(r, INET_DIAG_MEMINFO, &info, sizeof(info));
    }
    if (WANTS(ext, INET_DIAG_SKMEMINFO)) {
        u32 info[SK_MEMINFO_VARS] = {
            [SK_MEMINFO_RMEM_ALLOC] = (u32)queued,
            [SK_MEMINFO_RCVBUF] = (u32)s->options.receive_buffer,
            [SK_MEMINFO_WMEM_ALLOC] = (u32)sent,
            [SK_MEMINFO_SNDBUF] = (u32)s->options.send_buffer,
            [SK_MEMINFO_DROPS] = u->queue.drops,
        };
        netlink_attribute(r, INET_DIAG_SKMEMINFO, info, sizeof(info));
    }
    if (tcp && WANTS(ext, INET_DIAG_INFO)) {
        struct tcp_info info;
        tcp_fill_info(u, &info);
        netlink_attribute(r, INET_DIAG_INFO, &info, sizeof(info));
    }
    if (tcp && WANTS(ext, INET_DIAG_CONG))
        netlink_attribute(r, INET_DIAG_CONG, u->options.congestion, (u32)strlen(u->options.congestion) + 1);
}

static int state_of(const struct inet_socket *u, bool tcp)
{
    return tcp ? tcp_state_of(u) : u->remote.port ? TCP_ESTABLISHED : TCP_CLOSE;
}

static void add_socket(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, u16 flags, struct inet_socket *u, u8 ext,
                       int state)
{
    struct socket *s = &u->base;
    bool tcp = s->type == SOCK_STREAM;
    struct inet_diag_msg *m = add_inet(n, r, q, flags, &u->local, &u->remote, s->family == AF_INET6);
    struct network_tcp_row row;
    m->idiag_state = (u8)state;
    m->id.idiag_if = (u32)s->options.bound_interface;
    m->id.idiag_cookie[0] = (u32)s->ino;
    m->id.idiag_cookie[1] = (u32)(s->ino >> 32);
    if (tcp && s->stream && s->stream->outside && network_tcp_row(s->stream, &row))
        set_row(m, &row);
    m->idiag_rqueue = (u32)(s->listening ? s->accept_count : tcp ? not_negative(s->ops->readable_bytes(s)) : READ_ONCE(u->queue.charge));
    m->idiag_wqueue = (u32)(s->listening ? s->accept_limit : not_negative(s->ops->unsent_bytes(s)));
    m->idiag_uid = s->uid;
    m->idiag_inode = (u32)s->ino;
    add_extensions(r, u, ext, tcp);
}

/* Is it among those that a dump asks for? Ports in the request's id, and the filter, say so. */
static bool is_wanted(const struct inet_diag_req_v2 *want, const struct diag_filter *f, const struct diag_subject *s)
{
    u16 from = __builtin_bswap16(want->id.idiag_sport), to = __builtin_bswap16(want->id.idiag_dport);
    return (!from || from == s->local->port) && (!to || to == s->remote->port) && diag_filter_passes(f, s);
}

static int dump_ownerless(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, const struct inet_diag_req_v2 *want,
                          const struct diag_filter *f)
{
    unsigned max = network_tcp_rows(NULL, 0) + 16;
    struct network_tcp_row *rows = kmalloc(max * sizeof(*rows));
    int error = rows ? 0 : -ENOMEM;
    unsigned count = rows ? MIN(network_tcp_rows(rows, max), max) : 0;
    for (unsigned i = 0; !error && i < count; i++) {
        const struct network_tcp_row *row = &rows[i];
        bool v6 = !ip_is_v4(row->local);
        if (!(want->idiag_states >> row->state & 1) || v6 != (want->sdiag_family == AF_INET6))
            continue;
        struct inet_address local = {.port = row->local_port}, remote = {.port = row->remote_port};
        memcpy(local.ip, row->local, 16);
        memcpy(remote.ip, row->remote, 16);
        if (!is_wanted(want, f, &(struct diag_subject){.local = &local, .remote = &remote, .v6 = v6}))
            continue;
        struct inet_diag_msg *m = add_inet(n, r, q, NLM_F_MULTI, &local, &remote, v6);
        m->idiag_state = row->state;
        m->idiag_uid = row->uid;
        set_row(m, row);
        error = netlink_queue_full(n, r);
    }
    kfree(rows);
    return error;
}

/* Is u the one that is asked for by its ends? */
static bool is_same(const struct inet_socket *u, const struct inet_diag_sockid *id, bool v6)
{
    __be32 local[4], remote[4];
    set_end(local, u->local.ip, v6);
    set_end(remote, u->remote.ip, v6);
    u32 n = v6 ? 16 : 4;
    return u->local.port == __builtin_bswap16(id->idiag_sport) && u->remote.port == __builtin_bswap16(id->idiag_dport) &&
           !memcmp(local, id->idiag_src, n) && !memcmp(remote, id->idiag_dst, n);
}

static bool is_wanted_socket(const struct inet_diag_req_v2 *want, const struct diag_filter *f, const struct inet_socket *u)
{
    const struct diag_subject s = {
        .local = &u->local,
        .remote = &u->remote,
        .v6 = u->base.family == AF_INET6,
        .port_chosen = u->port_chosen && !u->accepted,
        .interface = u->base.options.bound_interface,
        .mark = (u32)u->base.options.mark,
    };
    return is_wanted(want, f, &s);
}

static int inet_request(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, bool dump, int *error)
{
    const struct inet_diag_req_v2 *want = NLMSG_DATA(q);
    bool v6 = want->sdiag_family == AF_INET6, tcp = want->sdiag_protocol == IPPROTO_TCP;
    struct diag_filter f = {0};
    int result = 0;
    if (q->nlmsg_len < NLMSG_LENGTH(sizeof(*want)))
        *error = -EINVAL;
    else if (!tcp && want->sdiag_protocol != IPPROTO_UDP)
        *error = -ENOENT;
    else if (dump && (f.code = netlink_find(q, sizeof(*want), INET_DIAG_REQ_BYTECODE, 0))) {
        f.length = (int)RTA_PAYLOAD((const struct rtattr *)((const u8 *)f.code - RTA_LENGTH(0)));
        *error = diag_filter_check(&f);
    }
    struct sockets *all = *error ? NULL : sockets_of(tcp ? v6 ? SOCKETS_TCP6 : SOCKETS_TCP : v6 ? SOCKETS_UDP6 : SOCKETS_UDP);
    if (IS_ERR(all) || !all)
        return (int)PTR_ERR(all);
    bool found = false;
    for (unsigned i = 0; !result && i < all->n; i++) {
        struct inet_socket *u = inet_of(all->list[i]);
        int state = state_of(u, tcp);
        if (dump ? !(want->idiag_states >> state & 1) || !is_wanted_socket(want, &f, u) : found || !is_same(u, &want->id, v6))
            continue;
        found = true;
        add_socket(n, r, q, dump ? NLM_F_MULTI : 0, u, want->idiag_ext, state);
        result = dump ? netlink_queue_full(n, r) : 0;
    }
    sockets_free(all);
    if (!dump)
        *error = found ? 0 : -ENOENT;
    else if (!result && tcp)
        result = dump_ownerless(n, r, q, want, &f);
    return result;
}

/* ------------------------------------------------------------ AF_UNIX */

static u32 peer_inode(const struct socket *s)
{
    u32 ino = 0;
    if (s->stream) {
        spin_lock(&s->stream->lock);
        const struct socket *peer = stream_other(s)->socket;
        ino = peer ? (u32)peer->ino : 0;
        spin_unlock(&s->stream->lock);
    }
    return ino;
}

static void add_unix(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, u16 flags, struct socket *s, u32 show, int state)
{
    struct unix_socket *u = unix_of(s);
    struct unix_diag_msg *m = netlink_begin(r, q, SOCK_DIAG_BY_FAMILY, flags, n->port, sizeof(*m));
    struct unix_name *name = __atomic_load_n(&u->name, __ATOMIC_ACQUIRE);
    u32 peer = peer_inode(s);
    m->udiag_family = AF_UNIX;
    m->udiag_type = (u8)s->type;
    m->udiag_state = (u8)state;
    m->udiag_ino = (u32)s->ino;
    m->udiag_cookie[0] = (u32)s->ino;
    if (show & UDIAG_SHOW_NAME && name)
        netlink_attribute(r, UNIX_DIAG_NAME, name->address.sun_path, (u32)(name->length - UNIX_PATH_OFFSET));
    if (show & UDIAG_SHOW_PEER && peer)
        netlink_attribute_u32(r, UNIX_DIAG_PEER, peer);
    if (show & UDIAG_SHOW_RQLEN) {
        struct unix_diag_rqlen length = {
            .udiag_rqueue = s->listening ? s->accept_count : s->stream ? (u32)stream_readable(s) : (u32)not_negative(s->ops->readable_bytes(s)),
            .udiag_wqueue = s->listening ? s->accept_limit : s->ops->unsent_bytes ? (u32)not_negative(s->ops->unsent_bytes(s)) : 0,
        };
        netlink_attribute(r, UNIX_DIAG_RQLEN, &length, sizeof(length));
    }
    if (show & UDIAG_SHOW_UID)
        netlink_attribute_u32(r, UNIX_DIAG_UID, s->uid);
    netlink_attribute(r, UNIX_DIAG_SHUTDOWN, s->stream ? &stream_mine(s)->shutdown : &u->shutdown, 1);
}

static int unix_request(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, bool dump, int *error)
{
    const struct unix_diag_req *want = NLMSG_DATA(q);
    int result = 0;
    bool found = false;
    if (q->nlmsg_len < NLMSG_LENGTH(sizeof(*want)))
        *error = -EINVAL;
    else if (!dump && !want->udiag_ino)
        *error = -EINVAL;
    for (enum socket_kind kind = SOCKETS_UNIX_STREAM; !*error && !result && kind <= SOCKETS_UNIX; kind++) {
        struct sockets *all = sockets_of(kind);
        if (IS_ERR(all))
            return (int)PTR_ERR(all);
        for (unsigned i = 0; !result && i < all->n; i++) {
            struct socket *s = all->list[i];
            bool connected = s->stream || unix_of(s)->was_connected || (s->type == SOCK_DGRAM && unix_of(s)->peer);
            int state = s->listening ? TCP_LISTEN : connected ? TCP_ESTABLISHED : TCP_CLOSE;
            if (dump ? !(want->udiag_states >> state & 1) : found || (u32)s->ino != want->udiag_ino)
                continue;
            found = true;
            add_unix(n, r, q, dump ? NLM_F_MULTI : 0, s, want->udiag_show, state);
            result = dump ? netlink_queue_full(n, r) : 0;
        }
        sockets_free(all);
    }
    if (!dump && !*error && !found)
        *error = -ENOENT;
    return result;
}

int netlink_diag_request(struct netlink_socket *n, struct netlink_reply *r, const struct nlmsghdr *q, int *error)
{
    bool dump = (q->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    const struct sock_diag_req *want = NLMSG_DATA(q);
    int result = 0;
    if (q->nlmsg_len < NLMSG_LENGTH(sizeof(*want)))
        *error = -EINVAL;
    else if (q->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        *error = q->nlmsg_type == SOCK_DESTROY ? -EOPNOTSUPP : -EINVAL;
    else if (want->sdiag_family == AF_INET || want->sdiag_family == AF_INET6)
        result = inet_request(n, r, q, dump, error);
    else if (want->sdiag_family == AF_UNIX)
        result = unix_request(n, r, q, dump, error);
    else
        *error = want->sdiag_family >= 46 ? -EINVAL : -ENOENT;
    return result || *error || !dump ? result : netlink_done(n, r, q);
}
