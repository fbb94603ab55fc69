/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that assembly and C of platform/x86 share: the kernel's address map, selectors, vectors,
 * the per-CPU block and the offsets of structures that entry code touches (checked by
 * _Static_assert in cpu.c). Included by platform/x86 only.
 */
#ifndef PLATFORM_X86_LAYOUT_H
#define PLATFORM_X86_LAYOUT_H

/* PML4 slots 208..211, shared by all page-table roots. Each slot is 512 GiB. */
#define DIRECT_MAP_SLOT  208 /* all RAM, read-write, never executable */
#define STACK_SLOT       209 /* per-CPU blocks of secondary CPUs, kernel stacks */
#define IMAGE_SLOT       210 /* the kernel image */
#define DEVICE_SLOT      211 /* uncached device registers */
#define KERNEL_SLOT_FIRST DIRECT_MAP_SLOT
#define KERNEL_SLOT_LAST  DEVICE_SLOT
#define STACK_AREA_BASE  0x688000000000
#define IMAGE_BASE       0x690000000000
#define DEVICE_BASE      0x698000000000

/*
 * The image lies at 1 MiB and up, packed: a machine of 4 MiB has room for it and a program. It is
 * seen twice, as text (one 2 MiB page at IMAGE_BASE, physical 0, read-only and executable) and,
 * IMAGE_DATA_VIEW above, as data (never executable). Each section is linked into the view that
 * suits it.
 */
#define IMAGE_DATA_VIEW   0x200000
#define IMAGE_DATA_PAGES  2        /* 2 MiB pages of the data view */
#define IMAGE_CPU_DATA_PA 0x110000 /* data of CPU 0's block */
#define IMAGE_TEXT_PA     0x120000 /* CPU_DATA_OFFSET must be a multiple of CPU_IRQ_RING_SIZE */
#define IMAGE_CPU_DATA    (IMAGE_BASE + IMAGE_DATA_VIEW + IMAGE_CPU_DATA_PA)

/*
 * KERNEL_SPACE_START..END is one aligned 2 TiB block, so "is this address the kernel's" is one
 * shift and one comparison in entry code.
 */
#define KERNEL_SPACE_SHIFT 41
#define KERNEL_SPACE_TAG   0x34

/*
 * Selectors. They are those of Linux user space because hosts that run ring 3 natively without
 * hardware virtualization insist on 0x33 and 0x2b; STAR then gives 0x10/0x18 for ring 0.
 */
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER32_CS 0x23
#define USER_DS   0x2b
#define USER_CS   0x33
#define TSS_SELECTOR 0x40

/* The 16 vectors of one priority class, so that a 16-bit mask holds what is pending. */
#define VECTOR_FIRST      0xe0
#define VECTOR_TIMER      0xe0
#define VECTOR_RESCHEDULE 0xe1
#define VECTOR_CALL       0xe2
#define VECTOR_STOP       0xe3
#define VECTOR_DEVICE     0xe4 /* ..0xef */
#define VECTOR_COUNT      16
#define VECTOR_SPURIOUS   0xff
#define TRAP_COUNT        32

/*
 * RFLAGS bits that `syscall` clears: TF, DF, NT, AC, ID. Not IF: in ring 3 only an interpreted iretq
 * could set it again, so system calls are entered with interrupts on and the entry code copes, in
 * both rings. (syscall_down, which is entered in ring 0 and leaves for ring 3, needs IF cleared
 * too.)
 */
#define SYSCALL_FLAGS_CLEARED 0x244500
#define SYSCALL_FLAGS_DOWN    0x244700
/* TF, DF, NT, RF, AC, ID: the kernel runs without them, and returns by iretq if the program has them. */
#define FLAGS_UNCOMMON        0x254500
#define FLAGS_LEFT_BY_TRAPS   0x240400 /* those of them that a trap or interrupt does not clear */

/* Interrupt stack table slots of the TSS. */
#define IST_EXCEPTION 1
#define IST_INTERRUPT 2
#define IST_NMI       3
#define IST_FATAL     4 /* double fault, machine check */

/*
 * The per-CPU block: one code page and, CPU_DATA_OFFSET above it, data. Code reaches its own CPU's
 * data by RIP-relative addresses, before GS or a stack is known. CPU 0's block is in the image.
 */
