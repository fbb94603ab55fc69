/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: structures of the file calls. */
#include <asm/poll.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/unistd.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/posix_types.h>
#include <linux/stat.h>
#include <linux/uio.h>
#include "kernel/lib/printf.h"
#include "syscalls/trace_print.h"

static u64 arg(struct trace_call *c, int i)
{
    return c->a->arg[i];
}

static bool is_device(u32 mode)
{
    return (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;
}

void trace_decode_STAT_OUT(struct trace_call *c, int i)
{
    struct stat st;
    if (!trace_fetch(c, arg(c, i), &st, sizeof(st)))
        return;
    trace_printf(c->line, "{st_mode=");
    trace_file_type_mode(c->line, st.st_mode);
    if (is_device(st.st_mode))
        trace_printf(c->line, ", st_rdev=makedev(%#lx, %#lx), ...}", st.st_rdev >> 8 & 0xfff,
                     (st.st_rdev & 0xff) | (st.st_rdev >> 12 & 0xfff00));
    else
        trace_printf(c->line, ", st_size=%ld, ...}", (long)st.st_size);
}

void trace_decode_STATX_OUT(struct trace_call *c, int i)
{
    struct statx st;
    if (!trace_fetch(c, arg(c, i), &st, sizeof(st)))
        return;
    trace_printf(c->line, "{stx_mask=");
    trace_flags(c->line, TRACE_FLAGS_STATX, st.stx_mask);
    trace_printf(c->line, ", stx_attributes=%#lx, stx_mode=", (u64)st.stx_attributes);
    trace_file_type_mode(c->line, st.stx_mode);
    trace_printf(c->line, ", stx_size=%lu, ...}", (u64)st.stx_size);
}

void trace_decode_STATFS_OUT(struct trace_call *c, int i)
{
    struct statfs s;
    if (trace_fetch(c, arg(c, i), &s, sizeof(s)))
        trace_printf(c->line,
                     "{f_type=%#lx, f_bsize=%ld, f_blocks=%lu, f_bfree=%lu, f_bavail=%lu, f_files=%lu, f_ffree=%lu, "
                     "f_fsid={val=[%#x, %#x]}, f_namelen=%ld, f_frsize=%ld, f_flags=%#lx}",
                     (u64)s.f_type, (long)s.f_bsize, (u64)s.f_blocks, (u64)s.f_bfree, (u64)s.f_bavail, (u64)s.f_files,
                     (u64)s.f_ffree, (u32)s.f_fsid.val[0], (u32)s.f_fsid.val[1], (long)s.f_namelen, (long)s.f_frsize,
                     (u64)s.f_flags);
}

/* Each record's length is a u16 at offset 16, in both layouts. */
static void print_dirents(struct trace_call *c, int i)
{
    u64 at = arg(c, i), end = at + (u64)c->result;
    unsigned entries = 0;
    u16 length;
    trace_pointer(c->line, at);
    if (c->failed)
        return;
    for (; at < end && !get_user(length, (u16 *)(at + 16)) && length; at += length)
        entries++;
    trace_printf(c->line, " /* %u entries */", entries);
}

void trace_decode_DIRENTS_OUT(struct trace_call *c, int i)
{
    print_dirents(c, i);
}

void trace_decode_DIRENTS64_OUT(struct trace_call *c, int i)
{
    print_dirents(c, i);
}

/* count buffers with at most bytes of data in all. */
void trace_iovec(struct trace_call *c, u64 address, u64 count, u64 bytes)
{
    struct iovec v;
    struct trace_line *l = c->line;
    if (!address || (count && get_user(v, (struct iovec *)address))) {
        trace_pointer(l, address);
        return;
    }
    trace_printf(l, "[");
    for (u64 k = 0; k < count; k++) {
        if (k)
            trace_printf(l, ", ");
        if (k == TRACE_ARRAY_MAX || get_user(v, (struct iovec *)address + k)) {
            trace_printf(l, "...");
            break;
        }
        u64 n = MIN((u64)v.iov_len, bytes);
        trace_printf(l, "{iov_base=");
        trace_bytes(l, (u64)v.iov_base, n);
        trace_printf(l, ", iov_len=%lu}", v.iov_len);
        bytes -= n;
    }
    trace_printf(l, "]");
}

void trace_decode_IOVEC_IN(struct trace_call *c, int i)
{
    trace_iovec(c, arg(c, i), arg(c, i + 1), ~0ull);
}

void trace_decode_IOVEC_OUT(struct trace_call *c, int i)
{
    if (c->failed)
        trace_pointer(c->line, arg(c, i));
    else
        trace_iovec(c, arg(c, i), arg(c, i + 1), (u64)c->result);
}

static const struct trace_name poll_bits[] = {
    {POLLIN, "POLLIN"}, {POLLPRI, "POLLPRI"}, {POLLOUT, "POLLOUT"}, {POLLRDNORM, "POLLRDNORM"},
    {POLLWRNORM, "POLLWRNORM"}, {POLLRDBAND, "POLLRDBAND"}, {POLLWRBAND, "POLLWRBAND"},
    {POLLERR, "POLLERR"}, {POLLHUP, "POLLHUP"}, {POLLNVAL, "POLLNVAL"}, {POLLRDHUP, "POLLRDHUP"},
};

static void poll_events(char *to, size_t size, u32 events)
{
    size_t n = 0;
    *to = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(poll_bits); k++)
        if (events & poll_bits[k].value)
            n += (size_t)scnprintf(to + n, size - n, n ? "|%s" : "%s", poll_bits[k].name);
    if (!n)
        scnprintf(to, size, "0");
}

