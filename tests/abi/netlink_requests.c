/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests by netlink: single gets, errors, acknowledgements, groups, options, and sock_diag about sockets of this program. */
#include "sock.h"
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/stat.h>

static char answer[65536];

struct request {
    struct nlmsghdr h;
    char body[200];
};

static void *begin(struct request *q, int type, int flags, unsigned length)
{
    memset(q, 0, sizeof *q);
    q->h.nlmsg_len = NLMSG_LENGTH(length);
    q->h.nlmsg_type = (unsigned short)type;
    q->h.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
    q->h.nlmsg_seq = 42;
    return q->body;
}

static void attribute(struct request *q, int type, const void *data, unsigned n)
{
    struct rtattr *a = (void *)((char *)q + NLMSG_ALIGN(q->h.nlmsg_len));
    a->rta_type = (unsigned short)type;
    a->rta_len = (unsigned short)RTA_LENGTH(n);
    memcpy(RTA_DATA(a), data, n);
    q->h.nlmsg_len = NLMSG_ALIGN(q->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* Sends it and prints what comes: types, and what errors say. */
static long ask(const char *what, int fd, struct request *q)
{
    printf("%s:", what);
    if (send(fd, q, q->h.nlmsg_len, 0) != (ssize_t)q->h.nlmsg_len)
        printf(" not sent %s", strerrorname_np(errno));
    long n, all = 0;
    while ((n = recv(fd, answer, sizeof answer, MSG_DONTWAIT)) > 0) {
        long left = n;
        all = n;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            printf(" type %d", h->nlmsg_type);
            if (h->nlmsg_seq != 42)
                printf(" sequence %u", h->nlmsg_seq);
            if (h->nlmsg_type == NLMSG_ERROR) {
                struct nlmsgerr *e = NLMSG_DATA(h);
                printf(" error %s flags %x length %u", e->error ? strerrorname_np(-e->error) : "none", h->nlmsg_flags, h->nlmsg_len);
            }
        }
    }
    printf("\n");
    return all;
}

static const void *find(const void *message, unsigned body, int type)
{
    const struct nlmsghdr *h = message;
    struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(body));
    int left = (int)(h->nlmsg_len - NLMSG_LENGTH(body));
    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == type)
            return RTA_DATA(a);
    }
    return NULL;
}

static void routes(int fd)
{
    struct request q;
    int one = 1;
    struct ifinfomsg *l = begin(&q, RTM_GETLINK, 0, sizeof *l);
    l->ifi_index = 1;
    ask("link 1", fd, &q);
    printf("name %s mtu %u\n", (char *)find(answer, sizeof *l, IFLA_IFNAME), *(unsigned *)find(answer, sizeof *l, IFLA_MTU));
    begin(&q, RTM_GETLINK, 0, sizeof *l);
    attribute(&q, IFLA_IFNAME, "lo", 3);
    ask("link lo", fd, &q);
    begin(&q, RTM_GETLINK, NLM_F_ACK, sizeof *l);
    attribute(&q, IFLA_IFNAME, "lo", 3);
    ask("link lo, acknowledged", fd, &q);
    begin(&q, RTM_GETLINK, 0, sizeof *l);
    attribute(&q, IFLA_IFNAME, "nosuch0", 8);
    ask("link nosuch0", fd, &q);
    begin(&q, RTM_GETLINK, 0, 2);
    ask("short", fd, &q);
    struct rtmsg *r = begin(&q, RTM_GETROUTE, 0, sizeof *r);
    r->rtm_family = AF_INET;
    r->rtm_dst_len = 32;
    attribute(&q, RTA_DST, "\x7f\0\0\1", 4);
    ask("route to 127.0.0.1", fd, &q);
    r = NLMSG_DATA((struct nlmsghdr *)answer);
    printf("type %d table %d length %d out %d source %x\n", r->rtm_type, r->rtm_table, r->rtm_dst_len,
           *(int *)find(answer, sizeof *r, RTA_OIF), ntohl(*(unsigned *)find(answer, sizeof *r, RTA_PREFSRC)));
    r = begin(&q, 99, 0, sizeof *r);
    ask("no such type", fd, &q);
    begin(&q, NLMSG_NOOP, NLM_F_ACK, 4);
    ask("no-op", fd, &q);
    /* An error with less of the request in it. */
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    begin(&q, RTM_GETLINK, 0, sizeof *l);
    attribute(&q, IFLA_IFNAME, "nosuch0", 8);
    ask("capped", fd, &q);
    /* Only what the header says, if the check is strict. */
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    struct ifaddrmsg *a = begin(&q, RTM_GETADDR, NLM_F_DUMP, sizeof *a);
    a->ifa_family = AF_INET;
    a->ifa_index = 1;
    printf("addresses of lo %d\n", send(fd, &q, q.h.nlmsg_len, 0) > 0);
    long n = recv(fd, answer, sizeof answer, 0), others = 0;
    for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
        others += h->nlmsg_type == RTM_NEWADDR && ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index != 1;
    printf("others %ld\n", others);
    while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
        ;
}