#define CPU_CODE_SIZE   0x1000
#define CPU_DATA_OFFSET (IMAGE_DATA_VIEW + IMAGE_CPU_DATA_PA - IMAGE_TEXT_PA)
#define CPU_BLOCK_SIZE  0x400000 /* stride of the blocks in the stack slot */
#define CPU_PERCPU      0x0000   /* struct percpu */
#define CPU_PRIVATE     0x0400   /* struct cpu_private */
#define CPU_FRAMES      0x0800   /* iret frames into ring 3: 32 traps, then 16 interrupts */
#define CPU_SYSCALL_FRAME 0x0f80 /* one more, see syscall_down */
#define CPU_GDT         0x1000
#define CPU_IDT         0x2000
#define CPU_TSS         0x3000   /* 104 bytes, then 8193 bytes of I/O permissions */
#define CPU_IST1_TOP    0x7000
#define CPU_IST3_TOP    0x8000
#define CPU_IST4_TOP    0xa000
#define CPU_DATA_SIZE   0xa000
#define CPU_IRQ_RING    0x10000 /* interrupt stack 2, 64 KiB; CPU 0's is elsewhere: boot_irq_ring */
#define CPU_IRQ_RING_SIZE 0x10000
#define CPU_IRQ_RING_TOP  0xf0  /* of the first slot */
#define TSS_LIMIT       (104 + 8192)
#define GDT_LIMIT       79

/* struct percpu */
#define PERCPU_CURRENT      8
#define PERCPU_STACK_TOP    16
#define PERCPU_SCRATCH      24
#define PERCPU_IRQ_DEPTH    36
#define PERCPU_IRQ_PENDING  44
#define PERCPU_NEED_RESCHED 48

/* struct cpu_private, from CPU_PRIVATE */
#define PRIVATE_SYSCALL_ENTRY 0
#define PRIVATE_TRAP_ENTRY    8
#define PRIVATE_EXIT_WINDOW   16
#define PRIVATE_FATAL_ENTRY   24
#define PRIVATE_SAVED_RAX     32
#define PRIVATE_CR2           40
#define PRIVATE_EXIT_RESTART  48
#define PRIVATE_PATCHED_ENTRY 56
#define PRIVATE_SHIM          64
#define PRIVATE_GDTR          72
#define PRIVATE_IDTR          88

/* struct thread_cpu */
#define THREAD_SP        0
#define THREAD_STACK_TOP 8
#define THREAD_FS_BASE   16
#define THREAD_GS_BASE   24
#define THREAD_FULL_RETURN 44

/* struct user_frame */
#define FRAME_R15     0
#define FRAME_R14     8
#define FRAME_R13     16
#define FRAME_R12     24
#define FRAME_BP      32
#define FRAME_BX      40
#define FRAME_R11     48
#define FRAME_R10     56
#define FRAME_R9      64
#define FRAME_R8      72
#define FRAME_AX      80
#define FRAME_CX      88
#define FRAME_DX      96
#define FRAME_SI      104
#define FRAME_DI      112
#define FRAME_ORIG_AX 120
#define FRAME_IP      128
#define FRAME_CS      136
#define FRAME_FLAGS   144
#define FRAME_SP      152
#define FRAME_SS      160
#define FRAME_SIZE    168
#define ARGS_SIZE     56 /* struct syscall_args */

/* struct trap: three words, then a user_frame */
#define TRAP_REGS 24
#define TRAP_SIZE (TRAP_REGS + FRAME_SIZE)

/* What x86_exit_to_user() returns: bits, 0 for the fast return from a system call. */
#define EXIT_FULL   1 /* restore every register by iretq */
#define EXIT_GS     2 /* load the program's GS base, with wrgsbase */
#define EXIT_GS_MSR 4 /* the same with wrmsr */

/* In EAX at an int3 that asks the ring-0 shim for the operation whose address is in RDX. */
#define SHIM_INVLPG_MAX  5 /* pages that one call of the shim forgets; for more, CR3 is loaded */
#define SHIM_INVLPG_SIZE 7 /* bytes of code for each */

/* Secondary CPUs start here, in real mode. One page that the memory map keeps reserved. */
#define TRAMPOLINE_PA 0x8000

#endif
