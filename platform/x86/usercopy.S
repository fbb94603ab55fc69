/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to program memory from the kernel. A fault that cannot be resolved continues at the
 * instruction's fixup (exception_table), with RCX still counting what was not done.
 * platform.h says what each function returns.
 */
    .macro EXCEPTION from, to
    .pushsection .exception_table, "a"
    .balign 8
    .quad \from, \to
    .popsection
    .endm

    .text
    .globl platform_copy_user
platform_copy_user: /* RDI: to, RSI: from, RDX: n */
    mov %rdx, %rcx
    cmp $64, %rdx
    jb 3f
    /* Words, then the rest: byte-wise string instructions are slow on emulated CPUs. */
    shr $3, %rcx
    and $7, %edx
1:  rep movsq
    mov %edx, %ecx
    jmp 5f
9:  lea (%rdx,%rcx,8), %rcx
    jmp 7f
2:  mov %rcx, %rax
    ret
    EXCEPTION 1b, 9b
    /* Short copies: rep movsb takes tens of cycles to start. */
3:  cmp $8, %rcx
    jb 5f
4:  mov (%rsi), %rax
40: mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    sub $8, %rcx
    jmp 3b
5:  test $4, %cl
    jz 55f
41: mov (%rsi), %eax
42: mov %eax, (%rdi)
    add $4, %rsi
    add $4, %rdi
    sub $4, %ecx
55: test %ecx, %ecx
    jz 2b
6:  mov (%rsi), %al
60: mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %ecx
    jmp 55b
    /*
     * A fault in a step of several bytes: the bytes before the bad page still go over, one by one. RCX:
     * bytes left.
     */
7:  test %rcx, %rcx
    jz 2b
8:  mov (%rsi), %al
80: mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rcx
    jmp 7b
    EXCEPTION 4b, 7b
    EXCEPTION 40b, 7b
    EXCEPTION 41b, 7b
    EXCEPTION 42b, 7b
    EXCEPTION 6b, 2b
    EXCEPTION 60b, 2b
    EXCEPTION 8b, 2b
    EXCEPTION 80b, 2b

    .globl platform_clear_user
platform_clear_user: /* RDI: to, RSI: n */
    mov %rsi, %rcx
    xor %eax, %eax
    shr $3, %rcx
    and $7, %esi
1:  rep stosq
    mov %rsi, %rcx
2:  rep stosb
3:  mov %rcx, %rax
    ret
4:  lea (%rsi,%rcx,8), %rcx
    jmp 2b
    EXCEPTION 1b, 4b
    EXCEPTION 2b, 3b

    .globl platform_strnlen_user
platform_strnlen_user: /* RDI: s, RSI: n */
    xor %eax, %eax
1:  cmp %rsi, %rax
    je 3f
2:  cmpb $0, (%rdi,%rax)
    je 3f
    inc %rax
    jmp 1b
3:  ret
4:  mov $-14, %rax /* -EFAULT */
    ret
    EXCEPTION 2b, 4b

    .globl platform_load_user_u32
platform_load_user_u32: /* RDI: value, RSI: p */
1:  mov (%rsi), %eax
    mov %eax, (%rdi)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    EXCEPTION 1b, 2b

    .globl platform_cmpxchg_user_u32
platform_cmpxchg_user_u32: /* RDI: p, ESI: old, EDX: new, RCX: seen */
    mov %esi, %eax
1:  lock cmpxchg %edx, (%rdi)
    mov %eax, (%rcx)
    xor %eax, %eax
    ret
2:  mov $-14, %eax
    ret
    EXCEPTION 1b, 2b

    .section .note.GNU-stack, "", @progbits
