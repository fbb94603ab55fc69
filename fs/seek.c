/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lseek(2) for file systems that have nothing special to say. The caller holds the file's position
 * lock.
 */
#include <linux/fs.h>
#include "fs/vfs.h"

static s64 set_position(struct file *f, s64 to)
{
    if (to < 0)
        return -EINVAL;
    f->position = (u64)to;
    return to;
}

s64 file_seek_in(struct file *f, s64 offset, int whence, u64 size)
{
    s64 to;

    switch (whence) {
    case SEEK_SET:
        return set_position(f, offset);
    case SEEK_CUR:
        if (__builtin_add_overflow((s64)f->position, offset, &to))
            return -EINVAL;
        return set_position(f, to);
    case SEEK_END:
        if (__builtin_add_overflow((s64)size, offset, &to))
            return -EINVAL;
        return set_position(f, to);
    case SEEK_DATA:
        return offset < 0 || (u64)offset >= size ? -ENXIO : set_position(f, offset);
    case SEEK_HOLE:
        return offset < 0 || (u64)offset >= size ? -ENXIO : set_position(f, (s64)size);
    }
    return -EINVAL;
}

s64 directory_seek(struct file *f, s64 offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    return file_seek_in(f, offset, whence, 0);
}
