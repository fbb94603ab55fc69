/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: answers of a 9P server, any bytes as the answer to any request. The first bytes choose the request and how
 * much of the answer is said to have come.
 * sources: fs/ninep/message.c
 */
#include <stdlib.h>
#include <string.h>
#include "fs/ninep/message.h"

#define REQUIRE(cond)         \
    do {                      \
        if (!(cond))          \
            __builtin_trap(); \
    } while (0)

static const u8 types[] = {NINEP_TSTATFS, NINEP_TREADLINK, NINEP_TGETATTR, NINEP_TXATTRWALK,
                           NINEP_TREADDIR, NINEP_TVERSION, NINEP_TWALK,    NINEP_TREAD};

/* Everything inside the message's own memory, so that the sanitizer sees a step beyond. */
static void touch(const struct ninep_message *m, const char *p, u16 n)
{
    REQUIRE(p >= (const char *)m->data && p + n <= (const char *)m->data + m->size);
    REQUIRE(memchr(p, 0, n) == NULL);
}

static void read_entries(struct ninep_message *m)
{
    struct ninep_entry e;
    u32 before = m->at;
    int more;

    while ((more = ninep_get_entry(m, &e)) > 0) {
        REQUIRE(e.length > 0 && e.length <= 255 && m->at == before + NINEP_ENTRY_HEADER + e.length);
        touch(m, e.name, e.length);
        before = m->at;
    }
    REQUIRE(more == 0 ? m->at == m->size : more == -EIO);
}

static void read_answer(struct ninep_message *m, u8 type, u32 n, unsigned room)
{
    struct ninep_qid qids[NINEP_MAX_WALK];
    struct ninep_attr attr;
    struct ninep_statfs fs;
    const char *s;
    u16 length;
    ssize count;

    switch (type) {
    case NINEP_TSTATFS:
        ninep_get_statfs(m, &fs);
        break;
    case NINEP_TGETATTR:
        if (!ninep_get_attr(m, &attr))
            REQUIRE((s64)attr.size >= 0);
        break;
    case NINEP_TWALK:
        count = ninep_get_walk(m, room % (NINEP_MAX_WALK + 1), qids);
        REQUIRE(count == -EIO || (count >= 0 && count <= (ssize)(room % (NINEP_MAX_WALK + 1))));
        break;
    case NINEP_TREAD:
    case NINEP_TREADDIR:
        count = ninep_get_count(m, n, room);
        REQUIRE(count == -EIO || (count <= (ssize)room && (u32)count + NINEP_DATA_HEADER == n));
        if (type == NINEP_TREADDIR && count >= 0 && !m->bad)
            read_entries(m);
        break;
    default:
        ninep_get_u32(m);
        s = ninep_get_string(m, &length);
        REQUIRE(s ? !m->bad : m->bad && length == 0);
        if (s)
            REQUIRE((const u8 *)s + length <= m->data + m->size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ninep_message m;
    u8 type, *copy;
    u32 n;

    if (size < 4)
        return 0;
    type = types[data[0] % ARRAY_SIZE(types)];
    /* The host may say that more came than there is room for, or less. */
    n = (u32)size - 4 + (u32)data[1] - 8;
    copy = malloc(size - 4 + !(size - 4));
    memcpy(copy, data + 4, size - 4);
    /* Half of the inputs with a header that is right, so that the rest is reached. */
    if (data[2] & 1 && size >= 4 + NINEP_HEADER) {
        n = (u32)size - 4;
        memcpy(copy, &n, 4);
        copy[4] = type + 1;
        copy[5] = copy[6] = 0;
    }
    int error = ninep_parse(&m, copy, (u32)size - 4, n, type, 0);
    REQUIRE(error <= 0 && error >= -4095);
    if (!error)
        read_answer(&m, type, n, data[3] * 64u);
    m = (struct ninep_message){.data = copy, .size = (u32)size - 4};
    read_entries(&m);
    free(copy);
    return 0;
}
