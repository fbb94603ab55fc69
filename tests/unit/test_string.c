/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/lib/string.c against the C library's functions of the same names. */
#include <string.h>
#define memcpy aril_memcpy
#define memmove aril_memmove
#define memset aril_memset
#define memcmp aril_memcmp
#define memchr aril_memchr
#define strlen aril_strlen
#define strnlen aril_strnlen
#define strcmp aril_strcmp
#define strncmp aril_strncmp
#define strchr aril_strchr
#define strrchr aril_strrchr
#define strstr aril_strstr
#include "kernel/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#include "tests/unit/test.h"

#define N 2700

static void fill(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)test_random(256);
}

TEST(memcpy)
{
    for (size_t n = 0; n < N; n++) {
        char *from = malloc(n + 1), *to = malloc(n + 2);
        fill(from, n + 1);
        to[0] = 'a';
        to[n + 1] = 'z';
        CHECK(aril_memcpy(to + 1, from, n) == to + 1);
        CHECK(!memcmp(to + 1, from, n));
        CHECK(to[0] == 'a' && to[n + 1] == 'z');
        free(from);
        free(to);
    }
}

TEST(memmove_overlap)
{
    char a[2 * N], b[2 * N];
    for (int i = 0; i < 5000; i++) {
        size_t n = test_random(N), from = test_random(N), to = test_random(N);
        if (i & 1)
            to = (from + test_random(100)) % N;
        fill(a, sizeof(a));
        memcpy(b, a, sizeof(a));
        CHECK(aril_memmove(a + to, a + from, n) == a + to);
        memmove(b + to, b + from, n);
        CHECK(!memcmp(a, b, sizeof(a)));
    }
}

TEST(memset)
{
    for (size_t n = 0; n < N; n++) {
        char *p = malloc(n + 2);
        p[0] = 1;
        p[n + 1] = 2;
        CHECK(aril_memset(p + 1, (int)n * 3 + 7, n) == p + 1);
        for (size_t i = 0; i < n; i++)
            CHECK(p[1 + i] == (char)(n * 3 + 7));
        CHECK(p[0] == 1 && p[n + 1] == 2);
        free(p);
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

TEST(compare)
{
    for (int i = 0; i < 20000; i++) {
        size_t n = test_random(40);
        char *a = malloc(n + 1), *b = malloc(n + 1);
        for (size_t k = 0; k < n; k++)
            a[k] = b[k] = (char)test_random(i & 1 ? 3 : 256);
        if (n && i % 3)
            b[test_random(n)] = (char)test_random(256);
        a[n] = b[n] = 0;
        CHECK(sign(aril_memcmp(a, b, n)) == sign(memcmp(a, b, n)));
        CHECK(sign(aril_strcmp(a, b)) == sign(strcmp(a, b)));
        size_t k = test_random(45);
        CHECK(sign(aril_strncmp(a, b, k)) == sign(strncmp(a, b, k)));
        CHECK(aril_strlen(a) == strlen(a));
        CHECK(aril_strnlen(a, k) == strnlen(a, k));
        free(a);
        free(b);
    }
}

TEST(search)
{
    const char *s = "the quick brown fox, the lazy dog";
    const char *what[] = {"", "t", "the", "the lazy", "dog", "dogs", "x", "fox,", "zz"};
    for (size_t i = 0; i < sizeof(what) / sizeof(*what); i++)
        CHECK(aril_strstr(s, what[i]) == strstr(s, what[i]));
    for (int c = 0; c < 256; c++) {
        CHECK(aril_strchr(s, c) == strchr(s, c));
        CHECK(aril_strrchr(s, c) == strrchr(s, c));
        CHECK(aril_memchr(s, c, 33) == memchr(s, c, 33));
    }
}

TEST(strlcpy)
{
    char b[8];
    CHECK(strlcpy(b, "abc", 8) == 3 && !strcmp(b, "abc"));
    CHECK(strlcpy(b, "abcdefghij", 8) == 10 && !strcmp(b, "abcdefg"));
    CHECK(strlcpy(b, "abc", 1) == 3 && !strcmp(b, ""));
    CHECK(strlcpy(NULL, "abc", 0) == 3);
    strcpy(b, "ab");
    CHECK(strlcat(b, "cd", 8) == 4 && !strcmp(b, "abcd"));
    CHECK(strlcat(b, "efghij", 8) == 10 && !strcmp(b, "abcdefg"));
    CHECK(strlcat(b, "xy", 3) == 5 && !strcmp(b, "abcdefg"));
}

TEST(clear_pages)
{
    char *p = aligned_alloc(PAGE_SIZE, 3 * PAGE_SIZE);
    aril_memset(p, 7, 3 * PAGE_SIZE);
    clear_pages(p + PAGE_SIZE, 1);
    for (size_t i = 0; i < 3 * PAGE_SIZE; i++)
        CHECK(p[i] == (i / PAGE_SIZE == 1 ? 0 : 7));
    free(p);
}
