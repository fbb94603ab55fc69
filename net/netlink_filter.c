/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filters of sock_diag(7)'s dumps: INET_DIAG_REQ_BYTECODE of <linux/inet_diag.h>, of which ss(8) makes its expressions. A program
 * is accepted if each jump goes forward to the start of an instruction, to the end, or four bytes past it, which is a refusal: so it ends.
 */
#include <linux/capability.h>
#include <linux/inet_diag.h>
#include "kernel/lib/string.h"
#include "net/inet.h"
#include "net/netlink.h"

#define OP_SIZE ((int)sizeof(struct inet_diag_bc_op))

/* Bytes of the instruction at op, of which there are left; 0: no such instruction, or cut off. */
static int length_of(const struct inet_diag_bc_op *op, int left)
{
    const struct inet_diag_hostcond *host = (const void *)(op + 1);
    int address = 0, n = OP_SIZE;
    switch (op->code) {
    case INET_DIAG_BC_NOP:
    case INET_DIAG_BC_JMP:
    case INET_DIAG_BC_AUTO:
        break;
    case INET_DIAG_BC_S_COND:
    case INET_DIAG_BC_D_COND:
        n += (int)sizeof(*host);
        if (left < n || (host->family && host->family != AF_INET && host->family != AF_INET6))
            return 0;
        address = host->family == AF_INET ? 4 : host->family ? 16 : 0;
        n += address;
        if (host->prefix_len > 8 * address)
            return 0;
        break;
    case INET_DIAG_BC_S_GE:
    case INET_DIAG_BC_S_LE:
    case INET_DIAG_BC_S_EQ:
    case INET_DIAG_BC_D_GE:
    case INET_DIAG_BC_D_LE:
    case INET_DIAG_BC_D_EQ:
        n += OP_SIZE;
        break;
    case INET_DIAG_BC_DEV_COND:
        n += (int)sizeof(u32);
        break;
    case INET_DIAG_BC_MARK_COND:
        n += (int)sizeof(struct inet_diag_markcond);
        break;
    default:
        return 0;
    }
    return left < n ? 0 : n;
}

/* Does an instruction begin where `left` bytes are left? */
static bool is_start(const struct inet_diag_bc_op *op, int n, int left)
{
    while (n > left && n >= OP_SIZE && op->yes >= OP_SIZE && op->yes % OP_SIZE == 0) {
        n -= op->yes;
        op += op->yes / OP_SIZE;
    }
    return n == left;
}

static bool is_jump(int by, int length, int left)
{
    return by >= length && by <= left + OP_SIZE && by % OP_SIZE == 0;
}

int diag_filter_check(const struct diag_filter *f)
{
    const struct inet_diag_bc_op *op = f->code;
    int left = f->length;
    if (left < OP_SIZE)
        return -EINVAL;
    while (left > 0) {
        int length = left < OP_SIZE ? 0 : length_of(op, left);
        if (length && op->code == INET_DIAG_BC_MARK_COND && !capable(CAP_NET_ADMIN))
            return -EPERM;
        if (!length || !is_jump(op->yes, length, left))
            return -EINVAL;
        if (op->code != INET_DIAG_BC_NOP &&
            (!is_jump(op->no, length, left) || (op->no < left && !is_start(f->code, f->length, left - op->no))))
            return -EINVAL;
        left -= op->yes;
        op += op->yes / OP_SIZE;
    }
    return left ? -EINVAL : 0;
}

static bool host_matches(const struct inet_diag_hostcond *c, const struct inet_address *end, bool v6)
{
    if (c->port != -1 && c->port != end->port)
        return false;
    if (c->family == AF_INET6 && !v6)
        return false;
    if (c->family == AF_INET && v6) /* an IPv4 peer of an IPv6 socket */
        return ip_is_v4(end->ip) && bits_equal(end->ip + 12, c->addr, c->prefix_len);
    return bits_equal(v6 ? end->ip : end->ip + 12, c->addr, c->prefix_len);
}

static bool is_true(const struct inet_diag_bc_op *op, const struct diag_subject *s)
{
    const struct inet_diag_markcond *mark = (const void *)(op + 1);
    const struct inet_diag_bc_op *port = op + 1; /* behind each comparison of ports: in `no`, in host order */
    switch (op->code) {
    case INET_DIAG_BC_S_GE:
        return s->local->port >= port->no;
    case INET_DIAG_BC_S_LE:
        return s->local->port <= port->no;
    case INET_DIAG_BC_S_EQ:
        return s->local->port == port->no;
    case INET_DIAG_BC_D_GE:
        return s->remote->port >= port->no;
    case INET_DIAG_BC_D_LE:
        return s->remote->port <= port->no;
    case INET_DIAG_BC_D_EQ:
        return s->remote->port == port->no;
    case INET_DIAG_BC_AUTO:
        return !s->port_chosen;
    case INET_DIAG_BC_S_COND:
        return host_matches((const void *)(op + 1), s->local, s->v6);
    case INET_DIAG_BC_D_COND:
        return host_matches((const void *)(op + 1), s->remote, s->v6);
    case INET_DIAG_BC_DEV_COND:
        return *(const int *)(op + 1) == s->interface;
    case INET_DIAG_BC_MARK_COND:
        return (s->mark & mark->mask) == mark->mark;
    default:
        return op->code == INET_DIAG_BC_NOP;
    }
}

bool diag_filter_passes(const struct diag_filter *f, const struct diag_subject *s)
{
    const struct inet_diag_bc_op *op = f->code;
    int left = f->length;
    while (left > 0) {
        int by = is_true(op, s) ? op->yes : op->no;
        left -= by;
        op += by / OP_SIZE;
    }
    return left == 0;
}
