/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instruction lengths by table. One letter says what follows an opcode; what has no letter is
 * unknown and ends the decoding, which is always safe: the site is not patched. Source: Intel SDM
 * vol. 2, appendix A (opcode maps) and chapter 2 (prefixes, ModRM, VEX, EVEX).
 */
#include "platform/x86/decode.h"

/*
 *  .  nothing                   m  ModRM                 p  legacy prefix        E  escape to another map
 *  b  1 byte                    n  ModRM, 1 byte         r  REX prefix           V  VEX or EVEX
 *  z  4 bytes, 2 with 66        N  ModRM, 4 or 2 bytes   j  1-byte branch        t  as f6: ModRM, 1 byte if test
 *  w  2 bytes                   e  3 bytes (enter)       J  4-byte branch        T  as f7: the same with 4 or 2
 *  v  as z, 8 with REX.W        o  an address            -  unknown
 */
static const char one_byte[] =
    "mmmmbz--mmmmbz-E" /* 00 */
    "mmmmbz--mmmmbz--" /* 10 */
    "mmmmbzp-mmmmbzp-" /* 20 */
    "mmmmbzp-mmmmbzp-" /* 30 */
    "rrrrrrrrrrrrrrrr" /* 40 */
    "................" /* 50 */
    "--VmppppzNbn...." /* 60 */
    "jjjjjjjjjjjjjjjj" /* 70 */
    "nN-nmmmmmmmmmmmm" /* 80 */
    "..........-....." /* 90 */
    "oooo....bz......" /* a0 */
    "bbbbbbbbvvvvvvvv" /* b0 */
    "nnw.VVnNe.--.b--" /* c0 */
    "mmmm---.mmmmmmmm" /* d0 */
    "jjjjbbbbJJ-j...." /* e0 */
    "p.pp-.tT......mm"; /* f0 */

static const char two_byte[] =
    "mmmm-.....---m--" /* 00 */
    "mmmmmmmmmmmmmmmm" /* 10 */
    "mmmm----mmmmmmmm" /* 20 */
    "......-.E-E-----" /* 30 */
    "mmmmmmmmmmmmmmmm" /* 40 */
    "mmmmmmmmmmmmmmmm" /* 50 */
    "mmmmmmmmmmmmmmmm" /* 60 */
    "nnnnmmm.----mmmm" /* 70 */
    "JJJJJJJJJJJJJJJJ" /* 80 */
    "mmmmmmmmmmmmmmmm" /* 90 */
    "...mnm--...mnmmm" /* a0 */
    "mmmmmmmmm-nmmmmm" /* b0 */
    "mmnmnnnm........" /* c0 */
    "mmmmmmmmmmmmmmmm" /* d0 */
    "mmmmmmmmmmmmmmmm" /* e0 */
    "mmmmmmmmmmmmmmm-"; /* f0 */

_Static_assert(sizeof(one_byte) == 257 && sizeof(two_byte) == 257, "a letter for each opcode");

#define LENGTH_MAX 15

/* Opcode maps as VEX and EVEX number them. */
enum map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_FP16_5 = 5, MAP_FP16_6 = 6 };

struct prefixes {
    bool operand16, address32, rex, rex_w, vex;
    bool repeat_or_lock; /* f2, f3, f0 */
};

struct cursor {
    const u8 *code;
    size_t at, n; /* at > n: ran out of bytes */
};

static u8 next(struct cursor *c)
{
    return c->at < c->n ? c->code[c->at++] : (c->at = c->n + 1, 0);
}

/* Prefixes, escapes and the opcode. False: unknown. */
static bool read_opcode(struct cursor *c, struct prefixes *p, enum map *map, u8 *opcode)
{
    u8 byte = next(c);

    for (; one_byte[byte] == 'p'; byte = next(c)) {
        p->operand16 |= byte == 0x66;
        p->address32 |= byte == 0x67;
        p->repeat_or_lock |= byte >= 0xf0;
        if (c->at > LENGTH_MAX)
            return false;
    }
    if (one_byte[byte] == 'r') {
        p->rex = true;
        p->rex_w = byte & 8;
        byte = next(c);
        if (one_byte[byte] == 'p' || one_byte[byte] == 'r')
            return false;
    }
    *map = MAP_ONE;
    if (one_byte[byte] == 'V') {
        if (p->rex || p->operand16 || p->repeat_or_lock)
            return false;
        p->vex = true;
        u8 first = next(c);
        *map = byte == 0xc5 ? MAP_0F : byte == 0xc4 ? first & 31 : first & 7;
        for (unsigned more = byte == 0xc5 ? 0 : byte == 0xc4 ? 1 : 2; more; more--)
            next(c);
        byte = next(c);
        if (*map == MAP_ONE || *map == 4 || *map > MAP_FP16_6)
            return false;
    } else if (one_byte[byte] == 'E') {
        *map = MAP_0F;
        byte = next(c);
        if (two_byte[byte] == 'E') {
            *map = byte == 0x38 ? MAP_0F38 : MAP_0F3A;
            byte = next(c);
        }
    }
    *opcode = byte;
    return true;
}

