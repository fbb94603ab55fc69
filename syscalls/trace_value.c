/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: numbers, pointers, strings and other small pieces. */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "syscalls/trace_print.h"

void trace_printf(struct trace_line *l, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(l->text + l->length, sizeof(l->text) - l->length, format, ap);
    va_end(ap);
    l->length = MIN(l->length + (size_t)MAX(n, 0), sizeof(l->text) - 1);
}

void trace_pointer(struct trace_line *l, u64 address)
{
    if (address)
        trace_printf(l, "%#lx", address);
    else
        trace_printf(l, "NULL");
}

bool trace_fetch(struct trace_call *c, u64 address, void *to, size_t n)
{
    if (address && !(c->filled && c->failed) && !copy_from_user(to, (const void *)address, n))
        return true;
    trace_pointer(c->line, address);
    return false;
}

static void quote_byte(struct trace_line *l, u8 b, bool digit_follows)
{
    static const char escapes[] = {['\a'] = 0, ['\t'] = 't', ['\n'] = 'n', ['\v'] = 'v', ['\f'] = 'f', ['\r'] = 'r'};
    if (b == '"' || b == '\\')
        trace_printf(l, "\\%c", b);
    else if (b < sizeof(escapes) && escapes[b])
        trace_printf(l, "\\%c", escapes[b]);
    else if (b >= 0x20 && b < 0x7f)
        trace_printf(l, "%c", b);
    else
        trace_printf(l, digit_follows ? "\\%03o" : "\\%o", b);
}

void trace_quote(struct trace_line *l, const char *bytes, size_t n, bool cut)
{
    trace_printf(l, "\"");
    for (size_t i = 0; i < n; i++)
        quote_byte(l, (u8)bytes[i], i + 1 < n && bytes[i + 1] >= '0' && bytes[i + 1] <= '7');
    trace_printf(l, cut ? "\"..." : "\"");
}

void trace_bytes(struct trace_line *l, u64 address, u64 n)
{
    char bytes[TRACE_STRING_MAX];
    size_t shown = MIN(n, sizeof(bytes));
    if (!address || copy_from_user(bytes, (const void *)address, shown))
        trace_pointer(l, address);
    else
        trace_quote(l, bytes, shown, n > shown);
}

/* Paths and other strings: at most PATH_MAX in strace, here as much as helps to recognise one. */
#define SHOWN_OF_STRING 256

void trace_string(struct trace_line *l, u64 address)
{
    char text[SHOWN_OF_STRING];
    if (!address) {
        trace_printf(l, "NULL");
        return;
    }
    ssize n = copy_string_from_user(text, (const char *)address, sizeof(text));
    if (n == -EFAULT)
        trace_pointer(l, address);
    else
        trace_quote(l, text, n < 0 ? sizeof(text) - 1 : (size_t)n, n < 0);
}

void trace_signal(struct trace_line *l, int signo)
{
    char buf[16];
    const char *name = trace_signal_name(signo, buf);
    if (name)
        trace_printf(l, "SIG%s", name);
    else
        trace_printf(l, "%d", signo);
}

void trace_sigset(struct trace_line *l, u64 set)
{
    char buf[16];
    unsigned members = 0;
    const char *blank = "";
    for (u64 rest = set; rest; rest &= rest - 1)
        members++;
    if (members >= SIGNAL_COUNT * 2 / 3) {
        set = ~set;
        trace_printf(l, "~");
    }
    trace_printf(l, "[");
    for (int signo = 1; signo <= SIGNAL_COUNT; signo++)
        if (set & SIGNAL_BIT(signo)) {
            trace_printf(l, "%s%s", blank, trace_signal_name(signo, buf));
            blank = " ";
        }
    trace_printf(l, "]");
}

void trace_fd(struct trace_line *l, int fd)
{
    trace_printf(l, "%d", fd);
}

void trace_mode(struct trace_line *l, u32 mode)
{
    trace_printf(l, mode ? "%#03o" : "000", mode);
}

void trace_file_type_mode(struct trace_line *l, u32 mode)
{
    static const char *const types[16] = {
        [S_IFIFO >> 12] = "S_IFIFO", [S_IFCHR >> 12] = "S_IFCHR", [S_IFDIR >> 12] = "S_IFDIR", [S_IFBLK >> 12] = "S_IFBLK",
        [S_IFREG >> 12] = "S_IFREG", [S_IFLNK >> 12] = "S_IFLNK", [S_IFSOCK >> 12] = "S_IFSOCK",
    };
    static const char *const bits[] = {"S_ISVTX", "S_ISGID", "S_ISUID"};
    if (types[mode >> 12 & 15])
        trace_printf(l, "%s|", types[mode >> 12 & 15]);
    for (int i = 2; i >= 0; i--)
        if (mode & 01000u << i)
            trace_printf(l, "%s|", bits[i]);
    trace_mode(l, mode & 0777);
}

