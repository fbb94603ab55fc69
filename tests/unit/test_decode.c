/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instruction lengths, compared with objdump over the whole C library, and the search for padding.
 * sources: platform/x86/decode.c platform/x86/hole.c
 */
#include <string.h>
#include "platform/x86/decode.h"
#include "tests/unit/test.h"

/* ---------------------------------------------------------------- lengths */

static bool decodes(const char *hex, unsigned length, struct x86_instruction *i)
{
    u8 code[32] = {0};
    unsigned n = 0, byte;

    for (int used; sscanf(hex, "%x%n", &byte, &used) == 1; hex += used)
        code[n++] = (u8)byte;
    return x86_decode(code, n, i) && i->length == length;
}

TEST(lengths)
{
    static const struct {
        const char *code;
        unsigned length;
    } cases[] = {
        {"0f 05", 2}, {"c3", 1}, {"48 3d 00 f0 ff ff", 6}, {"48 89 44 24 08", 5}, {"8b 04 25 01 02 03 04", 7},
        {"48 8b 05 01 02 03 04", 7}, {"64 c7 02 01 00 00 00", 7}, {"66 c7 02 01 00", 5}, {"48 b8 1 2 3 4 5 6 7 8", 10},
        {"66 b8 01 02", 4}, {"f6 c1 01", 3}, {"f6 d9", 2}, {"f7 05 1 2 3 4 5 6 7 8", 10}, {"f7 d8", 2}, {"c8 1 2 3", 4},
        {"a1 1 2 3 4 5 6 7 8", 9}, {"67 a1 1 2 3 4", 6}, {"62 f1 7c 48 10 40 01", 7}, {"c5 f8 77", 3},
        {"c4 e3 7d 39 c1 01", 6}, {"66 66 2e 0f 1f 84 00 00 00 00 00", 11}, {"66 66 48 e8 01 02 03 04", 8},
    };
    struct x86_instruction i;

    for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        char copy[64];
        CHECK(decodes(cases[k].code, cases[k].length, &i));
        /* One byte less is no instruction. */
        strcpy(copy, cases[k].code);
        if (strrchr(copy, ' '))
            *strrchr(copy, ' ') = 0;
        CHECK(cases[k].length == 1 || !decodes(copy, cases[k].length, &i));
    }
}

TEST(unknown)
{
    static const char *const cases[] = {"06", "9a 1 2 3 4 5 6", "0f 0b", "66 e9 1 2 3 4", "8f c8 1 2 3 4", "ff f8", "fe d0",
                                        "66 c5 f8 77", "40 66 90", "f4", "0f 04", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90"};
    struct x86_instruction i;

    for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        bool known = false;
        for (unsigned n = 1; n <= 17; n++)
            known |= decodes(cases[k], n, &i);
        CHECK(!known);
    }
}

TEST(flow)
{
    struct x86_instruction i;

    CHECK(decodes("eb 05", 2, &i) && i.flow == X86_FLOW_JUMP && i.target == 7);
    CHECK(decodes("e9 fb ff ff ff", 5, &i) && i.flow == X86_FLOW_JUMP && i.target == 0);
    CHECK(decodes("77 80", 2, &i) && i.flow == X86_FLOW_BRANCH && i.target == -126);
    CHECK(decodes("0f 87 00 01 00 00", 6, &i) && i.flow == X86_FLOW_BRANCH && i.target == 0x106);
    CHECK(decodes("e8 00 00 00 00", 5, &i) && i.flow == X86_FLOW_NEXT);
    CHECK(decodes("ff d0", 2, &i) && i.flow == X86_FLOW_NEXT);
    CHECK(decodes("3e ff e0", 3, &i) && i.flow == X86_FLOW_LEAVES);
    CHECK(decodes("f3 c3", 2, &i) && i.flow == X86_FLOW_LEAVES);
    CHECK(decodes("90", 1, &i) && i.filler);
    CHECK(decodes("66 90", 2, &i) && i.filler);
    CHECK(decodes("cc", 1, &i) && i.filler);
    CHECK(decodes("0f 1f 44 00 00", 5, &i) && i.filler);
    CHECK(decodes("f3 90", 2, &i) && !i.filler);          /* pause */
    CHECK(decodes("f3 0f 1e fa", 4, &i) && !i.filler);    /* endbr64 */
    CHECK(decodes("41 90", 2, &i) && !i.filler);          /* xchg %eax, %r8d */
    CHECK(decodes("89 c0", 2, &i) && !i.filler);
}

/* ---------------------------------------------------------------- the C library, as objdump sees it */

static u8 text[8 << 20];
static u64 text_start;
static size_t text_size;

TEST(library)
{
    FILE *f = popen("objdump -d -w -j .text /lib/x86_64-linux-gnu/libc.so.6", "r");
    char line[512];
    unsigned long count = 0, unknown = 0;

    CHECK(f);
    while (fgets(line, sizeof(line), f)) {
        u64 address;
        int used;
        unsigned byte, n = 0;
        struct x86_instruction i;

        if (sscanf(line, " %lx:%n", &address, &used) != 1 || line[used] != '\t')
            continue;
        if (!text_start)
            text_start = address;
        CHECK(address - text_start + 16 < sizeof(text));
        u8 *code = text + (address - text_start);
        char *at = line + used + 1;
        for (; *at != ' ' && *at != '\t' && sscanf(at, "%2x", &byte) == 1; at += 3)
            code[n++] = (u8)byte;
        text_size = address - text_start + n;
        /* objdump takes fwait and the x87 instruction behind it for one. */
        if (strstr(line, "(bad)") || code[0] == 0x9b)
            continue;
        count++;
        if (!x86_decode(code, n, &i))
            unknown++;
        else if (i.length != n) {
            printf("%u bytes, not %u: %s", i.length, n, line);
            CHECK(false);
        }
    }
    CHECK(pclose(f) == 0);
    printf("%lu instructions, %lu unknown\n", count, unknown);
    CHECK(count > 100000 && unknown < count / 500);
}

