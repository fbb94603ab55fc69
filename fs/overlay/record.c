/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `record`: the host is told what of the lower trees the program has looked at, so that an image with just that can be
 * made. A line for each name that was looked up and found, and for each directory that was read; which of
 * them were told before is the host's to know.
 */
#include <linux/limits.h>
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"
#include "kernel/params.h"
#include "kernel/vm_exit.h"

bool overlay_recording;

static int set_record(const char *value)
{
    overlay_recording = true;
    return value ? -EINVAL : 0;
}
PARAM(record, "record", set_record);

/* Puts c before *at, so that no name ends a line. False: no room. */
static bool put(const char *start, char **at, char c)
{
    if (*at - start < 2)
        return false;
    *--*at = c == '\n' ? 'n' : c;
    if (c == '\n' || c == '\\')
        *--*at = '\\';
    return true;
}

/* What has a lower part keeps its place, and so do its ancestors: they are followed without a lock. */
void overlay_tell(const char *what, const struct dentry *d)
{
    char *path = kmalloc(PATH_MAX), *at = path + PATH_MAX;
    bool fits = path;

    if (fits)
        *--at = '\0';
    for (bool root = d->parent == d; fits && (d->parent != d || root); d = d->parent, root = false) {
        for (u32 k = root ? 0 : d->name_length; k && fits; k--)
            fits = put(path, &at, d->name[k - 1]);
        fits = fits && put(path, &at, '/');
    }
    if (fits)
        control_line("%s %s", what, at);
    kfree(path);
}
