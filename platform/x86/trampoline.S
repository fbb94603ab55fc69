/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a secondary CPU wakes up: real mode, CS = TRAMPOLINE_PA / 16. smp.c copies this to
 * TRAMPOLINE_PA and fills the record at its end; it leads to cpu_start32 with EBX at the record.
 */
#include "platform/x86/layout.h"

#define AT(label) (TRAMPOLINE_PA + (label) - trampoline)

    .section .rodata.trampoline, "a", @progbits
    .globl trampoline, trampoline_record, trampoline_target, trampoline_end
    .balign 16
    .code16
trampoline:
    cli
    cs lgdtl gdtr - trampoline
    mov $0x11, %eax /* PE, ET */
    mov %eax, %cr0
    ljmpl $8, $AT(1f)
    .code32
1:  mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $AT(trampoline_record), %ebx
    mov AT(trampoline_target), %eax
    jmp *%eax

    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
    .word 23
    .long AT(gdt)
    .balign 8
trampoline_target: /* physical address of cpu_start32 */
    .quad 0
trampoline_record: /* struct cpu_boot */
    .quad 0, 0
trampoline_end:

    .section .note.GNU-stack, "", @progbits
