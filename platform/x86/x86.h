/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of platform/x86 share: CPU features, privileged operations in either ring, the
 * per-CPU block, and each file's functions. Only platform/ may include it.
 */
#ifndef PLATFORM_X86_X86_H
#define PLATFORM_X86_X86_H

#include "platform/platform.h"
#include "platform/x86/io.h"
#include "platform/x86/layout.h"

/* ---------------------------------------------------------------- the ring and its operations */

extern s32 x86_ring; /* 0 or 3; set once, before anything else */

/* The shim's operations; see boot.S. */
extern char shim_wrmsr[], shim_rdmsr[], shim_invlpg_end[], shim_load_cr3[], shim_halt[], shim_halted[],
    shim_interrupts_on[], shim_triple_fault[];

/* Ring 3: has the shim do one of them with these registers; EDX:EAX after it. Atomic. */
u64 x86_shim_call(char *operation, u64 ax, u64 dx, u64 cx);

static inline void x86_wrmsr(u32 msr, u64 value)
{
    if (x86_ring == 0)
        __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
    else
        x86_shim_call(shim_wrmsr, (u32)value, value >> 32, msr);
}

static inline u64 x86_rdmsr(u32 msr)
{
    u32 ax, dx;
    if (x86_ring != 0)
        return x86_shim_call(shim_rdmsr, 0, 0, msr);
    __asm__ volatile("rdmsr" : "=a"(ax), "=d"(dx) : "c"(msr));
    return (u64)dx << 32 | ax;
}

/* Forgets the translations of n pages, at most SHIM_INVLPG_MAX. */
static inline void x86_invlpg(vaddr_t va, unsigned n)
{
    if (x86_ring != 0)
        x86_shim_call(shim_invlpg_end - SHIM_INVLPG_SIZE * n, va, 0, 0);
    else
        for (unsigned i = 0; i < n; i++)
            __asm__ volatile("invlpg (%0)" : : "r"(va + i * PAGE_SIZE) : "memory");
}

/* No mapping is global, so loading CR3 forgets all translations. */
static inline void x86_load_cr3(paddr_t root)
{
    if (x86_ring == 0)
        __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
    else
        x86_shim_call(shim_load_cr3, root, 0, 0);
}

static inline void x86_interrupts_on(void)
{
    if (x86_ring == 0)
        __asm__ volatile("sti" : : : "memory");
    else
        x86_shim_call(shim_interrupts_on, 0, 0, 0);
}

/* ---------------------------------------------------------------- plain instructions */

struct cpuid {
    u32 a, b, c, d;
};

static inline struct cpuid x86_cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* Nothing that was fetched before it is executed after it. */
static inline void x86_serialize(void)
{
    __asm__ volatile("" : : : "memory");
    x86_cpuid(0, 0);
    __asm__ volatile("" : : : "memory");
}

static inline u64 x86_rdtsc_ordered(void)
{
    u32 lo, hi;
    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (u64)hi << 32 | lo;
}

/* ---------------------------------------------------------------- CPU features */

/* Filled on CPU 0 before other code runs; read-only afterwards. CPUID traps on some hosts. */
struct cpu_features {
    bool fsgsbase, xsave, xsaveopt, rdrand, rdseed, huge_1g, invariant_tsc, tsc_deadline, x2apic;
    bool rdtscp;
    u32 max_leaf, max_extended;
    u32 hwcap;          /* CPUID 1 EDX */
    u32 kvm_features;   /* CPUID 0x40000001 EAX on KVM, else 0 */
    char hypervisor[8]; /* as platform_hypervisor() tells */
    u64 xcr0;
    u32 xsave_size;
};
extern struct cpu_features cpu_features;

/* ---------------------------------------------------------------- traps and the per-CPU block */

/* What trap entries leave on the kernel stack. regs.orig_ax is -1. */
struct trap {
    u64 vector, error, cr2;
    struct user_frame regs;
};

/* Entry code's own per-CPU data, at CPU_PRIVATE in the block. */
struct cpu_private {
    u64 syscall_entry, trap_entry, exit_window, fatal_entry; /* jump targets in shared code */
    u64 saved_rax, cr2; /* ring-3 mode: what the page-fault stub put aside */
    u64 exit_restart;
    u64 patched_entry;
    u64 shim; /* ring-3 mode: where trap 3's stub jumps */
    u8 gdtr[16], idtr[16]; /* 10 bytes each */
    u32 apic_id;
    u32 pv_eoi;           /* KVM's "no end-of-interrupt needed" word, bit 0 */
    nsec_t timer_wanted;  /* deadline the kernel asked for */
    nsec_t timer_armed;   /* what the APIC timer is set to; NSEC_NEVER: not running */
    page_root_t root;     /* loaded root */
    struct thread_cpu *xsave_owner; /* whose FP state was loaded last; only to be compared */
    u64 call_pending;     /* atomic: smp.c's function call waits */
    vaddr_t code;         /* this CPU's code page */
};

