/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four-level page tables. Every entry has the user bit: kernel and program share a ring, and in
 * ring 3 the kernel needs it; PTE_RIGHTS is the one place that says so.
 *
 * Accessed and dirty bits are set when an entry is made: a host with shadow paging takes a fault to
 * set each later. So "dirty" means "was mapped writable", and who wants to know maps pages writable
 * only on a write fault.
 *
 * Tables are changed at once and under the caller's lock; what waits for platform_pt_commit() is
 * the invalidation, and the release of table pages, which the CPU may still walk until then.
 */
#include "kernel/lib/string.h"
#include "platform/kvm/preempted.h"
#include "platform/x86/x86.h"

#define P_PRESENT 0x001ull
#define P_WRITE   0x002ull
#define P_USER    0x004ull
#define P_NOCACHE 0x018ull
#define P_ACCESS  0x020ull
#define P_DIRTY   0x040ull
#define P_HUGE    0x080ull
#define P_NONE    0x200ull /* ours, in an entry that is not present: a page without access */
#define P_NX      (1ull << 63)
#define P_ADDRESS 0x000ffffffffff000ull

#define PTE_RIGHTS P_USER
#define P_FILLED   (P_PRESENT | P_NONE)
#define P_TABLE    (P_PRESENT | P_WRITE | P_ACCESS | PTE_RIGHTS)

extern const paddr_t kernel_pml4_pa; /* the kernel's own root */

static u64 *table(u64 entry)
{
    return phys_to_virt(entry & P_ADDRESS);
}

static unsigned index_at(vaddr_t va, unsigned level)
{
    return va >> (12 + 9 * level) & 511;
}

static u64 rights(unsigned prot)
{
    if (prot == 0)
        return P_NONE | P_ACCESS;
    return P_PRESENT | P_ACCESS | PTE_RIGHTS | (prot & PTE_WRITE ? P_WRITE | P_DIRTY : 0) |
           (prot & PTE_EXEC ? 0 : P_NX) | (prot & PTE_DEVICE ? P_NOCACHE : 0);
}

static unsigned prot_of(u64 entry)
{
    if (!(entry & P_PRESENT))
        return 0;
    return PTE_READ | (entry & P_WRITE ? PTE_WRITE : 0) | (entry & P_NX ? 0 : PTE_EXEC) |
           (entry & P_NOCACHE ? PTE_DEVICE : 0);
}

