/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/lib/printf.c against the C library's printf. sources: tests/unit/host.c */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#include <string.h>
#include "tests/unit/test.h"
#define snprintf aril_snprintf
#define vsnprintf aril_vsnprintf
#include "kernel/lib/printf.c"
#undef snprintf
#undef vsnprintf

/* Same text and same length, in large, exact and short buffers. */
#define SAME(...)                                                       \
    do {                                                                \
        char a[200], b[200];                                            \
        for (size_t size = 0; size < 40; size++) {                      \
            size_t k = size == 39 ? sizeof(a) : size;                   \
            memset(a, 'x', sizeof(a));                                  \
            memset(b, 'x', sizeof(b));                                  \
            int n = aril_snprintf(a, k, __VA_ARGS__);                   \
            int m = snprintf(b, k, __VA_ARGS__);                        \
            if (n != m || memcmp(a, b, sizeof(a)))                      \
                printf("# '%s' for '%s'\n", a, b);                      \
            CHECK(n == m);                                              \
            CHECK(!memcmp(a, b, sizeof(a)));                            \
        }                                                               \
    } while (0)

static const long long values[] = {0, 1, -1, 7, 8, 9, 42, -42, 127, 128, 255, 256, -32768, 65535, 100000, 0x7fffffff,
                                   -0x7fffffffll - 1, 0xffffffffll, 0x123456789abcdefll, INT64_MAX, INT64_MIN};

TEST(integers)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        long long v = values[i];
        SAME("%d|%i|%u|%x|%X|%o", (int)v, (int)v, (int)v, (int)v, (int)v, (int)v);
        SAME("%lld %llu %llx %#llx %#llX %#llo", v, v, v, v, v, v);
        SAME("%hhd %hhu %hd %hu %hx", (int)v, (int)v, (int)v, (int)v, (int)v);
        SAME("%ld %zu %zd %jd %tx", (long)v, (size_t)v, (ssize)v, (intmax_t)v, (ptrdiff_t)v);
        SAME("%5d|%-5d|%05d|%+d|% d|%+05d|%-+8d|", (int)v, (int)v, (int)v, (int)v, (int)v, (int)v, (int)v);
        SAME("%.3d|%8.3d|%-8.3d|%08.3d|%.0d|", (int)v, (int)v, (int)v, (int)v, (int)v);
        SAME("%#x|%#10x|%#010x|%-#10x|%#.6x|%#o|%#.5o", (int)v, (int)v, (int)v, (int)v, (int)v, (int)v, (int)v);
        SAME("%*d|%-*d|%.*d|%*.*d", 7, (int)v, 7, (int)v, 4, (int)v, -9, 5, (int)v);
    }
}

TEST(strings)
{
    SAME("%s|%10s|%-10s|%.3s|%10.3s|%-10.3s|%.0s", "hello", "hello", "hello", "hello", "hello", "hello", "hello");
    SAME("%s", "");
    SAME("%*s|%.*s", 8, "abc", 2, "abc");
    SAME("%c%c|%5c|%-5c|", 'a', 'b', 'c', 'd');
    SAME("100%% %s", "done");
    SAME("");
    char unterminated[3] = {'a', 'b', 'c'};
    SAME("%.3s", unterminated);
    char b[20];
    CHECK(aril_snprintf(b, sizeof(b), "%s", (char *)NULL) == 6 && !strcmp(b, "(null)"));
}

TEST(pointers)
{
    SAME("%p", (void *)0x1234abcd);
    SAME("%20p|%-20p|", (void *)0x1234abcd, (void *)0xffffffffffffffff);
}

TEST(unknown_conversion_is_shown)
{
    char b[20];
    CHECK(aril_snprintf(b, sizeof(b), "a%qb") == 4 && !strcmp(b, "a%qb"));
    CHECK(aril_snprintf(b, sizeof(b), "50%") == 3 && !strcmp(b, "50%"));
}

TEST(scnprintf)
{
    char b[4];
    CHECK(scnprintf(b, sizeof(b), "abcdef") == 3 && !strcmp(b, "abc"));
    CHECK(scnprintf(b, sizeof(b), "a") == 1);
    CHECK(scnprintf(b, 0, "a") == 0);
}

TEST(parse_u64)
{
    static const struct {
        const char *text;
        int base, result;
        u64 value;
        int used;
    } cases[] = {
        {"0", 0, 0, 0, 1},
        {"123", 0, 0, 123, 3},
        {"123k", 0, 0, 123, 3},
        {"0x1F", 0, 0, 31, 4},
        {"0x1F", 16, 0, 31, 4},
        {"1F", 16, 0, 31, 2},
        {"0755", 0, 0, 0755, 4},
        {"0755", 10, 0, 755, 4},
        {"18446744073709551615", 0, 0, UINT64_MAX, 20},
        {"18446744073709551616", 0, -ERANGE, 0, 20},
        {"", 0, -EINVAL, 0, 0},
        {"x", 0, -EINVAL, 0, 0},
        {"-1", 0, -EINVAL, 0, 0},
        {" 1", 0, -EINVAL, 0, 0},
        {"0xg", 0, -EINVAL, 0, 2},
        {"09", 0, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *end;
        u64 v = 99;
        CHECK(parse_u64(cases[i].text, &end, cases[i].base, &v) == cases[i].result);
        CHECK(end == cases[i].text + cases[i].used);
        CHECK(cases[i].result || v == cases[i].value);
    }
}
