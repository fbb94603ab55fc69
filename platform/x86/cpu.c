/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU's features and its block: descriptor tables, task state, interrupt stacks, the frames and
 * pointers that entry.S works with. CPU 0's block is in the image, others are made by smp.c. The
 * block is complete before the CPU takes its first trap.
 */
#include <asm/hwcap2.h>
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

struct cpu_features cpu_features;

extern char cpu_code[], syscall_stack[], syscall_down[], trap_entries[], irq_entries[], shim_stubs[],
    spurious_entry[], boot_irq_ring[];
extern u8 have_fsgsbase_copy, ring3_copy;
extern char syscall_entry[], trap_entry[], patched_entry[], exit_window[], exit_restart[];
extern char boot_cpu_data[], shim_breakpoint[];

#define CHECK(structure, field, offset) _Static_assert(offsetof(structure, field) == (offset), #field)
CHECK(struct percpu, current, PERCPU_CURRENT);
CHECK(struct percpu, kernel_stack_top, PERCPU_STACK_TOP);
CHECK(struct percpu, scratch, PERCPU_SCRATCH);
CHECK(struct percpu, irq_disable_depth, PERCPU_IRQ_DEPTH);
CHECK(struct percpu, irq_pending, PERCPU_IRQ_PENDING);
CHECK(struct percpu, need_resched, PERCPU_NEED_RESCHED);
CHECK(struct cpu_private, syscall_entry, PRIVATE_SYSCALL_ENTRY);
CHECK(struct cpu_private, trap_entry, PRIVATE_TRAP_ENTRY);
CHECK(struct cpu_private, exit_window, PRIVATE_EXIT_WINDOW);
CHECK(struct cpu_private, fatal_entry, PRIVATE_FATAL_ENTRY);
CHECK(struct cpu_private, saved_rax, PRIVATE_SAVED_RAX);
CHECK(struct cpu_private, cr2, PRIVATE_CR2);
CHECK(struct cpu_private, exit_restart, PRIVATE_EXIT_RESTART);
CHECK(struct cpu_private, patched_entry, PRIVATE_PATCHED_ENTRY);
CHECK(struct cpu_private, shim, PRIVATE_SHIM);
CHECK(struct cpu_private, gdtr, PRIVATE_GDTR);
CHECK(struct cpu_private, idtr, PRIVATE_IDTR);
CHECK(struct thread_cpu, kernel_sp, THREAD_SP);
CHECK(struct thread_cpu, kernel_stack_top, THREAD_STACK_TOP);
CHECK(struct thread_cpu, fs_base, THREAD_FS_BASE);
CHECK(struct thread_cpu, gs_base, THREAD_GS_BASE);
CHECK(struct thread_cpu, full_return, THREAD_FULL_RETURN);
CHECK(struct user_frame, orig_ax, FRAME_ORIG_AX);
CHECK(struct user_frame, ip, FRAME_IP);
_Static_assert(sizeof(struct user_frame) == FRAME_SIZE, "user_frame");
_Static_assert(sizeof(struct syscall_args) == ARGS_SIZE && (FRAME_SIZE + ARGS_SIZE) % 16 == 0, "syscall_args");
_Static_assert(sizeof(struct trap) == TRAP_SIZE && TRAP_SIZE % 16 == 0, "trap");
_Static_assert(sizeof(struct percpu) <= CPU_PRIVATE, "percpu");
_Static_assert(CPU_PRIVATE + sizeof(struct cpu_private) <= CPU_FRAMES, "cpu_private");

static struct percpu *cpus[MAX_CPUS];
static unsigned cpu_count;

struct percpu *platform_percpu(unsigned cpu)
{
    return cpus[cpu];
}

unsigned platform_cpu_count(void)
{
    return __atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE);
}

void cpu_add(struct percpu *p)
{
    cpus[p->cpu] = p;
    __atomic_store_n(&cpu_count, p->cpu + 1, __ATOMIC_RELEASE);
}

