/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions of patched system-call sites (platform.h says what a site is). Source: Intel SDM
 * vol. 2, opcodes.
 *
 *   site:  b8 nr            mov $nr, %eax          becomes  e9 rel   jmp trampoline
 *          0f 05            syscall                stays
 *
 *   trampoline:   b8 nr     mov $nr, %eax
 *            +5   48 8d 0d  lea site+7(%rip), %rcx          what `syscall` leaves in RCX
 *            +12  65 ff 24  jmp *%gs:patched_entry           into this CPU's entry code, where no
 *            switch can come
 */
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

#define MOV_EAX        0xb8
#define JMP            0xe9
#define REX_FIRST      0x40
#define REX_LAST       0x4f
#define LEA_END        12 /* offset of the instruction behind lea */
#define MOV_SYSCALL    5  /* offset of `syscall` from the site */

bool platform_patch_matches(const u8 code[8], u32 nr)
{
    u32 immediate;

    memcpy(&immediate, code + 2, sizeof(immediate));
    /* A REX prefix before it would make another instruction of it. */
    return code[1] == MOV_EAX && immediate == nr && code[6] == 0x0f && code[7] == 0x05 &&
           !(code[0] >= REX_FIRST && code[0] <= REX_LAST);
}

void platform_patch_trampoline(u8 out[PATCH_TRAMPOLINE_SIZE], vaddr_t at, vaddr_t site, u32 nr)
{
    static const u8 lea[] = {0x48, 0x8d, 0x0d}, jump[] = {0x65, 0xff, 0x24, 0x25};
    s32 to_return = (s32)(site + PATCH_SITE_SIZE - (at + LEA_END));
    u32 entry = offsetof(struct percpu, patched_entry);

    memset(out, 0xcc, PATCH_TRAMPOLINE_SIZE);
    out[0] = MOV_EAX;
    memcpy(out + 1, &nr, 4);
    memcpy(out + 5, lea, sizeof(lea));
    memcpy(out + 8, &to_return, 4);
    memcpy(out + LEA_END, jump, sizeof(jump));
    memcpy(out + LEA_END + sizeof(jump), &entry, 4);
}

bool platform_patch_jump(u8 out[PATCH_SIZE], vaddr_t site, vaddr_t trampoline)
{
    s64 distance = (s64)(trampoline - (site + PATCH_SIZE));
    s32 offset = (s32)distance;

    out[0] = JMP;
    memcpy(out + 1, &offset, 4);
    return offset == distance;
}

u64 platform_patch_position(u64 offset)
{
    /* Before its mov: at the site's. After it: at the `syscall`, which will overwrite RCX too. */
    return offset == 0 ? 0 : MOV_SYSCALL;
}

static void nothing(void *arg)
{
}

bool platform_patch_write(void *to, const void *from, size_t n, bool alone)
{
    u64 *word = (u64 *)ALIGN_DOWN((vaddr_t)to, sizeof(u64));
    size_t offset = (vaddr_t)to % sizeof(u64);
    u64 value;

    if (alone) {
        memcpy(to, from, n);
        return true;
    }
    /*
     * AMD's manual (vol. 2, 7.6.1) allows this without more; elsewhere it is what hot patching
     * relies on.
     */
    if (offset + n > sizeof(u64))
        return false;
    value = READ_ONCE(*word);
    memcpy((u8 *)&value + offset, from, n);
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    platform_call_others(nothing, NULL); /* the interrupt's return serializes */
    return true;
}
