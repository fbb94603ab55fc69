/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of the platform test: position-independent code that the test maps at a program
 * address. R15 points at its page of data: [0] loops left to run, [8] word of the thread. Errors
 * end in `syscall` with RAX = 1000 + which check failed.
 */
    .section .rodata.program, "a", @progbits
    .balign 4096
    .globl program_start, program_end
    .globl program_registers, program_quiet, program_faults, program_gs

.macro CHECK reg, value, which
    movabs $\value, %rcx
    cmp %rcx, \reg
    mov $\which, %ecx
    jne failed
.endm

.macro LOAD seed
    movabs $0x1111111100000000 + \seed, %rbx
    movabs $0x2222222200000000 + \seed, %rdx
    movabs $0x3333333300000000 + \seed, %rsi
    movabs $0x4444444400000000 + \seed, %rdi
    movabs $0x5555555500000000 + \seed, %rbp
    movabs $0x6666666600000000 + \seed, %r8
    movabs $0x7777777700000000 + \seed, %r9
    movabs $0x1888888800000000 + \seed, %r10
    movabs $0x1999999900000000 + \seed, %r12
    movabs $0x1aaaaaaa00000000 + \seed, %r13
    movabs $0x1bbbbbbb00000000 + \seed, %r14
    mov 8(%r15), %rax
    movq %rax, %xmm3
    movq %rax, %xmm15
    mov %rax, -8(%rsp)
    mov %rax, -128(%rsp)
    mov %rax, -64(%rsp)
.endm

.macro VERIFY seed
    CHECK %rbx, 0x1111111100000000 + \seed, 1
    CHECK %rdx, 0x2222222200000000 + \seed, 2
    CHECK %rsi, 0x3333333300000000 + \seed, 3
    CHECK %rdi, 0x4444444400000000 + \seed, 4
    CHECK %rbp, 0x5555555500000000 + \seed, 5
    CHECK %r8, 0x6666666600000000 + \seed, 6
    CHECK %r9, 0x7777777700000000 + \seed, 7
    CHECK %r10, 0x1888888800000000 + \seed, 8
    CHECK %r12, 0x1999999900000000 + \seed, 9
    CHECK %r13, 0x1aaaaaaa00000000 + \seed, 10
    CHECK %r14, 0x1bbbbbbb00000000 + \seed, 11
    mov 8(%r15), %rcx
    movq %xmm3, %rdx
    cmp %rdx, %rcx
    mov $12, %ecx
    jne failed
    mov 8(%r15), %rcx
    movq %xmm15, %rdx
    cmp %rdx, %rcx
    mov $13, %ecx
    jne failed
    mov 8(%r15), %rdx
    mov $14, %ecx
    cmp %rdx, -8(%rsp)
    jne failed
    cmp %rdx, -64(%rsp)
    jne failed
    cmp %rdx, -128(%rsp)
    jne failed
    mov $15, %ecx
    rdfsbase %rax
    cmp %rdx, %rax
    jne failed
.endm

program_start:
/* System calls keep every register but RAX, RCX and R11; those are as Linux leaves them. */
program_registers:
    LOAD 7
    mov $1, %eax
    stc
    syscall
after_call:
    mov $20, %r11d
    jnc failed_r11
    cmp $1235, %rax /* the test kernel answers 1234 + number */
    mov $21, %r11d
    jne failed_r11
    lea after_call(%rip), %rax
    cmp %rax, %rcx
    mov $22, %r11d
    jne failed_r11
    VERIFY 7
    decq (%r15)
    jnz program_registers
    mov $2, %eax /* end of thread */
    syscall
    ud2

/* Only interrupts come here: everything has to survive, RCX and R11 and the flags too. */
program_quiet:
    LOAD 9
    movabs $0x0123456789abcdef, %rcx
    movabs $0x1dcba98765432101, %r11
    mov $3000, %eax
    std
1:  dec %eax
    jnz 1b
    pushfq /* not below the red zone's words: reload them after */
    pop %rax
    cld
    test $0x400, %eax
    jz 2f
    movabs $0x0123456789abcdef, %rax
    cmp %rax, %rcx
    jne 2f
    movabs $0x1dcba98765432101, %rax
    cmp %rax, %r11
    jne 2f
    mov 8(%r15), %rax
    mov %rax, -8(%rsp)
    VERIFY 9
    decq (%r15)
    jnz program_quiet
    mov $2, %eax
    syscall
2:  mov $30, %ecx
    jmp failed

/* Each fault is resolved, or skipped, by the test kernel; the registers tell. */
program_faults:
    LOAD 11
    mov $5, %r11d
    xor %ecx, %ecx
    movabs $0x300000000000, %rax
    mov (%rax,%rcx), %rax   /* demand-filled page */
    cmp $0, %rax
    mov $40, %ecx
    jne failed
    ud2                     /* skipped, 2 bytes */
    xor %eax, %eax
    movabs $0x2222222200000000 + 11, %rdx
    div %eax                /* #DE: skipped, 2 bytes */
    int3
    nop
    movabs $0x8000000000000000, %rax
    mov (%rax), %eax        /* #GP: skipped, 2 bytes */
    VERIFY 11
    decq (%r15)
    jnz program_faults
    mov $2, %eax
    syscall

/* A program with a GS base of its own. */
program_gs:
    mov 8(%r15), %rax
    wrgsbase %rax
    LOAD 13
    mov $1, %eax
    syscall
    VERIFY 13
    mov $200, %eax
1:  dec %eax
    jnz 1b
    rdgsbase %rax
    mov 8(%r15), %rcx
    cmp %rax, %rcx
    mov $50, %ecx
    jne failed
    decq (%r15)
    jnz program_gs
    mov $2, %eax
    syscall

failed_r11:
    mov %r11d, %ecx
failed:
    lea 1000(%rcx), %eax
    syscall
    ud2
program_end:

    .section .note.GNU-stack, "", @progbits