static void groups(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), n = 33, zero = 0, v;
    unsigned list[4] = {0};
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR};
    socklen_t length = sizeof a;
    SHOW(bind(fd, (void *)&a, sizeof a));
    SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &n, sizeof n));
    SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &zero, sizeof zero));
    n = RTNLGRP_NEIGH;
    SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &n, sizeof n));
    SHOW(getsockname(fd, (void *)&a, &length));
    printf("groups %x\n", a.nl_groups);
    length = sizeof list;
    SHOW(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, list, &length));
    printf("%x %x\n", list[0], list[1]);
    SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &n, sizeof n));
    SHOW(getsockname(fd, (void *)&a, &length));
    printf("groups %x\n", a.nl_groups);
    length = sizeof v;
    SHOW(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &v, &length));
    n = 1;
    SHOW(setsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &n, sizeof n));
    SHOW(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &v, &length));
    printf("value %d\n", v);
    SHOW(setsockopt(fd, SOL_NETLINK, 77, &n, sizeof n));
    SHOW(recv(fd, answer, 10, MSG_DONTWAIT | MSG_OOB));
    close(fd);
}

static unsigned inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : (unsigned)st.st_ino;
}

/* Looks for a socket in a dump. */
static void dumped(const char *what, int fd, int protocol, unsigned states, int s, int v6)
{
    struct request q;
    struct inet_diag_req_v2 *d = begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof *d);
    d->sdiag_family = v6 ? AF_INET6 : AF_INET;
    d->sdiag_protocol = (unsigned char)protocol;
    d->idiag_states = states;
    d->idiag_ext = 1 << (INET_DIAG_MEMINFO - 1) | 1 << (INET_DIAG_CONG - 1);
    printf("%s:", what);
    send(fd, &q, q.h.nlmsg_len, 0);
    for (int done = 0; !done;) {
        long n = recv(fd, answer, sizeof answer, 0);
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            struct inet_diag_msg *m = NLMSG_DATA(h);
            if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
                done = 1;
            else if (m->idiag_inode == inode_of(s))
                printf(" family %d state %d timer %d retransmits %d queues %u %u uid %u meminfo %d congestion %d", m->idiag_family,
                       m->idiag_state, m->idiag_timer, m->idiag_retrans, m->idiag_rqueue, m->idiag_wqueue, m->idiag_uid,
                       find(h, sizeof *m, INET_DIAG_MEMINFO) != NULL, find(h, sizeof *m, INET_DIAG_CONG) != NULL);
        }
    }
    printf("\n");
}

