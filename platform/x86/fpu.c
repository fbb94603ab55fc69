/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point and vector state. The kernel uses none of it, so it changes hands only at thread
 * switches, and stays in the CPU while kernel threads and the idle loop run: a thread that comes
 * back to where it ran last finds it there.
 *
 * Areas are in XSAVE's standard format and are saved with XSAVEOPT, which writes only what is not
 * initial and was changed since XRSTOR loaded that very area. (XSAVEC knows the first of the two
 * only, XSAVES is for ring 0.) What it leaves out may be anything, so nothing but XRSTOR reads an
 * area; signal frames are written by XSAVE. An area is only ever loaded by the thread it belongs
 * to, and is loaded again once anybody else wrote to it: that keeps "changed since" true.
 *
 * XCR0 was set by cpu_start; without XSAVE the FXSAVE format is used.
 */
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

#define FXSAVE_SIZE   512
#define HEADER_OFFSET 512
#define HEADER_SIZE   64
#define FEATURES_BASE 3ull /* x87 and SSE: programs take them as present without looking */

/* An instruction that may fault: bad becomes true instead. */
#define TRY(instruction)                     \
    "1: " instruction "\n"                   \
    "2:\n"                                   \
    ".pushsection .text.entry, \"ax\"\n"     \
    "3: movb $1, %0; jmp 2b\n"               \
    ".popsection\n"                          \
    ".pushsection .exception_table, \"a\"\n" \
    ".quad 1b, 3b\n"                         \
    ".popsection"

void fpu_init(void)
{
    if (!cpu_features.xsave) {
        cpu_features.xsave_size = FXSAVE_SIZE;
        cpu_features.xcr0 = FEATURES_BASE;
        return;
    }
    u32 lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    cpu_features.xcr0 = (u64)hi << 32 | lo;
    cpu_features.xsave_size = x86_cpuid(13, 0).b;
    cpu_features.xsaveopt = x86_cpuid(13, 1).a & 1;
}

unsigned platform_xsave_size(void)
{
    return cpu_features.xsave_size;
}

u64 platform_xfeatures(void)
{
    return cpu_features.xcr0;
}

void platform_xsave_init(struct thread_cpu *cpu)
{
    char *area = cpu->xsave;
    cpu->xsave_cpu = NO_CPU;
    memset(area, 0, cpu_features.xsave ? 32 : FXSAVE_SIZE);
    *(u16 *)area = 0x37f;        /* x87 control word: all exceptions masked */
    *((u32 *)area + 6) = 0x1f80; /* MXCSR: the same for SSE; XRSTOR reads it always */
    if (cpu_features.xsave)
        memset(area + HEADER_OFFSET, 0, HEADER_SIZE); /* all components initial */
}

static void save(void *area)
{
    if (!cpu_features.xsave)
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    else if (cpu_features.xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
}

/* False if the CPU refuses the area (#GP): reserved bits are set in it. */
static bool load(const void *area)
{
    bool bad = false;
    if (cpu_features.xsave)
        __asm__ volatile(TRY("xrstor64 (%1)") : "+q"(bad) : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile(TRY("fxrstor64 (%1)") : "+q"(bad) : "r"(area) : "memory");
    return !bad;
}

/* The registers of this CPU now are cpu's. */
static void own(struct thread_cpu *cpu)
{
    this_private()->xsave_owner = cpu;
    cpu->xsave_cpu = this_cpu()->cpu;
}

void fpu_switch(struct thread_cpu *prev, struct thread_cpu *next)
{
    /* An area that was edited and not yet loaded is newer than the registers. */
    if (prev->xsave && !prev->xsave_dirty)
        save(prev->xsave);
    if (!next->xsave || next->xsave_dirty)
        return;
    if (this_private()->xsave_owner == next && next->xsave_cpu == this_cpu()->cpu)
        return;
    load(next->xsave);
    own(next);
}

void platform_xsave_copy(struct thread_cpu *to)
{
    save(to->xsave);
    to->xsave_cpu = NO_CPU;
}

int platform_xsave_user(void *to)
{
    static const u8 zero[HEADER_SIZE];
    bool bad = false;
    if (!cpu_features.xsave) {
        __asm__ volatile(TRY("fxsave64 (%1)") : "+q"(bad) : "r"(to) : "memory");
        return bad ? -EFAULT : 0;
    }
    /* XSAVE writes the first word of the header only. */
    if (platform_copy_user((char *)to + HEADER_OFFSET, zero, HEADER_SIZE))
        return -EFAULT;
    __asm__ volatile(TRY("xsave64 (%1)") : "+q"(bad) : "r"(to), "a"(-1), "d"(-1) : "memory");
    u64 present = 0, *header = (u64 *)((char *)to + HEADER_OFFSET);
    if (bad || platform_copy_user(&present, header, sizeof(present)))
        return -EFAULT;
    present |= FEATURES_BASE;
    return platform_copy_user(header, &present, sizeof(present)) ? -EFAULT : 0;
}

void platform_xsave_reset(struct thread_cpu *cpu)
{
    irq_disable();
    platform_xsave_init(cpu);
    cpu->xsave_dirty = false;
    load(cpu->xsave);
    own(cpu);
    irq_enable();
}

int platform_xrstor_current(struct thread_cpu *cpu)
{
    irq_disable();
    bool good = load(cpu->xsave);
    cpu->xsave_dirty = false;
    own(cpu);
    if (!good)
        platform_xsave_reset(cpu);
    irq_enable();
    return good ? 0 : -EINVAL;
}
