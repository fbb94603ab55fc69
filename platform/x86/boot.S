/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the PVH entry (32 bits, paging off) to C. On hosts that interpret ring 0 each instruction
 * here costs half a microsecond or more, so: page tables are made by the assembler but for a handful of entries, no loop runs
 * over memory, and C starts as soon as the ring is chosen. The same code, cpu_start, brings up
 * secondary CPUs after their trampoline.
 *
 * Which ring: `ring=0` or `ring=3` on the command line wins; else a loop of 64 instructions is
 * timed twice, and if even the better run took more than 100 cycles an instruction on KVM, ring 0
 * is interpreted (measured: 1500 cycles; hardware: about 1; TCG: about 10 once translated).
 */
#include "platform/x86/layout.h"

#define MSR_EFER   0xc0000080
#define MSR_STAR   0xc0000081
#define MSR_LSTAR  0xc0000082
#define MSR_SFMASK 0xc0000084
#define MSR_GS     0xc0000101

#define SLOW_LOOP_CYCLES 6400

#define PTE_TABLE 0x07 /* present, writable, user */
#define PTE_NX_HIGH 0x80000000 /* in the upper half of an entry */

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_entry

    .section .boot, "awx", @progbits
    .code32
    .globl pvh_entry
pvh_entry:
    mov %ebx, boot_start_info
    mov $boot_cpu_record, %ebx

/* The tables whose few entries are not worth a page of the file each. */
.macro ENTRY_AT table, index, value, high=0
    movl $(\value), \table + (\index) * 8
    .if \high
    movl $\high, \table + (\index) * 8 + 4
    .endif
.endm
.macro KERNEL_SLOTS table
    ENTRY_AT \table, DIRECT_MAP_SLOT, direct_map_pdpt + PTE_TABLE, PTE_NX_HIGH
    ENTRY_AT \table, STACK_SLOT, stack_pdpt + PTE_TABLE
    ENTRY_AT \table, IMAGE_SLOT, image_pdpt + PTE_TABLE
    ENTRY_AT \table, DEVICE_SLOT, device_pdpt + PTE_TABLE, PTE_NX_HIGH
.endm
    ENTRY_AT boot_pml4, 0, direct_map_pdpt + PTE_TABLE
    KERNEL_SLOTS boot_pml4
    KERNEL_SLOTS kernel_pml4
    ENTRY_AT direct_map_pdpt, 0, low_pd + PTE_TABLE
    ENTRY_AT image_pdpt, 0, image_pd + PTE_TABLE
    ENTRY_AT image_pd, 0, 0xa5 /* 2 MiB, accessed, user, present, not writable */
    .set i, 0
    .rept IMAGE_DATA_PAGES
    ENTRY_AT image_pd, i+1, i*0x200000+0xe7, PTE_NX_HIGH
    .set i, i + 1
    .endr

/* EBX: record of struct cpu_boot, physical. Paging off, flat segments, interrupts off. */
    .globl cpu_start32
cpu_start32:
    mov $boot_pml4, %eax
    mov %eax, %cr3
    mov $0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
    mov %eax, %cr4
    mov $MSR_EFER, %ecx
    mov $0x901, %eax /* NXE, LME, SCE */
    xor %edx, %edx
    wrmsr
    mov $0x80010033, %eax /* PG, WP, NE, ET, MP, PE */
    mov %eax, %cr0
    lgdt boot_gdtr
    ljmp $KERNEL_CS, $1f
    .code64
1:  movabs $cpu_start, %rax
    jmp *%rax

    .balign 8
boot_gdtr:
    .word boot_gdt_end - boot_gdt - 1
    .quad boot_gdt
    .balign 8
boot_gdt:
    .quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_end:
    .globl boot_start_info
boot_start_info:
    .quad 0
/* struct cpu_boot of CPU 0; see x86.h */
    .globl boot_cpu_record
boot_cpu_record:
    .quad IMAGE_BASE + IMAGE_TEXT_PA
    .quad x86_start
    .quad 0

/* What is to be aligned to pages is by its place in kernel.ld: with an alignment of their own, sections would have it in the file as well. */
    .section .boot.tables, "aw", @progbits