/* Most of its sites that the first form does not fit have a hole. */
TEST(library_holes)
{
    static const u8 unused[HOLE_WINDOW / 8 + 1];
    unsigned sites = 0, mov = 0, found = 0, unknown = 0, offset;

    for (size_t at = 8; at + HOLE_WINDOW + 2 < text_size; at++) {
        if (text[at] != 0x0f || text[at + 1] != 0x05)
            continue;
        sites++;
        if (text[at - 5] == 0xb8) {
            mov++;
            continue;
        }
        enum x86_hole h = x86_find_hole(text + at + 2, HOLE_WINDOW, text_start + at + 2, unused, &offset);
        found += h == HOLE_FOUND;
        unknown += h == HOLE_UNKNOWN;
    }
    printf("%u sites: %u mov, %u with a hole, %u not decoded\n", sites, mov, found, unknown);
    CHECK(sites > 300 && found >= (sites - mov) / 2);
}

/* ---------------------------------------------------------------- holes */

static u8 code[256], used[sizeof(code) / 8];

/* Fills code with int3-free nothing: `mov %eax, %eax`, which is no filler. */
static void fresh(void)
{
    for (unsigned i = 0; i < sizeof(code); i += 2)
        memcpy(code + i, "\x89\xc0", 2);
    memset(used, 0, sizeof(used));
}

static enum x86_hole find(vaddr_t address, unsigned *offset)
{
    *offset = 9999;
    return x86_find_hole(code, HOLE_WINDOW, address, used, offset);
}

TEST(hole)
{
    unsigned at;

    fresh();
    CHECK(find(0x1000, &at) == HOLE_NONE);
    code[4] = 0xc3;
    memset(code + 5, 0x90, 11);
    CHECK(find(0x1000, &at) == HOLE_FOUND && at == 5);
    CHECK(find(0x1005, &at) == HOLE_FOUND && at == 5);  /* up to the boundary at 11 */
    CHECK(find(0x1007, &at) == HOLE_NONE);              /* 4 bytes to the boundary */
    CHECK(find(0x100f, &at) == HOLE_NONE);              /* the filler ends before it */
    memset(code + 5, 0xcc, 11);
    CHECK(find(0x1000, &at) == HOLE_FOUND && at == 5);
    used[7 / 8] |= 1 << 7 % 8;
    CHECK(find(0x1000, &at) == HOLE_FOUND && at == 8);  /* two jumps in one padding */
    used[12 / 8] |= 1 << 12 % 8;
    CHECK(find(0x1000, &at) == HOLE_NONE);
}

TEST(hole_of_long_nops)
{
    unsigned at;

    fresh();
    code[0] = 0xc3;
    memcpy(code + 1, "\x66\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00\x0f\x1f\x40\x00", 15);
    CHECK(find(0x1000, &at) == HOLE_FOUND && at == 1);
    code[12] = 0x89; /* the rest is no filler */
    CHECK(find(0x1000, &at) == HOLE_NONE);
}

TEST(hole_that_may_be_executed)
{
    unsigned at;

    fresh();
    memset(code + 4, 0x90, 12);
    CHECK(find(0x1000, &at) == HOLE_NONE); /* nothing ends before it */
    memcpy(code + 2, "\xff\xd0", 2);       /* a call comes back */
    CHECK(find(0x1000, &at) == HOLE_NONE);
    memcpy(code + 2, "\xff\xe0", 2);
    CHECK(find(0x1000, &at) == HOLE_FOUND && at == 4);
    memcpy(code, "\x74\x04", 2); /* a branch to 6 */
    CHECK(find(0x1000, &at) == HOLE_NONE);
    memcpy(code, "\x74\x0c", 2); /* to 14: what is before that is never executed */
    CHECK(find(0x1000, &at) == HOLE_FOUND && at == 4);
    memcpy(code, "\x0f\x0b", 2);
    CHECK(find(0x1000, &at) == HOLE_UNKNOWN);
}

TEST(hole_reach)
{
    unsigned at;

    fresh();
    code[126] = 0xc3;
    memset(code + 127, 0xcc, 10);
    CHECK(find(0x1000 - 137, &at) == HOLE_FOUND && at == 127);
    fresh();
    code[127] = 0x90; /* keeps the pairs of `fresh` in step */
    code[126] = 0x90;
    code[128] = 0xc3;
    memset(code + 129, 0xcc, 10);
    CHECK(find(0x1000 - 139, &at) == HOLE_NONE);
}

/* Never reads behind what it may, whatever the bytes are. */
TEST(random_bytes)
{
    for (unsigned round = 0; round < 200000; round++) {
        size_t n = test_random(HOLE_WINDOW) + 1;
        u8 *bytes = malloc(n);
        unsigned at;

        for (size_t i = 0; i < n; i++)
            bytes[i] = test_random(3) ? (u8)test_random(256) : test_random(2) ? 0xc3 : 0x90;
        if (x86_find_hole(bytes, n, test_random(4096), used, &at) == HOLE_FOUND)
            CHECK(at + HOLE_SIZE <= n);
        free(bytes);
    }
}