void cpu_features_init(void)
{
    struct cpu_features *f = &cpu_features;
    struct cpuid r = x86_cpuid(0, 0);
    f->max_leaf = r.a;
    r = x86_cpuid(1, 0);
    f->hwcap = r.d;
    f->xsave = r.c & (1u << 26);
    f->x2apic = r.c & (1u << 21);
    f->tsc_deadline = r.c & (1u << 24);
    f->rdrand = r.c & (1u << 30);
    bool hypervisor = r.c & (1u << 31);
    if (f->max_leaf >= 7) {
        r = x86_cpuid(7, 0);
        f->fsgsbase = r.b & 1;
        f->rdseed = r.b & (1u << 18);
    }
    f->max_extended = x86_cpuid(0x80000000, 0).a;
    r = x86_cpuid(0x80000001, 0);
    f->huge_1g = r.d & (1u << 26);
    f->rdtscp = r.d & (1u << 27);
    if (f->max_extended >= 0x80000007)
        f->invariant_tsc = x86_cpuid(0x80000007, 0).d & (1u << 8);
    const char *name = "none";
    if (hypervisor) {
        r = x86_cpuid(0x40000000, 0);
        if (r.b == 0x4b4d564b) {
            name = "kvm";
            f->kvm_features = x86_cpuid(0x40000001, 0).a;
        } else if (r.b == 0x566e6558) {
            name = "xen";
        } else if (r.b == 0x54474354) {
            name = "tcg";
        } else {
            name = "other";
        }
    }
    memcpy(f->hypervisor, name, strlen(name) + 1);
    *(u8 *)phys_to_virt(text_to_phys(&have_fsgsbase_copy)) = f->fsgsbase;
}

static void set_gate(vaddr_t data, unsigned vector, vaddr_t handler, unsigned ist, unsigned dpl)
{
    u32 *gate = (u32 *)(data + CPU_IDT + 16 * vector);
    /* Ring 0 keeps interrupts on (trap gate); ring-0 stubs of ring-3 mode run with them off. */
    u32 type = x86_ring == 0 ? 0x8f00 : 0x8e00;
    gate[0] = (handler & 0xffff) | KERNEL_CS << 16;
    gate[1] = (handler & 0xffff0000) | type | dpl << 13 | ist;
    gate[2] = handler >> 32;
    gate[3] = 0;
}

static unsigned trap_stack(unsigned vector)
{
    if (vector == 2)
        return IST_NMI;
    if (vector == 8 || vector == 18)
        return IST_FATAL;
    return vector < TRAP_COUNT ? IST_EXCEPTION : IST_INTERRUPT;
}

static bool has_error_code(unsigned vector)
{
    return vector < TRAP_COUNT && (1u << vector & 0x60227d00);
}

static void tables_init(vaddr_t data, vaddr_t code)
{
    vaddr_t ring = code == (vaddr_t)cpu_code ? (vaddr_t)boot_irq_ring : data + CPU_IRQ_RING;
    const vaddr_t stack_tops[] = {0, data + CPU_IST1_TOP, ring + CPU_IRQ_RING_TOP,
                                  data + CPU_IST3_TOP, data + CPU_IST4_TOP};
    for (unsigned i = 0; i < TRAP_COUNT + VECTOR_COUNT; i++) {
        bool irq = i >= TRAP_COUNT;
        unsigned vector = irq ? VECTOR_FIRST + i - TRAP_COUNT : i;
        unsigned ist = trap_stack(vector);
        vaddr_t entry = code + (irq ? irq_entries + 16 * (i - TRAP_COUNT) - cpu_code
                                    : trap_entries + 16 * i - cpu_code);
        u64 *frame = (u64 *)(data + CPU_FRAMES + 40 * i);
        frame[0] = entry;
        frame[1] = USER_CS;
        frame[2] = 0x202;
        frame[3] = stack_tops[ist] - (has_error_code(vector) ? 48 : 40);
        frame[4] = USER_DS;
        if (x86_ring == 0)
            set_gate(data, vector, entry, ist, 0);
        else
            set_gate(data, vector, code + (shim_stubs + 32 * i - cpu_code), ist,
                     vector == 3 || vector == 4 ? 3 : 0);
    }
    u64 *frame = (u64 *)(data + CPU_SYSCALL_FRAME);
    frame[0] = code + (syscall_stack - cpu_code);
    frame[1] = USER_CS;
    frame[2] = 0x202;
    frame[3] = data + CPU_IST3_TOP; /* replaced by the first instruction */
    frame[4] = USER_DS;
    set_gate(data, VECTOR_SPURIOUS, code + (spurious_entry - cpu_code), IST_NMI, 0);

    u8 *tss = (u8 *)(data + CPU_TSS);
    u64 top;
    for (unsigned i = 1; i < ARRAY_SIZE(stack_tops); i++) {
        top = stack_tops[i];
        memcpy(tss + 36 + 8 * (i - 1), &top, 8);
    }
    top = data + CPU_IST1_TOP;
    memcpy(tss + 4, &top, 8);
    u16 io_permissions = 104; /* all zero: ring 3 may use every port */
    memcpy(tss + 102, &io_permissions, 2);
    tss[TSS_LIMIT] = 0xff;
}

