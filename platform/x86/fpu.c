/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point and vector state. The kernel uses none of it, so it changes hands only at thread
 * switches. Areas are in XSAVE's standard format, as the signal frame wants them (XSAVEC's compact
 * one would have to be converted). XCR0 was set by cpu_start; without XSAVE the FXSAVE format is
 * used.
 */
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

#define FXSAVE_SIZE   512
#define HEADER_OFFSET 512

void fpu_init(void)
{
    if (!cpu_features.xsave) {
        cpu_features.xsave_size = FXSAVE_SIZE;
        cpu_features.xcr0 = 3;
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

void platform_xsave_init(void *area)
{
    memset(area, 0, cpu_features.xsave_size);
    *(u16 *)area = 0x37f;               /* x87 control word: all exceptions masked */
    *((u32 *)area + 6) = 0x1f80;        /* MXCSR: the same for SSE */
    /* All components in XSTATE_BV so that xrstor loads the words above. */
    if (cpu_features.xsave)
        *(u64 *)((char *)area + HEADER_OFFSET) = 3;
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
        __asm__ volatile("1: xrstor64 (%1)\n"
                         "2:\n"
                         ".pushsection .text.entry, \"ax\"\n"
                         "3: movb $1, %0; jmp 2b\n"
                         ".popsection\n"
                         ".pushsection .exception_table, \"a\"\n"
                         ".quad 1b, 3b\n"
                         ".popsection"
                         : "+q"(bad)
                         : "r"(area), "a"(-1), "d"(-1)
                         : "memory");
    else
        __asm__ volatile("1: fxrstor64 (%1)\n"
                         "2:\n"
                         ".pushsection .text.entry, \"ax\"\n"
                         "3: movb $1, %0; jmp 2b\n"
                         ".popsection\n"
                         ".pushsection .exception_table, \"a\"\n"
                         ".quad 1b, 3b\n"
                         ".popsection"
                         : "+q"(bad)
                         : "r"(area)
                         : "memory");
    return !bad;
}

void fpu_switch(struct thread_cpu *prev, struct thread_cpu *next)
{
    /* An area that was edited and not yet loaded is newer than the registers. */
    if (prev->xsave && !prev->xsave_dirty)
        save(prev->xsave);
    if (next->xsave && !next->xsave_dirty)
        load(next->xsave);
}

void platform_xsave_current(struct thread_cpu *cpu)
{
    if (cpu->xsave && !cpu->xsave_dirty)
        save(cpu->xsave);
}

int platform_xrstor_current(struct thread_cpu *cpu)
{
    cpu->xsave_dirty = false;
    if (load(cpu->xsave))
        return 0;
    platform_xsave_init(cpu->xsave);
    load(cpu->xsave);
    return -EINVAL;
}
