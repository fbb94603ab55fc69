/* SPDX-License-Identifier: BSD-2-Clause */
/* Checker and interpreter of classic BPF, as seccomp(2) allows it. */
#include "kernel/lib/bpf.h"

/* What each way to the instruction at `to` has written, at least. */
static bool jump(u16 *written, size_t length, size_t at, u32 distance, u16 now)
{
    if (distance >= length - at - 1)
        return false;
    written[at + 1 + distance] &= now;
    return true;
}

static int check_jump(const struct sock_filter *in, u16 *written, size_t length, size_t at, u16 now)
{
    switch (in->code) {
    case BPF_JMP | BPF_JA:
        return jump(written, length, at, in->k, now) ? 0 : -EINVAL;
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
        return jump(written, length, at, in->jt, now) && jump(written, length, at, in->jf, now) ? 0 : -EINVAL;
    }
    return -EINVAL;
}

/* One that is no jump. *written: scratch words that have a value before it, and then after it. */
static int check_plain(const struct sock_filter *in, size_t size, u16 *written)
{
    switch (in->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return in->k < size && in->k % sizeof(u32) == 0 ? 0 : -EINVAL;
    case BPF_ALU | BPF_DIV | BPF_K:
        return in->k ? 0 : -EINVAL;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
        return in->k < 32 ? 0 : -EINVAL;
    case BPF_ST:
    case BPF_STX:
        if (in->k >= BPF_MEMWORDS)
            return -EINVAL;
        *written |= (u16)(1u << in->k);
        return 0;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
        return in->k < BPF_MEMWORDS && (*written & 1u << in->k) ? 0 : -EINVAL;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
        return 0;
    }
    return -EINVAL;
}

int bpf_check(const struct sock_filter *program, size_t length, size_t size, u16 *scratch)
{
    u16 written = 0;
    if (!length || length > BPF_MAXINSNS || BPF_CLASS(program[length - 1].code) != BPF_RET)
        return -EINVAL;
    for (size_t i = 0; i < length; i++)
        scratch[i] = UINT16_MAX;
    for (size_t i = 0; i < length; i++) {
        int error;
        written &= scratch[i];
        if (BPF_CLASS(program[i].code) == BPF_JMP) {
            error = check_jump(&program[i], scratch, length, i, written);
            written = UINT16_MAX; /* nobody comes to the next one from here unless by a jump */
        } else {
            error = check_plain(&program[i], size, &written);
        }
        if (error)
            return error;
    }
    return 0;
}

/* Arithmetic on the accumulator; the divisor is not 0. */
static u32 calculate(u32 operation, u32 a, u32 operand)
{
    switch (operation) {
    case BPF_ADD:
        return a + operand;
    case BPF_SUB:
        return a - operand;
    case BPF_MUL:
        return a * operand;
    case BPF_DIV:
        return a / operand;
    case BPF_AND:
        return a & operand;
    case BPF_OR:
        return a | operand;
    case BPF_XOR:
        return a ^ operand;
    case BPF_LSH:
        return a << (operand & 31);
    case BPF_RSH:
        return a >> (operand & 31);
    default: /* BPF_NEG */
        return -a;
    }
}

static bool compare(u32 operation, u32 a, u32 operand)
{
    switch (operation) {
    case BPF_JEQ:
        return a == operand;
    case BPF_JGT:
        return a > operand;
    case BPF_JGE:
        return a >= operand;
    default: /* BPF_JSET */
        return a & operand;
    }
}

u32 bpf_run(const struct sock_filter *program, const u32 *data, size_t size, size_t readable)
{
    u32 a = 0, x = 0, memory[BPF_MEMWORDS];
    for (const struct sock_filter *in = program;; in++) {
        u32 *target = &a, operand = BPF_SRC(in->code) == BPF_X ? x : in->k;
        switch (BPF_CLASS(in->code)) {
        case BPF_LDX:
            target = &x;
            /* fall through */
        case BPF_LD:
            if (BPF_MODE(in->code) == BPF_ABS) {
                if (in->k >= readable)
                    return 0;
                *target = data[in->k / sizeof(u32)];
            } else {
                *target = BPF_MODE(in->code) == BPF_MEM ? memory[in->k] : BPF_MODE(in->code) == BPF_LEN ? (u32)size : in->k;
            }
            break;
        case BPF_ST:
            memory[in->k] = a;
            break;
        case BPF_STX:
            memory[in->k] = x;
            break;
        case BPF_ALU:
            if (BPF_OP(in->code) == BPF_DIV && !operand)
                return 0;
            a = calculate(BPF_OP(in->code), a, operand);
            break;
        case BPF_JMP:
            if (BPF_OP(in->code) == BPF_JA)
                in += in->k;
            else
                in += compare(BPF_OP(in->code), a, operand) ? in->jt : in->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(in->code) == BPF_A ? a : in->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(in->code) == BPF_TAX)
                x = a;
            else
                a = x;
        }
    }
}
