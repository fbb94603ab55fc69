/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First C code of each CPU, entered by cpu_start in the chosen ring with interrupts off, and the
 * last: turning the machine off.
 */
#include "kernel/lib/string.h"
#include "kernel/params.h"
#include "platform/kvm/preempted.h"
#include "platform/x86/x86.h"

extern char cpu_code[];
extern char boot_cpu_data[];
void x86_enter_ring3(void);
void x86_start(paddr_t start_info);
void x86_start_secondary(void);

/* The value of ring= if it is there, else -1. The real parser runs much later. */
static int ring_parameter(const char *line)
{
    for (const char *p = line; (p = strstr(p, "ring=")); p++)
        if ((p == line || p[-1] == ' ') && (p[5] == '0' || p[5] == '3') && (p[6] == ' ' || !p[6]))
            return p[5] - '0';
    return -1;
}

/* Nothing is left to do when the real parser comes by, but it knows the name and its values. */
static int set_ring(const char *value)
{
    return value && (strcmp(value, "0") == 0 || strcmp(value, "3") == 0) ? 0 : -EINVAL;
}
PARAM(ring, "ring", set_ring);

static bool syscalls_enter_ring0;

/* A test asks for ring 3 where ring 0 would do. */
static void go_to_ring3(void)
{
    syscalls_enter_ring0 = true;
    cpu_syscalls_from_ring0((vaddr_t)cpu_code);
    x86_enter_ring3();
    x86_ring = 3;
    cpu_block_init((vaddr_t)boot_cpu_data, (vaddr_t)cpu_code, 0);
}

void x86_start(paddr_t start_info)
{
    cpu_block_init((vaddr_t)boot_cpu_data, (vaddr_t)cpu_code, 0);
    cpu_add((struct percpu *)boot_cpu_data);
    cpu_features_init();
    memory_init(start_info);
    int ring = ring_parameter(platform_command_line());
    if (ring == 0 && x86_ring == 3)
        panic("ring=0: this host interprets ring 0, and too few of its instructions (no xgetbv)");
    if (ring == 3 && x86_ring == 0)
        go_to_ring3();
    if (x86_ring == 3 && !cpu_features.fsgsbase)
        panic("ring 3 needs a CPU with FSGSBASE");
    platform_root_activate(NO_ROOT);
    fpu_init();
    x86_clock_init();
    apic_init_cpu();
    x86_interrupts_on();
    kernel_main();
}

void x86_start_secondary(void)
{
    if (syscalls_enter_ring0)
        cpu_syscalls_from_ring0(this_private()->code);
    platform_root_activate(NO_ROOT);
    x86_clock_init_cpu();
    apic_init_cpu();
    kvm_preempted_init_cpu();
    cpu_add(this_cpu());
    x86_interrupts_on();
    kernel_secondary_main();
}

void platform_wait_for_interrupt(void)
{
    if (x86_ring == 0)
        __asm__ volatile("cli\n"
                         "cmpl $0, %%gs:%c0\n"
                         "jne 1f\n"
                         "sti\n"
                         "hlt\n"
                         "1: sti"
                         :
                         : "i"(PERCPU_IRQ_PENDING)
                         : "memory", "cc");
    else
        x86_shim_call(shim_halt, 0, 0, 0);
}

/*
 * QEMU's isa-debug-exit first (it can hand a status over), then the keyboard controller's reset
 * line, then a triple fault: one of them ends the VM, for the VMM is told not to reboot.
 */
void platform_power_off(int status)
{
    static const u8 no_table[16];
    irq_disable();
    outl(0xf4, status);
    outb(0x64, 0xfe);
    if (x86_ring == 0)
        __asm__ volatile("lidt (%0); ud2" : : "r"(no_table));
    else
        x86_shim_call(shim_triple_fault, (u64)no_table, 0, 0);
    for (;;)
        platform_wait_for_interrupt();
}
