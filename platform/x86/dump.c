/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a panic shows: registers and a stack trace by frame pointers, with names from the symbol
 * table that the second link step puts into the image. Uses nothing but early output, so it works
 * anywhere.
 */
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

/*
 * Written by symbols.awk: offset of the first from IMAGE_BASE, distance from each to the next,
 * and the names, in which a byte of 128 and more, or less than 32, stands for two.
 */
extern const u32 symbol_first, symbol_count;
extern const u16 symbol_distances[];
extern const char symbol_names[];
extern const u8 symbol_pairs[][2];

/* The name as it is written. */
static const char *expand(const char *name)
{
    static char text[128];
    size_t n = 0;

    for (; *name; name++) {
        u8 rest[32]; /* the next on top; pairs nest no deeper than a word has letters */
        unsigned depth = 0;
        for (rest[depth++] = (u8)*name; depth && depth < sizeof(rest) - 1 && n < sizeof(text) - 1;) {
            u8 byte = rest[--depth];
            if (byte >= 32 && byte < 128) {
                text[n++] = (char)byte;
                continue;
            }
            const u8 *pair = symbol_pairs[byte < 32 ? byte + 127 : byte - 128];
            rest[depth++] = pair[1];
            rest[depth++] = pair[0];
        }
    }
    text[n] = 0;
    return text;
}

const char *platform_symbol(vaddr_t address, u64 *offset)
{
    const char *name = symbol_names;
    u64 at = IMAGE_BASE + symbol_first;

    if (symbol_count == 0 || address < at)
        return NULL;
    for (u32 i = 1; i < symbol_count && at + symbol_distances[i - 1] <= address; i++) {
        at += symbol_distances[i - 1];
        name += strlen(name) + 1;
    }
    *offset = address - at;
    return expand(name);
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (const char *p = line; *p; p++)
        platform_early_putc(*p);
}

static void put_address(vaddr_t address)
{
    u64 offset = 0;
    const char *name = platform_symbol(address, &offset);
    if (name)
        put("  %#llx %s+%#llx\n", (unsigned long long)address, name, (unsigned long long)offset);
    else
        put("  %#llx\n", (unsigned long long)address);
}

static bool readable(vaddr_t address)
{
    struct pt_leaf leaf;
    return is_kernel_address(address) && platform_pt_lookup(kernel_root(), address, &leaf) == 0;
}

/* Each frame: the caller's RBP, then the return address. */
static void trace(vaddr_t bp)
{
    for (unsigned depth = 0; depth < 40 && !(bp & 7) && readable(bp) && readable(bp + 8); depth++) {
        vaddr_t next = ((vaddr_t *)bp)[0], from = ((vaddr_t *)bp)[1];
        if (!from)
            return;
        put_address(from);
        if (next <= bp)
            return;
        bp = next;
    }
}

void platform_dump_state(void *frame)
{
    static bool dumping; /* a fault in here must not start over */
    const struct user_frame *r = frame;
    if (__atomic_exchange_n(&dumping, true, __ATOMIC_RELAXED))
        return;
    put("cpu %u, ring %d\n", this_cpu()->cpu, x86_ring);
    if (!r) {
        put("stack:\n");
        trace((vaddr_t)__builtin_frame_address(0));
        dumping = false;
        return;
    }
#define ULL(x) (unsigned long long)(r->x)
    put("ip %016llx sp %016llx flags %08llx cs %llx\n", ULL(ip), ULL(sp), ULL(flags), ULL(cs));
    put("ax %016llx bx %016llx cx %016llx dx %016llx\n", ULL(ax), ULL(bx), ULL(cx), ULL(dx));
    put("si %016llx di %016llx bp %016llx r8 %016llx\n", ULL(si), ULL(di), ULL(bp), ULL(r8));
    put("r9 %016llx 10 %016llx 11 %016llx 12 %016llx\n", ULL(r9), ULL(r10), ULL(r11), ULL(r12));
    put("13 %016llx 14 %016llx 15 %016llx\n", ULL(r13), ULL(r14), ULL(r15));
#undef ULL
    put("stack:\n");
    put_address(r->ip);
    trace(r->bp);
    dumping = false;
}
