/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC and its one-shot timer. In ring 3 the memory-mapped registers are used (2 to 3 µs,
 * an MSR by the shim costs 10), in ring 0 x2APIC and the TSC deadline where the CPU has them.
 *
 * The timer is re-armed only for an earlier deadline: one set later than what is armed waits for
 * the armed interrupt, which then arms the rest. Kernel timers move far more often than they fire.
 */
#include "platform/x86/x86.h"

#define MSR_APIC_BASE     0x1b
#define MSR_TSC_DEADLINE  0x6e0
#define MSR_X2APIC        0x800
#define MSR_KVM_PV_EOI    0x4b564d04
#define KVM_FEATURE_EOI   (1u << 6)

#define REG_ID       0x20
#define REG_TPR      0x80
#define REG_EOI      0xb0
#define REG_SPURIOUS 0xf0
#define REG_ISR_E0   0x170 /* in service, vectors 0xe0 to 0xff */
#define REG_ICR_LOW  0x300
#define REG_ICR_HIGH 0x310
#define REG_LVT_TIMER 0x320
#define REG_LVT_LINT0 0x350
#define REG_LVT_LINT1 0x360
#define REG_TIMER_COUNT   0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE  0x3e0

#define LVT_MASKED       (1u << 16)
#define LVT_TSC_DEADLINE (2u << 17)
#define DIVIDE_BY_1      0xb
#define ICR_PENDING      (1u << 12)

static volatile u32 *registers;
static bool x2apic, use_deadline;
/*
 * A host was met (KVM without hardware virtualization) whose APIC never has an interrupt in
 * service: it is ended by being delivered. Writing the end costs 2 µs there and is left out once
 * that is known.
 */
static enum { EOI_UNKNOWN, EOI_NEEDED, EOI_AUTOMATIC } eoi_kind;
static u64 ticks_per_ns; /* fixed point, 32 fraction bits */

static u32 apic_read(u32 reg)
{
    return x2apic ? (u32)x86_rdmsr(MSR_X2APIC + (reg >> 4)) : registers[reg / 4];
}

static void apic_write(u32 reg, u32 value)
{
    if (x2apic)
        x86_wrmsr(MSR_X2APIC + (reg >> 4), value);
    else
        registers[reg / 4] = value;
}

u32 apic_id(void)
{
    return x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24;
}

/* The counter's rate, against the clock, once. */
static void measure_rate(void)
{
    apic_write(REG_TIMER_COUNT, UINT32_MAX);
    u32 count = apic_read(REG_TIMER_CURRENT);
    nsec_t start = platform_clock(), now;
    do
        now = platform_clock();
    while (now - start < 100 * NSEC_PER_USEC);
    count -= apic_read(REG_TIMER_CURRENT);
    now = platform_clock();
    apic_write(REG_TIMER_COUNT, 0);
    ticks_per_ns = ((u64)count << 32) / (now - start);
    /* Round to the usual 1 GHz: the two reads above are not instantaneous. */
    if (ticks_per_ns > (1ull << 32) * 9 / 10 && ticks_per_ns < (1ull << 32) * 11 / 10)
        ticks_per_ns = 1ull << 32;
}

static void find_registers(void)
{
    if (registers)
        return;
    x2apic = x86_ring == 0 && cpu_features.x2apic;
    use_deadline = x86_ring == 0 && cpu_features.tsc_deadline;
    registers = platform_map_device(0xfee00000, PAGE_SIZE);
}

/*
 * The timer's count and the TSC when it was read. Of several readings the one that took least time, since the host may run
 * something else between the two.
 */
static u64 count_at(u32 *count)
{
    u64 best = UINT64_MAX, when = 0;
    for (unsigned i = 0; i < 8; i++) {
        u64 before = x86_rdtsc_ordered();
        u32 now = apic_read(REG_TIMER_CURRENT);
        u64 took = x86_rdtsc_ordered() - before;
        if (took < best) {
            best = took;
            when = before + took / 2;
            *count = now;
        }
    }
    return when;
}