void trace_decode_POLLFDS(struct trace_call *c, int i)
{
    struct pollfd p;
    char text[100];
    u64 address = arg(c, i), count = MIN((u64)(u32)arg(c, i + 1), (u64)TRACE_ARRAY_MAX);
    if (!address || (count && get_user(p, (struct pollfd *)address))) {
        trace_pointer(c->line, address);
        return;
    }
    trace_printf(c->line, "[");
    for (u64 k = 0; k < count && !get_user(p, (struct pollfd *)address + k); k++) {
        poll_events(text, sizeof(text), (u16)p.events);
        if (p.fd < 0)
            trace_printf(c->line, "%s{fd=%d}", k ? ", " : "", p.fd);
        else
            trace_printf(c->line, "%s{fd=%d, events=%s}", k ? ", " : "", p.fd, text);
    }
    trace_printf(c->line, "]");
}

/* The timeout that ppoll and pselect6 write back. */
static void left_of_timeout(struct trace_call *c, u64 address, size_t n)
{
    struct __kernel_timespec ts;
    if (address && !get_user(ts, (void *)address))
        scnprintf(c->remark + n, sizeof(c->remark) - n, ", left {tv_sec=%ld, tv_nsec=%ld}", (long)ts.tv_sec, (long)ts.tv_nsec);
}

/* What poll found, for the remark behind its result. */
void trace_poll_result(struct trace_call *c)
{
    struct pollfd p;
    char text[100];
    size_t n = 0;
    u64 count = MIN((u64)(u32)arg(c, 1), (u64)TRACE_ARRAY_MAX);
    if (c->result == 0) {
        scnprintf(c->remark, sizeof(c->remark), "Timeout");
        return;
    }
    for (u64 k = 0; k < count && !get_user(p, (struct pollfd *)arg(c, 0) + k); k++)
        if (p.revents) {
            poll_events(text, sizeof(text), (u16)p.revents);
            n += (size_t)scnprintf(c->remark + n, sizeof(c->remark) - n, "%s{fd=%d, revents=%s}", n ? ", " : "[", p.fd, text);
        }
    n += (size_t)scnprintf(c->remark + n, sizeof(c->remark) - n, "]");
    if (c->nr == __NR_ppoll)
        left_of_timeout(c, arg(c, 2), n);
}

void trace_decode_FDSET(struct trace_call *c, int i)
{
    u64 bits[16] = {0};
    u32 n = (u32)MAX((int)arg(c, 0), 0);
    const char *blank = "";
    n = MIN(n, 1024u);
    if (!arg(c, i) || copy_from_user(bits, (void *)arg(c, i), (n + 63) / 64 * 8)) {
        trace_pointer(c->line, arg(c, i));
        return;
    }
    trace_printf(c->line, "[");
    for (u32 fd = 0; fd < n; fd++)
        if (bits[fd / 64] & 1ull << fd % 64) {
            trace_printf(c->line, "%s%u", blank, fd);
            blank = " ";
        }
    trace_printf(c->line, "]");
}

/* What select found: the sets as they are now. */
void trace_select_result(struct trace_call *c)
{
    static const char *const names[] = {"in", "out", "except"};
    struct trace_line set = {.length = 0};
    struct trace_call part = *c;
    size_t n = 0;
    if (c->result == 0) {
        scnprintf(c->remark, sizeof(c->remark), "Timeout");
        return;
    }
    part.line = &set;
    for (int i = 0; i < 3; i++) {
        if (!arg(c, i + 1))
            continue;
        set.length = 0;
        trace_decode_FDSET(&part, i + 1);
        if (set.length > 2) /* "[]": none */
            n += (size_t)scnprintf(c->remark + n, sizeof(c->remark) - n, n ? ", %s %s" : "%s %s", names[i], set.text);
    }
    if (c->nr == __NR_pselect6)
        left_of_timeout(c, arg(c, 4), n);
}

