/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inline parts of platform.h for x86-64. GS base points at this CPU's struct percpu while the
 * kernel runs. Included by platform.h only.
 */
#ifndef PLATFORM_X86_PERCPU_INLINE_H
#define PLATFORM_X86_PERCPU_INLINE_H

static inline struct percpu *this_cpu(void)
{
    struct percpu *p;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(p));
    return p;
}

static inline struct thread *current_thread(void)
{
    struct thread *t;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(t) : "i"(offsetof(struct percpu, current)));
    return t;
}

static inline void irq_disable(void)
{
    __asm__ volatile("incl %%gs:%c0"
                     :
                     : "i"(offsetof(struct percpu, irq_disable_depth))
                     : "memory", "cc");
}

/* Handles what arrived while masked; called with depth 0. */
void platform_irq_replay(void);

static inline void irq_enable(void)
{
    bool last;
    __asm__ volatile("decl %%gs:%c1"
                     : "=@ccz"(last)
                     : "i"(offsetof(struct percpu, irq_disable_depth))
                     : "memory");
    u32 pending;
    __asm__ volatile("movl %%gs:%c1, %0"
                     : "=r"(pending)
                     : "i"(offsetof(struct percpu, irq_pending)));
    if (unlikely(last && pending))
        platform_irq_replay();
}

static inline bool irq_disabled(void)
{
    u32 depth;
    __asm__ volatile("movl %%gs:%c1, %0"
                     : "=r"(depth)
                     : "i"(offsetof(struct percpu, irq_disable_depth)));
    return depth != 0;
}

/* preempt_disable_depth, changed in one instruction so that a migration cannot come between. */
static inline void percpu_preempt_inc(void)
{
    __asm__ volatile("incl %%gs:%c0"
                     :
                     : "i"(offsetof(struct percpu, preempt_disable_depth))
                     : "memory", "cc");
}

/* True when the depth became 0. */
static inline bool percpu_preempt_dec(void)
{
    bool zero;
    __asm__ volatile("decl %%gs:%c1"
                     : "=@ccz"(zero)
                     : "i"(offsetof(struct percpu, preempt_disable_depth))
                     : "memory");
    return zero;
}

static inline bool percpu_need_resched(void)
{
    bool need;
    __asm__ volatile("movb %%gs:%c1, %0"
                     : "=q"(need)
                     : "i"(offsetof(struct percpu, need_resched)));
    return need;
}

static inline __attribute__((always_inline)) void percpu_count(enum percpu_counter which)
{
    __asm__ volatile("incq %%gs:%c0"
                     :
                     : "i"(offsetof(struct percpu, counters) + which * sizeof(u64))
                     : "memory", "cc");
}

static inline void percpu_add(enum percpu_counter which, u64 n)
{
    __asm__ volatile("addq %1, %%gs:%c0(,%2,8)"
                     :
                     : "i"(offsetof(struct percpu, counters)), "r"(n), "r"((u64)which)
                     : "memory", "cc");
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline u64 platform_cycles(void)
{
    u32 lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (u64)hi << 32 | lo;
}

#endif
