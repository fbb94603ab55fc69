/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Padding near a system-call site that can hold a jump. What shows that it is never executed:
 *
 *  - Decoding starts behind the `syscall`, which was executed as one, and goes on from instruction
 *    to instruction, so each boundary is known.
 *  - The padding follows an instruction that never goes on behind itself, is made of no-ops or int3
 *    only, and reaches the next multiple of 16: it is there to align what comes next. Only the
 *    bytes before that boundary count: a function may well begin with no-ops of its own.
 *  - No branch that was decoded leads into it.
 */
#include "platform/x86/decode.h"

#define ALIGNMENT   16 /* what compilers and assemblers align functions to */
#define TARGETS_MAX 32

struct targets {
    s64 at[TARGETS_MAX];
    unsigned count;
};

static bool is_target(const struct targets *t, unsigned from, unsigned to)
{
    for (unsigned i = 0; i < t->count; i++)
        if (t->at[i] >= from && t->at[i] < to)
            return true;
    return false;
}

/* Bytes of filler from at on, up to n. */
static unsigned filler_length(const u8 *code, size_t n, unsigned at)
{
    struct x86_instruction i;
    unsigned end = at;

    while (end < n && x86_decode(code + end, n - end, &i) && i.filler)
        end += i.length;
    return end - at;
}

static bool is_free(const u8 *used, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++)
        if (used[i / 8] >> i % 8 & 1)
            return false;
    return true;
}

enum x86_hole x86_find_hole(const u8 *code, size_t n, vaddr_t address, const u8 *used,
                            unsigned *offset)
{
    struct targets targets = {.count = 0};
    struct x86_instruction i;
    unsigned at = 0;

    while (at <= HOLE_REACH && at < n) {
        if (!x86_decode(code + at, n - at, &i))
            return HOLE_UNKNOWN;
        if (i.flow == X86_FLOW_BRANCH || i.flow == X86_FLOW_JUMP) {
            if (targets.count == TARGETS_MAX)
                return HOLE_NONE;
            targets.at[targets.count++] = at + i.target;
        }
        at += i.length;
        if (i.flow != X86_FLOW_JUMP && i.flow != X86_FLOW_LEAVES)
            continue;
        unsigned filler = filler_length(code, n, at);
        unsigned end = at + (unsigned)(-(address + at) % ALIGNMENT);
        if (at + filler >= end)
            for (unsigned hole = at; hole + HOLE_SIZE <= end && hole <= HOLE_REACH; hole++)
                if (is_free(used, hole, HOLE_SIZE) && !is_target(&targets, at, hole + HOLE_SIZE)) {
                    *offset = hole;
                    return HOLE_FOUND;
                }
        at += filler;
    }
    return HOLE_NONE;
}
