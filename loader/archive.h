/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a cpio archive in the "newc" form, in memory. Pure: entries point into the archive.
 * Source: cpio(5), "New ASCII Format".
 */
#ifndef LOADER_ARCHIVE_H
#define LOADER_ARCHIVE_H

#include "kernel/types.h"

struct archive {
    const char *data;
    size_t size;
    size_t position;   /* of the next header */
    const char *error; /* sentence, after archive_next() returned -EINVAL */
};

struct archive_entry {
    const char *name; /* NUL-terminated, without leading "/" and "./"; "" is the root */
    u32 mode, uid, gid;
    u64 mtime;        /* seconds since 1970 */
    u32 rdev_major, rdev_minor;
    const char *data; /* file content or symlink target (not NUL-terminated) */
    u64 size;
};

static inline bool archive_is_cpio(const void *data, size_t size)
{
    return size >= 6 && !__builtin_memcmp(data, "070701", 6);
}

void archive_open(struct archive *a, const void *data, size_t size);
/* 1 and the next entry, 0 at the end, or -EINVAL. */
int archive_next(struct archive *a, struct archive_entry *e);

#endif