static void write_entry(u64 *entry, u64 value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static void must_flush(struct pt_batch *b, vaddr_t start, vaddr_t end)
{
    b->start = MIN(b->start, start);
    b->end = MAX(b->end, end);
    b->flush = true;
}

/*
 * Keeps an unlinked table until commit. The link has bit 0 clear: not present, should a CPU
 * still walk it.
 */
static void free_later(struct pt_batch *b, paddr_t pa)
{
    *(u64 *)phys_to_virt(pa) = b->free_tables;
    b->free_tables = pa;
    b->flush = true;
}

/* The page-directory entry for va, or NULL: not there, or out of memory when create. */
static u64 *find_pde(page_root_t root, vaddr_t va, bool create)
{
    u64 *t = phys_to_virt(root);
    for (unsigned level = 3; level > 1; level--) {
        u64 *entry = &t[index_at(va, level)];
        if (!(*entry & P_PRESENT)) {
            if (!create)
                return NULL;
            paddr_t pa = kernel_table_page_alloc();
            if (!pa)
                return NULL;
            write_entry(entry, pa | P_TABLE);
        }
        t = table(*entry);
    }
    return &t[index_at(va, 1)];
}

/* Replaces a huge page by a table of the same small pages. */
static int split(struct pt_batch *b, u64 *pde, vaddr_t va)
{
    paddr_t pa = kernel_table_page_alloc();
    if (!pa)
        return -ENOMEM;
    u64 *pt = phys_to_virt(pa);
    u64 base = *pde & ~P_HUGE;
    for (unsigned i = 0; i < 512; i++)
        pt[i] = base + i * PAGE_SIZE;
    write_entry(pde, pa | P_TABLE);
    /*
     * The old translation says the same; but it must be gone before an entry of the table
     * changes.
     */
    va = ALIGN_DOWN(va, HUGE_SIZE);
    must_flush(b, va, va + HUGE_SIZE);
    return 0;
}

int platform_pt_map(struct pt_batch *b, vaddr_t va, paddr_t pa, size_t size, unsigned prot)
{
    u64 *pde = find_pde(b->root, va, true);
    if (!pde)
        return -ENOMEM;
    u64 old = *pde;
    if (size == HUGE_SIZE) {
        write_entry(pde, pa | rights(prot) | P_HUGE);
        if (old & P_FILLED) {
            must_flush(b, va, va + HUGE_SIZE);
            if (!(old & P_HUGE))
                free_later(b, old & P_ADDRESS);
        }
        return 0;
    }
    if (old & P_HUGE) {
        int error = split(b, pde, va);
        if (error)
            return error;
    } else if (!(old & P_PRESENT)) {
        paddr_t pt = kernel_table_page_alloc();
        if (!pt)
            return -ENOMEM;
        table(pt)[index_at(va, 0)] = pa | rights(prot);
        write_entry(pde, pt | P_TABLE);
        return 0;
    }
    u64 *pte = &table(*pde)[index_at(va, 0)];
    old = *pte;
    write_entry(pte, pa | rights(prot));
    if (old & P_PRESENT)
        must_flush(b, va, va + PAGE_SIZE);
    return 0;
}

int platform_pt_map_array(struct pt_batch *b, vaddr_t va, const paddr_t *pa, unsigned n, unsigned prot)
{
    u64 flags = rights(prot);
    for (unsigned i = 0; i < n;) {
        vaddr_t at = va + i * PAGE_SIZE;
        unsigned first = index_at(at, 0), count = MIN(512 - first, n - i);
        u64 *pde = find_pde(b->root, at, true);
        if (!pde)
            return -ENOMEM;
        if (!(*pde & P_HUGE)) {
            /* A new table is filled before it is linked: writes to live tables may be slow. */
            paddr_t fresh = 0;
            if (!(*pde & P_PRESENT)) {
                fresh = kernel_table_page_alloc();
                if (!fresh)
                    return -ENOMEM;
            }
            u64 *pt = table(fresh ? fresh : *pde);
            for (unsigned j = 0; j < count; j++)
                if (pa[i + j] && !(pt[first + j] & P_FILLED))
                    write_entry(&pt[first + j], pa[i + j] | flags);
            if (fresh)
                write_entry(pde, fresh | P_TABLE);
        }
        i += count;
    }
    return 0;
}

/* One walk over the filled entries of [start, end); huge and small are called for each. */
struct range_walk {
    struct pt_batch *b;
    vaddr_t start, end;
    int (*huge)(struct range_walk *w, u64 *pde, vaddr_t va);
    void (*small)(struct range_walk *w, u64 *pte, vaddr_t va);
    bool clear, upgrade;
    bool look_only; /* nothing is changed: huge pages are not split either */
    unsigned prot;
    void (*fn)(const struct pt_leaf *leaf, void *arg);
    void *arg;
};

static int walk_directory(struct range_walk *w, u64 *pd, vaddr_t base)
{
    for (unsigned i = index_at(MAX(w->start, base), 1); i < 512; i++) {
        vaddr_t va = base + i * HUGE_SIZE;
        if (va >= w->end)
            break;
        if (!(pd[i] & P_FILLED))
            continue;
        vaddr_t from = MAX(w->start, va), to = MIN(w->end, va + HUGE_SIZE);
        if (pd[i] & P_HUGE) {
            if (to - from == HUGE_SIZE || w->look_only) {
                int error = w->huge(w, &pd[i], va);
                if (error)
                    return error;
                continue;
            }
            int error = split(w->b, &pd[i], va);
            if (error)
                return error;
        }
        u64 *pt = table(pd[i]);
        for (; from < to; from += PAGE_SIZE)
            if (pt[index_at(from, 0)] & P_FILLED)
                w->small(w, &pt[index_at(from, 0)], from);
    }
    return 0;
}

static int walk_range(struct range_walk *w)
{
    u64 *pml4 = phys_to_virt(w->b->root);
    for (vaddr_t va = w->start; va < w->end;) {
        u64 *entry = &pml4[index_at(va, 3)];
        if (!(*entry & P_PRESENT) || is_kernel_address(va)) {
            va = ALIGN_DOWN(va, 1ull << 39) + (1ull << 39);
            continue;
        }
        u64 pd = table(*entry)[index_at(va, 2)];
        vaddr_t base = ALIGN_DOWN(va, 1ull << 30);
        if (pd & P_PRESENT) {
            int error = walk_directory(w, table(pd), base);
            if (error)
                return error;
        }
        va = base + (1ull << 30);
    }
    return 0;
}

static void visit(struct range_walk *w, u64 *entry, vaddr_t va, size_t size)
{
    u64 old = w->clear ? __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL) : *entry;
    if (w->clear && (old & P_PRESENT))
        must_flush(w->b, va, va + size);
    struct pt_leaf leaf = {
        .va = va,
        .pa = old & P_ADDRESS,
        .size = size,
        .prot = prot_of(old),
        .dirty = old & P_DIRTY,
        .accessed = old & P_ACCESS,
    };
    w->fn(&leaf, w->arg);
}

