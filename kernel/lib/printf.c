/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted output and number parsing; pure functions, callable anywhere. */
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

struct output {
    char *buf;
    size_t size;  /* of buf */
    size_t total; /* characters produced, stored or not */
};

struct conversion {
    bool left, plus, space, alternate, zero;
    int width;
    int precision; /* -1: none */
};

static void put(struct output *o, char c)
{
    if (o->total < o->size)
        o->buf[o->total] = c;
    o->total++;
}

static void pad(struct output *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_string(struct output *o, const struct conversion *c, const char *s)
{
    if (!s)
        s = "(null)";
    int n = (int)(c->precision >= 0 ? strnlen(s, (size_t)c->precision) : strlen(s));
    if (!c->left)
        pad(o, ' ', c->width - n);
    for (int i = 0; i < n; i++)
        put(o, s[i]);
    if (c->left)
        pad(o, ' ', c->width - n);
}

static void put_number(struct output *o, const struct conversion *c, u64 value, unsigned base,
                       const char *prefix, bool upper)
{
    char digits[24];
    int n = 0;
    for (u64 v = value; v; v /= base)
        digits[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
    int wanted = c->precision < 0 ? 1 : c->precision; /* digits at least */
    if (base == 8 && c->alternate && wanted <= n)
        wanted = n + 1;
    int prefix_length = (int)strlen(prefix);
    if (c->zero && !c->left && c->precision < 0 && c->width - prefix_length > wanted)
        wanted = c->width - prefix_length;
    int length = prefix_length + (n > wanted ? n : wanted);
    if (!c->left)
        pad(o, ' ', c->width - length);
    while (*prefix)
        put(o, *prefix++);
    pad(o, '0', wanted - n);
    while (n)
        put(o, digits[--n]);
    if (c->left)
        pad(o, ' ', c->width - length);
}

/* The integer argument, sign-extended; size as the length modifier says (1, 2, 4, 8 bytes). */
static u64 narrow(u64 v, unsigned size, bool is_signed)
{
    switch (size) {
    case 1:
        return is_signed ? (u64)(s8)v : (u8)v;
    case 2:
        return is_signed ? (u64)(s16)v : (u16)v;
    case 4:
        return is_signed ? (u64)(s32)v : (u32)v;
    default:
        return v;
    }
}

static const char *parse_flags(const char *f, struct conversion *c)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            c->left = true;
            break;
        case '+':
            c->plus = true;
            break;
        case ' ':
            c->space = true;
            break;
        case '#':
            c->alternate = true;
            break;
        case '0':
            c->zero = true;
            break;
        default:
            return f;
        }
    }
}

static const char *parse_length(const char *f, unsigned *size)
{
    *size = 4;
    if (*f == 'h')
        *size = f[1] == 'h' ? 1 : 2;
    else if (*f == 'l' || *f == 'z' || *f == 't' || *f == 'j')
        *size = 8;
    else
        return f;
    return f + (f[1] == f[0] && (*f == 'h' || *f == 'l') ? 2 : 1);
}

static const char *parse_int(const char *f, int *value)
{
    for (*value = 0; *f >= '0' && *f <= '9'; f++)
        *value = *value * 10 + (*f - '0');
    return f;
}

int vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
    struct output o = {buf, size, 0};
    va_list ap;
    va_copy(ap, args);
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        struct conversion c = {.precision = -1};
        f = parse_flags(f + 1, &c);
        if (*f == '*') {
            c.width = va_arg(ap, int);
            f++;
            if (c.width < 0) {
                c.left = true;
                c.width = -c.width;
            }
        } else {
            f = parse_int(f, &c.width);
        }
        if (*f == '.') {
            if (f[1] == '*') {
                c.precision = va_arg(ap, int);
                f += 2;
            } else {
                f = parse_int(f + 1, &c.precision);
            }
        }
        unsigned bytes;
        f = parse_length(f, &bytes);
        u64 v;
        switch (*f) {
        case 'd':
        case 'i':
            v = narrow(bytes == 8 ? va_arg(ap, u64) : va_arg(ap, u32), bytes, true);
            put_number(&o, &c, (s64)v < 0 ? -v : v, 10,
                       (s64)v < 0 ? "-" : c.plus ? "+" : c.space ? " " : "", false);
            break;
        case 'u':
        case 'o':
        case 'x':
        case 'X':
            v = narrow(bytes == 8 ? va_arg(ap, u64) : va_arg(ap, u32), bytes, false);
            put_number(&o, &c, v, *f == 'u' ? 10 : *f == 'o' ? 8 : 16,
                       c.alternate && v && *f == 'x' ? "0x" : c.alternate && v && *f == 'X' ? "0X" : "",
                       *f == 'X');
            break;
        case 'p':
            put_number(&o, &c, (u64)va_arg(ap, void *), 16, "0x", false);
            break;
        case 's':
            put_string(&o, &c, va_arg(ap, const char *));
            break;
        case 'c':
            if (!c.left)
                pad(&o, ' ', c.width - 1);
            put(&o, (char)va_arg(ap, int));
            if (c.left)
                pad(&o, ' ', c.width - 1);
            break;
        case '%':
            put(&o, '%');
            break;
        default: /* unknown: shown as it is, so that the mistake is seen */
            put(&o, '%');
            if (!*f)
                f--;
            else
                put(&o, *f);
        }
    }
    va_end(ap);
    if (size)
        buf[o.total < size ? o.total : size - 1] = 0;
    return (int)o.total;
}

int snprintf(char *buf, size_t size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(buf, size, format, ap);
    va_end(ap);
    return n;
}

int scnprintf(char *buf, size_t size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(buf, size, format, ap);
    va_end(ap);
    if (!size)
        return 0;
    return n < (int)size ? n : (int)size - 1;
}

int parse_u64(const char *s, const char **end, int base, u64 *value)
{
    bool hex = s[0] == '0' && (s[1] | 32) == 'x';
    if (base == 0)
        base = hex ? 16 : s[0] == '0' ? 8 : 10;
    if (base == 16 && hex)
        s += 2;
    const char *start = s;
    u64 v = 0;
    bool overflow = false;
    for (;; s++) {
        unsigned digit = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0')
                         : (*s | 32) >= 'a' && (*s | 32) <= 'f' ? (unsigned)((*s | 32) - 'a' + 10)
                                                                : 99;
        if (digit >= (unsigned)base)
            break;
        overflow |= __builtin_mul_overflow(v, (u64)base, &v);
        overflow |= __builtin_add_overflow(v, (u64)digit, &v);
    }
    if (end)
        *end = s;
    *value = v;
    return s == start ? -EINVAL : overflow ? -ERANGE : 0;
}
