/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/maps. */
#include <linux/mman.h>
#include "fs/proc/proc.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"

#define NAME_COLUMN 73 /* where Linux puts the path */

static void show_region(struct text *t, const struct region *r, char *path)
{
    size_t mark = t->used;
    struct stat st = {0};

    if (r->file)
        file_stat(r->file, &st);
    text_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)r->start,
                (unsigned long long)r->end, r->prot & PROT_READ ? 'r' : '-',
                r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-',
                r->flags & REGION_SHARED ? 's' : 'p', (unsigned long long)(r->file ? r->offset : 0),
                (unsigned)(st.st_dev >> 8) & 0xfff,
                (unsigned)((st.st_dev & 0xff) | (st.st_dev >> 12 & 0xfff00)),
                (unsigned long long)st.st_ino);
    if (r->file && vfs_file_path(r->file, path, PATH_MAX) > 0) {
        text_pad(t, mark, NAME_COLUMN);
        text_printf(t, "%s", path);
    } else if (r->name) {
        text_pad(t, mark, NAME_COLUMN);
        text_printf(t, "%s", r->name);
    }
    text_printf(t, "\n");
}

int proc_maps(struct text *t, const struct generated_ref *r)
{
    struct address_space *as = r->process->space;
    char *path = kmalloc(PATH_MAX);

    if (!path)
        return -ENOMEM;
    if (as) {
        rwlock_read_lock(&as->lock);
        for (struct region *g = region_find(as, 0); g; g = region_next(g))
            show_region(t, g, path);
        rwlock_read_unlock(&as->lock);
    }
    kfree(path);
    return 0;
}