static void diag(void)
{
    struct request q;
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), v[2], l = tcp_listener(3), u = socket(AF_INET, SOCK_DGRAM, 0), p[2];
    int l6 = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 any = at6("::", 0);
    bind(l6, (void *)&any, sizeof any);
    listen(l6, 2);
    struct sockaddr_in a = at("127.0.0.1", 0);
    bind(u, (void *)&a, sizeof a);
    tcp_pair(v);
    send(v[0], "abc", 3, 0);
    settle();
    dumped("listener", fd, IPPROTO_TCP, 1 << 10, l, 0);
    dumped("listener of IPv6", fd, IPPROTO_TCP, 1 << 10, l6, 1);
    dumped("not among connections", fd, IPPROTO_TCP, 1 << 1, l, 0);
    dumped("connection", fd, IPPROTO_TCP, ~0u, v[1], 0);
    dumped("datagrams", fd, IPPROTO_UDP, ~0u, u, 0);
    struct inet_diag_req_v2 *d = begin(&q, SOCK_DIAG_BY_FAMILY, 0, sizeof *d);
    struct sockaddr_in peer = local_name(v[1]);
    a = local_name(v[0]);
    d->sdiag_family = AF_INET;
    d->sdiag_protocol = IPPROTO_TCP;
    d->idiag_states = ~0u;
    d->id.idiag_sport = a.sin_port;
    d->id.idiag_dport = peer.sin_port;
    d->id.idiag_src[0] = a.sin_addr.s_addr;
    d->id.idiag_dst[0] = peer.sin_addr.s_addr;
    d->id.idiag_cookie[0] = d->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    ask("by its ends", fd, &q);
    printf("the same %d\n", ((struct inet_diag_msg *)NLMSG_DATA((struct nlmsghdr *)answer))->idiag_inode == inode_of(v[0]));
    d->id.idiag_dst[0] = htonl(0x7f000203);
    ask("no such", fd, &q);
    d->sdiag_family = AF_MAX + 3;
    ask("family", fd, &q);
    begin(&q, SOCK_DIAG_BY_FAMILY, 0, 1);
    ask("short", fd, &q);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    struct unix_diag_req *x = begin(&q, SOCK_DIAG_BY_FAMILY, 0, sizeof *x);
    x->sdiag_family = AF_UNIX;
    x->udiag_states = ~0u;
    x->udiag_ino = inode_of(p[0]);
    x->udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN;
    x->udiag_cookie[0] = x->udiag_cookie[1] = ~0u;
    send(p[1], "hello", 5, 0);
    ask("unix", fd, &q);
    struct unix_diag_msg *m = NLMSG_DATA((struct nlmsghdr *)answer);
    const unsigned *other = find(answer, sizeof *m, UNIX_DIAG_PEER);
    const struct unix_diag_rqlen *length = find(answer, sizeof *m, UNIX_DIAG_RQLEN);
    printf("type %d state %d peer %d queued %u\n", m->udiag_type, m->udiag_state, other && *other == inode_of(p[1]), length ? length->udiag_rqueue : 0);
    x->udiag_ino = 3;
    ask("no such", fd, &q);
    x->udiag_ino = 0;
    ask("no inode", fd, &q);
}

/* Dumps with a filter (INET_DIAG_REQ_BYTECODE): how many of the program's own sockets are told of, or the error. */
static void filtered(const char *what, int fd, const void *code, unsigned length, const int *sockets, unsigned count, int family)
{
    struct request q;
    struct inet_diag_req_v2 *d = begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof *d);
    unsigned found = 0;
    d->sdiag_family = (unsigned char)family;
    d->sdiag_protocol = IPPROTO_TCP;
    d->idiag_states = ~0u;
    attribute(&q, INET_DIAG_REQ_BYTECODE, code, length);
    printf("%s:", what);
    send(fd, &q, q.h.nlmsg_len, 0);
    for (int done = 0; !done;) {
        long n = recv(fd, answer, sizeof answer, 0);
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            struct inet_diag_msg *m = NLMSG_DATA(h);
            done |= h->nlmsg_type != SOCK_DIAG_BY_FAMILY;
            if (h->nlmsg_type == NLMSG_ERROR)
                printf(" %s", strerrorname_np(-*(int *)NLMSG_DATA(h)));
            for (unsigned i = 0; !done && i < count; i++)
                found |= m->idiag_inode == inode_of(sockets[i]) ? 1u << i : 0;
        }
    }
    printf(" found %x\n", found);
}

#define OP(c, y, n) {.code = INET_DIAG_BC_##c, .yes = (y), .no = (unsigned short)(n)}
#define PORT(p)     {.no = (p)}
#define ASK(what, family, ...)                                                                      \
    do {                                                                                            \
        struct inet_diag_bc_op code[] = {__VA_ARGS__};                                              \
        filtered(what, fd, code, sizeof code, all, 4, family);                                      \
    } while (0)

