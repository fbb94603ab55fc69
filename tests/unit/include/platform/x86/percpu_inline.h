/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's version of platform/x86/percpu_inline.h: per-CPU data is an array, and the test says which CPU it is on.
 */
#ifndef PLATFORM_X86_PERCPU_INLINE_H
#define PLATFORM_X86_PERCPU_INLINE_H

__attribute__((weak)) struct percpu host_percpu[MAX_CPUS];
__attribute__((weak)) u32 host_cpu;

static inline struct percpu *this_cpu(void)
{
    host_percpu[host_cpu].cpu = host_cpu;
    return &host_percpu[host_cpu];
}

static inline struct thread *current_thread(void)
{
    return this_cpu()->current;
}

static inline void irq_disable(void)
{
    this_cpu()->irq_disable_depth++;
}

static inline void irq_enable(void)
{
    this_cpu()->irq_disable_depth--;
}

static inline bool irq_disabled(void)
{
    return this_cpu()->irq_disable_depth != 0;
}

static inline void percpu_preempt_inc(void)
{
    this_cpu()->preempt_disable_depth++;
}

static inline bool percpu_preempt_dec(void)
{
    return --this_cpu()->preempt_disable_depth == 0;
}

static inline bool percpu_need_resched(void)
{
    return false;
}

static inline void percpu_count(enum percpu_counter which)
{
    this_cpu()->counters[which]++;
}

static inline void percpu_add(enum percpu_counter which, u64 n)
{
    this_cpu()->counters[which] += n;
}

static inline void cpu_relax(void)
{
}

static inline u64 platform_cycles(void)
{
    static u64 n;
    return n += 1001;
}

#endif