static int visit_huge(struct range_walk *w, u64 *pde, vaddr_t va)
{
    visit(w, pde, va, HUGE_SIZE);
    return 0;
}

static void visit_small(struct range_walk *w, u64 *pte, vaddr_t va)
{
    visit(w, pte, va, PAGE_SIZE);
}

int platform_pt_walk(struct pt_batch *b, vaddr_t start, vaddr_t end, bool clear,
                     void (*fn)(const struct pt_leaf *leaf, void *arg), void *arg)
{
    struct range_walk w = {.b = b, .start = start, .end = end, .huge = visit_huge,
                           .small = visit_small, .clear = clear, .look_only = !clear, .fn = fn, .arg = arg};
    return walk_range(&w);
}

static void protect(struct range_walk *w, u64 *entry, vaddr_t va, size_t size)
{
    unsigned prot = w->prot;
    u64 old = *entry;
    if (!w->upgrade && !(old & P_WRITE))
        prot &= ~PTE_WRITE;
    u64 new = (old & (P_ADDRESS | P_HUGE | P_DIRTY | P_NOCACHE)) | rights(prot);
    if (new == old)
        return;
    write_entry(entry, new);
    /* A CPU that remembers less than is allowed now faults once and forgets it. */
    bool less = (old & P_WRITE & ~new) || (new & P_NX & ~old) || !(new & P_PRESENT);
    if ((old & P_PRESENT) && less)
        must_flush(w->b, va, va + size);
}

static int protect_huge(struct range_walk *w, u64 *pde, vaddr_t va)
{
    protect(w, pde, va, HUGE_SIZE);
    return 0;
}

static void protect_small(struct range_walk *w, u64 *pte, vaddr_t va)
{
    protect(w, pte, va, PAGE_SIZE);
}

int platform_pt_protect(struct pt_batch *b, vaddr_t start, vaddr_t end, unsigned prot, bool upgrade)
{
    struct range_walk w = {.b = b, .start = start, .end = end, .huge = protect_huge,
                           .small = protect_small, .prot = prot, .upgrade = upgrade};
    return walk_range(&w);
}

int platform_pt_move(struct pt_batch *b, vaddr_t from, vaddr_t to, size_t size)
{
    for (size_t done = 0; done < size;) {
        u64 *pde = find_pde(b->root, from + done, false);
        if (!pde || !(*pde & P_FILLED)) {
            done = ALIGN_DOWN(from + done, HUGE_SIZE) + HUGE_SIZE - from;
            continue;
        }
        bool whole = !((from + done) & (HUGE_SIZE - 1)) && size - done >= HUGE_SIZE;
        if (whole && !((to + done) & (HUGE_SIZE - 1))) {
            /* Both aligned: the huge page, or the table itself, moves. */
            u64 *target = find_pde(b->root, to + done, true);
            if (!target)
                return -ENOMEM;
            if ((*target & P_PRESENT) && !(*target & P_HUGE))
                free_later(b, *target & P_ADDRESS);
            write_entry(target, *pde);
            write_entry(pde, 0);
            must_flush(b, from + done, from + done + HUGE_SIZE);
            must_flush(b, to + done, to + done + HUGE_SIZE);
            done += HUGE_SIZE;
            continue;
        }
        if (*pde & P_HUGE) {
            int error = split(b, pde, from + done);
            if (error)
                return error;
        }
        u64 *pte = &table(*pde)[index_at(from + done, 0)];
        u64 old = *pte;
        if (old & P_FILLED) {
            int error = platform_pt_map(b, to + done, old & P_ADDRESS, PAGE_SIZE, prot_of(old));
            if (error)
                return error;
            write_entry(pte, 0);
            must_flush(b, from + done, from + done + PAGE_SIZE);
        }
        done += PAGE_SIZE;
    }
    return 0;
}

