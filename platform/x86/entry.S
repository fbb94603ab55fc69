/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way into the kernel and back to the program. The same code serves both rings.
 *
 * Interrupts are never masked by the CPU here (in ring 3 they cannot be). What keeps this right:
 *
 *  - Exceptions arrive on one interrupt stack, interrupts on another. An entry moves its frame to
 *    the thread's kernel stack (from the program: its top; from the kernel: below the interrupted
 *    RSP) and only then calls C. No program stack is ever written.
 *  - An interrupt whose interrupted RIP is in the per-CPU code page (an entry that has not left its
 *    interrupt stack, or a system call that has not yet stored the program's RSP), or in the first
 *    part of patched_entry, only sets its bit in irq_pending and the entry is resumed; entries look
 *    at irq_pending before they go on.
 *  - Interrupts may nest at the first instruction of their own entry: a host was met whose APIC
 *    ends each interrupt as it is delivered. So in ring 3 each finds a fresh slot, see STUB.
 *  - An interrupt that hits the exit window (from exit_window to exit_window_end, where registers
 *    are being restored from the frame at the top of the stack, which is only read) is handled, but
 *    returns to exit_restart with the stack pointer at that frame: work it caused is not missed.
 *
 * Ring 3: IDT gates lead to ring-0 stubs that return at once, by a prebuilt frame, into the same
 * entries. Hosts without hardware virtualization interpret the stubs: two instructions each.
 * `syscall` stays in ring 3 on such hosts and enters the stub natively.
 *
 * Offsets "D(x)" reach this CPU's data RIP-relative, so the page works as a copy at another
 * address.
 */
#include "platform/x86/layout.h"

#define D(x) (cpu_code + CPU_DATA_OFFSET + (x))(%rip)
#define PERCPU(x) D(CPU_PERCPU + (x))
#define PRIVATE(x) D(CPU_PRIVATE + (x))

/* The rest of struct user_frame, from ip down, as a system call enters: RCX = ip, RAX = number. */
    .macro PUSH_CALL_FRAME
    push %rcx
    push %rax
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    .endm

/* Direction, alignment check, ID, nested task: as the kernel wants them, 0. Uses the stack. */
    .macro CLEAN_FLAGS
    pushfq
    andq $~FLAGS_UNCOMMON, (%rsp)
    popfq
    .endm

    .section .text.percpu, "ax", @progbits
    .globl cpu_code
cpu_code:

/* ------------------------------------------------------------------ system calls: at offset 0 */

    mov %rsp, PERCPU(PERCPU_SCRATCH)
    .globl syscall_stack
syscall_stack:
    mov PERCPU(PERCPU_STACK_TOP), %rsp
    pushq $USER_DS
    pushq PERCPU(PERCPU_SCRATCH)
    push %r11
    pushq $USER_CS
    PUSH_CALL_FRAME
    lea PERCPU(0), %rdx
    cmpb $0, have_fsgsbase_copy(%rip)
    je 2f
    rdgsbase %rax
    cmp %rdx, %rax
    jne 1f
    jmp *PRIVATE(PRIVATE_SYSCALL_ENTRY)
1:  wrgsbase %rdx /* the program has a GS base of its own */
    mov PERCPU_CURRENT(%rdx), %rcx
    mov %rax, THREAD_GS_BASE(%rcx)
    jmp *PRIVATE(PRIVATE_SYSCALL_ENTRY)
2:  call set_gs_by_msr
    jmp *PRIVATE(PRIVATE_SYSCALL_ENTRY)

/*
 * Without FSGSBASE (ring 0 on old CPUs): RDX = struct percpu. Thread's base is known to the
 * kernel.
 */
set_gs_by_msr:
    push %rdx
    mov %edx, %eax
    shr $32, %rdx
    mov $0xc0000101, %ecx
    wrmsr
    pop %rdx
    ret

    .globl have_fsgsbase_copy
have_fsgsbase_copy:
    .byte 1

/* ------------------------------------------------------------------ exceptions and interrupts */

#define SLOT_CX  0
#define SLOT_AX  8
#define SLOT_VEC 16
#define SLOT_ERR 24
#define SLOT_IP  32
#define SLOT_CS  40
#define SLOT_FL  48
#define SLOT_SP  56
#define SLOT_SS  64

    .balign 16
/* RSP: vector, error code and the CPU's frame, on the interrupts' own stack. */
irq_common:
    push %rax
    push %rcx
    mov SLOT_IP(%rsp), %rax
    lea cpu_code(%rip), %rcx
    sub %rcx, %rax
    cmp $CPU_CODE_SIZE, %rax
    jb irq_record
    mov SLOT_IP(%rsp), %rax
    sub PRIVATE(PRIVATE_PATCHED_ENTRY), %rax
    cmp $PATCHED_ENTRY_SIZE, %rax
    jb irq_record
    cmpl $0, PERCPU(PERCPU_IRQ_DEPTH)
    je enter_kernel
    cmpl $KERNEL_CS, SLOT_CS(%rsp)
    je irq_halted
irq_record:
    mov SLOT_VEC(%rsp), %eax
    and $(VECTOR_COUNT - 1), %eax
    bts %eax, PERCPU(PERCPU_IRQ_PENDING)
irq_resume:
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq
irq_halted:
    /*
     * In ring 3 the only interruptible ring-0 code is the shim's hlt: return to the shim's
     * caller.
     */
    mov %cs, %eax
    cmp $KERNEL_CS, %eax
    je irq_record
    mov SLOT_VEC(%rsp), %eax
    and $(VECTOR_COUNT - 1), %eax
    bts %eax, PERCPU(PERCPU_IRQ_PENDING)
    pop %rcx
    pop %rax
    lea D(CPU_IST1_TOP - 40), %rsp
    iretq

/* The same for exceptions, on their stack. Also interrupts that are to be handled now. */
trap_common:
    push %rax
    push %rcx
enter_kernel:
    testl $FLAGS_LEFT_BY_TRAPS, SLOT_FL(%rsp)
    jz 1f
    CLEAN_FLAGS
1:
    mov SLOT_IP(%rsp), %rax
    sub PRIVATE(PRIVATE_EXIT_WINDOW), %rax
    cmp $EXIT_WINDOW_SIZE, %rax
    jb in_exit_window
    mov SLOT_SP(%rsp), %rax
    mov %rax, %rcx
    shr $KERNEL_SPACE_SHIFT, %rcx
    cmp $KERNEL_SPACE_TAG, %ecx
    je from_kernel
    mov PERCPU(PERCPU_STACK_TOP), %rax
save_frame: /* RAX: the new frame's end */
    sub $TRAP_SIZE, %rax
    mov SLOT_SS(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_SS(%rax)
    mov SLOT_SP(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_SP(%rax)
    mov SLOT_FL(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_FLAGS(%rax)
    mov SLOT_CS(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_CS(%rax)
    mov SLOT_IP(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_IP(%rax)
    movq $-1, TRAP_REGS + FRAME_ORIG_AX(%rax)
    mov %rdi, TRAP_REGS + FRAME_DI(%rax)
    mov %rsi, TRAP_REGS + FRAME_SI(%rax)
    mov %rdx, TRAP_REGS + FRAME_DX(%rax)
    mov SLOT_CX(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_CX(%rax)
    mov SLOT_AX(%rsp), %rcx
    mov %rcx, TRAP_REGS + FRAME_AX(%rax)
    mov %r8, TRAP_REGS + FRAME_R8(%rax)
    mov %r9, TRAP_REGS + FRAME_R9(%rax)
    mov %r10, TRAP_REGS + FRAME_R10(%rax)
    mov %r11, TRAP_REGS + FRAME_R11(%rax)
    mov %rbx, TRAP_REGS + FRAME_BX(%rax)
    mov %rbp, TRAP_REGS + FRAME_BP(%rax)
    mov %r12, TRAP_REGS + FRAME_R12(%rax)
    mov %r13, TRAP_REGS + FRAME_R13(%rax)
    mov %r14, TRAP_REGS + FRAME_R14(%rax)
    mov %r15, TRAP_REGS + FRAME_R15(%rax)
    mov SLOT_VEC(%rsp), %rcx
    mov %rcx, (%rax)
    mov SLOT_ERR(%rsp), %rcx
    mov %rcx, 8(%rax)
    mov PRIVATE(PRIVATE_CR2), %rcx
    mov %rcx, 16(%rax)
    mov %rax, %rsp
    lea PERCPU(0), %rdx
    cmpb $0, have_fsgsbase_copy(%rip)
    je 2f
    rdgsbase %rax
    cmp %rdx, %rax
    jne 1f
    jmp *PRIVATE(PRIVATE_TRAP_ENTRY)
1:  /* Not ours: the program's, unless the exit window had already loaded it. */
    wrgsbase %rdx
    mov TRAP_REGS + FRAME_SP(%rsp), %rcx
    shr $KERNEL_SPACE_SHIFT, %rcx
    cmp $KERNEL_SPACE_TAG, %ecx
    je 3f
    mov PERCPU_CURRENT(%rdx), %rcx
    mov %rax, THREAD_GS_BASE(%rcx)
3:  jmp *PRIVATE(PRIVATE_TRAP_ENTRY)
2:  call set_gs_by_msr
    jmp *PRIVATE(PRIVATE_TRAP_ENTRY)

in_exit_window:
    mov PRIVATE(PRIVATE_EXIT_RESTART), %rax
    mov %rax, SLOT_IP(%rsp)
    mov PERCPU(PERCPU_STACK_TOP), %rax
    sub $FRAME_SIZE, %rax
    mov %rax, SLOT_SP(%rsp)
    and $-16, %rax
    jmp save_frame

from_kernel:
    /*
     * On the running thread's kernel stack, with room left? If not, say so on a stack of its
     * own.
     */
    mov PERCPU(PERCPU_STACK_TOP), %rcx
    sub %rax, %rcx
    cmp $(16384 - 1024), %rcx
    ja stack_overflow
    and $-16, %rax
    jmp save_frame

stack_overflow:
    lea D(CPU_IST4_TOP), %rax
    jmp save_frame

    .macro TRAP n
    .balign 16
    .globl trap_entry_\n
trap_entry_\n:
    .if \n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21 || \n == 29 || \n == 30
    .else
    pushq $0
    .endif
    pushq $\n
    .if \n == 14
    jmp page_fault
    .elseif \n == 2 || \n == 8 || \n == 18
    jmp fatal_common
    .else
    jmp trap_common
    .endif
    .endm

    .balign 16
    .globl trap_entries
trap_entries:
    .altmacro
    .set n, 0
    .rept TRAP_COUNT
    TRAP %n
    .set n, n + 1
    .endr

page_fault: /* ring 0: CR2 is ours to read; ring 3: the stub has put RAX aside and CR2 in RAX */
    cmpb $0, ring3_copy(%rip)
    jne 1f
    push %rax
    mov %cr2, %rax
    mov %rax, PRIVATE(PRIVATE_CR2)
    push %rcx
    jmp enter_kernel
1:  mov %rax, PRIVATE(PRIVATE_CR2)
    pushq PRIVATE(PRIVATE_SAVED_RAX)
    push %rcx
    jmp enter_kernel

    .globl ring3_copy
ring3_copy:
    .byte 0

/* NMI, double fault, machine check: handled where they arrived, on their own stacks. */
fatal_common:
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    lea PERCPU(0), %rsi
    mov %rsp, %rdi
    mov %rsp, %rbp
    and $-16, %rsp
    call *PRIVATE(PRIVATE_FATAL_ENTRY)
    mov %rbp, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    add $16, %rsp
    iretq

    .balign 16
    .globl irq_entries
irq_entries:
    .set n, 0
    .rept VECTOR_COUNT
    .balign 16
    pushq $0
    pushq $(VECTOR_FIRST + n)
    jmp irq_common
    .set n, n + 1
    .endr

/* ------------------------------------------------------------------ ring-0 stubs of ring-3 mode */

/*
 * Interrupt stack 2 is a ring of 256 slots of 256 bytes, 64 KiB aligned: decrementing the second
 * byte of its pointer in the TSS gives the next interrupt the next slot, so that a frame survives
 * until its entry has left it, however many interrupts arrive meanwhile.
 */

    .macro STUB n
    .balign 32
    .if \n == 14
    mov %rax, PRIVATE(PRIVATE_SAVED_RAX)
    mov %cr2, %rax
    .elseif \n == 3
    jmp *PRIVATE(PRIVATE_SHIM) /* an operation of the shim, or on */
    .globl shim_breakpoint
shim_breakpoint:
    .elseif \n >= TRAP_COUNT
    decb D(CPU_TSS + 36 + 8 * (IST_INTERRUPT - 1) + 1)
    mov %rsp, D(CPU_FRAMES + 40 * \n + 24)
    .endif
    lea D(CPU_FRAMES + 40 * \n), %rsp
    iretq
    .endm

    .balign 32
    .globl shim_stubs
shim_stubs:
    .set n, 0
    .rept TRAP_COUNT + VECTOR_COUNT
    STUB %n
    .set n, n + 1
    .endr
    .globl spurious_entry
spurious_entry:
    iretq

/*
 * `syscall` in ring-3 mode on a CPU that really enters ring 0, where a test asked for that; IF
 * is 0.
 */
    .globl syscall_down
syscall_down:
    mov %rsp, PERCPU(PERCPU_SCRATCH)
    lea D(CPU_SYSCALL_FRAME), %rsp
    iretq

    .org CPU_CODE_SIZE

/* ------------------------------------------------------------------ shared code */

    .section .text.entry, "ax", @progbits
    .globl syscall_entry, trap_entry, exit_restart, platform_enter_user, platform_thread_start

/* RSP: struct user_frame at the top of the thread's kernel stack. GS is the kernel's. */
syscall_entry:
    xor %ebp, %ebp
    cmpl $0, %gs:PERCPU_IRQ_PENDING
    jne 2f
1:  mov %rsp, %rdi
    sub $8, %rsp
    call x86_syscall
    add $8, %rsp
    jmp exit_restart
2:  sub $8, %rsp
    call platform_irq_replay
    add $8, %rsp
    jmp 1b

/*
 * From a trampoline of a patched site: RCX and RAX as after `syscall`, GS is the kernel's (the
 * trampoline jumped through it), RSP and the flags are the program's. Up to patched_entry_end
 * interrupts are only recorded, as in the per-CPU code: the stack pointer of the program is nowhere
 * else, and the frame not complete.
 */
    .globl patched_entry
    .balign 16
patched_entry:
    mov %rsp, %gs:PERCPU_SCRATCH
    mov %gs:PERCPU_STACK_TOP, %rsp
    pushq $USER_DS
    pushq %gs:PERCPU_SCRATCH
    pushfq
    mov (%rsp), %r11
    pushq $USER_CS
    PUSH_CALL_FRAME
patched_entry_end:
    .set PATCHED_ENTRY_SIZE, patched_entry_end - patched_entry
    test $FLAGS_UNCOMMON, %r11d
    jnz 3f
1:  cmpl $0, %gs:PERCPU_IRQ_PENDING
    jne 2f
    mov %gs:PERCPU_CURRENT, %rax
    xor %ebp, %ebp
    movb $0, THREAD_FULL_RETURN(%rax)
    mov %rsp, %rax
    push %rax /* struct syscall_args */
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push %rdi
    mov %rsp, %rdi
    call kernel_syscall
    add $ARGS_SIZE, %rsp
    jmp patched_exit
2:  sub $8, %rsp
    call platform_irq_replay
    add $8, %rsp
    mov FRAME_R10(%rsp), %r10
    mov FRAME_R9(%rsp), %r9
    mov FRAME_R8(%rsp), %r8
    mov FRAME_DX(%rsp), %rdx
    mov FRAME_SI(%rsp), %rsi
    mov FRAME_DI(%rsp), %rdi
    jmp 1b
3:  CLEAN_FLAGS
    jmp 1b

/* RSP: struct trap. */
trap_entry:
    mov %rsp, %rdi
    call x86_trap
    lea TRAP_REGS(%rsp), %rsp
    test %al, %al /* a bool: the rest of EAX means nothing */
    jnz exit_restart
    /* Back to interrupted kernel code. Nothing to check: interrupts nest here without harm. */
    mov FRAME_R15(%rsp), %r15
    mov FRAME_R14(%rsp), %r14
    mov FRAME_R13(%rsp), %r13
    mov FRAME_R12(%rsp), %r12
    mov FRAME_BP(%rsp), %rbp
    mov FRAME_BX(%rsp), %rbx
    mov FRAME_R11(%rsp), %r11
    mov FRAME_R10(%rsp), %r10
    mov FRAME_R9(%rsp), %r9
    mov FRAME_R8(%rsp), %r8
    mov FRAME_AX(%rsp), %rax
    mov FRAME_CX(%rsp), %rcx
    mov FRAME_DX(%rsp), %rdx
    mov FRAME_SI(%rsp), %rsi
    mov FRAME_DI(%rsp), %rdi
    lea FRAME_IP(%rsp), %rsp
    iretq

/* void platform_enter_user(void). RSP is never above the frame: an interrupt would be saved over it. */
platform_enter_user:
    mov %gs:PERCPU_STACK_TOP, %rax
    lea -FRAME_SIZE(%rax), %rsp

/* RSP: the user_frame at the top of the kernel stack. May be entered again at any time. */
exit_restart:
    movl $1, %gs:PERCPU_IRQ_DEPTH
    xor %ebp, %ebp
    mov %rsp, %rdi
    sub $8, %rsp
    call x86_exit_to_user
    add $8, %rsp
exit_window:
    movl $0, %gs:PERCPU_IRQ_DEPTH
    cmpl $0, %gs:PERCPU_IRQ_PENDING
    jne exit_replay
    mov FRAME_R15(%rsp), %r15
    mov FRAME_R14(%rsp), %r14
    mov FRAME_R13(%rsp), %r13
    mov FRAME_R12(%rsp), %r12
    mov FRAME_BX(%rsp), %rbx
    test %eax, %eax
    jz exit_of_call
    mov FRAME_BP(%rsp), %rbp
    mov FRAME_R10(%rsp), %r10
    mov FRAME_R9(%rsp), %r9
    mov FRAME_R8(%rsp), %r8
    mov FRAME_DX(%rsp), %rdx
    mov FRAME_SI(%rsp), %rsi
    mov FRAME_DI(%rsp), %rdi
    /* All registers. The program sees ring 3's selectors in its frames, whatever the ring is. */
    mov %cs, %ecx
    mov %rcx, FRAME_CS(%rsp)
    mov %ss, %ecx
    mov %rcx, FRAME_SS(%rsp)
    test $EXIT_GS, %eax
    jz 2f
    mov %gs:PERCPU_CURRENT, %rcx
    mov THREAD_GS_BASE(%rcx), %rcx
    wrgsbase %rcx
2:  test $EXIT_GS_MSR, %eax
    jz 3f
    mov %gs:PERCPU_CURRENT, %rcx
    mov THREAD_GS_BASE(%rcx), %rax
    mov %rax, %rdx
    shr $32, %rdx
    mov $0xc0000101, %ecx
    wrmsr
    mov FRAME_DX(%rsp), %rdx
3:  mov FRAME_R11(%rsp), %r11
    mov FRAME_CX(%rsp), %rcx
    mov FRAME_AX(%rsp), %rax
    lea FRAME_IP(%rsp), %rsp
    iretq

/*
 * The way back of a patched call, in the exit window too: an interrupt after the looks for work
 * starts it anew at exit_restart. RBX and R12 to R15 are what they were: C keeps them.
 */
patched_exit:
    mov %gs:PERCPU_CURRENT, %rcx
    cmpb $0, %gs:PERCPU_NEED_RESCHED
    jne exit_restart
    cmpq $0, kernel_work_offset(%rcx)
    jne exit_restart
    cmpb $0, THREAD_FULL_RETURN(%rcx)
    jne exit_restart
    testl $FLAGS_UNCOMMON, FRAME_FLAGS(%rsp)
    jnz exit_restart
/*
 * As Linux returns from a system call: RCX = RIP, R11 = RFLAGS. The flags are arithmetic ones only:
 * `sahf`, and an addition for OF. popfq costs much more, most of all on TCG.
 */
exit_of_call:
    mov FRAME_FLAGS(%rsp), %r11
    mov FRAME_BP(%rsp), %rbp
    mov FRAME_R10(%rsp), %r10
    mov FRAME_R9(%rsp), %r9
    mov FRAME_R8(%rsp), %r8
    mov FRAME_DX(%rsp), %rdx
    mov FRAME_SI(%rsp), %rsi
    mov FRAME_DI(%rsp), %rdi
    mov FRAME_IP(%rsp), %rcx
    movb FRAME_FLAGS + 1(%rsp), %al /* bit 3 is OF, bit 2 DF, which is 0 */
    shl $4, %al
    add %al, %al
    movb FRAME_FLAGS(%rsp), %ah
    sahf
    mov FRAME_AX(%rsp), %rax
    mov FRAME_SP(%rsp), %rsp
    jmp *%rcx
exit_window_end:
    .set EXIT_WINDOW_SIZE, exit_window_end - exit_window
    .globl exit_window

exit_replay:
    sub $8, %rsp
    call platform_irq_replay
    add $8, %rsp
    jmp exit_restart

/* First code of a new thread: R12 = function, R13 = its argument. */
platform_thread_start:
    mov %r13, %rdi
    xor %ebp, %ebp
    call *%r12
    ud2

/*
 * void switch_stacks(struct thread_cpu *prev, struct thread_cpu *next): returns on next's stack,
 * with prev in RAX.
 */
    .globl switch_stacks
switch_stacks:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, THREAD_SP(%rdi)
    mov THREAD_SP(%rsi), %rsp
    mov %rdi, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

    .section .note.GNU-stack, "", @progbits
