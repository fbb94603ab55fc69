/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process has mapped: /proc/PID/maps, smaps, smaps_rollup and numa_maps. Regions are copied out one by one: paths
 * and attributes of files may take a trip to the host, so no lock of the space is held meanwhile. Lines ascend and never overlap,
 * whatever other threads map in between.
 */
#include <linux/mman.h>
#include "fs/proc/maps.h"
#include "kernel/heap.h"

#define NAME_COLUMN 73 /* where Linux puts the path */

bool proc_next_region(struct address_space *as, vaddr_t from, unsigned what, struct proc_region *out)
{
    struct region *r;

    if (!as)
        return false;
    rwlock_read_lock(&as->lock);
    r = region_find(as, from);
    if (r && what & PROC_REGION_EXACT && r->start != from)
        r = NULL;
    if (r) {
        *out = (struct proc_region){.start = MAX(r->start, from), .end = r->end, .prot = r->prot, .max_prot = r->max_prot,
                                    .flags = r->flags, .name = r->name, .file = r->file, .object = r->object != NULL};
        out->offset = r->file ? r->offset + (out->start - r->start) : 0;
        if (out->file)
            file_get(out->file);
        if (what & PROC_REGION_USAGE)
            region_usage(r, out->start, r->end, &out->usage);
    }
    rwlock_read_unlock(&as->lock);
    return r != NULL;
}

/* Linux keeps shared anonymous memory in a file of this name that was removed. */
static const char *name_of(const struct proc_region *r)
{
    return r->name || !(r->flags & REGION_SHARED) ? r->name : "/dev/zero (deleted)";
}

static void show_line(struct text *t, const struct proc_region *r, char *path)
{
    size_t mark = t->used;
    struct stat st = {0};
    const char *name = name_of(r);

    if (r->file) {
        file_stat(r->file, &st);
        if (vfs_file_path(r->file, path, PATH_MAX) > 0)
            name = path;
    }
    text_printf(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", r->start, r->end, r->prot & PROT_READ ? 'r' : '-',
                r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-', r->flags & REGION_SHARED ? 's' : 'p',
                r->offset, (unsigned)(st.st_dev >> 8) & 0xfff,
                (unsigned)((st.st_dev & 0xff) | (st.st_dev >> 12 & 0xfff00)), st.st_ino);
    if (name) {
        text_pad(t, mark, NAME_COLUMN);
        for (; *name; name++) /* a line stays a line */
            text_printf(t, *name == '\n' ? "\\012" : "%c", *name);
    }
    text_printf(t, "\n");
}

/* ------------------------------------------------------------ smaps */

/*
 * Rows of smaps, in Linux's order, and where their value lies in struct memory_usage. One process has it all: its share
 * is the whole, and nothing is shared.
 */
enum { NONE = -1, CLEAN = -2, IN_FILES = -3 };
#define USAGE(field) (offsetof(struct memory_usage, field) / sizeof(u64))
static const struct row {
    char name[16];
    bool rollup; /* not in smaps */
    s8 value;
} rows[] = {
    {"Rss", false, USAGE(resident)},        {"Pss", false, USAGE(resident)},        {"Pss_Dirty", false, USAGE(dirty)},
    {"Pss_Anon", true, USAGE(private)},     {"Pss_File", true, IN_FILES},           {"Pss_Shmem", true, USAGE(in_ram)},
    {"Shared_Clean", false, NONE},          {"Shared_Dirty", false, NONE},          {"Private_Clean", false, CLEAN},
    {"Private_Dirty", false, USAGE(dirty)}, {"Referenced", false, USAGE(resident)}, {"Anonymous", false, USAGE(private)},
    {"LazyFree", false, NONE},              {"AnonHugePages", false, USAGE(huge)},  {"ShmemPmdMapped", false, NONE},
    {"FilePmdMapped", false, NONE},         {"Shared_Hugetlb", false, NONE},        {"Private_Hugetlb", false, NONE},
    {"Swap", false, NONE},                  {"SwapPss", false, NONE},               {"Locked", false, USAGE(locked)},
};

static void show_row(struct text *t, const char *name, u64 kib)
{
    size_t mark = t->used;

    text_printf(t, "%s:", name);
    text_pad(t, mark, 16);
    text_printf(t, "%8lu kB\n", kib);
}

static void show_usage(struct text *t, const struct memory_usage *u, bool rollup)
{
    for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
        char name[sizeof(row->name) + 1] = "";
        u64 value = row->value == NONE       ? 0
                    : row->value == CLEAN    ? u->resident - u->dirty
                    : row->value == IN_FILES ? u->resident - u->private - u->in_ram
                                             : ((const u64 *)u)[row->value];

        memcpy(name, row->name, sizeof(row->name));
        if (rollup || !row->rollup)
            show_row(t, name, value * (PAGE_SIZE / 1024));
    }
}

static bool may_be_huge(const struct proc_region *r)
{
    return !r->object && !(r->flags & REGION_NOHUGE) && ALIGN_UP(r->start, HUGE_SIZE) + HUGE_SIZE <= r->end;
}