low_pd: /* the first GiB in 2 MiB pages */
    .set i, 0
    .rept 512
    .quad i * 0x200000 + 0xe7
    .set i, i + 1
    .endr

    .section .boot.empty, "aw", @nobits /* zeroed by the loader, not in the file; make_tables fills in what is not */
    .globl boot_pml4, kernel_pml4, direct_map_pdpt, stack_pdpt, device_pdpt
/*
 * The root that CPUs start with. The identity map in slot 0 is for the few instructions above; the
 * kernel's own root is the same without it.
 */
boot_pml4:
    .skip 4096
kernel_pml4:
    .skip 4096
direct_map_pdpt:
    .skip 4096
stack_pdpt:
    .skip 4096
image_pdpt:
    .skip 4096
device_pdpt:
    .skip 4096
image_pd:
    .skip 4096

    .text
/*
 * RBX: struct cpu_boot, identity-mapped. Runs in ring 0 with interrupts off, and enters C in the
 * chosen ring with interrupts still off: DI = physical address of the PVH start info (CPU 0).
 */
    .globl cpu_start
cpu_start:
    mov %ebx, %ebx
    mov (%rbx), %r12                /* code page of this CPU's block */
    lea CPU_DATA_OFFSET(%r12), %r13 /* its data */
    mov 8(%rbx), %r14               /* C entry */
    movabs $boot_start_info, %rax
    mov (%rax), %rdi
    lgdt CPU_PRIVATE + PRIVATE_GDTR(%r13)
    lidt CPU_PRIVATE + PRIVATE_IDTR(%r13)
    mov $USER_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $KERNEL_DS, %eax
    mov %eax, %ss
    mov PERCPU_STACK_TOP(%r13), %rsp
    mov $TSS_SELECTOR, %eax
    ltr %ax

    mov $MSR_STAR, %ecx
    xor %eax, %eax
    mov $(USER32_CS << 16 | KERNEL_CS), %edx
    wrmsr
    mov $MSR_LSTAR, %ecx /* the system-call stub opens the code page */
    mov %r12d, %eax
    mov %r12, %rdx
    shr $32, %rdx
    wrmsr
    mov $MSR_SFMASK, %ecx
    mov $SYSCALL_FLAGS_CLEARED, %eax
    xor %edx, %edx
    wrmsr
    mov $MSR_GS, %ecx
    mov %r13d, %eax
    mov %r13, %rdx
    shr $32, %rdx
    wrmsr

    /* CR4: OSXSAVE and FSGSBASE where the CPU has them; XCR0: x87, SSE, AVX, AVX-512. */
    mov %cr4, %r15
    mov $1, %eax
    cpuid
    mov %ecx, %esi
    mov $7, %eax
    xor %ecx, %ecx
    cpuid
    test $1, %ebx
    jz 1f
    or $0x10000, %r15d
1:  bt $26, %esi
    jnc 2f
    or $0x40000, %r15d
2:  mov %r15, %cr4
    bt $26, %esi
    jnc 3f
    mov $13, %eax
    xor %ecx, %ecx
    cpuid
    and $0xe7, %eax
    xor %edx, %edx
    xor %ecx, %ecx
    xsetbv
3:
    mov x86_ring(%rip), %ebp
    test %ebp, %ebp
    jns ring_known
    call time_loop
    mov %eax, %esi
    call time_loop
    cmp %esi, %eax
    cmova %esi, %eax
    xor %ebp, %ebp
    cmp $SLOW_LOOP_CYCLES, %eax
    jb 4f
    mov $0x40000000, %eax
    cpuid
    cmp $0x4b4d564b, %ebx /* "KVMK" */
    jne 4f
    mov $3, %ebp
4:  mov %ebp, x86_ring(%rip)

ring_known:
    mov %rsp, %rax
    test %ebp, %ebp
    jz 5f
    pushq $USER_DS
    push %rax
    pushq $2
    pushq $USER_CS
    push %r14
    xor %ebp, %ebp
    iretq
5:  call *%r14
    ud2

time_loop: /* EAX: cycles of 64 instructions */
    rdtsc
    mov %eax, %r8d
    mov $32, %ecx
1:  dec %ecx
    jnz 1b
    rdtsc
    sub %r8d, %eax
    ret

