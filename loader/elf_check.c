/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this file a program that can run here? A pure function of the file's bytes: nothing is mapped or allocated. What
 * it lets through, loader/exec.c may map without further doubt: segments ascend, do not overlap, stay within the file
 * and within the addresses a program may have, and the entry point lies in one of them.
 * Source: System V ABI, chapters 4 and 5, and its AMD64 supplement; elf(5).
 */
#include "loader/loader.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "platform/platform.h"

#define MAX_PROGRAM_HEADERS (65536 / sizeof(Elf64_Phdr)) /* Linux's limit */
#define MAX_SPAN            (1ull << 46)
#define MAX_ALIGN           (1ull << 30)

/* What is being checked, and where the message goes. */
struct check {
    struct elf_image *image;
    u64 file_size;
    int (*read)(void *arg, u64 offset, void *buf, size_t n);
    void *arg;
    char *error;
    size_t error_size;
};

#define fail(c, code, ...) (snprintf((c)->error, (c)->error_size, __VA_ARGS__), (code))

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_ARM:
        return "32-bit ARM";
    case EM_AARCH64:
        return "ARM64";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC";
    case EM_S390:
        return "S/390";
    case EM_MIPS:
        return "MIPS";
    default:
        return "another machine";
    }
}

static int check_header(struct check *c)
{
    Elf64_Ehdr *h = &c->image->header;
    size_t n = MIN(c->file_size, (u64)sizeof(*h));
    memset(h, 0, sizeof(*h));
    int error = n ? c->read(c->arg, 0, h, n) : 0;
    if (error)
        return fail(c, error, "cannot be read");
    if (!n)
        return fail(c, -ENOEXEC, "is empty");
    if (n < SELFMAG || memcmp(h->e_ident, ELFMAG, SELFMAG))
        return fail(c, -ENOEXEC, "is not an ELF file");
    if (n >= EI_NIDENT && h->e_ident[EI_CLASS] != ELFCLASS64)
        return fail(c, -ENOEXEC, h->e_ident[EI_CLASS] == ELFCLASS32 ? "is a 32-bit ELF file, not a 64-bit one"
                                                                    : "has an unknown ELF class");
    if (n < sizeof(*h))
        return fail(c, -ENOEXEC, "is truncated: %lu bytes do not hold an ELF header", n);
    if (h->e_ident[EI_DATA] != ELFDATA2LSB)
        return fail(c, -ENOEXEC, "is a big-endian ELF file");
    if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
        return fail(c, -ENOEXEC, "has an unknown ELF version");
    if (h->e_machine != EM_X86_64)
        return fail(c, -ENOEXEC, "is for %s (ELF machine %u), not x86-64", machine_name(h->e_machine), h->e_machine);
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return fail(c, -ENOEXEC, "is %s, not a program",
                    h->e_type == ET_REL    ? "an object file"
                    : h->e_type == ET_CORE ? "a core dump"
                                           : "of an unknown ELF type");
    if (h->e_phentsize != sizeof(Elf64_Phdr))
        return fail(c, -ENOEXEC, "has program headers of %u bytes instead of %lu", h->e_phentsize, sizeof(Elf64_Phdr));
    if (h->e_phnum == 0)
        return fail(c, -ENOEXEC, "has no program headers");
    if (h->e_phnum > MAX_PROGRAM_HEADERS)
        return fail(c, -ENOEXEC, "has too many program headers (%u)", h->e_phnum);
    u64 table = (u64)h->e_phnum * sizeof(Elf64_Phdr);
    if (h->e_phoff > c->file_size || table > c->file_size - h->e_phoff)
        return fail(c, -ENOEXEC, "is truncated: its program headers end beyond the file's %llu bytes",
                    (unsigned long long)c->file_size);
    return 0;
}

