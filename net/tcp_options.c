/* SPDX-License-Identifier: BSD-2-Clause */
/* SOL_TCP options (tcp(7)) with the values Linux reports for loopback connections. */
#include <linux/tcp.h>
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/inet.h"
#include "net/stream.h"

#define SEGMENT_IDLE     536   /* before a connection */
#define SEGMENT_LOOPBACK 65483 /* 65535 less headers with timestamps */
#define WINDOW_CLAMP     1484352

static void set_bit(struct inet_socket *u, int option, bool on)
{
    u64 bit = 1ull << option;
    u->options.tcp_bits = on ? u->options.tcp_bits | bit : u->options.tcp_bits & ~bit;
}

static int set_congestion(struct inet_socket *u, const void *value, u32 length)
{
    char name[16] = {0};
    if (!length)
        return -EINVAL;
    if (copy_from_user(name, value, MIN(length, (u32)sizeof(name) - 1)))
        return -EFAULT;
    if (strcmp(name, "cubic") && strcmp(name, "reno"))
        return -ENOENT;
    memcpy(u->options.congestion, name, sizeof(name));
    return 0;
}

/* An int within [low, high], kept in *to. */
static int set_range(int n, int low, int high, int *to)
{
    if (n < low || n > high)
        return -EINVAL;
    *to = n;
    return 0;
}

/* TCP_DEFER_ACCEPT is kept as a number of SYN-ACK repetitions: the seconds after which one would be due. */
static int deferred_seconds(int seconds)
{
    int due = 0;
    for (int n = 0, period = 1; due < seconds && n < 255; n++, period = MIN(period * 2, 120))
        due += period;
    return due;
}

int tcp_set_option(struct inet_socket *u, int option, const void *value, u32 length)
{
    struct inet_options *o = &u->options;
    int n;
    if (option == TCP_CONGESTION)
        return set_congestion(u, value, length);
    int error = option_read_int(value, length, &n);
    if (error)
        return error;
    switch (option) {
    case TCP_NODELAY:
    case TCP_CORK:
    case TCP_THIN_LINEAR_TIMEOUTS:
    case TCP_THIN_DUPACK:
    case TCP_SAVE_SYN:
        if ((option == TCP_THIN_LINEAR_TIMEOUTS || option == TCP_THIN_DUPACK) && (n < 0 || n > 1))
            return -EINVAL;
        if (option == TCP_SAVE_SYN && (n < 0 || n > 2))
            return -EINVAL;
        set_bit(u, option, n != 0);
        return 0;
    case TCP_QUICKACK:
        set_bit(u, option, n == 0); /* on unless turned off: kept inverted */
        return 0;
    case TCP_MAXSEG:
        return n ? set_range(n, 88, 32767, &o->max_segment) : 0;
    case TCP_KEEPIDLE:
        return set_range(n, 1, 32767, &o->keep_idle);
    case TCP_KEEPINTVL:
        return set_range(n, 1, 32767, &o->keep_interval);
    case TCP_KEEPCNT:
        return set_range(n, 1, 127, &o->keep_count);
    case TCP_SYNCNT:
        return set_range(n, 1, 127, &o->syn_count);
    case TCP_LINGER2:
        o->linger2 = n < 0 ? -1 : MIN(n ? n : 60, 120);
        return 0;
    case TCP_DEFER_ACCEPT:
        error = n > 0 ? tcp_defer_prepare(u) : 0;
        o->defer_accept = error ? 0 : deferred_seconds(n);
        return error;
    case TCP_WINDOW_CLAMP:
        if (n == 0 && tcp_state_of(u) != TCP_CLOSE)
            return -EINVAL;
        o->window_clamp = n;
        return 0;
    case TCP_USER_TIMEOUT:
        return set_range(n, 0, INT32_MAX, &o->user_timeout);
    case TCP_NOTSENT_LOWAT:
        o->notsent_low_water = n;
        return 0;
    case TCP_FASTOPEN:
        if (n < 0 || (tcp_state_of(u) != TCP_CLOSE && tcp_state_of(u) != TCP_LISTEN))
            return -EINVAL;
        o->fastopen = n; /* asked for by servers; clients that would use it are told EOPNOTSUPP */
        return 0;
    case TCP_FASTOPEN_CONNECT:
        return n ? -EOPNOTSUPP : 0;
    case TCP_ULP:
        return -ENOENT;
    case TCP_INQ:
    case TCP_TX_DELAY:
    case TCP_ZEROCOPY_RECEIVE:
        return n ? -EOPNOTSUPP : 0;
    default:
        return -ENOPROTOOPT;
    }
}

