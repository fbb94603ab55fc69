/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: socket addresses, messages and options. */
#include <asm/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/uio.h>
#include <linux/un.h>
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "syscalls/trace_print.h"

/* <linux/socket.h> leaves these to the C library. */
enum { FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10, LEVEL_SOCKET = 1, LEVEL_TCP = 6 };

static u64 arg(struct trace_call *c, int i)
{
    return c->a->arg[i];
}

static void print_inet6(struct trace_line *l, const u8 a[16])
{
    /* The longest run of zero groups, two at least, becomes "::" (RFC 5952). */
    int best = -1, best_length = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && !a[2 * (i + n)] && !a[2 * (i + n) + 1])
            n++;
        if (n > best_length)
            best = i, best_length = n;
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            trace_printf(l, "::");
            i += best_length - 1;
            continue;
        }
        trace_printf(l, i && i != best + best_length ? ":%x" : "%x", (u32)a[2 * i] << 8 | a[2 * i + 1]);
    }
}

void trace_sockaddr(struct trace_call *c, u64 address, u64 length)
{
    struct trace_line *l = c->line;
    union {
        u16 family;
        struct sockaddr_un un;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } s;
    memset(&s, 0, sizeof(s));
    size_t n = MIN(length, (u64)sizeof(s));
    if (!address || n < sizeof(s.family) || copy_from_user(&s, (void *)address, n)) {
        trace_pointer(l, address);
        return;
    }
    const u8 *ip = (const u8 *)&s.in.sin_addr;
    switch (s.family) {
    case FAMILY_UNIX: {
        size_t path = n - offsetof(struct sockaddr_un, sun_path);
        trace_printf(l, "{sa_family=AF_UNIX");
        if (n > offsetof(struct sockaddr_un, sun_path) && s.un.sun_path[0]) {
            trace_printf(l, ", sun_path=");
            trace_quote(l, s.un.sun_path, strnlen(s.un.sun_path, path), false);
        } else if (n > offsetof(struct sockaddr_un, sun_path)) {
            trace_printf(l, ", sun_path=@");
            trace_quote(l, s.un.sun_path + 1, path - 1, false);
        }
        trace_printf(l, "}");
        break;
    }
    case FAMILY_INET:
        trace_printf(l, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")}",
                     __builtin_bswap16(s.in.sin_port), ip[0], ip[1], ip[2], ip[3]);
        break;
    case FAMILY_INET6:
        trace_printf(l, "{sa_family=AF_INET6, sin6_port=htons(%u), sin6_flowinfo=htonl(%u), inet_pton(AF_INET6, \"",
                     __builtin_bswap16(s.in6.sin6_port), __builtin_bswap32(s.in6.sin6_flowinfo));
        print_inet6(l, s.in6.sin6_addr.s6_addr);
        trace_printf(l, "\", &sin6_addr), sin6_scope_id=%u}", s.in6.sin6_scope_id);
        break;
    default:
        trace_printf(l, "{sa_family=");
        trace_enum(l, TRACE_ENUM_ADDRESS_FAMILY, s.family);
        trace_printf(l, ", sa_data=");
        trace_quote(l, (const char *)&s + sizeof(s.family), MIN(n, (size_t)16) - sizeof(s.family), n > 16);
        trace_printf(l, "}");
    }
}

void trace_decode_SOCKADDR_IN(struct trace_call *c, int i)
{
    trace_sockaddr(c, arg(c, i), (u32)arg(c, i + 1));
}

void trace_decode_SOCKADDR_OUT(struct trace_call *c, int i)
{
    u32 length;
    if (c->failed || !arg(c, i) || get_user(length, (u32 *)arg(c, i + 1)))
        trace_pointer(c->line, arg(c, i));
    else
        trace_sockaddr(c, arg(c, i), length);
}

static void print_msghdr(struct trace_call *c, int i, u64 bytes)
{
    struct {
        u64 name;
        u32 name_length, pad;
        u64 iov, iov_count, control, control_length;
        u32 flags;
    } m;
    if (!trace_fetch(c, arg(c, i), &m, sizeof(m)))
        return;
    trace_printf(c->line, "{msg_name=");
    trace_sockaddr(c, m.name, m.name_length);
    trace_printf(c->line, ", msg_namelen=%u, msg_iov=", m.name_length);
    trace_iovec(c, m.iov, m.iov_count, bytes);
    trace_printf(c->line, ", msg_iovlen=%lu", m.iov_count);
    if (m.control_length && m.control)
        trace_printf(c->line, ", msg_control=%#lx", m.control);
    trace_printf(c->line, ", msg_controllen=%lu, msg_flags=", m.control_length);
    trace_flags(c->line, TRACE_FLAGS_MSG, m.flags);
    trace_printf(c->line, "}");
}

void trace_decode_MSGHDR_IN(struct trace_call *c, int i)
{
    print_msghdr(c, i, ~0ull);
}