/*
 * The ring-0 shim's operations, reached from ring 3 by `int3`: trap 3's stub jumps where
 * cpu_private.shim says, which x86_shim_call sets for the one it makes. Each instruction here costs a
 * microsecond where ring 0 is interpreted. Interrupts are off. Nothing is checked: kernel and
 * program share the ring, so there is nobody to protect.
 */
    .section .text.entry, "ax", @progbits
    .globl shim_wrmsr, shim_rdmsr, shim_invlpg_end, shim_load_cr3
    .globl shim_halt, shim_halted, shim_interrupts_on, shim_triple_fault
shim_wrmsr: /* ECX: register, EDX:EAX: value */
    wrmsr
    iretq
shim_rdmsr: /* ECX: register; EDX:EAX: value */
    rdmsr
    iretq
    /* RAX: address of the first page. From shim_invlpg_end - SHIM_INVLPG_SIZE * n on: n pages. */
    .set page, SHIM_INVLPG_MAX - 1
    .rept SHIM_INVLPG_MAX
    {disp32} invlpg page * 4096(%rax)
    .set page, page - 1
    .endr
shim_invlpg_end:
    iretq
shim_load_cr3: /* RAX: root */
    mov %rax, %cr3
    iretq
shim_halt:
    cmpl $0, %gs:PERCPU_IRQ_PENDING
    jne shim_halted
    sti
    hlt
shim_halted: /* interrupts see this address and return to the caller of the shim */
    iretq
shim_interrupts_on:
    orl $0x200, 16(%rsp)
    iretq
shim_triple_fault: /* RAX: ten zero bytes */
    lidt (%rax)
    ud2

/* void x86_enter_ring3(void): the caller goes on in ring 3, on the same stack. */
    .globl x86_enter_ring3
x86_enter_ring3:
    pop %rcx
    mov %rsp, %rax
    pushq $USER_DS
    push %rax
    pushq $2
    pushq $USER_CS
    push %rcx
    iretq

/*
 * Physical addresses of what lies in the low part of the image, out of reach of C's relative
 * ones.
 */
    .data
    .balign 8
    .globl boot_pml4_pa, kernel_pml4_pa, direct_map_pdpt_pa, boot_start_pa, cpu_start32_pa
boot_pml4_pa:
    .quad boot_pml4
kernel_pml4_pa:
    .quad kernel_pml4
direct_map_pdpt_pa:
    .quad direct_map_pdpt
boot_start_pa:
    .quad boot_start
cpu_start32_pa:
    .quad cpu_start32

    .globl x86_ring
    .balign 4
x86_ring: /* -1: not yet known */
    .long -1

/* CPU 0's block: what cannot wait for C. The rest is filled by cpu_block_init(). */
    .section .data.percpu, "aw", @progbits
    .globl boot_cpu_data
boot_cpu_data:
    .quad IMAGE_CPU_DATA + CPU_PERCPU /* self */
    .quad 0
    .quad boot_stack_top
    .org CPU_PRIVATE + PRIVATE_GDTR
    .word GDT_LIMIT
    .quad IMAGE_CPU_DATA + CPU_GDT
    .org CPU_PRIVATE + PRIVATE_IDTR
    .word 4095
    .quad IMAGE_CPU_DATA + CPU_IDT
    .org CPU_GDT
#define TSS_BASE (IMAGE_CPU_DATA + CPU_TSS)
    .quad 0, 0
    .quad 0x00af9b000000ffff, 0x00cf93000000ffff /* ring 0 code, data */
    .quad 0x00cffb000000ffff, 0x00cff3000000ffff /* ring 3 32-bit code, data */
    .quad 0x00affb000000ffff, 0                  /* ring 3 code */
    .quad (TSS_LIMIT & 0xffff) + ((TSS_BASE & 0xffffff) << 16) + (0x89 << 40) + ((TSS_BASE >> 24 & 0xff) << 56)
    .quad TSS_BASE >> 32

    .section .bss.percpu, "aw", @nobits
    .skip CPU_DATA_SIZE - (CPU_GDT + GDT_LIMIT + 1)

    .section .irq_ring, "aw", @nobits /* aligned to CPU_IRQ_RING_SIZE by kernel.ld */
    .globl boot_irq_ring
boot_irq_ring:
    .skip CPU_IRQ_RING_SIZE
    .skip 4096 /* guard: never touched */
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
