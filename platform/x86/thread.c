/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as the CPU sees them: stacks, first entry, the switch, FS and GS base. Runs on the CPU it
 * changes; the scheduler calls it masked.
 */
#include "platform/x86/x86.h"

#define MSR_FS_BASE 0xc0000100

extern char platform_thread_start[];
struct thread_cpu *switch_stacks(struct thread_cpu *prev, struct thread_cpu *next);

void platform_thread_init(struct thread_cpu *cpu, void (*entry)(void *arg), void *arg)
{
    u64 *sp = (u64 *)(cpu->kernel_stack_top - FRAME_SIZE - 8);
    *--sp = (u64)platform_thread_start;
    *--sp = 0; /* rbp */
    *--sp = 0; /* rbx */
    *--sp = (u64)entry;
    *--sp = (u64)arg;
    *--sp = 0; /* r14 */
    *--sp = 0; /* r15 */
    cpu->kernel_sp = (vaddr_t)sp;
}

static u64 read_fs(void)
{
    u64 base;
    if (!cpu_features.fsgsbase)
        return x86_rdmsr(MSR_FS_BASE);
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static void write_fs(u64 base)
{
    if (!cpu_features.fsgsbase)
        x86_wrmsr(MSR_FS_BASE, base);
    else
        __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

struct thread_cpu *platform_switch(struct thread_cpu *prev, struct thread_cpu *next)
{
    struct percpu *cpu = this_cpu();
    cpu->counters[COUNT_SWITCHES]++;
    if (prev->xsave)
        prev->fs_base = read_fs();
    if (next->xsave)
        write_fs(next->fs_base);
    fpu_switch(prev, next);
    cpu->kernel_stack_top = next->kernel_stack_top;
    return switch_stacks(prev, next);
}

void platform_set_fs_base(struct thread_cpu *cpu, u64 base)
{
    cpu->fs_base = base;
    write_fs(base);
}

u64 platform_get_fs_base(struct thread_cpu *cpu)
{
    return cpu->fs_base = read_fs();
}

/* Loaded on the way back to the program; while the kernel runs GS is its own. */
void platform_set_gs_base(struct thread_cpu *cpu, u64 base)
{
    cpu->gs_base = base;
    cpu->full_return = true; /* what the fast way back does not look at */
}

u64 platform_get_gs_base(struct thread_cpu *cpu)
{
    return cpu->gs_base;
}
