/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time. The clock is the TSC scaled by what KVM says (its clock page, which also gives the time of
 * day), by CPUID's frequency, or by a measurement against the PIT, in that order. KVM's page is
 * read at each call only where the host does not promise that one setting holds for all CPUs and
 * for ever.
 */
#include <asm/kvm_para.h>
#include "platform/x86/x86.h"

/*
 * KVM's clock page and time of day. No system header for programs declares them; source: Linux's
 * Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW and MSR_KVM_WALL_CLOCK_NEW.
 */
struct kvm_clock_page {
    u32 version; /* odd while the host writes */
    u32 unused;
    u64 tsc_timestamp, system_time; /* ns at that TSC */
    u32 tsc_to_system_mul;
    s8 tsc_shift;
    u8 flags;
    u8 unused2[2];
} __attribute__((packed));

struct kvm_wall_clock {
    u32 version, sec, nsec; /* when system_time was 0 */
};

#define CLOCK_PAGE_STABLE 1 /* the same on all CPUs and monotonic between them */

static u64 tsc_base, mult; /* ns = ((tsc - base) * mult) >> shift */
static u32 shift;
static nsec_t wall_base;
static const char *source = "none";
static struct kvm_clock_page pages[MAX_CPUS] __attribute__((aligned(64)));
static bool per_cpu_page; /* the KVM page has to be read each time */
static nsec_t page_offset; /* the page's time when our clock was 0 */

static nsec_t scale(u64 tsc)
{
    return (unsigned __int128)(tsc - tsc_base) * mult >> shift;
}

static nsec_t read_page(void)
{
    const volatile struct kvm_clock_page *p;
    u32 version;
    u64 ns, delta;
    do {
        p = &pages[this_cpu()->cpu];
        version = p->version & ~1u;
        barrier();
        delta = x86_rdtsc_ordered() - p->tsc_timestamp;
        delta = p->tsc_shift >= 0 ? delta << p->tsc_shift : delta >> -p->tsc_shift;
        ns = p->system_time + (u64)((unsigned __int128)delta * p->tsc_to_system_mul >> 32);
        barrier();
    } while (p->version != version);
    return ns;
}

nsec_t platform_clock(void)
{
    if (unlikely(per_cpu_page)) {
        static nsec_t last; /* pages of two CPUs may differ a little: never go back */
        nsec_t now = read_page() - page_offset, seen = __atomic_load_n(&last, __ATOMIC_RELAXED);
        do
            if (seen >= now)
                return seen;
        while (!__atomic_compare_exchange_n(&last, &seen, now, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED));
        return now;
    }
    return scale(x86_rdtsc_ordered());
}

u64 clock_ns_to_cycles(nsec_t ns)
{
    return (unsigned __int128)ns * ((1ull << 63) / mult << (shift - 31)) >> 32;
}

nsec_t platform_wall_base(void)
{
    return wall_base;
}

const char *platform_clock_name(void)
{
    return source;
}

bool platform_clock_params(struct clock_params *p)
{
    if (per_cpu_page)
        return false;
    *p = (struct clock_params){.tsc_base = tsc_base, .mult = mult, .offset = 0, .shift = shift};
    return true;
}

static void use_frequency(u64 hz, const char *name)
{
    shift = 32;
    mult = (NSEC_PER_SEC << 32) / hz;
    source = name;
}

static bool use_kvm(void)
{
    if (!(cpu_features.kvm_features & (1u << KVM_FEATURE_CLOCKSOURCE2)))
        return false;
    const struct kvm_clock_page *p = &pages[0];
    x86_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, data_to_phys(p) | 1);
    if (!p->tsc_to_system_mul)
        return false;
    mult = p->tsc_to_system_mul;
    shift = 32 - p->tsc_shift;
    per_cpu_page = !(p->flags & CLOCK_PAGE_STABLE) || !cpu_features.invariant_tsc || p->tsc_shift > 31;
    source = per_cpu_page ? "kvm-clock" : "kvm-tsc";
    page_offset = read_page();
    static struct kvm_wall_clock wall;
    x86_wrmsr(MSR_KVM_WALL_CLOCK_NEW, data_to_phys(&wall));
    if (wall.sec)
        wall_base = wall.sec * NSEC_PER_SEC + wall.nsec + page_offset;
    return true;
}

