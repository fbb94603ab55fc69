/* SPDX-License-Identifier: BSD-2-Clause */
/* SOL_SOCKET options (socket(7)) with the values Linux reports; other levels go to the family. */
#include <linux/capability.h>
#include <linux/net_tstamp.h>
#include <linux/time_types.h>
#include "fs/pidfd.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/control.h"
#include "net/filter.h"
#include "net/interface.h"
#include "net/socket.h"
#include "net/sysctl.h"

#define SEND_BUFFER_MIN    4608
#define RECEIVE_BUFFER_MIN 2304

/* Options that are one bit, on and off by an int. */
#define BIT(option) (1ull << (option))
#define BOOLEANS                                                                                     \
    (BIT(SO_DEBUG) | BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) | BIT(SO_KEEPALIVE) |  \
     BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) | BIT(SO_REUSEPORT) | BIT(SO_PASSCRED) | BIT(SO_PASSSEC) |  \
     BIT(SO_TIMESTAMP_OLD) | BIT(SO_TIMESTAMPNS_OLD) | BIT(SO_RXQ_OVFL) | BIT(SO_WIFI_STATUS) |       \
     BIT(SO_NOFCS) | BIT(SO_LOCK_FILTER) | BIT(SO_SELECT_ERR_QUEUE) | BIT(SO_ZEROCOPY) |              \
     BIT(SO_TIMESTAMP_NEW) | BIT(OPTION_PASSPIDFD))

static bool is_boolean(int option)
{
    return option >= 0 && option < 64 && BOOLEANS & BIT(option);
}

void socket_options_init(struct socket *s)
{
    s->options = (struct socket_options){
        .send_buffer = READ_ONCE(net_settings.send_default),
        .receive_buffer = READ_ONCE(net_settings.receive_default),
        .receive_low_water = 1,
        .receive_timeout = NSEC_NEVER,
        .send_timeout = NSEC_NEVER,
        .peek_offset = -1,
        .incoming_cpu = -1,
        .max_pacing_rate = UINT64_MAX,
        .rehash = 1,
    };
    s->peer_credentials = (struct ucred){.pid = 0, .uid = (u32)-1, .gid = (u32)-1};
}

int option_read_int(const void *value, u32 length, int *out)
{
    if (length < sizeof(int))
        return -EINVAL;
    return copy_from_user(out, value, sizeof(int));
}

int option_write(void *value, int *user_length, const void *data, int length)
{
    int room;
    if (get_user(room, user_length))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    length = MIN(length, room);
    if (length && copy_to_user(value, data, (size_t)length))
        return -EFAULT;
    return put_user(length, user_length);
}

/* ------------------------------------------------------------ setting */

static void set_bit(struct socket *s, int option, bool on)
{
    spin_lock(&s->lock);
    if (on)
        s->options.bits |= BIT(option);
    else
        s->options.bits &= ~BIT(option);
    spin_unlock(&s->lock);
}

/* The options that ask who sends are of families that can tell. */
static bool may_have(const struct socket *s, int option)
{
    return (option != SO_PASSCRED && option != SO_PASSSEC && option != OPTION_PASSPIDFD) || s->family == AF_UNIX ||
           (s->family == AF_NETLINK && option != OPTION_PASSPIDFD);
}

static int set_boolean(struct socket *s, int option, int n)
{
    if (!may_have(s, option))
        return -EOPNOTSUPP;
    if (option == SO_REUSEPORT && n && s->family == AF_UNIX)
        return -EOPNOTSUPP;
    if (option == SO_ZEROCOPY && !s->ops->zerocopy)
        return -EOPNOTSUPP;
    if (option == SO_ZEROCOPY && (n < 0 || n > 1))
        return -EINVAL;
    set_bit(s, option, n != 0);
    return 0;
}

static int buffer_size(int n, bool force, int min, int max)
{
    if (!force && n > max)
        n = max;
    if (n < 0)
        n = force ? 0 : max; /* compared as unsigned */
    n = MIN(n, INT32_MAX / 2);
    return MAX(n * 2, min);
}