u64 apic_tsc_per_ms(void)
{
    const unsigned ms = 4;
    find_registers();
    if (x2apic)
        x86_wrmsr(MSR_APIC_BASE, x86_rdmsr(MSR_APIC_BASE) | 0xc00);
    apic_write(REG_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
    apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(REG_LVT_TIMER, VECTOR_TIMER | LVT_MASKED);
    apic_write(REG_TIMER_COUNT, UINT32_MAX);
    u32 first, last;
    u64 start = count_at(&first), end;
    do
        end = count_at(&last);
    while (first - last < ms * 1000000);
    u64 cycles = end - start;
    apic_write(REG_TIMER_COUNT, 0);
    return cycles * 1000000 / (first - last);
}

void apic_init_cpu(void)
{
    struct cpu_private *priv = this_private();
    find_registers();
    if (x2apic)
        x86_wrmsr(MSR_APIC_BASE, x86_rdmsr(MSR_APIC_BASE) | 0xc00);
    apic_write(REG_LVT_LINT0, LVT_MASKED);
    apic_write(REG_LVT_LINT1, LVT_MASKED);
    apic_write(REG_TPR, 0);
    apic_write(REG_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
    apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(REG_LVT_TIMER, VECTOR_TIMER | (use_deadline ? LVT_TSC_DEADLINE : 0));
    if (!use_deadline && !ticks_per_ns)
        measure_rate();
    priv->apic_id = apic_id();
    /* KVM tells in a word of memory when an end-of-interrupt need not be written. */
    if (x86_ring == 0 && (cpu_features.kvm_features & KVM_FEATURE_EOI)) {
        struct pt_leaf leaf;
        vaddr_t word = (vaddr_t)&priv->pv_eoi;
        if (platform_pt_lookup(kernel_root(), word, &leaf) == 0)
            x86_wrmsr(MSR_KVM_PV_EOI, (leaf.pa + (word - leaf.va)) | 1);
    }
}

/* In the handler, before the end: is anything of our class in service? */
static void learn_eoi_kind(void)
{
    bool in_service = apic_read(REG_ISR_E0) != 0;
    eoi_kind = in_service || x86_ring == 0 ? EOI_NEEDED : EOI_AUTOMATIC;
}

void apic_eoi(void)
{
    if (unlikely(eoi_kind == EOI_UNKNOWN))
        learn_eoi_kind();
    if (eoi_kind == EOI_AUTOMATIC)
        return;
    u32 *word = &this_private()->pv_eoi;
    bool spared;
    __asm__ volatile("btrl $0, %0" : "+m"(*word), "=@ccc"(spared) : : "memory");
    if (!spared)
        apic_write(REG_EOI, 0);
}

void apic_send(u32 id, u32 command)
{
    if (x2apic) {
        x86_wrmsr(MSR_X2APIC + (REG_ICR_LOW >> 4), (u64)id << 32 | command);
        return;
    }
    while (x86_ring == 0 && (apic_read(REG_ICR_LOW) & ICR_PENDING))
        cpu_relax();
    irq_disable(); /* the two halves belong together */
    apic_write(REG_ICR_HIGH, id << 24);
    apic_write(REG_ICR_LOW, command);
    irq_enable();
}

static void arm(nsec_t deadline)
{
    nsec_t now = platform_clock();
    u64 delta = deadline > now ? deadline - now : 0;
    if (use_deadline) {
        delta = MIN(delta, 60 * NSEC_PER_SEC);
        x86_wrmsr(MSR_TSC_DEADLINE, platform_cycles() + clock_ns_to_cycles(delta));
        return;
    }
    delta = MIN(delta, NSEC_PER_SEC * 2);
    u64 ticks = (delta >> 16) * (ticks_per_ns >> 16) + (((delta & 0xffff) * ticks_per_ns) >> 32);
    apic_write(REG_TIMER_COUNT, (u32)MIN(MAX(ticks, 1ul), (u64)UINT32_MAX));
}

void platform_timer_set(nsec_t deadline)
{
    irq_disable();
    struct cpu_private *priv = this_private();
    priv->timer_wanted = deadline;
    if (deadline < priv->timer_armed) {
        priv->timer_armed = deadline;
        arm(deadline);
    }
    irq_enable();
}

/* Masked, from the timer's interrupt. */
void apic_timer_interrupt(void)
{
    struct cpu_private *priv = this_private();
    nsec_t wanted = priv->timer_wanted;
    priv->timer_armed = NSEC_NEVER;
    if (wanted == NSEC_NEVER)
        return;
    if (platform_clock() < wanted) {
        priv->timer_armed = wanted;
        arm(wanted);
        return;
    }
    priv->timer_wanted = NSEC_NEVER;
    kernel_timer_interrupt();
}
