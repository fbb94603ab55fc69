/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/aril: what this kernel tells about itself. Lines of a name and a number. */
#include "fs/proc/proc.h"
#include "kernel/patch.h"

static u64 total(enum percpu_counter which)
{
    u64 sum = 0;

    for (unsigned i = 0; i < platform_cpu_count(); i++)
        sum += platform_percpu(i)->counters[which];
    return sum;
}

/* System calls, how many of them trapped, and what became of the sites that trapped often. */
static int show_patches(struct text *t, const struct generated_ref *r)
{
    static const char *const forms[PATCH_FORMS] = {[PATCH_MOV] = "mov", [PATCH_HOLE] = "hole"};
    static const char *const refusals[PATCH_REFUSALS] = {
        [PATCH_REFUSED_MAPPING] = "mapping", [PATCH_REFUSED_WRITABLE] = "writable", [PATCH_REFUSED_NO_HOLE] = "no_hole",
        [PATCH_REFUSED_UNKNOWN] = "unknown", [PATCH_REFUSED_MEMORY] = "memory",
    };
    const struct patch_counts *c = &patch_counts;

    text_printf(t, "calls %lu\ntrapped %lu\n", total(COUNT_SYSCALLS), total(COUNT_TRAPPED_CALLS));
    for (unsigned i = 0; i < PATCH_FORMS; i++)
        text_printf(t, "patched_%s %u\n", forms[i], c->patched[i]);
    text_printf(t, "undone %u\nunmapped %u\n", c->undone, c->forgotten);
    for (unsigned i = 0; i < PATCH_REFUSALS; i++)
        text_printf(t, "refused_%s %u\n", refusals[i], c->refused[i]);
    return 0;
}

const struct generated_node proc_aril_files[] = {
    {.name = "patches", .mode = S_IFREG | 0444, .show = show_patches},
    {0},
};
