/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes of 9p: nothing is kept, each call asks the server. */
#include <linux/limits.h>
#include <linux/xattr.h>
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

/* The value of an attribute, or the list of their names (name ""): bytes, -ERANGE, … n 0: how many there are. */
static ssize read_attribute(struct inode *i, const char *name, void *value, size_t n)
{
    struct ninep_super *fs = ninep_super_of(i->super);
    struct ninep_client *c = &fs->client;
    struct ninep_fid *of, *f;
    ssize done = 0;
    u64 size;

    if (fs->no_xattrs)
        return -EOPNOTSUPP;
    of = ninep_fid_of(i);
    f = ninep_xattr_walk(c, of, name, &size);
    ninep_fid_put(c, of);
    if (IS_ERR(f))
        return (ssize)PTR_ERR(f);
    if (size > XATTR_SIZE_MAX) {
        done = -E2BIG;
    } else if (n && size > n) {
        done = -ERANGE;
    } else if (n && size) {
        u8 *buffer = kmalloc(size);
        struct block_segment s = {buffer ? virt_to_phys(buffer) : 0, (u32)size};

        done = buffer ? ninep_transfer(c, NINEP_TREAD, f, 0, (u32)size, &s, 1) : -ENOMEM;
        if (done >= 0)
            memcpy(value, buffer, (size_t)done);
        kfree(buffer);
    } else {
        done = (ssize)size;
    }
    ninep_fid_put(c, f);
    return done;
}

ssize ninep_getxattr(struct inode *i, const char *name, void *value, size_t n)
{
    return read_attribute(i, name, value, n);
}

ssize ninep_listxattr(struct inode *i, char *list, size_t n)
{
    return read_attribute(i, "", list, n);
}

/* The clunk of a fid made by xattr_create sets what was written to it; size 0 with XATTR_REPLACE removes. */
static int write_attribute(struct inode *i, const char *name, const void *value, size_t n, int flags)
{
    struct ninep_super *fs = ninep_super_of(i->super);
    struct ninep_client *c = &fs->client;
    struct ninep_fid *of, *f;
    u8 *buffer;
    ssize done = 0;
    int error;

    if (fs->no_xattrs)
        return -EOPNOTSUPP;
    buffer = kmalloc(n + 1);
    if (!buffer)
        return -ENOMEM;
    memcpy(buffer, value, n);
    of = ninep_fid_of(i);
    f = ninep_walk(c, of, NULL, 0, NULL);
    ninep_fid_put(c, of);
    error = IS_ERR(f) ? (int)PTR_ERR(f) : ninep_xattr_create(c, f, name, n, (u32)flags);
    if (!error && n) {
        struct block_segment s = {virt_to_phys(buffer), (u32)n};

        done = ninep_transfer(c, NINEP_TWRITE, f, 0, (u32)n, &s, 1);
    }
    kfree(buffer);
    if (IS_ERR(f))
        return error;
    if (error || done < 0) {
        ninep_fid_put(c, f);
        return error ? error : (int)done;
    }
    ninep_changed(ninep_node_of(i));
    error = ninep_clunk(c, f);
    return !error && (size_t)done < n ? -EIO : error;
}

int ninep_setxattr(struct inode *i, const char *name, const void *value, size_t n, int flags)
{
    /* The server would take an empty value for a removal. */
    return n ? write_attribute(i, name, value, n, flags) : -EOPNOTSUPP;
}

int ninep_removexattr(struct inode *i, const char *name)
{
    return write_attribute(i, name, "", 0, XATTR_REPLACE);
}