static void filters(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), v[2], l = tcp_listener(3), l6 = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 any = at6("::1", 0);
    bind(l6, (void *)&any, sizeof any);
    listen(l6, 2);
    tcp_pair(v);
    int all[4] = {l, v[0], v[1], l6};
    unsigned short port = ntohs(local_name(l).sin_port), peer = ntohs(local_name(v[1]).sin_port);
    ASK("nop", AF_INET, OP(NOP, 4, 0));
    ASK("jump to the end", AF_INET, OP(JMP, 4, 4));
    ASK("jump past it", AF_INET, OP(JMP, 4, 8));
    ASK("source port", AF_INET, OP(S_EQ, 8, 12), PORT(port));
    ASK("at least 1", AF_INET, OP(S_GE, 8, 12), PORT(1));
    ASK("at most 0", AF_INET, OP(S_LE, 8, 12), PORT(0));
    ASK("peer's port", AF_INET, OP(D_EQ, 8, 12), PORT(peer));
    ASK("peer's at least 1", AF_INET, OP(D_GE, 8, 12), PORT(1));
    ASK("peer's at most 0", AF_INET, OP(D_LE, 8, 12), PORT(0));
    ASK("ports by the kernel", AF_INET, OP(AUTO, 4, 8));
    ASK("either", AF_INET, OP(S_EQ, 8, 12), PORT(port), OP(JMP, 4, 12), OP(D_EQ, 8, 12), PORT(peer));
    ASK("on lo", AF_INET, OP(DEV_COND, 8, 12), {.code = 1});
    ASK("not bound to a device", AF_INET, OP(DEV_COND, 8, 12), {0});
    ASK("mark 0", AF_INET, OP(MARK_COND, 12, 16), {0}, {.code = 255});
    struct {
        struct inet_diag_bc_op op;
        struct inet_diag_hostcond c;
        unsigned addr[4];
    } host = {.op = OP(S_COND, 16, 20), .c = {.family = AF_INET, .prefix_len = 8, .port = -1}, .addr = {htonl(0x7f010101)}};
    filtered("more behind", fd, &host, 20, all, 4, AF_INET);
    filtered("network", fd, &host, 16, all, 4, AF_INET);
    host.c.prefix_len = 32;
    filtered("no such", fd, &host, 16, all, 4, AF_INET);
    host.c.prefix_len = 0;
    host.c.port = port;
    filtered("any, and a port", fd, &host, 16, all, 4, AF_INET);
    host.c.prefix_len = 33;
    filtered("prefix too long", fd, &host, 16, all, 4, AF_INET);
    host.c.prefix_len = 8;
    filtered("cut off", fd, &host, 12, all, 4, AF_INET);
    host.c.family = 99;
    filtered("family", fd, &host, 16, all, 4, AF_INET);
    host.op.yes = 28, host.op.no = 32;
    host.c = (struct inet_diag_hostcond){.family = AF_INET6, .prefix_len = 128, .port = -1};
    memset(host.addr, 0, sizeof host.addr);
    host.addr[3] = htonl(1);
    filtered("IPv6", fd, &host, 28, all, 4, AF_INET6);
    filtered("IPv6 of IPv4", fd, &host, 28, all, 4, AF_INET);
    host.addr[3] = htonl(2);
    filtered("another", fd, &host, 28, all, 4, AF_INET6);
    ASK("code", AF_INET, {.code = 77, .yes = 4});
    ASK("too short", AF_INET, OP(S_EQ, 4, 8), PORT(1));
    ASK("not aligned", AF_INET, OP(NOP, 6, 0), PORT(1));
    ASK("into an instruction", AF_INET, OP(JMP, 4, 8), OP(S_EQ, 8, 12), PORT(1));
    ASK("backwards", AF_INET, OP(NOP, 4, 0), OP(JMP, 4, 0));
    ASK("far past", AF_INET, OP(JMP, 4, 12));
    ASK("yes past the end", AF_INET, OP(NOP, 8, 0));
    filtered("empty", fd, "", 0, all, 4, AF_INET);
    close(l6);
    close(fd);
}

int main(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    routes(fd);
    groups();
    diag();
    filters();
    SHOW(socket(AF_NETLINK, SOCK_RAW, 99));
    return 0;
}
