/* SPDX-License-Identifier: BSD-2-Clause */
/* Checker and interpreter of classic BPF. */
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

/* Is there a fact of this number? Those that Linux reads out of netlink messages and by dissecting packets are not served. */
static bool known_fact(u32 k)
{
    switch (k - (u32)SKF_AD_OFF) {
    case SKF_AD_PROTOCOL:
    case SKF_AD_PKTTYPE:
    case SKF_AD_IFINDEX:
    case SKF_AD_MARK:
    case SKF_AD_QUEUE:
    case SKF_AD_HATYPE:
    case SKF_AD_RXHASH:
    case SKF_AD_CPU:
    case SKF_AD_ALU_XOR_X:
    case SKF_AD_VLAN_TAG:
    case SKF_AD_VLAN_TAG_PRESENT:
    case SKF_AD_RANDOM:
    case SKF_AD_VLAN_TPID:
        return true;
    default:
        return false;
    }
}

/* Of those that only programs over packets have. */
static int check_packet(const struct sock_filter *in)
{
    switch (in->code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
        return in->k < (u32)SKF_AD_OFF || known_fact(in->k) ? 0 : -EINVAL;
    case BPF_ALU | BPF_MOD | BPF_K:
        return in->k ? 0 : -EINVAL;
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_ALU | BPF_MOD | BPF_X:
        return 0;
    }
    return -EINVAL;
}

/* One that is no jump. size 0: over packets. *written: scratch words that have a value before it, and then after it. */
static int check_plain(const struct sock_filter *in, size_t size, u16 *written)
{
    switch (in->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return !size ? check_packet(in) : in->k < size && in->k % sizeof(u32) == 0 ? 0 : -EINVAL;
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
    return size ? -EINVAL : check_packet(in);
}

static int check(const struct sock_filter *program, size_t length, size_t size, u16 *scratch)
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

int bpf_check(const struct sock_filter *program, size_t length, size_t size, u16 *scratch)
{
    return size ? check(program, length, size, scratch) : -EINVAL;
}

int bpf_check_packet(const struct sock_filter *program, size_t length, u16 *scratch)
{
    return check(program, length, 0, scratch);
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
    case BPF_MOD:
        return a % operand;
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

static u32 fact(const struct bpf_packet *p, u32 k, u32 a, u32 x)
{
    switch (k - (u32)SKF_AD_OFF) {
    case SKF_AD_PROTOCOL:
        return p->protocol;
    case SKF_AD_PKTTYPE:
        return p->type;
    case SKF_AD_IFINDEX:
        return p->interface;
    case SKF_AD_HATYPE:
        return p->hardware;
    case SKF_AD_CPU:
        return p->cpu;
    case SKF_AD_ALU_XOR_X:
        return a ^ x;
    case SKF_AD_RANDOM:
        return p->random;
    default: /* marks, queues, hashes and VLAN tags, which no packet here has */
        return 0;
    }
}

/* size bytes at k, in network order. False: they are not all there. */
static bool load(const struct bpf_packet *p, u32 k, unsigned size, u32 *value)
{
    s64 at = (s32)k;
    if (at < 0)
        at = at >= SKF_NET_OFF ? at - SKF_NET_OFF + p->network : at - SKF_LL_OFF;
    if (at < 0 || at + size > (s64)p->head_length + p->rest_length)
        return false;
    *value = 0;
    for (; size; size--, at++)
        *value = *value << 8 | (at < p->head_length ? p->head[at] : p->rest[at - p->head_length]);
    return true;
}

/* A load in a program over packets. */
static bool load_packet(const struct bpf_packet *p, const struct sock_filter *in, u32 a, u32 x, u32 *value)
{
    unsigned size = BPF_SIZE(in->code) == BPF_W ? 4 : BPF_SIZE(in->code) == BPF_H ? 2 : 1;
    if (BPF_MODE(in->code) == BPF_ABS && in->k >= (u32)SKF_AD_OFF) {
        *value = fact(p, in->k, a, x);
        return true;
    }
    if (!load(p, BPF_MODE(in->code) == BPF_IND ? x + in->k : in->k, size, value))
        return false;
    if (BPF_MODE(in->code) == BPF_MSH)
        *value = (*value & 15) * 4;
    return true;
}

/* Over a packet, or, with NULL for it, over data. */
static u32 run(const struct sock_filter *program, const u32 *data, size_t size, size_t readable, const struct bpf_packet *p)
{
    u32 a = 0, x = 0, memory[BPF_MEMWORDS];
    for (const struct sock_filter *in = program;; in++) {
        u32 *target = &a, operand = BPF_SRC(in->code) == BPF_X ? x : in->k;
        switch (BPF_CLASS(in->code)) {
        case BPF_LDX:
            target = &x;
            /* fall through */
        case BPF_LD:
            if (p && (BPF_MODE(in->code) == BPF_ABS || BPF_MODE(in->code) == BPF_IND || BPF_MODE(in->code) == BPF_MSH)) {
                if (!load_packet(p, in, a, x, target))
                    return 0;
            } else if (BPF_MODE(in->code) == BPF_ABS) {
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
            if ((BPF_OP(in->code) == BPF_DIV || BPF_OP(in->code) == BPF_MOD) && !operand)
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

u32 bpf_run(const struct sock_filter *program, const u32 *data, size_t size, size_t readable)
{
    return run(program, data, size, readable, NULL);
}

u32 bpf_run_packet(const struct sock_filter *program, const struct bpf_packet *p)
{
    return run(program, NULL, p->head_length + p->rest_length, 0, p);
}