/* One PT_LOAD segment, number i among the program headers. */
static int check_segment(struct check *c, unsigned i, const Elf64_Phdr *p)
{
    struct elf_image *image = c->image;
    u64 end;
    if (p->p_filesz > p->p_memsz)
        return fail(c, -ENOEXEC, "has a malformed segment %u: more bytes in the file than in memory", i);
    if (p->p_offset > c->file_size || p->p_filesz > c->file_size - p->p_offset)
        return fail(c, -ENOEXEC, "is truncated: segment %u ends beyond the file's %llu bytes", i,
                    (unsigned long long)c->file_size);
    if (p->p_align > 1 && ((p->p_align & (p->p_align - 1)) || p->p_align > MAX_ALIGN))
        return fail(c, -ENOEXEC, "has a malformed segment %u: alignment %#llx", i, (unsigned long long)p->p_align);
    if (p->p_filesz && ((p->p_vaddr ^ p->p_offset) & (PAGE_SIZE - 1)))
        return fail(c, -ENOEXEC, "has a malformed segment %u: address and file offset are not aligned alike", i);
    if (__builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end > USER_SPACE_END)
        return fail(c, -ENOEXEC, "has segment %u outside the addresses of programs", i);
    u64 low = ALIGN_DOWN(p->p_vaddr, PAGE_SIZE), high = ALIGN_UP(end, PAGE_SIZE);
    if (!image->position_independent) {
        if (low < USER_SPACE_START)
            return fail(c, -ENOEXEC, "has segment %u outside the addresses of programs", i);
        if (low < KERNEL_SPACE_END && high > KERNEL_SPACE_START)
            return fail(c, -ENOEXEC, "has segment %u at addresses that the kernel uses", i);
    }
    if (image->segment_count) {
        const Elf64_Phdr *last = &image->segments[image->segment_count - 1];
        if (p->p_vaddr < last->p_vaddr)
            return fail(c, -ENOEXEC, "has segments that are not in ascending order");
        if (p->p_vaddr < last->p_vaddr + last->p_memsz)
            return fail(c, -ENOEXEC, "has overlapping segments");
    }
    if (image->segment_count == ARRAY_SIZE(image->segments))
        return fail(c, -ENOEXEC, "has more than %lu loadable segments", ARRAY_SIZE(image->segments));
    if (!image->segment_count)
        image->low = low;
    image->high = high;
    if (image->high - image->low > MAX_SPAN)
        return fail(c, -ENOEXEC, "spans more addresses than there are");
    image->max_align = MAX(image->max_align, p->p_align);
    u64 phoff = image->header.e_phoff;
    if (!image->phdr_address && p->p_offset <= phoff && phoff < p->p_offset + p->p_filesz)
        image->phdr_address = phoff - p->p_offset + p->p_vaddr;
    image->segments[image->segment_count++] = *p;
    return 0;
}

static int check_interpreter(struct check *c, const Elf64_Phdr *p)
{
    char *path = c->image->interpreter;
    if (path[0])
        return 0; /* the first counts */
    if (p->p_filesz < 2 || p->p_filesz > sizeof(c->image->interpreter))
        return fail(c, -ENOEXEC, "has a malformed interpreter path");
    if (p->p_offset > c->file_size || p->p_filesz > c->file_size - p->p_offset)
        return fail(c, -ENOEXEC, "is truncated: its interpreter path ends beyond the file");
    int error = c->read(c->arg, p->p_offset, path, p->p_filesz);
    if (error)
        return fail(c, error, "cannot be read");
    if (path[p->p_filesz - 1] || !path[0])
        return fail(c, -ENOEXEC, "has a malformed interpreter path");
    return 0;
}

static int check_program_headers(struct check *c)
{
    struct elf_image *image = c->image;
    for (unsigned i = 0; i < image->header.e_phnum; i++) {
        Elf64_Phdr p;
        int error = c->read(c->arg, image->header.e_phoff + i * sizeof(p), &p, sizeof(p));
        if (error)
            return fail(c, error, "cannot be read");
        if (p.p_type == PT_LOAD && p.p_memsz)
            error = check_segment(c, i, &p);
        else if (p.p_type == PT_LOAD && p.p_filesz)
            error = fail(c, -ENOEXEC, "has a malformed segment %u: more bytes in the file than in memory", i);
        else if (p.p_type == PT_INTERP)
            error = check_interpreter(c, &p);
        else if (p.p_type == PT_GNU_STACK)
            image->executable_stack = p.p_flags & PF_X;
        if (error)
            return error;
    }
    return 0;
}

static bool entry_in_segment(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *p = &image->segments[i];
        if (image->header.e_entry >= p->p_vaddr && image->header.e_entry - p->p_vaddr < p->p_memsz)
            return true;
    }
    return false;
}

int elf_check(struct elf_image *image, u64 file_size,
              int (*read)(void *arg, u64 offset, void *buf, size_t n), void *arg, char *error, size_t error_size)
{
    struct check c = {image, file_size, read, arg, error, error_size};
    memset(image, 0, sizeof(*image));
    image->max_align = PAGE_SIZE;
    int result = check_header(&c);
    if (result)
        return result;
    image->position_independent = image->header.e_type == ET_DYN;
    result = check_program_headers(&c);
    if (result)
        return result;
    if (!image->segment_count)
        return fail(&c, -ENOEXEC, "has nothing to load");
    if (!entry_in_segment(image))
        return fail(&c, -ENOEXEC, "has its entry point outside its segments");
    return 0;
}
