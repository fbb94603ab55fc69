/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lengths of x86-64 instructions, as far as the search for padding behind a system-call site needs
 * them (hole.c). Pure functions of bytes: they are also compiled for the host and compared with
 * objdump.
 */
#ifndef PLATFORM_X86_DECODE_H
#define PLATFORM_X86_DECODE_H

#include "kernel/types.h"

enum x86_flow {
    X86_FLOW_NEXT,   /* goes on behind it, perhaps after a call */
    X86_FLOW_BRANCH, /* goes on behind it or at target */
    X86_FLOW_JUMP,   /* goes on at target only */
    X86_FLOW_LEAVES  /* return or indirect jump: never goes on behind it */
};

struct x86_instruction {
    u8 length;         /* bytes, 1 to 15 */
    bool filler;       /* a no-op or int3, as assemblers and linkers pad with */
    enum x86_flow flow;
    s64 target;        /* of BRANCH and JUMP, from the instruction's first byte */
};

/*
 * Decodes the instruction that starts at code, of which n bytes may be read. False: it is none that
 * this decoder knows, or does not end within n bytes.
 */
bool x86_decode(const u8 *code, size_t n, struct x86_instruction *out);

#define HOLE_SIZE   5   /* a jump with a 32-bit offset */
#define HOLE_REACH  127 /* how far behind a short jump its target may be */
/* Bytes behind a `syscall` that x86_find_hole() may look at. */
#define HOLE_WINDOW (HOLE_REACH + HOLE_SIZE + 15)

enum x86_hole {
    HOLE_FOUND,
    HOLE_NONE,   /* no padding in reach */
    HOLE_UNKNOWN /* an instruction before it is not known */
};

/*
 * Looks for HOLE_SIZE bytes of padding that are never executed, in code, the n bytes that follow a
 * two-byte `syscall`; the first of them is at `address` in the program. Bit i of used: byte i is
 * taken. *offset: where from the first of the bytes.
 */
enum x86_hole x86_find_hole(const u8 *code, size_t n, vaddr_t address, const u8 *used,
                            unsigned *offset);

#endif