int platform_pt_lookup(page_root_t root, vaddr_t va, struct pt_leaf *leaf)
{
    u64 *pde = find_pde(root, va, false);
    if (!pde || !(*pde & P_FILLED))
        return -ENOENT;
    size_t size = *pde & P_HUGE ? HUGE_SIZE : PAGE_SIZE;
    u64 entry = *pde & P_HUGE ? *pde : table(*pde)[index_at(va, 0)];
    if (!(entry & P_FILLED))
        return -ENOENT;
    *leaf = (struct pt_leaf){
        .va = ALIGN_DOWN(va, size),
        .pa = entry & P_ADDRESS & ~(size - 1),
        .size = size,
        .prot = prot_of(entry),
        .dirty = entry & P_DIRTY,
        .accessed = entry & P_ACCESS,
    };
    return 0;
}

static bool all_empty(const u64 *t)
{
    for (unsigned i = 0; i < 512; i++)
        if (t[i])
            return false;
    return true;
}

void platform_pt_free_tables(struct pt_batch *b, vaddr_t start, vaddr_t end)
{
    u64 *pml4 = phys_to_virt(b->root);
    for (vaddr_t va = ALIGN_UP(start, HUGE_SIZE); va + HUGE_SIZE <= end;) {
        u64 *l4 = &pml4[index_at(va, 3)];
        if (!(*l4 & P_PRESENT) || is_kernel_address(va)) {
            va = ALIGN_DOWN(va, 1ull << 39) + (1ull << 39);
            continue;
        }
        u64 *l3 = &table(*l4)[index_at(va, 2)];
        vaddr_t gib = ALIGN_DOWN(va, 1ull << 30), next = gib + (1ull << 30);
        if (!(*l3 & P_PRESENT)) {
            va = next;
            continue;
        }
        for (; va < next && va + HUGE_SIZE <= end; va += HUGE_SIZE) {
            u64 *l2 = &table(*l3)[index_at(va, 1)];
            if (!(*l2 & P_PRESENT) || (*l2 & P_HUGE))
                continue;
            u64 pt = *l2;
            write_entry(l2, 0);
            must_flush(b, va, va + HUGE_SIZE);
            free_later(b, pt & P_ADDRESS);
        }
        if (gib >= start && next <= end && all_empty(table(*l3))) {
            u64 pd = *l3;
            write_entry(l3, 0);
            must_flush(b, gib, next);
            free_later(b, pd & P_ADDRESS);
        }
    }
}

/* ---------------------------------------------------------------- roots */

page_root_t kernel_root(void)
{
    return kernel_pml4_pa;
}

page_root_t platform_root_create(void)
{
    paddr_t root = kernel_table_page_alloc();
    if (!root)
        return NO_ROOT;
    u64 *from = phys_to_virt(kernel_pml4_pa), *to = phys_to_virt(root);
    for (unsigned i = KERNEL_SLOT_FIRST; i <= KERNEL_SLOT_LAST; i++)
        to[i] = from[i];
    return root;
}

static void free_level(u64 entry, unsigned level)
{
    u64 *t = table(entry);
    for (unsigned i = 0; level > 1 && i < 512; i++)
        if ((t[i] & P_PRESENT) && !(t[i] & P_HUGE))
            free_level(t[i], level - 1);
    kernel_table_page_free(entry & P_ADDRESS);
}

void platform_root_destroy(page_root_t root)
{
    u64 *pml4 = phys_to_virt(root);
    for (unsigned i = 0; i < 256; i++)
        if ((pml4[i] & P_PRESENT) && (i < KERNEL_SLOT_FIRST || i > KERNEL_SLOT_LAST))
            free_level(pml4[i], 3);
    kernel_table_page_free(root);
}