/* The letters that proc(5) lists. */
static void show_flags(struct text *t, const struct proc_region *r)
{
    bool shared = r->flags & REGION_SHARED, private_writable = !shared && r->prot & PROT_WRITE;
    const struct {
        char letters[3];
        bool set;
    } flags[] = {
        {"rd", r->prot & PROT_READ},
        {"wr", r->prot & PROT_WRITE},
        {"ex", r->prot & PROT_EXEC},
        {"sh", shared && r->max_prot & PROT_WRITE},
        {"mr", r->max_prot & PROT_READ},
        {"mw", r->max_prot & PROT_WRITE},
        {"me", r->max_prot & PROT_EXEC},
        {"ms", shared},
        {"gd", r->flags & REGION_GROWSDOWN},
        {"lo", r->flags & REGION_LOCKED},
        {"dc", r->flags & REGION_DONTFORK},
        {"de", r->flags & REGION_KERNEL},
        {"lf", r->flags & REGION_LOCK_ON_FAULT},
        {"ac", private_writable && !(r->flags & REGION_NORESERVE)},
        {"nr", r->flags & REGION_NORESERVE},
        {"wf", r->flags & REGION_WIPEONFORK},
        {"dd", r->flags & REGION_DONTDUMP},
        {"hg", r->flags & REGION_HUGE},
        {"nh", r->flags & REGION_NOHUGE},
    };

    text_printf(t, "VmFlags: ");
    for (size_t k = 0; k < ARRAY_SIZE(flags); k++)
        if (flags[k].set)
            text_printf(t, "%s ", flags[k].letters);
    text_printf(t, "\n");
}

static void show_details(struct text *t, const struct proc_region *r, char *path)
{
    show_line(t, r, path);
    show_row(t, "Size", (r->end - r->start) / 1024);
    show_row(t, "KernelPageSize", PAGE_SIZE / 1024);
    show_row(t, "MMUPageSize", PAGE_SIZE / 1024);
    show_usage(t, &r->usage, false);
    text_printf(t, "THPeligible:    %8u\n", may_be_huge(r));
    show_flags(t, r);
}

int proc_smaps_rollup(struct text *t, const struct generated_ref *r)
{
    struct memory_usage all = {0};
    struct proc_region g = {0};
    vaddr_t first = 0, end = 0;
    size_t mark = t->used;

    while (proc_next_region(r->process->space, end, PROC_REGION_USAGE, &g)) {
        first = first ? first : g.start;
        end = g.end;
        for (size_t k = 0; k < sizeof(all) / sizeof(u64); k++)
            ((u64 *)&all)[k] += ((u64 *)&g.usage)[k];
        if (g.file)
            file_put(g.file);
    }
    text_printf(t, "%08lx-%08lx ---p 00000000 00:00 0 ", first, end);
    text_pad(t, mark, NAME_COLUMN);
    text_printf(t, "[rollup]\n");
    show_usage(t, &all, true);
    return 0;
}

/* ------------------------------------------------------------ numa_maps */

static void show_count(struct text *t, const char *name, u64 n)
{
    if (n)
        text_printf(t, " %s=%lu", name, n);
}

/* One node has all. */
static void show_node(struct text *t, const struct proc_region *r, char *path)
{
    const struct memory_usage *u = &r->usage;

    text_printf(t, "%08lx default", r->start);
    if (r->file && vfs_file_path(r->file, path, PATH_MAX) > 0)
        text_printf(t, " file=%s", path);
    else if (r->flags & (REGION_HEAP | REGION_STACK))
        text_printf(t, r->flags & REGION_HEAP ? " heap" : " stack");
    show_count(t, "anon", u->private);
    show_count(t, "dirty", u->dirty);
    if (u->resident != u->private && u->resident != u->dirty)
        show_count(t, "mapped", u->resident);
    show_count(t, "N0", u->resident);
    if (u->resident)
        show_count(t, "kernelpagesize_kB", PAGE_SIZE / 1024);
    text_printf(t, "\n");
}

/* ------------------------------------------------------------ a file of all regions */

static int show_all(struct text *t, const struct generated_ref *r, unsigned what,
                    void (*show)(struct text *t, const struct proc_region *r, char *path))
{
    char *path = kmalloc(PATH_MAX);
    struct proc_region g = {0};

    if (!path)
        return -ENOMEM;
    while (!t->failed && proc_next_region(r->process->space, g.end, what, &g)) {
        show(t, &g, path);
        if (g.file)
            file_put(g.file);
    }
    kfree(path);
    return 0;
}

int proc_maps(struct text *t, const struct generated_ref *r)
{
    return show_all(t, r, 0, show_line);
}

int proc_smaps(struct text *t, const struct generated_ref *r)
{
    return show_all(t, r, PROC_REGION_USAGE, show_details);
}

int proc_numa_maps(struct text *t, const struct generated_ref *r)
{
    return show_all(t, r, PROC_REGION_USAGE, show_node);
}
