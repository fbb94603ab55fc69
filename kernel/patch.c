/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's side of patched system-call sites: see patch.h. */
#include "kernel/address_space.h"
#include "kernel/log.h"
#include "kernel/patch.h"
#include "kernel/process.h"

const struct patch_ops *patch_ops;
struct patch_counts patch_counts;

vaddr_t kernel_program_ip(vaddr_t ip)
{
    struct address_space *as = current_thread()->space;

    return as && as->patches ? patch_ops->program_ip(as, ip) : ip;
}

void patch_counts_log(void)
{
    const struct patch_counts *c = &patch_counts;
    u32 refused = 0;

    for (unsigned i = 0; i < PATCH_REFUSALS; i++)
        refused += c->refused[i];
    log_info("system-call sites: %u patched by mov, %u by hole, %u refused, %u undone, %u unmapped", c->patched[PATCH_MOV],
             c->patched[PATCH_HOLE], refused, c->undone, c->forgotten);
}
