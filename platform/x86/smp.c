/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other CPUs: their start, function calls on them, and stopping them for a panic.
 *
 * A call is posted in one slot per target, claimed by compare-and-swap. Who waits, for a slot or for
 * an end, serves calls to its own CPU meanwhile: two CPUs may call each other with interrupts masked.
 */
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "platform/x86/x86.h"

#define ICR_INIT    0x4500
#define ICR_STARTUP 0x4600

struct call {
    void (*fn)(void *arg);
    void *arg;
    u32 left; /* CPUs that have not finished; atomic */
};

static struct call *calls[MAX_CPUS]; /* what CPU i is asked to run; atomic */

/* Masked, or with preemption disabled: must stay on this CPU. */
static void serve_calls(void)
{
    struct call **slot = &calls[this_cpu()->cpu];
    struct call *c = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
    if (!c)
        return;
    c->fn(c->arg);
    __atomic_sub_fetch(&c->left, 1, __ATOMIC_RELEASE);
}

void smp_call_interrupt(void)
{
    serve_calls();
}

void smp_call_mask(u64 mask, void (*fn)(void *arg), void *arg)
{
    irq_disable();
    unsigned self = this_cpu()->cpu;
    unsigned count = platform_cpu_count();
    bool here = mask >> self & 1;
    mask &= ~(1ull << self) & (count < 64 ? (1ull << count) - 1 : UINT64_MAX);
    struct call c = {fn, arg, 0};
    for (u64 m = mask; m; m &= m - 1)
        c.left++;
    for (u64 m = mask; m; m &= m - 1) {
        unsigned cpu = __builtin_ctzll(m);
        struct call *none = NULL;
        while (!__atomic_compare_exchange_n(&calls[cpu], &none, &c, false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_RELAXED)) {
            none = NULL;
            serve_calls();
            cpu_relax();
        }
        apic_send(private_of(cpu)->apic_id, VECTOR_CALL);
    }
    if (here)
        fn(arg);
    while (__atomic_load_n(&c.left, __ATOMIC_ACQUIRE)) {
        serve_calls();
        cpu_relax();
    }
    irq_enable();
}

void platform_call_others(void (*fn)(void *arg), void *arg)
{
    irq_disable();
    smp_call_mask(~(1ull << this_cpu()->cpu), fn, arg);
    irq_enable();
}

void platform_send_reschedule(unsigned cpu)
{
    apic_send(private_of(cpu)->apic_id, VECTOR_RESCHEDULE);
}

void platform_stop_others(void)
{
    for (unsigned i = 0; i < platform_cpu_count(); i++)
        if (i != this_cpu()->cpu)
            apic_send(private_of(i)->apic_id, VECTOR_STOP);
}

void platform_start_cpus(unsigned limit)
{
}
