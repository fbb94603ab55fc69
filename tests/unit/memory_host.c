/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's headers and the kernel's signal types do not go together: only what does not clash is included. */
#include <sys/mman.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "kernel/rwlock.h"
#include "kernel/sched.h"
#include "kernel/log.h"
#include "kernel/user.h"
#include "kernel/wait.h"
#include "platform/kvm/preempted.h"
#include "platform/x86/x86.h"
#include "tests/unit/memory_host.h"

static struct process host_process;
static struct thread host_thread = {.process = &host_process};
unsigned long host_kmalloc_budget, host_kmalloc_count;

s32 x86_ring;
char shim_wrmsr[1], shim_rdmsr[1], shim_invlpg[1], shim_invlpg_end[1], shim_load_cr3[1], shim_flush[1];
extern const paddr_t kernel_pml4_pa;
u64 x86_shim_call(char *operation, u64 ax, u64 dx, u64 cx)
{
    panic("an operation of ring 0");
}

const paddr_t kernel_pml4_pa = 0x1000; /* below the RAM that the page allocator has */

/* ---------------------------------------------------------------- RAM */

static const struct memory_range ranges[] = {
    {0, 0x100000, MEMORY_RESERVED},
    {0x100000, HOST_RAM, MEMORY_FREE},
};

const struct memory_range *platform_memory_map(unsigned *n)
{
    *n = ARRAY_SIZE(ranges);
    return ranges;
}

void host_machine(void)
{
    static bool done;
    if (done)
        return;
    done = true;
    void *ram = mmap((void *)DIRECT_MAP_BASE, HOST_RAM, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
    ASSERT(ram == (void *)DIRECT_MAP_BASE);
    page_init();
    this_cpu()->current = &host_thread;
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        host_process.limits[i].rlim_cur = host_process.limits[i].rlim_max = RLIM_INFINITY;
    host_process.limits[RLIMIT_STACK].rlim_cur = 8ul << 20;
    host_thread.cred.euid = 1000;
}

void host_limit(unsigned which, u64 value)
{
    host_process.limits[which].rlim_cur = value;
}

u64 host_free_pages(void)
{
    struct page_stats s;
    page_stats(&s);
    return s.free;
}

void *kmalloc(size_t n)
{
    if (host_kmalloc_budget && --host_kmalloc_budget == 0) {
        host_kmalloc_budget = 0;
        return NULL;
    }
    host_kmalloc_count++;
    return __builtin_malloc(n);
}

void *kzalloc(size_t n)
{
    void *p = kmalloc(n);
    return p ? memset(p, 0, n) : NULL;
}

void kfree(void *p)
{
    if (p)
        host_kmalloc_count--;
    __builtin_free(p);
}

/* ---------------------------------------------------------------- locks: one thread, so taking one twice is a deadlock */

void spin_init(struct spinlock *l, enum lock_class cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
}

void mutex_init(struct mutex *m, enum lock_class cls)
{
    memset(m, 0, sizeof(*m));
}

void mutex_lock(struct mutex *m)
{
    ASSERT(!m->owner);
    m->owner = &host_thread;
}

bool mutex_trylock(struct mutex *m)
{
    if (m->owner)
        return false;
    m->owner = &host_thread;
    return true;
}

void mutex_unlock(struct mutex *m)
{
    ASSERT(m->owner);
    m->owner = NULL;
}

void rwlock_init(struct rwlock *l)
{
    memset(l, 0, sizeof(*l));
}

void rwlock_read_lock(struct rwlock *l)
{
    ASSERT(l->state++ == 0);
}

void rwlock_read_unlock(struct rwlock *l)
{
    ASSERT(--l->state == 0);
}

void rwlock_write_lock(struct rwlock *l)
{
    rwlock_read_lock(l);
}

void rwlock_write_unlock(struct rwlock *l)
{
    rwlock_read_unlock(l);
}

void sched_unload_space(struct address_space *as)
{
    host_tlb_clear();
}

/* ---------------------------------------------------------------- the CPU */

#define TLB_ENTRIES 4096

static struct tlb_entry {
    vaddr_t va;
    paddr_t pa;
    unsigned prot;
} tlb[TLB_ENTRIES];

void host_tlb_clear(void)
{
    memset(tlb, 0, sizeof(tlb));
}

/* The caller is an ordinary user. */
__attribute__((weak)) bool capable(int capability)
{
    return false;
}

/* One CPU, and no KVM. */
unsigned platform_cpu_count(void)
{
    return 1;
}

bool kvm_flush_when_resumed(unsigned cpu)
{
    return false;
}

/* What a commit would send to the CPUs: the range to forget, as platform/x86/paging.c passes it. */
void smp_call_mask(u64 mask, void (*fn)(void *arg), void *arg)
{
    const vaddr_t *range = arg;
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        if (tlb[i].va >= range[0] && tlb[i].va < range[1])
            tlb[i].va = 0;
    }
}

static bool permits(unsigned prot, enum fault_access access)
{
    return prot & (access == FAULT_WRITE ? PTE_WRITE : access == FAULT_EXEC ? PTE_EXEC : PTE_READ);
}

bool host_access(struct address_space *as, vaddr_t va, enum fault_access access, u8 **byte, int *signo, int *code)
{
    struct tlb_entry *e = &tlb[(va >> PAGE_SHIFT) % TLB_ENTRIES];
    vaddr_t page = va & PAGE_MASK;

    for (unsigned tries = 0; tries < 4; tries++) {
        if (e->va == page && permits(e->prot, access)) {
            *byte = (u8 *)phys_to_virt(e->pa) + (va & ~PAGE_MASK);
            return true;
        }
        struct pt_leaf leaf;
        /* A fault makes the CPU forget the address. */
        e->va = 0;
        if (platform_pt_lookup(as->root, page, &leaf) == 0 && permits(leaf.prot, access)) {
            *e = (struct tlb_entry){page, leaf.pa + (page - leaf.va), leaf.prot};
            continue;
        }
        int error = address_space_fault(as, va, access, signo, code);
        if (error)
            return false;
    }
    panic("an access faults for ever at %#llx", (unsigned long long)va);
}

/* The kernel's copies reach memory of the host only. */
size_t copy_to_user_partial(void *to, const void *from, size_t n)
{
    memcpy(to, from, n);
    return 0;
}

size_t copy_from_user_partial(void *to, const void *from, size_t n)
{
    memcpy(to, from, n);
    return 0;
}

paddr_t early_pages(unsigned n)
{
    return 0;
}

void out_of_memory(struct address_space *as)
{
}