void tcp_fill_info(struct inet_socket *u, struct tcp_info *info)
{
    *info = (struct tcp_info){.tcpi_state = (u8)tcp_state_of(u)};
    bool connected = u->base.stream != NULL;
    info->tcpi_options = connected ? TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE : 0;
    info->tcpi_snd_wscale = info->tcpi_rcv_wscale = connected ? 10 : 0;
    info->tcpi_rto = connected ? 204000 : 1000000;
    info->tcpi_snd_mss = connected ? SEGMENT_LOOPBACK : SEGMENT_IDLE;
    info->tcpi_rcv_mss = SEGMENT_IDLE;
    info->tcpi_advmss = connected ? SEGMENT_LOOPBACK : 0;
    info->tcpi_pmtu = connected ? LOOPBACK_MTU - 1 : 0;
    info->tcpi_snd_cwnd = 10;
    info->tcpi_snd_ssthresh = info->tcpi_rcv_ssthresh = INT32_MAX;
    info->tcpi_reordering = 3;
    info->tcpi_rtt = connected ? 30 : 0;
    info->tcpi_rttvar = connected ? 15 : 250000;
    info->tcpi_pacing_rate = info->tcpi_max_pacing_rate = UINT64_MAX;
    if (connected && u->base.stream->outside)
        network_tcp_info(u->base.stream, info);
    if (u->base.listening) {
        info->tcpi_unacked = u->base.accept_count;
        info->tcpi_sacked = u->base.accept_limit;
    }
}

static int get_info(struct inet_socket *u, void *value, int *length)
{
    struct tcp_info info;
    tcp_fill_info(u, &info);
    return option_write(value, length, &info, sizeof(info));
}

/* Of a connection. */
static int segment_of(struct inet_socket *u)
{
    struct tcp_info info;
    bool outside = u->base.stream->outside && network_tcp_info(u->base.stream, &info);
    return outside ? (int)info.tcpi_snd_mss : SEGMENT_LOOPBACK;
}

int tcp_get_option(struct inet_socket *u, int option, void *value, int *length)
{
    const struct inet_options *o = &u->options;
    bool connected = u->base.stream != NULL;
    int n = 0;
    switch (option) {
    case TCP_NODELAY:
    case TCP_CORK:
    case TCP_THIN_LINEAR_TIMEOUTS:
    case TCP_THIN_DUPACK:
    case TCP_SAVE_SYN:
        n = TCP_BIT(u, option) != 0;
        break;
    case TCP_QUICKACK:
        n = !TCP_BIT(u, option);
        break;
    case TCP_MAXSEG:
        n = o->max_segment && !connected ? o->max_segment : connected ? segment_of(u) : SEGMENT_IDLE;
        break;
    case TCP_KEEPIDLE:
        n = o->keep_idle;
        break;
    case TCP_KEEPINTVL:
        n = o->keep_interval;
        break;
    case TCP_KEEPCNT:
        n = o->keep_count;
        break;
    case TCP_SYNCNT:
        n = o->syn_count;
        break;
    case TCP_LINGER2:
        n = o->linger2;
        break;
    case TCP_DEFER_ACCEPT:
        n = o->defer_accept;
        break;
    case TCP_WINDOW_CLAMP:
        n = o->window_clamp ? o->window_clamp : WINDOW_CLAMP;
        break;
    case TCP_USER_TIMEOUT:
        n = o->user_timeout;
        break;
    case TCP_NOTSENT_LOWAT:
        n = o->notsent_low_water;
        break;
    case TCP_FASTOPEN:
        n = o->fastopen;
        break;
    case TCP_INFO:
        return get_info(u, value, length);
    case TCP_CONGESTION:
        return option_write(value, length, o->congestion, sizeof(o->congestion));
    case TCP_ULP:
        return option_write(value, length, "", 0);
    case TCP_FASTOPEN_CONNECT:
    case TCP_FASTOPEN_NO_COOKIE:
    case TCP_INQ:
    case TCP_TX_DELAY:
    case TCP_TIMESTAMP:
        break;
    default:
        return -ENOPROTOOPT;
    }
    return option_write_int(value, length, n);
}