void trace_decode_MSGHDR_OUT(struct trace_call *c, int i)
{
    if (c->failed)
        trace_pointer(c->line, arg(c, i));
    else
        print_msghdr(c, i, (u64)c->result);
}

void trace_decode_SOCKET_PROTOCOL(struct trace_call *c, int i)
{
    static const struct trace_name protocols[] = {
        {0, "IPPROTO_IP"}, {1, "IPPROTO_ICMP"}, {6, "IPPROTO_TCP"}, {17, "IPPROTO_UDP"}, {58, "IPPROTO_ICMPV6"}};
    u32 family = (u32)arg(c, 0), protocol = (u32)arg(c, i);
    if (family == FAMILY_INET || family == FAMILY_INET6)
        for (unsigned k = 0; k < ARRAY_SIZE(protocols); k++)
            if (protocols[k].value == protocol) {
                trace_printf(c->line, "%s", protocols[k].name);
                return;
            }
    trace_printf(c->line, protocol ? "%#x" : "%u", protocol);
}

#define NAME(x) {x, #x}
static const struct trace_name socket_options[] = {
    NAME(SO_DEBUG), NAME(SO_REUSEADDR), NAME(SO_TYPE), NAME(SO_ERROR), NAME(SO_DONTROUTE), NAME(SO_BROADCAST), NAME(SO_SNDBUF),
    NAME(SO_RCVBUF), NAME(SO_KEEPALIVE), NAME(SO_OOBINLINE), NAME(SO_PRIORITY), NAME(SO_LINGER), NAME(SO_REUSEPORT),
    NAME(SO_PASSCRED), NAME(SO_PEERCRED), NAME(SO_RCVLOWAT), NAME(SO_SNDLOWAT), NAME(SO_RCVTIMEO_OLD), NAME(SO_SNDTIMEO_OLD),
    NAME(SO_BINDTODEVICE), NAME(SO_ATTACH_FILTER), NAME(SO_PEERNAME), NAME(SO_TIMESTAMP_OLD), NAME(SO_ACCEPTCONN),
    NAME(SO_PEERSEC), NAME(SO_SNDBUFFORCE), NAME(SO_RCVBUFFORCE), NAME(SO_MARK), NAME(SO_PROTOCOL), NAME(SO_DOMAIN),
    NAME(SO_BUSY_POLL), NAME(SO_INCOMING_CPU), NAME(SO_ZEROCOPY),
};
static const struct trace_name tcp_options[] = {
    NAME(TCP_NODELAY), NAME(TCP_MAXSEG), NAME(TCP_CORK), NAME(TCP_KEEPIDLE), NAME(TCP_KEEPINTVL), NAME(TCP_KEEPCNT),
    NAME(TCP_SYNCNT), NAME(TCP_LINGER2), NAME(TCP_DEFER_ACCEPT), NAME(TCP_WINDOW_CLAMP), NAME(TCP_INFO), NAME(TCP_QUICKACK),
    NAME(TCP_CONGESTION), NAME(TCP_USER_TIMEOUT), NAME(TCP_FASTOPEN), NAME(TCP_NOTSENT_LOWAT),
};

void trace_decode_SOCKOPT(struct trace_call *c, int i)
{
    u32 level = (u32)arg(c, i - 1), option = (u32)arg(c, i);
    const struct trace_name *names = level == LEVEL_SOCKET ? socket_options : level == LEVEL_TCP ? tcp_options : NULL;
    unsigned count = level == LEVEL_SOCKET ? ARRAY_SIZE(socket_options) : ARRAY_SIZE(tcp_options);
    for (unsigned k = 0; names && k < count; k++)
        if (names[k].value == option) {
            trace_printf(c->line, "%s", names[k].name);
            return;
        }
    trace_printf(c->line, "%#x", option);
}

static void print_option(struct trace_call *c, u64 address, u32 length)
{
    int value[2];
    if (length == sizeof(value[0]) && address && !copy_from_user(value, (void *)address, sizeof(value[0])))
        trace_printf(c->line, "[%d]", value[0]);
    else if (length == sizeof(value) && address && !copy_from_user(value, (void *)address, sizeof(value)) &&
             (u32)arg(c, 2) == SO_LINGER && (u32)arg(c, 1) == LEVEL_SOCKET)
        trace_printf(c->line, "{l_onoff=%d, l_linger=%d}", value[0], value[1]);
    else
        trace_bytes(c->line, address, length);
}

void trace_decode_BUF_OPT(struct trace_call *c, int i)
{
    print_option(c, arg(c, i), (u32)arg(c, i + 1));
}

void trace_decode_BUF_OPT_OUT(struct trace_call *c, int i)
{
    u32 length;
    if (c->failed || get_user(length, (u32 *)arg(c, i + 1)))
        trace_pointer(c->line, arg(c, i));
    else
        print_option(c, arg(c, i), length);
}
