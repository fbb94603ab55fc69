/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of an address space, which CPU has which one loaded, and the limits its growth is held to.
 *
 * A CPU that goes idle or runs a kernel thread keeps the last space loaded, lazily: it is not interrupted for an
 * invalidation, but sees when it comes back that it missed one. Who changes translations counts flushes up and then
 * reads the mask of CPUs; who comes back sets its bit and then reads the count: one of them sees the other. The same holds for
 * who writes code of the program (code_writes): a CPU that comes too late for the mask sees that, and its thread waits before it
 * goes back to the program. The last
 * address_space_put() has the scheduler take the space off all CPUs before the page tables go.
 */
#include <linux/capability.h>
#include <linux/mman.h>
#include "kernel/heap.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/patch.h"
#include "kernel/process.h"
#include "kernel/region.h"
#include "kernel/sched.h"

void (*address_space_release_executable)(struct file *f);

/* What each CPU has loaded; its own, masked. */
static struct loaded {
    struct address_space *space;
    u64 flushes; /* the space's count when the CPU went lazy */
    bool lazy;
} __attribute__((aligned(64))) loaded[MAX_CPUS];

struct address_space *address_space_create(void)
{
    struct address_space *as = kzalloc(sizeof(*as));
    if (!as)
        return NULL;
    as->root = platform_root_create();
    if (as->root == NO_ROOT) {
        kfree(as);
        return NULL;
    }
    as->refs = 1;
    rwlock_init(&as->lock);
    spin_init(&as->pt_lock, LOCK_PAGE_TABLE);
    as->regions.augment = region_augment;
    as->mmap_top = USER_SPACE_END;
    return as;
}

void address_space_get(struct address_space *as)
{
    __atomic_add_fetch(&as->refs, 1, __ATOMIC_RELAXED);
}

void address_space_activate(struct address_space *as)
{
    struct loaded *l = &loaded[this_cpu()->cpu];
    struct address_space *old = l->space;
    u64 bit = 1ull << this_cpu()->cpu;

    if (old == as && !l->lazy)
        return;
    if (as)
        __atomic_or_fetch(&as->cpus, bit, __ATOMIC_SEQ_CST);
    if (old != as)
        platform_root_activate(as ? as->root : NO_ROOT);
    else if (as && __atomic_load_n(&as->flushes, __ATOMIC_SEQ_CST) != l->flushes)
        platform_root_flush();
    l->space = as;
    if (old && old != as)
        __atomic_and_fetch(&old->cpus, ~bit, __ATOMIC_SEQ_CST);
    if (l->lazy && old)
        __atomic_and_fetch(&old->lazy_cpus, ~bit, __ATOMIC_SEQ_CST);
    l->lazy = false;
}

void address_space_relax(void)
{
    struct loaded *l = &loaded[this_cpu()->cpu];
    struct address_space *as = l->space;
    u64 bit = 1ull << this_cpu()->cpu;

    if (!as || l->lazy)
        return;
    l->lazy = true;
    l->flushes = __atomic_load_n(&as->flushes, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&as->lazy_cpus, bit, __ATOMIC_SEQ_CST);
    __atomic_and_fetch(&as->cpus, ~bit, __ATOMIC_SEQ_CST);
}

u64 kernel_flush_targets(struct address_space *as, bool tables_freed)
{
    __atomic_add_fetch(&as->flushes, 1, __ATOMIC_SEQ_CST);
    u64 cpus = __atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST);
    /* A lazy CPU may walk the tables still, of its own accord. */
    return tables_freed ? cpus | __atomic_load_n(&as->lazy_cpus, __ATOMIC_SEQ_CST) : cpus;
}

void address_space_put(struct address_space *as)
{
    if (__atomic_sub_fetch(&as->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (__atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST) | __atomic_load_n(&as->lazy_cpus, __ATOMIC_SEQ_CST))
        sched_unload_space(as);
    for (struct rb_node *n; (n = rb_first(&as->regions));) {
        struct region *r = container_of(n, struct region, node);
        zap_range(as, r->start, r->end);
        region_remove(as, r);
        region_free(r);
    }
    if (as->patches)
        patch_ops->release(as);
    if (as->executable)
        address_space_release_executable(as->executable);
    platform_root_destroy(as->root);
    kfree(as);
}

/* ---------------------------------------------------------------- limits */

u64 resource_limit(unsigned which)
{
    struct process *p = current_process();
    return p ? READ_ONCE(p->limits[which].rlim_cur) : RLIM_INFINITY;
}

static bool within(u64 pages, u64 more, unsigned which)
{
    u64 limit = resource_limit(which);
    return limit == RLIM_INFINITY || pages + more <= limit >> PAGE_SHIFT;
}

bool may_expand(struct address_space *as, u64 pages, u32 prot, u32 flags)
{
    if (flags & REGION_UNCOUNTED)
        return true;
    if (!within(as->total_pages, pages, RLIMIT_AS))
        return false;
    bool data = (prot & PROT_WRITE) && !(flags & (REGION_SHARED | REGION_GROWSDOWN));
    return !data || within(as->data_pages, pages, RLIMIT_DATA);
}

/*
 * Linux' heuristic mode refuses a request larger than all of RAM. The extra 128 MiB are for small VMs:
 * runtimes map tens of megabytes at start of which they touch little (Go's first arena is 64 MiB).
 */
#define COMMIT_SLACK_PAGES (128ul << (20 - PAGE_SHIFT))

int vm_overcommit;

bool may_commit(u64 pages, u32 prot, u32 flags, bool anonymous)
{
    bool counted = !(flags & REGION_NORESERVE) &&
                   (flags & REGION_SHARED ? anonymous : (prot & PROT_WRITE) != 0);
    if (!counted || READ_ONCE(vm_overcommit))
        return true;
    struct page_stats s;
    page_stats(&s);
    return pages <= s.total + COMMIT_SLACK_PAGES;
}

bool may_lock(struct address_space *as, u64 pages)
{
    if (!current_process() || capable(CAP_IPC_LOCK))
        return true;
    return within(as->locked_pages, pages, RLIMIT_MEMLOCK);
}

bool can_lock(void)
{
    return !current_process() || capable(CAP_IPC_LOCK) || resource_limit(RLIMIT_MEMLOCK) != 0;
}
