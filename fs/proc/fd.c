/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/fd: links to the open files, and /proc/PID/fdinfo about them. */
#include <linux/fcntl.h>
#include "fs/file_lock.h"
#include "fs/proc/proc.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"

/* The descriptors of the thread; referenced, NULL if it has ended. */
static struct fd_table *table_of(const struct generated_ref *r)
{
    struct thread *t = proc_thread(r);
    struct fd_table *files = t ? thread_files(t) : NULL;

    if (t)
        thread_put(t);
    return files;
}

/* The open file that a link is about; referenced, NULL if it was closed. */
static struct file *file_of(const struct generated_ref *r)
{
    struct fd_table *t = table_of(r);
    struct file *f = t ? fd_table_lookup(t, (int)r->arg) : NULL;

    if (t)
        fd_table_put(t);
    return f;
}

static ssize link_fd(const struct generated_ref *r, char *buf, size_t n)
{
    struct file *f = file_of(r);
    ssize length;

    if (!f)
        return -ENOENT;
    length = vfs_file_path(f, buf, n);
    file_put(f);
    return length > 0 ? length - 1 : length;
}

static int follow_fd(const struct generated_ref *r, struct path_ref *to)
{
    struct file *f = file_of(r);
    int error;

    if (!f)
        return -ENOENT;
    error = file_path_ref(f, to);
    file_put(f);
    return error;
}

/* Locks as file_locks_copy() selects them, each line with what is to stand before it. */
static int show_locks(struct text *t, const struct file *f, const struct fd_table *table, const char *before)
{
    size_t n = 0, max;
    struct file_lock_row *rows = NULL;

    while ((max = file_locks_copy(f, table, rows, n)) > n) { /* more were taken meanwhile */
        kfree(rows);
        n = max;
        rows = kmalloc(n * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
    }
    for (size_t k = 0; k < max; k++) {
        const struct file_lock_row *l = &rows[k];

        text_printf(t, "%s%lu: %s ADVISORY  %s %d %02x:%02x:%lu %lu ", before, k + 1, l->kind, l->write ? "WRITE" : "READ", l->pid,
                    (unsigned)(l->device >> 8) & 0xfff, (unsigned)((l->device & 0xff) | (l->device >> 12 & 0xfff00)), l->inode,
                    l->start);
        text_printf(t, l->end == INT64_MAX ? "EOF\n" : "%lu\n", l->end);
    }
    kfree(rows);
    return 0;
}

int proc_locks(struct text *t, const struct generated_ref *r)
{
    return show_locks(t, NULL, NULL, "");
}

static int show_fdinfo(struct text *t, const struct generated_ref *r)
{
    struct fd_table *table = table_of(r);
    struct file *f = table ? fd_table_lookup(table, (int)r->arg) : NULL;
    struct stat st;
    bool closes = false;
    int error;

    if (!f) {
        if (table)
            fd_table_put(table);
        return -ENOENT;
    }
    if (r->process == current_process())
        fd_get_cloexec((int)r->arg, &closes);
    text_printf(t, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%d\n",
                (unsigned long long)file_position(f), f->flags | (closes ? O_CLOEXEC : 0), f->mount ? f->mount->id : 0);
    if (!file_stat(f, &st))
        text_printf(t, "ino:\t%llu\n", (unsigned long long)st.st_ino);
    error = show_locks(t, f, table, "lock:\t");
    if (f->ops->fdinfo)
        f->ops->fdinfo(f, t);
    file_put(f);
    fd_table_put(table);
    return error;
}

/* By what the file may be used for: read 4, write 2; execute always, as Linux shows it. */
#define LINK(permissions) \
    {.mode = S_IFLNK | (permissions), .readlink = link_fd, .follow = follow_fd}
static const struct generated_node fd_links[4] = {LINK(0100), LINK(0500), LINK(0300), LINK(0700)};
static const struct generated_node fdinfo_file = {.mode = S_IFREG | 0444, .show = show_fdinfo};

/* node NULL: the link. */
static int find(const struct generated_ref *r, const char *name, size_t n,
                struct generated_ref *child, const struct generated_node *node)
{
    struct generated_ref wanted = *r;
    struct file *f;

    if (!generated_number(name, n, &wanted.arg) || wanted.arg > INT32_MAX)
        return -ENOENT;
    f = file_of(&wanted);
    if (!f)
        return -ENOENT;
    child->node = node ? node : &fd_links[f->mode & (FILE_READ | FILE_WRITE)];
    file_put(f);
    process_get(r->process);
    child->arg = wanted.arg;
    return 0;
}

int proc_fd_find(const struct generated_ref *r, const char *name, size_t n,
                 struct generated_ref *child)
{
    return find(r, name, n, child, NULL);
}

int proc_fdinfo_find(const struct generated_ref *r, const char *name, size_t n,
                     struct generated_ref *child)
{
    return find(r, name, n, child, &fdinfo_file);
}

static bool list_open(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME])
{
    struct fd_table *t = table_of(r);
    int fd = t ? fd_next_open(t, (int)*cursor) : -1;

    if (t)
        fd_table_put(t);
    if (fd < 0)
        return false;
    *cursor = (u64)fd;
    snprintf(name, GENERATED_NAME, "%d", fd);
    return true;
}

bool proc_fd_list(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                  const struct generated_node **node)
{
    *node = &fd_links[0];
    return list_open(r, cursor, name);
}

bool proc_fdinfo_list(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                      const struct generated_node **node)
{
    *node = &fdinfo_file;
    return list_open(r, cursor, name);
}