/* ModRM with what follows it; returns the ModRM byte. */
static u8 read_modrm(struct cursor *c)
{
    u8 modrm = next(c), mod = modrm >> 6, base = modrm & 7;

    if (mod == 3)
        return modrm;
    if (base == 4)
        base = next(c) & 7;
    if (mod == 1)
        c->at += 1;
    else if (mod == 2 || base == 5) /* without displacement 5 means a 4-byte one */
        c->at += 4;
    return modrm;
}

static s64 read_offset(const struct cursor *c, unsigned size)
{
    u32 value = 0;

    if (c->at + size > c->n)
        return 0;
    for (unsigned i = 0; i < size; i++)
        value |= (u32)c->code[c->at + i] << 8 * i;
    return size == 1 ? (s8)value : (s32)value;
}

static bool is_filler(const struct prefixes *p, enum map map, u8 opcode, u8 modrm)
{
    if (p->rex || p->vex || p->repeat_or_lock)
        return false;
    if (map == MAP_ONE)
        return opcode == 0x90 || (opcode == 0xcc && !p->operand16);
    return map == MAP_0F && opcode == 0x1f && (modrm & 0x38) == 0;
}

bool x86_decode(const u8 *code, size_t n, struct x86_instruction *out)
{
    struct cursor c = {code, 0, n};
    struct prefixes p = {0};
    enum map map;
    u8 opcode, modrm = 0;

    if (!read_opcode(&c, &p, &map, &opcode))
        return false;
    char form = map == MAP_ONE    ? one_byte[opcode]
                : map == MAP_0F   ? two_byte[opcode]
                : map == MAP_0F3A ? 'n'
                                  : 'm';
    unsigned z = p.operand16 && !p.rex_w ? 2 : 4, tail = 0;

    *out = (struct x86_instruction){.flow = X86_FLOW_NEXT};
    if (p.vex && form != 'm' && form != 'n' && opcode != 0x77)
        return false;
    if (form == 'm' || form == 'n' || form == 'N' || form == 't' || form == 'T')
        modrm = read_modrm(&c);
    switch (form) {
    case '.':
    case 'm':
        break;
    case 'b':
    case 'n':
    case 'j':
        tail = 1;
        break;
    case 'z':
    case 'N':
        tail = z;
        break;
    case 'w':
        tail = 2;
        break;
    case 'e':
        tail = 3;
        break;
    case 'v':
        tail = p.rex_w ? 8 : z;
        break;
    case 'o':
        tail = p.address32 ? 4 : 8;
        break;
    case 't':
        tail = (modrm & 0x30) == 0 ? 1 : 0;
        break;
    case 'T':
        tail = (modrm & 0x30) == 0 ? z : 0;
        break;
    case 'J':
        if (z != 4) /* makers of CPUs disagree on its length */
            return false;
        tail = 4;
        break;
    default:
        return false;
    }
    s64 offset = read_offset(&c, tail == 1 ? 1 : 4);
    c.at += tail;
    if (c.at > n || c.at > LENGTH_MAX)
        return false;
    out->length = (u8)c.at;
    out->filler = is_filler(&p, map, opcode, modrm);
    out->target = (s64)c.at + offset;
    if (map == MAP_ONE && (opcode == 0xe9 || opcode == 0xeb))
        out->flow = X86_FLOW_JUMP;
    else if ((form == 'j' || form == 'J') && !(map == MAP_ONE && opcode == 0xe8))
        out->flow = X86_FLOW_BRANCH;
    else if (map == MAP_ONE && (opcode == 0xc2 || opcode == 0xc3))
        out->flow = X86_FLOW_LEAVES;
    else if (map == MAP_ONE && opcode == 0xff) {
        unsigned operation = modrm >> 3 & 7;
        if (operation == 3 || operation == 5 || operation == 7)
            return false;
        if (operation == 4)
            out->flow = X86_FLOW_LEAVES;
    } else if (map == MAP_ONE && ((opcode == 0x8f || opcode == 0xfe) && (modrm >> 3 & 7) > (opcode & 1 ? 0 : 1)))
        return false; /* XOP, and no instruction */
    return true;
}
