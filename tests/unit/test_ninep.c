/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of 9P: what is written can be read, and answers that are cut off, too long or for somebody else are refused.
 * sources: fs/ninep/message.c
 */
#include <string.h>
#include "fs/ninep/message.h"
#include "tests/unit/test.h"

static u8 bytes[4096];

/* An answer to request `type` begins; answer_end() fills its header in. */
static void answer(struct ninep_message *m)
{
    ninep_begin(m, bytes, sizeof(bytes));
}

static u32 answer_end(struct ninep_message *m, u8 type, u16 tag)
{
    CHECK(ninep_end(m, type, tag, 0));
    return m->at;
}

TEST(request_bytes)
{
    static const u8 expected[] = {23, 0, 0, 0, 110, 5, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 4, 0, 'n', 'a', 'm', 'e'};
    struct ninep_message m;

    ninep_begin(&m, bytes, sizeof(bytes));
    ninep_put_u32(&m, 1);
    ninep_put_u32(&m, 2);
    ninep_put_u16(&m, 1);
    ninep_put_string(&m, "name", 4);
    CHECK(ninep_end(&m, NINEP_TWALK, 5, 0));
    CHECK(m.at == sizeof(expected) && !memcmp(bytes, expected, sizeof(expected)));
}

TEST(request_too_long)
{
    struct ninep_message m;

    ninep_begin(&m, bytes, 16);
    ninep_put_u64(&m, 1);
    CHECK(!m.bad);
    ninep_put_u16(&m, 1);
    CHECK(m.bad && !ninep_end(&m, NINEP_TWALK, 0, 0));
    ninep_begin(&m, bytes, sizeof(bytes));
    ninep_put_string(&m, "", 65536);
    CHECK(m.bad);
}

TEST(errors)
{
    struct ninep_message m;
    u32 n;

    answer(&m);
    ninep_put_u32(&m, ENOENT);
    n = answer_end(&m, NINEP_RLERROR, 3);
    CHECK(n == NINEP_DATA_HEADER);
    CHECK(ninep_parse(&m, bytes, n, n, NINEP_TREAD, 3) == -ENOENT);
    CHECK(ninep_parse(&m, bytes, n, n, NINEP_TREAD, 4) == -EIO);        /* another tag */
    CHECK(ninep_parse(&m, bytes, n, n - 1, NINEP_TREAD, 3) == -EIO);    /* cut off */
    CHECK(ninep_parse(&m, bytes, n, n + 1, NINEP_TREAD, 3) == -EIO);    /* longer than it says */
    CHECK(ninep_parse(&m, bytes, n, 0, NINEP_TREAD, 3) == -EIO);        /* the request failed */
    for (u32 number = 0; number < 3; number++) {
        answer(&m);
        ninep_put_u32(&m, number == 0 ? 0 : number == 1 ? 4096 : 0xffffffff);
        n = answer_end(&m, NINEP_RLERROR, 3);
        CHECK(ninep_parse(&m, bytes, n, n, NINEP_TREAD, 3) == -EIO);
    }
    answer(&m);
    n = answer_end(&m, NINEP_TCLUNK + 1, 3);
    CHECK(ninep_parse(&m, bytes, n, n, NINEP_TCLUNK, 3) == 0);
    CHECK(ninep_parse(&m, bytes, n, n, NINEP_TREAD, 3) == -EIO);        /* the answer to something else */
}

static void put_attr(struct ninep_message *m, u64 valid, u64 size, u64 nanoseconds)
{
    answer(m);
    ninep_put_u64(m, valid);
    m->data[m->at++] = 0x80;
    ninep_put_u32(m, 7);
    ninep_put_u64(m, 42);
    ninep_put_u32(m, 0100644);
    ninep_put_u32(m, 1);
    ninep_put_u32(m, 2);
    ninep_put_u64(m, 3);
    ninep_put_u64(m, 0);
    ninep_put_u64(m, size);
    ninep_put_u64(m, 4096);
    ninep_put_u64(m, 8);
    ninep_put_u64(m, (u64)-2);
    ninep_put_u64(m, nanoseconds);
    for (int i = 0; i < 3; i++) {
        ninep_put_u64(m, INT64_MAX); /* seconds past what nanoseconds in 64 bits can say */
        ninep_put_u64(m, 0);
    }
    ninep_put_u64(m, 0);
    ninep_put_u64(m, 0);
}