void x86_fatal(struct user_frame *regs, struct percpu *cpu);

void cpu_block_init(vaddr_t data, vaddr_t code, unsigned cpu)
{
    struct percpu *p = (struct percpu *)data;
    struct cpu_private *priv = (struct cpu_private *)(data + CPU_PRIVATE);
    p->self = p;
    p->cpu = cpu;
    p->platform = priv;
    p->patched_entry = (vaddr_t)patched_entry;
    p->irq_disable_depth = 1;
    *priv = (struct cpu_private){
        .syscall_entry = (u64)syscall_entry,
        .trap_entry = (u64)trap_entry,
        .exit_window = (u64)exit_window,
        .exit_restart = (u64)exit_restart,
        .patched_entry = (u64)patched_entry,
        .shim = code + (shim_breakpoint - cpu_code),
        .fatal_entry = (u64)x86_fatal,
        .timer_wanted = NSEC_NEVER,
        .timer_armed = NSEC_NEVER,
        .code = code,
    };
    u16 limit = GDT_LIMIT;
    vaddr_t base = data + CPU_GDT;
    memcpy(priv->gdtr, &limit, 2);
    memcpy(priv->gdtr + 2, &base, 8);
    limit = 4095;
    base = data + CPU_IDT;
    memcpy(priv->idtr, &limit, 2);
    memcpy(priv->idtr + 2, &base, 8);
    if (cpu != 0) {
        u64 *gdt = (u64 *)(data + CPU_GDT);
        memcpy(gdt, boot_cpu_data + CPU_GDT, GDT_LIMIT + 1);
        base = data + CPU_TSS;
        gdt[8] = TSS_LIMIT | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
        gdt[9] = base >> 32;
    } else {
        *(u8 *)phys_to_virt(text_to_phys(&ring3_copy)) = x86_ring == 3;
    }
    tables_init(data, code);
}

u64 x86_shim_call(char *operation, u64 ax, u64 dx, u64 cx)
{
    irq_disable(); /* an interrupt's handler may have the shim do something itself */
    struct cpu_private *priv = this_private();
    priv->shim = (u64)operation;
    __asm__ volatile("int3" : "+a"(ax), "+d"(dx) : "c"(cx) : "memory");
    priv->shim = priv->code + (shim_breakpoint - cpu_code);
    irq_enable();
    return dx << 32 | (u32)ax;
}

#define MSR_LSTAR  0xc0000082
#define MSR_SFMASK 0xc0000084

void cpu_syscalls_from_ring0(vaddr_t code)
{
    x86_wrmsr(MSR_LSTAR, code + (syscall_down - cpu_code));
    x86_wrmsr(MSR_SFMASK, SYSCALL_FLAGS_DOWN);
}

int platform_ring(void)
{
    return x86_ring;
}

const char *platform_hypervisor(void)
{
    return cpu_features.hypervisor;
}

u64 platform_hwcap(void)
{
    return cpu_features.hwcap;
}

u64 platform_hwcap2(void)
{
    return cpu_features.fsgsbase ? HWCAP2_FSGSBASE : 0;
}

size_t platform_cpu_random(void *buf, size_t n)
{
    size_t done = 0;
    if (!cpu_features.rdrand && !cpu_features.rdseed)
        return 0;
    for (unsigned failures = 0; done < n && failures < 16;) {
        u64 value;
        bool ok;
        if (cpu_features.rdseed)
            __asm__ volatile("rdseed %0" : "=r"(value), "=@ccc"(ok));
        else
            __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
        if (!ok) {
            failures++;
            cpu_relax();
            continue;
        }
        size_t part = MIN(n - done, sizeof(value));
        memcpy((char *)buf + done, &value, part);
        done += part;
    }
    return done;
}
