/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String and memory functions, without vector registers (the kernel leaves those to the program). Copies of a few bytes
 * are overlapping word moves, without a branch per byte. Filling is plain word stores, on hardware as fast as `rep stosq`
 * and ten times faster on an emulated CPU; only long copies gain enough by `rep movsq` on hardware to use it.
 */
#include "kernel/lib/string.h"

/* Else the compiler turns the loops below into calls of the very functions that they implement. */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef u64 __attribute__((may_alias, aligned(1))) word_t;
typedef u32 __attribute__((may_alias, aligned(1))) half_t;
typedef u16 __attribute__((may_alias, aligned(1))) quarter_t;

#define WORD(p, offset) (*(word_t *)((char *)(p) + (offset)))
#define HALF(p, offset) (*(half_t *)((char *)(p) + (offset)))
#define QUARTER(p, offset) (*(quarter_t *)((char *)(p) + (offset)))

/* From here on `rep movsq` is worth its start-up cost, and its slowness under emulation. */
#define LONG_COPY 2048

/* All loads come before the first store, so that overlap does not matter. n <= 32. */
static void *move_small(char *to, const char *from, size_t n)
{
    if (n >= 16) {
        u64 a = WORD(from, 0), b = WORD(from, 8), c = WORD(from, n - 16), d = WORD(from, n - 8);
        WORD(to, 0) = a;
        WORD(to, 8) = b;
        WORD(to, n - 16) = c;
        WORD(to, n - 8) = d;
    } else if (n >= 8) {
        u64 a = WORD(from, 0), b = WORD(from, n - 8);
        WORD(to, 0) = a;
        WORD(to, n - 8) = b;
    } else if (n >= 4) {
        u32 a = HALF(from, 0), b = HALF(from, n - 4);
        HALF(to, 0) = a;
        HALF(to, n - 4) = b;
    } else if (n >= 2) {
        u16 a = QUARTER(from, 0), b = QUARTER(from, n - 2);
        QUARTER(to, 0) = a;
        QUARTER(to, n - 2) = b;
    } else if (n) {
        *to = *from;
    }
    return to;
}

/* Copies upwards; right also for overlap with to below from. n > 32. */
static void copy_up(char *to, const char *from, size_t n)
{
    if (n >= LONG_COPY && (size_t)(from - to) >= 64) {
        size_t words = n / 8;
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        n &= 7;
    }
    for (; n > 32; n -= 32, to += 32, from += 32) {
        u64 a = WORD(from, 0), b = WORD(from, 8), c = WORD(from, 16), d = WORD(from, 24);
        WORD(to, 0) = a;
        WORD(to, 8) = b;
        WORD(to, 16) = c;
        WORD(to, 24) = d;
    }
    move_small(to, from, n);
}

void *(memcpy)(void *to, const void *from, size_t n)
{
    if (n <= 32)
        return move_small(to, from, n);
    copy_up(to, from, n);
    return to;
}

void *(memmove)(void *to, const void *from, size_t n)
{
    if (n <= 32)
        return move_small(to, from, n);
    if ((size_t)((char *)to - (const char *)from) >= n) {
        copy_up(to, from, n);
        return to;
    }
    char *d = to;
    const char *s = from;
    for (; n > 32; n -= 32) {
        u64 a = WORD(s, n - 8), b = WORD(s, n - 16), c = WORD(s, n - 24), e = WORD(s, n - 32);
        WORD(d, n - 8) = a;
        WORD(d, n - 16) = b;
        WORD(d, n - 24) = c;
        WORD(d, n - 32) = e;
    }
    move_small(d, s, n);
    return to;
}

void *(memset)(void *to, int c, size_t n)
{
    char *p = to;
    u64 v = (u8)c * 0x0101010101010101ull;
    for (; n >= 32; n -= 32, p += 32) {
        WORD(p, 0) = v;
        WORD(p, 8) = v;
        WORD(p, 16) = v;
        WORD(p, 24) = v;
    }
    if (n >= 16) {
        WORD(p, 0) = v;
        WORD(p, 8) = v;
        WORD(p, n - 16) = v;
        WORD(p, n - 8) = v;
    } else if (n >= 8) {
        WORD(p, 0) = v;
        WORD(p, n - 8) = v;
    } else if (n >= 4) {
        HALF(p, 0) = (u32)v;
        HALF(p, n - 4) = (u32)v;
    } else {
        for (size_t i = 0; i < n; i++)
            p[i] = (char)c;
    }
    return to;
}

int (memcmp)(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;
    while (n >= 8 && WORD(x, 0) == WORD(y, 0))
        x += 8, y += 8, n -= 8;
    for (; n; x++, y++, n--)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const u8 *p = s; n; p++, n--)
        if (*p == (u8)c)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i])
        i++;
    return i;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; a++, b++, n--)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (!*s)
            return (char *)found;
    }
}

char *strstr(const char *s, const char *what)
{
    size_t n = strlen(what);
    if (!n)
        return (char *)s;
    for (; (s = strchr(s, *what)); s++)
        if (!strncmp(s, what, n))
            return (char *)s;
    return NULL;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t n = strlen(from);
    if (size) {
        size_t k = n < size ? n : size - 1;
        memcpy(to, from, k);
        to[k] = 0;
    }
    return n;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t n = strnlen(to, size);
    if (n == size)
        return size + strlen(from);
    return n + strlcpy(to + n, from, size - n);
}

void clear_pages(void *p, size_t n_pages)
{
    for (char *c = p, *end = c + n_pages * PAGE_SIZE; c < end; c += 64) {
        WORD(c, 0) = 0;
        WORD(c, 8) = 0;
        WORD(c, 16) = 0;
        WORD(c, 24) = 0;
        WORD(c, 32) = 0;
        WORD(c, 40) = 0;
        WORD(c, 48) = 0;
        WORD(c, 56) = 0;
    }
}
