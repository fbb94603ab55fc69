/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpio reader. Every length is checked against the archive's end before it is used. */
#include "loader/archive.h"
#include "kernel/lib/string.h"

#define HEADER_SIZE 110 /* 6 bytes of magic, 13 fields of 8 hexadecimal digits */

enum field { INO, MODE, UID, GID, NLINK, MTIME, FILESIZE, DEVMAJOR, DEVMINOR, RDEVMAJOR, RDEVMINOR, NAMESIZE, CHECK };

void archive_open(struct archive *a, const void *data, size_t size)
{
    *a = (struct archive){.data = data, .size = size};
}

static int fail(struct archive *a, const char *error)
{
    a->error = error;
    return -EINVAL;
}

static bool hex_field(const char *header, enum field field, u32 *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        char c = header[6 + field * 8 + i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        *value = *value << 4 | (u32)digit;
    }
    return true;
}

/* Names come as "a/b", "./a/b" or "/a/b". */
static const char *plain_name(const char *name)
{
    for (;;) {
        if (name[0] == '/')
            name++;
        else if (name[0] == '.' && (name[1] == '/' || !name[1]))
            name++;
        else
            return name;
    }
}

int archive_next(struct archive *a, struct archive_entry *e)
{
    u32 field[CHECK + 1];
    const char *header = a->data + a->position;
    if (a->size - a->position < HEADER_SIZE)
        return fail(a, "is truncated: a header is incomplete");
    if (!archive_is_cpio(header, HEADER_SIZE))
        return fail(a, "has a malformed header");
    for (int i = 0; i <= CHECK; i++)
        if (!hex_field(header, (enum field)i, &field[i]))
            return fail(a, "has a malformed header");

    size_t left = a->size - a->position - HEADER_SIZE;
    if (!field[NAMESIZE] || field[NAMESIZE] > left)
        return fail(a, "is truncated: a name is incomplete");
    const char *name = header + HEADER_SIZE;
    if (name[field[NAMESIZE] - 1])
        return fail(a, "has a name without its end");
    if (!strcmp(name, "TRAILER!!!"))
        return 0;
    size_t data = ALIGN_UP(a->position + HEADER_SIZE + field[NAMESIZE], 4ul);
    if (data > a->size || field[FILESIZE] > a->size - data)
        return fail(a, "is truncated: a file is incomplete");
    a->position = ALIGN_UP(data + field[FILESIZE], 4ul);
    if (a->position > a->size)
        a->position = a->size;
    *e = (struct archive_entry){
        .name = plain_name(name),
        .mode = field[MODE],
        .uid = field[UID],
        .gid = field[GID],
        .mtime = field[MTIME],
        .rdev_major = field[RDEVMAJOR],
        .rdev_minor = field[RDEVMINOR],
        .data = a->data + data,
        .size = field[FILESIZE],
    };
    return 1;
}