TEST(attributes)
{
    struct ninep_message m;
    struct ninep_attr a;
    u32 n;

    put_attr(&m, NINEP_GETATTR_BASIC, 1234, 500);
    n = answer_end(&m, NINEP_TGETATTR + 1, 0);
    CHECK(n == 160);
    CHECK(!ninep_parse(&m, bytes, n, n, NINEP_TGETATTR, 0) && !ninep_get_attr(&m, &a));
    CHECK(a.qid.type == 0x80 && a.qid.path == 42 && a.mode == 0100644 && a.nlink == 3 && a.size == 1234 && a.blocks == 8);
    CHECK(a.atime == -2000000000 + 500 && a.mtime > 9000000000000000000);
    CHECK(!ninep_parse(&m, bytes, n - 17, n, NINEP_TGETATTR, 0) && ninep_get_attr(&m, &a) == -EIO);
    put_attr(&m, NINEP_GETATTR_BASIC, 1234, 1000000000);
    CHECK(!ninep_parse(&m, bytes, answer_end(&m, NINEP_TGETATTR + 1, 0), 160, NINEP_TGETATTR, 0) && ninep_get_attr(&m, &a) == -EIO);
    put_attr(&m, NINEP_GETATTR_BASIC, 1ull << 63, 0);
    CHECK(!ninep_parse(&m, bytes, answer_end(&m, NINEP_TGETATTR + 1, 0), 160, NINEP_TGETATTR, 0) && ninep_get_attr(&m, &a) == -EIO);
    put_attr(&m, 0, 0, 0);
    CHECK(!ninep_parse(&m, bytes, answer_end(&m, NINEP_TGETATTR + 1, 0), 160, NINEP_TGETATTR, 0) && ninep_get_attr(&m, &a) == -EIO);
}

TEST(walk)
{
    struct ninep_qid qids[3];
    struct ninep_message m;
    u32 n;

    answer(&m);
    ninep_put_u16(&m, 2);
    for (int i = 0; i < 26; i += 2)
        ninep_put_u16(&m, 0x0101);
    n = answer_end(&m, NINEP_TWALK + 1, 0);
    CHECK(!ninep_parse(&m, bytes, n, n, NINEP_TWALK, 0) && ninep_get_walk(&m, 3, qids) == 2 && qids[1].version == 0x01010101);
    CHECK(!ninep_parse(&m, bytes, n, n, NINEP_TWALK, 0) && ninep_get_walk(&m, 1, qids) == -EIO); /* more than asked for */
    CHECK(!ninep_parse(&m, bytes, n - 1, n, NINEP_TWALK, 0) && ninep_get_walk(&m, 3, qids) == -EIO);
}

TEST(counts)
{
    struct ninep_message m;
    u32 n;

    answer(&m);
    ninep_put_u32(&m, 100);
    CHECK(ninep_end(&m, NINEP_TREAD + 1, 0, 100));
    n = m.at + 100;
    CHECK(!ninep_parse(&m, bytes, NINEP_DATA_HEADER, n, NINEP_TREAD, 0) && ninep_get_count(&m, n, 100) == 100);
    CHECK(!ninep_parse(&m, bytes, NINEP_DATA_HEADER, n, NINEP_TREAD, 0) && ninep_get_count(&m, n, 99) == -EIO);
    CHECK(!ninep_parse(&m, bytes, NINEP_DATA_HEADER, n, NINEP_TREAD, 0) && ninep_get_count(&m, n - 1, 100) == -EIO);
}

/* Directory data with one name. */
static int one_entry(const char *name, size_t length, u32 cut)
{
    struct ninep_message m = {.data = bytes, .size = sizeof(bytes)};
    struct ninep_entry e;

    for (int i = 0; i < 5; i++)
        ninep_put_u32(&m, 0);
    ninep_put_u16(&m, 0);
    ninep_put_string(&m, name, length);
    m.size = m.at - cut;
    m.at = 0;
    int result = ninep_get_entry(&m, &e);
    if (result == 1)
        CHECK(e.length == length && !memcmp(e.name, name, length) && ninep_get_entry(&m, &e) == 0);
    return result;
}

TEST(directory_entries)
{
    char name[256];

    memset(name, 'n', sizeof(name));
    CHECK(one_entry("a", 1, 0) == 1);
    CHECK(one_entry(name, 255, 0) == 1);
    CHECK(one_entry(name, 256, 0) == -EIO);
    CHECK(one_entry("", 0, 0) == -EIO);
    CHECK(one_entry("a/b", 3, 0) == -EIO);
    CHECK(one_entry("a\0b", 3, 0) == -EIO);
    for (u32 cut = 1; cut < 25; cut++)
        CHECK(one_entry("a", 1, cut) == -EIO);
}