/* Where a CPU starts in cpu_start; boot.S knows the layout. */
struct cpu_boot {
    vaddr_t code;
    void (*entry)(void);
};

static inline struct cpu_private *this_private(void)
{
    return (struct cpu_private *)((char *)this_cpu() + CPU_PRIVATE);
}

static inline struct cpu_private *private_of(unsigned cpu)
{
    return (struct cpu_private *)((char *)platform_percpu(cpu) + CPU_PRIVATE);
}

/* The thread_cpu of the running thread: struct thread starts with it. NULL before threads exist. */
static inline struct thread_cpu *current_cpu_state(void)
{
    return (struct thread_cpu *)current_thread();
}

/* Physical address of an object in the image's data, of a place in its text. */
static inline paddr_t data_to_phys(const volatile void *p)
{
    return (vaddr_t)p - IMAGE_BASE - IMAGE_DATA_VIEW;
}

static inline paddr_t text_to_phys(const volatile void *p)
{
    return (vaddr_t)p - IMAGE_BASE;
}

static inline bool is_kernel_address(u64 address)
{
    return address >> KERNEL_SPACE_SHIFT == KERNEL_SPACE_TAG;
}

/* cpu.c */
void cpu_features_init(void);
/* Fills a CPU's block (its tables, frames and entry pointers). */
void cpu_block_init(vaddr_t data, vaddr_t code, unsigned cpu);
/*
 * Ring 3 where `syscall` enters ring 0 (not on hosts that interpret ring 0): goes down by a
 * stub.
 */
void cpu_syscalls_from_ring0(vaddr_t code);
void cpu_add(struct percpu *p); /* makes CPU p->cpu known to platform_percpu() */

/* trap.c */
bool x86_trap(struct trap *t);
/* Handles vector (masked, in_interrupt) and ends it at the APIC. */
void x86_interrupt(unsigned vector);
int irq_vector_alloc(irq_handler_t handler, void *arg); /* a device vector or -ENOSPC */

/* memory.c */
void memory_init(paddr_t start_info);
/* n zeroed pages for tables needed before the page allocator runs; physically contiguous. */
paddr_t early_pages(unsigned n);
paddr_t memory_rsdp(void); /* ACPI's root pointer or 0 */

/* paging.c */
int map_kernel_page(vaddr_t va, paddr_t pa, unsigned prot); /* in the stack or device slots */
paddr_t unmap_kernel_page(vaddr_t va);
page_root_t kernel_root(void);

/* apic.c */
void apic_init_cpu(void);
/* TSC cycles in a millisecond by the APIC's timer, where that is known to run at 1 GHz. */
u64 apic_tsc_per_ms(void);
void apic_eoi(void);
void apic_send(u32 apic_id, u32 command); /* vector | delivery mode */
u32 apic_id(void);
void apic_timer_interrupt(void);

/* ioapic.c */
void ioapic_init(void);
int ioapic_route(unsigned gsi, bool level, unsigned vector, u32 apic);

/* smp.c */
void smp_call_interrupt(void);
/* Runs fn(arg) on each CPU in mask (this one too, directly) and waits. */
void smp_call_mask(u64 mask, void (*fn)(void *arg), void *arg);
/*
 * Runs fn(arg) here while the other CPUs in mask are held in an interrupt handler; each executes a
 * serializing instruction before it goes on. fn takes no lock. False: they did not all come in time,
 * fn was not run. Interrupts enabled, preemption disabled, no spinlock held.
 */
bool smp_stop_and_run(u64 mask, void (*fn)(void *arg), void *arg);
struct cpu_list {
    u32 apic_id[MAX_CPUS];
    unsigned count;
};
void firmware_find_cpus(struct cpu_list *list); /* firmware.c: ACPI, MP tables, fw_cfg */

/* clock.c */
void x86_clock_init(void);
u64 clock_ns_to_cycles(nsec_t ns);
void x86_clock_init_cpu(void);

/* fpu.c */
void fpu_init(void);
void fpu_switch(struct thread_cpu *prev, struct thread_cpu *next);

#endif