static bool use_cpuid(void)
{
    if (cpu_features.max_leaf < 0x15)
        return false;
    struct cpuid r = x86_cpuid(0x15, 0);
    if (!r.a || !r.b || !r.c)
        return false;
    use_frequency((u64)r.c * r.b / r.a, "tsc");
    return true;
}

static u16 pit_count(void)
{
    outb(0x43, 0); /* latch channel 0 */
    u8 low = inb(0x40);
    return low | inb(0x40) << 8;
}

/*
 * TSC frequency by about 10 ms of the PIT, which counts down at 1193182 Hz; 0 if there is no
 * PIT.
 */
static u64 measure_by_pit(void)
{
    outb(0x43, 0x30); /* channel 0, low byte then high, one shot */
    outb(0x40, 0xff);
    outb(0x40, 0xff);
    u64 start = x86_rdtsc_ordered(), now;
    u16 first = pit_count(), count;
    do {
        count = pit_count();
        now = x86_rdtsc_ordered();
        if (now - start > 1000000000 || count == 0xffff)
            return 0;
    } while (first - count < 11932);
    return (now - start) * 1193182 / (first - count);
}

static u8 cmos(u8 index)
{
    outb(0x70, index);
    return inb(0x71);
}

static unsigned from_bcd(unsigned v, bool bcd)
{
    return bcd ? (v >> 4) * 10 + (v & 15) : v;
}

/* Seconds since 1970 by the CMOS clock in UTC, or 0. */
static u64 read_rtc(void)
{
    u8 t[6], again[6];
    static const u8 reg[6] = {0, 2, 4, 7, 8, 9};
    if (cmos(0x0a) == 0xff)
        return 0;
    for (unsigned tries = 0;; tries++) {
        bool same = true;
        for (unsigned i = 0; i < 6; i++)
            t[i] = cmos(reg[i]);
        for (unsigned i = 0; i < 6; i++) {
            again[i] = cmos(reg[i]);
            same &= again[i] == t[i];
        }
        if (same && !(cmos(0x0a) & 0x80))
            break;
        if (tries == 100)
            return 0;
    }
    u8 mode = cmos(0x0b);
    bool bcd = !(mode & 4);
    unsigned hour = from_bcd(t[2] & 0x7f, bcd);
    if (!(mode & 2))
        hour = hour % 12 + (t[2] & 0x80 ? 12 : 0);
    unsigned day = from_bcd(t[3], bcd), month = from_bcd(t[4], bcd);
    unsigned year = 2000 + from_bcd(t[5], bcd);
    if (month < 1 || month > 12 || day < 1)
        return 0;
    /* Days since 1970 with March as the first month, so that leap days come last. */
    unsigned y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;
    u64 days = y * 365ull + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
    return days * 86400 + hour * 3600 + from_bcd(t[1], bcd) * 60 + from_bcd(t[0], bcd);
}

void x86_clock_init(void)
{
    if (!use_kvm() && !use_cpuid()) {
        u64 hz;
        if (cpu_features.hypervisor[0] == 't') /* TCG's APIC counts nanoseconds */
            use_frequency(apic_tsc_per_ms() * 1000, "tsc, measured by the APIC");
        else if ((hz = measure_by_pit()) != 0)
            use_frequency(hz, "tsc, measured by the PIT");
        else
            use_frequency(1000000000, "tsc, rate unknown");
    }
    tsc_base = x86_rdtsc_ordered();
    if (!wall_base && !per_cpu_page)
        wall_base = read_rtc() * NSEC_PER_SEC;
}

void x86_clock_init_cpu(void)
{
    if (per_cpu_page)
        x86_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, data_to_phys(&pages[this_cpu()->cpu]) | 1);
}