static void print_epoll_event(struct trace_line *l, const struct epoll_event *e)
{
    bool any = false;
    trace_printf(l, "{events=");
    u64 rest = trace_flag_names(l, TRACE_FLAGS_EPOLL, e->events, &any);
    if (rest || !any)
        trace_printf(l, any ? "|%#lx" : rest ? "%#lx" : "%lu", rest);
    trace_printf(l, ", data={u32=%u, u64=%lu}}", (u32)e->data, (u64)e->data);
}

void trace_decode_EPOLL_EVENT_IN(struct trace_call *c, int i)
{
    struct epoll_event e;
    if (trace_fetch(c, arg(c, i), &e, sizeof(e)))
        print_epoll_event(c->line, &e);
}

void trace_decode_EPOLL_EVENTS_OUT(struct trace_call *c, int i)
{
    struct epoll_event e;
    if (c->failed) {
        trace_pointer(c->line, arg(c, i));
        return;
    }
    trace_printf(c->line, "[");
    for (long k = 0; k < c->result && k < TRACE_ARRAY_MAX; k++) {
        if (get_user(e, (struct epoll_event *)arg(c, i) + k))
            break;
        if (k)
            trace_printf(c->line, ", ");
        print_epoll_event(c->line, &e);
    }
    trace_printf(c->line, "]");
}

void trace_decode_OPEN_HOW_IN(struct trace_call *c, int i)
{
    struct open_how h;
    if (!trace_fetch(c, arg(c, i), &h, sizeof(h)))
        return;
    trace_printf(c->line, "{flags=");
    trace_flags(c->line, TRACE_FLAGS_OPEN, h.flags);
    if (h.mode) {
        trace_printf(c->line, ", mode=");
        trace_mode(c->line, (u32)h.mode);
    }
    trace_printf(c->line, ", resolve=%#lx}", (u64)h.resolve);
}

static void print_lock(struct trace_call *c, u64 address, bool pid)
{
    static const char *const types[] = {"F_RDLCK", "F_WRLCK", "F_UNLCK"};
    static const char *const whences[] = {"SEEK_SET", "SEEK_CUR", "SEEK_END"};
    struct flock f;
    if (!trace_fetch(c, address, &f, sizeof(f)))
        return;
    trace_printf(c->line, "{l_type=%s, l_whence=%s, l_start=%ld, l_len=%ld",
                 (u16)f.l_type < ARRAY_SIZE(types) ? types[f.l_type] : "?",
                 (u16)f.l_whence < ARRAY_SIZE(whences) ? whences[f.l_whence] : "?", (long)f.l_start, (long)f.l_len);
    if (pid)
        trace_printf(c->line, ", l_pid=%d", f.l_pid);
    trace_printf(c->line, "}");
}

/* The third argument of fcntl depends on the second; some commands have none. */
void trace_decode_FCNTL_ARG(struct trace_call *c, int i)
{
    u64 value = arg(c, i);
    switch ((int)arg(c, 1)) {
    case F_SETFD:
        trace_printf(c->line, value == FD_CLOEXEC ? "FD_CLOEXEC" : value ? "%#lx" : "%lu", value);
        break;
    case F_SETFL:
        trace_flags(c->line, TRACE_FLAGS_OPEN, value);
        break;
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        print_lock(c, value, false);
        break;
    case F_GETLK:
    case F_OFD_GETLK:
        print_lock(c, value, true);
        break;
    default:
        trace_printf(c->line, value < 65536 ? "%ld" : "%#lx", value);
    }
}

bool trace_fcntl_has_argument(int command)
{
    return command != F_GETFD && command != F_GETFL && command != F_GETOWN && command != F_GETSIG &&
           command != F_GET_SEALS && command != F_GETPIPE_SZ && command != F_GETLEASE;
}

void trace_fcntl_result(struct trace_call *c)
{
    struct trace_line flags = {.length = 0};
    if ((int)arg(c, 1) == F_GETFD) {
        c->hex_result = c->result != 0;
        if (c->result & FD_CLOEXEC)
            scnprintf(c->remark, sizeof(c->remark), "flags FD_CLOEXEC");
    } else if ((int)arg(c, 1) == F_GETFL) {
        c->hex_result = c->result != 0;
        trace_flags(&flags, TRACE_FLAGS_OPEN, (u64)c->result);
        scnprintf(c->remark, sizeof(c->remark), "flags %s", flags.text);
    }
}