void platform_root_activate(page_root_t root)
{
    struct cpu_private *priv = this_private();
    if (root == NO_ROOT)
        root = kernel_pml4_pa;
    if (priv->root == root)
        return;
    WRITE_ONCE(priv->root, root);
    x86_load_cr3(root);
}

/* ---------------------------------------------------------------- invalidation */

void platform_root_flush(void)
{
    irq_disable();
    x86_load_cr3(this_private()->root);
    irq_enable();
}

struct flush_request {
    vaddr_t start, end;
};


static void flush_local(void *arg)
{
    struct flush_request *r = arg;
    u64 pages = (r->end - r->start) / PAGE_SIZE;
    if (pages <= SHIM_INVLPG_MAX)
        x86_invlpg(r->start, pages);
    else
        platform_root_flush();
}

/* Those of cpus that must be interrupted now: the others flush before KVM runs them again. */
static u64 without_preempted(u64 cpus)
{
    unsigned count = platform_cpu_count(), self = this_cpu()->cpu;
    for (unsigned i = 0; i < count; i++)
        if ((cpus >> i & 1) && i != self && kvm_flush_when_resumed(i))
            cpus &= ~(1ull << i);
    return cpus;
}

void platform_pt_commit(struct pt_batch *b)
{
    if (b->flush) {
        struct flush_request r = {b->start, b->end};
        if (r.start > r.end)
            r = (struct flush_request){0, UINT64_MAX & PAGE_MASK};
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        /* Ordered after the changes: a CPU that activates the root later sees them. */
        u64 cpus = b->space ? kernel_flush_targets(b->space, b->free_tables != 0) : UINT64_MAX;
        smp_call_mask(without_preempted(cpus), flush_local, &r);
    }
    for (paddr_t pa = b->free_tables; pa;) {
        paddr_t next = *(u64 *)phys_to_virt(pa);
        *(u64 *)phys_to_virt(pa) = 0;
        kernel_table_page_free(pa);
        pa = next;
    }
    b->free_tables = 0;
    b->flush = false;
    b->start = UINT64_MAX;
    b->end = 0;
}

/* ---------------------------------------------------------------- the kernel's own mappings */

static paddr_t kernel_table(void)
{
    paddr_t pa = early_pages(1);
    return pa ? pa : kernel_table_page_alloc();
}

/* Under the caller's lock. Only empty entries are filled, so nothing has to be invalidated. */
int map_kernel_page(vaddr_t va, paddr_t pa, unsigned prot)
{
    u64 *t = phys_to_virt(kernel_pml4_pa);
    for (unsigned level = 3; level > 0; level--) {
        u64 *entry = &t[index_at(va, level)];
        if (!(*entry & P_PRESENT)) {
            paddr_t next = kernel_table();
            if (!next)
                return -ENOMEM;
            write_entry(entry, next | P_TABLE);
        }
        t = table(*entry);
    }
    write_entry(&t[index_at(va, 0)], pa | rights(prot));
    return 0;
}

/* The address a kernel mapping leads to, which is removed; the caller invalidates. */
paddr_t unmap_kernel_page(vaddr_t va)
{
    u64 *pde = find_pde(kernel_pml4_pa, va, false);
    u64 *pte = &table(*pde)[index_at(va, 0)];
    paddr_t pa = *pte & P_ADDRESS;
    write_entry(pte, 0);
    return pa;
}

volatile void *platform_map_device(paddr_t pa, size_t size)
{
    static vaddr_t next = DEVICE_BASE;
    size_t pages = (ALIGN_UP(pa + size, PAGE_SIZE) - ALIGN_DOWN(pa, PAGE_SIZE)) / PAGE_SIZE;
    vaddr_t va = __atomic_fetch_add(&next, pages * PAGE_SIZE, __ATOMIC_RELAXED);
    for (size_t i = 0; i < pages; i++)
        if (map_kernel_page(va + i * PAGE_SIZE, ALIGN_DOWN(pa, PAGE_SIZE) + i * PAGE_SIZE,
                            PTE_READ | PTE_WRITE | PTE_DEVICE) != 0)
            return NULL;
    return (volatile void *)(va + (pa & (PAGE_SIZE - 1)));
}
