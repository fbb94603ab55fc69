/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc/cpuinfo says of a CPU, from CPUID. All CPUs of a VM are alike, so the one that runs
 * answers for any. Flag names are Linux's (they are an interface that programs parse).
 */
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "platform/platform.h"
#include "platform/x86/x86.h"

enum reg { REG_A, REG_B, REG_C, REG_D };

/*
 * Names of the bits of one register from bit 0 on, blank-separated; "-" for bits that are not
 * shown.
 */
static const struct flag_word {
    u32 leaf, subleaf;
    enum reg reg;
    const char *names;
} flag_words[] = {
    {1, 0, REG_D,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
     "acpi mmx fxsr sse "
     "sse2 ss ht tm ia64 pbe"},
    {0x80000001, 0, REG_D,
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
     "3dnowext 3dnow"},
    {1, 0, REG_C,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
     "dca sse4_1 sse4_2 "
     "x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
    {0x80000001, 0, REG_C,
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
     "skinit wdt - lwp fma4 "
     "tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx"},
    {7, 0, REG_B,
     "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f "
     "avx512dq rdseed adx "
     "smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw "
     "avx512vl"},
    {0xd, 1, REG_A, "xsaveopt xsavec xgetbv1 xsaves"},
    {7, 0, REG_C,
     "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni "
     "avx512_bitalg - "
     "avx512_vpopcntdq - la57 - - - - - rdpid - - cldemote - movdiri movdir64b"},
    {7, 0, REG_D, "- - avx512_4vnniw avx512_4fmaps fsrm"},
};

static u32 reg_of(const struct cpuid *c, enum reg r)
{
    return r == REG_A ? c->a : r == REG_B ? c->b : r == REG_C ? c->c : c->d;
}

static bool leaf_exists(u32 leaf)
{
    return leaf <= x86_cpuid(leaf & 0x80000000, 0).a;
}

static size_t add_flags(char *buf, size_t n)
{
    size_t at = 0;

    for (size_t k = 0; k < sizeof(flag_words) / sizeof(flag_words[0]); k++) {
        const struct flag_word *w = &flag_words[k];
        struct cpuid c;

        if (!leaf_exists(w->leaf))
            continue;
        c = x86_cpuid(w->leaf, w->subleaf);
        const char *name = w->names;
        for (u32 bits = reg_of(&c, w->reg); *name; bits >>= 1) {
            size_t length = 0;

            while (name[length] && name[length] != ' ')
                length++;
            if (bits & 1 && name[0] != '-')
                at += (size_t)scnprintf(buf + at, n - at, " %.*s", (int)length, name);
            name += length + (name[length] == ' ');
        }
    }
    return at;
}

/* The brand string, without blanks around it. */
static void brand(char text[49])
{
    u32 words[12];

    text[0] = 0;
    if (!leaf_exists(0x80000004))
        return;
    for (u32 k = 0; k < 3; k++) {
        struct cpuid c = x86_cpuid(0x80000002 + k, 0);
        u32 four[4] = {c.a, c.b, c.c, c.d};

        memcpy(words + 4 * k, four, sizeof(four));
    }
    memcpy(text, words, 48);
    text[48] = 0;
    while (*text == ' ')
        memmove(text, text + 1, strlen(text));
    for (size_t n = strlen(text); n && text[n - 1] == ' ';)
        text[--n] = 0;
}

/* The clock source's rate in kHz, 0 if it is not the TSC. */
static u64 tsc_khz(void)
{
    struct clock_params p;

    if (!platform_clock_params(&p) || !p.mult)
        return 0;
    return (1000000ull << p.shift) / p.mult;
}

size_t platform_cpu_description(unsigned cpu, char *buf, size_t n)
{
    struct cpuid id = x86_cpuid(0, 0), version = x86_cpuid(1, 0);
    u32 family = version.a >> 8 & 15, model = version.a >> 4 & 15, vendor[3] = {id.b, id.d, id.c};
    unsigned cpus = platform_cpu_count();
    char name[49], vendor_name[13] = "";
    u64 khz = tsc_khz();
    size_t at;

    if (family == 6 || family == 15)
        model |= version.a >> 12 & 0xf0;
    if (family == 15)
        family += version.a >> 20 & 0xff;
    memcpy(vendor_name, vendor, sizeof(vendor));
    brand(name);
    at = (size_t)scnprintf(buf, n,
                           "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
                           cpu, vendor_name, family, model);
    at += (size_t)scnprintf(buf + at, n - at, "model name\t: %s\nstepping\t: %u\n", name,
                            version.a & 15);
    if (khz)
        at += (size_t)scnprintf(buf + at, n - at, "cpu MHz\t\t: %llu.%03llu\n",
                                (unsigned long long)khz / 1000, (unsigned long long)khz % 1000);
    at += (size_t)scnprintf(buf + at, n - at,
                            "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
                            cpus, cpu, cpus);
    at += (size_t)scnprintf(
        buf + at, n - at,
        "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n", cpu, cpu);
    at += (size_t)scnprintf(buf + at, n - at, "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", id.a);
    at += add_flags(buf + at, n - at);
    at += (size_t)scnprintf(
        buf + at, n - at, "\nbogomips\t: %llu.%02llu\nclflush size\t: %u\ncache_alignment\t: 64\n",
        (unsigned long long)khz / 500, (unsigned long long)khz / 5 % 100,
        (version.b >> 8 & 0xff) * 8);
    if (leaf_exists(0x80000008)) {
        struct cpuid sizes = x86_cpuid(0x80000008, 0);

        at += (size_t)scnprintf(buf + at, n - at,
                                "address sizes\t: %u bits physical, %u bits virtual\n",
                                sizes.a & 0xff, sizes.a >> 8 & 0xff);
    }
    at += (size_t)scnprintf(buf + at, n - at, "\n");
    return at;
}

/* AMD CPUs without the leaf of caches: sizes in KiB and lines in two registers each. */
static bool old_cache(unsigned index, struct cpu_cache *c)
{
    static const u8 levels[] = {1, 1, 2, 3}, ways_of[16] = {0, 1, 2, 0, 4, 0, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0};
    u32 leaf = index < 2 ? 0x80000005 : 0x80000006, r, kib;

    if (index >= sizeof(levels) || !leaf_exists(leaf))
        return false;
    r = index % 2 ? x86_cpuid(leaf, 0).d : x86_cpuid(leaf, 0).c;
    kib = index < 2 ? r >> 24 : index == 2 ? r >> 16 : (r >> 18) * 512;
    c->level = levels[index];
    c->type = index == 0 ? CACHE_DATA : index == 1 ? CACHE_INSTRUCTION : CACHE_UNIFIED;
    c->line = r & 0xff;
    c->ways = index < 2 ? r >> 16 & 0xff : ways_of[r >> 12 & 15];
    c->sharing = index == 3 ? MAX_CPUS : 1;
    if (!kib || !c->line || !c->ways)
        return false;
    c->sets = kib * 1024 / c->line / c->ways;
    return true;
}

bool platform_cpu_cache(unsigned index, struct cpu_cache *c)
{
    bool amd = leaf_exists(0x80000001) && x86_cpuid(0x80000001, 0).c & 1u << 22; /* topology extensions */
    u32 leaf = amd ? 0x8000001d : 4;
    struct cpuid id;

    if (!leaf_exists(leaf) || !(x86_cpuid(leaf, 0).a & 31))
        return old_cache(index, c);
    id = x86_cpuid(leaf, index);
    if (!(id.a & 31))
        return false;
    *c = (struct cpu_cache){.level = id.a >> 5 & 7, .line = (id.b & 0xfff) + 1, .sets = id.c + 1,
                            .ways = ((id.b >> 22) + 1) * ((id.b >> 12 & 0x3ff) + 1), .type = (id.a & 31) - 1};
    for (c->sharing = 1; c->sharing < (id.a >> 14 & 0xfff) + 1;)
        c->sharing *= 2; /* numbers are given out in powers of two */
    return true;
}
