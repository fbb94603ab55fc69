/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions of patched system-call sites (platform.h says what a site is). Source: Intel SDM
 * vol. 2, opcodes.
 *
 *   PATCH_MOV:   b8 nr      mov $nr, %eax          becomes  e9 rel32   jmp trampoline
 *                0f 05      syscall                stays
 *
 *   PATCH_HOLE:  0f 05      syscall                becomes  eb rel8    jmp hole
 *                ...
 *          hole: 5 bytes of padding                become   e9 rel32   jmp trampoline
 *
 *   trampoline:  b8 nr      mov $nr, %eax          PATCH_MOV only: otherwise RAX is set already
 *                48 8d 0d   lea call+2(%rip), %rcx what `syscall` leaves in RCX
 *                65 ff 24   jmp *%gs:patched_entry into this CPU's entry code, where no switch can
 *                                                  come
 */
#include "kernel/lib/string.h"
#include "platform/x86/decode.h"
#include "platform/x86/x86.h"

#define MOV_EAX        0xb8
#define JMP            0xe9
#define JMP_SHORT      0xeb
#define REX_FIRST      0x40
#define REX_LAST       0x4f
#define MOV_SIZE       5

_Static_assert(PATCH_AFTER == HOLE_WINDOW, "what the search may look at");
_Static_assert(PATCH_EDIT_SIZE == HOLE_SIZE && PATCH_EDIT_SIZE == MOV_SIZE, "a long jump");

/* A REX prefix before the mov would make another instruction of it. */
static bool is_mov(const u8 *call, size_t before, u32 nr)
{
    u32 immediate;

    if (before < PATCH_BEFORE || call[-MOV_SIZE] != MOV_EAX)
        return false;
    memcpy(&immediate, call - MOV_SIZE + 1, sizeof(immediate));
    return immediate == nr && !(call[-MOV_SIZE - 1] >= REX_FIRST && call[-MOV_SIZE - 1] <= REX_LAST);
}

enum patch_fit platform_patch_plan(struct patch_plan *plan, const u8 *code, size_t before,
                                   size_t after, vaddr_t call, u32 nr, const u8 *used)
{
    const u8 *at = code + before;
    unsigned offset;

    *plan = (struct patch_plan){.nr = nr};
    if (at[0] != 0x0f || at[1] != 0x05)
        return PATCH_UNKNOWN_CODE;
    if (is_mov(at, before, nr)) {
        plan->form = PATCH_MOV;
        plan->count = 1;
        plan->edits[0].offset = -MOV_SIZE;
        plan->edits[0].size = MOV_SIZE;
        return PATCH_FITS;
    }
    switch (x86_find_hole(at + PATCH_CALL_SIZE, after, call + PATCH_CALL_SIZE, used, &offset)) {
    case HOLE_NONE:
        return PATCH_NO_HOLE;
    case HOLE_UNKNOWN:
        return PATCH_UNKNOWN_CODE;
    case HOLE_FOUND:
        break;
    }
    plan->form = PATCH_HOLE;
    plan->count = 2;
    plan->edits[0].offset = (s16)(PATCH_CALL_SIZE + offset);
    plan->edits[0].size = HOLE_SIZE;
    plan->edits[1].size = PATCH_CALL_SIZE;
    return PATCH_FITS;
}

bool platform_patch_jumps(const struct patch_plan *plan, vaddr_t call, vaddr_t trampoline,
                          u8 bytes[PATCH_EDITS][PATCH_EDIT_SIZE])
{
    s64 distance = (s64)(trampoline - (call + plan->edits[0].offset + PATCH_EDIT_SIZE));
    s32 offset = (s32)distance;

    bytes[0][0] = JMP;
    memcpy(&bytes[0][1], &offset, sizeof(offset));
    bytes[1][0] = JMP_SHORT;
    bytes[1][1] = (u8)(plan->edits[0].offset - PATCH_CALL_SIZE);
    return offset == distance;
}

void platform_patch_trampoline(u8 out[PATCH_TRAMPOLINE_SIZE], vaddr_t at, vaddr_t call,
                               const struct patch_plan *plan)
{
    static const u8 lea[] = {0x48, 0x8d, 0x0d}, jump[] = {0x65, 0xff, 0x24, 0x25};
    u32 entry = offsetof(struct percpu, patched_entry);
    u8 *p = out;

    memset(out, 0xcc, PATCH_TRAMPOLINE_SIZE);
    if (plan->form == PATCH_MOV) {
        *p++ = MOV_EAX;
        memcpy(p, &plan->nr, 4);
        p += 4;
    }
    memcpy(p, lea, sizeof(lea));
    p += sizeof(lea) + 4;
    s32 to_return = (s32)(call + PATCH_CALL_SIZE - (at + (vaddr_t)(p - out)));
    memcpy(p - 4, &to_return, 4);
    memcpy(p, jump, sizeof(jump));
    memcpy(p + sizeof(jump), &entry, 4);
}

s64 platform_patch_position(const struct patch_plan *plan, u64 offset)
{
    /* Behind the mov: at the `syscall`, or at what is in its place, which will overwrite RCX too. */
    return plan->form == PATCH_MOV && offset == 0 ? -MOV_SIZE : 0;
}

/* ---------------------------------------------------------------- writing code */

struct batch {
    const struct patch_write *writes;
    unsigned n;
};

static void write_batch(void *arg)
{
    const struct batch *b = arg;

    for (unsigned i = 0; i < b->n; i++)
        memcpy(b->writes[i].to, b->writes[i].bytes, b->writes[i].size);
}

/*
 * The bytes may be written one after the other, at any alignment, because nobody executes them:
 * each CPU that runs the program spins in a handler of this kernel (smp.c), and where it came from
 * is either the kernel or an instruction of the program that is still to be executed, whole, as it
 * will be then. Threads that do not run were left by an interrupt too, or in a system call: their
 * RIP is at the beginning of an instruction, and of none that is in a hole or a trampoline
 * (kernel_program_ip). Before a CPU goes on it executes a serializing instruction, as the SDM wants
 * of whoever executes what another CPU wrote (vol. 3, 8.1.3). The writer does the same, as it wrote
 * by another address.
 */
bool platform_patch_write(const struct patch_write *writes, unsigned n, u64 cpus)
{
    struct batch b = {writes, n};

    return smp_stop_and_run(cpus, write_batch, &b);
}