static int read_timeout(const void *value, u32 length, nsec_t *timeout)
{
    struct __kernel_old_timeval tv;
    if (length < sizeof(tv))
        return -EINVAL;
    if (copy_from_user(&tv, value, sizeof(tv)))
        return -EFAULT;
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        *timeout = 0;
    else if (tv.tv_sec == 0 && tv.tv_usec == 0)
        *timeout = NSEC_NEVER;
    else if ((u64)tv.tv_sec >= INT64_MAX / NSEC_PER_SEC / 2)
        *timeout = NSEC_NEVER;
    else
        *timeout = (u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_usec * NSEC_PER_USEC;
    return 0;
}

static int set_linger(struct socket *s, const void *value, u32 length)
{
    struct linger l;
    if (length < sizeof(l))
        return -EINVAL;
    if (copy_from_user(&l, value, sizeof(l)))
        return -EFAULT;
    if (l.l_onoff)
        s->options.linger = (struct linger){.l_onoff = 1, .l_linger = l.l_linger};
    else
        s->options.linger.l_onoff = 0;
    return 0;
}

static int set_device(struct socket *s, const void *value, u32 length)
{
    char name[16] = {0};
    if (copy_from_user(name, value, MIN(length, (u32)sizeof(name) - 1)))
        return -EFAULT;
    struct interface i = {0};
    if (s->options.bound_interface && !capable(CAP_NET_RAW))
        return -EPERM;
    if (name[0] && !interface_find(name, &i))
        return -ENODEV;
    s->options.bound_interface = i.index;
    return 0;
}

bool socket_stamps_packet(u32 flags)
{
    return flags & (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED) && !(flags & SOF_TIMESTAMPING_OPT_TSONLY);
}

/* There is no hardware with a clock. What leaves has a time only by itself, without the packet, and only of UDP. */
static int set_timestamping(struct socket *s, u32 flags)
{
    u32 sends = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK;
    if (flags & ~(u32)SOF_TIMESTAMPING_MASK || (flags & SOF_TIMESTAMPING_OPT_STATS && !(flags & SOF_TIMESTAMPING_OPT_TSONLY)))
        return -EINVAL;
    if (s->ops->stamps ? socket_stamps_packet(flags) : (flags & sends) && s->family != AF_UNIX && s->family != AF_NETLINK)
        return -EOPNOTSUPP;
    s->options.timestamping = flags;
    return 0;
}

static int set_int(struct socket *s, int option, int n)
{
    struct socket_options *o = &s->options;
    switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        o->send_buffer = buffer_size(n, option == SO_SNDBUFFORCE, SEND_BUFFER_MIN, READ_ONCE(net_settings.send_max));
        o->send_locked = true;
        wait_wake_events(&s->wait, ~0u, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        o->receive_buffer = buffer_size(n, option == SO_RCVBUFFORCE, RECEIVE_BUFFER_MIN, READ_ONCE(net_settings.receive_max));
        o->receive_locked = true;
        return 0;
    case SO_RCVLOWAT:
        o->receive_low_water = n < 0 ? INT32_MAX : n ? n : 1;
        return 0;
    case SO_PRIORITY:
        o->priority = n;
        return 0;
    case SO_MARK:
        o->mark = n;
        return 0;
    case SO_BUSY_POLL:
        if (n < 0)
            return -EINVAL;
        o->busy_poll = n;
        return 0;
    case SO_INCOMING_CPU:
        o->incoming_cpu = n;
        return 0;
    case SO_PEEK_OFF:
        if (s->family == AF_NETLINK)
            return -EOPNOTSUPP;
        o->peek_offset = n;
        return 0;
    case SO_MAX_PACING_RATE:
        o->max_pacing_rate = n == -1 ? UINT64_MAX : (u32)n;
        return 0;
    case SO_BINDTOIFINDEX:
        if (n < 0)
            return -EINVAL;
        if (o->bound_interface && !capable(CAP_NET_RAW))
            return -EPERM;
        o->bound_interface = n;
        return 0;
    case SO_BSDCOMPAT: /* did something once */
        return 0;
    case SO_TXREHASH:
        if (n < -1 || n > 1)
            return -EINVAL;
        o->rehash = n != 0;
        return 0;
    case SO_DETACH_FILTER:
        return filter_detach(s);
    case SO_TIMESTAMPING_OLD:
    case SO_TIMESTAMPING_NEW:
        return set_timestamping(s, (u32)n);
    default:
        return -ENOPROTOOPT;
    }
}

static int set_generic(struct socket *s, int option, const void *value, u32 length)
{
    int n;
    if (option == SO_BINDTODEVICE)
        return set_device(s, value, length);
    int error = option_read_int(value, length, &n); /* which Linux reads of all others */
    if (error)
        return error;
    if (option == SO_LINGER)
        return set_linger(s, value, length);
    if (option == SO_RCVTIMEO_OLD || option == SO_RCVTIMEO_NEW)
        return read_timeout(value, length, &s->options.receive_timeout);
    if (option == SO_SNDTIMEO_OLD || option == SO_SNDTIMEO_NEW)
        return read_timeout(value, length, &s->options.send_timeout);
    if (option == SO_ATTACH_FILTER)
        return filter_attach(s, value, length);
    if (option == SO_LOCK_FILTER && !n && OPTION_SET(s, SO_LOCK_FILTER))
        return -EPERM;
    option = option == SO_PASSPIDFD ? OPTION_PASSPIDFD : option == OPTION_PASSPIDFD ? -1 : option;
    if (is_boolean(option))
        return set_boolean(s, option, n);
    return set_int(s, option, n);
}

int socket_set_option(struct socket *s, int level, int option, const void *value, u32 length)
{
    int error = -EOPNOTSUPP;
    if (level == SOL_SOCKET)
        error = set_generic(s, option, value, length);
    else if (s->ops->set_option)
        error = s->ops->set_option(s, level, option, value, length);
    if (!error && s->ops->option_changed)
        s->ops->option_changed(s);
    return error;
}

/* ------------------------------------------------------------ reading */

static int get_timeout(nsec_t timeout, void *value, int *length)
{
    nsec_t t = timeout == NSEC_NEVER ? 0 : timeout;
    struct __kernel_old_timeval tv = {.tv_sec = (long)(t / NSEC_PER_SEC),
                                      .tv_usec = (long)(t % NSEC_PER_SEC / NSEC_PER_USEC)};
    return option_write(value, length, &tv, sizeof(tv));
}

static int get_peer_name(struct socket *s, void *value, int *length)
{
    struct socket_address a;
    int error = s->ops->name(s, &a, NAME_PEER);
    if (error)
        return -ENOTCONN;
    int room;
    if (get_user(room, length))
        return -EFAULT;
    if (room > a.length)
        return -EINVAL;
    return option_write(value, length, a.bytes, a.length);
}

static int get_peer_groups(struct socket *s, void *value, int *length)
{
    spin_lock(&s->lock);
    struct group_list *groups = group_list_get(s->peer_groups);
    bool known = s->peer_credentials.pid;
    spin_unlock(&s->lock);
    int room, n = groups ? (int)(groups->count * sizeof(u32)) : 0, error = known ? get_user(room, length) : -ENODATA;
    if (!error && room < n)
        error = put_user(n, length) ? -EFAULT : -ERANGE;
    else if (!error)
        error = option_write(value, length, groups ? groups->gid : NULL, n);
    group_list_put(groups);
    return error;
}

static int get_peer_pidfd(struct socket *s, void *value, int *length)
{
    if (!s->peer_credentials.pid)
        return -ENODATA;
    int fd = pidfd_install((int)s->peer_credentials.pid);
    int error = fd < 0 ? fd : option_write_int(value, length, fd);
    if (error && fd >= 0)
        fd_close(fd);
    return error;
}

static int get_memory(struct socket *s, void *value, int *length)
{
    u32 info[9] = {[1] = (u32)s->options.receive_buffer, [3] = (u32)s->options.send_buffer};
    return option_write(value, length, info, sizeof(info));
}

static int get_device(struct socket *s, void *value, int *length)
{
    struct interface i;
    int room;
    if (!s->options.bound_interface)
        return option_write(value, length, NULL, 0);
    if (get_user(room, length))
        return -EFAULT;
    if (room < (int)sizeof(i.name))
        return -EINVAL;
    if (!interface_get(s->options.bound_interface, &i))
        return -ENODEV;
    return option_write(value, length, i.name, (int)strlen(i.name) + 1);
}

/* Options whose value is one int. True if there is such an option. */
static bool get_int(struct socket *s, int option, int *n)
{
    const struct socket_options *o = &s->options;
    switch (option) {
    case SO_TYPE:
        *n = s->type;
        return true;
    case SO_DOMAIN:
        *n = s->family;
        return true;
    case SO_PROTOCOL:
        *n = s->protocol;
        return true;
    case SO_ACCEPTCONN:
        *n = s->listening;
        return true;
    case SO_ERROR:
        *n = -socket_take_error(s);
        return true;
    case SO_SNDBUF:
        *n = o->send_buffer;
        return true;
    case SO_RCVBUF:
        *n = o->receive_buffer;
        return true;
    case SO_RCVLOWAT:
        *n = o->receive_low_water;
        return true;
    case SO_SNDLOWAT:
        *n = 1;
        return true;
    case SO_PRIORITY:
        *n = o->priority;
        return true;
    case SO_MARK:
        *n = o->mark;
        return true;
    case SO_BUSY_POLL:
        *n = o->busy_poll;
        return true;
    case SO_INCOMING_CPU:
        *n = o->incoming_cpu;
        return true;
    case SO_PEEK_OFF:
        *n = o->peek_offset;
        return true;
    case SO_BPF_EXTENSIONS:
        *n = 64;
        return true;
    case SO_BINDTOIFINDEX:
        *n = o->bound_interface;
        return true;
    case SO_TXREHASH:
        *n = o->rehash;
        return s->type == SOCK_STREAM && s->family != AF_UNIX;
    case SO_BSDCOMPAT:
    case SO_INCOMING_NAPI_ID:
    case SO_TIMESTAMPNS_NEW:
    case SO_PREFER_BUSY_POLL:
    case SO_BUF_LOCK:
    case SO_RESERVE_MEM:
        *n = option == SO_BUF_LOCK ? o->send_locked | o->receive_locked << 1 : 0;
        return true;
    default:
        return false;
    }
}

static int get_generic(struct socket *s, int option, void *value, int *length)
{
    int n;
    u64 zero = 0;
    option = option == SO_PASSPIDFD ? OPTION_PASSPIDFD : option == OPTION_PASSPIDFD ? -1 : option;
    if (is_boolean(option)) {
        if (!may_have(s, option))
            return -EOPNOTSUPP;
        return option_write_int(value, length, OPTION_SET(s, option) != 0);
    }
    if (get_int(s, option, &n))
        return option_write_int(value, length, n);
    switch (option) {
    case SO_LINGER:
        return option_write(value, length, &s->options.linger, sizeof(s->options.linger));
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
        return get_timeout(s->options.receive_timeout, value, length);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
        return get_timeout(s->options.send_timeout, value, length);
    case SO_PEERCRED:
        return option_write(value, length, &s->peer_credentials, sizeof(s->peer_credentials));
    case SO_PEERNAME:
        return get_peer_name(s, value, length);
    case SO_PEERGROUPS:
        return get_peer_groups(s, value, length);
    case SO_PEERPIDFD:
        return get_peer_pidfd(s, value, length);
    case SO_BINDTODEVICE:
        return get_device(s, value, length);
    case SO_ATTACH_FILTER: /* SO_GET_FILTER */
        return filter_get(s, value, length);
    case SO_MAX_PACING_RATE:
        return option_write(value, length, &s->options.max_pacing_rate, 8);
    case SO_COOKIE:
        return option_write(value, length, &s->ino, 8);
    case SO_MEMINFO:
        return get_memory(s, value, length);
    case SO_TIMESTAMPING_OLD:
    case SO_TIMESTAMPING_NEW: {
        struct so_timestamping t = {.flags = (int)s->options.timestamping};
        return option_write(value, length, &t, sizeof(t));
    }
    case SO_TXTIME:
        return option_write(value, length, &zero, 8);
    case SO_TXREHASH:
        return -EOPNOTSUPP;
    default:
        return -ENOPROTOOPT;
    }
}

int socket_get_option(struct socket *s, int level, int option, void *value, int *length)
{
    int room;
    if (level != SOL_SOCKET && !s->ops->get_option)
        return -EOPNOTSUPP;
    if (get_user(room, length))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    return level == SOL_SOCKET ? get_generic(s, option, value, length) : s->ops->get_option(s, level, option, value, length);
}
