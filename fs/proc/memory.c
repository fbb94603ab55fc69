/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's memory by address: /proc/PID/mem, pagemap and map_files, proc(5). Within reach is the reader's own. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include "fs/proc/maps.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/user.h"

/* The space of an open file's process, if it is the reader's. */
static struct address_space *space_of(const struct file *f)
{
    struct address_space *as = generated_ref_of(f->inode)->process->space;

    return as && as == current_process()->space ? as : NULL;
}

/* ------------------------------------------------------------ mem */

/* Copies within one page, to or from a buffer of the kernel, past the protection if need be. 0 or -EIO. */
static int copy_in_page(struct address_space *as, vaddr_t at, void *buf, size_t n, bool write)
{
    if (!user_range_ok((void *)at, n))
        return -EIO;
    if (!(write ? copy_to_user((void *)at, buf, n) : copy_from_user(buf, (void *)at, n)))
        return 0;
    return address_space_force(as, at, buf, n, write) ? -EIO : 0;
}

static ssize transfer(struct file *f, struct io *io, u64 *pos, bool write)
{
    struct address_space *as = space_of(f);
    char *buf = kmalloc(PAGE_SIZE);
    ssize done = 0;
    int error = 0;

    if (!buf)
        return -ENOMEM;
    while (as && io->left && !error) {
        size_t n = MIN(io->left, PAGE_SIZE - (*pos & (PAGE_SIZE - 1)));

        error = write ? (io_copy_from(io, buf, n) == (ssize)n ? 0 : -EFAULT) : 0;
        error = error ? error : copy_in_page(as, *pos, buf, n, write);
        if (!error && !write && io_copy_to(io, buf, n) != (ssize)n)
            error = -EFAULT;
        if (!error) {
            done += (ssize)n;
            *pos += n;
        }
    }
    kfree(buf);
    return done ? done : error;
}

static ssize read_mem(struct file *f, struct io *io, u64 *pos, int rwf)
{
    return transfer(f, io, pos, false);
}

static ssize write_mem(struct file *f, struct io *io, u64 *pos, int rwf)
{
    return transfer(f, io, pos, true);
}

/* Any address is a place. */
static s64 seek_mem(struct file *f, s64 offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    f->position = (u64)offset + (whence == SEEK_CUR ? f->position : 0);
    return (s64)f->position;
}

const struct file_ops proc_mem_ops = {.kind = "proc", .read = read_mem, .write = write_mem, .seek = seek_mem};

/* ------------------------------------------------------------ pagemap */

/* An entry, as Linux' admin-guide/mm/pagemap.rst has it. */
#define PAGEMAP_PRESENT   (1ull << 63)
#define PAGEMAP_FILE      (1ull << 61) /* or shared anonymous memory */
#define PAGEMAP_EXCLUSIVE (1ull << 56)
#define PAGEMAP_FRAME     ((1ull << 55) - 1)

static u64 pagemap_entry(struct address_space *as, vaddr_t va, bool frames)
{
    struct pt_leaf leaf;
    u64 entry = 0;

    if (!user_range_ok((void *)va, PAGE_SIZE))
        return 0;
    spin_lock(&as->pt_lock);
    if (platform_pt_lookup(as->root, va, &leaf) == 0)
        entry = PAGEMAP_PRESENT | (frames ? ((leaf.pa + (va - leaf.va)) >> PAGE_SHIFT) & PAGEMAP_FRAME : 0) |
                (page_is_private(page_of(leaf.pa)) ? PAGEMAP_EXCLUSIVE : PAGEMAP_FILE);
    spin_unlock(&as->pt_lock);
    return entry;
}

static ssize read_pagemap(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct address_space *as = space_of(f);
    u64 entries[64], last = USER_SPACE_END >> PAGE_SHIFT;
    bool frames = fs_capable(CAP_SYS_ADMIN);
    ssize done = 0;

    if (*pos % sizeof(u64) || io->left % sizeof(u64))
        return -EINVAL;
    while (as && io->left && *pos / sizeof(u64) < last) {
        u64 page = *pos / sizeof(u64), n = MIN(MIN(io->left / sizeof(u64), (u64)ARRAY_SIZE(entries)), last - page);
        ssize moved;

        for (u64 k = 0; k < n; k++)
            entries[k] = pagemap_entry(as, (page + k) << PAGE_SHIFT, frames);
        moved = io_copy_to(io, entries, n * sizeof(u64));
        if (moved < 0)
            return done ? done : moved;
        done += moved;
        *pos += (u64)moved;
    }
    return done;
}

const struct file_ops proc_pagemap_ops = {.kind = "proc", .read = read_pagemap, .seek = seek_mem};

/* ------------------------------------------------------------ map_files */

/* The region of a file that arg's address is the start of. */
static bool mapped_file(const struct generated_ref *r, struct proc_region *g)
{
    if (!proc_next_region(r->process->space, r->arg, PROC_REGION_EXACT, g))
        return false;
    return g->file != NULL;
}

static int follow_map(const struct generated_ref *r, struct path_ref *to)
{
    struct proc_region g;
    int error;

    if (!mapped_file(r, &g))
        return -ENOENT;
    error = file_path_ref(g.file, to);
    file_put(g.file);
    return error;
}

#define MAP_LINK(permissions) \
    {.mode = S_IFLNK | (permissions), .readlink = generated_link_path, .follow = follow_map}
static const struct generated_node map_links[2] = {MAP_LINK(0400), MAP_LINK(0600)};

static void region_name(const struct proc_region *g, char name[GENERATED_NAME])
{
    snprintf(name, GENERATED_NAME, "%lx-%lx", g->start, g->end);
}

int proc_map_find(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    struct generated_ref wanted = *r;
    char whole[GENERATED_NAME] = "";
    const char *end;
    struct proc_region g;

    if (parse_u64(name, &end, 16, &wanted.arg) || !mapped_file(&wanted, &g))
        return -ENOENT;
    u32 mode = g.file->mode;
    file_put(g.file);
    region_name(&g, whole);
    if (strlen(whole) != n || memcmp(whole, name, n))
        return -ENOENT;
    child->node = &map_links[(mode & FILE_WRITE) != 0];
    child->arg = wanted.arg;
    process_get(r->process);
    return 0;
}

/* The cursor is a page's number: in the end that of the region's last one. */
bool proc_map_list(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    struct proc_region g = {.end = *cursor << PAGE_SHIFT};

    do {
        if (!proc_next_region(r->process->space, g.end, 0, &g))
            return false;
    } while (!g.file);
    file_put(g.file);
    region_name(&g, name);
    *node = &map_links[0];
    *cursor = (g.end >> PAGE_SHIFT) - 1;
    return true;
}