void trace_timespec(struct trace_line *l, const struct __kernel_timespec *ts)
{
    trace_printf(l, "{tv_sec=%ld, tv_nsec=%ld}", (long)ts->tv_sec, (long)ts->tv_nsec);
}

void trace_timeval(struct trace_line *l, const struct __kernel_old_timeval *tv)
{
    trace_printf(l, "{tv_sec=%ld, tv_usec=%ld}", (long)tv->tv_sec, (long)tv->tv_usec);
}

static u64 arg(struct trace_call *c, int i)
{
    return c->a->arg[i];
}

void trace_decode_INT(struct trace_call *c, int i)
{
    trace_printf(c->line, "%d", (int)arg(c, i));
}

void trace_decode_UINT(struct trace_call *c, int i)
{
    trace_printf(c->line, "%u", (u32)arg(c, i));
}

void trace_decode_LONG(struct trace_call *c, int i)
{
    trace_printf(c->line, "%ld", (long)arg(c, i));
}

void trace_decode_ULONG(struct trace_call *c, int i)
{
    trace_printf(c->line, "%lu", arg(c, i));
}

void trace_decode_SIZE(struct trace_call *c, int i)
{
    trace_decode_ULONG(c, i);
}

void trace_decode_OFF(struct trace_call *c, int i)
{
    trace_decode_LONG(c, i);
}

void trace_decode_HEX(struct trace_call *c, int i)
{
    trace_printf(c->line, arg(c, i) ? "%#lx" : "%lu", arg(c, i));
}

void trace_decode_PTR(struct trace_call *c, int i)
{
    trace_pointer(c->line, arg(c, i));
}

void trace_decode_FD(struct trace_call *c, int i)
{
    trace_fd(c->line, (int)arg(c, i));
}

void trace_decode_DIRFD(struct trace_call *c, int i)
{
    if ((int)arg(c, i) == AT_FDCWD)
        trace_printf(c->line, "AT_FDCWD");
    else
        trace_fd(c->line, (int)arg(c, i));
}

void trace_decode_PATH(struct trace_call *c, int i)
{
    trace_string(c->line, arg(c, i));
}

void trace_decode_STR(struct trace_call *c, int i)
{
    trace_string(c->line, arg(c, i));
}

void trace_decode_STR_OUT(struct trace_call *c, int i)
{
    if (c->failed)
        trace_pointer(c->line, arg(c, i));
    else
        trace_string(c->line, arg(c, i));
}

void trace_decode_MODE(struct trace_call *c, int i)
{
    trace_file_type_mode(c->line, (u32)arg(c, i) & 0177777);
}

/* The mode of open, which only counts when it may create a file. */
void trace_decode_MODE_CREAT(struct trace_call *c, int i)
{
    trace_mode(c->line, (u32)arg(c, i) & 07777);
}

void trace_decode_DEV(struct trace_call *c, int i)
{
    u64 dev = arg(c, i);
    trace_printf(c->line, "makedev(%#lx, %#lx)", (dev >> 8 & 0xfff) | (dev >> 32 & ~0xffful), (dev & 0xff) | (dev >> 12 & 0xfff00));
}

void trace_decode_SIGNAL(struct trace_call *c, int i)
{
    trace_signal(c->line, (int)arg(c, i));
}

void trace_decode_BUF_IN(struct trace_call *c, int i)
{
    trace_bytes(c->line, arg(c, i), arg(c, i + 1));
}

void trace_decode_BUF_OUT(struct trace_call *c, int i)
{
    if (c->failed)
        trace_pointer(c->line, arg(c, i));
    else
        trace_bytes(c->line, arg(c, i), (u64)c->result);
}

/* Random bytes have no text: all in hexadecimal. */
void trace_decode_RANDOM_OUT(struct trace_call *c, int i)
{
    u8 bytes[TRACE_STRING_MAX];
    u64 n = c->failed ? 0 : (u64)c->result;
    size_t shown = MIN(n, sizeof(bytes));
    if (!trace_fetch(c, arg(c, i), bytes, shown))
        return;
    trace_printf(c->line, "\"");
    for (size_t k = 0; k < shown; k++)
        trace_printf(c->line, "\\x%02x", bytes[k]);
    trace_printf(c->line, n > shown ? "\"..." : "\"");
}
