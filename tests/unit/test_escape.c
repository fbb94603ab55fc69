/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The escape keys of a terminal.
 * sources: tools/escape.c
 */
#include "tests/unit/test.h"
#include "tools/escape.h"

#define MS UINT64_C(1000000)

TEST(three_in_one_chunk)
{
    struct escape escape = {0};

    CHECK(escape_typed(&escape, "ab\x1d\x1d\x1d", 5, 1));
}

TEST(three_keys_within_a_second)
{
    struct escape escape = {0};

    CHECK(!escape_typed(&escape, "\x1d", 1, 5000 * MS));
    CHECK(!escape_typed(&escape, "\x1d", 1, 5400 * MS));
    CHECK(escape_typed(&escape, "\x1d", 1, 5999 * MS));
}

TEST(three_keys_too_slow)
{
    struct escape escape = {0};

    CHECK(!escape_typed(&escape, "\x1d", 1, 5000 * MS));
    CHECK(!escape_typed(&escape, "\x1d", 1, 5900 * MS));
    CHECK(!escape_typed(&escape, "\x1d", 1, 6000 * MS));
    /* The last two and one more are quick enough. */
    CHECK(escape_typed(&escape, "\x1d", 1, 6800 * MS));
}

TEST(another_key_between)
{
    struct escape escape = {0};

    CHECK(!escape_typed(&escape, "\x1d\x1dx\x1d", 4, 1));
    CHECK(!escape_typed(&escape, "\x1d", 1, 2));
    CHECK(escape_typed(&escape, "\x1d", 1, 3));
}
