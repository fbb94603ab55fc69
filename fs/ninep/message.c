/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing and reading 9P messages (message.h). Whatever bytes come, nothing outside of them is touched. */
#include <linux/limits.h>
#include "fs/ninep/message.h"
#include "kernel/lib/string.h"

#define MAX_ERRNO 4095u

/* n bytes at the message's position, which moves on; NULL and bad: there are not so many. */
static u8 *take(struct ninep_message *m, size_t n)
{
    u8 *p = m->data + m->at;

    if (m->bad || n > m->size - m->at) {
        m->bad = true;
        return NULL;
    }
    m->at += (u32)n;
    return p;
}

static void put(struct ninep_message *m, u64 v, unsigned bytes)
{
    u8 *p = take(m, bytes);

    for (unsigned i = 0; p && i < bytes; i++, v >>= 8)
        p[i] = (u8)v;
}

static u64 get(struct ninep_message *m, unsigned bytes)
{
    const u8 *p = take(m, bytes);
    u64 v = 0;

    for (unsigned i = 0; p && i < bytes; i++)
        v |= (u64)p[i] << 8 * i;
    return v;
}

void ninep_begin(struct ninep_message *m, void *data, u32 size)
{
    *m = (struct ninep_message){.data = data, .size = size};
    take(m, NINEP_HEADER);
}

bool ninep_end(struct ninep_message *m, u8 type, u16 tag, u32 data_bytes)
{
    u32 length = m->at;

    m->at = 0;
    put(m, length + data_bytes, 4);
    put(m, type, 1);
    put(m, tag, 2);
    m->at = length;
    return !m->bad;
}

void ninep_put_u16(struct ninep_message *m, u16 v)
{
    put(m, v, 2);
}

void ninep_put_u32(struct ninep_message *m, u32 v)
{
    put(m, v, 4);
}

void ninep_put_u64(struct ninep_message *m, u64 v)
{
    put(m, v, 8);
}

void ninep_put_string(struct ninep_message *m, const char *s, size_t n)
{
    u8 *p;

    if (n > UINT16_MAX)
        m->bad = true;
    put(m, n, 2);
    p = take(m, n);
    if (p)
        memcpy(p, s, n);
}

int ninep_parse(struct ninep_message *m, void *data, u32 size, u32 n, u8 request, u16 tag)
{
    u32 length, error;
    u8 type;

    *m = (struct ninep_message){.data = data, .size = MIN(size, n)};
    length = ninep_get_u32(m);
    type = ninep_get_u8(m);
    if (m->bad || length != n || ninep_get_u16(m) != tag || m->bad)
        return -EIO;
    if (type == request + 1)
        return 0;
    error = ninep_get_u32(m);
    return type == NINEP_RLERROR && !m->bad && error && error <= MAX_ERRNO ? -(int)error : -EIO;
}

u8 ninep_get_u8(struct ninep_message *m)
{
    return (u8)get(m, 1);
}

u16 ninep_get_u16(struct ninep_message *m)
{
    return (u16)get(m, 2);
}

u32 ninep_get_u32(struct ninep_message *m)
{
    return (u32)get(m, 4);
}

u64 ninep_get_u64(struct ninep_message *m)
{
    return get(m, 8);
}

void ninep_get_qid(struct ninep_message *m, struct ninep_qid *q)
{
    q->type = ninep_get_u8(m);
    q->version = ninep_get_u32(m);
    q->path = ninep_get_u64(m);
}

const char *ninep_get_string(struct ninep_message *m, u16 *n)
{
    const u8 *p;

    *n = ninep_get_u16(m);
    p = take(m, *n);
    if (!p)
        *n = 0;
    return (const char *)p;
}

/* Seconds and nanoseconds. What does not fit in 64 bits of nanoseconds becomes the nearest that does. */
static s64 get_time(struct ninep_message *m)
{
    s64 limit = INT64_MAX / (s64)NSEC_PER_SEC - 1;
    s64 seconds = (s64)ninep_get_u64(m);
    u64 rest = ninep_get_u64(m);

    if (rest >= NSEC_PER_SEC)
        m->bad = true;
    seconds = MIN(MAX(seconds, -limit), limit);
    return m->bad ? 0 : seconds * (s64)NSEC_PER_SEC + (s64)rest;
}

int ninep_get_attr(struct ninep_message *m, struct ninep_attr *a)
{
    a->valid = ninep_get_u64(m);
    ninep_get_qid(m, &a->qid);
    a->mode = ninep_get_u32(m);
    a->uid = ninep_get_u32(m);
    a->gid = ninep_get_u32(m);
    a->nlink = ninep_get_u64(m);
    a->rdev = ninep_get_u64(m);
    a->size = ninep_get_u64(m);
    a->block_size = ninep_get_u64(m);
    a->blocks = ninep_get_u64(m);
    a->atime = get_time(m);
    a->mtime = get_time(m);
    a->ctime = get_time(m);
    a->btime = get_time(m);
    if (m->bad || (a->valid & NINEP_GETATTR_BASIC) != NINEP_GETATTR_BASIC || a->size > INT64_MAX)
        return -EIO;
    return 0;
}

int ninep_get_statfs(struct ninep_message *m, struct ninep_statfs *s)
{
    s->type = ninep_get_u32(m);
    s->block_size = ninep_get_u32(m);
    s->blocks = ninep_get_u64(m);
    s->free = ninep_get_u64(m);
    s->available = ninep_get_u64(m);
    s->files = ninep_get_u64(m);
    s->files_free = ninep_get_u64(m);
    s->id = ninep_get_u64(m);
    s->name_length = ninep_get_u32(m);
    return m->bad ? -EIO : 0;
}

int ninep_get_walk(struct ninep_message *m, unsigned n, struct ninep_qid *qids)
{
    unsigned got = ninep_get_u16(m);

    if (got > n)
        return -EIO;
    for (unsigned i = 0; i < got; i++)
        ninep_get_qid(m, &qids[i]);
    return m->bad ? -EIO : (int)got;
}

ssize ninep_get_count(struct ninep_message *m, u32 n, u32 room)
{
    u32 count = ninep_get_u32(m);

    return m->bad || count > room || n != NINEP_DATA_HEADER + (u64)count ? -EIO : (ssize)count;
}

int ninep_get_entry(struct ninep_message *m, struct ninep_entry *e)
{
    if (m->at == m->size)
        return 0;
    ninep_get_qid(m, &e->qid);
    e->offset = ninep_get_u64(m);
    e->type = ninep_get_u8(m);
    e->name = ninep_get_string(m, &e->length);
    if (m->bad || e->length == 0 || e->length > NAME_MAX || memchr(e->name, '/', e->length) ||
        memchr(e->name, '\0', e->length))
        return -EIO;
    return 1;
}
